// Package chance throws dice.
package chance

import (
	"context"
	crand "crypto/rand"
	mrand "math/rand"
	"math/rand/v2"

	"github.com/google/uuid"
	"github.com/stepwell/stepwell/runtime"
)

var Dice = runtime.Define("dice", func(ctx context.Context, seed uint64) (int, error) {
	n := rand.IntN(6) // want `rand.IntN gives something else in each replay; use runtime.Step`
	buf := make([]byte, 8)
	if _, err := crand.Read(buf); err != nil { // want `rand.Read gives something else in each replay; use runtime.NewID for an id, runtime.Step for anything else`
		return 0, err
	}
	_ = crand.Reader            // want `rand.Reader gives something else`
	id := uuid.NewString()      // want `uuid.NewString gives something else in each replay; use runtime.NewID, which is recorded`
	_ = uuid.Must(uuid.NewV7()) // want `uuid.NewV7 gives something else`
	_ = uuid.NewSHA1(uuid.UUID{}, buf)
	if _, err := uuid.Parse(id); err != nil {
		return 0, err
	}
	// With a seed of its own it throws the same dice again.
	r := rand.New(rand.NewPCG(seed, seed))
	n += r.IntN(6)
	return runtime.Step(ctx, "throw", func(context.Context) (int, error) {
		_ = uuid.New()
		return n + rand.IntN(6), nil
	})
})

func old(ctx context.Context, seed int64) (int, error) {
	n := mrand.Intn(6) // want `rand.Intn gives something else`
	return n + mrand.New(mrand.NewSource(seed)).Intn(6), nil
}

var _ = runtime.Define("old", old)
