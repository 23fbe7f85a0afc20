package api_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/api"
)

// TestSealed: who may call the API reads what is stored encrypted, and the log
// does not tell it.
func TestSealed(t *testing.T) {
	codec, err := runtime.NewEncryptedCodec(runtime.JSON{}, runtime.Key{ID: "k1", Secret: bytes.Repeat([]byte{1}, 32)})
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, api.Config{}, runtime.Config{Codec: codec})

	a := s.do(t, "POST", "/v1/workflows/order/runs?id=o&wait=10s", `{"item":"geheim","count":4711}`)
	for _, path := range []string{"/v1/runs/o", "/v1/runs", "/v1/runs/o/history"} {
		if b := s.do(t, "GET", path, ""); !strings.Contains(b.body, `"input":{"item":"geheim","count":4711},"output":4711`) {
			t.Errorf("%s does not show the values: %s", path, b.body)
		}
	}
	if !strings.Contains(a.body, `"output":4711`) {
		t.Errorf("the start does not show the output: %s", a.body)
	}
	if b := s.do(t, "GET", "/v1/runs/o/steps", ""); !strings.Contains(b.body, `"output":4711`) {
		t.Errorf("the step does not show its output: %s", b.body)
	}
	s.do(t, "POST", "/v1/workflows/broken/runs?id=b&wait=10s", `"geheim"`)
	for _, path := range []string{"/v1/runs/b", "/v1/runs/b/steps", "/v1/runs/b/history"} {
		if b := s.do(t, "GET", path, ""); !strings.Contains(b.body, `it broke`) || strings.Contains(b.body, `"sealed":`) {
			t.Errorf("%s does not show the error: %s", path, b.body)
		}
	}
	// The same key is the same run, and what is refused is refused with a reason.
	if b := s.do(t, "POST", "/v1/workflows/order/runs", `{"item":"geheim","count":4711}`, "Idempotency-Key", "o"); b.status != 200 || !strings.Contains(b.body, `"output":4711`) {
		t.Errorf("started again: %d %s", b.status, b.body)
	}
	if b := s.do(t, "POST", "/v1/workflows/order/runs", `{"item":"geheim","count":"many"}`); b.status != 400 || !strings.Contains(b.body, `field \"count\": want an integer`) {
		t.Errorf("a bad input: %d %s", b.status, b.body)
	}
	s.stop()
	if log := s.log.String(); strings.Contains(log, "geheim") || strings.Contains(log, "it broke") || strings.Contains(log, "want an integer") || !strings.Contains(log, "run ended") {
		t.Errorf("the log tells, or nothing was logged:\n%s", log)
	}
}
