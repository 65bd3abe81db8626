//! No circles between the modules of a crate: who reads one need not read them all.

use crate::sources::{Source, hold, names_after, rust};
use std::collections::{BTreeMap, BTreeSet};

/// Of one crate: top-level module → the top-level modules that it names.
type Arrows = BTreeMap<String, BTreeSet<String>>;

fn arrows(sources: &[&Source], base: &str) -> Arrows {
    let inside = |source: &Source| -> Option<String> {
        let path = source.path.strip_prefix(base)?.strip_suffix(".rs")?;
        let top = path.split('/').next()?.to_owned();
        (!matches!(top.as_str(), "lib" | "main")).then_some(top)
    };
    let modules: BTreeSet<String> = sources.iter().filter_map(|source| inside(source)).collect();
    let mut arrows = Arrows::new();
    for source in sources {
        let Some(from) = inside(source) else { continue };
        let named = names_after(&source.tokens(), "crate").into_iter().map(|(name, _)| name);
        let others = named.filter(|name| *name != from && modules.contains(name));
        arrows.entry(from.clone()).or_default().extend(others);
    }
    arrows
}

/// A way from `from` back to itself.
fn circle(arrows: &Arrows, from: &str) -> Option<Vec<String>> {
    let mut open = vec![vec![from.to_owned()]];
    let mut seen = BTreeSet::new();
    while let Some(way) = open.pop() {
        for next in arrows.get(way.last()?)? {
            let mut longer = way.clone();
            longer.push(next.clone());
            if next == from {
                return Some(longer);
            }
            if seen.insert(next.clone()) {
                open.push(longer);
            }
        }
    }
    None
}

#[test]
fn modules_of_a_crate_form_no_circle() {
    let sources = rust();
    let bases: BTreeSet<String> = sources
        .iter()
        .filter_map(|source| Some(source.path.split_once("/src/")?.0.to_owned() + "/src/"))
        .collect();
    let mut complaints = Vec::new();
    for base in bases {
        let own: Vec<&Source> = sources.iter().filter(|source| source.path.starts_with(&base)).collect();
        let arrows = arrows(&own, &base);
        // Each circle once, begun at its first module by name.
        let found = arrows.keys().filter_map(|from| circle(&arrows, from));
        let firsts = found.filter(|way| way.iter().min() == way.first());
        complaints.extend(firsts.map(|way| format!("{base}: {}", way.join(" → "))));
    }
    hold(
        "Move what both sides need into the one that the other may know, or into a module below both: a circle can only be \
         understood, tested and changed as a whole.",
        &complaints,
    );
}
