package app

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// silence is how long a stream may say nothing: the server says that it is
	// still there every 15 s.
	silence = 50 * time.Second
	// A lost connection is made again after a pause that doubles.
	firstPause, longestPause = 250 * time.Millisecond, 10 * time.Second
	// maxEvent bounds one event.
	maxEvent = 64 << 20
)

// event is a server-sent event.
type event struct {
	id, name string
	data     []byte
}

// errSilent is why a stream ends that says nothing.
var errSilent = errors.New("it has gone silent")

// events follows a stream of server-sent events. A lost connection is made
// again, where the last event left off, and connected is told why it was lost,
// and nil when there is one. What the server refuses, and the end of ctx, end it
// with an error. So does a server that was never there.
func (c *client) events(ctx context.Context, path string, query url.Values, connected func(error)) iter.Seq2[event, error] {
	return func(yield func(event, error) bool) {
		last, pause, met := "", firstPause, false
		for {
			err := c.connection(ctx, path, query, &last, func() {
				met, pause = true, firstPause
				connected(nil)
			}, func(e event) bool { return yield(e, nil) })
			switch {
			case err == nil:
				return // the caller has enough
			case ctx.Err() != nil:
				yield(event{}, context.Cause(ctx))
				return
			case !met || refused(err):
				yield(event{}, err)
				return
			}
			connected(err)
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				yield(event{}, context.Cause(ctx))
				return
			}
			pause = min(2*pause, longestPause)
		}
	}
}

// refused: asking again would be answered the same.
func refused(err error) bool {
	p, ok := errors.AsType[*problemError](err)
	return ok && p.status < 500 && p.status != http.StatusTooManyRequests
}

// connection reads events until the connection ends; nil when yield wants no
// more. last is the id of the last event.
func (c *client) connection(ctx context.Context, path string, query url.Values, last *string, open func(), yield func(event) bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	quiet := time.AfterFunc(silence, func() { cancel(errSilent) })
	defer quiet.Stop()
	header := http.Header{"Accept": {"text/event-stream"}}
	if *last != "" {
		header.Set("Last-Event-ID", *last)
	}
	resp, err := c.do(ctx, &http.Client{Transport: c.http.Transport}, http.MethodGet, path, query, nil, header)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	open()
	lines := bufio.NewReader(resp.Body)
	var e event
	for {
		line, err := readLine(lines, maxEvent-len(e.data))
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = errors.New("the connection has ended")
			}
			return &unreachableError{c.base, err}
		}
		quiet.Reset(silence)
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			if e.id != "" {
				*last = e.id
			}
			if e.data != nil && !yield(e) {
				return nil
			}
			e = event{}
		case field == "id":
			e.id = value
		case field == "event":
			e.name = value
		case field == "data" && e.data == nil:
			e.data = []byte(value)
		case field == "data":
			e.data = append(append(e.data, '\n'), value...)
		}
	}
}

// readLine reads a line of at most so many bytes.
func readLine(r *bufio.Reader, most int) (string, error) {
	var line []byte
	for {
		piece, err := r.ReadSlice('\n')
		line = append(line, piece...)
		switch {
		case len(line) > most:
			return "", fmt.Errorf("an event has more than %d bytes", maxEvent)
		case err == nil:
			return string(bytes.TrimRight(line, "\r\n")), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", err
		}
	}
}
