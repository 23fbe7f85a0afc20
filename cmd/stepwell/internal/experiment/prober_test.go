package experiment

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener without a network, so that a server and its clients can
// share a synctest bubble.
type pipes struct {
	conns    chan net.Conn
	done     chan struct{}
	once     sync.Once
	accepted atomic.Int64
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		p.accepted.Add(1)
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error { p.once.Do(func() { close(p.done) }); return nil }

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	server, client := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// probed runs a prober for a while against a handler, in fake time. The
// handler is told how long the prober has been running.
func probed(t *testing.T, rate float64, length time.Duration, handler func(http.ResponseWriter, time.Duration)) (probes []Probe, conns int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		began := time.Now()
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler(w, time.Since(began)) })}
		var wg sync.WaitGroup
		wg.Go(func() { srv.Serve(l) })
		ctx, cancel := context.WithTimeout(t.Context(), length)
		defer cancel()
		p := prober{url: "http://server/health", rate: rate, timeout: time.Second, dial: l.dial,
			seen: func(p Probe) { probes = append(probes, p) }}
		p.run(ctx)
		srv.Close()
		wg.Wait()
		conns = int(l.accepted.Load())
	})
	slices.SortFunc(probes, func(a, b Probe) int { return int(a.At - b.At) })
	return probes, conns
}

func TestProbesKeepTheirSchedule(t *testing.T) {
	// 3 a second does not divide a second: the schedule must not drift.
	probes, conns := probed(t, 3, 100*time.Second-time.Millisecond, func(w http.ResponseWriter, _ time.Duration) {
		w.Write([]byte(`{"status":"ok","memory_mb":12.5}`))
	})
	if len(probes) != 300 || conns != 300 {
		t.Fatalf("%d probes on %d connections, want 300 on as many", len(probes), conns)
	}
	for i, p := range probes {
		if want := time.Duration(float64(i) / 3 * 1e9); p.At != want {
			t.Fatalf("probe %d at %v, want %v", i, p.At, want)
		}
		if p.Missed != "" || p.Latency != 0 || p.MemoryMB != 12.5 {
			t.Fatalf("probe %d: %+v, want an answer at once with 12.5 MB", i, p)
		}
	}
}

// A server that stalls from 1.05 s to 2.55 s: the probes due in that time are
// all sent, and each counts what was left of the stall, or is missed when that
// was more than the timeout. A prober that waits for its answers would have
// seen a single slow one.
func TestAStallIsSeenByAllProbesInIt(t *testing.T) {
	from, to := 1050*time.Millisecond, 2550*time.Millisecond
	probes, _ := probed(t, 10, 3950*time.Millisecond, func(w http.ResponseWriter, at time.Duration) {
		if at >= from && at < to {
			time.Sleep(to - at)
		}
	})
	if len(probes) != 40 {
		t.Fatalf("%d probes, want 40", len(probes))
	}
	missed := 0
	for _, p := range probes {
		if p.Late != 0 {
			t.Errorf("%v: sent %v late, want it sent when it was due", p.At, p.Late)
		}
		left := time.Duration(0)
		if p.At >= from && p.At < to {
			left = to - p.At
		}
		switch {
		case left > time.Second:
			missed++
			if p.Missed != "no answer within 1s" || p.Latency != time.Second {
				t.Errorf("%v: %q after %v, want it missed", p.At, p.Missed, p.Latency)
			}
		case p.Missed != "" || p.Latency != left:
			t.Errorf("%v: %q after %v, want an answer after %v", p.At, p.Missed, p.Latency, left)
		}
	}
	if missed != 5 { // due at 1.1 to 1.5 s
		t.Errorf("%d missed, want 5", missed)
	}
}

func TestWhatCountsAsMissed(t *testing.T) {
	for _, tc := range []struct {
		status int
		missed string
	}{{200, ""}, {204, ""}, {302, "status 302"}, {404, "status 404"}, {503, "status 503"}} {
		probes, _ := probed(t, 1, 10*time.Millisecond, func(w http.ResponseWriter, _ time.Duration) {
			w.Header().Set("Location", "/")
			w.WriteHeader(tc.status)
		})
		if len(probes) != 1 || probes[0].Missed != tc.missed {
			t.Errorf("status %d: %+v, want one probe, missed %q", tc.status, probes, tc.missed)
		}
	}
}

func TestNobodyListens(t *testing.T) {
	srv := httptest.NewServer(nil)
	url := srv.URL
	srv.Close()
	var probes []Probe
	p := prober{url: url, rate: 1, timeout: time.Second}
	ctx, cancel := context.WithCancel(t.Context())
	p.seen = func(pr Probe) { probes = append(probes, pr); cancel() }
	p.run(ctx)
	if len(probes) == 0 || !strings.Contains(probes[0].Missed, "refused") || probes[0].Latency != time.Second {
		t.Errorf("%+v, want it missed for a refused connection, counting the whole timeout", probes)
	}
}

func TestPercentile(t *testing.T) {
	ms := func(from, to int) (all []time.Duration) {
		for i := from; i <= to; i++ {
			all = append(all, time.Duration(i)*time.Millisecond)
		}
		return all
	}
	for _, tc := range []struct {
		values []time.Duration
		p      float64
		want   int
	}{
		{nil, 50, 0}, {ms(7, 7), 50, 7}, {ms(7, 7), 99, 7},
		{ms(1, 2), 50, 1}, {ms(1, 3), 50, 2},
		{ms(1, 100), 50, 50}, {ms(1, 100), 99, 99}, {ms(1, 100), 100, 100},
		{ms(1, 101), 99, 100}, {ms(1, 1000), 99, 990},
	} {
		if got := percentile(tc.values, tc.p); got != time.Duration(tc.want)*time.Millisecond {
			t.Errorf("p%v of %d values: %v, want %d ms", tc.p, len(tc.values), got, tc.want)
		}
	}
}

func TestTheProbersOwnShare(t *testing.T) {
	r := Result{Probes: []Probe{
		{Latency: 5 * time.Millisecond, Late: 4 * time.Millisecond},
		{Latency: 3 * time.Millisecond},
		{Latency: time.Second, Late: 900 * time.Millisecond, Missed: "no answer within 1s"},
	}}
	late, rest := r.late()
	// A missed probe stays missed, whoever was late.
	if want := (Latency{P50: 3 * time.Millisecond, P99: time.Second, Max: time.Second}); late != 900*time.Millisecond || rest != want {
		t.Errorf("late %v, rest %+v, want 900ms and %+v", late, rest, want)
	}
}
