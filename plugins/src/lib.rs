//! The plugins that come with remitd, as components. Owns no behaviour: `build.rs` has made them, the daemon loads them like
//! any other.

/// One plugin: its manifest, which says what it asks for and why, and its component.
#[derive(Debug, Clone, Copy)]
pub struct Bundled {
    pub id: &'static str,
    /// TOML.
    pub manifest: &'static str,
    pub wasm: &'static [u8],
    /// Of the component, in hexadecimal.
    pub sha256: &'static str,
}

macro_rules! bundle {
    ($id:literal) => {
        Bundled {
            id: $id,
            manifest: include_str!(concat!("../", $id, "/plugin.toml")),
            wasm: include_bytes!(concat!(env!("OUT_DIR"), "/", $id, ".wasm")),
            sha256: include_str!(concat!(env!("OUT_DIR"), "/", $id, ".sha256")),
        }
    };
}

pub const BUNDLED: [Bundled; 9] = [
    bundle!("csv-importer"),
    bundle!("fixed-width-importer"),
    bundle!("ledes-importer"),
    bundle!("xlsx-importer"),
    bundle!("sql-connector"),
    bundle!("file-connector"),
    bundle!("mail-folder"),
    bundle!("smtp"),
    bundle!("sandbox-gateway"),
];

/// The plugin of this id, where it is one of ours.
pub fn bundled(id: &str) -> Option<&'static Bundled> {
    const ALL: &[Bundled] = &BUNDLED;
    ALL.iter().find(|plugin| plugin.id == id)
}
