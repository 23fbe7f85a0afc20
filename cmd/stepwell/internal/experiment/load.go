package experiment

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// client speaks to the server's API, on connections it keeps.
type client struct {
	base string
	http *http.Client
}

// starters is how many starts are under way at once.
const starters = 8

func newClient(base string) *client {
	return &client{base, &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: starters}}}
}

// startRuns starts n runs of a workflow and returns the first error. Each has
// an id, so that an attempt whose answer was lost can be repeated.
func (c *client) startRuns(ctx context.Context, workflow string, n int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	var next atomic.Int64
	for range min(n, starters) {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := next.Add(1)
				if i > int64(n) {
					return
				}
				if err := c.startRun(ctx, workflow, fmt.Sprintf("experiment-%d", i)); err != nil {
					cancel(fmt.Errorf("start a run of %s: %w", workflow, err))
				}
			}
		})
	}
	wg.Wait()
	c.http.CloseIdleConnections() // each costs the server memory that is measured
	return context.Cause(ctx)
}

// startRun starts one run, and tries again for as long as the server says
// that it has too much to do.
func (c *client) startRun(ctx context.Context, workflow, id string) error {
	target := c.base + "/v1/workflows/" + url.PathEscape(workflow) + "/runs"
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader("{}"))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", id)
		resp, err := c.http.Do(req)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		resp.Body.Close()
		if err != nil {
			return err
		}
		switch resp.StatusCode {
		case http.StatusOK, http.StatusCreated, http.StatusAccepted:
			return nil
		case http.StatusTooManyRequests, http.StatusServiceUnavailable:
			seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
			if err := wait(ctx, time.Duration(max(seconds, 1))*time.Second); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s: %s", resp.Status, detail(body))
		}
	}
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// detail is what a problem+json body says, or the body itself.
func detail(body []byte) string {
	var p struct{ Detail, Title string }
	if json.Unmarshal(body, &p) == nil && p.Detail+p.Title != "" {
		if p.Detail != "" {
			return p.Detail
		}
		return p.Title
	}
	return string(bytes.TrimSpace(body[:min(len(body), 200)]))
}

// Runs counts the runs by how they ended.
type Runs struct {
	Succeeded, Failed, Cancelled, Stuck int
}

func (r Runs) ended() int { return r.Succeeded + r.bad() }

// bad counts the runs that did not succeed and will not without help.
func (r Runs) bad() int { return r.Failed + r.Cancelled + r.Stuck }

// counts asks how many runs have ended so far.
func (c *client) counts(ctx context.Context) (Runs, error) {
	body, err := get(ctx, c.http, c.base+"/v1/stats")
	if err != nil {
		return Runs{}, err
	}
	var stats struct{ Runs Runs }
	if err := json.Unmarshal(body, &stats); err != nil {
		return Runs{}, fmt.Errorf("stats: %w", err)
	}
	return stats.Runs, nil
}

// failures lists why runs failed, a few of them.
func (c *client) failures(ctx context.Context, most int) []string {
	var texts []string
	for _, status := range []string{"failed", "stuck"} {
		body, err := get(ctx, c.http, fmt.Sprintf("%s/v1/runs?status=%s&limit=%d", c.base, status, most))
		if err != nil {
			continue // only an ornament to the report
		}
		var page struct {
			Runs []struct {
				ID    string
				Error json.RawMessage
			}
		}
		if json.Unmarshal(body, &page) != nil {
			continue
		}
		for _, r := range page.Runs {
			if len(texts) < most {
				texts = append(texts, fmt.Sprintf("run %s %s: %s", r.ID, status, message(r.Error)))
			}
		}
	}
	return texts
}

// message reads an error that is a text or an object with a message.
func message(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var object struct{ Message string }
	if json.Unmarshal(raw, &object) == nil && object.Message != "" {
		return object.Message
	}
	return string(raw)
}
