//! What a plugin says of itself, and whether its usual calls work at all.

use crate::bench::Bench;
use crate::case::{Case, Ended, Tried, case, failed, hold, shown, skipped, unbroken};
use remitd_host::{Description, Failure};

pub(super) const CASES: &[Case] = &[
    case!("has-a-name", "It says its name.", has_a_name),
    case!(
        "has-a-version",
        "Its version is three numbers joined by dots, as semantic versioning has it.",
        has_a_version
    ),
    case!("usual-calls-work", "Each call works with what kit.toml gives.", usual_calls_work),
    case!(
        "answers-something",
        "At least one of its calls works, so that there is something to try.",
        answers_something
    ),
];

/// Codes of a plugin that lacks a function, or whose settings leave it out.
const LEFT_OUT: [&str; 2] = ["not-supported", "not-configured"];

pub(super) async fn description(bench: &Bench) -> Result<Description, Ended> {
    let world = bench.fresh().await?;
    let described = world.host.describe(&world.plugin).await;
    described
        .map_err(|failure| failed(format!("describe ended with {}: it must always answer", shown(&failure))))
}

async fn has_a_name(bench: &Bench) -> Tried {
    let name = description(bench).await?.name;
    hold(!name.trim().is_empty(), || "its name is empty: set ABOUT.name to what people call it".to_owned())
}

async fn has_a_version(bench: &Bench) -> Tried {
    let version = description(bench).await?.version;
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<&str> = core.split('.').collect();
    let number = |part: &&str| part.parse::<u64>().is_ok() && (part.len() == 1 || !part.starts_with('0'));
    hold(parts.len() == 3 && parts.iter().all(number), || {
        format!("its version is {version:?}: write it as 1.2.3, in Rust by env!(\"CARGO_PKG_VERSION\")")
    })
}

fn is_left_out(failure: &Failure) -> bool {
    LEFT_OUT.contains(&failure.code.as_str())
}

async fn usual_calls_work(bench: &Bench) -> Tried {
    for (act, clean) in bench.every().await? {
        unbroken(&clean.said, &format!("in a usual call of {}", act.name))?;
        if let Err(failure) = &clean.said
            && !is_left_out(failure)
        {
            return Err(failed(format!(
                "{} ended with {}: mend it, or mend kit.toml; a call that the plugin does not have answers invalid with \
                 the code not-supported",
                act.name,
                shown(failure)
            )));
        }
    }
    Ok(())
}

async fn answers_something(bench: &Bench) -> Tried {
    let acts = bench.every().await?;
    if acts.is_empty() {
        return Err(skipped("kit.toml gives nothing to call it with"));
    }
    hold(acts.iter().any(|(_, clean)| clean.said.is_ok()), || {
        "none of its calls works with what kit.toml gives: see the case usual-calls-work".to_owned()
    })
}
