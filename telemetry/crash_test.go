package telemetry

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stepwell/stepwell/store"
	"github.com/stepwell/stepwell/store/sqlite"
)

// crashFile is set in the process that TestKilled starts to kill it.
const crashFile = "STEPWELL_TEST_CRASH_FILE"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashFile); path != "" {
		fmt.Fprintln(os.Stderr, untilKilled(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// untilKilled is a process that runs workflows and ships their spans: it takes
// up the runs of its predecessor, then makes new ones. Each line it prints is
// the end of a run.
func untilKilled(path string) error {
	ctx := context.Background()
	st, err := sqlite.Open(ctx, path, sqlite.Config{})
	if err != nil {
		return err
	}
	tel, err := Start(ctx, Config{Executor: fmt.Sprint(os.Getpid()), Log: quiet()})
	if err != nil {
		return err
	}
	errs := make(chan error)
	go func() { errs <- tel.Ship(ctx, st) }()
	if err := finishRecovered(ctx, st); err != nil {
		return err
	}
	var n atomic.Int64
	for range 8 {
		go func() {
			for {
				run := newRun(fmt.Sprintf("run-%d-%d", os.Getpid(), n.Add(1)), true)
				if err := writeRun(ctx, st, run); err != nil {
					errs <- err
					return
				}
				tel.Notify()
				fmt.Println("ended", run.ID)
			}
		}()
	}
	return <-errs
}

// finishRecovered takes the runs that a dead process left and adds a step and
// an end to each.
func finishRecovered(ctx context.Context, st store.Store) error {
	if _, err := st.Recover(ctx, time.Now(), 100); err != nil {
		return err
	}
	runs, err := st.Claim(ctx, store.ClaimRequest{Executor: "heir", Now: time.Now(), Limit: 1000})
	if err != nil {
		return err
	}
	for _, r := range runs {
		step := store.Step{Path: "9", Attempt: 1, Kind: store.KindStep, Name: "mend", Status: store.StepSucceeded, StartedAt: epoch, EndedAt: epoch}
		if err := st.Record(ctx, r.Claim(), &step); err != nil {
			return err
		}
		if _, err := st.Finish(ctx, r.Claim(), store.Outcome{Status: store.Succeeded, At: epoch}); err != nil {
			return err
		}
	}
	return nil
}

// untilRuns starts the process, and kills it as soon as it has ended so many
// runs: somewhere in the middle of others, and of whatever it ships.
func untilRuns(t *testing.T, path, endpoint string, runs int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashFile+"="+path, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+endpoint)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for range runs {
		if !lines.Scan() {
			t.Error("the process ended by itself")
			break
		}
	}
	if err := cmd.Process.Kill(); err != nil { // SIGKILL
		t.Fatal(err)
	}
	for lines.Scan() {
	}
	cmd.Wait()
}

// TestKilled: a process that cannot reach its collector is killed after 1,000
// runs; its successors can, and are killed while they ship. In the end the
// collector has every committed attempt.
func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	url, addr := downURL(t)
	untilRuns(t, path, url+"/v1/traces", 1000)
	r := listenReceiver(t, addr)
	for i := range 5 {
		untilRuns(t, path, url+"/v1/traces", 150*(i+1))
	}
	st := openStore(t, path)
	tel := start(t, Config{}, "EXPORTER_OTLP_TRACES_ENDPOINT="+url+"/v1/traces")
	stop := shipping(t, tel, st)
	want := expected(t, st)
	r.waitSpans(t, len(want))
	mustStop(t, stop)
	checkSpans(t, r, want)
	if r.twice == 0 {
		t.Log("no kill hit between an export and its cursor this time")
	}
	t.Logf("%d spans, %d of them twice, in %d requests", len(want), r.twice, len(r.sizes))
}
