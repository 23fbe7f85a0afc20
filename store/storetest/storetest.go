package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stepwell/stepwell/store"
)

// Run checks that the stores made by open keep the contract. Each call of open
// returns a new, empty store, which the suite may close; open sees to it that
// it is closed in the end.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	nouns := []struct {
		name  string
		rules []rule
	}{
		{"fork", forkRules}, {"continue", continueRules}, {"version", versionRules},
		{"create", createRules}, {"claim", claimRules}, {"history", historyRules}, {"end", endRules}, {"compensate", compensateRules},
		{"queues", queueRules}, {"partitions", partitionRules}, {"start_keys", startKeyRules},
		{"stop", stopRules}, {"due", dueRules}, {"recover", recoverRules}, {"read", readRules},
		{"stats", statsRules}, {"spans", spanRules}, {"events", eventRules}, {"close", closeRules},
		{"transact", transactRules}, {"mailbox", mailboxRules}, {"values", valueRules}, {"streams", streamRules},
		{"parent", parentRules}, {"orphan", orphanRules}, {"remove", removeRules}, {"concurrency", concurrencyRules},
		{"expire", expireRules},
		{"heartbeat", heartbeatRules},
		{"schedule", scheduleRules},
	}
	for _, n := range nouns {
		t.Run(n.name, func(t *testing.T) {
			for _, r := range n.rules {
				t.Run(strings.ReplaceAll(r.says, " ", "_"), func(t *testing.T) {
					t.Parallel()
					r.check(newFixture(t, r.says, open(t)))
				})
			}
		})
	}
	t.Run("model", func(t *testing.T) { runModel(t, open) })
	t.Run("families", func(t *testing.T) { runFamilies(t, open) })
}

// rule is one sentence of the contract and what shows that it holds.
type rule struct {
	says  string
	check func(*fixture)
}

// fixture is one store under test. Its methods end the test when the store
// refuses what the rule takes for granted.
type fixture struct {
	*testing.T
	rule string
	s    *watched
	news *news
}

// start is the beginning of time in this suite.
var start = time.Date(2026, 3, 1, 9, 30, 0, 123_000, time.UTC)

// at is a moment n seconds after start.
func at(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }

func newFixture(t *testing.T, rule string, s store.Store) *fixture {
	f := &fixture{T: t, rule: rule, news: &news{}}
	s.Subscribe(f.news.add)
	f.s = &watched{Store: s, f: f}
	return f
}

// broken ends the test: the rule does not hold.
func (f *fixture) broken(format string, args ...any) {
	f.Helper()
	f.Fatalf("broken rule: %s\n%s", f.rule, fmt.Sprintf(format, args...))
}

// must ends the test when an operation failed that the rule presupposes.
func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.broken("unexpected error: %v", err)
	}
}

func newRun(id string) store.NewRun {
	r := store.NewRun{ID: id, Workflow: "w", Version: "v1", CreatedAt: start, Input: []byte(`"in"`)}
	copy(r.Trace.TraceID[:], id)
	r.Trace.TraceID[15] = 1
	r.Trace.Sampled = true
	return r
}

// create stores a run made with newRun and changed by opts.
func (f *fixture) create(id string, opts ...func(*store.NewRun)) store.Run {
	f.Helper()
	n := newRun(id)
	for _, o := range opts {
		o(&n)
	}
	r, created, err := f.s.Create(f.Context(), n)
	f.must(err)
	if !created {
		f.broken("create %s: not created", id)
	}
	return r
}

func onQueue(q string) func(*store.NewRun)       { return func(n *store.NewRun) { n.Queue = q } }
func priority(p int) func(*store.NewRun)         { return func(n *store.NewRun) { n.Priority = p } }
func createdAt(t time.Time) func(*store.NewRun)  { return func(n *store.NewRun) { n.CreatedAt = t } }
func startAt(t time.Time) func(*store.NewRun)    { return func(n *store.NewRun) { n.StartAt = t } }
func deadlineAt(t time.Time) func(*store.NewRun) { return func(n *store.NewRun) { n.Deadline = t } }
func claimed(n *store.NewRun)                    { n.ClaimFor = "exec" }
func unsampled(n *store.NewRun)                  { n.Trace.Sampled = false }

// claim takes up to limit runs from the queues, without bounds of their own.
func (f *fixture) claim(limit int, queues ...string) []store.Run {
	f.Helper()
	req := store.ClaimRequest{Executor: "exec", Now: at(1), Limit: limit}
	for _, q := range queues {
		req.Queues = append(req.Queues, store.QueueLimit{Name: q})
	}
	runs, err := f.s.Claim(f.Context(), req)
	f.must(err)
	return runs
}

// running creates a run and claims it.
func (f *fixture) running(id string, opts ...func(*store.NewRun)) store.Run {
	f.Helper()
	return f.create(id, append(opts, claimed)...)
}

func (f *fixture) get(id string) store.Run {
	f.Helper()
	r, err := f.s.Get(f.Context(), id)
	f.must(err)
	return r
}

func (f *fixture) load(seq int64) []store.Step {
	f.Helper()
	steps, err := f.s.Load(f.Context(), seq)
	f.must(err)
	return steps
}

func aStep(path string) store.Step {
	return store.Step{Path: path, Attempt: 1, Kind: store.KindStep, Name: "s" + path, Status: store.StepSucceeded,
		Output: []byte("1"), StartedAt: at(2), EndedAt: at(3)}
}

func (f *fixture) record(c store.Claim, paths ...string) {
	f.Helper()
	for _, p := range paths {
		f.must(f.s.Record(f.Context(), c, new(aStep(p))))
	}
}

func (f *fixture) suspend(c store.Claim, wake time.Time) {
	f.Helper()
	f.must(f.s.Suspend(f.Context(), c, store.Suspension{WakeAt: wake}))
}

func (f *fixture) finish(c store.Claim, s store.Status) store.Status {
	f.Helper()
	o := store.Outcome{Status: s, At: at(9)}
	if s == store.Succeeded {
		o.Output = []byte(`"out"`)
	} else {
		o.Error = &store.Failure{Code: "code", Message: "why", Step: "1"}
	}
	got, err := f.s.Finish(f.Context(), c, o)
	f.must(err)
	return got
}

func (f *fixture) stop(id string, cause store.StopCause) store.Run {
	f.Helper()
	r, err := f.s.Stop(f.Context(), id, cause, at(5))
	f.must(err)
	return r
}

func (f *fixture) due(now time.Time) (int, time.Time) {
	f.Helper()
	n, next, err := f.s.Due(f.Context(), now, 1000)
	f.must(err)
	return n, next
}

func (f *fixture) recover(max int) store.Recovery {
	f.Helper()
	r, err := f.s.Recover(f.Context(), at(7), max)
	f.must(err)
	return r
}

// waiting creates a run that started and is suspended until wake.
func (f *fixture) waiting(id string, wake time.Time, opts ...func(*store.NewRun)) store.Run {
	f.Helper()
	r := f.running(id, opts...)
	f.suspend(r.Claim(), wake)
	return f.get(id)
}

// ended creates a run that ended as s.
func (f *fixture) ended(id string, s store.Status) store.Run {
	f.Helper()
	f.finish(claimOf(f.running(id)), s)
	return f.get(id)
}

func (f *fixture) wantStatus(id string, want store.Status) store.Run {
	f.Helper()
	r := f.get(id)
	if r.Status != want {
		f.broken("run %s is %s, want %s", id, r.Status, want)
	}
	return r
}

// claimOf is for a run that is the result of a call.
func claimOf(r store.Run) store.Claim { return r.Claim() }
