//! What can be wrong with a mapping or with the rows that it reads, and what must then be said.

/// Who is asked, and how the answer is read.
#[derive(Clone, Copy)]
pub enum Asks {
    /// In `matter test` this step failed or is odd.
    Test(&'static str),
    /// `matter push --dry-run` leaves this statement out.
    Push(&'static str),
    /// This command ends with an error.
    Fails(&'static str),
}

/// What is said of it.
#[derive(Clone, Copy)]
pub enum Told {
    /// A code, or a rule's name, and what the text begins with or has in it.
    Coded(&'static str, &'static str),
    /// The whole text: the trial's own findings have no code, their step is their name.
    Whole(&'static str),
}

pub struct Case {
    pub of: &'static str,
    /// Of the configuration: a text, and what stands there instead.
    pub change: &'static [(&'static str, &'static str)],
    /// Statements by which the matter database comes to hold what it should not.
    pub rows: &'static [&'static str],
    pub asks: Asks,
    pub told: Told,
    /// How the line begins that is to be looked at.
    pub line: &'static str,
}

const PUSH: Asks = Asks::Fails("matter push --dry-run");
const OPEN_SINCE: &str = "open_since = ";
const BALANCE_LINE: &str = "balance = ";
/// The start of `open_since`, and of what it gives.
const NUMBER: &str = "SELECT number, matter, client, client_name, 'Divorce of ' || client_name AS description, issued, due, total, open,\n    payer_name, payer_email, number AS";
const GIVES: &str = "payer_name, payer_email, number AS";
const BALANCE: &str = "balance = \"SELECT open FROM balance WHERE number = :statement\"";

const fn wrong(
    of: &'static str,
    change: &'static [(&'static str, &'static str)],
    asks: Asks,
    told: Told,
    line: &'static str,
) -> Case {
    Case { of, change, rows: &[], asks, told, line }
}

/// Wrong whatever the database.
#[rustfmt::skip]
pub const ON_ALL: &[Case] = &[
    wrong("a column is missing",
        &[(NUMBER, "SELECT number AS nr, matter, open, number AS")], Asks::Test("open_since"),
        Told::Coded("(column-missing)", "[plugin.settings] open_since gives no column number; it gives nr, matter, open, cursor: write `AS number`"), OPEN_SINCE),
    wrong("a column is missing, and a push is asked for",
        &[(NUMBER, "SELECT number AS nr, matter, open, number AS")], PUSH,
        Told::Coded("error[column-missing]", "plugin \"matters\": [plugin.settings] open_since gives no column number"), OPEN_SINCE),
    wrong("the database has no such column",
        &[("SELECT open FROM balance", "SELECT opne FROM balance")], Asks::Test("balance"),
        Told::Coded("(statement)", "[plugin.settings] balance: database \"matters\": "), BALANCE_LINE),
    wrong("an amount is a text",
        &[(GIVES, "payer_name, payer_email, 'ten' AS total, number AS"), ("issued, due, total, open,\n    payer_name, payer_email, 'ten'", "issued, due, open,\n    payer_name, payer_email, 'ten'")], Asks::Test("open_since"),
        Told::Coded("(column-value)", "[plugin.settings] open_since: the column total of B-1 is \"ten\", not an amount in USD with 2 decimals"), OPEN_SINCE),
    wrong("an amount is NULL",
        &[("SELECT open FROM balance", "SELECT NULL AS open FROM balance")], Asks::Test("balance"),
        Told::Coded("(column-value)", "[plugin.settings] balance: the column open is NULL, not an amount in USD"), BALANCE_LINE),
    wrong("an amount has a third decimal",
        &[("SELECT open FROM balance", "SELECT 12.345 AS open FROM balance")], Asks::Test("balance"),
        Told::Coded("(column-value)", "the column open is \"12.345\""), BALANCE_LINE),
    wrong("a date is a word",
        &[("issued, due, total, open,\n    payer_name, payer_email, number AS", "'soon' AS due, open,\n    payer_name, payer_email, number AS")], PUSH,
        Told::Coded("error[column-value]", "open_since: the column due of B-1 is \"soon\", not a date such as 2026-12-31"), OPEN_SINCE),
    wrong("a currency that nobody knows",
        &[(GIVES, "payer_name, payer_email, 'XXQ' AS currency, number AS")], PUSH,
        Told::Coded("error[column-value]", "open_since: the column currency of B-1 is \"XXQ\", not a currency of ISO 4217 such as USD"), OPEN_SINCE),
    wrong("another currency than the account's",
        &[(GIVES, "payer_name, payer_email, 'EUR' AS currency, number AS")], Asks::Push("B-1"),
        Told::Coded("currency", "it is in EUR, the account is in USD"), OPEN_SINCE),
    wrong("whose money it is, in other words",
        &[(GIVES, "payer_name, payer_email, 'retainer' AS account_kind, number AS")], PUSH,
        Told::Coded("error[column-value]", "the column account_kind of B-1 is \"retainer\", not operating or trust"), OPEN_SINCE),
    wrong("two rows where one is due",
        &[("WHERE number = :statement\"", "WHERE number = :statement OR 1 = 1\"")], Asks::Test("balance"),
        Told::Coded("(several-rows)", "[plugin.settings] balance: there is more than one row for the statement B-1; one is due"), BALANCE_LINE),
    wrong("a JOIN doubles the rows and their cursors",
        &[("FROM balance WHERE open > 0.004 AND number >", "FROM balance, (SELECT 1 AS n UNION SELECT 2 AS n) AS twice WHERE open > 0.004 AND number >")], PUSH,
        Told::Coded("error[cursor]", "[plugin.settings] open_since: two rows have the cursor B-1"), OPEN_SINCE),
    wrong("a JOIN doubles the rows",
        &[("number AS \"cursor\"", "number || n AS \"cursor\""),
          ("FROM balance WHERE open > 0.004 AND number >", "FROM balance, (SELECT 'a' AS n UNION SELECT 'b' AS n) AS twice WHERE open > 0.004 AND number >")], Asks::Push("B-1"),
        Told::Coded("listed_twice", "in more than one row"), OPEN_SINCE),
    wrong("a JOIN doubles the rows, and the mapping is tried",
        &[("number AS \"cursor\"", "number || n AS \"cursor\""),
          ("FROM balance WHERE open > 0.004 AND number >", "FROM balance, (SELECT 'a' AS n UNION SELECT 'b' AS n) AS twice WHERE open > 0.004 AND number >")], Asks::Test("numbers"),
        Told::Whole("B-1 stands in more than one row: does a JOIN double it?"), OPEN_SINCE),
    wrong("an address is NULL",
        &[], Asks::Push("B-4"),
        Told::Coded("payer", "no payer with an e-mail address is assigned to it"), OPEN_SINCE),
    wrong("an address is NULL, and the mapping is tried",
        &[], Asks::Test("payers"),
        Told::Whole("1 of 4 have no payer, such as B-4: a push leaves them out"), OPEN_SINCE),
    wrong("a balance is below zero",
        &[("total, open,\n    payer_name, payer_email, number AS", "total, 0 - open AS open,\n    payer_name, payer_email, number AS")], Asks::Push("B-1"),
        Told::Coded("open", "nothing of it is open"), OPEN_SINCE),
    wrong("a balance is below zero, and the mapping is tried",
        &[("total, open,\n    payer_name, payer_email, number AS", "total, 0 - open AS open,\n    payer_name, payer_email, number AS")], Asks::Test("amounts"),
        Told::Whole("B-1: -1,250.00 USD of 1,250.00 USD is open"), OPEN_SINCE),
    wrong("the balance is another one at the second look",
        &[("SELECT open FROM balance", "SELECT open - 1 AS open FROM balance")], Asks::Test("balance"),
        Told::Whole("B-1 is open with 1,249.00 USD here and with 1,250.00 USD in open_since"), BALANCE_LINE),
    wrong("a statement that is not there has a balance",
        &[(BALANCE, "balance = \"SELECT 1250.00 AS open WHERE :statement <> ''\"")], Asks::Test("balance of nothing"),
        Told::Whole("a statement that is not there is open with 1,250.00 USD: nobody could tell a settled one"), BALANCE_LINE),
    wrong("a statement of the mapping is missing",
        &[(BALANCE, "")], Asks::Test("balance"),
        Told::Coded("(not-configured)", "[plugin.settings] balance is not set"), "[plugin.settings]"),
    wrong("a parameter that there is not",
        &[("WHERE number = :statement\"", "WHERE number = :bill\"")], Asks::Fails("check"),
        Told::Coded("REMIT-0120", "[plugin.settings] balance has the parameter :bill; it can have :statement"), BALANCE_LINE),
    wrong("every key is found",
        &[("FROM receipt WHERE \"key\" = :key", "FROM receipt")], Asks::Fails("check"),
        Told::Coded("REMIT-0120", "[plugin.settings] find names :key nowhere: it would answer the same to everything"), "find = "),
    wrong("a search that takes no text",
        &[("WHERE client_name LIKE '%' || :text || '%'", "")], Asks::Fails("matter push --dry-run"),
        Told::Coded("REMIT-0120", "[plugin.settings.search] name names :text nowhere"), "name = "),
    wrong("a page that a number of its own ends",
        &[("FROM balance WHERE open > 0.004 AND number > :cursor ORDER BY number LIMIT :limit", "FROM balance WHERE open > 0.004 AND number > :cursor ORDER BY number LIMIT 100")], Asks::Fails("check"),
        Told::Coded("REMIT-0120", "[plugin.settings] open_since names :limit nowhere: a page of another size would be taken for the last one"), OPEN_SINCE),
    wrong("a line break in a payer's name",
        &[(GIVES, "'Dana\r\nBcc: all@example.com' AS payer_name, payer_email, number AS"),
          ("total, open,\n    'Dana", "total, open, 'Dana")], Asks::Push("B-1"),
        Told::Coded("payer", "the name is longer than 200 bytes or has a line break in it"), OPEN_SINCE),
];

/// SQLite lets a column hold anything.
#[rustfmt::skip]
pub const ON_SQLITE: &[Case] = &[
    Case { rows: &["UPDATE bill SET total = 'ten' WHERE number = 'B-2'"],
        ..wrong("a row's amount is a text", &[("WHERE open > 0.004 AND number >", "WHERE number >"), ("total, open,\n    payer_name, payer_email, number AS", "total AS open,\n    payer_name, payer_email, number AS")], PUSH,
        Told::Coded("error[column-value]", "open_since: the column open of B-2 is \"ten\""), OPEN_SINCE) },
    Case { rows: &["UPDATE bill SET client_name = CAST(x'4dfc6c6c6572' AS TEXT) WHERE number = 'B-3'"],
        ..wrong("a name in another encoding", &[("'Divorce of ' || client_name", "'Divorce'")], PUSH,
        Told::Coded("error[statement]", "[plugin.settings] open_since: database \"matters\": "), OPEN_SINCE) },
    Case { rows: &["UPDATE bill SET payer_name = 'Dana' || char(0) || 'Whitfield' WHERE number = 'B-1'"],
        ..wrong("a NUL in a name", &[], Asks::Push("B-1"),
        Told::Coded("payer", "line break"), OPEN_SINCE) },
    wrong("a number is of bytes",
        &[(NUMBER, "SELECT CAST(number AS BLOB) AS number, matter, open, number AS")], PUSH,
        Told::Coded("error[column-value]", "open_since: the column number is a column of bytes, not a text or number"), OPEN_SINCE),
    wrong("an amount beyond all money",
        &[("SELECT open FROM balance", "SELECT 1e30 AS open FROM balance")], Asks::Test("balance"),
        Told::Coded("(column-value)", "[plugin.settings] balance: the column open is \"1000000000000000"), BALANCE_LINE),
];

#[rustfmt::skip]
pub const ON_POSTGRES: &[Case] = &[
    wrong("an amount is no number",
        &[("SELECT open FROM balance", "SELECT CAST('NaN' AS numeric) AS open FROM balance")], Asks::Test("balance"),
        Told::Coded("(column-value)", "[plugin.settings] balance: the column open is \"NaN\", not an amount"), BALANCE_LINE),
    wrong("a date without end",
        &[("issued, due, total, open,\n    payer_name, payer_email, number AS", "CAST('infinity' AS date) AS due, open,\n    payer_name, payer_email, number AS")], PUSH,
        Told::Coded("error[column-value]", "[plugin.settings] open_since: the column due of B-1 is \"infinity\", not a date"), OPEN_SINCE),
    wrong("a day that is an instant",
        &[("issued, due, total, open,\n    payer_name, payer_email, number AS", "CAST('2026-02-28 00:00+01' AS timestamptz) AS due, open,\n    payer_name, payer_email, number AS")], PUSH,
        Told::Coded("error[column-value]", "[plugin.settings] open_since: the column due of B-1 is \"2026-02-27T23:00:00Z\", not a day: which one it is depends on the zone"), OPEN_SINCE),
    wrong("a time beyond the calendar",
        &[("issued, due, total, open,\n    payer_name, payer_email, number AS", "CAST('290000-01-01' AS timestamp) AS due, open,\n    payer_name, payer_email, number AS")], PUSH,
        Told::Coded("error[column]", "[plugin.settings] open_since: column \"due\": the time lies beyond the calendar"), OPEN_SINCE),
    wrong("a number is of bytes",
        &[(NUMBER, "SELECT CAST(number AS bytea) AS number, matter, open, number AS")], PUSH,
        Told::Coded("error[column-value]", "open_since: the column number is a column of bytes, not a text or number"), OPEN_SINCE),
    wrong("a column of another type than the parameter",
        &[("WHERE number = :statement\"", "WHERE length(number) = :statement\"")], Asks::Test("balance"),
        Told::Coded("(parameter)", "[plugin.settings] balance: parameter \"statement\": \"B-1\" does not fit the database's type INT4"), BALANCE_LINE),
    wrong("a text that is no number on the way in",
        &[("WHERE client_name LIKE '%' || :text || '%'", "WHERE length(client_name) = CAST(:text AS integer)")], Asks::Test("search by name"),
        Told::Coded("(parameter)", "[plugin.settings.search] name: parameter \"text\": \"00124.00001\" does not fit the database's type INT4"), "name = "),
];

/// A database of PostgreSQL's that keeps bytes and does not say what they mean.
#[rustfmt::skip]
pub const ON_SQL_ASCII: &[Case] = &[
    Case { rows: &["UPDATE bill SET client_name = E'M\\xfcller' WHERE number = 'B-3'"],
        ..wrong("a name in another encoding", &[], PUSH,
        Told::Coded("error[statement]", "[plugin.settings] open_since: database \"matters\": invalid byte sequence for encoding \"UTF8\": 0xfc"), OPEN_SINCE) },
];

#[rustfmt::skip]
pub const ON_MARIADB: &[Case] = &[
    wrong("a number is of bytes",
        &[(NUMBER, "SELECT CAST(number AS BINARY) AS number, matter, open, number AS")], PUSH,
        Told::Coded("error[column-value]", "open_since: the column number is a column of bytes, not a text or number"), OPEN_SINCE),
    Case { rows: &["SET SESSION sql_mode = ''; UPDATE bill SET due = '0000-00-00' WHERE number = 'B-2'"],
        ..wrong("a date of zeros", &[], PUSH,
        Told::Coded("error[column-value]", "[plugin.settings] open_since: the column due of B-2 is \"0000-00-00\", not a date such as 2026-12-31"), OPEN_SINCE) },
];

/// A posting that cannot be written: its code, what is said, and how the line begins that is to be looked at.
pub struct Posts {
    pub of: &'static str,
    pub change: &'static [(&'static str, &'static str)],
    pub code: &'static str,
    pub says: &'static str,
    /// What SQLite, PostgreSQL and MariaDB say after that, each in its own words.
    pub own: [&'static str; 3],
    pub line: &'static str,
}

const NOTHING: [&str; 3] = [""; 3];

const WRITES: &str = "VALUES (:key, :statement, :amount, :received, :method, :reference)\"\"\"]";

#[rustfmt::skip]
pub const POSTS: &[Posts] = &[
    Posts { of: "the second statement changes no row", code: "rows-changed",
        change: &[(WRITES, "VALUES (:key, :statement, :amount, :received, :method, :reference)\"\"\", { rows = 1, sql = \"UPDATE bill SET total = 0 WHERE number = 'nowhere'\" }]")],
        says: "[plugin.settings] post: statement 2 changed 0 rows where 1 were expected, all is rolled back",
        own: NOTHING, line: "VALUES (:key" },
    Posts { of: "the second statement names a column that is not there", code: "statement",
        change: &[(WRITES, "VALUES (:key, :statement, :amount, :received, :method, :reference)\"\"\", \"UPDATE bill SET paid = 1 WHERE number = :statement\"]")],
        says: "[plugin.settings] post: database \"matters\": ",
        own: ["no such column: paid", "column \"paid\" of relation \"bill\" does not exist", "Unknown column 'paid' in "], line: "VALUES (:key" },
    Posts { of: "the second statement breaks a constraint", code: "constraint",
        change: &[(WRITES, "VALUES (:key, :statement, :amount, :received, :method, :reference)\"\"\", \"UPDATE bill SET total = NULL WHERE number = :statement\"]")],
        says: "[plugin.settings] post: database \"matters\": ",
        own: ["NOT NULL constraint failed: bill.total", "null value in column \"total\" of relation \"bill\" violates not-null constraint", "Column 'total' cannot be null"], line: "VALUES (:key" },
    Posts { of: "the key is found in two rows", code: "several-rows",
        change: &[("WHERE \"key\" = :key'", "WHERE \"key\" <> :key'")],
        says: "[plugin.settings] find: there is more than one row for the key",
        own: NOTHING, line: "find = " },
    Posts { of: "what is written is not found by its key", code: "not-found-again",
        change: &[("WHERE \"key\" = :key'", "WHERE \"key\" = :key || bill'")],
        says: "[plugin.settings] find: database \"matters\": what was written is not found by its key, all is rolled back",
        own: NOTHING, line: "find = " },
    Posts { of: "nothing says how it is posted", code: "not-configured",
        change: &[("post = [\"\"\"\n  INSERT INTO receipt (\"key\", bill, amount, received, method, reference)\n  VALUES (:key, :statement, :amount, :received, :method, :reference)\"\"\"]", "")],
        says: "[plugin.settings] post is not set",
        own: NOTHING, line: "[plugin.settings]" },
];
