package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/stepwell/stepwell/store"
)

// Replay runs the present code of a workflow over the recorded history of a
// run, to find out whether it still fits: nil when it does, else an error that
// matches [ErrNondeterministic] and names the path, with what the history has
// there and what the code came with. Nothing happens but the workflow function
// itself: no step is executed, nothing is started, stored or waited for. Where
// the history ends the replay ends, and that is a success. A run that had
// succeeded or failed must do so again when the function returns, and with the
// same output.
//
// ctx ends the replay of a function that waits for something else. defs are
// those given to [New]; the run's workflow must be among them.
// Other errors: [ErrNotFound] for an unknown workflow.
func Replay(ctx context.Context, h *History, defs ...Definition) error {
	return ReplayWith(ctx, Config{}, h, defs...)
}

// ReplayWith is [Replay] with the Codec of cfg; nothing else of it counts.
func ReplayWith(ctx context.Context, cfg Config, h *History, defs ...Definition) error {
	reg, err := newRegistry(defs)
	if err != nil {
		return err
	}
	return replay(ctx, cfg, reg, h)
}

func replay(ctx context.Context, cfg Config, reg *registry, h *History) error {
	cfg.Logger = slog.New(slog.DiscardHandler)
	cfg.Committed, cfg.Sample, cfg.PinVersion = nil, nil, false
	rt, err := newRuntime(&pastStore{h: h}, cfg)
	if err != nil {
		return err
	}
	rt.reg = reg
	def, err := reg.workflow(h.Run.Workflow)
	if err != nil {
		return fmt.Errorf("replay run %s: %w", h.Run.ID, err)
	}
	run := h.Run
	run.Epoch = 2 // not fresh: it has a history
	e := newExecution(rt, run, def)
	e.replay = &replaying{}
	rt.held++
	defer rt.cut(errReplayed)
	go e.begin() // ended by the halt
	select {
	case <-e.done:
	case <-ctx.Done():
		e.haltWith(errReplayed)
		return fmt.Errorf("replay run %s: %w", run.ID, context.Cause(ctx))
	}
	if o := e.replay.outcome; o != nil {
		o.Output, run.Output = rt.Reveal(o.Output), rt.Reveal(run.Output)
	}
	return e.replay.verdict(&run)
}

// errReplayed: all branches came to the end of the history.
var errReplayed = errors.New("the history ends here")

// replaying is what becomes of an execution that only replays.
type replaying struct {
	outcome *store.Outcome // when the function returned
	halt    error
}

// verdict is nil when code and history fit.
func (r *replaying) verdict(run *Run) error {
	fail := func(f *store.Failure) error {
		return fmt.Errorf("replay run %s of %s: %w", run.ID, run.Workflow, (*mismatchError)(f))
	}
	o := r.outcome
	switch {
	case o != nil && o.Status == store.Stuck:
		return fail(o.Error)
	case o == nil && r.halt != errReplayed && r.halt != nil:
		return fail(recorded(r.halt))
	case o == nil || run.Stop != store.StopNone:
		return nil
	case run.Status != store.Succeeded && run.Status != store.Failed:
		return nil // the function may end here: it was under way
	case o.Status != run.Status:
		err := fmt.Errorf("%w: at its end the history has %s, the code came with %s", ErrNondeterministic, run.Status, o.Status)
		if o.Error != nil {
			err = fmt.Errorf("%w: %s", err, o.Error.Message)
		}
		return fail(recorded(err))
	case o.Status == store.Succeeded && string(join(o.Output, nil)) != string(join(run.Output, nil)):
		return fail(recorded(fmt.Errorf("%w: at its end the history has output %s, the code came with %s", ErrNondeterministic,
			clip(string(run.Output), 200), clip(string(o.Output), 200))))
	}
	return nil
}

// mismatchError is a failure with its code.
type mismatchError store.Failure

func (e *mismatchError) Error() string        { return e.Message }
func (e *mismatchError) Is(target error) bool { return codeMatches(e.Code, target) }

// replayed ends the branch in a replay: what comes next is not in the history.
// Once all branches are there, the execution is over. Outside a replay it does
// nothing.
func (e *execution) replayed() {
	if e.replay != nil {
		e.wait(&waiter{}, nil)
	}
}

// pastStore knows one run, and nothing can be written to it.
type pastStore struct {
	store.Store // nil: what is not below is not asked for in a replay
	h           *History
}

var errPast = fmt.Errorf("%w: this is a replay", store.ErrClosed)

func (s *pastStore) Load(context.Context, int64) ([]store.Step, error) { return s.h.Steps, nil }

func (s *pastStore) Get(_ context.Context, id string) (store.Run, error) {
	if id != s.h.Run.ID {
		return store.Run{}, fmt.Errorf("run %q: %w", id, store.ErrNotFound)
	}
	return s.h.Run, nil
}

func (s *pastStore) List(context.Context, store.Filter) ([]store.Run, error) { return nil, errPast }
func (s *pastStore) Stats(context.Context) (store.Stats, error)              { return store.Stats{}, errPast }
func (s *pastStore) Subscribe(func([]store.Event))                           {}
func (s *pastStore) Health() store.Health                                    { return store.Health{} }

func (s *pastStore) Create(context.Context, store.NewRun) (store.Run, bool, error) {
	return store.Run{}, false, errPast
}

func (s *pastStore) Stop(context.Context, string, store.StopCause, time.Time) (store.Run, error) {
	return store.Run{}, errPast
}

func (s *pastStore) Resume(context.Context, string, time.Time) (store.Run, error) {
	return store.Run{}, errPast
}

func (s *pastStore) Record(context.Context, store.Claim, *store.Step) error { return errPast }
