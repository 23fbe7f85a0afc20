package runtime_test

import (
	"context"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

// goldenChange is patched, in a branch too, and continues once.
func goldenChange() *runtime.Workflow[int, []string] {
	return runtime.Define("golden-change", func(ctx context.Context, round int) ([]string, error) {
		first, err := goldenStep(ctx, "first")
		if err != nil {
			return nil, err
		}
		out := []string{first}
		if runtime.Patched(ctx, "golden-patch") {
			out = append(out, "patched")
		}
		branch := runtime.Go(ctx, func(ctx context.Context) (string, error) {
			if !runtime.Patched(ctx, "golden-branch") {
				return "the old way", nil
			}
			return goldenStep(ctx, "in the branch")
		})
		if err := runtime.Sleep(ctx, time.Hour); err != nil {
			return nil, err
		}
		got, err := branch.Wait(ctx)
		if err != nil {
			return nil, err
		}
		last, err := goldenStep(ctx, "last")
		if err != nil || round > 0 {
			return append(out, got, last), err
		}
		return nil, runtime.ContinueAs(ctx, round+1)
	})
}

// goldenContinued ran to its end.
func goldenContinued(w *runtime.Workflow[int, []string]) func(context.Context) error {
	return func(ctx context.Context) error {
		h, err := w.Start(ctx, 0, runtime.ID("continued-1"))
		if err == nil {
			_, err = h.Result(ctx)
		}
		return err
	}
}

// goldenForked sleeps, with what was before copied.
func goldenForked(w *runtime.Workflow[int, []string]) func(context.Context) error {
	return func(ctx context.Context) error {
		h, err := w.Start(ctx, 0, runtime.ID("continued-2"))
		if err != nil {
			return err
		}
		if _, err := h.Result(ctx); err != nil {
			return err
		}
		_, err = runtime.Fork(ctx, "continued-2", "6", runtime.ID("forked-1"))
		time.Sleep(time.Minute)
		return err
	}
}
