//! What only some may reach: the environment, other processes, the exit; and SQL, which is never put together from values.

use crate::sources::{Source, Token, find, hold, rust};

/// The daemon's libraries: everything below the binary.
const LIBRARIES: [&str; 6] = ["domain", "store", "host", "flow", "web", "sandbox"];

const BINARY_ONLY: [&str; 8] = [
    "env :: var",
    "env :: var_os",
    "env :: vars",
    "env :: args",
    "env :: set_var",
    "process :: exit",
    "process :: abort",
    "process :: Command",
];

const STATEMENTS: [&str; 7] = ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH ", "CREATE ", "ALTER "];

/// A test may ask its environment for a peer, and put together what a plugin's author might.
fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// The code of a file up to its tests.
fn code(source: &Source) -> Vec<Token> {
    let mut tokens = source.tokens();
    if let Some(tests) = find(&tokens, "mod tests {").first() {
        tokens.truncate(*tests);
    }
    tokens
}

#[test]
fn only_the_binary_reaches_for_the_environment() {
    let mut complaints = Vec::new();
    let inside = |path: &str| LIBRARIES.iter().any(|name| path.starts_with(&format!("daemon/{name}/src/")));
    let sources: Vec<Source> = rust().into_iter().filter(|s| inside(&s.path) && !is_test(&s.path)).collect();
    assert!(sources.len() > LIBRARIES.len(), "the libraries are where they were looked for");
    for source in sources {
        let tokens = code(&source);
        for pattern in BINARY_ONLY {
            for at in find(&tokens, pattern) {
                complaints.push(format!("{}:{}: {}", source.path, tokens[at].line, pattern.replace(' ', "")));
            }
        }
    }
    hold(
        "Only remitd reads the environment, starts processes and exits: take it as an argument, or give an error back. A \
         library that does so cannot be tested beside another.",
        &complaints,
    );
}

#[test]
fn sql_is_a_constant() {
    let mut complaints = Vec::new();
    let inside = |path: &str| path.starts_with("daemon/") || path.starts_with("plugins/");
    for source in rust().iter().filter(|source| inside(&source.path) && !is_test(&source.path)) {
        let tokens = code(source);
        for at in find(&tokens, "format ! (") {
            let Some(literal) = tokens.get(at + 3) else { continue };
            let text = literal.text.trim_start_matches(['r', '#', '"', ' ']);
            if STATEMENTS.iter().any(|word| text.starts_with(word)) {
                complaints.push(format!("{}:{}: {}", source.path, literal.line, literal.text));
            }
        }
    }
    hold(
        "Write the statement as a constant and bind its values: what is put together can be taken apart.",
        &complaints,
    );
}
