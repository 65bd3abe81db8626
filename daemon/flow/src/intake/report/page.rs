//! The report as a page for people: one file that needs nothing else, runs no script, and can be printed.

use super::Report;
use crate::error::FlowError;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior, context};

/// The engine escapes by this ending.
const NAME: &str = "report.html";
const PAGE: &str = include_str!("page.html");

pub(super) fn page(report: &Report) -> Result<String, FlowError> {
    let fault = |error| FlowError::Template { name: NAME.to_owned(), error };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_template(NAME, PAGE).map_err(fault)?;
    let template = environment.get_template(NAME).map_err(fault)?;
    let full = report.errors.len() >= super::FINDINGS_MAX;
    let (sentence, held) = (report.sentence(), report.held_hint());
    template.render(context! { report => Value::from(Serde(report)), sentence, held, full }).map_err(fault)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::super::tests::report_of;
    use super::*;

    #[test]
    fn names_every_place_and_runs_nothing() {
        let page = page(&report_of(&[(3, "Amount", "<script>alert(1)</script>"), (0, "", "")])).unwrap();
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(1)"), "{page}");
        assert!(page.contains("is no amount, nor &quot;near&quot; one"), "{page}");
        assert!(page.contains("Write it as 1.00."), "{page}");
        assert!(page.contains(">3</td>") && page.contains(">file</td>"), "{page}");
    }

    #[test]
    fn says_that_nothing_is_wrong() {
        let page = page(&report_of(&[])).unwrap();
        assert!(page.contains("Nothing is wrong"), "{page}");
        let (_, warned) = page.split_once("Worth a look").unwrap();
        assert!(warned.contains("looks odd") && page.matches("<table").count() == 1, "{page}");
    }
}
