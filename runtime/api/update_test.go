package api_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/api"
)

// count adds up what it is told, until it is told to end.
func count(ctx context.Context, _ any) (string, error) {
	sum := 0
	add := func(_ context.Context, n int) (*int, error) {
		if n == 13 {
			return nil, errors.New("unlucky")
		}
		if sum += n; sum == 0 {
			return nil, nil
		}
		return &sum, nil
	}
	few := func(_ context.Context, n int) error {
		if n < 0 {
			return errors.New("want 0 or more")
		}
		return nil
	}
	if err := runtime.OnUpdate(ctx, "add", add, runtime.Validate(few)); err != nil {
		return "", err
	}
	return runtime.Receive[string](ctx, "end", runtime.Forever)
}

func TestUpdates(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	s.begun(t, "counter", "?id=c-1", "")
	path := "/v1/runs/c-1/updates/"
	ask := func(path, body, key string) answer {
		t.Helper()
		if key == "" {
			return s.do(t, "POST", path, body)
		}
		return s.do(t, "POST", path, body, "Idempotency-Key", key)
	}
	for _, c := range []struct {
		path, body, key string
		status          int
		answer          string
	}{
		{path + "add", "0", "zero", http.StatusOK, `{"run_id":"c-1","update":"add","key":"zero","status":"answered","response":null}`},
		{path + "add?wait=10s", "2", "two", http.StatusOK, `{"run_id":"c-1","update":"add","key":"two","status":"answered","response":2}`},
		{path + "add", "2", "two", http.StatusOK, `{"run_id":"c-1","update":"add","key":"two","status":"answered","response":2}`},
		{path + "add", "3", `"three"`, http.StatusOK, `{"run_id":"c-1","update":"add","key":"three","status":"answered","response":5}`},
		{path + "none?wait=0s", "3", "x", http.StatusAccepted, `{"run_id":"c-1","update":"none","key":"x","status":"pending"}`},
		{path + "none?wait=5ms", "3", "x", http.StatusAccepted, `{"run_id":"c-1","update":"none","key":"x","status":"pending"}`},
	} {
		if a := ask(c.path, c.body, c.key); a.status != c.status || a.body != c.answer+"\n" {
			t.Errorf("%s %s: %d %s, want %d %s", c.path, c.body, a.status, a.body, c.status, c.answer)
		}
	}
	for _, c := range []struct {
		path, body, key string
		status          int
		code            string
	}{
		{path + "add", "-1", "", http.StatusUnprocessableEntity, "update_rejected"},
		{path + "add", `"x"`, "", http.StatusUnprocessableEntity, "update_rejected"},
		{path + "add", "13", "", http.StatusUnprocessableEntity, "update_failed"},
		{path + "add", "{", "", http.StatusBadRequest, "invalid"},
		{path + "add?wait=x", "1", "", http.StatusBadRequest, "invalid"},
		{path + "$x", "1", "", http.StatusBadRequest, "invalid"},
		{path + "add", "1", "$k", http.StatusBadRequest, "invalid"},
		{"/v1/runs/none/updates/add", "1", "", http.StatusNotFound, "not_found"},
	} {
		if a := ask(c.path, c.body, c.key); a.status != c.status || a.get(t, "code") != c.code {
			t.Errorf("%s %s: %d %s, want %d %s", c.path, c.body, a.status, a.body, c.status, c.code)
		}
	}
	if a := s.do(t, "POST", "/v1/runs/c-1/messages/end", `"done"`); a.status != http.StatusAccepted {
		t.Fatalf("end: %d %s", a.status, a.body)
	}
	s.do(t, "GET", "/v1/runs/c-1?wait=10s", "")
	if a := ask(path+"add", "1", ""); a.status != http.StatusConflict || a.get(t, "code") != "conflict" {
		t.Errorf("after the end: %d %s", a.status, a.body)
	}
	if a := ask(path+"add", "3", "three"); a.status != http.StatusOK {
		t.Errorf("repeated after the end: %d %s", a.status, a.body)
	}
}
