-- A link that took another one's place when what is owed had changed. The same column stands in ../postgres.

ALTER TABLE request ADD COLUMN replaces INTEGER REFERENCES request (id);
CREATE INDEX request_replaces ON request (replaces) WHERE replaces IS NOT NULL;
