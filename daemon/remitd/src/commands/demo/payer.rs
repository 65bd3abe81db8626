//! The payers of the demo: each finds the link in its mail, opens it, and pays with the sandbox's good card, over HTTP.

use crate::commands::run::Daemon;
use crate::fault::Fault;
use fs_err as fs;
use reqwest::{Client, Response, redirect};
use secrecy::ExposeSecret;
use std::path::Path;
use std::time::Duration;

const GOOD_CARD: &str = "4242424242424242";
const ANSWER: Duration = Duration::from_secs(30);

/// The links of the mails in a folder, in the order of their files.
pub fn links(folder: &Path, public: &str) -> Result<Vec<String>, Fault> {
    let mut files: Vec<_> =
        fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?.iter().map(|e| e.path()).collect();
    files.sort();
    let mut links = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "eml")) {
        // Quoted-printable breaks long lines softly; a link has nothing else that it would change.
        let text = fs::read_to_string(file)?.replace("=\r\n", "");
        let start = format!("{public}/p/");
        let found = text.split(&start).nth(1).map(|rest| {
            let token: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
            format!("{start}{token}")
        });
        links.extend(found);
    }
    Ok(links)
}

fn client() -> Result<Client, Fault> {
    let client = Client::builder().redirect(redirect::Policy::none()).no_proxy().timeout(ANSWER).build();
    client.map_err(unreachable)
}

#[allow(clippy::needless_pass_by_value)]
fn unreachable(error: reqwest::Error) -> Fault {
    Fault::usage(format!("the demo's payer: {error}"), "")
}

/// Opens the link, presses Pay, gives the card, is led back.
pub async fn pay(link: &str) -> Result<(), Fault> {
    let client = client()?;
    client.get(link).send().await.and_then(Response::error_for_status).map_err(unreachable)?;
    let pressed = client.post(format!("{link}/pay")).form(&[("a", "")]).send().await.map_err(unreachable)?;
    let checkout = location(&pressed, "the pay page did not lead to a checkout")?;
    let paid = client.post(&checkout).form(&[("number", GOOD_CARD)]).send().await.map_err(unreachable)?;
    let back = location(&paid, "the checkout did not lead back")?;
    client.get(&back).send().await.and_then(Response::error_for_status).map_err(unreachable)?;
    Ok(())
}

fn location(response: &Response, otherwise: &str) -> Result<String, Fault> {
    let to = response.headers().get("location").and_then(|to| to.to_str().ok());
    to.map(str::to_owned).ok_or_else(|| Fault::usage(format!("{otherwise}: {}", response.status()), ""))
}

/// What the sandbox provider says it took and kept.
pub async fn captured_minor(daemon: &Daemon) -> Result<i64, Fault> {
    let loaded = &daemon.wired.loaded;
    let key = loaded.config.secrets.get("sandbox-key").map(|secret| secret.read(&loaded.base)).transpose()?;
    let url = daemon.addresses.sandbox.clone().unwrap_or_default();
    let totals = client()?
        .get(format!("{url}/v1/test/totals"))
        .bearer_auth(key.as_ref().map(ExposeSecret::expose_secret).unwrap_or_default())
        .send()
        .await
        .and_then(Response::error_for_status)
        .map_err(unreachable)?;
    let totals: serde_json::Value = totals.json().await.map_err(unreachable)?;
    let sum = |name: &str| totals.get(name).and_then(serde_json::Value::as_i64).unwrap_or_default();
    Ok(sum("captured_minor") - sum("returned_minor") - sum("refunded_minor"))
}
