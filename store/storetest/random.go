package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/store"
)

// errRefused stands for an error that is none of the store's own.
var errRefused = errors.New("refused")

// op is one random operation: a kind, the numbers that choose what it is done
// to, and a moment that no other operation of its sequence has. Numbers mean
// the same whatever other operations remain, so that a sequence can be cut.
type op struct {
	kind       string
	a, b, c, d int
	t          time.Time
}

func (o op) String() string {
	return fmt.Sprintf("%s(%d, %d, %d, %d) at +%v", o.kind, o.a, o.b, o.c, o.d, o.t.Sub(start))
}

// kinds are the operations, each as often as it is listed.
var kinds = strings.Fields(`create create create create claim claim claim record record record record record
	suspend suspend finish finish release stop stop resume due due due recover cursor delete delete sweep send send send take take set
	fork fork continue continue aside aside admit version expire`)

func randomOps(seed uint64, n int) []op {
	rnd := rand.New(rand.NewPCG(seed, 1))
	ops := make([]op, n)
	now := 0
	for i := range ops {
		now += rnd.IntN(4) - 1 // clocks may go back a little
		ops[i] = op{kinds[rnd.IntN(len(kinds))], rnd.IntN(1 << 16), rnd.IntN(1 << 16), rnd.IntN(1 << 16), rnd.IntN(1 << 16),
			at(now).Add(time.Duration(i) * 10 * time.Microsecond)}
	}
	return ops
}

const modelOps = 250

func runModel(t *testing.T, open func(t *testing.T) store.Store) {
	if s := os.Getenv("STEPWELL_STORETEST_SEED"); s != "" {
		seed, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		runSeed(t, open, seed)
		return
	}
	seeds := 4
	if s := os.Getenv("STEPWELL_STORETEST_SEEDS"); s != "" {
		var err error
		if seeds, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	first := uint64(time.Now().UnixNano())
	for i := range seeds {
		seed := first + uint64(i)
		if i == 0 {
			seed = 1 // one that is always the same
		}
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			runSeed(t, open, seed)
		})
	}
}

func runSeed(t *testing.T, open func(t *testing.T) store.Store, seed uint64) {
	ops := randomOps(seed, modelOps)
	at, err := replay(open(t), ops)
	if err == nil {
		return
	}
	ops, at, err = shrink(ops[:at+1], at, err, func(ops []op) (int, error) { return replay(open(t), ops) })
	var b strings.Builder
	for i, o := range ops {
		fmt.Fprintf(&b, "%3d %v\n", i, o)
	}
	t.Fatalf("broken rule: the store does what the model does\nseed %d (repeat with STEPWELL_STORETEST_SEED=%d), shrunk to %d operations:\n%sat operation %d: %v",
		seed, seed, len(ops), b.String(), at, err)
}

// shrink leaves operations out, in ever smaller groups, as long as what
// remains still fails. It gives up after a number of replays.
func shrink(ops []op, at int, err error, replay func([]op) (int, error)) ([]op, int, error) {
	tries := 150
	for size := len(ops) / 2; size > 0; size /= 2 {
		for from := 0; from+size < len(ops) && tries > 0; {
			tries--
			shorter := append(append([]op{}, ops[:from]...), ops[from+size:]...)
			if i, e := replay(shorter); e != nil {
				ops, at, err = shorter[:i+1], i, e
			} else {
				from += size
			}
		}
	}
	return ops, at, err
}

// replay runs the operations on the store and on a model beside it, returns the
// operation at which they first differ, and closes the store.
func replay(s store.Store, ops []op) (at int, err error) {
	p := &player{s: s, m: newModel(), news: &news{}, ctx: context.Background()}
	s.Subscribe(p.news.add)
	defer func() { err = errors.Join(err, s.Close()) }()
	for i, o := range ops {
		if err := p.play(o); err != nil {
			return i, err
		}
		if err := p.compare(i%16 == 0 || i == len(ops)-1); err != nil {
			return i, err
		}
	}
	return 0, nil
}

// player plays operations on a store and on its model.
type player struct {
	ctx    context.Context
	s      store.Store
	m      *model
	news   *news
	claims []store.Claim // all that were ever handed out
	before map[string]store.Run
	armed  time.Time // when a timer that is set by nothing but news would ring
}

func (p *player) claim(n int) store.Claim {
	if len(p.claims) == 0 {
		return store.Claim{Seq: 1, ID: "r0", Epoch: 1}
	}
	return p.claims[max(0, len(p.claims)-1-n%8)] // mostly those of late
}

func (p *player) id(n int) string { return fmt.Sprint("r", n%24) }

func (p *player) play(o op) error {
	p.before = map[string]store.Run{}
	for _, r := range p.m.runs {
		p.before[r.ID] = r.Run
	}
	switch o.kind {
	case "create":
		return p.create(o)
	case "claim":
		req := store.ClaimRequest{Executor: fmt.Sprint("e", o.a%3), Now: o.t, Limit: o.b % 5}
		for i := range 3 {
			if o.d>>i&1 == 1 {
				req.Queues = append(req.Queues, store.QueueLimit{Name: queues[i], Concurrency: o.c >> i % 4, Limit: o.c >> (2 + i) % 3})
			}
		}
		runs, err := p.s.Claim(p.ctx, req)
		if err != nil {
			return err
		}
		for _, r := range runs {
			p.claims = append(p.claims, r.Claim())
		}
		return p.m.claim(req, runs)
	case "record":
		c := p.claim(o.a)
		st := store.Step{Path: fmt.Sprint(p.base(c) + o.b%7), Attempt: o.c % 3, Kind: store.KindStep, Name: "n", Status: store.StepSucceeded, StartedAt: o.t, Output: []byte{byte(o.d)}}
		return same(p.s.Record(p.ctx, c, &st), p.m.record(c, st))
	case "suspend":
		c, sus := p.claim(o.a), store.Suspension{Signals: p.seen(o)}
		if o.c%4 > 0 {
			sus.WakeAt = o.t.Add(time.Duration(o.d%20)*time.Second + time.Microsecond)
		}
		return same(p.s.Suspend(p.ctx, c, sus), p.m.suspend(c, sus))
	case "finish":
		c, out := p.claim(o.a), store.Outcome{Status: store.Status(1 + o.b%8), At: o.t, Output: []byte{byte(o.c)}, Error: &store.Failure{Message: "m"}}
		got, err := p.s.Finish(p.ctx, c, out)
		want, wantErr := p.m.finish(c, out)
		if err == nil && got != want {
			return fmt.Errorf("finished as %s, want %s", got, want)
		}
		return same(err, wantErr)
	case "release":
		cs := []store.Claim{p.claim(o.a), p.claim(o.b)}
		p.m.release(cs, o.t)
		return p.s.Release(p.ctx, cs, o.t)
	case "stop":
		cause := store.StopCancel + store.StopCause(o.b%2)
		got, err := p.s.Stop(p.ctx, p.id(o.a), cause, o.t)
		want, wantErr := p.m.stop(p.id(o.a), cause, o.t)
		return sameRun(got, err, want, wantErr)
	case "resume":
		got, err := p.s.Resume(p.ctx, p.id(o.a), o.t)
		want, wantErr := p.m.resume(p.id(o.a), o.t)
		return sameRun(got, err, want, wantErr)
	case "due":
		moved, next, err := p.s.Due(p.ctx, o.t, o.a%4)
		wantMoved, wantNext := p.m.moveDue(o.t, o.a%4)
		p.armed = next
		if err == nil && (moved != wantMoved || !next.Equal(wantNext)) {
			return fmt.Errorf("moved %d, next due %v; want %d, %v", moved, next, wantMoved, wantNext)
		}
		return err
	case "recover":
		got, err := p.s.Recover(p.ctx, o.t, o.a%3)
		if want := p.m.recover(o.t, o.a%3); err == nil && got != want {
			return fmt.Errorf("recovered %+v, want %+v", got, want)
		}
		return err
	case "delete", "expire", "sweep":
		return p.remove(o)
	case "send", "take", "set":
		return p.playMailbox(o)
	case "fork", "continue", "aside", "admit", "version":
		return p.playChange(o)
	default:
		p.m.cur["c"] = int64(o.a)
		return p.s.SetCursor(p.ctx, "c", int64(o.a))
	}
}

var queues = []string{"", "p", "q"}

func (p *player) create(o op) error {
	n := newRun(p.id(o.a))
	n.CreatedAt, n.Queue, n.Priority, n.Trace.Sampled = o.t, queues[o.b%3], o.c%3, o.c%5 > 0
	n.Pinned = o.c%7 == 0
	if o.d%4 == 0 {
		n.Version = "v2"
	}
	if o.b%4 == 0 {
		n.StartAt = o.t.Add(time.Duration(o.d%10)*time.Second + 2*time.Microsecond)
	}
	if o.c%4 == 0 {
		n.Deadline = o.t.Add(time.Duration(o.d>>4%30)*time.Second + 3*time.Microsecond)
	}
	if o.d%3 == 0 {
		n.ClaimFor = "e9"
	}
	if o.d%5 == 0 {
		n.Labels = map[string]string{"k": fmt.Sprint(o.b % 2)}
	}
	got, created, err := p.s.Create(p.ctx, n)
	want, wantCreated, wantErr := p.m.create(n)
	if err == nil && created != wantCreated {
		return fmt.Errorf("created %v, want %v", created, wantCreated)
	}
	if created && n.ClaimFor != "" {
		p.claims = append(p.claims, got.Claim())
	}
	return sameRun(got, err, want, wantErr)
}

func same(got, want error) error {
	if want == errRefused && got != nil || errors.Is(got, want) {
		return nil
	}
	return fmt.Errorf("error %v, want %v", got, want)
}

func sameRun(got store.Run, err error, want *modelRun, wantErr error) error {
	if e := same(err, wantErr); e != nil || err != nil {
		return e
	}
	return sameRuns("the run returned", []store.Run{got}, []store.Run{want.Run})
}

// sameRuns compares, but for the words of a failure that the store chose.
func sameRuns(what string, got, want []store.Run) error {
	for i, w := range want {
		if i < len(got) && w.Error != nil && w.Error.Code != "" && got[i].Error != nil {
			f := *w.Error
			f.Message = got[i].Error.Message
			want[i].Error = &f
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		return fmt.Errorf("%s (-model +store):\n%s", what, d)
	}
	return nil
}

// compare compares the whole of what can be read; histories and single runs
// only when asked.
func (p *player) compare(deep bool) error {
	var want []store.Run
	for i := range p.m.runs {
		want = append(want, p.m.runs[len(p.m.runs)-1-i].Run)
	}
	runs, err := p.s.List(p.ctx, store.Filter{Limit: 1000})
	if err != nil {
		return err
	}
	if err := sameRuns("List", runs, want); err != nil {
		return err
	}
	stats, err := p.s.Stats(p.ctx)
	if err != nil {
		return err
	}
	sortQueues(stats.Queues)
	if d := cmp.Diff(p.m.stats(), stats); d != "" {
		return fmt.Errorf("stats (-model +store):\n%s", d)
	}
	if err := compareCounts(p.ctx, p.s, stats.Runs); err != "" {
		return errors.New(err)
	}
	if err := p.compareNews(); err != nil {
		return err
	}
	if !deep {
		return nil
	}
	for _, r := range p.m.runs {
		got, err := p.s.Get(p.ctx, r.ID)
		if err != nil {
			return err
		}
		if err := sameRuns("Get", []store.Run{got}, []store.Run{r.Run}); err != nil {
			return err
		}
		steps, err := p.s.Load(p.ctx, r.Seq)
		if err != nil {
			return err
		}
		last := int64(0)
		for i := range steps {
			if steps[i].Pos <= last {
				return fmt.Errorf("run %s: position %d after %d", r.ID, steps[i].Pos, last)
			}
			last, steps[i].Pos = steps[i].Pos, 0
		}
		if d := cmp.Diff(r.steps, steps); d != "" {
			return fmt.Errorf("history of run %s (-model +store):\n%s", r.ID, d)
		}
	}
	return errors.Join(p.compareSpans(), p.compareMailbox())
}

// compareNews checks that whoever follows the news misses nothing.
func (p *player) compareNews() error {
	es := p.news.take()
	for _, e := range es {
		if e.Kind == store.EventDue {
			p.armed = earliest(p.armed, e.At)
		}
	}
	if due := p.m.stats().NextDue; !due.IsZero() && (p.armed.IsZero() || p.armed.After(due)) {
		return fmt.Errorf("a run is due at %v, but a timer set by the news would ring at %v", due, p.armed)
	}
	for _, r := range p.m.runs {
		old, existed := p.before[r.ID]
		switch {
		case existed && old.Status == r.Status && old.Stop == r.Stop:
		case r.Status == store.Queued && (!existed || old.Status != store.Queued) && !hasEvent(es, store.EventQueued, r.ID):
			return fmt.Errorf("no news that run %s was queued", r.ID)
		case !live(r.Status) && old.Status != r.Status && !hasEvent(es, store.EventEnded, r.ID):
			return fmt.Errorf("no news that run %s ended", r.ID)
		case r.Status == store.Running && old.Stop != r.Stop && !hasEvent(es, store.EventSignalled, r.ID):
			return fmt.Errorf("no news that run %s was signalled", r.ID)
		}
	}
	return nil
}
