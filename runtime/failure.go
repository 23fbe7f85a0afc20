package runtime

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/stepwell/stepwell/store"
)

// recorded turns an error into the form in which it is stored. What a workflow
// sees, live too, is made from this form.
func recorded(err error) *store.Failure {
	f := failureOf(err)
	f.Message, f.Stack = clip(f.Message, maxMessage), clip(f.Stack, maxStack)
	return f
}

// What is kept of an error's text, in bytes.
const (
	maxMessage = 16 << 10
	maxStack   = 32 << 10
)

// clip bounds a text and makes it what JSON can hold, so that it reads the same
// before and after it was stored.
func clip(s string, most int) string {
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

func failureOf(err error) *store.Failure {
	if se, ok := errors.AsType[*StepError](err); ok && err == error(se) {
		return &store.Failure{Code: se.Code, Message: se.Error(), Step: se.Path, Stack: se.Stack}
	}
	f := &store.Failure{Code: codeOf(err), Message: err.Error()}
	if pe, ok := errors.AsType[*PanicError](err); ok {
		f.Code, f.Stack = store.CodePanic, pe.Stack
	}
	if se, ok := errors.AsType[*StepError](err); ok {
		f.Step = se.Path
	}
	return f
}

// PanicError is a panic in the program's code, caught: what a [Middleware] sees
// of it.
type PanicError struct {
	Value any
	Stack string
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// catch, deferred, turns a panic into an error.
func catch(err *error) {
	if p := recover(); p != nil {
		*err = &PanicError{p, string(debug.Stack())}
	}
}

func stepError(name string, row *store.Step) *StepError {
	e := &StepError{Step: name, Path: row.Path, Attempts: row.Attempt}
	if f := row.Error; f != nil {
		e.Code, e.Message, e.Stack = f.Code, f.Message, f.Stack
	}
	return e
}

// stopError is what a run sees once it was asked to stop.
func stopError(cause store.StopCause) error {
	if cause == store.StopDeadline {
		return ErrDeadline
	}
	return ErrCancelled
}
