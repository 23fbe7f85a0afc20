package sqlite

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stepwell/stepwell/store"
)

// row is a result row as the driver gives it: int64, string, []byte or nil.
// NULL reads as the zero value.
type row []driver.Value

func (r row) int(i int) int64      { v, _ := r[i].(int64); return v }
func (r row) text(i int) string    { v, _ := r[i].(string); return v }
func (r row) time(i int) time.Time { return fromMicros(r.int(i)) }

func (r row) blob(i int) []byte {
	v, ok := r[i].([]byte)
	if ok && v == nil {
		return []byte{} // how the driver gives an empty one
	}
	return v
}

func (r row) failure(i int) (*store.Failure, error) {
	s := r.text(i)
	if s == "" {
		return nil, nil
	}
	f := new(store.Failure)
	if err := json.Unmarshal([]byte(s), f); err != nil {
		return nil, fmt.Errorf("%w: recorded error: %w", store.ErrCorrupt, err)
	}
	return f, nil
}

// Times are stored as microseconds since 1970, UTC; none as NULL.

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// blob keeps nil apart from empty: a run without output has none.
func blob(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

func failure(f *store.Failure) any {
	if f == nil {
		return nil
	}
	b, err := json.Marshal(f)
	if err != nil {
		panic(err) // a struct of strings
	}
	return string(b)
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// earliest returns the earlier of two times, where zero means never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
