//! Which column is which. Owns the columns' names, their usual other names, and the firm's own; never where a header stands or how it is
//! split.

use crate::code;
use remitd_plugin_sdk::Failure;
use remitd_plugin_sdk::importer::Out;
use std::collections::BTreeMap;

pub const INVOICE: &str = "Invoice Number";
pub const INVOICE_DATE: &str = "Invoice Date";
pub const DUE_DATE: &str = "Due Date";
pub const NAME: &str = "Recipient Name";
pub const EMAIL: &str = "Recipient Email";
pub const AMOUNT: &str = "Amount";
pub const MESSAGE: &str = "Custom Message";
pub const CLIENT: &str = "Client";
pub const MATTER: &str = "Matter";

/// Of what was found instead of a column, so much is shown.
const SHOWN_CHARS: usize = 200;

/// A column as the daemon knows it.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub name: &'static str,
    /// Whether a table must have it.
    pub required: bool,
    /// In lower case without blanks and marks; the first is its own name.
    names: &'static [&'static str],
}

/// All columns; a place in an array of as many is that of the column here.
pub const COLUMNS: [Column; 9] = [
    Column {
        name: INVOICE,
        required: false,
        names: &[
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
    },
    Column {
        name: INVOICE_DATE,
        required: false,
        names: &["invoicedate", "billdate", "issuedate", "dateissued", "issued", "statementdate"],
    },
    Column {
        name: DUE_DATE,
        required: false,
        names: &["duedate", "due", "datedue", "paymentdue", "paymentduedate"],
    },
    Column {
        name: NAME,
        required: true,
        names: &[
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
    },
    Column {
        name: EMAIL,
        required: true,
        names: &[
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
    },
    Column {
        name: AMOUNT,
        required: true,
        names: &["amount", "amountdue", "balance", "balancedue", "totaldue", "openbalance", "invoiceamount"],
    },
    Column {
        name: MESSAGE,
        required: false,
        names: &["custommessage", "message", "note", "notes", "memo", "comment", "comments"],
    },
    Column { name: CLIENT, required: false, names: &["client", "clientnumber", "clientno", "clientid"] },
    Column { name: MATTER, required: false, names: &["matter", "matternumber", "matterno", "matterid"] },
];

/// Where each column stands in a row.
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    /// Names in the header.
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

/// A header as it was read.
pub struct Header<'a> {
    pub line: u32,
    pub names: &'a [String],
    /// How it was split, for who misses a column: ` (split at each comma)`. Empty where there is nothing to say.
    pub how: &'a str,
}

impl Columns {
    /// From the place of each of [`COLUMNS`].
    pub fn new(count: usize, places: [Option<usize>; COLUMNS.len()]) -> Columns {
        let [invoice, invoice_date, due_date, name, email, amount, message, client, matter] = places;
        Columns { count, invoice, invoice_date, due_date, name, email, amount, message, client, matter }
    }

    /// None where a required column is missing, or one is there twice, which is then said.
    pub fn find(header: &Header<'_>, own: &OwnNames, out: &mut Out<'_>) -> Result<Option<Columns>, Failure> {
        let mut good = true;
        let mut places = [None; COLUMNS.len()];
        let names = own.understand(header.names);
        for (column, place) in COLUMNS.iter().zip(&mut places) {
            let (value, message) = match standing(column, &names) {
                Standing::At(at) => {
                    *place = Some(at);
                    continue;
                }
                Standing::Missing if !column.required => continue,
                Standing::Missing => ("", missing(column.name, header)),
                Standing::Twice(first, second) => {
                    let message = format!(
                        "the column {} is there twice, as column {} and column {}: keep one",
                        column.name,
                        first + 1,
                        second + 1
                    );
                    (header.names.get(second).map_or("", String::as_str), message)
                }
            };
            good = false;
            out.reject(header.line, column.name, value, code::COLUMN, message)?;
        }
        Ok(good.then(|| Columns::new(header.names.len(), places)))
    }
}

/// The firm's own names of columns, from its settings; none unless it has set some.
#[derive(Debug, Default)]
pub struct OwnNames {
    /// From a plain name to the name of one of ours.
    columns: BTreeMap<String, &'static str>,
}

/// A name in a header.
struct Understood {
    plain: String,
    /// What the firm has said that it is.
    own: Option<&'static str>,
}

impl OwnNames {
    /// From the firm's header to our name for it.
    pub fn new(columns: &BTreeMap<String, String>) -> Result<OwnNames, Failure> {
        let mut own = OwnNames::default();
        for (theirs, ours) in columns {
            let Some(column) = COLUMNS.iter().find(|column| column.name == ours) else {
                let known = COLUMNS.map(|column| column.name).join(", ");
                let message = format!(
                    "the setting `columns` turns \"{theirs}\" into \"{ours}\", which is no column: there are {known}"
                );
                return Err(Failure::invalid("settings", message));
            };
            if let Some(other) = own.columns.insert(plain(theirs), column.name)
                && other != column.name
            {
                let message =
                    format!("the setting `columns` turns \"{theirs}\" into \"{ours}\" and \"{other}\"");
                return Err(Failure::invalid("settings", message));
            }
        }
        Ok(own)
    }

    fn understand(&self, names: &[String]) -> Vec<Understood> {
        let understood = names.iter().map(|name| {
            let plain = plain(name);
            Understood { own: self.columns.get(&plain).copied(), plain }
        });
        understood.collect()
    }
}

enum Standing {
    Missing,
    At(usize),
    Twice(usize, usize),
}

/// What the firm has said counts before a column's own name, and that before its other names.
fn standing(column: &Column, names: &[Understood]) -> Standing {
    let one_of =
        |name: &Understood, wanted: &[&str]| name.own.is_none() && wanted.contains(&name.plain.as_str());
    let own_name = column.names.get(..1).unwrap_or_default();
    let ways: [&dyn Fn(&Understood) -> bool; 3] =
        [&|name| name.own == Some(column.name), &|name| one_of(name, own_name), &|name| {
            one_of(name, column.names)
        }];
    for fits in ways {
        let mut places = (0..).zip(names).filter(|(_, name)| fits(name)).map(|(at, _)| at);
        match (places.next(), places.next()) {
            (Some(at), None) => return Standing::At(at),
            (Some(first), Some(second)) => return Standing::Twice(first, second),
            _ => {}
        }
    }
    Standing::Missing
}

/// `E-Mail Address` and `email_address` are one name; one of marks alone (`#`) is itself.
fn plain(name: &str) -> String {
    let plain: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    if plain.is_empty() { name.trim().to_owned() } else { plain }
}

fn missing(column: &str, header: &Header<'_>) -> String {
    let found: String = header.names.join(", ").chars().take(SHOWN_CHARS).collect();
    let line = if header.line == 1 { "the first line".to_owned() } else { format!("line {}", header.line) };
    format!("there is no column {column} in {line}; found: {found}{}", header.how)
}

/// How many of the columns a header has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Known {
    pub required: usize,
    pub all: usize,
}

/// Without the firm's own names: what a file looks like is asked before anybody's settings are read.
pub fn known(names: &[String]) -> Known {
    let names = OwnNames::default().understand(names);
    let there = |column: &&Column| !matches!(standing(column, &names), Standing::Missing);
    Known {
        required: COLUMNS.iter().filter(|column| column.required).filter(there).count(),
        all: COLUMNS.iter().filter(there).count(),
    }
}
