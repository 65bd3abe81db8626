//! The files of the project, and Rust files as flat rows of tokens: enough to find a path or a call, in macros as well.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::path::{Path, PathBuf};

/// What is made, fetched or kept by git: not ours to judge.
const NOT_OURS: [&str; 4] = ["target", ".git", "demo", "node_modules"];

pub struct Source {
    /// Relative to the root, with `/`.
    pub path: String,
    pub text: String,
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// Every text file of the project.
pub fn all() -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(folder).unwrap().map(Result::unwrap) {
            if NOT_OURS.iter().any(|name| entry.file_name() == *name) {
                continue;
            }
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file()
                && let Ok(text) = fs_err::read_to_string(entry.path())
            {
                let path = entry.path().strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                found.push(Source { path, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 50, "the project's files are where they were looked for");
    found
}

pub fn rust() -> Vec<Source> {
    all().into_iter().filter(|source| source.path.ends_with(".rs")).collect()
}

pub struct Token {
    pub text: String,
    pub line: usize,
}

impl Source {
    /// In the order of the text; comments are gone, brackets are tokens of their own.
    pub fn tokens(&self) -> Vec<Token> {
        let mut tokens = Vec::new();
        let stream = self.text.parse().unwrap_or_else(|error| panic!("{}: {error}", self.path));
        flatten(stream, &mut tokens);
        tokens
    }
}

fn flatten(stream: TokenStream, out: &mut Vec<Token>) {
    for tree in stream {
        let line = tree.span().start().line;
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                out.push(Token { text: open.into(), line });
                flatten(group.stream(), out);
                out.push(Token { text: close.into(), line: group.span_close().end().line });
            }
            other => out.push(Token { text: other.to_string(), line }),
        }
    }
}

/// Where `pattern`, a path or a call such as `std :: env :: var`, stands; parts are separated by spaces, `::` is one.
pub fn find(tokens: &[Token], pattern: &str) -> Vec<usize> {
    let wanted: Vec<&str> =
        pattern.split(' ').flat_map(|part| if part == "::" { vec![":", ":"] } else { vec![part] }).collect();
    (0..tokens.len())
        .filter(|at| {
            wanted.iter().enumerate().all(|(n, part)| tokens.get(at + n).is_some_and(|t| t.text == *part))
        })
        .collect()
}

/// The names that follow `prefix ::` directly, also within `use prefix::{a, b::c}`; with their lines.
pub fn names_after(tokens: &[Token], prefix: &str) -> Vec<(String, usize)> {
    let mut names = Vec::new();
    let width = prefix.split(' ').map(|part| if part == "::" { 2 } else { 1 }).sum::<usize>() + 2;
    for at in find(tokens, &format!("{prefix} ::")) {
        let Some(next) = tokens.get(at + width) else { continue };
        if next.text != "{" {
            names.push((next.text.clone(), next.line));
            continue;
        }
        let mut depth = 0;
        let mut first = true;
        for token in &tokens[at + width..] {
            match token.text.as_str() {
                "{" => depth += 1,
                "}" => depth -= 1,
                "," => first = depth == 1,
                name if depth == 1 && first => {
                    names.push((name.to_owned(), token.line));
                    first = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    names
}

/// Fails with every complaint, under what the rule says.
#[track_caller]
pub fn hold(rule: &str, complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{rule}\n  {}\n", complaints.join("\n  "));
}

#[test]
fn names_are_found_in_paths_and_in_braces() {
    let source =
        Source { path: String::new(), text: "use crate::{a, b::{c, d}, e}; fn f() { crate::g::h() }".into() };
    let names: Vec<String> =
        names_after(&source.tokens(), "crate").into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a", "b", "e", "g"]);
    assert_eq!(find(&source.tokens(), "g :: h (").len(), 1);
}
