//! How a plugin behaves over all: what it takes, what it logs, and the words of its failures. Played last, since it looks back on
//! all that was heard.

use crate::bench::{Bench, KEY};
use crate::case::{Case, Tried, case, failed, hold, skipped};
use remitd_host::Failure;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

pub(super) const CASES: &[Case] = &[
    case!("modest-memory", "A usual call takes less than 64 MiB.", memory),
    case!("modest-time", "A usual call ends within two seconds.", time),
    case!("modest-host-calls", "A usual call makes fewer than a thousand host calls.", host_calls),
    case!("quiet-log", "A usual call logs a few lines at most.", quiet),
    case!("log-without-secrets", "No line of its log has a secret or a payer's address in it.", no_secrets),
    case!(
        "failures-have-codes",
        "The code of each of its failures is lower-case words joined by hyphens.",
        codes
    ),
    case!("failures-say-why", "The message of each of its failures says something to a person.", messages),
];

const MEMORY_MOST_BYTES: u64 = 64 << 20;
const TIME_MOST: Duration = Duration::from_secs(2);
const HOST_CALLS_MOST: u64 = 1_000;
const LINES_MOST: usize = 20;
const LINES_MOST_BYTES: usize = 8 << 10;
/// A shorter secret would be found everywhere.
const SECRET_MIN_BYTES: usize = 8;
const MESSAGE_MIN_BYTES: usize = 8;

async fn memory(bench: &Bench) -> Tried {
    for (act, _) in bench.acts().await? {
        let world = bench.staged(&act).await?;
        let job = world.job(KEY);
        let usage = job.usage.clone().unwrap_or_default();
        act.play(&world, job).await?.ok();
        let bytes = usage.memory_bytes.load(Ordering::Relaxed);
        hold(bytes < MEMORY_MOST_BYTES, || {
            format!("{} took {} MiB: read and hand over piece by piece", act.name, bytes >> 20)
        })?;
    }
    Ok(())
}

async fn time(bench: &Bench) -> Tried {
    for (act, _) in bench.acts().await? {
        let world = bench.staged(&act).await?;
        let began = Instant::now();
        act.play(&world, world.job(KEY)).await?.ok();
        let took = began.elapsed();
        hold(took < TIME_MOST, || format!("{} took {} ms", act.name, took.as_millis()))?;
    }
    Ok(())
}

async fn host_calls(bench: &Bench) -> Tried {
    for (act, clean) in bench.acts().await? {
        let calls = u64::try_from(clean.called.len()).unwrap_or(u64::MAX);
        hold(calls < HOST_CALLS_MOST, || {
            format!("{} makes {calls} host calls: ask for more at once, and hand over in batches", act.name)
        })?;
    }
    Ok(())
}

/// The log of every usual call.
async fn lines(bench: &Bench) -> Result<Vec<(String, Vec<String>)>, crate::case::Ended> {
    let mut all = Vec::new();
    for (act, _) in bench.every().await? {
        let world = bench.staged(act).await?;
        world.hand.take_lines();
        act.play(&world, world.job(KEY)).await?.ok();
        all.push((act.name.clone(), world.hand.take_lines()));
    }
    Ok(all)
}

async fn quiet(bench: &Bench) -> Tried {
    for (act, lines) in lines(bench).await? {
        let bytes: usize = lines.iter().map(String::len).sum();
        hold(lines.len() <= LINES_MOST && bytes <= LINES_MOST_BYTES, || {
            format!(
                "{act} logs {} lines of {bytes} bytes in all: log what an operator acts upon, not each row",
                lines.len()
            )
        })?;
    }
    Ok(())
}

async fn no_secrets(bench: &Bench) -> Tried {
    let secrets = bench.fixture.secrets.values().filter(|secret| secret.len() >= SECRET_MIN_BYTES);
    let private: Vec<&str> = secrets.map(String::as_str).collect();
    for (act, lines) in lines(bench).await? {
        for line in lines {
            let told = private.iter().any(|secret| line.contains(secret)) || has_address(&line);
            hold(!told, || {
                format!(
                    "{act} logs {:?}: logs are read by many; name the job, not the person",
                    crate::case::cut(&line)
                )
            })?;
        }
    }
    Ok(())
}

/// Whether something in it looks like `name@example.com`.
fn has_address(line: &str) -> bool {
    let word = |word: &str| {
        let (name, domain) = word.split_once('@').unwrap_or_default();
        !name.is_empty() && domain.split('.').filter(|part| !part.is_empty()).count() > 1
    };
    line.split(|c: char| c.is_whitespace() || "<>()[]\",;:'".contains(c)).any(word)
}

/// Failures that the plugin made itself: the host's and the kit's have their own words.
fn own(bench: &Bench) -> Vec<(String, Failure)> {
    bench.record.failures()
}

async fn codes(bench: &Bench) -> Tried {
    let heard = own(bench);
    if heard.is_empty() {
        return Err(skipped("it has not failed once"));
    }
    for (act, failure) in heard {
        let code = &failure.code;
        let word = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        let good = code.split('-').all(word) && code.starts_with(|c: char| c.is_ascii_lowercase());
        hold(good, || format!("{act} failed with the code {code:?}: write it as in amount-too-large"))?;
    }
    Ok(())
}

async fn messages(bench: &Bench) -> Tried {
    let heard = own(bench);
    if heard.is_empty() {
        return Err(skipped("it has not failed once"));
    }
    for (act, failure) in heard {
        let message = failure.message.trim();
        let says = message.len() >= MESSAGE_MIN_BYTES && message.contains(' ') && message != failure.code;
        hold(says, || {
            format!(
                "{act} failed as {:?} with the message {message:?}: say what is wrong, where, and how to mend it",
                failure.code
            )
        })?;
        let leaks = bench.fixture.secrets.values().filter(|secret| secret.len() >= SECRET_MIN_BYTES);
        if leaks.into_iter().any(|secret| message.contains(secret.as_str())) {
            return Err(failed(format!("the message of a failure of {act} has a secret in it")));
        }
    }
    Ok(())
}
