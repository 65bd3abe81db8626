//! Whether a webhook came from the provider: `Signature: t=<unix seconds>,v1=<hex HMAC-SHA-256 of "t.body">`. The key stays
//! with the daemon.

use remitd_plugin_sdk::host::{clock, signature};
use remitd_plugin_sdk::{Failure, Webhook};

const HEADER: &str = "signature";
/// Older or newer than this, it is a replay or a clock that is wrong.
const TOLERANCE_S: u64 = 300;

pub fn check(webhook: &Webhook, secret: &str) -> Result<(), Failure> {
    let header = webhook
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case(HEADER));
    let header = header.ok_or_else(|| forged("it has no header Signature"))?;
    let part = |wanted: &str| {
        let mut parts = header
            .value
            .split(',')
            .filter_map(|part| part.trim().split_once('='));
        parts
            .find(|(name, _)| *name == wanted)
            .map_or("", |(_, value)| value)
    };
    let time = part("t");
    let seconds: u64 = time
        .parse()
        .map_err(|_| forged("its signature has no time"))?;
    if (clock::now_ms() / 1000).abs_diff(seconds) > TOLERANCE_S {
        return Err(forged("its signature is too old, or of the future"));
    }
    let mac = bytes(part("v1")).ok_or_else(|| forged("its signature is not hexadecimal"))?;
    // The time is signed too: an old webhook cannot be sent again under a new one.
    let signed = [time.as_bytes(), b".", &webhook.body].concat();
    if signature::verify_hmac_sha256(secret, &signed, &mac)? {
        return Ok(());
    }
    Err(forged("its signature does not fit"))
}

fn forged(why: &str) -> Failure {
    Failure::invalid(
        "bad-signature",
        format!("this webhook is not from the provider: {why}"),
    )
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    hex.as_bytes()
        .chunks(2)
        .map(|pair| match *pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        })
        .collect()
}
