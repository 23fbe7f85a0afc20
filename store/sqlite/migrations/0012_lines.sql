-- The partitions of queues that may have new runs to claim: those without a row
-- have none, or as many under way as they may. due is when one that lacks a
-- token has it, in microseconds; 0: it lacks none.
CREATE TABLE lines (
    queue     TEXT    NOT NULL,
    partition TEXT    NOT NULL,
    due       INTEGER NOT NULL,
    CONSTRAINT lines_pk PRIMARY KEY (queue, partition)
) STRICT, WITHOUT ROWID;
CREATE INDEX lines_due ON lines (queue, due, partition);

-- The bounds of partitions under which the lines were left out.
ALTER TABLE queue_turns ADD COLUMN bounds TEXT;
