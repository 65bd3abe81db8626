-- How comparisons of gateway, remitd and matter software went; the lists are JSON. The same table stands in ../postgres.

CREATE TABLE reconciliation (
    id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    differences TEXT NOT NULL,
    unread TEXT NOT NULL
) STRICT;
