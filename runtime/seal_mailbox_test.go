package runtime_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store/sqlite"
)

// TestNoPlaintextOfTheMailboxIsStored: neither of messages, events, streams and
// updates, nor of the errors that updates are answered with.
func TestNoPlaintextOfTheMailboxIsStored(t *testing.T) {
	w := once(func(ctx context.Context) (string, error) {
		say := func(_ context.Context, fail bool) (string, error) {
			if fail {
				return "", errors.New("fails: " + secret)
			}
			return secret, nil
		}
		if err := runtime.OnUpdate(ctx, "say", say); err != nil {
			return "", err
		}
		picky := func(_ context.Context, in string) error { return errors.New("not " + in) }
		if err := runtime.OnUpdate(ctx, "never", func(context.Context, string) (int, error) { return 0, nil }, runtime.Validate(picky)); err != nil {
			return "", err
		}
		if err := runtime.SetEvent(ctx, "event", secret); err != nil {
			return "", err
		}
		if err := runtime.Write(ctx, "stream", secret); err != nil {
			return "", err
		}
		got, err := runtime.Receive[string](ctx, "topic", runtime.Forever)
		if err != nil {
			return "", err
		}
		place, _ := runtime.Current(ctx)
		inside, err := runtime.Update[string](ctx, place.RunID, "say", false)
		return got + inside, err
	})
	for name, hidden := range map[string]bool{"sealed": true, "plain": false} {
		t.Run(name, func(t *testing.T) {
			cfg := runtime.Config{Logger: quiet}
			if hidden {
				cfg.Codec = encrypted(t, key("k1", 1))
			}
			dir := t.TempDir()
			s, err := sqlite.Open(t.Context(), filepath.Join(dir, "a.db"), sqlite.Config{})
			if err != nil {
				t.Fatal(err)
			}
			r := serveOn(t, s, cfg, w)
			h, err := w.Start(r.ctx, struct{}{})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := runtime.GetEvent[string](r.ctx, h.ID(), "event", runtime.Forever); err != nil || got != secret {
				t.Errorf("event %q, %v", got, err)
			}
			if got, err := runtime.Update[string](r.ctx, h.ID(), "say", false); err != nil || got != secret {
				t.Errorf("update %q, %v", got, err)
			}
			if _, err := runtime.Update[string](r.ctx, h.ID(), "say", true); err == nil || !strings.HasSuffix(err.Error(), "fails: "+secret) {
				t.Errorf("update that fails: %v", err)
			}
			if _, err := runtime.Update[int](r.ctx, h.ID(), "never", secret); !errors.Is(err, runtime.ErrRejected) || !strings.HasSuffix(err.Error(), "not "+secret) {
				t.Errorf("update that is rejected: %v", err)
			}
			if _, err := r.SendUpdate(r.ctx, h.ID(), "other", []byte(`"`+secret+`"`)); err != nil {
				t.Error(err)
			}
			send(t, r.ctx, h.ID(), "topic", secret)
			if got, err := h.Result(r.ctx); err != nil || got != secret+secret {
				t.Errorf("result %q, %v", got, err)
			}
			if got, err := collect(r.ctx, h.ID(), "stream"); err != nil || len(got) != 1 || got[0] != secret {
				t.Errorf("stream %q, %v", got, err)
			}
			found := filesWith(t, dir, secret)
			r.stop()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if found += filesWith(t, dir, secret); (found == "") != hidden {
				t.Errorf("the secret is in %q", found)
			}
		})
	}
}
