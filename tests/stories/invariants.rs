//! What holds at the end of every story, whatever it was about.

use crate::story::Scene;
use remitd_tests::firm::dollars;
use std::collections::HashSet;

pub fn hold(scene: &mut Scene) {
    let firm = &mut scene.firm;
    if firm.is_running() {
        let kept = firm.provider.totals().kept_minor;
        firm.books("the money in the books is the provider's", |books| dollars(&books["paid"]) == kept);
        // In bounded time, and with a good end.
        firm.stop();
    }
    let mails = firm.mails();
    let ids = |mail: &String| mail.lines().find(|line| line.starts_with("Message-ID:")).map(str::to_owned);
    let different: HashSet<String> = mails.iter().filter_map(ids).collect();
    assert_eq!(different.len(), mails.len(), "a mail went out twice");
    no_secret_was_told(scene);
    no_matter_was_told(scene);
}

/// Trust rule R6: what a matter is about reaches no mail, and nothing that pages and gateways are told of is made of anything but
/// the store's rows, where it does not stand either.
fn no_matter_was_told(scene: &Scene) {
    const ABOUT: &str = "Divorce of";
    for mail in scene.firm.mails() {
        assert!(!mail.contains(ABOUT), "a mail tells what a matter is about:\n{mail}");
    }
    assert!(!scene.firm.log().contains(ABOUT), "the log tells what a matter is about");
    for store in ["data/remitd.sqlite", "data/remitd.sqlite-wal"] {
        let bytes = fs_err::read(scene.firm.path(store)).unwrap_or_default();
        let told = bytes.windows(ABOUT.len()).any(|window| window == ABOUT.as_bytes());
        assert!(!told, "{store} tells what a matter is about");
    }
}

fn no_secret_was_told(scene: &Scene) {
    let log = scene.firm.log();
    let requests = scene.firm.ask(&["request", "list"]);
    for request in requests.as_array().unwrap() {
        let token = request["link"].as_str().unwrap().rsplit('/').next().unwrap();
        assert!(!log.contains(token), "a token stands in the log:\n{log}");
    }
    for secret in fs_err::read_dir(scene.firm.path("secrets")).unwrap() {
        let secret = fs_err::read_to_string(secret.unwrap().path()).unwrap();
        assert!(!log.contains(&secret), "a secret stands in the log:\n{log}");
    }
}
