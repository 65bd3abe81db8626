//! From merged values to structs, noting every fault on the way: what does not fit is left out and the rest is read again,
//! so that one fault never hides another. Owns the words for faults of form; never knows what a key is for.

use super::keys::{Config, LISTS, REQUIRED};
use super::layers::{Layers, Part, Said, is_from_environment};
use super::problem::{Problem, nearest};
use super::secret::{FORM, PLACES};
use config::{Value, ValueKind};
use serde::Deserialize;
use serde::de::value::SeqDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, Error, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    Visitor,
};
use std::collections::BTreeSet;
use std::fmt;

/// More faults than anybody mends at once.
const FAULTS_MAX: usize = 1000;
/// Names listed where none is near.
const NAMES_MAX: usize = 14;

/// The keys that were left out, and the tables around them that a check must not judge by what is missing.
pub type LeftOut = BTreeSet<String>;

/// Reads the configuration as far as it goes; every fault is noted and its key is in the set.
pub fn config(layers: &Layers, noted: &mut Vec<Problem>) -> (Config, LeftOut) {
    let mut left_out = LeftOut::new();
    let mut config = Config::default();
    let mut meant = BTreeSet::new();
    for _ in 0..FAULTS_MAX {
        match Config::deserialize(At { value: &layers.tree, path: String::new(), left_out: &left_out }) {
            Ok(read) => {
                config = read;
                break;
            }
            Err(fault) => {
                let path = fault.key();
                let below = format!("{path}.");
                // A secret of which nothing is left after its wrong key was left out.
                let follows = fault.is_of_a_secret() && left_out.iter().any(|out| out.starts_with(&below));
                if !follows {
                    noted.push(fault.problem(layers, &mut meant));
                }
                if !left_out.insert(path) {
                    break;
                }
            }
        }
    }
    required(layers, &meant, noted, &mut left_out);
    (config, left_out)
}

/// Notes the required keys that are not there, but not one that was meant by an unknown key beside it.
fn required(layers: &Layers, meant: &BTreeSet<String>, noted: &mut Vec<Problem>, left_out: &mut LeftOut) {
    for (section, key, example) in REQUIRED {
        let tables: Vec<String> = match layers.get(section).map(|value| &value.kind) {
            Some(ValueKind::Array(elements)) => {
                (0..elements.len()).map(|at| format!("{section}[{at}]")).collect()
            }
            _ if LISTS.contains(section) => continue,
            _ => vec![(*section).to_owned()],
        };
        for table in tables {
            let path = format!("{table}.{key}");
            let is_table = layers.get(&table).is_none_or(|value| matches!(value.kind, ValueKind::Table(_)));
            if !is_table || layers.get(&path).is_some() {
                continue;
            }
            if !meant.contains(&path) {
                let said =
                    Said::error("REMIT-0105", format!("`{path}` is missing"), Some(format!("add {example}")));
                noted.push(layers.at(&path, Part::Value, said));
            }
            left_out.insert(path);
        }
    }
}

/// A value, where it stands in the tree, and what is left out of it.
#[derive(Clone)]
struct At<'a> {
    value: &'a Value,
    path: String,
    left_out: &'a LeftOut,
}

impl<'a> At<'a> {
    fn below(&self, value: &'a Value, path: String) -> Option<At<'a>> {
        (!self.left_out.contains(&path)).then_some(At { value, path, left_out: self.left_out })
    }

    fn text_of_environment(&self) -> Option<&'a str> {
        match &self.value.kind {
            ValueKind::String(text) if is_from_environment(self.value) => Some(text),
            _ => None,
        }
    }
}

/// What is wrong with one value, by serde's own distinctions.
#[derive(Debug)]
struct Fault {
    /// Set by the innermost value that knows its place.
    path: Option<String>,
    found: Found,
}

#[derive(Debug)]
enum Found {
    UnknownKey { key: String, known: &'static [&'static str] },
    WrongType { found: String, expected: String },
    NoSuchChoice { found: String, known: &'static [&'static str] },
    Unfit(String),
}

impl Fault {
    fn new(found: Found) -> Fault {
        Fault { path: None, found }
    }

    fn within(mut self, path: &str) -> Fault {
        self.path.get_or_insert_with(|| path.to_owned());
        self
    }

    /// The key that is left out from now on.
    fn key(&self) -> String {
        let path = self.path.clone().unwrap_or_default();
        match &self.found {
            Found::UnknownKey { key, .. } if path.is_empty() => key.clone(),
            Found::UnknownKey { key, .. } => format!("{path}.{key}"),
            _ => path,
        }
    }

    fn is_of_a_secret(&self) -> bool {
        matches!(&self.found, Found::WrongType { expected, .. } if expected.ends_with(FORM))
    }

    fn problem(self, layers: &Layers, meant: &mut BTreeSet<String>) -> Problem {
        let path = self.key();
        let (part, said) = match self.found {
            Found::UnknownKey { key, known } => {
                let near = nearest(&key, known.iter().copied());
                if let Some(near) = near {
                    let table = self.path.unwrap_or_default();
                    meant.insert(format!("{table}.{near}"));
                }
                let message = format!("there is no key `{key}` here");
                let mut said = Said::error("REMIT-0102", message, Some(choice(near, known, '`')));
                said.hide = known == PLACES;
                (Part::Key, said)
            }
            Found::NoSuchChoice { found, known } => {
                let near = nearest(&found, known.iter().copied());
                let message = format!("{found:?} is not a value of `{path}`");
                (Part::Value, Said::error("REMIT-0104", message, Some(choice(near, known, '"'))))
            }
            Found::WrongType { found, expected } if expected == FORM => {
                let message = format!("`{path}` must be {expected}; here is {found}");
                let hint = "put the secret into a file that only the daemon's user can read".to_owned();
                let mut said = Said::error("REMIT-0108", message, Some(hint));
                said.hide = true;
                (Part::Value, said)
            }
            Found::WrongType { found, expected } => {
                let quotes = found.starts_with("the number") && expected == "a text in quotes";
                let hint = quotes.then(|| "write it in quotes".to_owned());
                let message = format!("`{path}` must be {expected}; here is {found}");
                let mut said = Said::error("REMIT-0103", message, hint);
                said.hide = expected.ends_with(FORM);
                (Part::Value, said)
            }
            Found::Unfit(message) => {
                let (message, hint) = match message.split_once('\n') {
                    Some((message, hint)) => (message, Some(hint.to_owned())),
                    None => (message.as_str(), None),
                };
                (Part::Value, Said::error("REMIT-0104", format!("`{path}` does not fit: {message}"), hint))
            }
        };
        layers.at(&path, part, said)
    }
}

/// "did you mean", or all there is to choose from.
pub fn choice(near: Option<&str>, known: &[&str], quote: char) -> String {
    match near {
        Some(near) => format!("did you mean {quote}{near}{quote}?"),
        None => {
            let listed: Vec<String> =
                known.iter().take(NAMES_MAX).map(|name| format!("{quote}{name}{quote}")).collect();
            let more = if known.len() > NAMES_MAX { ", …" } else { "" };
            format!("there are {}{more}", listed.join(", "))
        }
    }
}

impl std::error::Error for Fault {}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.found)
    }
}

impl Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Fault {
        Fault::new(Found::Unfit(message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Fault {
        Fault::new(Found::WrongType {
            found: for_people(found),
            expected: expectation(&expected.to_string()),
        })
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Fault {
        Fault::invalid_type(found, expected)
    }

    fn unknown_variant(found: &str, known: &'static [&'static str]) -> Fault {
        Fault::new(Found::NoSuchChoice { found: found.to_owned(), known })
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Fault {
        Fault::new(Found::UnknownKey { key: key.to_owned(), known })
    }
}

/// What was found, without the text itself: it may be a secret that is in the wrong place.
fn for_people(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(on) => on.to_string(),
        Unexpected::Unsigned(number) => format!("the number {number}"),
        Unexpected::Signed(number) => format!("the number {number}"),
        Unexpected::Float(number) => format!("the number {number}"),
        Unexpected::Str(_) | Unexpected::Char(_) => "a text".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a table".to_owned(),
        other => other.to_string(),
    }
}

/// serde's words for what it wanted, in the words of TOML.
fn expectation(expected: &str) -> String {
    match expected {
        "a string" => "a text in quotes".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list in [ ]".to_owned(),
        "a map" => "a table".to_owned(),
        "u16" => "a whole number from 0 to 65535".to_owned(),
        "u32" | "u64" => "a whole number, not below 0".to_owned(),
        other if other.starts_with("struct ") => "a table".to_owned(),
        other => other.to_owned(),
    }
}

/// What is below a table or a list, handed out one by one. Whoever reads one may refuse it after its text was taken, so that
/// the place is put to the fault here.
struct Below<'a, I> {
    rest: I,
    value: Option<At<'a>>,
}

fn placed<'de, T: DeserializeSeed<'de>>(at: At<'_>, seed: T) -> Result<T::Value, Fault> {
    let path = at.path.clone();
    seed.deserialize(at).map_err(|fault| fault.within(&path))
}

impl<'de, 'a, I: Iterator<Item = (&'a str, At<'a>)>> MapAccess<'de> for Below<'a, I> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(key.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        match self.value.take() {
            Some(at) => placed(at, seed),
            None => Err(Fault::custom("a value was read before its key")),
        }
    }
}

impl<'de, 'a, I: Iterator<Item = At<'a>>> SeqAccess<'de> for Below<'a, I> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        self.rest.next().map(|at| placed(at, seed)).transpose()
    }
}

macro_rules! number {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            match self.text_of_environment().and_then(|text| text.trim().parse::<i64>().ok()) {
                Some(number) => visitor.visit_i64(number),
                None => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for At<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.value.kind {
            ValueKind::Nil => visitor.visit_unit(),
            ValueKind::Boolean(on) => visitor.visit_bool(*on),
            ValueKind::I64(number) => visitor.visit_i64(*number),
            ValueKind::U64(number) => visitor.visit_u64(*number),
            ValueKind::I128(number) => visitor.visit_i128(*number),
            ValueKind::U128(number) => visitor.visit_u128(*number),
            ValueKind::Float(number) => visitor.visit_f64(*number),
            ValueKind::String(text) => visitor.visit_str(text),
            ValueKind::Array(elements) => {
                let rest = elements.iter().enumerate();
                let rest = rest.filter_map(|(at, value)| self.below(value, format!("{}[{at}]", self.path)));
                visitor.visit_seq(Below { rest, value: None })
            }
            ValueKind::Table(table) => {
                let rest = table.iter().filter_map(|(key, value)| {
                    let path = match self.path.as_str() {
                        "" => key.clone(),
                        path => format!("{path}.{key}"),
                    };
                    Some((key.as_str(), self.below(value, path)?))
                });
                visitor.visit_map(Below { rest, value: None })
            }
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.text_of_environment().and_then(|text| text.trim().parse().ok()) {
            Some(on) => visitor.visit_bool(on),
            None => self.deserialize_any(visitor),
        }
    }

    number! { deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
    deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 }

    /// In the environment a list is one text with commas.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.text_of_environment() {
            Some(text) => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                visitor.visit_seq(SeqDeserializer::new(parts))
            }
            None => self.deserialize_any(visitor),
        }
    }

    /// serde would take a list for a struct, by position.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _keys: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self.value.kind {
            ValueKind::Array(_) => Err(Fault::invalid_type(Unexpected::Seq, &"a table")),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        choices: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self.value.kind {
            ValueKind::String(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            kind => {
                let found = match kind {
                    ValueKind::Boolean(on) => Unexpected::Bool(*on),
                    ValueKind::I64(number) => Unexpected::Signed(*number),
                    ValueKind::Table(_) => Unexpected::Map,
                    ValueKind::Array(_) => Unexpected::Seq,
                    _ => Unexpected::Other("something else"),
                };
                let choices = format!("one of the texts \"{}\"", choices.join("\", \""));
                Err(Fault::invalid_type(found, &choices.as_str()))
            }
        }
    }

    serde::forward_to_deserialize_any! {
        i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct tuple tuple_struct map identifier ignored_any
    }
}
