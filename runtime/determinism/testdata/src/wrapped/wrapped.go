// Package wrapped hands functions to steps by way of functions of its own.
package wrapped

import (
	"context"
	"elsewhere"
	"slices"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

func step[T any](ctx context.Context, name string, fn func(context.Context) (T, error)) (T, error) {
	return runtime.Step(ctx, name, fn, runtime.Retry{Max: 5})
}

func logged[T any](ctx context.Context, name string, fn func(context.Context) (T, error)) (T, error) {
	return step(ctx, name, func(ctx context.Context) (T, error) {
		defer func(t time.Time) { println(time.Since(t)) }(time.Now())
		return fn(ctx)
	})
}

func direct[T any](ctx context.Context, fn func(context.Context) (T, error)) (T, error) {
	return fn(ctx)
}

func handedOn[T any](ctx context.Context, fn func(context.Context) (T, error)) (T, error) {
	return direct(ctx, fn)
}

type saga struct{ undo []func(context.Context) error }

func (s *saga) add(fn func(context.Context) error) { s.undo = append(s.undo, fn) }

var W = runtime.Define("w", func(ctx context.Context, ns []int) (time.Time, error) {
	var s saga
	s.add(func(context.Context) error { time.Sleep(time.Second); return nil })
	if _, err := step(ctx, "a", func(context.Context) (time.Time, error) { return time.Now(), nil }); err != nil {
		return time.Time{}, err
	}
	if _, err := logged(ctx, "b", func(context.Context) (time.Time, error) { return time.Now(), nil }); err != nil {
		return time.Time{}, err
	}
	slices.SortFunc(ns, func(a, b int) int {
		return time.Now().Hour() // want `time.Now gives another time`
	})
	elsewhere.Each(3, func(int) {
		time.Sleep(time.Second) // want `time.Sleep waits again`
	})
	// What it does with a function that takes a context is unknown: it may be a step.
	if err := elsewhere.Retrying(ctx, func(context.Context) error { time.Sleep(time.Second); return nil }); err != nil {
		return time.Time{}, err
	}
	_, err := direct(ctx, func(context.Context) (time.Time, error) {
		return time.Now(), nil // want `time.Now gives another time`
	})
	if err != nil {
		return time.Time{}, err
	}
	return handedOn(ctx, func(context.Context) (time.Time, error) {
		return time.Now(), nil // want `time.Now gives another time`
	})
})

// define makes a workflow of what it is handed.
func define(name string, fn func(context.Context) (int, error), plain func() error) *runtime.Workflow[int, int] {
	if plain() != nil {
		return nil
	}
	return runtime.Define(name, func(ctx context.Context, _ int) (int, error) { return fn(ctx) })
}

var D = define("d", func(ctx context.Context) (int, error) {
	return time.Now().Hour(), nil // want `time.Now gives another time`
}, func() error { time.Sleep(time.Second); return nil })

func named(name string, fn func(context.Context, int) (int, error)) *runtime.Workflow[int, int] {
	return runtime.Define(name, fn)
}

var N = named("n", func(ctx context.Context, _ int) (int, error) {
	return time.Now().Hour(), nil // want `time.Now gives another time`
})
