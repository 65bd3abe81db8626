//! The matter database's server falls silent in the middle of an answer that is only read: a search and a push end in time, say which
//! statement it was and where that stands, and nobody is asked for what was not read to its end.

use crate::{BIN, place_of};
use remitd_tests::firm::Firm;
use remitd_tests::matters::Matters;
use remitd_tests::wire::Fault;
use remitd_tests::{mariadb, postgres};
use serde_json::json;

/// Bound values that one statement alone has: the text that is searched for, and where the list of what is open begins.
const SEARCHED: &str = "Harbor Light";
const BEGINS: &str = "A-first";

#[test]
fn silent_on_postgres() {
    silent(&Matters::Postgres(postgres::Server::start(postgres::Fsync::Off)));
}

#[test]
fn silent_on_mariadb() {
    silent(&Matters::MariaDb(mariadb::Server::start()));
}

fn silent(matters: &Matters) {
    let mut firm = Firm::new(BIN, None);
    matters.connect(&mut firm);
    firm.change("[[sql]]\n", "[[sql]]\nstatement_timeout = \"1s\"\n");
    firm.change("cursor_start = \"\"", &format!("cursor_start = \"{BEGINS}\""));
    let wire = matters.wire(&firm);
    let commands: [(&[&str], &str, &str, &str); 2] = [
        (&["matter", "search", SEARCHED], SEARCHED, "[plugin.settings.search] name: ", "name"),
        (&["matter", "push"], BEGINS, "[plugin.settings] open_since: ", "open_since"),
    ];
    for (at, (command, word, names, setting)) in commands.into_iter().enumerate() {
        wire.arm(word, Fault::Silent);
        let output = firm.cli(command);
        wire.fired(at + 1);
        assert_eq!(output.status, 2, "{output:?}");
        let place = format!("{})", place_of(&firm, setting));
        for said in [names, "timeout", &place] {
            assert!(output.stderr.contains(said), "{said:?} is not in {output:?}");
        }
        wire.let_go();
        assert_eq!(firm.ask(&["request", "list"]), json!([]), "{command:?}");
    }
    assert_eq!(firm.ask(&["matter", "push"])[0]["ok"], 3, "nothing was left out");
}
