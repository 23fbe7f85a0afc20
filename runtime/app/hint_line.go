package app

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stepwell/stepwell/runtime/app/internal/term"
)

// argError is what came of one of several arguments, each done by itself.
type argError struct {
	error
	place int // from 0; those before it are done
}

func (e *argError) Unwrap() error { return e.error }

// placeOf is the place of the argument that an error is about.
func placeOf(err error) int {
	if a, ok := errors.AsType[*argError](err); ok {
		return a.place
	}
	return 0
}

// risky tells of a command that does to the wrong thing what nobody wants done:
// a line of it, ready to be pasted, is not offered.
func risky(command string) bool {
	return slices.Contains([]string{"delete", "cancel", "fork", "resume"}, command)
}

// mostNear is how many names are offered at most.
const mostNear = 3

// like adds to an error what was probably meant by the argument that was not
// found: the command line that goes on from there, or only the names when the
// command is risky. It is the error itself when nothing is like it.
func like(err error, c *cobra.Command, args, names []string) error {
	at := placeOf(err)
	others := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return slices.Contains(args, n) })
	var near []string
	for len(near) < mostNear {
		n := nearest(args[at], others)
		if n == "" {
			break
		}
		near = append(near, n)
		others = slices.DeleteFunc(others, func(o string) bool { return o == n })
	}
	if len(near) == 0 {
		return err
	}
	if risky(c.Name()) {
		return &hinted{err, "near", strings.Join(near, ", ")}
	}
	line := commandLine(c.CommandPath(), append(near[:1:1], args[at+1:]...))
	if line == "" {
		return &hinted{err, "near", near[0]}
	}
	return hint(err, "%s", line)
}

// commandLine is a command with its arguments as a shell reads them; empty when
// it cannot be shown as it is.
func commandLine(command string, args []string) string {
	words := []string{command}
	if slices.ContainsFunc(args, func(a string) bool { return len(a) > 1 && a[0] == '-' }) {
		words = append(words, "--") // it is no flag
	}
	for _, a := range args {
		words = append(words, word(a))
	}
	line := strings.Join(words, " ")
	if term.Clean(line) != line {
		return ""
	}
	return line
}

// word is an argument as a shell reads it: in quotes when it needs them.
func word(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.,:/@+%"
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return quoted(s)
}
