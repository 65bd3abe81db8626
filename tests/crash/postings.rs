//! The daemon is killed while it writes payments back and takes refunds and returns back, with the matter database on SQLite,
//! PostgreSQL or MariaDB; the servers are ended hard too, with postings in hand. After each round of kills the matter database, the
//! provider and remitd say the same, bill by bill, to the cent.

use crate::wait;
use remitd_tests::chance::Chance;
use remitd_tests::firm::{Firm, dollars};
use remitd_tests::matters::Matters;
use remitd_tests::payer;
use serde_json::Value;
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Of each database, where the variable does not say how many.
const KILLS: usize = 8;
/// Kills between two looks at the books.
const ROUND: usize = 4;
/// New bills of a round, and how many of the open checkouts are paid before each kill.
const BILLS: usize = ROUND * PAID_EACH;
const PAID_EACH: usize = 4;
/// Payments of a round that are refunded in the next.
const REFUNDS: usize = 3;
/// A random kill comes this soon after the start, at the latest.
const RANDOM_MS: u64 = 250;
const CARD: &str = "4242424242424242";
const BANK: &str = "000123456789";
const BANK_RETURNS: &str = "000111111116";
/// Between two events of one posting's way, from the gateway's event to its last commit.
const POINTS: [&str; 6] = [
    "event.before_commit",
    "event.committed",
    "post.begun",
    "post.written",
    "post.before_commit",
    "post.finished",
];
/// Of a push, which is a command of its own.
const PUSH_POINTS: [&str; 3] = ["push.read", "intake.before_commit", "intake.committed"];

/// A checkout that waits for its payer.
struct Checkout {
    bill: String,
    minor: i64,
    url: String,
}

/// What a bill's receipts must be in the end: how many rows, and their sum.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Receipts {
    rows: usize,
    minor: i64,
}

pub struct Postings {
    firm: Firm,
    matters: Matters,
    chance: Chance,
    kills: usize,
    bills: usize,
    open: Vec<Checkout>,
    /// Of this round, or of the one before when a round begins: paid by card, and by a bank that will return it.
    paid: Vec<Checkout>,
    returning: Vec<Checkout>,
    expected: BTreeMap<String, Receipts>,
    /// Kills, and server ends, with a posting begun and not finished.
    in_hand: usize,
    random: usize,
    server_ends: usize,
}

impl Postings {
    pub fn new(matters: Matters) -> Postings {
        let asked = std::env::var("REMITD_CRASH_POSTINGS").ok().map(|text| text.parse::<usize>().unwrap());
        let kills = asked.unwrap_or(KILLS).next_multiple_of(ROUND);
        let mut firm = Firm::new(env!("CARGO_BIN_EXE_remitd"), None);
        matters.connect(&mut firm);
        let chance = Chance::from_environment("REMITD_CRASH_SEED");
        eprintln!("REMITD_CRASH_POSTINGS: {kills} kills on {}", matters.name());
        matters.ask(&firm, "DELETE FROM bill");
        Postings {
            firm,
            matters,
            chance,
            kills,
            bills: 0,
            open: Vec::new(),
            paid: Vec::new(),
            returning: Vec::new(),
            expected: BTreeMap::new(),
            in_hand: 0,
            random: 0,
            server_ends: 0,
        }
    }

    pub fn run(mut self) {
        for kill in 0..self.kills {
            if kill % ROUND == 0 {
                self.prepare(kill / ROUND);
                self.take_back();
            }
            self.pay_some(kill % ROUND);
            match (kill % ROUND, kill / ROUND) {
                (1, _) => self.at_random(),
                (3, round) if self.matters.is_server() && round % 2 == 0 => self.with_the_server(),
                (at, round) => self.at_point(POINTS[(round * ROUND + at) % POINTS.len()]),
            }
            if kill % ROUND == ROUND - 1 {
                self.recover();
                self.compare();
                self.firm.kill();
            }
        }
        self.compare_keys();
        let named = self.kills - self.random;
        eprintln!(
            "{}: {} kills, {named} at named points or after the server's end; {} found a posting in hand, {} ends of the server; {} receipts",
            self.matters.name(),
            self.kills,
            self.in_hand,
            self.server_ends,
            self.expected.values().map(|receipts| receipts.rows).sum::<usize>(),
        );
        assert!(self.in_hand * 2 >= self.kills, "too few kills found a posting in hand");
    }

    /// New bills, pushed by a command that dies once on its way; every link's payer goes as far as the checkout.
    fn prepare(&mut self, round: usize) {
        let first = self.bills;
        self.bills += BILLS;
        let row = |number: usize| {
            let total = format!("{}.{:02}", number + 1, number % 100);
            let payer = format!("'Payer {number}', 'payer{number}@example.com'");
            format!("('P-{number}', 'M', 'C', 'Client', '2026-10-01', '2026-12-01', {total}, {payer})")
        };
        let rows: Vec<String> = (first..self.bills).map(row).collect();
        self.matters.ask(&self.firm, &format!("INSERT INTO bill VALUES {}", rows.join(", ")));
        self.push_killed(PUSH_POINTS[round % PUSH_POINTS.len()]);
        self.firm.start();
        self.firm.cli(&["matter", "push", "--json"]);
        let listed = self.firm.ask(&["request", "list", "--state", "outstanding"]);
        for request in listed.as_array().unwrap() {
            let text = |name: &str| request[name].as_str().unwrap().to_owned();
            let bill = text("invoice");
            if self.open.iter().any(|checkout| checkout.bill == bill) {
                continue;
            }
            let begun = self.firm.provider.run(payer::begin(&text("link"), None));
            assert!(begun.url.starts_with(&self.firm.provider.url), "{begun:?}");
            let minor = text("amount").replace('.', "").parse().unwrap();
            self.open.push(Checkout { bill, minor, url: begun.url });
        }
        self.firm.kill();
    }

    fn push_killed(&self, point: &str) {
        let mut push = Command::new(&self.firm.bin);
        push.arg("-c")
            .arg(&self.firm.config)
            .args(["matter", "push"])
            .env("REMITD_FAULT", format!("{point}:1"));
        let ended = push.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        assert_eq!(ended.signal(), Some(9), "{point} is passed by a push");
    }

    /// Part of what was written in the round before goes back; the daemon is down, and hears of it at its next start.
    fn take_back(&mut self) {
        for refunded in std::mem::take(&mut self.paid).into_iter().take(REFUNDS) {
            let payment = self.firm.provider.payment_at(&refunded.url);
            self.firm.provider.refund(&payment, refunded.minor);
            self.note(&refunded, -1);
        }
        for returned in std::mem::take(&mut self.returning) {
            self.note(&returned, -1);
        }
        self.firm.provider.settle();
    }

    /// The daemon is down; the provider takes money all the same. Bank payments are pending, and sure before the next kill.
    fn pay_some(&mut self, at: usize) {
        if at == 1 {
            self.firm.provider.settle();
        }
        let some = PAID_EACH.min(self.open.len());
        for (place, checkout) in self.open.drain(..some).collect::<Vec<_>>().into_iter().enumerate() {
            let number = match (at, place) {
                (0, 0) => BANK,
                (0, 1) => BANK_RETURNS,
                _ => CARD,
            };
            let paid = self.firm.provider.run(payer::submit_and_leave(&checkout.url, number));
            assert_eq!(paid.status, 303, "{paid:?}");
            self.note(&checkout, 1);
            match number {
                CARD => self.paid.push(checkout),
                BANK_RETURNS => self.returning.push(checkout),
                _ => {}
            }
        }
    }

    fn note(&mut self, checkout: &Checkout, sign: i64) {
        let receipts = self.expected.entry(checkout.bill.clone()).or_default();
        receipts.rows += 1;
        receipts.minor += sign * checkout.minor;
    }

    /// The daemon ends itself on a posting's way; a point that is never reached fails the test.
    fn at_point(&mut self, point: &str) {
        // At the first kill of a round half of the money is pending still.
        let nth = 1 + self.chance.below(PAID_EACH as u64 / 2);
        self.firm.start_with(&[("REMITD_FAULT", &format!("{point}:{nth}"))]);
        self.firm.take_daemon().ended();
        self.in_hand += 1;
    }

    fn at_random(&mut self) {
        self.firm.start();
        wait(Duration::from_millis(self.chance.below(RANDOM_MS)));
        self.firm.kill();
        self.random += 1;
        self.in_hand += usize::from(self.unfinished() > 0);
    }

    /// The matter database ends hard with postings on their way, comes back, and the daemon is killed after it.
    fn with_the_server(&mut self) {
        self.firm.start();
        wait(Duration::from_millis(self.chance.below(RANDOM_MS)));
        self.matters.crash();
        self.in_hand += usize::from(self.unfinished() > 0);
        self.matters.resume();
        wait(Duration::from_millis(self.chance.below(RANDOM_MS)));
        self.firm.kill();
        self.server_ends += 1;
    }

    /// Postings that were begun and are not done.
    fn unfinished(&self) -> i64 {
        let effects = &self.firm.ask(&["status"])["effects"]["post"];
        effects["running"].as_i64().unwrap_or(0) + effects["ready"].as_i64().unwrap_or(0)
    }

    /// Without faults, until nothing is left to do.
    fn recover(&mut self) {
        let kept = self.firm.provider.totals().kept_minor;
        let rows: usize = self.expected.values().map(|receipts| receipts.rows).sum();
        self.firm.start();
        self.firm.books("all is written back", |books| {
            books["postings"] == rows && books["unposted"] == 0 && dollars(&books["posted"]) == kept
        });
    }

    /// Each bill's receipts are its payments, without what went back.
    fn compare(&self) {
        let answer = self.matters.ask(
            &self.firm,
            "SELECT bill, count(*), round(sum(amount) * 100) FROM receipt GROUP BY bill ORDER BY bill",
        );
        let receipts = answer.lines().map(|line| {
            let mut parts = line.split(['|', '\t']);
            let mut next = || parts.next().unwrap();
            let (bill, rows) = (next().to_owned(), next().parse().unwrap());
            // SQLite's decimals are floats.
            (bill, Receipts { rows, minor: next().trim_end_matches(".0").parse().unwrap() })
        });
        assert_eq!(receipts.collect::<BTreeMap<_, _>>(), self.expected);
        let status = self.firm.ask(&["status"]);
        assert_eq!(status["held"], serde_json::json!([]), "nothing waits for a person: {status}");
        let (books, totals) = (&status["books"], self.firm.provider.totals());
        assert_eq!(dollars(&books["paid"]), totals.kept_minor, "{books}");
    }

    /// Every posting has its receipt, by its key, and no receipt is there without one.
    fn compare_keys(&self) {
        let listed = self.firm.ask(&["posting", "list", "--view", "posted", "--limit", "1000000"]);
        let key = |posting: &Value| posting["key"].as_str().unwrap().to_owned();
        let mut posted: Vec<String> = listed.as_array().unwrap().iter().map(key).collect();
        posted.sort();
        let mut written: Vec<String> =
            self.matters.ask(&self.firm, "SELECT r.key FROM receipt r").lines().map(str::to_owned).collect();
        written.sort();
        assert_eq!(posted, written);
    }
}
