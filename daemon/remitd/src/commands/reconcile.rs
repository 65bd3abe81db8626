//! `reconcile`: gateway, remitd and matter software side by side, then each difference with its likely cause and what to do.

use super::Asked;
use crate::fault::{COULD_NOT, DONE, FINDINGS, Fault};
use crate::show;
use crate::views::{amount, instant};
use crate::wiring::Need;
use remitd_domain::money::Money;
use remitd_domain::reconcile::{Side, Sum};
use remitd_flow::reconcile::{Reconciliation, Told, Unread, reconcile};
use serde::Serialize;

/// Says of an entry of `could_not` what it is.
const UNCOMPARED: &str = "REMIT-0299";

#[derive(Serialize)]
struct View {
    at: String,
    balanced: bool,
    sides: Vec<SideView>,
    differences: Vec<DifferenceView>,
    could_not: Vec<UnreadView>,
    gateways: Vec<GatewayView>,
    /// Payments from before what their gateway still tells.
    too_old: u64,
    on_the_way: u64,
}

/// One line of the comparison.
#[derive(Serialize)]
struct SideView {
    /// `gateway`, `payments`, `posted`, `waiting`, `by-hand` or `matter`.
    side: &'static str,
    /// Of the gateway or the connector.
    name: String,
    count: u64,
    came: String,
    back: String,
    stays: String,
    currency: String,
}

#[derive(Serialize)]
struct DifferenceView {
    #[serde(flatten)]
    told: Told,
    amount: String,
}

#[derive(Serialize)]
struct UnreadView {
    side: &'static str,
    name: String,
    code: &'static str,
    /// The plugin's own.
    failure: String,
    why: String,
    mend: String,
}

#[derive(Serialize)]
struct GatewayView {
    gateway: String,
    tells_since: Option<String>,
}

pub async fn run(asked: &Asked) -> Result<u8, Fault> {
    let wired = asked.open(Need::Plugins).await?;
    let road = &wired.road;
    let found = reconcile(road).await?;
    let mut tx = road.store.begin().await?;
    found.keep(&mut tx, "cli").await?;
    tx.commit().await?;
    if asked.json {
        show::json(&view(&found))?;
    } else {
        tell(&found)?;
    }
    Ok(match (found.unread.is_empty(), found.differences.is_empty()) {
        (false, _) => COULD_NOT,
        (true, false) => FINDINGS,
        (true, true) => DONE,
    })
}

fn view(found: &Reconciliation) -> View {
    View {
        at: instant(found.at_ms),
        balanced: found.is_balanced(),
        sides: found.sums.iter().map(side).collect(),
        differences: found
            .differences
            .iter()
            .map(|told| DifferenceView {
                amount: amount(told.amount_minor, &told.currency),
                told: told.clone(),
            })
            .collect(),
        could_not: found.unread.iter().map(unread).collect(),
        gateways: found
            .since
            .iter()
            .map(|(gateway, since_ms)| GatewayView {
                gateway: gateway.clone(),
                tells_since: since_ms.map(instant),
            })
            .collect(),
        too_old: found.too_old,
        on_the_way: found.moving,
    }
}

fn side(sum: &Sum) -> SideView {
    let (side, name) = match &sum.side {
        Side::Gateway(name) => ("gateway", name.as_str()),
        Side::Payments(name) => ("payments", name.as_str()),
        Side::Posted(name) => ("posted", name.as_str()),
        Side::Waiting => ("waiting", ""),
        Side::ByHand => ("by-hand", ""),
        Side::Matter(name) => ("matter", name.as_str()),
    };
    let digits = |minor| amount(minor, &sum.currency);
    SideView {
        side,
        name: name.to_owned(),
        count: sum.count,
        came: digits(sum.came_minor),
        back: digits(sum.back_minor),
        stays: digits(sum.came_minor.saturating_sub(sum.back_minor)),
        currency: sum.currency.clone(),
    }
}

fn unread(unread: &Unread) -> UnreadView {
    let mend = match unread.failure.code.as_str() {
        "not-configured" => "set `receipts` in the connector's settings: config/presets has examples",
        "no-receipts" => {
            "install a version of the connector that exports `receipts`, or compare this side by hand"
        }
        "tells-nothing" => {
            "look for the payments on the provider's own page, and at the settings and secrets of the plugin"
        }
        "grant-missing" => "grant it what the message names, in [plugin.grants]",
        _ => "see to what the message says, and reconcile again",
    };
    UnreadView {
        side: unread.side,
        name: unread.name.clone(),
        code: UNCOMPARED,
        failure: unread.failure.code.clone(),
        why: unread.failure.message.clone(),
        mend: mend.to_owned(),
    }
}

fn tell(found: &Reconciliation) -> Result<(), Fault> {
    if found.sums.is_empty() {
        show::text("no payment yet, on any side")?;
    } else {
        show::figures(&["", "how many", "came in", "went back", "stays", ""], 1, lines(found))?;
    }
    for told in &found.differences {
        show::text(&format!(
            "\n{} {}\n  cause: {}\n  mend:  {}",
            told.code, told.says, told.cause, told.mend
        ))?;
    }
    for view in found.unread.iter().map(unread) {
        show::text(&format!("\n{} could not be compared: {}\n  mend:  {}", view.name, view.why, view.mend))?;
    }
    show::text(&format!("\n{}", verdict(found)))
}

/// `1,234.56`, without the currency that stands at the line's end.
fn digits(minor: i64, currency: &str) -> String {
    let shown = currency.parse().map(|currency| Money::from_minor(minor, currency).grouped());
    shown.map_or_else(|_| minor.to_string(), |text| text.trim_end_matches(currency).trim_end().to_owned())
}

fn lines(found: &Reconciliation) -> Vec<Vec<String>> {
    let row = |sum: &Sum| {
        let name = match &sum.side {
            Side::Gateway(name) => format!("gateway {name}"),
            Side::Payments(name) => format!("remitd, paid at {name}"),
            Side::Posted(name) => format!("remitd, posted to {name}"),
            Side::Waiting => "remitd, not posted yet".to_owned(),
            Side::ByHand => "remitd, left to a person".to_owned(),
            Side::Matter(name) => format!("matter software {name}"),
        };
        let stays_minor = sum.came_minor.saturating_sub(sum.back_minor);
        let [came, back, stays] =
            [sum.came_minor, sum.back_minor, stays_minor].map(|minor| digits(minor, &sum.currency));
        vec![name, sum.count.to_string(), came, back, stays, sum.currency.clone()]
    };
    found.sums.iter().map(row).collect()
}

fn verdict(found: &Reconciliation) -> String {
    let count = |number: u64, one: &str, several: &str| match number {
        1 => format!("1 {one}"),
        number => format!("{number} {several}"),
    };
    let number = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    let mut parts = Vec::new();
    match number(found.differences.len()) {
        0 if found.unread.is_empty() => parts.push("no difference".to_owned()),
        0 => parts.push("no difference in what could be compared".to_owned()),
        differences => parts.push(count(differences, "difference", "differences")),
    }
    if !found.unread.is_empty() {
        parts.push(format!("{} could not be compared", count(number(found.unread.len()), "side", "sides")));
    }
    if found.moving > 0 {
        parts.push(format!("{} on the way just now", found.moving));
    }
    if found.too_old > 0 {
        parts.push(format!(
            "{} older than what the gateway still tells",
            count(found.too_old, "payment is", "payments are")
        ));
    }
    parts.join("; ")
}
