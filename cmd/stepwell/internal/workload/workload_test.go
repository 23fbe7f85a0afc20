package workload

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Outside a run Step calls through, so the bare functions can be run.

func TestDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		out, err := delays(t.Context(), DelaysInput{})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.WaitedSeconds) != 3 {
			t.Fatalf("waited %v, want 3 waits", out.WaitedSeconds)
		}
		sum := 0.0
		for _, s := range out.WaitedSeconds {
			if s < 1 || s > 5 {
				t.Errorf("waited %v s, want 1 to 5", s)
			}
			sum += s
		}
		if took := time.Since(began).Seconds(); took < sum-0.001 || took > sum+0.001 {
			t.Errorf("took %v s, says it waited %v", took, sum)
		}
	})
}

func TestDelaysEndWithTheirContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		began := time.Now()
		if _, err := delays(ctx, DelaysInput{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want that of the context", err)
		}
		if took := time.Since(began); took != time.Millisecond {
			t.Errorf("ended after %v, the context did after 1ms", took)
		}
	})
}

func TestFibonacci(t *testing.T) {
	out, err := fibonacci(t.Context(), FibonacciInput{N: 30}) // across the limit of plainFib
	if err != nil {
		t.Fatal(err)
	}
	want := FibonacciOutput{Terms: []Term{{30, 832040}, {31, 1346269}, {32, 2178309}}}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Error(diff)
	}
}

func TestFibonacciEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if v := fib(ctx, maxN); v != 0 {
		t.Errorf("computed %d to its end, for nobody", v)
	}
	if _, err := fibonacci(ctx, FibonacciInput{N: maxN}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
}

func TestFetch(t *testing.T) {
	var calls atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		w.Write([]byte("hello"))
	}))
	defer srv.Close()
	out, err := fetch(t.Context(), FetchInput{URL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	want := FetchOutput{Responses: []Response{{200, 5}, {200, 5}, {200, 5}}}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Error(diff)
	}
	if calls.Load() != 3 {
		t.Errorf("%d calls, want 3", calls.Load())
	}
}

func TestFetchFails(t *testing.T) {
	for _, tc := range []struct {
		name string
		h    http.HandlerFunc
		want string
	}{
		{"server error", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) }, "503 Service Unavailable"},
		{"not found", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(404) }, "404 Not Found"},
		{"endless", func(w http.ResponseWriter, r *http.Request) { w.Write(make([]byte, maxBody+1)) }, "body of more than"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := httptest.NewServer(tc.h)
			defer srv.Close()
			if _, err := fetch(t.Context(), FetchInput{URL: srv.URL}); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
		})
	}
}

func TestInputs(t *testing.T) {
	var d DelaysInput
	var f FibonacciInput
	var u FetchInput
	for _, tc := range []struct {
		into any
		json string
		want string // part of the error; empty: accepted
	}{
		{&d, `{}`, ""},
		{&d, `null`, ""},
		{&d, `{"min_s":0.1,"max_s":0.2}`, ""},
		{&d, `{"max_s":0.2}`, ""},
		{&d, `{"min_s":7}`, ""},
		{&d, `{"min_s":3,"max_s":2}`, "min_s is 3, more than max_s, 2"},
		{&d, `{"min_s":-1}`, "want 0 to 3600"},
		{&d, `{"max_s":3601}`, "want 0 to 3600"},
		{&d, `{"min_s":"1"}`, "min_s"},
		{&d, `{"min":1}`, `unknown field "min"`},
		{&f, `{}`, ""},
		{&f, `{"n":45}`, ""},
		{&f, `{"n":46}`, "n is 46: want 1 to 45"},
		{&f, `{"n":-1}`, "n is -1: want 1 to 45"},
		{&f, `{"n":1.5}`, "n"},
		{&f, `[]`, "array"},
		{&u, `{}`, ""},
		{&u, `{"url":"https://example.com/x"}`, ""},
		{&u, `{"url":"file:///etc/passwd"}`, "want an http or https address"},
		{&u, `{"url":"http://"}`, "want an http or https address"},
		{&u, `{"url":"localhost:80"}`, "want an http or https address"},
	} {
		d, f, u = DelaysInput{}, FibonacciInput{}, FetchInput{}
		err := json.Unmarshal([]byte(tc.json), tc.into)
		switch {
		case tc.want == "" && err != nil:
			t.Errorf("%T %s: %v", tc.into, tc.json, err)
		case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("%T %s: error %v, want one with %q", tc.into, tc.json, err, tc.want)
		}
	}
}

func TestDefaults(t *testing.T) {
	for in, want := range map[DelaysInput]DelaysInput{
		{}:                {1, 5},
		{MaxSeconds: 0.5}: {0.5, 0.5},
		{MaxSeconds: 3}:   {1, 3},
		{MinSeconds: 9}:   {9, 9},
		{MinSeconds: 2}:   {2, 5},
	} {
		if got, err := in.complete(); got != want || err != nil {
			t.Errorf("%+v completed: %+v, %v, want %+v", in, got, err, want)
		}
	}
	// What a zero input encodes to is what {} means.
	for _, in := range []any{DelaysInput{}, FibonacciInput{}, FetchInput{}} {
		if b, err := json.Marshal(in); err != nil || string(b) != "{}" {
			t.Errorf("%T: %s, %v, want {}", in, b, err)
		}
	}
}
