package sqlite

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"testing"
	"time"

	"github.com/stepwell/stepwell/store"
)

// script makes every kind of write, calls after behind each, and returns how
// many there were.
func script(t *testing.T, s *Store, after func(n int)) (n int) {
	t.Helper()
	ctx := t.Context()
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("write %d: %v", n, err)
		}
		n++
		after(n)
	}
	minute := func(n int) time.Time { return testStart.Add(time.Duration(n) * time.Minute) }
	for round := range 4 {
		id := func(name string) string { return fmt.Sprint(name, round) }
		run, _, err := s.Create(ctx, testRun(id("a")))
		ok(err)
		for i := range 3 {
			st := testStep(fmt.Sprint(i))
			st.Output = make([]byte, i*i*3000)
			ok(s.Record(ctx, run.Claim(), &st))
		}
		_, err = s.Finish(ctx, run.Claim(), store.Outcome{Status: store.Succeeded, Output: []byte("x"), At: minute(1)})
		ok(err)
		run, _, err = s.Create(ctx, testRun(id("b")))
		ok(err)
		ok(s.Suspend(ctx, run.Claim(), store.Suspension{WakeAt: minute(5)}))
		_, _, err = s.Due(ctx, minute(5), 10)
		ok(err)
		n := testRun(id("c"))
		n.ClaimFor, n.Queue, n.Labels, n.Deadline = "", "q", map[string]string{"k": "v"}, minute(60)
		_, _, err = s.Create(ctx, n)
		ok(err)
		runs, err := s.Claim(ctx, store.ClaimRequest{Executor: "e", Now: minute(6), Limit: 5, Queues: []store.QueueLimit{{Name: "q"}}})
		ok(err)
		if len(runs) != 2 {
			t.Fatalf("claimed %d runs, want 2", len(runs))
		}
		_, err = s.Stop(ctx, runs[0].ID, store.StopCancel, minute(7))
		ok(err)
		ok(s.Release(ctx, []store.Claim{runs[0].Claim()}, minute(8)))
		_, err = s.Recover(ctx, minute(9), 5)
		ok(err)
		runs, err = s.Claim(ctx, store.ClaimRequest{Executor: "e", Now: minute(10), Limit: 5})
		ok(err)
		for _, r := range runs {
			_, err = s.Finish(ctx, r.Claim(), store.Outcome{Status: store.Stuck, At: minute(11)})
			ok(err)
		}
		_, err = s.Resume(ctx, id("c"), minute(12))
		ok(err)
		_, err = s.Claim(ctx, store.ClaimRequest{Executor: "e", Now: minute(13), Limit: 5, Queues: []store.QueueLimit{{Name: "q"}}})
		ok(err)
		_, err = s.Stop(ctx, id("b"), store.StopCancel, minute(14))
		ok(err)
		ok(s.SetCursor(ctx, "c", int64(round)))
	}
	return n
}

// TestTornLog is the loss of power: whatever of the log reached the disk,
// exactly the commits that end in it are there.
func TestTornLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	s := openTest(t, path)
	logSize := func() int {
		fi, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return int(fi.Size())
	}
	// ends[i] is where the log ended after write i, looks[i] what was there.
	ends, looks := []int{0}, []snapshot{look(t, s)}
	script(t, s, func(int) {
		ends, looks = append(ends, logSize()), append(looks, look(t, s))
	})
	// One commit of many writes is there as a whole or not at all.
	gate, entered := make(chan struct{}), make(chan struct{})
	answers := make(chan error, 21)
	go func() {
		answers <- s.w.do(t.Context(), false, func(*tx) error { close(entered); <-gate; return nil })
	}()
	<-entered
	for i := range 20 {
		go func() {
			_, _, err := s.Create(t.Context(), testRun(fmt.Sprint("group", i)))
			answers <- err
		}()
	}
	for s.Health().Pending < 20 {
		goruntime.Gosched()
	}
	commits := s.Health().Commits
	close(gate)
	for range 21 {
		if err := <-answers; err != nil {
			t.Fatal(err)
		}
	}
	if n := s.Health().Commits - commits; n != 2 {
		t.Fatalf("the group took %d commits, want the blocker's and one", n)
	}
	ends, looks = append(ends, logSize()), append(looks, look(t, s))

	var cuts []int
	for i, e := range ends[1:] {
		cuts = append(cuts, e-i%2, e+i%3/2*frameHeader)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		cuts = append(cuts, rnd.IntN(ends[len(ends)-1]))
	}
	if testing.Short() {
		cuts = cuts[len(cuts)-30:]
	}
	log, err := os.ReadFile(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(cuts)
	dir := t.TempDir()
	for i, cut := range slices.Compact(cuts) {
		if cut > ends[len(ends)-1] {
			continue
		}
		want := 0
		for want+1 < len(ends) && ends[want+1] <= cut {
			want++
		}
		torn := filepath.Join(dir, fmt.Sprint(cut, ".db"))
		copyStore(t, path, torn, cut)
		if i%2 == 1 { // what was not written may read as zeros, or anything
			f, err := os.OpenFile(torn+"-wal", os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			junk := make([]byte, 3*frameSize)
			for j := range junk {
				junk[j] = byte(i % 4 / 2 * rnd.IntN(256))
			}
			if cut < len(log) {
				junk[0] = ^log[cut] // not by chance what had been there
			}
			f.Write(junk)
			f.Close()
		}
		r, err := Open(t.Context(), torn, Config{Readers: 1})
		if err != nil {
			t.Errorf("cut at %d: %v", cut, err)
			continue
		}
		wantLook(t, fmt.Sprintf("cut at %d: what was there after write %d", cut, want), r, looks[want])
		wantWhole(t, r)
		if _, _, err := r.Create(t.Context(), testRun("new")); err != nil {
			t.Errorf("cut at %d: it does not go on: %v", cut, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			return
		}
	}
}
