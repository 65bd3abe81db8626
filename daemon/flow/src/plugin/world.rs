//! The four worlds' bindings, their shared interfaces mapped onto the host's, so that a `Failure` is one type everywhere.

pub(super) mod importer {
    wasmtime::component::bindgen!({
        path: "../../plugin-sdk/wit/v1",
        world: "importer-plugin",
        imports: {
            "remitd:plugin/intake": async | trappable,
            default: trappable,
        },
        exports: { default: async },
        with: {
            "remitd:plugin/types": remitd_host::wit::types,
            "remitd:plugin/log": remitd_host::wit::log,
            "remitd:plugin/clock": remitd_host::wit::clock,
            "remitd:plugin/random": remitd_host::wit::random,
            "remitd:plugin/settings": remitd_host::wit::settings,
            "remitd:plugin/state": remitd_host::wit::state,
            "remitd:plugin/intake.byte-source": crate::plugin::intake::ByteSource,
            "remitd:plugin/intake.sink": crate::plugin::intake::Sink,
        },
    });
}

pub(super) mod connector {
    wasmtime::component::bindgen!({
        path: "../../plugin-sdk/wit/v1",
        world: "connector-plugin",
        exports: { default: async },
        with: {
            "remitd:plugin/types": remitd_host::wit::types,
            "remitd:plugin/log": remitd_host::wit::log,
            "remitd:plugin/clock": remitd_host::wit::clock,
            "remitd:plugin/random": remitd_host::wit::random,
            "remitd:plugin/settings": remitd_host::wit::settings,
            "remitd:plugin/state": remitd_host::wit::state,
            "remitd:plugin/sql": remitd_host::wit::sql,
            "remitd:plugin/http": remitd_host::wit::http,
        },
    });
}

/// What a connector may export beside its kind: bound alone, so that one without it is a connector all the same.
pub(super) mod receipts {
    wasmtime::component::bindgen!({
        path: "../../plugin-sdk/wit/v1",
        inline: "
            package remitd:flow;
            world receipts-plugin {
                export remitd:plugin/receipts@1.0.0;
            }
        ",
        exports: { default: async },
        with: { "remitd:plugin/types": remitd_host::wit::types },
    });
}

/// As `receipts` is.
pub(super) mod written {
    wasmtime::component::bindgen!({
        path: "../../plugin-sdk/wit/v1",
        inline: "
            package remitd:flow;
            world written-plugin {
                export remitd:plugin/written@1.0.0;
            }
        ",
        exports: { default: async },
        with: { "remitd:plugin/types": remitd_host::wit::types },
    });
}

pub(super) mod mail {
    wasmtime::component::bindgen!({
        path: "../../plugin-sdk/wit/v1",
        world: "mail-provider-plugin",
        exports: { default: async },
        with: {
            "remitd:plugin/types": remitd_host::wit::types,
            "remitd:plugin/log": remitd_host::wit::log,
            "remitd:plugin/clock": remitd_host::wit::clock,
            "remitd:plugin/random": remitd_host::wit::random,
            "remitd:plugin/settings": remitd_host::wit::settings,
            "remitd:plugin/state": remitd_host::wit::state,
            "remitd:plugin/smtp": remitd_host::wit::smtp,
            "remitd:plugin/http": remitd_host::wit::http,
            "remitd:plugin/maildir": remitd_host::wit::maildir,
            "remitd:plugin/signature": remitd_host::wit::signature,
        },
    });
}

pub(super) mod gateway {
    wasmtime::component::bindgen!({
        path: "../../plugin-sdk/wit/v1",
        world: "payment-gateway-plugin",
        exports: { default: async },
        with: {
            "remitd:plugin/types": remitd_host::wit::types,
            "remitd:plugin/log": remitd_host::wit::log,
            "remitd:plugin/clock": remitd_host::wit::clock,
            "remitd:plugin/random": remitd_host::wit::random,
            "remitd:plugin/settings": remitd_host::wit::settings,
            "remitd:plugin/state": remitd_host::wit::state,
            "remitd:plugin/http": remitd_host::wit::http,
            "remitd:plugin/signature": remitd_host::wit::signature,
        },
    });
}
