package runtime

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"

	"github.com/stepwell/stepwell/store"
)

// Start begins a run and returns when it is durable. A run without queue and
// delay begins at once where there is room. See [ID] for starting twice.
//
// Errors: [ErrExists] when the id belongs to a run of another workflow, or by
// [DedupReject]; [ErrNotFound] when the workflow was not handed to [New];
// [ErrInvalid], [ErrOverloaded], [ErrDraining].
//
// Inside a run it starts a child, whose id follows from the parent's and is
// recorded: a replay gets the same child. See [OnParentEnd] for what becomes of
// a child that outlives its parent. A run that starts a workflow which was not
// handed to New is parked as stuck, be it by a step or not: resume it under a
// program that has it.
func (w *Workflow[In, Out]) Start(ctx context.Context, in In, opts ...StartOption) (*Handle[Out], error) {
	rt, err := runtimeOf(ctx)
	if err != nil {
		return nil, err
	}
	input, err := rt.cfg.Codec.Encode(in)
	if err != nil {
		return nil, fmt.Errorf("start %s: encode input: %w", w.def.name, err)
	}
	var id string
	var e *execution
	if b := branchOf(ctx); b != nil {
		id, err = b.startChild(ctx, w.def, input, opts)
	} else {
		id, e, err = rt.start(ctx, w.def, input, opts)
	}
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", w.def.name, err)
	}
	return &Handle[Out]{rt: rt, id: id, e: e}, nil
}

// Call starts a run and waits for its result; see [Workflow.Start] and
// [Handle.Result].
func (w *Workflow[In, Out]) Call(ctx context.Context, in In, opts ...StartOption) (Out, error) {
	h, err := w.Start(ctx, in, opts...)
	if err != nil {
		var none Out
		return none, err
	}
	return h.Result(ctx)
}

// Start is [Workflow.Start] by name, for an input that is encoded already: it
// must fit the workflow's input type. It returns the run, which may have
// existed before, and whether it was created now.
func (rt *Runtime) Start(ctx context.Context, workflow string, input []byte, opts ...StartOption) (Run, bool, error) {
	def, err := rt.reg.workflow(workflow)
	if err != nil {
		return Run{}, false, err
	}
	if err := def.check(rt.cfg.Codec, input); err != nil {
		return Run{}, false, fmt.Errorf("%w: input of %s: %w", ErrInvalid, workflow, err)
	}
	if input, err = rt.sealed(input); err != nil {
		return Run{}, false, fmt.Errorf("start %s: %w", workflow, err)
	}
	run, created, _, err := rt.create(ctx, def, input, opts, nil)
	return run, created, err
}

func (rt *Runtime) start(ctx context.Context, def *definition, input []byte, opts []StartOption) (string, *execution, error) {
	def, err := rt.reg.own(def)
	if err != nil {
		return "", nil, err
	}
	run, _, e, err := rt.create(ctx, def, input, opts, nil)
	return run.ID, e, err
}

// create stores a run, claimed already where it can begin at once.
func (rt *Runtime) create(ctx context.Context, def *definition, input []byte, opts []StartOption, parent *execution) (Run, bool, *execution, error) {
	if rt.phase() >= phaseDraining {
		return Run{}, false, nil, ErrDraining
	}
	if err := ctx.Err(); err != nil {
		return Run{}, false, nil, context.Cause(ctx)
	}
	n, err := rt.newRun(ctx, def, input, opts)
	if err != nil {
		return Run{}, false, nil, err
	}
	if parent != nil {
		n.ParentID = parent.run.ID
		n.Trace = store.Trace{TraceID: parent.run.Trace.TraceID, ParentSpan: store.RunSpanID(parent.run.Trace, parent.run.ID), Sampled: parent.run.Trace.Sampled}
	}
	claimed := n.Queue == "" && !n.StartAt.After(n.CreatedAt) && rt.reserve()
	if claimed {
		n.ClaimFor = rt.cfg.Executor
	}
	// Not ended by ctx: who creates a claimed run must get it.
	run, created, err := rt.store.Create(context.WithoutCancel(ctx), n)
	if claimed && (err != nil || !created) {
		rt.unreserve(n.Queue)
	}
	switch {
	case err != nil:
		rt.noteFatal(err)
		return Run{}, false, nil, err
	case run.Workflow != def.name:
		return Run{}, false, nil, fmt.Errorf("%w: %s is a run of %s, not of %s", ErrExists, run.ID, run.Workflow, def.name)
	case created && claimed:
		return run, true, rt.launch(run), nil
	case n.DedupReject && run.ID != n.ID:
		return Run{}, false, nil, fmt.Errorf("%w: run %s has the key %q and has not ended", ErrExists, run.ID, n.Dedup)
	}
	return run, created, nil, nil
}

func (rt *Runtime) newRun(ctx context.Context, def *definition, input []byte, opts []StartOption) (store.NewRun, error) {
	c := startConfig{queue: def.queue}
	for _, o := range opts {
		o.applyStart(&c)
	}
	if err := c.validate(); err != nil {
		return store.NewRun{}, err
	}
	if c.queue != "" {
		if err := rt.reg.queue(c.queue); err != nil {
			return store.NewRun{}, err
		}
	}
	if len(input) > rt.cfg.MaxPayload {
		return store.NewRun{}, tooLarge("input", len(input), rt.cfg.MaxPayload)
	}
	if c.id == "" {
		c.id = uuid.Must(uuid.NewV7()).String()
	}
	messages, err := rt.startMessages(&c)
	if err != nil {
		return store.NewRun{}, err
	}
	at := now()
	if c.delay > 0 {
		c.at = at.Add(c.delay)
	}
	var latest time.Time // of a debounced run
	if c.key.debounce != "" {
		if c.at = at.Add(c.key.quiet); c.key.maxWait > 0 {
			latest = at.Add(c.key.maxWait)
		}
	}
	return store.NewRun{
		ID: c.id, Workflow: def.name, Queue: c.queue, Partition: c.part, Priority: c.priority, Labels: c.labels,
		Version: rt.cfg.Version, Input: input, Deadline: stored(c.deadline), StartAt: stored(c.at),
		CreatedAt: at, Trace: rt.newTrace(ctx), OnParentEnd: c.onParent, Pinned: rt.pins(def), Messages: messages,
		Dedup: c.key.dedup, DedupReject: c.key.policy == DedupReject, Debounce: c.key.debounce, DebounceUntil: stored(latest),
	}, nil
}

func stored(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Microsecond)
}

// newTrace continues the caller's trace or begins one.
func (rt *Runtime) newTrace(ctx context.Context) store.Trace {
	var t store.Trace
	var remote *bool
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		sampled := sc.IsSampled()
		t.TraceID, t.ParentSpan, remote = sc.TraceID(), sc.SpanID(), &sampled
	} else {
		rand.Read(t.TraceID[:])
	}
	t.Sampled = rt.cfg.Sample(t.TraceID, remote)
	return t
}
