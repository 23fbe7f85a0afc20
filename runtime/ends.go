package runtime

import "sync"

// ends tells those who wait for the end of a run, or for other news of it. One channel serves all who
// wait for the same run.
type ends struct {
	mu   sync.Mutex
	runs map[string]*end
}

type end struct {
	ch      chan struct{}
	waiting int
}

// watch returns a channel that is closed at the next news of the run. cancel
// must be called once.
func (n *ends) watch(id string) (<-chan struct{}, func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.runs == nil {
		n.runs = map[string]*end{}
	}
	w := n.runs[id]
	if w == nil {
		w = &end{ch: make(chan struct{})}
		n.runs[id] = w
	}
	w.waiting++
	return w.ch, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		if w.waiting--; w.waiting == 0 && n.runs[id] == w {
			delete(n.runs, id)
		}
	}
}

func (n *ends) announce(id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if w := n.runs[id]; w != nil {
		close(w.ch)
		delete(n.runs, id)
	}
}
