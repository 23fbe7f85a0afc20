package runtime_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

// TestStepsUnderASealingCodec: heartbeats, transactions and compensations work
// under it, and leave no plain text.
func TestStepsUnderASealingCodec(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const plain = "plain text"
		s, tries := openStore(t), 0
		w := once(func(ctx context.Context) (string, error) {
			if err := runtime.Compensate(ctx, "undo", func(context.Context) error {
				if tries++; tries < 2 {
					return errors.New(plain)
				}
				return nil
			}, runtime.Retry{Initial: time.Hour}); err != nil { // long enough to leave memory
				return "", err
			}
			got, err := runtime.Tx(ctx, "enter", func(ctx context.Context, tx *sql.Tx) (string, error) {
				_, err := enter(ctx, tx, "ada")
				return plain, err
			})
			if err != nil || got != plain {
				return "", fmt.Errorf("got %s, %w", got, err)
			}
			return runtime.Step(ctx, "long", func(ctx context.Context) (string, error) {
				if last, again, err := runtime.LastHeartbeat[string](ctx); again || err != nil {
					return "", errors.Join(err, runtime.Permanent(errors.New(last+"!")))
				}
				err := runtime.Heartbeat(ctx, plain)
				if h, found, _ := s.LastBeat(ctx, 1, "1"); !found || strings.Contains(string(h.Details), plain) {
					t.Errorf("the heartbeat is stored as %s", h.Details)
				}
				return "", errors.Join(err, errors.New("once more"))
			}, runtime.Retry{Initial: time.Hour})
		})
		r := serveOn(t, s, runtime.Config{Logger: quiet, Codec: encrypted(t, key("k", 1))}, w, ledger)
		_, err := w.Call(r.ctx, struct{}{}, runtime.ID("one"))
		if err == nil || !strings.Contains(err.Error(), plain+"!") {
			t.Errorf("got %v", err)
		}
		rows, err := s.Load(context.Background(), 1)
		if err != nil || len(rows) != 6 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		for _, row := range rows {
			if strings.Contains(string(row.Output), plain) || row.Error != nil && strings.Contains(fmt.Sprint(*row.Error), plain) {
				t.Errorf("%s %s is stored as %s %+v", row.Kind, row.Path, row.Output, row.Error)
			}
		}
	})
}
