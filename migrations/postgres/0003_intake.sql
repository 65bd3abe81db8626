-- What a door has decided for its batch, rows that wait to be mended, and links that ask for several rows. The same tables
-- stand in ../sqlite, column for column.

ALTER TABLE batch ADD COLUMN one_link TEXT NOT NULL DEFAULT 'row' CHECK (one_link IN ('row', 'payer'));
ALTER TABLE batch ADD COLUMN duplicates TEXT NOT NULL DEFAULT 'live' CHECK (duplicates IN ('live', 'paid', 'ever'));
-- What was noticed and let through: findings that reject nothing.
ALTER TABLE batch ADD COLUMN notes TEXT NOT NULL DEFAULT '[]';

-- A bad row of a batch whose good rows went on, as far as it could be read.
CREATE TABLE held_row (
    batch_id BIGINT NOT NULL REFERENCES batch (id),
    line BIGINT NOT NULL,
    draft TEXT NOT NULL,
    PRIMARY KEY (batch_id, line)
);

-- What a link asks for that gathers several rows; such a request names no invoice itself.
CREATE TABLE request_line (
    request_id BIGINT NOT NULL REFERENCES request (id),
    line BIGINT NOT NULL,
    -- The row's own number: the request itself for one of them, a gathered one for each other.
    came_as BIGINT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    invoice TEXT NOT NULL,
    amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
    invoice_date TEXT,
    due_date TEXT,
    client TEXT NOT NULL,
    matter TEXT NOT NULL,
    message TEXT NOT NULL,
    file_line BIGINT NOT NULL,
    PRIMARY KEY (request_id, line)
);
CREATE INDEX request_line_invoice ON request_line (account, invoice);

-- What was asked for once; a batch may be told not to ask for it again.
CREATE INDEX request_past_invoice ON request (account, invoice)
    WHERE invoice <> '' AND state IN ('payment_received', 'partially_paid', 'cancelled', 'expired');
