package runtime

import (
	"container/list"
	"context"
	"crypto/rand"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stepwell/stepwell/store"
)

const (
	// keptChanges bounds the runs whose last change is remembered.
	keptChanges = 16384
	// watchedFor is how long changes are remembered after the last who watched
	// them left: whoever lost the connection comes back and has missed nothing.
	watchedFor = time.Minute
)

// watches brings news of committed changes to those who watch runs. While
// nobody does, a change costs one atomic load.
//
// It hears of the changes made through this runtime: from the store's events,
// and from [watchedStore] of those that have none. A store that several
// processes write to has to tell of the others' changes as well: here is where
// to, by changed.
type watches struct {
	// on: changes have to be told. It is set before a watcher reads, and looked
	// at after the commit, so what the watcher does not see it is told of.
	on atomic.Bool

	mu   sync.Mutex
	life string // of this runtime; in every position
	last uint64 // number of the last change
	// forgotten is the number up to which changes are not remembered.
	forgotten uint64
	runs      map[string]*watched // those that somebody watches
	recent    map[string]*list.Element
	order     list.List // of change, oldest first; each run once
	watchers  int       // of all runs
	keepUntil time.Time // without watchers of all runs, how long changes are remembered
	news      chan struct{}
}

// change is the last change of a run.
type change struct {
	id string
	n  uint64
}

// watched is a run that somebody watches. It is read once for all of them.
type watched struct {
	watchers int
	// version is raised by each change.
	version uint64
	news    chan struct{} // closed at the next change; nil: nobody waits

	reading chan struct{} // holds one token; it guards what follows
	read    bool
	run     Run
	as      uint64 // the version that was read
}

func newWatches() *watches {
	return &watches{life: rand.Text()[:10], runs: map[string]*watched{}, recent: map[string]*list.Element{}}
}

// changed tells of a committed change of a run.
func (w *watches) changed(id string) {
	if w.on.Load() {
		w.tell(id)
	}
}

// event tells of a change that the store published.
func (w *watches) event(ev *store.Event) {
	switch {
	case ev.ID != "":
		w.changed(ev.ID)
	case ev.Kind == store.EventQueued && ev.Queue == "":
		w.allChanged() // many at once, without their names
	}
}

func (w *watches) tell(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last++
	if r := w.runs[id]; r != nil {
		r.changed()
	}
	if !w.listeningLocked() {
		w.forgetLocked()
		w.on.Store(len(w.runs) > 0)
		return
	}
	if e := w.recent[id]; e != nil {
		e.Value.(*change).n = w.last
		w.order.MoveToBack(e)
	} else {
		w.recent[id] = w.order.PushBack(&change{id, w.last})
	}
	if w.order.Len() > keptChanges {
		first := w.order.Remove(w.order.Front()).(*change)
		delete(w.recent, first.id)
		w.forgotten = first.n
	}
	w.wakeLocked()
}

// allChanged tells that any run may have changed.
func (w *watches) allChanged() {
	if !w.on.Load() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last++
	for _, r := range w.runs {
		r.changed()
	}
	w.forgetLocked()
	w.wakeLocked()
}

func (r *watched) changed() {
	r.version++
	if r.news != nil {
		close(r.news)
		r.news = nil
	}
}

func (w *watches) wakeLocked() {
	if w.news != nil {
		close(w.news)
		w.news = nil
	}
}

// listeningLocked reports whether changes are to be remembered.
func (w *watches) listeningLocked() bool {
	return w.watchers > 0 || !w.keepUntil.IsZero() && time.Now().Before(w.keepUntil)
}

func (w *watches) forgetLocked() {
	w.forgotten = w.last
	clear(w.recent)
	w.order.Init()
}

// listenLocked has changes remembered from now on.
func (w *watches) listenLocked() {
	if !w.listeningLocked() {
		w.last++ // before it, anything may have happened
		w.forgetLocked()
	}
	w.on.Store(true)
}

// attend counts a watcher of all runs. leave must be called once.
func (w *watches) attend() (leave func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.listenLocked()
	w.watchers++
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.watchers--
		w.keepUntil = time.Now().Add(watchedFor)
	}
}

// position is where the changes after the call begin; they are remembered for
// a while.
func (w *watches) position() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.listenLocked()
	w.keepUntil = time.Now().Add(watchedFor)
	return w.name(w.last)
}

// name writes the position after a change.
func (w *watches) name(n uint64) string { return w.life + "." + strconv.FormatUint(n, 36) }

// since returns the runs that changed after a position of the caller's. lost:
// some changes were forgotten.
func (w *watches) since(at uint64) (ids []string, now uint64, lost bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if at < w.forgotten {
		return nil, w.last, true
	}
	for e := w.order.Back(); e != nil && e.Value.(*change).n > at; e = e.Prev() {
		ids = append(ids, e.Value.(*change).id)
	}
	return ids, w.last, false
}

// next returns nil when something changed after a position, and otherwise a
// channel that is closed when it does.
func (w *watches) next(at uint64) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last != at {
		return nil
	}
	if w.news == nil {
		w.news = make(chan struct{})
	}
	return w.news
}

// locate reads a position; false when it is none of this runtime's.
func (w *watches) locate(position string) (uint64, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	number, ours := strings.CutPrefix(position, w.life+".")
	n, err := strconv.ParseUint(number, 36, 64)
	if !ours || err != nil || n > w.last || n < w.forgotten {
		return w.last, false
	}
	return n, true
}

// watch counts a watcher of one run. leave must be called once.
func (w *watches) watch(id string) (r *watched, leave func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r = w.runs[id]
	if r == nil {
		r = &watched{version: 1, reading: make(chan struct{}, 1)}
		r.reading <- struct{}{}
		w.runs[id] = r
	}
	r.watchers++
	w.on.Store(true)
	return r, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if r.watchers--; r.watchers == 0 {
			delete(w.runs, id)
		}
	}
}

// after returns nil when the run changed since a version, and otherwise a
// channel that is closed when it does.
func (w *watches) after(r *watched, version uint64) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r.version != version {
		return nil
	}
	if r.news == nil {
		r.news = make(chan struct{})
	}
	return r.news
}

// look reads the run with get, unless another watcher has since its last change.
func (w *watches) look(ctx context.Context, r *watched, get func() (Run, error)) (run Run, version uint64, err error) {
	select {
	case <-r.reading:
	case <-ctx.Done():
		return Run{}, 0, context.Cause(ctx)
	}
	defer func() { r.reading <- struct{}{} }()
	w.mu.Lock()
	version = r.version // before the read
	w.mu.Unlock()
	if !r.read || r.as != version {
		if run, err = get(); err != nil {
			return Run{}, 0, err
		}
		r.run, r.as, r.read = run, version, true
	}
	return r.run, version, nil
}
