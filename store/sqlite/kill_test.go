package sqlite

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stepwell/stepwell/store"
)

// TestKill kills a process amid its writes, again and again on one file. What
// it was told is durable is there; what is there it was told, or was waiting
// to be told.
func TestKill(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 3
	}
	path := filepath.Join(t.TempDir(), "a.db")
	asked, acked := map[string]bool{}, map[string]bool{}
	for round := range rounds {
		cmd := child(t, "writer", path)
		cmd.Env = append(cmd.Env, fmt.Sprint("ROUND=", round))
		stderr := &bytes.Buffer{}
		cmd.Stderr = stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for left := 1 + rand.IntN(600); lines.Scan(); left-- {
			verb, what, _ := strings.Cut(lines.Text(), " ")
			switch verb {
			case "ask":
				asked[what] = true
			case "ack":
				acked[what] = true
			default:
				t.Fatalf("the child says %q", lines.Text())
			}
			if left == 0 {
				cmd.Process.Kill() // and read on what it had said before
			}
		}
		if err := cmd.Wait(); err == nil || cmd.ProcessState.Exited() {
			t.Fatalf("the child ended by itself: %v\n%s", err, stderr)
		}

		s := openTest(t, path)
		wantWhole(t, s)
		found := map[string]bool{}
		sn := look(t, s)
		for _, r := range sn.Runs {
			found["create "+r.ID] = true
			if r.Status.Ended() {
				found["finish "+r.ID] = true
			}
			for _, st := range sn.Steps[r.ID] {
				found["record "+r.ID+" "+st.Path] = true
			}
		}
		for w := range acked {
			if !found[w] {
				t.Errorf("round %d: %q was acknowledged and is lost", round, w)
			}
		}
		for w := range found {
			if !asked[w] {
				t.Errorf("round %d: %q is there and nobody wrote it", round, w)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			return
		}
	}
	if len(acked) < 10*rounds {
		t.Errorf("only %d writes in %d rounds: the test tests nothing", len(acked), rounds)
	}
	t.Logf("%d writes asked for, %d acknowledged", len(asked), len(acked))
}

// childWriter writes until it is killed, and says so.
func childWriter() error {
	ctx := context.Background()
	s, err := Open(ctx, os.Getenv("DB"), Config{})
	if err != nil {
		return err
	}
	var mu sync.Mutex
	say := func(verb, what string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(os.Stdout, "%s %s\n", verb, what)
	}
	step := func(what string, write func() error) error {
		say("ask", what)
		if err := write(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		say("ack", what)
		return nil
	}
	errs := make(chan error)
	for w := range 6 {
		go func() {
			for i := 0; ; i++ {
				id := fmt.Sprint(os.Getenv("ROUND"), "-", w, "-", i)
				var run store.Run
				err := step("create "+id, func() (err error) { run, _, err = s.Create(ctx, testRun(id)); return err })
				for p := range w {
					path := fmt.Sprint(p)
					err = errors.Join(err, step("record "+id+" "+path, func() error { return s.Record(ctx, run.Claim(), new(testStep(path))) }))
				}
				err = errors.Join(err, step("finish "+id, func() error {
					_, err := s.Finish(ctx, run.Claim(), store.Outcome{Status: store.Succeeded, At: testStart})
					return err
				}))
				if err != nil {
					errs <- err
					return
				}
			}
		}()
	}
	return <-errs
}
