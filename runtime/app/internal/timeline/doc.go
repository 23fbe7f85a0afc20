// Package timeline draws the steps of a run as text: a line each, with a bar
// to the scale of the run's time. It only reads what it is given, stores
// nothing, and is safe for concurrent use.
package timeline
