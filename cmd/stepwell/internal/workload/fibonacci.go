package workload

import (
	"context"
	"fmt"

	"github.com/stepwell/stepwell/runtime"
)

// Fibonacci is three steps that each compute a Fibonacci number the slow way.
var Fibonacci = runtime.Define("fibonacci", fibonacci)

// maxN keeps the longest step (n+2) in the order of ten seconds.
const maxN = 45

// FibonacciInput says how hard the steps work.
type FibonacciInput struct {
	// N is the number the first step computes; the next two compute the ones
	// after it. From 1 to 45; 0: 39, which is one to two seconds of CPU in all.
	// Each one more takes 1.6 times as long.
	N int `json:"n,omitzero" jsonschema:"which number the first step computes, from 1 to 45; 0: 39, one to two seconds of CPU in all"`
}

// FibonacciOutput holds what was computed.
type FibonacciOutput struct {
	Terms []Term `json:"terms"`
}

// Term is one Fibonacci number.
type Term struct {
	N     int   `json:"n"`
	Value int64 `json:"value"`
}

// UnmarshalJSON also checks the values, so that a bad input is refused when
// the run is started.
func (in *FibonacciInput) UnmarshalJSON(data []byte) error {
	type plain FibonacciInput
	if err := decode(data, (*plain)(in)); err != nil {
		return err
	}
	_, err := in.complete()
	return err
}

func (in FibonacciInput) complete() (FibonacciInput, error) {
	if in.N == 0 {
		in.N = 39
	}
	if in.N < 1 || in.N > maxN {
		return in, fmt.Errorf("n is %d: want 1 to %d", in.N, maxN)
	}
	return in, nil
}

func fibonacci(ctx context.Context, in FibonacciInput) (FibonacciOutput, error) {
	var out FibonacciOutput
	in, err := in.complete()
	if err != nil {
		return out, err
	}
	for n := in.N; n < in.N+3; n++ {
		v, err := runtime.Step(ctx, fmt.Sprintf("fib %d", n), func(ctx context.Context) (int64, error) {
			v := fib(ctx, n)
			return v, ctx.Err()
		}, runtime.Compute())
		if err != nil {
			return out, err
		}
		out.Terms = append(out.Terms, Term{n, v})
	}
	return out, nil
}

// fib takes time in proportion to its result. It looks at ctx rarely enough
// to cost nothing and often enough to end within a few milliseconds of it.
func fib(ctx context.Context, n int) int64 {
	if n <= 30 {
		return plainFib(n)
	}
	if ctx.Err() != nil {
		return 0
	}
	return fib(ctx, n-1) + fib(ctx, n-2)
}

func plainFib(n int) int64 {
	if n < 2 {
		return int64(n)
	}
	return plainFib(n-1) + plainFib(n-2)
}
