// Package writes stands between an engine and its store, for tests in which a
// process dies, or a disk fills, at a write.
package writes
