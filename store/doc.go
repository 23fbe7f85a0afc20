// Package store defines what Stepwell asks of a database, in the words of its
// domain: create a run, claim it, record a step, suspend, finish.
//
// The package imports the standard library only. Backends (store/sqlite)
// implement [Store] and pass the suite in store/storetest; the engine (package
// runtime) talks to nothing else.
//
// What every backend guarantees, whatever its database:
//
//   - A write that returned nil is durable: it survives the death of the
//     process and, on a disk that honours fsync, the loss of power.
//   - A write that returned an error other than [ErrUnknownOutcome] left
//     nothing behind. After ErrUnknownOutcome the store accepts no more writes;
//     the process must end and recover.
//   - A claim is exclusive. Each claim of a run raises its epoch, and a write
//     under an older epoch is refused with [ErrStale].
//   - Every time comes in as an argument; a store reads no clock for its
//     records.
package store
