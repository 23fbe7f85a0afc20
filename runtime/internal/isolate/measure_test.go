package isolate

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The measurement behind the package: a process that is full of CPU-bound
// steps, and a listener in it that is probed from outside.
//
//	go test ./runtime/internal/isolate -run TestMeasure -measure plain,marked,found,turned -v
var (
	measure    = flag.String("measure", "", "loads to measure: idle, plain, marked, found, short, late, turned, io; comma-separated")
	measureFor = flag.Duration("measure.for", 10*time.Second, "how long each load runs")
	measureN   = flag.Int("measure.n", 100, "executions at a time")
)

const childEnv = "ISOLATE_TEST_CHILD"

func TestMain(m *testing.M) {
	flag.Parse()
	if load := os.Getenv(childEnv); load != "" {
		serveLoad(load)
		return
	}
	os.Exit(m.Run())
}

func TestMeasure(t *testing.T) {
	if *measure == "" {
		t.Skip("a measurement: run it with -measure LOADS")
	}
	for load := range strings.SplitSeq(*measure, ",") {
		t.Run(load, func(t *testing.T) { measureLoad(t, load) })
	}
}

type probe struct {
	at   time.Duration
	took time.Duration
	lost bool
}

func measureLoad(t *testing.T, load string) {
	child := exec.Command(os.Args[0], "-measure.n", fmt.Sprint(*measureN))
	child.Env = append(os.Environ(), childEnv+"="+load)
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		child.Process.Kill()
		child.Wait()
	}()
	lines := bufio.NewReader(out)
	addr, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + strings.TrimSpace(addr) + "/"
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for range 5 { // both sides have done it before it is measured
		if res, err := client.Get(url); err == nil {
			res.Body.Close()
		}
	}

	fmt.Fprintln(in, "begin")
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		probes []probe
		start  = time.Now()
		tick   = time.NewTicker(20 * time.Millisecond)
	)
	defer tick.Stop()
	for time.Since(start) < *measureFor {
		<-tick.C
		wg.Go(func() {
			p := probe{at: time.Since(start)}
			began := time.Now()
			res, err := client.Get(url)
			if err == nil {
				_, err = io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
			p.took, p.lost = time.Since(began), err != nil
			mu.Lock()
			probes = append(probes, p)
			mu.Unlock()
		})
	}
	wg.Wait()
	fmt.Fprintln(in, "end")
	said, err := lines.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	for second := range int(*measureFor / time.Second) {
		of := time.Duration(second) * time.Second
		report(t, fmt.Sprintf("%s second %2d", load, second), slices.DeleteFunc(slices.Clone(probes), func(p probe) bool {
			return p.at < of || p.at >= of+time.Second
		}))
	}
	report(t, load+" from 3 s on", slices.DeleteFunc(slices.Clone(probes), func(p probe) bool { return p.at < 3*time.Second }))
	report(t, load+" all", probes)
	t.Logf("%s: %s", load, strings.TrimSpace(said))
}

func report(t *testing.T, what string, probes []probe) {
	if len(probes) == 0 {
		return
	}
	slices.SortFunc(probes, func(a, b probe) int { return int(a.took - b.took) })
	lost := 0
	for _, p := range probes {
		if p.lost {
			lost++
		}
	}
	ms := func(q float64) float64 {
		return float64(probes[int(q*float64(len(probes)-1)+0.5)].took.Microseconds()) / 1000
	}
	t.Logf("%-24s %4d probes %3d lost  p50 %8.2f  p99 %8.2f  max %8.2f ms", what, len(probes), lost, ms(0.5), ms(0.99), ms(1))
}

// serveLoad is the child: it serves, and on command runs the load until told
// to end.
func serveLoad(load string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }))
	fmt.Println(ln.Addr())

	commands := bufio.NewReader(os.Stdin)
	commands.ReadString('\n')
	threads := 0
	if load == "plain" {
		threads = -1
	}
	iso := New(Config{Threads: threads, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	ended := make(chan struct{})
	start := time.Now()
	var mu sync.Mutex
	var done int
	for range *measureN {
		go func() {
			for {
				fn := func() { _ = fib(34 + rand.IntN(6)) }
				switch load {
				case "idle":
					<-ended
					return
				case "short":
					fn = func() { _ = fib(30) }
				case "late": // what it fetches comes slowly, then it computes
					fn = func() { <-time.After(time.Duration(50+rand.IntN(200)) * time.Millisecond); _ = fib(34 + rand.IntN(6)) }
				case "io":
					fn = func() { <-time.After(time.Duration(rand.IntN(20)) * time.Millisecond) }
				case "turned": // light for 2 s, then CPU-bound
					if time.Since(start) < 2*time.Second {
						fn = func() { <-time.After(5 * time.Millisecond) }
					}
				}
				iso.Do(context.Background(), "workflow/step", load == "marked", fn)
				mu.Lock()
				done++
				mu.Unlock()
			}
		}()
	}
	commands.ReadString('\n')
	mu.Lock()
	fmt.Printf("%d executions, %+v\n", done, iso.Stats())
	os.Exit(0)
}

//go:noinline
func fib(n int) int {
	if n < 2 {
		return n
	}
	return fib(n-1) + fib(n-2)
}
