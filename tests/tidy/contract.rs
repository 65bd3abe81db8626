//! The contract of plugins: what has shipped is frozen, byte for byte. A component that was built against it goes on loading,
//! so that a change here is never right: write a new version beside it (ARCHITECTURE.md says how).

use crate::sources::root;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

const FROZEN: [(&str, &str); 9] = [
    ("connector.wit", "86a76505a8245674dad31fac5e3544a7821161c1f51eb696c902321353c4e0c0"),
    ("gateway.wit", "fe98d9543e4d9d3078381a9612931158ee5ed9a005f723353d962b22c46159f5"),
    ("importer.wit", "a351909fa800eff4a270f493a2d7b2da113e6a4d4ed7a64b4a5157fc54a0acb5"),
    ("mail.wit", "c0a260b43891b44234fe515a876abc204be21138cfc3b1593452c91369189ee0"),
    ("once.wit", "caff99b5a63aef12663a3c3d46b9edaccda2d8a4d11c704f8d12a96ef159275c"),
    ("outbox.wit", "6ae0084ef00a7ee1a922659fa664f75df9dc7cffd3438f0ce791e39139202159"),
    ("receipts.wit", "7140f27321c5ee9f97dd254de81457b76d8e5e84e1a4cdfdec502abe6677409b"),
    ("types.wit", "f9726f79c2407088c496d22861c600069728290bf5cd47440ec6ccd95a480aae"),
    ("written.wit", "112cf90c906d6f9cd3bef9a9feb8251ad548625f9fcad4da0aedd9b18cbdcc58"),
];

#[test]
fn version_1_stays_as_it_shipped() {
    let folder = root().join("plugin-sdk/wit/v1");
    let mut now = BTreeMap::new();
    for entry in fs_err::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        let digest = hex::encode(Sha256::digest(fs_err::read(entry.path()).unwrap()));
        now.insert(entry.file_name().into_string().unwrap(), digest);
    }
    let frozen: BTreeMap<String, String> =
        FROZEN.iter().map(|(name, digest)| ((*name).to_owned(), (*digest).to_owned())).collect();
    assert_eq!(now, frozen, "version 1 of the contract is frozen: add a version instead");
}
