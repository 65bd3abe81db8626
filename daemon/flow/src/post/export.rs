//! Postings as a file, as cash receipts are entered: for matter software that remitd does not write to, and for people.

use super::entry;
use crate::error::FlowError;
use crate::road::{Road, money};
use crate::sheet::{BOM, row};
use remitd_store::Posting;

const HEADS: [&str; 20] = [
    "Posting",
    "State",
    "Kind",
    "Receipt Date",
    "Bank Account",
    "Receipt Type",
    "Reference",
    "Drawn By",
    "Client",
    "Matter",
    "Invoice",
    "Amount",
    "Currency",
    "Trust Account",
    "Ledger Code",
    "Transaction Type",
    "Narrative",
    "Account",
    "Receipt Number",
    "What Stands In Its Way",
];

/// A row a posting; a reversal's amount is below zero. What its account says stays empty where that is gone from the configuration.
pub async fn csv(road: &Road, postings: &[Posting]) -> Result<String, FlowError> {
    let mut text = String::from(BOM);
    row(&mut text, &HEADS);
    for posting in postings {
        let Some((posting, behind)) = super::in_full(road, posting.id).await? else { continue };
        let said = match road.account(&behind.account) {
            Ok(account) => Some(super::wire_posting(road, account, &posting, &behind, None)?),
            Err(_) => None,
        };
        let reversal = posting.reverses.is_some();
        let amount_minor = if reversal { -posting.amount_minor } else { posting.amount_minor };
        let amount = money(amount_minor, &posting.currency)?.to_string();
        let day = said.as_ref().map(|said| said.received);
        let date = day.map(|day| format!("{:04}-{:02}-{:02}", day.year, day.month, day.day));
        let detail = |name: &str| {
            let mut details = said.iter().flat_map(|said| &said.details);
            details.find(|detail| detail.name == name).map_or("", |detail| detail.value.as_str())
        };
        let number = posting.id.to_string();
        let cells = [
            number.as_str(),
            posting.state.name(),
            if reversal { "reversal" } else { "payment" },
            date.as_deref().unwrap_or_default(),
            detail(entry::BANK_ACCOUNT),
            &behind.method,
            &behind.gateway_ref,
            &behind.payer_name,
            &posting.client,
            &posting.matter,
            &posting.statement,
            &amount,
            &posting.currency,
            detail(entry::TRUST_LEDGER),
            detail(entry::LEDGER_CODE),
            detail(entry::TRANSACTION_TYPE),
            said.as_ref().map_or("", |said| said.narrative.as_str()),
            &behind.account,
            posting.external_ref.as_deref().unwrap_or_default(),
            posting.error.as_deref().unwrap_or_default(),
        ];
        row(&mut text, &cells);
    }
    Ok(text)
}
