package runtimetest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stepwell/stepwell/runtime"
)

// Replay runs the present code over the exported histories in files that match
// a pattern ([filepath.Match]), such as testdata/*.json, and fails the test for
// each that does not fit; see [runtime.Replay]. No file at all is a failure too.
func Replay(t testing.TB, pattern string, defs ...runtime.Definition) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Errorf("no history in %s: %v", pattern, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
			continue
		}
		h, err := runtime.ParseHistory(data)
		if err == nil {
			err = runtime.Replay(t.Context(), h, defs...)
		}
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// WantReplay fails the test when the code does not fit the history that it made
// itself: then something in the workflow function is not the same from one time
// to the next.
func (rt *Env) WantReplay(id string) {
	rt.t.Helper()
	cfg := runtime.Config{Codec: rt.cfg.Codec}
	if err := runtime.ReplayWith(rt.t.Context(), cfg, rt.History(id), rt.defs[:len(rt.defs)-1]...); err != nil {
		rt.t.Error(err)
	}
}
