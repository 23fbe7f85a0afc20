-- What was changed about queues while in use; NULL is as the program defines it.
CREATE TABLE queues (
    name   TEXT NOT NULL CONSTRAINT queues_pk PRIMARY KEY,
    paused INTEGER,
    bounds TEXT
) STRICT, WITHOUT ROWID;

-- What is spent of the rates of queues, in nanoseconds since 1970.
CREATE TABLE queue_rates (
    queue  TEXT    NOT NULL CONSTRAINT queue_rates_pk PRIMARY KEY,
    bucket INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
