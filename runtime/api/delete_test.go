package api_test

import (
	"net/http"
	"testing"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/api"
)

func TestDelete(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	s.begun(t, "order", "?id=a&wait=10s&label.k=v", `{"count":3}`)
	if a := s.do(t, "DELETE", "/v1/runs/a", ""); a.status != http.StatusNoContent || a.body != "" {
		t.Fatalf("delete: %d %q, want 204 and nothing", a.status, a.body)
	}
	for _, path := range []string{"/v1/runs/a", "/v1/runs/a/steps"} {
		if a := s.do(t, "GET", path, ""); a.status != http.StatusNotFound {
			t.Errorf("GET %s: %d %s, want 404", path, a.status, a.body)
		}
	}
	if ids := s.page(t, "?label.k=v").ids; len(ids) > 0 {
		t.Errorf("still listed: %q", ids)
	}
	// The key begins a new run.
	if a := s.do(t, "POST", "/v1/workflows/order/runs?id=a&wait=10s", `{"count":4}`); a.status != http.StatusOK || a.json(t)["output"] != 4.0 {
		t.Errorf("the same id again: %d %s", a.status, a.body)
	}
}
