//! The same importer as the component that firms run, in the real host.

use crate::format::{FILE_NAME, Format};
use crate::seen::Seen;
use remitd_flow::plugin::{ByteSource, Conventions, Importer};
use remitd_host::{Grants, Host, HostConfig, JobSpec, Limits, PluginSpec, Services, Wasm, keep};
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

pub struct Sandbox {
    runtime: Runtime,
    importer: Importer,
}

impl Sandbox {
    pub fn new(format: &Format) -> Sandbox {
        // Another test of this process may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let config = HostConfig {
            cache_dir: Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugin-cache"),
            limits: Limits::default(),
            guest_threads: 1,
            today: chrono_tz::UTC,
            clock: Arc::new(chrono::DateTime::<chrono::Utc>::default),
            keep: Arc::<keep::Forgetful>::default(),
            tamper: None,
        };
        let host = Host::new(config, Services::default(), &[remitd_flow::plugin::extend]).unwrap();
        let bundled = remitd_plugins::bundled(format.id).unwrap();
        let wasm = Wasm::bundled(bundled.wasm, bundled.sha256);
        let (id, settings_json) = (format.id.to_owned(), format.settings.clone());
        let plugin = host.load(PluginSpec { id, wasm, grants: Grants::default(), settings_json }).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Sandbox { runtime, importer: Importer::new(host, plugin).unwrap() }
    }

    pub fn read(&self, file: &[u8], piece_bytes: u32) -> Seen {
        let conventions = Conventions {
            currency: "USD".to_owned(),
            exponent: 2,
            date_order: "mdy".to_owned(),
            decimal_mark: ".".to_owned(),
            file_name: FILE_NAME.to_owned(),
        };
        let source = ByteSource::from(Box::new(Cursor::new(file.to_vec()))).in_pieces(piece_bytes);
        let (out, mut found) = mpsc::channel(1);
        let gathering = async {
            let mut delivered = Vec::new();
            while let Some(batch) = found.recv().await {
                delivered.push(batch);
            }
            delivered
        };
        let reading = self.importer.read(JobSpec::new("fuzz", "fuzz"), source, out, conventions);
        let (rows, delivered) = self.runtime.block_on(async { tokio::join!(reading, gathering) });
        Seen::sandboxed(rows, delivered)
    }

    pub fn recognise(&self, name: &str, file: &[u8]) -> u8 {
        self.runtime.block_on(self.importer.recognise(name.to_owned(), file.to_vec())).unwrap()
    }
}
