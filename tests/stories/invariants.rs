//! What holds at the end of every story, whatever it was about.

use crate::story::Scene;
use std::collections::HashSet;

pub fn hold(scene: &mut Scene) {
    let firm = &mut scene.firm;
    if firm.is_running() {
        let kept = firm.provider.totals().kept_minor;
        firm.books("the money in the books is the provider's", |books| books["paid_minor"] == kept);
        // In bounded time, and with a good end.
        firm.stop();
    }
    let mails = firm.mails();
    let ids = |mail: &String| mail.lines().find(|line| line.starts_with("Message-ID:")).map(str::to_owned);
    let different: HashSet<String> = mails.iter().filter_map(ids).collect();
    assert_eq!(different.len(), mails.len(), "a mail went out twice");
    no_secret_was_told(scene);
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
