package api_test

import (
	"bytes"
	"encoding/base64"
	"errors"
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

// marked is a codec whose values are not JSON.
type marked struct{ runtime.JSON }

func (c marked) Encode(v any) ([]byte, error) {
	data, err := c.JSON.Encode(v)
	return append([]byte("!"), data...), err
}

func (c marked) Decode(data []byte, v any) error {
	data, ok := bytes.CutPrefix(data, []byte("!"))
	if !ok && len(data) > 0 {
		return errors.New("it does not begin with !")
	}
	return c.JSON.Decode(data, v)
}

// TestWhatIsNotJSON has fields of other names, so that nobody takes it for a
// string that the run gave.
func TestWhatIsNotJSON(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{Codec: marked{}})
	b64 := func(text string) string { return `"` + base64.StdEncoding.EncodeToString([]byte(text)) + `"` }

	if _, _, err := s.rt.Start(t.Context(), "order", []byte(`!{"item":"tea","count":3}`), runtime.ID("o")); err != nil {
		t.Fatal(err)
	}
	a := s.do(t, "GET", "/v1/runs/o?wait=10s", "")
	want := `"input_base64":` + b64(`!{"item":"tea","count":3}`) + `,"output_base64":` + b64(`!3`)
	for name, b := range map[string]string{"waited": a.body, "get": s.do(t, "GET", "/v1/runs/o", "").body, "list": s.do(t, "GET", "/v1/runs", "").body,
		"history": s.do(t, "GET", "/v1/runs/o/history", "").body} {
		if !strings.Contains(b, want) || strings.Contains(b, `"input":`) || strings.Contains(b, `"output":`) {
			t.Errorf("%s: %s; want %s", name, b, want)
		}
	}
	if b := s.do(t, "GET", "/v1/runs/o/steps", ""); !strings.Contains(b.body, `"output_base64":`+b64(`!3`)) || strings.Contains(b.body, `"output":`) {
		t.Errorf("steps: %s", b.body)
	}

	s.begun(t, "teller", "?id=t-1", "")
	if b := s.do(t, "GET", "/v1/runs/t-1/events/begun?wait=10s", ""); !strings.Contains(b.body, `"value_base64":`+b64(`!{"n":1}`)) || strings.Contains(b.body, `"value":`) {
		t.Errorf("event: %s", b.body)
	}
	s.do(t, "POST", "/v1/runs/t-1/messages/go", "")
	if b := s.do(t, "GET", "/v1/runs/t-1/streams/log", ""); !strings.Contains(b.body, "id: 1\nevent: base64\ndata: "+b64(`!"three"`)) {
		t.Errorf("stream: %s", b.body)
	}

	s.begun(t, "counter", "?id=c-1", "")
	if b := s.do(t, "POST", "/v1/runs/c-1/updates/add", ""); !strings.Contains(b.body, `"response_base64":`) || strings.Contains(b.body, `"response":`) {
		t.Errorf("update: %s", b.body)
	}
}
