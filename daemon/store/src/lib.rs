//! The only place with SQL of ours: one text for SQLite and PostgreSQL, a file a table. Owns rows, transactions and
//! migrations. Never decides anything: what may happen to a request is said by `domain`, when it happens by `flow`.
//!
//! Invariants: every writing transaction begins as a writer (`BEGIN IMMEDIATE`); what two tables must agree on is written in
//! one transaction; whatever is written twice with the same key is one row.

mod asked;
mod audit;
mod batch;
mod books;
mod bulk;
mod checkout;
mod db;
mod effect;
mod error;
mod event;
mod gather;
mod held;
mod message;
mod open;
mod payment;
mod piece;
mod plugin_state;
mod posted;
mod posting;
mod reconciliation;
mod request;
mod search;

pub use asked::{Asked, PaidShares};
pub use audit::AuditRow;
pub use batch::{Batch, BatchState, Closed, Counts, NewBatch, Waiting};
pub use books::{Books, Sums};
pub use bulk::Taken;
pub use checkout::{Checkout, CheckoutState};
pub use db::Tx;
pub use effect::{EffectRow, EffectSummary, Finish, Lease, Stretch};
pub use error::StoreError;
pub use event::Event;
pub use gather::{LINES_MAX, RequestLine};
pub use held::HeldRow;
pub use message::{Attempt, MessageRow, MessageState, NewMessage};
pub use open::Store;
pub use payment::{NewPayment, Payment};
pub use piece::Bulk;
pub use plugin_state::Remembered;
pub use posted::Posted;
pub use posting::{Behind, NewPosting, Posting};
pub use reconciliation::{NewReconciliation, Reconciliation};
pub use request::{Filter, Payable, Request, Sort};
