-- Who waits for the end of which run: the end of a child wakes its parent only
-- when that is what it waits for.
CREATE INDEX steps_awaited ON steps (run, child_id) WHERE kind = 7 AND attempt = 0;

-- What becomes of a child when its parent ends, and the children that live.
ALTER TABLE runs ADD COLUMN parent_end INTEGER NOT NULL DEFAULT 0;
CREATE INDEX runs_orphans ON runs (parent_id, seq) WHERE parent_id IS NOT NULL AND ended_at IS NULL;

-- Parents that ended, or were asked to stop, whose children are still to be
-- told: those with a policy from least on, and a number after the last told.
CREATE TABLE partings (
    parent_id TEXT    NOT NULL CONSTRAINT partings_pk PRIMARY KEY,
    least     INTEGER NOT NULL,
    last      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
