package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"testing/slogtest"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/trace"
)

func TestLogHandlerKeepsTheRulesOfSlog(t *testing.T) {
	var out bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		out.Reset()
		return new(Telemetry).LogHandler(slog.NewJSONHandler(&out, nil))
	}, func(t *testing.T) map[string]any { return record(t, &out) })
}

func record(t *testing.T, out *bytes.Buffer) (m map[string]any) {
	t.Helper()
	if err := json.Unmarshal(out.Bytes(), &m); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return m
}

func TestLogRecordsCarryTheSpan(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(new(Telemetry).LogHandler(slog.NewJSONHandler(&out, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
				return slog.Attr{}
			}
			return a
		},
	})))
	tr := traceOf("run", true)
	ctx := trace.ContextWithSpanContext(t.Context(), spanContext(tr, [8]byte{1}, false))
	ids := map[string]any{"trace_id": trace.TraceID(tr.TraceID).String(), "span_id": "0100000000000000"}
	for name, tt := range map[string]struct {
		log  func(context.Context)
		want map[string]any
	}{
		"plain": {func(ctx context.Context) { log.InfoContext(ctx, "m", "a", 1.0) }, map[string]any{"msg": "m", "a": 1.0}},
		"with":  {func(ctx context.Context) { log.With("b", 2.0).InfoContext(ctx, "m") }, map[string]any{"msg": "m", "b": 2.0}},
		"group": {
			func(ctx context.Context) {
				g := log.With("b", 2.0).WithGroup("g").With("c", 3.0)
				g.WithGroup("other") // must not change g
				g.WithGroup("h").InfoContext(ctx, "m", "a", 1.0)
			},
			map[string]any{"msg": "m", "b": 2.0, "g": map[string]any{"c": 3.0, "h": map[string]any{"a": 1.0}}},
		},
	} {
		out.Reset()
		tt.log(t.Context())
		if diff := cmp.Diff(tt.want, record(t, &out)); diff != "" {
			t.Errorf("%s outside a span: %s", name, diff)
		}
		out.Reset()
		tt.log(ctx)
		for k, v := range ids {
			tt.want[k] = v
		}
		if diff := cmp.Diff(tt.want, record(t, &out)); diff != "" {
			t.Errorf("%s inside a span: %s", name, diff)
		}
	}
}
