package app

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// TestBulkMeansTheSameRuns: a duration before now becomes a time once, since each
// piece of the change is a request of its own.
func TestBulkMeansTheSameRuns(t *testing.T) {
	f := pflag.NewFlagSet("cancel", pflag.ContinueOnError)
	addFilterFlags(f)
	if err := f.Parse([]string{"--since", "90m", "--until", "2026-01-31T12:00:00Z", "--status", "failed,stuck"}); err != nil {
		t.Fatal(err)
	}
	body, err := bulkBody(f, time.Date(2026, 1, 31, 13, 0, 0, 0, time.FixedZone("", 3600)))
	want := map[string]any{"since": "2026-01-31T10:30:00Z", "until": "2026-01-31T12:00:00Z", "status": []string{"failed", "stuck"}}
	if d := cmp.Diff(want, body); err != nil || d != "" {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
}
