package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// mirrored is what is known of a run: its record and the number of its rows.
type mirrored struct {
	Run  runtime.Run
	Rows int
}

// mirror holds what a watcher of all runs knows of them.
type mirror struct {
	r    *served
	runs map[string]mirrored
}

func (m *mirror) follow(ctx context.Context, position string) error {
	for c, err := range m.r.WatchRuns(ctx, position, 0) {
		if err != nil {
			return err
		}
		if c.Lost {
			return errors.New("lost")
		}
		for _, id := range c.Runs {
			if err := m.read(id); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *mirror) read(id string) error {
	run, err := m.r.Get(m.r.ctx, id)
	var rows []store.Step
	if err == nil {
		rows, err = m.r.Steps(m.r.ctx, id)
	}
	if errors.Is(err, runtime.ErrNotFound) {
		delete(m.runs, id)
		return nil
	}
	m.runs[id] = mirrored{run, len(rows)}
	return err
}

// TestAWatcherMissesNothing: while runs of all kinds are started, cancelled,
// resumed, forked, sent to and deleted, whoever reads what changed ends up with
// what is stored.
func TestAWatcherMissesNothing(t *testing.T) { synctest.Test(t, watcherMissesNothing) }

func watcherMissesNothing(t *testing.T) {
	child := runtime.Define("child", func(ctx context.Context, n int) (int, error) {
		return n, runtime.Sleep(ctx, time.Duration(n)*time.Millisecond)
	})
	busy := runtime.Define("busy", func(ctx context.Context, n int) (int, error) {
		if err := runtime.SetEvent(ctx, "at", n); err != nil {
			return 0, err
		}
		for range n % 4 {
			_, err := runtime.Step(ctx, "flaky", func(context.Context) (int, error) {
				if rand.IntN(3) == 0 {
					return 0, errors.New("not yet")
				}
				return 1, nil
			}, runtime.Retry{Max: 20, Initial: time.Millisecond})
			if err != nil {
				return 0, err
			}
		}
		switch n % 5 {
		case 0:
			return child.Call(ctx, n)
		case 1:
			_, err := runtime.Receive[int](ctx, "go", 50*time.Millisecond)
			return n, err
		case 2:
			return n, runtime.Write(ctx, "out", n)
		case 3:
			if _, err := child.Start(ctx, 1000, runtime.OnParentEnd(runtime.StopOnEnd)); err != nil {
				return 0, err
			}
		}
		return n, errors.New("it fails")
	})
	r := serveOn(t, openStore(t), runtime.Config{Logger: quiet, UnloadAfter: time.Millisecond}, child, busy)
	m := &mirror{r: r, runs: map[string]mirrored{}}
	ctx, cancel := context.WithCancel(t.Context())
	position := r.Position()
	followed := make(chan error, 1)
	go func() { followed <- m.follow(ctx, position) }()

	var wg sync.WaitGroup
	for c := range 8 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(c), 7))
			for i := range 60 {
				id := fmt.Sprintf("r-%d-%d", c, i)
				var opts []runtime.StartOption
				if i%7 == 0 {
					opts = append(opts, runtime.Delay(time.Duration(rng.IntN(20))*time.Millisecond))
				}
				if _, err := busy.Start(r.ctx, rng.IntN(100), append(opts, runtime.ID(id))...); err != nil {
					t.Error(err)
				}
				other := fmt.Sprintf("r-%d-%d", c, rng.IntN(i+1))
				switch rng.IntN(6) { // each may come too late, or too early
				case 0:
					r.Cancel(r.ctx, other)
				case 1:
					r.Resume(r.ctx, other)
				case 2:
					r.Fork(r.ctx, other, "", runtime.ID(id+"-fork"))
				case 3:
					runtime.Send(r.ctx, other, "go", 1)
				case 4:
					r.Delete(r.ctx, other)
				case 5:
					r.SetVersion(r.ctx, other, "v2")
				}
			}
		})
	}
	wg.Wait()
	time.Sleep(time.Hour) // everything has come to an end
	synctest.Wait()
	want := map[string]mirrored{}
	runs, err := r.List(r.ctx, runtime.Filter{Limit: 1000})
	if err != nil || len(runs) < 400 || len(runs) == 1000 {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	ends := map[store.Status]int{}
	for i := range runs {
		rows, err := r.Steps(r.ctx, runs[i].ID)
		if err != nil {
			t.Fatal(err)
		}
		want[runs[i].ID] = mirrored{runs[i], len(rows)}
		ends[runs[i].Status]++
	}
	if ends[store.Succeeded] < 50 || ends[store.Failed] < 20 || ends[store.Cancelled] < 20 {
		t.Errorf("it is no test of all ends: %v", ends)
	}
	if d := cmp.Diff(want, m.runs); d != "" {
		t.Errorf("what the watcher knows (-stored +known):\n%s", d)
	}
	cancel()
	if err := <-followed; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
