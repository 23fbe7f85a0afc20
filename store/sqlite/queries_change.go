package sqlite

// The statements for code that changes while its runs live.

const (
	// firstRow is the place of the first row of a step, or of a branch, whose
	// rows have paths between ?3 and ?4.
	firstRow = `
SELECT MIN(pos)
FROM steps
WHERE run = ?1 AND (path = ?2 OR (path > ?3 AND path < ?4))`

	// copySteps copies what was committed before position ?4 of run ?3 to run
	// ?1, behind position ?2. Of the openings, attempt 0, only those of sleeps
	// (kind 2) mean something to another run.
	copySteps = `
INSERT INTO steps (run, epoch, sampled, path, attempt, pos, kind, status, name,
    started_at, ended_at, wake_at, child_id, error, output)
SELECT ?1, 0, 0, path, attempt, ?2 + ROW_NUMBER() OVER (ORDER BY pos), kind, status, name,
    started_at, ended_at, wake_at, child_id, error, output
FROM steps
WHERE run = ?3 AND pos < ?4 AND (attempt > 0 OR kind = 2) AND kind NOT IN (21, 22)`

	// forkRun: epoch 1 says that the run has a history although nobody had it.
	forkRun = `
UPDATE runs
SET forked_from = ?2, epoch = 1
WHERE seq = ?1`
)
