package runtime

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"testing"

	"github.com/stepwell/stepwell/store"
)

// untold are the methods of a store that change no run that somebody may watch
// or, in the second row, publish an event with the run's id when they do.
var untold = []string{
	"Get", "List", "Load", "LoadSince", "Outline", "Stats", "Spans", "Cursor", "SetCursor", "Marks", "SetMark", "Position", "Subscribe", "Probe", "Health", "Close", "Beat", "LastBeat",
	"Peek", "Items", "EventValue", "QueueSettings", "SetQueue", "Schedules", "Sweep", "Shrink",

	"Finish", "Release", "Resume", "Due", "Recover", "SetEvent", "Append", "Dismiss", "Continue", "Admit", "SetVersion", "Delete", "Expire",
}

// TestEveryChangeIsTold holds watchedStore to the methods of a store: one that
// is new has to be given to it, or named above.
func TestEveryChangeIsTold(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "watchedstore.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var own []string
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv != nil {
			own = append(own, fn.Name.Name)
		}
	}
	for m := range reflect.TypeFor[store.Store]().Methods() {
		if told := slices.Contains(own, m.Name); told == slices.Contains(untold, m.Name) {
			t.Errorf("store.Store.%s: either watchedStore tells of what it changes (now: %v), or it is untold", m.Name, told)
		}
	}
}

func TestNobodyWatchesNothingIsKept(t *testing.T) {
	w := newWatches()
	w.changed("a")
	if w.last != 0 {
		t.Error("a change was counted")
	}
	leave := w.attend()
	w.changed("a")
	leave()
	_, done := w.watch("b")
	w.keepUntil = w.keepUntil.Add(-watchedFor)
	w.changed("b")
	if w.order.Len() > 0 || len(w.recent) > 0 || !w.on.Load() {
		t.Errorf("kept %d changes, on is %v", w.order.Len(), w.on.Load())
	}
	done()
	w.changed("b")
	if len(w.runs) > 0 || w.on.Load() {
		t.Errorf("%d runs are watched, on is %v", len(w.runs), w.on.Load())
	}
}
