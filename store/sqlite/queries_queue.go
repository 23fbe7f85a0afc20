package sqlite

// The statements about queues.

const (
	selectSettings = `
SELECT name, paused, bounds
FROM queues
ORDER BY name`

	selectSetting = `
SELECT name, paused, bounds
FROM queues
WHERE name = ?`

	upsertSetting = `
INSERT INTO queues (name, paused, bounds)
VALUES (?1, ?2, ?3)
ON CONFLICT (name) DO UPDATE SET paused = excluded.paused, bounds = excluded.bounds`

	deleteSetting = `
DELETE FROM queues
WHERE name = ?1`

	selectBucket = `
SELECT bucket
FROM queue_rates
WHERE queue = ?`

	upsertBucket = `
INSERT INTO queue_rates (queue, bucket)
VALUES (?, ?)
ON CONFLICT (queue) DO UPDATE SET bucket = excluded.bucket`

	// anyNew finds whether a new run could be claimed from a queue.
	anyNew = `
SELECT 1
FROM runs
WHERE status <= 4 AND status = 1 AND (started_at IS NOT NULL) = 0 AND queue = ?
LIMIT 1`
)
