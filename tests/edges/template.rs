//! What `import --template` prints is a file.

use crate::BIN;
use remitd_tests::firm::Firm;

#[test]
fn the_template_with_its_examples_imports_as_it_is() {
    let firm = Firm::new(BIN, None);
    for form in ["csv", "txt"] {
        let bare = firm.cli(&["import", "--template", form]).expect(0);
        assert_eq!((bare.stdout.lines().count(), bare.stderr.as_str()), (1, ""));
        let annotated = firm.cli(&["import", "--template", form, "--annotated"]).expect(0);
        assert_eq!(annotated.stdout.lines().next(), bare.stdout.lines().next());
        for column in bare.stdout.trim().split([',', '\t']) {
            assert!(annotated.stderr.contains(&format!("  {column}  ")), "{column}: {annotated:?}");
        }
        let file = firm.path(&format!("example.{form}"));
        fs_err::write(&file, &annotated.stdout).unwrap();
        let file = file.to_str().unwrap();
        let report = firm.ask(&["import", file, "--account", "operating", "--dry-run"]);
        assert_eq!((&report["rows"], &report["ok"]), (&2.into(), &2.into()), "{report:#}");
        assert_eq!(report["errors"], serde_json::json!([]));
    }
    firm.cli(&["import", "--annotated"]).expect(2);
}
