//! Importers: a file in pieces, its drafts and findings in batches. Owns the usual calls of this kind and the list of its cases.

mod odd;
mod reading;
mod recognising;
mod rows;
mod source;
mod whole;

use crate::act::{Act, said};
use crate::bench::Bench;
use crate::case::{Case, Ended};
use reading::{Cut, read};
use remitd_flow::plugin::Conventions;

pub(crate) fn cases() -> Vec<Case> {
    [recognising::CASES, whole::CASES, source::CASES, odd::CASES, rows::CASES].concat()
}

/// How the firm writes things, as the fixture has it.
pub(crate) fn conventions(bench: &Bench, file_name: &str) -> Conventions {
    let part = &bench.fixture.importer;
    let or = |given: &Option<String>, usual: &str| given.clone().unwrap_or_else(|| usual.to_owned());
    Conventions {
        currency: or(&part.currency, "USD"),
        exponent: 2,
        date_order: or(&part.date_order, "mdy"),
        decimal_mark: or(&part.decimal_mark, "."),
        file_name: file_name.to_owned(),
    }
}

const HEAD_BYTES: usize = 4 << 10;

pub(crate) async fn acts(bench: &Bench) -> Result<Vec<Act>, Ended> {
    let mut acts = Vec::new();
    for sample in &bench.fixture.importer.samples {
        let bytes = bench.fixture.file(&sample.file).to_vec();
        acts.extend(acts_on(bench, &sample.file, bytes));
    }
    Ok(acts)
}

/// Recognises and reads one file.
fn acts_on(bench: &Bench, file: &str, bytes: Vec<u8>) -> [Act; 2] {
    let conventions = conventions(bench, file);
    let head: Vec<u8> = bytes.iter().take(HEAD_BYTES).copied().collect();
    let name = file.to_owned();
    let recognise = Act::new(format!("recognise {}", crate::case::cut(file)), move |world, _job| {
        let (name, head) = (name.clone(), head.clone());
        Box::pin(async move { said(world.importer()?.recognise(name, head).await) })
    });
    let reading = Act::new(format!("read {}", crate::case::cut(file)), move |world, job| {
        let (bytes, conventions) = (bytes.clone(), conventions.clone());
        Box::pin(async move {
            let read = read(world, job, bytes, Cut::Whole, conventions).await?;
            said(read.rows.clone().map(|_| read))
        })
    });
    [recognise, reading]
}

/// A file that is nothing but the text, a file of that name, and the text in every cell of a sample.
pub(crate) async fn hostile(bench: &Bench, text: &str) -> Result<Vec<Act>, Ended> {
    let mut acts = Vec::new();
    acts.extend(acts_on(bench, "odd.csv", text.as_bytes().to_vec()));
    acts.extend(acts_on(bench, text, text.as_bytes().to_vec()));
    if let Some(sample) = bench.fixture.importer.samples.first() {
        let bytes = bench.fixture.file(&sample.file);
        acts.extend(acts_on(bench, &sample.file, [bytes, text.as_bytes()].concat()));
    }
    Ok(acts)
}
