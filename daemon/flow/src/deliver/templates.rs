//! The words of the mails: built in, or the firm's own from a folder. One engine for all of them, strict, with a limit on
//! how long a template may run.

use fs_err as fs;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use std::path::Path;

/// Steps of a template's program; ours take a few hundred.
const FUEL: u64 = 50_000;

const BUILT_IN: [(&str, &str); 7] = [
    ("layout.html", include_str!("templates/layout.html")),
    ("request.subject", include_str!("templates/request.subject")),
    ("request.txt", include_str!("templates/request.txt")),
    ("request.html", include_str!("templates/request.html")),
    ("receipt.subject", include_str!("templates/receipt.subject")),
    ("receipt.txt", include_str!("templates/receipt.txt")),
    ("receipt.html", include_str!("templates/receipt.html")),
];

#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("the template {name}: {error}")]
    Bad { name: String, error: minijinja::Error },
}

/// The templates of a firm: those that stand in `folder` replace the built-in ones of the same name.
pub fn environment(folder: Option<&Path>) -> Result<Environment<'static>, TemplateError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_auto_escape_callback(|name| {
        if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None }
    });
    for (name, built_in) in BUILT_IN {
        let own = folder.map(|folder| folder.join(name)).filter(|path| path.exists());
        let text = match own {
            Some(path) => fs::read_to_string(path)?,
            None => built_in.to_owned(),
        };
        environment
            .add_template_owned(name, text)
            .map_err(|error| TemplateError::Bad { name: name.to_owned(), error })?;
    }
    Ok(environment)
}
