package api

import (
	"context"
	"sync"
)

// feed is news that is read and encoded once for all clients who follow it. One
// goroutine makes it, from the first client to the last.
type feed[T any] struct {
	mu sync.Mutex
	// kept are the newest items; first is the number of the oldest of them.
	kept  []T
	first int
	size  int
	most  int // bytes that are kept
	over  bool
	news  chan struct{} // closed at the next change; nil: nobody waits

	clients int // guarded by the owner
	end     context.CancelFunc
	done    chan struct{} // closed when the goroutine has returned
}

// sized is something that a feed keeps.
type sized interface{ bytes() int }

const (
	// keptItems bounds what a feed keeps for clients that are slower than it, as
	// its own most does; who falls behind reads from the store.
	keptItems = 1024
)

// begin makes a feed that was stopped ready to start again.
func (f *feed[T]) begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kept, f.first, f.size, f.over = nil, f.first+len(f.kept), 0, false
}

// start has follow make the feed until the context ends, or it returns.
func (f *feed[T]) start(follow func(context.Context)) {
	ctx, end := context.WithCancel(context.Background())
	f.end, f.done = end, make(chan struct{})
	go func() {
		defer close(f.done)
		defer end()
		follow(ctx)
		f.mu.Lock()
		f.over = true
		f.wakeLocked()
		f.mu.Unlock()
	}()
}

// stop ends the feed and waits for its goroutine.
func (f *feed[T]) stop() {
	f.end()
	<-f.done
}

func (f *feed[T]) wakeLocked() {
	if f.news != nil {
		close(f.news)
		f.news = nil
	}
}

// addLocked adds items and lets go of the oldest.
func (f *feed[T]) addLocked(items ...T) {
	for _, it := range items {
		f.kept = append(f.kept, it)
		f.size += sizeOf(it)
	}
	drop := 0
	for len(f.kept)-drop > keptItems || f.size > f.most && len(f.kept)-drop > 1 {
		f.size -= sizeOf(f.kept[drop])
		drop++
	}
	n := copy(f.kept, f.kept[drop:])
	clear(f.kept[n:])
	f.kept, f.first = f.kept[:n], f.first+drop
}

func sizeOf(v any) int {
	if s, ok := v.(sized); ok {
		return s.bytes()
	}
	return 0
}

// sinceLocked returns the items from a number on, and the number after them.
// It is false when some of them are kept no more.
func (f *feed[T]) sinceLocked(n int) (items []T, next int, kept bool) {
	next = f.first + len(f.kept)
	if n < f.first {
		return nil, next, false
	}
	return append(items, f.kept[n-f.first:]...), next, true
}

// waitLocked returns a channel that is closed at the next change.
func (f *feed[T]) waitLocked() <-chan struct{} {
	if f.news == nil {
		f.news = make(chan struct{})
	}
	return f.news
}
