//! Calls by name: any export with JSON arguments, for `remitd plugin run` and for looking at a plugin. Typed callers have their
//! own bindings; this one goes by the component's own types.

use crate::engine::Host;
use crate::failure::one_line;
use crate::job::{JobSpec, JobState, Stands};
use crate::json;
use crate::plugin::Plugin;
use crate::wit::types::{Description, Failure};
use serde_json::Value as Json;
use std::sync::Arc;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{ComponentExportIndex, InstancePre, Type, Val};
use wasmtime::{Engine, Store};

impl Host {
    /// Calls an export, as `search` or `connector.search`. Arguments are an object by parameter or an array; the call context
    /// is the host's where it is left out.
    pub async fn call_json(
        &self,
        plugin: &Arc<Plugin>,
        job: JobSpec,
        export: &str,
        args: Json,
    ) -> Result<Json, Failure> {
        let (func, index) = plugin.find(export)?;
        self.run(plugin, job, move |store, pre, context| async move {
            match json::arguments(&func, args, &context) {
                Ok(args) => call(store, pre, index, func, args).await,
                Err(fault) => Ok(Err(Failure::invalid("bad-argument", fault))),
            }
        })
        .await
    }

    /// What a plugin says of itself.
    pub async fn describe(&self, plugin: &Arc<Plugin>) -> Result<Description, Failure> {
        let (_, index) = plugin.find(&format!("{}.describe", plugin.kind))?;
        let job = JobSpec { stands: Stands::Beside, ..JobSpec::new("describe", "describe") };
        self.run(plugin, job, move |mut store, pre, _| async move {
            let instance = pre.instantiate_async(&mut store).await?;
            let describe = instance.get_typed_func::<(), (Description,)>(&mut store, &index)?;
            let (said,) = describe.call_async(&mut store, ()).await?;
            // A person reads these on a terminal.
            let (name, version) = (one_line(&said.name), one_line(&said.version));
            Ok(Ok(Description { name, version, ..said }))
        })
        .await
    }
}

async fn call(
    mut store: Store<JobState>,
    pre: InstancePre<JobState>,
    index: ComponentExportIndex,
    shape: ComponentFunc,
    args: Vec<Val>,
) -> wasmtime::Result<Result<Json, Failure>> {
    let instance = pre.instantiate_async(&mut store).await?;
    let missing = || wasmtime::Error::msg("the export is not a function");
    let func = instance.get_func(&mut store, index).ok_or_else(missing)?;
    let mut results = vec![Val::Bool(false); shape.results().len()];
    func.call_async(&mut store, &args, &mut results).await?;
    Ok(match results.into_iter().next() {
        Some(Val::Result(Err(Some(error)))) => Err(json::failure(&error)),
        Some(Val::Result(Ok(value))) => Ok(value.map_or(Json::Null, |value| json::of_val(&value))),
        Some(value) => Ok(json::of_val(&value)),
        None => Ok(Json::Null),
    })
}

impl Plugin {
    /// Every exported function, as `connector.balance(context: record(…), statement: string) -> …`.
    pub fn exports(&self) -> Vec<String> {
        let (shape, engine) = self.shape();
        let exports: Vec<_> =
            shape.exports(engine).map(|(name, export)| (name.to_owned(), export.ty)).collect();
        signatures(exports, engine)
    }

    /// Every imported function, in the same writing.
    pub fn imports(&self) -> Vec<String> {
        let (shape, engine) = self.shape();
        let imports: Vec<_> =
            shape.imports(engine).map(|(name, import)| (name.to_owned(), import.ty)).collect();
        signatures(imports, engine)
    }

    fn find(&self, wanted: &str) -> Result<(ComponentFunc, ComponentExportIndex), Failure> {
        let (shape, engine) = self.shape();
        let component = self.pre.component();
        for (name, export) in shape.exports(engine) {
            match export.ty {
                ComponentItem::ComponentFunc(func) if name == wanted => {
                    if let Some(index) = component.get_export_index(None, name) {
                        return Ok((func, index));
                    }
                }
                ComponentItem::ComponentInstance(interface) => {
                    let Some(outer) = component.get_export_index(None, name) else { continue };
                    for (function, item) in interface.exports(engine) {
                        let ComponentItem::ComponentFunc(func) = item.ty else { continue };
                        let named = function == wanted || format!("{}.{function}", short(name)) == wanted;
                        if let Some(index) = component.get_export_index(Some(&outer), function)
                            && named
                        {
                            return Ok((func, index));
                        }
                    }
                }
                _ => {}
            }
        }
        let known = self.exports().join("\n  ");
        let message =
            format!("plugin \"{}\" exports no function \"{wanted}\"; it exports:\n  {known}", self.id());
        Err(Failure::invalid("no-such-export", message))
    }
}

/// `connector` of `remitd:plugin/connector@1.0.0`.
fn short(interface: &str) -> &str {
    let name = interface.rsplit_once('/').map_or(interface, |(_, name)| name);
    name.split_once('@').map_or(name, |(name, _)| name)
}

fn signatures(items: Vec<(String, ComponentItem)>, engine: &Engine) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, item) in items {
        match item {
            ComponentItem::ComponentFunc(func) => lines.push(signature(&name, &func)),
            ComponentItem::ComponentInstance(interface) => {
                for (function, item) in interface.exports(engine) {
                    if let ComponentItem::ComponentFunc(func) = item.ty {
                        lines.push(signature(&format!("{}.{function}", short(&name)), &func));
                    }
                }
            }
            _ => {}
        }
    }
    lines
}

fn signature(name: &str, func: &ComponentFunc) -> String {
    let params: Vec<String> =
        func.params().map(|(name, ty)| format!("{name}: {}", json::type_name(&ty))).collect();
    let result = func.results().next().map(|ty: Type| format!(" -> {}", json::type_name(&ty)));
    format!("{name}({}){}", params.join(", "), result.unwrap_or_default())
}
