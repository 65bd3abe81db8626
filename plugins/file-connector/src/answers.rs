//! What became of a file, as the matter software says it: a file of its own for each answer, or a list of results. Owns the
//! reading of them; an answer that is not whole yet is none.

use remitd_plugin_sdk::Failure;
use remitd_plugin_sdk::host::outbox;
use serde::Deserialize;

/// Of a refusal, so much is passed on.
const WORDS_MOST_CHARS: usize = 500;
const COLUMNS_MOST: usize = 200;

#[derive(Debug, PartialEq, Eq)]
pub enum Answered {
    NotYet,
    /// With the receipt's number, where it says one.
    Booked(Option<String>),
    Rejected(String),
}

/// `{name}` is the file's name, `{stem}` the same without its ending.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Answers {
    ok: String,
    error: String,
    results: Option<Results>,
}

impl Default for Answers {
    fn default() -> Answers {
        Answers { ok: "{name}.ok".to_owned(), error: "{name}.err".to_owned(), results: None }
    }
}

/// A CSV file in which each file has a row.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    file: String,
    /// The names of its columns.
    name: String,
    status: String,
    message: Option<String>,
    number: Option<String>,
    /// What the status says of a receipt that was booked, and of one that was refused; any other is no answer yet.
    ok: Vec<String>,
    error: Vec<String>,
}

fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.trim_start_matches('\u{feff}').split_whitespace().collect::<Vec<_>>().join(" ")
}

fn words(text: &str) -> String {
    let words: String = text.chars().take(WORDS_MOST_CHARS).collect();
    if words.is_empty() { "it does not say why".to_owned() } else { words }
}

impl Answers {
    pub fn read(&self, outbox_name: &str, name: &str) -> Result<Answered, Failure> {
        if let Some(results) = &self.results {
            return match outbox::answer(outbox_name, &results.file)? {
                Some(list) => results.find(&list, name),
                None => Ok(Answered::NotYet),
            };
        }
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let named = |form: &str| form.replace("{name}", name).replace("{stem}", stem);
        if let Some(refusal) = outbox::answer(outbox_name, &named(&self.error))? {
            return Ok(Answered::Rejected(words(&text(&refusal))));
        }
        let booked = outbox::answer(outbox_name, &named(&self.ok))?;
        Ok(booked.map_or(Answered::NotYet, |number| {
            Answered::Booked(Some(text(&number)).filter(|number| !number.is_empty()))
        }))
    }
}

impl Results {
    /// The last row of the file's name counts; a line without its end is not written to the end yet.
    fn find(&self, list: &[u8], name: &str) -> Result<Answered, Failure> {
        let whole = list.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let wrong = |why: String| Failure::unavailable("results", format!("{}: {why}", self.file));
        let mut rows = rows(list.get(..whole).unwrap_or_default()).map_err(&wrong)?.into_iter();
        let Some(head) = rows.next() else { return Ok(Answered::NotYet) };
        let column = |wanted: &str| head.iter().position(|name| name == wanted);
        let needed =
            |wanted: &str| column(wanted).ok_or_else(|| wrong(format!("there is no column {wanted}")));
        let (at_name, at_status) = (needed(&self.name)?, needed(&self.status)?);
        let optional = |wanted: &Option<String>| wanted.as_deref().and_then(column);
        let (at_message, at_number) = (optional(&self.message), optional(&self.number));
        let mut answered = Answered::NotYet;
        for row in rows {
            let cell = |at: usize| row.get(at).cloned().unwrap_or_default();
            if cell(at_name) != name {
                continue;
            }
            let status = cell(at_status);
            if self.ok.contains(&status) {
                let number = at_number.map(cell).filter(|number| !number.is_empty());
                answered = Answered::Booked(number);
            } else if self.error.contains(&status) {
                answered = Answered::Rejected(words(&at_message.map(cell).unwrap_or_default()));
            }
        }
        Ok(answered)
    }
}

/// The rows of a list, their cells without what stands around them.
fn rows(list: &[u8]) -> Result<Vec<Vec<String>>, String> {
    let (mut reader, mut rest) = (csv_core::Reader::new(), list);
    let (mut room, mut ends) = (vec![0; list.len()], vec![0; COLUMNS_MOST]);
    let mut rows = Vec::new();
    loop {
        let (result, read, _, count) = reader.read_record(rest, &mut room, &mut ends);
        rest = rest.get(read..).unwrap_or_default();
        match result {
            csv_core::ReadRecordResult::Record => {
                let starts = std::iter::once(&0).chain(&ends);
                let cells = starts.zip(&ends).take(count);
                rows.push(
                    cells.map(|(start, end)| text(room.get(*start..*end).unwrap_or_default())).collect(),
                );
            }
            csv_core::ReadRecordResult::InputEmpty if rest.is_empty() => {}
            csv_core::ReadRecordResult::End => return Ok(rows),
            _ => return Err(format!("a row has more than {COLUMNS_MOST} columns, or a quote is open")),
        }
    }
}
