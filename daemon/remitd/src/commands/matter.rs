//! `matter`: the matter database, searched, shown and pushed from.

use super::mapping::{self, LookAt};
use super::{Asked, prepare, search, status};
use crate::cli::{Ask, Matter};
use crate::config::Loaded;
use crate::fault::{DONE, Fault};
use crate::show;
use crate::views::amount;
use crate::wiring::{Need, Wired};
use remitd_domain::money::Money;
use remitd_flow::intake::basket::{self, Basket, Picked};
use remitd_flow::intake::push::{self, Pushed, Telling};
use remitd_flow::intake::report::Report;
use remitd_flow::intake::stale::Ended;
use remitd_flow::plugin::JobSpec;
use remitd_flow::plugin::connector::Statement;
use remitd_flow::trial::{self, Step, Verdict};
use remitd_flow::{FlowError, Release, Road};
use serde::Serialize;
use std::collections::BTreeSet;

pub async fn run(asked: &Asked, matter: Matter) -> Result<u8, Fault> {
    let wired = asked.open(Need::Plugins).await?;
    take(asked, &wired, matter).await.map_err(|fault| mapping::located(&wired.loaded, fault))
}

async fn take(asked: &Asked, wired: &Wired, matter: Matter) -> Result<u8, Fault> {
    match matter {
        Matter::Prepare(wanted) => {
            let connector = connector_id(&wired.road, wanted.connector.clone())?;
            prepare::run(asked, &wired.loaded, &connector, &wanted).await
        }
        Matter::Search(wanted) => {
            let connector = connector_id(&wired.road, wanted.connector.clone())?;
            search::run(asked, &wired.road, &connector, &wanted).await?;
            Ok(DONE)
        }
        Matter::Show { number, connector } => {
            let connector = connector_id(&wired.road, connector)?;
            statements(asked, &wired.road, &connector, &number).await?;
            Ok(DONE)
        }
        Matter::Ask(ask) => {
            let connector = connector_id(&wired.road, ask.connector.clone())?;
            let links = picked(&wired.road, &connector, &ask).await?;
            super::request::all_made(asked, &wired.road, &links)?;
            Ok(DONE)
        }
        Matter::Test { connector, write } => {
            let connector = connector_id(&wired.road, connector)?;
            test(asked, wired, &connector, write.as_deref()).await
        }
        Matter::Push { connector, dry_run } => push_all(asked, wired, connector.as_deref(), dry_run).await,
    }
}

fn connector_id(road: &Road, named: Option<String>) -> Result<String, Fault> {
    named.or_else(|| road.plugins.now().connectors.keys().next().cloned()).ok_or_else(|| {
        Fault::usage(
            "no connector is configured",
            "add [[plugin]] id = \"matters\", file = \"sql-connector\"",
        )
    })
}

#[derive(Serialize)]
struct StatementView {
    number: String,
    matter: String,
    client: String,
    client_name: String,
    due: Option<String>,
    total: String,
    open: String,
    currency: String,
    payers: Vec<crate::views::PayerView>,
}

impl From<Statement> for StatementView {
    fn from(statement: Statement) -> StatementView {
        let due = statement.due.map(|date| format!("{:04}-{:02}-{:02}", date.year, date.month, date.day));
        StatementView {
            number: statement.number,
            matter: statement.matter,
            client: statement.client,
            client_name: statement.client_name,
            due,
            total: amount(statement.total.amount_minor, &statement.total.currency),
            open: amount(statement.open.amount_minor, &statement.open.currency),
            currency: statement.open.currency,
            payers: statement
                .payers
                .into_iter()
                .map(|payer| crate::views::PayerView { name: payer.name, email: payer.email })
                .collect(),
        }
    }
}

async fn statements(asked: &Asked, road: &Road, connector: &str, number: &str) -> Result<(), Fault> {
    let job = JobSpec::new("matter show", "matter show");
    let found = road.connector(connector)?.open_statements(job, number.to_owned()).await;
    let found = found.map_err(|failure| FlowError::Plugin { plugin: connector.to_owned(), failure })?;
    let views: Vec<_> = found.into_iter().map(StatementView::from).collect();
    if asked.json { show::json(&views) } else { table(&views) }
}

fn table(views: &[StatementView]) -> Result<(), Fault> {
    let row = |s: &StatementView| {
        let payers: Vec<_> =
            s.payers.iter().map(|payer| format!("{} <{}>", payer.name, payer.email)).collect();
        vec![
            s.number.clone(),
            s.matter.clone(),
            s.client_name.clone(),
            s.due.clone().unwrap_or_default(),
            s.total.clone(),
            s.open.clone(),
            s.currency.clone(),
            if payers.is_empty() { "nobody".to_owned() } else { payers.join(", ") },
        ]
    };
    let heads = ["statement", "matter", "client", "due", "total", "open", "currency", "payer"];
    show::table(&heads, views.iter().map(row).collect())
}

async fn picked(road: &Road, connector: &str, ask: &Ask) -> Result<Vec<remitd_store::Request>, Fault> {
    let account = road.account(&ask.account)?;
    let parse = |option: &str, text: &str| {
        let amount = Money::parse(text.trim(), account.currency);
        let wrong = |error| Fault::usage(format!("{option} {text}: {error}"), format!("{option} 1234.50"));
        amount.map(Money::minor).map_err(wrong)
    };
    let pick = |text: &String| match text.rsplit_once('=') {
        None => Ok(Picked { statement: text.trim().to_owned(), amount_minor: None }),
        Some((statement, amount)) => Ok(Picked {
            statement: statement.trim().to_owned(),
            amount_minor: Some(parse("--statement NUMBER=", amount)?),
        }),
    };
    let picked = ask.statements.iter().map(pick).collect::<Result<Vec<_>, Fault>>()?;
    let basket = Basket {
        connector,
        matters: &ask.matters,
        picked: &picked,
        amount_minor: ask.amount.as_deref().map(|text| parse("--amount", text)).transpose()?,
        payer: ask.name.as_deref().zip(ask.email.as_deref()),
        message: &ask.message,
    };
    let release = if ask.no_mail { Release::Links } else { Release::Send };
    Ok(basket::ask(road, account, &basket, release).await?)
}

#[derive(Serialize)]
struct StepView {
    #[serde(flatten)]
    step: Step,
    /// Of what is not as it should be: where its statement stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
}

#[derive(Serialize)]
struct TrialView {
    connector: String,
    steps: Vec<StepView>,
    /// The first of the open statements, as they were read.
    statements: Vec<StatementView>,
}

async fn test(asked: &Asked, wired: &Wired, connector: &str, write: Option<&str>) -> Result<u8, Fault> {
    let trial = trial::run(&wired.road, connector, write).await?;
    let clean = trial.is_clean();
    let placed = |step: Step| {
        let wrong = matches!(step.verdict, Verdict::Odd | Verdict::Failed);
        let place = wrong.then(|| mapping::of_step(&wired.loaded, connector, &step)).flatten();
        StepView { step, place }
    };
    let steps: Vec<_> = trial.steps.into_iter().map(placed).collect();
    let statements: Vec<_> = trial.statements.into_iter().map(StatementView::from).collect();
    if asked.json {
        show::json(&TrialView { connector: connector.to_owned(), steps, statements })?;
        return Ok(status(clean));
    }
    let row = |StepView { step, place }: &StepView| {
        let place = place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
        vec![step.step.clone(), step.verdict.name().to_owned(), format!("{}{place}", step.says)]
    };
    show::table(&["step", "", "what it gives"], steps.iter().map(row).collect())?;
    if !statements.is_empty() {
        show::text("")?;
        table(&statements)?;
    }
    Ok(status(clean))
}

#[derive(Serialize)]
struct PushView {
    connector: String,
    #[serde(flatten)]
    report: Report,
    ended: Vec<Ended>,
    /// Of a dry run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    wanted: Vec<push::Wanted>,
    skipped: Vec<SkippedView>,
}

#[derive(Serialize)]
struct SkippedView {
    #[serde(flatten)]
    skipped: push::Skipped,
    /// Where the mapping may be wrong.
    #[serde(flatten)]
    look_at: Option<LookAt>,
}

impl PushView {
    fn of(loaded: &Loaded, push: &push::Push, pushed: Pushed) -> PushView {
        let Pushed { outcome, ended, wanted, skipped } = pushed;
        let connector = push.connector.clone();
        let report = Report::of_outcome(&outcome, &format!("push {connector}"), &push.account);
        let view = |skipped: push::Skipped| {
            let look_at = mapping::of_rule(loaded, &connector, skipped.rule);
            SkippedView { skipped, look_at }
        };
        let skipped = skipped.into_iter().map(view).collect();
        PushView { connector, report, ended, wanted, skipped }
    }

    fn tell(&self) -> Result<(), Fault> {
        show::text(&self.report.text())?;
        let row = |ended: &Ended| {
            let new = ended.replaced_by.map(|new| format!("request {new}")).unwrap_or_default();
            vec![ended.request.to_string(), ended.statement.clone(), ended.why.clone(), new]
        };
        if !self.ended.is_empty() {
            let heads = ["link ended", "statement", "why", "replaced by"];
            show::table(&heads, self.ended.iter().map(row).collect())?;
        }
        let row = |one: &push::Wanted| {
            let rules = if one.rules.is_empty() { "no rule is set".to_owned() } else { one.rules.join(", ") };
            vec![one.statement.clone(), one.amount.clone(), one.payer.clone(), rules]
        };
        if !self.wanted.is_empty() {
            let heads = ["would be asked for", "amount", "of", "allowed by"];
            show::table(&heads, self.wanted.iter().map(row).collect())?;
        }
        let row = |SkippedView { skipped, .. }: &SkippedView| {
            vec![skipped.statement.clone(), skipped.rule.to_owned(), skipped.why.to_string()]
        };
        if !self.skipped.is_empty() {
            show::table(&["left out", "by", "why"], self.skipped.iter().map(row).collect())?;
        }
        let hints = self.skipped.iter().filter_map(|SkippedView { skipped, look_at }| {
            let LookAt { look_at, place } = look_at.as_ref()?;
            Some(format!(
                "  hint: by {}: does the mapping say it as it is? {look_at} ({place})",
                skipped.rule
            ))
        });
        // Once, however many there are.
        hints.collect::<BTreeSet<_>>().iter().for_each(|hint| show::note(hint));
        Ok(())
    }
}

async fn push_all(asked: &Asked, wired: &Wired, connector: Option<&str>, dry_run: bool) -> Result<u8, Fault> {
    let wanted: Vec<_> = wired
        .pushes
        .iter()
        .map(|(push, _)| push)
        .filter(|push| connector.is_none_or(|connector| push.connector == connector))
        .collect();
    if wanted.is_empty() {
        return Err(Fault::usage(
            "no [[push]] is configured for this",
            "add [[push]] connector = …, account = …",
        ));
    }
    let telling = if dry_run { Telling::Dry } else { Telling::LeftOut };
    let mut views = Vec::new();
    for rules in wanted {
        let pushed = push::push(&wired.road, rules, telling).await?;
        views.push(PushView::of(&wired.loaded, rules, pushed));
    }
    let clean = views.iter().all(|view| view.report.errors.is_empty());
    if asked.json {
        show::json(&views)?;
    } else {
        views.iter().try_for_each(PushView::tell)?;
    }
    Ok(status(clean))
}
