//! The contract's interfaces that carry no business word, bound once: other crates map theirs onto these, so that a `Failure`
//! is one type everywhere.

wasmtime::component::bindgen!({
    path: "../../plugin-sdk/wit/v1",
    inline: "
        package remitd:host;
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
    imports: {
        "remitd:plugin/sql": async | trappable,
        "remitd:plugin/sql-once": async | trappable,
        "remitd:plugin/state": async | trappable,
        "remitd:plugin/signature": async | trappable,
        "remitd:plugin/http": async | trappable,
        "remitd:plugin/smtp": async | trappable,
        "remitd:plugin/maildir": async | trappable,
        "remitd:plugin/outbox": async | trappable,
        default: trappable,
    },
    additional_derives: [PartialEq],
});

pub use remitd::plugin::{
    clock, http, log, maildir, outbox, random, settings, signature, smtp, sql, sql_once, state, types,
};
