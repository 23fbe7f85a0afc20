package runtime_test

import (
	"context"
	"fmt"

	"github.com/stepwell/stepwell/runtime"
)

// event sets an event of the run, as often as is said, and reads the last value.
func (x *machine) event(ctx context.Context, o *op, key string) (string, error) {
	for i := range 1 + o.fails {
		if err := runtime.SetEvent(ctx, key, i); err != nil {
			return "", err
		}
	}
	place, _ := runtime.Current(ctx)
	got, err := runtime.GetEvent[int](ctx, place.RunID, key, o.d)
	if err != nil {
		return "", err
	}
	_, err = runtime.GetEvent[int](ctx, place.RunID, key+"-unset", o.d)
	return fmt.Sprint("event ", got, err), nil
}

// stream writes items and reads them, all but the first.
func (x *machine) stream(ctx context.Context, o *op, name string) (string, error) {
	for i := range 2 + o.fails {
		if err := runtime.Write(ctx, name, i); err != nil {
			return "", err
		}
	}
	place, _ := runtime.Current(ctx)
	var got []int
	for v, err := range runtime.Read[int](ctx, place.RunID, name, runtime.From(1)) {
		if err != nil {
			return "", err
		}
		if got = append(got, v); len(got) == 1+o.fails {
			break
		}
	}
	return fmt.Sprint("items ", got), nil
}

// ask has the run answer itself, by a step.
func (x *machine) ask(ctx context.Context, o *op, name string) (string, error) {
	answer := func(ctx context.Context, n int) (string, error) { return x.step(ctx, o, fmt.Sprint(name, "-", n)) }
	few := func(_ context.Context, n int) error {
		if n > 1 {
			return fmt.Errorf("%d is too many", n)
		}
		return nil
	}
	if err := runtime.OnUpdate(ctx, name, answer, runtime.Validate(few)); err != nil {
		return "", err
	}
	place, _ := runtime.Current(ctx)
	var got []string
	for n := range 3 {
		v, err := runtime.Update[string](ctx, place.RunID, name, n)
		if err != nil {
			v = err.Error()
		}
		got = append(got, v)
	}
	return fmt.Sprint("answers ", got), nil
}
