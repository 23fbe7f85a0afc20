package app_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/access"
	"github.com/stepwell/stepwell/runtime/app"
	"github.com/stepwell/stepwell/store/sqlite"
)

// mount adds API and UI to a server of the user's own, for the people it knows.
func mount(mux *http.ServeMux, rt *runtime.Runtime) error {
	stepwell, err := app.Handler(rt, app.HandlerConfig{
		Prefix: "/internal/stepwell",
		Access: access.Config{Role: func(r *http.Request) access.Role {
			if user, _, _ := r.BasicAuth(); user == "ann" {
				return access.Admin
			}
			return access.Viewer
		}},
	})
	if err != nil {
		return err
	}
	mux.HandleFunc("/internal/stepwell/", func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); !known(user, password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="the shop"`) // a browser asks for the password
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		stepwell.ServeHTTP(w, r)
	})
	return nil
}

func known(user, password string) bool { return user != "" && password == "password of "+user }

// A program with a server, routes and an authentication of its own.
func ExampleHandler() {
	dir, err := os.MkdirTemp("", "stepwell")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithCancel(context.Background())
	st, err := sqlite.Open(ctx, filepath.Join(dir, "shop.db"), sqlite.Config{})
	if err != nil {
		panic(err)
	}
	defer st.Close()
	greet := runtime.Define("greet", func(_ context.Context, name string) (string, error) { return "hello " + name, nil })
	rt, err := runtime.New(st, runtime.Config{Logger: slog.New(slog.DiscardHandler)}, greet)
	if err != nil {
		panic(err)
	}
	running := make(chan error)
	go func() { running <- rt.Run(ctx) }()
	<-rt.Recovered()

	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "the shop") })
	if err := mount(mux, rt); err != nil {
		panic(err)
	}
	server := httptest.NewServer(mux)
	ask := func(user, method, path string) {
		req, err := http.NewRequest(method, server.URL+path, strings.NewReader(`"ada"`))
		if err != nil {
			panic(err)
		}
		req.SetBasicAuth(user, "password of "+user)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			panic(err)
		}
		defer resp.Body.Close()
		fmt.Printf("%s: %d %s%s\n", user, resp.StatusCode, resp.Header.Get("Content-Type"), resp.Header.Get("Location"))
	}
	ask("ann", "POST", "/internal/stepwell/v1/workflows/greet/runs?id=1&wait=10s")
	ask("bob", "POST", "/internal/stepwell/v1/workflows/greet/runs?id=2")
	ask("bob", "GET", "/internal/stepwell/ui/")
	ask("", "GET", "/internal/stepwell/ui/")
	ask("", "GET", "/")

	server.Close()
	cancel()
	fmt.Println(<-running)
	// Output:
	// ann: 200 application/json/internal/stepwell/v1/runs/1
	// bob: 403 application/problem+json
	// bob: 200 text/html; charset=utf-8
	// : 401 text/plain; charset=utf-8
	// : 200 text/plain; charset=utf-8
	// <nil>
}
