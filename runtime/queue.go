package runtime

import (
	"errors"
	"fmt"
	"strings"

	"github.com/stepwell/stepwell/store"
)

// QueueConfig says how many runs of a queue may be under way, and how often one
// may begin. A run holds its place from its first claim until it ended, while
// it waits too.
type QueueConfig struct {
	// Concurrency bounds the runs on all executors together; 0: no bound.
	Concurrency int
	// PerExecutor bounds the runs on one executor; 0: no bound.
	PerExecutor int
	// Rate bounds how often a run begins; the zero Rate: no bound. It is exact
	// over a restart: what is spent is written with the claim. Without a Burst
	// the next run counts from when the last one began, which is late by about
	// the time of a commit, so somewhat fewer than Limit begin; a rate of more
	// than some hundred a second needs a Burst to be reached. What had begun
	// before goes on without another token.
	Rate Rate
	// Paused: runs are queued, and none begins. Those that have go on.
	Paused bool
	// PartitionConcurrency bounds the runs of each [Partition] on all executors
	// together; 0: no bound.
	PartitionConcurrency int
	// PartitionRate bounds how often a run of each partition begins, as Rate
	// does for the queue.
	PartitionRate Rate
}

// Rate is a bound on how often something begins; see [store.Rate].
type Rate = store.Rate

func (c QueueConfig) validate() error {
	if c.Concurrency < 0 || c.PerExecutor < 0 || c.PartitionConcurrency < 0 {
		return errors.New("a bound below zero")
	}
	if err := c.PartitionRate.Validate(); err != nil {
		return fmt.Errorf("partition %w", err)
	}
	return c.Rate.Validate()
}

func (c QueueConfig) bounds() store.QueueBounds {
	return store.QueueBounds{
		Concurrency: c.Concurrency, PerExecutor: c.PerExecutor, Rate: c.Rate,
		PartitionConcurrency: c.PartitionConcurrency, PartitionRate: c.PartitionRate,
	}
}

func (c QueueConfig) limit(name string) store.QueueLimit {
	return store.QueueLimit{
		Name: name, Concurrency: c.Concurrency, PerExecutor: c.PerExecutor, Rate: c.Rate, Paused: c.Paused,
		PartitionConcurrency: c.PartitionConcurrency, PartitionRate: c.PartitionRate,
	}
}

// with returns the configuration as the stored settings have it.
func (c QueueConfig) with(s store.QueueSettings) QueueConfig {
	l := c.limit("").With(s)
	return QueueConfig{
		Concurrency: l.Concurrency, PerExecutor: l.PerExecutor, Rate: l.Rate, Paused: l.Paused,
		PartitionConcurrency: l.PartitionConcurrency, PartitionRate: l.PartitionRate,
	}
}

// places reports whether a run that ends may let another begin.
func (c QueueConfig) places() bool {
	return c.Concurrency > 0 || c.PerExecutor > 0 || c.PartitionConcurrency > 0
}

// Queue is a line in which runs wait for a place. Safe for concurrent use.
type Queue struct {
	name string
	cfg  QueueConfig
}

// NewQueue defines a queue. Use it with [OnQueue], and hand it to [New].
// It panics on a name or a bound that is not allowed: a mistake in the program.
// What is defined here can be changed while the queue is in use: see
// [Runtime.SetQueue] and [Runtime.PauseQueue].
func NewQueue(name string, cfg QueueConfig) *Queue {
	mustName("queue", name)
	if err := cfg.validate(); err != nil {
		panic(fmt.Sprintf("runtime: queue %s: %v", name, err))
	}
	return &Queue{name, cfg}
}

// Name returns the queue's name.
func (q *Queue) Name() string { return q.name }

// Config returns the configuration that the program defines.
func (q *Queue) Config() QueueConfig { return q.cfg }

func (q *Queue) register(r *registry) error {
	if q.name == "" {
		return fmt.Errorf("%w: a queue that NewQueue has not made", ErrInvalid)
	}
	if old, ok := r.queues[q.name]; ok && old != q {
		return fmt.Errorf("queue %q is defined twice", q.name)
	}
	r.queues[q.name] = q
	return nil
}

const nameRuleText = "want 1 to 128 letters, digits, '.', '_' or '-', beginning with a letter or digit"

func mustName(what, name string) {
	if !wellFormed(name, 128, "._-") {
		panic(fmt.Sprintf("runtime: %s name %q: %s", what, name, nameRuleText))
	}
}

// wellFormed reports whether s begins with a letter or digit and has at most
// max bytes, all of them letters, digits or of others. (As regular expressions
// with these bounds the rules would take a megabyte.)
func wellFormed(s string, max int, others string) bool {
	for i := range len(s) {
		c := s[i]
		plain := '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
		if !plain && (i == 0 || strings.IndexByte(others, c) < 0) {
			return false
		}
	}
	return s != "" && len(s) <= max
}
