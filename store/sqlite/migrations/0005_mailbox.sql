-- What reaches a run from outside, and what it lets others see while it lives.

-- A taken message without key is deleted; one with a key stays, empty, so that
-- the key is known again.
CREATE TABLE messages (
    seq     INTEGER NOT NULL CONSTRAINT messages_pk PRIMARY KEY,
    run     INTEGER NOT NULL,
    topic   TEXT    NOT NULL,
    key     TEXT,
    taken   INTEGER NOT NULL DEFAULT 0,
    sent_at INTEGER NOT NULL,
    payload BLOB
) STRICT;

CREATE INDEX messages_topic ON messages (run, topic, taken, seq);
CREATE UNIQUE INDEX messages_key ON messages (run, topic, key) WHERE key IS NOT NULL;

CREATE TABLE events (
    run    INTEGER NOT NULL,
    key    TEXT    NOT NULL,
    set_at INTEGER NOT NULL,
    value  BLOB,
    CONSTRAINT events_pk PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;

-- Which run is to be signalled once at a change of another. The key is that of
-- an event or stream; empty for the end alone.
CREATE TABLE watchers (
    run     INTEGER NOT NULL,
    key     TEXT    NOT NULL,
    watcher INTEGER NOT NULL,
    CONSTRAINT watchers_pk PRIMARY KEY (run, key, watcher)
) STRICT, WITHOUT ROWID;

CREATE INDEX watchers_watcher ON watchers (watcher);

CREATE TABLE items (
    run        INTEGER NOT NULL,
    stream     TEXT    NOT NULL,
    place      INTEGER NOT NULL,
    written_at INTEGER NOT NULL,
    path       TEXT,
    attempt    INTEGER,
    value      BLOB    NOT NULL,
    CONSTRAINT items_pk PRIMARY KEY (run, stream, place)
) STRICT, WITHOUT ROWID;
