//! `import`: a file through its importer, or the template for one.

use super::{Asked, bar, status, template};
use crate::cli::{self, DateOrder, DecimalMark, Import};
use crate::fault::{DONE, Fault};
use crate::wiring::{self, Need};
use crate::{codes, config, show};
use remitd_domain::draft::Finding;
use remitd_flow::intake::explain::{self, Reading};
use remitd_flow::intake::file::{self, File};
use remitd_flow::intake::progress::Progress;
use remitd_flow::intake::recognise::{self, BY_CONTENT, Guess};
use remitd_flow::intake::report::{Links, Report};
use remitd_flow::intake::{Conventions, Outcome};
use remitd_flow::{Policy, Release, Road};
use remitd_store::BatchState;
use serde::Serialize;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;

pub async fn run(asked: &Asked, import: &Import) -> Result<u8, Fault> {
    if let Some(template) = import.template {
        template::show(template, import.annotated)?;
        return Ok(DONE);
    }
    if let Some(path) = import.file.as_ref().filter(|_| import.explain) {
        return explain(asked, import, path).await;
    }
    let (Some(path), Some(account)) = (&import.file, &import.account) else {
        return Err(Fault::usage(
            "a file and --account are needed",
            "remitd import june.csv --account operating",
        ));
    };
    let wired = asked.open(Need::Plugins).await?;
    let road = &wired.road;
    let name = name_of(path);
    let conventions = conventions(import);
    let progress = Arc::<Progress>::default();
    let file = File {
        path,
        name: &name,
        account: road.account(account)?,
        importer: import.importer.as_deref().unwrap_or(BY_CONTENT),
        conventions: &conventions,
        policy: Policy {
            release: release(import.release),
            on_error: import.on_error,
            one_link: import.one_link,
            duplicates: import.duplicates,
        },
        source: "file",
        source_key: None,
        dry_run: import.dry_run,
        progress: &progress,
    };
    let outcome = read(asked, road, &file).await?;
    let report = Report::of_outcome(&outcome, &name, account).with_mends(codes::mend);
    if import.report {
        for (form, text) in report.forms()? {
            fs_err::write(path.with_file_name(format!("{name}.{form}")), text)?;
        }
    }
    if asked.json {
        show::json(&report)?;
    } else {
        show::text(&report.text())?;
        if let (Some(batch), cli::Release::Links, BatchState::Released) =
            (outcome.batch, import.release, outcome.state)
        {
            let mut links = Links::of(road, batch);
            while let Some(page) = links.next().await? {
                show::text(&page)?;
            }
        }
        if let (BatchState::Released, Some(batch), 1..) = (outcome.state, outcome.batch, outcome.held) {
            show::note(&format!(
                "  hint: mend the held rows with remitd batch edit {batch}, then remitd batch release {batch}"
            ));
        }
        if let (BatchState::Review, Some(batch)) = (outcome.state, outcome.batch) {
            show::note(&format!("  hint: remitd batch show {batch}, then remitd batch release {batch}"));
        }
    }
    Ok(status(outcome.is_clean()))
}

/// With a bar, where somebody watches.
async fn read(asked: &Asked, road: &Road, file: &File<'_>) -> Result<Outcome, Fault> {
    let reading = file::import(road, file);
    if asked.json || !std::io::stderr().is_terminal() {
        return Ok(reading.await?);
    }
    let bytes = fs_err::metadata(file.path)?.len();
    Ok(bar::shown(bytes, file.progress, reading).await?)
}

pub fn release(release: cli::Release) -> Release {
    match release {
        cli::Release::Send => Release::Send,
        cli::Release::Links => Release::Links,
        cli::Release::Review => Release::Review,
    }
}

/// How a file would be read.
#[derive(Serialize)]
struct Explained {
    guesses: Vec<Guess>,
    #[serde(flatten)]
    reading: Option<Reading>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why_not: Option<String>,
}

/// What every importer says of the file, and what the surest of them makes of it. Done when one reads it without a finding.
async fn explain(asked: &Asked, import: &Import, path: &Path) -> Result<u8, Fault> {
    let wired = asked.open(Need::Plugins).await?;
    let road = &wired.road;
    let name = name_of(path);
    let guesses = recognise::guesses(road, path, &name).await?;
    let chosen = match &import.importer {
        Some(importer) => Ok(importer.as_str()),
        None => recognise::surest(&guesses, &name),
    };
    let account = match &import.account {
        Some(account) => road.account(account)?,
        None => road.accounts.first().ok_or_else(|| Fault::usage("no account is configured", ""))?,
    };
    let (reading, why_not) = match chosen {
        Ok(importer) => {
            (Some(explain::read(road, importer, (path, &name), account, &conventions(import)).await?), None)
        }
        Err(error) => (None, Some(error.to_string())),
    };
    let clean = reading.as_ref().is_some_and(|reading| reading.wrong == 0);
    let explained = Explained { guesses, reading, why_not };
    if asked.json {
        show::json(&explained)?;
        return Ok(status(clean));
    }
    let row = |guess: &Guess| vec![guess.importer.clone(), format!("{} of 100", guess.sure)];
    show::table(&["importer", "sure"], explained.guesses.iter().map(row).collect())?;
    if let Some(reading) = &explained.reading {
        let mut text = vec![format!("{name} is read by \"{}\"", reading.importer)];
        text.extend(reading.said.iter().map(|line| format!("  {line}")));
        text.push(format!(
            "{} rows, {} of them with something wrong in their form",
            reading.rows, reading.wrong
        ));
        let told =
            |finding: &Finding| format!("  line {}, {}: {}", finding.line, finding.column, finding.message);
        text.extend(reading.findings.iter().map(told));
        show::text(&text.join("\n"))?;
    }
    if let Some(why_not) = &explained.why_not {
        show::note(why_not);
    }
    Ok(status(clean))
}

fn conventions(import: &Import) -> Conventions {
    let order = match import.date_order {
        DateOrder::Mdy => config::DateOrder::Mdy,
        DateOrder::Dmy => config::DateOrder::Dmy,
        DateOrder::Ymd => config::DateOrder::Ymd,
    };
    let mark = match import.decimal_mark {
        DecimalMark::Point => config::DecimalMark::Point,
        DecimalMark::Comma => config::DecimalMark::Comma,
    };
    wiring::conventions(order, mark)
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
