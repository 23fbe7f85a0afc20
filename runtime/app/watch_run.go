package app

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/stepwell/stepwell/runtime/app/internal/term"
	"github.com/stepwell/stepwell/store"
)

// runChange is news of a run: one of these, or that all steps are void.
type runChange struct {
	run, step json.RawMessage
	reset     bool
	lost      string // the connection is, and why
	ended     bool
}

// watchRun shows a run until it has ended, or Ctrl-C: on a terminal in its
// place, elsewhere a line for each change.
func (r *request) watchRun(id string, all bool) error {
	defer r.interruptible()()
	data, err := r.call(r.ctx, http.MethodGet, runPath(id), nil, nil)
	if err != nil {
		return err
	}
	v := &liveRun{request: r, all: all}
	if err := r.decode(data, &v.run); err != nil {
		return err
	}
	if r.out.Terminal && !r.asJSON {
		err = v.onScreen(id)
	} else {
		err = v.inLines(id)
	}
	if r.ctx.Err() != nil {
		return nil // Ctrl-C: that is how it ends
	}
	return err
}

// lostChange is news of the connection; nil: there is one.
func lostChange(err error) runChange {
	if err == nil {
		return runChange{}
	}
	return runChange{lost: oneLine(err)}
}

// liveRun is a run as its changes tell it.
type liveRun struct {
	*request
	all   bool
	run   runView
	steps []stepView // in the order of their paths
	note  string     // of the connection
}

// apply takes a change in.
func (v *liveRun) apply(c runChange) error {
	if v.note = c.lost; v.note != "" {
		v.note += "; trying again"
	}
	switch {
	case c.run != nil:
		v.run = runView{}
		return v.decode(c.run, &v.run)
	case c.reset:
		v.steps = nil
	case c.step != nil:
		var s stepView
		if err := v.decode(c.step, &s); err != nil {
			return err
		}
		at, found := slices.BinarySearchFunc(v.steps, s, func(a, b stepView) int { return store.ComparePaths(a.Path, b.Path) })
		if found {
			v.steps[at] = s
		} else {
			v.steps = slices.Insert(v.steps, at, s)
		}
	}
	return nil
}

// changes follows the run, by its events or, where the server has none, by
// asking again and again. It ends with the end of the run, which is told, or an
// error.
func (v *liveRun) changes(ctx context.Context, id string, tell func(runChange)) error {
	heard := false
	for e, err := range v.events(ctx, runPath(id, "watch"), nil, func(err error) { tell(lostChange(err)) }) {
		if p, ok := asProblem(err); ok && !heard && p.status == http.StatusNotFound {
			return v.poll(ctx, id, tell)
		}
		if err != nil {
			return err
		}
		heard = true
		switch e.name {
		case "run":
			tell(runChange{run: e.data})
		case "step":
			tell(runChange{step: e.data})
		case "reset":
			tell(runChange{reset: true})
		case "end":
			tell(runChange{ended: true})
			return nil
		}
	}
	return nil
}

// poll is changes for a server without events.
func (v *liveRun) poll(ctx context.Context, id string, tell func(runChange)) error {
	var last []byte
	known := map[string]string{}
	for {
		data, err := v.call(ctx, http.MethodGet, runPath(id), nil, nil)
		if err != nil {
			return err
		}
		steps, err := v.call(ctx, http.MethodGet, runPath(id, "steps"), nil, nil)
		if err != nil {
			return err
		}
		var list struct{ Steps []json.RawMessage }
		if err := v.decode(steps, &list); err != nil {
			return err
		}
		for _, raw := range list.Steps {
			var s struct{ Path string }
			if err := v.decode(raw, &s); err != nil {
				return err
			}
			if known[s.Path] != string(raw) {
				known[s.Path] = string(raw)
				tell(runChange{step: raw})
			}
		}
		if !reflect.DeepEqual(last, data) {
			last = data
			tell(runChange{run: data})
		}
		var run runView
		if err := v.decode(data, &run); err != nil {
			return err
		}
		if run.ended() {
			tell(runChange{ended: true})
			return nil
		}
		select {
		case <-time.After(drawEvery):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// inLines prints the changes.
func (v *liveRun) inLines(id string) error {
	var failed error
	ctx, cancel := context.WithCancel(v.ctx)
	defer cancel()
	err := v.changes(ctx, id, func(c runChange) {
		if failed != nil {
			return
		}
		if failed = v.change(c); failed != nil {
			cancel()
		}
	})
	if failed != nil {
		return failed
	}
	return err
}

// change prints one.
func (v *liveRun) change(c runChange) error {
	if err := v.apply(c); err != nil {
		return err
	}
	at := time.Now().Format(time.TimeOnly)
	switch {
	case c.lost != "":
		v.lost(errors.New(c.lost))
	case c.run != nil:
		line := at + "  run   " + v.run.Status
		if v.run.Error != nil {
			line += ": " + v.run.Error.String()
		}
		return v.say(tagged("run", c.run), term.Clean(line))
	case c.step != nil:
		var s stepView
		if err := v.decode(c.step, &s); err != nil {
			return err
		}
		words := []string{at, "", "step ", s.Path, s.Kind, s.Name, s.Status}
		if s.Kind == "step" {
			words = slices.Delete(words, 4, 5)
		}
		line := strings.Join(words, " ")
		if s.Error != nil {
			line += ": " + s.Error.String()
		}
		return v.say(tagged("step", c.step), term.Inert(line))
	}
	return nil
}

// tagged says what a change is of.
func tagged(name string, v json.RawMessage) json.RawMessage {
	text, err := json.Marshal(map[string]json.RawMessage{name: v})
	if err != nil {
		return v // it came as JSON
	}
	return text
}
