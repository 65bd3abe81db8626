//! The configuration as an operator meets it: files in a folder, an environment, and what comes back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use std::collections::{HashMap, HashSet};
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

const KEY: &str = "0123456789abcdef0123456789abcdef";

const GOOD: &str = r##"
[firm]
name = "Roe"
[store]
url = "sqlite:remitd.sqlite"
[server]
public_url = "https://pay.example.com"
[secrets]
link-key = { file = "key" }
[mail]
provider = "outbox"
from = "Roe <pay@example.com>"
[[account]]
id = "operating"
name = "Operating"
currency = "USD"
gateway = "cards"
[[plugin]]
id = "cards"
file = "sandbox-gateway"
[[plugin]]
id = "outbox"
file = "mail-folder"
"##;

struct Office {
    folder: TempDir,
    env: Vec<(String, String)>,
}

impl Office {
    fn new(toml: &str) -> Office {
        let office = Office { folder: tempfile::tempdir().unwrap(), env: Vec::new() };
        office.file("remitd.toml", toml, 0o644);
        office.file("key", KEY, 0o600);
        office
    }

    fn file(&self, name: &str, text: &str, mode: u32) {
        let path = self.folder.path().join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(&path, text).unwrap();
        fs_err::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    }

    fn env(mut self, name: &str, value: &str) -> Office {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    fn load(&self) -> Result<Loaded, Problems> {
        load(&self.folder.path().join("remitd.toml"), self.env.iter().cloned())
    }

    fn config(&self) -> Config {
        match self.load() {
            Ok(loaded) => loaded.config,
            Err(problems) => panic!("{problems}"),
        }
    }
}

/// Each finding as `file:line:column code path`, without the folder.
fn places(office: &Office) -> Vec<String> {
    let problems = office.load().map_or_else(|problems| problems, |loaded| loaded.warnings);
    let place = |problem: &Problem| {
        let file = problem.file.rsplit('/').next().unwrap();
        let line = problem.line.map_or(String::new(), |line| format!(":{line}:{}", problem.column.unwrap()));
        format!("{file}{line} {} {}", problem.code.trim_start_matches("REMIT-"), problem.path)
    };
    problems.0.iter().map(place).collect()
}

fn check(toml: &str, expect: &[&str]) {
    let office = Office::new(toml);
    let got = places(&office);
    assert_eq!(
        got,
        expect,
        "{}",
        office.load().map_or_else(|problems| problems.to_string(), |_| String::new())
    );
}

#[test]
fn a_good_one_has_its_defaults() {
    check(GOOD, &[]);
    let office = Office::new(GOOD);
    let loaded = office.load().unwrap();
    let config = &loaded.config;
    assert_eq!(config.firm.time_zone, chrono_tz::America::New_York);
    assert_eq!(config.server.public_listen.to_string(), "127.0.0.1:8787");
    assert_eq!(config.accounts[0].expires_after.get().as_secs(), 30 * 86_400);
    assert_eq!(config.accounts[0].post(), Post::Auto);
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.mail.from.address, "pay@example.com");
    assert_eq!(loaded.path("inbox"), loaded.base.join("inbox"));
    use secrecy::ExposeSecret;
    assert_eq!(config.secrets["link-key"].read(&loaded.base).unwrap().expose_secret(), KEY);
}

/// An operating account beside the one of [`GOOD`].
const OTHER: &str =
    "\n[[account]]\nid = \"other\"\nname = \"Other\"\ncurrency = \"USD\"\ngateway = \"cards\"\n";

#[test]
fn what_breaks_a_trust_rule_is_refused_by_its_name() {
    let trust = GOOD.replace("currency = \"USD\"", "currency = \"USD\"\nkind = \"trust\"");
    let own = trust.replace("kind = \"trust\"", "kind = \"trust\"\nfees_account = \"operating\"");
    for toml in [trust, own] {
        let problems = Office::new(&toml).load().unwrap_err();
        let told: Vec<_> =
            problems.0.iter().map(|problem| (problem.code, problem.message.as_str())).collect();
        assert!(matches!(told[..], [("REMIT-0124", says)] if says.starts_with("trust rule R3")), "{told:?}");
    }
}

/// What a matter database lists as open is earned.
#[test]
fn a_push_into_a_trust_account_is_refused_by_its_rule() {
    let trust = GOOD
        .replace("currency = \"USD\"", "currency = \"USD\"\nkind = \"trust\"\nfees_account = \"other\"")
        + OTHER
        + "[[plugin]]\nid = \"matters\"\nfile = \"sql-connector\"\n";
    let push = |account: &str| {
        let toml = format!("{trust}[[push]]\nconnector = \"matters\"\naccount = \"{account}\"\n");
        Office::new(&toml).load().map(|_| ()).map_err(|problems| problems.0)
    };
    let refused = push("operating").unwrap_err();
    let told: Vec<_> = refused
        .iter()
        .map(|problem| (problem.code, problem.path.as_str(), problem.message.split(": ").next().unwrap()))
        .collect();
    assert_eq!(told, [("REMIT-0124", "push[0].account", "trust rule R2")]);
    assert_eq!(push("other").map_err(|problems| problems.len()), Ok(()));
}

/// The first of a connector's searches is the usual one.
#[test]
fn a_plugins_settings_keep_their_order() {
    let names = ["zeta", "name", "number", "alpha", "invoice", "matter"];
    let lines: String = names.iter().map(|name| format!("{name} = \"SELECT\"\n")).collect();
    let config = Office::new(&format!("{GOOD}[plugin.settings.search]\n{lines}")).config();
    let search = config.plugins[1].settings["search"].as_object().unwrap();
    assert_eq!(search.keys().collect::<Vec<_>>(), names);
}

#[test]
fn trust_money_is_posted_by_hand_unless_the_firm_says_otherwise() {
    let trust = GOOD
        .replace("currency = \"USD\"", "currency = \"USD\"\nkind = \"trust\"\nfees_account = \"other\"")
        + OTHER;
    assert_eq!(Office::new(&trust).config().accounts[0].post(), Post::Manual);
    let auto = trust.replace("kind = \"trust\"", "kind = \"trust\"\npost = \"auto\"");
    assert_eq!(Office::new(&auto).config().accounts[0].post(), Post::Auto);
}

/// Faults of every kind; the last line is no TOML.
const FAULTY: &str = r##"[firm]
nam = "Roe"
colour = "blue"
time_zone = "America/NewYork"
holidays = ["2026-12-25", "soon", 2026-02-28, "never"]
[store]
url = "mysql://db/remitd"
[server]
public_url = "pay.example.com"
public_listen = "127.0.0.1"
staff_listen = "0.0.0.0:8788"
tls = true
[secrets]
link-key = "hunter2"
[mail]
provider = "outbx"
from = "Roe <pay@example>"
[[account]]
id = "operating"
name = "Operating"
kind = "trusst"
currency = "USB"
gateway = "cards"
partial = "yes"
expires_after = 30
[[account]]
id = "operating"
name = "Ünïcode" ; oops = 1
"##;

const FAULTY_TOO: &str = r##"[[plugin]]
id = "cards"
file = "cards.wasm"
grants = { sql = ["matters"], sql_write = ["other"], htttp = [] }
[[sql]]
id = "other"
url = "postgres://db/other"
[[folder]]
path = "in"
account = "operatng"
importer = "csv"
[[folder]]
path = "./in/sub/../b"
account = "operating"
importer = "cards"
date_order = "mdyy"
[[push]]
connector = "cards"
account = "operating"
schedule = "0 9 * * 8"
minimum = "1.005"
[reminders]
[limits]
file_rows = -5
lease = "0s"
scan = "soon"
"##;

const FAULTS: &[&str] = &[
    "remitd.toml:2:1 0102 firm.nam",
    "remitd.toml:3:10 0104 firm.colour",
    "remitd.toml:4:13 0104 firm.time_zone",
    "remitd.toml:5:27 0104 firm.holidays[1]",
    "remitd.toml:5:47 0104 firm.holidays[3]",
    "remitd.toml:7:7 0104 store.url",
    "remitd.toml:9:14 0104 server.public_url",
    "remitd.toml:10:17 0104 server.public_listen",
    "remitd.toml:11:16 0115 server.staff_listen",
    "remitd.toml:12:1 0102 server.tls",
    "remitd.toml:14:12 0108 secrets.link-key",
    "remitd.toml:16:12 0106 mail.provider",
    "remitd.toml:17:8 0104 mail.from",
    "remitd.toml:21:8 0104 account[0].kind",
    "remitd.toml:22:12 0104 account[0].currency",
    "remitd.toml:24:11 0103 account[0].partial",
    "remitd.toml:25:17 0103 account[0].expires_after",
    "remitd.toml:26:1 0105 account[1].currency",
    "remitd.toml:27:6 0107 account[1].id",
    "remitd.toml:32:8 0118 plugin[0].file",
    "remitd.toml:33:19 0106 plugin[0].grants.sql[0]",
    "remitd.toml:33:44 0112 plugin[0].grants.sql_write[0]",
    "remitd.toml:33:54 0102 plugin[0].grants.htttp",
    "remitd.toml:39:11 0106 folder[0].account",
    "remitd.toml:40:12 0106 folder[0].importer",
    "remitd.toml:42:8 0111 folder[1].path",
    "remitd.toml:45:14 0104 folder[1].date_order",
    "remitd.toml:49:12 0113 push[0].schedule",
    "remitd.toml:51:2 0102 reminders",
    "remitd.toml:53:13 0103 limits.file_rows",
    "remitd.toml:54:9 0104 limits.lease",
    "remitd.toml:55:8 0104 limits.scan",
];

#[test]
fn every_fault_is_named_at_once_with_its_place() {
    // Of a file that is no TOML nothing can be trusted, so that this alone is said.
    check(FAULTY, &["remitd.toml:28:18 0101 "]);
    let toml = FAULTY.replace(" ; oops = 1", "\ngateway = \"cards\"");
    check(&format!("{toml}{FAULTY_TOO}"), FAULTS);
}

#[test]
fn findings_say_how_to_mend() {
    let said = |toml: &str| Office::new(toml).load().unwrap_err().to_string();
    let typo = said(&GOOD.replace("gateway = \"cards\"", "gatewya = \"cards\""));
    assert!(
        typo.contains("17 | gatewya = \"cards\"\n     | ^^^^^^^\n  hint: did you mean `gateway`?"),
        "{typo}"
    );
    assert!(!typo.contains("REMIT-0105"), "what follows from the typo is not said again: {typo}");
    let wrong = said(&GOOD.replace("gateway = \"cards\"", "gateway = \"card\""));
    assert!(
        wrong.contains("there is no \"card\" in [[plugin]]") && wrong.contains("did you mean \"cards\"?")
    );
    let bundled = said(&GOOD.replace("\"mail-folder\"", "\"mailfolder\""));
    assert!(bundled.contains("REMIT-0106") && bundled.contains("did you mean \"mail-folder\"?"), "{bundled}");
    let zone = said(&GOOD.replace("name = \"Roe\"", "name = \"Roe\"\ntime_zone = \"Europe/Berln\""));
    assert!(zone.contains("did you mean \"Europe/Berlin\"?"), "{zone}");
    let missing = said(&GOOD.replace("name = \"Roe\"", ""));
    assert!(
        missing.contains("`firm.name` is missing\n    |\n  2 | [firm]\n    | ^^^^^^\n  hint: add name = "),
        "{missing}"
    );
    assert!(said("").contains("`store.url` is missing\n  hint: add url = "));
    let quotes = said(&GOOD.replace("currency = \"USD\"", "currency = \"USD\"\nexpires_after = 30"));
    assert!(quotes.contains("hint: write it in quotes"), "{quotes}");
}

#[test]
fn no_finding_shows_a_secret() {
    for (from, to, code) in [
        ("link-key = { file = \"key\" }", "link-key = \"hunter2\"", "0108"),
        ("link-key = { file = \"key\" }", "link-key = { fil = \"hunter2\" }", "0102"),
        ("link-key = { file = \"key\" }", "link-key = \"hunter2", "0101"),
        ("sqlite:remitd.sqlite", "postgres://roe:hunter2@db/remitd", "0108"),
        ("sqlite:remitd.sqlite", "oracle://roe:hunter2@db/remitd", "0104"),
        (
            "[mail]",
            "[[smtp]]\nid = \"relay\"\nhost = \"h\"\nuser = \"u\"\npassword = \"hunter2\"\n[mail]",
            "0108",
        ),
        ("\n[firm]", "smtp = [{ id = \"relay\", host = 5, password = \"hunter2\" }]\n[firm]", "0103"),
    ] {
        let problems = Office::new(&GOOD.replace(from, to)).load().unwrap_err();
        let text = problems.to_string();
        assert!(text.contains(code), "{to}: {text}");
        assert!(!text.contains("hunter2"), "{to}: {text}");
        assert!(!serde_json::to_string(&problems).unwrap().contains("hunter2"), "{to}");
    }
}

#[test]
fn layers_lie_on_each_other() {
    let office = Office::new(GOOD);
    office.file("conf.d/20-more.toml", "[firm]\ncolour = \"#222222\"\n[log]\nlevel = \"debug\"\n", 0o644);
    let trust = "[firm]\ncolour = \"#111111\"\n[[account]]\nid = \"trust\"\nname = \"Trust\"\nkind = \"trust\"\nfees_account = \"operating\"\ncurrency \
                 = \"USD\"\ngateway = \"cards\"\n";
    office.file("conf.d/10-trust.toml", trust, 0o644);
    office.file("conf.d/notes.txt", "not read", 0o644);
    let config = office.config();
    assert_eq!((config.firm.name.as_str(), config.firm.colour.as_str()), ("Roe", "#222222"));
    let ids: Vec<_> = config.accounts.iter().map(|account| account.id.as_str()).collect();
    assert_eq!((ids, config.log.level), (vec!["operating", "trust"], LogLevel::Debug));

    office.file("conf.d/30-again.toml", "[[account]]\nid = \"trust\"\n[firm]\nlogo = \"none.png\"\n", 0o644);
    let expect = [
        "30-again.toml:1:1 0105 account[2].currency",
        "30-again.toml:1:1 0105 account[2].gateway",
        "30-again.toml:1:1 0105 account[2].name",
        "30-again.toml:2:6 0107 account[2].id",
        "30-again.toml:4:8 0118 firm.logo",
    ];
    assert_eq!(places(&office), expect);
}

#[test]
fn the_environment_has_the_last_word() {
    let office = Office::new(&GOOD.replace("[secrets]\nlink-key = { file = \"key\" }\n", ""))
        .env("REMITD__FIRM__NAME", "2026")
        .env("REMITD__FIRM__HOLIDAYS", "2026-12-25, 2027-01-01")
        .env("REMITD__LIMITS__FILE_ROWS", "5000")
        .env("REMITD__LIMITS__SCAN", "1m")
        .env("REMITD__LOG__LEVEL", "trace")
        .env("REMITD__SECRETS__LINK_KEY__ENV", "THE_KEY")
        .env("THE_KEY", KEY)
        .env("REMITD_CONFIG", "not a key");
    let config = office.config();
    assert_eq!((config.firm.name.as_str(), config.firm.holidays.len()), ("2026", 2));
    assert_eq!((config.limits.file_rows, config.limits.scan.to_string()), (5000, "1m".to_owned()));
    assert_eq!(config.log.level, LogLevel::Trace);

    let office = Office::new(GOOD)
        .env("REMITD__LIMITS__FILE_ROWS", "many")
        .env("REMITD__FIRM__NAEM", "Roe")
        .env("REMITD__ACCOUNT__0__CURRENCY", "EUR")
        .env("REMITD__LOG__LEVEL", "loud");
    let expect = [
        "environment variable REMITD__ACCOUNT__0__CURRENCY 0114 ",
        "environment variable REMITD__FIRM__NAEM 0102 firm.naem",
        "environment variable REMITD__LIMITS__FILE_ROWS 0103 limits.file_rows",
        "environment variable REMITD__LOG__LEVEL 0104 log.level",
    ];
    assert_eq!(places(&office), expect);
}

#[test]
fn secrets_must_be_readable_and_by_few() {
    let office = Office::new(GOOD);
    office.file("key", KEY, 0o644);
    assert_eq!(places(&office), ["remitd.toml:9:12 0110 secrets.link-key"]);
    office.file("key", "short", 0o600);
    assert_eq!(places(&office), ["remitd.toml:9:12 0109 secrets.link-key"]);
    fs_err::remove_file(office.folder.path().join("key")).unwrap();
    assert_eq!(places(&office), ["remitd.toml:9:12 0109 secrets.link-key"]);
    let dsn = Office::new(&GOOD.replace("\"sqlite:remitd.sqlite\"", "{ file = \"dsn\" }"));
    dsn.file("dsn", "oracle://x", 0o600);
    assert_eq!(places(&dsn), ["remitd.toml:5:7 0109 store.url"]);
    dsn.file("dsn", "postgres://roe:pw@db/remitd\n", 0o600);
    assert_eq!(places(&dsn), Vec::<String>::new());
}

#[test]
fn a_warning_does_not_stop() {
    let office = Office::new(&GOOD.replace("https://pay", "http://pay"));
    assert_eq!(places(&office), ["remitd.toml:7:14 0116 server.public_url"]);
    assert!(office.load().unwrap().warnings.to_string().contains(": warning[REMIT-0116]: "));
}

#[test]
fn odd_shapes_end_in_findings() {
    check(
        "account = 5\n[firm]\nname = \"Roe\"",
        &[
            "remitd.toml 0105 mail.from",
            "remitd.toml 0105 mail.provider",
            "remitd.toml 0105 secrets.link-key",
            "remitd.toml 0105 server.public_url",
            "remitd.toml 0105 store.url",
            "remitd.toml:1:11 0103 account",
        ],
    );
    let office = Office::new(&format!(
        "firm = [1]\naccount = [7, {{ id = \"x\" }}]\n{}",
        &GOOD[GOOD.find("[store]").unwrap()..GOOD.find("[[account]]").unwrap()]
    ));
    let expect = [
        "remitd.toml:1:8 0103 firm",
        "remitd.toml:2:12 0103 account[0]",
        "remitd.toml:2:15 0105 account[1].currency",
        "remitd.toml:2:15 0105 account[1].gateway",
        "remitd.toml:2:15 0105 account[1].name",
        "remitd.toml:10:12 0106 mail.provider",
    ];
    assert_eq!(places(&office), expect);
    let missing = load(Path::new("/nowhere/remitd.toml"), std::iter::empty()).unwrap_err();
    assert_eq!((missing.0[0].code, missing.0.len()), ("REMIT-0100", 1));
}

/// The file that is shipped is good, and shows every key with its default.
#[test]
fn the_shipped_file_names_every_key() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/remitd.toml");
    let text = fs_err::read_to_string(shipped).unwrap();
    let office = Office::new(&text);
    for name in ["link-key", "sandbox-key", "smtp-password"] {
        office.file(&format!("secrets/{name}"), KEY, 0o600);
    }
    fs_err::create_dir_all(office.folder.path().join("receipts/.remitd")).unwrap();
    let loaded = office.load().unwrap_or_else(|problems| panic!("{problems}"));
    assert!(loaded.warnings.0.is_empty(), "{}", loaded.warnings);

    let mut shown: HashMap<&str, HashSet<&str>> = HashMap::new();
    let mut head = "";
    for line in text.lines() {
        let line = line.trim_start_matches(['#', ' ']);
        if line.starts_with('[') {
            head = line.split_inclusive(']').take_while(|part| part.starts_with(['[', ']'])).last().unwrap();
            head = &line[..line.rfind(head).unwrap() + head.len()];
        } else if let Some((key, _)) = line.split_once(" = ") {
            shown.entry(head.trim_matches(['[', ']'])).or_default().insert(key);
        }
    }
    let config = serde_json::to_value(&loaded.config).unwrap();
    for (section, tables) in config.as_object().unwrap().iter().filter(|(section, _)| *section != "secrets") {
        let table = tables.get(0).unwrap_or(tables);
        for key in table.as_object().unwrap().keys() {
            let nested = text.contains(&format!("\n[{section}.{key}]"));
            assert!(
                nested || shown[section.as_str()].contains(key.as_str()),
                "[{section}] does not show {key}"
            );
        }
    }
    for key in serde_json::to_value(Grants::default()).unwrap().as_object().unwrap().keys() {
        assert!(shown["plugin.grants"].contains(key.as_str()), "[plugin.grants] does not show {key}");
    }

    let Config { firm, server, accounts, folders, limits, log, .. } = loaded.config;
    assert_eq!((limits, log), (Limits::default(), Log::default()));
    assert_eq!(firm, Firm { name: firm.name.clone(), ..Firm::default() });
    assert_eq!(server, Server { public_url: server.public_url.clone(), ..Server::default() });
    let Folder { path, account, importer, .. } = folders[0].clone();
    assert_eq!(folders[0], Folder { path, account, importer, ..Folder::default() });
    assert_eq!(accounts[0].expires_after, Account::default().expires_after);
    assert_eq!((&accounts[0].narrative, accounts[0].partial), (&Account::default().narrative, false));
}
