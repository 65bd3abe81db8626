//! Workbooks as tests make them: a few parts, each of which may be something else.

use rawzip::path::EntryPath;
use rawzip::{CompressionMethod, ZipArchiveWriter};
use std::io::Write;

pub const MAIN: &str = "xl/workbook.xml";
pub const LINKS: &str = "xl/_rels/workbook.xml.rels";
pub const TEXTS: &str = "xl/sharedStrings.xml";
pub const STYLES: &str = "xl/styles.xml";
pub const SHEET: &str = "xl/worksheets/sheet1.xml";
pub const HEADER: &str = "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>Invoice</t></is></c><c r=\"B1\" t=\"inlineStr\"><is><t>Due</t></is></c>\
    <c r=\"C1\" t=\"inlineStr\"><is><t>Name</t></is></c><c r=\"D1\" t=\"inlineStr\"><is><t>Email</t></is></c>\
    <c r=\"E1\" t=\"inlineStr\"><is><t>Amount</t></is></c><c r=\"F1\" t=\"inlineStr\"><is><t>Message</t></is></c></row>";

#[derive(Clone)]
pub struct Book {
    parts: Vec<(String, String)>,
    method: CompressionMethod,
}

impl Book {
    /// Of one sheet, with these rows below [`HEADER`].
    pub fn new(rows: &str) -> Book {
        let relation = |id: &str, kind: &str, target: &str| {
            format!(
                "<Relationship Id=\"{id}\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}\" Target=\"{target}\"/>"
            )
        };
        let root = relation("rId1", "officeDocument", MAIN);
        let links = [
            relation("rId1", "worksheet", "worksheets/sheet1.xml"),
            relation("rId2", "sharedStrings", "sharedStrings.xml"),
            relation("rId3", "styles", "styles.xml"),
            relation("rId4", "worksheet", "worksheets/sheet2.xml"),
        ];
        let parts = [
            ("[Content_Types].xml", "<Types/>".to_owned()),
            ("_rels/.rels", format!("<Relationships>{root}</Relationships>")),
            (MAIN, "<workbook xmlns:r=\"r\"><sheets><sheet name=\"June\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>".to_owned()),
            (LINKS, format!("<Relationships>{}</Relationships>", links.concat())),
            (STYLES, styles(&[])),
            (SHEET, sheet(&format!("{HEADER}{rows}"), "")),
        ];
        let parts = parts.map(|(name, text)| (name.to_owned(), text)).to_vec();
        Book { parts, method: CompressionMethod::DEFLATE }
    }

    pub fn stored(self) -> Book {
        Book { method: CompressionMethod::STORE, ..self }
    }

    pub fn part(mut self, name: &str, text: impl Into<String>) -> Book {
        self.parts.retain(|(known, _)| known != name);
        self.parts.push((name.to_owned(), text.into()));
        self
    }

    pub fn replace(mut self, name: &str, from: &str, to: &str) -> Book {
        let part = self.parts.iter_mut().find(|(known, _)| known == name).unwrap();
        assert!(part.1.contains(from), "{}", part.1);
        part.1 = part.1.replace(from, to);
        self
    }

    pub fn named(mut self, name: &str, other: &str) -> Book {
        let part = self.parts.iter_mut().find(|(known, _)| known == name).unwrap();
        part.0 = other.to_owned();
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut archive = ZipArchiveWriter::new(Vec::new());
        for (name, text) in &self.parts {
            let file = archive.new_file(EntryPath::verbatim(name.as_bytes())).compression_method(self.method);
            let (mut entry, config) = file.start().unwrap();
            let output = if self.method == CompressionMethod::STORE {
                let mut into = config.wrap(&mut entry);
                into.write_all(text.as_bytes()).unwrap();
                into.finish().unwrap().1
            } else {
                let packing = flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::fast());
                let mut into = config.wrap(packing);
                into.write_all(text.as_bytes()).unwrap();
                let (packing, output) = into.finish().unwrap();
                packing.finish().unwrap();
                output
            };
            entry.finish(output).unwrap();
        }
        archive.finish().unwrap()
    }
}

pub fn sheet(rows: &str, below: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<worksheet><sheetData>{rows}</sheetData>{below}</worksheet>"
    )
}

/// Style 0 is plain, then one for each code.
pub fn styles(codes: &[&str]) -> String {
    let formats: String = (164..)
        .zip(codes)
        .map(|(id, code)| {
            format!(
                "<numFmt numFmtId=\"{id}\" formatCode=\"{}\"/>",
                code.replace('&', "&amp;").replace('"', "&quot;")
            )
        })
        .collect();
    let styles: String = (164..).zip(codes).map(|(id, _)| format!("<xf numFmtId=\"{id}\"/>")).collect();
    format!(
        "<styleSheet><numFmts>{formats}</numFmts><cellStyleXfs><xf numFmtId=\"14\"/></cellStyleXfs><cellXfs><xf numFmtId=\"0\"/>{styles}</cellXfs></styleSheet>"
    )
}

/// A row of these cells: `=12.5` is a number, `#3=12.5` one of style 3, `<c…` itself, the rest text.
pub fn row(line: u32, cells: &[&str]) -> String {
    let cells = cells.iter().zip('A'..).map(|(cell, column)| {
        let place = format!("r=\"{column}{line}\"");
        if let Some(rest) = cell.strip_prefix('#')
            && let Some((style, number)) = rest.split_once('=')
        {
            format!("<c {place} s=\"{style}\"><v>{number}</v></c>")
        } else if let Some(number) = cell.strip_prefix('=') {
            format!("<c {place}><v>{number}</v></c>")
        } else if let Some(rest) = cell.strip_prefix("<c") {
            format!("<c {place}{rest}")
        } else if cell.is_empty() {
            String::new()
        } else {
            format!("<c {place} t=\"inlineStr\"><is><t>{cell}</t></is></c>")
        }
    });
    format!("<row r=\"{line}\">{}</row>", cells.collect::<String>())
}
