//! Where the statement of a mapping stands that is wrong: its file and line. Says nothing of connectors whose settings are of
//! another kind.

use crate::config::Loaded;
use crate::fault::Fault;
use crate::wiring::plugins::named_setting;
use remitd_flow::FlowError;
use remitd_flow::trial::Step;
use serde::Serialize;

/// The statement from which a push learns what is open.
const OPEN_SINCE: &str = "open_since";
/// Rules by which a push leaves out what the mapping may have got wrong, and the columns from which they are told.
const COLUMNS: [(&str, &str); 5] = [
    ("listed_twice", "column number"),
    ("payer", "columns payer_name and payer_email"),
    ("currency", "column currency"),
    ("open", "column open"),
    ("account-kind", "column account_kind"),
];

/// The same fault, with the file and the line of the setting that it names.
pub fn located(loaded: &Loaded, fault: Fault) -> Fault {
    match fault {
        Fault::Flow(FlowError::Plugin { plugin, mut failure }) => {
            if let Some(place) = of_message(loaded, &plugin, &failure.message) {
                failure.message = format!("{} ({place})", failure.message);
            }
            Fault::Flow(FlowError::Plugin { plugin, failure })
        }
        fault => fault,
    }
}

/// The statement that a connector's message names.
pub fn of_message(loaded: &Loaded, connector: &str, message: &str) -> Option<String> {
    place(loaded, &named_setting(index(loaded, connector)?, message)?)
}

/// What is to be looked at where a push leaves a statement out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LookAt {
    /// The setting, and its column.
    pub look_at: String,
    pub place: String,
}

/// None where the firm wanted it so, and of connectors that have no such statement.
pub fn of_rule(loaded: &Loaded, connector: &str, rule: &str) -> Option<LookAt> {
    let (_, columns) = COLUMNS.iter().find(|(known, _)| *known == rule)?;
    let place = of_setting(loaded, index(loaded, connector)?, OPEN_SINCE)?;
    Some(LookAt { look_at: format!("{OPEN_SINCE}, {columns}"), place })
}

/// The statement that a step of a trial has tried.
pub fn of_step(loaded: &Loaded, connector: &str, step: &Step) -> Option<String> {
    let at = index(loaded, connector)?;
    if let Some(named) = named_setting(at, &step.says) {
        return place(loaded, &named);
    }
    let setting = match step.step.as_str() {
        // What the list gives.
        "numbers" | "payers" | "amounts" => OPEN_SINCE.to_owned(),
        "post again" => "find".to_owned(),
        "balance after it" => "reverse".to_owned(),
        step => match step.strip_prefix("search by ") {
            Some(field) => format!("search.{field}"),
            None => step.split([' ', ',']).next().unwrap_or_default().to_owned(),
        },
    };
    of_setting(loaded, at, &setting)
}

/// A setting that is there.
fn of_setting(loaded: &Loaded, at: usize, setting: &str) -> Option<String> {
    let settings = &loaded.config.plugins.get(at)?.settings;
    settings.get(setting.split('.').next().unwrap_or_default())?;
    place(loaded, &format!("plugin[{at}].settings.{setting}"))
}

fn index(loaded: &Loaded, plugin: &str) -> Option<usize> {
    loaded.config.plugins.iter().position(|known| known.id == plugin)
}

fn place(loaded: &Loaded, path: &str) -> Option<String> {
    let found = loaded.problem(path, "", String::new(), None);
    Some(format!("{}:{}", found.file, found.line?))
}
