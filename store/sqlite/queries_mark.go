package sqlite

const (
	selectMarks = `
SELECT name, value
FROM marks`

	upsertMark = `
INSERT INTO marks (name, value)
VALUES (?1, ?2)
ON CONFLICT (name) DO UPDATE SET value = excluded.value`
)
