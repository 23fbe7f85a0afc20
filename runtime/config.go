package runtime

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"
)

// Config has useful zero values.
type Config struct {
	// Executor names this process; default: host name and a random part.
	Executor string
	// Version is recorded with the runs started here.
	Version string
	// PinVersion pins the runs of all workflows, as [Pinned] does.
	PinVersion bool
	// Codec for inputs, outputs and step results; default [JSON]. One that is a
	// [Sealer] hides the texts of errors as well.
	Codec Codec
	// Unsealed lets a Codec that is no [Sealer] go on with a store which one has
	// written to. Set it where encryption was turned off on purpose: what is
	// written from then on is plain, and a run that needs a sealed value is
	// parked as stuck. Without it [New] refuses, for keys are forgotten more often.
	Unsealed bool
	// Logger; default slog.Default().
	Logger *slog.Logger
	// MaxLoaded bounds the runs in memory; further ones stay queued in the
	// store. Default 10,000.
	MaxLoaded int
	// MaxPayload bounds each stored value, in bytes. Default 4 MiB.
	MaxPayload int
	// MaxRecoveries is how often a run may be recovered in a row, without a
	// step recorded in between, before it is parked as stuck. A process that
	// dies takes innocent runs along, which must not be parked for it, so the
	// default is high: 100.
	MaxRecoveries int
	// Drain is the time running steps get to end when Run stops; after it
	// their contexts are cancelled. Default 10 s; negative: none.
	Drain time.Duration
	// UnloadAfter is how long a run in which everything waits stays in memory.
	// Default 100 ms.
	UnloadAfter time.Duration
	// ComputeThreads for Compute steps; 0: as many as cores, negative: they
	// run like any other step.
	ComputeThreads int
	// Sample decides whether a new run is traced. remote is the caller's
	// decision when it came with one. Default: never.
	Sample func(traceID [16]byte, remote *bool) bool
	// Retention is how long runs are kept after their end. Default: for ever.
	Retention Retention
	// KeepUnsent has Retention wait until the spans of a traced run were sent.
	// Set it where they are being sent, or they wait for ever.
	KeepUnsent bool
	// Committed is called after each commit that concerns a run. It must not
	// block.
	Committed func()
}

func (c Config) withDefaults() (Config, error) {
	var errs []error
	atLeast := func(name string, v *int, def, low int) {
		if *v == 0 {
			*v = def
		}
		if *v < low {
			errs = append(errs, fmt.Errorf("%s is %d: want at least %d", name, *v, low))
		}
	}
	atLeast("MaxLoaded", &c.MaxLoaded, 10_000, 1)
	atLeast("MaxPayload", &c.MaxPayload, 4<<20, 1)
	atLeast("MaxRecoveries", &c.MaxRecoveries, 100, 1)
	if c.Drain == 0 {
		c.Drain = 10 * time.Second
	}
	if c.UnloadAfter == 0 {
		c.UnloadAfter = 100 * time.Millisecond
	}
	if c.UnloadAfter < 0 {
		errs = append(errs, fmt.Errorf("UnloadAfter is %v: want more than 0", c.UnloadAfter))
	}
	if err := c.Retention.check(); err != nil {
		errs = append(errs, err)
	}
	if c.Codec == nil {
		c.Codec = JSON{}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Sample == nil {
		c.Sample = func([16]byte, *bool) bool { return false }
	}
	if c.Committed == nil {
		c.Committed = func() {}
	}
	if c.Executor == "" {
		c.Executor = defaultExecutor()
	}
	return c, errors.Join(errs...)
}

func defaultExecutor() string {
	host, err := os.Hostname()
	if err != nil {
		host = "executor"
	}
	b := make([]byte, 4)
	rand.Read(b)
	return host + "-" + hex.EncodeToString(b)
}
