package isolate

import (
	"context"
	"testing"
)

// What isolation adds to a step that does nothing.
func BenchmarkDo(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, c := range []struct {
		name    string
		threads int
		marked  bool
	}{{"off", -1, false}, {"light", 0, false}, {"marked", 0, true}} {
		b.Run(c.name, func(b *testing.B) {
			i := New(Config{Threads: c.threads})
			defer i.Close()
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				n := 0
				for fn := func() { n++ }; pb.Next(); {
					if err := i.Do(ctx, "workflow/step", c.marked, fn); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

// The first execution of a key runs on a watched thread.
func BenchmarkUnknown(b *testing.B) {
	if _, ok := threadCPU(threadID()); !ok {
		b.Skip("threads cannot be watched here")
	}
	i := New(Config{})
	defer i.Close()
	for b.Loop() {
		i.steps.steps.Delete("workflow/step")
		i.Do(b.Context(), "workflow/step", false, func() {})
	}
}
