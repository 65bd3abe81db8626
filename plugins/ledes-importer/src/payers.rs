//! Who pays for which client and matter, from the settings: LEDES does not say. Owns the look-up; guesses nobody.

use remitd_plugin_sdk::Failure;
use std::collections::BTreeMap;

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payer {
    client: String,
    matter: Option<String>,
    pub name: String,
    pub email: String,
}

/// By client, and within it by matter; none is for every matter.
pub struct Directory(BTreeMap<String, BTreeMap<Option<String>, Payer>>);

impl Directory {
    pub fn new(payers: Vec<Payer>) -> Result<Directory, Failure> {
        let mut directory: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for payer in payers {
            let of_client = directory.entry(payer.client.trim().to_owned()).or_default();
            let matter = payer.matter.as_ref().map(|matter| matter.trim().to_owned());
            if let Some(before) = of_client.insert(matter, payer) {
                let of_matter =
                    before.matter.map(|matter| format!(", matter \"{matter}\"")).unwrap_or_default();
                let message = format!(
                    "payers has two entries for client \"{}\"{of_matter}: keep one of them",
                    before.client
                );
                return Err(Failure::invalid("payers", message));
            }
        }
        Ok(Directory(directory))
    }

    /// The payer of this matter, else of the client. An invoice of several matters gives none as its matter.
    pub fn payer(&self, client: &str, matter: Option<&str>) -> Option<&Payer> {
        let of_client = self.0.get(client)?;
        let of_matter = matter.and_then(|matter| of_client.get(&Some(matter.to_owned())));
        of_matter.or_else(|| of_client.get(&None))
    }
}
