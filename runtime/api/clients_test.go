package api_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/api"
)

// occupy follows the list as a client until the test ends, and returns once it does.
func (s *server) occupy(t *testing.T, who string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	begun, over := make(chan struct{}), make(chan struct{})
	once := sync.OnceFunc(func() { close(begun) })
	go func() {
		defer close(over)
		req, err := http.NewRequestWithContext(ctx, "GET", s.url+"/v1/runs:watch", nil)
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("Client", who)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Error(err)
			once()
			return
		}
		defer resp.Body.Close()
		once()
		<-ctx.Done()
	}()
	t.Cleanup(func() { cancel(); <-over })
	<-begun
}

// TestOneClientCannotTakeEveryPlace holds clients to what they may have under
// way, each for itself.
func TestOneClientCannotTakeEveryPlace(t *testing.T) {
	who := func(r *http.Request) string { return r.Header.Get("Client") }
	s := newServer(t, api.Config{Client: who, MaxWaiting: 3, MaxWaitingPerClient: 2, MaxPerClient: 2}, runtime.Config{})
	id := s.begun(t, "gated", "", "")
	want := func(client, path, code string) {
		t.Helper()
		a := s.do(t, "GET", path, "", "Client", client)
		switch {
		case code == "" && a.status/100 != 2:
			t.Errorf("%s of %s: %d %s", path, client, a.status, a.body)
		case code != "" && (a.status != http.StatusTooManyRequests || a.get(t, "code") != code || a.header.Get("Retry-After") == ""):
			t.Errorf("%s of %s: %d %s, want %s", path, client, a.status, a.body, code)
		}
	}
	s.occupy(t, "a")
	want("a", "/v1/runs", "")
	want("a", "/v1/runs/"+id+"?wait=1ms", "")
	s.occupy(t, "a")
	want("a", "/v1/runs", "too_many_requests")
	want("a", "/v1/ping", "")
	want("b", "/v1/runs", "")
	s.occupy(t, "b")
	want("b", "/v1/runs/"+id, "")
	want("b", "/v1/runs/"+id+"?wait=1ms", "too_many_waiting") // the places of all are taken
	want("c", "/v1/runs", "")
}

// TestAClientIsAnAddress: where nobody says who makes a request, it is where it
// comes from.
func TestAClientIsAnAddress(t *testing.T) {
	s := newServer(t, api.Config{MaxWaiting: 4, MaxWaitingPerClient: 1}, runtime.Config{})
	id := s.begun(t, "gated", "", "")
	s.occupy(t, "")
	a := s.do(t, "GET", "/v1/runs/"+id+"/watch", "")
	if a.status != http.StatusTooManyRequests || !strings.Contains(a.body, "1 requests of this client wait") {
		t.Errorf("%d %s", a.status, a.body)
	}
}
