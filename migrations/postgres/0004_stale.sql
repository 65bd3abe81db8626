-- A link that took another one's place when what is owed had changed. The same column stands in ../sqlite.

ALTER TABLE request ADD COLUMN replaces BIGINT REFERENCES request (id);
CREATE INDEX request_replaces ON request (replaces) WHERE replaces IS NOT NULL;
