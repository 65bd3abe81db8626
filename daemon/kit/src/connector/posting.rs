//! Postings: written once, found again, whole, and nothing without a statement.

use super::reading::balance_of;
use super::{AMOUNT_MINOR, posting};
use crate::bench::{Bench, Clean, KEY};
use crate::case::{Case, Ended, Tried, case, failed, hold, shown, skipped, unbroken};
use crate::evidence::Evidence;
use crate::hand::Script;
use crate::world::{Granted, Setup, World};
use remitd_flow::plugin::connector::{PostResult, Posted, Posting};
use remitd_host::{Failure, FailureClass, Step};

pub(super) const CASES: &[Case] = &[
    case!("post-says-written", "A posting that is new is written, and says so.", says_written),
    case!("post-twice-says-found", "The same posting again is found, with the same receipt.", says_found),
    case!(
        "post-found-after-lost-answer",
        "A posting whose answer was lost is found when it is asked again.",
        found_after_lost
    ),
    case!(
        "post-lowers-the-balance",
        "A posting lowers what is open by its amount, to the minor unit.",
        lowers
    ),
    case!("two-postings-are-two", "Two postings with different keys are two, however alike they are.", two),
    case!("post-keeps-its-narrative", "Narrative and payer arrive letter by letter.", keeps_text),
    case!(
        "post-to-unknown-statement",
        "A posting to a statement that is not there does not make one.",
        unknown_statement
    ),
    case!(
        "post-same-key-other-amount",
        "The same key with another amount does not overwrite what was written.",
        other_amount
    ),
    case!("post-needs-its-key", "A posting without a key is refused.", no_key),
    case!("search-writes-nothing", "Questions change nothing outside.", questions),
    case!(
        "post-without-write-grant",
        "Where it may only read, a posting is denied and a question answered.",
        read_only
    ),
];

/// Calls that write into a database.
const WRITING: [&str; 2] = ["sql.transact", "sql-once.write"];

pub(super) fn usual(bench: &Bench) -> Result<Posting, Ended> {
    posting(bench, KEY)
        .ok_or_else(|| skipped("kit.toml names no statement to post to: [connector] statement = \"…\""))
}

/// Posts; skipped where the plugin does not write at all.
pub(super) async fn post(world: &World, posting: Posting) -> Result<Result<PostResult, Failure>, Ended> {
    let answer = world.connector()?.post(world.job(&posting.key), posting).await;
    unbroken(&answer, "in post")?;
    if let Err(failure) = &answer {
        world.record.heard("post", failure);
        if matches!(failure.code.as_str(), "not-configured" | "not-supported") {
            return Err(skipped(format!("post answers {}", shown(failure))));
        }
    }
    Ok(answer)
}

/// Posts, and fails where that does not succeed.
pub(super) async fn posted(world: &World, posting: Posting) -> Result<PostResult, Ended> {
    post(world, posting).await?.map_err(|failure| failed(format!("post ended with {}", shown(&failure))))
}

async fn says_written(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    let before = Evidence::of(&world, KEY).await?;
    let first = posted(&world, usual(bench)?).await?;
    hold(first.outcome == Posted::Written, || {
        "a posting that is new is answered as found: compare the key, not amount or date".to_owned()
    })?;
    hold(Evidence::of(&world, KEY).await? != before, || {
        "post says written, and nothing has changed outside".to_owned()
    })
}

async fn says_found(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    let first = posted(&world, usual(bench)?).await?;
    let second = posted(&world, usual(bench)?).await?;
    hold(second.outcome == Posted::Found || !world.servers.is_empty(), || {
        "the same posting again is answered as written: look for its key first and answer found".to_owned()
    })?;
    hold(first.external_ref == second.external_ref, || {
        format!(
            "the receipt is {:?}, and {:?} when it is found: give the receipt's own number both times",
            first.external_ref, second.external_ref
        )
    })
}

async fn found_after_lost(bench: &Bench) -> Tried {
    let mut tried = false;
    for call in ["sql.transact", "sql-once.write", "http.send"] {
        let world = bench.fresh().await?;
        let lost = Failure::unknown("kit-lost", "the kit lost the answer of this call");
        world.hand.disturb(Script::Named(call, Step::Lose(lost)));
        let first = post(&world, usual(bench)?).await?;
        world.hand.calm();
        if !world.hand.take_called().contains(&call) {
            continue;
        }
        tried = true;
        if let Err(failure) = first {
            hold(failure.class == FailureClass::UnknownOutcome, || {
                format!(
                    "with the answer of {call} lost, post ends with {}: it may have happened",
                    shown(&failure)
                )
            })?;
        }
        posted(&world, usual(bench)?).await?;
    }
    if tried { Ok(()) } else { Err(skipped("post makes no call whose answer can be lost")) }
}

async fn lowers(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    let Some(before) = balance_of(bench, &world).await? else {
        return Err(skipped("kit.toml's statement has no balance, or a smaller one than the kit posts"));
    };
    posted(&world, usual(bench)?).await?;
    if !world.servers.is_empty() && world.databases.is_empty() {
        return Err(skipped("the scripted server's balance stays as it is"));
    }
    let after = balance_of_any(bench, &world).await?;
    hold(after == Some(before - AMOUNT_MINOR), || {
        format!(
            "the balance was {before}, {AMOUNT_MINOR} were posted, and it is {after:?}: count in whole minor units"
        )
    })
}

/// The balance, whatever it is.
async fn balance_of_any(bench: &Bench, world: &World) -> Result<Option<i64>, Ended> {
    let statement = bench.fixture.connector.statement.clone().unwrap_or_default();
    let balance = world.connector()?.balance(world.job(KEY), statement).await;
    Ok(balance.ok().flatten().map(|money| money.amount_minor))
}

async fn two(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    let before = Evidence::of(&world, KEY).await?;
    let first = posted(&world, usual(bench)?).await?;
    let new = |now: &Evidence| now.beyond(&before).len();
    let one = new(&Evidence::of(&world, KEY).await?);
    let second = posted(&world, Posting { key: "kit-1d55c0aa-0003".to_owned(), ..usual(bench)? }).await?;
    hold(second.outcome == Posted::Written, || {
        "a second payment that is alike but has another key is answered as found: compare the key alone"
            .to_owned()
    })?;
    hold(
        first.external_ref.is_none()
            || first.external_ref != second.external_ref
            || !world.servers.is_empty(),
        || format!("both postings have the receipt {:?}", first.external_ref),
    )?;
    hold(new(&Evidence::of(&world, KEY).await?) > one, || {
        "the second payment has left nothing outside".to_owned()
    })
}

const NARRATIVE: &str = "Zahlung für „Müller & Söhne“ – 50 % of № 7, O'Neill; 東京 🏛";

async fn keeps_text(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    let before = Evidence::of(&world, KEY).await?;
    let text = || NARRATIVE.to_owned();
    let plain = posted(&world, usual(bench)?).await;
    plain?;
    let plain = Evidence::of(&world, KEY).await?.beyond(&before).join("\n");
    // Some systems keep no narrative: then there is nothing to compare.
    if !plain.contains("Payment by card") && !plain.contains("Ana Souza") {
        return Err(skipped("it keeps neither narrative nor payer where the kit can see it"));
    }
    let world = bench.fresh().await?;
    posted(&world, Posting { narrative: text(), payer_name: text(), ..usual(bench)? }).await?;
    let new = Evidence::of(&world, KEY).await?.beyond(&before).join("\n");
    hold(new.contains(NARRATIVE), || {
        format!("the text {NARRATIVE:?} is written as {}: bind it as it is", crate::case::cut(&new))
    })
}

async fn unknown_statement(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    let lost = Posting { statement: "kit-no-such-statement".to_owned(), ..usual(bench)? };
    let key = lost.key.clone();
    let answer = post(&world, lost).await?;
    let balance = world.connector()?.balance(world.job(&key), "kit-no-such-statement".to_owned()).await;
    match answer {
        Err(_) => hold(!matches!(balance, Ok(Some(_))), || {
            "a posting to a statement that is not there failed, and the statement is there now".to_owned()
        }),
        Ok(_) if !world.servers.is_empty() && world.databases.is_empty() => Ok(()),
        Ok(_) if !world.outboxes.is_empty() => {
            Err(skipped("it hands files over: what is not there, the other software says"))
        }
        Ok(_) => Err(failed(
            "a posting to a statement that is not there is answered as written: its money would be nowhere. Let the \
             database refuse it (a foreign key, or INSERT … SELECT from the statement with rows = 1), and answer invalid",
        )),
    }
}

async fn other_amount(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    posted(&world, usual(bench)?).await?;
    let written = Evidence::of(&world, KEY).await?;
    let mut more = usual(bench)?;
    more.amount.amount_minor += 1;
    post(&world, more).await?.ok();
    let now = Evidence::of(&world, KEY).await?;
    if !world.servers.is_empty() && world.databases.is_empty() {
        return Err(skipped("it is the provider that refuses the same key with another amount"));
    }
    hold(now == written, || {
        format!(
            "the same key with another amount has changed what was written: {}",
            now.beyond(&written).join("; ")
        )
    })
}

async fn no_key(bench: &Bench) -> Tried {
    let world = bench.fresh().await?;
    let before = Evidence::of(&world, KEY).await?;
    let one = post(&world, Posting { key: String::new(), ..usual(bench)? }).await?;
    let other =
        post(&world, Posting { key: String::new(), reference: "ch_000002".to_owned(), ..usual(bench)? })
            .await?;
    let now = Evidence::of(&world, KEY).await?;
    let written = now.beyond(&before).len();
    hold(
        one.is_err()
            || other.is_err()
            || written > 1
            || matches!(&other, Ok(PostResult { outcome: Posted::Found, .. })),
        || "two postings without a key are both said to be written, and one is there".to_owned(),
    )
}

async fn questions(bench: &Bench) -> Tried {
    for (act, clean) in bench.acts().await? {
        if act.name != "post" && act.name != "reverse" {
            hold(!clean.changes(), || {
                format!("{} changes something outside: a question only reads", act.name)
            })?;
        }
    }
    Ok(())
}

async fn read_only(bench: &Bench) -> Tried {
    let all = bench.acts().await?;
    let writes = |clean: &Clean| clean.called.iter().any(|call| WRITING.contains(call));
    if !all.iter().any(|(_, clean)| writes(clean)) {
        return Err(skipped("it writes into no database"));
    }
    for (act, clean) in all {
        let world = bench.world(&Setup { granted: Granted::ReadOnly, ..Setup::default() }).await?;
        let said = act.play(&world, world.job(KEY)).await?;
        if writes(&clean) {
            let denied = matches!(&said, Err(failure) if failure.class == FailureClass::Denied);
            hold(denied, || {
                format!("without the grant sql_write, {} gives {said:?}: pass denied on", act.name)
            })?;
        } else {
            hold(said == clean.said, || {
                format!(
                    "without the grant sql_write, {} gives {said:?}: reading needs no sql_write",
                    act.name
                )
            })?;
        }
    }
    Ok(())
}
