package app

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

// shortestRetention keeps a slip of the pen from deleting all at once.
const shortestRetention = time.Second

// setRetention reads how long runs are kept: one duration for all, or one for
// each way to end.
func setRetention(c *config, v string) error {
	if !strings.Contains(v, "=") {
		d, err := parseKeep(v)
		c.retention = runtime.Retention{Succeeded: d, Failed: d, Cancelled: d}
		return err
	}
	c.retention = runtime.Retention{}
	fields := map[string]*time.Duration{
		"succeeded": &c.retention.Succeeded, "failed": &c.retention.Failed, "cancelled": &c.retention.Cancelled,
	}
	for part := range strings.SplitSeq(v, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		to, ok := fields[name]
		if !ok {
			return fmt.Errorf("%q is no way to end, or given twice: want succeeded, failed or cancelled, each once, such as succeeded=7d,failed=30d", name)
		}
		delete(fields, name)
		var err error
		if *to, err = parseKeep(value); err != nil {
			return err
		}
	}
	return nil
}

// parseKeep reads a duration in Go's form or in days; zero means for ever.
func parseKeep(v string) (time.Duration, error) {
	if v == "forever" {
		return 0, nil
	}
	d, err := time.ParseDuration(v)
	if days, ok := strings.CutSuffix(v, "d"); ok {
		var n int
		n, err = strconv.Atoi(days)
		if err == nil && n > 36500 {
			err = strconv.ErrRange
		}
		d = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || d < shortestRetention {
		return 0, fmt.Errorf("%q is no time to keep a run: want 1s or more, such as 12h or 30d, or forever", v)
	}
	return d, nil
}
