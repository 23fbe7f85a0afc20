// Package runtime has the signatures of the engine's calls that concern the
// analyser, those that are about to come among them.
package runtime

import (
	"context"
	"database/sql"
	"time"
)

type UpdateOption[Req any] func()

func Validate[Req any](fn func(context.Context, Req) error) UpdateOption[Req] { return nil }

type (
	Workflow[In, Out any] struct{}
	Future[T any]         struct{}
	Schedule              struct{}
	Retry                 struct {
		Max int
		If  func(error) bool
	}
	StepOption interface{}
)

func Define[In, Out any](name string, fn func(context.Context, In) (Out, error), opts ...any) *Workflow[In, Out] {
	return nil
}
func Cron[In, Out any](name, spec string, w *Workflow[In, Out], opts ...any) *Schedule {
	return nil
}
func Step[T any](ctx context.Context, name string, fn func(context.Context) (T, error), opts ...StepOption) (out T, err error) {
	return
}
func Tx[T any](ctx context.Context, name string, fn func(context.Context, *sql.Tx) (T, error), opts ...StepOption) (out T, err error) {
	return
}
func Compensate(ctx context.Context, name string, fn func(context.Context) error, opts ...StepOption) error {
	return nil
}
func Go[T any](ctx context.Context, fn func(context.Context) (T, error)) *Future[T] { return nil }
func Map[In, Out any](ctx context.Context, items []In, limit int, fn func(context.Context, In) (Out, error)) ([]Out, error) {
	return nil, nil
}
func OnUpdate[Req, Resp any](ctx context.Context, name string, fn func(context.Context, Req) (Resp, error), opts ...UpdateOption[Req]) error {
	return nil
}
func (f *Future[T]) Wait(ctx context.Context) (out T, err error)                       { return }
func Sleep(ctx context.Context, d time.Duration) error                                 { return nil }
func Now(ctx context.Context) (t time.Time, err error)                                 { return }
func NewID(ctx context.Context) (string, error)                                        { return "", nil }
func Send(ctx context.Context, id, topic string, v any) error                          { return nil }
func Receive[T any](ctx context.Context, topic string, d time.Duration) (v T, e error) { return }
func ContinueAs(ctx context.Context, in any) error                                     { return nil }
func (w *Workflow[In, Out]) Call(ctx context.Context, in In) (out Out, err error)      { return }
