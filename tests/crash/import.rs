//! The daemon is killed while a watched folder takes a long file in: at each named point of the way, and at moments spread over
//! the whole of it. After the next start every row is asked for once, and the file lies in `done`. A kill counts only where it found
//! the file in hand.

use crate::wait;
use remitd_tests::chance::Chance;
use remitd_tests::firm::Firm;
use remitd_tests::postgres::Server;
use remitd_tests::process::PATIENCE;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const KILLS: usize = 4;
const ROWS: usize = 5_000;
/// With `REMITD_CRASH_IMPORTS`.
const MANY_ROWS: usize = 50_000;
/// Rows of a piece that an importer hands over.
const PIECE_ROWS: usize = 8_192;
const LOOK_AGAIN: Duration = Duration::from_millis(2);
/// So many kills may come too late before the test gives up; each makes the next come earlier.
const LATE_MOST: usize = 20;
const POINTS: [&str; 7] = [
    "folder.taken",
    "intake.piece",
    "intake.read",
    "intake.before_commit",
    "intake.committed",
    "folder.imported",
    "folder.reported",
];

pub struct Imports {
    firm: Firm,
    chance: Chance,
    kills: usize,
    rows: usize,
    files: usize,
    /// How long a file is in hand when nobody kills.
    took: Duration,
    late: usize,
}

impl Imports {
    pub fn new(server: Option<&Server>) -> Imports {
        let asked = std::env::var("REMITD_CRASH_IMPORTS").ok().map(|text| text.parse().unwrap());
        let kills = asked.unwrap_or(KILLS);
        let rows = if asked.is_some() { MANY_ROWS } else { ROWS };
        let chance = Chance::from_environment("REMITD_CRASH_SEED");
        eprintln!("REMITD_CRASH_IMPORTS={kills} {rows} rows");
        let firm = Firm::new(env!("CARGO_BIN_EXE_remitd"), server);
        // Mails would only take time: they are made in the same transaction as the requests.
        firm.change("release = \"send\"", "release = \"links\"");
        Imports { firm, chance, kills, rows, files: 0, took: Duration::ZERO, late: 0 }
    }

    pub fn run(mut self) {
        self.undisturbed();
        let named = self.kills.div_ceil(2);
        let first = usize::try_from(self.chance.below(POINTS.len() as u64)).unwrap();
        for trial in 0..named {
            self.at_point(POINTS[(first + trial) % POINTS.len()], trial / POINTS.len());
        }
        let moments = self.kills - named;
        for moment in 0..moments {
            while !self.at_moment(moment, moments) {
                self.late += 1;
                assert!(self.late <= LATE_MOST, "kills come too late: the import takes {:?}", self.took);
                self.took = self.took * 9 / 10;
            }
        }
        eprintln!(
            "{} kills found the file in hand; {} came too late and are not counted",
            self.kills, self.late
        );
    }

    /// Tells how long it takes.
    fn undisturbed(&mut self) {
        self.firm.start();
        self.drop_file();
        self.until("the file is taken", || !self.names("work").is_empty());
        let began = now();
        self.until("the file is done", || self.names("work").is_empty());
        self.took = began.elapsed();
        self.firm.stop();
        self.compare();
    }

    /// The daemon ends itself; where it passes the point once a piece, later rounds let some pieces pass.
    fn at_point(&mut self, point: &str, round: usize) {
        let pieces = self.rows.div_ceil(PIECE_ROWS);
        let nth = if point == "intake.piece" { 1 + round % pieces } else { 1 };
        self.firm.start_with(&[("REMITD_FAULT", &format!("{point}:{nth}"))]);
        self.drop_file();
        self.firm.take_daemon().ended();
        assert_eq!(self.names("work").len(), 1, "{point} is passed with the file in hand");
        self.recover();
    }

    /// In one of so many equal parts of the time. False where the file was done already.
    fn at_moment(&mut self, part: usize, parts: usize) -> bool {
        self.firm.start();
        self.drop_file();
        self.until("the file is taken", || !self.names("work").is_empty());
        let part_us = u64::try_from(self.took.as_micros()).unwrap() / parts as u64;
        wait(Duration::from_micros(part_us * part as u64 + self.chance.below(part_us)));
        self.firm.kill();
        let in_hand = !self.names("work").is_empty();
        self.recover();
        in_hand
    }

    fn recover(&mut self) {
        self.firm.start();
        self.until("the file is done", || self.names("work").is_empty());
        self.firm.stop();
        self.compare();
    }

    /// The newest file's rows each have one link, and no request is there beside them.
    fn compare(&self) {
        assert_eq!(self.names("inbox").len() + self.names("rejected").len(), 0);
        let done = self.names("done");
        let file = format!("_{}.csv", self.files);
        assert_eq!(done.iter().filter(|name| name.ends_with(&file)).count(), 1, "{done:?}");
        let links = done.iter().find(|name| name.ends_with(&format!("{file}.links.csv"))).unwrap();
        let links = fs_err::read_to_string(self.part("done").join(links)).unwrap();
        let cells = |at: usize| links.lines().skip(1).map(move |line| line.split(',').nth(at).unwrap());
        let invoices: BTreeSet<&str> = cells(1).collect();
        let wanted: BTreeSet<String> = self.invoices().collect();
        assert!(
            invoices.into_iter().eq(wanted.iter().map(String::as_str)),
            "none is missing, none is strange"
        );
        let distinct: BTreeSet<&str> = cells(7).collect();
        assert_eq!((cells(1).count(), distinct.len()), (self.rows, self.rows), "each has one link");
        let books = &self.firm.ask(&["status"])["books"];
        assert_eq!(books["requests"], (self.files * self.rows) as u64, "{books}");
        assert_eq!(books["files"], self.files as u64, "{books}");
    }

    fn drop_file(&mut self) {
        self.files += 1;
        let mut text = String::from("Invoice Number,Recipient Name,Recipient Email,Amount\n");
        for invoice in self.invoices() {
            text.push_str(&format!("{invoice},Payer of {invoice},payer@example.com,12.50\n"));
        }
        self.firm.drop_file(&format!("{}.csv", self.files), text.as_bytes());
    }

    fn invoices(&self) -> impl Iterator<Item = String> {
        let file = self.files;
        (0..self.rows).map(move |row| format!("F{file}-{row}"))
    }

    fn part(&self, part: &str) -> PathBuf {
        self.firm.path("folders/operating").join(part)
    }

    /// What lies in a part of the folder; the daemon's first look makes the parts.
    fn names(&self, part: &str) -> Vec<String> {
        let Ok(folder) = fs_err::read_dir(self.part(part)) else { return Vec::new() };
        folder.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn until(&self, what: &str, fits: impl Fn() -> bool) {
        let began = now();
        while !fits() {
            assert!(began.elapsed() < PATIENCE, "{what}: not in time\n{}", self.firm.log());
            wait(LOOK_AGAIN);
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "the kills are spread over the time that an import takes")]
fn now() -> Instant {
    Instant::now()
}
