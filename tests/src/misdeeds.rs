//! Mail providers that misbehave, made from a few lines of WebAssembly: they say what they are, and whatever else is asked of them
//! is the deed.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// A mail provider whose every answer, apart from what it is, is `deed`: instructions that give an i32, or never end.
pub fn mail_provider(deed: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let contract = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugin-sdk/wit/v1");
    let (package, _) = resolve.push_dir(contract).expect("the contract reads");
    let world = resolve.select_world(&[package], Some("mail-provider-plugin")).expect("the world is there");
    let of = "remitd:plugin/mail-provider@1.0.0";
    // At 64 stands the description: three texts, each its address and its length.
    let core = format!(
        r#"(module
            (memory (export "memory") 1)
            (data (i32.const 16) "bad1.0.0{{}}")
            (data (i32.const 64) "\10\00\00\00\03\00\00\00\13\00\00\00\05\00\00\00\18\00\00\00\02\00\00\00")
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) unreachable)
            (func $deed (export "{of}#repeats-safely") (result i32) {deed})
            (func (export "{of}#describe") (result i32) i32.const 64)
            (func (export "{of}#send") (param i32) (result i32) call $deed)
            (func (export "{of}#bounces-since") (param i32 i32 i32 i32 i64 i32 i32 i32) (result i32) call $deed)
            (func (export "{of}#read-webhook") (param i32 i32 i32 i32 i64 i32 i32 i32 i32) (result i32) call $deed))"#
    );
    let mut core = wat::parse_str(core).expect("the module is well formed");
    embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8, false)
        .expect("fits the world");
    ComponentEncoder::default().module(&core).and_then(|module| module.encode()).expect("makes a component")
}

/// The manifest of such a plugin, which asks for nothing.
pub fn manifest(id: &str) -> String {
    format!("id = \"{id}\"\nkind = \"mail-provider\"\nname = \"Bad\"\nabout = \"Misbehaves.\"\nasks = []\n")
}
