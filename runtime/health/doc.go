// Package health tells whether the process is well, and answers at once
// whatever else the process does.
//
// Nothing here is asserted; each number comes from the part it speaks of. One
// goroutine takes them about once a second: what the store and the engine know
// of themselves, a write of no meaning when nothing else was written for a
// while, a request to the API's own listener, memory, scheduler latency. The
// handlers read the last sample and wait for nothing: no lock, no database. A
// sample that has become old is itself a failure.
//
//	GET /health    {"status": "ok", "memory_mb": ...}; 503 when failing
//	GET /livez     fails only for what a restart can mend
//	GET /readyz    may traffic come?
//	GET /startupz  has the process started?
//	GET /metrics   Prometheus
//
// The package keeps no durable state.
package health
