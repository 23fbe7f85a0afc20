package telemetry

import "time"

// Status tells how far the shipping of spans has come.
type Status struct {
	// Backlog is the number of committed positions not yet exported. Rows of
	// runs that are not sampled count until the shipper has passed them.
	Backlog int64
	// Shipped counts the spans exported since the start of the process.
	Shipped uint64
	// LastSuccess is when an export last succeeded; zero when none has.
	LastSuccess time.Time
	// Err is why the last attempt failed, nil when it succeeded.
	Err error
}

func (s *shipper) status() Status {
	v := Status{Shipped: s.shipped.Load()}
	if st := s.store.Load(); st != nil {
		v.Backlog = max(0, (*st).Position()-s.sent.Load())
	}
	if at := s.lastSuccess.Load(); at != 0 {
		v.LastSuccess = time.Unix(0, at)
	}
	if err := s.lastError.Load(); err != nil {
		v.Err = *err
	}
	return v
}
