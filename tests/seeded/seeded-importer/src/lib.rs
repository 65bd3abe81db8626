//! An importer of `name|address|amount` lines that is right where `bug` is `none`, and wrong in one way for each name of a
//! mistake. Only the conformance kit's own test uses it.

use remitd_plugin_sdk::importer::{Conventions, Importer, Out, Row, Source};
use remitd_plugin_sdk::{About, Context, Failure, export_importer, settings};
use serde::Deserialize;

const HEADER: &str = "name|address|amount";
const PIECE_BYTES: u32 = 16 << 10;
const LINE_MAX_BYTES: usize = 64 << 10;
/// What a careless reader keeps of each line.
const KEPT_BYTES: usize = 8 << 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeededImporter {
    bug: String,
}

impl Importer for SeededImporter {
    const ABOUT: About = About {
        name: "Seeded importer",
        version: env!("CARGO_PKG_VERSION"),
        settings_schema: include_str!("../settings.schema.json"),
    };

    fn open() -> Result<SeededImporter, Failure> {
        settings()
    }

    fn recognise(file_name: &str, head: &[u8]) -> u8 {
        // It has no settings of its own here, so it asks for them.
        let bug = settings::<SeededImporter>().map(|plugin| plugin.bug).unwrap_or_default();
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        match bug.as_str() {
            "claims-everything" => 90,
            "goes-by-the-name" if file_name.ends_with(".txt") => 90,
            "goes-by-the-name" => 0,
            _ if head.starts_with(HEADER.as_bytes()) => 90,
            _ => 0,
        }
    }

    fn read(
        &self,
        _context: &Context,
        source: &mut Source<'_>,
        out: &mut Out<'_>,
        _conventions: &Conventions,
    ) -> Result<u64, Failure> {
        let mut reading = Reading { plugin: self, out, line: 0, rows: 0, kept: Vec::new() };
        let mut rest: Vec<u8> = Vec::new();
        loop {
            let piece = match source.read(PIECE_BYTES) {
                Err(_) if self.has("error-is-the-end") => Vec::new(),
                piece => piece?,
            };
            let short = u32::try_from(piece.len()).is_ok_and(|length| length < PIECE_BYTES);
            rest.extend_from_slice(&piece);
            while let Some(at) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=at).collect();
                reading.line(line.get(..at).unwrap_or_default())?;
            }
            if rest.len() > LINE_MAX_BYTES {
                reading.too_long()?;
                rest.clear();
            }
            if piece.is_empty() || (short && self.has("short-read-is-the-end")) {
                break;
            }
        }
        if !rest.is_empty() && !self.has("last-line-needs-an-end") {
            reading.line(&rest)?;
        }
        Ok(reading.rows + u64::from(self.has("counts-the-header")))
    }
}

impl SeededImporter {
    fn has(&self, bug: &str) -> bool {
        self.bug == bug
    }
}

struct Reading<'a, 'b> {
    plugin: &'a SeededImporter,
    out: &'a mut Out<'b>,
    line: u32,
    rows: u64,
    kept: Vec<String>,
}

impl Reading<'_, '_> {
    fn line(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let plugin = self.plugin;
        self.line += 1;
        let bytes = if plugin.has("keeps-carriage-returns") {
            bytes
        } else {
            bytes.strip_suffix(b"\r").unwrap_or(bytes)
        };
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            #[allow(clippy::panic, reason = "the mistake is the panic")]
            Err(_) if plugin.has("unwraps-utf-8") => panic!("the line is no UTF-8"),
            Err(_) => return self.reject("", "encoding", "the line is no UTF-8: save the file again"),
        };
        if plugin.has("keeps-every-line") {
            let mut kept = String::with_capacity(KEPT_BYTES);
            kept.push_str(&text);
            self.kept.push(kept);
        }
        let marked =
            text.strip_prefix('\u{feff}').filter(|_| self.line == 1 && !plugin.has("mark-is-a-letter"));
        let text = marked.unwrap_or(&text);
        if self.line == 1 && text == HEADER {
            return Ok(());
        }
        if text.trim().is_empty() && !plugin.has("blank-lines-are-rows") {
            return Ok(());
        }
        self.row(text)
    }

    fn row(&mut self, text: &str) -> Result<(), Failure> {
        let plugin = self.plugin;
        let mut cells = text.split('|');
        let (Some(name), Some(address), Some(amount), None) =
            (cells.next(), cells.next(), cells.next(), cells.next())
        else {
            return self.reject(text, "fields", "the line has not three cells: name|address|amount");
        };
        let amount_minor = match minor(amount, plugin.has("amount-by-float")) {
            Some(minor) => minor,
            None if plugin.has("no-amount-is-nothing") => 0,
            None => return self.reject(amount, "amount", "the amount cannot be read: write it as 12.50"),
        };
        let line = match plugin.bug.as_str() {
            "lines-from-nought" => self.line - 2,
            "one-line-for-all" => 2,
            _ => self.line,
        };
        self.rows += 1;
        self.out.draft(&Row { line, amount_minor, payer_name: name, payer_email: address, ..Row::default() })
    }

    fn reject(&mut self, value: &str, code: &str, message: &str) -> Result<(), Failure> {
        if !self.plugin.has("bad-rows-uncounted") {
            self.rows += 1;
        }
        let message = if self.plugin.has("finding-says-nothing") { "bad" } else { message };
        self.out.reject(self.line, "", value, code, message)
    }

    fn too_long(&mut self) -> Result<(), Failure> {
        self.line += 1;
        self.reject("", "too-long", "the line is longer than 64 KiB: is it a list at all?")
    }
}

/// `12.50` in cents.
#[allow(clippy::float_arithmetic, clippy::cast_possible_truncation, reason = "the mistake is the float")]
fn minor(text: &str, by_float: bool) -> Option<i64> {
    if by_float {
        return Some((text.parse::<f64>().ok()? * 100.0) as i64);
    }
    let (whole, cents) = text.split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    if !digits(whole) || !digits(cents) || cents.len() != 2 {
        return None;
    }
    let minor = whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(cents.parse().ok()?)?;
    (minor > 0).then_some(minor)
}

export_importer!(SeededImporter);
