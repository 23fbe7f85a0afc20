package sqlite

const selectTables = `
SELECT name
FROM sqlite_schema
WHERE type = 'table'`
