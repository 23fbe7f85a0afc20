package runtime

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/stepwell/stepwell/store"
)

var (
	// ErrNotFound: no such run, workflow, queue or schedule.
	ErrNotFound = store.ErrNotFound
	// ErrExists: the id is taken by a run of another workflow, or the key of a
	// start by a run that has not ended.
	ErrExists = errors.New("run exists")
	// ErrConflict: the call does not fit the state of the run.
	ErrConflict = store.ErrConflict
	// ErrCancelled: the run was cancelled.
	ErrCancelled = errors.New("run was cancelled")
	// ErrDeadline: the run passed its deadline.
	ErrDeadline = errors.New("run passed its deadline")
	// ErrTimeout: the time allowed for one attempt, or one wait, is over.
	ErrTimeout = store.ErrTimeout
	// ErrCompensation: the run failed, and so did a compensation; see
	// [Compensate].
	ErrCompensation = errors.New("compensation failed")
	// ErrHeartbeat: the step gave no sign of life for too long; see
	// [HeartbeatTimeout].
	ErrHeartbeat = errors.New("no heartbeat")
	// ErrNotInRun: the call works only inside a run.
	ErrNotInRun = errors.New("not in a run")
	// ErrNoRuntime: the context carries no runtime; see [Runtime.Context].
	ErrNoRuntime = errors.New("context carries no runtime")
	// ErrNondeterministic: the code no longer matches the history of the run.
	ErrNondeterministic = errors.New("code does not match the history")
	// ErrBranchBusy: two goroutines used one branch of a run at once. Use Go
	// or Map for concurrency inside a run.
	ErrBranchBusy = errors.New("another goroutine is using this branch of the run; use runtime.Go or runtime.Map")
	// ErrOverloaded: too much is waiting; nothing was started. Try later.
	ErrOverloaded = store.ErrOverloaded
	// ErrDraining: the runtime is shutting down and starts nothing new.
	ErrDraining = errors.New("runtime is draining")
	// ErrInvalid: an argument is not allowed; the text says what is.
	ErrInvalid = errors.New("invalid argument")
	// ErrTooLarge: a value is larger than [Config.MaxPayload]. It matches
	// ErrInvalid as well.
	ErrTooLarge = errors.New("too large")
	// ErrStuck: the run waits for a person.
	ErrStuck = errors.New("run is stuck")
)

// StepError is the failure of a step, as recorded: what a workflow sees of it
// live and in replay alike. errors.Is finds the sentinels of [RegisterError].
type StepError struct {
	Step     string // name
	Path     string
	Attempts int
	Code     string // of a registered error, or empty
	Message  string
	Stack    string // of a panic
}

func (e *StepError) Error() string {
	return fmt.Sprintf("step %q failed at attempt %d: %s", e.Step, e.Attempts, e.Message)
}

// Is reports whether the recorded code stands for target.
func (e *StepError) Is(target error) bool { return codeMatches(e.Code, target) }

// RunError is the failure of a run, as recorded.
type RunError struct {
	RunID    string
	Workflow string
	Status   store.Status
	Code     string
	Message  string
}

func (e *RunError) Error() string {
	return fmt.Sprintf("run %s of %s %s: %s", e.RunID, e.Workflow, e.Status, e.Message)
}

// Is reports whether the recorded code stands for target.
func (e *RunError) Is(target error) bool {
	return codeMatches(e.Code, target) || target == ErrStuck && e.Status == store.Stuck
}

// registered maps codes to sentinels: those of this package and the program's.
var registered = struct {
	sync.RWMutex
	byCode map[string]error
	order  []string
}{byCode: map[string]error{}}

func init() {
	RegisterError(store.CodeCancelled, ErrCancelled)
	RegisterError(store.CodeDeadline, ErrDeadline)
	RegisterError(store.CodeCompensation, ErrCompensation)
	RegisterError(store.CodeTimeout, ErrTimeout)
	RegisterError(store.CodeHeartbeat, ErrHeartbeat)
	RegisterError(store.CodeNondeterministic, ErrNondeterministic)
	RegisterError("context_canceled", context.Canceled)
	RegisterError("context_deadline", context.DeadlineExceeded)
	RegisterError("run_not_found", ErrNotFound)
	RegisterError("run_exists", ErrExists)
	RegisterError("continued", ErrContinued)
	RegisterError("sealed", ErrSealed)
	RegisterError("run_conflict", ErrConflict)
	RegisterError("workflow_unregistered", errUnregistered)
}

// RegisterError keeps errors.Is working on recorded errors: a step's error
// that matches sentinel is recorded under code, and what is read back matches
// sentinel again. Call it during initialisation, with codes that stay the same
// for as long as histories live. It panics when the code is taken by another
// sentinel or either is missing.
func RegisterError(code string, sentinel error) {
	if code == "" || sentinel == nil {
		panic("runtime: RegisterError needs a code and an error")
	}
	registered.Lock()
	defer registered.Unlock()
	if old, ok := registered.byCode[code]; ok {
		if old != sentinel {
			panic(fmt.Sprintf("runtime: error code %q is taken by %q", code, old))
		}
		return
	}
	registered.byCode[code] = sentinel
	registered.order = append(registered.order, code)
}

func codeMatches(code string, target error) bool {
	if code == "" {
		return false
	}
	registered.RLock()
	defer registered.RUnlock()
	return registered.byCode[code] == target
}

// codeOf finds the code under which err is recorded. Later registrations win:
// the program's own are more telling than this package's.
func codeOf(err error) string {
	registered.RLock()
	defer registered.RUnlock()
	for i := len(registered.order) - 1; i >= 0; i-- {
		if code := registered.order[i]; errors.Is(err, registered.byCode[code]) {
			return code
		}
	}
	return ""
}

// Permanent marks an error as not worth another attempt. A nil error stays nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

func isPermanent(err error) bool {
	_, ok := errors.AsType[*permanentError](err)
	return ok
}
