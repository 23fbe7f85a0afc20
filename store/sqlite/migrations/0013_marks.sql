-- What the runtime keeps about the store as a whole.
CREATE TABLE marks (
    name  TEXT NOT NULL CONSTRAINT marks_pk PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
