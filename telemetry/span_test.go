package telemetry

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/trace"

	"github.com/stepwell/stepwell/store"
)

// shape is what a test compares of a span.
type shape struct {
	Name, Parent string
	Remote       bool
	Start, End   time.Duration // after epoch
	Status       codes.Code
	Message      string
	Attrs        map[string]any
	Events       []event
}

type event struct {
	Name  string
	At    time.Duration
	Attrs map[string]any
}

func shapeOf(rec store.SpanRecord) shape {
	s := spanOf(&rec, resource.Empty())
	out := shape{
		Name: s.Name(), Remote: s.Parent().IsRemote(), Start: s.StartTime().Sub(epoch), End: s.EndTime().Sub(epoch),
		Status: s.Status().Code, Message: s.Status().Description, Attrs: map[string]any{},
	}
	if s.Parent().HasSpanID() {
		out.Parent = s.Parent().SpanID().String()
	}
	for _, a := range s.Attributes() {
		out.Attrs[string(a.Key)] = a.Value.AsInterface()
	}
	for _, e := range s.Events() {
		v := event{Name: e.Name, At: e.Time.Sub(epoch)}
		for _, a := range e.Attributes {
			if v.Attrs == nil {
				v.Attrs = map[string]any{}
			}
			v.Attrs[string(a.Key)] = a.Value.AsInterface()
		}
		out.Events = append(out.Events, v)
	}
	return out
}

func TestRunSpan(t *testing.T) {
	rec := store.SpanRecord{Run: store.Run{
		ID: "r1", Workflow: "checkout", Status: store.Failed, Queue: "emails", Version: "v1", Executor: "e1", Attempt: 3,
		CreatedAt: epoch, StartedAt: epoch.Add(5 * time.Second), EndedAt: epoch.Add(time.Minute),
		Error: &store.Failure{Code: "panic", Message: "out of luck", Stack: "main.go:1"},
		Trace: store.Trace{TraceID: [16]byte{1}, ParentSpan: [8]byte{2}, Sampled: true},
	}}
	want := shape{
		Name: "checkout", Parent: "0200000000000000", Remote: true, End: time.Minute,
		Status: codes.Error, Message: "out of luck",
		Attrs: map[string]any{
			"stepwell.run.id": "r1", "stepwell.workflow": "checkout", "stepwell.run.status": "failed",
			"stepwell.queue": "emails", "stepwell.version": "v1", "stepwell.executor": "e1", "stepwell.attempt": int64(3),
		},
		Events: []event{
			{Name: "stepwell.run.started", At: 5 * time.Second},
			{Name: "exception", At: time.Minute, Attrs: map[string]any{
				"exception.type": "panic", "exception.message": "out of luck", "exception.stacktrace": "main.go:1",
			}},
		},
	}
	if diff := cmp.Diff(want, shapeOf(rec)); diff != "" {
		t.Error(diff)
	}
	s := spanOf(&rec, resource.Empty())
	if id := s.SpanContext(); id.SpanID() != store.RunSpanID(rec.Run.Trace, "r1") || id.TraceID() != [16]byte{1} || !id.IsSampled() {
		t.Errorf("span context %v", id)
	}
	if s.SpanKind() != trace.SpanKindInternal {
		t.Errorf("kind %v", s.SpanKind())
	}
	// Cancelled before it began: no start, no parent, still an error.
	rec.Run = store.Run{ID: "r2", Workflow: "w", Status: store.Cancelled, CreatedAt: epoch, EndedAt: epoch.Add(1), Attempt: 1, Trace: traceOf("r2", true)}
	want = shape{Name: "w", End: 1, Status: codes.Error, Attrs: map[string]any{
		"stepwell.run.id": "r2", "stepwell.workflow": "w", "stepwell.run.status": "cancelled", "stepwell.attempt": int64(1),
	}}
	if diff := cmp.Diff(want, shapeOf(rec)); diff != "" {
		t.Error(diff)
	}
}

func TestStepSpan(t *testing.T) {
	tr := traceOf("r1", true)
	root := trace.SpanID(store.RunSpanID(tr, "r1")).String()
	step := store.Step{
		Path: "4.0.2", Attempt: 2, Kind: store.KindChild, Name: "pay", Status: store.StepRetrying, ChildID: "c1",
		StartedAt: epoch.Add(time.Second), EndedAt: epoch.Add(2 * time.Second), Error: &store.Failure{Message: "no answer"},
	}
	rec := store.SpanRecord{Run: store.Run{ID: "r1", Workflow: "checkout", Trace: tr}, Step: &step}
	want := shape{
		Name: "pay", Parent: root, Start: time.Second, End: 2 * time.Second, Status: codes.Error, Message: "no answer",
		Attrs: map[string]any{
			"stepwell.run.id": "r1", "stepwell.workflow": "checkout", "stepwell.step.path": "4.0.2", "stepwell.step.kind": "child",
			"stepwell.step.attempt": int64(2), "stepwell.step.status": "retrying", "stepwell.step.child_id": "c1",
		},
		Events: []event{{Name: "exception", At: 2 * time.Second, Attrs: map[string]any{"exception.message": "no answer"}}},
	}
	if diff := cmp.Diff(want, shapeOf(rec)); diff != "" {
		t.Error(diff)
	}
	if got := spanOf(&rec, resource.Empty()).SpanContext().SpanID(); got != store.StepSpanID(tr, "r1", "4.0.2", 2) {
		t.Errorf("span id %v", got)
	}
	// No end, no name, no error; and a clock that went back.
	step = store.Step{Path: "1", Attempt: 1, Kind: store.KindNow, Status: store.StepSucceeded, StartedAt: epoch.Add(time.Second)}
	if got := shapeOf(rec); got.Name != "now" || got.Start != time.Second || got.End != time.Second || got.Status != codes.Unset {
		t.Errorf("got %+v", got)
	}
	step.EndedAt = epoch
	if got := shapeOf(rec); got.End != time.Second {
		t.Errorf("ends %v after epoch, before it began", got.End)
	}
}

func TestTextsFitTheWire(t *testing.T) {
	step := store.Step{Path: "1", Attempt: 1, Kind: store.KindStep, Name: "a\xffb", Status: store.StepFailed, StartedAt: epoch,
		Error: &store.Failure{Message: strings.Repeat("ü", 1<<20), Stack: strings.Repeat("s", 1<<20)}}
	got := shapeOf(store.SpanRecord{Run: store.Run{ID: "r\xc3", Trace: traceOf("r", true)}, Step: &step})
	if got.Name != "a\uFFFDb" || got.Attrs["stepwell.run.id"] != "r\uFFFD" {
		t.Errorf("name %q, run %q", got.Name, got.Attrs["stepwell.run.id"])
	}
	for what, s := range map[string]string{
		"status": got.Message, "message": got.Events[0].Attrs["exception.message"].(string),
		"stack": got.Events[0].Attrs["exception.stacktrace"].(string),
	} {
		if len(s) > maxStack || !utf8.ValidString(s) {
			t.Errorf("%s has %d bytes, valid %v", what, len(s), utf8.ValidString(s))
		}
	}
	if len(got.Message) != maxText {
		t.Errorf("message was cut to %d bytes, want %d", len(got.Message), maxText)
	}
	if s := clip("aü", 2); s != "a" {
		t.Errorf("cut inside a letter: %q", s)
	}
}

// TestResumedRunEndsInASpanOfItsOwn: the first end has the run's id already.
func TestResumedRunEndsInASpanOfItsOwn(t *testing.T) {
	rec := store.SpanRecord{Run: store.Run{ID: "r1", Workflow: "w", Status: store.Cancelled, Trace: store.Trace{TraceID: [16]byte{1}, ParentSpan: [8]byte{9}, Sampled: true}}}
	first := spanOf(&rec, nil)
	rec.Run.Status, rec.Run.Resumes = store.Succeeded, 1
	second := spanOf(&rec, nil)
	if first.SpanContext().SpanID() == second.SpanContext().SpanID() {
		t.Error("both ends have the same span id")
	}
	if second.Parent().SpanID() != first.SpanContext().SpanID() {
		t.Errorf("the second end hangs under %v, want the run's span", second.Parent().SpanID())
	}
}
