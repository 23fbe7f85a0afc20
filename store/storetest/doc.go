// Package storetest is what every backend of package store must pass.
//
// [Run] checks the contract of store.Store sentence by sentence; each case is
// named by the rule it checks, so a failure reads as the rule that is broken.
// Its last part drives the store with random operations beside a model in
// memory; STEPWELL_STORETEST_SEEDS sets how many sequences it tries, and
// STEPWELL_STORETEST_SEED repeats a single one.
package storetest
