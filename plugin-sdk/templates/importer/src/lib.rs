//! Reads lists of bills, one a line:
//!
//! ```text
//! BILLS|1
//! # invoice|due|payer|e-mail|amount
//! 1001|2026-12-31|Jane Roe|jane@example.com|1250.00
//! ```
//!
//! Nothing is guessed: a line that cannot be read is rejected with its reason, and the others go on.

use remitd_plugin_sdk::chrono::NaiveDate;
use remitd_plugin_sdk::importer::{Conventions, Importer, Out, Row, Source};
use remitd_plugin_sdk::rust_decimal::Decimal;
use remitd_plugin_sdk::{About, Context, Failure, export_importer, money, settings};

/// First line: what the file is, and the version of its form.
const FIRST_LINE: &str = "BILLS|1";
/// Asked for at once. A file of any size is read in this much memory.
const PIECE_BYTES: u32 = 64 << 10;
/// A longer line is no bill, and is not kept to find out.
const LINE_MAX_BYTES: usize = 16 << 10;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct {{Type}} {
    #[serde(default)]
    message: String,
}

impl Importer for {{Type}} {
    const ABOUT: About = About {
        name: "{{name}}",
        version: env!("CARGO_PKG_VERSION"),
        settings_schema: include_str!("../settings.schema.json"),
    };

    fn open() -> Result<{{Type}}, Failure> {
        settings()
    }

    fn recognise(_file_name: &str, head: &[u8]) -> u8 {
        let rest = without_mark(head).strip_prefix(FIRST_LINE.as_bytes());
        if matches!(rest, Some([] | [b'\r' | b'\n', ..])) {
            100
        } else {
            0
        }
    }

    fn read(
        &self,
        _context: &Context,
        source: &mut Source<'_>,
        out: &mut Out<'_>,
        conventions: &Conventions,
    ) -> Result<u64, Failure> {
        let mut lines = Lines::new(source);
        match lines.next()? {
            Some(first) if without_mark(first) == FIRST_LINE.as_bytes() => {}
            _ => {
                let message = format!("line 1 is not \"{FIRST_LINE}\": this is no list of bills");
                return Err(Failure::invalid("not-a-list", message));
            }
        }
        let mut rows = 0;
        while let Some(line) = lines.next()? {
            if line.trim_ascii().is_empty() || line.starts_with(b"#") {
                continue;
            }
            rows += 1;
            let line = line.to_vec();
            self.bill(lines.number, &line, out, conventions)?;
        }
        Ok(rows)
    }
}

impl {{Type}} {
    /// One line: a draft, or what is wrong with it.
    fn bill(
        &self,
        line: u32,
        bytes: &[u8],
        out: &mut Out<'_>,
        conventions: &Conventions,
    ) -> Result<(), Failure> {
        if bytes.len() > LINE_MAX_BYTES {
            let message = format!("the line is longer than {LINE_MAX_BYTES} bytes");
            return out.reject(line, "", "", "line-too-long", message);
        }
        let Ok(text) = str::from_utf8(bytes) else {
            return out.reject(
                line,
                "",
                &String::from_utf8_lossy(bytes),
                "not-utf-8",
                "the line is not UTF-8",
            );
        };
        let cells: Vec<&str> = text.split('|').map(str::trim).collect();
        let [invoice, due, payer_name, payer_email, amount] = cells[..] else {
            let message = format!("a bill has 5 columns, this line has {}", cells.len());
            return out.reject(line, "", text, "columns", message);
        };
        let due_date = match due.parse::<NaiveDate>() {
            Ok(date) => Some(date),
            Err(_) if due.is_empty() => None,
            Err(_) => {
                out.reject(
                    line,
                    "due",
                    due,
                    "bad-date",
                    "the date is not written as in 2026-12-31",
                )?;
                None
            }
        };
        let amount_minor = match minor(amount, conventions) {
            Ok(minor) => minor,
            Err(why) => {
                out.reject(line, "amount", amount, "bad-amount", why)?;
                1
            }
        };
        // A rejected line goes along too, an unreadable amount as 1: the daemon never takes it, but says what else is wrong
        // with it (an address that cannot be one, say), so that everything is mended at once.
        let message = &self.message;
        out.draft(&Row {
            line,
            amount_minor,
            due_date,
            invoice,
            payer_name,
            payer_email,
            message,
            ..Row::default()
        })
    }
}

/// Exact: never through a float, never rounded.
fn minor(amount: &str, conventions: &Conventions) -> Result<i64, String> {
    let written = amount
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    match Decimal::from_str_exact(amount) {
        Ok(decimal) if written => {
            money::to_minor(decimal, conventions.exponent.into()).map_err(|failure| failure.message)
        }
        _ => Err("the amount is not written as in 1250.00".to_owned()),
    }
}

/// Without the byte order mark that some programs put before UTF-8.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// The file by lines, however it comes in pieces. Of a line that is too long, only so much is kept as shows that it is.
struct Lines<'a, 'b> {
    source: &'a mut Source<'b>,
    piece: Vec<u8>,
    /// Where the rest of the piece begins.
    at: usize,
    line: Vec<u8>,
    /// Of the line that was given last, from 1.
    number: u32,
}

impl<'a, 'b> Lines<'a, 'b> {
    fn new(source: &'a mut Source<'b>) -> Lines<'a, 'b> {
        Lines {
            source,
            piece: Vec::new(),
            at: 0,
            line: Vec::new(),
            number: 0,
        }
    }

    /// Without its end, LF or CR LF; none after the last.
    fn next(&mut self) -> Result<Option<&[u8]>, Failure> {
        self.line.clear();
        let mut begun = false;
        loop {
            if self.at == self.piece.len() {
                self.piece = self.source.read(PIECE_BYTES)?;
                self.at = 0;
                if self.piece.is_empty() && !begun {
                    return Ok(None);
                }
            }
            let rest = &self.piece[self.at..];
            begun = true;
            let end = rest.iter().position(|byte| *byte == b'\n');
            let part = &rest[..end.unwrap_or(rest.len())];
            let room = (LINE_MAX_BYTES + 2).saturating_sub(self.line.len());
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            self.at += end.map_or(rest.len(), |end| end + 1);
            if end.is_some() || self.piece.is_empty() {
                self.number = self.number.saturating_add(1);
                let line = &self.line[..];
                return Ok(Some(line.strip_suffix(b"\r").unwrap_or(line)));
            }
        }
    }
}

export_importer!({{Type}});

#[cfg(test)]
mod tests {
    use super::*;
    use remitd_plugin_sdk::mock::{self, Services, install};

    /// What came out: the count, the drafts as `line invoice amount`, the findings as `line code`.
    type Came = (Result<u64, String>, Vec<String>, Vec<String>);

    /// Reads `file` in pieces of so many bytes.
    fn read(file: &[u8], piece: usize) -> Came {
        install(Services::new(r#"{"message":"Thank you."}"#));
        let importer = {{Type}}::open().unwrap();
        let read = match mock::read(&importer, file, piece, &mock::conventions("bills.txt")) {
            Ok(read) => read,
            Err(failure) => return (Err(failure.code), Vec::new(), Vec::new()),
        };
        assert!(read.adds_up(), "no row vanishes");
        let drafts = read.drafts();
        let drafts = drafts.map(|row| format!("{} {} {}", row.line, row.invoice, row.amount_minor));
        let findings = read.findings.iter();
        let findings = findings.map(|found| format!("{} {}", found.line, found.code));
        (Ok(read.rows), drafts.collect(), findings.collect())
    }

    const FILE: &[u8] = b"BILLS|1\r\n# invoice|due|payer|e-mail|amount\r\n\
        1001|2026-12-31|Jane Roe|jane@example.com|1250.00\r\n\
        \r\n\
        1002|31.12.2026|Jane Roe|jane@example.com|12.345\r\n\
        1003|Jane Roe\r\n\
        1004||Joe Roe|joe@example.com|7";

    #[test]
    fn bills_become_drafts_and_the_rest_is_said() {
        for piece in [1, 7, FILE.len()] {
            let (rows, drafts, findings) = read(FILE, piece);
            assert_eq!(rows, Ok(4), "in pieces of {piece}");
            assert_eq!(drafts, ["3 1001 125000", "5 1002 1", "7 1004 700"]);
            assert_eq!(findings, ["5 bad-date", "5 bad-amount", "6 columns"]);
        }
    }

    #[test]
    fn another_file_is_refused_as_a_whole() {
        for file in [&b""[..], b"Invoice,Amount\n1,2\n", b"BILLS|2\n"] {
            assert_eq!(read(file, 64).0, Err("not-a-list".to_owned()));
            assert_eq!({{Type}}::recognise("bills.txt", file), 0);
        }
        assert_eq!({{Type}}::recognise("bills.txt", FILE), 100);
    }

    #[test]
    fn a_line_without_end_is_not_kept() {
        let mut file = b"BILLS|1\n".to_vec();
        file.resize(2 << 20, b'x');
        assert_eq!(read(&file, 4096).2, ["2 line-too-long"]);
    }
}
