package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
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

// sse is an event as a browser gets it: with the last id that was sent.
type sse struct {
	id, event, data string
}

// listenTo reads the events of a stream until fn returns false or it ends. Each
// is held to the contract.
func (s *server) listenTo(ctx context.Context, path, last string, fn func(sse) bool) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return err
	}
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		return fmt.Errorf("answered %d, %s", resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	if err := s.contract.check(req, "", answer{status: resp.StatusCode, header: resp.Header}); err != nil {
		return err
	}
	lines := bufio.NewReader(resp.Body)
	e, text := sse{id: last}, ""
	where := []string{"paths", s.contract.find(req.URL.Path), "get", "responses", "200", "content", "text/event-stream"}
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return err
		}
		text += line
		line = strings.TrimSuffix(line, "\n")
		name, value, _ := strings.Cut(line, ": ")
		switch {
		case line == "":
			if err := s.contract.stream(text, where); err != nil {
				return err
			}
			if e.data != "" && !fn(e) {
				return nil
			}
			e, text = sse{id: e.id}, ""
		case name == "id":
			e.id = value
		case name == "event":
			e.event = value
		case name == "data":
			e.data = value
		}
	}
}

// collect returns all events up to the end of a run.
func (s *server) collect(t *testing.T, path, last string) (events []sse) {
	t.Helper()
	err := s.listenTo(t.Context(), path, last, func(e sse) bool {
		events = append(events, e)
		return e.event != "end"
	})
	if err != nil {
		t.Errorf("%s after %q: %v", path, last, err)
	}
	return events
}

// known is what a client knows of a run from its events.
type known struct {
	run   any
	steps map[string]any
}

func (k *known) take(t *testing.T, e sse) {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(e.data), &v); err != nil {
		t.Fatal(err)
	}
	switch e.event {
	case "run":
		k.run = v
	case "step":
		path, _ := v.(map[string]any)["path"].(string)
		k.steps[path] = v
	case "reset":
		clear(k.steps)
	case "end":
	default:
		t.Errorf("unknown event %+v", e)
	}
}

// stored is what the API shows of a run.
func (s *server) stored(t *testing.T, id string) (run any, steps map[string]any) {
	t.Helper()
	var list struct{ Steps []map[string]any }
	if err := json.Unmarshal([]byte(s.do(t, "GET", "/v1/runs/"+id+"/steps", "").body), &list); err != nil {
		t.Fatal(err)
	}
	steps = map[string]any{}
	for _, st := range list.Steps {
		steps[fmt.Sprint(st["path"])] = map[string]any(st)
	}
	if err := json.Unmarshal([]byte(s.do(t, "GET", "/v1/runs/"+id, "").body), &run); err != nil {
		t.Fatal(err)
	}
	return run, steps
}

// TestWatchRun: whoever follows a run, from its beginning or from any event on,
// ends up with what is stored.
func TestWatchRun(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	id := s.begun(t, "tangled", "?delay=50ms", `{"steps":500}`)
	var wg sync.WaitGroup
	all := make([][]sse, 4)
	for i := range all {
		wg.Go(func() { all[i] = s.collect(t, "/v1/runs/"+id+"/watch", "") })
	}
	wg.Wait()
	run, steps := s.stored(t, id)
	if len(steps) != 500 {
		t.Fatalf("%d steps are stored", len(steps))
	}
	for i, events := range all {
		k := known{steps: map[string]any{}}
		for _, e := range events {
			k.take(t, e)
		}
		if d := cmp.Diff(run, k.run) + cmp.Diff(steps, k.steps); d != "" {
			t.Fatalf("client %d (-stored +known):\n%.2000s", i, d)
		}
	}
	events := all[0]
	last := events[len(events)-1]
	if last.event != "end" || last.data != `{"status":"succeeded"}` {
		t.Errorf("the last event: %+v", last)
	}
	s.do(t, "GET", "/v1/runs/"+id+"/watch?after=0", "", "Last-Event-ID", "9") // held to the contract
	for cut := 0; cut < len(events)-1; cut += len(events)/12 + 1 {
		k := known{steps: map[string]any{}}
		for _, e := range events[:cut+1] {
			k.take(t, e)
		}
		rest := s.collect(t, "/v1/runs/"+id+"/watch", events[cut].id)
		for _, e := range rest {
			k.take(t, e)
		}
		if d := cmp.Diff(run, k.run) + cmp.Diff(steps, k.steps); d != "" {
			t.Fatalf("from event %d, %+v, on (-stored +known):\n%.2000s", cut, events[cut], d)
		}
		if most := len(events) - cut + 300; len(rest) > most {
			t.Errorf("from event %d of %d on %d events came, want at most %d", cut, len(events), len(rest), most)
		}
	}
}

// tangled runs many steps side by side, which retry at different times.
func tangled(ctx context.Context, in struct{ Steps int }) (int, error) {
	items := make([]int, in.Steps)
	for i := range items {
		items[i] = i
	}
	_, err := runtime.Map(ctx, items, 300, func(ctx context.Context, i int) (int, error) {
		return runtime.Step(ctx, "part", func(ctx context.Context) (int, error) {
			tries, _, err := runtime.LastHeartbeat[int](ctx) // a variable would be lost when the run leaves memory
			if err == nil {
				err = runtime.Heartbeat(ctx, tries+1)
			}
			if err == nil && tries < i%4 {
				err = errors.New("not yet")
			}
			return i, err
		}, runtime.Retry{Max: 5, Initial: time.Duration(i%7+1) * 20 * time.Millisecond})
	})
	return len(items), err
}

// TestWatchRunLive: a step is shown while the run is under way.
func TestWatchRunLive(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	id := s.begun(t, "gated", "", "")
	sawLive := false
	err := s.listenTo(t.Context(), "/v1/runs/"+id+"/watch", "", func(e sse) bool {
		if e.event == "run" && strings.Contains(e.data, `"running"`) && !sawLive {
			sawLive = true
			close(s.gate)
		}
		return e.event != "end"
	})
	if err != nil || !sawLive {
		t.Errorf("%v, %v", err, sawLive)
	}
}

// TestWatchRunOverARestart: the ids of events mean the same to the next process.
func TestWatchRunOverARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	closing := make(chan struct{})
	s := newServerOn(t, path, api.Config{Closing: closing}, runtime.Config{})
	id := s.begun(t, "tangled", "", `{"steps":60}`)
	k := known{steps: map[string]any{}}
	last, n := "", 0
	err := s.listenTo(t.Context(), "/v1/runs/"+id+"/watch", "", func(e sse) bool {
		k.take(t, e)
		last = e.id
		if n++; n == 40 {
			close(closing)
		}
		return true
	})
	if err == nil || last == "" {
		t.Fatalf("the stream of a server that closes: %v, after event %q", err, last)
	}
	s.close()
	s = newServerOn(t, path, api.Config{}, runtime.Config{})
	for _, e := range s.collect(t, "/v1/runs/"+id+"/watch", last) {
		k.take(t, e)
	}
	run, steps := s.stored(t, id)
	if d := cmp.Diff(run, k.run) + cmp.Diff(steps, k.steps); d != "" || len(steps) != 60 {
		t.Errorf("%d steps (-stored +known):\n%s", len(steps), d)
	}
}

// TestWatchRunThatGoesOnAnew: the steps of the history that is gone are taken
// back.
func TestWatchRunThatGoesOnAnew(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	id := s.begun(t, "again", "?delay=50ms", "3")
	events := s.collect(t, "/v1/runs/"+id+"/watch", "")
	k := known{steps: map[string]any{}}
	for _, e := range events {
		k.take(t, e)
	}
	run, steps := s.stored(t, id)
	if d := cmp.Diff(run, k.run) + cmp.Diff(steps, k.steps); d != "" || len(steps) == 0 {
		t.Errorf("(-stored +known):\n%s", d)
	}
	s.do(t, "GET", "/v1/runs/"+id+"/watch", "", "Last-Event-ID", "1")
	rest := s.collect(t, "/v1/runs/"+id+"/watch", "1")
	if len(rest) == 0 || rest[0].event != "reset" {
		t.Errorf("from a step that is gone: %+v", rest)
	}
	// Who has the steps of the history as it is goes on where it was.
	last := ""
	for _, e := range rest {
		if e.event == "step" {
			last = e.id
		}
	}
	s.do(t, "GET", "/v1/runs/"+id+"/watch", "", "Last-Event-ID", last)
	if more := s.collect(t, "/v1/runs/"+id+"/watch", last); len(more) != 2 || more[0].event != "run" {
		t.Errorf("from the last step, %s: %+v", last, more)
	}
	// As of a database that was put back.
	if all := s.collect(t, "/v1/runs/"+id+"/watch", "99999999"); len(all) != len(rest) || all[0].event != "reset" {
		t.Errorf("from a position that is yet to come: %+v", all)
	}
}

// again goes on anew some times.
func again(ctx context.Context, n int) (int, error) {
	_, err := runtime.Step(ctx, "look", func(context.Context) (int, error) { return n, nil })
	if err == nil {
		err = runtime.Sleep(ctx, 150*time.Millisecond)
	}
	if err == nil && n > 0 {
		return 0, runtime.ContinueAs(ctx, n-1)
	}
	return n, err
}

func TestWatchRunRefuses(t *testing.T) {
	closing := make(chan struct{})
	s := newServer(t, api.Config{MaxWaiting: 1, Closing: closing}, runtime.Config{})
	id := s.begun(t, "gated", "", "")
	path := "/v1/runs/" + id + "/watch"
	for _, c := range []struct {
		path, last string
		status     int
		code       string
	}{
		{"/v1/runs/none/watch", "", http.StatusNotFound, "not_found"},
		{path, "x", http.StatusBadRequest, "invalid"},
		{path, "-1", http.StatusBadRequest, "invalid"},
		{path + "?after=1.5", "", http.StatusBadRequest, "invalid"},
		{path + "?wait=1s", "", http.StatusBadRequest, "invalid"},
	} {
		if a := s.do(t, "GET", c.path, "", "Last-Event-ID", c.last); a.status != c.status || a.get(t, "code") != c.code {
			t.Errorf("%s after %q: %d %s, want %d %s", c.path, c.last, a.status, a.body, c.status, c.code)
		}
	}
	if a := s.do(t, "HEAD", path, ""); a.status != http.StatusOK || a.body != "" {
		t.Errorf("HEAD: %d %q", a.status, a.body)
	}
	watching, over := make(chan struct{}), make(chan error)
	go func() {
		once := sync.OnceFunc(func() { close(watching) })
		over <- s.listenTo(t.Context(), path, "", func(sse) bool { once(); return true })
	}()
	<-watching
	if a := s.do(t, "GET", path, ""); a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" {
		t.Errorf("one more than there are places: %d %s", a.status, a.body)
	}
	close(closing)
	if err := <-over; err == nil || !strings.Contains(err.Error(), "EOF") {
		t.Errorf("when the server closes: %v, want the end of the stream", err)
	}
	// A run that is deleted is no more.
	close(s.gate)
	eventually(t, "the run ends", func() bool { return s.status(t, id) == "succeeded" })
	s.do(t, "DELETE", "/v1/runs/"+id, "")
	if a := s.do(t, "GET", path, ""); a.status != http.StatusNotFound {
		t.Errorf("deleted: %d %s", a.status, a.body)
	}
}
