-- The stories' matter software on SQLite; matters.postgres.sql is the same on PostgreSQL.
CREATE TABLE bill (number TEXT PRIMARY KEY, matter TEXT NOT NULL, client TEXT NOT NULL, client_name TEXT NOT NULL,
    issued TEXT NOT NULL, due TEXT NOT NULL, total NUMERIC NOT NULL, payer_name TEXT NOT NULL, payer_email TEXT);
CREATE TABLE receipt (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, bill TEXT NOT NULL REFERENCES bill (number),
    amount NUMERIC NOT NULL, received TEXT NOT NULL, method TEXT NOT NULL, reference TEXT NOT NULL);
CREATE VIEW balance AS SELECT b.*, b.total - coalesce((SELECT sum(r.amount) FROM receipt r WHERE r.bill = b.number), 0) AS open
    FROM bill b;
INSERT INTO bill VALUES
    ('B-1', '00124.00001', '00124', 'Harbor Light Bakery LLC', '2026-10-01', '2026-11-01', 1250.00, 'Dana Whitfield', 'dana@example.com'),
    ('B-2', '00124.00001', '00124', 'Harbor Light Bakery LLC', '2026-10-15', '2026-11-15', 480.51, 'Dana Whitfield', 'dana@example.com'),
    ('B-3', '00207.00001', '00207', 'Müller & Søn Imports', '2026-11-01', '2026-12-01', 17340.10, 'Jørgen Müller', 'j.muller@example.net'),
    ('B-4', '00207.00002', '00207', 'Müller & Søn Imports', '2026-11-05', '2026-12-05', 350.00, 'Nobody assigned', NULL);
