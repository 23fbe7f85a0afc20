package sqlite

// The statements about the keys of starts.

const (
	selectKeyed = `
SELECT r.id, r.status, k.latest
FROM start_keys AS k
JOIN runs AS r ON r.seq = k.run
WHERE k.workflow = ?1 AND k.kind = ?2 AND k.key = ?3`

	upsertKey = `
INSERT INTO start_keys (workflow, kind, key, run, latest)
VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (workflow, kind, key) DO UPDATE SET run = excluded.run, latest = excluded.latest`

	setStartKey = `
UPDATE runs
SET start_key = ?2
WHERE seq = ?1`

	deleteKey = `
DELETE FROM start_keys
WHERE run = ?1`

	// postponeRun gives a delayed run another start, ?3, and input.
	postponeRun = `
UPDATE runs
SET input = ?2, wake_at = ?3, due_at = ` + earliestDue + `
WHERE id = ?1 AND status = 2`
)
