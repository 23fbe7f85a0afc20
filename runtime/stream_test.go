package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// collect reads a stream to its end.
func collect(ctx context.Context, id, stream string, opts ...runtime.ReadOption) (out []string, err error) {
	for v, err := range runtime.Read[string](ctx, id, stream, opts...) {
		if err != nil {
			return out, err
		}
		out = append(out, v)
	}
	return out, nil
}

// streaming is a run that writes from its own code and from a step that fails
// once, and another that reads it.
func streaming() (writer *runtime.Workflow[struct{}, int], reader *runtime.Workflow[struct{}, string]) {
	writer = runtime.Define("writer", func(ctx context.Context, _ struct{}) (int, error) {
		for i := range 3 {
			if err := runtime.Write(ctx, "s", fmt.Sprint("w", i)); err != nil {
				return 0, err
			}
			if err := runtime.Sleep(ctx, time.Hour); err != nil {
				return 0, err
			}
		}
		return 0, nil
	})
	reader = runtime.Define("reader", func(ctx context.Context, _ struct{}) (string, error) {
		w, err := writer.Start(ctx, struct{}{})
		if err != nil {
			return "", err
		}
		var got []string
		for v, err := range runtime.Read[string](ctx, w.ID(), "s") {
			if err != nil {
				return "", err
			}
			got = append(got, v)
			if len(got) == 2 {
				break
			}
		}
		rest, err := collect(ctx, w.ID(), "s", runtime.From(2))
		if err != nil {
			return "", err
		}
		if _, err := collect(ctx, "nobody", "s"); !errors.Is(err, runtime.ErrNotFound) {
			return "", fmt.Errorf("want not found, got %w", err)
		}
		return fmt.Sprint(got, rest), nil
	})
	return writer, reader
}

func TestAStreamIsReadAsItIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := once(func(ctx context.Context) (int, error) {
			for i := range 3 {
				if err := runtime.Write(ctx, "s", fmt.Sprint("v", i)); err != nil {
					return 0, err
				}
				if err := runtime.Sleep(ctx, time.Hour); err != nil { // replayed: nothing comes twice
					return 0, err
				}
			}
			return runtime.Step(ctx, "step", func(ctx context.Context) (int, error) {
				p, _ := runtime.Current(ctx)
				if err := runtime.Write(ctx, "s", fmt.Sprint("attempt", p.Attempt)); err != nil {
					return 0, err
				}
				if p.Attempt == 1 {
					return 0, errors.New("once more")
				}
				return 1, nil
			}, runtime.Retry{Max: 2})
		})
		r := serveOn(t, openStore(t), runtime.Config{Logger: quiet, MaxPayload: 100}, w)
		h, err := w.Start(r.ctx, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		var at []time.Duration
		var got []string
		for v, err := range runtime.Read[string](r.ctx, h.ID(), "s") {
			if err != nil {
				t.Fatal(err)
			}
			got, at = append(got, v), append(at, time.Since(begin).Round(time.Hour))
		}
		if fmt.Sprint(got, at) != "[v0 v1 v2 attempt1 attempt2] [0s 1h0m0s 2h0m0s 3h0m0s 3h0m0s]" {
			t.Errorf("read %v at %v", got, at)
		}
		if rest, err := collect(r.ctx, h.ID(), "s", runtime.From(3)); err != nil || fmt.Sprint(rest) != "[attempt1 attempt2]" {
			t.Errorf("from 3: %v, %v", rest, err)
		}
		var attempts []int
		for it, err := range r.Stream(r.ctx, h.ID(), "s", runtime.From(2)) {
			if err != nil {
				t.Fatal(err)
			}
			attempts = append(attempts, it.Attempt)
		}
		if fmt.Sprint(attempts) != "[0 1 2]" {
			t.Errorf("written by attempts %v", attempts)
		}
		if rest, err := collect(r.ctx, h.ID(), "other"); err != nil || rest != nil {
			t.Errorf("a stream that was never written: %v, %v", rest, err)
		}
		for _, c := range []struct {
			id, stream string
			from       int64
			want       error
		}{{"nobody", "s", 0, runtime.ErrNotFound}, {h.ID(), "$s", 0, runtime.ErrInvalid}, {h.ID(), "s", -1, runtime.ErrInvalid}, {"bad id", "s", 0, runtime.ErrInvalid}} {
			if _, err := collect(r.ctx, c.id, c.stream, runtime.From(c.from)); !errors.Is(err, c.want) {
				t.Errorf("%+v: %v", c, err)
			}
		}
		if err := runtime.Write(r.ctx, "s", 1); !errors.Is(err, runtime.ErrNotInRun) {
			t.Errorf("write outside a run: %v", err)
		}
	})
}

func TestAnItemThatIsRefused(t *testing.T) {
	w := once(func(ctx context.Context) (string, error) {
		if err := runtime.Write(ctx, "s", 7); err != nil {
			return "", err
		}
		err := runtime.Write(ctx, "s", strings.Repeat("x", 400))
		if err == nil {
			return "", errors.New("it was written")
		}
		return err.Error(), runtime.Sleep(ctx, 0)
	})
	ctx := serve(t, runtime.Config{MaxPayload: 300}, w)
	h, err := w.Start(ctx, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := h.Result(ctx); err != nil || !strings.Contains(got, "402 bytes, at most 300") {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := collect(ctx, h.ID(), "s"); err == nil || !strings.Contains(err.Error(), `item 0 of stream "s" does not fit string`) {
		t.Errorf("an item of another type: %v", err)
	}
}

func TestTheEndOfTheContextEndsAReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := once(func(ctx context.Context) (int, error) { return 0, runtime.Sleep(ctx, time.Hour) })
		r := serveOn(t, openStore(t), runtime.Config{}, w)
		h, err := w.Start(r.ctx, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(r.ctx, time.Minute)
		defer cancel()
		if _, err := collect(ctx, h.ID(), "s"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestAReaderInARunLeavesMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		writer, reader := streaming()
		r := serveOn(t, openStore(t), runtime.Config{}, writer, reader)
		h, err := reader.Start(r.ctx, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		settle(t, r)
		if got, err := h.Result(r.ctx); err != nil || got != "[w0 w1] [w2]" {
			t.Fatalf("got %q, %v", got, err)
		}
	})
}

// TestCrashAmidAStream kills the process at each of its writes: nothing is
// missing, and nothing is read twice.
func TestCrashAmidAStream(t *testing.T) {
	eachCrash(t, func(t *testing.T, kill func(store.Store) *mortal) {
		writer, reader := streaming()
		crashTwice(t, kill, reader, struct{}{}, "[w0 w1] [w2]", writer, reader)
	})
}
