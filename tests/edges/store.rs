//! The store's own address.

use crate::BIN;
use remitd_tests::firm::Firm;
use remitd_tests::postgres;

/// A word that the driver does not know would leave the server's certificate unchecked.
#[test]
fn a_misspelt_option_of_its_address_is_refused() {
    let firm = Firm::new(BIN, Some(postgres::shared()));
    let config = fs_err::read_to_string(firm.path("remitd.toml")).unwrap();
    let url = config.split('"').find(|part| part.starts_with("postgres://")).unwrap();
    let mark = if url.contains('?') { '&' } else { '?' };
    firm.change(url, &format!("{url}{mark}sslmod=verify-full"));
    let told = firm.cli(&["status"]);
    assert_eq!(told.status, 3, "{told:?}");
    assert!(told.stderr.contains("store.url: its options can be sslmode"), "{told:?}");
}
