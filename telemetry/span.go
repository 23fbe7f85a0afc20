package telemetry

import (
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/stepwell/stepwell/store"
)

// Attributes of runs and steps. There is no convention for workflows yet, so
// they have a namespace of their own.
const (
	attrRunID       = "stepwell.run.id"
	attrWorkflow    = "stepwell.workflow"
	attrRunStatus   = "stepwell.run.status"
	attrQueue       = "stepwell.queue"
	attrVersion     = "stepwell.version"
	attrAttempt     = "stepwell.attempt"
	attrExecutor    = "stepwell.executor"
	attrStepPath    = "stepwell.step.path"
	attrStepKind    = "stepwell.step.kind"
	attrStepAttempt = "stepwell.step.attempt"
	attrStepStatus  = "stepwell.step.status"
	attrChildID     = "stepwell.step.child_id"

	// eventStarted marks when the run first got an executor: what lies before
	// it was delay and queue.
	eventStarted = "stepwell.run.started"
)

// The longest texts that go into a span, in bytes: a page of spans has to fit
// into one request.
const (
	maxText  = 4 << 10
	maxStack = 16 << 10
)

// scope has no version, which a later process would fill in differently.
var scope = instrumentation.Scope{Name: "github.com/stepwell/stepwell"}

// spanOf makes the span of a committed row, from the row alone: the same row
// gives the same span in every process.
func spanOf(rec *store.SpanRecord, res *resource.Resource) sdktrace.ReadOnlySpan {
	s := stepSpan
	if rec.Step == nil {
		s = runSpan
	}
	stub := s(rec)
	stub.SpanKind = trace.SpanKindInternal
	stub.Resource, stub.InstrumentationScope = res, scope
	return stub.Snapshot()
}

func runSpan(rec *store.SpanRecord) tracetest.SpanStub {
	r := &rec.Run
	s := tracetest.SpanStub{
		Name:        clip(r.Workflow, maxText),
		SpanContext: spanContext(r.Trace, store.RunSpanID(r.Trace, r.ID), false),
		StartTime:   r.CreatedAt,
		EndTime:     latest(r.CreatedAt, r.EndedAt),
		Attributes: []attribute.KeyValue{
			text(attrRunID, r.ID),
			text(attrWorkflow, r.Workflow),
			text(attrRunStatus, r.Status.String()),
			attribute.Int(attrAttempt, r.Attempt),
		},
	}
	switch {
	case r.Resumes > 0:
		// The first end was sent and cannot be changed; a later one is a span
		// of its own under it.
		s.Parent = s.SpanContext
		s.SpanContext = spanContext(r.Trace, store.StepSpanID(r.Trace, r.ID, "", r.Resumes), false)
	case r.Trace.ParentSpan != ([8]byte{}):
		s.Parent = spanContext(r.Trace, r.Trace.ParentSpan, true)
	}
	s.Attributes = appendSet(s.Attributes, attrQueue, r.Queue)
	s.Attributes = appendSet(s.Attributes, attrVersion, r.Version)
	s.Attributes = appendSet(s.Attributes, attrExecutor, r.Executor)
	if !r.StartedAt.IsZero() {
		s.Events = append(s.Events, sdktrace.Event{Name: eventStarted, Time: r.StartedAt})
	}
	if r.Status != store.Succeeded {
		failed(&s, r.Error)
	}
	return s
}

func stepSpan(rec *store.SpanRecord) tracetest.SpanStub {
	r, p := &rec.Run, rec.Step
	s := tracetest.SpanStub{
		Name:        clip(p.Name, maxText),
		SpanContext: spanContext(r.Trace, store.StepSpanID(r.Trace, r.ID, p.Path, p.Attempt), false),
		Parent:      spanContext(r.Trace, store.RunSpanID(r.Trace, r.ID), false),
		StartTime:   p.StartedAt,
		EndTime:     latest(p.StartedAt, p.EndedAt),
		Attributes: []attribute.KeyValue{
			text(attrRunID, r.ID),
			text(attrWorkflow, r.Workflow),
			text(attrStepPath, p.Path),
			text(attrStepKind, p.Kind.String()),
			attribute.Int(attrStepAttempt, p.Attempt),
			text(attrStepStatus, p.Status.String()),
		},
	}
	if s.Name == "" {
		s.Name = p.Kind.String()
	}
	s.Attributes = appendSet(s.Attributes, attrChildID, p.ChildID)
	if p.Status != store.StepSucceeded {
		failed(&s, p.Error)
	}
	return s
}

// failed marks the span as an error, with what is known of it.
func failed(s *tracetest.SpanStub, f *store.Failure) {
	s.Status.Code = codes.Error
	if f == nil {
		return
	}
	s.Status.Description = clip(f.Message, maxText)
	var attrs []attribute.KeyValue
	attrs = appendSet(attrs, "exception.type", f.Code)
	attrs = append(attrs, text("exception.message", f.Message))
	if f.Stack != "" {
		attrs = append(attrs, attribute.String("exception.stacktrace", clip(f.Stack, maxStack)))
	}
	s.Events = append(s.Events, sdktrace.Event{Name: "exception", Time: s.EndTime, Attributes: attrs})
}

func spanContext(t store.Trace, span [8]byte, remote bool) trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: t.TraceID, SpanID: span, TraceFlags: trace.FlagsSampled, Remote: remote,
	})
}

func appendSet(attrs []attribute.KeyValue, key, value string) []attribute.KeyValue {
	if value == "" {
		return attrs
	}
	return append(attrs, text(key, value))
}

func text(key, value string) attribute.KeyValue { return attribute.String(key, clip(value, maxText)) }

// clip makes a text fit for the wire: one byte that is not UTF-8 would have
// the whole page refused, again and again.
func clip(s string, limit int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// latest is b, unless it is missing or the clock went back.
func latest(a, b time.Time) time.Time {
	if b.Before(a) {
		return a
	}
	return b
}
