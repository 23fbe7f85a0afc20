package app

import (
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestCommandLine: a shell reads the arguments of a line as they were.
func TestCommandLine(t *testing.T) {
	for _, args := range [][]string{
		{"plain-1:2.0"}, {`{"n":1}`, "it's"}, {""}, {"a b", "$HOME", "`id`", "~", "*", "#x", "!x", ";", `\`}, {"a", "-1"},
	} {
		line := commandLine(`printf '%s\n'`, args)
		out, err := exec.Command("sh", "-c", strings.Replace(line, " -- ", " ", 1)).Output()
		if got := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n"); err != nil || !slices.Equal(got, args) {
			t.Errorf("%s is read as %q, want %q (%v)", line, got, args, err)
		}
	}
	if got, want := commandLine("x", []string{"a", "-1"}), "x -- a -1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := commandLine("x", []string{"a\nb"}); got != "" {
		t.Errorf("a line that cannot be shown as it is: %s", got)
	}
}

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

// TestLike: the line goes on from the argument that was not found.
func TestLike(t *testing.T) {
	c := &cobra.Command{Use: "pause"}
	names, failed := []string{"alpha", "gamma", "delta", "gamna"}, errors.New("not found")
	h, ok := errors.AsType[*hinted](like(&argError{failed, 1}, c, []string{"alpha", "gamm", "delta"}, names))
	if want := "pause gamma delta"; !ok || h.lead != "try" || h.hint != want {
		t.Errorf("got %+v, want %q", h, want)
	}
	if h, ok := errors.AsType[*hinted](like(&argError{failed, 1}, c, []string{"alpha", "alpah", "delta"}, names)); ok {
		t.Errorf("what was done is to be done again: %q", h.hint)
	}
}
