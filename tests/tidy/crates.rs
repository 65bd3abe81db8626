//! Who may know whom: the arrows between the crates, read from `cargo metadata`.

use crate::sources::{hold, root};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Ours that each of ours may depend on. A crate that is not here may depend on none of ours.
const ARROWS: [(&str, &[&str]); 25] = [
    ("remitd-domain", &[]),
    ("remitd-store", &["remitd-domain"]),
    ("remitd-host", &["remitd-domain"]),
    ("remitd-flow", &["remitd-domain", "remitd-store", "remitd-host"]),
    ("remitd-kit", &["remitd-domain", "remitd-host", "remitd-flow"]),
    ("remitd-web", &["remitd-domain", "remitd-store", "remitd-flow"]),
    ("remitd-plugins", &["remitd-guest-build"]),
    ("remitd-seeded", &["remitd-guest-build"]),
    ("remitd-sandbox", &[]),
    ("remitd-tests", &["remitd-sandbox"]),
    ("tabular", SDK),
    ("csv-importer", TABLES),
    ("fixed-width-importer", TABLES),
    ("ledes-importer", TABLES),
    ("xlsx-importer", TABLES),
    ("sql-connector", SDK),
    ("file-connector", SDK),
    ("mail-folder", SDK),
    ("smtp", SDK),
    ("sandbox-gateway", SDK),
    ("seeded-importer", SDK),
    ("seeded-connector", SDK),
    ("seeded-mail", SDK),
    ("seeded-gateway", SDK),
    (
        "remitd",
        &[
            "remitd-domain",
            "remitd-store",
            "remitd-host",
            "remitd-flow",
            "remitd-guest-build",
            "remitd-kit",
            "remitd-web",
            "remitd-plugins",
            "remitd-sandbox",
        ],
    ),
];
const SDK: &[&str] = &["remitd-plugin-sdk"];
/// An importer of tables.
const TABLES: &[&str] = &["remitd-plugin-sdk", "tabular"];

/// Foreign crates that only some of ours may name, and why.
const GUARDED: [(&str, &[&str], &str); 4] = [
    (
        "sqlx",
        &["remitd-store", "remitd-host", "remitd-kit"],
        "only store writes our SQL, only host connects for a plugin, and the kit looks at what a plugin has written",
    ),
    ("wasmtime", &["remitd-host", "remitd-flow"], "host runs plugins; flow adds the typed worlds"),
    ("lettre", &["remitd-host", "remitd-flow"], "mail is composed in flow and leaves through host"),
    (
        "notify",
        &["remitd-flow", "remitd"],
        "watching a folder is intake's; an author's sources, the command's",
    ),
];

/// What the rules of the road must stay free of, also through others.
const NOT_IN_DOMAIN: [&str; 8] =
    ["tokio", "sqlx", "wasmtime", "axum", "reqwest", "hyper", "async-std", "futures-util"];

/// Of each package of ours, what its code and build script name directly.
type Named = BTreeMap<String, BTreeSet<String>>;

fn cargo(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(args).current_dir(root()).output().expect("runs cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo prints UTF-8")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn named() -> Named {
    let printed = cargo(&["metadata", "--format-version", "1", "--no-deps", "--locked", "--offline"]);
    let metadata: Value = serde_json::from_str(&printed).expect("cargo prints JSON");
    let names = list(&metadata["packages"]).iter().map(|package| {
        let used = list(&package["dependencies"]).iter().filter(|used| used["kind"] != "dev");
        (text(&package["name"]), used.map(|used| text(&used["name"])).collect())
    });
    names.collect()
}

#[test]
fn arrows_between_our_crates_run_one_way() {
    let named = named();
    let mut complaints = Vec::new();
    for (name, used) in &named {
        let allowed = ARROWS.iter().find(|(from, _)| from == name).map_or(&[][..], |(_, to)| to);
        for ours in used.iter().filter(|used| named.contains_key(*used) && !allowed.contains(&used.as_str()))
        {
            complaints.push(format!("{name} depends on {ours}"));
        }
    }
    hold(
        "Arrows run one way: remitd → web → flow → store, host → domain; plugins know plugin-sdk alone (importers of tables tabular too), and plugin-sdk and \
         the tests' harness know nothing of ours. Move what is shared to the side that both may know, or hand it in: a \
         crate that can be read alone can be changed alone.",
        &complaints,
    );
}

#[test]
fn guarded_crates_are_named_only_where_they_belong() {
    let named = named();
    let mut complaints = Vec::new();
    for (foreign, allowed, why) in GUARDED {
        for (name, _) in named.iter().filter(|(_, used)| used.contains(foreign)) {
            if !allowed.contains(&name.as_str()) && !name.starts_with("remitd-tests") {
                complaints.push(format!("{name} depends on {foreign}: {why}"));
            }
        }
    }
    hold(
        "Ask the crate that owns it for what you need (a test may name it under [dev-dependencies]).",
        &complaints,
    );
}

#[test]
fn the_domain_stays_pure() {
    let args = [
        "tree",
        "--locked",
        "--offline",
        "--package",
        "remitd-domain",
        "--edges",
        "normal",
        "--prefix",
        "none",
    ];
    let printed = cargo(&args);
    let reached: BTreeSet<&str> = printed.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(reached.contains("rust_decimal"), "the domain's tree is read: {printed}");
    let complaints: Vec<String> = NOT_IN_DOMAIN
        .iter()
        .filter(|name| reached.contains(*name))
        .map(|name| format!("remitd-domain reaches {name}"))
        .collect();
    hold("The domain decides without looking outside: hand it what it needs to know as values.", &complaints);
}
