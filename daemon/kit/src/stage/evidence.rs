//! What a plugin has done outside, as far as the kit's peers saw it: rows, mails, requests that change something. Owns the
//! comparison of two runs; knows nothing of what a plugin should do.

use crate::case::cut;
use crate::error::KitError;
use crate::peers::http::{Seen, Server};
use crate::world::World;
use fs_err as fs;
use std::collections::BTreeMap;

/// One line a thing, sorted; the part before the first `: ` says where it was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Evidence {
    pub lines: Vec<String>,
}

const SHOWN_MOST: usize = 3;

impl Evidence {
    /// Looks at everything around a world. `key` is the idempotency key that the calls carried.
    pub async fn of(world: &World, key: &str) -> Result<Evidence, KitError> {
        let mut lines = Vec::new();
        for database in &world.databases {
            lines.extend(database.rows().await?);
        }
        for server in &world.servers {
            lines.extend(changes(server, key));
        }
        for relay in &world.relays {
            let line = |caught: crate::peers::smtp::Caught| {
                let text = String::from_utf8_lossy(&caught.message).into_owned();
                format!("smtp {}: from {} to {}: {text}", relay.name, caught.from, caught.to.join(", "))
            };
            lines.extend(relay.caught().into_iter().map(line));
        }
        let outboxes = world.outboxes.iter().map(|(name, outbox)| ("outbox", name, &outbox.folder));
        let maildirs = world.maildirs.iter().map(|(name, folder)| ("maildir", name, folder));
        for (kind, name, folder) in maildirs.chain(outboxes) {
            // A folder that a case took away holds nothing.
            for file in fs::read_dir(folder).into_iter().flatten() {
                let path = file?.path();
                let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if !file_name.starts_with('.') {
                    let bytes = fs::read(&path)?;
                    lines.push(format!("{kind} {name}: {file_name}: {}", String::from_utf8_lossy(&bytes)));
                }
            }
        }
        lines.iter_mut().for_each(|line| *line = without_times(line));
        lines.sort();
        Ok(Evidence { lines })
    }

    /// What is here and not in `before`.
    pub fn beyond(&self, before: &Evidence) -> Vec<&str> {
        let mut counts = counts(before.lines.iter().map(String::as_str));
        let new = self.lines.iter().filter(|line| match counts.get_mut(line.as_str()) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        });
        new.map(String::as_str).collect()
    }

    /// In what this differs from a clean run; none where it is the same. Where two clean runs differ already (the plugin writes
    /// something of its own making), only how much there is counts.
    pub fn difference(&self, clean: &Evidence, steady: bool) -> Option<String> {
        if !steady {
            let (here, there) = (per_place(self), per_place(clean));
            return (here != there).then(|| format!("there is {here:?}, after one clean run {there:?}"));
        }
        let (besides, lacking) = (self.beyond(clean), clean.beyond(self));
        if besides.is_empty() && lacking.is_empty() {
            return None;
        }
        let list =
            |lines: Vec<&str>| lines.into_iter().take(SHOWN_MOST).map(cut).collect::<Vec<_>>().join("; ");
        let mut words = Vec::new();
        if !besides.is_empty() {
            words.push(format!("there is besides: {}", list(besides)));
        }
        if !lacking.is_empty() {
            words.push(format!("there lacks: {}", list(lacking)));
        }
        Some(words.join("; "))
    }
}

fn counts<'a>(lines: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for line in lines {
        *counts.entry(line).or_insert(0) += 1;
    }
    counts
}

fn per_place(evidence: &Evidence) -> BTreeMap<&str, usize> {
    counts(evidence.lines.iter().map(|line| line.split(": ").next().unwrap_or_default()))
}

/// Requests that change something. One that carries the key may come again, and so may one that is the same to the byte.
fn changes(server: &Server, key: &str) -> Vec<String> {
    let changing = |seen: &Seen| !matches!(seen.method.as_str(), "GET" | "HEAD" | "OPTIONS");
    let mut lines: Vec<String> = server
        .seen()
        .iter()
        .filter(|seen| changing(seen))
        .map(|seen| {
            let body = String::from_utf8_lossy(&seen.body);
            let keyed = body.contains(key) || seen.headers.iter().any(|(_, value)| value.contains(key));
            let what = if keyed { "under its key" } else { body.as_ref() };
            format!("http {}: {} {} {what}", server.name, seen.method, seen.path)
        })
        .collect();
    lines.sort();
    lines.dedup();
    lines
}

/// Times of day differ from run to run: `2026-01-01 12:00:00` becomes `<time>`.
fn without_times(line: &str) -> String {
    const SHAPE: &[u8] = b"0000-00-00 00:00:00";
    let bytes = line.as_bytes();
    let fits = |at: usize| {
        let window = bytes.get(at..at + SHAPE.len())?;
        let fit = window.iter().zip(SHAPE).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            b' ' => matches!(byte, b' ' | b'T'),
            other => byte == other,
        });
        fit.then_some(())
    };
    let mut out = String::new();
    let mut from = 0;
    let mut at = 0;
    while at < bytes.len() {
        if fits(at).is_some() {
            out.push_str(line.get(from..at).unwrap_or_default());
            out.push_str("<time>");
            at += SHAPE.len();
            // Parts of a second.
            while bytes.get(at).is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.') {
                at += 1;
            }
            from = at;
        } else {
            at += 1;
        }
    }
    out.push_str(line.get(from..).unwrap_or_default());
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn of(lines: &[&str]) -> Evidence {
        Evidence { lines: lines.iter().map(|line| (*line).to_owned()).collect() }
    }

    #[test]
    fn a_row_too_many_is_seen() {
        let clean = of(&["db.receipt: 1", "db.receipt: 2"]);
        assert_eq!(of(&["db.receipt: 1", "db.receipt: 2"]).difference(&clean, true), None);
        let twice = of(&["db.receipt: 1", "db.receipt: 1", "db.receipt: 2"]);
        assert!(twice.difference(&clean, true).unwrap().contains("besides: db.receipt: 1"));
        assert!(twice.difference(&clean, false).unwrap().contains('3'));
        assert!(of(&["db.receipt: 1"]).difference(&clean, true).unwrap().contains("lacks: db.receipt: 2"));
        assert_eq!(of(&["db.receipt: 7", "db.receipt: 8"]).difference(&clean, false), None);
    }

    #[test]
    fn times_of_day_do_not_count() {
        assert_eq!(without_times("é 2026-01-02T03:04:05.678Z x 2026-01-02"), "é <time>Z x 2026-01-02");
        assert_eq!(without_times("2026-01-02 03:04:05"), "<time>");
        assert_eq!(without_times("2026-01-02 03:04"), "2026-01-02 03:04");
    }
}
