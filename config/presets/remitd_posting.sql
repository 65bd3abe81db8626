-- What remitd has posted, in the matter database itself: a posting and its key stand or fall together. Read by SQLite,
-- PostgreSQL, MySQL and MariaDB alike; `remitd matter prepare` makes it.
CREATE TABLE remitd_posting (
  posting_key VARCHAR(100) NOT NULL PRIMARY KEY,
  reverses VARCHAR(100) UNIQUE,
  statement VARCHAR(100) NOT NULL,
  amount DECIMAL(19, 4) NOT NULL,
  currency CHAR(3) NOT NULL,
  reference VARCHAR(200) NOT NULL,
  receipt VARCHAR(100),
  posted_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  FOREIGN KEY (reverses) REFERENCES remitd_posting (posting_key)
);
