//! The CSV importer over 200,000 rows: in the sandbox, its batches checked and drained as the daemon does, against the same
//! code compiled for this machine.

use crate::files::csv;
use crate::sandbox::{self, host, runtime};
use crate::{least, now, ratio};
use csv_importer::CsvImporter;
use remitd_flow::plugin::{Conventions, Delivered, Importer, JobSpec};
use remitd_plugin_sdk::importer as sdk;
use remitd_plugin_sdk::importer::Importer as _;
use std::io::{Cursor, Read};
use std::sync::Arc;

const ROWS: usize = 200_000;
const RUNS: usize = 5;
/// As the daemon's own.
const BATCHES_WAITING: usize = 1;

pub fn run() {
    let file = csv(ROWS).into_bytes();
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path(), 2);
    let importer = Importer::new(Arc::clone(&host), sandbox::csv(&host)).unwrap();
    let runtime = runtime();
    let ours = least(RUNS, || runtime.block_on(sandboxed(&importer, file.clone(), ROWS)));
    let opponent = least(RUNS, || native(&file));
    ratio("importer, 200,000 rows, sandboxed / native", ours, opponent, 1.0 / 1.3);
}

/// Seconds that a component takes, its batches drained as the daemon does.
pub async fn sandboxed(importer: &Importer, file: Vec<u8>, expect: usize) -> f64 {
    let conventions = Conventions {
        currency: "USD".into(),
        exponent: 2,
        date_order: "mdy".into(),
        decimal_mark: ".".into(),
        file_name: "big.csv".into(),
    };
    let began = now();
    let (out, mut found) = tokio::sync::mpsc::channel(BATCHES_WAITING);
    let reading =
        importer.read(JobSpec::new("bench", "bench"), Box::new(Cursor::new(file)), out, conventions);
    let taking = async {
        let mut rows = 0;
        while let Some(delivered) = found.recv().await {
            match delivered {
                Delivered::Drafts(drafts) => rows += drafts.len(),
                Delivered::Findings(findings) => panic!("{findings:?}"),
            }
        }
        rows
    };
    let (seen, taken) = tokio::join!(reading, taking);
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!((seen.unwrap(), taken), (expect as u64, expect));
    seconds
}

fn native(file: &[u8]) -> f64 {
    let conventions = sdk::Conventions {
        currency: "USD".into(),
        exponent: 2,
        date_order: "mdy".into(),
        decimal_mark: ".".into(),
        file_name: "big.csv".into(),
    };
    let context =
        remitd_plugin_sdk::Context { job: "bench".into(), idempotency_key: "bench".into(), deadline_ms: 0 };
    let began = now();
    let mut left = file;
    let mut source = sdk::Source::new(|max| {
        let mut piece = Vec::new();
        (&mut left).take(u64::from(max)).read_to_end(&mut piece).unwrap();
        Ok(piece)
    });
    let mut rows = 0;
    let mut out = sdk::Out::new(
        |drafts| {
            rows += drafts.lines.len();
            Ok(())
        },
        |findings| panic!("{findings:?}"),
    );
    let seen = CsvImporter::default().read(&context, &mut source, &mut out, &conventions).unwrap();
    out.finish().unwrap();
    drop(out);
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!((seen, rows), (ROWS as u64, ROWS));
    seconds
}
