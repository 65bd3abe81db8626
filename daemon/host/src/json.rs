//! JSON to component values and back, by the component's own types. Records are objects, variants `"case"` or `{"case": value}`,
//! results `{"ok": …}` or `{"err": …}`, bytes a text or an array of numbers. Handles and streams have no JSON and are refused.

use crate::wit::types::{CallContext, Failure, FailureClass};
use serde_json::{Map, Value as Json, json};
use wasmtime::component::types::{ComponentFunc, Record};
use wasmtime::component::{Type, Val};

/// The parameter that the host fills in.
const CONTEXT: &str = "context";

/// The arguments of `func` from an object or an array.
pub(crate) fn arguments(func: &ComponentFunc, args: Json, context: &CallContext) -> Result<Vec<Val>, String> {
    let mut given = Given::new(args)?;
    let mut values = Vec::new();
    for (name, ty) in func.params() {
        let value = match given.take(name, is_context(name, &ty)) {
            Some(json) => to_val(&ty, json, name)?,
            None if is_context(name, &ty) => context_val(context),
            None if matches!(ty, Type::Option(_)) => Val::Option(None),
            None => return Err(format!("argument \"{name}\" is missing: it is {}", type_name(&ty))),
        };
        values.push(value);
    }
    given.end()?;
    Ok(values)
}

/// Whether the host fills this parameter in.
fn is_context(name: &str, ty: &Type) -> bool {
    let Type::Record(record) = ty else { return false };
    name == CONTEXT && record.fields().map(|field| field.name).eq(["job", "idempotency-key", "deadline-ms"])
}

/// The context as a dynamic value.
fn context_val(context: &CallContext) -> Val {
    let CallContext { job, idempotency_key, deadline_ms } = context;
    Val::Record(vec![
        ("job".to_owned(), Val::String(job.clone())),
        ("idempotency-key".to_owned(), Val::String(idempotency_key.clone())),
        ("deadline-ms".to_owned(), Val::U64(*deadline_ms)),
    ])
}

enum Given {
    Named(Map<String, Json>),
    Ordered(std::collections::VecDeque<Json>),
}

impl Given {
    fn new(args: Json) -> Result<Given, String> {
        match args {
            Json::Null => Ok(Given::Named(Map::new())),
            Json::Object(named) => Ok(Given::Named(named)),
            Json::Array(ordered) => Ok(Given::Ordered(ordered.into())),
            _ => Err("arguments are an object by name or an array".to_owned()),
        }
    }

    /// In an array, what the host fills in is not counted.
    fn take(&mut self, name: &str, filled: bool) -> Option<Json> {
        match self {
            Given::Named(named) => named.remove(name),
            Given::Ordered(_) if filled => None,
            Given::Ordered(ordered) => ordered.pop_front(),
        }
    }

    fn end(self) -> Result<(), String> {
        match self {
            Given::Named(named) => match named.keys().next() {
                Some(name) => Err(format!("there is no argument \"{name}\"")),
                None => Ok(()),
            },
            Given::Ordered(rest) if rest.is_empty() => Ok(()),
            Given::Ordered(rest) => Err(format!("{} arguments too many", rest.len())),
        }
    }
}

/// `at` says where a fault is.
fn to_val(ty: &Type, json: Json, at: &str) -> Result<Val, String> {
    let misfit = |json: &Json| format!("{at}: {json} is no {}", type_name(ty));
    Ok(match (ty, json) {
        (Type::Bool, Json::Bool(truth)) => Val::Bool(truth),
        (Type::String, Json::String(text)) => Val::String(text),
        (Type::Char, Json::String(text)) => {
            let mut chars = text.chars();
            match (chars.next(), chars.next()) {
                (Some(only), None) => Val::Char(only),
                _ => return Err(misfit(&Json::String(text))),
            }
        }
        (_, Json::Number(number)) => number_val(ty, &number).ok_or_else(|| misfit(&Json::Number(number)))?,
        (Type::List(list), Json::String(text)) if list.ty() == Type::U8 => {
            Val::List(text.into_bytes().into_iter().map(Val::U8).collect())
        }
        (Type::List(list), Json::Array(values)) => {
            let ty = list.ty();
            let each =
                values.into_iter().enumerate().map(|(nth, one)| to_val(&ty, one, &format!("{at}[{nth}]")));
            Val::List(each.collect::<Result<_, _>>()?)
        }
        (Type::Tuple(tuple), Json::Array(values)) if tuple.types().len() == values.len() => {
            let each = tuple.types().zip(values).enumerate();
            Val::Tuple(
                each.map(|(nth, (ty, one))| to_val(&ty, one, &format!("{at}[{nth}]")))
                    .collect::<Result<_, _>>()?,
            )
        }
        (Type::Record(record), Json::Object(object)) => record_val(record, object, at)?,
        (Type::Option(_), Json::Null) => Val::Option(None),
        (Type::Option(option), json) => Val::Option(Some(Box::new(to_val(&option.ty(), json, at)?))),
        (Type::Enum(names), Json::String(case)) if names.names().any(|name| name == case) => Val::Enum(case),
        (Type::Flags(flags), Json::Array(names)) => {
            let known = |json: &Json| {
                json.as_str().filter(|name| flags.names().any(|flag| flag == *name)).map(str::to_owned)
            };
            let each = names.iter().map(|json| known(json).ok_or_else(|| misfit(json)));
            Val::Flags(each.collect::<Result<_, _>>()?)
        }
        (Type::Variant(variant), json) => {
            let (case, payload) =
                tagged(json).ok_or_else(|| format!("{at}: a variant is \"case\" or {{\"case\": value}}"))?;
            let known = variant.cases().find(|known| known.name == case).map(|known| known.ty);
            let ty = known.ok_or_else(|| format!("{at}: there is no case \"{case}\""))?;
            Val::Variant(case, payload_val(ty, payload, at)?)
        }
        (Type::Result(result), json) => Val::Result(match tagged(json) {
            Some((case, payload)) if case == "ok" => Ok(payload_val(result.ok(), payload, at)?),
            Some((case, payload)) if case == "err" => Err(payload_val(result.err(), payload, at)?),
            _ => return Err(format!("{at}: a result is {{\"ok\": …}} or {{\"err\": …}}")),
        }),
        (Type::Own(_) | Type::Borrow(_) | Type::Future(_) | Type::Stream(_) | Type::ErrorContext, _) => {
            return Err(format!(
                "{at} is a handle, which has no JSON: this export is called by the daemon alone"
            ));
        }
        (_, json) => return Err(misfit(&json)),
    })
}

fn record_val(record: &Record, mut object: Map<String, Json>, at: &str) -> Result<Val, String> {
    let mut fields = Vec::new();
    for field in record.fields() {
        let place = format!("{at}.{}", field.name);
        let value = match object.remove(field.name) {
            Some(json) => to_val(&field.ty, json, &place)?,
            None if matches!(field.ty, Type::Option(_)) => Val::Option(None),
            None => return Err(format!("{place} is missing: it is {}", type_name(&field.ty))),
        };
        fields.push((field.name.to_owned(), value));
    }
    match object.keys().next() {
        Some(odd) => Err(format!("{at} has no field \"{odd}\"")),
        None => Ok(Val::Record(fields)),
    }
}

/// A case's name, with its payload where there is one.
fn tagged(json: Json) -> Option<(String, Option<Json>)> {
    match json {
        Json::String(case) => Some((case, None)),
        Json::Object(object) if object.len() == 1 => {
            object.into_iter().next().map(|(case, json)| (case, Some(json)))
        }
        _ => None,
    }
}

fn payload_val(ty: Option<Type>, payload: Option<Json>, at: &str) -> Result<Option<Box<Val>>, String> {
    match (ty, payload) {
        (Some(ty), Some(json)) => Ok(Some(Box::new(to_val(&ty, json, at)?))),
        (None, None | Some(Json::Null)) => Ok(None),
        (Some(ty), None) => Err(format!("{at}: the case carries {}", type_name(&ty))),
        (None, Some(_)) => Err(format!("{at}: the case carries nothing")),
    }
}

fn number_val(ty: &Type, number: &serde_json::Number) -> Option<Val> {
    let (signed, unsigned) = (number.as_i64(), number.as_u64());
    match ty {
        Type::S8 => signed?.try_into().ok().map(Val::S8),
        Type::U8 => unsigned?.try_into().ok().map(Val::U8),
        Type::S16 => signed?.try_into().ok().map(Val::S16),
        Type::U16 => unsigned?.try_into().ok().map(Val::U16),
        Type::S32 => signed?.try_into().ok().map(Val::S32),
        Type::U32 => unsigned?.try_into().ok().map(Val::U32),
        Type::S64 => signed.map(Val::S64),
        Type::U64 => unsigned.map(Val::U64),
        Type::Float64 => number.as_f64().map(Val::Float64),
        Type::Option(inner) => number_val(&inner.ty(), number).map(|val| Val::Option(Some(Box::new(val)))),
        _ => None,
    }
}

/// What a guest gave, as JSON.
pub(crate) fn of_val(val: &Val) -> Json {
    let boxed = |payload: &Option<Box<Val>>| payload.as_deref().map_or(Json::Null, of_val);
    match val {
        Val::Bool(truth) => json!(truth),
        Val::S8(number) => json!(number),
        Val::U8(number) => json!(number),
        Val::S16(number) => json!(number),
        Val::U16(number) => json!(number),
        Val::S32(number) => json!(number),
        Val::U32(number) => json!(number),
        Val::S64(number) => json!(number),
        Val::U64(number) => json!(number),
        Val::Float32(number) => json!(number),
        Val::Float64(number) => json!(number),
        Val::Char(char) => json!(char),
        Val::String(text) | Val::Enum(text) => json!(text),
        Val::List(values) => bytes_text(values).unwrap_or_else(|| values.iter().map(of_val).collect()),
        Val::Tuple(values) | Val::FixedLengthList(values) => values.iter().map(of_val).collect(),
        Val::Map(pairs) => pairs.iter().map(|(key, value)| json!([of_val(key), of_val(value)])).collect(),
        Val::Record(fields) => {
            Json::Object(fields.iter().map(|(name, value)| (name.clone(), of_val(value))).collect())
        }
        Val::Variant(case, None) => json!(case),
        Val::Variant(case, payload) => json!({ case: boxed(payload) }),
        Val::Option(payload) => boxed(payload),
        Val::Result(Ok(payload)) => json!({ "ok": boxed(payload) }),
        Val::Result(Err(payload)) => json!({ "err": boxed(payload) }),
        Val::Flags(names) => json!(names),
        Val::Resource(_) | Val::Future(_) | Val::Stream(_) | Val::ErrorContext(_) => json!("<handle>"),
    }
}

/// Bytes that are text read better as text.
fn bytes_text(values: &[Val]) -> Option<Json> {
    let byte = |val: &Val| if let Val::U8(byte) = val { Some(*byte) } else { None };
    let bytes = values.iter().map(byte).collect::<Option<Vec<u8>>>()?;
    if bytes.is_empty() { None } else { String::from_utf8(bytes).ok().map(Json::String) }
}

/// A failure that came as a dynamic value.
pub(crate) fn failure(val: &Val) -> Failure {
    let json = of_val(val);
    let text = |field: &str| json.get(field).and_then(Json::as_str).map(str::to_owned);
    let class = match text("class").as_deref() {
        Some("invalid") => FailureClass::Invalid,
        Some("denied") => FailureClass::Denied,
        Some("unavailable") => FailureClass::Unavailable,
        Some("unknown-outcome") => FailureClass::UnknownOutcome,
        _ => FailureClass::Bug,
    };
    let retry_after_s = json.get("retry-after-s").and_then(Json::as_u64).and_then(|s| u32::try_from(s).ok());
    let code = text("code").unwrap_or_else(|| "failed".to_owned());
    let message = text("message").unwrap_or_else(|| json.to_string());
    Failure { class, code, message, retry_after_s }
}

/// A type as people read it; records by their fields, since components do not keep their names.
pub(crate) fn type_name(ty: &Type) -> String {
    let named = |ty: Option<Type>| ty.as_ref().map_or_else(|| "_".to_owned(), type_name);
    let joined =
        |types: &mut dyn Iterator<Item = Type>| types.map(|ty| type_name(&ty)).collect::<Vec<_>>().join(", ");
    let listed = |names: &mut dyn Iterator<Item = &str>| names.collect::<Vec<_>>().join(", ");
    match ty {
        Type::Bool => "bool".to_owned(),
        Type::S8 => "s8".to_owned(),
        Type::U8 => "u8".to_owned(),
        Type::S16 => "s16".to_owned(),
        Type::U16 => "u16".to_owned(),
        Type::S32 => "s32".to_owned(),
        Type::U32 => "u32".to_owned(),
        Type::S64 => "s64".to_owned(),
        Type::U64 => "u64".to_owned(),
        Type::Float32 => "f32".to_owned(),
        Type::Float64 => "f64".to_owned(),
        Type::Char => "char".to_owned(),
        Type::String => "string".to_owned(),
        Type::List(list) => format!("list<{}>", type_name(&list.ty())),
        Type::FixedLengthList(list) => format!("list<{}, {}>", type_name(&list.ty()), list.len()),
        Type::Map(map) => format!("map<{}, {}>", type_name(&map.key()), type_name(&map.value())),
        Type::Record(record) => format!("record({})", listed(&mut record.fields().map(|field| field.name))),
        Type::Tuple(tuple) => format!("tuple<{}>", joined(&mut tuple.types())),
        Type::Variant(variant) => format!("variant({})", listed(&mut variant.cases().map(|case| case.name))),
        Type::Enum(names) => format!("enum({})", listed(&mut names.names())),
        Type::Option(option) => format!("option<{}>", type_name(&option.ty())),
        Type::Result(result) => format!("result<{}, {}>", named(result.ok()), named(result.err())),
        Type::Flags(flags) => format!("flags({})", listed(&mut flags.names())),
        Type::Own(_) => "own<resource>".to_owned(),
        Type::Borrow(_) => "borrow<resource>".to_owned(),
        Type::Future(_) => "future".to_owned(),
        Type::Stream(_) => "stream".to_owned(),
        Type::ErrorContext => "error-context".to_owned(),
    }
}
