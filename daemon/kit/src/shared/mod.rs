//! Cases of every kind: they play the kind's usual calls without knowing what these mean.

mod conduct;
mod crashes;
mod http;
mod manifest;
mod refusals;
mod repeats;
mod settings;
mod texts;
mod times;

use crate::case::Case;

/// Played before those of the kind.
pub(crate) fn first() -> Vec<Case> {
    [
        manifest::CASES,
        settings::CASES,
        refusals::CASES,
        crashes::CASES,
        repeats::CASES,
        texts::CASES,
        times::CASES,
    ]
    .concat()
}

/// Played against kinds that may have a provider.
pub(crate) fn over_http() -> Vec<Case> {
    http::CASES.to_vec()
}

/// Played after them: they look back.
pub(crate) fn last() -> Vec<Case> {
    conduct::CASES.to_vec()
}
