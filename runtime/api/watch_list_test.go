package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/api"
)

// listed is a list of runs as a client keeps it.
type listed struct {
	s     *server
	query string

	mu     sync.Mutex
	runs   map[string]any
	resets int
}

// all reads the whole list, with what a watch shows of it.
func (l *listed) all(ctx context.Context) (map[string]any, error) {
	runs, cursor := map[string]any{}, ""
	for {
		a, err := l.s.try(ctx, "GET", "/v1/runs?limit=7"+l.query+cursor, nil)
		if err != nil {
			return nil, err
		}
		var page struct {
			Runs []map[string]any
			Next string
		}
		if err := json.Unmarshal([]byte(a.body), &page); err != nil {
			return nil, fmt.Errorf("%d %s: %w", a.status, a.body, err)
		}
		for _, r := range page.Runs {
			delete(r, "input")
			delete(r, "output")
			runs[fmt.Sprint(r["id"])] = r
		}
		if page.Next == "" {
			return runs, nil
		}
		cursor = "&cursor=" + page.Next
	}
}

// follow keeps the list up to date, as the documentation says, until ctx ends.
func (l *listed) follow(ctx context.Context) error {
	query := strings.TrimPrefix(l.query, "&")
	var broken error
	err := l.s.listenTo(ctx, "/v1/runs:watch?"+query, "", func(e sse) bool {
		var changed struct {
			Runs []map[string]any
			Gone []string
		}
		if broken = json.Unmarshal([]byte(e.data), &changed); broken != nil {
			return false
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		switch e.event {
		case "reset":
			l.resets++
			l.runs, broken = l.all(ctx)
		case "runs":
			for _, r := range changed.Runs {
				l.runs[fmt.Sprint(r["id"])] = r
			}
			for _, id := range changed.Gone {
				delete(l.runs, id)
			}
		default:
			broken = fmt.Errorf("unknown event %+v", e)
		}
		return broken == nil
	})
	if ctx.Err() != nil {
		return nil
	}
	if broken != nil {
		return broken
	}
	return err
}

// TestWatchRuns: whoever follows a list, with any filter, ends up with what the
// list then is.
func TestWatchRuns(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	s.begun(t, "echo", "?id=before", "1")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	var lists []*listed
	for _, query := range []string{"", "&status=succeeded,failed", "&status=cancelled&workflow=sleeper", "&label.team=red", "&queue=one&since=1h", "&until=2020-01-01T00:00:00Z", "&parent=none", "&version=v-next"} {
		l := &listed{s: s, query: query, runs: map[string]any{}}
		lists = append(lists, l)
		wg.Go(func() {
			if err := l.follow(ctx); err != nil {
				t.Errorf("%s: %v", query, err)
			}
		})
	}
	for i := range 40 {
		query := fmt.Sprintf("?id=r-%d", i)
		if i%3 == 0 {
			query += "&label.team=red"
		}
		if i%4 == 0 {
			query += "&queue=one"
		}
		workflow := []string{"echo", "broken", "sleeper", "tangled"}[i%4]
		body := "1"
		if workflow == "tangled" {
			body = `{"steps":5}`
		}
		s.begun(t, workflow, query, body)
		other := fmt.Sprintf("/v1/runs/r-%d", i/2)
		switch i % 5 {
		case 0:
			s.do(t, "POST", other+"/cancel", "")
		case 1:
			s.do(t, "DELETE", other, "")
		case 2:
			s.do(t, "POST", other+"/version?to=v-next", "")
		case 3:
			s.do(t, "POST", other+"/resume", "")
		}
	}
	sleepers := s.do(t, "POST", "/v1/runs:cancel", `{"workflow":"sleeper","label":{"team":"red"}}`)
	if sleepers.status != http.StatusOK {
		t.Error(sleepers.body)
	}
	eventually(t, "all but sleepers have ended", func() bool {
		return s.do(t, "GET", "/v1/runs?status=running,queued,waiting&workflow=tangled", "").body == `{"runs":[]}`+"\n" &&
			s.do(t, "GET", "/v1/runs?status=running,queued,waiting&workflow=broken", "").body == `{"runs":[]}`+"\n"
	})
	sum := 0
	for _, l := range lists {
		var d string
		eventually(t, "list "+l.query+" is up to date", func() bool {
			want, err := l.all(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			l.mu.Lock()
			defer l.mu.Unlock()
			sum += len(want)
			d = cmp.Diff(want, l.runs)
			return d == ""
		})
		if l.resets != 1 {
			t.Errorf("%s: %d resets, want the first only", l.query, l.resets)
		}
	}
	if sum < 60 {
		t.Errorf("%d runs in all lists: that is no test", sum)
	}
	cancel()
	wg.Wait()
}

// first returns the first events of a list.
func (s *server) firstOf(t *testing.T, path, last string, n int) (events []sse) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := s.listenTo(ctx, path, last, func(e sse) bool {
		events = append(events, e)
		return len(events) < n
	})
	if err != nil {
		t.Errorf("%s after %q: %v after %+v", path, last, err, events)
	}
	return events
}

func TestWatchRunsGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	s := newServerOn(t, path, api.Config{}, runtime.Config{})
	page := s.do(t, "GET", "/v1/runs", "")
	s.begun(t, "echo", "?id=a&wait=10s", "1")
	position := page.header.Get("Stepwell-Position")
	e := s.firstOf(t, "/v1/runs:watch?after="+position, "", 1)[0]
	if e.event != "runs" || !strings.Contains(e.data, `"id":"a"`) || strings.Contains(e.data, `put"`) || e.id == position {
		t.Errorf("from the position %q of a list: %+v, want run a without payloads", position, e)
	}
	s.do(t, "DELETE", "/v1/runs/a", "")
	s.begun(t, "echo", "?id=b&wait=10s", "1")
	next := s.firstOf(t, "/v1/runs:watch?workflow=order", e.id, 1)[0]
	if next.event != "runs" || next.data != `{"runs":[],"gone":["a"]}` {
		t.Errorf("from event %q, with another filter: %+v", e.id, next)
	}
	for _, lost := range []string{"x", position + "zz", strings.Repeat("9", 300)} {
		if e := s.firstOf(t, "/v1/runs:watch", lost, 1)[0]; e.event != "reset" {
			t.Errorf("from %q: %+v", lost, e)
		}
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 13 { // together more than one client reads for itself
				if _, _, err := s.rt.Start(t.Context(), "echo", []byte("1"), runtime.ID(fmt.Sprint(i, "-", j)), runtime.Delay(time.Hour)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if e := s.firstOf(t, "/v1/runs:watch", next.id, 1)[0]; e.event != "reset" {
		t.Errorf("after many changes: %s", e.event)
	}
	s.close()
	s = newServerOn(t, path, api.Config{}, runtime.Config{})
	if e := s.firstOf(t, "/v1/runs:watch", next.id, 1)[0]; e.event != "reset" {
		t.Errorf("after a restart: %+v", e)
	}
}

func TestWatchRunsRefuses(t *testing.T) {
	closing := make(chan struct{})
	s := newServer(t, api.Config{MaxWaiting: 1, Closing: closing}, runtime.Config{})
	for _, query := range []string{"status=odd", "limit=3", "cursor=x", "since=never", "state=x"} {
		if a := s.do(t, "GET", "/v1/runs:watch?"+query, ""); a.status != http.StatusBadRequest || a.get(t, "code") != "invalid" {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
	over := make(chan error)
	watching := make(chan struct{})
	go func() {
		over <- s.listenTo(t.Context(), "/v1/runs:watch", "", func(sse) bool { close(watching); return true })
	}()
	<-watching
	if a := s.do(t, "GET", "/v1/runs:watch", ""); a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" {
		t.Errorf("one more than there are places: %d %s", a.status, a.body)
	}
	close(closing)
	if err := <-over; err == nil || !strings.Contains(err.Error(), "EOF") {
		t.Errorf("when the server closes: %v, want the end of the stream", err)
	}
}
