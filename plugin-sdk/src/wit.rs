//! What is generated from `wit/v1`. Owns no line by hand: the services once, then each kind on top of them. A kind's exports
//! become part of a component only where its export macro is called, so that one SDK serves all four.

/// The daemon's services and the words that all kinds share.
pub mod host {
    wit_bindgen::generate!({
        inline: "
            package remitd:sdk;
            world services {
                import remitd:plugin/types@1.0.0;
                import remitd:plugin/log@1.0.0;
                import remitd:plugin/clock@1.0.0;
                import remitd:plugin/random@1.0.0;
                import remitd:plugin/settings@1.0.0;
                import remitd:plugin/state@1.0.0;
                import remitd:plugin/sql@1.0.0;
                import remitd:plugin/sql-once@1.0.0;
                import remitd:plugin/http@1.0.0;
                import remitd:plugin/signature@1.0.0;
                import remitd:plugin/smtp@1.0.0;
                import remitd:plugin/maildir@1.0.0;
                import remitd:plugin/outbox@1.0.0;
            }
        ",
        path: "wit/v1",
        world: "remitd:sdk/services",
        pub_export_macro: true,
        generate_all,
        additional_derives: [PartialEq],
    });
}

pub mod importer {
    wit_bindgen::generate!({
        path: "wit/v1",
        world: "importer-plugin",
        pub_export_macro: true,
        additional_derives: [PartialEq],
        with: {
            "remitd:plugin/types@1.0.0": crate::wit::host::remitd::plugin::types,
            "remitd:plugin/log@1.0.0": crate::wit::host::remitd::plugin::log,
            "remitd:plugin/clock@1.0.0": crate::wit::host::remitd::plugin::clock,
            "remitd:plugin/random@1.0.0": crate::wit::host::remitd::plugin::random,
            "remitd:plugin/settings@1.0.0": crate::wit::host::remitd::plugin::settings,
            "remitd:plugin/state@1.0.0": crate::wit::host::remitd::plugin::state,
        },
    });
}

pub mod connector {
    wit_bindgen::generate!({
        path: "wit/v1",
        world: "connector-plugin",
        pub_export_macro: true,
        additional_derives: [PartialEq],
        with: {
            "remitd:plugin/types@1.0.0": crate::wit::host::remitd::plugin::types,
            "remitd:plugin/log@1.0.0": crate::wit::host::remitd::plugin::log,
            "remitd:plugin/clock@1.0.0": crate::wit::host::remitd::plugin::clock,
            "remitd:plugin/random@1.0.0": crate::wit::host::remitd::plugin::random,
            "remitd:plugin/settings@1.0.0": crate::wit::host::remitd::plugin::settings,
            "remitd:plugin/state@1.0.0": crate::wit::host::remitd::plugin::state,
            "remitd:plugin/sql@1.0.0": crate::wit::host::remitd::plugin::sql,
            "remitd:plugin/http@1.0.0": crate::wit::host::remitd::plugin::http,
        },
    });
}

/// Beside a connector's own exports, where its author has what it takes.
pub mod receipts {
    wit_bindgen::generate!({
        inline: "
            package remitd:sdk-receipts;
            world receipts-plugin {
                export remitd:plugin/receipts@1.0.0;
            }
        ",
        path: "wit/v1",
        world: "remitd:sdk-receipts/receipts-plugin",
        pub_export_macro: true,
        additional_derives: [PartialEq],
        with: {
            "remitd:plugin/types@1.0.0": crate::wit::host::remitd::plugin::types,
        },
    });
}

/// Beside a connector's own exports, where its author can look for a key.
pub mod written {
    wit_bindgen::generate!({
        inline: "
            package remitd:sdk-written;
            world written-plugin {
                export remitd:plugin/written@1.0.0;
            }
        ",
        path: "wit/v1",
        world: "remitd:sdk-written/written-plugin",
        pub_export_macro: true,
        additional_derives: [PartialEq],
        with: {
            "remitd:plugin/types@1.0.0": crate::wit::host::remitd::plugin::types,
        },
    });
}

pub mod mail {
    wit_bindgen::generate!({
        path: "wit/v1",
        world: "mail-provider-plugin",
        pub_export_macro: true,
        additional_derives: [PartialEq],
        with: {
            "remitd:plugin/types@1.0.0": crate::wit::host::remitd::plugin::types,
            "remitd:plugin/log@1.0.0": crate::wit::host::remitd::plugin::log,
            "remitd:plugin/clock@1.0.0": crate::wit::host::remitd::plugin::clock,
            "remitd:plugin/random@1.0.0": crate::wit::host::remitd::plugin::random,
            "remitd:plugin/settings@1.0.0": crate::wit::host::remitd::plugin::settings,
            "remitd:plugin/state@1.0.0": crate::wit::host::remitd::plugin::state,
            "remitd:plugin/smtp@1.0.0": crate::wit::host::remitd::plugin::smtp,
            "remitd:plugin/http@1.0.0": crate::wit::host::remitd::plugin::http,
            "remitd:plugin/maildir@1.0.0": crate::wit::host::remitd::plugin::maildir,
            "remitd:plugin/signature@1.0.0": crate::wit::host::remitd::plugin::signature,
        },
    });
}

pub mod gateway {
    wit_bindgen::generate!({
        path: "wit/v1",
        world: "payment-gateway-plugin",
        pub_export_macro: true,
        additional_derives: [PartialEq],
        with: {
            "remitd:plugin/types@1.0.0": crate::wit::host::remitd::plugin::types,
            "remitd:plugin/log@1.0.0": crate::wit::host::remitd::plugin::log,
            "remitd:plugin/clock@1.0.0": crate::wit::host::remitd::plugin::clock,
            "remitd:plugin/random@1.0.0": crate::wit::host::remitd::plugin::random,
            "remitd:plugin/settings@1.0.0": crate::wit::host::remitd::plugin::settings,
            "remitd:plugin/state@1.0.0": crate::wit::host::remitd::plugin::state,
            "remitd:plugin/http@1.0.0": crate::wit::host::remitd::plugin::http,
            "remitd:plugin/signature@1.0.0": crate::wit::host::remitd::plugin::signature,
        },
    });
}
