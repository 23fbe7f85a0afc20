package runtime_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
	"github.com/stepwell/stepwell/store/sqlite"
)

var (
	randomSeeds = flag.Int("seeds", 300, "number of programs that TestRandomWorkflows makes")
	randomSeed  = flag.Uint64("seed", 0, "the one program, by its seed, that TestRandomWorkflows makes")
)

// TestRandomWorkflows executes each of many random programs twice, undisturbed
// and in processes that die at random writes, before or after their commit: the
// outcome and the set of effects are the same, and no attempt runs again once
// it is recorded.
func TestRandomWorkflows(t *testing.T) {
	if *randomSeed != 0 {
		randomBatch(t, []uint64{*randomSeed}, &atomic.Int64{})
		return
	}
	const batch = 50
	var crashes atomic.Int64
	t.Run("seeds", func(t *testing.T) {
		for first := 1; first <= *randomSeeds; first += batch {
			var seeds []uint64
			for seed := first; seed < first+batch && seed <= *randomSeeds; seed++ {
				seeds = append(seeds, uint64(seed))
			}
			t.Run(fmt.Sprint(first), func(t *testing.T) {
				t.Parallel()
				randomBatch(t, seeds, &crashes)
			})
		}
	})
	t.Logf("%d programs, %d crashes", *randomSeeds, crashes.Load())
	if int(crashes.Load()) < *randomSeeds {
		t.Errorf("%d crashes in %d programs: too few to show anything", crashes.Load(), *randomSeeds)
	}
}

// fastStore opens a store in memory where the system has files in memory: it is
// the engine that is on trial here, and not the disk.
func fastStore(t *testing.T) *sqlite.Store {
	dir := t.TempDir()
	if shm, err := os.MkdirTemp("/dev/shm", "stepwell-test-"); err == nil {
		dir = shm
		t.Cleanup(func() { os.RemoveAll(shm) })
	}
	s, err := sqlite.Open(context.Background(), filepath.Join(dir, "stepwell.db"), sqlite.Config{Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close store: %v", err)
		}
	})
	return s
}

func randomBatch(t *testing.T, seeds []uint64, crashes *atomic.Int64) {
	synctest.Test(t, func(t *testing.T) {
		b := &batch{s: fastStore(t), w: newWorld()}
		for _, seed := range seeds {
			b.w.programs[seed] = newProgram(seed)
		}
		b.undisturbed(t, seeds)
		for _, seed := range seeds {
			if !b.crashed(t, seed, crashes) {
				t.Fatalf("seed %d: again with: go test ./runtime -run TestRandomWorkflows -seed %d", seed, seed)
			}
		}
	})
}

// batch is programs that share a store.
type batch struct {
	s        *sqlite.Store
	w        *world
	outcomes map[uint64]string
}

func calmID(seed uint64) string  { return fmt.Sprint("calm-", seed) }
func stormID(seed uint64) string { return fmt.Sprint("storm-", seed) }

func randomConfig() runtime.Config {
	return runtime.Config{Executor: "e", Logger: quiet, Drain: -1, ComputeThreads: -1}
}

// undisturbed runs all the programs to their ends, each in one piece: none
// leaves memory, so nothing is replayed.
func (b *batch) undisturbed(t *testing.T, seeds []uint64) {
	w := b.w.workflow()
	cfg := randomConfig()
	cfg.UnloadAfter = 10_000 * time.Hour
	r := serveOn(t, b.s, cfg, w, randomTable)
	defer r.stop()
	<-r.Recovered()
	b.outcomes = map[uint64]string{}
	for _, seed := range seeds {
		id := calmID(seed)
		if _, err := w.Start(r.ctx, programInput{Seed: seed, Root: id}, runtime.ID(id)); err != nil {
			t.Fatal(err)
		}
	}
	for _, seed := range seeds {
		run, err := r.Wait(r.ctx, calmID(seed))
		if err != nil {
			t.Fatal(err)
		}
		b.outcomes[seed] = outcomeOf(&run)
	}
}

func outcomeOf(run *runtime.Run) string {
	if run.Error != nil {
		return fmt.Sprint(run.Status, ": ", run.Error.Message)
	}
	return fmt.Sprint(run.Status, ": ", string(run.Output))
}

// crashed runs one program over several crashes. It reports whether all was
// well.
func (b *batch) crashed(t *testing.T, seed uint64, crashes *atomic.Int64) bool {
	rnd := rand.New(rand.NewPCG(seed, 2))
	writes := 4 + len(b.w.effects[calmID(seed)])*2
	died := 0
	for left := 2 + rnd.IntN(4); ; left-- {
		at := -1
		if left > 0 {
			at = 1 + rnd.IntN(writes)
		}
		run, over := b.live(t, seed, newRecording(b.s, b.w, at, rnd.IntN(2) == 0))
		if over {
			crashes.Add(int64(died))
			return b.compare(t, seed, &run, died)
		}
		died++
	}
}

// live is the life of one process: it executes the program until that has ended,
// or it dies.
func (b *batch) live(t *testing.T, seed uint64, m *recording) (run runtime.Run, over bool) {
	w := b.w.workflow()
	r := serveOn(t, m, randomConfig(), w, randomTable)
	defer r.stop()
	id := stormID(seed)
	done := make(chan error, 1)
	ctx := r.ctx
	go func() {
		_, err := w.Start(ctx, programInput{Seed: seed, Root: id}, runtime.ID(id))
		if err == nil {
			run, err = r.Wait(ctx, id)
		}
		done <- err
	}()
	select {
	case err := <-done:
		return run, err == nil
	case <-m.died:
		r.stop()
		<-done
		return run, false
	}
}

func (b *batch) compare(t *testing.T, seed uint64, run *runtime.Run, died int) bool {
	if got := strings.ReplaceAll(outcomeOf(run), stormID(seed), calmID(seed)); got != b.outcomes[seed] {
		t.Errorf("seed %d, %d crashes: outcome\n%s\nwant\n%s", seed, died, got, b.outcomes[seed])
		return false
	}
	calm, storm := b.w.effects[calmID(seed)], b.w.effects[stormID(seed)]
	if diff := cmp.Diff(setOf(calm), setOf(storm)); diff != "" {
		t.Errorf("seed %d, %d crashes: effects (-undisturbed +crashed):\n%s", seed, died, diff)
		return false
	}
	for key, n := range storm {
		if n > 1+died || calm[key] != 1 {
			t.Errorf("seed %d: %s ran %d times over %d crashes, %d times without", seed, key, n, died, calm[key])
			return false
		}
	}
	if got, want := b.written(t, stormID(seed)), b.written(t, calmID(seed)); got != want {
		t.Errorf("seed %d, %d crashes: transactions left %s, undisturbed %s", seed, died, got, want)
		return false
	}
	if len(b.w.wrong) > 0 {
		t.Errorf("seed %d: %s", seed, strings.Join(b.w.wrong, "\n"))
		return false
	}
	return b.replays(t, seed, run) && b.forks(t, seed, run)
}

// forks does a part of the program again, from a random row on, and sees that it
// comes out the same. That cannot be when it sends messages, which stay where they
// were or find their run ended, or when times of the past decide.
func (b *batch) forks(t *testing.T, seed uint64, run *runtime.Run) bool {
	p := b.w.programs[seed]
	if seed%4 != 1 || p.has(opSelect) || p.has(opMail) || p.has(opPost) || p.has(opAsk) {
		return true
	}
	rows, err := b.s.Load(context.Background(), run.Seq)
	if err != nil || len(rows) == 0 {
		return err == nil
	}
	path := rows[int(seed/4)%len(rows)].Path
	if strings.Contains(path, "patch") {
		return true
	}
	w := b.w.workflow()
	r := serveOn(t, b.s, randomConfig(), w)
	defer r.stop()
	<-r.Recovered()
	fork, err := r.Fork(r.ctx, run.ID, path, runtime.ID(fmt.Sprint("fork-", seed)))
	if err == nil {
		fork, err = r.Wait(r.ctx, fork.ID)
	}
	root := strings.NewReplacer(fork.ID, "ROOT", stormID(seed), "ROOT", calmID(seed), "ROOT")
	if got, want := root.Replace(outcomeOf(&fork)), root.Replace(b.outcomes[seed]); err != nil || got != want {
		t.Errorf("seed %d, forked at %s: outcome\n%s, %v\nwant\n%s", seed, path, got, err, want)
		return false
	}
	return true
}

// replays holds the program against a part of the history it made.
func (b *batch) replays(t *testing.T, seed uint64, run *runtime.Run) bool {
	rows, err := b.s.Load(context.Background(), run.Seq)
	if err != nil {
		t.Error(err)
		return false
	}
	h := &runtime.History{Run: *run, Steps: rows}
	if n := int(seed) % (2 * (len(rows) + 1)); n < len(rows) {
		h.Run.Status, h.Steps = store.Running, rows[:n]
	}
	before := len(b.w.effects[stormID(seed)])
	if err := runtime.Replay(t.Context(), h, b.w.workflow()); err != nil || len(b.w.effects[stormID(seed)]) != before {
		t.Errorf("seed %d: replay of %d of %d rows: %v", seed, len(h.Steps), len(rows), err)
		return false
	}
	return true
}

func setOf(m map[string]int) map[string]bool {
	set := map[string]bool{}
	for k := range m {
		set[k] = true
	}
	return set
}

// recording is a mortal store that tells the world what is recorded.
type recording struct {
	*mortal
	w *world
}

func newRecording(s store.Store, w *world, at int, persisted bool) *recording {
	noted := &noting{s, w}
	return &recording{newMortal(noted, at, persisted), w}
}

// noting notes the rows that were committed.
type noting struct {
	store.Store
	w *world
}

func (n *noting) Record(ctx context.Context, c store.Claim, row *store.Step) error {
	err := n.Store.Record(ctx, c, row)
	if err == nil && row.Attempt > 0 && row.Status != store.StepCancelled {
		n.note(c, row)
	}
	return err
}

func (n *noting) note(c store.Claim, row *store.Step) {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	n.w.recorded[attemptKey(c.ID, row.Path, row.Attempt)] = true
}
