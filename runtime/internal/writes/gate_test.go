package writes

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/stepwell/stepwell/store"
)

// reads are the methods that a run does not write with.
var reads = []string{
	"Get", "List", "Load", "LoadSince", "Outline", "Stats", "Spans", "Cursor", "SetCursor", "Position", "Subscribe", "Probe", "Health", "Close",
	"LastBeat", "Peek", "Items", "EventValue", "QueueSettings", "Schedules", "Marks",
}

// TestEveryWriteGoesThrough calls each method: one that is new has to be given
// to gate, or named among the reads.
func TestEveryWriteGoesThrough(t *testing.T) {
	through := errors.New("through")
	g := Through(nil, func(*store.Step, func() error) error { return through })
	for method := range reflect.TypeFor[store.Store]().Methods() {
		if slices.Contains(reads, method.Name) {
			continue
		}
		if err := callZero(reflect.ValueOf(g).MethodByName(method.Name)); err != through {
			t.Errorf("%s: %v; let it go through the gate", method.Name, err)
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
