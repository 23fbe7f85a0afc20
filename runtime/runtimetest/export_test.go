package runtimetest

import (
	"fmt"
	"strings"
	"testing"
)

// Recorder is a test that may fail.
type Recorder struct {
	testing.TB
	Errs []string
}

func (r *Recorder) Helper()           {}
func (r *Recorder) Failed() bool      { return len(r.Errs) > 0 }
func (r *Recorder) Error(args ...any) { r.Errs = append(r.Errs, fmt.Sprint(args...)) }
func (r *Recorder) Errorf(format string, args ...any) {
	r.Errs = append(r.Errs, fmt.Sprintf(format, args...))
}

// Failures returns what fn fails the test of rt with.
func (rt *Env) Failures(fn func()) string {
	r := &Recorder{TB: rt.t}
	rt.t = r
	defer func() { rt.t = r.TB }()
	fn()
	return strings.Join(r.Errs, "\n")
}

// ReportFakes returns what the end of the test would say of fakes, and forgets them.
func (rt *Env) ReportFakes() string {
	defer func() { clear(rt.fakes) }()
	return rt.Failures(rt.reportFakes)
}

// ReportCrashes returns what the end of the test would say of crashes that did
// not come, and forgets them.
func (rt *Env) ReportCrashes() string {
	defer func() { rt.points = nil }()
	return rt.Failures(rt.reportPoints)
}
