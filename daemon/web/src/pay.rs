//! The payer's page: what is owed for what, one button; and what it says when there is nothing to pay any more.

use crate::Site;
use crate::render::{Notice, amount_in_words};
use axum::extract::{Form, FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use chrono::NaiveDate;
use remitd_domain::money::{Currency, Money};
use remitd_flow::collect::{Begun, Page, Standing, page};
use remitd_flow::{FlowError, run};
use serde::Deserialize;
use std::convert::Infallible;

/// What stands where a token is due. What is not even text is none of ours, and its answer is that of any other such.
pub(crate) struct Token(String);

impl<S: Send + Sync> FromRequestParts<S> for Token {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Token, Infallible> {
        let read = Path::<String>::from_request_parts(parts, state).await;
        Ok(Token(read.map(|Path(token)| token).unwrap_or_default()))
    }
}

#[derive(Deserialize)]
pub(crate) struct PayForm {
    /// Where the account lets the payer choose.
    amount: Option<String>,
}

pub(crate) async fn show(State(site): State<Site>, Token(token): Token) -> Response {
    match page(&site.road, &token).await {
        Ok(Some(found)) if found.standing == Standing::Payable => payable(&site, &token, &found, None),
        Ok(Some(found)) => site.notice(Notice::of(found.standing)),
        Ok(None) => site.notice(Notice::Unknown),
        Err(error) => trouble(&site, &error),
    }
}

/// Where the gateway sends the payer back to. The gateway's own message may come later than the payer.
pub(crate) async fn done(State(site): State<Site>, Token(token): Token) -> Response {
    match page(&site.road, &token).await {
        Ok(Some(found)) => match found.standing {
            Standing::Used => site.notice(Notice::Thanks),
            Standing::Payable => site.notice(Notice::Awaited),
            Standing::Processing => site.notice(Notice::Processing),
            other => site.notice(Notice::of(other)),
        },
        Ok(None) => site.notice(Notice::Unknown),
        Err(error) => trouble(&site, &error),
    }
}

pub(crate) async fn begin(
    State(site): State<Site>,
    Token(token): Token,
    Form(form): Form<PayForm>,
) -> Response {
    let found = match page(&site.road, &token).await {
        Ok(Some(found)) => found,
        Ok(None) => return site.notice(Notice::Unknown),
        Err(error) => return trouble(&site, &error),
    };
    let amount = match form.amount.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => match typed_amount(text, found.account.currency) {
            Ok(amount) => Some(amount.minor()),
            Err(why) => return payable(&site, &token, &found, Some(&why)),
        },
    };
    match run::pay(&site.road, &token, amount).await {
        Ok(Begun::At(url)) => Redirect::to(&url).into_response(),
        Ok(Begun::Not(standing)) => site.notice(Notice::of(standing)),
        Ok(Begun::NotYet) => site.notice(Notice::Moment),
        Ok(Begun::Refused) => site.notice(Notice::Refused),
        Ok(Begun::BadAmount(why)) => payable(&site, &token, &found, Some(&why)),
        Ok(Begun::Unknown) => site.notice(Notice::Unknown),
        Err(error) => trouble(&site, &error),
    }
}

/// `1,234.50` as a payer types it; a comma only as a separator of thousands.
fn typed_amount(text: &str, currency: Currency) -> Result<Money, String> {
    let plain: String = text.chars().filter(|c| *c != ',' && *c != ' ' && *c != '$').collect();
    Money::parse(&plain, currency).map_err(|error| error.to_string())
}

fn payable(site: &Site, token: &str, found: &Page<'_>, fault: Option<&str>) -> Response {
    let request = &found.request;
    let left = Money::from_minor(request.amount_minor - request.paid_minor, found.account.currency);
    let long_date = |date: NaiveDate| date.format("%B %-d, %Y").to_string();
    let lines: Vec<_> = found
        .lines
        .iter()
        .map(|line| {
            minijinja::context! {
                invoice => &line.invoice, matter => &line.matter, due => line.due_date.map(long_date),
                amount => Money::from_minor(line.amount_minor, found.account.currency).grouped(),
            }
        })
        .collect();
    let values = minijinja::context! {
        lines,
        action => format!("/p/{token}/pay"),
        amount => left.grouped(),
        amount_words => amount_in_words(left),
        plain_amount => left.to_string(),
        partial => found.account.partial,
        fault,
        payer => &request.payer_name,
        invoice => &request.invoice,
        matter => &request.matter,
        due => request.due_date.map(long_date),
        message => &request.message,
        replaces => request.replaces.is_some(),
        account => &found.account.name,
    };
    let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    site.page("pay.html", values, status)
}

pub(crate) async fn style(State(site): State<Site>) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "max-age=3600")];
    (kind, site.pages.style.clone()).into_response()
}

pub(crate) async fn missing(State(site): State<Site>) -> Response {
    site.notice(Notice::Unknown)
}

fn trouble(site: &Site, error: &FlowError) -> Response {
    tracing::error!(%error, code = error.code(), "a pay page could not be answered");
    site.notice(Notice::Trouble)
}

impl Site {
    fn notice(&self, notice: Notice) -> Response {
        let (title, text) = notice.words();
        self.page(
            "notice.html",
            minijinja::context! { title, text, again => notice.looks_again() },
            notice.status(),
        )
    }

    fn page(&self, name: &str, values: minijinja::Value, status: StatusCode) -> Response {
        match self.pages.render(name, &values) {
            Ok(text) => (status, Html(text)).into_response(),
            Err(error) => {
                tracing::error!(page = name, %error, "a page could not be made");
                (StatusCode::INTERNAL_SERVER_ERROR, "This page could not be made. Please try again later.")
                    .into_response()
            }
        }
    }
}
