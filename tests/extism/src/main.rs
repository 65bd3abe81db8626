//! Prints two figures, in nanoseconds: a call of the plugin in a fresh instance made from the compiled plugin, and a call of an
//! instance that is kept.

use extism::{CompiledPlugin, Error, Manifest, Plugin, PluginBuilder, Wasm};
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: u32 = 5;
const FIRST: u32 = 200;
const FRESH: usize = 2_000;
const WARM: usize = 20_000;

fn main() -> Result<(), Error> {
    let file = std::env::args().nth(1).ok_or_else(|| Error::msg("usage: extism-opponent PLUGIN.wasm"))?;
    let manifest = Manifest::new([Wasm::data(std::fs::read(file)?)]);
    let compiled = CompiledPlugin::new(PluginBuilder::new(manifest).with_wasi(false))?;
    let fresh = || -> Result<(), Error> {
        let mut plugin = Plugin::new_from_compiled(&compiled)?;
        describe(&mut plugin)
    };
    let mut kept = Plugin::new_from_compiled(&compiled)?;
    let fresh_ns = least(FIRST, FRESH, fresh)?;
    let warm_ns = least(FIRST, WARM, || describe(&mut kept))?;
    println!("{fresh_ns} {warm_ns}");
    Ok(())
}

fn describe(plugin: &mut Plugin) -> Result<(), Error> {
    let answer: &str = plugin.call("describe", "")?;
    if black_box(answer).starts_with("CSV") { Ok(()) } else { Err(Error::msg("another answer")) }
}

/// Nanoseconds of one call: the least of some rounds' medians.
fn least(first: u32, times: usize, mut call: impl FnMut() -> Result<(), Error>) -> Result<u128, Error> {
    for _ in 0..first {
        call()?;
    }
    let mut least = u128::MAX;
    for _ in 0..ROUNDS {
        let mut took = Vec::with_capacity(times);
        for _ in 0..times {
            let began = Instant::now();
            call()?;
            took.push(began.elapsed().as_nanos());
        }
        took.sort_unstable();
        least = least.min(took[times / 2]);
    }
    Ok(least)
}
