//! Where the quotes, line ends and delimiters of a record stand. Owns the look at 64 bytes at once: in the sandbox each turn of a loop
//! looks at the clock too, and a field has a dozen bytes. Knows no field.

/// Looked at together: a bit each.
const BLOCK_BYTES: usize = 64;

/// Where the marks of a piece stand from some place on, in their order. Blocks begin at that place: those of records alike end in the
/// same field, and the processor learns which.
pub struct Marks<'p> {
    piece: &'p [u8],
    delimiter: u8,
    block: usize,
    /// Those of the block that were not given yet.
    left: u64,
}

impl<'p> Marks<'p> {
    #[inline]
    pub fn new(piece: &'p [u8], from: usize, delimiter: u8) -> Marks<'p> {
        Marks { piece, delimiter, block: from, left: marks_of(piece, from, delimiter) }
    }
}

impl Iterator for Marks<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.left == 0 {
            self.block += BLOCK_BYTES;
            if self.block >= self.piece.len() {
                return None;
            }
            self.left = marks_of(self.piece, self.block, self.delimiter);
        }
        let at = self.block + self.left.trailing_zeros() as usize;
        self.left &= self.left - 1;
        Some(at)
    }
}

#[inline]
fn marks_of(piece: &[u8], begin: usize, delimiter: u8) -> u64 {
    let rest = piece.get(begin..).unwrap_or_default();
    match rest.first_chunk() {
        Some(block) => marks_in(block, delimiter),
        None => marks_at_end(rest, delimiter),
    }
}

#[cold]
fn marks_at_end(rest: &[u8], delimiter: u8) -> u64 {
    // No mark: a delimiter is no NUL.
    let mut block = [0; BLOCK_BYTES];
    for (to, from) in block.iter_mut().zip(rest) {
        *to = *from;
    }
    marks_in(&block, delimiter)
}

#[cfg(target_feature = "simd128")]
#[inline]
fn marks_in(block: &[u8; BLOCK_BYTES], delimiter: u8) -> u64 {
    use core::arch::wasm32::{i8x16_bitmask, u8x16_eq, u8x16_splat, u64x2, v128_or};
    let asked = [delimiter, b'"', b'\n', b'\r'].map(|byte| u8x16_splat(byte));
    let (parts, _) = block.as_chunks::<16>();
    parts.iter().rev().fold(0, |marks, part| {
        // Becomes one load.
        let [low, high] = [part.first_chunk(), part.last_chunk()]
            .map(|half| half.map_or(0, |half| u64::from_le_bytes(*half)));
        let part = u64x2(low, high);
        let [a, b, c, d] = asked.map(|byte| u8x16_eq(part, byte));
        let found = v128_or(v128_or(a, b), v128_or(c, d));
        marks << 16 | u64::from(i8x16_bitmask(found))
    })
}

#[cfg(not(target_feature = "simd128"))]
fn marks_in(block: &[u8; BLOCK_BYTES], delimiter: u8) -> u64 {
    const ONES: u64 = u64::MAX / 0xFF;
    const HIGH: u64 = ONES << 7;
    /// Brings the highest bit of each byte together in the highest byte.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let asked = [delimiter, b'"', b'\n', b'\r'].map(|byte| u64::from(byte) * ONES);
    let (words, _) = block.as_chunks::<8>();
    words.iter().rev().fold(0, |marks, word| {
        let word = u64::from_le_bytes(*word);
        // The highest bit of each byte that is not the asked one.
        let other = |byte: &u64| ((word ^ byte) & !HIGH).wrapping_add(!HIGH) | (word ^ byte);
        let found = !asked.iter().fold(u64::MAX, |others, byte| others & other(byte)) & HIGH;
        marks << 8 | ((found >> 7).wrapping_mul(GATHER) >> 56)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_is_found_from_everywhere() {
        // Every byte beside every other, in blocks and at the end.
        let piece: Vec<u8> = (0..=255_u8).flat_map(|byte| [byte, b';', byte ^ 0x80, b'a', byte]).collect();
        for length in [0, 1, 63, 64, 65, 700, piece.len()] {
            let piece = &piece[..length];
            for begin in 0..=length {
                let found: Vec<usize> = Marks::new(piece, begin, b';').collect();
                let is_mark = |at: &usize| b";\"\n\r".contains(&piece[*at]);
                assert_eq!(found, (begin..length).filter(is_mark).collect::<Vec<_>>(), "{begin} of {length}");
            }
        }
    }
}
