//! Importers: "here is a file, piece by piece: which drafts are in it, and which lines are wrong and why?" Owns the turning
//! of an author's rows into the columns that cross to the daemon, a bounded batch at a time.

use crate::wit::importer::exports::remitd::plugin::importer as contract;
use crate::wit::importer::remitd::plugin::intake;
use crate::{About, Context, Description, Failure, date, guest};
use chrono::NaiveDate;
use std::marker::PhantomData;

pub use intake::{Conventions, Drafts, Finding, Texts};

/// Rows after which a batch is pushed: so many lie in the processor's cache, and are many enough for one statement. The daemon takes
/// 16,384.
pub const BATCH_ROWS: usize = 8_192;
/// Bytes after which a batch is pushed; the daemon takes 8 MiB, and one more row of at most [`ROW_MAX_BYTES`] still fits.
pub const BATCH_BYTES: usize = 6 << 20;
/// Texts of one row together.
pub const ROW_MAX_BYTES: usize = 1 << 20;
/// Findings that are handed over at once.
pub const FINDINGS_BATCH: usize = 512;
/// Bytes of a wrong value that are shown; the daemon's log and report need no more.
pub const VALUE_SHOWN_BYTES: usize = 200;
/// "No date" in a column of days.
pub const NO_DAY: i32 = i32::MIN;
/// The fixed part of a row: line, amount, two days, six ends.
const ROW_FIXED_BYTES: usize = 44;

pub trait Importer: Sized {
    const ABOUT: About;
    /// Reads the settings.
    fn open() -> Result<Self, Failure>;
    /// Whether this looks like a file for this importer, from its name and first bytes: 0 (no) to 100 (sure).
    fn recognise(file_name: &str, head: &[u8]) -> u8;
    /// Reads the file to its end. Gives the number of data rows seen: drafts and rejected ones together.
    fn read(
        &self,
        context: &Context,
        source: &mut Source<'_>,
        out: &mut Out<'_>,
        conventions: &Conventions,
    ) -> Result<u64, Failure>;
}

/// One good row. All texts are borrowed: nothing is allocated for a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Row<'a> {
    /// In the file, from 1.
    pub line: u32,
    pub amount_minor: i64,
    pub invoice_date: Option<NaiveDate>,
    pub due_date: Option<NaiveDate>,
    pub invoice: &'a str,
    pub payer_name: &'a str,
    pub payer_email: &'a str,
    pub message: &'a str,
    pub client: &'a str,
    pub matter: &'a str,
}

/// The file, from its start.
pub struct Source<'a>(Box<dyn FnMut(u32) -> Result<Vec<u8>, Failure> + 'a>);

impl<'a> Source<'a> {
    /// From a closure that gives up to so many bytes, and none at the end.
    pub fn new(read: impl FnMut(u32) -> Result<Vec<u8>, Failure> + 'a) -> Source<'a> {
        Source(Box::new(read))
    }

    /// Up to `max` bytes (1 MiB at most); empty at the end.
    pub fn read(&mut self, max: u32) -> Result<Vec<u8>, Failure> {
        (self.0)(max)
    }
}

type Handover<'a, T> = Box<dyn FnMut(&T) -> Result<(), Failure> + 'a>;

/// Where rows and findings go.
pub struct Out<'a> {
    drafts: Drafts,
    bytes: usize,
    findings: Vec<Finding>,
    push: Handover<'a, Drafts>,
    reject: Handover<'a, [Finding]>,
}

impl<'a> Out<'a> {
    /// Onto two closures that take a batch each.
    pub fn new(
        push: impl FnMut(&Drafts) -> Result<(), Failure> + 'a,
        reject: impl FnMut(&[Finding]) -> Result<(), Failure> + 'a,
    ) -> Out<'a> {
        let texts = || Texts { text: String::new(), ends: Vec::new() };
        let drafts = Drafts {
            lines: Vec::new(),
            amounts_minor: Vec::new(),
            invoice_days: Vec::new(),
            due_days: Vec::new(),
            invoices: texts(),
            payer_names: texts(),
            payer_emails: texts(),
            messages: texts(),
            clients: texts(),
            matters: texts(),
        };
        Out { drafts, bytes: 0, findings: Vec::new(), push: Box::new(push), reject: Box::new(reject) }
    }

    /// One row. Where it has findings, hand it over after them, with what of it could be read (an unreadable amount as 1): the
    /// daemon then says what else is wrong with it, and never takes it.
    pub fn draft(&mut self, row: &Row<'_>) -> Result<(), Failure> {
        let texts = [row.invoice, row.payer_name, row.payer_email, row.message, row.client, row.matter];
        let size: usize = texts.iter().map(|text| text.len()).sum();
        if size > ROW_MAX_BYTES {
            let message = format!("the row at line {} is longer than {ROW_MAX_BYTES} bytes", row.line);
            return Err(Failure::invalid("row-too-long", message));
        }
        self.bytes += size + ROW_FIXED_BYTES;
        let drafts = &mut self.drafts;
        drafts.lines.push(row.line);
        drafts.amounts_minor.push(row.amount_minor);
        drafts.invoice_days.push(row.invoice_date.map_or(NO_DAY, date::day_of));
        drafts.due_days.push(row.due_date.map_or(NO_DAY, date::day_of));
        add(&mut drafts.invoices, row.invoice);
        add(&mut drafts.payer_names, row.payer_name);
        add(&mut drafts.payer_emails, row.payer_email);
        add(&mut drafts.messages, row.message);
        add(&mut drafts.clients, row.client);
        add(&mut drafts.matters, row.matter);
        if self.drafts.lines.len() >= BATCH_ROWS || self.bytes >= BATCH_BYTES {
            self.flush_drafts()
        } else {
            Ok(())
        }
    }

    /// One thing that is wrong with a row. Several findings of one line are one rejected row.
    pub fn reject(
        &mut self,
        line: u32,
        column: &str,
        value: &str,
        code: &str,
        message: impl Into<String>,
    ) -> Result<(), Failure> {
        let shown = value.get(..value.floor_char_boundary(VALUE_SHOWN_BYTES)).unwrap_or("");
        self.findings.push(Finding {
            line,
            column: column.to_owned(),
            value: shown.to_owned(),
            code: code.to_owned(),
            message: message.into(),
        });
        if self.findings.len() >= FINDINGS_BATCH { self.flush_findings() } else { Ok(()) }
    }

    /// Hands over what is left. The SDK does this when `read` has ended well.
    pub fn finish(&mut self) -> Result<(), Failure> {
        self.flush_drafts()
    }

    fn flush_drafts(&mut self) -> Result<(), Failure> {
        // Findings first: the daemon must know which of the rows are not to be taken.
        self.flush_findings()?;
        if self.drafts.lines.is_empty() {
            return Ok(());
        }
        (self.push)(&self.drafts)?;
        let drafts = &mut self.drafts;
        drafts.lines.clear();
        drafts.amounts_minor.clear();
        drafts.invoice_days.clear();
        drafts.due_days.clear();
        for column in [
            &mut drafts.invoices,
            &mut drafts.payer_names,
            &mut drafts.payer_emails,
            &mut drafts.messages,
            &mut drafts.clients,
            &mut drafts.matters,
        ] {
            column.text.clear();
            column.ends.clear();
        }
        self.bytes = 0;
        Ok(())
    }

    fn flush_findings(&mut self) -> Result<(), Failure> {
        if self.findings.is_empty() {
            return Ok(());
        }
        (self.reject)(&self.findings)?;
        self.findings.clear();
        Ok(())
    }
}

#[inline]
fn add(column: &mut Texts, text: &str) {
    column.text.push_str(text);
    // A batch is far below 4 GiB.
    column.ends.push(u32::try_from(column.text.len()).unwrap_or(u32::MAX));
}

/// Makes an author's type what the contract asks for.
#[doc(hidden)]
pub struct Exported<T>(PhantomData<T>);

impl<T: Importer> contract::Guest for Exported<T> {
    fn describe() -> Description {
        guest::start();
        T::ABOUT.into()
    }

    fn recognise(file_name: String, head: Vec<u8>) -> u8 {
        guest::start();
        T::recognise(&file_name, &head).min(100)
    }

    fn read(
        context: Context,
        source: &intake::ByteSource,
        sink: &intake::Sink,
        conventions: Conventions,
    ) -> Result<u64, Failure> {
        guest::start();
        let mut source = Source::new(|max| source.read(max));
        let mut out = Out::new(|drafts| sink.push(drafts), |findings| sink.reject(findings));
        let rows = T::open()?.read(&context, &mut source, &mut out, &conventions)?;
        out.finish()?;
        Ok(rows)
    }
}

/// Makes the type the importer of this component.
#[macro_export]
macro_rules! export_importer {
    ($plugin:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code)]
        const _: () = {
            type Exported = $crate::importer::Exported<$plugin>;
    $crate::wit::importer::export!(Exported with_types_in $crate::wit::importer);
        };
    };
}
