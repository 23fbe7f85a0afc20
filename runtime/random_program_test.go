package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stepwell/stepwell/runtime"
)

// program is a random workflow: what it gives, and the set of its effects,
// depends on its seed alone, however often the process dies.
type program struct {
	seed uint64
	all  [][]op // the bodies: the first is the run's, the others are of children
	ends []end  // of each body
	ops  int    // given out so far, to number them
	// rounds is how often the run does its body, with a new history each time.
	rounds int
}

// op is one call of the engine. Each has a number, so that all names differ.
type op struct {
	kind     opKind
	number   int
	fails    int // attempts of a step that fail, or messages sent
	most     int // attempts allowed, or the limit of a map
	how      failing
	d        time.Duration
	body     int // of a child
	branches [][]op
	order    []int // in which the branches of a select end
}

type opKind int

const (
	opStep opKind = iota
	opSleep
	opSame // an id and a time are what they were
	opGo
	opMap
	opSelect
	opCall
	opPost // a child that is sent a message
	opMail // messages to itself
	opTimeout
	opPatch
	opEvent
	opStream
	opAsk // updates
	opUndo
	opTx
	opBeat
	opKinds
)

// failing is how an attempt fails, or a run.
type failing int

const (
	byError failing = iota
	byPermanent
	byPanic
	byTimeout
	failings
)

type end int

const (
	endsWell end = iota
	endsInError
	endsInPanic
)

func newProgram(seed uint64) *program {
	p := &program{seed: seed, rounds: 1}
	if seed%3 == 0 {
		p.rounds = 2 + int(seed/3)%2
	}
	p.newBody(rand.New(rand.NewPCG(seed, 1)), 0, 2+int(seed%5))
	return p
}

// has reports whether there is a call of the kind anywhere in it.
func (p *program) has(kind opKind) bool {
	var in func(ops []op) bool
	in = func(ops []op) bool {
		return slices.ContainsFunc(ops, func(o op) bool { return o.kind == kind || slices.ContainsFunc(o.branches, in) })
	}
	return slices.ContainsFunc(p.all, in)
}

// newBody makes the body of a run and returns its number.
func (p *program) newBody(r *rand.Rand, depth, n int) int {
	at := len(p.all)
	p.all, p.ends = append(p.all, nil), append(p.ends, endsWell)
	if r.IntN(4) == 0 {
		p.ends[at] = end(1 + r.IntN(2))
	}
	p.all[at] = p.newOps(r, depth, n)
	return at
}

func (p *program) newOps(r *rand.Rand, depth, n int) []op {
	ops := make([]op, n)
	for i := range ops {
		ops[i] = p.newOp(r, depth)
	}
	return ops
}

func (p *program) newOp(r *rand.Rand, depth int) op {
	o := op{number: p.ops, kind: opKind(r.IntN(int(opKinds))), most: 1 + r.IntN(3), how: failing(r.IntN(int(failings))), d: time.Duration(r.IntN(90)) * time.Second}
	p.ops++
	if r.IntN(3) == 0 || depth >= 2 && o.kind >= opGo && o.kind <= opPost || p.ops > 40 {
		o.kind = opStep
	}
	if r.IntN(2) == 0 {
		o.fails = r.IntN(4)
	}
	few := func() int { return 1 + r.IntN(2) }
	switch o.kind {
	case opGo, opMap:
		for range 1 + r.IntN(3) {
			o.branches = append(o.branches, p.newOps(r, depth+1, few()))
		}
	case opSelect:
		// What the branches do takes minutes, so hours decide which ends first.
		o.order = r.Perm(2 + r.IntN(2))
		for range o.order {
			o.branches = append(o.branches, p.newOps(r, 2, few()))
		}
	case opCall, opPost:
		o.body = p.newBody(r, depth+1, few())
	}
	return o
}

// world is what is outside of the programs: it counts their effects.
type world struct {
	programs map[uint64]*program

	mu       sync.Mutex
	effects  map[string]map[string]int // by run and effect
	recorded map[string]bool           // run and effect whose record is committed
	wrong    []string
}

func newWorld() *world {
	return &world{programs: map[uint64]*program{}, effects: map[string]map[string]int{}, recorded: map[string]bool{}}
}

// effect is noted by an attempt of a step.
func (w *world) effect(root string, place runtime.Place) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.recorded[attemptKey(place.RunID, place.Path, place.Attempt)] {
		w.wrong = append(w.wrong, fmt.Sprintf("%s at %s of %s ran again after its attempt %d was recorded", place.Step, place.Path, place.RunID, place.Attempt))
	}
	if w.effects[root] == nil {
		w.effects[root] = map[string]int{}
	}
	key := fmt.Sprintf("%s %s %s attempt %d", strings.TrimPrefix(place.RunID, root), place.Path, place.Step, place.Attempt)
	w.effects[root][key]++
}

func attemptKey(run, path string, attempt int) string {
	return fmt.Sprint(run, " ", path, " ", attempt)
}

// programInput names a body of a program, and the run at the top.
type programInput struct {
	Seed uint64
	Body int
	Root string
	// Of the rounds before.
	Round int      `json:",omitzero"`
	Trace []string `json:",omitempty"`
}

// workflow executes programs.
func (w *world) workflow() *runtime.Workflow[programInput, []string] {
	var self *runtime.Workflow[programInput, []string]
	self = runtime.Define("program", func(ctx context.Context, in programInput) ([]string, error) {
		p := w.programs[in.Seed]
		x := &machine{w: w, p: p, in: in, self: self}
		trace := append(in.Trace, x.run(ctx, p.all[in.Body])...)
		if in.Body == 0 && in.Round+1 < p.rounds {
			in.Round, in.Trace = in.Round+1, trace
			return nil, runtime.ContinueAs(ctx, in)
		}
		switch p.ends[in.Body] {
		case endsInError:
			return nil, fmt.Errorf("ends in error: %v", trace)
		case endsInPanic:
			panic(fmt.Sprint("ends in panic: ", trace))
		}
		return trace, nil
	})
	return self
}

// machine executes one body.
type machine struct {
	w    *world
	p    *program
	in   programInput
	self *runtime.Workflow[programInput, []string]
}

// run does the calls one after the other and notes what each gave. Errors do
// not end it: what it would leave undone would depend on time.
func (x *machine) run(ctx context.Context, ops []op) (trace []string) {
	for i := range ops {
		got, err := x.do(ctx, &ops[i])
		if err != nil {
			got = "error: " + strings.ReplaceAll(err.Error(), x.in.Root, "ROOT")
		}
		trace = append(trace, fmt.Sprint(ops[i].number, ": ", got))
	}
	return trace
}

func (x *machine) do(ctx context.Context, o *op) (string, error) {
	name := fmt.Sprint("op-", o.number)
	switch o.kind {
	case opSleep:
		return "slept", runtime.Sleep(ctx, o.d)
	case opSame:
		return x.same(ctx, name)
	case opGo:
		var fs []*runtime.Future[[]string]
		for _, ops := range o.branches {
			fs = append(fs, runtime.Go(ctx, func(ctx context.Context) ([]string, error) { return x.run(ctx, ops), nil }))
		}
		return waitAll(ctx, fs)
	case opMap:
		outs, err := runtime.Map(ctx, o.branches, o.most, func(ctx context.Context, ops []op) (string, error) {
			trace := fmt.Sprint(x.run(ctx, ops))
			if len(ops)%2 == 0 && o.how == byError {
				return trace, errors.New(trace)
			}
			return trace, nil
		})
		return fmt.Sprint(outs), err
	case opSelect:
		return x.race(ctx, o)
	case opCall:
		out, err := x.self.Call(ctx, programInput{Seed: x.in.Seed, Body: o.body, Root: x.in.Root})
		return fmt.Sprint(out), err
	case opPost:
		h, err := x.self.Start(ctx, programInput{Seed: x.in.Seed, Body: o.body, Root: x.in.Root}, runtime.Delay(o.d+time.Second)) // so that it lives when it is sent to
		if err != nil {
			return "", err
		}
		sent := runtime.Send(ctx, h.ID(), "unread", o.number)
		out, err := h.Result(ctx)
		return fmt.Sprint(sent, out), err
	case opMail:
		return x.mail(ctx, o, name)
	case opEvent:
		return x.event(ctx, o, name)
	case opStream:
		return x.stream(ctx, o, name)
	case opAsk:
		return x.ask(ctx, o, name)
	case opUndo:
		return x.undo(ctx, o, name)
	case opTx:
		return x.transact(ctx, o, name)
	case opBeat:
		return x.beat(ctx, o, name)
	case opTimeout:
		_, err := runtime.Receive[int](ctx, name, o.d)
		return "", err
	case opPatch:
		if !runtime.Patched(ctx, name) {
			return "", errors.New("a new run goes the old way")
		}
		return "the new way", nil
	}
	return x.step(ctx, o, name)
}

func (x *machine) step(ctx context.Context, o *op, name string) (string, error) {
	opts := []runtime.StepOption{runtime.Retry{Max: o.most, Initial: o.d + time.Second}}
	if o.how == byTimeout {
		opts = append(opts, runtime.Timeout(time.Minute))
	}
	v, err := runtime.Step(ctx, name, func(ctx context.Context) (uint32, error) {
		place, _ := runtime.Current(ctx)
		x.w.effect(x.in.Root, place)
		if place.Attempt > o.fails {
			h := fnv.New32()
			fmt.Fprint(h, x.p.seed, name)
			return h.Sum32(), nil
		}
		switch o.how {
		case byPermanent:
			return 0, runtime.Permanent(errors.New("fails for good"))
		case byPanic:
			panic("a step panics")
		case byTimeout:
			<-ctx.Done()
			return 0, ctx.Err()
		}
		return 0, fmt.Errorf("fails at attempt %d", place.Attempt)
	}, opts...)
	return fmt.Sprint(v), err
}

func (x *machine) same(ctx context.Context, name string) (string, error) {
	id, err := runtime.NewID(ctx)
	if err != nil {
		return "", err
	}
	at, err := runtime.Now(ctx)
	if err != nil {
		return "", err
	}
	was, err := runtime.Step(ctx, name, func(ctx context.Context) (string, error) {
		place, _ := runtime.Current(ctx)
		x.w.effect(x.in.Root, place)
		return id + at.String(), nil
	})
	if err == nil && was != id+at.String() {
		err = errors.New("an id or a time changed")
	}
	return "same", err
}

func (x *machine) race(ctx context.Context, o *op) (string, error) {
	var fs []*runtime.Future[[]string]
	var any []runtime.Awaitable
	for i, ops := range o.branches {
		f := runtime.Go(ctx, func(ctx context.Context) ([]string, error) {
			err := runtime.Sleep(ctx, time.Duration(1+o.order[i])*10*time.Hour)
			return x.run(ctx, ops), err
		})
		fs, any = append(fs, f), append(any, f)
	}
	first, err := runtime.Select(ctx, any...)
	if err != nil {
		return "", err
	}
	rest, err := waitAll(ctx, fs)
	return fmt.Sprint("first ", first, rest), err
}

func (x *machine) mail(ctx context.Context, o *op, topic string) (string, error) {
	place, _ := runtime.Current(ctx)
	for i := range 1 + o.fails {
		if err := runtime.Send(ctx, place.RunID, topic, i); err != nil {
			return "", err
		}
	}
	var got []int
	for range 1 + o.fails {
		v, err := runtime.Receive[int](ctx, topic, time.Hour)
		if err != nil {
			return fmt.Sprint(got), err
		}
		got = append(got, v)
	}
	return fmt.Sprint(got), nil
}

func waitAll(ctx context.Context, fs []*runtime.Future[[]string]) (string, error) {
	var all []string
	var errs []error
	for _, f := range fs {
		v, err := f.Wait(ctx)
		all, errs = append(all, v...), append(errs, err)
	}
	return fmt.Sprint(all), errors.Join(errs...)
}
