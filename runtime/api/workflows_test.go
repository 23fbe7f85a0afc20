package api_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/api"
)

func TestWorkflows(t *testing.T) {
	s := newServer(t, api.Config{}, runtime.Config{})
	var got struct{ Workflows []map[string]any }
	if err := json.Unmarshal([]byte(s.do(t, "GET", "/v1/workflows", "").body), &got); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, w := range got.Workflows {
		names = append(names, w["name"].(string))
		if w["name"] != "order" {
			continue
		}
		field := func(typ string) any { return map[string]any{"type": typ} }
		want := map[string]any{
			"name": "order", "version": "v-test", "output_schema": field("integer"),
			"input_schema": map[string]any{"type": "object", "properties": map[string]any{"item": field("string"), "count": field("integer")}},
		}
		if d := cmp.Diff(want, w); d != "" {
			t.Errorf("order (-want +got):\n%s", d)
		}
	}
	if d := cmp.Diff([]string{"again", "broken", "counter", "echo", "gated", "listener", "lost", "order", "sleeper", "tangled", "teller"}, names); d != "" {
		t.Errorf("workflows (-want +got):\n%s", d)
	}
}

// foreign is a codec of which nothing is known.
type foreign struct{ runtime.JSON }

// TestWorkflowsOfAnotherCodec: what is not stored as JSON has no schema; what is hidden has.
func TestWorkflowsOfAnotherCodec(t *testing.T) {
	sealed, err := runtime.NewEncryptedCodec(nil, runtime.Key{ID: "k", Secret: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		codec runtime.Codec
		want  bool
	}{{foreign{}, false}, {sealed, true}, {nil, true}} {
		s := newServer(t, api.Config{}, runtime.Config{Codec: c.codec})
		var got struct{ Workflows []map[string]any }
		if err := json.Unmarshal([]byte(s.do(t, "GET", "/v1/workflows", "").body), &got); err != nil {
			t.Fatal(err)
		}
		for _, w := range got.Workflows {
			if _, ok := w["input_schema"]; ok != c.want {
				t.Errorf("%T: %v", c.codec, w)
			}
		}
	}
}
