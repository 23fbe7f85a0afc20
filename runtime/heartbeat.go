package runtime

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/stepwell/stepwell/store"
)

// beatEvery bounds how often a step's heartbeats are written.
const beatEvery = time.Second

// Heartbeat says that the step is alive and how far it has come. The next
// attempt, after a failure or a crash, gets the details from [LastHeartbeat].
//
// A beat is durable on return when it is the attempt's first or comes a second
// or more after the last that was written. Of those in between the newest is
// written when that second is over, or when the attempt fails: call it as often
// as you like, a crash costs the last second of them. While the store has no
// room it is tried again each second.
//
// It returns the cause once the attempt's context has ended, so that a loop can
// end by it. Outside a step it returns [ErrNotInRun]. Safe for concurrent use.
func Heartbeat(ctx context.Context, details any) error {
	a := attemptOf(ctx)
	if a == nil {
		return fmt.Errorf("heartbeat outside a step: %w", ErrNotInRun)
	}
	if a.kind == store.KindTx {
		return fmt.Errorf("%w: heartbeat in a Tx step: it would wait for the transaction", ErrInvalid)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	cfg := &a.run.rt.cfg
	data, err := cfg.Codec.Encode(details)
	if err != nil {
		return fmt.Errorf("encode heartbeat: %w", err)
	}
	if len(data) > cfg.MaxPayload {
		return tooLarge("heartbeat", len(data), cfg.MaxPayload)
	}
	return a.beating().beat(data)
}

// LastHeartbeat returns the details of the step's last heartbeat: before the
// attempt has one of its own, those of an attempt before it, in this process or
// one that died. It reports false when there was none; a fork has none of the
// run it comes from. Outside a step it returns [ErrNotInRun].
func LastHeartbeat[T any](ctx context.Context) (details T, found bool, err error) {
	a := attemptOf(ctx)
	if a == nil {
		return details, false, fmt.Errorf("last heartbeat outside a step: %w", ErrNotInRun)
	}
	data, found, err := a.lastBeat(ctx)
	if err != nil || !found {
		return details, false, err
	}
	if err := a.run.rt.cfg.Codec.Decode(data, &details); err != nil {
		return details, false, fmt.Errorf("decode heartbeat: %w", err)
	}
	return details, true, nil
}

type heartbeatTimeout time.Duration

// HeartbeatTimeout ends the context of an attempt, with [ErrHeartbeat] as its
// cause, when for d neither the attempt has begun nor [Heartbeat] was called.
// Like after a [Timeout] the attempt is over when the function returns, and its
// [Retry] decides whether another follows.
func HeartbeatTimeout(d time.Duration) StepOption { return heartbeatTimeout(d) }

func (h heartbeatTimeout) applyStep(c *stepConfig) {
	if h <= 0 {
		c.err = fmt.Errorf("%w: HeartbeatTimeout(%v): want more than 0", ErrInvalid, time.Duration(h))
	}
	c.heartbeat = time.Duration(h)
}

// heart holds the heartbeats of a step, over its attempts in this process.
type heart struct {
	run  *execution
	path string

	mu     sync.Mutex
	number int // of the attempt under way; 0: none is
	last   []byte
	beaten bool // last is one
	stored bool // and is written
	wrote  time.Time
	later  *time.Timer // writes last when its second is over
	limit  time.Duration
	silent *time.Timer // ends the attempt
}

// beating returns the heart of the step, which most steps never need.
func (a *attempt) beating() *heart {
	if h := a.heart.Load(); h != nil {
		return h
	}
	a.heart.CompareAndSwap(nil, &heart{run: a.run, path: a.path, number: a.number})
	return a.heart.Load()
}

func (a *attempt) lastBeat(ctx context.Context) ([]byte, bool, error) {
	if h := a.heart.Load(); h != nil {
		if data, ok := h.latest(); ok {
			return data, true, nil
		}
	}
	if a.run.run.Fresh() {
		return nil, false, nil // all there ever was is in memory
	}
	b, found, err := a.run.rt.store.LastBeat(ctx, a.run.run.Seq, a.path)
	return b.Details, found, err
}

func (h *heart) latest() ([]byte, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last, h.beaten
}

// begin is called at the start of each further attempt.
func (h *heart) begin(number int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.number = number
}

// watch has the attempt end when it is silent for as long as limit.
func (h *heart) watch(limit time.Duration, end context.CancelCauseFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.limit = limit
	h.silent = time.AfterFunc(limit, func() { end(ErrHeartbeat) })
}

func (h *heart) beat(data []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.number == 0 {
		return fmt.Errorf("%w: heartbeat of an attempt that is over", ErrInvalid)
	}
	h.last, h.beaten, h.stored = data, true, false
	if h.silent != nil {
		h.silent.Reset(h.limit)
	}
	if wait := time.Until(h.wrote.Add(beatEvery)); wait > 0 {
		h.writeLaterLocked(wait)
		return nil
	}
	return h.writeLocked()
}

func (h *heart) writeLaterLocked(wait time.Duration) {
	if h.later == nil {
		h.later = time.AfterFunc(wait, func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.later = nil
			if h.number != 0 && !h.stored {
				h.writeLocked() // whoever beats next, or records, sees the error
			}
		})
	}
}

// writeLocked stores the last beat. Others wait meanwhile; they would write no
// earlier.
func (h *heart) writeLocked() error {
	beat := &store.Heartbeat{Path: h.path, Attempt: h.number, At: now(), Details: h.last}
	err := h.run.rt.store.Beat(context.Background(), h.run.claim, beat)
	h.wrote = time.Now()
	switch {
	case err == nil:
		h.stored = true
		return nil
	case errors.Is(err, store.ErrFull), errors.Is(err, store.ErrOverloaded):
		h.writeLaterLocked(beatEvery)
		return nil
	}
	h.run.rt.noteFatal(err)
	return err
}

// end is called when an attempt is over. What it beat last is for the next one.
func (h *heart) end(failed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.silent != nil {
		h.silent.Stop()
		h.silent = nil
	}
	if failed && h.beaten && !h.stored {
		h.writeLocked()
	}
	if h.later != nil {
		h.later.Stop()
		h.later = nil
	}
	h.number = 0
	h.wrote = time.Time{} // the first of an attempt is written at once
}
