package runtime

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/stepwell/stepwell/store"
)

// childID follows from the parent and the place in it; a long one is hashed.
func childID(parent, path string) string {
	id := parent + ":" + path
	if ValidateID(id) == nil {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "child-" + hex.EncodeToString(sum[:16])
}

// unique names the run even among those that had its id and were deleted.
func (e *execution) unique() string { return e.run.ID + "@" + strconv.FormatInt(e.run.Seq, 36) }

// startChild starts a run from inside another. The id is fixed before the
// child is created, so a crash in between creates the same child again.
func (b *branch) startChild(ctx context.Context, def *definition, input []byte, opts []StartOption) (string, error) {
	if err := b.enter(); err != nil {
		return "", err
	}
	defer b.leave()
	path, p := b.past(store.KindChild, def.name)
	if p.final != nil {
		if p.final.Status == store.StepFailed {
			return "", stepError(def.name, p.final)
		}
		return p.final.ChildID, nil
	}
	if err := b.stopped(); err != nil {
		return "", err
	}
	def, err := b.e.rt.reg.own(def)
	if isUnregistered(err) {
		b.e.fail(err)
	}
	b.e.parent.Store(true)
	row := &store.Step{Path: path, Attempt: 1, Kind: store.KindChild, Name: def.name, Status: store.StepSucceeded, StartedAt: now()}
	id := childID(b.e.run.ID, path)
	var run Run
	if err == nil {
		run, err = b.createChild(ctx, def, input, path, id, opts)
	}
	if (err == nil || errors.Is(err, ErrExists)) && b.inherited(id, run) {
		id = childID(b.e.unique(), path)
		run, err = b.createChild(ctx, def, input, path, id, opts)
	}
	switch {
	case err == nil:
		row.ChildID = run.ID
	case errors.Is(err, ErrInvalid), errors.Is(err, ErrExists), errors.Is(err, ErrNotFound), errors.Is(err, ErrConflict):
		row.Status, row.Error = store.StepFailed, recorded(err)
	case err == ErrDraining:
		b.e.fail(errDraining)
	default:
		b.e.fail(err) // nothing that the workflow did wrong
	}
	row.EndedAt = now()
	b.record(row)
	if row.Error != nil {
		return "", stepError(def.name, row)
	}
	return run.ID, nil
}

func (b *branch) createChild(ctx context.Context, def *definition, input []byte, path, id string, opts []StartOption) (run Run, err error) {
	opts = append([]StartOption{ID(id), startFunc(func(c *startConfig) { c.sender = childID(b.e.unique(), path) })}, opts...)
	err = b.e.rt.persist(b.e.halting, func() (err error) {
		run, _, _, err = b.e.rt.create(context.WithoutCancel(ctx), def, input, opts, b.e)
		return err
	})
	return run, err
}

// inherited reports whether id is taken by the child of an earlier run that had
// our id and was deleted: it is older than we are. run is what the start gave,
// if it gave anything.
func (b *branch) inherited(id string, run Run) bool {
	if run.ID == "" {
		var err error
		if run, err = b.e.rt.store.Get(context.Background(), id); err != nil {
			return false
		}
	}
	return run.ID == id && run.Seq < b.e.run.Seq
}

// result waits for the end of another run and records what it gave. The end of
// a child is signalled by the store, so that the parent can leave memory.
func (b *branch) result(id string) ([]byte, error) {
	if err := b.enter(); err != nil {
		return nil, err
	}
	defer b.leave()
	path, p := b.past(store.KindResult, id)
	if p.final != nil {
		return settled("result of "+id, p.final)
	}
	opening := p.opening
	open := func() bool {
		if opening != nil {
			return false
		}
		opening = &store.Step{Path: path, Kind: store.KindResult, Name: id, Status: store.StepWaiting, StartedAt: now(), ChildID: id}
		b.record(opening)
		return true
	}
	begun := now()
	run, err := b.ended(id, open)
	row := &store.Step{Path: path, Attempt: 1, Kind: store.KindResult, Name: id, Status: store.StepSucceeded, StartedAt: begun, EndedAt: now(), ChildID: id}
	if opening != nil {
		row.StartedAt = opening.StartedAt
	}
	switch {
	case err == nil:
		if row.Output, err = runResult(&run); errors.Is(err, ErrSealed) {
			b.e.fail(fmt.Errorf("error of run %s: %w", id, err))
		}
	case !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrInvalid):
		return nil, err // the run was asked to stop
	}
	if err != nil {
		row.Status, row.Error = store.StepFailed, recorded(err)
	}
	b.record(row)
	return settled("result of "+id, row)
}

// ended returns the run once it has ended. open records what is waited for, and
// reports whether it did so just now.
func (b *branch) ended(id string, open func() bool) (Run, error) {
	e := b.e
	watching := false // the end of a stranger is signalled to who watches it
	for {
		if err := b.stopped(); err != nil {
			return Run{}, err
		}
		seen := e.signalled()
		news, forget := e.rt.ends.watch(id)
		run, err := e.rt.Get(context.Background(), id)
		if err != nil || run.Status.Ended() {
			forget()
			if err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrInvalid) {
				e.fail(err)
			}
			return run, err
		}
		if run.ParentID == e.run.ID {
			e.waitEnd(news, forget, open)
			continue
		}
		forget()
		open()
		if !watching {
			b.watch(id, "", nil)
			watching = true
			continue // it may have ended before we watched
		}
		e.waitSignal(seen)
		watching = false // the watch may be used up
	}
}

// waitEnd waits for the end of a child. The store signals an end to a parent
// whose history says that it waits for it, so an end that came before that was
// recorded has to be looked for once more.
func (e *execution) waitEnd(news <-chan struct{}, forget func(), open func() bool) {
	defer forget()
	if !open() {
		e.wait(&waiter{news: news}, nil)
	}
}
