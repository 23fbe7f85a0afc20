-- The partition of its queue that a run is in; empty: none.
ALTER TABLE runs ADD COLUMN partition TEXT NOT NULL DEFAULT '';

DROP INDEX runs_live;
CREATE INDEX runs_live ON runs (status, (started_at IS NOT NULL), queue, partition, priority DESC, queued_at)
    WHERE status <= 4;

-- The partition of each queue that was served last.
CREATE TABLE queue_turns (
    queue     TEXT NOT NULL CONSTRAINT queue_turns_pk PRIMARY KEY,
    partition TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What is spent of the rates of partitions, in nanoseconds since 1970.
CREATE TABLE partition_rates (
    queue     TEXT    NOT NULL,
    partition TEXT    NOT NULL,
    bucket    INTEGER NOT NULL,
    CONSTRAINT partition_rates_pk PRIMARY KEY (queue, partition)
) STRICT, WITHOUT ROWID;
CREATE INDEX partition_rates_full ON partition_rates (queue, bucket);
