package runtime

import (
	"fmt"
	"time"
)

// DedupPolicy says what becomes of a start whose key another run holds.
type DedupPolicy uint8

// The policies of [Dedup].
const (
	// DedupReturn: the start gets the run that holds the key. The default.
	DedupReturn DedupPolicy = iota
	// DedupReject: the start fails with [ErrExists], which names that run.
	DedupReject
)

// startKey is the key of a start, of one kind or the other.
type startKey struct {
	dedup  string
	policy DedupPolicy

	debounce       string
	quiet, maxWait time.Duration
}

// Dedup sees to it that only one run of the workflow with the key is under way:
// from its start until it has ended (a stuck one has not), another start with
// the key gets that run, or is refused, by the policy; its own input is not
// looked at. After that the key is free, unlike an [ID], which stays. The key is
// freed in the write that ends the run. A run that is resumed after it was
// cancelled does not take it back. Keys are what an ID may be.
func Dedup(key string, policy ...DedupPolicy) StartOption {
	return startFunc(func(c *startConfig) {
		c.key.dedup, c.key.policy = key, DedupReturn
		for _, p := range policy {
			c.key.policy = p
		}
		c.keyed++
	})
}

// Debounce begins the run only when no other start of the workflow with the key
// has come for the time of quiet. Each that comes before gets the same run,
// replaces its input and pushes it back, but not beyond maxWait after the first
// (0: however long they come); everything else stays as the first start had it.
// A start that comes once the run has begun, or waits in its queue, begins
// another. Each push is durable when the start returns. Not with [Delay], [At]
// or [Dedup].
func Debounce(key string, quiet, maxWait time.Duration) StartOption {
	return startFunc(func(c *startConfig) {
		c.key.debounce, c.key.quiet, c.key.maxWait = key, quiet, maxWait
		c.keyed++
	})
}

func (c *startConfig) validateKey() error {
	k := &c.key
	switch {
	case c.keyed == 0:
		return nil
	case k.dedup != "" && k.debounce != "":
		return fmt.Errorf("%w: dedup and debounce: want one of them", ErrInvalid)
	case k.policy > DedupReject:
		return fmt.Errorf("%w: policy of dedup %d: want DedupReturn or DedupReject", ErrInvalid, k.policy)
	}
	if key := k.dedup + k.debounce; !wellFormed(key, 200, idChars) {
		return fmt.Errorf("%w: key %.220q: %s", ErrInvalid, key, idRuleText)
	}
	if k.debounce == "" {
		return nil
	}
	switch {
	case k.quiet <= 0 || k.maxWait < 0 || k.maxWait > 0 && k.maxWait < k.quiet:
		return fmt.Errorf("%w: debounce with %v of quiet within %v: want more than 0 of quiet, and 0 or as much at least to wait at most", ErrInvalid, k.quiet, k.maxWait)
	case c.delay > 0 || !c.at.IsZero():
		return fmt.Errorf("%w: debounce and a delay: want one of them", ErrInvalid)
	}
	return nil
}
