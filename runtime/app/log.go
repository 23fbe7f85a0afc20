package app

import (
	"context"
	"log/slog"
	"os"

	"github.com/stepwell/stepwell/runtime"
)

// localHandler writes records to stderr: text for people, JSON for machines.
func localHandler(level slog.Level) slog.Handler {
	opts := &slog.HandlerOptions{Level: level}
	if terminal(os.Stderr) {
		return slog.NewTextHandler(os.Stderr, opts)
	}
	return slog.NewJSONHandler(os.Stderr, opts)
}

func terminal(f *os.File) bool {
	fi, err := f.Stat()
	return err == nil && fi.Mode()&os.ModeCharDevice != 0
}

// placeHandler adds to each record which run, and which step of it, its
// context belongs to. They go to the top level, also when a group is open:
// then root gets them and the groups are opened anew.
type placeHandler struct {
	slog.Handler
	root   slog.Handler
	inside []func(slog.Handler) slog.Handler
}

func newPlaceHandler(h slog.Handler) slog.Handler { return &placeHandler{Handler: h, root: h} }

func (h *placeHandler) Handle(ctx context.Context, r slog.Record) error {
	p, inRun := runtime.Current(ctx)
	if !inRun {
		return h.Handler.Handle(ctx, r)
	}
	attrs := []slog.Attr{slog.String("run_id", p.RunID), slog.String("workflow", p.Workflow)}
	if p.Step != "" {
		attrs = append(attrs, slog.String("step", p.Step), slog.String("path", p.Path), slog.Int("attempt", p.Attempt))
	}
	if len(h.inside) == 0 {
		r = r.Clone()
		r.AddAttrs(attrs...)
		return h.Handler.Handle(ctx, r)
	}
	to := h.root.WithAttrs(attrs)
	for _, apply := range h.inside {
		to = apply(to)
	}
	return to.Handle(ctx, r)
}

func (h *placeHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.with(len(h.inside) > 0, func(to slog.Handler) slog.Handler { return to.WithAttrs(attrs) })
}

func (h *placeHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return h.with(true, func(to slog.Handler) slog.Handler { return to.WithGroup(name) })
}

func (h *placeHandler) with(inside bool, apply func(slog.Handler) slog.Handler) slog.Handler {
	out := &placeHandler{Handler: apply(h.Handler), root: h.root}
	if inside {
		out.inside = append(h.inside[:len(h.inside):len(h.inside)], apply)
	} else {
		out.root = out.Handler
	}
	return out
}
