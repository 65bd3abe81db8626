//! The store's PostgreSQL server ends and comes back, in order and in the middle of everything.

use crate::{BIN, GOOD_CARD, ask_for, settle_down};
use remitd_tests::firm::Firm;
use remitd_tests::payer;
use remitd_tests::postgres::{Fsync, Server};

const FILE: &str = "Invoice Number,Due Date,Recipient Name,Recipient Email,Amount\r\nB-2,2026-12-01,Dana,dana@example.com,480.51\r\n";

#[test]
fn the_store_comes_back_after_a_stop_and_after_a_crash() {
    let mut server = Server::start(Fsync::On);
    let mut firm = Firm::new(BIN, Some(&server));
    // The matter database is another's and stays.
    firm.add_matters(None);
    firm.start();
    let link = ask_for(&firm, "B-1", "1250.00");
    firm.books("the first mail is out", |books| books["mails"] == 1);
    let checkout = firm.provider.run(payer::begin(&link, None));

    server.stop();
    let page = firm.provider.run(payer::open(&link));
    assert_eq!(page.status, 503, "{page:?}");
    assert!(page.page.contains("try again"), "{page:?}");
    for forged in [forge(&link), link[..link.len() - 2].to_owned()] {
        let page = firm.provider.run(payer::open(&forged));
        assert_eq!(page.status, 404, "a forged or cut link costs no query: {page:?}");
    }
    let ready = |firm: &Firm| firm.provider.run(payer::open(&format!("{}/readyz", firm.staff))).status;
    let live = firm.provider.run(payer::open(&format!("{}/livez", firm.staff)));
    assert_eq!((ready(&firm), live.status), (503, 200));
    // Meanwhile a payer pays and a file comes in.
    let paid = firm.provider.run(payer::submit_and_leave(&checkout.url, GOOD_CARD));
    assert_eq!(paid.status, 303, "{paid:?}");
    firm.drop_file("june.csv", FILE.as_bytes());
    assert_eq!(firm.cli(&["status"]).status, 2, "a command says that the store is away");
    server.resume();

    firm.books("the file is in", |books| books["requests"] == 2 && books["mails"] == 3);
    assert_eq!(ready(&firm), 200);
    settle_down(&firm, 1);

    server.crash();
    server.resume();
    let requests = firm.until("the link is there", &["request", "list", "--state", "outstanding"], |list| {
        list.as_array().is_some_and(|list| list.len() == 1)
    });
    assert_eq!(firm.pay(requests[0]["link"].as_str().unwrap(), GOOD_CARD).status, 200);
    let books = settle_down(&firm, 2);
    assert_eq!((books["mails"].as_i64(), books["files"].as_i64()), (Some(4), Some(1)));
    firm.stop();
}

/// The link with another last digit.
fn forge(link: &str) -> String {
    let last = if link.ends_with('0') { '1' } else { '0' };
    format!("{}{last}", &link[..link.len() - 1])
}
