// Package api serves Stepwell over HTTP: start runs, look at them, cancel and
// resume them.
//
// Every error is an application/problem+json body (RFC 9457) whose detail says
// what is allowed. What went wrong inside goes to the log, not to the client;
// inputs and outputs go to neither.
//
// A start that was answered is durable. A start that was not (the connection
// broke, the answer was 503) may or may not have happened: repeat it with the
// same Idempotency-Key, and there is one run.
//
//	http.ListenAndServe(addr, api.New(rt, api.Config{}))
//
// Package app does that, with limits on the connections, for a whole program.
package api
