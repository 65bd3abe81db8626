//! Guests and what the daemon lends them: a handle is given back once, and is the guest's no longer then.

use crate::{House, is};
use remitd_host::{Failure, FailureClass, Grants, JobSpec, JobState, Plugin, Services};
use std::sync::Arc;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, ResourceType};

/// What is lent; the daemon's own are a file and a place for its rows.
struct Source;

/// Stands in for the daemon's `intake`.
fn lend(linker: &mut Linker<JobState>) -> wasmtime::Result<()> {
    let mut intake = linker.instance("remitd:plugin/intake@1.0.0")?;
    intake.resource("byte-source", ResourceType::host::<Source>(), |_, _| Ok(()))?;
    intake.func_wrap(
        "[method]byte-source.read",
        |mut store: StoreContextMut<'_, JobState>, (source,): (Resource<Source>,)| {
            store.data_mut().table().get(&source)?;
            Ok((1u32,))
        },
    )
}

const DEEDS: [&str; 5] = ["fine", "keep", "twice", "after", "other"];

fn guest() -> Vec<u8> {
    let lift = |deed: &str| {
        format!(
            r#"(func ${deed} (param "source" (borrow $source)) (result u32) (canon lift (core func $i "{deed}")))"#
        )
    };
    let export = |deed: &str| format!(r#"(export "{deed}" (func ${deed}))"#);
    let lifts: String = DEEDS.into_iter().map(lift).collect();
    let exports: String = DEEDS.into_iter().map(export).collect();
    let text = format!(
        r#"(component
            (import "remitd:plugin/intake@1.0.0" (instance $intake
                (export "byte-source" (type $bs (sub resource)))
                (export "[method]byte-source.read" (func (param "self" (borrow $bs)) (result u32)))))
            (alias export $intake "byte-source" (type $source))
            (core func $drop (canon resource.drop $source))
            (core func $read (canon lower (func $intake "[method]byte-source.read")))
            (core instance $host (export "drop" (func $drop)) (export "read" (func $read)))
            (core module $m
                (import "host" "drop" (func $drop (param i32)))
                (import "host" "read" (func $read (param i32) (result i32)))
                (func (export "fine") (param i32) (result i32)
                    (drop (call $read (local.get 0))) (call $drop (local.get 0)) i32.const 7)
                (func (export "keep") (param i32) (result i32) i32.const 7)
                (func (export "twice") (param i32) (result i32)
                    (call $drop (local.get 0)) (call $drop (local.get 0)) i32.const 7)
                (func (export "after") (param i32) (result i32)
                    (call $drop (local.get 0)) (call $read (local.get 0)))
                (func (export "other") (param i32) (result i32)
                    (call $read (i32.add (local.get 0) (i32.const 1)))))
            (core instance $i (instantiate $m (with "host" (instance $host))))
            {lifts}
            (instance $out {exports})
            (export "remitd:plugin/importer@1.0.0" (instance $out)))"#
    );
    wat::parse_str(text).unwrap()
}

async fn lent(house: &House, plugin: &Arc<Plugin>, deed: &'static str) -> Result<u32, Failure> {
    house
        .host
        .run(plugin, JobSpec::new("j", "k"), move |mut store, pre, _| async move {
            let instance = pre.instantiate_async(&mut store).await?;
            let source = store.data_mut().table().push(Source)?;
            let importer =
                instance.get_export_index(&mut store, None, "remitd:plugin/importer@1.0.0").unwrap();
            let index = instance.get_export_index(&mut store, Some(&importer), deed).unwrap();
            let func = instance.get_typed_func::<(Resource<Source>,), (u32,)>(&mut store, &index)?;
            let borrowed = Resource::new_borrow(source.rep());
            let (answer,) = func.call_async(&mut store, (borrowed,)).await?;
            Ok(Ok(answer))
        })
        .await
}

#[tokio::test]
async fn a_handle_is_given_back_once_and_not_used_again() {
    let house = House::with(Services::default(), &[lend]);
    let plugin = house.load("borrower", guest(), Grants::default());
    let beside = house.beside();
    for deed in &DEEDS[1..] {
        let failure = lent(&house, &plugin, deed).await.expect_err(deed);
        is(&failure, FailureClass::Bug, "trapped");
        assert!(failure.message.contains("handle"), "{deed}: {failure:?}");
        assert_eq!(lent(&house, &plugin, "fine").await, Ok(7), "after {deed}");
    }
    assert!(beside.end().await > 0);
}
