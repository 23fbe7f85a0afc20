package runtime

import (
	"fmt"
	"strings"
)

// QueueConfig bounds how many runs of a queue are under way. A run holds its
// place from its first claim until it ended, while it waits too.
type QueueConfig struct {
	// Concurrency bounds the runs on all executors together; 0: no bound.
	Concurrency int
	// PerExecutor bounds the runs on one executor; 0: no bound.
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
