//! The layers of a configuration: `remitd.toml`, then `conf.d/*.toml` by name, then the environment. Owns what is read,
//! how it is laid on top of each other (tables merge, `[[lists]]` grow), and where each key and value stands. Never judges
//! a key or a value.

use super::keys::LISTS;
use super::problem::{Excerpt, Level, Problem, showable};
use config::builder::DefaultState;
use config::{ConfigBuilder, Environment, Map, Source, Value, ValueKind};
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What is longer is not a configuration.
const FILE_MAX_BYTES: u64 = 1024 * 1024;
const PREFIX: &str = "REMITD";
const SEPARATOR: &str = "__";

/// Whether a finding points at the key or at its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Key,
    Value,
}

#[derive(Debug)]
struct File {
    name: String,
    text: String,
    table: Map<String, Value>,
}

/// All layers, merged, and the texts that they came from.
#[derive(Debug)]
pub struct Layers {
    files: Vec<File>,
    pub tree: Value,
}

/// What a finding says, without its place.
pub struct Said {
    pub level: Level,
    pub code: &'static str,
    pub message: String,
    pub hint: Option<String>,
    /// Whether a secret may stand on the line.
    pub hide: bool,
}

impl Said {
    pub fn error(code: &'static str, message: String, hint: Option<String>) -> Said {
        Said { level: Level::Error, code, message, hint, hide: false }
    }
}

/// Where a value stands, as text: the `config` crate carries one text with each value through the merge.
struct Mark {
    file: usize,
    key: Range<usize>,
    value: Range<usize>,
}

impl Mark {
    fn written(&self) -> String {
        let (key, value) = (&self.key, &self.value);
        format!("#{} {} {} {} {}", self.file, key.start, key.end, value.start, value.end)
    }

    fn read(origin: &str) -> Option<Mark> {
        let mut numbers = origin.strip_prefix('#')?.split(' ').map(|number| number.parse::<usize>().ok());
        let mut next = || numbers.next().flatten();
        Some(Mark { file: next()?, key: next()?..next()?, value: next()?..next()? })
    }
}

#[derive(Debug, Clone)]
struct Layer(Map<String, Value>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        Ok(self.0.clone())
    }
}

/// Whether the value was given in the environment, where all is text.
pub fn is_from_environment(value: &Value) -> bool {
    value.origin().is_some_and(|origin| !origin.starts_with('#'))
}

pub fn variable(path: &str) -> String {
    let name = path.replace('.', SEPARATOR).replace('-', "_").to_uppercase();
    format!("{PREFIX}{SEPARATOR}{name}")
}

impl Layers {
    /// Reads every layer. What cannot be read or is no TOML is noted; then there is nothing worth judging.
    pub fn read(
        path: &Path,
        env: impl Iterator<Item = (String, String)>,
        noted: &mut Vec<Problem>,
    ) -> Option<Layers> {
        let mut layers = Layers { files: Vec::new(), tree: Value::new(None, ValueKind::Nil) };
        let paths = match drop_ins(path) {
            Ok(drop_ins) => std::iter::once(path.to_owned()).chain(drop_ins),
            Err(error) => {
                noted.push(unreadable(path, error.to_string()));
                return None;
            }
        };
        for path in paths {
            match read_text(&path) {
                Ok(text) => layers.add(path.display().to_string(), text, noted),
                Err(error) => noted.push(unreadable(&path, error)),
            }
        }
        let env = layers.environment(env, noted);
        if noted.iter().any(|problem| matches!(problem.code, "REMIT-0100" | "REMIT-0101")) {
            return None;
        }
        match layers.merged(env) {
            Ok(tree) => layers.tree = Value::new(None, tree),
            Err(error) => {
                noted.push(unreadable(path, error.to_string()));
                return None;
            }
        }
        Some(layers)
    }

    fn add(&mut self, name: String, text: String, noted: &mut Vec<Problem>) {
        let (table, errors) = DeTable::parse_recoverable(&text);
        let table = from_table(self.files.len(), table.into_inner());
        let table = if errors.is_empty() { self.grown(table) } else { Map::new() };
        self.files.push(File { name, text, table });
        let file = self.files.len() - 1;
        let mut last_line = None;
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            let mut said = Said::error("REMIT-0101", format!("this is not TOML: {}", error.message()), None);
            // An open quote may hold anything.
            said.hide = true;
            let problem = self.point(&Mark { file, key: span.clone(), value: span }, Part::Key, "", said);
            // What follows on the same line follows from the first.
            if last_line != problem.line {
                last_line = problem.line;
                noted.push(problem);
            }
        }
    }

    /// Lists of tables go on from file to file, where the `config` crate would replace them.
    fn grown(&self, mut table: Map<String, Value>) -> Map<String, Value> {
        for list in LISTS {
            let before = self.files.iter().rev().find_map(|file| file.table.get(*list));
            if let (Some(before), Some(own)) = (before, table.get_mut(*list))
                && let (ValueKind::Array(before), ValueKind::Array(own)) = (&before.kind, &mut own.kind)
            {
                own.splice(0..0, before.iter().cloned());
            }
        }
        table
    }

    /// The variables that are ours. An element of a list has no name there, so that those are refused, not guessed.
    fn environment(
        &self,
        env: impl Iterator<Item = (String, String)>,
        noted: &mut Vec<Problem>,
    ) -> Map<String, String> {
        let prefix = format!("{PREFIX}{SEPARATOR}");
        let mut ours = Map::new();
        for (name, value) in env {
            let Some(key) = name.strip_prefix(&prefix) else { continue };
            let section = key.split(SEPARATOR).next().unwrap_or_default().to_lowercase();
            let plain = key.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
            let empty = key.split(SEPARATOR).any(str::is_empty);
            if LISTS.contains(&section.as_str()) || !plain || empty {
                noted.push(Problem {
                    level: Level::Error,
                    file: format!("environment variable {name}"),
                    line: None,
                    column: None,
                    code: "REMIT-0114",
                    path: String::new(),
                    message: "the environment can only set keys of single tables, as REMITD__SECTION__KEY"
                        .to_owned(),
                    hint: Some("write it into a file of its own in conf.d".to_owned()),
                    excerpt: None,
                });
                continue;
            }
            // No shell has a dash in a variable's name, and every secret's name may have one.
            let key = match key.split(SEPARATOR).collect::<Vec<_>>().as_slice() {
                [section, secret, rest @ ..] if *section == "SECRETS" => {
                    let secret = secret.replace('_', "-");
                    [&[*section, secret.as_str()], rest].concat().join(SEPARATOR)
                }
                _ => key.to_owned(),
            };
            ours.insert(format!("{prefix}{key}"), value);
        }
        ours
    }

    fn merged(&self, env: Map<String, String>) -> Result<ValueKind, config::ConfigError> {
        let mut builder = ConfigBuilder::<DefaultState>::default();
        for file in &self.files {
            builder = builder.add_source(Layer(file.table.clone()));
        }
        let env = Environment::with_prefix(PREFIX)
            .prefix_separator(SEPARATOR)
            .separator(SEPARATOR)
            .try_parsing(false)
            .source(Some(env));
        Ok(ValueKind::Table(builder.add_source(env).build()?.collect()?))
    }

    /// The merged value at `account[0].currency`.
    pub fn get(&self, path: &str) -> Option<&Value> {
        descend(&self.tree, path)
    }

    /// A finding at the place of `path`; where that is nowhere, at what it would stand in.
    pub fn at(&self, path: &str, part: Part, said: Said) -> Problem {
        let mut place = path;
        let mut part = part;
        loop {
            let origin = self.origin(place);
            if let Some(mark) = origin.and_then(Mark::read) {
                return self.point(&mark, part, path, said);
            }
            if origin.is_some() {
                return self.nowhere(format!("environment variable {}", variable(place)), path, said);
            }
            // A table that is there in name only, or a key that is missing: its table's head.
            let Some((parent, _)) = place.rsplit_once(['.', '[']) else { break };
            (place, part) = (parent, Part::Value);
        }
        let name = self.files.first().map_or("remitd.toml", |file| file.name.as_str());
        self.nowhere(name.to_owned(), path, said)
    }

    /// Merged tables lose their place: it is that of the first layer that has them.
    fn origin(&self, path: &str) -> Option<&str> {
        let in_files = || {
            self.files.iter().find_map(|file| {
                let (head, rest) = split(path)?;
                descend(file.table.get(head)?, rest)?.origin()
            })
        };
        self.get(path)?.origin().or_else(in_files)
    }

    fn nowhere(&self, file: String, path: &str, said: Said) -> Problem {
        let Said { level, code, message, hint, hide: _ } = said;
        let path = path.to_owned();
        Problem { level, file, line: None, column: None, code, path, message, hint, excerpt: None }
    }

    fn point(&self, mark: &Mark, part: Part, path: &str, said: Said) -> Problem {
        let Some(file) = self.files.get(mark.file) else {
            return self.nowhere("remitd.toml".to_owned(), path, said);
        };
        let span = if part == Part::Key { &mark.key } else { &mark.value };
        let start = file.text.floor_char_boundary(span.start);
        let (before, after) = file.text.split_at_checked(start).unwrap_or((&file.text, ""));
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let lead = before.get(line_start..).unwrap_or_default();
        let rest = after.split('\n').next().unwrap_or_default();
        let width = after.get(..span.len()).and_then(|text| text.lines().next()).unwrap_or_default();
        let excerpt = Excerpt {
            text: showable(&format!("{lead}{rest}"), said.hide),
            width: width.chars().count().max(1),
        };
        Problem {
            line: Some(before.matches('\n').count() + 1),
            column: Some(lead.chars().count() + 1),
            excerpt: Some(excerpt),
            ..self.nowhere(file.name.clone(), path, said)
        }
    }
}

/// The first name of a path, and what is left.
fn split(path: &str) -> Option<(&str, &str)> {
    if path.is_empty() {
        return None;
    }
    let end = path.find(['.', '[']).unwrap_or(path.len());
    let (head, rest) = path.split_at_checked(end)?;
    Some((head, rest.strip_prefix('.').unwrap_or(rest)))
}

fn descend<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    if let Some(rest) = path.strip_prefix('[') {
        let (index, rest) = rest.split_once(']')?;
        let ValueKind::Array(elements) = &value.kind else { return None };
        let element = elements.get(index.parse::<usize>().ok()?)?;
        return descend(element, rest.strip_prefix('.').unwrap_or(rest));
    }
    match (split(path), &value.kind) {
        (None, _) => Some(value),
        (Some((head, rest)), ValueKind::Table(table)) => descend(table.get(head)?, rest),
        (Some(_), _) => None,
    }
}

fn drop_ins(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    let folder = path.parent().unwrap_or(Path::new("")).join("conf.d");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs_err::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn read_text(path: &Path) -> Result<String, String> {
    use std::io::Read;
    let file = fs_err::File::open(path).map_err(|error| error.to_string())?;
    let mut text = String::new();
    file.take(FILE_MAX_BYTES + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if u64::try_from(text.len()).is_ok_and(|bytes| bytes > FILE_MAX_BYTES) {
        return Err(format!("the file is longer than {FILE_MAX_BYTES} bytes"));
    }
    Ok(text)
}

fn unreadable(path: &Path, cause: String) -> Problem {
    Problem {
        level: Level::Error,
        file: path.display().to_string(),
        line: None,
        column: None,
        code: "REMIT-0100",
        path: String::new(),
        message: format!("the configuration cannot be read: {cause}"),
        hint: Some("name another with -c FILE, or make one with `remitd init DIR`".to_owned()),
        excerpt: None,
    }
}

fn from_table(file: usize, table: DeTable<'_>) -> Map<String, Value> {
    table
        .into_iter()
        .map(|(key, value)| {
            let span = key.span();
            (key.into_inner().into_owned(), from_value(file, Some(span), value))
        })
        .collect()
}

/// An element of a list has no key: its own place stands for it.
fn from_value(file: usize, key: Option<Range<usize>>, value: Spanned<DeValue<'_>>) -> Value {
    let span = value.span();
    let origin = Mark { file, key: key.unwrap_or(span.clone()), value: span }.written();
    let kind = match value.into_inner() {
        DeValue::String(text) => ValueKind::String(text.into_owned()),
        // Beyond 64 bits no key of ours reads it as a number, and its text says so.
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => ValueKind::I64(number),
            Err(_) => ValueKind::String(number.to_string()),
        },
        DeValue::Float(number) => match number.as_str().parse() {
            Ok(number) => ValueKind::Float(number),
            Err(_) => ValueKind::String(number.to_string()),
        },
        DeValue::Boolean(on) => ValueKind::Boolean(on),
        DeValue::Datetime(when) => ValueKind::String(when.to_string()),
        DeValue::Array(elements) => {
            ValueKind::Array(elements.into_iter().map(|element| from_value(file, None, element)).collect())
        }
        DeValue::Table(table) => ValueKind::Table(from_table(file, table)),
    };
    Value::new(Some(&origin), kind)
}
