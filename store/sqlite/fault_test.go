package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	goruntime "runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stepwell/stepwell/store"
)

// fullError is what the driver gives when there is no room.
func fullError(t *testing.T) error {
	t.Helper()
	c, err := openConn(filepath.Join(t.TempDir(), "full.db"), 10)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	if err := c.script("PRAGMA max_page_count = 2; CREATE TABLE t (x)"); err != nil {
		t.Fatal(err)
	}
	err = c.script("INSERT INTO t VALUES (zeroblob(100000))")
	if reach, got := classify(err, true); !errors.Is(got, store.ErrFull) || reach != batchError {
		t.Fatalf("no room gives %v", err)
	}
	return err
}

// durable holds every write of the store, each on a run prepared for it.
var durable = []struct {
	name  string
	write func(ctx context.Context, s *Store, r store.Run) error
}{
	{"create", func(ctx context.Context, s *Store, r store.Run) error {
		n := testRun("new")
		n.Labels = map[string]string{"k": "v"}
		_, _, err := s.Create(ctx, n)
		return err
	}},
	{"claim", func(ctx context.Context, s *Store, r store.Run) error {
		_, err := s.Claim(ctx, store.ClaimRequest{Executor: "e", Now: testStart, Limit: 1, Queues: []store.QueueLimit{{Name: "q"}}})
		return err
	}},
	{"record", func(ctx context.Context, s *Store, r store.Run) error {
		return s.Record(ctx, r.Claim(), new(testStep("9")))
	}},
	{"suspend", func(ctx context.Context, s *Store, r store.Run) error {
		return s.Suspend(ctx, r.Claim(), store.Suspension{WakeAt: testStart})
	}},
	{"finish", func(ctx context.Context, s *Store, r store.Run) error {
		_, err := s.Finish(ctx, r.Claim(), store.Outcome{Status: store.Failed, Error: &store.Failure{Message: "m"}, At: testStart})
		return err
	}},
	{"release", func(ctx context.Context, s *Store, r store.Run) error {
		return s.Release(ctx, []store.Claim{r.Claim()}, testStart)
	}},
	{"stop", func(ctx context.Context, s *Store, r store.Run) error {
		_, err := s.Stop(ctx, "queued", store.StopCancel, testStart)
		return err
	}},
	{"resume", func(ctx context.Context, s *Store, r store.Run) error {
		_, err := s.Resume(ctx, "stuck", testStart)
		return err
	}},
	{"due", func(ctx context.Context, s *Store, r store.Run) error {
		_, _, err := s.Due(ctx, testStart.Add(time.Hour), 10)
		return err
	}},
	{"recover", func(ctx context.Context, s *Store, r store.Run) error {
		_, err := s.Recover(ctx, testStart, 0)
		return err
	}},
	{"cursor", func(ctx context.Context, s *Store, r store.Run) error { return s.SetCursor(ctx, "c", 5) }},
	{"mark", func(ctx context.Context, s *Store, r store.Run) error { return s.SetMark(ctx, "m", []byte("v")) }},
}

// prepare makes a store in which each of the durable writes has work to do.
func prepare(t *testing.T, path string) (*Store, store.Run) {
	t.Helper()
	ctx := t.Context()
	s := openTest(t, path)
	create := func(id string, change func(*store.NewRun)) store.Run {
		n := testRun(id)
		change(&n)
		r, _, err := s.Create(ctx, n)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	create("queued", func(n *store.NewRun) { n.ClaimFor, n.Queue = "", "q" })
	create("delayed", func(n *store.NewRun) { n.ClaimFor, n.StartAt = "", testStart.Add(time.Minute) })
	stuck := create("stuck", func(*store.NewRun) {})
	if _, err := s.Finish(ctx, stuck.Claim(), store.Outcome{Status: store.Stuck, At: testStart}); err != nil {
		t.Fatal(err)
	}
	return s, create("running", func(*store.NewRun) {})
}

// TestCommitFaults lets the commit of each write fail in each way.
func TestCommitFaults(t *testing.T) {
	full := fullError(t)
	lost := errors.New("the disk is gone")
	commitTo := func(s *Store, fault error) func() error {
		sound := s.w.commit
		return func() error {
			if err := sound(); err != nil {
				return err
			}
			return fault
		}
	}
	for _, fault := range []struct {
		name      string
		commit    func(s *Store) func() error
		persisted bool
		want      error
		fatal     bool
	}{
		{"refused for want of room, not persisted", func(s *Store) func() error { return func() error { return full } }, false, store.ErrFull, false},
		{"unknown, not persisted", func(s *Store) func() error { return func() error { return lost } }, false, store.ErrUnknownOutcome, true},
		{"unknown, persisted", func(s *Store) func() error { return commitTo(s, lost) }, true, store.ErrUnknownOutcome, true},
	} {
		for _, op := range durable {
			t.Run(op.name+", "+fault.name, func(t *testing.T) {
				t.Parallel()
				path := filepath.Join(t.TempDir(), "a.db")
				s, run := prepare(t, path)
				before := look(t, s)

				// What the write does when nothing fails, on another store.
				twin, twinRun := prepare(t, filepath.Join(t.TempDir(), "twin.db"))
				if err := op.write(t.Context(), twin, twinRun); err != nil {
					t.Fatal(err)
				}
				after := look(t, twin)

				// Others wait in the same commit, and behind it.
				const others = 8
				gate, entered := make(chan struct{}), make(chan struct{})
				answers, behind := make(chan error, others+1), make(chan error, others)
				var events int
				s.w.publish = func(es []store.Event) { events += len(es) }
				go s.w.do(context.Background(), false, func(*tx) error { close(entered); <-gate; return nil })
				<-entered
				sound := s.w.commit
				failed := 0
				faulty := fault.commit(s)
				go func() { answers <- op.write(context.Background(), s, run) }()
				for s.Health().Pending < 1 {
					goruntime.Gosched()
				}
				for range others {
					go func() { answers <- s.SetCursor(context.Background(), "other", 1) }()
				}
				for s.Health().Pending < 1+others {
					goruntime.Gosched()
				}
				// The writer reads it when the gate's commit is done.
				s.w.commit = func() error {
					if failed++; failed > 1 {
						return sound()
					}
					for range others {
						go func() { behind <- s.SetCursor(context.Background(), "behind", 1) }()
					}
					for s.Health().Pending < others {
						goruntime.Gosched()
					}
					return faulty()
				}
				close(gate)
				for range others + 1 {
					if err := <-answers; !errors.Is(err, fault.want) {
						t.Errorf("answer %v, want %v", err, fault.want)
					}
				}
				for range others {
					want := fault.want
					if !fault.fatal {
						want = nil
					}
					if err := <-behind; !errors.Is(err, want) {
						t.Errorf("answer to a write behind it %v, want %v", err, want)
					}
				}
				if events != 0 {
					t.Errorf("%d events of a failed commit", events)
				}
				if h := s.Health(); fault.fatal && (!errors.Is(h.Err, fault.want) || !h.Fatal) {
					t.Errorf("health: %v, fatal %v; want %v, %v", h.Err, h.Fatal, fault.want, fault.fatal)
				}
				if !fault.fatal {
					wantLook(t, "after the failure", s, before)
					wantWhole(t, s)
					if err := op.write(t.Context(), s, run); err != nil {
						t.Errorf("the same write again: %v", err)
					}
					wantLook(t, "after the repetition", s, after)
					if h := s.Health(); h.Err != nil {
						t.Errorf("health: %v", h.Err)
					}
				} else {
					if err := s.Probe(t.Context()); !errors.Is(err, fault.want) {
						t.Errorf("a later write: %v, want %v", err, fault.want)
					}
				}
				if err := s.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
				s = openTest(t, path)
				wantWhole(t, s)
				want := before
				if fault.persisted || !fault.fatal {
					want = after
				}
				wantLook(t, "reopened", s, want)
			})
		}
	}
}

// onWriter runs fn on the writer's goroutine, outside of any other write.
func onWriter(t *testing.T, s *Store, fn func()) {
	t.Helper()
	if err := s.w.do(t.Context(), true, func(*tx) error { fn(); return nil }); err != nil {
		t.Fatal(err)
	}
}

func TestNoTransaction(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	s, run := prepare(t, path)
	onWriter(t, s, func() { s.w.conn.script("PRAGMA busy_timeout = 0") })
	before := look(t, s)
	other, err := openConn(path, 10)
	if err != nil {
		t.Fatal(err)
	}
	defer other.close()
	if err := other.script("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	for _, op := range durable {
		if err := op.write(t.Context(), s, run); err == nil {
			t.Errorf("%s: written although the transaction did not begin", op.name)
		}
	}
	if h := s.Health(); h.Err == nil || h.Fatal {
		t.Errorf("health: %v, fatal %v", h.Err, h.Fatal)
	}
	wantLook(t, "after the failures", s, before)
	if err := other.script("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := s.Record(t.Context(), run.Claim(), new(testStep("1"))); err != nil || s.Health().Err != nil {
		t.Errorf("later: %v, health %v", err, s.Health().Err)
	}
	wantWhole(t, s)
}

func TestNoRoomInAStatement(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	s, run := prepare(t, path)
	onWriter(t, s, func() { s.w.conn.script("PRAGMA max_page_count = 1") })
	before := look(t, s)
	st := testStep("1")
	st.Output = make([]byte, 1<<20)
	if err := s.Record(t.Context(), run.Claim(), &st); !errors.Is(err, store.ErrFull) {
		t.Errorf("record: %v", err)
	}
	if h := s.Health(); !errors.Is(h.Err, store.ErrFull) || h.Fatal {
		t.Errorf("health: %v, fatal %v", h.Err, h.Fatal)
	}
	wantLook(t, "after the failure", s, before)
	onWriter(t, s, func() { s.w.conn.script("PRAGMA max_page_count = 1000000") })
	if err := s.Record(t.Context(), run.Claim(), &st); err != nil || s.Health().Err != nil {
		t.Errorf("later: %v, health %v", err, s.Health().Err)
	}
	wantWhole(t, s)
}

// TestOneFailsAlone has a write of many statements fail in the last of them,
// amid others of the same commit.
func TestOneFailsAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	s, run := prepare(t, path)
	var events atomic.Int64
	s.w.publish = func(es []store.Event) { events.Add(int64(len(es))) }
	gate, entered := make(chan struct{}), make(chan struct{})
	go s.w.do(t.Context(), false, func(*tx) error { close(entered); <-gate; return nil })
	<-entered
	wrong := errors.New("wrong")
	answers := make(chan error, 3)
	go func() { answers <- s.Record(t.Context(), run.Claim(), new(testStep("1"))) }()
	for s.Health().Pending < 1 {
		goruntime.Gosched()
	}
	failed := make(chan error, 1)
	go func() {
		failed <- s.w.do(t.Context(), false, func(tx *tx) error {
			if _, _, err := tx.create(testRun("undone")); err != nil {
				return err
			}
			if err := tx.stop(run.Seq, run.ID, store.Running, false, store.StopCancel, testStart); err != nil {
				return err
			}
			return wrong
		})
	}()
	for s.Health().Pending < 2 {
		goruntime.Gosched()
	}
	for _, p := range []string{"2", "3"} {
		go func() { answers <- s.Record(t.Context(), run.Claim(), new(testStep(p))) }()
	}
	for s.Health().Pending < 4 {
		goruntime.Gosched()
	}
	commits := s.Health().Commits
	close(gate)
	for range 3 {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
	if err := <-failed; err != wrong {
		t.Errorf("the one that failed: %v", err)
	}
	if n := s.Health().Commits - commits; n != 2 {
		t.Errorf("%d commits, want the gate's and one", n)
	}
	if n := events.Load(); n != 0 {
		t.Errorf("%d events of what was undone", n)
	}
	if _, err := s.Get(t.Context(), "undone"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("get what was undone: %v", err)
	}
	got, err := s.Get(t.Context(), run.ID)
	if err != nil || got.Stop != store.StopNone {
		t.Errorf("the run: %+v, %v", got, err)
	}
	if steps, _ := s.Load(t.Context(), run.Seq); len(steps) != 3 {
		t.Errorf("%d rows of history, want 3", len(steps))
	}
	wantWhole(t, s)
}

// TestOverload fills the queue of the writer.
func TestOverload(t *testing.T) {
	if testing.Short() {
		t.Skip("fills the writer's whole queue")
	}
	s, run := prepare(t, filepath.Join(t.TempDir(), "a.db"))
	gate, entered := make(chan struct{}), make(chan struct{})
	go s.w.do(t.Context(), false, func(*tx) error { close(entered); <-gate; return nil })
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range maxPending / 2 { // nobody waits for these
		s.w.do(ctx, true, func(*tx) error { return nil })
	}
	if _, _, err := s.Create(t.Context(), testRun("new")); !errors.Is(err, store.ErrOverloaded) {
		t.Errorf("create: %v, want ErrOverloaded", err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Record(t.Context(), run.Claim(), new(testStep("1"))) }() // what has begun goes on
	for s.Health().Pending < maxPending/2+1 {
		goruntime.Gosched()
	}
	for range maxPending/2 - 1 {
		s.w.do(ctx, true, func(*tx) error { return nil })
	}
	if err := s.Probe(t.Context()); !errors.Is(err, store.ErrOverloaded) {
		t.Errorf("probe: %v, want ErrOverloaded", err)
	}
	if h := s.Health(); h.OldestWrite.IsZero() || h.Pending != maxPending {
		t.Errorf("health: %+v", h)
	}
	close(gate)
	if err := <-done; err != nil {
		t.Errorf("record: %v", err)
	}
	if _, _, err := s.Create(t.Context(), testRun("new")); err != nil {
		t.Errorf("create, later: %v", err)
	}
	if n := s.Health().Commits; n < maxPending/maxBatch {
		t.Errorf("%d commits: batches are not bounded", n)
	}
}
