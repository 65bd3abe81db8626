//! Guests with bugs on purpose, one a kind: right with `bug = "none"`, wrong in one way with each other name. The conformance
//! kit is tried on them; nothing that is shipped knows them.

macro_rules! guest {
    ($name:literal) => {
        ($name, include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".wasm")).as_slice())
    };
}

const GUESTS: [(&str, &[u8]); 4] =
    [guest!("seeded-importer"), guest!("seeded-connector"), guest!("seeded-mail"), guest!("seeded-gateway")];

/// The component of this name; empty where there is none.
pub fn guest(name: &str) -> &'static [u8] {
    GUESTS.iter().find(|(known, _)| *known == name).map_or(&[], |(_, wasm)| wasm)
}
