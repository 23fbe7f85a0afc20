package ui

import (
	"bytes"
	"context"
	"errors"
	"hash/maphash"
	"net/http"
	"sync"
	"time"
)

const (
	// stillThere is how often a stream without events says that it goes on.
	stillThere = 15 * time.Second
	// slowest is how long a client may take to read what is sent.
	slowest = 10 * time.Second
)

// seed of the sums by which what was sent is known again.
var seed = maphash.MakeSeed()

// stream sends fragments of a page as server-sent events. Its methods may be
// called concurrently.
type stream struct {
	// ctx ends when the client has gone, or the server is about to.
	ctx    context.Context
	cancel context.CancelFunc
	c      *http.ResponseController
	w      http.ResponseWriter
	wg     sync.WaitGroup

	mu   sync.Mutex
	last map[string]uint64 // what was sent, by event
}

// openStream begins a stream; close it when the handler ends. An error is to be
// answered: nothing was sent.
func (u *UI) openStream(w http.ResponseWriter, r *http.Request) (*stream, error) {
	if u.closing() {
		return nil, &pageError{http.StatusServiceUnavailable, "The server is shutting down."}
	}
	leave, err := u.mayWatch(r)
	if err != nil {
		w.Header().Set("Retry-After", "10")
		return nil, err
	}
	ctx, cancel := context.WithCancel(r.Context())
	s := &stream{ctx: ctx, cancel: func() { cancel(); leave() }, c: http.NewResponseController(w), w: w, last: map[string]uint64{}}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // proxies hold it back otherwise
	w.WriteHeader(http.StatusOK)
	s.write([]byte("retry: 2000\n\n"))
	s.wg.Go(func() { s.keep(u.cfg.Closing, cancel) })
	return s, nil
}

// close ends the stream and waits for what belongs to it.
func (s *stream) close() {
	s.cancel()
	s.wg.Wait()
}

// keep tells a silent client that it goes on, and ends the stream at closing.
func (s *stream) keep(closing <-chan struct{}, cancel context.CancelFunc) {
	still := time.NewTicker(stillThere)
	defer still.Stop()
	for {
		select {
		case <-still.C:
			if !s.write([]byte(": still there\n\n")) {
				cancel()
				return
			}
		case <-closing: // nil: never
			cancel()
			return
		case <-s.ctx.Done():
			return
		}
	}
}

// send sends a fragment as an event, unless the last one of the name was the
// same but for the ages in it. It is false when the client has gone.
func (s *stream) send(event string, html []byte) bool {
	sum := maphash.Bytes(seed, ageless(html))
	s.mu.Lock()
	same := s.last[event] == sum
	s.last[event] = sum
	s.mu.Unlock()
	return same || s.event(event, html)
}

// ageless is a fragment without the ages in it, which the page itself keeps up
// to date: they make nothing new of it.
func ageless(html []byte) []byte {
	var b []byte
	for {
		i := bytes.Index(html, []byte("<time "))
		if i < 0 {
			return append(b, html...)
		}
		open := bytes.IndexByte(html[i:], '>')
		end := bytes.Index(html[i:], []byte("</time>"))
		if open < 0 || end < open {
			return append(b, html...)
		}
		b = append(b, html[:i+open]...)
		html = html[i+end:]
	}
}

// event sends a fragment as an event. It is false when the client has gone.
func (s *stream) event(event string, html []byte) bool {
	var b bytes.Buffer
	b.WriteString("event: " + event + "\n")
	for line := range bytes.Lines(html) {
		b.WriteString("data: ")
		// A carriage return would end the line too.
		b.Write(bytes.ReplaceAll(bytes.TrimRight(line, "\r\n"), []byte("\r"), []byte(" ")))
		b.WriteByte('\n')
	}
	if len(html) == 0 {
		b.WriteString("data:\n")
	}
	b.WriteByte('\n')
	return s.write(b.Bytes())
}

// write gives a client that does not read a bounded time.
func (s *stream) write(p []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return false
	}
	if err := s.c.SetWriteDeadline(time.Now().Add(slowest)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return false
	}
	if _, err := s.w.Write(p); err != nil {
		return false
	}
	return s.c.Flush() == nil
}
