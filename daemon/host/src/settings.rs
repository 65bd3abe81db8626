//! A plugin's settings against the JSON Schema that it gives of them. Owns where a fault stands and the words for it.

use serde_json::{Map, Value};

const SCHEMA_MAX_BYTES: usize = 64 << 10;

/// One thing that is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingFault {
    /// The keys from the settings' root to the fault; a list's place is a number.
    pub path: Vec<String>,
    pub message: String,
    /// Keys that the schema knows at this place, where one that it does not know was given.
    pub known: Vec<String>,
}

/// Every fault; `Err` where the schema itself is none.
pub fn settings_faults(schema: &str, settings: &Map<String, Value>) -> Result<Vec<SettingFault>, String> {
    if schema.len() > SCHEMA_MAX_BYTES {
        return Err("its settings schema is larger than 64 KiB".to_owned());
    }
    let schema: Value =
        serde_json::from_str(schema).map_err(|error| format!("its settings schema is no JSON: {error}"))?;
    if refers_on(&schema, false) {
        return Err(
            "its settings schema has a $ref that leads on: refer to #/$defs/NAME, and from there to nothing"
                .to_owned(),
        );
    }
    let validator = jsonschema::draft202012::new(&schema)
        .map_err(|error| format!("its settings schema is no JSON Schema: {error}"))?;
    let settings = Value::Object(settings.clone());
    Ok(validator.iter_errors(&settings).flat_map(|error| faults_of(&error, &schema)).collect())
}

/// Whether a reference stands where it may lead to another one: a few lines of those can take years to check.
fn refers_on(schema: &Value, inside_defs: bool) -> bool {
    match schema {
        Value::Object(table) => table.iter().any(|(key, value)| match key.as_str() {
            "$dynamicRef" | "$recursiveRef" => true,
            "$ref" => inside_defs || !value.as_str().is_some_and(|to| to.starts_with("#/$defs/")),
            _ => refers_on(value, inside_defs || key == "$defs"),
        }),
        Value::Array(values) => values.iter().any(|value| refers_on(value, inside_defs)),
        _ => false,
    }
}

fn faults_of(error: &jsonschema::ValidationError<'_>, schema: &Value) -> Vec<SettingFault> {
    use jsonschema::error::ValidationErrorKind;
    let path: Vec<String> = error.instance_path().iter().map(|segment| segment.to_string()).collect();
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            let known = known_keys(schema, error.schema_path().as_str());
            let fault = |key: &String| SettingFault {
                path: path.iter().cloned().chain([key.clone()]).collect(),
                message: format!("the plugin has no setting `{key}`"),
                known: known.clone(),
            };
            unexpected.iter().map(fault).collect()
        }
        ValidationErrorKind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            vec![SettingFault {
                path,
                message: format!("the plugin needs the setting `{key}`"),
                known: Vec::new(),
            }]
        }
        _ => vec![SettingFault { path, message: error.to_string(), known: Vec::new() }],
    }
}

/// The properties beside the keyword at this place of the schema.
fn known_keys(schema: &Value, pointer: &str) -> Vec<String> {
    let around = pointer.rsplit_once('/').map_or("", |(around, _)| around);
    let properties =
        schema.pointer(around).and_then(|table| table.get("properties")).and_then(Value::as_object);
    properties.map(|properties| properties.keys().cloned().collect()).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use serde_json::json;

    const SCHEMA: &str = r#"{ "type": "object", "additionalProperties": false, "required": ["folder"],
        "properties": { "folder": { "type": "string", "minLength": 1 },
            "post": { "type": "array", "items": { "type": "object", "additionalProperties": false,
                "properties": { "rows": { "type": "integer" } } } } } }"#;

    fn check(settings: Value, expect: &[(&str, &str)]) {
        let faults = settings_faults(SCHEMA, settings.as_object().unwrap()).unwrap();
        let told: Vec<_> =
            faults.iter().map(|fault| (fault.path.join("."), fault.message.as_str())).collect();
        assert_eq!(told.len(), expect.len(), "{told:?}");
        for ((path, message), (at, part)) in told.iter().zip(expect) {
            assert!(path == at && message.contains(part), "{told:?}");
        }
    }

    #[test]
    fn each_fault_has_its_place() {
        check(json!({"folder": "mail"}), &[]);
        check(json!({}), &[("", "needs the setting `folder`")]);
        check(json!({"folder": ""}), &[("folder", "shorter than 1")]);
        check(json!({"folder": "mail", "foldr": "x"}), &[("foldr", "no setting `foldr`")]);
        check(json!({"folder": "m", "post": [{}, {"rows": "1"}]}), &[("post.1.rows", "not of type")]);
        check(json!({"folder": "m", "post": [{"row": 1}]}), &[("post.0.row", "no setting `row`")]);
        let faults =
            settings_faults(SCHEMA, json!({"foldr": 1, "folder": "m"}).as_object().unwrap()).unwrap();
        assert_eq!(faults[0].known, ["folder", "post"]);
        assert!(settings_faults("{", &Map::new()).unwrap_err().contains("no JSON"));
        let chain = r##"{"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {}}}"##;
        for bad in [r##"{"$ref": "#"}"##, chain] {
            assert!(settings_faults(bad, &Map::new()).unwrap_err().contains("$ref"), "{bad}");
        }
        let plain = r##"{"properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"type": "string"}}}"##;
        assert_eq!(settings_faults(plain, &Map::new()), Ok(Vec::new()));
        assert!(settings_faults(r#"{"type": 7}"#, &Map::new()).unwrap_err().contains("no JSON Schema"));
    }
}
