-- What of a payment went back: refunds of a part, or of the whole. The same column stands in ../sqlite.

ALTER TABLE payment ADD COLUMN returned_minor BIGINT NOT NULL DEFAULT 0 CHECK (returned_minor >= 0);
UPDATE payment SET returned_minor = amount_minor WHERE state = 'returned';
