package access

import "strings"

const (
	hexSize    = 32 // digits: 16 bytes
	base32Size = 26 // 16 bytes
	base64Size = 22 // 16 bytes
)

// commonPairs are the letter pairs that are most frequent in what people write:
// half of a text's, a twentieth of random ones.
const commonPairs = " th he in er an re nd on en at ou ed ha to or it is hi es ng st ar te se me nt ti al ne le de ro co ve ri io ea ra as ss ch ie ge ei be wo ca ma pa el ll la "

// commonParts are what no random secret has in it.
var commonParts = []string{"admin", "passw", "secret", "token", "viewer", "stepwell", "qwert", "asdf", "1234"}

var unleet = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t")

// weak tells whether a secret may be guessed. Only what looks like 16 or more
// random bytes in hexadecimal, base32 or base64 is not; what is in doubt is
// weak, some random base32 and base64 too (hexadecimal as good as never). How a
// secret came about nobody can see in it: the SHA-256 of a word looks random.
func weak(secret string) bool {
	switch s := strings.TrimRight(secret, "="); {
	case consists(secret, "0123456789abcdef") || consists(secret, "0123456789ABCDEF"):
		return len(secret) < hexSize || !varied(secret, 9) || !strings.ContainsAny(secret, "0123456789") || !strings.ContainsAny(secret, "abcdefABCDEF")
	case consists(s, upper+"234567"):
		return len(s) < base32Size || !varied(s, 13) || count(s, "234567") < 2 || likeWords(s)
	case consists(s, upper+lower+digits+"+/-_"):
		return len(s) < base64Size || !varied(s, 13) || !mixed(s) || likeWords(s)
	}
	return true
}

const (
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	lower  = "abcdefghijklmnopqrstuvwxyz"
	digits = "0123456789"
)

func consists(s, of string) bool { return strings.Trim(s, of) == "" && count(s, of) == len(s) }

// count tells how many of the bytes of s are in of.
func count(s, of string) (n int) {
	for i := range len(s) {
		if strings.IndexByte(of, s[i]) >= 0 {
			n++
		}
	}
	return n
}

// varied tells whether s has so many different bytes, no part of eight twice, and
// is no sequence as of an alphabet.
func varied(s string, different int) bool {
	seen := map[byte]bool{}
	for i := range len(s) {
		seen[s[i]] = true
		if i+8 <= len(s) && strings.Contains(s[i+1:], s[i:i+8]) {
			return false
		}
	}
	folded, steps := strings.ToLower(s), 0
	for i := range len(s) - 1 {
		if d := int(folded[i+1]) - int(folded[i]); -1 <= d && d <= 1 {
			steps++
		}
	}
	return len(seen) >= different && steps*2 < len(s)
}

// mixed tells whether s has enough of all kinds of letters, and changes between
// them oftener than a word does that begins with a capital.
func mixed(s string) bool {
	changes := 0
	for i := range len(s) - 1 {
		if kind(s[i]) != kind(s[i+1]) {
			changes++
		}
	}
	return count(s, upper)*6 >= len(s) && count(s, lower)*6 >= len(s) && count(s, digits) > 0 && changes*5 >= len(s)*2
}

func kind(b byte) int {
	for i, of := range []string{upper, lower, digits} {
		if strings.IndexByte(of, b) >= 0 {
			return i
		}
	}
	return -1
}

// likeWords tells whether letters, also in the guise of digits, follow each
// other as in words.
func likeWords(s string) bool {
	s = strings.ToLower(s)
	read := unleet.Replace(s)
	for _, part := range commonParts {
		if strings.Contains(s, part) || strings.Contains(read, part) {
			return true
		}
	}
	pairs := 0
	for i := range len(s) - 1 {
		if strings.Contains(commonPairs, " "+read[i:i+2]+" ") {
			pairs++
		}
	}
	return pairs*5 >= len(s)
}
