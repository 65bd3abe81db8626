//! What a person can do about a posting that does not go by itself, by what stands in its way.

use crate::plugin::connector::UNASKED;

const WRONG_ANSWER: &str =
    "The connector's statement gives what it should not: remitd matter test; then posting retry";
const WRONG_STATEMENT: &str = "The connector's statement is wrong: remitd matter test; then posting retry";
const TOO_MUCH: &str = "The connector's settings ask for too much at once: remitd matter test names the statement; then posting retry";
const BY_HAND: &str = "The connector cannot write this: write it by hand, then posting remove";
/// A failure's code, and the mend.
const MENDS: [(&str, &str); 53] = [
    (
        "over-payment",
        "If the payment is meant for another statement, split it anew: posting reallocate; if it is to stand as a credit, write it \
         all the same: posting retry; if it is handled by hand: posting remove",
    ),
    (
        "nobody-knows",
        "Look for the receipt in the matter software: if it is there, posting written says so; if it is not, posting retry writes it",
    ),
    ("after-reversal", "Nothing: it goes by itself once the posting that it comes from is taken back"),
    (
        "went-back",
        "Take it back: posting post writes the reversal, and what stays of it goes by itself then; or take back the whole by hand, \
         then posting remove",
    ),
    ("by-hand", "It was handled by hand: take it back there too, then posting remove"),
    (
        "no-account",
        "Put its account back into the configuration and start remitd anew, then posting retry; or write it by hand, then posting remove",
    ),
    ("paid-twice", "Refund it, or say what it is for: posting reallocate, then posting post"),
    ("no-statement", "Say what it is for: posting reallocate ID --to STATEMENT=AMOUNT, then posting post"),
    (
        "rows-changed",
        "The mapping expects other rows than it met: look at the statement in the matter software, then posting retry or remove",
    ),
    (
        "constraint",
        "Is the statement's number right, and its matter open? Mend it there, or posting reallocate; then posting retry",
    ),
    (
        "unique-violation",
        "The matter software has such a receipt already: look for it there, then posting remove",
    ),
    ("statement", WRONG_STATEMENT),
    ("parameter-missing", WRONG_STATEMENT),
    ("parameter-unknown", WRONG_STATEMENT),
    ("statement-too-large", TOO_MUCH),
    ("too-many-statements", TOO_MUCH),
    (
        "too-many-rows",
        "`find` must give the rows of one key, and gives them without end: mend it in the connector's settings, then posting retry",
    ),
    ("column", WRONG_ANSWER),
    ("column-missing", WRONG_ANSWER),
    ("column-value", WRONG_ANSWER),
    ("several-rows", WRONG_ANSWER),
    (
        "not-found-again",
        "`find` does not find what `post` writes: mend it in the connector's settings, then posting retry",
    ),
    (
        "parameter",
        "The connector's statement takes it for another type: remitd matter test; then posting retry",
    ),
    (
        "not-configured",
        "The configuration does not say how: add the statement to the connector's settings, or the connection that they name, and start \
         remitd anew; then posting retry",
    ),
    ("added", "Give back at the provider what was added, then posting post; or posting remove"),
    ("settings", "The connector's settings are wrong: remitd check; then posting retry"),
    ("currency", "The matter software keeps another currency: write it by hand, then posting remove"),
    (
        "not-rolled-back",
        "A table that knows no transactions has kept a part of it: take that out there, give the table the engine InnoDB, then posting \
         retry",
    ),
    (
        "database-permission",
        "The connection's user may not do this: grant it to them in the database, then posting retry",
    ),
    (
        "grant-missing",
        "The plugin may not use this connection: add it to the plugin's grants and start remitd anew, then posting retry",
    ),
    // Each attempt begins by asking what the one before has left.
    (
        "connect",
        "Nothing, if the database comes back: it goes by itself then; if it is there, mend the connection's address and user: remitd \
         matter test",
    ),
    (
        "timeout",
        "Nothing, if it was a busy hour: it goes by itself; if it stays so, see what the statement waits for, or give the connection a \
         longer statement_timeout",
    ),
    (
        "locked",
        "Nothing, if others let go of the row: it goes by itself then; if it stays so, see who holds it in the matter software",
    ),
    ("commit-lost", "Nothing: it goes by itself, and is looked for by its key before it is written again"),
    (
        "worker-ended",
        "Nothing, if it was once: it goes by itself; if it stays so, the ODBC driver crashes: take another one, or its newer version",
    ),
    ("in-hand", "Nothing: another attempt is at it, and this one goes by itself after it"),
    (
        "too-many-notes",
        "Decide what became of the incomplete ones, with posting written or posting retry: it goes by itself then",
    ),
    ("read-only", "The connection may not write: mend the user's rights or the grants, then posting retry"),
    // Of receipts that are handed over as files.
    (
        "outbox",
        "Mount the folder of the connector's [[outbox]] again, or mend its rights: it goes by itself then",
    ),
    ("too-many-files", "Have the matter software's import take the files that wait: it goes by itself then"),
    ("not-taken", "Nothing, if the matter software's import runs: it goes by itself once the file is taken"),
    (
        "not-answered",
        "Nothing, if the matter software's import runs: it goes by itself once the answer is there",
    ),
    (
        "rejected",
        "Mend in the matter software what it complains of, then posting retry: it hands over a new file; or posting reallocate, then \
         posting post; if it is handled by hand: posting remove",
    ),
    (
        "too-wide",
        "Make the column wider, in the connector's settings and in the matter software's import, then posting retry; or write it by \
         hand, then posting remove",
    ),
    ("amount", BY_HAND),
    ("key", BY_HAND),
    ("date", BY_HAND),
    (
        "bad-name",
        "The connector's settings make no name of a file: mend ending and answers, then posting retry",
    ),
    (
        "name-taken",
        "A file of its name is there already: if it is this receipt, let it be booked, then posting remove; else take it away, then \
         posting retry",
    ),
    ("not-staged", "Its file went on meanwhile: posting retry looks where it is now"),
    (
        "file-too-large",
        "A column of the connector's settings holds too much: shorten it there, then posting retry",
    ),
    (
        "answer-too-large",
        "More is answered than can be held: if it is the file of answers, have the matter software begin a new one; if it is a \
         statement, have it give less: remitd matter test; then posting retry",
    ),
    (
        "results",
        "The list of results does not read as `answers` in the connector's settings says: mend one of the two; then it goes by itself",
    ),
];

/// None for what only the plugin's author knows.
pub fn mend(code: &str) -> Option<&'static str> {
    // Where it was met matters to the next attempt alone.
    let code = code.strip_prefix(UNASKED).unwrap_or(code);
    MENDS.iter().find(|(known, _)| *known == code).map(|(_, mend)| *mend)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// All that `file-connector` and the folders that it uses can answer to a posting, but for what ends by itself in a moment.
    const OF_FILES: [&str; 17] = [
        "settings",
        "outbox",
        "too-many-files",
        "currency",
        "amount",
        "key",
        "date",
        "too-wide",
        "not-taken",
        "not-answered",
        "rejected",
        "results",
        "bad-name",
        "name-taken",
        "not-staged",
        "file-too-large",
        "answer-too-large",
    ];

    #[test]
    fn what_a_file_can_meet_has_a_mend() {
        let missing: Vec<_> = OF_FILES.iter().filter(|code| mend(code).is_none()).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    /// All that `sql-connector` and the five engines can answer to a posting, but for bugs of ours.
    const OF_SQL: [&str; 30] = [
        // The connector.
        "settings",
        "not-configured",
        "currency",
        "amount",
        "column-missing",
        "column-value",
        "several-rows",
        "nobody-knows",
        "in-hand",
        "too-many-notes",
        "date",
        // What the host refuses before a database is asked, and of what it answers.
        "grant-missing",
        "parameter",
        "parameter-missing",
        "parameter-unknown",
        "statement-too-large",
        "too-many-statements",
        "too-many-rows",
        "answer-too-large",
        "column",
        "rows-changed",
        "not-found-again",
        // The databases.
        "statement",
        "constraint",
        "unique-violation",
        "read-only",
        "database-permission",
        "not-rolled-back",
        "commit-lost",
        "worker-ended",
    ];
    /// Of them, what is tried again, though the balance could not be asked for.
    const OF_A_MOMENT: [&str; 3] = ["connect", "timeout", "locked"];

    #[test]
    fn what_a_database_can_answer_has_a_mend() {
        let codes = OF_SQL.iter().chain(&OF_A_MOMENT);
        let missing: Vec<_> = codes.filter(|code| mend(code).is_none()).collect();
        assert!(missing.is_empty(), "{missing:?}");
        for code in OF_A_MOMENT {
            assert!(mend(code).unwrap_or_default().contains("it goes by itself"), "{code}");
            assert_eq!(mend(&format!("{UNASKED}{code}")), mend(code));
        }
    }

    #[test]
    fn each_says_what_to_do_or_that_nothing_is_to_be_done() {
        let vague = |mend: &str| !mend.contains("posting ") && !mend.contains("goes by itself");
        let vague: Vec<_> = MENDS.iter().filter(|(_, mend)| vague(mend)).collect();
        assert!(vague.is_empty(), "{vague:?}");
        let by_hand = mend("database-permission").unwrap_or_default();
        assert!(by_hand.contains("grant it to them in the database, then posting retry"), "{by_hand}");
        // The connector says it of a statement, the host of a connection.
        let nowhere = mend("not-configured").unwrap_or_default();
        assert!(nowhere.contains("statement") && nowhere.contains("connection"), "{nowhere}");
        let kept = mend("not-rolled-back").unwrap_or_default();
        assert!(kept.contains("take that out there"), "a retry alone may write that part twice: {kept}");
    }

    #[test]
    fn no_code_has_two() {
        let codes: HashSet<_> = MENDS.iter().map(|(code, _)| code).collect();
        assert_eq!(codes.len(), MENDS.len());
    }
}
