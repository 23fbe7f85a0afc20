// Package app is the main of a program with workflows: configuration,
// listeners, health, telemetry, signals and the command line.
//
//	func main() { app.Main(Checkout, Emails) }
//
// # How it starts and stops
//
// The health listener comes first and goes last. In between: the API's address
// is taken, the store opened, what the last process left is recovered, then
// the API serves. On SIGTERM or SIGINT: not ready any more, no new runs, no
// more claims, running steps get STEPWELL_DRAIN to end, the API closes, spans
// are flushed, the database is closed. A second signal ends the process at
// once; so does a crash, and nothing acknowledged is lost by either.
//
// When the outcome of a commit is unknown the process ends with exit code 1:
// the next one recovers.
package app
