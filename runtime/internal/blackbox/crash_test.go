package blackbox

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stepwell/stepwell/store"
	"github.com/stepwell/stepwell/store/sqlite"
)

var kills = flag.Int("kills", 200, "times to kill the process in the crash test")

type runReply struct {
	ID, Status, Output string
	Error              *struct{ Code, Message string }
}

// TestKillAgainAndAgain kills the server at a random moment, over and over, on
// one database. Every acknowledged run ends, and no step that was recorded when
// the process died runs again.
func TestKillAgainAndAgain(t *testing.T) {
	n := *kills
	if testing.Short() {
		n = min(n, 20)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("%d kills, seed %d", n, seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	w, acked := newWorld(t), &ids{}
	// of the steps recorded at the last death: how often each had run
	recorded := map[string]int{}
	repeated := 0
	w.start(t).ready().kill() // makes the database
	begin := time.Now()
	w.start(t).ready().kill()
	longest := time.Since(begin) + 250*time.Millisecond // some die while they start
	for i := range n {
		c := w.start(t)
		life := time.Duration(rnd.Int64N(int64(longest)))
		begin := time.Now()
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { offer(ctx, c, acked) })
		select {
		case <-time.After(life - time.Since(begin)):
		case <-c.over:
			t.Fatalf("kill %d: the server ended by itself: %v\n%s", i, c.err, c.logged())
		}
		c.kill()
		stop()
		wg.Wait()

		ran := readEffects(t, w.effects)
		for key, times := range recorded {
			if ran[key] != times {
				t.Fatalf("kill %d: step %s ran %d times, %d of them after it was recorded", i, key, ran[key], ran[key]-times)
			}
		}
		recorded, repeated = recordedSteps(t, w, ran)
	}
	c := w.start(t).ready()
	all := acked.all()
	if len(all) < n {
		t.Fatalf("only %d runs were acknowledged over %d lives: the test tests nothing", len(all), n)
	}
	for _, id := range all {
		var run runReply
		eventually(t, 60*time.Second, "run "+id+" ends", func() bool {
			if err := c.call(t.Context(), "GET", "/v1/runs/"+id, nil, &run); err != nil {
				t.Fatalf("acknowledged run %s: %v", id, err)
			}
			return run.Status == "succeeded" || run.Status == "failed" || run.Status == "stuck"
		})
		if want := "step-0 step-1 step-2 branch-0 branch-1 branch-2"; run.Status != "succeeded" || run.Output != want {
			t.Fatalf("acknowledged run %s: %s, output %q, error %+v", id, run.Status, run.Output, run.Error)
		}
	}
	if err := c.terminate(); err != nil {
		t.Fatalf("after SIGTERM: %v\n%s", err, c.logged())
	}
	checkIntegrity(t, w.database())
	t.Logf("%d acknowledged runs, %d steps ran twice because the process died before their record", len(all), repeated)
}

// ids is a list that grows from several goroutines.
type ids struct {
	mu   sync.Mutex
	list []string
}

func (l *ids) add(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, id)
}

func (l *ids) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.list...)
}

// offer starts runs from a few clients until the server dies.
func offer(ctx context.Context, c *child, acked *ids) {
	select {
	case <-c.up:
	case <-c.over:
		return
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 8 {
				var run runReply
				in := input{Steps: 3, SleepMS: rand.IntN(2) * 5, Branches: 3}
				if err := c.call(ctx, "POST", "/v1/workflows/work/runs", in, &run); err != nil {
					return
				}
				acked.add(run.ID)
			}
		})
	}
	wg.Wait()
}

func readEffects(t *testing.T, path string) map[string]int {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	ran := map[string]int{}
	for line := range strings.Lines(string(b)) {
		ran[strings.TrimSpace(line)]++
	}
	return ran
}

// recordedSteps reads a copy of the database as the dead process left it, so
// that the next one finds it untouched, and returns how often the steps that
// are recorded as done have run so far, and how many ran more than once.
func recordedSteps(t *testing.T, w *world, ran map[string]int) (recorded map[string]int, repeated int) {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "copy.db")
	for _, suffix := range []string{"", "-wal"} {
		copyFile(t, w.database()+suffix, copied+suffix)
	}
	recorded = map[string]int{}
	if _, err := os.Stat(copied); err != nil {
		return recorded, 0 // died before there was a database
	}
	s, err := sqlite.Open(t.Context(), copied, sqlite.Config{})
	if err != nil {
		t.Fatalf("the database of the dead process: %v", err)
	}
	defer s.Close()
	for before := int64(0); ; {
		runs, err := s.List(t.Context(), store.Filter{Before: before, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		for _, run := range runs {
			before = run.Seq
			if run.Status == store.Stuck {
				t.Fatalf("run %s is stuck: %+v", run.ID, run.Error)
			}
			addRecorded(t, s, run.Seq, ran, recorded)
		}
		if len(runs) == 0 {
			break
		}
	}
	for _, n := range recorded {
		if n > 1 {
			repeated++
		}
	}
	return recorded, repeated
}

func addRecorded(t *testing.T, s *sqlite.Store, seq int64, ran, recorded map[string]int) {
	steps, err := s.Load(t.Context(), seq)
	if err != nil {
		t.Fatal(err)
	}
	var run string
	for _, row := range steps {
		switch {
		case row.Kind == store.KindID:
			run = strings.Trim(string(row.Output), `"`)
		case row.Kind == store.KindStep && row.Status == store.StepSucceeded:
			key := fmt.Sprint(run, " ", row.Name)
			if ran[key] == 0 {
				t.Fatalf("step %s is recorded and left no effect", key)
			}
			recorded[key] = ran[key]
		}
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if os.IsNotExist(err) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
}
