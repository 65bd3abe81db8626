//! Links: the secret in a request's URL. A token is a key number, a nonce with 128 random bits and a MAC over both; the MAC is
//! checked before anything is looked up, and the store keeps the nonce alone, so that the database does not reveal a link.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// The moment at which a link was made stands in front of its random bits: thus an index of nonces grows at its end, where those
/// of random bits alone would go into all of its pages. In milliseconds.
const MOMENT_BYTES: usize = 6;
const RANDOM_BYTES: usize = 16;
pub const NONCE_BYTES: usize = MOMENT_BYTES + RANDOM_BYTES;
const MAC_BYTES: usize = 16;
const TOKEN_BYTES: usize = 1 + NONCE_BYTES + MAC_BYTES;
/// Characters of a token in a URL.
pub const TOKEN_CHARS: usize = TOKEN_BYTES * 2;
/// Of the first links.
const FIRST_TOKEN_CHARS: usize = TOKEN_CHARS - MOMENT_BYTES * 2;

/// The part of a link that nobody can guess, unique in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nonce(pub [u8; NONCE_BYTES]);

/// Makes `random` bytes the nonces of links that are made now.
pub fn stamp(random: &mut [u8], now_ms: i64) {
    let [_, _, now @ ..] = now_ms.to_be_bytes();
    for nonce in random.chunks_exact_mut(NONCE_BYTES) {
        if let Some(moment) = nonce.first_chunk_mut::<MOMENT_BYTES>() {
            *moment = now;
        }
    }
}

/// One signing key. New links are made with the newest; older ones go on being read.
#[derive(Clone)]
pub struct LinkKey {
    pub number: u8,
    pub secret: [u8; 32],
}

/// The keys of one firm, the newest last.
#[derive(Clone)]
pub struct LinkKeys(Vec<LinkKey>);

/// A link's secret text. `Debug` hides it: tokens never reach a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The text itself, for a URL in a mail or on a screen.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    #[error("no link key is set")]
    NoKey,
    /// Truncated, mistyped, forged, or signed by a key that is gone: all look the same from outside.
    #[error("this is not one of our links")]
    Forged,
}

impl LinkKeys {
    /// `keys` with the newest last.
    pub fn new(keys: Vec<LinkKey>) -> Result<LinkKeys, LinkError> {
        if keys.is_empty() { Err(LinkError::NoKey) } else { Ok(LinkKeys(keys)) }
    }

    pub fn token(&self, nonce: Nonce) -> Result<Token, LinkError> {
        let key = self.0.last().ok_or(LinkError::NoKey)?;
        let mut bytes = Vec::with_capacity(TOKEN_BYTES);
        bytes.push(key.number);
        bytes.extend_from_slice(&nonce.0);
        let mac = mac_of(key, &nonce.0)?.finalize().into_bytes();
        bytes.extend(mac.iter().take(MAC_BYTES));
        Ok(Token(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// The nonce of a token that one of our keys made; compared in constant time.
    pub fn read(&self, text: &str) -> Result<Nonce, LinkError> {
        let bytes = from_hex(text).ok_or(LinkError::Forged)?;
        let (number, rest) = bytes.split_first().ok_or(LinkError::Forged)?;
        let (said, mac) = rest.split_last_chunk::<MAC_BYTES>().ok_or(LinkError::Forged)?;
        let key = self.0.iter().find(|key| key.number == *number).ok_or(LinkError::Forged)?;
        mac_of(key, said)?.verify_truncated_left(mac).map_err(|_| LinkError::Forged)?;
        let mut nonce = [0; NONCE_BYTES];
        // The first links had no moment, and stand at the beginning of time.
        nonce.iter_mut().rev().zip(said.iter().rev()).for_each(|(byte, said)| *byte = *said);
        Ok(Nonce(nonce))
    }
}

fn mac_of(key: &LinkKey, nonce: &[u8]) -> Result<Hmac<Sha256>, LinkError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.secret).map_err(|_| LinkError::NoKey)?;
    mac.update(b"remitd link v1");
    mac.update(&[key.number]);
    mac.update(nonce);
    Ok(mac)
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let is_whole = matches!(text.len(), TOKEN_CHARS | FIRST_TOKEN_CHARS);
    if !is_whole || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn keys(numbers: &[u8]) -> LinkKeys {
        LinkKeys::new(numbers.iter().map(|n| LinkKey { number: *n, secret: [*n; 32] }).collect()).unwrap()
    }

    #[test]
    fn a_token_gives_back_its_nonce_also_after_the_keys_rotated() {
        let nonce = Nonce([7; NONCE_BYTES]);
        let old = keys(&[1]).token(nonce).unwrap();
        assert_eq!(keys(&[1, 2]).read(old.reveal()), Ok(nonce));
        assert_ne!(keys(&[1, 2]).token(nonce).unwrap(), old);
        assert_eq!(keys(&[2]).read(old.reveal()), Err(LinkError::Forged), "its key is gone");
    }

    #[test]
    fn nonces_stand_in_the_order_of_their_making_and_keep_their_random_bits() {
        let mut two = [0xff; 2 * NONCE_BYTES];
        stamp(&mut two, 0x0102_0304_0506);
        let mut later = [0; NONCE_BYTES];
        stamp(&mut later, 0x0102_0304_0507);
        let (one, other) = two.split_at(NONCE_BYTES);
        assert_eq!(one, [&[1, 2, 3, 4, 5, 6], &[0xff; RANDOM_BYTES][..]].concat());
        assert_eq!(one, other);
        assert!(one < &later[..]);
    }

    #[test]
    fn the_first_links_go_on_working() {
        let key = LinkKey { number: 1, secret: [1; 32] };
        let mac = mac_of(&key, &[7; RANDOM_BYTES]).unwrap().finalize().into_bytes();
        let token = [&[1], &[7; RANDOM_BYTES][..], &mac[..MAC_BYTES]].concat();
        let token: String = token.iter().map(|byte| format!("{byte:02x}")).collect();
        let nonce = keys(&[1]).read(&token).unwrap();
        assert_eq!(nonce.0[..], [&[0; MOMENT_BYTES], &[7; RANDOM_BYTES][..]].concat());
        let today = keys(&[1]).token(nonce).unwrap();
        assert_ne!(today.reveal(), token);
        assert_eq!(keys(&[1]).read(today.reveal()), Ok(nonce));
    }

    #[test]
    fn any_change_of_any_character_is_a_forgery() {
        let token = keys(&[1]).token(Nonce([9; NONCE_BYTES])).unwrap();
        for at in 0..TOKEN_CHARS {
            let mut forged: Vec<u8> = token.reveal().bytes().collect();
            forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(
                keys(&[1]).read(std::str::from_utf8(&forged).unwrap()),
                Err(LinkError::Forged),
                "{at}"
            );
            assert_eq!(keys(&[1]).read(&token.reveal()[..at]), Err(LinkError::Forged), "cut at {at}");
        }
        assert_eq!(
            keys(&[1]).read(&token.reveal().to_uppercase().replace("01", "0G")),
            Err(LinkError::Forged)
        );
        assert_eq!(format!("{token:?}"), "Token(…)");
    }
}
