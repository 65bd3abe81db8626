//! The commands and their words.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use remitd_domain::policy::{Duplicates, OnError, OneLink};
use std::path::PathBuf;

/// Payment links from a law firm's matters: out to the payers, back into the books.
#[derive(Parser)]
#[command(name = "remitd", version, max_term_width = 110)]
pub struct Cli {
    /// The configuration; else $REMITD_CONFIG, ./remitd.toml, /etc/remitd/remitd.toml.
    #[arg(short = 'c', long = "config", global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print one JSON document.
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Show remitd with a sample firm; nothing to install, nothing real.
    Demo(Demo),
    /// Make a configuration that works at once, with its store and folders.
    Init { dir: PathBuf },
    /// Run the daemon.
    Run,
    /// Check the configuration without starting.
    Check {
        /// Warnings count as findings (exit 1).
        #[arg(long)]
        strict: bool,
    },
    /// Take in a file of payment requests.
    Import(Import),
    /// Batches: list, show, edit, release, discard.
    #[command(subcommand)]
    Batch(Batch),
    /// Payment requests: create, list, show, cancel, ask for the rest, resend.
    #[command(subcommand)]
    Request(Request),
    /// The matter database: prepare, test, search, show, push.
    #[command(subcommand)]
    Matter(Matter),
    /// Postings into the matter software: list, post, retry, remove.
    #[command(subcommand)]
    Posting(Posting),
    /// Gateway, remitd and matter software side by side: every difference, its likely cause and what to do.
    Reconcile,
    /// Messages: list, show, resend.
    #[command(subcommand)]
    Mail(Mail),
    /// Plugins: list, inspect, install, remove, verify; and for their authors new, dev, test, run, pack.
    #[command(subcommand)]
    Plugin(Plugin),
    /// The trail: refusals, installations, reloads.
    #[command(subcommand)]
    Audit(Audit),
    /// Let the running daemon take up changed plugins, settings and grants.
    Reload,
    /// What is where, and what waits for a person.
    Status,
    /// What an error code means and how to mend it.
    Explain { code: String },
    /// One connection of ODBC's; the daemon starts it.
    #[cfg(feature = "odbc")]
    #[command(name = crate::odbc::COMMAND, hide = true)]
    OdbcWorker,
}

#[derive(Args)]
pub struct Demo {
    /// Where the sample firm lives; else ./demo, or with --once a folder that is gone afterwards.
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// Walk the whole road once, print the books and end.
    #[arg(long)]
    pub once: bool,
}

#[derive(Args)]
pub struct Import {
    /// The file to take in.
    #[arg(required_unless_present = "template")]
    pub file: Option<PathBuf>,
    /// The merchant account that the money goes to.
    #[arg(long, required_unless_present_any = ["template", "explain"])]
    pub account: Option<String>,
    /// The importer plugin; else the one that knows the file.
    #[arg(long)]
    pub importer: Option<String>,
    /// Check only; keep nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Write the report beside the file too, as text, JSON, CSV and a page.
    #[arg(long, conflicts_with_all = ["explain", "template"])]
    pub report: bool,
    /// Say which importer knows the file and what it makes of it; take nothing in.
    #[arg(long, requires = "file", conflicts_with_all = ["release", "dry_run", "template"])]
    pub explain: bool,
    #[arg(long, value_enum, default_value_t = Release::Review)]
    pub release: Release,
    /// What becomes of a file with bad rows: reject it, or hold them and let the good ones go on.
    #[arg(long, value_parser = named(OnError::NAMES), default_value = OnError::Reject.name())]
    pub on_error: OnError,
    /// What one link asks for: a row, or the rows of one payer.
    #[arg(long, value_parser = named(OneLink::NAMES), default_value = OneLink::Row.name())]
    pub one_link: OneLink,
    /// When an invoice was asked for already: while its link is live, once it is paid, ever.
    #[arg(long, value_parser = named(Duplicates::NAMES), default_value = Duplicates::Live.name())]
    pub duplicates: Duplicates,
    /// How dates are written that are not ISO.
    #[arg(long, value_enum, default_value_t = DateOrder::Mdy)]
    pub date_order: DateOrder,
    /// What stands before the cents.
    #[arg(long, value_enum, default_value_t = DecimalMark::Point)]
    pub decimal_mark: DecimalMark,
    /// Print the template for a file.
    #[arg(long, value_enum, num_args = 0..=1, default_missing_value = "csv")]
    pub template: Option<Template>,
    /// With example rows, and on stderr what each column may hold.
    #[arg(long, requires = "template")]
    pub annotated: bool,
}

/// The names of a policy as clap takes them.
fn named<T: Copy + Default + Send + Sync + 'static>(
    names: &'static [(T, &'static str)],
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(names.iter().map(|(_, name)| *name)).map(move |said| {
        names.iter().find(|(_, name)| *name == said).map(|(policy, _)| *policy).unwrap_or_default()
    })
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Template {
    Csv,
    Txt,
}

#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
pub enum Release {
    /// Mail each payer.
    Send,
    /// Make links to hand on by hand.
    Links,
    /// Wait for `batch release`.
    Review,
}

#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
pub enum DecimalMark {
    #[value(name = ".")]
    Point,
    #[value(name = ",")]
    Comma,
}

#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
pub enum DateOrder {
    Mdy,
    Dmy,
    Ymd,
}

#[derive(Subcommand)]
pub enum Batch {
    List {
        #[arg(long, default_value_t = 50)]
        limit: i64,
    },
    Show {
        id: i64,
    },
    /// Let a batch in review go out; of a released one, the rows that were held and are mended.
    Release {
        id: i64,
        /// Make links only, mail nobody.
        #[arg(long)]
        no_mail: bool,
    },
    /// Throw a batch in review away; of a released one, its held rows.
    Discard {
        id: i64,
    },
    /// Add, mend or delete one row of a batch, before it goes out.
    Edit(EditBatch),
}

#[derive(Args)]
pub struct EditBatch {
    pub id: i64,
    /// The row to mend, by its line in the file.
    #[arg(long, required_unless_present_any = ["add", "delete"], conflicts_with_all = ["add", "delete"], requires = "set")]
    pub line: Option<u32>,
    /// Add a row.
    #[arg(long, requires = "set", conflicts_with = "delete")]
    pub add: bool,
    /// Delete the row of this line.
    #[arg(long, value_name = "LINE", conflicts_with = "set")]
    pub delete: Option<u32>,
    /// What to write into the row, such as --set "Amount=120.00"; dates as 2026-12-31.
    #[arg(long, value_name = "COLUMN=VALUE")]
    pub set: Vec<String>,
}

#[derive(Subcommand)]
pub enum Request {
    /// A quick link.
    Create(Create),
    List {
        /// outstanding, processing, payment_received, partially_paid, cancelled, expired.
        #[arg(long)]
        state: Option<String>,
        /// number, amount, due, payer, created.
        #[arg(long)]
        sort: Option<String>,
        #[arg(long)]
        limit: Option<i64>,
    },
    Show {
        id: i64,
    },
    /// Void a link before it is paid.
    Cancel {
        id: i64,
        #[arg(long, default_value = "cancelled by hand")]
        why: String,
    },
    /// Ask for what a payment left open, with a new link.
    Remainder {
        id: i64,
        #[arg(long)]
        no_mail: bool,
    },
    /// Send the request's mail again, where it was not sent.
    Resend {
        id: i64,
    },
}

#[derive(Args)]
pub struct Create {
    #[arg(long)]
    pub account: String,
    /// Decimal digits, such as 1234.50.
    #[arg(long, allow_hyphen_values = true)]
    pub amount: String,
    /// Who is to pay.
    #[arg(long)]
    pub name: String,
    /// May be left out with --no-mail.
    #[arg(long, default_value = "")]
    pub email: String,
    #[arg(long, default_value = "")]
    pub invoice: String,
    /// Year-month-day.
    #[arg(long)]
    pub due: Option<chrono::NaiveDate>,
    #[arg(long, default_value = "")]
    pub message: String,
    #[arg(long, default_value = "")]
    pub client: String,
    #[arg(long, default_value = "")]
    pub matter: String,
    /// Print the link only; mail nobody.
    #[arg(long)]
    pub no_mail: bool,
}

#[derive(Subcommand)]
pub enum Matter {
    /// Find matters by number, client, payer, statement: by whatever fields the connector offers.
    Search(Search),
    /// One matter's open statements.
    Show {
        number: String,
        #[arg(long)]
        connector: Option<String>,
    },
    /// Ask for open statements of one or several matters with one link, to the payer who is assigned to them.
    Ask(Ask),
    /// Try a connector's mapping step by step: what each statement of it gives, and what is missing.
    Test {
        #[arg(long)]
        connector: Option<String>,
        /// Also post one minor unit to this open statement, twice, and reverse it: for a copy of the matter database.
        #[arg(long, value_name = "STATEMENT")]
        write: Option<String>,
    },
    /// Make the table of posted keys in a matter database that has no place for them, and show how to use it.
    Prepare(Prepare),
    /// Ask for every open statement that the push's rules allow.
    Push {
        #[arg(long)]
        connector: Option<String>,
        /// Say what would be asked for and what not, and why.
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Args)]
pub struct Search {
    pub text: String,
    #[arg(long)]
    pub connector: Option<String>,
    /// The field to search by; else the one by which the last search found something, and all where that finds nothing.
    #[arg(long)]
    pub field: Option<String>,
    /// Matters of a page.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub page: u32,
}

#[derive(Args)]
pub struct Ask {
    /// The matters' numbers.
    #[arg(required = true)]
    pub matters: Vec<String>,
    #[arg(long)]
    pub account: String,
    #[arg(long)]
    pub connector: Option<String>,
    /// A statement, and how much of it where not all; in the order in which they are paid. Without it: every open one.
    #[arg(long = "statement", value_name = "NUMBER[=AMOUNT]")]
    pub statements: Vec<String>,
    /// An amount for all of them, spread in their order.
    #[arg(long)]
    pub amount: Option<String>,
    /// Instead of the payer who is assigned; with --email.
    #[arg(long, requires = "email")]
    pub name: Option<String>,
    #[arg(long, requires = "name")]
    pub email: Option<String>,
    #[arg(long, default_value = "")]
    pub message: String,
    /// Print the link only; mail nobody.
    #[arg(long)]
    pub no_mail: bool,
}

#[derive(Args)]
pub struct Prepare {
    #[arg(long)]
    pub connector: Option<String>,
    /// The table's name, perhaps with its schema.
    #[arg(long, default_value = "remitd_posting")]
    pub table: String,
    /// Print what makes the table, for whoever may run it; look nowhere, make nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Make it without asking.
    #[arg(long, conflicts_with = "dry_run")]
    pub yes: bool,
}

#[derive(Subcommand)]
pub enum Posting {
    List {
        /// pending, incomplete, queued, posted, removed, all.
        #[arg(long, default_value = "all")]
        view: String,
        #[arg(long, default_value_t = 1000)]
        limit: i64,
    },
    /// Write pending postings into the matter software.
    Post { ids: Vec<i64> },
    /// Try refused postings again.
    Retry { ids: Vec<i64> },
    /// Split a posting that is not written yet over other statements.
    Reallocate {
        id: i64,
        /// A statement and its amount; together they are the posting.
        #[arg(long, value_name = "STATEMENT=AMOUNT", required_unless_present_any = ["oldest_first", "prorated"])]
        to: Vec<String>,
        /// The open statements of its matter, the oldest first.
        #[arg(long, conflicts_with_all = ["to", "prorated"])]
        oldest_first: bool,
        /// Each open statement of its matter by its part of what is open.
        #[arg(long, conflicts_with = "to")]
        prorated: bool,
    },
    /// Take postings out that were handled by hand.
    Remove { ids: Vec<i64> },
    /// Say of postings of which nobody knows that they are in the matter software.
    Written { ids: Vec<i64> },
    /// A view as a CSV file, as cash receipts are entered.
    Export {
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        #[arg(long, default_value = "all")]
        view: String,
        #[arg(long, default_value_t = 100_000)]
        limit: i64,
    },
}

#[derive(Subcommand)]
pub enum Mail {
    List {
        #[arg(long, default_value_t = 100)]
        limit: i64,
    },
    Show {
        id: i64,
    },
    Resend {
        id: i64,
    },
}

#[derive(Subcommand)]
pub enum Plugin {
    /// The configured plugins.
    List,
    /// What a plugin is, imports and exports: a configured or bundled one, or a file.
    Inspect { plugin: String },
    /// Call one export with JSON arguments and show the answer.
    Run {
        /// A configured plugin, with its grants; or a file or a bundled one, with none.
        plugin: String,
        export: String,
        /// An object by parameter name, or a list.
        #[arg(default_value = "{}")]
        arguments: String,
    },
    /// Look at a plugin, agree to what it asks for, and put it in place.
    Install(Install),
    /// Take an installed plugin away.
    Remove(Remove),
    /// Hold every installed plugin against plugins.lock.
    Verify { id: Option<String> },
    /// Begin a plugin: a crate that builds, with tests that pass.
    New {
        #[arg(value_enum)]
        kind: PluginKind,
        /// Its id: lower-case letters, digits and `-`.
        name: String,
        /// Where to put it; else a folder of its name here.
        #[arg(long)]
        dir: Option<PathBuf>,
    },
    /// Build the plugin of this folder, try it with the kit, and again at every change.
    Dev {
        #[arg(default_value = ".")]
        dir: PathBuf,
        /// Once only.
        #[arg(long)]
        once: bool,
    },
    /// Try a component with the conformance kit of its kind.
    Test {
        file: PathBuf,
        /// What the kit gives it; else tests/kit.toml beside it.
        #[arg(long)]
        fixture: Option<PathBuf>,
    },
    /// Make the file to hand out: the component with its manifest in it.
    Pack {
        /// A core module or a component.
        file: PathBuf,
        /// Else plugin.toml beside it.
        #[arg(long)]
        manifest: Option<PathBuf>,
        #[arg(long)]
        out: Option<PathBuf>,
    },
}

#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
pub enum PluginKind {
    Importer,
    Connector,
    MailProvider,
    PaymentGateway,
}

#[derive(Args)]
pub struct Remove {
    pub id: String,
    /// What it remembers too; else that stays, for when it is installed again.
    #[arg(long)]
    pub purge_state: bool,
}

#[derive(Args)]
pub struct Install {
    /// A packed component; or the id of a configured plugin, to look at it again.
    pub plugin: String,
    /// The id that it gets here; else its manifest's.
    #[arg(long)]
    pub id: Option<String>,
    /// A grant, as `sql=elite` or `http=https://api.example.com`; for a plugin that is not configured yet.
    #[arg(long = "grant", value_name = "KIND=NAME")]
    pub grants: Vec<String>,
    /// A setting; for a plugin that is not configured yet.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// Ask nothing: only where plugins.lock has exactly this already.
    #[arg(long)]
    pub yes: bool,
}

#[derive(Subcommand)]
pub enum Audit {
    /// What plugins were refused, and what was done to them; the newest first.
    Show {
        #[arg(long, default_value_t = 50)]
        limit: i64,
    },
}
