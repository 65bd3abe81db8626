//! What an importer is lent: the file as a source of bytes, and a sink that checks what the guest hands over before anything of
//! the daemon's sees it. Columns are moved, never copied row by row.

use super::world::importer::remitd::plugin::intake;
use remitd_domain::draft::{Drafts, Finding, Texts};
use remitd_host::{Failure, JobState, serve};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::mpsc;
use wasmtime::component::{HasSelf, Linker, Resource};

const READ_MAX_BYTES: u32 = 1 << 20;
const ROWS_MOST: usize = 16_384;
const BATCH_MAX_BYTES: usize = 8 << 20;
/// The usual size of a row's other columns, for the count of what was carried.
const ROW_BYTES: usize = 80;
const FINDINGS_MOST: usize = 16_384;

/// Adds the `intake` interface to the linker of every plugin.
pub fn extend(linker: &mut Linker<JobState>) -> wasmtime::Result<()> {
    intake::add_to_linker::<_, HasSelf<JobState>>(linker, |state| state)
}

/// What an importer found.
#[derive(Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "one of thousands of rows: a box would save nothing")]
pub enum Delivered {
    Drafts(Drafts),
    Findings(Vec<Finding>),
}

/// The file, read forward.
pub struct ByteSource {
    reader: Box<dyn AsyncRead + Send + Unpin>,
    piece_bytes: u32,
}

impl<R: AsyncRead + Send + Unpin + ?Sized + 'static> From<Box<R>> for ByteSource {
    fn from(reader: Box<R>) -> ByteSource {
        ByteSource { reader: Box::new(reader), piece_bytes: READ_MAX_BYTES }
    }
}

impl ByteSource {
    /// Hands over no more than so many bytes at once, however many the guest asks for.
    pub fn in_pieces(self, piece_bytes: u32) -> ByteSource {
        ByteSource { piece_bytes, ..self }
    }

    async fn read(&mut self, max: u32) -> Result<Vec<u8>, Failure> {
        let most = u64::from(max.min(self.piece_bytes));
        let mut piece = Vec::new();
        match (&mut self.reader).take(most).read_to_end(&mut piece).await {
            Ok(_) => Ok(piece),
            Err(error) => Err(Failure::unavailable("file", format!("the file cannot be read on: {error}"))),
        }
    }
}

/// Where batches go.
pub struct Sink {
    out: mpsc::Sender<Delivered>,
}

impl Sink {
    pub(super) fn new(out: mpsc::Sender<Delivered>) -> Sink {
        Sink { out }
    }

    async fn deliver(&self, delivered: Delivered) -> Result<(), Failure> {
        let closed = |_| Failure::unavailable("intake-closed", "the daemon takes no more of this file");
        self.out.send(delivered).await.map_err(closed)
    }
}

impl intake::Host for JobState {}

impl intake::HostByteSource for JobState {
    async fn read(
        &mut self,
        source: Resource<ByteSource>,
        max: u32,
    ) -> wasmtime::Result<Result<Vec<u8>, Failure>> {
        let piece = serve!(self, "byte-source.read", self.table().get_mut(&source)?.read(max).await);
        if let Ok(Ok(piece)) = &piece {
            self.carry(piece.len());
        }
        piece
    }

    async fn drop(&mut self, source: Resource<ByteSource>) -> wasmtime::Result<()> {
        self.table().delete(source)?;
        Ok(())
    }
}

impl intake::HostSink for JobState {
    async fn push(
        &mut self,
        sink: Resource<Sink>,
        drafts: intake::Drafts,
    ) -> wasmtime::Result<Result<(), Failure>> {
        self.carry(
            drafts.messages.text.len() + drafts.payer_names.text.len() + drafts.lines.len() * ROW_BYTES,
        );
        let batch = checked(drafts).map(Delivered::Drafts);
        serve!(self, "sink.push", hand_on(self, &sink, batch).await)
    }

    async fn reject(
        &mut self,
        sink: Resource<Sink>,
        findings: Vec<intake::Finding>,
    ) -> wasmtime::Result<Result<(), Failure>> {
        let batch = if findings.len() > FINDINGS_MOST {
            Err(format!("{FINDINGS_MOST} findings at most are handed over at once"))
        } else {
            Ok(Delivered::Findings(findings.into_iter().map(finding).collect()))
        };
        serve!(self, "sink.reject", hand_on(self, &sink, batch).await)
    }

    async fn drop(&mut self, sink: Resource<Sink>) -> wasmtime::Result<()> {
        self.table().delete(sink)?;
        Ok(())
    }
}

/// A batch on its way out of the sandbox.
async fn hand_on(
    job: &mut JobState,
    sink: &Resource<Sink>,
    batch: Result<Delivered, String>,
) -> Result<(), Failure> {
    let refused = |fault| Failure::bug("bad-batch", format!("a batch was refused: {fault}"));
    let batch = batch.map_err(refused)?;
    let gone = |_| Failure::bug("bad-sink", "the sink is not the one that was lent");
    job.table().get(sink).map_err(gone)?.deliver(batch).await
}

fn finding(found: intake::Finding) -> Finding {
    let intake::Finding { line, column, value, code, message } = found;
    Finding { line, column, value, code, message }
}

/// The batch as the domain has it, or what is wrong with it.
fn checked(drafts: intake::Drafts) -> Result<Drafts, String> {
    let rows = drafts.lines.len();
    if rows > ROWS_MOST {
        return Err(format!("it has {rows} rows, {ROWS_MOST} at most"));
    }
    let lengths = [
        ("amounts-minor", drafts.amounts_minor.len()),
        ("invoice-days", drafts.invoice_days.len()),
        ("due-days", drafts.due_days.len()),
    ];
    if let Some((column, length)) = lengths.into_iter().find(|(_, length)| *length != rows) {
        return Err(format!("{column} has {length} rows, lines has {rows}"));
    }
    let texts = [
        ("invoices", &drafts.invoices),
        ("payer-names", &drafts.payer_names),
        ("payer-emails", &drafts.payer_emails),
        ("messages", &drafts.messages),
        ("clients", &drafts.clients),
        ("matters", &drafts.matters),
    ];
    let bytes = texts.iter().map(|(_, column)| column.text.len()).fold(0, usize::saturating_add);
    if bytes > BATCH_MAX_BYTES {
        return Err(format!("it has {bytes} bytes of text, {BATCH_MAX_BYTES} at most"));
    }
    for (name, column) in texts {
        check_column(column, rows).map_err(|fault| format!("{name}: {fault}"))?;
    }
    Ok(Drafts {
        lines: drafts.lines,
        amounts_minor: drafts.amounts_minor,
        invoice_days: drafts.invoice_days,
        due_days: drafts.due_days,
        invoices: column(drafts.invoices),
        payer_names: column(drafts.payer_names),
        payer_emails: column(drafts.payer_emails),
        messages: column(drafts.messages),
        clients: column(drafts.clients),
        matters: column(drafts.matters),
        // A file asks for invoices as a whole.
        shares: Vec::new(),
    })
}

fn column(texts: intake::Texts) -> Texts {
    Texts { text: texts.text, ends: texts.ends }
}

/// As many ends as rows, rising, each between two characters, the last at the text's end.
fn check_column(column: &intake::Texts, rows: usize) -> Result<(), String> {
    if column.ends.len() != rows {
        return Err(format!("it has {} ends for {rows} rows", column.ends.len()));
    }
    let mut before = 0;
    for end in &column.ends {
        if *end < before || !column.text.is_char_boundary(*end as usize) {
            return Err(format!("end {end} does not rise, or is not between two characters"));
        }
        before = *end;
    }
    if before as usize != column.text.len() {
        return Err(format!("its text has {} bytes, its ends stop at {before}", column.text.len()));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn texts(text: &str, ends: &[u32]) -> intake::Texts {
        intake::Texts { text: text.into(), ends: ends.into() }
    }

    fn two_rows() -> intake::Drafts {
        let empty = || texts("", &[0, 0]);
        intake::Drafts {
            lines: vec![2, 3],
            amounts_minor: vec![100, 200],
            invoice_days: vec![0, 1],
            due_days: vec![0, 1],
            invoices: texts("é12", &[2, 4]),
            payer_names: empty(),
            payer_emails: empty(),
            messages: empty(),
            clients: empty(),
            matters: empty(),
        }
    }

    #[test]
    fn a_good_batch_is_moved_as_it_is() {
        let drafts = checked(two_rows()).unwrap();
        assert_eq!((drafts.row(0).invoice, drafts.row(1).invoice), ("é", "12"));
    }

    #[test]
    fn what_a_guest_may_not_hand_over() {
        for (ends, fault) in [
            (&[2][..], "1 ends for 2 rows"),
            (&[1, 4], "not between two characters"),
            (&[4, 2], "does not rise"),
            (&[2, 9], "not between two characters"),
            (&[2, 3], "its ends stop at 3"),
        ] {
            let batch = intake::Drafts { invoices: texts("é12", ends), ..two_rows() };
            let found = checked(batch).unwrap_err();
            assert!(found.contains(fault), "{ends:?}: {found}");
        }
        let batch = intake::Drafts { due_days: vec![1], ..two_rows() };
        assert_eq!(checked(batch).unwrap_err(), "due-days has 1 rows, lines has 2");
        let batch = intake::Drafts { lines: vec![1; ROWS_MOST + 1], ..two_rows() };
        assert!(checked(batch).unwrap_err().contains("16384 at most"));
        let long = "x".repeat(BATCH_MAX_BYTES + 1);
        let batch =
            intake::Drafts { messages: texts(&long, &[0, u32::try_from(long.len()).unwrap()]), ..two_rows() };
        assert!(checked(batch).unwrap_err().contains("bytes of text"));
    }

    #[tokio::test]
    async fn a_source_gives_what_was_asked_for_and_no_more() {
        let mut source = ByteSource::from(Box::new(&b"abcdef"[..]));
        assert_eq!(source.read(4).await.unwrap(), b"abcd");
        assert_eq!(source.read(u32::MAX).await.unwrap(), b"ef");
        assert_eq!(source.read(4).await.unwrap(), b"");
    }
}
