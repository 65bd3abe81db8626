//! Which importer a file is for, by what each of them says of its name and its first bytes. Never guesses: where nobody knows
//! the file, or two know it equally well, a person names the importer.

use crate::error::FlowError;
use crate::plugin::HEAD_BYTES;
use crate::road::Road;
use fs_err::tokio as fs;
use remitd_host::FailureClass;
use std::path::Path;
use tokio::io::AsyncReadExt;

/// Stands where an importer is named: whichever knows the file.
pub const BY_CONTENT: &str = "auto";

/// How sure an importer is, from 0 (no) to 100.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Guess {
    pub importer: String,
    pub sure: u8,
}

/// What every importer says of the file, the surest first.
pub async fn guesses(road: &Road, path: &Path, name: &str) -> Result<Vec<Guess>, FlowError> {
    let mut head = Vec::new();
    let most = u64::try_from(HEAD_BYTES).unwrap_or(u64::MAX);
    fs::File::open(path).await?.take(most).read_to_end(&mut head).await?;
    let mut guesses = Vec::new();
    for (id, importer) in &road.plugins.now().importers {
        match importer.recognise(name.to_owned(), head.clone()).await {
            Ok(sure) => guesses.push(Guess { importer: id.clone(), sure }),
            // Who answers later might be the surest.
            Err(failure) if failure.class == FailureClass::Unavailable => {
                return Err(FlowError::Plugin { plugin: id.clone(), failure });
            }
            Err(failure) => {
                let error = &failure.message;
                tracing::warn!(
                    plugin = id,
                    error,
                    file = name,
                    "did not say whether the file is for it: the others decide"
                );
            }
        }
    }
    guesses.sort_by_key(|guess| std::cmp::Reverse(guess.sure));
    Ok(guesses)
}

/// The one that is surest of all. Where there is only one it reads whatever comes: nobody says better what is wrong with a file.
pub fn surest<'a>(guesses: &'a [Guess], name: &str) -> Result<&'a str, FlowError> {
    if let [only] = guesses {
        return Ok(&only.importer);
    }
    let mut known = guesses.iter().filter(|guess| guess.sure > 0);
    match (known.next(), known.next()) {
        (Some(first), Some(second)) if first.sure == second.sure => Err(FlowError::refused(
            "REMIT-0218",
            format!(
                "\"{}\" and \"{}\" know the file {name} equally well: name one of them as the importer",
                first.importer, second.importer
            ),
        )),
        (Some(first), _) => Ok(&first.importer),
        (None, _) => {
            let asked: Vec<_> = guesses.iter().map(|guess| guess.importer.as_str()).collect();
            let message = match asked.as_slice() {
                [] => "no importer is configured: add [[plugin]] id = \"csv\", file = \"csv-importer\""
                    .to_owned(),
                asked => format!(
                    "no importer knows the file {name} (asked: {}): name one, or add a [[plugin]] for such files",
                    asked.join(", ")
                ),
            };
            Err(FlowError::refused("REMIT-0217", message))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn check(sure: &[(&str, u8)], expect: Result<&str, &str>) {
        let guesses: Vec<_> =
            sure.iter().map(|&(id, sure)| Guess { importer: id.to_owned(), sure }).collect();
        let got = surest(&guesses, "june.csv").map_err(|error| error.code().to_owned());
        assert_eq!(got, expect.map_err(str::to_owned), "{sure:?}");
    }

    #[test]
    fn the_surest_or_nobody() {
        check(&[("ledes", 100), ("csv", 20)], Ok("ledes"));
        check(&[("csv", 20), ("ledes", 0)], Ok("csv"));
        check(&[("csv", 95), ("csv-2", 95)], Err("REMIT-0218"));
        check(&[("csv", 0), ("ledes", 0)], Err("REMIT-0217"));
        check(&[("csv", 0)], Ok("csv"));
        check(&[], Err("REMIT-0217"));
    }
}
