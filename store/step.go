package store

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Step is one row of a run's history: one attempt of a step, or the opening
// of a wait. Rows are written once and never changed, so each is at once the
// checkpoint and the span of what it describes.
type Step struct {
	// Path is the step's key: its branch and index, "4" or "4.0.2".
	Path string
	// Attempt counts tries from 1. Attempt 0 opens a wait: it holds what is
	// waited for, and a later row holds how it ended.
	Attempt int
	Kind    Kind
	Name    string
	Status  StepStatus
	Output  []byte
	// LeftOut is the size of an output that [Store.Outline] left out.
	LeftOut   int
	Error     *Failure
	StartedAt time.Time
	EndedAt   time.Time
	// WakeAt is when a sleep ends or a retry is due.
	WakeAt time.Time
	// ChildID is the other run that the step concerns: started, sent to, read from
	// or waited for. For the taking of an update and its answer it is the update's
	// key instead.
	ChildID string
	// Pos is the row's place in the commit order of the whole store; set by
	// the store.
	Pos int64
	// Epoch is the claim it was written under; set by the store. A copied row
	// has none.
	Epoch int64
}

// Copied reports whether the row was copied from the run that this one was
// forked from.
func (s *Step) Copied() bool { return s.Epoch == 0 }

// Kind tells what made the row. The numbers are stored: never renumber.
type Kind uint8

// The kinds of rows in a history.
const (
	KindStep   Kind = 1
	KindSleep  Kind = 2
	KindNow    Kind = 3
	KindID     Kind = 4
	KindSelect Kind = 5
	KindChild  Kind = 6 // the start of a child
	KindResult Kind = 7 // the wait for the end of another run

	KindSend     Kind = 8
	KindReceive  Kind = 9
	KindSetEvent Kind = 10
	KindGetEvent Kind = 11
	KindWrite    Kind = 12 // to a stream
	KindRead     Kind = 13 // of one item of a stream
	KindUpdate   Kind = 14 // the taking of a request, and its answer

	KindTx         Kind = 20 // a step in a transaction of the program's
	KindCompensate Kind = 21
	KindReturn     Kind = 22 // the end of the function, after which compensations run
)

// KindPatch says that the run takes a new way; its path is no step's.
const KindPatch Kind = 30

var kindNames = [...]string{
	KindPatch: "patch",

	KindStep: "step", KindSleep: "sleep", KindNow: "now", KindID: "id", KindSelect: "select", KindChild: "child",
	KindResult: "result", KindSend: "send", KindReceive: "receive", KindSetEvent: "set_event", KindGetEvent: "get_event",
	KindWrite: "write", KindRead: "read", KindUpdate: "update",
	KindTx: "tx", KindCompensate: "compensate", KindReturn: "return",
}

func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return "unknown"
}

// MarshalText writes the name.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the name.
func (k *Kind) UnmarshalText(b []byte) error {
	for i, n := range kindNames {
		if n != "" && n == string(b) {
			*k = Kind(i)
			return nil
		}
	}
	return fmt.Errorf("unknown kind of step %q", b)
}

// ComparePaths orders the paths of steps: "4" before "4.0.2" before "10".
func ComparePaths(a, b string) int {
	for {
		ai, arest, amore := strings.Cut(a, ".")
		bi, brest, bmore := strings.Cut(b, ".")
		an, _ := strconv.Atoi(ai)
		bn, _ := strconv.Atoi(bi)
		if c := cmp.Compare(an, bn); c != 0 {
			return c
		}
		switch {
		case !amore && !bmore:
			return cmp.Compare(ai, bi) // a patch has no number
		case !amore:
			return -1
		case !bmore:
			return 1
		}
		a, b = arest, brest
	}
}

// StepStatus is the state of a row of history. The numbers are stored.
type StepStatus uint8

// The states of a row.
const (
	// StepWaiting: an opening; the wait goes on.
	StepWaiting StepStatus = 1
	// StepSucceeded and StepFailed are final: the step never runs again.
	StepSucceeded StepStatus = 2
	StepFailed    StepStatus = 3
	// StepRetrying: this attempt failed, another follows at WakeAt.
	StepRetrying StepStatus = 4
	// StepCancelled: the attempt was cut short by a cancel or a deadline. It
	// is kept for people; replay ignores it.
	StepCancelled StepStatus = 5
)

var stepStatusNames = [...]string{
	StepWaiting: "waiting", StepSucceeded: "succeeded", StepFailed: "failed",
	StepRetrying: "retrying", StepCancelled: "cancelled",
}

func (s StepStatus) String() string {
	if int(s) < len(stepStatusNames) && stepStatusNames[s] != "" {
		return stepStatusNames[s]
	}
	return "unknown"
}

// MarshalText writes the name.
func (s StepStatus) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the name.
func (s *StepStatus) UnmarshalText(b []byte) error {
	for i, n := range stepStatusNames {
		if n != "" && n == string(b) {
			*s = StepStatus(i)
			return nil
		}
	}
	return fmt.Errorf("unknown status of a step %q", b)
}

// Final reports whether the row decides the step.
func (s StepStatus) Final() bool { return s == StepSucceeded || s == StepFailed }
