package access

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
)

// Role is what somebody may do. Empty: nothing.
type Role string

const (
	// Admin may do everything.
	Admin Role = "admin"
	// Viewer may read what is below /v1/ and /ui/.
	Viewer Role = "viewer"
)

// digest stands for a secret: of a token, of a session.
type digest [sha256.Size]byte

func digestOf(secret string) digest { return sha256.Sum256([]byte(secret)) }

// Token is a secret's digest and what it allows. The secret itself is not kept.
type Token struct {
	Role   Role
	digest digest
	weak   bool
}

// NewToken is the token with this secret.
func NewToken(role Role, secret string) Token { return Token{role, digestOf(secret), weak(secret)} }

// Weak tells whether the secret may be found by trying, as far as can be seen.
// Whoever shows a weak token waits when there were wrong ones from the same
// address; the others, those that [Keep] made among them, are let through at any
// time.
func (t Token) Weak() bool { return t.weak }

// newSecret has 130 random bits.
func newSecret() string { return rand.Text() }

// madeHere tells whether a secret is in the form of newSecret.
func madeHere(secret string) bool {
	return len(secret) == base32Size && consists(secret, upper+"234567")
}

// find returns the token with this digest; of several the admin's. All are
// compared, each in constant time.
func find(tokens []Token, d digest) (found Token, ok bool) {
	for _, t := range tokens {
		if subtle.ConstantTimeCompare(d[:], t.digest[:]) == 1 && found.Role != Admin {
			found, ok = t, true
		}
	}
	return found, ok
}
