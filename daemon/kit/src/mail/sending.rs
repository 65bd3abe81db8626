//! One message goes out: to whom, from whom, and as it was written.

use super::left::{Left, accepted, changed, send, sent};
use super::{message, message_id};
use crate::bench::{Bench, KEY};
use crate::case::{Case, Tried, case, failed, hold, shown, skipped};
use crate::spoken::{says, words};
use remitd_flow::plugin::mail::Message;
use remitd_host::{FailureClass, Header};

pub(super) const CASES: &[Case] = &[
    case!("message-goes-out", "A message that is accepted has left, once, and has a reference.", goes_out),
    case!("recipient-as-given", "It goes to its recipient and to nobody else.", recipient),
    case!("sender-as-given", "It comes from its sender.", sender),
    case!("wire-untouched", "In wire form it arrives byte for byte.", wire_untouched),
    case!("no-header-injected", "A line break in a text begins no header.", no_header_injected),
    case!("empty-text", "A message without a plain text goes out.", empty_text),
    case!("empty-html", "A message without HTML goes out.", empty_html),
    case!("no-names", "People without names get their mail.", no_names),
    case!("huge-message", "A message of 8 MiB goes out whole or is refused.", huge),
    case!("two-are-two", "Two messages are two, however alike they are.", two_are_two),
];

/// A second key, for another message.
const OTHER: &str = "kit-5d20b7ee-0003";
const HUGE_BYTES: usize = 8 << 20;

async fn goes_out(bench: &Bench) -> Tried {
    let (answer, left) = sent(bench, &message(KEY)).await?;
    let accepted = answer
        .map_err(|failure| failed(format!("the usual message is not accepted: {}", shown(&failure))))?;
    hold(left.count() == 1, || format!("one message was accepted, and {} have left", left.count()))?;
    hold(!accepted.provider_ref.trim().is_empty(), || {
        "provider-ref is empty: give the provider's id, or the server's answer, so that staff can ask for the message".to_owned()
    })
}

async fn recipient(bench: &Bench) -> Tried {
    let usual = message(KEY);
    let left = accepted(bench, &usual, "the usual message").await?;
    let address = &usual.recipient.address;
    for caught in &left.caught {
        hold(caught.to == [address.clone()], || {
            format!("the envelope goes to {:?}, not to {address} alone", caught.to)
        })?;
    }
    for request in &left.requests {
        hold(says(request, address), || {
            format!("{} {} does not name the recipient {address}", request.method, request.path)
        })?;
    }
    Ok(())
}

async fn sender(bench: &Bench) -> Tried {
    let usual = message(KEY);
    let left = accepted(bench, &usual, "the usual message").await?;
    let address = &usual.sender.address;
    for caught in &left.caught {
        hold(caught.from == *address, || {
            format!("the envelope comes from {:?}, not from {address}", caught.from)
        })?;
    }
    for request in &left.requests {
        hold(says(request, address), || {
            format!("{} {} does not name the sender {address}", request.method, request.path)
        })?;
    }
    Ok(())
}

/// Dots at the beginnings of lines, a line as long as a line may be, letters beyond ASCII, blanks at ends.
async fn wire_untouched(bench: &Bench) -> Tried {
    let long = "x".repeat(990);
    let mut odd = message(KEY);
    odd.wire
        .extend_from_slice(format!(".\r\n..\r\n.dot\r\n\r\nGrüße \t \r\n{long}\r\nFrom here\r\n").as_bytes());
    let left = accepted(bench, &odd, "a message with dots, blanks and long lines").await?;
    if left.wires().next().is_none() {
        return Err(skipped("it hands over the parts of a message, not its wire form"));
    }
    for (place, bytes) in left.wires() {
        hold(bytes == odd.wire, || {
            let at = bytes.iter().zip(&odd.wire).take_while(|(one, other)| one == other).count();
            format!(
                "{place} are {} bytes of {}, and byte {at} is the first other one: hand `wire` on as it is",
                bytes.len(),
                odd.wire.len()
            )
        })?;
    }
    Ok(())
}

async fn no_header_injected(bench: &Bench) -> Tried {
    const MARK: &str = "X-Kit-Injected: yes";
    for line_break in ["\r\n", "\n", "\r"] {
        let text = || format!("Roe{line_break}{MARK}{line_break}Bcc: eve@other.example");
        let odd = changed(|message| {
            message.subject = text();
            message.sender.name = text();
            message.recipient.name = text();
            message.headers.push(Header { name: "X-Kit".to_owned(), value: text() });
        });
        // To refuse such a message is as good.
        let (_, left) = sent(bench, &odd).await?;
        for (place, bytes) in left.wires() {
            hold(!has_line(bytes, MARK), || {
                format!("{place} a line break in a name or subject has begun a header")
            })?;
        }
        for request in &left.requests {
            let header = request.headers.iter().any(|(name, _)| name == "x-kit-injected");
            // JSON writes a line break as two letters; where one stands as it is, a mail was put together by hand.
            let mail = words(request)
                .iter()
                .any(|word| word.contains("MIME-Version:") && has_line(word.as_bytes(), MARK));
            hold(!header && !mail && !has_line(&request.body, MARK), || {
                format!(
                    "in {} {} a line break in a name or subject has begun a header: escape it or refuse the message",
                    request.method, request.path
                )
            })?;
        }
    }
    Ok(())
}

/// Whether a line of it begins so.
fn has_line(bytes: &[u8], begins: &str) -> bool {
    bytes.split(|byte| matches!(byte, b'\n' | b'\r')).any(|line| line.starts_with(begins.as_bytes()))
}

async fn empty_text(bench: &Bench) -> Tried {
    goes(bench, &changed(|message| message.text.clear()), "a message without a plain text").await
}

async fn empty_html(bench: &Bench) -> Tried {
    goes(bench, &changed(|message| message.html.clear()), "a message without HTML").await
}

async fn no_names(bench: &Bench) -> Tried {
    let bare = changed(|message| {
        message.sender.name.clear();
        message.recipient.name.clear();
        message.reply_to = None;
    });
    goes(bench, &bare, "a message without names").await
}

async fn goes(bench: &Bench, message: &Message, what: &str) -> Tried {
    let left = accepted(bench, message, what).await?;
    hold(left.count() == 1, || format!("{what} was accepted, and {} have left", left.count()))
}

async fn huge(bench: &Bench) -> Tried {
    let line = "0123456789".repeat(7) + "\n";
    let huge = changed(|message| message.text = line.repeat(HUGE_BYTES / line.len()));
    match sent(bench, &huge).await? {
        (Ok(_), left) => {
            hold(left.count() == 1, || {
                format!("a message of 8 MiB was accepted, and {} have left", left.count())
            })?;
            let whole = left.wires().all(|(_, bytes)| bytes == huge.wire);
            let told = left.requests.iter().all(|request| says(request, &huge.text));
            hold(whole && told, || "a message of 8 MiB was accepted, and has not arrived whole".to_owned())
        }
        (Err(failure), left) => {
            hold(left.count() == 0, || {
                "a message of 8 MiB was refused, and has left all the same".to_owned()
            })?;
            hold(failure.class == FailureClass::Invalid, || {
                format!(
                    "a message of 8 MiB ends with {}: what is too large is invalid, and never fits",
                    shown(&failure)
                )
            })
        }
    }
}

async fn two_are_two(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    let mut other = message(KEY);
    other.message_id = message_id(OTHER);
    other.wire = super::wire(&other);
    for (key, message) in [(KEY, &message(KEY)), (OTHER, &other)] {
        let answer = send(&world, key, message).await?;
        answer.map_err(|failure| {
            failed(format!("one of two alike messages is not accepted: {}", shown(&failure)))
        })?;
    }
    let left = Left::of(&world)?;
    hold(left.count() == 2, || {
        format!(
            "two messages that differ in their Message-ID alone were accepted, and {} have left",
            left.count()
        )
    })?;
    let marks =
        |key: &str| left.requests.iter().filter(|request| crate::spoken::carries(request, key)).count();
    hold(left.requests.is_empty() || (marks(KEY), marks(OTHER)) == (1, 1), || {
        "the requests of two messages do not each carry their own Message-ID or key: the provider would take the second for the first"
            .to_owned()
    })
}
