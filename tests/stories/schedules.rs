//! What comes by itself, at its time: a daemon that nobody asks for anything pushes by its schedule and compares by its own, minute
//! after minute, on both databases. A schedule knows no shorter step, so that both firms wait for the same minutes.

use remitd_tests::firm::Firm;
use remitd_tests::postgres;
use serde_json::{Value, json};

const EVERY_MINUTE: &str = "schedule = \"* * * * *\"";
const LATE: &str =
    "INSERT INTO bill VALUES ('B-9', '00124.00001', '00124', 'Harbor Light Bakery LLC', '2026-11-20',
    '2026-12-20', 99.00, 'Dana Whitfield', 'dana@example.com')";

fn firm(server: Option<&postgres::Server>) -> Firm {
    let mut firm = Firm::with_matters(env!("CARGO_BIN_EXE_remitd"), server);
    firm.change("[[push]]\nconnector", &format!("[[push]]\n{EVERY_MINUTE}\nconnector"));
    firm.add("reconcile", &format!("[reconcile]\n{EVERY_MINUTE}\n"));
    firm.start();
    firm
}

/// What is asked for, in order.
fn invoices(firm: &Firm) -> Vec<String> {
    let requests = firm.ask(&["request", "list"]);
    let invoice = |request: &Value| {
        assert_eq!(request["state"], "outstanding", "{request}");
        request["invoice"].as_str().unwrap().to_owned()
    };
    let mut invoices: Vec<_> = requests.as_array().unwrap().iter().map(invoice).collect();
    invoices.sort();
    invoices
}

fn asked_for(firm: &Firm, count: usize) {
    let all_out = |status: &Value| {
        let books = &status["books"];
        books["requests"] == count && books["mails"] == count && books["unmailed"] == 0
    };
    firm.in_a_minute("the daemon pushes by itself", &["status"], all_out);
}

#[test]
fn come_due_in_a_daemon_of_its_own() {
    let server = postgres::shared();
    let mut firms = [firm(None), firm(Some(server))];
    for firm in &firms {
        asked_for(firm, 3);
        assert_eq!(invoices(firm), ["B-1", "B-2", "B-3"]);
        let by_itself = json!({ "by": "daemon", "differences": [], "could_not": [] });
        firm.in_a_minute("the daemon compares by itself", &["status"], |status| {
            let mut told = status["reconciled"].clone();
            told.as_object_mut().is_some_and(|told| told.remove("at").is_some()) && told == by_itself
        });
    }
    // What is open from now on is the next push's.
    firms[0].ask_matters_file(LATE);
    server.ask(&firms[1].matters_url(), LATE);
    for firm in &mut firms {
        asked_for(firm, 4);
        assert_eq!(invoices(firm), ["B-1", "B-2", "B-3", "B-9"]);
        // No push has made a row of what was asked for already.
        let batches = firm.ask(&["batch", "list"]);
        let rows = |batch: &Value| batch["rows"].as_i64().filter(|rows| *rows > 0);
        let mut rows: Vec<_> = batches.as_array().unwrap().iter().filter_map(rows).collect();
        rows.sort_unstable();
        assert_eq!(rows, [1, 3], "{batches:#}");
        let pushed = firm.ask(&["matter", "push"]);
        assert_eq!(pushed[0]["rows"], 0, "{pushed:#}");
        firm.stop();
    }
}
