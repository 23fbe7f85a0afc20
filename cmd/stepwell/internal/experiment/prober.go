package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Probe is one request to the health listener and what came of it.
type Probe struct {
	// At is when it was due, since the prober began.
	At time.Duration
	// Latency is from the moment it was due until the whole answer was read;
	// the timeout when it was missed.
	Latency time.Duration
	// Late is the part of Latency before the prober itself got to run.
	Late time.Duration
	// Missed says why the probe failed; empty when it was answered in time,
	// with a status from 200 to 299.
	Missed string
	// MemoryMB is what the server said of its memory.
	MemoryMB float64
}

// prober asks for a URL at a fixed rate, whatever becomes of the requests
// before: a slow answer delays no later probe, and each latency counts from
// when the probe was due, so that a stall is seen in full by all probes that
// fall into it. Every probe opens a connection of its own, as the probers of
// platforms do; one kept open would not show that no more are accepted.
type prober struct {
	url     string
	rate    float64 // a second
	timeout time.Duration
	seen    func(Probe) // called with each result, one at a time
	// dial opens connections; nil: over the network.
	dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// run probes until ctx ends, then waits for the probes under way.
func (p *prober) run(ctx context.Context) {
	client := &http.Client{
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: p.dial},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	var mu sync.Mutex
	began := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i := 0; ; i++ {
		// Multiplied, not added up: rounding must not shift the schedule.
		at := time.Duration(float64(i) / p.rate * float64(time.Second))
		timer.Reset(time.Until(began.Add(at)))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		wg.Go(func() {
			probe := p.probe(client, at, began.Add(at))
			mu.Lock()
			defer mu.Unlock()
			p.seen(probe)
		})
	}
}

func (p *prober) probe(client *http.Client, at time.Duration, due time.Time) Probe {
	probe := Probe{At: at, Late: time.Since(due)}
	// Not under the context of run: a probe under way is measured to its end.
	ctx, cancel := context.WithDeadline(context.Background(), due.Add(p.timeout))
	defer cancel()
	body, err := get(ctx, client, p.url)
	probe.Latency = time.Since(due)
	if err != nil || probe.Latency > p.timeout {
		probe.Missed, probe.Latency = p.reason(err, probe.Late), p.timeout
		return probe
	}
	var health struct {
		MemoryMB float64 `json:"memory_mb"`
	}
	if json.Unmarshal(body, &health) == nil {
		probe.MemoryMB = health.MemoryMB
	}
	return probe
}

func get(ctx context.Context, client *http.Client, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, statusError(resp.StatusCode)
	}
	return body, nil
}

type statusError int

func (s statusError) Error() string { return fmt.Sprintf("status %d", int(s)) }

// reason names why a probe was missed, the same for the same reason.
func (p *prober) reason(err error, late time.Duration) string {
	if late >= p.timeout {
		return "the prober itself was held up"
	}
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err
	}
	if err == nil || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("no answer within %v", p.timeout)
	}
	if oe, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Sprintf("%s: %v", oe.Op, oe.Err)
	}
	return err.Error()
}
