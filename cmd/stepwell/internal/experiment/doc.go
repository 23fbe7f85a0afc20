// Package experiment answers one question: does a server that is busy with
// runs still answer its health probes? It starts a server of its own as a child
// process, gives it work, probes it from outside as a platform would, and
// reports what came of it.
package experiment
