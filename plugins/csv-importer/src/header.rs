//! The header: which column is which, and what stands between them. Owns the columns' names and their usual other names.

use crate::code;
use crate::encoding::Encoding;
use crate::records::Records;
use csv_core::{ReadRecordResult, ReaderBuilder};
use remitd_plugin_sdk::Failure;
use remitd_plugin_sdk::importer::Out;

pub const INVOICE: &str = "Invoice Number";
pub const INVOICE_DATE: &str = "Invoice Date";
pub const DUE_DATE: &str = "Due Date";
pub const NAME: &str = "Recipient Name";
pub const EMAIL: &str = "Recipient Email";
pub const AMOUNT: &str = "Amount";
pub const MESSAGE: &str = "Custom Message";
pub const CLIENT: &str = "Client";
pub const MATTER: &str = "Matter";

/// Candidates, the usual first: where nothing speaks for one, it is the comma.
const DELIMITERS: [u8; 4] = *b",;\t|";
/// What a header may be long.
const HEADER_BYTES: usize = 16 * 1024;
const HEADER_FIELDS: usize = 256;
/// Of what was found instead of a column, so much is shown.
const SHOWN_CHARS: usize = 200;

/// Each column, whether a file must have it, and its names in lower case without blanks and marks; the first is its own.
const COLUMNS: [(&str, bool, &[&str]); 9] = [
    (
        INVOICE,
        false,
        &[
            "invoicenumber",
            "invoice",
            "invoiceno",
            "invoicenum",
            "invoiceid",
            "invno",
            "inv",
            "billnumber",
            "billno",
            "bill",
            "statement",
            "statementnumber",
        ],
    ),
    (INVOICE_DATE, false, &["invoicedate", "billdate", "issuedate", "dateissued", "issued", "statementdate"]),
    (DUE_DATE, false, &["duedate", "due", "datedue", "paymentdue", "paymentduedate"]),
    (
        NAME,
        true,
        &[
            "recipientname",
            "recipient",
            "name",
            "fullname",
            "payer",
            "payername",
            "customer",
            "customername",
            "contact",
            "contactname",
            "billto",
            "billtoname",
        ],
    ),
    (
        EMAIL,
        true,
        &[
            "recipientemail",
            "email",
            "emailaddress",
            "mail",
            "recipientemailaddress",
            "payeremail",
            "customeremail",
            "contactemail",
            "billtoemail",
        ],
    ),
    (
        AMOUNT,
        true,
        &["amount", "amountdue", "balance", "balancedue", "totaldue", "openbalance", "invoiceamount"],
    ),
    (MESSAGE, false, &["custommessage", "message", "note", "notes", "memo", "comment", "comments"]),
    (CLIENT, false, &["client", "clientnumber", "clientno", "clientid"]),
    (MATTER, false, &["matter", "matternumber", "matterno", "matterid"]),
];

/// Where each column stands in a record.
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    pub count: usize,
    pub invoice: Option<usize>,
    pub invoice_date: Option<usize>,
    pub due_date: Option<usize>,
    pub name: Option<usize>,
    pub email: Option<usize>,
    pub amount: Option<usize>,
    pub message: Option<usize>,
    pub client: Option<usize>,
    pub matter: Option<usize>,
}

impl Columns {
    /// From the first record; none where a column is missing, which is then said.
    pub fn read(
        records: &mut Records<'_, '_>,
        encoding: &mut Encoding,
        delimiter: u8,
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
        Columns::find(&names, delimiter, out)
    }

    fn find(names: &[String], delimiter: u8, out: &mut Out<'_>) -> Result<Option<Columns>, Failure> {
        let mut good = true;
        let mut places = [None; COLUMNS.len()];
        for ((column, required, known), place) in COLUMNS.iter().zip(&mut places) {
            *place = match standing(names, known) {
                Standing::At(at) => Some(at),
                Standing::Missing if !required => None,
                Standing::Missing => {
                    good = false;
                    out.reject(1, column, "", code::COLUMN, missing(column, names, delimiter))?;
                    None
                }
                Standing::Twice(first, second) => {
                    good = false;
                    let message = format!(
                        "the column {column} is there twice, as column {} and column {}: keep one",
                        first + 1,
                        second + 1
                    );
                    out.reject(
                        1,
                        column,
                        names.get(second).map_or("", String::as_str),
                        code::COLUMN,
                        message,
                    )?;
                    None
                }
            };
        }
        let [invoice, invoice_date, due_date, name, email, amount, message, client, matter] = places;
        let columns = Columns {
            count: names.len(),
            invoice,
            invoice_date,
            due_date,
            name,
            email,
            amount,
            message,
            client,
            matter,
        };
        Ok(good.then_some(columns))
    }
}

enum Standing {
    Missing,
    At(usize),
    Twice(usize, usize),
}

/// A column's own name counts before its other names.
fn standing(names: &[String], known: &[&str]) -> Standing {
    let plain = |name: &String| plain(name);
    let own = known.get(..1).unwrap_or_default();
    for wanted in [own, known] {
        let mut places =
            (0..).zip(names).filter(|(_, name)| wanted.contains(&plain(name).as_str())).map(|(at, _)| at);
        match (places.next(), places.next()) {
            (Some(at), None) => return Standing::At(at),
            (Some(first), Some(second)) => return Standing::Twice(first, second),
            _ => {}
        }
    }
    Standing::Missing
}

/// `E-Mail Address` and `email_address` are one name.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn missing(column: &str, names: &[String], delimiter: u8) -> String {
    let found: String = names.join(", ").chars().take(SHOWN_CHARS).collect();
    let between = match delimiter {
        b'\t' => "tab",
        b';' => "semicolon",
        b'|' => "pipe",
        _ => "comma",
    };
    format!("there is no column {column} in the first line; found: {found} (split at each {between})")
}

/// How many of the columns a header has.
pub struct Known {
    pub required: usize,
    pub all: usize,
}

pub fn known(names: &[String]) -> Known {
    let there = |known: &[&str]| !matches!(standing(names, known), Standing::Missing);
    Known {
        required: COLUMNS.iter().filter(|(_, required, known)| *required && there(known)).count(),
        all: COLUMNS.iter().filter(|(_, _, known)| there(known)).count(),
    }
}

/// What stands between the columns: whatever makes the most known columns of the first line, else the most columns.
pub fn sniff(head: &[u8]) -> u8 {
    let mut best = (0, 0);
    let mut chosen = b',';
    for delimiter in DELIMITERS {
        let names = first_record(head, delimiter);
        let score = (known(&names).all, names.len());
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
