//! `import --template`: the header of a file; and with `--annotated` two rows as an example, and what each column may hold.
//! What goes to stdout is a file that can be imported; the words for people go to stderr.

use crate::cli::Template;
use crate::fault::Fault;
use crate::show;

/// A column: its name, two examples, and what it may hold.
type Column = (&'static str, [&'static str; 2], &'static str);

const COLUMNS: [Column; 7] = [
    (
        "Invoice Number",
        ["INV-1001", "INV-1002"],
        "optional; at most 100 bytes. A number that has a live link already is not asked for again",
    ),
    (
        "Invoice Date",
        ["2026-11-30", ""],
        "optional; 2026-11-30, or in the order that is configured (11/30/2026)",
    ),
    ("Due Date", ["2026-12-31", ""], "optional; as Invoice Date"),
    ("Recipient Name", ["Jane Roe", "Roe Holdings, LLC"], "required; who is to pay, on one line"),
    (
        "Recipient Email",
        ["jane@example.com", "accounts@example.com"],
        "required; one address, or several with a semicolon between",
    ),
    (
        "Amount",
        ["1234.50", "980.00"],
        "required; above zero, in the account's currency: 1234.50, 1,234.50 or $1,234.50",
    ),
    (
        "Custom Message",
        ["Thank you for your trust.", ""],
        "optional; for the payer's mail, at most 4000 bytes",
    ),
];

const NOTES: [&str; 4] = [
    "The first line names the columns: in any order and case, with the usual other names (Invoice, Email, Balance Due).",
    "Optional columns may be left out. Two more are known: Client and Matter, numbers as the matter software has them.",
    "A text with the separator, a quote or a line break in it stands in double quotes; a quote inside is written twice.",
    "Save as UTF-8 (in Excel: \"CSV UTF-8\"), with numbers that begin with zeros formatted as text. Delete the example rows.",
];

pub fn show(template: Template, annotated: bool) -> Result<(), Fault> {
    let between = match template {
        Template::Csv => ',',
        Template::Txt => '\t',
    };
    let line = |cells: Vec<&str>| {
        let cells: Vec<_> = cells.into_iter().map(|cell| quoted(cell, between)).collect();
        cells.join(&between.to_string())
    };
    let mut lines = vec![line(COLUMNS.iter().map(|(name, ..)| *name).collect())];
    if annotated {
        lines.push(line(COLUMNS.iter().map(|(_, [first, _], _)| *first).collect()));
        lines.push(line(COLUMNS.iter().map(|(_, [_, second], _)| *second).collect()));
    }
    show::text(&lines.join("\n"))?;
    if annotated {
        show::note("");
        for (name, _, what) in COLUMNS {
            show::note(&format!("  {name:<16} {what}"));
        }
        show::note("");
        for note in NOTES {
            show::note(&format!("  {note}"));
        }
    }
    Ok(())
}

fn quoted(cell: &str, between: char) -> String {
    if cell.contains([between, '"']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}
