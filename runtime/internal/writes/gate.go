package writes

import (
	"context"
	"time"

	"github.com/stepwell/stepwell/store"
)

// gate has every write go through one function; reads pass it by.
type gate struct {
	store.Store
	through func(row *store.Step, write func() error) error
}

// Through returns a store that calls each with every write to s, and with the
// row of history that the write commits, if it does. Reads go to s itself. It
// leaves out [store.Transactor], in which a program's own code runs.
func Through(s store.Store, each func(row *store.Step, write func() error) error) store.Store {
	return &gate{s, each}
}

func (g *gate) Record(ctx context.Context, c store.Claim, row *store.Step) error {
	return g.through(row, func() error { return g.Store.Record(ctx, c, row) })
}

func (g *gate) Create(ctx context.Context, n store.NewRun) (run store.Run, created bool, err error) {
	err = g.through(nil, func() (err error) { run, created, err = g.Store.Create(ctx, n); return err })
	return run, created, err
}

func (g *gate) Claim(ctx context.Context, req store.ClaimRequest) (runs []store.Run, err error) {
	err = g.through(nil, func() (err error) { runs, err = g.Store.Claim(ctx, req); return err })
	return runs, err
}

func (g *gate) Suspend(ctx context.Context, c store.Claim, s store.Suspension) error {
	return g.through(nil, func() error { return g.Store.Suspend(ctx, c, s) })
}

func (g *gate) Finish(ctx context.Context, c store.Claim, o store.Outcome) (status store.Status, err error) {
	err = g.through(nil, func() (err error) { status, err = g.Store.Finish(ctx, c, o); return err })
	return status, err
}

func (g *gate) Release(ctx context.Context, c []store.Claim, now time.Time) error {
	return g.through(nil, func() error { return g.Store.Release(ctx, c, now) })
}

func (g *gate) Stop(ctx context.Context, id string, cause store.StopCause, now time.Time) (run store.Run, err error) {
	err = g.through(nil, func() (err error) { run, err = g.Store.Stop(ctx, id, cause, now); return err })
	return run, err
}

func (g *gate) Resume(ctx context.Context, id string, now time.Time) (run store.Run, err error) {
	err = g.through(nil, func() (err error) { run, err = g.Store.Resume(ctx, id, now); return err })
	return run, err
}

func (g *gate) Due(ctx context.Context, now time.Time, limit int) (moved int, next time.Time, err error) {
	err = g.through(nil, func() (err error) { moved, next, err = g.Store.Due(ctx, now, limit); return err })
	return moved, next, err
}

func (g *gate) Recover(ctx context.Context, now time.Time, most int) (rec store.Recovery, err error) {
	err = g.through(nil, func() (err error) { rec, err = g.Store.Recover(ctx, now, most); return err })
	return rec, err
}

func (g *gate) Delete(ctx context.Context, id string) error {
	return g.through(nil, func() error { return g.Store.Delete(ctx, id) })
}

func (g *gate) Sweep(ctx context.Context, limit int) (more bool, err error) {
	err = g.through(nil, func() (err error) { more, err = g.Store.Sweep(ctx, limit); return err })
	return more, err
}

func (g *gate) SetMark(ctx context.Context, name string, value []byte) error {
	return g.through(nil, func() error { return g.Store.SetMark(ctx, name, value) })
}

func (g *gate) Beat(ctx context.Context, c store.Claim, h *store.Heartbeat) error {
	return g.through(nil, func() error { return g.Store.Beat(ctx, c, h) })
}

func (g *gate) Send(ctx context.Context, msg store.Message) (sent bool, err error) {
	err = g.through(nil, func() (err error) { sent, err = g.Store.Send(ctx, msg); return err })
	return sent, err
}

func (g *gate) Take(ctx context.Context, c store.Claim, topic string, row *store.Step) (msg store.Message, found bool, err error) {
	err = g.through(row, func() (err error) { msg, found, err = g.Store.Take(ctx, c, topic, row); return err })
	return msg, found, err
}

func (g *gate) Dismiss(ctx context.Context, c store.Claim, msg store.Message, key string, v store.EventValue) error {
	return g.through(nil, func() error { return g.Store.Dismiss(ctx, c, msg, key, v) })
}

func (g *gate) SetEvent(ctx context.Context, c store.Claim, key string, value []byte, row *store.Step) error {
	return g.through(row, func() error { return g.Store.SetEvent(ctx, c, key, value, row) })
}

func (g *gate) Watch(ctx context.Context, c store.Claim, id, key string, row *store.Step) error {
	return g.through(row, func() error { return g.Store.Watch(ctx, c, id, key, row) })
}

func (g *gate) Append(ctx context.Context, c store.Claim, it store.Item, row *store.Step) error {
	return g.through(row, func() error { return g.Store.Append(ctx, c, it, row) })
}

func (g *gate) Continue(ctx context.Context, claim store.Claim, c store.Continuation) (done store.Continued, err error) {
	err = g.through(nil, func() (err error) { done, err = g.Store.Continue(ctx, claim, c); return err })
	return done, err
}

func (g *gate) SetAside(ctx context.Context, claim store.Claim) error {
	return g.through(nil, func() error { return g.Store.SetAside(ctx, claim) })
}

func (g *gate) Admit(ctx context.Context, version string, now time.Time, limit int) (n int, err error) {
	err = g.through(nil, func() (err error) { n, err = g.Store.Admit(ctx, version, now, limit); return err })
	return n, err
}

func (g *gate) SetVersion(ctx context.Context, id, version string, now time.Time) (run store.Run, err error) {
	err = g.through(nil, func() (err error) { run, err = g.Store.SetVersion(ctx, id, version, now); return err })
	return run, err
}

func (g *gate) Fork(ctx context.Context, f store.Fork) (run store.Run, created bool, err error) {
	err = g.through(nil, func() (err error) { run, created, err = g.Store.Fork(ctx, f); return err })
	return run, created, err
}

func (g *gate) SetQueue(ctx context.Context, s store.QueueSettings) error {
	return g.through(nil, func() error { return g.Store.SetQueue(ctx, s) })
}

func (g *gate) Advance(ctx context.Context, s store.Schedule, runs []store.NewRun) (a store.Advance, err error) {
	err = g.through(nil, func() (err error) { a, err = g.Store.Advance(ctx, s, runs); return err })
	return a, err
}

func (g *gate) Expire(ctx context.Context, e store.Expiry) (res store.Expired, err error) {
	err = g.through(nil, func() (err error) { res, err = g.Store.Expire(ctx, e); return err })
	return res, err
}

func (g *gate) Shrink(ctx context.Context) (more bool, err error) {
	err = g.through(nil, func() (err error) { more, err = g.Store.Shrink(ctx); return err })
	return more, err
}
