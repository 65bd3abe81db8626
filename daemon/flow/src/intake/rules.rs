//! What a push's rules are asked, and what only the road can tell beside them: currencies, payers and their shares. The
//! rules themselves are `domain`'s.

use super::push::{Push, draft};
use crate::error::FlowError;
use crate::plugin::connector::{Payer, Statement, detail, from_wire, kind};
use crate::road::{Account, money};
use chrono::NaiveDate;
use fs_err::tokio as fs;
use remitd_domain::draft::{Delivery, Draft, Terms, check};
use remitd_domain::push::{Facts, HoldList, No};
use remitd_domain::shares::{Part, Share};
use remitd_store::{Asked, PaidShares, RequestLine};
use std::borrow::Cow;
use std::io::ErrorKind;
use std::path::Path;
use tokio::io::AsyncReadExt;

/// Some hundred thousand numbers.
const HOLD_LIST_MAX_BYTES: u64 = 4 << 20;

pub(super) fn no<T>(rule: &'static str, why: impl Into<Cow<'static, str>>) -> Result<T, No> {
    Err(No { rule, why: why.into() })
}

/// A push that asks about statement after statement.
pub(super) struct Asking<'a> {
    pub push: &'a Push,
    pub account: &'a Account,
    held: Option<HoldList>,
    today: NaiveDate,
}

impl<'a> Asking<'a> {
    pub(super) async fn begin(
        push: &'a Push,
        account: &'a Account,
        today: NaiveDate,
    ) -> Result<Asking<'a>, FlowError> {
        let held = match &push.hold_list {
            Some(path) => Some(read(push, path).await?),
            None => None,
        };
        Ok(Asking { push, account, held, today })
    }

    /// The names of the rules that are set: those that said yes to whatever is asked for.
    pub(super) fn rules(&self) -> Vec<&'static str> {
        self.push.rules.names(self.held.as_ref())
    }

    /// Whether what a link asks for is not to be asked for any more, whatever is open of it.
    pub(super) fn left_out(&self, line: &RequestLine) -> Result<(), No> {
        let RequestLine { client, matter, invoice, .. } = line;
        self.push.rules.left_out(client, matter, invoice, self.held.as_ref())
    }

    /// A draft for each payer of a statement, or the rule that says no. Of a statement that is shared, each draft has all that is open.
    pub(super) fn drafts(&self, statement: &Statement) -> Vec<Result<Draft, No>> {
        if let Err(no) = self.ask(statement) {
            return vec![Err(no)];
        }
        let minor = statement.open.amount_minor;
        let whole = |payer: &Payer| draft(statement, minor, (&payer.name, &payer.email), "");
        match statement.payers.as_slice() {
            [] => vec![no("payer", "no payer with an e-mail address is assigned to it")],
            [payer] => vec![good(whole(payer))],
            payers => {
                let part = |(payer, share)| good(Draft { share: Some(share), ..whole(payer) });
                payers.iter().zip(shares(statement)).map(part).collect()
            }
        }
    }

    fn ask(&self, statement: &Statement) -> Result<(), No> {
        let (open, account) = (&statement.open, self.account);
        if open.currency != account.currency.code() {
            return no(
                "currency",
                format!("it is in {}, the account is in {}", open.currency, account.currency),
            );
        }
        let Ok(amount) = money(open.amount_minor, &open.currency) else {
            return no("currency", format!("{} is no currency", open.currency));
        };
        let facts = Facts {
            statement: &statement.number,
            client: &statement.client,
            matter: &statement.matter,
            open: amount,
            due: statement.due.and_then(from_wire),
            practice: detail(statement, "practice"),
            office: detail(statement, "office"),
            responsible: detail(statement, "responsible"),
            hold: detail(statement, "hold"),
            kind: kind(statement).or_else(|why| no("account-kind", why))?,
        };
        self.push.rules.ask(&facts, account.kind, self.held.as_ref(), self.today)
    }
}

/// One statement with a bad address must not keep the others from their payers.
fn good(draft: Draft) -> Result<Draft, No> {
    let mut findings = Vec::new();
    let terms = Terms { delivery: Delivery::Mail, ledger: None };
    check(draft.checked(), terms, &mut findings);
    match findings.first() {
        None => Ok(draft),
        Some(finding) => no("payer", finding.to_string()),
    }
}

/// Each payer's share of a statement.
pub(super) fn shares(statement: &Statement) -> Vec<Share> {
    let part = |payer: &Payer| Part { payer: payer.id.clone(), parts: payer.share };
    let of: Vec<_> = statement.payers.iter().map(part).collect();
    of.iter().map(|part| Share { payer: part.payer.clone(), of: of.clone() }).collect()
}

/// Who has been asked for a share, or has paid one, is still among the payers: else the others would be asked for that share too, or
/// the same person by another name. Nobody can tell which.
pub(super) fn same_payers(invoice: &str, share: &Share, live: &Asked, paid: &PaidShares) -> Result<(), No> {
    const MEND: &str = "a payer who is known by a payer_id stays the same under another name or address";
    let rule = "payers_changed";
    if let Some(payer) = live.stranger(invoice, &share.of) {
        let why = format!(
            "{payer}, who is asked for a share of it, is not among its payers any more: cancel that link, or delete its draft with remitd batch edit; {MEND}"
        );
        return no(rule, why);
    }
    if let Some(payer) = paid.stranger(invoice, &share.of) {
        let why = format!(
            "{payer}, who has paid a share of it, is not among its payers any more: ask for what is left with remitd request create; {MEND}"
        );
        return no(rule, why);
    }
    Ok(())
}

/// A list that cannot be read stops the push: who is on it would be asked.
async fn read(push: &Push, path: &Path) -> Result<HoldList, FlowError> {
    let refused = |why: &str| {
        let Push { connector, account, .. } = push;
        let file = path.display();
        let message = format!(
            "{file}: {why}; it is the hold_list of the [[push]] from \"{connector}\" to \"{account}\": nothing was asked for"
        );
        FlowError::refused("REMIT-0282", message)
    };
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => refused("it is not there"),
        ErrorKind::PermissionDenied => refused("the daemon's user may not read it"),
        kind => refused(&kind.to_string()),
    };
    // A pipe would be waited for without end.
    if !fs::metadata(path).await.map_err(failed)?.is_file() {
        return Err(refused("it is no plain file"));
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).await.map_err(failed)?;
    file.take(HOLD_LIST_MAX_BYTES + 1).read_to_end(&mut bytes).await.map_err(failed)?;
    if u64::try_from(bytes.len()).is_ok_and(|bytes| bytes > HOLD_LIST_MAX_BYTES) {
        return Err(refused("it is larger than 4 MiB"));
    }
    let text = String::from_utf8(bytes).map_err(|_| refused("it is not UTF-8"))?;
    Ok(HoldList::read(&text))
}
