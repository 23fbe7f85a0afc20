package api

import (
	"slices"
	"testing"
)

// TestProblemsAreDescribed: the description has every error that this package maps, with the status it maps it
// to, and each call that touches the store has those of the store.
func TestProblemsAreDescribed(t *testing.T) {
	for _, ans := range answers {
		if k, ok := kinds[ans.code]; !ok || k.status != ans.status {
			t.Errorf("%s is answered with %d and described with %d: mend kinds", ans.code, ans.status, k.status)
		}
	}
	for code, k := range kinds {
		if k.status < 400 || k.text == "" || k.detail == "" {
			t.Errorf("%s: %+v", code, k)
		}
	}
	for _, r := range (&api{}).routes() {
		codes := codesOf(r)
		if r.method != "GET" && r.op.depth != writing {
			t.Errorf("%s changes something: its depth is to be writing", r.op.id)
		}
		for _, ans := range answers {
			// What a read meets in the store: it is closed, or answers late.
			meets := ans.status >= 500 && r.op.depth == writing || (ans.code == "closed" || ans.code == "timeout") && r.op.depth == reading
			if meets && !slices.Contains(codes, ans.code) {
				t.Errorf("%s can be answered with %s, and is not described so", r.op.id, ans.code)
			}
		}
	}
}
