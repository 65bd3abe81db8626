//! Wrong mappings and databases that lie: each is told with its code, its statement and its place in the configuration, and the
//! matter database stays as it was. A case is a row of a table: what is wrong, who is asked, what is said.

// A test fails loudly, where it stands.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "mappings/cases.rs"]
mod cases;

use cases::{Asks, Case};
use remitd_tests::firm::Firm;
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
            Asks::Test => self.test(case, "matter test"),
            Asks::Push => self.push(case),
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
    fn test(&self, case: &Case, command: &str) {
        let args: Vec<&str> = command.split(' ').chain(["--json"]).collect();
        let answer = self.firm.cli(&args).expect(1).json();
        let steps = answer["steps"].as_array().unwrap();
        let told = steps.iter().any(|step| {
            let says = step["says"].as_str().unwrap();
            let wrong = step["verdict"] == "failed" || step["verdict"] == "odd";
            wrong && says.contains(case.says) && says.contains(case.code) && has_line(step["place"].as_str())
        });
        assert!(told, "{}: {:?} ({}) is not in {steps:#?}", case.of, case.says, case.code);
    }

    /// A push leaves one statement out by a rule, and says why.
    fn push(&self, case: &Case) {
        let answer = self.firm.ask(&["matter", "push", "--dry-run"]);
        let skipped = answer[0]["skipped"].as_array().unwrap();
        let told = skipped
            .iter()
            .any(|one| one["rule"] == case.code && one["why"].as_str().unwrap().contains(case.says));
        assert!(told, "{}: {:?} ({}) is not in {answer:#}", case.of, case.says, case.code);
    }

    /// The command cannot go on, and says where to mend it.
    fn fails(&self, case: &Case, command: &str) {
        let output = self.firm.cli(&command.split(' ').collect::<Vec<_>>());
        assert!(output.status == 2 || output.status == 3, "{}: {output:?}", case.of);
        for wanted in [case.says, case.code, "conf.d/matters.toml:"] {
            assert!(output.stderr.contains(wanted), "{}: {wanted:?} is not in {output:?}", case.of);
        }
    }
}

fn has_line(place: Option<&str>) -> bool {
    let line = place.and_then(|place| place.split_once("conf.d/matters.toml:")).map(|(_, line)| line);
    line.is_some_and(|line| line.parse::<u32>().is_ok())
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

/// A posting is written whole or not at all, whatever is wrong with its statements.
#[test]
fn no_posting_is_half_written() {
    let mut mapped = Mapped::on_sqlite();
    mapped.firm.ask_matters_file("INSERT INTO receipt VALUES (901, 'by hand', 'B-1', 1.00, '2026-11-20', 'cheque', '77'), (902, 'by hand too', 'B-1', 1.00, '2026-11-20', 'cheque', '78')");
    for (at, posts) in cases::POSTS.iter().enumerate() {
        eprintln!("{}", posts.of);
        for (from, to) in posts.change {
            mapped.firm.change(from, to);
        }
        mapped.firm.start();
        let firm = &mapped.firm;
        let before = firm.ask_matters_file(BOOKS);
        let made = ["request", "create", "--account", "operating", "--amount", "10", "--no-mail"];
        let whom = ["--name", "Dana Whitfield", "--email", "dana@example.com", "--invoice", "B-3"];
        let request = firm.ask(&[&made[..], &whom].concat());
        firm.pay(request["link"].as_str().unwrap(), "4242424242424242");
        let id = (at + 1).to_string();
        let told = firm
            .until(posts.of, &["posting", "list", "--view", "incomplete"], |list| list[0]["id"] == at + 1);
        let (error, code) = (told[0]["error"].as_str().unwrap(), &told[0]["code"]);
        assert!(error.contains(posts.says) && code == posts.code, "{}: {told:#}", posts.of);
        assert_eq!(before, firm.ask_matters_file(BOOKS), "{}: it is half written", posts.of);
        firm.ask(&["posting", "remove", &id]);
        mapped.firm.stop();
        fs_err::write(mapped.firm.path(TOML), &mapped.toml).unwrap();
    }
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
