-- The stories' matter software on MySQL or MariaDB; matters.postgres.sql is the same on PostgreSQL.
CREATE TABLE bill (number VARCHAR(40) PRIMARY KEY, matter VARCHAR(40) NOT NULL, client VARCHAR(40) NOT NULL,
    client_name VARCHAR(200) NOT NULL, issued DATE NOT NULL, due DATE NOT NULL, total DECIMAL(15, 2) NOT NULL,
    payer_name VARCHAR(200) NOT NULL, payer_email VARCHAR(200)) ENGINE InnoDB;
CREATE TABLE receipt (id BIGINT AUTO_INCREMENT PRIMARY KEY, `key` VARCHAR(100) COLLATE utf8mb4_bin NOT NULL UNIQUE,
    bill VARCHAR(40) NOT NULL, amount DECIMAL(15, 2) NOT NULL, received DATE NOT NULL, method VARCHAR(100) NOT NULL,
    reference VARCHAR(200) NOT NULL, FOREIGN KEY (bill) REFERENCES bill (number)) ENGINE InnoDB;
CREATE VIEW balance AS SELECT b.*, b.total - coalesce((SELECT sum(r.amount) FROM receipt r WHERE r.bill = b.number), 0) AS open
    FROM bill b;
INSERT INTO bill VALUES
    ('B-1', '00124.00001', '00124', 'Harbor Light Bakery LLC', '2026-10-01', '2026-11-01', 1250.00, 'Dana Whitfield', 'dana@example.com'),
    ('B-2', '00124.00001', '00124', 'Harbor Light Bakery LLC', '2026-10-15', '2026-11-15', 480.51, 'Dana Whitfield', 'dana@example.com'),
    ('B-3', '00207.00001', '00207', 'Müller & Søn Imports', '2026-11-01', '2026-12-01', 17340.10, 'Jørgen Müller', 'j.muller@example.net'),
    ('B-4', '00207.00002', '00207', 'Müller & Søn Imports', '2026-11-05', '2026-12-05', 350.00, 'Nobody assigned', NULL);
