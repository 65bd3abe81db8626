//! Message authentication codes under secrets that the guest never sees.

use crate::job::JobState;
use crate::wit::signature::Host;
use crate::wit::types::Failure;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

impl Host for JobState {
    async fn verify_hmac_sha256(
        &mut self,
        secret: String,
        message: Vec<u8>,
        mac: Vec<u8>,
    ) -> wasmtime::Result<Result<bool, Failure>> {
        self.carry(message.len());
        let check = |key: &SecretString| verify(key.expose_secret().as_bytes(), &message, &mac);
        serve!(self, "signature.verify-hmac-sha256", self.secret(&secret).map(check))
    }
}

/// In constant time for any MAC of the right length.
fn verify(key: &[u8], message: &[u8], mac: &[u8]) -> bool {
    // HMAC takes keys of any length.
    let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(key) else { return false };
    hmac.update(message);
    hmac.verify_slice(mac).is_ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2.
    #[test]
    fn hmac_as_the_standard_has_it() {
        let mac = hex::decode("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843").unwrap();
        assert!(verify(b"Jefe", b"what do ya want for nothing?", &mac));
        assert!(!verify(b"Jefe", b"what do ya want for something?", &mac));
        assert!(!verify(b"Jefe", b"what do ya want for nothing?", &mac[..31]));
        assert!(!verify(b"", b"", b""));
    }
}
