//! Every importer reads files that were good once and then cut, spliced, requoted, re-encoded and filled with odd cells, compiled for
//! this machine and as the component in the sandbox. Nothing traps, no row vanishes, both say the same, and where the
//! pieces of the file end does not matter.
//!
//! `REMITD_FUZZ_RUNS` files each (`make fuzz` reads many more than `make test`), from `REMITD_FUZZ_SEED`, which is printed. A file
//! that fails is kept in `target/fuzz`, and the failure names it.

// A test fails loudly, where it stands.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "fuzz/format.rs"]
mod format;
#[path = "fuzz/mutate.rs"]
mod mutate;
#[path = "fuzz/sandbox.rs"]
mod sandbox;
#[path = "fuzz/seen.rs"]
mod seen;
#[path = "fuzz/workbook.rs"]
mod workbook;

use csv_importer::CsvImporter;
use fixed_width_importer::FixedWidthImporter;
use format::Format;
use ledes_importer::LedesImporter;
use remitd_tests::chance::{Chance, seed};
use sandbox::Sandbox;
use seen::Seen;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};

const RUNS: u64 = 400;
/// The largest piece that is tried beside the whole.
const PIECE_MOST: u64 = 40;
/// The daemon's limit of host calls is for files in pieces of a usual size.
const PIECES_MOST: usize = 1_000;

#[test]
fn csv() {
    fuzz(&Format::of::<CsvImporter>("csv-importer"));
}

#[test]
fn fixed_width() {
    fuzz(&Format::of::<FixedWidthImporter>("fixed-width-importer"));
}

#[test]
fn ledes() {
    fuzz(&Format::of::<LedesImporter>("ledes-importer"));
}

#[test]
fn xlsx() {
    fuzz(&Format::workbook());
}

fn fuzz(format: &Format) {
    let runs = std::env::var("REMITD_FUZZ_RUNS").map_or(RUNS, |runs| runs.parse().unwrap());
    let seed = seed("REMITD_FUZZ_SEED");
    let sandbox = Sandbox::new(format);
    let (mut good, mut bad) = (0, 0);
    for run in 0..runs {
        let chance = &mut Chance::new(seed.wrapping_add(run));
        let list = mutate::file(chance, &format.samples);
        let file = (format.pack)(chance, &list);
        match catch_unwind(AssertUnwindSafe(|| try_file(format, &sandbox, chance, &file))) {
            Ok(seen) => {
                good += seen.good();
                bad += seen.bad_lines().len();
            }
            Err(panic) => {
                let seed = seed.wrapping_add(run);
                let kept = keep(format, seed, &file);
                eprintln!("REMITD_FUZZ_SEED={seed} REMITD_FUZZ_RUNS=1 fails with {}", kept.display());
                resume_unwind(panic);
            }
        }
    }
    eprintln!("{}: {runs} files, {good} good rows, {bad} bad ones", format.id);
    let few = usize::try_from(runs / 10).unwrap();
    assert!(good >= few && bad >= few, "odd as the files are, importers see rows in them");
}

fn try_file(format: &Format, sandbox: &Sandbox, chance: &mut Chance, file: &[u8]) -> Seen {
    let whole = format.read(file, usize::MAX);
    whole.check();
    let piece = 1 + chance.below(PIECE_MOST);
    let cut = format.read(file, usize::try_from(piece).unwrap());
    assert_eq!(whole, cut, "whole, then in pieces of {piece} bytes");
    let piece = piece.max((file.len() / PIECES_MOST) as u64);
    let inside = sandbox.read(file, u32::try_from(piece).unwrap());
    assert_eq!(whole, inside, "on this machine, then in the sandbox in pieces of {piece} bytes");
    let name = *chance.of(&["june.csv", "june.txt", "june.led", "june", ""]);
    assert_eq!(format.recognise(name, file), sandbox.recognise(name, file), "how sure it is of {name:?}");
    whole
}

/// Puts the file where it can be looked at.
fn keep(format: &Format, seed: u64, file: &[u8]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("fuzz");
    fs_err::create_dir_all(&folder).unwrap();
    let kept = folder.join(format!("{}-{seed}", format.id));
    fs_err::write(&kept, file).unwrap();
    kept
}
