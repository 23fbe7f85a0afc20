package runtime_test

import (
	"bytes"
	"fmt"

	"github.com/stepwell/stepwell/runtime"
)

// The new key comes first and seals; the old one still opens what was written
// under it.
func ExampleNewEncryptedCodec() {
	secret := func(b byte) []byte { return bytes.Repeat([]byte{b}, 32) } // use crypto/rand
	before, _ := runtime.NewEncryptedCodec(runtime.JSON{}, runtime.Key{ID: "2025", Secret: secret(1)})
	after, _ := runtime.NewEncryptedCodec(runtime.JSON{}, runtime.Key{ID: "2026", Secret: secret(2)}, runtime.Key{ID: "2025", Secret: secret(1)})

	stored, _ := before.Encode("tea for two")
	var text string
	fmt.Println(after.Decode(stored, &text), text)
	stored, _ = after.Encode("tea for two")
	fmt.Println(before.Decode(stored, &text))
	// Output:
	// <nil> tea for two
	// stored value cannot be opened: it is sealed with key "2026", which is not among those given: 2025
}
