//! The configuration: found, read in layers, checked as a whole. Owns every key, its default and what may be wrong with it;
//! `remitd check` is this, and `remitd run` begins with it. Never opens a database or a port, never prints a secret.

mod check;
mod forms;
mod keys;
mod layers;
mod problem;
mod read;
pub mod secret;
#[cfg(test)]
mod tests;
pub mod units;

pub use check::is_id;
pub use keys::*;
pub use problem::{Problem, Problems};
pub use secret::Dsn;

/// Which of the known names was meant, for a hint.
pub fn choice_of(name: &str, known: &[&str]) -> String {
    read::choice(problem::nearest(name, known.iter().copied()), known, '`')
}

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const FILE_NAME: &str = "remitd.toml";
const SYSTEM_FILE: &str = "/etc/remitd/remitd.toml";

/// A configuration that can be run.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub config: Config,
    /// The folder of the file: relative paths start there.
    pub base: PathBuf,
    pub warnings: Problems,
    /// Where each key stands, for what is found out later.
    layers: Arc<layers::Layers>,
}

impl Loaded {
    /// A path of the configuration as it can be opened.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.base.join(path)
    }

    /// An error at the place of a key, found after the configuration itself was right.
    pub fn problem(&self, path: &str, code: &'static str, message: String, hint: Option<String>) -> Problem {
        self.layers.at(path, layers::Part::Value, layers::Said::error(code, message, hint))
    }
}

/// The file to load: `-c`, else `$REMITD_CONFIG`, else `./remitd.toml`, else the system's.
pub fn find(explicit: Option<PathBuf>) -> PathBuf {
    let named = explicit
        .or_else(|| std::env::var_os("REMITD_CONFIG").filter(|path| !path.is_empty()).map(Into::into));
    named.unwrap_or_else(|| {
        let here = PathBuf::from(FILE_NAME);
        if here.exists() { here } else { PathBuf::from(SYSTEM_FILE) }
    })
}

/// Whether every component that the configuration names has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Components {
    Needed,
    /// For the commands that put a component in place or take it away.
    MayBeMissing,
}

impl Components {
    fn may_be_missing(self) -> bool {
        self == Components::MayBeMissing
    }
}

/// Reads `path`, `conf.d/*.toml` beside it and the environment. Everything that is wrong comes back at once, by place.
pub fn load(path: &Path, env: impl Iterator<Item = (String, String)>) -> Result<Loaded, Problems> {
    load_with(path, env, Components::Needed)
}

/// The same, where components may be missing.
pub fn load_with(
    path: &Path,
    env: impl Iterator<Item = (String, String)>,
    components: Components,
) -> Result<Loaded, Problems> {
    let env: HashMap<String, String> = env.collect();
    let mut noted = Vec::new();
    let base = match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let own = env.iter().map(|(name, value)| (name.clone(), value.clone()));
    let Some(layers) = layers::Layers::read(path, own, &mut noted) else {
        return Err(in_order(noted));
    };
    let (config, left_out) = read::config(&layers, &mut noted);
    check::all(&config, &layers, &left_out, &base, &env, &mut noted);
    let problems = in_order(noted);
    let missing = |problem: &Problem| components.may_be_missing() && problem.is_missing_component();
    let problems = Problems(problems.0.into_iter().filter(|problem| !missing(problem)).collect());
    if problems.has_errors() {
        return Err(problems);
    }
    Ok(Loaded { config, base, warnings: problems, layers: Arc::new(layers) })
}

pub fn in_order(mut noted: Vec<Problem>) -> Problems {
    noted.sort_by(|a, b| (&a.file, a.line, a.column, &a.path).cmp(&(&b.file, b.line, b.column, &b.path)));
    Problems(noted)
}
