package runtime

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// TestXAES holds the derivation of keys to the test vectors of its standard
// (c2sp.org/XAES-256-GCM), one for each value of the bit that is carried out.
func TestXAES(t *testing.T) {
	for _, c := range []struct {
		key       byte
		aad, want string
	}{
		{1, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"},
		{3, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"},
	} {
		k, err := newSealKey(Key{"k", bytes.Repeat([]byte{c.key}, keySize)})
		if err != nil {
			t.Fatal(err)
		}
		nonce := []byte("ABCDEFGHIJKLMNOPQRSTUVWX")
		gcm, err := k.aead(nonce)
		if err != nil {
			t.Fatal(err)
		}
		got := gcm.Seal(nil, nonce[12:], []byte("XAES-256-GCM"), []byte(c.aad))
		if hex.EncodeToString(got) != c.want {
			t.Errorf("key of %d: sealed to %x, want %s", c.key, got, c.want)
		}
	}
}
