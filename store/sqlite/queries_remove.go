package sqlite

// The statements that remove runs.
const (
	selectRemoval = `
SELECT r.seq, r.status, r.labels, p.id, p.status
FROM runs AS r
LEFT JOIN runs AS p ON p.id = r.parent_id
WHERE r.id = ?1`

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
)
