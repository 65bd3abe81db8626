//! `import`: a file through its importer, or the template for one.

use super::{Asked, status, template};
use crate::cli::{self, DateOrder, Import};
use crate::fault::{DONE, Fault};
use crate::wiring::{self, Need};
use crate::{codes, config, show};
use remitd_flow::intake::file::{self, File};
use remitd_flow::intake::recognise::{self, BY_CONTENT, Guess};
use remitd_flow::intake::report::{self, Report};
use remitd_flow::{Policy, Release};
use remitd_store::BatchState;
use std::path::Path;

pub async fn run(asked: &Asked, import: &Import) -> Result<u8, Fault> {
    if let Some(template) = import.template {
        template::show(template, import.annotated)?;
        return Ok(DONE);
    }
    if let Some(path) = import.file.as_ref().filter(|_| import.explain) {
        return explain(asked, path).await;
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
    let order = match import.date_order {
        DateOrder::Mdy => config::DateOrder::Mdy,
        DateOrder::Dmy => config::DateOrder::Dmy,
        DateOrder::Ymd => config::DateOrder::Ymd,
    };
    let conventions = wiring::conventions(order, config::DecimalMark::Point);
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
    };
    let outcome = file::import(road, &file).await?;
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
            show::text(&report::links(road, batch).await?)?;
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

pub fn release(release: cli::Release) -> Release {
    match release {
        cli::Release::Send => Release::Send,
        cli::Release::Links => Release::Links,
        cli::Release::Review => Release::Review,
    }
}

/// What every importer says of the file; done when one of them is surest.
async fn explain(asked: &Asked, path: &Path) -> Result<u8, Fault> {
    let wired = asked.open(Need::Plugins).await?;
    let name = name_of(path);
    let guesses = recognise::guesses(&wired.road, path, &name).await?;
    if asked.json {
        show::json(&guesses)?;
    } else {
        let row = |guess: &Guess| vec![guess.importer.clone(), format!("{} of 100", guess.sure)];
        show::table(&["importer", "sure"], guesses.iter().map(row).collect())?;
    }
    match recognise::surest(&guesses, &name) {
        Ok(importer) => show::note(&format!("{name} is read by \"{importer}\"")),
        Err(error) => {
            show::note(&error.to_string());
            return Ok(status(false));
        }
    }
    Ok(DONE)
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
