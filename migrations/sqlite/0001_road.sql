-- The road: a table a thing, a row a hand-over. Money is whole minor units, instants are Unix milliseconds in UTC, dates are
-- ISO texts. The same tables stand in ../postgres, column for column.

CREATE TABLE counter (name TEXT PRIMARY KEY, next INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO counter (name, next) VALUES ('request', 1001);

CREATE TABLE batch (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    name TEXT NOT NULL,
    -- What it came from, once: the name of the taken file, the run of a push. The same key is the same batch.
    source_key TEXT UNIQUE,
    sha256 TEXT,
    account TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('review', 'released', 'rejected', 'discarded')),
    "rows" INTEGER NOT NULL,
    ok INTEGER NOT NULL,
    rejected INTEGER NOT NULL,
    duplicate INTEGER NOT NULL,
    findings TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    CHECK ("rows" = ok + rejected + duplicate)
) STRICT;
-- One content is taken in once, also by two at the same time.
CREATE UNIQUE INDEX batch_sha256 ON batch (sha256, account) WHERE sha256 IS NOT NULL AND state IN ('review', 'released');

CREATE TABLE request (
    id INTEGER PRIMARY KEY,
    batch_id INTEGER NOT NULL REFERENCES batch (id),
    -- The random half of the link; the other half is a MAC whose key is not here.
    nonce BLOB NOT NULL UNIQUE,
    state TEXT NOT NULL,
    account TEXT NOT NULL,
    -- Who writes the posting back; empty where nobody does.
    connector TEXT NOT NULL,
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    paid_minor INTEGER NOT NULL DEFAULT 0,
    currency TEXT NOT NULL,
    payer_name TEXT NOT NULL,
    payer_email TEXT NOT NULL,
    invoice TEXT NOT NULL,
    invoice_date TEXT,
    due_date TEXT,
    client TEXT NOT NULL,
    matter TEXT NOT NULL,
    message TEXT NOT NULL,
    line INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    remainder_of INTEGER REFERENCES request (id)
) STRICT;
CREATE INDEX request_batch ON request (batch_id);
CREATE INDEX request_remainder ON request (remainder_of) WHERE remainder_of IS NOT NULL;
CREATE INDEX request_expiry ON request (expires_ms) WHERE state = 'outstanding';
-- Nobody is asked twice for one invoice: the database itself refuses a second live link.
CREATE UNIQUE INDEX request_live_invoice ON request (account, invoice)
    WHERE invoice <> '' AND state IN ('draft', 'outstanding', 'processing');

-- What happened, to one request or to a whole batch: the trail that explains every state.
CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    batch_id INTEGER REFERENCES batch (id),
    request_id INTEGER REFERENCES request (id),
    what TEXT NOT NULL,
    actor TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX event_request ON event (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX event_batch ON event (batch_id) WHERE batch_id IS NOT NULL;

-- Everything that reaches outside is a row here first.
CREATE TABLE effect (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    subject_id INTEGER NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('ready', 'running', 'waiting', 'done', 'failed', 'unknown')),
    attempt INTEGER NOT NULL,
    -- Grows with every lease; who finishes must still hold the newest.
    fence INTEGER NOT NULL,
    -- The daemon that holds the lease: when it is known to be gone, the row is free at once.
    owner INTEGER,
    -- When it may be taken: the next attempt of a ready one, the end of the lease of a running one.
    next_ms INTEGER NOT NULL,
    error_code TEXT,
    error TEXT,
    created_ms INTEGER NOT NULL,
    done_ms INTEGER
) STRICT;
-- A lane a kind: a slow mail server does not hold up the postings.
CREATE INDEX effect_due ON effect (kind, next_ms, id) WHERE state IN ('ready', 'running');
CREATE INDEX effect_held ON effect (state) WHERE state IN ('waiting', 'failed', 'unknown');

CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    -- The effect's key: one message a purpose, however often it is tried.
    key TEXT NOT NULL UNIQUE,
    request_id INTEGER NOT NULL REFERENCES request (id),
    payment_id INTEGER,
    purpose TEXT NOT NULL,
    message_id TEXT NOT NULL UNIQUE,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('sending', 'sent', 'failed', 'unknown')),
    provider TEXT NOT NULL,
    provider_ref TEXT,
    error TEXT,
    created_ms INTEGER NOT NULL,
    sent_ms INTEGER
) STRICT;
CREATE INDEX message_request ON message (request_id);

CREATE TABLE message_attempt (
    message_id INTEGER NOT NULL REFERENCES message (id),
    attempt INTEGER NOT NULL,
    started_ms INTEGER NOT NULL,
    ended_ms INTEGER,
    outcome TEXT,
    detail TEXT,
    PRIMARY KEY (message_id, attempt)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkout (
    id INTEGER PRIMARY KEY,
    request_id INTEGER NOT NULL REFERENCES request (id),
    gateway TEXT NOT NULL,
    gateway_ref TEXT,
    url TEXT,
    state TEXT NOT NULL CHECK (state IN ('beginning', 'open', 'closing', 'done', 'cancelled', 'failed')),
    amount_minor INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
) STRICT;
-- At most one payable session a link.
CREATE UNIQUE INDEX checkout_live ON checkout (request_id) WHERE state IN ('beginning', 'open', 'closing');

CREATE TABLE payment (
    id INTEGER PRIMARY KEY,
    request_id INTEGER NOT NULL REFERENCES request (id),
    checkout_id INTEGER NOT NULL REFERENCES checkout (id),
    gateway TEXT NOT NULL,
    gateway_ref TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    method TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    UNIQUE (gateway, gateway_ref)
) STRICT;
CREATE INDEX payment_request ON payment (request_id);
CREATE INDEX payment_pending ON payment (request_id) WHERE state = 'pending';

-- Every event of a gateway once, written in the transaction of the work that it caused.
CREATE TABLE gateway_event (
    gateway TEXT NOT NULL,
    event_id TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    what TEXT NOT NULL,
    PRIMARY KEY (gateway, event_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE posting (
    id INTEGER PRIMARY KEY,
    -- Written beside the matter rows, in their transaction.
    key TEXT NOT NULL UNIQUE,
    payment_id INTEGER NOT NULL REFERENCES payment (id),
    request_id INTEGER NOT NULL REFERENCES request (id),
    line INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('payment', 'reversal')),
    reverses INTEGER REFERENCES posting (id),
    statement TEXT NOT NULL,
    client TEXT NOT NULL,
    matter TEXT NOT NULL,
    connector TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'incomplete', 'queued', 'posted', 'removed')),
    external_ref TEXT,
    error_code TEXT,
    error TEXT,
    created_ms INTEGER NOT NULL,
    posted_ms INTEGER,
    UNIQUE (payment_id, kind, line)
) STRICT;
CREATE INDEX posting_view ON posting (state);
CREATE INDEX posting_statement ON posting (statement);

-- How far something outside was read: a gateway's events, a matter database's statements.
CREATE TABLE "cursor" (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
