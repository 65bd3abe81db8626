-- The field by which a search of each connector's last found something. The same table stands in ../sqlite.

CREATE TABLE search_field (
    connector TEXT NOT NULL PRIMARY KEY,
    field TEXT NOT NULL
);
