//! An odd list as a workbook: its lines are rows, its cells are numbers or texts, and now and then the archive itself is damaged.

use rawzip::path::EntryPath;
use rawzip::{CompressionMethod, ZipArchiveWriter};
use remitd_tests::chance::Chance;
use std::io::Write as _;

/// One file in so many is damaged after it was packed, one cell in so many is written as no XML should be.
const DAMAGED_ONE_IN: u64 = 8;
const RAW_ONE_IN: u64 = 200;
const LINKS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

pub fn pack(chance: &mut Chance, list: &[u8]) -> Vec<u8> {
    let list = String::from_utf8_lossy(list);
    let placed = chance.below(2) == 0;
    let rows = (1..).zip(list.split('\n')).map(|(line, text)| row(chance, text, placed.then_some(line)));
    let sheet = format!("<worksheet><sheetData>{}</sheetData></worksheet>", rows.collect::<String>());
    let link = |kind: &str, target: &str| {
        format!(
            "<Relationships><Relationship Id=\"r1\" Type=\"{LINKS}/{kind}\" Target=\"{target}\"/></Relationships>"
        )
    };
    let main = "<workbook xmlns:r=\"r\"><sheets><sheet name=\"June\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>";
    let parts = [
        ("_rels/.rels", link("officeDocument", "xl/workbook.xml")),
        ("xl/workbook.xml", main.to_owned()),
        ("xl/_rels/workbook.xml.rels", link("worksheet", "worksheets/sheet1.xml")),
        ("xl/worksheets/sheet1.xml", sheet),
    ];
    let mut file = archive(&parts);
    if chance.below(DAMAGED_ONE_IN) == 0 {
        let at = chance.at(file.len());
        match chance.below(2) {
            0 => file[at] ^= 1 << chance.below(8),
            _ => file.truncate(at),
        }
    }
    file
}

fn row(chance: &mut Chance, text: &str, line: Option<u32>) -> String {
    let cells: String = text.trim_end_matches('\r').split(',').map(|cell| written(chance, cell)).collect();
    let place = line.map(|line| format!(" r=\"{line}\"")).unwrap_or_default();
    format!("<row{place}>{cells}</row>")
}

/// Cells without a place stand in the order of the file.
fn written(chance: &mut Chance, cell: &str) -> String {
    let is_number = cell.parse::<f64>().is_ok();
    if is_number && chance.below(2) == 0 {
        return format!("<c><v>{cell}</v></c>");
    }
    let text = match chance.below(RAW_ONE_IN) {
        0 => cell.to_owned(),
        _ => cell.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
    };
    format!("<c t=\"inlineStr\"><is><t xml:space=\"preserve\">{text}</t></is></c>")
}

fn archive(parts: &[(&str, String)]) -> Vec<u8> {
    let mut archive = ZipArchiveWriter::new(Vec::new());
    for (name, text) in parts {
        let file = archive
            .new_file(EntryPath::verbatim(name.as_bytes()))
            .compression_method(CompressionMethod::STORE);
        let (mut entry, config) = file.start().unwrap();
        let mut into = config.wrap(&mut entry);
        into.write_all(text.as_bytes()).unwrap();
        let (_, output) = into.finish().unwrap();
        entry.finish(output).unwrap();
    }
    archive.finish().unwrap()
}
