//! Wrong mappings and databases that lie: each is told with its code, its statement and its place in the configuration, and the
//! matter database stays as it was. A case is a row of a table: what is wrong, who is asked, what is said.

// A test fails loudly, where it stands.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "mappings/cases.rs"]
mod cases;

use cases::{Asks, Case, Told};
use remitd_tests::firm::Firm;
use remitd_tests::matters::Matters;
use remitd_tests::{mariadb, postgres};
use serde_json::Value;

const BIN: &str = env!("CARGO_BIN_EXE_remitd");
const TOML: &str = "conf.d/matters.toml";
const DATABASE: &str = "matters.sqlite";
/// Everything that a posting changes, and everything that it must not.
const BOOKS: &str = "SELECT count(*), sum(total), (SELECT count(*) FROM receipt), (SELECT sum(amount) FROM receipt) FROM bill";

/// How a firm's matter database is asked.
type Ask = Box<dyn Fn(&Firm, &str) -> String>;

/// A firm whose mapping is made wrong and right again.
struct Mapped {
    firm: Firm,
    toml: String,
    ask: Ask,
}

impl Mapped {
    fn new(mut firm: Firm, add: impl Fn(&mut Firm), ask: impl Fn(&Firm, &str) -> String + 'static) -> Mapped {
        add(&mut firm);
        let toml = fs_err::read_to_string(firm.path(TOML)).unwrap();
        Mapped { firm, toml, ask: Box::new(ask) }
    }

    fn on_sqlite() -> Mapped {
        Mapped::new(Firm::new(BIN, None), |firm| firm.add_matters(None), Firm::ask_matters_file)
    }

    fn check(&self, case: &Case) {
        eprintln!("{}", case.of);
        for row in case.rows {
            (self.ask)(&self.firm, row);
        }
        for (from, to) in case.change {
            self.firm.change(from, to);
        }
        let before = (self.ask)(&self.firm, BOOKS);
        match case.asks {
            Asks::Test(step) => self.test(case, step),
            Asks::Push(statement) => self.push(case, statement),
            Asks::Fails(command) => self.fails(case, command),
        }
        assert_eq!(before, (self.ask)(&self.firm, BOOKS), "{}: the matter database has changed", case.of);
        assert_eq!(
            self.firm.ask(&["request", "list"]),
            Value::Array(vec![]),
            "{}: somebody is asked",
            case.of
        );
        fs_err::write(self.firm.path(TOML), &self.toml).unwrap();
    }

    /// A step of the trial has failed or is odd, and says so with the place of its statement.
    fn test(&self, case: &Case, step: &str) {
        let answer = self.firm.cli(&["matter", "test", "--json"]).expect(1).json();
        let steps = answer["steps"].as_array().unwrap();
        let wrong =
            |one: &&Value| one["step"] == step && (one["verdict"] == "failed" || one["verdict"] == "odd");
        let Some(wrong) = steps.iter().find(wrong) else { panic!("{}: {step}: {steps:#?}", case.of) };
        let says = wrong["says"].as_str().unwrap();
        let told = match case.told {
            Told::Coded(code, text) => says.contains(text) && says.ends_with(code),
            Told::Whole(text) => says == text,
        };
        assert!(told, "{}: {wrong:#}", case.of);
        assert!(
            wrong["place"].as_str().unwrap().ends_with(&place(&self.firm, case.line)),
            "{}: {wrong:#}",
            case.of
        );
    }

    /// A push leaves the statement out by a rule, and says why and where to look.
    fn push(&self, case: &Case, statement: &str) {
        let Told::Coded(rule, why) = case.told else { panic!("{}: a push names its rule", case.of) };
        let answer = self.firm.ask(&["matter", "push", "--dry-run"]);
        let skipped = answer[0]["skipped"].as_array().unwrap();
        let Some(left_out) = skipped.iter().find(|one| one["statement"] == statement) else {
            panic!("{}: {statement} is not left out: {answer:#}", case.of)
        };
        let text = |key: &str| left_out[key].as_str().unwrap();
        assert!(text("rule") == rule && text("why").contains(why), "{}: {left_out:#}", case.of);
        let (setting, columns) = text("look_at").split_once(", ").unwrap();
        assert!(case.line.starts_with(setting) && columns.starts_with("column"), "{}: {left_out:#}", case.of);
        assert!(text("place").ends_with(&place(&self.firm, case.line)), "{}: {left_out:#}", case.of);
    }

    /// The command cannot go on, and says where to mend it.
    fn fails(&self, case: &Case, command: &str) {
        let Told::Coded(code, says) = case.told else { panic!("{}: an error has a code", case.of) };
        let output = self.firm.cli(&command.split(' ').collect::<Vec<_>>());
        assert!(output.status == 2 || output.status == 3, "{}: {output:?}", case.of);
        let place = place(&self.firm, case.line);
        // Line 3 is not line 33.
        let there = [')', ':'].iter().any(|after| output.stderr.contains(&format!("{place}{after}")));
        assert!(there, "{}: {place} is not in {output:?}", case.of);
        for wanted in [says, code] {
            assert!(output.stderr.contains(wanted), "{}: {wanted:?} is not in {output:?}", case.of);
        }
    }
}

/// Of the line that begins so, in the configuration as it is now.
fn place(firm: &Firm, line: &str) -> String {
    let toml = fs_err::read_to_string(firm.path(TOML)).unwrap();
    let at = toml.lines().position(|one| one.trim_start().starts_with(line));
    format!("{TOML}:{}", 1 + at.unwrap_or_else(|| panic!("no line begins with {line}")))
}

#[test]
fn on_sqlite() {
    let mapped = Mapped::on_sqlite();
    let database = mapped.firm.path(DATABASE);
    let whole = fs_err::read(&database).unwrap();
    for case in cases::ON_ALL.iter().chain(cases::ON_SQLITE) {
        mapped.check(case);
        fs_err::write(&database, &whole).unwrap();
    }
}

#[test]
fn on_postgres() {
    let server = postgres::shared();
    let mapped = Mapped::new(
        Firm::new(BIN, None),
        |firm| firm.add_matters(Some(server)),
        move |firm, sql| server.ask(&firm.matters_url(), sql),
    );
    for case in cases::ON_ALL.iter().chain(cases::ON_POSTGRES) {
        mapped.check(case);
    }
}

#[test]
fn on_mariadb() {
    let server = mariadb::shared();
    let mapped = Mapped::new(
        Firm::new(BIN, None),
        |firm| firm.add_matters_on_mariadb(server),
        move |firm, sql| server.ask(&firm.matters_url(), sql),
    );
    for case in cases::ON_ALL.iter().chain(cases::ON_MARIADB) {
        mapped.check(case);
    }
}

/// A matter database whose texts are not UTF-8 is read all the same, where it says what they are; where it does not, nobody is
/// asked under a wrong name.
#[test]
fn texts_in_another_encoding() {
    let server = postgres::shared();
    let in_encoding = |encoding: &'static str| {
        Mapped::new(
            Firm::new(BIN, None),
            move |firm| firm.add_matters_in(server, encoding),
            move |firm, sql| server.ask(&firm.matters_url(), sql),
        )
    };
    let unsaid = in_encoding("SQL_ASCII");
    cases::ON_SQL_ASCII.iter().for_each(|case| unsaid.check(case));
    arrives_right(&in_encoding("LATIN1").firm);
    let server = mariadb::shared();
    let mut firm = Firm::new(BIN, None);
    firm.add_matters_on_mariadb(server);
    let latin = "VARCHAR(200) CHARACTER SET latin1 NOT NULL";
    let change = format!("ALTER TABLE bill MODIFY client_name {latin}, MODIFY payer_name {latin}");
    server.ask(&firm.matters_url(), &change);
    arrives_right(&firm);
}

#[track_caller]
fn arrives_right(firm: &Firm) {
    let pushed = firm.ask(&["matter", "push", "--dry-run"]);
    assert_eq!(pushed[0]["wanted"][2]["payer"], "Jørgen Müller <j.muller@example.net>", "{pushed:#}");
    // And what is asked for arrives as it was meant.
    let found = firm.ask(&["matter", "search", "Søn"]);
    assert_eq!(found[0]["client_name"], "Müller & Søn Imports", "{found:#}");
}

/// A posting is written whole or not at all, whatever is wrong with its statements.
fn no_posting_is_half_written(matters: &Matters, own: usize) {
    let mut firm = Firm::new(BIN, None);
    matters.connect(&mut firm);
    let toml = fs_err::read_to_string(firm.path(TOML)).unwrap();
    matters.ask(&firm, "INSERT INTO receipt VALUES (901, 'by hand', 'B-1', 1.00, '2026-11-20', 'cheque', '77'), (902, 'by hand too', 'B-1', 1.00, '2026-11-20', 'cheque', '78')");
    for (at, posts) in cases::POSTS.iter().enumerate() {
        eprintln!("{} on {}", posts.of, matters.name());
        for (from, to) in posts.change {
            firm.change(from, to);
        }
        firm.start();
        let before = matters.ask(&firm, BOOKS);
        let made = ["request", "create", "--account", "operating", "--amount", "10", "--no-mail"];
        let whom = ["--name", "Dana Whitfield", "--email", "dana@example.com", "--invoice", "B-3"];
        let request = firm.ask(&[&made[..], &whom].concat());
        firm.pay(request["link"].as_str().unwrap(), "4242424242424242");
        let id = (at + 1).to_string();
        let incomplete = ["posting", "list", "--view", "incomplete"];
        let told = firm.until(posts.of, &incomplete, |list| list[0]["id"] == at + 1);
        let (error, code) = (told[0]["error"].as_str().unwrap(), &told[0]["code"]);
        let says = format!("{}{}", posts.says, posts.own[own]);
        assert!(error.contains(&says) && code == posts.code, "{}: {told:#}", posts.of);
        // With the place of the statement that is to be mended, for programs and for people.
        let (place, shown) = (place(&firm, posts.line), firm.cli(&incomplete).expect(0));
        assert!(told[0]["place"].as_str().unwrap().ends_with(&place), "{}: {place}: {told:#}", posts.of);
        assert!(shown.stdout.contains(&format!("{place})")), "{}: {shown:?}", posts.of);
        assert_eq!(before, matters.ask(&firm, BOOKS), "{}: it is half written", posts.of);
        firm.ask(&["posting", "remove", &id]);
        firm.stop();
        fs_err::write(firm.path(TOML), &toml).unwrap();
    }
}

#[test]
fn no_posting_is_half_written_on_sqlite() {
    no_posting_is_half_written(&Matters::Sqlite, 0);
}

#[test]
fn no_posting_is_half_written_on_postgres() {
    no_posting_is_half_written(&Matters::Postgres(postgres::Server::start(postgres::Fsync::Off)), 1);
}

#[test]
fn no_posting_is_half_written_on_mariadb() {
    no_posting_is_half_written(&Matters::MariaDb(mariadb::Server::start()), 2);
}

/// The list is read at each push; where it is not there, nobody is asked.
#[test]
fn a_hold_list_that_is_gone_stops_the_push() {
    let firm = Firm::with_matters(BIN, None);
    let list = firm.path("hold.txt");
    fs_err::write(&list, "00124 # in dispute\n").unwrap();
    firm.change("[[push]]\nconnector", "[[push]]\nhold_list = \"hold.txt\"\nconnector");
    let held = firm.ask(&["matter", "push", "--dry-run"]);
    assert_eq!(
        (&held[0]["ok"], &held[0]["skipped"][0]["rule"]),
        (&1.into(), &"hold_list".into()),
        "{held:#}"
    );
    fs_err::write(&list, "B-3\n").unwrap();
    let held = firm.ask(&["matter", "push", "--dry-run"]);
    assert_eq!((&held[0]["ok"], &held[0]["skipped"][0]["statement"]), (&2.into(), &"B-3".into()), "{held:#}");
    let mut running = firm;
    running.start();
    fs_err::write(&list, b"00124 \xff\n").unwrap();
    let says = running.cli(&["matter", "push"]).expect(2).stderr;
    assert!(says.contains("REMIT-0282") && says.contains("hold.txt: it is not UTF-8"), "{says}");
    assert_eq!(running.ask(&["request", "list"]), Value::Array(vec![]));
    running.stop();
    fs_err::remove_file(&list).unwrap();
    let says = format!("{:?}", running.cli(&["check"]).expect(3));
    assert!(says.contains("REMIT-0118") && says.contains("hold.txt is not there"), "{says}");
}
