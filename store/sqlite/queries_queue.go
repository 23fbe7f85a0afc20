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

	setPartition = `
UPDATE runs
SET partition = ?2
WHERE seq = ?1`

	selectTurn = `
SELECT partition
FROM queue_turns
WHERE queue = ?`

	upsertTurn = `
INSERT INTO queue_turns (queue, partition)
VALUES (?, ?)
ON CONFLICT (queue) DO UPDATE SET partition = excluded.partition`

	// nextPartition is the first one after another that has new runs.
	nextPartition = `
SELECT partition
FROM runs
WHERE status <= 4 AND status = 1 AND (started_at IS NOT NULL) = 0 AND queue = ? AND partition > ?
ORDER BY partition
LIMIT 1`

	// anyUnparted finds whether there is a new run without a partition.
	anyUnparted = `
SELECT 1
FROM runs
WHERE status <= 4 AND status = 1 AND (started_at IS NOT NULL) = 0 AND queue = ? AND partition = ''
LIMIT 1`

	countHeldOf = `
SELECT COUNT(*)
FROM runs
WHERE status <= 4 AND status IN (1, 3, 4) AND (started_at IS NOT NULL) = 1 AND queue = ? AND partition = ?`

	selectBucketOf = `
SELECT bucket
FROM partition_rates
WHERE queue = ? AND partition = ?`

	upsertBucketOf = `
INSERT INTO partition_rates (queue, partition, bucket)
VALUES (?, ?, ?)
ON CONFLICT (queue, partition) DO UPDATE SET bucket = excluded.bucket`

	// deleteFull removes buckets that are full: one that is not there is, too.
	deleteFull = `
DELETE FROM partition_rates
WHERE queue = ?1 AND partition IN (
    SELECT partition
    FROM partition_rates
    WHERE queue = ?1 AND bucket <= ?2
    LIMIT ?3)`
)
