//! Files: their size, their first line, their names, and what no text of ours contains.

use crate::sources::{Source, all, hold, rust};

const MOST_BYTES: usize = 24 * 1024;
const SMALL_BYTES: usize = 5 * 1024;

/// Put together here, so that this file does not contain what it looks for.
const UNFINISHED: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
const MACHINES: [&str; 8] = [
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/wo", "rk/"),
    concat!("/opt/", "wheels"),
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("npmjs", ".org"),
    concat!("deb.", "debian.org"),
];
const VAGUE: [&str; 8] = ["common", "util", "utils", "helper", "helpers", "manager", "managers", "misc"];

/// Each line of `source` that contains one of `words`.
fn lines_with(source: &Source, words: &[&str]) -> Vec<String> {
    let lines = source.text.lines().enumerate();
    lines
        .filter(|(_, line)| {
            words.iter().any(|word| line.match_indices(word).any(|(at, _)| stands_free(line, at, word)))
        })
        .map(|(n, line)| format!("{}:{}: {}", source.path, n + 1, line.trim()))
        .collect()
}

/// A word that begins with a slash is a place of the machine only where a path begins with it.
fn stands_free(line: &str, at: usize, word: &str) -> bool {
    let before = line[..at].chars().next_back();
    !word.starts_with('/') || !before.is_some_and(|c| c.is_alphanumeric() || "._-*".contains(c))
}

#[test]
fn no_source_is_long() {
    let complaints: Vec<String> = rust()
        .iter()
        .filter(|source| source.text.len() > MOST_BYTES)
        .map(|source| format!("{} has {} bytes", source.path, source.text.len()))
        .collect();
    hold("At most 24 KiB a file: split it where its first line needs an `and`.", &complaints);
}

#[test]
fn half_of_the_sources_are_small() {
    let sources = rust();
    let small = sources.iter().filter(|source| source.text.len() < SMALL_BYTES).count();
    let mut large: Vec<&Source> = sources.iter().filter(|source| source.text.len() >= SMALL_BYTES).collect();
    large.sort_by_key(|source| std::cmp::Reverse(source.text.len()));
    let longest: Vec<String> =
        large.iter().take(10).map(|source| format!("{:>6} {}", source.text.len(), source.path)).collect();
    assert!(
        small * 2 >= sources.len(),
        "\nOnly {small} of {} sources are below 5 KiB. Split the longest by what they own: small files are read whole.\n  {}\n",
        sources.len(),
        longest.join("\n  "),
    );
}

#[test]
fn every_module_says_what_it_is() {
    let complaints: Vec<String> = rust()
        .iter()
        .filter(|source| !source.text.lines().next().unwrap_or_default().starts_with("//!"))
        .map(|source| source.path.clone())
        .collect();
    hold(
        "Begin with `//!`: what the module owns, what it never does. Who opens it learns whether to read on.",
        &complaints,
    );
}

#[test]
fn names_say_what_is_inside() {
    let complaints: Vec<String> = all()
        .iter()
        .filter(|source| {
            let mut parts = source.path.split('/').map(|part| part.split('.').next().unwrap_or_default());
            parts.any(|part| VAGUE.contains(&part))
        })
        .map(|source| source.path.clone())
        .collect();
    hold(
        "Name it after what it owns, in the words of the field: such a name draws in whatever has no home.",
        &complaints,
    );
}

#[test]
fn nothing_is_left_unfinished() {
    let complaints: Vec<String> = all().iter().flat_map(|source| lines_with(source, &UNFINISHED)).collect();
    hold(
        "Finish it, or open an issue and leave the place empty: a note in the code is read by nobody.",
        &complaints,
    );
}

#[test]
fn no_machine_or_registry_is_named() {
    let complaints: Vec<String> = all()
        .iter()
        // Cargo writes its registry's name there itself; the licence is what it is.
        .filter(|source| {
            !matches!(
                source.path.as_str(),
                "Cargo.lock" | "tests/extism/Cargo.lock" | "tests/mssql/Cargo.lock" | "LICENSE"
            )
        })
        .flat_map(|source| lines_with(source, &MACHINES))
        .collect();
    hold("Say it without the place: the project is built on machines that nobody here knows.", &complaints);
}

#[test]
fn plugins_never_see_a_float() {
    let mut complaints = Vec::new();
    for source in all().iter().filter(|source| source.path.ends_with(".wit")) {
        for (n, line) in source.text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let mut words = code.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
            if words.any(|word| matches!(word, "f32" | "f64" | "float32" | "float64" | "float")) {
                complaints.push(format!("{}:{}: {}", source.path, n + 1, line.trim()));
            }
        }
    }
    hold(
        "Money crosses as minor units, other decimals as text: a float would round somebody's cent.",
        &complaints,
    );
}
