-- Statements that several payers share: each is asked for a part. The same columns stand in ../sqlite.

-- The payer's id in the matter software, and the parts of all payers as JSON; both empty where a request asks for the whole.
ALTER TABLE request ADD COLUMN payer TEXT NOT NULL DEFAULT '';
ALTER TABLE request ADD COLUMN shares TEXT NOT NULL DEFAULT '';
ALTER TABLE request_line ADD COLUMN payer TEXT NOT NULL DEFAULT '';
ALTER TABLE request_line ADD COLUMN shares TEXT NOT NULL DEFAULT '';

-- Nobody is asked twice for one invoice, or for one part of it. That the whole and a part are not asked for side by side is looked
-- up by whoever makes a link.
DROP INDEX request_live_invoice;
CREATE UNIQUE INDEX request_live_invoice ON request (account, invoice, payer)
    WHERE invoice <> '' AND state IN ('draft', 'outstanding', 'processing');
CREATE INDEX request_share ON request (account, invoice) WHERE payer <> '';
