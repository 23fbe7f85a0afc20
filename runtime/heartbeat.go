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
	// writing is held by whoever writes a beat, which may wait for the store: a
	// channel, since with a mutex the time of a test would stand still meanwhile.
	writing chan struct{}

	mu     sync.Mutex
	number int // of the attempt under way; 0: none is
	last   []byte
	beaten bool // last is one
	stored bool // and is written
	wrote  time.Time
	later  *time.Timer // writes last when its second is over
	limit  time.Duration
	silent *time.Timer // ends the attempt
	calls  int         // of Heartbeat under way: the attempt is not silent
}

// beating returns the heart of the step, which most steps never need.
func (a *attempt) beating() *heart {
	if h := a.heart.Load(); h != nil {
		return h
	}
	a.heart.CompareAndSwap(nil, &heart{run: a.run, path: a.path, number: a.number, writing: make(chan struct{}, 1)})
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
	wait, err := h.enter(data)
	defer h.leave()
	if err != nil || wait > 0 {
		return err
	}
	return h.write()
}

// enter notes a beat, and returns in how much time it is to be written.
func (h *heart) enter(data []byte) (wait time.Duration, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.calls++; h.silent != nil {
		h.silent.Stop()
	}
	if h.number == 0 {
		return 0, fmt.Errorf("%w: heartbeat of an attempt that is over", ErrInvalid)
	}
	h.last, h.beaten, h.stored = data, true, false
	if wait = time.Until(h.wrote.Add(beatEvery)); wait > 0 {
		h.writeLaterLocked(wait)
	}
	return wait, nil
}

func (h *heart) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.calls--; h.calls == 0 && h.silent != nil {
		h.silent.Reset(h.limit)
	}
}

func (h *heart) writeLaterLocked(wait time.Duration) {
	if h.later == nil {
		h.later = time.AfterFunc(wait, func() {
			h.mu.Lock()
			h.later = nil
			h.mu.Unlock()
			h.write() // whoever beats next, or records, sees the error
		})
	}
}

// write stores the last beat, unless another call has just done so.
func (h *heart) write() error {
	h.writing <- struct{}{}
	defer func() { <-h.writing }()
	h.mu.Lock()
	number := h.number
	due := number != 0 && !h.stored
	if wait := time.Until(h.wrote.Add(beatEvery)); due && wait > 0 { // another call was faster
		h.writeLaterLocked(wait)
		due = false
	}
	h.mu.Unlock()
	if !due {
		return nil
	}
	return h.store(number)
}

// store writes the last beat, as one of the attempt. writing is held.
func (h *heart) store(number int) error {
	h.mu.Lock()
	beat := &store.Heartbeat{Path: h.path, Attempt: number, At: now(), Details: h.last}
	h.stored = true // unless it fails, or another comes meanwhile
	h.mu.Unlock()
	err := h.run.rt.store.Beat(context.Background(), h.run.claim, beat)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wrote = time.Now()
	if err == nil {
		return nil
	}
	h.stored = false
	if errors.Is(err, store.ErrFull) || errors.Is(err, store.ErrOverloaded) {
		if h.number != 0 {
			h.writeLaterLocked(beatEvery)
		}
		return nil
	}
	h.run.rt.noteFatal(err)
	return err
}

// end is called when an attempt is over. What it beat last is for the next one.
func (h *heart) end(failed bool) {
	h.mu.Lock()
	number := h.number
	h.number = 0 // a beat that comes now belongs to no attempt
	if h.silent != nil {
		h.silent.Stop()
		h.silent = nil
	}
	if h.later != nil {
		h.later.Stop()
		h.later = nil
	}
	h.mu.Unlock()
	h.writing <- struct{}{} // none is written after the attempt's row
	defer func() { <-h.writing }()
	h.mu.Lock()
	due := failed && h.beaten && !h.stored
	h.mu.Unlock()
	if due {
		h.store(number)
	}
	h.mu.Lock()
	h.wrote = time.Time{} // the first of an attempt is written at once
	h.mu.Unlock()
}
