//! minisign signatures, beside the component as `FILE.wasm.minisig`. Owns who may sign: the keys of `[signing]`.

use crate::config::Loaded;
use minisign_verify::{PublicKey, Signature};
use std::path::Path;

pub const SIGNATURE_ENDING: &str = "minisig";

/// The signer's name and key; none for an unsigned file where that is allowed. `Err` says why it is refused.
pub fn signer_of(loaded: &Loaded, path: &Path, wasm: &[u8]) -> Result<Option<String>, String> {
    let signing = &loaded.config.signing;
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{SIGNATURE_ENDING}"));
    let beside = Path::new(&beside);
    let text = match fs_err::read_to_string(beside) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && signing.required => {
            return Err(format!(
                "it is not signed, and [signing] requires it: there is no {}",
                beside.display()
            ));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let signature =
        Signature::decode(&text).map_err(|error| format!("{} is no signature: {error}", beside.display()))?;
    for (name, key) in &signing.keys {
        let public = PublicKey::from_base64(key).map_err(|error| {
            format!("the key of \"{name}\" in [signing.keys] is no minisign key: {error}")
        })?;
        if public.verify(wasm, &signature, false).is_ok() {
            return Ok(Some(format!("{name} {key}")));
        }
    }
    Err(match signing.keys.len() {
        0 => format!("{} is there, but [signing.keys] has no key to check it by", beside.display()),
        _ => "its signature fits none of the keys in [signing.keys]".to_owned(),
    })
}
