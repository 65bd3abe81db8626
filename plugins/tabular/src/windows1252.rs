//! Characters of Windows-1252.

/// Windows-1252 from 0x80 to 0x9F; elsewhere it is Latin-1. Written out, since a library of all encodings doubles the component;
/// a test compares it with one.
#[rustfmt::skip]
const HIGH: [Option<char>; 32] = [
    Some('€'), None, Some('‚'), Some('ƒ'), Some('„'), Some('…'), Some('†'), Some('‡'),
    Some('ˆ'), Some('‰'), Some('Š'), Some('‹'), Some('Œ'), None, Some('Ž'), None,
    None, Some('‘'), Some('’'), Some('“'), Some('”'), Some('•'), Some('–'), Some('—'),
    Some('˜'), Some('™'), Some('š'), Some('›'), Some('œ'), None, Some('ž'), Some('Ÿ'),
];

/// The character of a byte; none for the five bytes that Windows-1252 gives no character.
pub fn windows1252(byte: u8) -> Option<char> {
    match byte.checked_sub(0x80).and_then(|place| HIGH.get(usize::from(place))) {
        Some(high) => *high,
        None => Some(char::from(byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_1252_is_as_a_library_has_it() {
        for byte in 0..=u8::MAX {
            let bytes = [byte];
            let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(&bytes);
            // The library, as browsers do, gives the undefined bytes the control characters of Latin-1.
            let theirs = text.chars().next().filter(|c| !(byte >= 0x80 && c.is_control()));
            assert_eq!(windows1252(byte), theirs, "{byte:#04x}");
        }
    }
}
