//! Loading the largest plugin from the cache of compiled ones, against compiling it.

use crate::sandbox::{host, spec};
use crate::{least, now, ratio};
use remitd_host::Wasm;
use std::hint::black_box;
use wasmtime::component::Component;

const RUNS: usize = 20;
const COMPILES: usize = 3;

pub fn run() {
    let largest = remitd_plugins::BUNDLED.iter().max_by_key(|plugin| plugin.wasm.len()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let host = host(folder.path(), 1);
    // Kept from here on.
    let wasm = Wasm::bundled(largest.wasm, largest.sha256);
    let plugin = host.load(spec(wasm.clone())).unwrap();
    let compile = least(COMPILES, || {
        let began = now();
        black_box(Component::new(plugin.pre().engine(), largest.wasm).unwrap());
        began.elapsed().as_secs_f64()
    });
    let load = least(RUNS, || {
        let spec = spec(wasm.clone());
        let began = now();
        black_box(host.load(spec).unwrap());
        began.elapsed().as_secs_f64()
    });
    let what = format!("load of {} from the cache / compiling", largest.id);
    ratio(&what, load, compile, 500.0);
}
