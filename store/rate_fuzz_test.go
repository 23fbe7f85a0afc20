package store_test

import (
	"testing"

	"github.com/stepwell/stepwell/store"
)

// FuzzRate: a rate that can be read is allowed, and is read again from what it writes.
func FuzzRate(f *testing.F) {
	for _, s := range []string{"", "100/1m", "100/1m+20", "1/8760h", "1000000/1ms+1000000", "-1/1s", "+3/+1s", "1/1h0m0s+1", "1/.5s", "0/0s", "1/1m+", "1/1m+0", "3/90s", "1/100m", "1/60h0m0s", "9999999999/1s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := store.ParseRate(text)
		if err != nil {
			return
		}
		if err := r.Validate(); err != nil {
			t.Errorf("%q is read and not allowed: %v", text, err)
		}
		if again, err := store.ParseRate(r.String()); err != nil || again != r {
			t.Errorf("%q is %+v, written %q, read again %+v, %v", text, r, r, again, err)
		}
	})
}
