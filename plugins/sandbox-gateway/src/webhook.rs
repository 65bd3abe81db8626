//! Whether a webhook came from the provider: `Remitd-Signature: t=<unix seconds>,v1=<hex HMAC-SHA-256 of "t.body">`. The key
//! stays with the daemon. Any one matching `v1` is enough, so that the provider can change its key.

use remitd_plugin_sdk::host::{clock, signature};
use remitd_plugin_sdk::{Failure, Webhook};

const HEADER: &str = "remitd-signature";
/// Older or newer than this is a replay, or a clock that is wrong.
const TOLERANCE_S: u64 = 300;
/// Hex digits of an HMAC-SHA-256.
const MAC_HEX: usize = 64;
/// Signatures that are tried.
const SIGNATURES: usize = 4;

pub fn check(webhook: &Webhook, secret: &str) -> Result<(), Failure> {
    let header = webhook
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case(HEADER))
        .ok_or_else(|| forged("it has no header Remitd-Signature"))?;
    let parts = || header.value.split(',').filter_map(|part| part.trim().split_once('='));
    let time = parts().find(|(name, _)| *name == "t").map(|(_, time)| time).unwrap_or("");
    let seconds: u64 = time.parse().map_err(|_| forged("its signature has no time"))?;
    if (clock::now_ms() / 1000).abs_diff(seconds) > TOLERANCE_S {
        return Err(forged("its signature is more than 300 seconds old"));
    }
    let mut signed = Vec::with_capacity(time.len() + 1 + webhook.body.len());
    signed.extend_from_slice(time.as_bytes());
    signed.push(b'.');
    signed.extend_from_slice(&webhook.body);
    for (_, mac) in parts().filter(|(name, _)| *name == "v1").take(SIGNATURES) {
        if let Some(mac) = bytes_of(mac)
            && signature::verify_hmac_sha256(secret, &signed, &mac)?
        {
            return Ok(());
        }
    }
    Err(forged("its signature does not fit"))
}

fn forged(why: &str) -> Failure {
    Failure::invalid("bad-signature", format!("this webhook is not from the sandbox provider: {why}"))
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    if hex.len() != MAC_HEX {
        return None;
    }
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    hex.as_bytes()
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        })
        .collect()
}
