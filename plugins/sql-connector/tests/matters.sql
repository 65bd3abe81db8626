-- The sample firm's matter software: clients, matters, bills, and the receipts that payments become.
CREATE TABLE client (number TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE matter (number TEXT PRIMARY KEY, client TEXT NOT NULL REFERENCES client (number), description TEXT NOT NULL,
    payer_name TEXT NOT NULL, payer_email TEXT);
CREATE TABLE bill (number TEXT PRIMARY KEY, matter TEXT NOT NULL REFERENCES matter (number), issued TEXT NOT NULL,
    due TEXT NOT NULL, total NUMERIC NOT NULL);
CREATE TABLE receipt (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, bill TEXT NOT NULL REFERENCES bill (number), amount NUMERIC NOT NULL,
    received TEXT NOT NULL, method TEXT NOT NULL, reference TEXT NOT NULL, drawn_by TEXT NOT NULL, narrative TEXT NOT NULL);

CREATE VIEW bill_balance AS
    SELECT b.number, b.total, coalesce((SELECT sum(r.amount) FROM receipt r WHERE r.bill = b.number), 0) AS paid FROM bill b;
CREATE VIEW open_bill AS
    SELECT b.number, b.matter, m.client, c.name AS client_name, b.issued, b.due, b.total, b.total - v.paid AS open,
        m.payer_name, m.payer_email
    FROM bill b JOIN matter m ON m.number = b.matter JOIN client c ON c.number = m.client
        JOIN bill_balance v ON v.number = b.number
    WHERE b.total - v.paid > 0.004;
CREATE VIEW matter_of_client AS
    SELECT m.number, m.client, c.name AS client_name, m.description FROM matter m JOIN client c ON c.number = m.client;

INSERT INTO client VALUES ('00124', 'Harbor Light Bakery LLC'), ('00131', 'Okonkwo Family Trust'), ('00207', 'Müller & Søn Imports');
INSERT INTO matter VALUES
    ('00124.00001', '00124', 'Lease of the Pier Street premises', 'Dana Whitfield', 'dana.whitfield@example.com'),
    ('00124.00002', '00124', 'Employment matters', 'Dana Whitfield', 'dana.whitfield@example.com'),
    ('00131.00001', '00131', 'Administration of the trust', 'Chidi Okonkwo', 'chidi@example.org'),
    ('00207.00001', '00207', 'Customs dispute', 'Jørgen Müller', 'j.muller@example.net'),
    ('00207.00002', '00207', 'Trade marks', 'Nobody assigned', NULL);
INSERT INTO bill VALUES
    ('B-2001', '00124.00001', '2026-01-02', '2026-02-01', 1250.00),
    ('B-2002', '00124.00001', '2026-01-12', '2026-02-11', 480.50),
    ('B-2003', '00124.00002', '2026-01-15', '2026-02-14', 2310.75),
    ('B-2004', '00131.00001', '2026-01-20', '2026-02-19', 999.99),
    ('B-2005', '00207.00001', '2026-01-21', '2026-02-20', 17340.10),
    ('B-2006', '00207.00002', '2024-02-29', '2026-02-20', 0.29);
