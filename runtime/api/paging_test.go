package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/api"
)

// TestPagesUnderWrites pages through a list while runs are started, end and are
// deleted: each run that was there all the while is on one page, none is on two.
func TestPagesUnderWrites(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	stays := map[string]bool{}
	for i := range 60 {
		id := fmt.Sprint("stays-", i)
		stays[s.begun(t, []string{"sleeper", "gated"}[i%2], "?id="+id, "")] = true
		s.begun(t, "echo", fmt.Sprint("?id=goes-", i, "&wait=10s"), "1")
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for c := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				id := fmt.Sprintf("more-%d-%d", c, i)
				for _, do := range []struct{ method, path string }{
					{"POST", "/v1/workflows/echo/runs?wait=5s&id=" + id},
					{"DELETE", fmt.Sprintf("/v1/runs/goes-%d", (4*i+c)%60)},
					{"DELETE", fmt.Sprintf("/v1/runs/more-%d-%d", c, i-2)},
				} {
					if _, err := s.try(t.Context(), do.method, do.path, strings.NewReader(map[string]string{"POST": "1"}[do.method])); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	for round := range 8 {
		if round == 4 {
			close(s.gate) // half of those that stay end now
		}
		seen := map[string]int{}
		for cursor := ""; ; {
			p := s.page(t, "?limit=7"+cursor)
			for _, id := range p.ids {
				if seen[id]++; seen[id] > 1 {
					t.Errorf("round %d: run %s is on two pages", round, id)
				}
			}
			if p.next == "" {
				break
			}
			cursor = "&cursor=" + p.next
		}
		for id := range stays {
			if seen[id] != 1 {
				t.Errorf("round %d: run %s, which is there all the while, is on %d pages", round, id, seen[id])
			}
		}
	}
	close(stop)
	wg.Wait()
}

// TestCursorOfAnotherFilter: a cursor is a place in the order of runs, and
// means the same under any filter.
func TestCursorOfAnotherFilter(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	for i := range 6 {
		s.begun(t, []string{"echo", "order"}[i%2], fmt.Sprint("?wait=10s&id=r", i), "{}")
	}
	cursor := s.page(t, "?workflow=echo&limit=1").next // after r4
	if got := s.page(t, "?workflow=order&cursor="+cursor).ids; strings.Join(got, " ") != "r3 r1" {
		t.Errorf("with another filter: %q, want r3 and r1", got)
	}
	s.do(t, "DELETE", "/v1/runs/r4", "")
	if got := s.page(t, "?cursor="+cursor).ids; strings.Join(got, " ") != "r3 r2 r1 r0" {
		t.Errorf("after a run that is no more: %q", got)
	}
	for _, bad := range []string{"", "v1:1", "djE6LTE", "djE6", "djI6MQ", strings.Repeat("A", 5000)} {
		if a := s.do(t, "GET", "/v1/runs?cursor="+bad, ""); a.status != http.StatusBadRequest || a.get(t, "code") != "invalid" {
			t.Errorf("cursor %.20q: %d %s", bad, a.status, a.body)
		}
	}
}
