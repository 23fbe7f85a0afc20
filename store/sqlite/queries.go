package sqlite

// Every statement of this backend. Those that run often have their plan in
// testdata/plans.txt.

const (
	createMigrations = `
CREATE TABLE migrations (
    number     INTEGER NOT NULL CONSTRAINT migrations_pk PRIMARY KEY,
    name       TEXT    NOT NULL,
    hash       TEXT    NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT`

	insertMigration = `
INSERT INTO migrations (number, name, hash, applied_at)
VALUES (?1, ?2, ?3, ?4)`

	selectMigrations = `
SELECT number, hash, name
FROM migrations
ORDER BY number`

	begin            = `BEGIN IMMEDIATE`
	beginRead        = `BEGIN`
	commit           = `COMMIT`
	savepoint        = `SAVEPOINT one`
	rollbackTo       = `ROLLBACK TO one`
	releaseSavepoint = `RELEASE one`

	// logFrames gives, as its second number, the frames of the log that are valid.
	logFrames = `PRAGMA wal_checkpoint(NOOP)`

	// copyLog copies what no reader still needs and waits for nobody;
	// restartLog waits for the readers that are in the log.
	copyLog    = `PRAGMA wal_checkpoint(PASSIVE)`
	restartLog = `PRAGMA wal_checkpoint(RESTART)`

	selectState = `
SELECT pos, run_seq, queued, delayed, running, waiting, succeeded, failed, cancelled, stuck
FROM state`

	updateState = `
UPDATE state
SET pos = ?, run_seq = ?, queued = ?, delayed = ?, running = ?, waiting = ?,
    succeeded = ?, failed = ?, cancelled = ?, stuck = ?
WHERE one = 1`

	// runColumns is the order in which scanRun reads.
	runColumns = `seq, id, workflow, status, queue, priority, version, parent_id, forked_from,
    created_at, queued_at, started_at, ended_at, wake_at, deadline, executor, epoch, attempt,
    signals, stop, trace_id, parent_span, sampled, labels, error, input, output, partition, start_key, base, pin`

	// The statements of the hot path number no parameters: the driver makes a
	// string of every name.

	insertRun = `
INSERT INTO runs (seq, id, workflow, status, epoch, queue, priority, version, executor,
    sampled, created_at, queued_at, started_at, wake_at, deadline, due_at,
    parent_id, trace_id, parent_span, labels, input)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO NOTHING`

	insertLabel = `
INSERT INTO run_labels (key, value, run)
VALUES (?1, ?2, ?3)`

	selectRun = `
SELECT ` + runColumns + `
FROM runs
WHERE id = ?1`

	// The conditions of the partial indexes are repeated word for word, however
	// redundant: SQLite uses such an index only when it finds its condition in
	// the query.

	claimStarted = `
UPDATE runs
SET status = 3, executor = ?1, epoch = epoch + 1
WHERE seq IN (
    SELECT seq
    FROM runs
    WHERE status = 1 AND started_at IS NOT NULL
    ORDER BY priority DESC, queued_at, seq
    LIMIT ?2)
RETURNING ` + runColumns

	claimNew = `
UPDATE runs
SET status = 3, executor = ?1, epoch = epoch + 1, started_at = ?2
WHERE seq IN (
    SELECT seq
    FROM runs
    WHERE status <= 4 AND status = 1 AND (started_at IS NOT NULL) = 0 AND queue = ?3 AND partition = ?5
    ORDER BY priority DESC, queued_at, seq
    LIMIT ?4)
RETURNING ` + runColumns

	// countHeld counts the places taken in a queue: runs that started and have
	// neither ended nor got stuck.
	countHeld = `
SELECT COUNT(*)
FROM runs
WHERE status <= 4 AND status IN (1, 3, 4) AND (started_at IS NOT NULL) = 1 AND queue = ?1`

	// insertStep writes nothing when the claim is stale. It is one row, so there
	// is nothing to undo when it fails; FAIL spares SQLite the preparation.
	insertStep = `
INSERT OR FAIL INTO steps (run, epoch, sampled, path, attempt, pos, kind, status, name,
    started_at, ended_at, wake_at, child_id, error, output)
SELECT seq, epoch, sampled, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
FROM runs
WHERE seq = ? AND epoch = ? AND status = 3`

	stepColumns = `path, attempt, pos, epoch, kind, status, name, started_at, ended_at, wake_at, child_id, error, output`

	selectSteps = `
SELECT ` + stepColumns + `
FROM steps
WHERE run = ?1 AND pos > COALESCE((SELECT base_pos FROM runs WHERE seq = ?1), 0)
ORDER BY pos`

	// selectStepsSince gives all rows of the steps that have one of the first ?3
	// rows after ?2, of which those after about ?4 bytes are left out, and the
	// position of the last of them. It visits the run's rows to find them, without their outputs:
	// an index for it would cost every step.
	selectStepsSince = `
WITH base AS (SELECT COALESCE((SELECT base_pos FROM runs WHERE seq = ?1), 0) AS pos),
near AS (
    SELECT path, pos, 256 + COALESCE(LENGTH(output), 0) + COALESCE(LENGTH(error), 0) AS bytes
    FROM steps
    WHERE run = ?1 AND pos > MAX(?2, (SELECT pos FROM base))
    ORDER BY pos
    LIMIT ?3),
page AS (
    SELECT path, pos
    FROM (SELECT path, pos, SUM(bytes) OVER (ORDER BY pos) - bytes AS before FROM near)
    WHERE before < ?4)
SELECT ` + stepColumns + `, (SELECT MAX(pos) FROM page)
FROM steps
WHERE run = ?1 AND pos > (SELECT pos FROM base) AND path IN (SELECT path FROM page)
ORDER BY pos`

	outlineSteps = `
SELECT path, attempt, pos, epoch, kind, status, name, started_at, ended_at, wake_at, child_id, error,
    CASE WHEN length(output) <= ?3 THEN output END,
    CASE WHEN length(output) > ?3 THEN length(output) ELSE 0 END
FROM steps
WHERE run = ?1 AND pos > COALESCE((SELECT base_pos FROM runs WHERE seq = ?1), 0) AND (?2 = '' OR path = ?2)
ORDER BY pos`

	suspendRun = `
UPDATE runs
SET status = 4, wake_at = ?3, due_at = ` + earliestDue + `
WHERE seq = ?1 AND epoch = ?2 AND status = 3 AND signals = ?4
RETURNING due_at`

	// deadlineDue is the deadline while it still means something: a run that was
	// asked to stop is past it.
	deadlineDue = `CASE WHEN stop = 0 THEN deadline END`

	// earliestDue is the earlier of a new wake time ?3 and the deadline.
	earliestDue = `CASE WHEN ?3 IS NULL OR (stop = 0 AND deadline < ?3) THEN ` + deadlineDue + ` ELSE ?3 END`

	selectClaim = `
SELECT stop
FROM runs
WHERE seq = ?1 AND epoch = ?2 AND status = 3`

	// finishRun ends a run whose request to stop, or its absence, is known.
	finishRun = `
UPDATE runs
SET status = ?, output = ?, error = ?, ended_at = ?, end_pos = ?, wake_at = NULL, due_at = NULL
WHERE seq = ? AND epoch = ? AND status = 3 AND stop = ?`

	releaseRun = `
UPDATE runs
SET status = 1, queued_at = ?3
WHERE seq = ?1 AND epoch = ?2 AND status = 3
RETURNING queue`

	selectQueue = `
SELECT id, queue, partition
FROM runs
WHERE seq = ?1`

	// requeueRun makes a run claimable, which is then not set aside any more. ?2
	// is now.
	requeueRun = `
UPDATE runs
SET status = 1, queued_at = ?2, pin = MIN(pin, 1), wake_at = NULL, due_at = ` + deadlineDue + `
WHERE seq = ?1`

	signalRun = `
UPDATE runs
SET signals = signals + 1
WHERE seq = ?1`

	stopRun = `
UPDATE runs
SET stop = ?2, signals = signals + 1, due_at = NULL
WHERE seq = ?1`

	// beginStopped lets a run pass its queue that has a history of its own: the
	// rows of a fork's original were written under no epoch.
	beginStopped = `
UPDATE runs
SET started_at = ?2
WHERE seq = ?1 AND EXISTS (SELECT 1 FROM steps WHERE run = ?1 AND epoch > 0 AND pos > COALESCE(runs.base_pos, 0))
RETURNING queue`

	endUnstarted = `
UPDATE runs
SET status = ?2, error = ?3, ended_at = ?4, end_pos = ?5, wake_at = NULL, due_at = NULL
WHERE seq = ?1`

	// resumeRun: the run has left its queue and stands in line again. An end
	// whose span was not sent yet is forgotten; one that was counts.
	resumeRun = `
UPDATE runs
SET status = 1, stop = 0, pin = MIN(pin, 1), queued_at = ?2, ended_at = NULL, end_pos = NULL, error = NULL, output = NULL,
    started_at = CASE WHEN queue = '' THEN started_at END, attempt = attempt + 1,
    resumes = resumes + (status = 7 AND end_pos <= (SELECT COALESCE(MAX(pos), 0) FROM cursors WHERE name = 'spans')),
    recoveries = 0, due_at = deadline
WHERE seq = ?1`

	selectDue = `
SELECT seq, id, queue, status, ` + deadlineDue + `, started_at
FROM runs
WHERE due_at <= ?1
ORDER BY due_at
LIMIT ?2`

	nextDue = `
SELECT MIN(due_at)
FROM runs
WHERE due_at IS NOT NULL`

	// countProgress sets, for every run left running, how often it has been
	// recovered in a row without a new row of history.
	countProgress = `
UPDATE runs
SET recoveries = CASE WHEN last > recovered_pos THEN 1 ELSE recoveries + 1 END,
    recovered_pos = last
FROM (
    SELECT r.seq AS run, (SELECT COALESCE(MAX(s.pos), 0) FROM steps AS s WHERE s.run = r.seq) AS last
    FROM runs AS r
    WHERE r.status <= 4 AND r.status = 3)
WHERE seq = run`

	parkCrashing = `
UPDATE runs
SET status = 8, error = ?2, due_at = NULL
WHERE status <= 4 AND status = 3 AND recoveries > ?1
RETURNING id, seq`

	recoverRunning = `
UPDATE runs
SET status = 1, queued_at = ?1, attempt = attempt + 1, due_at = ` + deadlineDue + `
WHERE status <= 4 AND status = 3`

	queuesLive = `
SELECT queue,
    SUM(status = 1 AND (started_at IS NOT NULL) = 0),
    SUM((started_at IS NOT NULL) = 1),
    MIN(CASE WHEN status = 1 AND (started_at IS NOT NULL) = 0 THEN queued_at END)
FROM runs
WHERE status <= 4
GROUP BY queue`

	oldestQueued = `
SELECT MIN(queued_at)
FROM runs
WHERE status <= 4 AND status = 1`

	// A page of the rows that are spans, up to position ?2. Two streams in commit order, merged
	// by the caller.
	spanSteps = `
SELECT s.path, s.attempt, s.pos, s.epoch, s.kind, s.status, s.name, s.started_at, s.ended_at,
    s.wake_at, s.child_id, s.error, r.seq, r.id, r.workflow, r.trace_id, r.parent_span
FROM steps AS s
JOIN runs AS r ON r.seq = s.run
WHERE s.pos > ?1 AND s.pos <= ?2 AND s.sampled = 1 AND s.attempt > 0
ORDER BY s.pos
LIMIT ?3`

	spanRuns = `
SELECT end_pos, seq, id, workflow, status, queue, version, executor, attempt, created_at, started_at,
    ended_at, error, trace_id, parent_span, resumes
FROM runs
WHERE end_pos > ?1 AND end_pos <= ?2 AND sampled = 1 AND end_pos IS NOT NULL
ORDER BY end_pos
LIMIT ?3`

	selectCursor = `
SELECT pos
FROM cursors
WHERE name = ?1`

	upsertCursor = `
INSERT INTO cursors (name, pos)
VALUES (?1, ?2)
ON CONFLICT (name) DO UPDATE SET pos = excluded.pos`
)
