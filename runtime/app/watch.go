package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/stepwell/stepwell/runtime/app/internal/term"
)

const (
	// lookEvery bounds how often a list is asked for, drawEvery how often it is
	// drawn without news: times pass.
	lookEvery, drawEvery = 300 * time.Millisecond, time.Second
	// pollEvery is how often is asked for what no news comes of.
	pollEvery = 2 * time.Second
	// seldom is how often it is where there are news.
	seldom = 15 * time.Second
)

func addWatchFlag(f *pflag.FlagSet) {
	f.BoolP("watch", "w", false, "go on, and show each change, until Ctrl-C")
}

// watched is a list that is shown live.
type watched struct {
	// look asks for it.
	look func() ([]byte, error)
	// lines draws it for a person.
	lines func([]byte) ([]string, error)
	// items are its parts, by the name that stays the same; see itemsOf.
	items func([]byte) (items []item, head string, whole bool, err error)
	// news, when it is not nil, tells that it may have changed, until the
	// context ends; an error says that there are none to be had.
	news func(ctx context.Context, wake func()) error
}

// item is a part of a list.
type item struct {
	name string
	json json.RawMessage
	line string // as people read it
}

// interruptible is the context of a command that ends with Ctrl-C, and has then
// done what it was to.
func (r *request) interruptible() (stop func()) {
	ctx, cancel := signal.NotifyContext(r.ctx, os.Interrupt, syscall.SIGTERM)
	r.ctx = ctx
	return cancel
}

// watch shows a list until Ctrl-C: on a terminal in its place, elsewhere a line
// for each change.
func (r *request) watch(w watched) error {
	defer r.interruptible()()
	data, err := w.look()
	if err != nil {
		return err // there is nothing to watch
	}
	news, stopNews := r.news(w.news)
	defer stopNews()
	show, closeShow, err := r.show(w)
	if err != nil {
		return err
	}
	defer closeShow()
	resized, stopResized := term.Resized()
	defer stopResized()
	draw := time.NewTicker(drawEvery)
	defer draw.Stop()
	looked, again, trouble := time.Now(), pollEvery, ""
	for {
		if err := show(data, trouble); err != nil {
			return err
		}
		fresh := false
		select {
		case <-r.ctx.Done():
			return nil
		case _, fresh = <-news.wake:
		case <-draw.C:
		case <-resized:
		}
		if !fresh && time.Since(looked) < news.poll() {
			continue
		}
		if !r.pause(lookEvery - time.Since(looked)) {
			return nil
		}
		looked = time.Now()
		switch got, err := w.look(); {
		case err == nil:
			data, trouble, again = got, "", firstPause
		case r.ctx.Err() != nil:
			return nil
		case refused(err):
			return err
		default:
			trouble = oneLine(err) + "; trying again"
			if !r.pause(again) {
				return nil
			}
			again = min(2*again, longestPause)
		}
	}
}

// pause waits; false when the command is to end.
func (r *request) pause(d time.Duration) bool {
	if d <= 0 {
		return r.ctx.Err() == nil
	}
	select {
	case <-time.After(d):
		return true
	case <-r.ctx.Done():
		return false
	}
}

// newsfeed tells that something has changed.
type newsfeed struct {
	wake chan struct{}
	mu   sync.Mutex
	none bool // it comes to nothing
}

// poll is how long to do without news.
func (n *newsfeed) poll() time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.none {
		return pollEvery
	}
	return seldom
}

// news begins to listen; stop waits for its end.
func (r *request) news(listen func(context.Context, func()) error) (n *newsfeed, stop func()) {
	n = &newsfeed{wake: make(chan struct{}, 1), none: listen == nil}
	if listen == nil {
		return n, func() {}
	}
	ctx, cancel := context.WithCancel(r.ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		err := listen(ctx, func() {
			select {
			case n.wake <- struct{}{}:
			default: // it knows already
			}
		})
		n.mu.Lock()
		n.none = err != nil
		n.mu.Unlock()
	})
	return n, func() { cancel(); wg.Wait() }
}

// runNews listens to the changes of runs that a list shows.
func (r *request) runNews(list url.Values) func(context.Context, func()) error {
	filter := maps.Clone(list)
	delete(filter, "limit")
	delete(filter, "cursor")
	return func(ctx context.Context, wake func()) error {
		for _, err := range r.events(ctx, "/v1/runs:watch", filter, func(error) { wake() }) { // and what changed before
			if err != nil {
				return err
			}
			wake()
		}
		return nil
	}
}

// show returns what shows the list as it now is, and what ends that.
func (r *request) show(w watched) (show func(data []byte, trouble string) error, end func(), err error) {
	if !r.out.Terminal || r.asJSON {
		p := &printed{request: r}
		return func(data []byte, trouble string) error { return p.show(w, data, trouble) }, func() {}, nil
	}
	screen, err := r.out.Open()
	if err != nil {
		return nil, nil, err
	}
	show = func(data []byte, trouble string) error {
		lines, err := w.lines(data)
		if err != nil {
			return err
		}
		foot := "Ctrl-C ends it"
		if trouble != "" {
			foot = trouble
		}
		if _, height := r.out.Size(); len(lines) > height-2 {
			least := ""
			if _, _, whole, err := w.items(data); err == nil && !whole {
				least = "at least " // there are more pages
			}
			foot = fmt.Sprintf("%s%d more lines; %s", least, len(lines)-(height-2), foot)
			lines = lines[:height-2]
		}
		return screen.Draw(append(lines, "", r.out.Paint(term.Faint, foot)))
	}
	return show, func() { screen.Close() }, nil
}

// printed writes what changed of a list since it was last shown.
type printed struct {
	*request
	last    map[string]string // the JSON of each item; nil: nothing was shown yet
	trouble string
}

func (p *printed) show(w watched, data []byte, trouble string) error {
	if trouble != p.trouble {
		if p.trouble = trouble; trouble != "" {
			fmt.Fprintf(p.errs, "%s: %s\n", programName(), trouble)
		}
	}
	items, head, whole, err := w.items(data)
	if err != nil {
		return err
	}
	if p.last == nil && !p.asJSON {
		fmt.Fprintln(p.out, head)
	}
	now := map[string]string{}
	for _, it := range items {
		now[it.name] = string(it.json)
		if before, had := p.last[it.name]; had && before == string(it.json) {
			continue
		}
		if err := p.say(it.json, it.line); err != nil {
			return err
		}
	}
	for _, name := range sortedKeys(p.last) {
		if _, there := now[name]; there || !whole {
			continue // or pushed out by others
		}
		gone, err := json.Marshal(map[string]string{"gone": name})
		if err != nil {
			return err
		}
		if err := p.say(gone, term.Clean(name)+"  gone"); err != nil {
			return err
		}
	}
	p.last = now
	return nil
}

// say writes one change, for a program or for a person.
func (r *request) say(v json.RawMessage, line string) error {
	if r.asJSON {
		line = r.line(v)
	}
	_, err := fmt.Fprintln(r.out, line)
	return err
}

// itemsOf reads the items of a list: the field that holds them, the one that
// names them, and how a person reads the list. whole: there are no more.
func itemsOf(list, name string, table func([]byte) ([]string, error)) func([]byte) (items []item, head string, whole bool, err error) {
	return func(data []byte) (items []item, head string, whole bool, err error) {
		var lists map[string]json.RawMessage
		var raw []json.RawMessage
		if err := json.Unmarshal(data, &lists); err != nil {
			return nil, "", false, err
		}
		if err := json.Unmarshal(lists[list], &raw); err != nil {
			return nil, "", false, err
		}
		lines, err := table(data)
		if err != nil {
			return nil, "", false, err
		}
		// The last first: of runs, that is as they came about.
		for i := len(raw) - 1; i >= 0; i-- {
			var fields map[string]json.RawMessage
			var n string
			if err := errors.Join(json.Unmarshal(raw[i], &fields), json.Unmarshal(fields[name], &n)); err != nil {
				return nil, "", false, err
			}
			it := item{name: n, json: raw[i]}
			if i+1 < len(lines) {
				it.line = lines[i+1]
			}
			items = append(items, it)
		}
		return items, lines[0], len(lists["next"]) == 0, nil
	}
}

// getter asks for a list with GET.
func (r *request) getter(path string, query map[string][]string) func() ([]byte, error) {
	return func() ([]byte, error) { return r.call(r.ctx, http.MethodGet, path, query, nil) }
}
