//! Importers that are chosen by a file's name.

use crate::BIN;
use remitd_tests::firm::Firm;

const ROW: &str = "Recipient Name,Recipient Email,Amount\r\nJane Roe,jane@example.com,10.00\r\n";
const LEDES: &str = "[[plugin]]
id = \"ledes\"
file = \"ledes-importer\"
[plugin.settings]
payers = [{ client = \"1\", name = \"Jane Roe\", email = \"jane@example.com\" }]
";

#[test]
fn the_first_name_that_fits_chooses() {
    let mut firm = Firm::new(BIN, None);
    firm.add("ledes", LEDES);
    let by_name =
        "by_name = [{ name = \"*.led\", importer = \"ledes\" }, { name = \"LED?S*\", importer = \"ledes\" }]";
    firm.change("settle = \"100ms\"", &format!("settle = \"100ms\"\n{by_name}\n"));
    firm.start();
    // All are the same to look at; only their names differ.
    for name in ["june.csv", "june.led", "ledes-june.csv"] {
        firm.drop_file(name, ROW.replace("10.00", &format!("{}.00", name.len())).as_bytes());
    }
    let batches = firm.until("all are read", &["batch", "list"], |list| {
        list.as_array().is_some_and(|list| list.len() == 3)
    });
    for batch in batches.as_array().unwrap() {
        let expect = if batch["file"] == "june.csv" { "released" } else { "rejected" };
        assert_eq!(batch["state"], expect, "{batch:#}");
    }
    firm.stop();
}

#[test]
fn a_wrong_name_or_importer_is_told_at_its_place() {
    let firm = Firm::new(BIN, None);
    let lines = [
        "by_name = [",
        "{ name = \"june/*.csv\", importer = \"csv\" },",
        "{ name = \"*.led\", importer = \"leds\" },",
        "{ name = \"*\", importer = \"auto\" },",
        "{ name = \"*.txt\", importer = \"csv\" },",
        "{ importer = \"csv\" },",
        "{ name = \"*.eml\", importer = \"mail\" } ]\n",
    ];
    firm.change("settle = \"100ms\"", &format!("settle = \"100ms\"\n{}", lines.join("\n")));
    let problems = firm.cli(&["check", "--json"]).expect(3).json();
    let told: Vec<_> = problems
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| {
            assert!(problem["line"].is_u64() && problem["column"].is_u64(), "{problem:#}");
            (problem["code"].as_str().unwrap(), problem["path"].as_str().unwrap())
        })
        .collect();
    let expect = [
        ("REMIT-0104", "folder[0].by_name[0].name"),
        ("REMIT-0106", "folder[0].by_name[1].importer"),
        ("REMIT-0250", "folder[0].by_name[3].name"),
        ("REMIT-0105", "folder[0].by_name[4].name"),
        ("REMIT-0250", "folder[0].by_name[5].name"),
    ];
    assert_eq!(told, expect, "{problems:#}");
    assert_eq!(problems[0]["line"].as_u64().unwrap() + 1, problems[1]["line"].as_u64().unwrap());
}

#[test]
fn a_plugin_of_another_kind_is_no_importer() {
    let firm = Firm::new(BIN, None);
    let by_name = "by_name = [{ name = \"*.eml\", importer = \"mail\" }]";
    firm.change("settle = \"100ms\"", &format!("settle = \"100ms\"\n{by_name}\n"));
    let problems = firm.cli(&["check", "--json"]).expect(3).json();
    assert_eq!(
        (&problems[0]["code"], &problems[0]["path"]),
        (&"REMIT-0121".into(), &"folder[0].by_name[0].importer".into()),
        "{problems:#}"
    );
}
