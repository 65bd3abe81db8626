//! From wasm to machine code, within bounds: how much code a component may have, and how long it may take. Whatever somebody
//! hands in, looking at it ends, and holds up nobody but the one who asked.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;
use wasmparser::{Parser, Payload};
use wasmtime::Engine;
use wasmtime::component::Component;

/// No component takes longer: the largest that we know, a JavaScript engine, takes 5 s, and 37 s where remitd itself is not
/// optimised and the machine is busy.
pub(crate) const COMPILE_MAX: Duration = Duration::from_secs(180);
/// Of all functions together: that engine has 9 MiB.
const CODE_MAX_BYTES: usize = 32 << 20;
/// Of one function, since its time grows faster than its length: that engine's longest has 172 kB.
const FUNCTION_MAX_BYTES: usize = 1 << 20;
const FUNCTIONS_MOST: usize = 200_000;

/// Compiles on a thread of its own. What is not ready in time is given up: its thread ends with its work, or with the process.
pub(crate) fn compile(engine: &Engine, wasm: &[u8], within: Duration) -> wasmtime::Result<Component> {
    weigh(wasm).map_err(wasmtime::Error::msg)?;
    let (say, ready) = mpsc::sync_channel(1);
    let (engine, wasm) = (engine.clone(), wasm.to_vec());
    let work = move || {
        // Nobody listens any more where it was given up.
        let _ = say.send(Component::new(&engine, &wasm));
    };
    std::thread::Builder::new().name("compile".to_owned()).spawn(work)?;
    ready.recv_timeout(within).unwrap_or_else(|error| {
        Err(wasmtime::Error::msg(match error {
            RecvTimeoutError::Timeout => {
                format!("compiling it takes longer than {} s, as no plugin should", within.as_secs())
            }
            RecvTimeoutError::Disconnected => "the compiler failed on it".to_owned(),
        }))
    })
}

/// Refuses more code than a plugin needs, by reading the file alone.
fn weigh(wasm: &[u8]) -> Result<(), String> {
    let (mut code, mut functions) = (0usize, 0usize);
    for payload in Parser::new(0).parse_all(wasm) {
        let body = match payload {
            Ok(Payload::CodeSectionEntry(body)) => body.as_bytes().len(),
            Ok(_) => continue,
            // What cannot be read, the compiler names.
            Err(_) => return Ok(()),
        };
        (code, functions) = (code + body, functions + 1);
        if body > FUNCTION_MAX_BYTES {
            return Err(format!("one of its functions is longer than {} MiB", FUNCTION_MAX_BYTES >> 20));
        }
        if code > CODE_MAX_BYTES {
            return Err(format!("it has more than {} MiB of code", CODE_MAX_BYTES >> 20));
        }
        if functions > FUNCTIONS_MOST {
            return Err(format!("it has more than {FUNCTIONS_MOST} functions"));
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn leb128(mut value: usize) -> Vec<u8> {
        let mut out = Vec::new();
        loop {
            let low = (value & 0x7f) as u8;
            value >>= 7;
            if value == 0 {
                out.push(low);
                return out;
            }
            out.push(low | 0x80);
        }
    }

    fn section(id: u8, body: &[u8]) -> Vec<u8> {
        [&[id][..], &leb128(body.len()), body].concat()
    }

    /// A component of so many functions that do nothing in so many bytes each.
    fn component(functions: usize, bytes: usize) -> Vec<u8> {
        let body = [&[0][..], &vec![1; bytes - 2], &[0x0b]].concat();
        let body = [leb128(body.len()), body].concat();
        let count = leb128(functions);
        let module = [
            b"\0asm\x01\0\0\0".to_vec(),
            section(1, b"\x01\x60\0\0"),
            section(3, &[count.clone(), vec![0; functions]].concat()),
            section(10, &[count, body.repeat(functions)].concat()),
        ]
        .concat();
        [b"\0asm\x0d\0\x01\0".to_vec(), section(1, &module)].concat()
    }

    #[test]
    fn a_bomb_is_refused_unlit() {
        let engine = Engine::default();
        let check = |functions, bytes, why: &str| {
            let refused = compile(&engine, &component(functions, bytes), COMPILE_MAX).unwrap_err();
            assert!(refused.to_string().contains(why), "{refused}");
        };
        check(63, 1 << 20, "more than 32 MiB of code");
        check(1, (1 << 20) + 1, "longer than 1 MiB");
        check(200_001, 4, "more than 200000 functions");
        assert!(compile(&engine, &component(2, 100), COMPILE_MAX).is_ok());
    }

    #[test]
    fn what_takes_too_long_is_given_up() {
        let late = compile(&Engine::default(), &component(20, 1 << 20), Duration::ZERO).unwrap_err();
        assert!(late.to_string().contains("takes longer than 0 s"), "{late}");
    }
}
