package workload

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

// Delays is three steps that each wait a random time, as calls to something
// slow would.
var Delays = runtime.Define("delays", delays)

// DelaysInput bounds the waits.
type DelaysInput struct {
	// MinSeconds is the shortest wait; 0: 1 s, or MaxSeconds where that is less.
	MinSeconds float64 `json:"min_s,omitzero" jsonschema:"the shortest wait in seconds; 0: 1 s"`
	// MaxSeconds is the longest wait, at most an hour; 0: 5 s, or MinSeconds
	// where that is more.
	MaxSeconds float64 `json:"max_s,omitzero" jsonschema:"the longest wait in seconds, at most 3600; 0: 5 s"`
}

// DelaysOutput says how long each step waited.
type DelaysOutput struct {
	WaitedSeconds []float64 `json:"waited_s"`
}

// UnmarshalJSON also checks the values, so that a bad input is refused when
// the run is started.
func (in *DelaysInput) UnmarshalJSON(data []byte) error {
	type plain DelaysInput
	if err := decode(data, (*plain)(in)); err != nil {
		return err
	}
	_, err := in.complete()
	return err
}

func (in DelaysInput) complete() (DelaysInput, error) {
	const longest = 3600
	if in.MinSeconds < 0 || in.MaxSeconds < 0 || in.MinSeconds > longest || in.MaxSeconds > longest {
		return in, fmt.Errorf("min_s is %v and max_s %v: want 0 to %d", in.MinSeconds, in.MaxSeconds, longest)
	}
	switch {
	case in.MinSeconds == 0 && in.MaxSeconds == 0:
		in.MinSeconds, in.MaxSeconds = 1, 5
	case in.MinSeconds == 0:
		in.MinSeconds = min(1, in.MaxSeconds)
	case in.MaxSeconds == 0:
		in.MaxSeconds = max(5, in.MinSeconds)
	}
	if in.MinSeconds > in.MaxSeconds {
		return in, fmt.Errorf("min_s is %v, more than max_s, %v", in.MinSeconds, in.MaxSeconds)
	}
	return in, nil
}

func delays(ctx context.Context, in DelaysInput) (DelaysOutput, error) {
	var out DelaysOutput
	in, err := in.complete()
	if err != nil {
		return out, err
	}
	for i := range 3 {
		waited, err := runtime.Step(ctx, fmt.Sprintf("wait %d", i+1), func(ctx context.Context) (float64, error) {
			s := in.MinSeconds + rand.Float64()*(in.MaxSeconds-in.MinSeconds)
			return s, wait(ctx, time.Duration(s*float64(time.Second)))
		})
		if err != nil {
			return out, err
		}
		out.WaitedSeconds = append(out.WaitedSeconds, waited)
	}
	return out, nil
}

// wait waits d, or until ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
