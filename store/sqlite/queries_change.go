package sqlite

// The statements for code that changes while its runs live.

const (
	// firstRow is the place of the first row of a step, or of a branch, whose
	// rows have paths between ?3 and ?4.
	firstRow = `
SELECT MIN(pos)
FROM steps
WHERE run = ?1 AND (path = ?2 OR (path > ?3 AND path < ?4))
    AND pos > (SELECT base_pos FROM runs WHERE seq = ?1)`

	// copySteps copies what was committed before position ?4 of run ?3 to run
	// ?1, behind position ?2. Of the openings, attempt 0, only those of sleeps
	// (kind 2) mean something to another run.
	copySteps = `
INSERT INTO steps (run, epoch, sampled, path, attempt, pos, kind, status, name,
    started_at, ended_at, wake_at, child_id, error, output)
SELECT ?1, 0, 0, path, attempt, ?2 + ROW_NUMBER() OVER (ORDER BY pos), kind, status, name,
    started_at, ended_at, wake_at, child_id, error, output
FROM steps
WHERE run = ?3 AND pos < ?4 AND pos > (SELECT base_pos FROM runs WHERE seq = ?3)
    AND (attempt > 0 OR kind = 2) AND kind NOT IN (21, 22)`

	// forkRun: epoch 1 says that the run has a history although nobody had it.
	forkRun = `
UPDATE runs
SET forked_from = ?2, epoch = 1, base = ?3
WHERE seq = ?1`

	// continueRun: it stands in line again, in its place in the queue. ?6 is the
	// present position.
	continueRun = `
UPDATE runs
SET status = 1, queued_at = ?3, input = ?4, base = ?5, base_pos = ?6, wake_at = NULL,
    due_at = ` + deadlineDue + `, recoveries = 0, recovered_pos = 0
WHERE seq = ?1 AND epoch = ?2 AND status = 3 AND stop = 0
RETURNING queue, sampled`

	pinRun = `
UPDATE runs
SET pin = 1
WHERE seq = ?1`

	// setAside: a run of which nothing is recorded has not begun.
	setAside = `
UPDATE runs
SET status = 4, pin = 2, wake_at = NULL, due_at = ` + deadlineDue + `,
    started_at = CASE WHEN base > 0 OR EXISTS (SELECT 1 FROM steps WHERE run = ?1) THEN started_at END
WHERE seq = ?1 AND epoch = ?2 AND status = 3 AND stop = 0`

	selectAside = `
SELECT seq
FROM runs
WHERE pin = 2 AND version = ?1 AND status = 4
ORDER BY seq
LIMIT ?2`

	countAside = `
SELECT version, COUNT(*)
FROM runs
WHERE pin = 2 AND status = 4
GROUP BY version`

	setVersion = `
UPDATE runs
SET version = ?2
WHERE seq = ?1`

	insertLeftover = `
INSERT INTO leftovers (due, run, pos)
VALUES (?1, ?2, ?3)
ON CONFLICT (due, run) DO UPDATE SET pos = excluded.pos`

	// selectLeftover is one of the histories whose spans were sent.
	selectLeftover = `
SELECT due, run, pos
FROM leftovers
WHERE due <= (SELECT COALESCE(MAX(pos), 0) FROM cursors WHERE name = 'spans')
ORDER BY due, run
LIMIT 1`

	countLeftovers = `
SELECT COUNT(*)
FROM (
    SELECT 1
    FROM leftovers
    WHERE due <= ?1
    LIMIT 1)`

	deleteLeftover = `
DELETE FROM leftovers
WHERE due = ?1 AND run = ?2`

	// sweepableLeft names rows up to position ?2 with about the bytes that each
	// takes.
	sweepableLeft = `
SELECT path, attempt, 256 + COALESCE(LENGTH(output), 0) + COALESCE(LENGTH(error), 0)
FROM steps
WHERE run = ?1 AND pos <= ?2
LIMIT ?3`
)
