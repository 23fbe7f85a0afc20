package telemetry

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWarningsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		log := slog.New(newLimited(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
		for range 150 { // 2.5 minutes
			log.Warn("down")
			log.With("a", 1).WithGroup("g").Error("down too") // shares the limit
			log.Info("up")
			log.Debug("of no interest")
			time.Sleep(time.Second)
		}
		got := out.String()
		for text, want := range map[string]int{
			"msg=down ": 2, "msg=down\n": 1, `"down too"`: 0, "msg=up": 150, "interest": 0, "suppressed=119": 2,
		} {
			if n := strings.Count(got, text); n != want {
				t.Errorf("%q stands there %d times, want %d", text, n, want)
			}
		}
	})
}
