package access

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"sync"
	"time"
)

const (
	maxSessions = 1000               // of one token
	idleTime    = 12 * time.Hour     // a session ends when it was not used for so long
	sessionTime = 7 * 24 * time.Hour // and then at the latest
)

var errLoggedOut = errors.New("the session has ended")

// session is a browser that has logged in.
type session struct {
	token digest // that it logged in with
	begun time.Time
	// ctx ends with the session, and with it what is under way for it: a page
	// that is pushed changes must not go on after the logout.
	ctx context.Context
	end context.CancelFunc

	// Guarded by sessions.mu.
	seen     time.Time // last request that began or ended
	underWay int       // requests, each of which is use as long as it lasts
}

// usedAt is when the session was last used, as seen now.
func (s *session) usedAt(now time.Time) time.Time {
	if s.underWay > 0 {
		return now
	}
	return s.seen
}

func (s *session) overAt(now time.Time) bool {
	return now.Sub(s.usedAt(now)) >= idleTime || now.Sub(s.begun) >= sessionTime
}

// sessions are those under way. Their ids are kept as digests: who reads the
// memory or a dump of it cannot take one over. Safe for concurrent use.
type sessions struct {
	mu   sync.Mutex
	byID map[digest]*session
}

// begin makes a session and returns its id, 256 random bits. Of too many with
// this token the one that was unused for the longest ends: whoever has a
// viewer's token can end no admin's session. As tokens are few, so are sessions.
func (s *sessions) begin(token digest) (id string) {
	var b [32]byte
	rand.Read(b[:]) //nolint:errcheck // never fails
	id = base64.RawURLEncoding.EncodeToString(b[:])
	now := time.Now()
	ctx, end := context.WithDeadlineCause(context.Background(), now.Add(sessionTime), errLoggedOut)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = map[digest]*session{}
	}
	s.makeRoomLocked(token, now)
	s.byID[digestOf(id)] = &session{token: token, begun: now, ctx: ctx, end: end, seen: now}
	return id
}

// makeRoomLocked ends what is over, and the session that has to go for another
// with the token.
func (s *sessions) makeRoomLocked(token digest, now time.Time) {
	var oldest digest
	var unused, begun time.Time
	n := 0
	for id, old := range s.byID {
		switch {
		case old.overAt(now):
			s.endLocked(id)
		case old.token == token:
			used := old.usedAt(now)
			if n++; n == 1 || used.Before(unused) || used.Equal(unused) && old.begun.Before(begun) {
				oldest, unused, begun = id, used, old.begun
			}
		}
	}
	if n >= maxSessions {
		s.endLocked(oldest)
	}
}

// find returns the session with this id, nil when there is none any more. It
// counts as use. The lookup is by digest: what its duration tells is of no use
// to whoever does not have the id.
func (s *sessions) find(id string) *session {
	key, now := digestOf(id), time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.byID[key]
	if found == nil {
		return nil
	}
	if found.overAt(now) {
		s.endLocked(key)
		return nil
	}
	found.seen = now
	return found
}

// use tells that a request of the session is under way until done is called. A
// page that is pushed changes is looked at, though it asks for nothing.
func (s *sessions) use(used *session) (done func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	used.underWay++
	return func() {
		now := time.Now()
		s.mu.Lock()
		defer s.mu.Unlock()
		used.underWay--
		used.seen = now
	}
}

// end ends the session with this id.
func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked(digestOf(id))
}

func (s *sessions) endLocked(key digest) {
	if old := s.byID[key]; old != nil {
		delete(s.byID, key)
		old.end()
	}
}
