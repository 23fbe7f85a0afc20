package isolate

import (
	"fmt"
	"math"
	"testing"
	"time"
)

func TestJudge(t *testing.T) {
	ms := func(cpu, wall float64) usage {
		return usage{cpu: time.Duration(cpu * 1e6), wall: time.Duration(wall * 1e6), sure: true}
	}
	for _, c := range []struct {
		name           string
		used           usage
		ended, pressed bool
		want           verdict
		sure           bool
	}{
		{"just begun", ms(1, 1), false, false, isWaiting, false},
		{"computes", ms(10, 12), false, false, isBound, true},
		{"computes, but shares the core with three", ms(10, 40), false, false, isBound, true},
		{"mostly waits, but computed", ms(10, 41), false, false, isMixed, true},
		{"mostly waited, but computed", ms(10, 41), true, false, isMixed, true},
		{"mostly waits, but computed on a starved process", ms(10, 501), false, true, isMixed, false},
		{"waits", ms(0, 20), false, false, isWaiting, true},
		{"waits for its turn or for something else", ms(0, 20), false, true, isWaiting, false},
		{"waits for something else", ms(0, 200), false, true, isWaiting, true},
		{"computes on a starved process", ms(10, 500), false, true, isBound, true},
		{"took 5 ms", ms(5, 5), true, false, isQuick, true},
		{"took 5 ms that others needed", ms(5, 5), true, true, isBound, true},
		{"was quick on a starved process", ms(0.5, 0.5), true, true, isQuick, true},
		{"ended after a wait", ms(0.1, 5), true, false, isWaiting, true},
		{"computed and the monitor missed it", ms(30, 30), true, false, isBound, true},
	} {
		got, sure := judge(c.used, c.ended, c.pressed)
		if sure != c.sure || sure && got != c.want {
			t.Errorf("%s: verdict %v, %v; want %v, %v", c.name, got, sure, c.want, c.sure)
		}
	}
}

const testCores = 2

func newStep(t *testing.T) *step {
	tab := table{max: 10, crowd: 4 * testCores}
	return tab.get(t.Name())
}

// seen is a use of the CPU that leads to v.
func seen(v verdict) usage {
	switch v {
	case isWaiting:
		return usage{wall: time.Second, sure: true}
	case isMixed:
		return usage{cpu: 20 * time.Millisecond, wall: 200 * time.Millisecond, sure: true}
	}
	return usage{}
}

func (s *step) mustJoin(t *testing.T, tick uint32, full bool, want role) *turn {
	t.Helper()
	got, turn := s.join(tick, testCores, false, full)
	if got != want {
		t.Fatalf("class %d: role %d, want %d", s.class.Load(), got, want)
	}
	return turn
}

func (t *turn) has() bool {
	select {
	case <-t.come:
		return true
	default:
		return false
	}
}

func TestUnknownWaitsForVerdict(t *testing.T) {
	for _, c := range []struct {
		verdict verdict
		ended   bool
		class   class
		next    role
	}{
		{isQuick, true, light, inline},
		{isWaiting, true, light, inline},
		{isWaiting, false, waiting, watch},
		{isMixed, false, waiting, watch},
		{isMixed, true, light, inline},
		{isBound, false, compute, isolate},
		{isBound, true, compute, isolate},
		{isNothing, false, unknown, watch},
	} {
		s := newStep(t)
		if s.quick(1) {
			t.Fatal("an unknown key is taken for a light one")
		}
		s.mustJoin(t, 1, false, watch)
		s.mustJoin(t, 1, false, watch)
		ch := s.mustJoin(t, 1, false, wait)
		if ch.has() {
			t.Fatal("a verdict without an execution")
		}
		moved := s.settle(1, c.verdict, c.ended, seen(c.verdict))
		if moved != (c.verdict == isBound) || s.class.Load() != c.class || !ch.has() {
			t.Errorf("%+v: moved %v, class %d, opened %v", c, moved, s.class.Load(), ch.has())
		}
		s.mustJoin(t, 1, false, c.next)
	}
}

func TestBoundIsFinal(t *testing.T) {
	s := newStep(t)
	s.mustJoin(t, 1, false, watch)
	s.mustJoin(t, 1, false, watch)
	if !s.settle(1, isBound, false, seen(isBound)) || s.settle(1, isQuick, true, seen(isQuick)) {
		t.Error("want one move")
	}
	if s.class.Load() != compute || s.isolated.Load() != 1 {
		t.Errorf("class %d, %d isolated: a quick execution undid what a long one showed", s.class.Load(), s.isolated.Load())
	}
	if s.bind() {
		t.Error("moved twice")
	}
}

// A key of which nothing is known but that it waits keeps to threads that can
// be taken the CPU from.
func TestWaitingKeepsToThreads(t *testing.T) {
	s := newStep(t)
	s.mustJoin(t, 1, false, watch)
	s.settle(1, isWaiting, false, seen(isWaiting))
	for range 3 * testCores {
		s.mustJoin(t, 1, false, watch)
		s.settle(1, isWaiting, false, seen(isWaiting))
	}
	ch := s.mustJoin(t, 1, true, wait)
	s.prove(isWaiting, seen(isWaiting))
	if !ch.has() || s.class.Load() != light || s.crowd.Load() != math.MaxInt32 {
		t.Errorf("opened %v, class %d, crowd %d", ch.has(), s.class.Load(), s.crowd.Load())
	}
	s.running.Store(1000)
	s.mustJoin(t, 1, false, watch) // a sample
	s.mustJoin(t, 1, false, inline)
}

// Of a key that computes after its wait, as many are let in as keep the cores
// busy.
func TestMixedIsLimited(t *testing.T) {
	s := newStep(t)
	s.mustJoin(t, 1, false, watch)
	s.settle(1, isMixed, true, seen(isMixed)) // computes a tenth of the time
	if s.class.Load() != light || s.crowd.Load() != 2*testCores*10 {
		t.Fatalf("class %d, crowd %d", s.class.Load(), s.crowd.Load())
	}
	s.mustJoin(t, 2, false, watch)
	s.settle(2, isWaiting, false, seen(isWaiting)) // and then?
	if s.crowd.Load() != 2*testCores*10 {
		t.Errorf("a look at the wait alone lets %d in", s.crowd.Load())
	}
	s.running.Store(s.crowd.Load())
	var turns []*turn
	for range 4 {
		turns = append(turns, s.mustJoin(t, 2, true, wait))
	}
	s.left()
	if !turns[0].has() || turns[1].has() {
		t.Error("one that left makes room for the first in line, and for no other")
	}
	s.quit(turns[1])
	s.left()
	if turns[1].has() || !turns[2].has() {
		t.Error("the turn went to one that had quit")
	}
	s.quit(turns[2]) // it did not take the turn that had come
	if !turns[3].has() {
		t.Error("the turn was lost")
	}
	if s.line.waits() {
		t.Error("the line is empty and not known to be")
	}
	s.mustJoin(t, 2, true, inline)
	if s.line.waits() {
		t.Error("one that runs is still in line")
	}
}

func TestLightIsSampled(t *testing.T) {
	s := newStep(t)
	s.mustJoin(t, 1, false, watch)
	s.settle(1, isQuick, true, seen(isQuick))
	var at []uint32
	for tick := uint32(1); tick < 1000; tick++ {
		if s.quick(tick) {
			continue
		}
		if r, _ := s.join(tick, testCores, false, false); r == watch {
			at = append(at, tick)
			s.settle(tick, isQuick, true, seen(isQuick))
		}
		s.mustJoin(t, tick, false, inline) // once a tick
	}
	want := "[2 4 8 16 32 64 128 256 384 512 640 768 896]"
	if fmt.Sprint(at) != want {
		t.Errorf("sampled at %v, want %s", at, want)
	}
	s.due.Store(1000)
	s.mustJoin(t, 1000, true, inline) // no thread to spare
	for tick := uint32(1000); tick < 1005; tick++ {
		if r, _ := s.join(tick, testCores, true, false); r != watch {
			t.Errorf("tick %d: role %d; a starved process looks at every tick", tick, r)
		}
		s.mustJoin(t, tick, false, inline)
		s.settle(tick, isQuick, true, seen(isQuick))
		s.due.Store(tick + 1)
	}
}

func TestCrowdIsLookedAt(t *testing.T) {
	s := newStep(t)
	s.mustJoin(t, 1, false, watch)
	s.settle(1, isQuick, true, seen(isQuick))
	limit := s.crowd.Load()
	s.running.Store(limit)
	if s.quick(1) {
		t.Fatal("a crowd of a key only seen to be quick is let in")
	}
	s.mustJoin(t, 1, false, watch)
	s.mustJoin(t, 1, false, watch)
	ch := s.mustJoin(t, 1, false, wait)
	s.settle(1, isQuick, true, seen(isQuick))
	if !ch.has() || !s.quick(1) {
		t.Error("a quick one of the crowd did not let others in")
	}
	s.running.Store(s.crowd.Load())
	s.mustJoin(t, 1, false, watch)
	s.settle(1, isBound, false, seen(isBound))
	s.mustJoin(t, 1, false, isolate)
}

func TestComputeIsLeft(t *testing.T) {
	rest := usage{cpu: time.Millisecond, wall: time.Second, sure: true}
	short := usage{cpu: 100 * time.Microsecond, wall: 100 * time.Microsecond, sure: true}
	for _, c := range []struct {
		name  string
		used  usage
		after []int // executions, each time it is moved to compute
	}{
		{"waits", rest, []int{3, 6, 12}},
		{"short", short, []int{16, 32, 64}},
		{"waits, but computes in between", usage{cpu: boundCPU, wall: time.Second, sure: true}, []int{-1}},
		{"computes", usage{cpu: time.Second, wall: time.Second, sure: true}, []int{-1}},
		{"kept from the CPU, for all we know", usage{cpu: 2 * time.Millisecond, wall: 100 * time.Millisecond}, []int{-1}},
	} {
		s := newStep(t)
		for _, want := range c.after {
			s.bind()
			got := -1
			for n := 1; n <= 100; n++ {
				if s.ran(c.used) {
					got = n
					break
				}
			}
			if got != want || (got >= 0) != (s.class.Load() == light) || (got >= 0) != (s.isolated.Load() == 0) {
				t.Errorf("%s: left after %d executions, class %d, %d isolated; want after %d", c.name, got, s.class.Load(), s.isolated.Load(), want)
			}
		}
	}
	s := newStep(t)
	s.bind()
	for n := range 300 {
		used := rest
		if n%3 == 2 {
			used = usage{cpu: time.Second, wall: time.Second, sure: true}
		}
		if s.ran(used) {
			t.Fatal("left although one in three computes")
		}
	}
}

func TestTableForgets(t *testing.T) {
	tab := table{max: 100, crowd: 1}
	bound := tab.get("bound")
	bound.bind()
	for i := range 1000 {
		tab.get(fmt.Sprint("light ", i))
		tab.get("used")
		if tab.count > tab.max {
			t.Fatalf("%d keys, the limit is %d", tab.count, tab.max)
		}
	}
	held := 0
	tab.steps.Range(func(_, _ any) bool { held++; return true })
	if held != tab.count || tab.get("bound") != bound || tab.isolated.Load() != 1 {
		t.Errorf("%d keys held, %d counted; %d isolated", held, tab.count, tab.isolated.Load())
	}
	for i := range 1000 { // more of them than fit: they go too
		tab.get(fmt.Sprint("bound ", i)).bind()
	}
	if n := int(tab.isolated.Load()); n > tab.max || n < tab.max/2 {
		t.Errorf("%d isolated of %d keys at most", n, tab.max)
	}
	for range shortsInARow { // a forgotten one that still runs
		bound.ran(usage{})
	}
	bound.bind()
	if n := int(tab.isolated.Load()); n > tab.max {
		t.Errorf("%d isolated after a forgotten key moved", n)
	}
}

func TestPercentile(t *testing.T) {
	bounds := []float64{0, 0.001, 0.01, 0.1, math.Inf(1)}
	for _, c := range []struct {
		counts []uint64
		want   time.Duration
	}{
		{[]uint64{0, 0, 0, 0}, 0},
		{[]uint64{100, 0, 0, 0}, time.Millisecond},
		{[]uint64{99, 1, 0, 0}, time.Millisecond},
		{[]uint64{98, 2, 0, 0}, 10 * time.Millisecond},
		{[]uint64{0, 0, 1, 0}, 100 * time.Millisecond},
		{[]uint64{0, 0, 0, 5}, 100 * time.Millisecond},
	} {
		if got := percentile(c.counts, bounds); got != c.want {
			t.Errorf("%v: %v, want %v", c.counts, got, c.want)
		}
	}
}
