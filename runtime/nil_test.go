package runtime_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stepwell/stepwell/runtime"
)

// TestDefinitionsThatAreMissing: each is named, instead of a crash later.
func TestDefinitionsThatAreMissing(t *testing.T) {
	s := openStore(t)
	w := once(func(context.Context) (int, error) { return 1, nil })
	var none *runtime.Workflow[struct{}, int]
	for want, d := range map[string]runtime.Definition{
		"definition 2 is nil":                        nil,
		"definition 2 is nil (workflow)":             none,
		"definition 2 is nil (queue)":                (*runtime.Queue)(nil),
		"definition 2 is nil (schedule)":             (*runtime.Schedule)(nil),
		"a workflow that Define has not made":        &runtime.Workflow[struct{}, int]{},
		"a queue that NewQueue has not made":         &runtime.Queue{},
		`schedule "nightly": its workflow is nil`:    runtime.Cron("nightly", "@daily", none),
		"Setup has no function: fn is nil":           runtime.Setup(nil),
		"middleware wraps nothing: want Run or Step": runtime.Middleware{},
	} {
		want, _, _ = strings.Cut(want, " (")
		_, err := runtime.New(s, runtime.Config{Logger: quiet}, w, d)
		if !errors.Is(err, runtime.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v; want %s", err, want)
		}
	}
	for want, fn := range map[string]func(){
		"workflow w has no function: fn is nil": func() { runtime.Define[int, int]("w", nil) },
		"OnQueue has no queue: q is nil":        func() { runtime.OnQueue(nil) },
	} {
		func() {
			defer func() {
				if p := fmt.Sprint(recover()); !strings.Contains(p, want) {
					t.Errorf("it panicked with %s; want %s", p, want)
				}
			}()
			fn()
		}()
	}
}

// TestASetupThatPanics ends Run with an error, and nothing of it is written.
func TestASetupThatPanics(t *testing.T) {
	s := openStore(t)
	var log bytes.Buffer
	rt, err := runtime.New(s, runtime.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, ledger, runtime.Setup(func(ctx context.Context, tx *sql.Tx) error {
		if _, err := enter(ctx, tx, "lost"); err != nil {
			return err
		}
		var none *runtime.Queue
		return errors.New(none.Name())
	}))
	if err != nil {
		t.Fatal(err)
	}
	if err := rt.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "setup: panic: runtime error: invalid memory address") {
		t.Errorf("got %v", err)
	}
	if got := log.String(); !strings.Contains(got, "nil_test.go") {
		t.Errorf("the log does not say where: %s", got)
	}
	if got := entries(t, s); got != "" {
		t.Errorf("the ledger has %s", got)
	}
}
