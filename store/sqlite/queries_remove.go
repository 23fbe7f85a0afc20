package sqlite

// The statements that remove runs.
const (
	selectRemoval = `
SELECT r.seq, r.id, r.status, r.labels, p.id, p.status
FROM runs AS r
LEFT JOIN runs AS p ON p.id = r.parent_id AND p.seq < r.seq
WHERE r.id = ?1`

	selectRemovalSeq = `
SELECT r.seq, r.id, r.status, r.labels, p.id, p.status
FROM runs AS r
LEFT JOIN runs AS p ON p.id = r.parent_id AND p.seq < r.seq
WHERE r.seq = ?1`

	deleteRun = `
DELETE FROM runs
WHERE seq = ?1`

	deleteLabel = `
DELETE FROM run_labels
WHERE key = ?1 AND value = ?2 AND run = ?3`

	insertTrash = `
INSERT INTO trash (run)
VALUES (?1)`

	selectTrash = `
SELECT MIN(run)
FROM trash`

	deleteTrash = `
DELETE FROM trash
WHERE run = ?1`

	// sweepableSteps names rows with about the bytes that each takes.
	sweepableSteps = `
SELECT path, attempt, 256 + COALESCE(LENGTH(output), 0) + COALESCE(LENGTH(error), 0)
FROM steps
WHERE run = ?1
LIMIT ?2`

	deleteStep = `
DELETE FROM steps
WHERE run = ?1 AND path = ?2 AND attempt = ?3`

	createEnds = `
CREATE INDEX IF NOT EXISTS runs_ended ON runs (status, ended_at) WHERE ended_at IS NOT NULL`

	// selectExpired names runs with about the bytes that each takes. A run
	// stays while its parent has not ended, and when ?4 is 1 until its spans
	// were sent.
	selectExpired = `
SELECT seq, ended_at, 256 + COALESCE(LENGTH(input), 0) + COALESCE(LENGTH(output), 0)
FROM runs AS r
WHERE status = ?1 AND ended_at >= ?2 AND ended_at < ?3
    AND (?4 = 0 OR sampled = 0 OR end_pos <= (SELECT COALESCE(MAX(pos), 0) FROM cursors WHERE name = 'spans'))
    AND NOT EXISTS (SELECT 1 FROM runs AS p WHERE p.id = r.parent_id AND p.seq < r.seq AND p.status NOT IN (5, 6, 7))
ORDER BY ended_at, seq
LIMIT ?5`

	// nextEnd is the earliest end at or after ?2.
	nextEnd = `
SELECT MIN(ended_at)
FROM runs
WHERE status = ?1 AND ended_at >= ?2`

	// countEnded counts up to ?3 runs that ended before ?2.
	countEnded = `
SELECT COUNT(*)
FROM (SELECT 1 FROM runs WHERE status = ?1 AND ended_at < ?2 LIMIT ?3)`

	freePages     = `PRAGMA freelist_count`
	allPages      = `PRAGMA page_count`
	vacuumMode    = `PRAGMA auto_vacuum`
	freeSomePages = `PRAGMA incremental_vacuum(256)`
)
