//! Hostile and broken guests: whatever they do, the job fails with a word that says what happened, and the host goes on.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use remitd_host::{
    Failure, FailureClass, Grants, Host, HostConfig, HostError, JobSpec, Kind, Limits, Plugin, PluginSpec,
    Services,
};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const WALL_MS: u64 = 30_000;

fn host_in(folder: &Path, limits: Limits) -> Arc<Host> {
    // Another test of this process may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = HostConfig {
        cache_dir: folder.join("cache"),
        limits,
        guest_threads: 1,
        today: chrono_tz::America::New_York,
        clock: Arc::new(|| chrono::DateTime::from_timestamp_millis(1_767_225_600_000).unwrap()),
        keep: Arc::<remitd_host::keep::Forgetful>::default(),
        tamper: None,
    };
    let services = Services {
        maildirs: vec![("out".into(), folder.to_owned())],
        secrets: [("key".to_owned(), "Jefe".to_owned().into())].into(),
        ..Services::default()
    };
    Host::new(config, services, &[]).unwrap()
}

fn limits() -> Limits {
    Limits { memory_bytes: 4 << 20, guest_ms: 200, call_ms: WALL_MS, ..Limits::default() }
}

/// A connector in text: `core` are functions of the core module, `lifts` what the interface exports.
fn guest(imports: &str, core: &str, lifts: &str, exports: &str) -> Vec<u8> {
    let kind = if imports.contains("maildir") { "mail-provider" } else { "connector" };
    let text = format!(
        r#"(component
            {imports}
            (core module $m
                {core})
            (core instance $i (instantiate $m IMPORTS))
            {lifts}
            (instance $out {exports})
            (export "remitd:plugin/{kind}@1.0.0" (instance $out)))"#
    );
    let with = if imports.contains("$lowered") { r#"(with "host" (instance $lowered))"# } else { "" };
    wat::parse_str(text.replace("IMPORTS", with)).unwrap()
}

/// A connector whose functions take nothing and give a number.
fn simple(core: &str, names: &[&str]) -> Vec<u8> {
    let lift = |name: &&str| format!(r#"(func ${name} (result u32) (canon lift (core func $i "{name}")))"#);
    let export = |name: &&str| format!(r#"(export "{name}" (func ${name}))"#);
    let lifts: String = names.iter().map(lift).collect();
    let exports: String = names.iter().map(export).collect();
    guest("", core, &lifts, &exports)
}

const HOSTILE: &str = r#"
    (memory 1)
    (func (export "fine") (result i32) i32.const 7)
    (func (export "loop") (result i32) (loop $again (br $again)) unreachable)
    (func $deep (export "deep") (result i32) call $deep i32.const 1 i32.add)
    (func (export "trap") (result i32) unreachable)
    (func (export "bomb") (result i32)
        (loop $more
            (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
        unreachable)"#;
const HOSTILE_NAMES: [&str; 5] = ["fine", "loop", "deep", "trap", "bomb"];

fn spec(wasm: Vec<u8>) -> PluginSpec {
    PluginSpec { id: "acme".into(), wasm: wasm.into(), grants: Grants::default(), settings_json: "{}".into() }
}

async fn call(host: &Arc<Host>, plugin: &Arc<Plugin>, export: &str) -> Result<serde_json::Value, Failure> {
    host.call_json(plugin, JobSpec::new("j1", "k1"), export, json!({})).await
}

fn is(failure: &Failure, class: FailureClass, code: &str) {
    assert_eq!((failure.class, failure.code.as_str()), (class, code), "{failure:?}");
}

#[tokio::test]
async fn each_misdeed_has_its_name_and_the_next_job_runs() {
    let folder = tempfile::tempdir().unwrap();
    let host = host_in(folder.path(), limits());
    let plugin = host.load(spec(simple(HOSTILE, &HOSTILE_NAMES))).unwrap();
    assert_eq!(plugin.kind(), Kind::Connector);
    for (export, code, word) in [
        ("loop", "time-limit", "200 ms"),
        ("deep", "stack-overflow", "too deeply"),
        ("trap", "trapped", "unreachable"),
        ("bomb", "memory-limit", "4 MiB"),
    ] {
        let failure = call(&host, &plugin, export).await.unwrap_err();
        is(&failure, FailureClass::Bug, code);
        assert!(failure.message.contains(word), "{failure:?}");
        assert_eq!(call(&host, &plugin, "connector.fine").await, Ok(json!(7)), "after {export}");
    }
}

#[tokio::test]
async fn others_run_beside_a_loop_on_one_thread() {
    let folder = tempfile::tempdir().unwrap();
    let host = host_in(folder.path(), Limits { guest_ms: 60_000, ..limits() });
    let plugin = host.load(spec(simple(HOSTILE, &HOSTILE_NAMES))).unwrap();
    let looping = call(&host, &plugin, "loop");
    tokio::pin!(looping);
    // The loop never ends by itself here: if it did not give way, the others would not end either.
    for _ in 0..20 {
        tokio::select! {
            biased;
            ended = &mut looping => panic!("the loop ended: {ended:?}"),
            answer = call(&host, &plugin, "fine") => assert_eq!(answer, Ok(json!(7))),
        }
    }
}

#[tokio::test]
async fn a_dropped_job_gives_its_place_back() {
    let folder = tempfile::tempdir().unwrap();
    let host = host_in(folder.path(), Limits { guest_ms: 60_000, jobs: 1, ..limits() });
    let plugin = host.load(spec(simple(HOSTILE, &HOSTILE_NAMES))).unwrap();
    {
        let looping = call(&host, &plugin, "loop");
        tokio::pin!(looping);
        let job = JobSpec { wall_ms: Some(50), ..JobSpec::new("j2", "k2") };
        let fine = host.call_json(&plugin, job, "fine", json!([]));
        tokio::select! {
            biased;
            ended = &mut looping => panic!("the loop ended: {ended:?}"),
            answer = fine => is(&answer.unwrap_err(), FailureClass::Unavailable, "busy"),
        }
    }
    assert_eq!(call(&host, &plugin, "fine").await, Ok(json!(7)), "the only place is free again");
}

#[tokio::test]
async fn the_wall_deadline_ends_what_the_guest_time_would_not() {
    let folder = tempfile::tempdir().unwrap();
    let host = host_in(folder.path(), Limits { guest_ms: 60_000, ..limits() });
    let plugin = host.load(spec(simple(HOSTILE, &HOSTILE_NAMES))).unwrap();
    let job = JobSpec { wall_ms: Some(50), ..JobSpec::new("j", "k") };
    let failure = host.call_json(&plugin, job, "loop", json!([])).await.unwrap_err();
    is(&failure, FailureClass::Bug, "time-limit");
    assert!(failure.message.contains("still computing after 50 ms"), "{failure:?}");
}

/// Computes for some hundredths of a second.
const LONG: &str = r#"
    (func (export "long") (result i32) (local $left i32)
        (local.set $left (i32.const 30000000))
        (loop $again (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
        i32.const 7)"#;

/// Threads that want every processor whole, for as long as it lives.
struct Busy(Arc<AtomicBool>);

impl Busy {
    fn start() -> Busy {
        let busy = Busy(Arc::default());
        for _ in 0..std::thread::available_parallelism().unwrap().get() {
            let ended = Arc::clone(&busy.0);
            std::thread::spawn(move || {
                while !ended.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        busy
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn on_a_busy_machine_a_loop_is_named_and_honest_work_beside_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { guest_ms: 60_000, failures_in_a_row: 1, ..limits() };
    let host = host_in(folder.path(), limits);
    let hostile = host.load(spec(simple(HOSTILE, &HOSTILE_NAMES))).unwrap();
    let honest = host.load(spec(simple(LONG, &["long"]))).unwrap();
    let busy = Busy::start();
    let job = JobSpec { wall_ms: Some(500), ..JobSpec::new("j", "k") };
    let looping = host.call_json(&hostile, job, "loop", json!([]));
    let (looped, answer) = tokio::join!(looping, call(&host, &honest, "long"));
    drop(busy);
    is(&looped.unwrap_err(), FailureClass::Bug, "time-limit");
    assert!(hostile.is_set_aside(), "it counts as the plugin's own fault");
    assert_eq!(answer, Ok(json!(7)));
}

/// Imports of `log`, `maildir` and `random`, lowered for a core module with one memory and a bump allocator.
const LOG: &str = r#"
    (import "remitd:plugin/log@1.0.0" (instance $log
        (type $level (enum "debug" "info" "warn" "error"))
        (export "level" (type $l (eq $level)))
        (export "write" (func (param "level" $l) (param "message" string)))))
    (core module $libc (memory (export "mem") 64)
        (global $at (mut i32) (i32.const 65536))
        (func (export "realloc") (param i32 i32 i32 i32) (result i32)
            (local $was i32)
            (local.set $was (global.get $at))
            (global.set $at (i32.add (global.get $at) (local.get 3)))
            (local.get $was)))
    (core instance $c (instantiate $libc))
    (alias core export $c "mem" (core memory $mem))
    (alias export $log "write" (func $write))
    (core func $write_low (canon lower (func $write) (memory $mem)))
    (core instance $lowered (export "write" (func $write_low)) (export "mem" (memory $mem)))"#;

fn logging(core: &str, names: &[&str]) -> Vec<u8> {
    let core = format!(
        r#"(import "host" "write" (func $write (param i32 i32 i32)))
           (import "host" "mem" (memory 64))
           (data (i32.const 16) "panicked at src/lib.rs:1:2:\nno cents left") {core}"#
    );
    let lift = |name: &&str| format!(r#"(func ${name} (result u32) (canon lift (core func $i "{name}")))"#);
    let export = |name: &&str| format!(r#"(export "{name}" (func ${name}))"#);
    let (lifts, exports): (String, String) =
        (names.iter().map(lift).collect(), names.iter().map(export).collect());
    guest(LOG, &core, &lifts, &exports)
}

#[tokio::test]
async fn a_panic_is_told_in_the_guests_own_words() {
    let folder = tempfile::tempdir().unwrap();
    let host = host_in(folder.path(), limits());
    let core = r#"(func (export "panic") (result i32)
        (call $write (i32.const 3) (i32.const 16) (i32.const 41)) unreachable)"#;
    let plugin = host.load(spec(logging(core, &["panic"]))).unwrap();
    let failure = call(&host, &plugin, "panic").await.unwrap_err();
    is(&failure, FailureClass::Bug, "panicked");
    assert!(failure.message.contains("no cents left"), "{failure:?}");
}

#[tokio::test]
async fn host_calls_and_what_they_carry_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let host = host_in(folder.path(), Limits { host_calls: 1_000, answer_bytes: 1 << 20, ..limits() });
    let core = r#"
        (func (export "chatty") (result i32)
            (loop $again (call $write (i32.const 0) (i32.const 16) (i32.const 4)) (br $again)) unreachable)
        (func (export "huge") (result i32)
            (call $write (i32.const 0) (i32.const 0) (i32.const 2097152)) i32.const 0)"#;
    let plugin = host.load(spec(logging(core, &["chatty", "huge"]))).unwrap();
    let failure = call(&host, &plugin, "chatty").await.unwrap_err();
    is(&failure, FailureClass::Bug, "too-many-host-calls");
    let failure = call(&host, &plugin, "huge").await.unwrap_err();
    is(&failure, FailureClass::Bug, "answer-too-large");
}

/// A guest that writes a mail and then does what `after` says.
fn mailing(after: &str) -> Vec<u8> {
    let imports = r#"
        (import "remitd:plugin/types@1.0.0" (instance $types
            (type $c (enum "invalid" "denied" "unavailable" "unknown-outcome" "bug"))
            (export "failure-class" (type $class (eq $c)))
            (type $f (record (field "class" $class) (field "code" string) (field "message" string)
                (field "retry-after-s" (option u32))))
            (export "failure" (type (eq $f)))))
        (alias export $types "failure" (type $failure))
        (import "remitd:plugin/maildir@1.0.0" (instance $maildir
            (alias outer 1 $failure (type $f))
            (export "failure" (type $fx (eq $f)))
            (export "put" (func (param "folder" string) (param "name" string) (param "message" (list u8))
                (result (result (error $fx)))))))
        (core module $libc (memory (export "mem") 4)
            (global $at (mut i32) (i32.const 65536))
            (func (export "realloc") (param i32 i32 i32 i32) (result i32)
                (local $was i32)
                (local.set $was (i32.and (i32.add (global.get $at) (i32.const 7)) (i32.const -8)))
                (global.set $at (i32.add (local.get $was) (local.get 3)))
                (local.get $was)))
        (core instance $c (instantiate $libc))
        (alias core export $c "mem" (core memory $mem))
        (alias core export $c "realloc" (core func $realloc))
        (alias export $maildir "put" (func $put))
        (core func $put_low (canon lower (func $put) (memory $mem) (realloc $realloc)))
        (core instance $lowered (export "put" (func $put_low)) (export "mem" (memory $mem)))"#;
    let core = format!(
        r#"(import "host" "put" (func $put (param i32 i32 i32 i32 i32 i32 i32)))
           (import "host" "mem" (memory 4))
           (data (i32.const 16) "outa.emlhello")
           (func (export "mail") (result i32)
               (call $put (i32.const 16) (i32.const 3) (i32.const 19) (i32.const 5) (i32.const 24) (i32.const 5)
                   (i32.const 64))
               {after})"#
    );
    let lifts = r#"(func $mail (result u32) (canon lift (core func $i "mail")))"#;
    guest(imports, &core, lifts, r#"(export "mail" (func $mail))"#)
}

/// Gives the tag of `put`'s result: 0 for ok.
const TAG: &str = "(i32.load8_u (i32.const 64))";

#[tokio::test]
async fn a_trap_after_a_change_outside_is_an_unknown_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let host = host_in(folder.path(), limits());
    let grants = Grants { maildir: vec!["out".into()], ..Grants::default() };
    let good = host.load(PluginSpec { grants: grants.clone(), ..spec(mailing(TAG)) }).unwrap();
    assert_eq!(call(&host, &good, "mail").await, Ok(json!(0)));
    assert_eq!(fs_err::read(folder.path().join("a.eml")).unwrap(), b"hello");
    let bad = host.load(PluginSpec { grants, ..spec(mailing("unreachable")) }).unwrap();
    is(&call(&host, &bad, "mail").await.unwrap_err(), FailureClass::UnknownOutcome, "trapped");
    // Without the grant nothing was written: the same trap is a plain bug.
    let ungranted = host.load(spec(mailing("unreachable"))).unwrap();
    is(&call(&host, &ungranted, "mail").await.unwrap_err(), FailureClass::Bug, "trapped");
}

#[test]
fn what_cannot_be_loaded_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let host = host_in(folder.path(), limits());
    let refused = |wasm: Vec<u8>| host.load(spec(wasm)).unwrap_err();
    let wasi = wat::parse_str(r#"(component (import "wasi:cli/environment@0.2.0" (instance)))"#).unwrap();
    let error = refused(wasi);
    assert!(
        matches!(&error, HostError::ForeignImport { import, .. } if import == "wasi:cli/environment@0.2.0")
    );
    assert!(error.to_string().contains("wasm32-unknown-unknown"), "{error}");
    let newer = wat::parse_str(r#"(component (import "remitd:plugin/log@2.0.0" (instance)))"#).unwrap();
    assert!(refused(newer).to_string().contains("version 1.0.0"));
    assert!(matches!(refused(wat::parse_str("(component)").unwrap()), HostError::NoKind { .. }));
    assert!(matches!(refused(b"\0asm\x01\0\0\0".to_vec()), HostError::Compile { .. }));
    assert!(matches!(refused(b"not wasm".to_vec()), HostError::Compile { .. }));
    let greedy = simple("(memory 65)", &[]);
    assert!(matches!(refused(greedy), HostError::Compile { .. }), "65 pages are more than 4 MiB");
    let grants = Grants { http: vec!["api.example.com".into()], ..Grants::default() };
    let plugin = PluginSpec { grants, ..spec(simple(HOSTILE, &HOSTILE_NAMES)) };
    assert!(matches!(host.load(plugin).unwrap_err(), HostError::BadOrigin { .. }));
}

#[tokio::test]
async fn a_flipped_bit_in_the_cache_is_compiled_again() {
    let folder = tempfile::tempdir().unwrap();
    let wasm = simple(HOSTILE, &HOSTILE_NAMES);
    host_in(folder.path(), limits()).load(spec(wasm.clone())).unwrap();
    let cache = folder.path().join("cache");
    let files: Vec<_> = fs_err::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    let whole = fs_err::read(file).unwrap();
    for place in [0, 40, whole.len() / 2, whole.len() - 1] {
        let mut flipped = whole.clone();
        flipped[place] ^= 1;
        fs_err::write(file, &flipped).unwrap();
        let host = host_in(folder.path(), limits());
        let plugin = host.load(spec(wasm.clone())).unwrap();
        assert_eq!(call(&host, &plugin, "fine").await, Ok(json!(7)));
        assert_ne!(fs_err::read(file).unwrap(), flipped, "it was put right");
    }
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs_err::metadata(&cache).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn compiled_code_is_mapped_where_it_lies() {
    // Beside what cargo runs: elsewhere nothing may be run.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let wasm = simple(HOSTILE, &HOSTILE_NAMES);
    host_in(folder.path(), limits()).load(spec(wasm.clone())).unwrap();
    let host = host_in(folder.path(), limits());
    let plugin = host.load(spec(wasm)).unwrap();
    let maps = fs_err::read_to_string("/proc/self/maps").unwrap();
    let cache = folder.path().join("cache").display().to_string();
    let is_code = |line: &&str| line.contains(&cache) && line.contains("r-xp");
    assert!(maps.lines().any(|line| is_code(&line)), "{maps}");
    assert_eq!(call(&host, &plugin, "fine").await, Ok(json!(7)));
}

#[tokio::test]
async fn calls_by_name_explain_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let host = host_in(folder.path(), limits());
    let plugin = host.load(spec(simple(HOSTILE, &HOSTILE_NAMES))).unwrap();
    assert!(plugin.exports().contains(&"connector.fine() -> u32".to_owned()), "{:?}", plugin.exports());
    let failure = call(&host, &plugin, "fin").await.unwrap_err();
    is(&failure, FailureClass::Invalid, "no-such-export");
    assert!(failure.message.contains("connector.fine() -> u32"), "{failure:?}");
    let failure = host.call_json(&plugin, JobSpec::new("j", "k"), "fine", json!({"x": 1})).await.unwrap_err();
    is(&failure, FailureClass::Invalid, "bad-argument");
}
