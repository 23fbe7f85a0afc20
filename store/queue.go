package store

import "context"

// Queues keeps what was changed about queues while they are in use.
type Queues interface {
	// QueueSettings returns the settings that are stored, by name. A queue of
	// which nothing was changed has none.
	QueueSettings(ctx context.Context) ([]QueueSettings, error)

	// SetQueue stores the settings of a queue in the place of earlier ones;
	// settings that change nothing are removed. From the commit on they hold in
	// every Claim, in the place of what its request says, and the queue is
	// published as one that may have claimable runs. Idempotent.
	SetQueue(ctx context.Context, s QueueSettings) error
}

// QueueBounds are the bounds of a queue; zero fields are no bounds.
type QueueBounds struct {
	// Concurrency and PerExecutor are those of [QueueLimit].
	Concurrency int `json:"concurrency,omitzero"`
	PerExecutor int `json:"per_executor,omitzero"`
	// Rate bounds how often a new run is claimed.
	Rate Rate `json:"rate,omitzero"`
	// PartitionConcurrency and PartitionRate are those of each partition.
	PartitionConcurrency int  `json:"partition_concurrency,omitzero"`
	PartitionRate        Rate `json:"partition_rate,omitzero"`
}

// QueueSettings are what was changed about a queue; nil fields are as the
// program defines them.
type QueueSettings struct {
	Name   string
	Paused *bool
	Bounds *QueueBounds
}

// With returns the limit as the settings have it.
func (q QueueLimit) With(s QueueSettings) QueueLimit {
	if s.Paused != nil {
		q.Paused = *s.Paused
	}
	if s.Bounds != nil {
		q.Concurrency, q.PerExecutor, q.Rate = s.Bounds.Concurrency, s.Bounds.PerExecutor, s.Bounds.Rate
		q.PartitionConcurrency, q.PartitionRate = s.Bounds.PartitionConcurrency, s.Bounds.PartitionRate
	}
	return q
}
