//! The header: the first record, and what stands between its names. Which name is which column is told by `tabular`.

use crate::encoding::Encoding;
use crate::records::Records;
use csv_core::{ReadRecordResult, ReaderBuilder};
use remitd_plugin_sdk::Failure;
use remitd_plugin_sdk::importer::Out;
use tabular::{AMOUNT, Columns, EMAIL, Header, NAME, OwnNames, code};

/// Candidates, the usual first: where nothing speaks for one, it is the comma.
const DELIMITERS: [u8; 4] = *b",;\t|";
/// What a header may be long.
const HEADER_BYTES: usize = 16 * 1024;
const HEADER_FIELDS: usize = 256;
/// How a header is read.
pub struct Split<'a> {
    pub delimiter: u8,
    pub own_names: &'a OwnNames,
}

impl Split<'_> {
    /// The columns, from the first record; none where one is missing, which is then said.
    pub fn columns(
        &self,
        records: &mut Records<'_, '_>,
        encoding: &mut Encoding,
        out: &mut Out<'_>,
    ) -> Result<Option<Columns>, Failure> {
        let Some((_, fault)) = records.next()? else {
            let message = format!(
                "the file is empty: its first line must name the columns, such as {NAME}, {EMAIL}, {AMOUNT}"
            );
            out.reject(1, "", "", code::COLUMN, message)?;
            return Ok(None);
        };
        if fault.is_some() {
            out.reject(1, "", "", code::COLUMN, "the first line cannot be read as a list of column names")?;
            return Ok(None);
        }
        let names: Vec<String> = match encoding.decode(records.record()) {
            Ok(fields) => (0..fields.len()).map(|at| fields.get(at).to_owned()).collect(),
            Err(why) => {
                out.reject(1, "", "", code::ENCODING, why)?;
                return Ok(None);
            }
        };
        let header = Header { line: 1, names: &names, how: how_split(self.delimiter) };
        Columns::find(&header, self.own_names, out)
    }
}

fn how_split(delimiter: u8) -> &'static str {
    match delimiter {
        b'\t' => " (split at each tab)",
        b';' => " (split at each semicolon)",
        b'|' => " (split at each pipe)",
        _ => " (split at each comma)",
    }
}

/// What stands between the columns: whatever makes the most known columns of the first line, else the most columns.
pub fn sniff(head: &[u8], own_names: &OwnNames) -> u8 {
    let mut best = (0, 0);
    let mut chosen = b',';
    for delimiter in DELIMITERS {
        let names = first_record(head, delimiter);
        let score = (own_names.known(&names).all, names.len());
        if score > best {
            (best, chosen) = (score, delimiter);
        }
    }
    chosen
}

/// The first record's fields, readable or nearly so.
pub fn first_record(head: &[u8], delimiter: u8) -> Vec<String> {
    let mut core = ReaderBuilder::new().delimiter(delimiter).build();
    let mut text = vec![0; HEADER_BYTES];
    let mut ends = vec![0; HEADER_FIELDS];
    let (result, _, mut wrote, mut fields) = core.read_record(head, &mut text, &mut ends);
    if result == ReadRecordResult::InputEmpty {
        let rest = text.get_mut(wrote..).unwrap_or_default();
        let (_, _, more, ended) = core.read_record(&[], rest, ends.get_mut(fields..).unwrap_or_default());
        (wrote, fields) = (wrote + more, fields + ended);
    }
    let text = text.get(..wrote).unwrap_or_default();
    let mut begin = 0;
    let mut names = Vec::with_capacity(fields);
    for &end in ends.get(..fields).unwrap_or_default() {
        names.push(String::from_utf8_lossy(text.get(begin..end).unwrap_or_default()).into_owned());
        begin = end;
    }
    names
}
