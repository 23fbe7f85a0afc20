package api_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/api"
)

func TestMessages(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	s.begun(t, "listener", "?id=l-1", "")
	path := "/v1/runs/l-1/messages/word"
	for _, c := range []struct {
		body, key string
		status    int
		answer    string
	}{
		{`"one"`, "k-1", http.StatusAccepted, `{"run_id":"l-1","topic":"word","new":true}`},
		{`"one"`, `"k-1"`, http.StatusOK, `{"run_id":"l-1","topic":"word","new":false}`},
		{`"two"`, "k-2", http.StatusAccepted, `{"run_id":"l-1","topic":"word","new":true}`},
	} {
		a := s.do(t, "POST", path, c.body, "Idempotency-Key", c.key)
		if a.status != c.status || a.body != c.answer+"\n" {
			t.Errorf("send %s as %s: %d %s, want %d %s", c.body, c.key, a.status, a.body, c.status, c.answer)
		}
	}
	a := s.do(t, "GET", "/v1/runs/l-1?wait=10s", "")
	if got := a.get(t, "output"); got != "one two" {
		t.Errorf("the run heard %q: %s", got, a.body)
	}
	if a := s.do(t, "POST", path, `"one"`, "Idempotency-Key", "k-1"); a.status != http.StatusOK {
		t.Errorf("repeated after the end: %d %s", a.status, a.body)
	}
	for _, c := range []struct {
		name, method, path, body, key string
		status                        int
		code                          string
	}{
		{"an ended run", "POST", path, `"three"`, "", http.StatusConflict, "conflict"},
		{"no run", "POST", "/v1/runs/none/messages/word", `1`, "", http.StatusNotFound, "not_found"},
		{"a bad topic", "POST", "/v1/runs/l-1/messages/$update", `1`, "", http.StatusBadRequest, "invalid"},
		{"a bad key", "POST", path, `1`, "$k", http.StatusBadRequest, "invalid"},
		{"an empty key", "POST", path, `1`, `""`, http.StatusBadRequest, "invalid"},
		{"a bad body", "POST", path, `{`, "", http.StatusBadRequest, "invalid"},
		{"a parameter", "POST", path + "?key=1", `1`, "", http.StatusBadRequest, "invalid"},
		{"a method", "GET", path, "", "", http.StatusMethodNotAllowed, "method_not_allowed"},
	} {
		var headers []string
		if c.key != "" {
			headers = []string{"Idempotency-Key", c.key}
		}
		if a := s.do(t, c.method, c.path, c.body, headers...); a.status != c.status || a.get(t, "code") != c.code {
			t.Errorf("%s: %d %s, want %d %s", c.name, a.status, a.body, c.status, c.code)
		}
	}
}

// listen hears two words.
func listen(ctx context.Context, _ any) (string, error) {
	first, err := runtime.Receive[string](ctx, "word", runtime.Forever)
	if err != nil {
		return "", err
	}
	second, err := runtime.Receive[string](ctx, "word", runtime.Forever)
	return first + " " + second, err
}
