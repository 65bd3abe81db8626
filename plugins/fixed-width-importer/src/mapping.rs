//! The mapping: where each column stands in a record, from the settings. Owns what a mapping must be; one that is not is refused before a
//! file is opened.

use crate::text::Encoding;
use remitd_plugin_sdk::Failure;
use tabular::{AMOUNT, COLUMNS, Columns};

/// Characters of a record.
pub const RECORD_MAX_CHARS: usize = 16_384;
const SKIP_MAX_LINES: u32 = 1_000;
const IMPLIED_MAX_DECIMALS: u32 = 9;

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    columns: Vec<Placed>,
    #[serde(default)]
    skip_lines: u32,
    #[serde(default)]
    encoding: Encoding,
    record_length: Option<usize>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Placed {
    name: String,
    /// From 1.
    start: usize,
    width: usize,
    implied_decimals: Option<u32>,
}

#[derive(Debug)]
pub struct Mapping {
    /// In the order of their places.
    pub fields: Vec<Field>,
    /// Which of the fields is which column.
    pub columns: Columns,
    pub skip_lines: u32,
    pub encoding: Encoding,
    /// In characters.
    pub record_length: Option<usize>,
}

/// A column's place, in characters from 0.
#[derive(Debug)]
pub struct Field {
    pub name: &'static str,
    pub required: bool,
    pub start: usize,
    pub end: usize,
    pub implied_decimals: Option<u32>,
}

impl Mapping {
    pub fn new(settings: Settings) -> Result<Mapping, Failure> {
        let Settings { columns, skip_lines, encoding, record_length } = settings;
        if skip_lines > SKIP_MAX_LINES {
            return Err(wrong(format!("`skip_lines` is at most {SKIP_MAX_LINES}")));
        }
        let mut fields = columns.iter().map(field).collect::<Result<Vec<_>, _>>()?;
        for column in COLUMNS {
            let times = fields.iter().filter(|field| field.name == column.name).count();
            if times == 0 && column.required {
                return Err(wrong(format!("`columns` does not say where {} stands", column.name)));
            }
            if times > 1 {
                return Err(wrong(format!("`columns` has {} twice: keep one", column.name)));
            }
        }
        fields.sort_by_key(|field| field.start);
        for (one, next) in fields.iter().zip(fields.iter().skip(1)) {
            if one.end > next.start {
                return Err(wrong(format!(
                    "in `columns`, {} ({}) and {} ({}) overlap",
                    one.name,
                    one.place(),
                    next.name,
                    next.place()
                )));
            }
        }
        let end = fields.last().map_or(0, |field| field.end);
        if let Some(length) = record_length.filter(|length| !(end..=RECORD_MAX_CHARS).contains(length)) {
            return Err(wrong(format!(
                "`record_length` is {length}: the columns go to {end}, and it is at most {RECORD_MAX_CHARS}"
            )));
        }
        let places = COLUMNS.map(|column| fields.iter().position(|field| field.name == column.name));
        let columns = Columns::new(fields.len(), places);
        Ok(Mapping { fields, columns, skip_lines, encoding, record_length })
    }

    /// Where the last column ends.
    pub fn end(&self) -> usize {
        self.fields.last().map_or(0, |field| field.end)
    }
}

impl Field {
    /// In words, counted as people do.
    pub fn place(&self) -> String {
        format!("{} to {}", self.start + 1, self.end)
    }
}

fn field(placed: &Placed) -> Result<Field, Failure> {
    let Placed { name, start, width, implied_decimals } = placed;
    let Some(column) = COLUMNS.into_iter().find(|column| column.name == name) else {
        let known = COLUMNS.map(|column| column.name).join(", ");
        return Err(wrong(format!("`columns` has \"{name}\", which is no column: there are {known}")));
    };
    let begin = start.checked_sub(1);
    let end = begin.and_then(|begin| begin.checked_add(*width)).filter(|end| *end <= RECORD_MAX_CHARS);
    let (Some(begin), Some(end), 1..) = (begin, end, *width) else {
        return Err(wrong(format!(
            "in `columns`, {name} starts at {start} and is {width} wide: it starts at 1 or later, is at least 1 wide, and ends by {RECORD_MAX_CHARS}"
        )));
    };
    if implied_decimals.is_some() && column.name != AMOUNT {
        return Err(wrong(format!("in `columns`, {name} has `implied_decimals`: only {AMOUNT} may")));
    }
    if implied_decimals.is_some_and(|decimals| decimals > IMPLIED_MAX_DECIMALS) {
        return Err(wrong(format!("`implied_decimals` is at most {IMPLIED_MAX_DECIMALS}")));
    }
    Ok(Field {
        name: column.name,
        required: column.required,
        start: begin,
        end,
        implied_decimals: *implied_decimals,
    })
}

fn wrong(message: String) -> Failure {
    Failure::invalid("settings", format!("the plugin's settings: {message}"))
}
