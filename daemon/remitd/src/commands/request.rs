//! `request`: quick links, and what becomes of every link.

use super::Asked;
use crate::cli::{Create, Request};
use crate::fault::{DONE, Fault};
use crate::show;
use crate::views::{EventView, LineView, PaymentView, RequestView};
use crate::wiring::Need;
use remitd_domain::draft::Draft;
use remitd_domain::money::Money;
use remitd_flow::intake::quick;
use remitd_flow::{FlowError, Release, Road, deliver, request};
use remitd_store::{Filter, Sort};
use serde::Serialize;

pub async fn run(asked: &Asked, command: Request) -> Result<u8, Fault> {
    let need = match &command {
        // The matter software is asked whose money it is.
        Request::Create(create) if !create.matter.is_empty() && !create.invoice.is_empty() => Need::Plugins,
        _ => Need::Store,
    };
    let wired = asked.open(need).await?;
    let road = &wired.road;
    match command {
        Request::Create(create) => made(asked, road, &create_one(road, &create).await?)?,
        Request::List { state, sort, limit } => {
            list(asked, road, state.as_deref(), sort.as_deref(), limit).await?
        }
        Request::Show { id } => shown(asked, road, id).await?,
        Request::Cancel { id, why } => made(asked, road, &request::cancel(road, id, "cli", &why).await?)?,
        Request::Remainder { id, no_mail } => {
            made(asked, road, &quick::remainder(road, id, release(no_mail)).await?)?
        }
        Request::Resend { id } => {
            let messages = road.store.messages_of(id).await?;
            let message = messages.iter().find(|message| message.purpose == "request").ok_or_else(|| {
                Fault::usage(
                    format!("request {id} has no message that could be sent again"),
                    "remitd mail list",
                )
            })?;
            deliver::resend(road, message.id).await?;
            shown(asked, road, id).await?;
        }
    }
    Ok(DONE)
}

fn release(no_mail: bool) -> Release {
    if no_mail { Release::Links } else { Release::Send }
}

async fn create_one(road: &Road, create: &Create) -> Result<remitd_store::Request, Fault> {
    let account = road.account(&create.account)?;
    let amount = Money::parse(&create.amount, account.currency)
        .map_err(|error| Fault::usage(format!("--amount {}: {error}", create.amount), "--amount 1234.50"))?;
    let draft = Draft {
        amount_minor: amount.minor(),
        due_date: create.due,
        invoice: create.invoice.clone(),
        payer_name: create.name.clone(),
        payer_email: create.email.clone(),
        message: create.message.clone(),
        client: create.client.clone(),
        matter: create.matter.clone(),
        ..Draft::default()
    };
    Ok(quick::create(road, account, draft, release(create.no_mail)).await?)
}

/// A request that a command made or changed: its link for people, all of it for programs.
pub fn made(asked: &Asked, road: &Road, request: &remitd_store::Request) -> Result<(), Fault> {
    let view = RequestView::of(road, request)?;
    if asked.json { show::json(&view) } else { told(&view) }
}

/// Those that one order made.
pub fn all_made(asked: &Asked, road: &Road, requests: &[remitd_store::Request]) -> Result<(), Fault> {
    let views =
        requests.iter().map(|request| RequestView::of(road, request)).collect::<Result<Vec<_>, _>>()?;
    if asked.json { show::json(&views) } else { views.iter().try_for_each(told) }
}

fn told(view: &RequestView) -> Result<(), Fault> {
    show::note(&format!(
        "request {}: {} {} from {}, {}",
        view.number, view.amount, view.currency, view.payer.name, view.state
    ));
    show::text(&view.link)
}

async fn list(
    asked: &Asked,
    road: &Road,
    state: Option<&str>,
    sort: Option<&str>,
    limit: Option<i64>,
) -> Result<(), Fault> {
    let state = match state {
        None => None,
        Some(text) => Some(
            text.parse()
                .map_err(|error: remitd_domain::request::UnknownState| Fault::usage(error.to_string(), ""))?,
        ),
    };
    let sort = match sort {
        None => Sort::default(),
        Some(text) => {
            Sort::NAMES.iter().find(|(_, name)| *name == text).map(|(sort, _)| *sort).ok_or_else(|| {
                Fault::usage(format!("cannot sort by \"{text}\""), "number, amount, due, payer, created")
            })?
        }
    };
    let found = road.store.requests(&Filter { state, sort, limit, ..Filter::default() }).await?;
    let views = found.iter().map(|request| RequestView::of(road, request)).collect::<Result<Vec<_>, _>>()?;
    if asked.json {
        return show::json(&views);
    }
    show::table(&RequestView::HEADS, views.iter().map(RequestView::row).collect())
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    request: RequestView,
    message: String,
    remainder_of: Option<i64>,
    /// The link whose place it took.
    replaces: Option<i64>,
    /// The rows that the link gathers.
    lines: Vec<LineView>,
    payments: Vec<PaymentView>,
    events: Vec<EventView>,
}

async fn shown(asked: &Asked, road: &Road, id: i64) -> Result<(), Fault> {
    let found = road.store.request(id).await?.ok_or_else(|| FlowError::Refused {
        code: "REMIT-0401",
        message: format!("there is no request {id}"),
    })?;
    let request = RequestView::of(road, &found)?;
    let payments = road.store.payments_of(id).await?.iter().map(PaymentView::from).collect();
    let events = road.store.events_of_request(id).await?.iter().map(EventView::from).collect();
    let lines = road.store.request_lines(&found).await?;
    let lines = lines.iter().map(|line| LineView::of(line, &found.currency)).collect();
    let (message, remainder_of, replaces) = (found.message, found.remainder_of, found.replaces);
    let shown = Shown { request, message, remainder_of, replaces, lines, payments, events };
    if asked.json {
        return show::json(&shown);
    }
    show::table(&RequestView::HEADS, vec![shown.request.row()])?;
    if !shown.lines.is_empty() {
        show::table(&LineView::HEADS, shown.lines.iter().map(LineView::row).collect())?;
    }
    show::text(&format!("\n{}\n", shown.request.link))?;
    let row = |event: &EventView| {
        vec![event.at.clone(), event.what.clone(), event.actor.clone(), event.detail.clone()]
    };
    show::table(&["when", "what", "who", "detail"], shown.events.iter().map(row).collect())
}
