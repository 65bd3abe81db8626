//! The mail server is away and comes back.

use crate::{BIN, ask_for};
use remitd_tests::firm::Firm;
use remitd_tests::ports;
use remitd_tests::smtp::{Options, Server};

#[test]
fn mails_wait_for_their_server() {
    let [port] = ports::free();
    let mut firm = Firm::new(BIN, None);
    firm.change("provider = \"mail\"", "provider = \"relay\"");
    firm.add("relay", &format!(
        "[[smtp]]\nid = \"relay\"\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"none\"\n\
         [[plugin]]\nid = \"relay\"\nfile = \"smtp\"\nsettings = {{ connection = \"relay\" }}\ngrants = {{ smtp = [\"relay\"] }}\n"
    ));
    firm.start();
    for invoice in ["A-1", "A-2"] {
        ask_for(&firm, invoice, "75.00");
    }
    let tried = firm.until("both were tried", &["mail", "list"], |mails| {
        let mails = mails.as_array().unwrap();
        mails.len() == 2
            && mails.iter().all(|mail| mail["attempts"].as_i64() >= Some(1) && mail["error"].is_string())
    });
    assert!(tried[0]["error"].as_str().unwrap().contains(&format!("127.0.0.1:{port}")), "{tried}");
    // Nobody has to do anything about it.
    firm.cli(&["status"]).expect(0);

    let server = Server::start(&Options { port, ..Options::default() });
    let (one, two) = (server.next(), server.next());
    assert_eq!((one.answer.as_str(), two.answer.as_str()), ("250", "250"));
    firm.books("both are out", |books| books["mails"] == 2 && books["unmailed"] == 0);
    // Gone again between two mails, with the connection that was kept open.
    drop(server);
    ask_for(&firm, "A-3", "75.00");
    firm.until("the third was tried", &["mail", "show", "3"], |mail| mail["error"].is_string());
    let server = Server::start(&Options { port, ..Options::default() });
    assert_eq!(server.next().answer, "250");
    firm.books("all are out", |books| books["mails"] == 3 && books["unmailed"] == 0);
    assert_eq!(server.kept().len(), 1, "one mail, once");
    firm.stop();
}
