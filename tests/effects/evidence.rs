//! What a firm, its payers and its provider find in the end, in lines that do not depend on chance: no ids that are random,
//! no times. Two runs that did the same outside give the same lines.

use crate::firm::{Firm, Outside};
use remitd_flow::Road;
use remitd_store::Filter;
use sqlx::{Connection, Row, SqliteConnection};

const ALL: i64 = 1_000;

impl Firm {
    pub async fn evidence(&self, road: &Road) -> Vec<String> {
        let mut lines = vec![format!("{:?}", road.store.books().await.unwrap())];
        self.rows(road, &mut lines).await;
        self.mails(&mut lines);
        self.receipts(&mut lines).await;
        let totals = self.provider.get("/v1/test/totals").await;
        let (opened, cancelled) = (self.provider.entries("opened"), self.provider.entries("cancelled"));
        lines.push(format!("the provider opened {opened}, cancelled {cancelled}, took {totals}"));
        lines
    }

    async fn rows(&self, road: &Road, lines: &mut Vec<String>) {
        let store = &road.store;
        for request in store.requests(&Filter::default()).await.unwrap() {
            let (id, state) = (request.id, request.state);
            lines.push(format!("request {id} {} {state}, paid {}", request.invoice, request.paid_minor));
            for payment in store.payments_of(id).await.unwrap() {
                lines.push(format!(
                    "  payment of {} {} {}",
                    payment.amount_minor, payment.method, payment.state
                ));
            }
            for message in store.messages_of(id).await.unwrap() {
                lines.push(format!("  {} to {} {}", message.purpose, message.recipient, message.state));
            }
            let mut events: Vec<_> =
                store.events_of_request(id).await.unwrap().into_iter().map(|event| event.what).collect();
            events.sort();
            lines.push(format!("  {}", events.join(", ")));
        }
        let mut id = 1;
        while let Some(checkout) = store.checkout(id).await.unwrap() {
            lines.push(format!("checkout {id} of {} {:?}", checkout.request_id, checkout.state));
            id += 1;
        }
        for posting in store.postings(None, ALL).await.unwrap() {
            let (state, receipt) = (posting.state, posting.external_ref);
            let reverses = posting.reverses;
            lines.push(format!(
                "posting {} {state} as {receipt:?}, reverses {reverses:?}",
                posting.amount_minor
            ));
        }
        let last = store.last_reconciliation().await.unwrap();
        lines.push(format!("reconciled: {:?}", last.map(|last| (last.differences, last.unread))));
        for effect in store.effect_summary().await.unwrap() {
            lines.push(format!("{} {} {}", effect.count, effect.kind, effect.state));
        }
    }

    /// Files of the mail folder, with nothing half written between them.
    fn mails(&self, lines: &mut Vec<String>) {
        let files = fs_err::read_dir(self.path(Outside::MailFolder)).unwrap().map(Result::unwrap);
        let mut subjects: Vec<String> = files
            .map(|file| {
                assert!(
                    file.path().extension().is_some_and(|end| end == "eml"),
                    "{:?} was left",
                    file.path()
                );
                let text = fs_err::read_to_string(file.path()).unwrap();
                text.lines().filter(|line| line.starts_with("Subject:") || line.starts_with("To:")).collect()
            })
            .collect();
        subjects.sort();
        lines.extend(subjects);
    }

    async fn receipts(&self, lines: &mut Vec<String>) {
        let mut matters = SqliteConnection::connect(&self.matters_url()).await.unwrap();
        let sql = "SELECT bill, CAST(amount AS TEXT), method, drawn_by FROM receipt ORDER BY id";
        for row in sqlx::query(sql).fetch_all(&mut matters).await.unwrap() {
            let columns: Vec<String> = (0..4).map(|at| row.get(at)).collect();
            lines.push(format!("receipt {}", columns.join(", ")));
        }
        matters.close().await.unwrap();
    }
}
