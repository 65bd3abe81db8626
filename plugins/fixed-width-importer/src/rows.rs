//! Records as rows of a table: whether a record fits the mapping, and its cells.

use crate::mapping::{Field, Mapping};
use crate::own_code;
use crate::records::{End, RECORD_MAX_BYTES, Record, Records};
use crate::text::{Line, Text};
use remitd_plugin_sdk::Failure;
use remitd_plugin_sdk::importer::{Conventions, Out};
use tabular::{AMOUNT, Cells, Style, Table, Values, code};

/// Every record to the end; gives the number of rows.
pub fn read(
    mut records: Records<'_, '_>,
    mapping: &Mapping,
    conventions: &Conventions,
    out: &mut Out<'_>,
) -> Result<u64, Failure> {
    let mut table = Table::new(mapping.columns, conventions)?;
    let mut text = Text::new(mapping.encoding);
    let unbroken = records.are_unbroken();
    while let Some(Record { number: line, bytes, end }) = records.next()? {
        if line <= mapping.skip_lines {
            continue;
        }
        if table.is_full(line, out)? {
            break;
        }
        if end == End::TooLong {
            let message = format!("the line is longer than {RECORD_MAX_BYTES} bytes: is it a list at all?");
            table.broken(line, "", code::TOO_LONG, message, out)?;
            continue;
        }
        let row = match text.decode(bytes) {
            Ok(line) => Row { line, mapping },
            Err(why) => {
                table.broken(line, "", code::ENCODING, why, out)?;
                continue;
            }
        };
        if row.line.text.trim().is_empty() {
            table.empty(line);
        } else if let Some(message) = row.is_moved() {
            table.broken(line, row.line.text, own_code::MOVED, message, out)?;
        } else if let Some(message) = row.has_wrong_length(end, unbroken) {
            table.broken(line, row.line.text, own_code::LENGTH, message, out)?;
        } else {
            table.row(line, &row, out)?;
        }
    }
    Ok(table.rows())
}

struct Row<'a> {
    line: Line<'a>,
    mapping: &'a Mapping,
}

impl Row<'_> {
    /// For a record in which nobody can tell where a column stands, words.
    fn is_moved(&self) -> Option<String> {
        let moving = self.line.text.chars().find(|c| matches!(c, '\t' | '\n' | '\r'))?;
        let message = match moving {
            '\t' => "there is a tab in the line: with fixed widths, only blanks keep a column's place",
            _ => {
                "there is a line end in the record: the file has records without line ends, of `record_length` each"
            }
        };
        Some(message.to_owned())
    }

    /// For a record that is too short or too long, words.
    fn has_wrong_length(&self, end: End, unbroken: bool) -> Option<String> {
        let (length, mapped) = (self.line.length(), self.mapping.end());
        if let Some(most) = self.mapping.record_length {
            if length > most {
                return Some(format!("the line has {length} characters, `record_length` is {most}"));
            }
            if unbroken && length < most {
                return Some(format!(
                    "the last record has {length} of {most} characters: is the file whole, and is `record_length` right?"
                ));
            }
        }
        if length >= mapped {
            return None;
        }
        if end == End::File {
            return Some(format!(
                "the last line ends after {length} of {mapped} characters, without a line end: is the file whole?"
            ));
        }
        // What an editor has cut from a line's end was blanks: then nothing that is needed is beyond it, nor a part of the amount.
        let is_cut = |field: &&Field| match field.name {
            AMOUNT => field.end > length,
            _ => field.required && field.start >= length,
        };
        let cut = self.mapping.fields.iter().find(is_cut)?;
        Some(format!(
            "the line ends after {length} characters, and {} stands at {}: is the line cut, or are `columns` wrong?",
            cut.name,
            cut.place()
        ))
    }
}

impl Cells for Row<'_> {
    #[inline]
    fn text(&self, at: usize) -> &str {
        self.mapping.fields.get(at).map_or("", |field| self.line.cell(field.start, field.end))
    }

    fn amount(&self, at: usize, values: &Values) -> Result<i64, String> {
        let written = self.text(at);
        match self.mapping.fields.get(at).and_then(|field| field.implied_decimals) {
            Some(decimals) => implied(written, decimals, &values.style),
            None => values.style.read(written),
        }
    }
}

/// An amount whose last digits are its decimals.
fn implied(written: &str, decimals: u32, style: &Style) -> Result<i64, String> {
    let digits = written.strip_prefix(['-', '+']).unwrap_or(written);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!(
            "\"{written}\" is not an amount of digits alone, of which the last {decimals} are decimals, as `implied_decimals` says"
        ));
    }
    let too_large = || format!("\"{written}\" is more than can be kept");
    let value: i64 = written.parse().map_err(|_| too_large())?;
    let power = |exponent: u32| 10_i64.checked_pow(exponent).ok_or_else(too_large);
    match style.exponent.checked_sub(decimals) {
        Some(zeros) => value.checked_mul(power(zeros)?).ok_or_else(too_large),
        None => {
            let unit = power(decimals - style.exponent)?;
            (value % unit == 0).then_some(value / unit).ok_or_else(|| {
                format!(
                    "\"{written}\" with {decimals} implied decimals has more than {} has ({})",
                    style.currency, style.exponent
                )
            })
        }
    }
}
