package store

import "fmt"

// Status is the state of a run. The numbers are stored: never renumber.
type Status uint8

// The states of a run.
const (
	// Queued: an executor may claim it now.
	Queued Status = 1
	// Delayed: it becomes queued at its wake time and has not started yet.
	Delayed Status = 2
	// Running: an executor holds it.
	Running Status = 3
	// Waiting: it started and waits for a time or an event, in no memory.
	Waiting Status = 4
	// Succeeded, Failed and Cancelled are ends.
	Succeeded Status = 5
	Failed    Status = 6
	Cancelled Status = 7
	// Stuck: it needs a person. Resume continues it.
	Stuck Status = 8
)

var statusNames = [...]string{
	Queued: "queued", Delayed: "delayed", Running: "running", Waiting: "waiting",
	Succeeded: "succeeded", Failed: "failed", Cancelled: "cancelled", Stuck: "stuck",
}

// Statuses lists every state, in stored order.
func Statuses() []Status {
	return []Status{Queued, Delayed, Running, Waiting, Succeeded, Failed, Cancelled, Stuck}
}

// Ended reports whether the run has its outcome. A stuck run has none.
func (s Status) Ended() bool { return s == Succeeded || s == Failed || s == Cancelled }

func (s Status) String() string {
	if int(s) < len(statusNames) && statusNames[s] != "" {
		return statusNames[s]
	}
	return fmt.Sprintf("status(%d)", uint8(s))
}

// MarshalText writes the name.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the name.
func (s *Status) UnmarshalText(b []byte) error {
	v, err := ParseStatus(string(b))
	if err == nil {
		*s = v
	}
	return err
}

// ParseStatus reads the name of a status.
func ParseStatus(name string) (Status, error) {
	for i, n := range statusNames {
		if n != "" && n == name {
			return Status(i), nil
		}
	}
	return 0, fmt.Errorf("unknown status %q: want queued, delayed, running, waiting, succeeded, failed, cancelled or stuck", name)
}
