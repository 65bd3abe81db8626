//! Samples as they are: what the fixture says of them, and how findings, lines and counts fit together.

use super::conventions;
use super::reading::{Cut, Read, read};
use crate::bench::{Bench, KEY};
use crate::case::{Case, Ended, Tried, case, failed, hold, shown, skipped};
use crate::fixture::Sample;

pub(super) const CASES: &[Case] = &[
    case!("samples-are-counted", "Each sample has as many good and bad rows as kit.toml says.", counted),
    case!(
        "count-agrees",
        "The number that it returns is the rows that it handed over, good and bad, each once.",
        count_agrees
    ),
    case!("lines-rise", "Lines rise from row to row, and none is given twice.", lines_rise),
    case!("lines-are-in-the-file", "Every line that it names is in the file.", lines_inside),
    case!(
        "findings-are-whole",
        "Each finding has a code, a message for a person, and a value that is short.",
        findings
    ),
    case!("samples-add-up", "The good rows of each sample make what kit.toml says, to the minor unit.", sums),
    case!("amounts-are-sound", "Rows that are taken have an amount that is not absurd.", amounts),
    case!("read-twice-is-equal", "The same file twice gives the same.", twice),
    case!("file-name-does-not-matter", "The same file under another name gives the same rows.", other_name),
];

const VALUE_MOST_BYTES: usize = 1_000;
const MESSAGE_MIN_BYTES: usize = 8;
const CODE_MOST_BYTES: usize = 64;
/// A million million in the major unit.
const AMOUNT_MOST_MINOR: i64 = 100_000_000_000_000;

/// Every sample and what reading it undisturbed gives.
pub(super) async fn samples(bench: &Bench) -> Result<Vec<(Sample, Vec<u8>, Read)>, Ended> {
    let mut all = Vec::new();
    for sample in &bench.fixture.importer.samples {
        let bytes = bench.fixture.file(&sample.file).to_vec();
        let read = whole(bench, &sample.file, bytes.clone()).await?;
        all.push((sample.clone(), bytes, read));
    }
    if all.is_empty() {
        return Err(skipped(
            "kit.toml has no samples: [importer] samples = [{ file = …, ok = …, rejected = … }]",
        ));
    }
    Ok(all)
}

pub(super) async fn whole(bench: &Bench, name: &str, bytes: Vec<u8>) -> Result<Read, Ended> {
    let world = bench.fresh().await?;
    read(&world, world.job(KEY), bytes, Cut::Whole, conventions(bench, name)).await
}

async fn counted(bench: &Bench) -> Tried {
    for (sample, _, read) in samples(bench).await? {
        if let Err(failure) = &read.rows {
            return Err(failed(format!("reading {} ended with {}", sample.file, shown(failure))));
        }
        let (ok, rejected) = (read.taken().len() as u64, read.rejected().len() as u64);
        hold((ok, rejected) == (sample.ok, sample.rejected), || {
            let first = read.findings.first().map(|finding| format!("; the first finding: {finding:?}"));
            format!(
                "{} has {ok} good rows and {rejected} rejected, kit.toml says {} and {}{}",
                sample.file,
                sample.ok,
                sample.rejected,
                first.unwrap_or_default()
            )
        })?;
    }
    Ok(())
}

/// What any reading that ended well must be like.
pub(super) fn coherent(read: &Read, what: &str) -> Tried {
    let Ok(rows) = read.rows else { return Ok(()) };
    let counted = (read.taken().len() + read.rejected().len()) as u64;
    hold(rows == counted, || {
        format!(
            "of {what} it returns {rows} rows, and handed over {} good ones and {} rejected: count each data row once, with \
             findings or without",
            read.taken().len(),
            read.rejected().len()
        )
    })
}

async fn count_agrees(bench: &Bench) -> Tried {
    for (sample, _, read) in samples(bench).await? {
        coherent(&read, &sample.file)?;
    }
    Ok(())
}

async fn lines_rise(bench: &Bench) -> Tried {
    for (sample, _, read) in samples(bench).await? {
        let lines: Vec<u32> = read.drafts.iter().map(|row| row.line).collect();
        let rise = lines.windows(2).all(|pair| pair.first() < pair.get(1));
        hold(rise, || {
            format!(
                "the lines of {} are {lines:?}: give each row its own line, in the file's order",
                sample.file
            )
        })?;
    }
    Ok(())
}

async fn lines_inside(bench: &Bench) -> Tried {
    for (sample, bytes, read) in samples(bench).await? {
        let lines =
            read.drafts.iter().map(|row| row.line).chain(read.findings.iter().map(|finding| finding.line));
        // What a line is in a file that is no text, its format says: a row of a sheet.
        let last = is_text(&bytes).then(|| count_lines(&bytes));
        let there = last.map_or_else(String::new, |last| format!(" has {last} lines, and it"));
        for line in lines {
            hold((1..=last.unwrap_or(u64::MAX)).contains(&u64::from(line)), || {
                format!("{}{there} names line {line}: count from 1, the header too", sample.file)
            })?;
        }
    }
    Ok(())
}

/// Whether a file is read line by line: text has no NUL, unless it is UTF-16 and says so.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    !bytes.contains(&0) || bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff])
}

/// Lines by LF, CRLF or CR alone.
fn count_lines(bytes: &[u8]) -> u64 {
    let ends = |byte: u8| bytes.iter().filter(|found| **found == byte).count() as u64;
    ends(b'\n').max(ends(b'\r')) + 1
}

async fn findings(bench: &Bench) -> Tried {
    let mut seen = 0;
    for (sample, _, read) in samples(bench).await? {
        for finding in &read.findings {
            seen += 1;
            let sound = !finding.code.is_empty()
                && finding.code.len() <= CODE_MOST_BYTES
                && !finding.code.contains(' ');
            hold(sound, || format!("{}: the finding {finding:?} needs a code without blanks", sample.file))?;
            hold(finding.message.len() >= MESSAGE_MIN_BYTES && finding.message.contains(' '), || {
                format!(
                    "{}: the message of {finding:?} says nothing: what is wrong, and how is it mended?",
                    sample.file
                )
            })?;
            hold(finding.value.len() <= VALUE_MOST_BYTES, || {
                format!(
                    "{}: a finding of line {} has a value of {} bytes",
                    sample.file,
                    finding.line,
                    finding.value.len()
                )
            })?;
        }
    }
    if seen == 0 { Err(skipped("no sample of kit.toml has a row that is rejected")) } else { Ok(()) }
}

async fn sums(bench: &Bench) -> Tried {
    let mut given = 0;
    for (sample, _, read) in samples(bench).await? {
        let Some(expected) = sample.sum_minor else { continue };
        given += 1;
        let sum = read.taken().iter().map(|row| row.amount_minor).fold(0, i64::saturating_add);
        hold(sum == expected, || {
            format!(
                "the good rows of {} make {sum} minor units, kit.toml says {expected}: read amounts as decimals, never as floats",
                sample.file
            )
        })?;
    }
    if given == 0 { Err(skipped("kit.toml gives no sum_minor of a sample")) } else { Ok(()) }
}

async fn amounts(bench: &Bench) -> Tried {
    for (sample, _, read) in samples(bench).await? {
        for row in read.taken() {
            hold((1..AMOUNT_MOST_MINOR).contains(&row.amount_minor), || {
                format!(
                    "{}: line {} has the amount {} in minor units: a row without a sound amount is rejected",
                    sample.file, row.line, row.amount_minor
                )
            })?;
        }
    }
    Ok(())
}

async fn twice(bench: &Bench) -> Tried {
    for (sample, bytes, first) in samples(bench).await? {
        let second = whole(bench, &sample.file, bytes).await?;
        hold(first == second, || format!("{} read again gives something else", sample.file))?;
    }
    Ok(())
}

async fn other_name(bench: &Bench) -> Tried {
    for (sample, bytes, first) in samples(bench).await? {
        let second = whole(bench, "renamed by hand (2)", bytes).await?;
        hold(first.drafts == second.drafts && first.rows == second.rows, || {
            format!(
                "{} under another name gives other rows: recognise goes by the name, read does not",
                sample.file
            )
        })?;
    }
    Ok(())
}
