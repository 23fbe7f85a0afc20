package api

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/stepwell/stepwell/store"
	"github.com/stepwell/stepwell/store/sqlite"
)

// TestFitIsWhatTheStoreLists compares, for many filters, what a watch shows
// with what a list has.
func TestFitIsWhatTheStoreLists(t *testing.T) {
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rng := rand.New(rand.NewPCG(1, 2))
	pick := func(from ...string) string { return from[rng.IntN(len(from))] }
	begin := time.Date(2026, 1, 1, 0, 0, 0, 1500, time.UTC)
	for i := range 60 {
		n := store.NewRun{
			ID: fmt.Sprint(pick("a", "b"), i), Workflow: pick("v", "w"), Queue: pick("", "q"), Version: pick("", "v1"), ParentID: pick("", "p"),
			CreatedAt: begin.Add(time.Duration(rng.IntN(5)) * time.Microsecond), Labels: map[string]string{"k": pick("1", "2")},
		}
		if i%2 == 0 {
			n.StartAt = begin.Add(time.Hour)
		}
		if _, _, err := s.Create(context.Background(), n); err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.List(t.Context(), store.Filter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	counts := map[fitness]int{}
	for range 500 {
		f := store.Filter{Limit: 1000, Workflow: pick("", "v"), Version: pick("", "", "v1"), ParentID: pick("", "", "p"), IDPrefix: pick("", "", "a", "b1")}
		if rng.IntN(3) == 0 {
			f.Statuses = []store.Status{store.Delayed, store.Failed}
		}
		if rng.IntN(3) == 0 {
			f.Queue = new(pick("", "q"))
		}
		if rng.IntN(3) == 0 {
			f.Labels = map[string]string{pick("k", "l"): pick("1", "")}
		}
		if rng.IntN(4) == 0 {
			f.IDs = []string{all[0].ID, all[7].ID, all[30].ID, "none"}
		}
		if rng.IntN(3) == 0 {
			f.Since, f.Until = begin.Add(time.Duration(rng.IntN(3000))), begin.Add(time.Duration(rng.IntN(6000)))
		}
		want, err := s.List(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		in := map[string]bool{}
		for i := range want {
			in[want[i].ID] = true
		}
		for i := range all {
			got := fit(&f, &all[i])
			counts[got]++
			if (got == fits) != in[all[i].ID] {
				t.Fatalf("filter %+v, run %+v: fit says %v, the store lists it: %v", f, all[i], got, in[all[i].ID])
			}
		}
	}
	if counts[fits] < 500 || counts[fitsNoMore] < 500 || counts[never] < 500 {
		t.Errorf("it is no test of all: %v", counts)
	}
}
