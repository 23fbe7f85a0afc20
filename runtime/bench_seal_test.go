package runtime_test

import (
	"fmt"
	"testing"
)

// BenchmarkSeal is what encryption adds to each value that is stored and read
// back.
func BenchmarkSeal(b *testing.B) {
	c := encrypted(b, key("k1", 1))
	for _, size := range []int{100, 10_000, 1_000_000} {
		b.Run(fmt.Sprintf("%d bytes", size), func(b *testing.B) {
			data := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				sealed, err := c.Seal(data)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := c.Open(sealed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
