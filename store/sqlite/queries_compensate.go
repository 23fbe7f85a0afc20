package sqlite

// countReturned finds the row of a run's history after which it was compensated.
const countReturned = `
SELECT COUNT(*)
FROM steps
WHERE run = ?1 AND kind = 22`
