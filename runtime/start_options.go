package runtime

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stepwell/stepwell/store"
)

// StartOption changes how a run is started.
type StartOption interface{ applyStart(*startConfig) }

type startConfig struct {
	id       string
	queue    string
	delay    time.Duration
	at       time.Time
	priority int
	part     string // of the queue
	key      startKey
	keyed    int // options that set a key
	deadline time.Time
	labels   map[string]string
	trusted  bool // labels are the engine's own, or were checked when they were given
	onParent ParentPolicy
	messages []startMessage
	sender   string // of the messages, when it is a run: its place
}

type startFunc func(*startConfig)

func (f startFunc) applyStart(c *startConfig) { f(c) }

// ID names the run. A start under an id that exists returns that run and
// changes nothing, so a start can be repeated; default: a new UUID.
func ID(id string) StartOption { return startFunc(func(c *startConfig) { c.id = id }) }

// OnQueue makes the run wait for a place in the queue. It panics when q is nil.
func OnQueue(q *Queue) StartOption {
	if q == nil {
		panic("runtime: OnQueue has no queue: q is nil")
	}
	return OnQueueNamed(q.name)
}

// OnQueueNamed is [OnQueue] for a queue known by name only.
func OnQueueNamed(name string) StartOption { return startFunc(func(c *startConfig) { c.queue = name }) }

// Delay holds the run back for d.
func Delay(d time.Duration) StartOption { return startFunc(func(c *startConfig) { c.delay = d }) }

// At holds the run back until t.
func At(t time.Time) StartOption { return startFunc(func(c *startConfig) { c.at = t }) }

// Partition puts the run into a share of its queue, such as that of one tenant.
// The partitions that have runs waiting get their turn one after the other, so
// none can starve another, however many it has; the runs without a partition
// are together one of them. A partition begins with its first run and leaves
// nothing after its last. The key is what an [ID] may be; a queue is needed.
func Partition(key string) StartOption { return startFunc(func(c *startConfig) { c.part = key }) }

// Priority lets the run overtake those with a lower one in its queue, or in its
// [Partition] of it; default 0.
func Priority(p int) StartOption { return startFunc(func(c *startConfig) { c.priority = p }) }

// Deadline ends the run with [ErrDeadline] when it has not ended by t.
func Deadline(t time.Time) StartOption { return startFunc(func(c *startConfig) { c.deadline = t }) }

// Labels are pairs to find the run by: at most 32, the names of up to 63 letters,
// digits or any of . _ / -, the values of up to 256 bytes without control characters.
// Names that begin with "stepwell." are the engine's: a run of a schedule has
// stepwell.schedule.
func Labels(l map[string]string) StartOption {
	return startFunc(func(c *startConfig) { c.labels, c.trusted = l, false })
}

// ownLabels are [Labels] that the engine gives, or takes over from another run.
func ownLabels(l map[string]string) StartOption {
	return startFunc(func(c *startConfig) { c.labels, c.trusted = l, true })
}

// ParentPolicy says what becomes of a child that lives when its parent ends.
type ParentPolicy = store.ParentPolicy

// The policies for [OnParentEnd]. A parent that was asked to stop, by a cancel
// or its deadline, counts as cancelled from that moment.
const (
	// StopOnFailure cancels the child when the parent fails or is cancelled; a
	// parent that succeeded without waiting for the child has let it go. This
	// is the default.
	StopOnFailure = store.StopOnFailure
	// StopOnEnd cancels the child when the parent ends, however that is.
	StopOnEnd = store.StopOnEnd
	// Abandon lets the child go on, whatever becomes of the parent.
	Abandon = store.Abandon
)

// OnParentEnd says what becomes of a child when the run that started it ends
// first. The children are cancelled shortly after the end of the parent, many
// of them in batches; a crash in between loses none. It means nothing for a
// run that was not started inside another.
func OnParentEnd(p ParentPolicy) StartOption {
	return startFunc(func(c *startConfig) { c.onParent = p })
}

const (
	maxLabels     = 32
	maxLabelValue = 256
	maxPriority   = 1 << 30
)

// What ids and keys are made of.
const (
	idChars    = "._:@=+-"
	idRuleText = "want 1 to 200 letters, digits or any of . _ : @ = + -, beginning with a letter or digit"
)

// ValidateID returns why a run id is not allowed; nil when it is.
func ValidateID(id string) error {
	if !wellFormed(id, 200, idChars) {
		return fmt.Errorf("%w: run id %.220q: %s", ErrInvalid, id, idRuleText)
	}
	return nil
}

func (c *startConfig) validate() error {
	if c.id != "" {
		if err := ValidateID(c.id); err != nil {
			return err
		}
	}
	if c.part != "" {
		if !wellFormed(c.part, 200, idChars) {
			return fmt.Errorf("%w: partition %.220q: %s", ErrInvalid, c.part, idRuleText)
		}
		if c.queue == "" {
			return fmt.Errorf("%w: partition %q: only a run with a queue has one", ErrInvalid, c.part)
		}
	}
	if err := c.validateKey(); err != nil {
		return err
	}
	if c.delay < 0 {
		return fmt.Errorf("%w: delay %v: want 0 or more", ErrInvalid, c.delay)
	}
	if c.priority > maxPriority || c.priority < -maxPriority {
		return fmt.Errorf("%w: priority %d: want %d to %d", ErrInvalid, c.priority, -maxPriority, maxPriority)
	}
	if c.onParent > Abandon {
		return fmt.Errorf("%w: parent policy %d: want StopOnFailure, StopOnEnd or Abandon", ErrInvalid, c.onParent)
	}
	if c.trusted {
		return nil
	}
	return checkLabels(c.labels)
}

// systemLabel is what the names of the engine's own labels begin with.
const systemLabel = "stepwell."

func checkLabels(labels map[string]string) error {
	if len(labels) > maxLabels {
		return fmt.Errorf("%w: %d labels: at most %d are allowed", ErrInvalid, len(labels), maxLabels)
	}
	for k, v := range labels {
		switch {
		case !wellFormed(k, 63, "._/-"):
			return fmt.Errorf("%w: label %.80q: want 1 to 63 letters, digits or any of . _ / -", ErrInvalid, k)
		case strings.HasPrefix(k, systemLabel):
			return fmt.Errorf("%w: label %q: names that begin with %q are kept for the engine", ErrInvalid, k, systemLabel)
		case len(v) > maxLabelValue:
			return fmt.Errorf("%w: label %q: value of %d bytes, at most %d are allowed", ErrInvalid, k, len(v), maxLabelValue)
		case !printable(v):
			return fmt.Errorf("%w: label %q: value %q: want text without control characters", ErrInvalid, k, v)
		}
	}
	return nil
}

// printable holds for text that does nothing to a terminal.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
