//! The rows of a piece of a file as one text, in the form that its database takes in quickest: JSON for a statement that
//! unpacks it, or PostgreSQL's own form of COPY. Owns what must be escaped in each.

use crate::error::StoreError;
use remitd_domain::draft::{Drafts, date_of};
use remitd_domain::link::NONCE_BYTES;
use remitd_domain::request::State;
use std::io::Write as _;

/// The usual size of a row, in bytes.
const ROW_BYTES: usize = 300;
const HEX: &[u8; 16] = b"0123456789abcdef";

/// What all rows of a piece share.
#[derive(Debug, Clone)]
pub struct Bulk<'a> {
    pub batch: i64,
    pub state: State,
    pub account: &'a str,
    pub connector: &'a str,
    pub currency: &'a str,
    pub created_ms: i64,
    pub expires_ms: i64,
    pub remainder_of: Option<i64>,
}

/// Those rows of `drafts` that stand in `keep`, numbered from `first_id`, each with its own `NONCE_BYTES` of `nonces`.
pub(crate) struct Piece<'a> {
    pub bulk: &'a Bulk<'a>,
    pub first_id: i64,
    pub drafts: &'a Drafts,
    pub keep: &'a [usize],
    pub nonces: &'a [u8],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Copy,
}

impl Piece<'_> {
    /// An array of rows. A row is an array: nonce, amount, invoice date, due date, invoice, name, e-mail, message, client,
    /// matter, line.
    pub fn json(&self) -> Result<String, StoreError> {
        let mut text = Text::new(Form::Json, self.keep.len());
        for (place, _) in self.keep.iter().enumerate() {
            text.out.extend_from_slice(if place == 0 { b"[[" } else { b",[" });
            self.row(place, &mut text)?;
            text.out.push(b']');
        }
        text.out.push(b']');
        String::from_utf8(text.out).map_err(|_| misfit("a text that is not UTF-8"))
    }

    /// Lines with the same columns, then the id and what all rows share.
    pub fn copy(&self) -> Result<Vec<u8>, StoreError> {
        let mut shared = Text::new(Form::Copy, 1);
        self.shared(&mut shared)?;
        let mut text = Text::new(Form::Copy, self.keep.len());
        for (id, (place, _)) in (self.first_id..).zip(self.keep.iter().enumerate()) {
            self.row(place, &mut text)?;
            text.next();
            text.int(id)?;
            text.out.extend_from_slice(&shared.out);
        }
        Ok(text.out)
    }

    fn row(&self, place: usize, text: &mut Text) -> Result<(), StoreError> {
        let at = self.keep.get(place).copied().unwrap_or(usize::MAX);
        let drafts = self.drafts;
        let nonce =
            self.nonces.chunks_exact(NONCE_BYTES).nth(place).ok_or_else(|| misfit("too few nonces"))?;
        text.bytes(nonce);
        text.next();
        text.int(*drafts.amounts_minor.get(at).ok_or_else(|| misfit("a row beyond the end"))?)?;
        for days in [&drafts.invoice_days, &drafts.due_days] {
            text.next();
            text.day(days.get(at).copied());
        }
        for column in [
            &drafts.invoices,
            &drafts.payer_names,
            &drafts.payer_emails,
            &drafts.messages,
            &drafts.clients,
            &drafts.matters,
        ] {
            text.next();
            text.text(column.get(at))?;
        }
        text.next();
        text.int(drafts.lines.get(at).copied().unwrap_or(0).into())
    }

    /// In the order of the statement of COPY.
    fn shared(&self, text: &mut Text) -> Result<(), StoreError> {
        let bulk = self.bulk;
        text.next();
        text.int(bulk.batch)?;
        for word in [bulk.state.name(), bulk.account, bulk.connector, bulk.currency] {
            text.next();
            text.text(word)?;
        }
        for instant in [bulk.created_ms, bulk.expires_ms] {
            text.next();
            text.int(instant)?;
        }
        text.next();
        match bulk.remainder_of {
            Some(id) => text.int(id)?,
            None => text.nothing(),
        }
        text.out.push(b'\n');
        Ok(())
    }
}

fn misfit(what: &str) -> StoreError {
    StoreError::Misfit { table: "request", what: what.to_owned() }
}

/// Values, one after another.
struct Text {
    form: Form,
    out: Vec<u8>,
    /// Files repeat the same few dates, so the last one is kept as it is written.
    last_day: Option<(i32, String)>,
}

impl Text {
    fn new(form: Form, rows: usize) -> Text {
        Text { form, out: Vec::with_capacity(rows * ROW_BYTES), last_day: None }
    }

    /// Between two values.
    fn next(&mut self) {
        self.out.push(if self.form == Form::Json { b',' } else { b'\t' });
    }

    fn int(&mut self, value: i64) -> Result<(), StoreError> {
        write!(self.out, "{value}").map_err(StoreError::Io)
    }

    fn nothing(&mut self) {
        self.out.extend_from_slice(if self.form == Form::Json { b"null" } else { b"\\N" });
    }

    fn bytes(&mut self, bytes: &[u8]) {
        // COPY takes one backslash away.
        self.out.extend_from_slice(if self.form == Form::Json { b"\"" } else { b"\\\\x" });
        for byte in bytes {
            for half in [byte >> 4, byte & 15] {
                self.out.extend(HEX.get(usize::from(half)));
            }
        }
        if self.form == Form::Json {
            self.out.push(b'"');
        }
    }

    fn day(&mut self, day: Option<i32>) {
        let Some((day, date)) = day.and_then(|day| Some((day, date_of(day)?))) else {
            return self.nothing();
        };
        if self.last_day.as_ref().is_none_or(|(known, _)| *known != day) {
            let quote = if self.form == Form::Json { "\"" } else { "" };
            self.last_day = Some((day, format!("{quote}{date}{quote}")));
        }
        if let Some((_, text)) = &self.last_day {
            self.out.extend_from_slice(text.as_bytes());
        }
    }

    fn text(&mut self, text: &str) -> Result<(), StoreError> {
        let plain = text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\');
        if !plain && text.contains('\0') {
            // SQLite would keep it and PostgreSQL cannot.
            return Err(misfit("a text with a NUL character"));
        }
        match (self.form, plain) {
            (Form::Json, true) => {
                self.out.push(b'"');
                self.out.extend_from_slice(text.as_bytes());
                self.out.push(b'"');
            }
            (Form::Json, false) => {
                serde_json::to_writer(&mut self.out, text).map_err(|error| misfit(&error.to_string()))?;
            }
            (Form::Copy, true) => self.out.extend_from_slice(text.as_bytes()),
            (Form::Copy, false) => text.bytes().for_each(|byte| self.escaped(byte)),
        }
        Ok(())
    }

    /// What separates and ends in COPY's form, and what escapes there; every other byte is itself.
    fn escaped(&mut self, byte: u8) {
        match byte {
            b'\\' => self.out.extend_from_slice(b"\\\\"),
            b'\t' => self.out.extend_from_slice(b"\\t"),
            b'\n' => self.out.extend_from_slice(b"\\n"),
            b'\r' => self.out.extend_from_slice(b"\\r"),
            byte => self.out.push(byte),
        }
    }
}
