package workload

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/stepwell/stepwell/runtime"
)

// golden are runs of a server, exported once with "stepwell runs export" and
// never again: name to SHA-256.
var golden = map[string]string{
	"delays-1":    "7d80ebfc04718dbb773760a89873ca5cefe0c5536dfe0d815b553fd5369d38d2",
	"fetch-1":     "8ca4763aa8c1b38e7c72a23496aab45e878666f45cf209e69d5fda1b9d283472",
	"fibonacci-1": "04d6068eda2c12e38d364a8070773f9c12dd362db52836a229d4b1376c760841",
}

func TestGoldenHistories(t *testing.T) {
	for name, sum := range golden {
		data, err := os.ReadFile(filepath.Join("testdata", "histories", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		if got := sha256.Sum256(data); hex.EncodeToString(got[:]) != sum {
			t.Errorf("%s was changed: restore it; a golden history is never recorded again", name)
		}
		h, err := runtime.ParseHistory(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := runtime.Replay(t.Context(), h, Delays, Fibonacci, Fetch); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
