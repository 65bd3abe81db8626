//! The parts of a message at a provider that takes parts: nothing is lost on the way into its API.

use super::left::{accepted, changed};
use super::message;
use crate::bench::{Bench, KEY};
use crate::case::{Case, Tried, case, hold, skipped};
use crate::peers::http::Seen;
use crate::spoken::says;
use remitd_flow::plugin::mail::Message;

pub(super) const CASES: &[Case] = &[
    case!("parts-arrive", "Subject, plain text and HTML reach the provider.", parts),
    case!("names-arrive", "The names of both people reach the provider.", names),
    case!("reply-to-arrives", "Where answers are to go reaches the provider.", reply_to),
    case!("headers-arrive", "Further headers, such as List-Unsubscribe, reach the provider.", headers),
    case!(
        "letters-arrive",
        "Subject and names in the world's letters reach the provider unchanged.",
        letters
    ),
];

async fn told(bench: &Bench, message: &Message, texts: &[(&str, &str)]) -> Tried {
    let left = accepted(bench, message, "a message").await?;
    if left.requests.is_empty() {
        return Err(skipped("it hands over the wire form, not the parts of a message"));
    }
    // Whoever hands over the wire form in a request hands over all of it.
    let wire = std::str::from_utf8(&message.wire).unwrap_or_default();
    let whole = |request: &Seen| says(request, wire);
    for (what, text) in texts {
        let arrives = left.requests.iter().any(|request| says(request, text) || whole(request));
        hold(arrives, || format!("the {what} {text:?} is not in the request to the provider"))?;
    }
    Ok(())
}

async fn parts(bench: &Bench) -> Tried {
    let usual = message(KEY);
    let texts = [("subject", usual.subject.as_str()), ("plain text", &usual.text), ("HTML", &usual.html)];
    told(bench, &usual, &texts).await
}

async fn names(bench: &Bench) -> Tried {
    let usual = message(KEY);
    told(
        bench,
        &usual,
        &[("sender's name", usual.sender.name.as_str()), ("recipient's name", &usual.recipient.name)],
    )
    .await
}

async fn reply_to(bench: &Bench) -> Tried {
    let usual = message(KEY);
    let address = usual.reply_to.as_ref().map_or("", |mailbox| mailbox.address.as_str());
    told(bench, &usual, &[("address for answers", address)]).await
}

async fn headers(bench: &Bench) -> Tried {
    let usual = message(KEY);
    let texts: Vec<_> =
        usual.headers.iter().map(|header| ("header's value", header.value.as_str())).collect();
    told(bench, &usual, &texts).await
}

async fn letters(bench: &Bench) -> Tried {
    let written = changed(|message| {
        message.subject = "Rechnung № 7 – 請求書 😀 \"quoted\" <b>".to_owned();
        message.recipient.name = "Žofie \"Zo\" Nováková, Ph.D.".to_owned();
        message.sender.name = "Roe & Söhne <מ>".to_owned();
        message.text = "Grüße – שלום\n".to_owned();
    });
    let texts = [
        ("subject", written.subject.as_str()),
        ("recipient's name", &written.recipient.name),
        ("sender's name", &written.sender.name),
        ("text", &written.text),
    ];
    told(bench, &written, &texts).await
}
