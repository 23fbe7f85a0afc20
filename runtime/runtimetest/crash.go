package runtimetest

import "github.com/stepwell/stepwell/store"

// point is where a crash is due, once.
type point struct {
	step   string
	before bool
	done   bool
}

// CrashAfter kills the process once a step of this name has succeeded or failed
// for good, after that was recorded: it must not run again. What is not a step
// goes by its kind: "sleep", "child NAME". Each call is for one crash; a test
// in which it did not come fails.
func (rt *Env) CrashAfter(step string) { rt.add(&point{step: step}) }

// CrashBefore is [Env.CrashAfter] with the crash between the effect of the step
// and its record: the step runs again.
func (rt *Env) CrashBefore(step string) { rt.add(&point{step: step, before: true}) }

func (rt *Env) add(p *point) {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	rt.points = append(rt.points, p)
}

// reached returns the crash that is due at a row.
func (rt *Env) reached(row *store.Step) *point {
	if row == nil || !row.Status.Final() {
		return nil
	}
	rt.mu.Lock()
	defer rt.mu.Unlock()
	for _, p := range rt.points {
		if !p.done && p.step == nameOf(row) {
			p.done = true
			return p
		}
	}
	return nil
}

// Crash kills the process now, and returns when the next has begun.
func (rt *Env) Crash() {
	rt.mu.Lock()
	p := rt.process
	rt.mu.Unlock()
	p.store.kill()
	<-p.next
}

// Crashes is the number of crashes so far.
func (rt *Env) Crashes() int {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return rt.crashes
}
