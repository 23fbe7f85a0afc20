package runtime

import (
	"context"
	"errors"
	"fmt"

	"github.com/stepwell/stepwell/store"
)

// HistoryFormat is the version of the form in which histories are exported. It
// is raised when an older reader would misread a newer file; additions that can
// be passed over do not raise it.
const HistoryFormat = 1

// ErrHistoryFormat: what was read is no exported history, or one of a newer
// format than this version knows.
var ErrHistoryFormat = errors.New("not a history this version can read")

// History is a run with all that is recorded of it, exported: to look at, to
// keep as a test, to [Replay] against other code. It marshals to JSON:
//
//	{
//	  "stepwell_history": 1,
//	  "run": {"id": "order-1", "workflow": "checkout", "status": "waiting", "input": {…}, …},
//	  "steps": [
//	    {"path": "0", "attempt": 1, "kind": "step", "name": "charge", "status": "succeeded", "output": "pay-1", …},
//	    {"path": "1", "attempt": 0, "kind": "sleep", "status": "waiting", "wake_at": "2026-01-31T12:00:00.000000Z", …}
//	  ]
//	}
//
// The number is [HistoryFormat]. The run has the fields of the API's, and
// "stop" where it was asked to stop (cancelled or deadline), and "base", the
// index of its first call, where it went on with [ContinueAs]. The steps are the
// rows in the order of their commits, one for each attempt; attempt 0 opens a
// wait. Times are RFC 3339 in UTC with microseconds. A payload that is JSON
// stands there as it is; any other (a codec of the program's own wrote it) is
// in base64, under the name with "_base64" added. What is empty is left out.
type History struct {
	Run   Run
	Steps []store.Step
}

// ParseHistory reads an exported history from JSON. Errors: [ErrHistoryFormat].
func ParseHistory(data []byte) (*History, error) {
	h := &History{}
	if err := h.UnmarshalJSON(data); err != nil {
		return nil, err
	}
	return h, nil
}

// Export returns a run with its history, as of now. What was sealed is in the
// clear, where the keys are there. Errors: [ErrNotFound], [ErrInvalid].
func (rt *Runtime) Export(ctx context.Context, id string) (*History, error) {
	for {
		// The rows after the run: they may be newer than it, and never older.
		run, err := rt.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		rows, err := rt.store.Load(ctx, run.Seq)
		if err != nil {
			return nil, fmt.Errorf("export run %s: %w", id, err)
		}
		if now, err := rt.Get(ctx, id); err != nil {
			return nil, err
		} else if now.Base != run.Base {
			continue // it went on meanwhile: the rows are of the next history
		}
		run.Input, run.Output = rt.Reveal(run.Input), rt.Reveal(run.Output)
		for i := range rows {
			rows[i].Output = rt.Reveal(rows[i].Output)
		}
		return &History{run, rows}, nil
	}
}

// Export is [Runtime.Export] with the runtime that ctx carries.
func Export(ctx context.Context, id string) (*History, error) {
	rt, err := runtimeOf(ctx)
	if err != nil {
		return nil, err
	}
	return rt.Export(ctx, id)
}
