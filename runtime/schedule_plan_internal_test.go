package runtime

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// planAll is what plan comes to when it is asked until nothing is due.
func planAll(s *Schedule, next, now time.Time) (run []time.Time, rest time.Time) {
	for !next.IsZero() && !s.due(next).After(now) {
		p := s.plan(next, now)
		run, next = append(run, p.run...), p.next
	}
	return run, next
}

// plainly is the same, by looking at every tick.
func plainly(s *Schedule, next, now time.Time) (run []time.Time, rest time.Time) {
	var missed, onTime []time.Time
	for ; !s.due(next).After(now); next = s.ticks.After(next) {
		switch late := s.due(next).Before(now.Add(-missedAfter)); {
		case s.within > 0 && next.Before(now.Add(-max(s.within, missedAfter)-s.jitter)):
		case late:
			missed = append(missed, next)
		default:
			onTime = append(onTime, next)
		}
	}
	switch {
	case s.missed == MissedSkip, s.missed == MissedOne && len(onTime) > 0:
		missed = nil
	case s.missed == MissedOne && len(missed) > 0:
		missed = missed[len(missed)-1:]
	}
	run = append(missed, onTime...)
	slices.SortFunc(run, time.Time.Compare) // with jitter a later tick may be the one on time
	return run, next
}

// TestPlanLooksAtNoMoreTicksThanItMustAndMissesNone compares random plans with
// those made by looking at every tick.
func TestPlanLooksAtNoMoreTicksThanItMustAndMissesNone(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	pick := func(ds ...time.Duration) time.Duration { return ds[rnd.IntN(len(ds))] }
	w := Define("w", func(context.Context, string) (string, error) { return "", nil })
	for i := range 3000 {
		spec := []string{"* * * * * *", "*/7 * * * * *", "* * * * *", "@hourly", "30 2 * * *", "@every 37s", "0 3 * * 1"}[rnd.IntN(7)]
		missed := MissedPolicy(rnd.IntN(3))
		jitter := pick(0, 0, 30*time.Second, 10*time.Minute)
		within := pick(0, 0, 10*time.Second, 5*time.Minute, 3*time.Hour)
		s := Cron("s", spec, w, InZone("Europe/Berlin"), Missed(missed, within), Jitter(jitter))
		now := time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC).Add(time.Duration(rnd.Int64N(int64(48 * time.Hour)))).Truncate(time.Microsecond)
		next := s.ticks.After(now.Add(-pick(time.Second, 50*time.Second, 3*time.Minute, time.Hour, 5*time.Hour)))
		got, gotRest := planAll(s, next, now)
		want, wantRest := plainly(s, next, now)
		if d := cmp.Diff(want, got); d != "" || !gotRest.Equal(wantRest) {
			t.Fatalf("%d: %s, missed %v within %v, jitter %v, from %v at %v: (-plainly +plan)\n%s\nrest %v, want %v",
				i, spec, missed, within, jitter, next, now, d, gotRest, wantRest)
		}
	}
}

// TestPlanAfterYears: what nobody wants to know is not looked at.
func TestPlanAfterYears(t *testing.T) {
	w := Define("w", func(context.Context, string) (string, error) { return "", nil })
	now := time.Date(2026, 3, 29, 0, 0, 30, 0, time.UTC)
	for _, missed := range []MissedPolicy{MissedOne, MissedSkip} {
		s := Cron("s", "* * * * * *", w, Missed(missed, 0))
		began := time.Now()
		run, rest := planAll(s, now.AddDate(-20, 0, 0), now)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%v took %v", missed, took)
		}
		if !rest.Equal(now.Add(time.Second)) || len(run) != 61 {
			t.Errorf("%v: %d runs, then %v", missed, len(run), rest)
		}
	}
}
