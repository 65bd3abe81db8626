//! Records as rows of a table: decoded, of as many fields as the header, or named for what is wrong with them.

use crate::encoding::{Encoding, Fields};
use crate::records::{FIELDS_MAX, Fault, RECORD_MAX_BYTES, Records};
use remitd_plugin_sdk::Failure;
use remitd_plugin_sdk::importer::{Conventions, Out};
use tabular::{Cells, Columns, Table, code};

const OPEN_QUOTE: &str = "REMIT-0216";

impl Cells for Fields<'_> {
    #[inline(always)]
    fn text(&self, at: usize) -> &str {
        self.get(at)
    }
}

/// Every record to the end; gives the number of rows.
pub fn read(
    records: &mut Records<'_, '_>,
    mut encoding: Encoding,
    columns: Columns,
    conventions: &Conventions,
    out: &mut Out<'_>,
) -> Result<u64, Failure> {
    let mut table = Table::new(columns, conventions)?;
    while let Some((line, fault)) = records.next()? {
        if table.is_full(line, out)? {
            break;
        }
        if let Some(fault) = fault {
            let (code, message) = words(fault, columns.count);
            table.broken(line, "", code, message, out)?;
            continue;
        }
        match encoding.decode(records.record()) {
            Ok(fields) if fields.is_blank() => table.empty(line),
            Ok(fields) if fields.len() == columns.count => table.row(line, &fields, out)?,
            Ok(fields) => {
                let message = format!(
                    "the row has {} fields, the first line has {}: is a delimiter missing, or a text not in quotes?",
                    fields.len(),
                    columns.count
                );
                table.broken(line, "", code::FIELDS, message, out)?;
            }
            Err(why) => table.broken(line, "", code::ENCODING, why, out)?,
        }
    }
    Ok(table.rows())
}

/// The code and the words for a record that cannot be read.
fn words(fault: Fault, columns: usize) -> (&'static str, String) {
    match fault {
        Fault::TooLong => {
            let message = format!(
                "the row is longer than {RECORD_MAX_BYTES} bytes: is a quote opened in it and closed far below?"
            );
            (code::TOO_LONG, message)
        }
        Fault::TooManyFields => {
            let message = format!("the row has more than {FIELDS_MAX} fields, the first line has {columns}");
            (code::FIELDS, message)
        }
        Fault::OpenQuote => {
            let message =
                "a quote (\") is opened in this row and never closed: it hides all the rows below it";
            (OPEN_QUOTE, message.to_owned())
        }
    }
}
