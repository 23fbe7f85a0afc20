package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

// goldenMailbox uses what reaches a run and what it shows. It is never changed.
func goldenMailbox() (talker, writer *runtime.Workflow[string, []string]) {
	writer = runtime.Define("golden-writer", func(ctx context.Context, in string) ([]string, error) {
		if err := runtime.Write(ctx, "lines", in+" 1"); err != nil {
			return nil, err
		}
		if err := runtime.Sleep(ctx, time.Hour); err != nil {
			return nil, err
		}
		return nil, runtime.Write(ctx, "lines", in+" 2")
	})
	talker = runtime.Define("golden-talker", func(ctx context.Context, in string) (out []string, err error) {
		place, _ := runtime.Current(ctx)
		if err := runtime.Send(ctx, place.RunID, "self", in); err != nil {
			return nil, err
		}
		if err := runtime.Send(ctx, "nobody", "self", in); !errors.Is(err, runtime.ErrNotFound) {
			return nil, fmt.Errorf("sent to nobody: %w", err)
		}
		twice := func(_ context.Context, n int) (int, error) {
			if n == 0 {
				return 0, errors.New("nothing to double")
			}
			return 2 * n, nil
		}
		if err := runtime.OnUpdate(ctx, "twice", twice); err != nil {
			return nil, err
		}
		got, err := runtime.Receive[string](ctx, "self", runtime.Forever)
		if err != nil {
			return nil, err
		}
		out = append(out, got)
		if _, err := runtime.Receive[string](ctx, "self", time.Hour); !errors.Is(err, runtime.ErrTimeout) {
			return nil, fmt.Errorf("a second message: %w", err)
		}
		for n := range 2 {
			v, err := runtime.Update[int](ctx, place.RunID, "twice", n)
			out = append(out, fmt.Sprint(v, err != nil))
		}
		if err := runtime.SetEvent(ctx, "seen", got); err != nil {
			return nil, err
		}
		seen, err := runtime.GetEvent[string](ctx, place.RunID, "seen", time.Minute)
		if err != nil {
			return nil, err
		}
		out = append(out, seen)
		if _, err := runtime.GetEvent[string](ctx, place.RunID, "unseen", time.Minute); !errors.Is(err, runtime.ErrTimeout) {
			return nil, fmt.Errorf("an event that was not set: %w", err)
		}
		w, err := writer.Start(ctx, in)
		if err != nil {
			return nil, err
		}
		for line, err := range runtime.Read[string](ctx, w.ID(), "lines") {
			if err != nil {
				return nil, err
			}
			out = append(out, line)
		}
		return out, nil
	})
	return talker, writer
}
