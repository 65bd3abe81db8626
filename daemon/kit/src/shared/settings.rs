//! Settings: the schema that `remitd check` reads, and what the plugin says of wrong ones.

use super::manifest::description;
use crate::bench::Bench;
use crate::case::{Case, Ended, Tried, case, failed, hold, shown, skipped, unbroken};
use crate::world::{Setup, settings_of};
use remitd_host::{FailureClass, SettingFault, settings_faults};
use serde_json::{Map, Value, json};

pub(super) const CASES: &[Case] = &[
    case!("schema-is-a-schema", "Its settings' schema is a JSON Schema of an object.", is_a_schema),
    case!("schema-accepts-settings", "Its schema accepts the settings of kit.toml.", accepts),
    case!(
        "unknown-setting-refused",
        "A setting that it does not know is refused by name, so that a slip is seen.",
        unknown
    ),
    case!(
        "missing-setting-refused",
        "A setting that it needs and does not have is refused before anything is done.",
        missing
    ),
    case!(
        "wrong-setting-refused",
        "A setting of another type is refused, by its schema or as invalid.",
        wrong_type
    ),
    case!("described-without-settings", "It says what it is before it has any settings.", described_bare),
];

const UNKNOWN: &str = "kit-knows-no-such-setting";

async fn faults(bench: &Bench, settings: &Map<String, Value>) -> Result<Vec<SettingFault>, Ended> {
    let schema = description(bench).await?.settings_schema;
    settings_faults(&schema, &placed(bench, settings))
        .map_err(|fault| failed(format!("{fault}: mend settings.schema.json")))
}

/// With an origin in place of each scripted server's name, as the plugin gets them.
fn placed(bench: &Bench, settings: &Map<String, Value>) -> Map<String, Value> {
    let text = Value::Object(settings.clone()).to_string();
    let names = bench.fixture.http.keys();
    let text = names.fold(text, |text, name| text.replace(&format!("{{http.{name}}}"), "http://127.0.0.1"));
    serde_json::from_str(&text).unwrap_or_else(|_| settings.clone())
}

async fn is_a_schema(bench: &Bench) -> Tried {
    faults(bench, &Map::new()).await?;
    let schema = description(bench).await?.settings_schema;
    let schema: Value = serde_json::from_str(&schema).map_err(|error| failed(error.to_string()))?;
    let object = schema.get("type").and_then(Value::as_str) == Some("object");
    hold(object, || "its schema does not say \"type\": \"object\": the settings are a table".to_owned())
}

async fn accepts(bench: &Bench) -> Tried {
    let found = faults(bench, &settings_of(&bench.fixture)).await?;
    hold(found.is_empty(), || {
        let first = found.first().map(|fault| format!("{}: {}", fault.path.join("."), fault.message));
        format!("{}: mend settings.schema.json or the settings in kit.toml", first.unwrap_or_default())
    })
}

async fn unknown(bench: &Bench) -> Tried {
    let mut settings = settings_of(&bench.fixture);
    settings.insert(UNKNOWN.to_owned(), json!(1));
    let found = faults(bench, &settings).await?;
    hold(found.iter().any(|fault| fault.path.iter().any(|key| key == UNKNOWN)), || {
        "its schema accepts a setting that it does not know: write \"additionalProperties\": false, and \
         #[serde(deny_unknown_fields)] on the settings' type"
            .to_owned()
    })
}

/// Calls of the plugin with these settings: each fails as `invalid`, or does nothing wrong.
async fn refused_by_plugin(bench: &Bench, settings: Map<String, Value>, what: &str) -> Result<bool, Ended> {
    let mut refused = false;
    for (act, _) in bench.acts().await? {
        let world = bench.world(&Setup { settings: Some(settings.clone()), ..Setup::default() }).await?;
        let said = act.play(&world, world.job(crate::bench::KEY)).await?;
        unbroken(&said, &format!("{what}, in {}", act.name))?;
        if let Err(failure) = said {
            refused = true;
            hold(failure.class == FailureClass::Invalid, || {
                format!("{what}, {} ended with {}: wrong settings are invalid", act.name, shown(&failure))
            })?;
        }
    }
    Ok(refused)
}

async fn missing(bench: &Bench) -> Tried {
    let settings = settings_of(&bench.fixture);
    let mut needed = 0;
    for key in settings.keys() {
        let mut less = settings.clone();
        less.remove(key);
        if faults(bench, &less).await?.is_empty() {
            continue;
        }
        needed += 1;
        let what = format!("without the setting {key}");
        if !refused_by_plugin(bench, less, &what).await? {
            return Err(failed(format!(
                "its schema needs {key}, and the plugin works without it: is it no longer needed, or does the plugin guess?"
            )));
        }
    }
    if needed == 0 { Err(skipped("no setting of kit.toml is needed")) } else { Ok(()) }
}

async fn wrong_type(bench: &Bench) -> Tried {
    let settings = settings_of(&bench.fixture);
    if settings.is_empty() {
        return Err(skipped("kit.toml has no settings"));
    }
    for key in settings.keys() {
        let mut wrong = settings.clone();
        wrong.insert(key.clone(), json!([[["wrong"]]]));
        let by_schema = !faults(bench, &wrong).await?.is_empty();
        let by_plugin = refused_by_plugin(bench, wrong, &format!("with a list as {key}")).await?;
        hold(by_schema || by_plugin, || {
            format!(
                "neither its schema nor the plugin minds a list as {key}: say its type in settings.schema.json"
            )
        })?;
    }
    Ok(())
}

async fn described_bare(bench: &Bench) -> Tried {
    let world = bench.world(&Setup { settings: Some(Map::new()), ..Setup::default() }).await?;
    let described = world.host.describe(&world.plugin).await;
    unbroken(&described, "without settings, in describe")?;
    described.map(|_| ()).map_err(|failure| failed(shown(&failure)))
}
