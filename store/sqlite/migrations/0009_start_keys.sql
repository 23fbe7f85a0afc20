-- The keys under which runs were started, by workflow and kind (1 dedup,
-- 2 debounce), while the run has not ended.
CREATE TABLE start_keys (
    workflow TEXT    NOT NULL,
    kind     INTEGER NOT NULL,
    key      TEXT    NOT NULL,
    run      INTEGER NOT NULL,
    latest   INTEGER,
    CONSTRAINT start_keys_pk PRIMARY KEY (workflow, kind, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX start_keys_run ON start_keys (run);

ALTER TABLE runs ADD COLUMN start_key TEXT;
