//! Mail providers: one message to one recipient, and what bounced. Owns the usual calls of this kind, the usual message, and the
//! list of the cases.

mod bounces;
mod hooks;
mod left;
mod parts;
mod promise;
mod sending;

use crate::act::{Act, Repeats, said};
use crate::bench::{Bench, KEY};
use crate::case::{Case, Ended};
use crate::webhooks;
use remitd_flow::plugin::mail::{Mailbox, Message};
use remitd_host::{Header, Webhook};

pub(crate) fn cases() -> Vec<Case> {
    [sending::CASES, parts::CASES, promise::CASES, bounces::CASES, hooks::CASES].concat()
}

/// Has the key in it, as every attempt of the daemon's does.
fn message_id(key: &str) -> String {
    format!("{key}@firm.example")
}

/// A request for payment, as the daemon sends it.
pub(crate) fn message(key: &str) -> Message {
    let person = |name: &str, address: &str| Mailbox { name: name.to_owned(), address: address.to_owned() };
    let mut message = Message {
        message_id: message_id(key),
        sender: person("Roe and Partners", "billing@firm.example"),
        recipient: person("Ana Souza", "ana.souza@client.example"),
        reply_to: Some(person("Sam Roe", "sam.roe@firm.example")),
        subject: "Invoice 1001 of Roe and Partners".to_owned(),
        text: "Dear Ana Souza,\n\nplease pay 101.00 USD.\n".to_owned(),
        html: "<p>Dear Ana Souza,</p><p>please pay <b>101.00 USD</b>.</p>".to_owned(),
        headers: vec![Header {
            name: "List-Unsubscribe".to_owned(),
            value: "<https://pay.firm.example/u/k7f3a9c51>".to_owned(),
        }],
        wire: Vec::new(),
    };
    message.wire = wire(&message);
    message
}

/// The message in wire form. No text of it can end a header's line: each is an encoded word.
pub(crate) fn wire(message: &Message) -> Vec<u8> {
    let address = |mailbox: &Mailbox| {
        format!("{} <{}>", encoded(&mailbox.name), encoded_unless_plain(&mailbox.address))
    };
    let mut lines = vec![
        format!("Message-ID: <{}>", encoded_unless_plain(&message.message_id)),
        format!("From: {}", address(&message.sender)),
        format!("To: {}", address(&message.recipient)),
        format!("Subject: {}", encoded(&message.subject)),
    ];
    lines.extend(message.reply_to.iter().map(|mailbox| format!("Reply-To: {}", address(mailbox))));
    lines.push("MIME-Version: 1.0".to_owned());
    lines.push("Content-Type: text/plain; charset=utf-8".to_owned());
    lines.push("Content-Transfer-Encoding: 8bit\r\n".to_owned());
    lines.extend(message.text.lines().map(str::to_owned));
    (lines.join("\r\n") + "\r\n").into_bytes()
}

/// Bytes of one encoded word: a line of a header has at most 78 characters.
const WORD_BYTES: usize = 20;

fn encoded(text: &str) -> String {
    let word = |bytes: &[u8]| {
        let letters: String = bytes.iter().map(|byte| format!("={byte:02X}")).collect();
        format!("=?utf-8?q?{letters}?=")
    };
    text.as_bytes().chunks(WORD_BYTES).map(word).collect::<Vec<_>>().join("\r\n ")
}

fn encoded_unless_plain(text: &str) -> String {
    if text.bytes().all(|byte| byte.is_ascii_graphic()) { text.to_owned() } else { encoded(text) }
}

pub(crate) async fn acts(bench: &Bench) -> Result<Vec<Act>, Ended> {
    let world = bench.fresh().await?;
    let safely = world.mail_provider()?.repeats_safely(world.job(KEY)).await;
    let repeats = if safely == Ok(false) { Repeats::Never } else { Repeats::Safely };
    let mut acts = vec![send(message(KEY)).repeating(repeats), bounces_since(None)];
    acts.extend(webhooks::genuine(bench, &bench.fixture.mail.webhook).map(read_webhook));
    Ok(acts)
}

/// The same with the text in each argument.
pub(crate) async fn hostile(_bench: &Bench, text: &str) -> Result<Vec<Act>, Ended> {
    let text = || text.to_owned();
    let usual = message(KEY);
    let named = |mailbox: &Mailbox| Mailbox { name: text(), ..mailbox.clone() };
    let texts = Message {
        sender: named(&usual.sender),
        recipient: named(&usual.recipient),
        reply_to: usual.reply_to.as_ref().map(named),
        subject: text(),
        text: text(),
        html: text(),
        headers: vec![Header { name: "X-Kit".to_owned(), value: text() }],
        ..usual.clone()
    };
    let to = Mailbox { address: text(), ..usual.recipient.clone() };
    let from = Mailbox { address: text(), ..usual.sender.clone() };
    let headers = vec![Header { name: text(), value: "x".to_owned() }];
    let messages = [
        texts,
        Message { recipient: to, ..usual.clone() },
        Message { sender: from, ..usual.clone() },
        Message { headers, ..usual.clone() },
        Message { message_id: text(), ..usual },
    ];
    let mut acts: Vec<Act> =
        messages.into_iter().map(|message| send(Message { wire: wire(&message), ..message })).collect();
    acts.push(bounces_since(Some(text())));
    let header = |name: &str| Header { name: name.to_owned(), value: text() };
    acts.push(read_webhook(Webhook {
        headers: ["signature", "x-kit"].map(header).to_vec(),
        body: text().into_bytes(),
    }));
    Ok(acts)
}

fn send(message: Message) -> Act {
    Act::new("send", move |world, job| {
        let message = message.clone();
        Box::pin(async move { said(world.mail_provider()?.send(job, message).await) })
    })
}

fn bounces_since(cursor: Option<String>) -> Act {
    Act::new("bounces-since", move |world, job| {
        let cursor = cursor.clone();
        Box::pin(async move { said(world.mail_provider()?.bounces_since(job, cursor).await) })
    })
}

fn read_webhook(webhook: Webhook) -> Act {
    Act::new("read-webhook", move |world, job| {
        let webhook = webhook.clone();
        Box::pin(async move { said(world.mail_provider()?.read_webhook(job, webhook).await) })
    })
}
