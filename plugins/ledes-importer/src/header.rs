//! The first two records: which standard, and which column is which. Owns the standard's names. Columns are found by their names;
//! a name that is missing, unknown or there twice is said, and then nothing is read by place.

use crate::text::Fields;

pub const INVOICE_DATE: &str = "INVOICE_DATE";
pub const INVOICE_NUMBER: &str = "INVOICE_NUMBER";
pub const CLIENT_ID: &str = "CLIENT_ID";
pub const MATTER_ID: &str = "LAW_FIRM_MATTER_ID";
pub const INVOICE_TOTAL: &str = "INVOICE_TOTAL";
pub const DESCRIPTION: &str = "INVOICE_DESCRIPTION";
pub const LINE_TOTAL: &str = "LINE_ITEM_TOTAL";
pub const TAX_TOTAL: &str = "INVOICE_TAX_TOTAL";
pub const NET_TOTAL: &str = "INVOICE_NET_TOTAL";
pub const CURRENCY: &str = "INVOICE_CURRENCY";
pub const LINE_TAX: &str = "LINE_ITEM_TAX_TOTAL";
/// The first text that people write, in which a `|` may have slipped; columns before it keep their places then.
const FIRST_FREE_TEXT: &[&str] = &[DESCRIPTION, "LINE_ITEM_DESCRIPTION"];

const OF_1998B: [&str; 24] = [
    INVOICE_DATE,
    INVOICE_NUMBER,
    CLIENT_ID,
    MATTER_ID,
    INVOICE_TOTAL,
    "BILLING_START_DATE",
    "BILLING_END_DATE",
    DESCRIPTION,
    "LINE_ITEM_NUMBER",
    "EXP/FEE/INV_ADJ_TYPE",
    "LINE_ITEM_NUMBER_OF_UNITS",
    "LINE_ITEM_ADJUSTMENT_AMOUNT",
    LINE_TOTAL,
    "LINE_ITEM_DATE",
    "LINE_ITEM_TASK_CODE",
    "LINE_ITEM_EXPENSE_CODE",
    "LINE_ITEM_ACTIVITY_CODE",
    "TIMEKEEPER_ID",
    "LINE_ITEM_DESCRIPTION",
    "LAW_FIRM_ID",
    "LINE_ITEM_UNIT_COST",
    "TIMEKEEPER_NAME",
    "TIMEKEEPER_CLASSIFICATION",
    "CLIENT_MATTER_ID",
];

/// What 98BI V2 has after them.
const MORE_OF_98BI_V2: [&str; 28] = [
    "PO_NUMBER",
    "CLIENT_TAX_ID",
    "MATTER_NAME",
    TAX_TOTAL,
    NET_TOTAL,
    CURRENCY,
    "TIMEKEEPER_LAST_NAME",
    "TIMEKEEPER_FIRST_NAME",
    "ACCOUNT_TYPE",
    "LAW_FIRM_NAME",
    "LAW_FIRM_ADDRESS_1",
    "LAW_FIRM_ADDRESS_2",
    "LAW_FIRM_CITY",
    "LAW_FIRM_STATEorREGION",
    "LAW_FIRM_POSTCODE",
    "LAW_FIRM_COUNTRY",
    "CLIENT_NAME",
    "CLIENT_ADDRESS_1",
    "CLIENT_ADDRESS_2",
    "CLIENT_CITY",
    "CLIENT_STATEorREGION",
    "CLIENT_POSTCODE",
    "CLIENT_COUNTRY",
    "LINE_ITEM_TAX_RATE",
    LINE_TAX,
    "LINE_ITEM_TAX_TYPE",
    "INVOICE_REPORTED_TAX_TOTAL",
    "INVOICE_TAX_CURRENCY",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standard {
    Ledes1998B,
    Ledes98BiV2,
}

impl Standard {
    /// From the first record without its `[]`.
    pub fn read(mark: &str) -> Option<Standard> {
        let plain = |c: &char| !c.is_whitespace() && *c != '\u{feff}';
        let mark: String = mark.chars().filter(plain).map(|c| c.to_ascii_uppercase()).collect();
        match mark.as_str() {
            "LEDES1998B" => Some(Standard::Ledes1998B),
            "LEDES98BIV2" => Some(Standard::Ledes98BiV2),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Standard::Ledes1998B => "LEDES 1998B",
            Standard::Ledes98BiV2 => "LEDES 98BI V2",
        }
    }

    fn columns(self) -> impl Iterator<Item = &'static str> {
        let more: &[&str] = if self == Standard::Ledes98BiV2 { &MORE_OF_98BI_V2 } else { &[] };
        OF_1998B.into_iter().chain(more.iter().copied())
    }
}

/// Where the columns stand that an invoice is read from.
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    pub standard: Standard,
    pub count: usize,
    pub invoice_date: usize,
    pub invoice_number: usize,
    pub client: usize,
    pub matter: usize,
    pub invoice_total: usize,
    pub description: usize,
    pub line_total: usize,
    pub international: Option<International>,
    /// Number, client and date stand before every free text: they are known also where a `|` too many has moved the rest.
    pub sure_of_invoice: bool,
    /// The first column that does not stand where the standard has it.
    pub moved: Option<&'static str>,
}

/// What 98BI V2 adds to the sums.
#[derive(Debug, Clone, Copy)]
pub struct International {
    pub currency: usize,
    pub net_total: usize,
    pub tax_total: usize,
    pub line_tax: usize,
}

/// One thing that is wrong with a header: the column, what was found, and words.
pub struct Misnamed {
    pub column: &'static str,
    pub found: String,
    pub message: String,
}

impl Columns {
    /// From the second record.
    pub fn read(standard: Standard, header: Fields<'_>) -> Result<Columns, Vec<Misnamed>> {
        // A name that is broken by a line end is still that name.
        let names: Vec<String> =
            header.iter().map(|name| name.split_whitespace().collect::<String>()).collect();
        let is = |name: &str, column: &str| name.eq_ignore_ascii_case(column);
        let mut wrong = Vec::new();
        for column in standard.columns() {
            let times = names.iter().filter(|name| is(name, column)).count();
            if times != 1 {
                let how = if times == 0 { "is missing" } else { "is there more than once" };
                let message = format!(
                    "the column {column} {how} in the header: {} has it once, and {} columns in all",
                    standard.name(),
                    standard.columns().count()
                );
                wrong.push(Misnamed { column, found: String::new(), message });
            }
        }
        for name in names.iter().filter(|name| !standard.columns().any(|column| is(name, column))) {
            let message = format!("{} has no column of this name: delete or correct it", standard.name());
            wrong.push(Misnamed { column: "", found: name.clone(), message });
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        // Each column is there once.
        let place = |column: &str| names.iter().position(|name| is(name, column)).unwrap_or(usize::MAX);
        let international = (standard == Standard::Ledes98BiV2).then(|| International {
            currency: place(CURRENCY),
            net_total: place(NET_TOTAL),
            tax_total: place(TAX_TOTAL),
            line_tax: place(LINE_TAX),
        });
        let free = FIRST_FREE_TEXT.iter().map(|column| place(column)).min().unwrap_or(0);
        let known = [INVOICE_DATE, INVOICE_NUMBER, CLIENT_ID];
        let in_order = standard.columns().zip(&names);
        let moved = in_order.into_iter().find(|(column, name)| !is(name, column)).map(|(column, _)| column);
        Ok(Columns {
            standard,
            moved,
            count: names.len(),
            invoice_date: place(INVOICE_DATE),
            invoice_number: place(INVOICE_NUMBER),
            client: place(CLIENT_ID),
            matter: place(MATTER_ID),
            invoice_total: place(INVOICE_TOTAL),
            description: place(DESCRIPTION),
            line_total: place(LINE_TOTAL),
            international,
            sure_of_invoice: known.iter().all(|column| place(column) < free),
        })
    }

    /// Whether the record is the header once more, as where files were joined.
    pub fn are_in(&self, fields: Fields<'_>) -> bool {
        fields.get(self.invoice_number).eq_ignore_ascii_case(INVOICE_NUMBER)
            && fields.get(self.client).eq_ignore_ascii_case(CLIENT_ID)
    }
}
