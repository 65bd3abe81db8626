//! A piece of the file in memory. Owns the looks at many bytes at once, which the sandbox makes dear one by one: is it all ASCII,
//! where does a field end. Knows no record.

use encoding_rs::{Decoder, DecoderResult};

/// Stands in UTF-8 nowhere: what was no UTF-16 either is found where the record is decoded.
const NO_CHARACTER: u8 = 0xFF;

/// What was read at once.
pub enum Piece {
    /// Without a NUL byte.
    Ascii(String),
    Bytes(Vec<u8>),
}

impl Piece {
    pub fn new(bytes: Vec<u8>) -> Piece {
        if !is_plain_ascii(&bytes) {
            return Piece::Bytes(bytes);
        }
        String::from_utf8(bytes).map_or_else(|bytes| Piece::Bytes(bytes.into_bytes()), Piece::Ascii)
    }

    #[inline]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Piece::Ascii(text) => text.as_bytes(),
            Piece::Bytes(bytes) => bytes,
        }
    }
}

const ONES: u64 = u64::MAX / 0xFF;
const HIGHS: u64 = ONES << 7;

/// The lowest bit that is set is that of the first byte which is nought.
#[inline(always)]
fn nought(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGHS
}

/// Nothing but ASCII, and no NUL byte.
fn is_plain_ascii(bytes: &[u8]) -> bool {
    let (blocks, rest) = bytes.as_chunks::<32>();
    let plain = |block: &[u8; 32]| {
        let (words, _) = block.as_chunks::<8>();
        let unfit = words.iter().fold(0, |unfit, word| {
            let word = u64::from_le_bytes(*word);
            unfit | nought(word) | (word & HIGHS)
        });
        unfit == 0
    };
    blocks.iter().all(plain) && rest.iter().all(|byte| (1..0x80).contains(byte))
}

/// Where the first quote, line end or delimiter stands. Eight bytes at a time: in the sandbox, each turn of a loop looks at the
/// clock.
#[inline(never)]
pub fn special(bytes: &[u8], delimiter: u8) -> Option<usize> {
    let asked = [delimiter, b'"', b'\n', b'\r'].map(|byte| u64::from(byte) * ONES);
    let (words, rest) = bytes.as_chunks::<8>();
    let mut at = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let found = asked.iter().fold(0, |found, byte| found | nought(word ^ byte));
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += word.to_le_bytes().len();
    }
    let is_special = |byte: &u8| *byte == delimiter || matches!(byte, b'"' | b'\n' | b'\r');
    rest.iter().position(is_special).map(|position| at + position)
}

/// A piece from UTF-16. A character cut by its end waits in the decoder.
pub fn to_utf8(decoder: &mut Decoder, mut rest: &[u8], ended: bool) -> Vec<u8> {
    let mut utf8 = Vec::with_capacity(rest.len() * 2);
    loop {
        let room =
            decoder.max_utf8_buffer_length_without_replacement(rest.len()).unwrap_or(rest.len() * 3 + 8);
        let begin = utf8.len();
        utf8.resize(begin + room, 0);
        let into = utf8.get_mut(begin..).unwrap_or_default();
        let (result, read, wrote) = decoder.decode_to_utf8_without_replacement(rest, into, ended);
        utf8.truncate(begin + wrote);
        rest = rest.get(read..).unwrap_or_default();
        match result {
            DecoderResult::InputEmpty => return utf8,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => utf8.push(NO_CHARACTER),
        }
    }
}
