package experiment

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"syscall"
	"time"
)

// child is a server of the experiment's own, in a process and a directory of
// its own.
type child struct {
	api, health string // base addresses
	dir         string
	cmd         *exec.Cmd
	exited      chan struct{} // closed when the process has ended
	err         error         // how it ended; read after exited
}

const (
	startTimeout = 30 * time.Second
	// stopTimeout is longer than the drain the server is given.
	stopTimeout = 10 * time.Second
)

// startChild starts program as a server and waits until it is ready.
func startChild(ctx context.Context, program string) (*child, error) {
	// The ports are free when they are chosen and may be taken by the time the
	// server listens; then others are.
	for attempt := 1; ; attempt++ {
		c, err := tryChild(ctx, program)
		if err == nil || attempt == 5 || !errors.Is(err, errPortTaken) {
			return c, err
		}
	}
}

var errPortTaken = errors.New("a port was taken by another process")

func tryChild(ctx context.Context, program string) (*child, error) {
	api, health, err := freePorts()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "stepwell-experiment-")
	if err != nil {
		return nil, err
	}
	c := &child{api: "http://" + api, health: "http://" + health, dir: dir, exited: make(chan struct{})}
	if err := c.start(program, api, health); err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("start the server: %w", err)
	}
	if err := c.ready(ctx); err != nil {
		tail := c.logTail()
		c.stop()
		if !free(api) || !free(health) {
			return nil, errPortTaken
		}
		return nil, &serverError{err, tail}
	}
	return c, nil
}

// freePorts finds two ports, held together so that they differ.
func freePorts() (a, b string, err error) {
	l1, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer l1.Close()
	l2, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer l2.Close()
	return l1.Addr().String(), l2.Addr().String(), nil
}

func free(addr string) bool {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	l.Close()
	return true
}

func (c *child) start(program, api, health string) error {
	log, err := os.Create(c.logPath())
	if err != nil {
		return err
	}
	defer log.Close()
	c.cmd = exec.Command(program, "serve")
	c.cmd.Dir = c.dir
	c.cmd.Stdout, c.cmd.Stderr = log, log
	c.cmd.Env = append(cleanEnv(os.Environ()),
		"STEPWELL_ADDR="+api,
		"STEPWELL_HEALTH_ADDR="+health,
		"STEPWELL_STORE=sqlite:"+filepath.Join(c.dir, "stepwell.db"),
		// Runs cut short by the end of the experiment are of no use to anybody.
		"STEPWELL_DRAIN=1s",
	)
	c.cmd.SysProcAttr = attributes()
	started := make(chan error)
	// Not waited for by a WaitGroup but by stop, through exited.
	go func() {
		// The child's life is tied to the thread that made it; see attributes.
		goruntime.LockOSThread()
		err := c.cmd.Start()
		started <- err
		if err == nil {
			c.err = c.cmd.Wait()
			close(c.exited)
		}
	}()
	return <-started
}

// cleanEnv drops what would make the server another one than a plain default.
func cleanEnv(env []string) []string {
	var kept []string
	for _, kv := range env {
		name, _, _ := strings.Cut(kv, "=")
		if name != "PORT" && !strings.HasPrefix(name, "STEPWELL_") {
			kept = append(kept, kv)
		}
	}
	return kept
}

// ready waits until the server takes work.
func (c *child) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("the server was not ready within %v", startTimeout))
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second}
	every := time.NewTicker(20 * time.Millisecond)
	defer every.Stop()
	for {
		select {
		case <-c.exited:
			return c.died()
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-every.C:
		}
		if _, err := get(ctx, client, c.health+"/readyz"); err != nil {
			continue
		}
		// Was it ours that answered?
		select {
		case <-c.exited:
			return c.died()
		default:
			return nil
		}
	}
}

func (c *child) died() error {
	if c.err == nil {
		return errors.New("the server ended by itself")
	}
	return fmt.Errorf("the server died: %w", c.err)
}

// stop ends the server and removes its directory. It returns an error when
// the server had died before, or did not end as asked.
func (c *child) stop() error {
	defer os.RemoveAll(c.dir)
	select {
	case <-c.exited:
		return &serverError{c.died(), c.logTail()}
	default:
	}
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		c.cmd.Process.Kill() // there are systems without the signal
	}
	timer := time.NewTimer(stopTimeout)
	defer timer.Stop()
	select {
	case <-c.exited:
	case <-timer.C:
		c.cmd.Process.Kill()
		<-c.exited
		return &serverError{fmt.Errorf("the server had not ended %v after it was asked to", stopTimeout), c.logTail()}
	}
	if c.err != nil {
		return &serverError{fmt.Errorf("the server did not end well: %w", c.err), c.logTail()}
	}
	return nil
}

func (c *child) logPath() string { return filepath.Join(c.dir, "server.log") }

// serverError is how the server went wrong, with the end of its log.
type serverError struct {
	err error
	log []string
}

func (e *serverError) Error() string { return e.err.Error() }
func (e *serverError) Unwrap() error { return e.err }

// logTail returns the last lines of the server's log.
func (c *child) logTail() []string {
	f, err := os.Open(c.logPath())
	if err != nil {
		return nil
	}
	defer f.Close()
	const bytesAtMost, linesAtMost = 4096, 12
	if size, err := f.Seek(0, io.SeekEnd); err == nil {
		f.Seek(max(0, size-bytesAtMost), io.SeekStart)
	}
	b, _ := io.ReadAll(io.LimitReader(f, bytesAtMost))
	lines := strings.Split(string(bytes.TrimSpace(b)), "\n")
	return lines[max(0, len(lines)-linesAtMost):]
}
