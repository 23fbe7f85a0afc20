// Demo is a program as a user would write it, for the tests of package app.
package main

import (
	"context"
	"errors"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/app"
)

type input struct {
	For   string `json:"for"`   // how long the step takes
	Until string `json:"until"` // or: how long it takes at least, whatever the context says
	Fail  bool   `json:"fail"`
}

func main() {
	app.Main(
		runtime.Define("echo", func(_ context.Context, in any) (any, error) { return in, nil }),
		runtime.Define("work", work),
		runtime.NewQueue("slow", runtime.QueueConfig{Concurrency: 1}),
	)
}

func work(ctx context.Context, in input) (string, error) {
	d, err := time.ParseDuration(in.For + "0s")
	if err != nil {
		return "", err
	}
	return runtime.Step(ctx, "work", func(ctx context.Context) (string, error) {
		if in.Fail {
			return "", errors.New("told to fail")
		}
		select {
		case <-time.After(d):
			return "done", nil
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	})
}
