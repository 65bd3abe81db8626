//! Rounds of work with a kill in each, and the comparison at the end.

use crate::payer::Payer;
use crate::wait;
use remitd_tests::chance::Chance;
use remitd_tests::firm::{Firm, dollars};
use remitd_tests::postgres::Server;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

const KILLS: usize = 24;
/// Named fail points, and what makes the daemon pass them.
const POINTS: [(&str, Work); 18] = [
    ("folder.taken", Work::File),
    ("intake.read", Work::File),
    ("intake.before_commit", Work::File),
    ("intake.committed", Work::File),
    ("folder.imported", Work::File),
    ("folder.reported", Work::File),
    ("mail.recorded", Work::Push),
    ("mail.sent", Work::Push),
    ("mail.before_commit", Work::File),
    ("mail.finished", Work::File),
    ("checkout.begun", Work::Pay),
    ("checkout.before_commit", Work::Pay),
    ("event.before_commit", Work::Pay),
    ("event.committed", Work::Pay),
    ("post.written", Work::Pay),
    ("post.before_commit", Work::Pay),
    ("post.finished", Work::Pay),
    ("close.closed", Work::Cancel),
];
/// Random kills come this soon after the start, at the latest.
const RANDOM_MS: u64 = 1_200;
const LOOK_AGAIN: Duration = Duration::from_millis(30);
/// Rows of a dropped file, bills of a push.
const ROWS: usize = 3;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    File,
    Push,
    /// A push, and its links are paid.
    Pay,
    /// A payment is begun, then the request is cancelled.
    Cancel,
}

pub struct Campaign {
    firm: Firm,
    server: Option<&'static Server>,
    payer: Payer,
    kills: usize,
    chance: Chance,
    round: usize,
    /// What was asked for so far: rows of files and bills.
    asked: usize,
    cancelled: usize,
    files: usize,
    used: BTreeSet<String>,
}

impl Campaign {
    pub fn new(server: Option<&'static Server>) -> Campaign {
        let kills = std::env::var("REMITD_CRASH_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
        eprintln!("REMITD_CRASH_KILLS={kills}");
        let firm = Firm::with_matters(env!("CARGO_BIN_EXE_remitd"), server);
        let campaign = Campaign {
            firm,
            server,
            payer: Payer::new(),
            kills,
            chance: Chance::from_environment("REMITD_CRASH_SEED"),
            round: 0,
            asked: 0,
            cancelled: 0,
            files: 0,
            used: BTreeSet::new(),
        };
        // Only bills of this campaign.
        campaign.matters("DELETE FROM bill");
        campaign
    }

    pub fn run(mut self) {
        for kill in 0..self.kills {
            match POINTS.get(kill % (POINTS.len() + POINTS.len() / 3)) {
                Some((point, work)) => self.at_point(point, *work),
                None => self.at_random(),
            }
            self.round += 1;
        }
        self.settle();
        self.compare();
        self.firm.stop();
    }

    /// The daemon dies at a named point; one that was never reached fails the test.
    fn at_point(&mut self, point: &str, work: Work) {
        // Later rounds let the first pass and die at the second, so that work stands done and undone side by side.
        let nth = if work == Work::File { 1 } else { 1 + self.round / POINTS.len() % 2 };
        self.firm.start_with(&[("REMITD_FAULT", &format!("{point}:{nth}"))]);
        let mut daemon = self.firm.take_daemon();
        self.work(work);
        let patience = Duration::from_secs(60).as_millis() / LOOK_AGAIN.as_millis();
        for _ in 0..patience {
            if daemon.has_ended() {
                return;
            }
            if matches!(work, Work::Pay | Work::Cancel) {
                self.pay_some(work);
            }
            wait(LOOK_AGAIN);
        }
        panic!("{point} was not reached {nth} times\n{}", self.firm.log());
    }

    fn at_random(&mut self) {
        let after = Duration::from_millis(self.chance.below(RANDOM_MS));
        self.firm.start();
        self.work(Work::File);
        self.work(Work::Pay);
        let looks = after.as_millis() / LOOK_AGAIN.as_millis();
        for _ in 0..looks {
            self.pay_some(Work::Pay);
            wait(LOOK_AGAIN);
        }
        self.firm.kill();
    }

    fn work(&mut self, work: Work) {
        let first = self.asked;
        self.asked += ROWS;
        let bills = first..self.asked;
        if work == Work::File {
            let mut text = String::from("Invoice Number,Recipient Name,Recipient Email,Amount\n");
            for number in bills.clone() {
                text.push_str(&format!(
                    "C-{number},Payer {number},payer{number}@example.com,{}.{:02}\n",
                    number + 1,
                    number % 100
                ));
            }
            self.bills(bills, false);
            self.firm.drop_file(&format!("round-{}.csv", self.round), text.as_bytes());
            self.files += 1;
            return;
        }
        self.bills(bills, true);
        // The push is a process of its own, and may find the database busy.
        let pushed = self.firm.cli(&["matter", "push", "--json"]);
        assert!(pushed.status <= 1, "{pushed:?}");
    }

    /// Bills in the matter software; those of files have no payer, so that only their file asks for them.
    fn bills(&self, numbers: std::ops::Range<usize>, payer: bool) {
        let rows: Vec<String> = numbers
            .map(|number| {
                let email = if payer { format!("'payer{number}@example.com'") } else { "NULL".to_owned() };
                let total = format!("{}.{:02}", number + 1, number % 100);
                format!("('C-{number}', 'M', 'C', 'Client', '2026-10-01', '2026-12-01', {total}, 'Payer {number}', {email})")
            })
            .collect();
        self.matters(&format!("INSERT INTO bill VALUES {}", rows.join(", ")));
    }

    /// Every link that is known and not used yet is tried once; the first is begun and cancelled where that is the work.
    fn pay_some(&mut self, work: Work) {
        let listed = self.firm.cli(&["request", "list", "--state", "outstanding", "--json"]);
        if listed.status > 1 {
            return;
        }
        let requests = listed.json();
        let mut cancel = work == Work::Cancel;
        let mails = self.firm.mails().concat();
        for request in requests.as_array().unwrap() {
            let link = request["link"].as_str().unwrap().to_owned();
            // A payer has the link from the mail.
            if !mails.contains(&link) {
                continue;
            }
            if cancel {
                cancel = false;
                if self.firm.provider.run(self.payer.begin(&link)).is_some() {
                    let id = request["id"].to_string();
                    let cancelled = self.firm.cli(&["request", "cancel", &id]);
                    self.cancelled += usize::from(cancelled.status == 0);
                }
                continue;
            }
            if self.firm.provider.run(self.payer.try_to_pay(&link)) {
                self.used.insert(link);
            } else {
                // Probably dead by now.
                return;
            }
        }
    }

    /// Without faults, until nothing is left to do.
    fn settle(&mut self) {
        self.firm.start();
        self.push_cancelled_again();
        self.firm.until("every link is paid and all is written", &["status"], |status| {
            let list = self.firm.ask(&["request", "list", "--state", "outstanding"]);
            let mails = self.firm.mails().concat();
            let links = list.as_array().unwrap().iter().map(|request| request["link"].as_str().unwrap());
            for link in links.filter(|link| mails.contains(link)) {
                self.firm.provider.run(self.payer.try_to_pay(link));
            }
            let books = &status["books"];
            let wanted = self.asked as u64;
            books["postings"] == wanted && books["unposted"] == 0 && books["unmailed"] == 0
        });
    }

    /// A cancelled request's bill is still open: the next push asks for it anew. Files' bills have no payer there.
    fn push_cancelled_again(&mut self) {
        self.firm.until("all files are in", &["status"], |status| {
            status["files_in_hand"].as_array().unwrap().is_empty()
        });
        self.matters("UPDATE bill SET payer_email = 'late@example.com' WHERE payer_email IS NULL");
        self.firm.cli(&["matter", "push", "--json"]).expect(0);
    }

    fn compare(&self) {
        let status = self.firm.ask(&["status"]);
        assert_eq!(status["held"], serde_json::json!([]), "{status}");
        let books = &status["books"];
        let asked = self.asked as i64;
        let totals = self.firm.provider.totals();
        assert_eq!(totals.payments, asked, "one payment a bill: {books}");
        assert_eq!(books["payments"], asked, "{books}");
        assert_eq!(dollars(&books["paid"]), totals.kept_minor, "{books}");
        assert_eq!(dollars(&books["posted"]), totals.kept_minor, "{books}");
        assert_eq!(books["files"], self.files as i64, "every file is one batch: {books}");
        // One request a bill, and one more for each that was cancelled and asked for anew.
        let cancelled = self.firm.ask(&["request", "list", "--state", "cancelled"]).as_array().unwrap().len();
        assert_eq!(cancelled, self.cancelled);
        assert_eq!(books["requests"], (self.asked + cancelled) as i64, "{books}");
        let receipts = self.matters(
            "SELECT count(*) || ' ' || count(DISTINCT bill) || ' ' || cast(round(sum(amount) * 100) AS INTEGER) FROM receipt",
        );
        assert_eq!(receipts, format!("{asked} {asked} {}", totals.kept_minor));
        let open = self.matters("SELECT count(*) FROM balance WHERE abs(open) > 0.004");
        assert_eq!(open, "0", "bills that are not paid to the cent");
        self.compare_mails(cancelled);
        self.compare_folder();
    }

    /// Each message once: every request that was live long enough, every payment's receipt.
    fn compare_mails(&self, cancelled: usize) {
        let mails = self.firm.mails();
        let ids: BTreeSet<&str> = mails
            .iter()
            .filter_map(|mail| mail.lines().find(|line| line.starts_with("Message-ID:")))
            .collect();
        assert_eq!(ids.len(), mails.len(), "no Message-ID twice");
        let messages = self.firm.ask(&["mail", "list", "--limit", "1000000"]);
        let messages = messages.as_array().unwrap();
        assert_eq!(messages.len(), mails.len(), "every message is a file, every file a message");
        // One that lay there when the daemon died, and was paid before the next start, is not told as sent.
        let known = |message: &Value| message["state"] == "sent" || message["state"] == "unknown";
        assert!(messages.iter().all(known), "{messages:?}");
        let least = 2 * self.asked;
        assert!((least..=least + cancelled).contains(&mails.len()), "{} mails of {least}", mails.len());
    }

    /// Each file in `done`, with its report in every form.
    fn compare_folder(&self) {
        let names = |part: &str| -> Vec<String> {
            let folder = fs_err::read_dir(self.firm.path("folders/operating").join(part)).unwrap();
            folder.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
        };
        assert_eq!(names("inbox").len() + names("work").len() + names("rejected").len(), 0);
        let done = names("done");
        let ending = |end: &str| done.iter().filter(|name| name.ends_with(end)).count();
        for form in [".report.txt", ".report.json", ".report.csv", ".report.html"] {
            assert_eq!(ending(form), self.files, "{form}");
        }
        assert_eq!(ending(".csv"), 2 * self.files, "each file, and its report");
    }

    fn matters(&self, sql: &str) -> String {
        match self.server {
            Some(server) => server.ask(&self.firm.matters_url(), sql),
            None => self.firm.ask_matters_file(sql),
        }
    }
}
