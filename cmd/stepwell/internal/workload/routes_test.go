package workload

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/mux"

	"github.com/stepwell/stepwell/runtime"
)

// fake starts nothing and remembers what was asked for.
type fake struct {
	mu      sync.Mutex
	started []string
	refuse  int // refuse the start of this number; 0: none
}

func (f *fake) Start(_ context.Context, workflow string, input []byte, _ ...runtime.StartOption) (runtime.Run, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse > 0 && len(f.started)+1 >= f.refuse {
		return runtime.Run{}, false, runtime.ErrOverloaded
	}
	f.started = append(f.started, workflow+string(input))
	return runtime.Run{ID: fmt.Sprint("run-", len(f.started))}, true, nil
}

// ask sends one request to the routes.
func ask(f *fake, method, target string, header ...string) *httptest.ResponseRecorder {
	r := mux.NewRouter()
	routes(r, f)
	req := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w
}

func TestHomeStarts(t *testing.T) {
	for _, tc := range []struct {
		target, workload string
		n                int
	}{
		{"/", "delays", 5},
		{"/?workload=fibonacci", "fibonacci", 5},
		{"/?workload=fetch&n=1", "fetch", 1},
		{"/?n=1000", "delays", 1000},
	} {
		f := &fake{}
		w := ask(f, "GET", tc.target, "Accept", "*/*")
		var got struct{ Enqueued []string }
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
			t.Errorf("%s: %d %s", tc.target, w.Code, w.Body)
			continue
		}
		distinct := map[string]bool{}
		for _, id := range got.Enqueued {
			distinct[id] = true
		}
		if len(got.Enqueued) != tc.n || len(distinct) != tc.n || len(f.started) != tc.n {
			t.Errorf("%s: %d ids, %d distinct, %d started, want %d", tc.target, len(got.Enqueued), len(distinct), len(f.started), tc.n)
		}
		for _, s := range f.started {
			if s != tc.workload+"{}" {
				t.Errorf("%s: started %s, want %s{}", tc.target, s, tc.workload)
			}
		}
	}
}

func TestHomeRefuses(t *testing.T) {
	for _, tc := range []struct {
		target string
		header []string
		status int
		detail string
	}{
		{"/?n=0", nil, 400, `n is "0": want a number from 1 to 1000`},
		{"/?n=1001", nil, 400, `n is "1001"`},
		{"/?n=", nil, 400, `n is ""`},
		{"/?n=five", nil, 400, `n is "five"`},
		{"/?n=1&n=2", nil, 400, "parameter n is given 2 times"},
		{"/?workload=sleep", nil, 400, `workload is "sleep": want delays, fibonacci, fetch`},
		{"/?count=3", nil, 400, `unknown parameter "count"`},
		{"/", []string{"Sec-Fetch-Site", "cross-site"}, 403, "another site"},
		{"/", []string{"Sec-Fetch-Site", "same-site"}, 403, "another site"},
		{"/", []string{"Sec-Fetch-Site", "same-origin", "Sec-Purpose", "prefetch;prerender"}, 403, "prefetch"},
		{"/", []string{"Purpose", "prefetch"}, 403, "prefetch"},
	} {
		f := &fake{}
		w := ask(f, "GET", tc.target, tc.header...)
		var got struct {
			Status        int
			Title, Detail string
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Errorf("%s: %v in %s", tc.target, err, w.Body)
		}
		if w.Code != tc.status || got.Status != tc.status || !strings.Contains(got.Detail, tc.detail) || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %v: %d %s %s, want %d with %q", tc.target, tc.header, w.Code, w.Header().Get("Content-Type"), w.Body, tc.status, tc.detail)
		}
		if len(f.started) != 0 {
			t.Errorf("%s: started %d runs", tc.target, len(f.started))
		}
	}
}

func TestHomeSendsBrowsersToTheUI(t *testing.T) {
	f := &fake{}
	html := []string{"Accept", "text/html,application/xhtml+xml,*/*;q=0.8"}
	if w := ask(f, "GET", "/?n=3", html...); w.Code != http.StatusOK || len(f.started) != 3 {
		t.Errorf("without a UI: %d, %d runs started, want 200 and 3", w.Code, len(f.started))
	}
	f = &fake{}
	r := mux.NewRouter()
	r.Handle("/ui/", http.NotFoundHandler()).Name(uiRoute)
	routes(r, f)
	req := httptest.NewRequest("GET", "/?n=3", nil)
	req.Header.Set(html[0], html[1])
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	if w.Code != http.StatusFound || w.Header().Get("Location") != "/ui/" || len(f.started) != 0 {
		t.Errorf("%d to %q, %d runs started, want 302 to /ui/ and none", w.Code, w.Header().Get("Location"), len(f.started))
	}
}

func TestHomeTellsWhatWasStarted(t *testing.T) {
	f := &fake{refuse: 4}
	w := ask(f, "GET", "/?n=10")
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "3 of 10 runs were started") {
		t.Errorf("%d, Retry-After %q, %s, want 503 with the number of those started", w.Code, w.Header().Get("Retry-After"), w.Body)
	}
}

func TestOtherMethods(t *testing.T) {
	for _, m := range []string{"HEAD", "POST", "PUT", "DELETE"} {
		f := &fake{}
		if w := ask(f, m, "/"); w.Code != http.StatusMethodNotAllowed || len(f.started) != 0 {
			t.Errorf("%s /: %d, %d runs started, want 405 and none", m, w.Code, len(f.started))
		}
	}
}

// The fetch workflow calls the server it runs in, which fails a third of the
// calls, at the address that is known at the time of the call.
func TestFetchCallsItsOwnServer(t *testing.T) {
	url := ""
	Routes(func() string { return url })
	t.Cleanup(func() { Routes(func() string { return "" }) })
	if _, err := fetch(t.Context(), FetchInput{}); err != errNotServing {
		t.Fatalf("before it serves: %v, want %v", err, errNotServing)
	}
	r := mux.NewRouter()
	routes(r, &fake{})
	srv := httptest.NewServer(r)
	defer srv.Close()
	url = srv.URL
	var failed []bool
	for range 6 {
		_, err := call(t.Context(), "")
		failed = append(failed, err != nil && strings.Contains(err.Error(), "503"))
	}
	if diff := cmp.Diff([]bool{false, false, true, false, false, true}, failed); diff != "" {
		t.Error(diff)
	}
}
