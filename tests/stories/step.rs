//! The steps of a story: what people and the world do, and what must then be so. A step that waits does so with a deadline.

use crate::story::{Place, Scene, now};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::America::New_York;
use remitd_tests::firm::Firm;
use remitd_tests::{mariadb, matching, payer, postgres};
use serde::Deserialize;
use serde_json::Value;
use std::path::PathBuf;

const GOOD_CARD: &str = "4242424242424242";
/// Stands in a text for the link of an invoice, as `{link B-1}`.
const LINK: &str = "{link ";
/// Stands in an answer for a day so many days ago in the firm's zone, as `{day 3}`.
const DAY: &str = "{day ";

/// The first key of a step is its verb; the others say more.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Step {
    Run(Run),
    Until(Until),
    Drop(Drop),
    Pay(Pay),
    Press(Press),
    Submit(Submit),
    Get(Get),
    Mail(Mail),
    Arrives(Arrives),
    File(File),
    Daemon(Daemon),
    Settle(Settle),
    Matters(Matters),
    Refund(Refund),
    Take(Take),
    Put(Put),
    Age(Age),
}

/// A command as a person types it, and how it ends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    run: String,
    #[serde(default)]
    exit: i32,
    /// With `--json`: what its answer must name. A text is the file that says so.
    expect: Option<Value>,
    /// On either stream.
    #[serde(default)]
    says: Vec<String>,
}

/// A command that is asked until its answer fits.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Until {
    until: String,
    expect: Value,
}

/// A file is dropped into the watched folder.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drop {
    drop: String,
}

/// The payer of an invoice pays, or the payers of all open links do.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pay {
    pay: String,
    card: Option<String>,
    #[serde(default = "fine")]
    status: u16,
    page: Option<String>,
}

/// A payer opens the link of an invoice, presses Pay and stops at the checkout.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Press {
    press: String,
    #[serde(default = "fine")]
    status: u16,
}

/// The payer at the checkout gives the good card.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submit {
    /// Whether the way back is walked too.
    submit: Back,
    #[serde(default = "fine")]
    status: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Back {
    Returns,
    Leaves,
}

/// The link of an invoice is opened, or a path of the public listener.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Get {
    get: String,
    #[serde(default = "fine")]
    status: u16,
    page: Option<String>,
}

/// Mails to an address: how many there are now, and what the last one says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    mail: String,
    count: usize,
    #[serde(default)]
    says: Vec<String>,
}

/// The mail server is given a message, now or soon.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arrives {
    arrives: String,
    /// What the server answers.
    answer: String,
    #[serde(default)]
    says: Vec<String>,
}

/// Files of the firm's folder; `*` stands for any text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    file: String,
    #[serde(default = "one")]
    count: usize,
    #[serde(default)]
    says: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Daemon {
    daemon: Does,
    /// Where it is to die, and at which time of being there: `folder.taken:1`.
    #[serde(default)]
    fault: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Does {
    Start,
    Stop,
    /// SIGKILL.
    Kill,
    /// It dies at its fault.
    Dies,
}

/// The bank settles what is pending; so many payments of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settle {
    settle: i64,
}

/// Somebody changes the matter database by hand, or asks it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matters {
    matters: String,
    /// The answer, which has no blanks around it; `{day 0}` in it is today.
    answer: Option<String>,
}

/// Somebody gives back, at the provider, so many minor units of a request's payment.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refund {
    refund: u64,
    minor: i64,
}

/// Other software takes a file of the firm's folder away; `*` stands for any text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Take {
    take: String,
    #[serde(default)]
    says: Vec<String>,
}

/// Other software puts a file into the firm's folder; `{taken}` is the name of the one that it took last.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Put {
    put: String,
    text: String,
}

/// The payments so far came in so many days earlier, as for a firm that writes its postings later.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Age {
    age: i64,
}

fn fine() -> u16 {
    200
}

fn one() -> usize {
    1
}

impl Step {
    pub fn take(&self, scene: &mut Scene) {
        let firm = &mut scene.firm;
        match self {
            Step::Run(step) => run(firm, step),
            Step::Until(Until { until, expect }) => {
                let (args, expect) = (words(until), expected(firm, expect));
                let args: Vec<&str> = args.iter().map(String::as_str).collect();
                firm.until(&expect.to_string(), &args, |got| matching::json(&expect, got).is_ok());
            }
            Step::Drop(Drop { drop }) => firm.drop_file(drop, &fs_err::read(firm.path(drop)).unwrap()),
            Step::Pay(step) => pay(firm, step),
            Step::Press(Press { press, status }) => {
                mails_are_out(firm);
                let link = at_listener(firm, &link(firm, press));
                let visit = firm.provider.run(payer::press(&link, None));
                assert_eq!(visit.status, *status, "{visit:?}");
                if visit.status == 200 {
                    scene.checkout = visit.url;
                }
            }
            Step::Submit(step) => submit(firm, &scene.checkout, step),
            Step::Get(Get { get, status, page }) => {
                let url =
                    if get.starts_with('/') { format!("{}{get}", firm.public) } else { link(firm, get) };
                seen(&firm.provider.run(payer::open(&url)), *status, page.as_deref());
            }
            Step::Mail(step) => mail(firm, step),
            Step::Arrives(step) => {
                let relay = scene.relay.as_ref().expect("the story has a mail server");
                let received = relay.next();
                assert_eq!((received.to, &received.answer), (vec![step.arrives.clone()], &step.answer));
                assert!(received.encrypted, "the message went without TLS");
                let text =
                    received.file.map(|file| fs_err::read_to_string(file).unwrap()).unwrap_or_default();
                says(&step.says, firm, &text.replace("=\r\n", ""));
            }
            Step::File(step) => file(firm, step),
            Step::Daemon(Daemon { daemon, fault }) => match daemon {
                Does::Start => firm.start_with(&[("REMITD_FAULT", fault)]),
                Does::Stop => firm.stop(),
                Does::Kill => firm.kill(),
                Does::Dies => assert!(!firm.take_daemon().ended().success(), "it ended well"),
            },
            Step::Matters(step) => ask_matters(scene, step),
            Step::Refund(Refund { refund, minor }) => {
                let shown = firm.ask(&["request", "show", &refund.to_string()]);
                firm.provider.refund(shown["payments"][0]["reference"].as_str().unwrap(), *minor);
            }
            Step::Take(step) => scene.taken = take(firm, step),
            Step::Put(Put { put, text }) => {
                fs_err::write(firm.path(&put.replace("{taken}", &scene.taken)), text).unwrap();
            }
            Step::Settle(Settle { settle }) => assert_eq!(firm.provider.settle(), *settle),
            Step::Age(Age { age }) => {
                let earlier = TimeDelta::days(*age).num_milliseconds();
                let sql = format!("UPDATE payment SET created_ms = created_ms - {earlier}");
                match firm.store_url() {
                    Some(url) => postgres::shared().ask(url, &sql),
                    None => firm.ask_file("data/remitd.sqlite", &sql),
                };
            }
        }
    }
}

fn ask_matters(scene: &Scene, step: &Matters) {
    let (firm, sql) = (&scene.firm, &step.matters);
    let got = match scene.place {
        Place::Sqlite | Place::MattersByOdbc => firm.ask_matters_file(sql),
        Place::Postgres | Place::MattersByOdbcOnPostgres => postgres::shared().ask(&firm.matters_url(), sql),
        Place::MattersOnMariaDb => mariadb::shared().ask(&firm.matters_url(), sql),
    };
    let Some(answer) = &step.answer else { return };
    // A story may be told at midnight.
    let right = [scene.began, now()].map(|at| on_days(answer, at));
    assert!(right.contains(&got), "{sql}: {got:?}, and not one of {right:?}");
}

/// The text with its days as they are at this time.
fn on_days(text: &str, at: DateTime<Utc>) -> String {
    let Some((before, rest)) = text.split_once(DAY) else { return text.to_owned() };
    let (days, after) = rest.split_once('}').expect("a brace ends the day");
    let then = at - TimeDelta::days(days.parse().expect("a number of days"));
    format!("{before}{}{after}", then.with_timezone(&New_York).date_naive())
}

fn run(firm: &Firm, step: &Run) {
    let mut args = words(&step.run);
    if step.expect.is_some() {
        args.push("--json".to_owned());
    }
    for arg in &mut args {
        *arg = arg.replace("{firm}", firm.path("").to_str().unwrap());
        // Files are named as they lie in the firm's folder.
        if firm.path(arg).is_file() {
            *arg = firm.path(arg).to_str().unwrap().to_owned();
        }
    }
    let output = firm.cli(&args.iter().map(String::as_str).collect::<Vec<_>>()).expect(step.exit);
    if let Some(expect) = &step.expect {
        let (expect, got) = (expected(firm, expect), output.json());
        matching::json(&expect, &got).unwrap_or_else(|why| panic!("{why}\n{got:#}"));
    }
    says(&step.says, firm, &format!("{}{}", output.stdout, output.stderr));
}

/// A payer has the link by mail: one who was faster would not be mailed any more.
fn mails_are_out(firm: &Firm) {
    firm.books("the mails are out", |books| books["unmailed"] == 0);
}

fn pay(firm: &Firm, step: &Pay) {
    mails_are_out(firm);
    let links = if step.pay == "all" { open_links(firm) } else { vec![link(firm, &step.pay)] };
    assert!(!links.is_empty(), "nobody is asked to pay");
    for link in links {
        let visit = firm.pay(&link, step.card.as_deref().unwrap_or(GOOD_CARD));
        seen(&visit, step.status, step.page.as_deref());
    }
}

/// A link as it is reached from here, also where `public_url` leads elsewhere.
fn at_listener(firm: &Firm, link: &str) -> String {
    format!("{}/p/{}", firm.public, link.rsplit('/').next().unwrap())
}

fn submit(firm: &Firm, checkout: &str, step: &Submit) {
    let visit = match step.submit {
        Back::Returns => firm.provider.run(payer::submit(checkout, GOOD_CARD, None)),
        Back::Leaves => firm.provider.run(payer::submit_and_leave(checkout, GOOD_CARD)),
    };
    assert_eq!(visit.status, step.status, "{visit:?}");
}

fn seen(visit: &payer::Visit, status: u16, page: Option<&str>) {
    assert_eq!(visit.status, status, "{visit:?}");
    assert!(page.is_none_or(|text| visit.page.contains(text)), "{page:?} is not in {visit:?}");
}

fn mail(firm: &Firm, step: &Mail) {
    let mails = firm.mails();
    let to = |mail: &&String| mail.lines().any(|line| line.starts_with("To: ") && line.contains(&step.mail));
    let theirs: Vec<&String> = mails.iter().filter(to).collect();
    assert_eq!(theirs.len(), step.count, "mails to {}: {theirs:#?}", step.mail);
    says(&step.says, firm, theirs.last().map(|mail| mail.as_str()).unwrap_or_default());
}

/// The files of a folder whose names fit.
fn fitting(firm: &Firm, named: &str) -> Vec<PathBuf> {
    let path = firm.path(named);
    let pattern = path.file_name().unwrap().to_str().unwrap();
    let entries = fs_err::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    let fits = |path: &PathBuf| matching::text(pattern, '*', path.file_name().unwrap().to_str().unwrap());
    entries.filter(fits).collect()
}

/// Gives the name of the file.
fn take(firm: &Firm, step: &Take) -> String {
    let found = fitting(firm, &step.take);
    let [file] = found.as_slice() else { panic!("{}: {found:?}", step.take) };
    says(&step.says, firm, &fs_err::read_to_string(file).unwrap());
    fs_err::remove_file(file).unwrap();
    file.file_name().unwrap().to_str().unwrap().to_owned()
}

fn file(firm: &Firm, step: &File) {
    let found = fitting(firm, &step.file);
    assert_eq!(found.len(), step.count, "{}: {found:?}", step.file);
    for path in found {
        says(&step.says, firm, &fs_err::read_to_string(path).unwrap());
    }
}

fn says(wanted: &[String], firm: &Firm, text: &str) {
    for wanted in wanted {
        let wanted = match wanted.split_once(LINK).and_then(|(_, rest)| rest.split_once('}')) {
            Some((invoice, _)) => wanted.replace(&format!("{LINK}{invoice}}}"), &link(firm, invoice)),
            None => wanted.clone(),
        };
        assert!(text.contains(&wanted), "{wanted:?} is not in\n{text}");
    }
}

/// The newest link of an invoice.
fn link(firm: &Firm, invoice: &str) -> String {
    let requests = firm.ask(&["request", "list", "--sort", "number"]);
    let mut theirs: Vec<&Value> =
        requests.as_array().unwrap().iter().filter(|request| request["invoice"] == invoice).collect();
    theirs.sort_by_key(|request| request["id"].as_i64());
    let newest = theirs.last().unwrap_or_else(|| panic!("nobody is asked for {invoice}: {requests:#}"));
    newest["link"].as_str().unwrap().to_owned()
}

fn open_links(firm: &Firm) -> Vec<String> {
    let requests = firm.ask(&["request", "list", "--state", "outstanding"]);
    requests.as_array().unwrap().iter().map(|request| request["link"].as_str().unwrap().to_owned()).collect()
}

fn expected(firm: &Firm, expect: &Value) -> Value {
    match expect {
        Value::String(file) => serde_json::from_str(&fs_err::read_to_string(firm.path(file)).unwrap())
            .unwrap_or_else(|error| panic!("{file}: {error}")),
        other => other.clone(),
    }
}

/// As a shell splits them; quotes are single.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![];
    for (at, part) in line.split('\'').enumerate() {
        if at % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}
