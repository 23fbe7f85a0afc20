package runtimetest

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/stepwell/stepwell/store"
)

// reads are the methods of a store that go on to work after a crash, or that a
// run does not call.
var reads = []string{
	"Get", "List", "Load", "Stats", "Spans", "Cursor", "SetCursor", "Position", "Subscribe", "Probe", "Health", "Close",
	"LastBeat", "Peek", "Items", "EventValue", "QueueSettings", "Schedules",
}

// TestNothingIsWrittenAfterACrash calls each method of a dead process's store:
// one that is new has to be wrapped, or named among the reads.
func TestNothingIsWrittenAfterACrash(t *testing.T) {
	m := newMortal(nil, func(*store.Step) *point { return nil })
	m.kill()
	for method := range reflect.TypeFor[store.Store]().Methods() {
		if slices.Contains(reads, method.Name) {
			continue
		}
		if err := callZero(reflect.ValueOf(m).MethodByName(method.Name)); !errors.Is(err, store.ErrClosed) {
			t.Errorf("%s after a crash: %v; wrap it in mortal.go", method.Name, err)
		}
	}
}

// callZero calls fn with zero values and returns its error, or its panic.
func callZero(fn reflect.Value) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("it reaches the store")
		}
	}()
	var args []reflect.Value
	for i := range fn.Type().NumIn() {
		args = append(args, reflect.Zero(fn.Type().In(i)))
	}
	out := fn.Call(args)
	err, _ = out[len(out)-1].Interface().(error)
	return err
}
