//! The columns of a table, and the names that they usually have. Owns no rule: which name in a header is which column is found in `header`.

pub const INVOICE: &str = "Invoice Number";
pub const INVOICE_DATE: &str = "Invoice Date";
pub const DUE_DATE: &str = "Due Date";
pub const NAME: &str = "Recipient Name";
pub const EMAIL: &str = "Recipient Email";
pub const AMOUNT: &str = "Amount";
pub const MESSAGE: &str = "Custom Message";
pub const CLIENT: &str = "Client";
pub const MATTER: &str = "Matter";

/// A column as the daemon knows it.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub name: &'static str,
    /// Whether a table must have it.
    pub required: bool,
    /// In lower case without blanks and marks; the first is its own name.
    pub(crate) names: &'static [&'static str],
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

impl Columns {
    /// From the place of each of [`COLUMNS`].
    pub fn new(count: usize, places: [Option<usize>; COLUMNS.len()]) -> Columns {
        let [invoice, invoice_date, due_date, name, email, amount, message, client, matter] = places;
        Columns { count, invoice, invoice_date, due_date, name, email, amount, message, client, matter }
    }
}
