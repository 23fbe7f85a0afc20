package runtime_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
	"github.com/stepwell/stepwell/store/sqlite"
)

func openStore(tb testing.TB) *sqlite.Store {
	tb.Helper()
	s, err := sqlite.Open(context.Background(), filepath.Join(tb.TempDir(), "stepwell.db"), sqlite.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("close store: %v", err)
		}
	})
	return s
}

// served is a runtime that runs.
type served struct {
	*runtime.Runtime
	ctx   context.Context // carries the runtime
	end   context.CancelFunc
	ended chan error
}

// serveOn runs a runtime on s until stop is called or the test ends.
func serveOn(tb testing.TB, s store.Store, cfg runtime.Config, defs ...runtime.Definition) *served {
	tb.Helper()
	rt, err := runtime.New(s, cfg, defs...)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &served{Runtime: rt, ctx: rt.Context(context.Background()), end: cancel, ended: make(chan error, 1)}
	go func() { r.ended <- rt.Run(ctx) }()
	tb.Cleanup(func() { r.stop() })
	return r
}

// stop drains and returns what Run returned.
func (r *served) stop() error {
	r.end()
	err := <-r.ended
	r.ended <- err
	return err
}

// serve runs a runtime on a fresh store and returns a context that carries it.
func serve(tb testing.TB, cfg runtime.Config, defs ...runtime.Definition) context.Context {
	tb.Helper()
	return serveOn(tb, openStore(tb), cfg, defs...).ctx
}
