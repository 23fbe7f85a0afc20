package runtime

import (
	"context"
	"sync"
	"sync/atomic"
)

// forEach calls one for 0 to n-1 on a number of workers, each call in a branch
// of its own, and returns when all have returned.
func forEach(ctx context.Context, n, workers int, one func(context.Context, int)) error {
	b := branchOf(ctx)
	var next atomic.Int64
	if b == nil {
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for i := int(next.Add(1) - 1); i < n; i = int(next.Add(1) - 1) {
					one(ctx, i)
				}
			})
		}
		wg.Wait()
		return nil
	}
	if err := b.enter(); err != nil {
		return err
	}
	defer b.leave()
	path := b.fork()
	fs := make([]*future, workers)
	for w := range fs {
		fs[w] = &future{e: b.e, done: make(chan struct{})}
		// The worker's own branch makes no calls; each item has its branch.
		b.e.branch(ctx, fs[w], b.child(joinPath(path, n+w)), func(context.Context) {
			for i := int(next.Add(1) - 1); i < n; i = int(next.Add(1) - 1) {
				item := b.child(joinPath(path, i))
				one(item.context(ctx), i)
				if err := item.returned(); err != nil {
					b.e.fail(err)
				}
			}
		})
	}
	for _, f := range fs {
		if !f.isOver() {
			b.e.await(f)
		}
	}
	return nil
}
