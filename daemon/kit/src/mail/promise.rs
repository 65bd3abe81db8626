//! What the plugin promises about repeating a message, and what it says when the end is not known.

use super::left::{Left, changed, send};
use super::message;
use crate::bench::{Bench, KEY};
use crate::case::{Case, Ended, Tried, case, cut, failed, hold, shown, skipped};
use crate::peers::{http, smtp};
use crate::spoken;
use crate::world::{Granted, Setup, World};
use remitd_host::FailureClass;
use serde_json::Map;

pub(super) const CASES: &[Case] = &[
    case!(
        "promise-is-steady",
        "Whether repeating is safe does not depend on settings, grants or the moment.",
        steady
    ),
    case!("promise-holds", "What repeats safely is one mail, however often it is sent.", holds),
    case!(
        "same-message-same-request",
        "The same message again is the same request, its key included.",
        same_request
    ),
    case!(
        "first-words-stand",
        "The same Message-ID with other words does not replace what went out.",
        first_words
    ),
    case!(
        "unknown-end-is-said",
        "Where the end is not known, it says so, and does not send again by itself.",
        unknown_end
    ),
    case!("relay-defers", "A mail server that says later makes it unavailable.", defers),
    case!("relay-refuses", "A mail server that refuses makes it invalid.", refuses),
];

/// Whether a usual call makes this host call.
async fn calls(bench: &Bench, call: &str) -> Result<bool, Ended> {
    Ok(bench.acts().await?.iter().any(|(_, clean)| clean.called.contains(&call)))
}

async fn safely(world: &World) -> Result<bool, Ended> {
    let answer = world.mail_provider()?.repeats_safely(world.job(KEY)).await;
    answer
        .map_err(|failure| failed(format!("repeats-safely ends with {}: it is a constant", shown(&failure))))
}

async fn steady(bench: &Bench) -> Tried {
    let usual = safely(&bench.fresh().await?).await?;
    let bare = Setup { settings: Some(Map::new()), granted: Granted::Nothing, ..Setup::default() };
    let far = Setup { at: chrono::DateTime::from_timestamp(4_102_444_800, 0), ..Setup::default() };
    for setup in [bare, far] {
        hold(safely(&bench.world(&setup).await?).await? == usual, || {
            "repeats-safely changes with settings, grants or time: the daemon asks it once".to_owned()
        })?;
    }
    Ok(())
}

async fn holds(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    if !safely(&world).await? {
        return Err(skipped("it says that repeating is not safe"));
    }
    for attempt in ["first", "second", "third"] {
        let answer = send(&world, KEY, &message(KEY)).await?;
        answer.map_err(|failure| {
            failed(format!(
                "the {attempt} attempt at a message ends with {}: what went out is a success",
                shown(&failure)
            ))
        })?;
    }
    let left = Left::of(&world)?;
    let mails = left.caught.len() + left.files.len();
    hold(mails <= 1, || {
        format!(
            "it says that repeating is safe, and one message sent three times is {mails} mails: say false, or look for it first"
        )
    })?;
    hold(left.requests.iter().all(|request| spoken::carries(request, KEY)), || {
        "it says that repeating is safe, and its request carries neither the Message-ID nor the key: the provider cannot know that it \
         is the same message"
            .to_owned()
    })
}

async fn same_request(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    if !safely(&world).await? {
        return Err(skipped("it says that repeating is not safe"));
    }
    for _ in 0..2 {
        // How it ends is another case's matter.
        let _ = send(&world, KEY, &message(KEY)).await?;
    }
    let left = Left::of(&world)?;
    match left.requests.as_slice() {
        [] => Err(skipped("it talks to no provider over HTTP")),
        [first, rest @ ..] => hold(rest.iter().all(|request| spoken::same(first, request)), || {
            "the same message again is another request (a key or a time of its own making?): the provider takes it for a second \
             message"
                .to_owned()
        }),
    }
}

async fn first_words(bench: &Bench) -> Tried {
    if !calls(bench, "maildir.put").await? {
        return Err(skipped("it keeps no mail folder"));
    }
    let world = bench.fresh().await?;
    let first = message(KEY);
    let other = changed(|message| message.subject = "Other words".to_owned());
    for message in [&first, &other] {
        // Success, or a refusal: what counts is the folder.
        let _ = send(&world, KEY, message).await?;
    }
    let left = Left::of(&world)?;
    let stands = matches!(left.files.as_slice(), [(_, bytes)] if *bytes == first.wire);
    hold(stands, || {
        "a message that lies in the folder was replaced, or lies there twice in other words".to_owned()
    })
}

/// The connection ends when the message was handed over.
async fn unknown_end(bench: &Bench) -> Tried {
    if !calls(bench, "smtp.send").await? && !calls(bench, "http.send").await? {
        return Err(skipped("it talks to no mail server and no provider"));
    }
    let world = bench.fresh().await?;
    let safely = safely(&world).await?;
    world.relays.iter().for_each(|relay| relay.behave(smtp::Manner::DropAfterData));
    world.servers.iter().for_each(|server| server.behave(http::Manner::Close));
    let answer = send(&world, KEY, &message(KEY)).await?;
    let left = Left::of(&world)?;
    let end = match &answer {
        Ok(accepted) => format!("{:?}", cut(&accepted.provider_ref)),
        Err(failure) => shown(failure),
    };
    let class = answer.err().map(|failure| failure.class);
    let true_end = match class {
        Some(FailureClass::UnknownOutcome) => true,
        Some(FailureClass::Unavailable) => safely,
        _ => false,
    };
    hold(true_end, || {
        format!(
            "the connection was lost when the message had been handed over, and it says {end}: that is unknown-outcome, or the message \
             goes out twice or not at all"
        )
    })?;
    hold(safely || left.count() <= 1, || {
        format!("it says that repeating is not safe, and has itself sent {} times in one call", left.count())
    })
}

async fn relay(bench: &Bench, manner: smtp::Manner, class: FailureClass, what: &str, mend: &str) -> Tried {
    if !calls(bench, "smtp.send").await? {
        return Err(skipped("it talks to no mail server"));
    }
    let world = bench.fresh().await?;
    world.relays.iter().for_each(|relay| relay.behave(manner));
    match send(&world, KEY, &message(KEY)).await? {
        Err(failure) if failure.class == class => Ok(()),
        Err(failure) => Err(failed(format!("{what}, it ends with {}: {mend}", shown(&failure)))),
        Ok(_) => Err(failed(format!("{what}, it says that the message is accepted: {mend}"))),
    }
}

async fn defers(bench: &Bench) -> Tried {
    let mend = "4xx is unavailable: later it may be taken";
    relay(bench, smtp::Manner::Later, FailureClass::Unavailable, "when the mail server answers 451", mend)
        .await
}

async fn refuses(bench: &Bench) -> Tried {
    let mend = "5xx is invalid: it is never taken";
    relay(bench, smtp::Manner::Refuse, FailureClass::Invalid, "when the mail server answers 550", mend).await
}
