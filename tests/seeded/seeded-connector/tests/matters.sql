CREATE TABLE bill (number TEXT PRIMARY KEY, matter TEXT NOT NULL, client TEXT NOT NULL, total INTEGER NOT NULL, email TEXT);
CREATE TABLE receipt (number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, bill TEXT NOT NULL REFERENCES bill (number),
    amount INTEGER NOT NULL, entered TEXT NOT NULL, batch TEXT NOT NULL, payer TEXT NOT NULL);
CREATE TABLE done (key TEXT PRIMARY KEY);
CREATE VIEW owed AS
    SELECT b.number, b.matter, b.client, b.total, b.email,
        b.total - coalesce((SELECT sum(r.amount) FROM receipt r WHERE r.bill = b.number), 0) AS open
    FROM bill b;
INSERT INTO bill VALUES
    ('INV-1', '10001', 'Roe & Sons', 125000, 'roe@example.com'),
    ('INV-2', '10001', 'Roe & Sons', 48050, 'roe@example.com'),
    ('INV-3', '10002', 'Roe Estate', 29, NULL),
    ('INV-4', '10003', 'Okonkwo Trust', 99999, 'chidi@example.org'),
    ('INV-5', '10003', 'Okonkwo Trust', 7525, NULL);
