//! Many rows and large ones: memory stays bounded, nothing is lost.

use super::conventions;
use super::odd::unbroken_read;
use super::reading::{Cut, Read, read};
use super::whole::{coherent, is_text, samples};
use crate::bench::{Bench, KEY};
use crate::case::{Case, Ended, Tried, case, hold, skipped};
use std::sync::atomic::Ordering;

pub(super) const CASES: &[Case] = &[
    case!("many-rows", "A file of twenty thousand rows gives them all, in bounded memory.", many),
    case!(
        "many-bad-rows",
        "A file of twenty thousand bad rows is rejected row by row, in bounded memory.",
        many_bad
    ),
    case!(
        "a-line-of-two-mebibytes",
        "A line of two mebibytes is refused or taken, and memory stays bounded.",
        long_line
    ),
    case!(
        "an-open-quote",
        "A quote that is never closed does not take the file's rest into one cell.",
        open_quote
    ),
    case!("decimal-comma", "Other conventions of dates and amounts do no harm.", conventions_differ),
];

const ROWS: usize = 20_000;
const MEMORY_MOST_BYTES: u64 = 64 << 20;
const LINE_BYTES: usize = 2 << 20;

/// The first sample whose rows all stand on lines of their own, of which at least one fits: header, body, how often it is there.
async fn repeated(
    bench: &Bench,
    fits: impl Fn(&Read) -> bool,
) -> Result<(String, Vec<u8>, Read, usize), Ended> {
    for (sample, bytes, usual) in samples(bench).await? {
        let header = usual
            .drafts
            .iter()
            .map(|row| row.line)
            .chain(usual.rejected())
            .min()
            .unwrap_or(1)
            .saturating_sub(1);
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let head: Vec<u8> = lines.by_ref().take(header as usize).flatten().copied().collect();
        let mut body: Vec<u8> = lines.flatten().copied().collect();
        if usual.rows.is_err() || body.contains(&b'"') || !fits(&usual) || std::str::from_utf8(&body).is_err()
        {
            continue;
        }
        if !body.ends_with(b"\n") {
            body.push(b'\n');
        }
        let times = ROWS / body.iter().filter(|byte| **byte == b'\n').count().max(1);
        return Ok((sample.file, [head, body.repeat(times)].concat(), usual, times));
    }
    Err(skipped("no sample of kit.toml has plain rows that could be repeated"))
}

async fn bounded(bench: &Bench, name: &str, bytes: Vec<u8>, what: &str) -> Result<Read, Ended> {
    let world = bench.fresh().await?;
    let job = world.job(KEY);
    let usage = job.usage.clone().unwrap_or_default();
    let read = read(&world, job, bytes, Cut::Whole, conventions(bench, name)).await?;
    unbroken_read(&read, what)?;
    let memory = usage.memory_bytes.load(Ordering::Relaxed);
    hold(memory < MEMORY_MOST_BYTES, || {
        format!(
            "reading {what} took {} MiB: hand rows over as they come, and keep no more than a piece of the file",
            memory >> 20
        )
    })?;
    coherent(&read, what)?;
    Ok(read)
}

async fn many(bench: &Bench) -> Tried {
    let (name, bytes, usual, times) = repeated(bench, |usual| !usual.taken().is_empty()).await?;
    let read = bounded(bench, &name, bytes, &format!("{times} times {name}")).await?;
    let expected = usual.taken().len() * times;
    hold(read.taken().len() == expected, || {
        format!("of {times} times {name} it takes {} rows, {expected} are good", read.taken().len())
    })
}

async fn many_bad(bench: &Bench) -> Tried {
    let (name, bytes, usual, times) = repeated(bench, |usual| !usual.rejected().is_empty()).await?;
    let read = bounded(bench, &name, bytes, &format!("{times} times {name}")).await?;
    let expected = usual.rejected().len() * times;
    hold(read.rejected().len() == expected, || {
        format!("of {times} times {name} it rejects {} rows, {expected} are bad", read.rejected().len())
    })
}

async fn long_line(bench: &Bench) -> Tried {
    bounded(bench, "odd.csv", vec![b'x'; LINE_BYTES], "a line of two mebibytes").await?;
    for (sample, bytes, usual) in samples(bench).await? {
        let long = [&bytes[..], &vec![b'y'; LINE_BYTES], b"\n"].concat();
        let read =
            bounded(bench, &sample.file, long, &format!("{} and a line of two mebibytes", sample.file))
                .await?;
        hold(read.rows.is_err() || read.taken().len() >= usual.taken().len(), || {
            format!(
                "a long line at the end of {} makes {} of its rows vanish",
                sample.file,
                usual.taken().len() - read.taken().len()
            )
        })?;
    }
    Ok(())
}

async fn open_quote(bench: &Bench) -> Tried {
    for (sample, bytes, usual) in samples(bench).await? {
        // Elsewhere a quote opens nothing, and a file behind itself is none.
        if !is_text(&bytes) {
            continue;
        }
        let odd = [&bytes[..], b"\"", &bytes].concat();
        let what = format!("{} with a quote opened after it", sample.file);
        let read = bounded(bench, &sample.file, odd, &what).await?;
        hold(read.rows.is_err() || read.taken().len() >= usual.taken().len(), || {
            format!(
                "of {what} it takes {} rows, before there were {}",
                read.taken().len(),
                usual.taken().len()
            )
        })?;
    }
    Ok(())
}

async fn conventions_differ(bench: &Bench) -> Tried {
    for (sample, bytes, _) in samples(bench).await? {
        for (date_order, decimal_mark, currency, exponent) in
            [("dmy", ",", "EUR", 2), ("ymd", ".", "JPY", 0), ("mdy", ".", "KWD", 3), ("", "", "", 0)]
        {
            let world = bench.fresh().await?;
            let mut told = conventions(bench, &sample.file);
            told.date_order = date_order.to_owned();
            told.decimal_mark = decimal_mark.to_owned();
            told.currency = currency.to_owned();
            told.exponent = exponent;
            let read = read(&world, world.job(KEY), bytes.clone(), Cut::Whole, told).await?;
            let what = format!(
                "{} with the conventions {date_order:?}, {decimal_mark:?}, {currency:?}",
                sample.file
            );
            unbroken_read(&read, &what)?;
            coherent(&read, &what)?;
        }
    }
    Ok(())
}
