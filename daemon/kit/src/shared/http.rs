//! A provider with an HTTP API that misbehaves: each answer that is no success, and what a call must make of it. Played on
//! every call that reaches one; knows no field of any API.

use crate::act::{Act, Repeats, Said};
use crate::bench::{Bench, KEY};
use crate::case::{Case, Ended, Tried, case, cut, failed, hold, shown, skipped, unbroken};
use crate::peers::http::Manner;
use crate::world::World;
use remitd_host::{FailureClass, JobSpec};

pub(super) const CASES: &[Case] = &[
    case!(
        "provider-refuses",
        "400 and 422 of its provider are invalid: never sent again as they are.",
        refuses
    ),
    case!("provider-knows-no-key", "401 of its provider is denied: it waits for the operator.", knows_no_key),
    case!("provider-errs", "A server's error may have come after the work: it is not taken for a no.", errs),
    case!(
        "provider-is-busy",
        "429 of its provider is unavailable, for as long as the provider says.",
        is_busy
    ),
    case!("provider-speaks-html", "A page of HTML is no answer, and no success.", speaks_html),
    case!("provider-answers-oddly", "JSON of another shape does no harm.", answers_oddly),
    case!(
        "provider-answers-hugely",
        "An answer without end, or nested without end, does no harm.",
        answers_hugely
    ),
    case!("provider-breaks-off", "A broken answer to a change is an unknown outcome.", breaks_off),
    case!("provider-hangs", "A provider that never answers costs no more than the time given.", hangs),
    case!("provider-redirects", "A redirect is no success.", redirects),
];

/// For a provider that never answers. The host keeps a quarter of a second of it for the plugin's own answer.
const HANG_MS: u64 = 500;
const RETRY_AFTER_S: u32 = 30;
const HUGE_BYTES: usize = 5 << 20;
const NESTED: usize = 100_000;
const PAGE: &str = "<!doctype html><title>Sign in</title><p>Please sign in to this network.";

/// A usual call that reaches a provider over HTTP, in a world of its own.
struct Asking {
    act: Act,
    /// Whether it changes something at the provider.
    changes: bool,
    world: World,
}

impl Asking {
    async fn all(bench: &Bench) -> Result<Vec<Asking>, Ended> {
        let mut all = Vec::new();
        for (act, clean) in bench.acts().await? {
            if clean.called.contains(&"http.send") {
                let world = bench.staged(&act).await?;
                all.push(Asking { act, changes: clean.changes(), world });
            }
        }
        if all.is_empty() { Err(skipped("it talks to no provider over HTTP")) } else { Ok(all) }
    }

    /// How many requests have reached the servers.
    fn requests(&self) -> usize {
        self.world.servers.iter().map(|server| server.seen().len()).sum()
    }

    /// What the call makes of a provider that behaves so.
    async fn met(&self, manner: &Manner, wall_ms: Option<u64>) -> Result<Said, Ended> {
        for server in &self.world.servers {
            server.behave(manner.clone());
        }
        let job = JobSpec { wall_ms, ..self.world.job(KEY) };
        self.act.play(&self.world, job).await
    }
}

/// What may come of an answer.
#[derive(Clone, Copy)]
struct Due {
    /// For calls that read only, and for calls that change something.
    reading: &'static [FailureClass],
    changing: &'static [FailureClass],
    mend: &'static str,
}

async fn each(asked: &[Asking], what: &str, manner: Manner, wall_ms: Option<u64>, due: Due) -> Tried {
    for asking in asked {
        let before = asking.requests();
        let said = asking.met(&manner, wall_ms).await?;
        let doing = format!("when the provider {what} in {}", asking.act.name);
        unbroken(&said, &doing)?;
        // Nothing was changed by what was never sent, for want of time.
        let changes = asking.changes && asking.requests() > before;
        let classes = if changes { due.changing } else { due.reading };
        match said {
            Ok(answer) => Err(failed(format!("{doing}, it answers {}: {}", cut(&answer), due.mend))),
            Err(failure) => {
                // Whoever may repeat safely may call it a matter of time.
                let repeats = asking.act.repeats == Repeats::Safely
                    && failure.class == FailureClass::Unavailable
                    && classes.contains(&FailureClass::UnknownOutcome);
                hold(classes.contains(&failure.class) || repeats, || {
                    format!("{doing}, it ends with {}: {}", shown(&failure), due.mend)
                })
            }
        }?;
    }
    Ok(())
}

fn always(status: u16, headers: &[(&str, &str)], body: &str) -> Manner {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Manner::Always { status, headers: headers.collect(), body: body.as_bytes().to_vec() }
}

use FailureClass::{Denied, Invalid, Unavailable, UnknownOutcome};

const MAYBE: Due = Due {
    reading: &[Unavailable],
    changing: &[UnknownOutcome],
    mend: "what may have been done is unknown-outcome (unavailable where it only reads), or it would be done twice or not at all",
};

/// The provider says no, for good.
async fn refuses(bench: &Bench) -> Tried {
    let asked = Asking::all(bench).await?;
    let due = Due {
        reading: &[Invalid],
        changing: &[Invalid],
        mend: "400 and 422 are invalid: the same request is refused for ever, and must not be sent again",
    };
    each(&asked, "answers 400", always(400, &[], r#"{"error":"no"}"#), None, due).await?;
    each(&asked, "answers 422", always(422, &[], r#"{"error":"no"}"#), None, due).await
}

/// The provider does not know the key.
async fn knows_no_key(bench: &Bench) -> Tried {
    let asked = Asking::all(bench).await?;
    let due = Due {
        reading: &[Denied],
        changing: &[Denied],
        mend: "401 is denied: it waits for the operator, who has to look at the key",
    };
    each(&asked, "answers 401", always(401, &[], r#"{"error":"no such key"}"#), None, due).await
}

/// The provider is not well.
async fn errs(bench: &Bench) -> Tried {
    let asked = Asking::all(bench).await?;
    for status in [500, 502, 503, 504] {
        each(&asked, &format!("answers {status}"), always(status, &[], "<html>error</html>"), None, MAYBE)
            .await?;
    }
    Ok(())
}

/// The provider wants to be left alone for a while.
async fn is_busy(bench: &Bench) -> Tried {
    let asked = Asking::all(bench).await?;
    let due = Due {
        reading: &[Unavailable],
        changing: &[Unavailable],
        mend: "429 is unavailable: nothing was done, and it can be tried again later",
    };
    let busy = |value: String| always(429, &[("retry-after", &value)], "{}");
    let odd = "Thu, 26 Nov 2026 08:00:00 GMT".to_owned();
    each(&asked, "answers 429 with a date to wait for", busy(odd), None, due).await?;
    each(&asked, "answers 429", busy(RETRY_AFTER_S.to_string()), None, due).await?;
    for asking in &asked {
        let said = asking.met(&busy(RETRY_AFTER_S.to_string()), None).await?;
        let waits = said.err().and_then(|failure| failure.retry_after_s);
        hold(waits == Some(RETRY_AFTER_S), || {
            format!(
                "429 with Retry-After: {RETRY_AFTER_S} in {} gives retry-after-s {waits:?}: hand the number on, or the provider \
                 is asked again too soon",
                asking.act.name
            )
        })?;
    }
    Ok(())
}

/// A page where JSON was agreed: a proxy, a sign-in page.
async fn speaks_html(bench: &Bench) -> Tried {
    let asked = Asking::all(bench).await?;
    let page = always(200, &[("content-type", "text/html")], PAGE);
    each(&asked, "answers with a page of HTML", page, None, MAYBE).await
}

/// JSON of other types than agreed.
async fn answers_oddly(bench: &Bench) -> Tried {
    let asked = Asking::all(bench).await?;
    for body in ["null", "[]", r#"{"id":{"a":1},"url":7,"events":"none","bounces":0}"#, "\"ok\"", ""] {
        let odd = always(200, &[], body);
        for asking in &asked {
            let said = asking.met(&odd, None).await?;
            unbroken(&said, &format!("when the provider answers {body:?} in {}", asking.act.name))?;
            let wrong =
                said.is_err_and(|failure| asking.changes && matches!(failure.class, Invalid | Denied));
            hold(!wrong, || {
                format!(
                    "when the provider answers 200 with {body:?} in {}, it says that nothing was done: after a 200 it may have \
                     been, which is unknown-outcome",
                    asking.act.name
                )
            })?;
        }
    }
    Ok(())
}

/// An answer that would fill the memory, and one that would fill the stack.
async fn answers_hugely(bench: &Bench) -> Tried {
    let asked = Asking::all(bench).await?;
    for (what, body) in
        [("answers with 5 MiB", "x".repeat(HUGE_BYTES)), ("nests its answer", "[".repeat(NESTED))]
    {
        for asking in &asked {
            let said = asking.met(&always(200, &[], &body), None).await?;
            let doing = format!("when the provider {what} in {}", asking.act.name);
            unbroken(&said, &doing)?;
            hold(said.is_err(), || {
                format!("{doing}, it makes sense of it: an answer is checked before it is believed")
            })?;
        }
    }
    Ok(())
}

/// The connection ends in the midst of the answer, or before it.
async fn breaks_off(bench: &Bench) -> Tried {
    let asked = Asking::all(bench).await?;
    each(&asked, "breaks off in the midst of its answer", Manner::Half, None, MAYBE).await?;
    each(&asked, "reads the request and goes away", Manner::Close, None, MAYBE).await
}

/// Nobody answers at all.
async fn hangs(bench: &Bench) -> Tried {
    let asked = Asking::all(bench).await?;
    each(&asked, "never answers", Manner::Hang, Some(HANG_MS), MAYBE).await
}

/// The provider has moved.
async fn redirects(bench: &Bench) -> Tried {
    let asked = Asking::all(bench).await?;
    for status in [302, 307] {
        let moved = always(status, &[("location", "/elsewhere")], "");
        for asking in &asked {
            let said = asking.met(&moved, None).await?;
            let doing = format!("when the provider answers {status} in {}", asking.act.name);
            unbroken(&said, &doing)?;
            hold(said.is_err(), || format!("{doing}, it says that all is done: a redirect is no success"))?;
        }
    }
    Ok(())
}
