-- What remitd has posted, in the matter database itself, as SQL Server has it: its TIMESTAMP is no time, and its UNIQUE lets one NULL
-- pass. Otherwise remitd_posting.sql; `remitd matter prepare` makes it.
CREATE TABLE remitd_posting (
  posting_key VARCHAR(100) NOT NULL PRIMARY KEY,
  reverses VARCHAR(100),
  statement VARCHAR(100) NOT NULL,
  amount DECIMAL(19, 4) NOT NULL,
  currency CHAR(3) NOT NULL,
  reference VARCHAR(200) NOT NULL,
  receipt VARCHAR(100),
  posted_at DATETIME2 NOT NULL DEFAULT SYSUTCDATETIME(),
  FOREIGN KEY (reverses) REFERENCES remitd_posting (posting_key)
);
CREATE UNIQUE INDEX reversed_once ON remitd_posting (reverses) WHERE reverses IS NOT NULL;
