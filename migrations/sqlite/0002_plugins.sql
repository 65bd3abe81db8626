-- What plugins did and what they remember.

-- The trail: what was refused, what was set aside, what was installed. Rows are only ever added.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    -- Who did it: plugin:ID, cli, daemon.
    actor TEXT NOT NULL,
    what TEXT NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    -- Of the plugin's wasm, and the job in which it happened.
    sha256 TEXT NOT NULL,
    job TEXT NOT NULL
) STRICT;

-- Each plugin's own keys. A key is bytes, so that both databases put them in the same order.
CREATE TABLE plugin_state (
    plugin TEXT NOT NULL,
    key BLOB NOT NULL,
    value BLOB NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (plugin, key)
) STRICT, WITHOUT ROWID;
