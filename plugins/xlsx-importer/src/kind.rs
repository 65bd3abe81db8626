//! Is a file a workbook? Told by its name and its first bytes; one that is not, and that no importer can read, is claimed a little, so
//! that whoever sent it learns how to save it.

/// How an archive begins, and an old workbook or one with a password.
const LOCAL: [u8; 4] = *b"PK\x03\x04";
const OLE: [u8; 4] = [0xD0, 0xCF, 0x11, 0xE0];
const NAMES: [&str; 4] = [".xlsx", ".xlsm", ".xltx", ".xls"];

/// From 0 (no) to 100 (sure).
pub fn sure(file_name: &str, head: &[u8]) -> u8 {
    let name = file_name.to_ascii_lowercase();
    let by_name = NAMES.iter().any(|ending| name.ends_with(ending));
    let has = |part: &[u8]| head.windows(part.len()).any(|window| window == part);
    match (head.starts_with(&LOCAL), head.starts_with(&OLE), by_name) {
        (true, _, _) if has(b"xl/") || has(b"xl\\") => 95,
        (true, _, true) => 80,
        (_, true, true) => 60,
        (true, _, _) if has(b"[Content_Types].xml") || has(b"opendocument.spreadsheet") => 30,
        (_, true, _) => 10,
        _ => 0,
    }
}
