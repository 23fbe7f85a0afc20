package api

import (
	"net/http"
	"strconv"
	"testing"
)

// FuzzCursor: whatever is taken for a cursor means one place, and every place has one.
func FuzzCursor(f *testing.F) {
	f.Add("djE6YQ", int64(1))
	f.Add("djE6", int64(1<<62))
	f.Add("djE6LTE", int64(-5))
	f.Add(" djE6YQ\n", int64(0))
	f.Add("djE6MUE", int64(46))
	f.Fuzz(func(t *testing.T, text string, seq int64) {
		if n, err := parseCursor(text); err == nil {
			if n <= 0 {
				t.Errorf("%q is %d", text, n)
			}
			if again, err := parseCursor(cursorOf(n)); err != nil || again != n {
				t.Errorf("%q is %d, and that again %d, %v", text, n, again, err)
			}
		}
		if got, err := parseCursor(cursorOf(seq)); seq > 0 && (err != nil || got != seq) || seq <= 0 && err == nil {
			t.Errorf("the cursor of %d is %d, %v", seq, got, err)
		}
	})
}

// FuzzLastEventID: a stream goes on with the item after.
func FuzzLastEventID(f *testing.F) {
	for _, id := range []string{"0", "", "-1", "+1", "9223372036854775807", "9223372036854775806", "1e3", "0x1", "1_000", " 1"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		r, err := http.NewRequest(http.MethodGet, "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header["Last-Event-Id"] = []string{id}
		n, err := offsetOf(r)
		if err != nil || id == "" {
			return
		}
		if last, err := strconv.ParseInt(id, 10, 64); err != nil || n != last+1 || n < 1 {
			t.Errorf("after %q comes %d", id, n)
		}
	})
}
