package access

import (
	"net/netip"
	"sync"
	"time"
)

const (
	freeGuesses = 5                // wrong tokens before an address has to wait
	maxPause    = time.Minute      // after each further one, at most
	forgetAfter = 15 * time.Minute // since the last
	maxGuessers = 4096             // addresses that are told apart
)

// slowdown makes whoever shows wrong tokens wait, longer each time. Nothing is
// held for them meanwhile: they are told when to come again. Safe for
// concurrent use.
type slowdown struct {
	mu       sync.Mutex
	guessers map[netip.Addr]*guesser
	// rest is all addresses beyond maxGuessers: whoever has that many is
	// slowed down as one.
	rest   guesser
	forgot time.Time
}

type guesser struct {
	wrong int
	last  time.Time // of the wrong ones
	until time.Time // nothing is looked at before
}

// judge tells whether an attempt counts, and if not, for how long none from
// this address does. A wrong one that counts makes the next wait. Judging and
// counting are one, so that many attempts at once are no way round it.
func (s *slowdown) judge(from netip.Addr, right bool) (wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	g := s.guesserLocked(from, now, right)
	if wait := g.until.Sub(now); wait > 0 {
		return wait
	}
	if right {
		return 0 // and forgotten is nothing: a viewer would else guess on
	}
	if now.Sub(g.last) > forgetAfter {
		g.wrong = 0
	}
	g.wrong++
	g.last = now
	if over := g.wrong - freeGuesses; over >= 0 {
		g.until = now.Add(min(time.Second<<min(over, 10), maxPause))
	}
	return 0
}

// guesserLocked finds what is known of the address. Only a wrong attempt makes
// it known.
func (s *slowdown) guesserLocked(from netip.Addr, now time.Time, right bool) *guesser {
	from = network(from)
	if g := s.guessers[from]; g != nil {
		return g
	}
	if len(s.guessers) >= maxGuessers {
		s.forgetLocked(now)
	}
	switch {
	case len(s.guessers) >= maxGuessers:
		return &s.rest
	case right:
		return &guesser{}
	case s.guessers == nil:
		s.guessers = map[netip.Addr]*guesser{}
	}
	g := &guesser{}
	s.guessers[from] = g
	return g
}

// forgetLocked looks through all of them, so it does not do so for each of many
// attempts.
func (s *slowdown) forgetLocked(now time.Time) {
	if now.Sub(s.forgot) < time.Second {
		return
	}
	s.forgot = now
	for a, g := range s.guessers {
		if now.Sub(g.last) > forgetAfter {
			delete(s.guessers, a)
		}
	}
}

// network is what one guesser is likely to have: an IPv4 address, or the 64
// bits of IPv6 that are given to a customer.
func network(a netip.Addr) netip.Addr {
	if a = a.Unmap().WithZone(""); a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}
