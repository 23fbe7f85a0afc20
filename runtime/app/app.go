package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	_ "time/tzdata" // an image may have no zone files

	"github.com/gorilla/mux"
	"github.com/spf13/cobra"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/app/internal/term"
	"github.com/stepwell/stepwell/runtime/ui"
)

// Main runs a program with these workflows and queues, and does not return.
func Main(defs ...runtime.Definition) { (&App{Definitions: defs}).Main() }

// App is a program. Fill in the fields, then call Main.
type App struct {
	// Definitions are the workflows and queues.
	Definitions []runtime.Definition
	// Routes adds paths of the program's own to the API listener; what is
	// below /v1/ and /ui/ is taken.
	Routes func(*mux.Router, *runtime.Runtime)
	// Open lists paths of these routes that need no token.
	Open []string
	// Demos are offered on the web UI's overview.
	Demos []Demo
	// Commands are added to the command line.
	Commands []*cobra.Command

	url atomic.Pointer[string]
}

// Demo starts runs for somebody who wants to see some.
type Demo = ui.Demo

// URL is where the API listener of this process is reached from inside it,
// without a slash at the end; empty before it serves. Safe for concurrent use.
func (a *App) URL() string {
	if u := a.url.Load(); u != nil {
		return *u
	}
	return ""
}

// Main executes the command line and ends the process: with 0 when done, 1
// when it failed, 2 when the usage was wrong.
func (a *App) Main() { os.Exit(a.run(os.Args[1:])) }

func (a *App) run(args []string) int {
	name := filepath.Base(os.Args[0])
	root := a.command(name)
	began := false
	noteStart(root, &began)
	root.SetArgs(args)
	err := root.Execute()
	if err == nil {
		return 0
	}
	fmt.Fprintf(os.Stderr, "%s: %s\n", name, oneLine(err))
	if h, ok := errors.AsType[*hinted](err); ok {
		fmt.Fprintf(os.Stderr, "%s: %s\n", h.lead, term.Clean(h.hint))
	}
	if _, usage := errors.AsType[*usageError](err); usage || !began {
		return 2
	}
	return 1
}

// usageError is a mistake of whoever called the program.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// UsageErrorf makes an error that ends the program with exit code 2. It is for
// [App.Commands].
func UsageErrorf(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}
