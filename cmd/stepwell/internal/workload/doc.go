// Package workload holds the three workflows of the experiment and the routes
// that start them: delays waits, fibonacci keeps the CPU busy, fetch calls an
// endpoint that now and then fails. Each takes a JSON object in which every
// field has a default, so that {} will do.
package workload
