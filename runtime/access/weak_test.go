package access

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
)

// TestWeak: what may be guessed is, whatever its length.
func TestWeak(t *testing.T) {
	for _, secret := range []string{
		"", "x", "geheim", "stepwell-admin-password", "an-admin-secret-of-30-letters!", "correct-horse-battery-staple-and-more", "CorrectHorseBatteryStaple42",
		"CORRECTHORSEBATTERYSTAPLE234", "iAmTheBestCatInTown2026x", "My-Cat-Is-So-Fat-And-Old-2", "St3pw3ll-4dm1n-P4ssw0rd-2026", "P4ssw0rdP4ssw0rdP4ssw0rd", "Tr0ub4dor-And-3-Friends-Of-His",
		"abcdefghijklmnopqrstuvwxyz0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "AbcDefGhiJklMno1234567890Pqr", "QwertyUiopAsdfGhjk1234567", "0123456789abcdef0123456789abcdef",
		"deadbeefdeadbeefdeadbeefdeadbeef", "12345678901234567890123456789012", "31415926535897932384626433832795", "abcabcabcabcabcabcabcabcabcabcab", "00000000000000000000000000000001",
		"f3b0c1d29e8a7465", "9f86d081884c7d659a2feaa0c55ad01", "8f14e45f-ceea-467a-9575-9d1d3a2b4c5e", "Vr9xQ2mLz7TgKp4WbJd1C", "ein-langes-geheimes-Wort-2026", "Das_Ist_Ein_Langes_Geheimnis_7",
		"the quick brown fox jumps over the lazy dog", "\u00fcberall\u00dcberall\u00fcberall\u00dcber1", strings.Repeat("aB3", 20), "JohnSmith1985JaneSmith1987", "LiverpoolFootballClub1892YNWA", "ILoveMyDogRexAndHeLovesMe2",
		"MyVeryLongMasterPhrase99", "SuperGeheimesKennwort2026", "CompanyNameProd2026Main", "HelloWorldHowAreYou123", "DontTouchMyServerPlease1", "KubernetesClusterBerlin3", "Xavier-Zoe-Quentin-Yves-1",
		"KlausUndGabiAusHamburg1961", "Gryffindor!Hufflepuff#1997",
	} {
		if !weak(secret) {
			t.Errorf("%q is held to be strong", secret)
		}
		if !NewToken(Admin, secret).Weak() {
			t.Errorf("the token %q is held to be strong", secret)
		}
	}
	for _, secret := range []string{
		"9f86d081884c7d659a2feaa0c55ad015", "9F86D081884C7D659A2FEAA0C55AD015", "Vr9xQ2mLz7TgKp4WbJd1Cy", "nK3vXq8/+rZ2bWmT5yGdHA==", "nK3vXq8_-rZ2bWmT5yGdHA", "Q7XK2MZP4VBN6HWJ3YRFG5TDLC",
	} {
		if weak(secret) {
			t.Errorf("%q is held to be weak", secret)
		}
	}
}

// TestRandomIsStrong: hexadecimal always, the others mostly, so that
// the warning means something.
func TestRandomIsStrong(t *testing.T) {
	const tries = 20_000
	for _, c := range []struct {
		name   string
		size   int
		encode func([]byte) string
		most   int // weak ones, of a thousand
	}{
		{"hex 16", 16, hex.EncodeToString, 1}, {"hex 32", 32, hex.EncodeToString, 1},
		{"base64 16", 16, base64.StdEncoding.EncodeToString, 120}, {"base64url 24", 24, base64.RawURLEncoding.EncodeToString, 50}, {"base64 32", 32, base64.StdEncoding.EncodeToString, 25},
		{"base32 16", 16, base32.StdEncoding.EncodeToString, 120}, {"base32 32", 32, base32.StdEncoding.EncodeToString, 40},
	} {
		n := 0
		for range tries {
			b := make([]byte, c.size)
			rand.Read(b)
			if weak(c.encode(b)) {
				n++
			}
		}
		t.Logf("%s: %d of %d", c.name, n, tries)
		if n > c.most*tries/1000 {
			t.Errorf("%s: %d of %d random ones are held to be weak, want at most %d in 1000", c.name, n, tries, c.most)
		}
	}
}
