-- What the writer must know at once when it opens the file. Written with
-- every commit, so that no start has to count or to search for a maximum.
CREATE TABLE state (
    one       INTEGER NOT NULL CONSTRAINT state_one PRIMARY KEY CHECK (one = 1),
    pos       INTEGER NOT NULL,
    run_seq   INTEGER NOT NULL,
    queued    INTEGER NOT NULL,
    delayed   INTEGER NOT NULL,
    running   INTEGER NOT NULL,
    waiting   INTEGER NOT NULL,
    succeeded INTEGER NOT NULL,
    failed    INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    stuck     INTEGER NOT NULL
) STRICT;

INSERT INTO state VALUES (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

CREATE TABLE runs (
    seq           INTEGER NOT NULL CONSTRAINT runs_pk PRIMARY KEY,
    id            TEXT    NOT NULL CONSTRAINT runs_id UNIQUE,
    workflow      TEXT    NOT NULL,
    status        INTEGER NOT NULL,
    epoch         INTEGER NOT NULL,
    queue         TEXT    NOT NULL,
    priority      INTEGER NOT NULL,
    version       TEXT    NOT NULL,
    executor      TEXT,
    attempt       INTEGER NOT NULL DEFAULT 1,
    signals       INTEGER NOT NULL DEFAULT 0,
    stop          INTEGER NOT NULL DEFAULT 0,
    resumes       INTEGER NOT NULL DEFAULT 0,
    recoveries    INTEGER NOT NULL DEFAULT 0,
    recovered_pos INTEGER NOT NULL DEFAULT 0,
    sampled       INTEGER NOT NULL,
    end_pos       INTEGER,
    created_at    INTEGER NOT NULL,
    queued_at     INTEGER,
    started_at    INTEGER,
    ended_at      INTEGER,
    wake_at       INTEGER,
    deadline      INTEGER,
    due_at        INTEGER,
    parent_id     TEXT,
    forked_from   TEXT,
    trace_id      BLOB    NOT NULL,
    parent_span   BLOB,
    labels        TEXT,
    error         TEXT,
    input         BLOB,
    output        BLOB
) STRICT;

-- All that is neither ended nor stuck: what to claim, what is held.
CREATE INDEX runs_live ON runs (status, (started_at IS NOT NULL), queue, priority DESC, queued_at)
    WHERE status <= 4;
-- What goes first: it started before, and is to go on.
CREATE INDEX runs_woken ON runs (priority DESC, queued_at) WHERE status = 1 AND started_at IS NOT NULL;
CREATE INDEX runs_due ON runs (due_at) WHERE due_at IS NOT NULL;
-- What people look for among the ended.
CREATE INDEX runs_trouble ON runs (status, seq) WHERE status >= 6;
CREATE INDEX runs_children ON runs (parent_id, seq) WHERE parent_id IS NOT NULL;
CREATE INDEX runs_spans ON runs (end_pos) WHERE sampled = 1 AND end_pos IS NOT NULL;

CREATE TABLE run_labels (
    key   TEXT    NOT NULL,
    value TEXT    NOT NULL,
    run   INTEGER NOT NULL,
    CONSTRAINT run_labels_pk PRIMARY KEY (key, value, run)
) STRICT, WITHOUT ROWID;

CREATE TABLE steps (
    run        INTEGER NOT NULL,
    path       TEXT    NOT NULL,
    attempt    INTEGER NOT NULL,
    pos        INTEGER NOT NULL,
    epoch      INTEGER NOT NULL,
    kind       INTEGER NOT NULL,
    status     INTEGER NOT NULL,
    sampled    INTEGER NOT NULL,
    name       TEXT    NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at   INTEGER,
    wake_at    INTEGER,
    child_id   TEXT,
    error      TEXT,
    output     BLOB,
    CONSTRAINT steps_pk PRIMARY KEY (run, path, attempt)
) STRICT, WITHOUT ROWID;

CREATE INDEX steps_spans ON steps (pos) WHERE sampled = 1 AND attempt > 0;

CREATE TABLE cursors (
    name TEXT    NOT NULL CONSTRAINT cursors_pk PRIMARY KEY,
    pos  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
