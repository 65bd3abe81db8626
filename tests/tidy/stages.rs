//! The stages of the road never import each other: they meet in rows of the store, so that each can be read alone.

use crate::sources::{Source, hold, names_after, rust};

const STAGES: [&str; 5] = ["intake", "request", "deliver", "collect", "post"];
const FLOW: &str = "daemon/flow/src/";

/// Names of flow's root that a file names by `crate::` or by climbing up with `super::`.
fn named_at_root(source: &Source, module: &str) -> Vec<(String, usize)> {
    let tokens = source.tokens();
    let mut names = names_after(&tokens, "crate");
    let depth = module.split('/').count();
    // A module inside the file, such as its tests, is one deeper.
    for ups in [depth, depth + 1] {
        let prefix = vec!["super"; ups].join(" :: ");
        names.extend(names_after(&tokens, &prefix));
    }
    // A long climb has a shorter one as its end.
    names.sort();
    names.dedup();
    names
}

fn module(path: &str) -> Option<&str> {
    let inside = path.strip_prefix(FLOW)?.strip_suffix(".rs")?;
    Some(inside.strip_suffix("/mod").unwrap_or(inside))
}

fn complaints(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        let Some(module) = module(&source.path) else { continue };
        let stage = module.split('/').next().unwrap_or_default();
        if !STAGES.contains(&stage) {
            continue;
        }
        for (name, line) in named_at_root(source, module) {
            if name != stage && STAGES.contains(&name.as_str()) {
                complaints.push(format!("{}:{line}: {stage} names {name}", source.path));
            }
        }
    }
    complaints
}

#[test]
fn stages_meet_in_rows_only() {
    let sources = rust();
    assert!(sources.iter().any(|source| source.path.starts_with(FLOW)), "flow is where it was looked for");
    hold(
        "A stage leaves a row that the next one finds; what two stages share belongs to the domain, to the store, or beside \
         the stages: each stage can then be read, tested and crashed alone.",
        &complaints(&sources),
    );
}

#[test]
fn every_way_to_name_another_stage_is_seen() {
    let check = |path: &str, text: &str, expect: usize| {
        let source = Source { path: format!("{FLOW}{path}"), text: text.into() };
        assert_eq!(complaints(&[source]).len(), expect, "{path}: {text}");
    };
    check("collect/mod.rs", "use crate::request::open;", 1);
    check("collect/checkout.rs", "use crate::{effect, post::{a, b}};", 1);
    check("collect/checkout.rs", "fn f() { super::super::deliver::send() }", 1);
    check("collect/mod.rs", "use super::intake;", 1);
    check("collect/checkout.rs", "mod tests { use super::super::super::intake; }", 1);
    check("collect/checkout.rs", "use super::request; use crate::collect::page; // crate::post", 0);
    check("run/mod.rs", "use crate::{intake, post};", 0);
}
