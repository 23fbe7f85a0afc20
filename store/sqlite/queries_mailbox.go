package sqlite

// The statements on what reaches a run and what it lets others see.

const (
	selectReceiver = `
SELECT seq, status
FROM runs
WHERE id = ?1`

	countKey = `
SELECT COUNT(*)
FROM messages
WHERE key IS NOT NULL AND run = ?1 AND topic = ?2 AND key = ?3`

	insertMessage = `
INSERT INTO messages (run, topic, key, sent_at, payload)
VALUES (?, ?, ?, ?, ?)`

	selectMessage = `
SELECT seq, key, sent_at, payload
FROM messages
WHERE taken = 0 AND run = ?1 AND topic = ?2
ORDER BY seq
LIMIT 1`

	emptyMessage = `
UPDATE messages
SET taken = 1, payload = NULL
WHERE run = ?1 AND seq = ?2 AND taken = 0`

	deleteMessage = `
DELETE FROM messages
WHERE run = ?1 AND seq = ?2`

	upsertEvent = `
INSERT INTO events (run, key, set_at, value)
VALUES (?, ?, ?, ?)
ON CONFLICT (run, key) DO UPDATE SET set_at = excluded.set_at, value = excluded.value`

	selectEvent = `
SELECT e.value, e.set_at
FROM runs AS r
JOIN events AS e ON e.run = r.seq
WHERE r.id = ?1 AND e.key = ?2`

	// insertWatcher returns the run that is watched; none when it has ended.
	insertWatcher = `
INSERT INTO watchers (run, key, watcher)
SELECT seq, ?2, ?3
FROM runs
WHERE id = ?1 AND (status <= 4 OR status = 8)
ON CONFLICT (run, key, watcher) DO UPDATE SET key = excluded.key
RETURNING run`

	selectWatched = `
SELECT DISTINCT run
FROM watchers`

	watchersOf = `
SELECT r.seq, r.id, r.status
FROM watchers AS w
JOIN runs AS r ON r.seq = w.watcher
WHERE w.run = ?1 AND w.key = ?2 AND r.status IN (1, 2, 3, 4, 8)`

	watchersOfRun = `
SELECT DISTINCT r.seq, r.id, r.status
FROM watchers AS w
JOIN runs AS r ON r.seq = w.watcher
WHERE w.run = ?1 AND r.status IN (1, 2, 3, 4, 8)`

	deleteWatchers = `
DELETE FROM watchers
WHERE run = ?1 AND key = ?2`

	deleteWatchersOfRun = `
DELETE FROM watchers
WHERE run = ?1`

	insertItem = `
INSERT INTO items (run, stream, place, written_at, path, attempt, value)
VALUES (?1, ?2, (SELECT COALESCE(MAX(place) + 1, 0) FROM items WHERE run = ?1 AND stream = ?2), ?3, ?4, ?5, ?6)`

	// What the rows copied to a fork have made.

	copyEvents = `
INSERT INTO events (run, key, set_at, value)
SELECT run, name, ended_at, output
FROM steps
WHERE run = ?1 AND kind = 10 AND status = 2
ORDER BY pos
ON CONFLICT (run, key) DO UPDATE SET set_at = excluded.set_at, value = excluded.value`

	copyItems = `
INSERT INTO items (run, stream, place, written_at, path, attempt, value)
SELECT ?1, i.stream, ROW_NUMBER() OVER (PARTITION BY i.stream ORDER BY i.place) - 1, i.written_at, i.path, i.attempt, i.value
FROM items AS i
JOIN steps AS s ON s.run = ?1 AND s.path = i.path AND s.attempt = COALESCE(i.attempt, 1)
WHERE i.run = ?2`

	// What sweep takes out: rows by their size and the rest of their key.

	sweepableMessages = `
SELECT 128 + COALESCE(LENGTH(payload), 0), seq
FROM messages
WHERE run = ?1
LIMIT ?2`

	sweepableEvents = `
SELECT 128 + COALESCE(LENGTH(value), 0), key
FROM events
WHERE run = ?1
LIMIT ?2`

	deleteEvent = `
DELETE FROM events
WHERE run = ?1 AND key = ?2`

	sweepableItems = `
SELECT 128 + LENGTH(value), stream, place
FROM items
WHERE run = ?1
LIMIT ?2`

	deleteItem = `
DELETE FROM items
WHERE run = ?1 AND stream = ?2 AND place = ?3`

	deleteWatchersBy = `
DELETE FROM watchers
WHERE watcher = ?1`

	selectItems = `
SELECT i.place, i.written_at, i.path, i.attempt, i.value
FROM runs AS r
JOIN items AS i ON i.run = r.seq
WHERE r.id = ?1 AND i.stream = ?2 AND i.place >= ?3
ORDER BY i.place
LIMIT ?4`
)
