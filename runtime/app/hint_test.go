package app

import "testing"

func TestNearest(t *testing.T) {
	names := []string{"list", "get", "start", "steps", "cancel", "set-version"}
	for in, want := range map[string]string{
		"lst": "list", "lsit": "list", "strat": "start", "star": "start", "sett-version": "set-version", "set": "set-version",
		"LIST": "list", "x": "", "frobnicate": "", "": "", "cnacel": "cancel",
	} {
		if got := nearest(in, names); got != want {
			t.Errorf("nearest to %q is %q, want %q", in, got, want)
		}
	}
}

func TestExample(t *testing.T) {
	for schema, want := range map[string]string{
		``:                            "",
		`true`:                        "",
		`{}`:                          "",
		`{"type":"no`:                 "",
		`{"type":"string"}`:           `"text"`,
		`{"type":["null","integer"]}`: `1`,
		`{"type":"object","properties":{"b":{"type":"string","format":"date-time"},"a":{"type":"array","items":{"type":"number"}},"c":true}}`: `{"a":[1],"b":"2026-01-31T12:00:00Z","c":null}`,
		`{"type":"object","propertyOrder":["b","a"],"properties":{"b":{"enum":["x","y"]},"a":{"type":"boolean","default":false}}}`:            `{"b":"x","a":false}`,
		`{"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"next":{"$ref":"#/$defs/node"}}}}}`:                            `{"next":{"next":{}}}`,
	} {
		w := workflowView{Input: []byte(schema)}
		got := w.example()
		if got != want {
			t.Errorf("an example for %s is %s, want %s", schema, got, want)
		}
	}
}
