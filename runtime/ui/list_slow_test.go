package ui_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/ui"
)

// unread is a connection whose client reads no event: from the first on, what
// is written waits.
type unread struct {
	*httptest.ResponseRecorder
	once    sync.Once
	blocked chan struct{}   // closed once something waits
	over    <-chan struct{} // the connection is cut
}

func (c *unread) Write(p []byte) (int, error) {
	if !bytes.HasPrefix(p, []byte("event: ")) {
		return len(p), nil
	}
	c.once.Do(func() { close(c.blocked) })
	<-c.over
	return 0, http.ErrHandlerTimeout
}

// TestClientsThatDoNotReadHoldUpNobody: more of them than lists are read at a
// time, and whoever reads is told all the same.
func TestClientsThatDoNotReadHoldUpNobody(t *testing.T) {
	s := newSite(t, ui.Config{})
	s.start("gated", `1`, runtime.ID("gated"))
	ctx, cut := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cut()
	patience, stop := context.WithTimeout(ctx, 20*time.Second)
	defer stop()
	// Of a position that nobody knows, all rows are told.
	const path = "/ui/runs:watch?top=1&bottom=1&pos=none"
	for i := range 5 {
		c := &unread{ResponseRecorder: httptest.NewRecorder(), blocked: make(chan struct{}), over: ctx.Done()}
		wg.Go(func() { s.ui.ServeHTTP(c, httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil)) })
		select {
		case <-c.blocked:
		case <-patience.Done():
			t.Fatalf("client %d is told nothing while %d do not read", i, i)
		}
	}
	e := s.watch(path)
	e.until("r:gated", "gated")
	close(s.gate)
	e.until("r:gated", "status-succeeded")
}

// TestLongListsAreLive: rows of each piece change in place, those below the
// last shown do not.
func TestLongListsAreLive(t *testing.T) {
	s := newSite(t, ui.Config{})
	first := s.start("sleep", `1`, runtime.ID("below"))
	last := s.start("sleep", `1`, runtime.ID("bottom"))
	var top runtime.Run
	for range 449 {
		top = s.start("sleep", `1`)
	}
	e := s.watch(watchPath(450, top.Seq, last.Seq))
	e.until("r:"+top.ID, "")
	e.until("r:bottom", "")
	for _, id := range []string{first.ID, last.ID} {
		if _, err := s.rt.Cancel(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	for e.s.Scan() {
		switch e.s.Text() {
		case "event: r:below":
			t.Fatal("a row is sent that is not shown")
		case "event: r:bottom":
			return
		}
	}
	t.Fatal("the stream ended")
}

func watchPath(limit int, top, bottom int64) string {
	return fmt.Sprintf("/ui/runs:watch?pos=none&limit=%d&top=%d&bottom=%d", limit, top, bottom)
}
