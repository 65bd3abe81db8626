//! Guests that do what the test says: each exports the services of its kind as functions of its own and hands every call
//! through, so that whatever can be said to a service is said by a real guest, over the real boundary.
//!
//! `find` looks through the guest's own memory, which nobody else can: what it looks for is given masked, so that the question
//! does not answer itself.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::abi::{AbiVariant, WasmSignature, WasmType};
use wit_parser::{Function, Resolve, WorldId, WorldItem, WorldKey};

/// What every byte is combined with that [`find`](self) is asked for.
pub const MASK: u8 = 0x5a;

/// A mail provider that has `http`, `smtp`, `maildir`, `signature`, `state`, `log`, `random` and `settings`.
const MAIL: &str = "
    package zoo:puppet;
    world puppet {
        use remitd:plugin/types@1.0.0.{failure};
        use remitd:plugin/http@1.0.0.{request, response};
        use remitd:plugin/log@1.0.0.{level};
        use remitd:plugin/state@1.0.0.{change, entry};
        import remitd:plugin/smtp@1.0.0;
        import remitd:plugin/maildir@1.0.0;
        import remitd:plugin/signature@1.0.0;
        import remitd:plugin/random@1.0.0;
        import remitd:plugin/settings@1.0.0;
        export remitd:plugin/mail-provider@1.0.0;
        export find: func(masked: list<u8>) -> u32;
        export trap: func();
        export log-write: func(level: level, message: string);
        export random-bytes: func(len: u32) -> list<u8>;
        export settings-json: func() -> string;
        export state-get: func(key: string) -> result<option<entry>, failure>;
        export state-apply: func(changes: list<change>) -> result<_, failure>;
        export http-send: func(request: request) -> result<response, failure>;
        export signature-verify-hmac-sha256: func(secret: string, message: list<u8>, mac: list<u8>) -> result<bool, failure>;
        export smtp-send: func(connection: string, envelope-from: string, recipients: list<string>, message: list<u8>) -> result<string, failure>;
        export maildir-put: func(folder: string, name: string, message: list<u8>) -> result<_, failure>;
    }";

/// A connector that has `sql`.
const SQL: &str = "
    package zoo:puppet;
    world puppet {
        use remitd:plugin/types@1.0.0.{failure};
        use remitd:plugin/sql@1.0.0.{statement, rows};
        export remitd:plugin/connector@1.0.0;
        export find: func(masked: list<u8>) -> u32;
        export trap: func();
        export sql-query: func(connection: string, statement: statement) -> result<rows, failure>;
        export sql-transact: func(connection: string, statements: list<statement>) -> result<list<u64>, failure>;
    }";

/// Where a service puts its answer, if it does not fit into one number.
const ANSWER_AT: u32 = 1_024;

/// The allocator: from 64 KiB on, never given back, aligned to eight bytes, growing as it must.
const ALLOCATOR: &str = r#"
    (memory (export "memory") 2)
    (global $top (mut i32) (i32.const 65536))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
        (local $was i32)
        (local.set $was (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
        (global.set $top (i32.add (local.get $was) (local.get 3)))
        (loop $more
            (if (i32.gt_u (global.get $top) (i32.mul (memory.size) (i32.const 65536))) (then
                (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
                (br $more))))
        (local.get $was))"#;

/// How often the masked bytes stand in memory, unmasked.
const FIND: &str = r#"
    (func (export "find") (param $at i32) (param $len i32) (result i32)
        (local $here i32) (local $n i32) (local $end i32) (local $found i32)
        (local.set $end (i32.sub (i32.mul (memory.size) (i32.const 65536)) (local.get $len)))
        (loop $next
            (local.set $n (i32.const 0))
            (block $other
                (loop $same
                    (br_if $other (i32.ne
                        (i32.xor (i32.const MASK) (i32.load8_u (i32.add (local.get $at) (local.get $n))))
                        (i32.load8_u (i32.add (local.get $here) (local.get $n)))))
                    (local.set $n (i32.add (local.get $n) (i32.const 1)))
                    (br_if $same (i32.lt_u (local.get $n) (local.get $len))))
                (local.set $found (i32.add (local.get $found) (i32.const 1))))
            (local.set $here (i32.add (local.get $here) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $here) (local.get $end))))
        (local.get $found))"#;

pub fn mail_provider() -> Vec<u8> {
    puppet(MAIL)
}

pub fn connector() -> Vec<u8> {
    puppet(SQL)
}

/// What `find` is asked with.
pub fn masked(text: &str) -> Vec<u8> {
    text.bytes().map(|byte| byte ^ MASK).collect()
}

fn puppet(wit: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let contract = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugin-sdk/wit/v1");
    resolve.push_dir(contract).expect("the contract reads");
    let package = resolve.push_str("puppet.wit", wit).expect("the puppet's world reads");
    let world = resolve.select_world(&[package], None).expect("the world is there");
    let mut core = wat::parse_str(module(&resolve, world)).expect("the module is well formed");
    embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8, false)
        .expect("fits the world");
    ComponentEncoder::default().module(&core).and_then(|module| module.encode()).expect("makes a component")
}

fn module(resolve: &Resolve, world: WorldId) -> String {
    let (mut imports, mut functions) = (String::new(), String::new());
    let world = &resolve.worlds[world];
    let services: Vec<(String, String, &Function)> = world
        .imports
        .iter()
        .filter_map(|(key, item)| match item {
            WorldItem::Interface { id, .. } => {
                let short = resolve.interfaces[*id].name.clone().expect("the contract's are named");
                Some((resolve.name_world_key(key), short, &resolve.interfaces[*id].functions))
            }
            _ => None,
        })
        .flat_map(|(full, short, functions)| {
            functions.values().map(move |function| (full.clone(), short.clone(), function))
        })
        .collect();
    for (key, item) in &world.exports {
        match (key, item) {
            (WorldKey::Name(name), WorldItem::Function(function)) => {
                let named = |(_, short, service): &&(String, String, &Function)| {
                    *name == format!("{short}-{}", service.name)
                };
                let Some((full, _, service)) = services.iter().find(named) else { continue };
                let outer = resolve.wasm_signature(AbiVariant::GuestImport, service);
                imports +=
                    &format!(r#"(import "{full}" "{}" (func ${name} {}))"#, service.name, shape(&outer));
                let inner = resolve.wasm_signature(AbiVariant::GuestExport, function);
                functions += &format!(
                    r#"(func (export "{name}") {} {})"#,
                    shape(&inner),
                    through(name, &inner, &outer)
                );
            }
            (_, WorldItem::Interface { id, .. }) => {
                let full = resolve.name_world_key(key);
                for (name, function) in &resolve.interfaces[*id].functions {
                    let inner = resolve.wasm_signature(AbiVariant::GuestExport, function);
                    functions += &format!(r#"(func (export "{full}#{name}") {} unreachable)"#, shape(&inner));
                }
            }
            _ => {}
        }
    }
    let find = FIND.replace("MASK", &MASK.to_string());
    format!(r#"(module {imports} {ALLOCATOR} {find} (func (export "trap") unreachable) {functions})"#)
}

fn shape(signature: &WasmSignature) -> String {
    let types = |types: &[WasmType]| types.iter().map(core_type).collect::<Vec<_>>().join(" ");
    format!("(param {}) (result {})", types(&signature.params), types(&signature.results))
}

fn core_type(ty: &WasmType) -> &'static str {
    match ty {
        WasmType::I64 | WasmType::PointerOrI64 => "i64",
        WasmType::F32 => "f32",
        WasmType::F64 => "f64",
        WasmType::I32 | WasmType::Pointer | WasmType::Length => "i32",
    }
}

/// Hands the call through; an answer that does not fit into one number is written where the caller looks for it.
fn through(name: &str, inner: &WasmSignature, outer: &WasmSignature) -> String {
    let params: String = (0..inner.params.len()).map(|nth| format!("(local.get {nth}) ")).collect();
    if outer.retptr {
        format!("(call ${name} {params} (i32.const {ANSWER_AT})) (i32.const {ANSWER_AT})")
    } else {
        format!("(call ${name} {params})")
    }
}
