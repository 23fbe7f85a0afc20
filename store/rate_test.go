package store_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stepwell/stepwell/store"
)

// TestRateIsNeverPassed takes whatever there is at random moments: in no time
// of length Per more than Limit+Burst-1 begin, and nothing that was due is lost.
func TestRateIsNeverPassed(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 1))
	for _, r := range []store.Rate{{Limit: 1, Per: time.Second}, {Limit: 3, Per: time.Second}, {Limit: 7, Per: time.Minute, Burst: 5}, {Limit: 1000, Per: time.Second, Burst: 50}} {
		now := time.Unix(1_772_000_000, 0)
		var begun []time.Time
		bucket := int64(0)
		for range 3000 {
			if n := r.Tokens(bucket, now); n > 0 {
				n = 1 + rnd.IntN(n)
				bucket = r.Take(bucket, now, n)
				for range n {
					begun = append(begun, now)
				}
			} else if next := r.Next(bucket); r.Tokens(bucket, next) < 1 || r.Tokens(bucket, next.Add(-2*time.Microsecond)) > 0 {
				t.Fatalf("%v: at %v the next token is said to be due at %v, and is not", r, now, next)
			}
			now = now.Add(time.Duration(rnd.Int64N(int64(r.Per) / int64(r.Limit))))
		}
		most := r.Limit + max(r.Burst, 1) - 1
		for i := most; i < len(begun); i++ {
			if d := begun[i].Sub(begun[i-most]); d < r.Per {
				t.Fatalf("%v: %d began within %v", r, most+1, d)
			}
		}
		if spent := now.Sub(begun[0]); len(begun) < int(int64(spent)*int64(r.Limit)/int64(r.Per)/4) {
			t.Errorf("%v: only %d began in %v", r, len(begun), spent)
		}
	}
}

// TestRateBucket: a bucket fills to its burst, empties, and a clock set back
// does not close it for longer than it takes to fill.
func TestRateBucket(t *testing.T) {
	r := store.Rate{Limit: 10, Per: time.Second, Burst: 3}
	now := time.Unix(1_772_000_000, 0)
	if n := r.Tokens(0, now); n != 3 {
		t.Fatalf("a bucket never touched holds %d, want 3", n)
	}
	b := r.Take(0, now, 3)
	if n := r.Tokens(b, now); n != 0 {
		t.Errorf("an empty bucket holds %d", n)
	}
	if next := r.Next(b); !next.Equal(now.Add(100 * time.Millisecond)) {
		t.Errorf("the next is due after %v, want 100ms", next.Sub(now))
	}
	if n := r.Tokens(b, now.Add(250*time.Millisecond)); n != 2 {
		t.Errorf("after 250 ms it holds %d, want 2", n)
	}
	if n := r.Tokens(b, now.Add(time.Hour)); n != 3 {
		t.Errorf("after an hour it holds %d, want 3", n)
	}
	back := now.Add(-24 * time.Hour)
	if next := r.Next(r.Settle(b, back)); next.After(back.Add(100 * time.Millisecond)) {
		t.Errorf("with the clock set back by a day the next is due after %v", next.Sub(back))
	}
}

func TestRateText(t *testing.T) {
	for _, s := range []string{"", "10/1s", "100/1m", "100/1m+20", "5/1h30m", "7/24h", "3/1m30s"} {
		r, err := store.ParseRate(s)
		if err != nil || r.String() != s {
			t.Errorf("%q: read as %q, %v", s, r, err)
		}
	}
	for _, s := range []string{"10", "x/1s", "10/s", "0/1s", "-1/1s", "10/0s", "10/1s+0", "10/1s+x", "10/9000h", "0/0s", "1/8760h+2", "9000000/1s"} {
		if r, err := store.ParseRate(s); err == nil {
			t.Errorf("%q: read as %+v", s, r)
		}
	}
}
