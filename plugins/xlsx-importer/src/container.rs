//! The workbook's file: an archive of parts, held in memory because its directory stands at its end. Owns the finding of parts by name
//! and the limits of what is unpacked. A part's bytes are checked against its sum where they end. Knows no XML.

use crate::wrong::Wrong;
use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive, ZipArchiveEntryWayfinder, ZipSliceArchive, ZipSliceVerifier};
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};

/// The file as it came. A list of a million rows packs into less.
pub const FILE_MAX_BYTES: usize = 32 << 20;
/// A sheet, or the shared texts, unpacked: a million rows of some five hundred bytes.
pub const PART_MAX_BYTES: u64 = 512 << 20;
/// Any other part: those that say what is where, and the formats.
pub const SMALL_PART_MAX_BYTES: u64 = 16 << 20;
/// One tag, or one piece of text: longer ones would fill the memory before anybody has looked at them.
const PIECE_MAX_BYTES: usize = 256 << 10;
const PARTS_MAX: usize = 10_000;
const BUFFER_BYTES: usize = 64 << 10;
/// How an old workbook, or one with a password, begins.
const OLE: [u8; 8] = [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];
/// What such a file calls its content where it has a password.
const ENCRYPTED: &str = "EncryptedPackage";

pub struct Container {
    archive: ZipSliceArchive<Vec<u8>>,
    /// By their names as [`key`] has them.
    parts: BTreeMap<String, Place>,
}

#[derive(Clone, Copy)]
struct Place {
    wayfinder: ZipArchiveEntryWayfinder,
    method: CompressionMethod,
    is_encrypted: bool,
}

impl Container {
    pub fn open(file: Vec<u8>) -> Result<Container, Wrong> {
        if let Some(why) = is_none(&file) {
            return Err(Wrong::no_workbook(why));
        }
        let whole = u64::try_from(file.len()).unwrap_or(u64::MAX);
        // A comment of an archive is short, but what has come behind the archive may be long.
        let archive = ZipArchive::with_max_search_space(whole).locate_in_slice(file);
        let archive =
            archive.map_err(|(_, error)| Wrong::damaged(format!("its directory cannot be read: {error}")))?;
        let mut parts = BTreeMap::new();
        let mut entries = archive.entries();
        while let Some(entry) =
            entries.next_entry().map_err(|error| Wrong::damaged(format!("its directory: {error}")))?
        {
            if parts.len() >= PARTS_MAX {
                return Err(Wrong::too_large(format!("the workbook has more than {PARTS_MAX} parts")));
            }
            let place = Place {
                wayfinder: entry.wayfinder(),
                method: entry.compression_method(),
                is_encrypted: entry.flags().is_encrypted(),
            };
            parts.insert(key(&String::from_utf8_lossy(entry.file_path().as_bytes())), place);
        }
        Ok(Container { archive, parts })
    }

    pub fn has(&self, name: &str) -> bool {
        self.parts.contains_key(&key(name))
    }

    /// Unpacked as it is read, no more than `most_bytes`.
    pub fn part(&self, name: &str, most_bytes: u64) -> Result<Part<'_>, Wrong> {
        let place =
            self.parts.get(&key(name)).ok_or_else(|| Wrong::damaged(format!("it has no part {name}")))?;
        if place.is_encrypted {
            return Err(Wrong::no_workbook("the workbook has a password: save it without one"));
        }
        let entry = self.archive.get_entry(place.wayfinder);
        let entry = entry.map_err(|error| Wrong::damaged(format!("{name}: {error}")))?;
        let unpacked = match place.method {
            CompressionMethod::STORE => Unpacked::Stored(entry.data()),
            CompressionMethod::DEFLATE => Unpacked::Deflated(DeflateDecoder::new(entry.data())),
            other => return Err(Wrong::damaged(format!("{name} is packed in an unknown way: {other}"))),
        };
        let limited = Limited { checked: entry.verifying_reader(unpacked), left: most_bytes, most_bytes };
        Ok(Part { bytes: BufReader::with_capacity(BUFFER_BYTES, limited), left: PIECE_MAX_BYTES })
    }

    /// What the part says of its own size, and no more than could be true.
    pub fn size_hint(&self, name: &str) -> u64 {
        self.parts.get(&key(name)).map_or(0, |place| place.wayfinder.uncompressed_size_hint())
    }
}

/// For a file that is no workbook of this kind, words.
fn is_none(file: &[u8]) -> Option<&'static str> {
    if file.starts_with(b"PK") {
        return None;
    }
    if !file.starts_with(&OLE) {
        return Some("this is no Excel workbook: save the list as .xlsx, or as CSV");
    }
    let password: Vec<u8> = ENCRYPTED.encode_utf16().flat_map(u16::to_le_bytes).collect();
    Some(if file.windows(password.len()).any(|window| window == password) {
        "the workbook has a password: save it without one"
    } else {
        "this is an old Excel workbook (.xls): save it as .xlsx"
    })
}

/// Names are compared without case; some writers put a backslash between folders.
fn key(name: &str) -> String {
    name.trim_start_matches('/').replace('\\', "/").to_ascii_lowercase()
}

/// The name of the part that `target` leads to from the part `from`.
pub fn resolve(from: &str, target: &str) -> String {
    let target = target.replace('\\', "/");
    let mut folders: Vec<&str> = Vec::new();
    if !target.starts_with('/') {
        folders.extend(from.split('/'));
        folders.pop();
    }
    for folder in target.split('/') {
        match folder {
            "" | "." => {}
            ".." => drop(folders.pop()),
            folder => folders.push(folder),
        }
    }
    folders.join("/")
}

/// A part as it is read.
pub struct Part<'a> {
    bytes: BufReader<Limited<'a>>,
    /// Of the piece that is read now.
    left: usize,
}

impl Part<'_> {
    /// Another tag or text begins.
    #[inline]
    pub fn begin_piece(&mut self) {
        self.left = PIECE_MAX_BYTES;
    }
}

impl Read for Part<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(into)
    }
}

impl BufRead for Part<'_> {
    #[inline]
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(too_large(format!("a text in it is longer than {PIECE_MAX_BYTES} bytes")));
        }
        self.bytes.fill_buf()
    }

    #[inline]
    fn consume(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes);
        self.bytes.consume(bytes);
    }
}

/// Ends with an error where a part has more bytes than it may.
struct Limited<'a> {
    checked: ZipSliceVerifier<Unpacked<'a>>,
    left: u64,
    most_bytes: u64,
}

impl Read for Limited<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.checked.read(into)?;
        let bytes = u64::try_from(read).unwrap_or(u64::MAX);
        self.left = self.left.checked_sub(bytes).ok_or_else(|| {
            let mebibytes = self.most_bytes >> 20;
            too_large(format!(
                "unpacked it is more than {mebibytes} MiB; split the list, and delete what is no part of it"
            ))
        })?;
        Ok(read)
    }
}

enum Unpacked<'a> {
    Stored(&'a [u8]),
    Deflated(DeflateDecoder<&'a [u8]>),
}

impl Read for Unpacked<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Unpacked::Stored(bytes) => bytes.read(into),
            Unpacked::Deflated(bytes) => bytes.read(into),
        }
    }
}

fn too_large(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, message)
}
