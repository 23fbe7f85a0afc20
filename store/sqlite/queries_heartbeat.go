package sqlite

const (
	// upsertHeartbeat writes nothing when the claim is stale.
	upsertHeartbeat = `
INSERT INTO heartbeats (run, path, attempt, at, details)
SELECT seq, ?1, ?2, ?3, ?4
FROM runs
WHERE seq = ?5 AND epoch = ?6 AND status = 3
ON CONFLICT (run, path) DO UPDATE SET attempt = excluded.attempt, at = excluded.at, details = excluded.details`

	selectHeartbeat = `
SELECT path, attempt, at, details
FROM heartbeats
WHERE run = ?1 AND path = ?2`

	selectBeating = `
SELECT run, path
FROM heartbeats`

	deleteHeartbeat = `
DELETE FROM heartbeats
WHERE run = ?1 AND path = ?2`

	deleteHeartbeats = `
DELETE FROM heartbeats
WHERE run = ?1`
)
