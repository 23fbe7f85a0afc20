package sqlite

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stepwell/stepwell/store"
)

// fill creates n runs that ended, each with a history of about 20 kB.
func fill(t *testing.T, s *Store, from, n int) {
	t.Helper()
	for i := range n {
		r, _, err := s.Create(t.Context(), testRun(fmt.Sprint("run", from+i)))
		if err != nil {
			t.Fatal(err)
		}
		for p := range 2 {
			st := testStep(fmt.Sprint(p))
			st.Output = make([]byte, 10_000)
			if err := s.Record(t.Context(), r.Claim(), &st); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Finish(t.Context(), r.Claim(), store.Outcome{Status: store.Succeeded, At: testStart.Add(time.Duration(i) * time.Second)}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTheFileShrinks: what deleted runs took goes back to the file system, all
// but what is kept for the next writes, and what stays is whole.
func TestTheFileShrinks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	s := openTest(t, path)
	const runs = 2000
	fill(t, s, 0, runs)
	other, err := openConn(path, 10)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.script(restartLog); err != nil {
		t.Fatal(err)
	}
	if err := other.close(); err != nil {
		t.Fatal(err)
	}
	full := fileSize(path)
	before, err := s.Get(t.Context(), fmt.Sprint("run", runs-1))
	if err != nil {
		t.Fatal(err)
	}
	deleted := 0
	for more := true; more; {
		res, err := s.Expire(t.Context(), store.Expiry{Status: store.Succeeded, Before: testStart.Add((runs - 10) * time.Second), Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		deleted, more = deleted+res.Deleted, res.More
	}
	if deleted != runs-10 {
		t.Fatalf("%d runs deleted, want %d", deleted, runs-10)
	}
	for more := true; more; {
		if more, err = s.Sweep(t.Context(), 256); err != nil {
			t.Fatal(err)
		}
	}
	rounds := 0
	for more := true; more; rounds++ {
		if more, err = s.Shrink(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	// The log is copied beside us.
	size := fileSize(path)
	for deadline := time.Now().Add(10 * time.Second); size > full/4 && time.Now().Before(deadline); size = fileSize(path) {
		if err := s.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%.1f MB with %d runs, %.1f MB with 10, in %d rounds", float64(full)/1e6, runs, float64(size)/1e6, rounds)
	if size > 8<<20 || rounds < 10 {
		t.Errorf("the file has %d bytes of %d after %d rounds: want at most 8 MiB, in many", size, full, rounds)
	}
	after, err := s.Get(t.Context(), before.ID)
	if err != nil || after.Seq != before.Seq {
		t.Errorf("the run that stays: %+v, %v", after, err)
	}
	if steps, err := s.Load(t.Context(), after.Seq); len(steps) != 2 || len(steps[1].Output) != 10_000 || err != nil {
		t.Errorf("its history: %d rows, %v", len(steps), err)
	}
	wantWhole(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, path)
	wantWhole(t, s)
	fill(t, s, runs, 10)
}
