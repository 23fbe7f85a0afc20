package sqlite

const (
	// selectWaitingParent is the parent that lives and has said, in its history,
	// that it waits for the run.
	selectWaitingParent = `
SELECT p.seq, p.id, p.status
FROM runs AS c
JOIN runs AS p ON p.id = c.parent_id
WHERE c.seq = ?1 AND p.status <= 4 AND EXISTS (
    SELECT 1
    FROM steps AS s
    WHERE s.run = p.seq AND s.child_id = c.id AND s.kind = 7 AND s.attempt = 0)`

	setParentEnd = `
UPDATE runs
SET parent_end = ?2
WHERE seq = ?1`

	// insertParting writes nothing for a run without children to stop. Those
	// that are older than it are of a deleted run which had its id.
	insertParting = `
INSERT INTO partings (parent_id, least, last)
SELECT ?1, ?2, ?3
WHERE EXISTS (
    SELECT 1
    FROM runs
    WHERE parent_id IS NOT NULL AND ended_at IS NULL AND parent_id = ?1 AND seq > ?3 AND parent_end BETWEEN ?2 AND 1)
ON CONFLICT (parent_id) DO UPDATE SET least = MIN(least, excluded.least), last = MIN(last, excluded.last)`

	selectParting = `
SELECT parent_id, least, last
FROM partings
LIMIT 1`

	countPartings = `
SELECT COUNT(*)
FROM partings`

	selectOrphans = `
SELECT seq, id, status, started_at, stop
FROM runs
WHERE parent_id IS NOT NULL AND ended_at IS NULL AND parent_id = ?1 AND seq > ?2 AND parent_end BETWEEN ?3 AND 1
ORDER BY seq
LIMIT ?4`

	updateParting = `
UPDATE partings
SET last = ?2
WHERE parent_id = ?1`

	deleteParting = `
DELETE FROM partings
WHERE parent_id = ?1`
)
