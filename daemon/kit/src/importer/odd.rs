//! Files that are none: empty, noise, other encodings. Answered with findings or a typed failure, never with a break-down.

use super::reading::Read;
use super::whole::{coherent, samples, whole};
use crate::bench::Bench;
use crate::case::{Case, Tried, case, hold, unbroken};

pub(super) const CASES: &[Case] = &[
    case!("empty-file", "A file of nothing gives no rows that are taken.", empty),
    case!("one-byte", "A file of any one byte is refused or empty.", one_byte),
    case!("only-a-header", "A sample's first line alone gives no rows that are taken.", only_header),
    case!("noise", "Random bytes give no rows that are taken.", random),
    case!("nuls", "A file of NULs gives no rows that are taken.", nuls),
    case!("nuls-in-a-sample", "NULs within a file do no harm.", nuls_within),
    case!("utf-16", "A sample in UTF-16 is read, or refused as a whole.", utf_16),
    case!("byte-order-mark", "A byte order mark in front changes nothing.", byte_order_mark),
    case!(
        "broken-utf-8",
        "Bytes that are no UTF-8 are read in another encoding, or their rows rejected.",
        broken_utf_8
    ),
    case!(
        "line-ends",
        "Lines that end in LF, CRLF or CR give the same rows, or CR is refused as a whole.",
        line_ends
    ),
    case!(
        "no-last-line-end",
        "A file gives the same with a line end after its last row and without.",
        last_line_end
    ),
    case!("blank-lines-at-the-end", "Blank lines at the end are no rows.", blank_end),
];

/// Bytes that are the same in every run.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        u8::try_from(state >> 56).unwrap_or_default()
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// Fails where reading broke down.
pub(super) fn unbroken_read(read: &Read, what: &str) -> Tried {
    unbroken(&read.rows, &format!("reading {what}"))
}

/// Reads what has no sound row in it.
async fn nothing(bench: &Bench, bytes: Vec<u8>, what: &str) -> Tried {
    let read = whole(bench, "odd.csv", bytes).await?;
    unbroken_read(&read, what)?;
    coherent(&read, what)?;
    hold(read.rows.is_err() || read.taken().is_empty(), || {
        format!("of {what} it takes {} rows: reject what is no row", read.taken().len())
    })
}

async fn empty(bench: &Bench) -> Tried {
    nothing(bench, Vec::new(), "an empty file").await
}

async fn one_byte(bench: &Bench) -> Tried {
    for byte in [b'\n', b'\r', b',', b'"', b'a', 0, 0xff, 0xef] {
        nothing(bench, vec![byte], &format!("a file of the byte {byte:#04x}")).await?;
    }
    Ok(())
}

async fn only_header(bench: &Bench) -> Tried {
    for (sample, bytes, whole_file) in samples(bench).await? {
        let has_header = whole_file.drafts.iter().all(|row| row.line > 1);
        if !has_header {
            continue;
        }
        let first: Vec<u8> =
            bytes.iter().copied().take_while(|byte| *byte != b'\n' && *byte != b'\r').collect();
        for ending in [&b""[..], b"\n", b"\r\n"] {
            nothing(bench, [&first, ending].concat(), &format!("the first line of {}", sample.file)).await?;
        }
    }
    Ok(())
}

async fn random(bench: &Bench) -> Tried {
    for (seed, length) in [(1, 64), (2, 1_000), (3, 40_000)] {
        nothing(bench, noise(seed, length), &format!("{length} random bytes")).await?;
    }
    Ok(())
}

async fn nuls(bench: &Bench) -> Tried {
    nothing(bench, vec![0; 10_000], "a file of NULs").await
}

async fn nuls_within(bench: &Bench) -> Tried {
    for (sample, bytes, _) in samples(bench).await? {
        let mut bytes = bytes;
        bytes.insert(bytes.len() / 2, 0);
        let read = whole(bench, &sample.file, bytes).await?;
        let what = format!("{} with a NUL in its midst", sample.file);
        unbroken_read(&read, &what)?;
        coherent(&read, &what)?;
    }
    Ok(())
}

async fn utf_16(bench: &Bench) -> Tried {
    for (sample, bytes, usual) in samples(bench).await? {
        let Ok(text) = String::from_utf8(bytes) else { continue };
        for little in [true, false] {
            let wide = |unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() };
            let encoded: Vec<u8> =
                std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(wide).collect();
            let read = whole(bench, &sample.file, encoded).await?;
            let what = format!("{} in UTF-16", sample.file);
            unbroken_read(&read, &what)?;
            coherent(&read, &what)?;
            let refused = read.rows.is_err() || read.taken().is_empty();
            hold(refused || read.drafts == usual.drafts, || {
                format!("{what} gives other rows than in UTF-8: read it, or refuse the whole file")
            })?;
        }
    }
    Ok(())
}

async fn byte_order_mark(bench: &Bench) -> Tried {
    for (sample, bytes, usual) in samples(bench).await? {
        if String::from_utf8(bytes.clone()).is_err() || bytes.starts_with(b"\xef\xbb\xbf") {
            continue;
        }
        let read = whole(bench, &sample.file, [&b"\xef\xbb\xbf"[..], &bytes].concat()).await?;
        hold(read.drafts == usual.drafts && read.rows == usual.rows, || {
            format!("{} with a byte order mark in front gives other rows: skip the mark", sample.file)
        })?;
    }
    Ok(())
}

async fn broken_utf_8(bench: &Bench) -> Tried {
    for (sample, bytes, usual) in samples(bench).await? {
        let mut broken = bytes.clone();
        let at = broken.len().saturating_sub(broken.len() / 4);
        for odd in [0xc3, 0x28, 0xff, 0xe2] {
            broken.insert(at, odd);
        }
        let read = whole(bench, &sample.file, broken).await?;
        let what = format!("{} with bytes that are no UTF-8", sample.file);
        unbroken_read(&read, &what)?;
        coherent(&read, &what)?;
        hold(read.rows.is_err() || read.drafts.len() <= usual.drafts.len() + 1, || {
            format!("{what} gives more rows than before")
        })?;
    }
    Ok(())
}

/// The file with other line ends; none where it has texts of several lines.
fn with_line_ends(bytes: &[u8], usual: &Read, end: &str) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let lines: Vec<&str> = text.lines().collect();
    let one_a_row = usual.drafts.len() + usual.rejected().len() <= lines.len() && !text.contains('"');
    one_a_row.then(|| lines.iter().flat_map(|line| [line.as_bytes(), end.as_bytes()].concat()).collect())
}

async fn line_ends(bench: &Bench) -> Tried {
    for (sample, bytes, usual) in samples(bench).await? {
        for (end, name) in [("\n", "LF"), ("\r\n", "CRLF"), ("\r", "CR")] {
            let Some(other) = with_line_ends(&bytes, &usual, end) else { continue };
            let read = whole(bench, &sample.file, other).await?;
            let what = format!("{} with lines that end in {name}", sample.file);
            unbroken_read(&read, &what)?;
            coherent(&read, &what)?;
            let refused = name == "CR" && (read.rows.is_err() || read.taken().is_empty());
            hold(refused || read.drafts == usual.drafts, || {
                format!(
                    "{what} gives {} rows, usually {}: a line end is no part of a cell",
                    read.drafts.len(),
                    usual.drafts.len()
                )
            })?;
        }
    }
    Ok(())
}

async fn last_line_end(bench: &Bench) -> Tried {
    for (sample, bytes, usual) in samples(bench).await? {
        let without: Vec<u8> = bytes
            .strip_suffix(b"\n")
            .map(|rest| rest.strip_suffix(b"\r").unwrap_or(rest))
            .unwrap_or(&bytes)
            .to_vec();
        let read = whole(bench, &sample.file, without).await?;
        hold(read.drafts == usual.drafts && read.rows == usual.rows, || {
            format!(
                "{} without its last line end gives {} rows, with it {}: the last row needs no line end",
                sample.file,
                read.drafts.len(),
                usual.drafts.len()
            )
        })?;
    }
    Ok(())
}

async fn blank_end(bench: &Bench) -> Tried {
    for (sample, bytes, usual) in samples(bench).await? {
        let read = whole(bench, &sample.file, [&bytes[..], b"\n\n\n"].concat()).await?;
        hold(read.drafts == usual.drafts && read.rejected() == usual.rejected(), || {
            format!(
                "{} with blank lines at its end gives {:?} rows, usually {:?}",
                sample.file, read.rows, usual.rows
            )
        })?;
    }
    Ok(())
}
