//! Good files made odd: what billing systems, spreadsheets, editors and broken copies do to a file, several times over. Knows
//! lines, cells and encodings, and no format.

use remitd_tests::chance::Chance;

const CHANGES_MOST: u64 = 6;
/// More than a record, a piece and every column may hold.
const LONG_BYTES: u64 = 300_000;
/// One file in so many is long.
const LONG_ONE_IN: u64 = 40;
const DELIMITERS: [u8; 4] = [b',', b';', b'|', b'\t'];
const CELLS: [&str; 44] = [
    "",
    " ",
    "0",
    "-0.00",
    "0.001",
    "-5",
    "1,234.56",
    "1.234,56",
    "$ 12",
    "(12.00)",
    "1e9",
    "12.345",
    "9223372036854775807",
    "92233720368547758.08",
    "999999999999999999999999999999",
    "١٢",
    "2026-02-29",
    "31/12/2026",
    "12/31/26",
    "20261301",
    "0000-00-00",
    "9999-12-31",
    "45000",
    "jane@example.com",
    "a@b.c, d@e.f; g@h.i",
    "jane@",
    "\"",
    "\"\"",
    "\"a\"b\"",
    "'",
    "a\"b",
    "\"two\nlines\"",
    "\"never closed",
    "[]",
    "[",
    "|",
    "\0",
    "\u{feff}",
    "\u{2028}",
    "Ünïcödé 日本 🦀",
    "=1+1",
    "LEDES1998B[]",
    "Amount",
    "Recipient Email",
];
const LINE_ENDS: [&str; 6] = ["\n", "\r\n", "\r", "\n\n", "\n\r", " \r\n"];
const BYTES: [&[u8]; 9] =
    [b"\0", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\x81", b"\x1a", b"\xef\xbb\xbf", b"\xff\xfe", b"\r"];

type Change = fn(&mut Chance, &mut Vec<u8>);
const CHANGES: [Change; 12] = [
    odd_cell,
    odd_cell,
    cell_lost,
    cell_doubled,
    quoted,
    line_lost,
    line_doubled,
    lines_moved,
    line_ends,
    delimiter,
    odd_bytes,
    cut_off,
];

/// The next file of this chance.
pub fn file(chance: &mut Chance, samples: &[Vec<u8>]) -> Vec<u8> {
    let mut file = chance.of(samples).clone();
    for _ in 0..chance.below(CHANGES_MOST) {
        if chance.below(CHANGES.len() as u64) == 0 {
            spliced(chance, &mut file, samples);
        } else {
            chance.of(&CHANGES)(chance, &mut file);
        }
    }
    if chance.below(LONG_ONE_IN) == 0 {
        long(chance, &mut file);
    }
    encoded(chance, file)
}

/// The places of the bytes that `is` finds, and both ends of the file.
fn places(file: &[u8], is: impl Fn(u8) -> bool) -> Vec<usize> {
    let found = file.iter().enumerate().filter(|(_, byte)| is(**byte)).map(|(at, _)| at + 1);
    std::iter::once(0).chain(found).chain([file.len() + 1]).collect()
}

/// Somewhere between two of the places, without the byte that ends it.
fn between(chance: &mut Chance, file: &[u8], is: impl Fn(u8) -> bool) -> std::ops::Range<usize> {
    let places = places(file, is);
    let at = chance.at(places.len() - 1);
    places[at].min(file.len())..(places[at + 1] - 1).max(places[at].min(file.len()))
}

fn cell(chance: &mut Chance, file: &[u8]) -> std::ops::Range<usize> {
    between(chance, file, |byte| DELIMITERS.contains(&byte) || byte == b'\n' || byte == b'\r')
}

/// With its line end.
fn line(chance: &mut Chance, file: &[u8]) -> std::ops::Range<usize> {
    let line = between(chance, file, |byte| byte == b'\n');
    line.start..(line.end + 1).min(file.len())
}

fn put(file: &mut Vec<u8>, at: std::ops::Range<usize>, bytes: &[u8]) {
    file.splice(at, bytes.iter().copied());
}

fn odd_cell(chance: &mut Chance, file: &mut Vec<u8>) {
    let at = cell(chance, file);
    put(file, at, chance.of(&CELLS).as_bytes());
}

fn cell_lost(chance: &mut Chance, file: &mut Vec<u8>) {
    let at = cell(chance, file);
    put(file, at.start..(at.end + 1).min(file.len()), b"");
}

fn cell_doubled(chance: &mut Chance, file: &mut Vec<u8>) {
    let at = cell(chance, file);
    let again = [&file[at.clone()], &[*chance.of(&DELIMITERS)]].concat();
    put(file, at.start..at.start, &again);
}

/// A cell between quotes, those within it doubled or not.
fn quoted(chance: &mut Chance, file: &mut Vec<u8>) {
    let at = cell(chance, file);
    let inner = String::from_utf8_lossy(&file[at.clone()]).into_owned();
    let inner = if chance.below(2) == 0 { inner.replace('"', "\"\"") } else { inner };
    put(file, at, format!("\"{inner}\"").as_bytes());
}

fn line_lost(chance: &mut Chance, file: &mut Vec<u8>) {
    let at = line(chance, file);
    put(file, at, b"");
}

fn line_doubled(chance: &mut Chance, file: &mut Vec<u8>) {
    let at = line(chance, file);
    let again = file[at.clone()].repeat(1 + chance.at(20));
    put(file, at.start..at.start, &again);
}

fn lines_moved(chance: &mut Chance, file: &mut Vec<u8>) {
    let from = line(chance, file);
    let moved: Vec<u8> = file.drain(from).collect();
    let to = line(chance, file).start;
    put(file, to..to, &moved);
}

/// All of them, or each as it comes.
fn line_ends(chance: &mut Chance, file: &mut Vec<u8>) {
    let (all, mixed) = (*chance.of(&LINE_ENDS), chance.below(3) == 0);
    let mut changed = Vec::with_capacity(file.len());
    for part in file.split_inclusive(|byte| *byte == b'\n') {
        let text = part.strip_suffix(b"\n").unwrap_or(part);
        changed.extend_from_slice(text.strip_suffix(b"\r").unwrap_or(text));
        if text.len() < part.len() {
            changed.extend_from_slice(if mixed { chance.of(&LINE_ENDS) } else { all }.as_bytes());
        }
    }
    *file = changed;
}

#[allow(clippy::ptr_arg, reason = "one of the changes, which all have this form")]
fn delimiter(chance: &mut Chance, file: &mut Vec<u8>) {
    let (from, to) = (*chance.of(&DELIMITERS), *chance.of(&DELIMITERS));
    file.iter_mut().filter(|byte| **byte == from).for_each(|byte| *byte = to);
}

fn odd_bytes(chance: &mut Chance, file: &mut Vec<u8>) {
    let at = chance.at(file.len() + 1);
    let until = if chance.below(2) == 0 { at } else { (at + 1).min(file.len()) };
    let random = [u8::try_from(chance.below(256)).unwrap()];
    let bytes = if chance.below(2) == 0 { &random } else { *chance.of(&BYTES) };
    put(file, at..until, bytes);
}

fn cut_off(chance: &mut Chance, file: &mut Vec<u8>) {
    let at = chance.at(file.len() + 1);
    if chance.below(4) == 0 {
        file.drain(..at);
    } else {
        file.truncate(at);
    }
}

/// Its beginning, then another file's end.
fn spliced(chance: &mut Chance, file: &mut Vec<u8>, samples: &[Vec<u8>]) {
    file.truncate(chance.at(file.len() + 1));
    let other = chance.of(samples);
    file.extend_from_slice(&other[chance.at(other.len() + 1)..]);
}

/// One cell, or one line again and again, beyond what an importer keeps at once.
fn long(chance: &mut Chance, file: &mut Vec<u8>) {
    let bytes = usize::try_from(chance.below(LONG_BYTES)).unwrap();
    let at = if chance.below(2) == 0 { cell(chance, file) } else { line(chance, file) };
    let part = if at.is_empty() { b"x,".to_vec() } else { file[at.clone()].to_vec() };
    let again = part.repeat(bytes / part.len());
    put(file, at, &again);
}

/// Mostly as it is.
fn encoded(chance: &mut Chance, file: Vec<u8>) -> Vec<u8> {
    let text = String::from_utf8_lossy(&file);
    match chance.below(12) {
        0 => ["\u{feff}".as_bytes(), &file].concat(),
        1 => "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect(),
        2 => "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect(),
        // Latin-1, where it has the character.
        3 => text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect(),
        4 => {
            let mut half: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            half.truncate(chance.at(half.len() + 1));
            [&[0xff, 0xfe], &half[..]].concat()
        }
        _ => file,
    }
}
