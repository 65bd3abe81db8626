//! The file as a stream: however it is cut, wherever it breaks off, the rows that come out are true.

use super::conventions;
use super::odd::unbroken_read;
use super::reading::{Cut, Read, read};
use super::whole::{coherent, samples};
use crate::bench::{Bench, KEY};
use crate::case::{Case, Ended, Tried, case, failed, hold, shown, unbroken};
use crate::hand::Script;
use remitd_host::{Failure, FailureClass, Step};

pub(super) const CASES: &[Case] = &[
    case!("cut-into-bytes", "Given a byte at a time, the file gives the same.", bytes_apart),
    case!("cut-into-sevens", "Given in pieces of seven bytes, the file gives the same.", sevens),
    case!("cut-into-large-pieces", "Given in pieces of 64 KiB, the file gives the same.", large_pieces),
    case!(
        "truncated-sample",
        "A file that ends in its midst gives no row that is not in the whole.",
        truncated
    ),
    case!(
        "source-breaks",
        "Where the file cannot be read on, the call says so and does not call it the end.",
        breaks
    ),
    case!("source-fails-at-each-read", "Where any read fails, the call fails with it.", fails_each),
    case!("sink-refuses-at-each-push", "Where any batch is refused, the call fails with it.", sink_refuses),
    case!("reads-to-the-end", "It reads until it is told that there is no more.", to_the_end),
];

async fn bytes_apart(bench: &Bench) -> Tried {
    cut(bench, 1).await
}

async fn sevens(bench: &Bench) -> Tried {
    cut(bench, 7).await
}

async fn large_pieces(bench: &Bench) -> Tried {
    cut(bench, 64 << 10).await
}

/// More bytes one at a time would only take longer.
const CUT_MOST_BYTES: usize = 16 << 10;

async fn cut(bench: &Bench, piece_bytes: u32) -> Tried {
    for (sample, bytes, whole) in samples(bench).await? {
        if piece_bytes < 64 && bytes.len() > CUT_MOST_BYTES {
            continue;
        }
        let pieces = reading(bench, &sample.file, bytes, Cut::Pieces(piece_bytes)).await?;
        hold(pieces == whole, || {
            format!(
                "{} in pieces of {piece_bytes} bytes gives {} good rows and {} rejected, in one piece {} and {}: a read gives up \
                 to so many bytes, and only an empty one is the end",
                sample.file,
                pieces.taken().len(),
                pieces.rejected().len(),
                whole.taken().len(),
                whole.rejected().len()
            )
        })?;
    }
    Ok(())
}

async fn reading(bench: &Bench, name: &str, bytes: Vec<u8>, cut: Cut) -> Result<Read, Ended> {
    let world = bench.fresh().await?;
    read(&world, world.job(KEY), bytes, cut, conventions(bench, name)).await
}

const EIGHTHS: usize = 8;

async fn truncated(bench: &Bench) -> Tried {
    for (sample, bytes, whole) in samples(bench).await? {
        for eighth in 1..EIGHTHS {
            let end = bytes.len() * eighth / EIGHTHS;
            let part =
                reading(bench, &sample.file, bytes.iter().take(end).copied().collect(), Cut::Whole).await?;
            let what = format!("the first {end} bytes of {}", sample.file);
            unbroken_read(&part, &what)?;
            coherent(&part, &what)?;
            // The last row may have lost its end.
            let taken = part.taken();
            for row in taken.iter().rev().skip(1) {
                hold(whole.drafts.iter().any(|known| known == *row), || {
                    format!("of {what} it takes line {} as a row that the whole file does not have", row.line)
                })?;
            }
        }
    }
    Ok(())
}

async fn breaks(bench: &Bench) -> Tried {
    for (sample, bytes, _) in samples(bench).await? {
        for eighth in 0..EIGHTHS {
            let end = bytes.len() * eighth / EIGHTHS;
            let part = reading(bench, &sample.file, bytes.clone(), Cut::BreaksAfter(end)).await?;
            unavailable(&part.rows, &format!("with {} broken off after {end} bytes", sample.file))?;
        }
    }
    Ok(())
}

fn unavailable(rows: &Result<u64, Failure>, what: &str) -> Tried {
    unbroken(rows, what)?;
    match rows {
        Err(failure) if failure.class == FailureClass::Unavailable => Ok(()),
        Err(failure) => {
            Err(failed(format!("{what}, it ends with {}: pass the failure on as it is", shown(failure))))
        }
        Ok(rows) => Err(failed(format!(
            "{what}, it returns {rows} rows as if the file had ended: an error is not the end, pass it on"
        ))),
    }
}

/// The nth calls of this name, in a clean reading of each sample.
async fn each(bench: &Bench, names: &[&str]) -> Result<u32, Ended> {
    let mut tried = 0;
    for (sample, bytes, _) in samples(bench).await? {
        let world = bench.fresh().await?;
        read(&world, world.job(KEY), bytes.clone(), Cut::Whole, conventions(bench, &sample.file)).await?;
        let called = world.hand.take_called();
        for (nth, name) in (1..).zip(called).filter(|(_, name)| names.contains(name)) {
            tried += 1;
            let refusal = Failure::unavailable("kit-refused", "the kit refuses this call");
            world.hand.disturb(Script::Nth(nth, Step::Refuse(refusal)));
            let part =
                read(&world, world.job(KEY), bytes.clone(), Cut::Whole, conventions(bench, &sample.file))
                    .await?;
            unavailable(
                &part.rows,
                &format!("when host call {nth} of reading {} ({name}) fails", sample.file),
            )?;
        }
    }
    Ok(tried)
}

async fn fails_each(bench: &Bench) -> Tried {
    let tried = each(bench, &["byte-source.read"]).await?;
    hold(tried > 0, || "it reads nothing of its samples".to_owned())
}

async fn sink_refuses(bench: &Bench) -> Tried {
    let tried = each(bench, &["sink.push", "sink.reject"]).await?;
    hold(tried > 0, || "it hands over nothing of its samples".to_owned())
}

async fn to_the_end(bench: &Bench) -> Tried {
    for (sample, bytes, whole) in samples(bench).await? {
        if whole.rows.is_err() {
            continue;
        }
        // The last byte is what only a reader to the end finds missing.
        let part = reading(bench, &sample.file, bytes.clone(), Cut::BreaksAfter(bytes.len())).await?;
        unavailable(&part.rows, &format!("with {} broken off where its end should be told", sample.file))?;
    }
    Ok(())
}
