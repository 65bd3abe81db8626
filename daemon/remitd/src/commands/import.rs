//! `import`: a file through its importer, or the template for one.

use super::{Asked, status};
use crate::cli::{self, DateOrder, Import, Template};
use crate::fault::{DONE, Fault};
use crate::wiring::{self, Need};
use crate::{config, show};
use remitd_flow::intake::file::{self, File};
use remitd_flow::intake::report::{self, Report};
use remitd_flow::{Release, Road};
use remitd_store::BatchState;

const COLUMNS: [&str; 7] = [
    "Invoice Number",
    "Invoice Date",
    "Due Date",
    "Recipient Name",
    "Recipient Email",
    "Amount",
    "Custom Message",
];

pub async fn run(asked: &Asked, import: &Import) -> Result<u8, Fault> {
    if let Some(template) = import.template {
        let between = match template {
            Template::Csv => ",",
            Template::Txt => "\t",
        };
        show::text(&COLUMNS.join(between))?;
        return Ok(DONE);
    }
    let (Some(path), Some(account)) = (&import.file, &import.account) else {
        return Err(Fault::usage(
            "a file and --account are needed",
            "remitd import june.csv --account operating",
        ));
    };
    let wired = asked.open(Need::Plugins).await?;
    let road = &wired.road;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let order = match import.date_order {
        DateOrder::Mdy => config::DateOrder::Mdy,
        DateOrder::Dmy => config::DateOrder::Dmy,
        DateOrder::Ymd => config::DateOrder::Ymd,
    };
    let conventions = wiring::conventions(order, config::DecimalMark::Point);
    let importer = importer(road, import)?;
    let file = File {
        path,
        name: &name,
        account: road.account(account)?,
        importer: &importer,
        conventions: &conventions,
        release: release(import.release),
        source: "file",
        source_key: None,
        dry_run: import.dry_run,
    };
    let outcome = file::import(road, &file).await?;
    let report = Report::of_outcome(&outcome, &name, account);
    if asked.json {
        show::json(&report)?;
    } else {
        show::text(&report.text())?;
        if let (Some(batch), cli::Release::Links, BatchState::Released) =
            (outcome.batch, import.release, outcome.state)
        {
            show::text(&report::links(road, batch).await?)?;
        }
        if let (BatchState::Review, Some(batch)) = (outcome.state, outcome.batch) {
            show::note(&format!("  hint: remitd batch show {batch}, then remitd batch release {batch}"));
        }
    }
    Ok(status(outcome.is_clean()))
}

pub fn release(release: cli::Release) -> Release {
    match release {
        cli::Release::Send => Release::Send,
        cli::Release::Links => Release::Links,
        cli::Release::Review => Release::Review,
    }
}

fn importer(road: &Road, import: &Import) -> Result<String, Fault> {
    match &import.importer {
        Some(importer) => Ok(importer.clone()),
        None => road.plugins.now().importers.keys().next().cloned().ok_or_else(|| {
            Fault::usage("no importer is configured", "add [[plugin]] id = \"csv\", file = \"csv-importer\"")
        }),
    }
}
