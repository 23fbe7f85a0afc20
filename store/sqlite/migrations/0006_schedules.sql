-- How far each schedule has come. What it means is in the program.
CREATE TABLE schedules (
    name      TEXT    NOT NULL CONSTRAINT schedules_pk PRIMARY KEY,
    rev       INTEGER NOT NULL,
    workflow  TEXT    NOT NULL,
    spec      TEXT    NOT NULL,
    zone      TEXT    NOT NULL,
    paused    INTEGER NOT NULL,
    next_at   INTEGER,
    last_tick INTEGER,
    last_run  TEXT,
    started   INTEGER NOT NULL,
    skipped   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
