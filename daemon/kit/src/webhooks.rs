//! Webhooks: what arrives from outside, from whoever it is. Shared by the kinds that read them; a kind says how it is asked.

use crate::bench::{Bench, KEY};
use crate::case::{Ended, Tried, failed, hold, shown, skipped, unbroken};
use crate::fixture;
use crate::world::World;
use remitd_host::{Failure, FailureClass, Header, JobSpec, Webhook};
use std::pin::Pin;

/// What came of it: how many things it told of.
pub(crate) type Told<'w> = Pin<Box<dyn Future<Output = Result<Result<usize, Failure>, Ended>> + Send + 'w>>;
/// How a kind reads a webhook.
pub(crate) type Reading = for<'w> fn(&'w World, JobSpec, Webhook) -> Told<'w>;

const HUGE_BYTES: usize = 2 << 20;
const HEADERS_MANY: usize = 200;

/// The fixture's genuine one.
pub(crate) fn genuine(bench: &Bench, given: &Option<fixture::Webhook>) -> Option<Webhook> {
    let given = given.as_ref()?;
    let header = |(name, value): (&String, &String)| Header { name: name.clone(), value: value.clone() };
    let headers = given.headers.iter().map(header).collect();
    Some(Webhook { headers, body: bench.fixture.file(&given.file).to_vec() })
}

fn given(bench: &Bench, from: &Option<fixture::Webhook>) -> Result<Webhook, Ended> {
    genuine(bench, from).ok_or_else(|| skipped("kit.toml has no genuine webhook"))
}

async fn read(bench: &Bench, reading: Reading, webhook: Webhook) -> Result<Result<usize, Failure>, Ended> {
    let world = bench.fresh().await?;
    let said = reading(&world, world.job(KEY), webhook).await?;
    if let Err(failure) = &said {
        world.record.heard("read-webhook", failure);
    }
    Ok(said)
}

/// One that must not be believed.
async fn refused(bench: &Bench, reading: Reading, webhook: Webhook, what: &str) -> Tried {
    let said = read(bench, reading, webhook).await?;
    unbroken(&said, &format!("with {what}"))?;
    match said {
        Ok(count) => Err(failed(format!(
            "{what} is believed ({count} events): check the signature before a byte is read"
        ))),
        Err(failure) => hold(
            failure.class == FailureClass::Invalid
                && matches!(failure.code.as_str(), "bad-signature" | "not-supported"),
            || {
                format!(
                    "{what} ends with {}: a forged one is invalid with code bad-signature (or not-supported where there are none), \
                     so that it is told from a mistake",
                    shown(&failure)
                )
            },
        ),
    }
}

fn bare(body: Vec<u8>) -> Webhook {
    Webhook { headers: Vec::new(), body }
}

pub(crate) async fn unsigned(bench: &Bench, reading: Reading, from: &Option<fixture::Webhook>) -> Tried {
    let body = genuine(bench, from).map_or_else(|| b"{}".to_vec(), |webhook| webhook.body);
    refused(bench, reading, bare(body), "a webhook without any header").await
}

pub(crate) async fn empty(bench: &Bench, reading: Reading, from: &Option<fixture::Webhook>) -> Tried {
    refused(bench, reading, bare(Vec::new()), "an empty webhook").await?;
    let Some(mut webhook) = genuine(bench, from) else { return Ok(()) };
    webhook.body.clear();
    refused(bench, reading, webhook, "a genuine webhook without its body").await
}

pub(crate) async fn huge(bench: &Bench, reading: Reading, from: &Option<fixture::Webhook>) -> Tried {
    let mut webhook = genuine(bench, from).unwrap_or_else(|| bare(Vec::new()));
    webhook.body = vec![b'['; HUGE_BYTES];
    let other = |at: usize| Header { name: format!("x-kit-{at}"), value: "x".repeat(1_000) };
    webhook.headers.extend((0..HEADERS_MANY).map(other));
    refused(bench, reading, webhook, "a forged webhook of 2 MiB").await
}

/// Each header's value made nonsense, of any letters.
pub(crate) async fn odd_signatures(
    bench: &Bench,
    reading: Reading,
    from: &Option<fixture::Webhook>,
) -> Tried {
    let usual = genuine(bench, from).unwrap_or_else(|| {
        let header = |name: &str| Header { name: name.to_owned(), value: String::new() };
        Webhook { headers: ["Signature", "X-Signature"].map(header).to_vec(), body: b"{}".to_vec() }
    });
    let long = "f".repeat(100_000);
    for odd in [
        "",
        "=",
        ",,,",
        "t=,v1=",
        "t=99999999999999999999,v1=00",
        "v1=é€😀",
        "\u{0}",
        "sha256=zz",
        long.as_str(),
    ] {
        let mut webhook = usual.clone();
        webhook.headers.iter_mut().for_each(|header| odd.clone_into(&mut header.value));
        refused(bench, reading, webhook, &format!("a webhook signed {:?}", crate::case::cut(odd))).await?;
    }
    Ok(())
}

/// One byte of the body is another; then one letter of each header that carries a signature.
pub(crate) async fn altered(bench: &Bench, reading: Reading, from: &Option<fixture::Webhook>) -> Tried {
    let usual = given(bench, from)?;
    for at in [0, usual.body.len() / 2, usual.body.len().saturating_sub(1)] {
        let mut webhook = usual.clone();
        webhook.body.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1);
        refused(bench, reading, webhook, &format!("a webhook with byte {at} of its body altered")).await?;
    }
    let mut webhook = usual.clone();
    webhook.body.push(b' ');
    refused(bench, reading, webhook, "a webhook with a blank after its body").await?;
    let mut webhook = usual;
    for header in &mut webhook.headers {
        header.value = header.value.chars().map(|letter| if letter == '0' { '1' } else { letter }).collect();
        header.value = header.value.replace('a', "b");
    }
    refused(bench, reading, webhook, "a webhook with an altered signature").await
}

/// The genuine one tells something, however its headers are written.
pub(crate) async fn read_genuine(bench: &Bench, reading: Reading, from: &Option<fixture::Webhook>) -> Tried {
    let usual = given(bench, from)?;
    let upper = |header: &Header| Header { name: header.name.to_ascii_uppercase(), ..header.clone() };
    let lower = |header: &Header| Header { name: header.name.to_ascii_lowercase(), ..header.clone() };
    let mut with_more: Vec<Header> = usual.headers.iter().map(lower).collect();
    with_more.insert(0, Header { name: "user-agent".to_owned(), value: "provider/1".to_owned() });
    for headers in [usual.headers.clone(), usual.headers.iter().map(upper).collect(), with_more] {
        let names: Vec<_> = headers.iter().map(|header| header.name.clone()).collect();
        match read(bench, reading, Webhook { headers, body: usual.body.clone() }).await? {
            Ok(0) => return Err(failed("the genuine webhook of kit.toml tells of nothing")),
            Ok(_) => {}
            Err(failure) => {
                return Err(failed(format!(
                    "the genuine webhook of kit.toml, its headers named {}, ends with {}: names of headers have no case; if its time has \
                     passed, write `now` in kit.toml",
                    names.join(", "),
                    shown(&failure)
                )));
            }
        }
    }
    Ok(())
}
