//! SQL Server from end to end, as far as it can be shown without one: a firm's mapping by stored procedures, against Microsoft's mock of
//! its protocol. What is asked for, paid and posted goes the whole road; that a real server takes the statements is not shown.

// A test fails loudly, where it stands.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use remitd_tests::firm::Firm;
use remitd_tests::mssql::{self, Mode, Peer};
use std::os::unix::fs::PermissionsExt;

const BIN: &str = env!("CARGO_BIN_EXE_remitd");
const GOOD_CARD: &str = "4242424242424242";

/// In capitals, by which the mock knows a statement.
const MAPPING: &str = r#"
[[sql]]
id = "matters"
url = { file = "secrets/matters-url" }

[[plugin]]
id = "matters"
file = "sql-connector"

[plugin.settings]
connection = "matters"
currency = "USD"
cursor_start = ""
open_since = "EXEC OPENSINCE @AFTER = :cursor, @MOST = :limit"
open_statements = "EXEC OPENBILLS @MATTER = :matter"
balance = "SELECT OWED AS OPEN FROM BILL WHERE NUMBER = :statement"
find = "SELECT REF FROM RECEIPT WHERE POSTINGKEY = :key"
post = ["INSERT INTO RECEIPT (POSTINGKEY, BILL, AMOUNT) VALUES (:key, :statement, :amount)"]

[plugin.settings.search]
client = "EXEC FINDMATTERS @TEXT = :text, @MOST = :limit"

[plugin.grants]
sql = ["matters"]
sql_write = ["matters"]

[[push]]
connector = "matters"
account = "operating"
release = "send"
"#;

fn connected(peer: &Peer) -> Firm {
    let firm = Firm::new(BIN, None);
    firm.change("# connector = \"matters\"", "connector = \"matters\"  ");
    let secret = firm.path("secrets/matters-url");
    let url = format!("mssql://remitd:Sesame@127.0.0.1:{}/elite?encrypt=off", peer.port);
    fs_err::write(&secret, url).unwrap();
    fs_err::set_permissions(&secret, PermissionsExt::from_mode(0o600)).unwrap();
    firm.add("matters", MAPPING);
    firm
}

#[test]
fn a_bill_is_found_asked_for_paid_and_posted() {
    let Some(peer) = mssql::start(&Mode::Firm) else { return };
    let mut firm = connected(&peer);
    firm.cli(&["check"]).expect(0);
    let found = firm.ask(&["matter", "search", "Søn"]);
    assert_eq!(
        (&found[0]["number"], &found[0]["client_name"]),
        (&"M-1".into(), &"Søn & Счёт".into()),
        "{found}"
    );
    let open = firm.ask(&["matter", "show", "M-1"]);
    assert_eq!((&open[0]["number"], &open[0]["open"]), (&"B-1".into(), &"1250.00".into()), "{open}");
    firm.start();
    let pushed = firm.ask(&["matter", "push"]);
    assert_eq!(pushed[0]["ok"], 1, "{pushed}");
    firm.books("the payer is asked", |books| books["mails"] == 1 && books["unmailed"] == 0);
    let links = firm.ask(&["request", "list"]);
    assert_eq!(links[0]["payer"]["email"], "dana@example.com", "{links}");
    assert_eq!(firm.pay(links[0]["link"].as_str().unwrap(), GOOD_CARD).status, 200);
    firm.books("it is posted", |books| books["payments"] == 1 && books["unposted"] == 0);
    let posted = firm.ask(&["posting", "list"]);
    assert_eq!((&posted[0]["state"], &posted[0]["reference"]), (&"posted".into(), &"R-7".into()), "{posted}");
    // Paid it is, in the matter software too.
    let again = firm.ask(&["matter", "push"]);
    assert_eq!((&again[0]["rows"], &again[0]["ended"]), (&0.into(), &serde_json::json!([])), "{again}");
    firm.stop();
}

#[test]
fn the_table_of_posted_keys_is_made_as_sql_server_has_it() {
    let Some(peer) = mssql::start(&Mode::Firm) else { return };
    let firm = connected(&peer);
    let shown = firm.cli(&["matter", "prepare", "--dry-run"]);
    assert!(
        shown.stdout.contains("posted_at DATETIME2") && shown.stdout.contains("WHERE reverses IS NOT NULL"),
        "{shown:?}"
    );
    assert_eq!(firm.ask(&["matter", "prepare", "--yes"])["outcome"], "made");
    assert_eq!(firm.ask(&["matter", "prepare", "--yes"])["outcome"], "there");
}
