package store

import (
	"crypto/sha256"
	"strconv"
)

// SpanRecord is a committed row of a sampled run, with what its span needs:
// either a finished attempt of a step or the end of a run.
type SpanRecord struct {
	Pos int64
	Run Run // Input and Output are not filled
	// Step is nil for the record of the run's end.
	Step *Step
}

// SpanCursor is the name of the position up to which spans were sent.
const SpanCursor = "spans"

// SpanPage is a piece of the committed rows in commit order.
type SpanPage struct {
	Records []SpanRecord
	// Next is the position to read on from: everything up to it was either
	// returned or belongs to no span.
	Next int64
	// More says that there is more to read now.
	More bool
}

// RunSpanID is the id of the run's own span, the parent of its steps'.
// It follows from the run's id and creation trace alone, so that every process
// that ever holds the run derives the same.
func RunSpanID(t Trace, runID string) [8]byte { return spanID(t, runID, "", 0) }

// StepSpanID is the id of the span of one attempt of a step.
func StepSpanID(t Trace, runID, path string, attempt int) [8]byte {
	return spanID(t, runID, path, attempt)
}

func spanID(t Trace, runID, path string, attempt int) [8]byte {
	b := make([]byte, 0, 128)
	b = append(b, t.TraceID[:]...)
	b = append(b, runID...)
	b = append(b, 0)
	b = append(b, path...)
	b = append(b, 0)
	b = strconv.AppendInt(b, int64(attempt), 10)
	sum := sha256.Sum256(b)
	id := [8]byte(sum[:8])
	if id == ([8]byte{}) {
		id[7] = 1 // the zero id is invalid
	}
	return id
}
