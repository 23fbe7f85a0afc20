package sqlite

// The statements about partitions of queues.

const (
	setPartition = `
UPDATE runs
SET partition = ?2
WHERE seq = ?1`

	selectTurn = `
SELECT partition, bounds
FROM queue_turns
WHERE queue = ?`

	upsertTurn = `
INSERT INTO queue_turns (queue, partition, bounds)
VALUES (?, ?, ?)
ON CONFLICT (queue) DO UPDATE SET partition = excluded.partition, bounds = excluded.bounds`

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

	// selectLines returns those that lack no token, after ?2 and up to ?3.
	selectLines = `
SELECT partition
FROM lines
WHERE queue = ?1 AND due = 0 AND partition > ?2 AND partition <= ?3
ORDER BY partition
LIMIT ?4`

	insertLine = `
INSERT INTO lines (queue, partition, due)
VALUES (?, ?, 0)
ON CONFLICT (queue, partition) DO NOTHING`

	// insertLineOf is insertLine for the partition of a run, if it has one.
	insertLineOf = `
INSERT INTO lines (queue, partition, due)
SELECT queue, partition, 0
FROM runs
WHERE seq = ?1 AND partition > ''
ON CONFLICT (queue, partition) DO NOTHING`

	deleteLine = `
DELETE FROM lines
WHERE queue = ? AND partition = ?`

	deleteLines = `
DELETE FROM lines
WHERE queue = ?1`

	postponeLine = `
UPDATE lines
SET due = ?3
WHERE queue = ?1 AND partition = ?2`

	// ripenLines brings back those that have a token again, from ?2 up to ?3.
	ripenLines = `
UPDATE lines
SET due = 0
WHERE queue = ?1 AND due BETWEEN ?2 AND ?3`

	nextLine = `
SELECT MIN(due)
FROM lines
WHERE queue = ?1 AND due > 0`

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
