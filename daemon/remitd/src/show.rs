//! Answers: a table for people, one JSON document for programs; data on stdout, all else on stderr.

use crate::fault::Fault;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;
use std::io::Write;

/// Prints one JSON document.
pub fn json(value: &impl Serialize) -> Result<(), Fault> {
    // Standard output alone would write line by line.
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    serde_json::to_writer_pretty(&mut out, value).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(out.flush()?)
}

/// Prints lines of text.
pub fn text(text: &str) -> Result<(), Fault> {
    Ok(writeln!(std::io::stdout().lock(), "{}", text.trim_end_matches('\n'))?)
}

/// Tells something that is not the answer.
pub fn note(text: &str) {
    eprintln!("{text}");
}

pub fn table(heads: &[&str], rows: Vec<Vec<String>>) -> Result<(), Fault> {
    figures(heads, heads.len(), rows)
}

/// A table whose columns from `first` on are figures, one under the other to the last digit.
pub fn figures(heads: &[&str], first: usize, rows: Vec<Vec<String>>) -> Result<(), Fault> {
    if rows.is_empty() {
        note("nothing there");
        return Ok(());
    }
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(heads.iter().map(|head| head.to_uppercase()));
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(first) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    text(&table.trim_fmt())
}

/// Prints one line of JSON, for whoever waits for it.
pub fn line(value: &impl Serialize) -> Result<(), Fault> {
    let line = serde_json::to_string(value).map_err(std::io::Error::from)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
