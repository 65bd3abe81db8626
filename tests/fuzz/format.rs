//! One importer compiled for this machine, with the settings and the samples of its own kit.

use crate::seen::Seen;
use crate::workbook;
use csv_importer::CsvImporter;
use remitd_plugin_sdk::Failure;
use remitd_plugin_sdk::importer::Importer;
use remitd_plugin_sdk::mock::{self, Reading, Services, install};
use remitd_tests::chance::Chance;
use serde_json::Value;
use std::path::Path;
use xlsx_importer::XlsxImporter;

/// The name under which every file is read: it decides nothing.
pub const FILE_NAME: &str = "fuzz";
/// What the daemon shows of a file's beginning.
const HEAD_BYTES: usize = 16 << 10;

pub struct Format {
    pub id: &'static str,
    pub settings: String,
    pub samples: Vec<Vec<u8>>,
    /// Makes a file of this format of the odd list that a sample has become.
    pub pack: fn(&mut Chance, &[u8]) -> Vec<u8>,
    read: fn(&[u8], usize) -> Result<Reading, Failure>,
    recognise: fn(&str, &[u8]) -> u8,
}

impl Format {
    pub fn of<I: Importer>(id: &'static str) -> Format {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins").join(id).join("tests");
        let kit: Value = toml::from_str(&fs_err::read_to_string(folder.join("kit.toml")).unwrap()).unwrap();
        let samples = kit["importer"]["samples"].as_array().unwrap().iter();
        let samples =
            samples.map(|sample| fs_err::read(folder.join(sample["file"].as_str().unwrap())).unwrap());
        let settings = kit.get("settings").map_or("{}".to_owned(), Value::to_string);
        install(Services::new(&settings));
        let samples = samples.collect();
        Format {
            id,
            settings,
            samples,
            pack: |_, list| list.to_vec(),
            read: read::<I>,
            recognise: I::recognise,
        }
    }

    /// Lists as CSV files have them, as workbooks.
    pub fn workbook() -> Format {
        let samples = Format::of::<CsvImporter>("csv-importer").samples;
        Format { samples, pack: workbook::pack, ..Format::of::<XlsxImporter>("xlsx-importer") }
    }

    pub fn read(&self, file: &[u8], piece_bytes: usize) -> Seen {
        let read = (self.read)(file, piece_bytes);
        // Nobody reads the log here; it would grow with every file.
        mock::logged();
        Seen::native(read)
    }

    pub fn recognise(&self, name: &str, file: &[u8]) -> u8 {
        (self.recognise)(name, &file[..file.len().min(HEAD_BYTES)])
    }
}

fn read<I: Importer>(file: &[u8], piece_bytes: usize) -> Result<Reading, Failure> {
    mock::read(&I::open()?, file, piece_bytes, &mock::conventions(FILE_NAME))
}
