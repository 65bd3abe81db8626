//! A piece of the file in memory. Owns the look at all of it at once: is it ASCII. Knows no record.

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

/// Nothing but ASCII, and no NUL byte.
fn is_plain_ascii(bytes: &[u8]) -> bool {
    // The highest bit is set in a byte that is not ASCII, and in NUL minus one. Without a look at each: many are done at once.
    let unfit = |block: &[u8]| block.iter().fold(0, |bits, byte| bits | byte | byte.wrapping_sub(1)) >= 0x80;
    let (blocks, rest) = bytes.as_chunks::<256>();
    !blocks.iter().any(|block| unfit(block)) && !unfit(rest)
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
