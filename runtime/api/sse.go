package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// stillThere is how often a stream without news says that it goes on.
const stillThere = 15 * time.Second

// eventStream writes server-sent events.
type eventStream struct {
	w     http.ResponseWriter
	c     *http.ResponseController
	still *time.Timer
	// added is how much was written since the last flush. What writes to the
	// client is not kept here, for a thousand clients have a thousand of these.
	added int
	err   error // of a write since
}

// openStream begins a stream of events to a client; what is wrong has to be
// said before, for afterwards there is no status to say it with. more is false
// when the client has gone, or asked with HEAD. close must be called.
func openStream(w http.ResponseWriter, r *http.Request) (s *eventStream, more bool) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Accel-Buffering", "no") // proxies hold it back otherwise
	w.WriteHeader(http.StatusOK)
	s = &eventStream{w: w, c: http.NewResponseController(w), still: time.NewTimer(stillThere)}
	return s, s.flush() == nil && r.Method != http.MethodHead
}

func (s *eventStream) close() { s.still.Stop() }

// frame is an event as it is written. The id is where a client that lost the
// connection goes on; without one, where it was.
func frame(id, event string, data any) ([]byte, error) {
	var b bytes.Buffer
	if id != "" {
		fmt.Fprintf(&b, "id: %s\n", id)
	}
	if event != "" {
		fmt.Fprintf(&b, "event: %s\n", event)
	}
	text, err := json.Marshal(data) // on one line
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(&b, "data: %s\n\n", text)
	return b.Bytes(), nil
}

// send writes an event.
func (s *eventStream) send(id, event string, data any) error {
	f, err := frame(id, event, data)
	if err != nil {
		return err
	}
	s.add(f)
	return s.flush()
}

// await waits for news, and meanwhile says that the stream goes on.
func (s *eventStream) await(ctx context.Context, news <-chan struct{}) error {
	for {
		select {
		case <-news:
			return nil
		case <-s.still.C:
			if err := s.sayStill(); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// sayStill tells the client, and what is between, that there is no news.
func (s *eventStream) sayStill() error {
	s.add([]byte(": still there\n\n"))
	return s.flush()
}

// add writes an event, which may reach the client with the next flush only.
func (s *eventStream) add(frame []byte) {
	if s.added == 0 {
		s.err = s.patient()
	}
	s.added += len(frame)
	if s.err == nil {
		_, s.err = s.w.Write(frame)
	}
}

// patient gives a client that does not read a bounded time.
func (s *eventStream) patient() error {
	if err := s.c.SetWriteDeadline(time.Now().Add(patience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// flush has what was added reach the client. Its error is that of any write.
func (s *eventStream) flush() error {
	s.still.Reset(stillThere)
	if s.added == 0 {
		s.err = s.patient()
	}
	s.added = 0
	if s.err != nil {
		return s.err
	}
	return s.c.Flush()
}

// maxFlush bounds what is added before a flush, roughly.
const maxFlush = 64 << 10

// addBounded is add, and a flush when much has come together.
func (s *eventStream) addBounded(frame []byte) error {
	if s.add(frame); s.added < maxFlush {
		return s.err
	}
	return s.flush()
}
