package isolate

import (
	"container/list"
	"sync/atomic"
)

// line is where executions wait, first come, first served. It is guarded by
// its step's mu, except for waits.
type line struct {
	turns list.List // of *turn
	n     atomic.Int32
}

// turn is a place in the line; come is closed when it has come.
type turn struct {
	come chan struct{}
	elem *list.Element // nil: it has come, or was given up
}

// waits tells whether someone is in line.
func (l *line) waits() bool { return l.n.Load() > 0 }

func (l *line) join() *turn {
	t := &turn{come: make(chan struct{})}
	t.elem = l.turns.PushBack(t)
	l.n.Add(1)
	return t
}

// leave gives the turn up. It returns false when it has come.
func (l *line) leave(t *turn) bool {
	if t.elem == nil {
		return false
	}
	l.turns.Remove(t.elem)
	t.elem = nil
	l.n.Add(-1)
	return true
}

// call gives the first in line its turn.
func (l *line) call() {
	if e := l.turns.Front(); e != nil {
		t := e.Value.(*turn)
		l.leave(t)
		close(t.come)
	}
}

// callAll gives all that are in line theirs.
func (l *line) callAll() {
	for l.turns.Len() > 0 {
		l.call()
	}
}
