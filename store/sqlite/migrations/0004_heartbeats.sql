-- The last sign of life of each step under way, overwritten by the next; gone
-- with the final row of the step or the end of the run.
CREATE TABLE heartbeats (
    run     INTEGER NOT NULL,
    path    TEXT    NOT NULL,
    attempt INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    details BLOB,
    CONSTRAINT heartbeats_pk PRIMARY KEY (run, path)
) STRICT, WITHOUT ROWID;
