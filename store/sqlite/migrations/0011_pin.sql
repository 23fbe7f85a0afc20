-- Whether only executors of the run's version may have it: 0 no, 1 yes, 2 yes,
-- and one that is not came first, so that it waits for another.
ALTER TABLE runs ADD COLUMN pin INTEGER NOT NULL DEFAULT 0;
CREATE INDEX runs_aside ON runs (version, status) WHERE pin = 2;
