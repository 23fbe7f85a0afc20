package runtime

import (
	"fmt"
	"regexp"
)

// QueueConfig bounds how many runs of a queue are under way. A run holds its
// place from its first claim until it ended, while it waits too.
type QueueConfig struct {
	// Concurrency bounds the runs on all executors together; 0: no bound.
	Concurrency int
	// PerExecutor bounds the runs of the queue loaded in one process; 0: no bound.
	PerExecutor int
}

// Queue is a line in which runs wait for a place. Safe for concurrent use.
type Queue struct {
	name string
	cfg  QueueConfig
}

// NewQueue defines a queue. Use it with [OnQueue], and hand it to [New].
// It panics on a name or a bound that is not allowed: a mistake in the program.
func NewQueue(name string, cfg QueueConfig) *Queue {
	mustName("queue", name)
	if cfg.Concurrency < 0 || cfg.PerExecutor < 0 {
		panic(fmt.Sprintf("runtime: queue %s: a bound below zero", name))
	}
	return &Queue{name, cfg}
}

// Name returns the queue's name.
func (q *Queue) Name() string { return q.name }

// Config returns the queue's bounds.
func (q *Queue) Config() QueueConfig { return q.cfg }

func (q *Queue) register(r *registry) error {
	if old, ok := r.queues[q.name]; ok && old != q {
		return fmt.Errorf("queue %q is defined twice", q.name)
	}
	r.queues[q.name] = q
	return nil
}

var nameRule = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

const nameRuleText = "want 1 to 128 letters, digits, '.', '_' or '-', beginning with a letter or digit"

func mustName(what, name string) {
	if !nameRule.MatchString(name) {
		panic(fmt.Sprintf("runtime: %s name %q: %s", what, name, nameRuleText))
	}
}
