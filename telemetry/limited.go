package telemetry

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// complainEvery is how often a log is told of the same trouble.
const complainEvery = time.Minute

// limited is a handler that passes on one warning a minute and counts the
// rest: an exporter that is down fails several times a second.
type limited struct {
	slog.Handler
	*limit
}

type limit struct {
	mu      sync.Mutex
	next    time.Time
	dropped int
}

func newLimited(h slog.Handler) limited { return limited{h, new(limit)} }

// lowest is the level at which the SDK's own warnings come; what it says below
// is for its makers.
const lowest = slog.Level(-1)

func (l limited) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= lowest && l.Handler.Enabled(ctx, level)
}

func (l limited) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		dropped, ok := l.allow(time.Now())
		if !ok {
			return nil
		}
		if dropped > 0 {
			r = r.Clone()
			r.AddAttrs(slog.Int("suppressed", dropped))
		}
	}
	return l.Handler.Handle(ctx, r)
}

func (l limited) WithAttrs(attrs []slog.Attr) slog.Handler {
	return limited{l.Handler.WithAttrs(attrs), l.limit}
}

func (l limited) WithGroup(name string) slog.Handler {
	return limited{l.Handler.WithGroup(name), l.limit}
}

func (l *limit) allow(now time.Time) (dropped int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Before(l.next) {
		l.dropped++
		return 0, false
	}
	l.next = now.Add(complainEvery)
	dropped, l.dropped = l.dropped, 0
	return dropped, true
}
