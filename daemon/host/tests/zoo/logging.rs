//! Guests that talk: the daemon's log stays readable, and short.

use crate::{House, is};
use remitd_host::{FailureClass, Grants, JobSpec, Services};
use remitd_tests::puppet;
use serde_json::json;
use std::io::Write;
use std::sync::{Arc, Mutex, Once, PoisonError};
use tracing_subscriber::fmt::MakeWriter;

/// Everything that was logged in this process, as the daemon writes it for people.
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

impl<'a> MakeWriter<'a> for Page {
    type Writer = Page;
    fn make_writer(&'a self) -> Page {
        self.clone()
    }
}

static PAGE: Mutex<Option<Page>> = Mutex::new(None);
static OPENED: Once = Once::new();

/// Guests run on threads of the host: only a subscriber of the whole process hears them.
fn page() -> Page {
    OPENED.call_once(|| {
        let page = Page::default();
        *PAGE.lock().unwrap() = Some(page.clone());
        let filter = tracing_subscriber::EnvFilter::new("plugin=trace,remitd_host=trace");
        tracing_subscriber::fmt().with_ansi(false).with_env_filter(filter).with_writer(page).init();
    });
    PAGE.lock().unwrap().clone().unwrap()
}

/// The lines of one job.
fn lines(page: &Page, job: &str) -> Vec<String> {
    let bytes = page.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let text = String::from_utf8(bytes).unwrap();
    text.lines().filter(|line| line.contains(&format!("job=\"{job}\""))).map(str::to_owned).collect()
}

#[tokio::test]
async fn a_flood_of_lines_ends_with_the_word_that_the_rest_is_dropped() {
    let page = page();
    let house = House::new(Services::default());
    let plugin = house.load("flood", puppet::mail_provider(), Grants::default());
    house
        .host
        .run(&plugin, JobSpec::new("flooding", "k"), |mut store, pre, _| async move {
            let instance = pre.instantiate_async(&mut store).await?;
            let write = instance.get_func(&mut store, "log-write").unwrap();
            for nth in 0..300 {
                use wasmtime::component::Val;
                let line = Val::String(format!("line {nth} "));
                write.call_async(&mut store, &[Val::Enum("info".to_owned()), line], &mut []).await?;
            }
            Ok(Ok(()))
        })
        .await
        .unwrap();
    let lines = lines(&page, "flooding");
    assert_eq!(lines.len(), 201, "{lines:#?}");
    assert!(lines[199].contains("line 199 "), "{}", lines[199]);
    assert!(lines[200].contains("WARN") && lines[200].contains("further lines of this job are dropped"));
}

#[tokio::test]
async fn a_line_stays_one_line_and_is_cut() {
    let page = page();
    let house = House::new(Services::default());
    let plugin = house.load("writer", puppet::mail_provider(), Grants::default());
    let write = async |job: &str, message: String| {
        let args = json!({ "level": "warn", "message": message });
        house.host.call_json(&plugin, JobSpec::new(job, "k"), "log-write", args).await.unwrap();
    };
    write("long", format!("begin{}", "é".repeat(5_000))).await;
    let [line] = lines(&page, "long").try_into().unwrap();
    let cut = &line[line.find("begin").unwrap()..];
    let shown = cut.split(" plugin=").next().unwrap();
    assert!((1_998..=2_000).contains(&shown.len()), "{} bytes", shown.len());

    let forged =
        "one\n2026-01-01T00:00:00Z ERROR remitd: all money is gone\r\u{1b}[31mred\0\u{85}\u{2028}end";
    write("forged", forged.to_owned()).await;
    let [line] = lines(&page, "forged").try_into().unwrap();
    assert!(
        line.contains(r"one\n2026-01-01") && line.contains(r"\r\u{1b}[31mred\u{0}\u{85}\u{2028}end"),
        "{line}"
    );
}

#[tokio::test]
async fn a_refusal_that_repeats_the_guests_words_stays_one_short_line() {
    let page = page();
    let house = House::new(Services::default());
    let plugin = house.load("forger", puppet::mail_provider(), Grants::default());
    let folder = format!("x\n2026-01-01T00:00:00Z ERROR remitd: gone {}", "y".repeat(1 << 20));
    let args = json!({ "folder": folder, "name": "a.eml", "message": "m" });
    let job = JobSpec::new("forger", "k");
    let failure = house.host.call_json(&plugin, job, "maildir-put", args).await.unwrap_err();
    is(&failure, FailureClass::Denied, "grant-missing");
    let [line] = lines(&page, "forger").try_into().unwrap();
    assert!(line.contains("a plugin was refused") && line.contains(r"x\n2026"), "{}", &line[..200]);
    assert!(line.len() < 5_000, "{} bytes", line.len());
}

#[tokio::test]
async fn who_speaks_of_a_panic_and_goes_on_has_not_panicked() {
    let house = House::new(Services::default());
    let plugin = house.load("actor", puppet::mail_provider(), Grants::default());
    let args = json!({ "level": "error", "message": "panicked at src/lib.rs:1:2: not really" });
    assert_eq!(house.call(&plugin, "log-write", args).await, Ok(json!(null)));
    // Nor does its next job know of it.
    is(&house.call(&plugin, "trap", json!({})).await.unwrap_err(), FailureClass::Bug, "trapped");
}
