//! Which sheet is the list, and where its header stands: the only sheet with a row that names the columns that are needed, or the one that the
//! settings name. Never guesses between two. A hidden sheet is looked at only by its name.

use crate::row::Row;
use crate::sheet::Sheet;
use crate::shown::Shown;
use crate::workbook::{SheetName, Workbook};
use crate::wrong::Wrong;
use remitd_plugin_sdk::host::log;
use tabular::{AMOUNT, COLUMNS, Cells, EMAIL, Known, NAME, OwnNames, Values, code};

/// Rows with something in them above which the header is not looked for: titles and addresses.
const HEADER_MAX_ROWS: usize = 50;

pub struct Found<'a> {
    pub sheet: &'a SheetName,
    pub line: u32,
    pub names: Vec<String>,
    known: Known,
}

impl Found<'_> {
    fn is_list(&self) -> bool {
        self.known.required == COLUMNS.iter().filter(|column| column.required).count()
    }
}

/// The sheet and its header, or the likeliest header where none is whole.
pub fn find<'a>(
    book: &'a Workbook,
    own_names: &OwnNames,
    named: Option<&str>,
    how: &Values,
) -> Result<Found<'a>, Wrong> {
    let candidates: Vec<&SheetName> = match named {
        Some(name) => vec![by_name(book, name)?],
        None => book.sheets.iter().filter(|sheet| !sheet.is_hidden).collect(),
    };
    let mut found = Vec::new();
    for sheet in candidates {
        found.extend(header(book, sheet, own_names, how)?);
    }
    let lists: Vec<String> =
        found.iter().filter(|found| found.is_list()).map(|found| quoted(found.sheet)).collect();
    if lists.len() > 1 {
        return Err(Wrong::sheet(format!(
            "several sheets hold a list: {}. Keep one, or name it in the importer's [plugin.settings]: sheet = {}",
            lists.join(", "),
            lists.first().map_or("", String::as_str)
        )));
    }
    // The first of those that are alike.
    let best = found.into_iter().rev().max_by_key(|found| found.known);
    let Some(best) = best else {
        let message = format!(
            "there is nothing in the workbook's sheets: a row must name the columns, such as {NAME}, {EMAIL}, {AMOUNT}"
        );
        return Err(Wrong { code: code::COLUMN, message });
    };
    say_unread(book, best.sheet);
    Ok(best)
}

fn by_name<'a>(book: &'a Workbook, name: &str) -> Result<&'a SheetName, Wrong> {
    let wanted = name.trim().to_lowercase();
    book.sheets.iter().find(|sheet| sheet.name.trim().to_lowercase() == wanted).ok_or_else(|| {
        let there: Vec<String> = book.sheets.iter().map(quoted).collect();
        Wrong::sheet(format!(
            "there is no sheet \"{name}\", which the importer's settings name; there are {}",
            there.join(", ")
        ))
    })
}

/// The first row that names all that is needed, else the one that names most; none in an empty sheet.
fn header<'a>(
    book: &'a Workbook,
    sheet: &'a SheetName,
    own_names: &OwnNames,
    how: &Values,
) -> Result<Option<Found<'a>>, Wrong> {
    let mut rows = Sheet::open(book, sheet)?;
    let (mut row, mut shown) = (Row::default(), Shown::new(book, how));
    let mut best: Option<Found<'a>> = None;
    let mut seen = 0;
    while seen < HEADER_MAX_ROWS && rows.next(&mut row)? {
        shown.begin_row();
        for cell in &row.cells {
            shown.add(&row, cell)?;
        }
        if shown.columns() == 0 {
            continue;
        }
        seen += 1;
        let names: Vec<String> = (0..shown.columns()).map(|at| shown.text(at).to_owned()).collect();
        let found = Found { sheet, line: row.line, known: own_names.known(&names), names };
        if found.is_list() {
            return Ok(Some(found));
        }
        if best.as_ref().is_none_or(|best| best.known < found.known) {
            best = Some(found);
        }
    }
    Ok(best)
}

fn quoted(sheet: &SheetName) -> String {
    format!("\"{}\"", sheet.name)
}

/// For whoever misses a sheet.
fn say_unread(book: &Workbook, read: &SheetName) {
    let rest = book.sheets.iter().filter(|sheet| !std::ptr::eq(*sheet, read));
    let rest =
        rest.map(|sheet| format!("{}{}", quoted(sheet), if sheet.is_hidden { " (hidden)" } else { "" }));
    let rest: Vec<String> = rest.collect();
    let others = if rest.is_empty() { String::new() } else { format!("; not read: {}", rest.join(", ")) };
    log::info(&format!("sheet {}{others}", quoted(read)));
}
