//! What the types of the keys cannot say: names that must exist, files that must be there, values that must fit each other.
//! Owns the checks, in one file a concern; never reads what was already refused, so that no finding follows from another.

mod files;
mod names;
mod values;

pub use names::is_id;

use super::keys::Config;
use super::layers::{Layers, Part, Said};
use super::problem::{Level, Problem};
use super::read::LeftOut;
use super::secret::Secret;
use std::collections::HashMap;
use std::path::Path;

pub fn all(
    config: &Config,
    layers: &Layers,
    left_out: &LeftOut,
    base: &Path,
    env: &HashMap<String, String>,
    noted: &mut Vec<Problem>,
) {
    let mut check = Check { config, layers, left_out, base, env, noted };
    check.names();
    check.values();
    check.files();
}

struct Check<'a> {
    config: &'a Config,
    layers: &'a Layers,
    left_out: &'a LeftOut,
    base: &'a Path,
    env: &'a HashMap<String, String>,
    noted: &'a mut Vec<Problem>,
}

impl Check<'_> {
    /// Notes an error, unless the key or a table around it was refused before.
    fn error(&mut self, path: &str, code: &'static str, message: String, hint: impl Into<String>) {
        self.note(path, Said::error(code, message, Some(hint.into())));
    }

    fn warning(&mut self, path: &str, code: &'static str, message: String, hint: impl Into<String>) {
        let said = Said { level: Level::Warning, ..Said::error(code, message, Some(hint.into())) };
        self.note(path, said);
    }

    fn note(&mut self, path: &str, said: Said) {
        let refused = |at: usize| path.get(..at).is_some_and(|around| self.left_out.contains(around));
        let ends = path.match_indices(['.', '[']).map(|(at, _)| at).chain([path.len()]);
        if !ends.into_iter().any(refused) {
            let problem = self.layers.at(path, Part::Value, said);
            self.noted.push(problem);
        }
    }

    /// The path of the list's element at `at` among those that were read.
    fn element(&self, list: &str, at: usize) -> String {
        let paths = (0..).map(|index| format!("{list}[{index}]"));
        paths.filter(|path| !self.left_out.contains(path)).nth(at).unwrap_or_default()
    }

    /// Fetches the secret and gives it to `fits`, which says what is wrong with it.
    fn secret(&mut self, path: &str, secret: &Secret, fits: impl Fn(&str) -> Option<String>) {
        use super::secret::SecretError;
        use secrecy::ExposeSecret;
        let env = self.env;
        match secret.read_with(self.base, &|name| env.get(name).cloned()) {
            Err(error @ SecretError::WorldReadable(_)) => {
                self.error(
                    path,
                    "REMIT-0110",
                    error.to_string(),
                    "chmod 600, and let the daemon's user own it",
                );
            }
            Err(error) => {
                let hint = "make it readable for the daemon's user, or name another place";
                self.error(path, "REMIT-0109", format!("`{path}`: {error}"), hint);
            }
            Ok(text) => {
                if let Some(why) = fits(text.expose_secret()) {
                    self.error(path, "REMIT-0109", format!("`{path}`: {why}"), "put another one there");
                }
            }
        }
    }
}
