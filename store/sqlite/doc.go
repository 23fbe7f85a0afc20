// Package sqlite keeps runs in one SQLite file, for one process.
//
// The driver is modernc.org/sqlite, pure Go. The file runs in WAL mode with
// synchronous=FULL: a commit is on the disk before it is acknowledged.
//
// One goroutine owns the only connection that writes. Writes arrive as
// closures and whatever queued up while the last commit ran becomes the next
// transaction (group commit, as in DeWitt et al., "Implementation techniques
// for main memory database systems", 1984), so the cost of an fsync is shared
// by all that wait for it and a write that comes alone still commits at once.
// Reads use a pool of their own and see the last commit.
//
// # What a crash leaves
//
// The WAL is the only place a commit writes to. A transaction whose commit
// frame did not reach the disk whole fails SQLite's checksum and is gone; one
// whose frame did is there. Nobody was told of the first; everybody of the
// second. When a commit fails in between (fsync reported an error) the store
// stops with store.ErrUnknownOutcome rather than guess.
package sqlite
