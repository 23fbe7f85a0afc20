package telemetry

import (
	"context"
	"errors"
	"log/slog"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel/trace"
)

// LogHandler wraps h so that each record says, by trace_id and span_id, which
// span its context belongs to. While logs are exported each record also goes
// there; h alone decides which levels count.
func (t *Telemetry) LogHandler(h slog.Handler) slog.Handler {
	out := &logHandler{root: h, local: h}
	if t.logs != nil {
		out.remote = otelslog.NewHandler(scope.Name, otelslog.WithLoggerProvider(t.logs))
	}
	return out
}

type logHandler struct {
	// local is root with the open groups, and what was said inside them. The
	// ids of the span belong to the top level: when a group is open they are
	// put into root and the rest is applied again.
	root, local slog.Handler
	inside      []func(slog.Handler) slog.Handler
	remote      slog.Handler // nil when logs are not exported
}

func (h *logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.local.Enabled(ctx, level)
}

func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	var err error
	if h.remote != nil {
		err = h.remote.Handle(ctx, r.Clone()) // takes the span from ctx by itself
	}
	return errors.Join(h.handleLocal(ctx, r), err)
}

func (h *logHandler) handleLocal(ctx context.Context, r slog.Record) error {
	span := trace.SpanContextFromContext(ctx)
	if !span.IsValid() {
		return h.local.Handle(ctx, r)
	}
	ids := []slog.Attr{slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String())}
	if len(h.inside) == 0 {
		r = r.Clone()
		r.AddAttrs(ids...)
		return h.local.Handle(ctx, r)
	}
	local := h.root.WithAttrs(ids)
	for _, apply := range h.inside {
		local = apply(local)
	}
	return local.Handle(ctx, r)
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	return h.with(len(h.inside) > 0, func(to slog.Handler) slog.Handler { return to.WithAttrs(attrs) })
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return h.with(true, func(to slog.Handler) slog.Handler { return to.WithGroup(name) })
}

func (h *logHandler) with(inside bool, apply func(slog.Handler) slog.Handler) slog.Handler {
	out := &logHandler{root: h.root, local: apply(h.local)}
	if inside {
		out.inside = append(h.inside[:len(h.inside):len(h.inside)], apply)
	} else {
		out.root = out.local
	}
	if h.remote != nil {
		out.remote = apply(h.remote)
	}
	return out
}
