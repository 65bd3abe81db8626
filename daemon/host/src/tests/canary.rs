//! The canary: secrets that no guest, log line, failure, row or printed value may ever show, whatever a plugin does to see them.

use super::peer::{Peer, ok};
use super::with_tls;
use crate::engine::{Host, HostConfig};
use crate::error::HostError;
use crate::grants::Grants;
use crate::job::JobSpec;
use crate::json;
use crate::keep::{Forgetful, Keep};
use crate::limits::Limits;
use crate::plugin::{Plugin, PluginSpec};
use crate::reach::{Security, Services, SmtpRelay, SqlConnection};
use crate::wit::types::{Failure, FailureClass};
use remitd_tests::puppet;
use serde_json::{Value, json};
use std::fmt::Debug;
use std::io::Write;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const KEY: &str = "CANARY-key-8f2Kq1";
const SMTP_PASSWORD: &str = "CANARY-smtp-Zx93w";
const DATABASE_PASSWORD: &str = "CANARY-sql-77hJt";
const ALL: [&str; 3] = [KEY, SMTP_PASSWORD, DATABASE_PASSWORD];
/// `CANARY-` as SMTP's AUTH PLAIN writes it, after a user of a length that leaves it at this place.
const IN_BASE64: [&str; 3] = ["Q0FOQVJZL", "NBTkFSWS", "DQU5BUlkt"];

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Everything that this process logs from now on, libraries' smallest talk and all; the compiler's own apart.
fn listen() -> Page {
    let page = Page::default();
    let written = page.clone();
    let quiet = "trace,cranelift_codegen=off,cranelift_frontend=off,regalloc2=off,wasmtime=off,wasmtime_internal_cranelift=off";
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_env_filter(tracing_subscriber::EnvFilter::new(quiet))
        .with_writer(move || written.clone())
        .init();
    page
}

/// No canary in it, plain or encoded.
#[track_caller]
fn silent(what: &str, text: &str) {
    for canary in ALL.iter().chain(&IN_BASE64) {
        if let Some(at) = text.find(canary) {
            let around = text.floor_char_boundary(at.saturating_sub(200))..text.ceil_char_boundary(at + 60);
            panic!("{what} tells {canary}: {}", &text[around]);
        }
    }
}

/// A mail server that takes no password, and repeats what it was given in every way that it can.
async fn tactless_relay() -> (u16, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufStream::new(stream);
            let (mut line, mut say) = (String::new(), "220 test\r\n".to_owned());
            while stream.write_all(say.as_bytes()).await.is_ok() && stream.flush().await.is_ok() {
                line.clear();
                if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                    break;
                }
                say = match line.split(' ').next().unwrap() {
                    "EHLO" => "250-test\r\n250 AUTH PLAIN LOGIN\r\n".to_owned(),
                    "AUTH" => format!("535 the password {SMTP_PASSWORD} is wrong\r\n"),
                    _ => "250 ok\r\n".to_owned(),
                };
            }
        }
    });
    (port, tasks)
}

struct Cage {
    host: Arc<Host>,
    keep: Arc<Forgetful>,
    _folder: TempDir,
    _tasks: JoinSet<()>,
}

impl Cage {
    async fn new() -> Cage {
        with_tls();
        let (port, tasks) = tactless_relay().await;
        let folder = tempfile::tempdir().unwrap();
        let keep = Arc::<Forgetful>::default();
        let config = HostConfig {
            cache_dir: folder.path().join("cache"),
            limits: Limits { failures_in_a_row: 1_000, ..Limits::default() },
            guest_threads: 1,
            today: chrono_tz::UTC,
            clock: Arc::new(|| chrono::DateTime::from_timestamp_millis(0).unwrap()),
            keep: Arc::clone(&keep) as Arc<dyn Keep>,
            tamper: None,
        };
        let relay = SmtpRelay {
            name: "relay".into(),
            host: "127.0.0.1".into(),
            port,
            security: Security::None,
            user: Some("u".into()),
            password: Some(SMTP_PASSWORD.to_owned().into()),
            ca_file: None,
        };
        // Nobody listens on this port.
        let url = format!("postgres://u:{DATABASE_PASSWORD}@127.0.0.1:1/books");
        let sql = SqlConnection { name: "books".into(), url: url.into(), statement_ms: 1_000 };
        let services = Services {
            sql: vec![sql],
            odbc: None,
            smtp: vec![relay],
            outboxes: Vec::new(),
            maildirs: vec![("out".into(), folder.path().to_owned())],
            secrets: [("key".to_owned(), KEY.to_owned().into())].into(),
        };
        let host = Host::new(config, services, &[]).unwrap();
        Cage { host, keep, _folder: folder, _tasks: tasks }
    }

    fn load(&self, id: &str, wasm: Vec<u8>, grants: Grants) -> Arc<Plugin> {
        let spec = PluginSpec { id: id.into(), wasm: wasm.into(), grants, settings_json: "{}".into() };
        silent("a plugin's specification", &format!("{spec:?}"));
        let plugin = self.host.load(spec).unwrap();
        silent("a plugin", &format!("{plugin:?} {:?}", plugin.grants()));
        plugin
    }
}

/// One call, then a look through the guest's whole memory for each of `wanted`; then the guest keeps, logs and shouts what it
/// was given, and ends by a trap if it is to.
async fn act(
    cage: &Cage,
    plugin: &Arc<Plugin>,
    export: &'static str,
    args: Value,
    wanted: Vec<&'static str>,
) -> (Value, u32) {
    let answer = cage
        .host
        .run(plugin, JobSpec::new("j", "k"), move |mut store, pre, context| async move {
            let instance = pre.instantiate_async(&mut store).await?;
            let func = instance.get_func(&mut store, export).unwrap();
            let shape = func.ty(&store);
            let args = json::arguments(&shape, args, &context).unwrap();
            let mut results = vec![wasmtime::component::Val::Bool(false); shape.results().len()];
            func.call_async(&mut store, &args, &mut results).await?;
            let find = instance.get_typed_func::<(Vec<u8>,), (u32,)>(&mut store, "find")?;
            let mut found = 0;
            for text in wanted {
                found += find.call_async(&mut store, (puppet::masked(text),)).await?.0;
            }
            Ok(Ok((results.first().map_or(Value::Null, json::of_val), found)))
        })
        .await;
    answer.unwrap_or_else(|failure| panic!("{export}: {failure:?}"))
}

/// The guest keeps what it saw of one call, and dies with it on its lips; its last words.
async fn shout(cage: &Cage, plugin: &Arc<Plugin>, nth: usize, seen: &Value) -> Failure {
    let text = seen.to_string();
    let changes = json!([{ "key": format!("seen-{nth}"), "value": text, "version": 0 }]);
    let (kept, _) = act(cage, plugin, "state-apply", json!({ "changes": changes }), vec![]).await;
    assert_eq!(kept, json!({ "ok": null }));
    let job = JobSpec::new("j", "k");
    let dying = cage.host.run(plugin, job, move |mut store, pre, _| async move {
        use wasmtime::component::Val;
        let instance = pre.instantiate_async(&mut store).await?;
        let write = instance.get_func(&mut store, "log-write").unwrap();
        let line = Val::String(format!("panicked at src/lib.rs:1:1: {text}"));
        write.call_async(&mut store, &[Val::Enum("error".to_owned()), line], &mut []).await?;
        let trap = instance.get_typed_func::<(), ()>(&mut store, "trap")?;
        trap.call_async(&mut store, ()).await?;
        Ok(Ok(()))
    });
    dying.await.unwrap_err()
}

fn request(url: &str, method: &str, header: &str) -> Value {
    json!({ "request": { "method": method, "url": url, "headers": [{ "name": "x-marker", "value": "marker-of-mine" }],
        "secret-headers": [{ "name": header, "prefix": "Bearer ", "secret": "key" }], "body": "body", "timeout-ms": 5_000 } })
}

/// Everything that a mail provider can try.
fn attempts(peer: &Peer, echo: &Peer, closed: &str) -> Vec<(&'static str, Value)> {
    let verify = |secret: &str| json!({ "secret": secret, "message": "m", "mac": "m" });
    let mail = |from: &str| {
        json!({ "connection": "relay", "envelope-from": from,
        "recipients": ["b@example.com"], "message": "Subject: x\r\n\r\n" })
    };
    let mut smuggling = request(&peer.origin(), "GET", "authorization");
    smuggling["request"]["secret-headers"][0]["prefix"] = json!("x\r\nx-copy: ");
    vec![
        ("http-send", request(&peer.origin(), "POST", "authorization")),
        ("http-send", request(&peer.origin(), "GET", "x-other")),
        ("http-send", request(&echo.origin(), "GET", "authorization")),
        ("http-send", request(&echo.origin(), "POST", "authorization")),
        ("http-send", request(closed, "POST", "authorization")),
        ("http-send", request("http://127.0.0.1:2/", "GET", "authorization")),
        ("http-send", request(&format!("{}/{{key}}?${{key}}", peer.origin()), "GET", "authorization")),
        ("http-send", smuggling),
        ("signature-verify-hmac-sha256", verify("key")),
        ("signature-verify-hmac-sha256", verify("other")),
        ("smtp-send", mail("a@example.com")),
        ("smtp-send", mail("a@example.com\r\nAUTH LOGIN")),
        ("maildir-put", json!({ "folder": "out", "name": "a.eml", "message": "m" })),
        ("maildir-put", json!({ "folder": "out", "name": "../secrets/key", "message": "m" })),
        ("settings-json", json!({})),
        ("random-bytes", json!({ "len": 1_024 })),
        ("state-get", json!({ "key": "secrets/key" })),
    ]
}

/// What the attempts end with, those that are refused.
const REFUSALS: [&str; 8] = [
    "secret-echoed",
    "secret-place",
    "grant-missing",
    "connect",
    "bad-header",
    "smtp-auth",
    "bad-address",
    "bad-name",
];

/// A connector asks a database that does not answer; what it is told.
async fn accountant(cage: &Cage) -> Value {
    let grants = Grants { sql: vec!["books".into()], ..Grants::default() };
    let plugin = cage.load("accountant", puppet::connector(), grants);
    let query = json!({ "connection": "books", "statement": { "text": "SELECT 1", "params": [] } });
    let (seen, found) = act(cage, &plugin, "sql-query", query, ALL.to_vec()).await;
    assert!(found == 0 && seen["err"]["class"] == "unavailable", "{seen}");
    seen
}

#[tokio::test]
async fn whatever_a_plugin_does_it_sees_no_secret_and_nobody_hears_one() {
    let page = listen();
    let cage = Cage::new().await;
    let (peer, echo) = (Peer::start(|_| ok("thanks")).await, Peer::start(ok).await);
    let closed = "http://127.0.0.1:1";
    let places = [peer.origin(), echo.origin(), closed.to_owned()];
    let grants = Grants {
        http: places.to_vec(),
        smtp: vec!["relay".into()],
        maildir: vec!["out".into()],
        secrets: places.iter().map(|origin| format!("key as authorization to {origin}")).collect(),
        ..Grants::default()
    };
    let plugin = cage.load("magpie", puppet::mail_provider(), grants);
    // The search itself finds what is there: what the guest sent was in its memory.
    let (_, found) = act(
        &cage,
        &plugin,
        "http-send",
        request(&peer.origin(), "POST", "authorization"),
        vec!["marker-of-mine"],
    )
    .await;
    assert!(found > 0);
    let mut told = Vec::new();
    for (nth, (export, args)) in attempts(&peer, &echo, closed).into_iter().enumerate() {
        let (seen, found) = act(&cage, &plugin, export, args, ALL.to_vec()).await;
        assert_eq!(found, 0, "{export} ({nth}) leaves a canary in the guest's memory");
        let failure = shout(&cage, &plugin, nth, &seen).await;
        assert_eq!(failure.code, "panicked");
        silent("a panic", &format!("{failure:?}"));
        told.push(seen);
    }
    let told = Value::from(told).to_string();
    for code in REFUSALS {
        assert!(told.contains(code), "{code}: {told}");
    }
    assert!(
        peer.seen()[0].contains(&format!("authorization: Bearer {KEY}\r\n")),
        "the secret did go where it belongs"
    );

    let seen = accountant(&cage).await;
    silent("what the guests were told", &format!("{told}{seen}"));
    silent("the trail", &format!("{:?}", cage.keep.notes()));
    assert!(!cage.keep.notes().is_empty());
    for nth in 0..attempts(&peer, &echo, closed).len() {
        let kept = cage.keep.get("magpie", &format!("seen-{nth}")).await.unwrap().unwrap();
        silent("the state", &String::from_utf8_lossy(&kept.value));
    }
    let log = String::from_utf8_lossy(&page.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned();
    assert!(
        log.contains("hyper") && log.contains("panicked at src/lib.rs"),
        "the libraries are heard as well"
    );
    silent("the log", &log);
}

#[tokio::test]
async fn what_cannot_be_opened_does_not_say_with_what() {
    with_tls();
    let refused = |url: String| -> HostError {
        let folder = tempfile::tempdir().unwrap();
        let config = HostConfig {
            cache_dir: folder.path().to_owned(),
            limits: Limits::default(),
            guest_threads: 1,
            today: chrono_tz::UTC,
            clock: Arc::new(|| chrono::DateTime::from_timestamp_millis(0).unwrap()),
            keep: Arc::<Forgetful>::default(),
            tamper: None,
        };
        let sql = SqlConnection { name: "books".into(), url: url.into(), statement_ms: 1 };
        let services = Services { sql: vec![sql], ..Services::default() };
        Host::new(config, services, &[]).err().expect("the URL is wrong")
    };
    for wrong in [
        format!("postgres://u:{DATABASE_PASSWORD}@127.0.0.1:port/books"),
        format!("postgres://u:{DATABASE_PASSWORD}@127.0.0.1:1/books?sslmode={DATABASE_PASSWORD}"),
        format!("postgres://u:{DATABASE_PASSWORD}/@127.0.0.1:1/books"),
        format!("postgres://u:{DATABASE_PASSWORD}@[::1/books"),
        format!("mysql://u:{DATABASE_PASSWORD}/@127.0.0.1/books"),
        format!("mysql://u:{DATABASE_PASSWORD}@127.0.0.1/books?ssl-mode={DATABASE_PASSWORD}"),
        format!("mariadb://127.0.0.1/books?{DATABASE_PASSWORD}=1"),
        format!("oracle://u:{DATABASE_PASSWORD}@127.0.0.1/books"),
        format!("sqlite:books?mode={DATABASE_PASSWORD}"),
        format!("sqlite:books?{DATABASE_PASSWORD}=1"),
    ] {
        let error = refused(wrong.clone());
        silent(&wrong, &format!("{error} {error:?}"));
    }
    for wrong in [
        format!("postgres://u:{DATABASE_PASSWORD}@127.0.0.1:1/books"),
        format!("postgres://127.0.0.1:1/books?password={DATABASE_PASSWORD}"),
        format!("postgres://u:{DATABASE_PASSWORD}@127.0.0.1:port/books"),
        format!("mysql://u:{DATABASE_PASSWORD}@127.0.0.1:1/books"),
        format!("sqlite:/nonexistent/{}", "books"),
    ] {
        let error = crate::reach::run_script(&wrong, "SELECT 1", None).await.unwrap_err();
        silent(&wrong, &format!("{error} {error:?}"));
    }
}

/// Whether a type can be printed at all: its own constant stands before the trait's where it can.
struct Is<T>(PhantomData<T>);
trait Hidden {
    const SHOWN: bool = false;
}
impl<T> Hidden for Is<T> {}
impl<T: Debug> Is<T> {
    const SHOWN: bool = true;
}

#[test]
fn what_holds_secrets_cannot_be_printed() {
    // The question itself answers yes where it should.
    const { assert!(Is::<Grants>::SHOWN) };
    for (name, shown) in [
        ("Services", Is::<Services>::SHOWN),
        ("SqlConnection", Is::<SqlConnection>::SHOWN),
        ("SmtpRelay", Is::<SmtpRelay>::SHOWN),
        ("HostConfig", Is::<HostConfig>::SHOWN),
        ("Host", Is::<Host>::SHOWN),
        ("Opened", Is::<crate::reach::Opened>::SHOWN),
        ("Relay", Is::<crate::reach::smtp::Relay>::SHOWN),
        ("Database", Is::<crate::reach::sql::Database>::SHOWN),
        ("JobState", Is::<crate::job::JobState>::SHOWN),
    ] {
        assert!(!shown, "{name} has Debug: leave it out, or write one that keeps the secret");
    }
    let failure = Failure::new(FailureClass::Bug, "x", "words");
    silent("a failure", &format!("{failure:?}"));
}
