package runtime_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/runtime"
)

// FuzzParseKeys: keys that can be read are written and read again, and seal; an error is of its kind and repeats
// no secret.
func FuzzParseKeys(f *testing.F) {
	secret := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))
	for _, text := range []string{"", "a:" + secret, "a:" + secret + ", b:" + secret, "a:" + secret + ",a:" + secret, "a:" + strings.TrimRight(secret, "="), ":" + secret, "a:b:c", ",", "a:\n" + secret, strings.Repeat("x", 33) + ":" + secret} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := runtime.ParseKeys(text)
		if err != nil {
			if !errors.Is(err, runtime.ErrInvalid) {
				t.Errorf("%q: an error of another kind: %v", text, err)
			}
			for part := range strings.SplitSeq(text, ",") {
				if _, s, ok := strings.Cut(part, ":"); ok && len(s) > 20 && strings.Contains(err.Error(), s) {
					t.Errorf("the error shows a secret: %v", err)
				}
			}
			return
		}
		var parts []string
		for _, k := range keys {
			parts = append(parts, k.ID+":"+base64.StdEncoding.EncodeToString(k.Secret))
		}
		again, err := runtime.ParseKeys(strings.Join(parts, ","))
		if d := cmp.Diff(keys, again); err != nil || d != "" {
			t.Errorf("%q read again: %v %s", text, err, d)
		}
		c, err := runtime.NewEncryptedCodec(nil, keys...)
		if err != nil {
			t.Fatal(err)
		}
		var out string
		if data, err := c.Encode("x"); err != nil || c.Decode(data, &out) != nil || out != "x" {
			t.Errorf("%q does not seal: %v %q", text, err, out)
		}
	})
}
