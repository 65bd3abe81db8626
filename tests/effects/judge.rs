//! What must be true of the books after every step, whatever came before it.

use crate::firm::Firm;
use crate::model::{BILL, Step};
use remitd_domain::payment::State as Paid;
use remitd_domain::posting::{State, rest_key};
use remitd_domain::reconcile::{Receipt, Sides, compare};
use remitd_domain::request::State as Standing;
use remitd_flow::{Road, reconcile};
use remitd_store::{Filter, Request};
use sqlx::{Connection, Row, SqliteConnection};

/// The first link of a firm.
pub const LINK: i64 = 1_001;
const ALL: i64 = 1_000;

/// The receipts of the bill, each with its key, amount and method; and what the bill comes to.
pub async fn bill(firm: &Firm) -> (Vec<(String, String, String)>, i64) {
    let mut matters = SqliteConnection::connect(&firm.matters_url()).await.unwrap();
    let sql = "SELECT key, printf('%.2f', amount), method FROM receipt WHERE bill = 'B-2001' ORDER BY key";
    let rows = sqlx::query(sql).fetch_all(&mut matters).await.unwrap();
    let total = sqlx::query("SELECT printf('%.2f', total) FROM bill WHERE number = 'B-2001'");
    let total: String = total.fetch_one(&mut matters).await.unwrap().get(0);
    matters.close().await.unwrap();
    (rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect(), minor(&total))
}

pub fn open_minor(total_minor: i64, receipts: &[(String, String, String)]) -> i64 {
    total_minor - receipts.iter().map(|(_, amount, _)| minor(amount)).sum::<i64>()
}

fn minor(amount: &str) -> i64 {
    amount.replace('.', "").parse().unwrap()
}

/// Postings that wait for a person who does this of them: what was handled by hand, nobody can have posted.
pub async fn waiting(road: &Road, step: Step) -> Vec<i64> {
    let mut postings = road.store.postings(None, ALL).await.unwrap();
    postings.retain(|posting| matches!(posting.state, State::Pending | State::Incomplete));
    postings.retain(|posting| step == Step::Removed || posting.error_code.as_deref() != Some("by-hand"));
    postings.iter().map(|posting| posting.id).collect()
}

/// After every step.
pub async fn holds(firm: &Firm, road: &Road, path: &[Step]) {
    let (receipts, total_minor) = bill(firm).await;
    let sides = sides(road, &receipts).await;
    assert_eq!(compare(&sides).differences, [], "{path:?}");
    let written: i64 = sides.receipts.iter().map(|receipt| receipt.amount_minor).sum();
    assert!(written >= 0, "{path:?}: the matter's receipts came below zero: {written}");
    links(road, path, open_minor(total_minor, &receipts)).await;
}

/// After what no hand in the matter software did: nothing is written that is not open, unless a person has decided so.
pub async fn not_over_paid(firm: &Firm, path: &[Step], before_minor: i64) {
    let (receipts, total_minor) = bill(firm).await;
    let open = open_minor(total_minor, &receipts);
    let decided = path.contains(&Step::Retried);
    assert!(open >= before_minor.min(0) || decided, "{path:?}: {before_minor} was open, then {open}");
}

/// A client's money is written into the matter, and taken out of it again, by a person's click alone (R7).
pub async fn by_a_click(firm: &Firm, path: &[Step]) {
    let (receipts, _) = bill(firm).await;
    let ours = receipts.iter().find(|(key, ..)| key != "by hand");
    assert!(ours.is_none() || path.contains(&Step::Retried), "{path:?}: nobody had {ours:?} written");
}

async fn links(road: &Road, path: &[Step], open: i64) {
    let requests = requests(road).await;
    let live = |state| matches!(state, Standing::Draft | Standing::Outstanding | Standing::Processing);
    assert!(requests.iter().filter(|request| live(request.state)).count() <= 1, "{path:?}: asked for twice");
    for request in &requests {
        let payments = road.store.payments_of(request.id).await.unwrap();
        let stays = |state, amount: i64, back: i64| if state == Paid::Succeeded { amount - back } else { 0 };
        let paid: i64 = payments
            .iter()
            .map(|payment| stays(payment.state, payment.amount_minor, payment.returned_minor))
            .sum();
        assert_eq!(request.paid_minor, paid, "{path:?}: request {}", request.id);
        let succeeded = payments.iter().any(|payment| payment.state == Paid::Succeeded);
        assert!(!succeeded || !live(request.state), "{path:?}: a paid link can be paid again");
        let asks = request.state == Standing::Outstanding;
        if path.last() == Some(&Step::Pushed) && asks && settled(road).await {
            assert!(request.amount_minor <= open, "{path:?}: {} asked, {open} open", request.amount_minor);
            let is_whole = request.amount_minor == open;
            assert!(
                request.source != "push" || is_whole,
                "{path:?}: {} asked, {open} open",
                request.amount_minor
            );
        }
    }
}

/// Those of the one bill.
async fn requests(road: &Road) -> Vec<Request> {
    let mut requests = road.store.requests(&Filter::default()).await.unwrap();
    requests.retain(|request| request.invoice == BILL);
    requests
}

/// Whether all money that came is in the balance, and none is on its way: until then a link stays as it is.
async fn settled(road: &Road) -> bool {
    for (payment, _) in road.store.payments_after(0, ALL).await.unwrap() {
        if payment.state == Paid::Pending {
            return false;
        }
    }
    let postings = road.store.postings(None, ALL).await.unwrap();
    postings.iter().all(|posting| matches!(posting.state, State::Posted | State::Removed))
}

/// Once everything that is due was done.
pub async fn at_rest(road: &Road, path: &[Step]) {
    let postings = road.store.postings(None, ALL).await.unwrap();
    // Until somebody has the whole taken back.
    let for_a_click = postings.iter().filter(|posting| posting.error_code.as_deref() == Some("went-back"));
    let waits: Vec<String> = for_a_click.map(|reversal| rest_key(&reversal.key)).collect();
    for posting in &postings {
        assert_ne!(posting.state, State::Queued, "{path:?}: {posting:?}");
        let left_alone =
            posting.state != State::Pending || posting.error_code.as_deref() != Some("after-reversal");
        let forgotten = !left_alone && !waits.contains(&posting.key);
        assert!(!forgotten, "{path:?}: what stays of a refund is forgotten: {posting:?}");
    }
}

async fn sides(road: &Road, receipts: &[(String, String, String)]) -> Sides {
    let mut sides = Sides { connectors: ["matters".to_owned()].into(), ..Sides::default() };
    reconcile::ours(road, &mut sides).await.unwrap();
    for (key, amount, _) in receipts.iter().filter(|(key, ..)| key.starts_with("remitd-")) {
        sides.receipts.push(Receipt {
            connector: "matters".into(),
            key: key.clone(),
            statement: BILL.into(),
            amount_minor: minor(amount),
            currency: "USD".into(),
            external_ref: None,
        });
    }
    sides
}

/// Two states with the same digest go on the same way.
pub async fn digest(firm: &Firm, road: &Road, told: &[&Step]) -> String {
    let mut lines: Vec<String> = told.iter().map(|step| format!("{step:?}")).collect();
    lines.sort();
    for (payment, _) in road.store.payments_after(0, ALL).await.unwrap() {
        let (back, amount) = (payment.returned_minor, payment.amount_minor);
        lines.push(format!("{} {} {amount} {back}", payment.gateway_ref, payment.state));
    }
    let mut rows: Vec<String> = Vec::new();
    for request in requests(road).await {
        rows.push(format!(
            "{} {} {} {:?}",
            request.amount_minor, request.state, request.paid_minor, request.replaces
        ));
    }
    for posting in road.store.postings_after(0, ALL).await.unwrap() {
        let effect =
            road.store.effect(&format!("{}:{}", remitd_flow::effect::POST, posting.id)).await.unwrap();
        let effect = effect.map(|effect| (effect.state, effect.attempt.min(2)));
        rows.push(format!(
            "{} {} {} {} {:?} {effect:?}",
            posting.key, posting.amount_minor, posting.state, posting.statement, posting.error_code
        ));
    }
    let (receipts, total_minor) = bill(firm).await;
    rows.extend(receipts.into_iter().map(|(key, amount, _)| format!("{key} {amount}")));
    rows.sort();
    rows.push(total_minor.to_string());
    lines.extend(rows);
    lines.join("\n")
}
