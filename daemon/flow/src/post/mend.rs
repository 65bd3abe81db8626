//! What a person can do about a posting that does not go by itself, by what stands in its way.

const WRONG_ANSWER: &str =
    "The connector's statement gives what it should not: remitd matter test; then posting retry";
/// A failure's code, and the mend.
const MENDS: [(&str, &str); 20] = [
    (
        "over-payment",
        "If the payment is meant for another statement, split it anew: posting reallocate; if it is to stand as a credit, write it \
         all the same: posting retry; if it is handled by hand: posting remove",
    ),
    (
        "nobody-knows",
        "Look for the receipt in the matter software: if it is there, posting remove; if it is not, posting retry writes it",
    ),
    ("after-reversal", "Nothing: it goes by itself once the posting that it comes from is taken back"),
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
    ("statement", "The connector's statement is wrong: remitd matter test; then posting retry"),
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
    ("not-configured", "The connector's settings do not say how: add the statement; then posting retry"),
    ("added", "Give back at the provider what was added, then posting post; or posting remove"),
    ("settings", "The connector's settings are wrong: remitd check; then posting retry"),
    ("currency", "The matter database keeps another currency: write it by hand, then posting remove"),
    ("read-only", "The connection may not write: mend the user's rights or the grants, then posting retry"),
];

/// None for what only the plugin's author knows.
pub fn mend(code: &str) -> Option<&'static str> {
    MENDS.iter().find(|(known, _)| *known == code).map(|(_, mend)| *mend)
}
