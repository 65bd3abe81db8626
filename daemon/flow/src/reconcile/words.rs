//! A difference in words: what it is, its likely cause, and what to do about it. Owns the words and the codes; reads only what
//! makes them more useful, such as the request that a checkout belongs to.

use crate::error::FlowError;
use crate::road::{Road, money};
use remitd_domain::payment::State as Paid;
use remitd_domain::posting::State;
use remitd_domain::reconcile::{Difference, Payment, Posting, Receipt, TRIAL_KEY, Told as AtGateway};
use serde::Serialize;

/// A difference as it is told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Told {
    pub code: &'static str,
    /// For programs: lower-case words joined by hyphens.
    pub what: &'static str,
    pub says: String,
    pub cause: String,
    pub mend: String,
    /// Where the other side is: a gateway's or a connector's id.
    pub at: String,
    /// Of remitd, where it has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub posting: Option<i64>,
    /// The gateway's of a payment, the posting's own key of a receipt.
    pub reference: String,
    /// In minor units.
    #[serde(skip)]
    pub amount_minor: i64,
    pub currency: String,
}

pub(super) async fn tell(road: &Road, difference: &Difference) -> Result<Told, FlowError> {
    let request = match difference {
        Difference::Unheard(theirs) => match theirs.checkout.parse() {
            Ok(id) => road.store.checkout(id).await?.map(|checkout| checkout.request_id),
            Err(_) => None,
        },
        _ => None,
    };
    Ok(told(difference, request))
}

/// `request` is that of a checkout whose payment remitd has not heard of, where it is one of ours.
fn told(difference: &Difference, request: Option<i64>) -> Told {
    match difference {
        Difference::Unheard(theirs) => unheard(theirs, request),
        Difference::PaymentDiffers(ours, theirs) => payment_differs(ours, theirs),
        Difference::Untold(ours) => untold(ours),
        Difference::Unsplit { payment, postings_minor } => unsplit(payment, *postings_minor),
        Difference::NotTakenBack { payment, short_minor } => not_taken_back(payment, *short_minor),
        Difference::TakenBackTooMuch { payment, over_minor } => taken_back_too_much(payment, *over_minor),
        Difference::ReceiptMissing(posting) => missing(posting),
        Difference::ReceiptDiffers(posting, receipt) => receipt_differs(posting, receipt),
        Difference::ReceiptTwice(posting, count) => twice(posting, *count),
        Difference::ReceiptEarly(posting, receipt) => early(posting, receipt),
        Difference::ReceiptOfRemoved(posting, receipt) => of_removed(posting, receipt),
        Difference::ReceiptUnknown(receipt) => unknown(receipt),
    }
}

fn shown(minor: i64, currency: &str) -> String {
    money(minor, currency)
        .map_or_else(|_| format!("{minor} minor units {currency}"), |amount| amount.grouped())
}

/// `480.51 USD for B-2`.
fn for_statement(minor: i64, currency: &str, statement: &str) -> String {
    let amount = shown(minor, currency);
    if statement.is_empty() { amount } else { format!("{amount} for {statement}") }
}

/// `120.00 USD, succeeded, of which 30.00 USD went back`.
fn standing(state: Paid, amount_minor: i64, returned_minor: i64, currency: &str) -> String {
    let amount = shown(amount_minor, currency);
    match state {
        Paid::Succeeded if returned_minor > 0 => {
            format!("{amount}, {state}, of which {} went back", shown(returned_minor, currency))
        }
        _ => format!("{amount}, {state}"),
    }
}

fn of_payment(payment: &Payment) -> Told {
    Told {
        at: payment.gateway.clone(),
        request: Some(payment.request),
        payment: Some(payment.id),
        reference: payment.reference.clone(),
        amount_minor: payment.amount_minor,
        currency: payment.currency.clone(),
        ..Told::default()
    }
}

fn of_posting(posting: &Posting) -> Told {
    Told {
        at: posting.connector.clone(),
        payment: Some(posting.payment),
        posting: Some(posting.id),
        reference: posting.key.clone(),
        amount_minor: posting.written_minor(),
        currency: posting.currency.clone(),
        ..Told::default()
    }
}

/// `posting 7`, `the reversal of posting 7, posting 9`.
fn named(posting: &Posting) -> String {
    match posting.reverses {
        None => format!("posting {}", posting.id),
        Some(original) => format!("posting {}, which takes back posting {original},", posting.id),
    }
}

fn unheard(theirs: &AtGateway, request: Option<i64>) -> Told {
    let AtGateway { gateway, reference, checkout, state, amount_minor, returned_minor, currency, .. } =
        theirs;
    let stands = standing(*state, *amount_minor, *returned_minor, currency);
    let (cause, mend) = match request {
        Some(request) => (
            format!(
                "its checkout is of request {request}: the gateway's event has not come yet, because remitd did not run or could \
                 not reach it, or what came was odd and nothing was written"
            ),
            format!(
                "`remitd status` shows whether the gateway is polled; `remitd request show {request}` shows what came: an odd \
                 payment is settled by hand"
            ),
        ),
        None => (
            "somebody else takes payments with this account of the gateway, or remitd's database is older than the payment: \
             a restored backup"
                .to_owned(),
            format!(
                "look at the gateway who made the checkout \"{checkout}\"; where it was this remitd, restore the newer database, \
                 else settle the payment by hand"
            ),
        ),
    };
    Told {
        code: "REMIT-0290",
        what: "payment-not-heard-of",
        says: format!("{gateway} has the payment {reference} of {stands}; remitd has not heard of it"),
        cause,
        mend,
        at: gateway.clone(),
        request,
        reference: reference.clone(),
        amount_minor: *amount_minor,
        currency: currency.clone(),
        ..Told::default()
    }
}

fn payment_differs(ours: &Payment, theirs: &AtGateway) -> Told {
    let here = standing(ours.state, ours.amount_minor, ours.returned_minor, &ours.currency);
    let there = standing(theirs.state, theirs.amount_minor, theirs.returned_minor, &theirs.currency);
    Told {
        code: "REMIT-0291",
        what: "payment-differs",
        says: format!(
            "payment {} ({}) is of {here}; {} has it with {there}",
            ours.id, ours.reference, ours.gateway
        ),
        // A part that went back too: remitd takes it back by itself once its event is here.
        cause: "an event has not come yet, or what came was odd and nothing was written".to_owned(),
        mend: format!(
            "`remitd status` shows whether the gateway is polled; `remitd request show {}` shows what came: an odd payment is settled \
             by hand",
            ours.request
        ),
        ..of_payment(ours)
    }
}

fn untold(ours: &Payment) -> Told {
    let Payment { id, reference, gateway, state, amount_minor, returned_minor, currency, .. } = ours;
    Told {
        code: "REMIT-0292",
        what: "payment-unknown-to-gateway",
        says: format!(
            "payment {id} ({reference}) of {} is not at {gateway}, which still tells of that time",
            standing(*state, *amount_minor, *returned_minor, currency)
        ),
        cause: "the plugin's key now opens another account of the gateway than the one that took the money"
            .to_owned(),
        mend: format!(
            "look for {reference} at the gateway, and at the settings and secrets of the plugin \"{gateway}\""
        ),
        ..of_payment(ours)
    }
}

fn unsplit(payment: &Payment, postings_minor: i64) -> Told {
    let Payment { id, amount_minor, currency, request, .. } = payment;
    Told {
        code: "REMIT-0293",
        what: "postings-do-not-sum",
        says: format!(
            "the postings of payment {id} sum to {}, the payment is of {}, {}",
            shown(postings_minor, currency),
            shown(*amount_minor, currency),
            payment.state
        ),
        cause:
            "no step of remitd leaves this: rows of its database were changed by hand, or restored in part"
                .to_owned(),
        mend: format!(
            "compare `remitd request show {request}` with `remitd posting list --view all`, and restore a backup of before"
        ),
        ..of_payment(payment)
    }
}

fn not_taken_back(payment: &Payment, short_minor: i64) -> Told {
    let back = shown(short_minor, &payment.currency);
    Told {
        code: "REMIT-0293",
        what: "not-taken-back",
        says: format!("{back} of payment {} went back, and stand in the books still", payment.id),
        cause:
            "no step of remitd leaves this: rows of its database were changed by hand, or restored in part"
                .to_owned(),
        mend: format!(
            "compare `remitd request show {}` with `remitd posting list --view all`, and restore a backup of before",
            payment.request
        ),
        ..of_payment(payment)
    }
}

fn taken_back_too_much(payment: &Payment, over_minor: i64) -> Told {
    let over = shown(over_minor, &payment.currency);
    Told {
        code: "REMIT-0293",
        what: "taken-back-too-much",
        says: format!("{over} of payment {} are taken back in the books, and did not go back", payment.id),
        cause:
            "no step of remitd leaves this: rows of its database were changed by hand, or restored in part"
                .to_owned(),
        mend: format!(
            "write {over} into the matter software again by hand, and look at who changed the rows"
        ),
        ..of_payment(payment)
    }
}

fn missing(posting: &Posting) -> Told {
    let Posting { connector, key, amount_minor: _, currency, statement, .. } = posting;
    let amount = for_statement(posting.written_minor(), currency, statement);
    Told {
        code: "REMIT-0294",
        what: "receipt-missing",
        says: format!("{} was posted: {amount}; its receipt is not in {connector} any more", named(posting)),
        cause: "the receipt was deleted in the matter software, or its database was restored from a backup"
            .to_owned(),
        mend: format!("write {amount} there again by hand, with the key {key}, so that it is found"),
        ..of_posting(posting)
    }
}

fn receipt_differs(posting: &Posting, receipt: &Receipt) -> Told {
    let Posting { connector, currency, statement, .. } = posting;
    let here = for_statement(posting.written_minor(), currency, statement);
    let there = for_statement(receipt.amount_minor, &receipt.currency, &receipt.statement);
    Told {
        code: "REMIT-0295",
        what: "receipt-differs",
        says: format!("{} was posted: {here}; {connector} has {there}", named(posting)),
        cause: "the receipt was changed in the matter software after it was posted".to_owned(),
        mend: format!("put {here} back there, or book the difference where it belongs; {}", which(receipt)),
        ..of_posting(posting)
    }
}

fn twice(posting: &Posting, count: usize) -> Told {
    Told {
        code: "REMIT-0296",
        what: "receipt-twice",
        says: format!("{} has {count} receipts in {}", named(posting), posting.connector),
        cause: "it was copied in the matter software, or the statement `receipts` gives several rows for one"
            .to_owned(),
        mend: format!("leave one receipt with the key {}, or mend the statement", posting.key),
        ..of_posting(posting)
    }
}

fn early(posting: &Posting, receipt: &Receipt) -> Told {
    let Posting { id, state, connector, .. } = posting;
    let (cause, mend) = match state {
        State::Queued => (
            "it was written and the answer was lost",
            format!(
                "nothing: the next attempt finds it by its key; at once with `remitd posting retry {id}`"
            ),
        ),
        _ => (
            "an attempt wrote it and its answer was lost, or a person wrote it with this key",
            format!("`remitd posting retry {id}`: it is found by its key, and not written twice"),
        ),
    };
    Told {
        code: "REMIT-0297",
        what: "receipt-not-noted",
        says: format!(
            "{} is {state}; its receipt of {} is in {connector} already",
            named(posting),
            for_statement(receipt.amount_minor, &receipt.currency, &receipt.statement)
        ),
        cause: cause.to_owned(),
        mend,
        ..of_posting(posting)
    }
}

fn of_removed(posting: &Posting, receipt: &Receipt) -> Told {
    Told {
        code: "REMIT-0297",
        what: "receipt-of-removed",
        says: format!(
            "{} was removed as handled by hand; its receipt of {} is in {} too",
            named(posting),
            for_statement(receipt.amount_minor, &receipt.currency, &receipt.statement),
            posting.connector
        ),
        cause: "an attempt had written it, and its answer was lost: it may be in the books twice".to_owned(),
        mend: format!("delete one of the two in the matter software; {}", which(receipt)),
        ..of_posting(posting)
    }
}

fn unknown(receipt: &Receipt) -> Told {
    let Receipt { connector, key, statement, amount_minor, currency, .. } = receipt;
    let (cause, mend) = if key.starts_with(TRIAL_KEY) {
        ("`remitd matter test --write` wrote it and could not take it back", "delete it there".to_owned())
    } else {
        (
            "a person or another program wrote it, or remitd's database is older than the receipt: a restored backup",
            format!("find out who wrote it; {}", which(receipt)),
        )
    };
    Told {
        code: "REMIT-0298",
        what: "receipt-unknown",
        says: format!(
            "{connector} has a receipt of {}, whose key \"{key}\" no posting has",
            for_statement(*amount_minor, currency, statement)
        ),
        cause: cause.to_owned(),
        mend,
        at: connector.clone(),
        reference: key.clone(),
        amount_minor: *amount_minor,
        currency: currency.clone(),
        ..Told::default()
    }
}

/// How the receipt is found there.
fn which(receipt: &Receipt) -> String {
    match &receipt.external_ref {
        Some(number) => format!("it is the receipt {number}"),
        None => format!("its key is {}", receipt.key),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn at_gateway() -> AtGateway {
        AtGateway {
            gateway: "cards".into(),
            reference: "pay_1".into(),
            checkout: "5".into(),
            state: Paid::Succeeded,
            amount_minor: 12_000,
            returned_minor: 3_000,
            currency: "USD".into(),
            at_ms: 0,
        }
    }

    fn payment() -> Payment {
        Payment {
            id: 7,
            request: 1_001,
            gateway: "cards".into(),
            reference: "pay_1".into(),
            state: Paid::Succeeded,
            amount_minor: 12_000,
            returned_minor: 0,
            currency: "USD".into(),
            begun_ms: 0,
        }
    }

    fn posting(state: State) -> Posting {
        Posting {
            id: 9,
            key: "remitd-1".into(),
            payment: 7,
            reverses: None,
            connector: "matters".into(),
            statement: "B-2".into(),
            amount_minor: 12_000,
            currency: "USD".into(),
            state,
            never_written: false,
        }
    }

    fn receipt() -> Receipt {
        Receipt {
            connector: "matters".into(),
            key: "remitd-1".into(),
            statement: "B-2".into(),
            amount_minor: 11_000,
            currency: "USD".into(),
            external_ref: Some("R-3".into()),
        }
    }

    fn one_of_each() -> Vec<Difference> {
        vec![
            Difference::Unheard(at_gateway()),
            Difference::PaymentDiffers(payment(), at_gateway()),
            Difference::Untold(payment()),
            Difference::Unsplit { payment: payment(), postings_minor: 11_000 },
            Difference::NotTakenBack { payment: payment(), short_minor: 3_000 },
            Difference::TakenBackTooMuch { payment: payment(), over_minor: 3_000 },
            Difference::ReceiptMissing(posting(State::Posted)),
            Difference::ReceiptDiffers(posting(State::Posted), receipt()),
            Difference::ReceiptTwice(posting(State::Posted), 2),
            Difference::ReceiptEarly(posting(State::Queued), receipt()),
            Difference::ReceiptOfRemoved(posting(State::Removed), receipt()),
            Difference::ReceiptUnknown(receipt()),
        ]
    }

    /// Its place in [`one_of_each`], its code, its name, and what it must speak of. A new kind has no line here, and does not compile.
    fn due(difference: &Difference) -> (usize, &'static str, &'static str, &'static [&'static str]) {
        match difference {
            Difference::Unheard(_) => (
                0,
                "REMIT-0290",
                "payment-not-heard-of",
                &["cards", "payment pay_1", "120.00 USD", "30.00 USD"],
            ),
            Difference::PaymentDiffers(..) => {
                (1, "REMIT-0291", "payment-differs", &["payment 7 (pay_1)", "cards", "30.00 USD"])
            }
            Difference::Untold(_) => {
                (2, "REMIT-0292", "payment-unknown-to-gateway", &["payment 7 (pay_1)", "not at cards"])
            }
            Difference::Unsplit { .. } => {
                (3, "REMIT-0293", "postings-do-not-sum", &["payment 7", "110.00 USD", "120.00 USD"])
            }
            Difference::NotTakenBack { .. } => {
                (4, "REMIT-0293", "not-taken-back", &["30.00 USD of payment 7"])
            }
            Difference::TakenBackTooMuch { .. } => {
                (5, "REMIT-0293", "taken-back-too-much", &["30.00 USD of payment 7"])
            }
            Difference::ReceiptMissing(_) => {
                (6, "REMIT-0294", "receipt-missing", &["posting 9", "120.00 USD for B-2", "matters"])
            }
            Difference::ReceiptDiffers(..) => (
                7,
                "REMIT-0295",
                "receipt-differs",
                &["posting 9", "120.00 USD for B-2", "110.00 USD for B-2"],
            ),
            Difference::ReceiptTwice(..) => {
                (8, "REMIT-0296", "receipt-twice", &["posting 9 has 2 receipts in matters"])
            }
            Difference::ReceiptEarly(..) => {
                (9, "REMIT-0297", "receipt-not-noted", &["posting 9 is queued", "110.00 USD for B-2"])
            }
            Difference::ReceiptOfRemoved(..) => {
                (10, "REMIT-0297", "receipt-of-removed", &["posting 9 was removed", "110.00 USD for B-2"])
            }
            Difference::ReceiptUnknown(_) => {
                (11, "REMIT-0298", "receipt-unknown", &["matters", "110.00 USD for B-2", "remitd-1"])
            }
        }
    }

    #[test]
    fn each_difference_is_named_with_its_likely_cause() {
        for (at, difference) in one_of_each().iter().enumerate() {
            let told = told(difference, None);
            let (place, code, what, speaks_of) = due(difference);
            assert_eq!((at, told.code, told.what), (place, code, what));
            let unsaid: Vec<_> = speaks_of.iter().filter(|part| !told.says.contains(**part)).collect();
            assert!(unsaid.is_empty(), "{unsaid:?} is not in {:?}", told.says);
            assert!(!told.cause.is_empty() && !told.mend.is_empty() && !told.at.is_empty(), "{told:?}");
            assert!(told.amount_minor != 0 && told.currency == "USD", "{told:?}");
        }
    }

    /// The same difference has other causes, by what else is known of it.
    #[test]
    fn a_cause_is_as_near_as_can_be_told() {
        let unheard = Difference::Unheard(at_gateway());
        let (ours, strange) = (told(&unheard, Some(1_001)), told(&unheard, None));
        assert_eq!((ours.request, strange.request), (Some(1_001), None));
        assert!(
            ours.cause.contains("request 1001") && ours.mend.contains("remitd request show 1001"),
            "{ours:?}"
        );
        assert!(strange.cause.contains("somebody else"), "{strange:?}");
        let early = |state| told(&Difference::ReceiptEarly(posting(state), receipt()), None);
        assert!(early(State::Queued).mend.starts_with("nothing: the next attempt finds it"));
        assert!(early(State::Incomplete).mend.starts_with("`remitd posting retry 9`"));
        let of_trial = Receipt { key: format!("{TRIAL_KEY}1"), ..receipt() };
        let left = told(&Difference::ReceiptUnknown(of_trial), None);
        assert!(left.cause.contains("remitd matter test --write"), "{left:?}");
        let reversal = Posting { reverses: Some(9), id: 10, ..posting(State::Posted) };
        let gone = told(&Difference::ReceiptMissing(reversal), None);
        assert!(
            gone.says.starts_with("posting 10, which takes back posting 9, was posted: -120.00 USD"),
            "{gone:?}"
        );
    }
}
