package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stepwell/stepwell/store"
)

// TestNoRoom lets the disk refuse what goes beyond a size, in a process of its
// own: the limit is the process's.
func TestNoRoom(t *testing.T) {
	dir := t.TempDir()
	out := runChild(t, "full", filepath.Join(dir, "a.db"))
	if !strings.Contains(out, "done") {
		t.Fatalf("the child ended early:\n%s", out)
	}
	t.Log(out)

	// What the child kept right after each refusal is what a crash at that
	// moment would have left.
	kept, err := filepath.Glob(filepath.Join(dir, "crash-*.db"))
	if err != nil || len(kept) < 20 {
		t.Fatalf("%d copies were kept, %v", len(kept), err)
	}
	for _, path := range kept {
		var acked, refused int
		if _, err := fmt.Sscanf(filepath.Base(path), "crash-%d-%d.db", &acked, &refused); err != nil {
			t.Fatal(err)
		}
		s := openTest(t, path)
		wantWhole(t, s)
		if n := len(look(t, s).Runs); n != acked {
			t.Errorf("%s: %d runs, want the %d that were acknowledged", path, n, acked)
		}
		if _, err := s.Get(t.Context(), fmt.Sprint("refused", refused)); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: a refused run came back: %v", path, err)
		}
		s.Close()
	}
	for name, want := range map[string]int64{"same.db": 9, "uncopied.db": 6} {
		s := openTest(t, filepath.Join(dir, name))
		wantWhole(t, s)
		if pos, _, err := s.Cursor(t.Context(), "c"); pos != want || err != nil {
			t.Errorf("%s: the cursor is at %d, want %d, %v", name, pos, want, err)
		}
	}
}

// room limits the size to which this process may write a file.
func room(n int64) error {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
		return err
	}
	l.Cur = min(uint64(n), l.Max)
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l)
}

// crowded is a store on a disk that gets full, in the child.
type crowded struct {
	*Store
	acked     []string
	refused   int
	restarted bool // and nothing was written since
}

func childFull() error {
	path := os.Getenv("DB")
	s, err := Open(context.Background(), path, Config{})
	if err != nil {
		return err
	}
	c := &crowded{Store: s}
	for _, part := range []func() error{c.appending, c.writingOver, c.sameBytes, c.copying, c.together, c.closing} {
		if err := part(); err != nil {
			return err
		}
	}
	fmt.Println("done")
	return nil
}

func (c *crowded) create(id string, input int) error {
	n := testRun(id)
	n.Input = make([]byte, input)
	for i := range n.Input {
		n.Input[i] = byte(i * (len(c.acked) + 1) >> 3)
	}
	_, _, err := c.Create(context.Background(), n)
	if err == nil {
		c.acked = append(c.acked, id)
	}
	return err
}

// logEnd is where the next commit begins in the log.
func (c *crowded) logEnd() (end int64, err error) {
	if c.restarted { // which SQLite only does when it has something to write
		c.restarted = false
		return logHeader, nil
	}
	err = c.r.query(context.Background(), logFrames, func(r row) error { end = logHeader + r.int(1)*frameSize; return nil })
	return end, err
}

// restart has the next commit begin the log anew, over its old frames.
func (c *crowded) restart() error {
	for _, limit := range []int64{-1, logLimit} {
		if err := c.w.do(context.Background(), true, func(*tx) error { c.k.limit = limit; return nil }); err != nil {
			return err
		}
	}
	c.restarted = true
	return nil
}

// refuse leaves room for so many bytes of the next commit, which is too few,
// and then enough again.
func (c *crowded) refuse(bytes int64) error {
	c.refused++
	end, err := c.logEnd()
	if err == nil {
		err = room(end + bytes)
	}
	if err != nil {
		return err
	}
	err = c.create(fmt.Sprint("refused", c.refused), 9000)
	h := c.Health()
	if err := room(math.MaxInt64); err != nil {
		return err
	}
	switch {
	case !errors.Is(err, store.ErrFull):
		return fmt.Errorf("room for %d bytes: error %w, want ErrFull", bytes, err)
	case !errors.Is(h.Err, store.ErrFull) || h.Fatal:
		return fmt.Errorf("room for %d bytes: health %w, fatal %v", bytes, h.Err, h.Fatal)
	}
	if c.refused == 1 {
		fmt.Println(err)
	}
	if err := keep(c.path, fmt.Sprintf("crash-%d-%d.db", len(c.acked), c.refused)); err != nil {
		return err
	}
	if err := c.create(fmt.Sprint("later", c.refused), 50); err != nil {
		return fmt.Errorf("there is room again, and still: %w", err)
	}
	if h := c.Health(); h.Err != nil {
		return fmt.Errorf("there is room again, and health says: %w", h.Err)
	}
	return whole(c.Store)
}

// room is refused in the header of a frame, in its page, and between two.
var bits = []int64{0, 1, 23, 24, 25, 3000, frameSize - 1, frameSize, frameSize + 24, 2 * frameSize, 2*frameSize + 30, 3*frameSize + 4000}

func (c *crowded) appending() error {
	for i := range 20 {
		if err := c.create(fmt.Sprint("first", i), 100); err != nil {
			return err
		}
	}
	for _, n := range bits {
		if err := c.refuse(n); err != nil {
			return fmt.Errorf("appending: %w", err)
		}
	}
	return nil
}

func (c *crowded) writingOver() error {
	for i := range 30 {
		if err := c.create(fmt.Sprint("more", i), 5000); err != nil {
			return err
		}
	}
	for _, n := range append(bits, -logHeader, -logHeader/2) { // the header of the log, too
		if n < 0 || n == 25 {
			if err := c.restart(); err != nil {
				return err
			}
		}
		if err := c.refuse(n); err != nil {
			return fmt.Errorf("writing over: %w", err)
		}
	}
	return nil
}

// sameBytes has a commit refused whose page is already where it would be
// written, from the round before: all of the transaction is on the disk.
func (c *crowded) sameBytes() error {
	set := func(pos int64) error { return c.SetCursor(context.Background(), "c", pos) }
	err := errors.Join(c.restart(), set(5), set(6), set(7), set(8), c.restart(), set(9))
	c.restarted = false
	if err != nil {
		return err
	}
	end, err := c.logEnd()
	if err != nil {
		return err
	}
	before, err := os.ReadFile(c.path + "-wal")
	if err != nil {
		return err
	}
	err = errors.Join(err, room(end+frameHeader))
	if err := set(6); !errors.Is(err, store.ErrFull) {
		return fmt.Errorf("set: %w, want ErrFull", err)
	}
	err = errors.Join(err, room(math.MaxInt64), keep(c.path, "same.db"), set(6))
	if err != nil {
		return err
	}
	after, err := os.ReadFile(c.path + "-wal")
	page := func(b []byte) []byte { return b[end+frameHeader : end+frameSize] }
	if err == nil && !bytes.Equal(page(before), page(after)) {
		err = errors.New("the page is not that of the round before: this tests nothing")
	}
	return err
}

// copying has no room for the copy of the log in the database.
func (c *crowded) copying() error {
	for i := range 10 {
		if err := c.create(fmt.Sprint("grow", i), 50_000); err != nil {
			return err
		}
	}
	if err := c.restart(); err != nil {
		return err
	}
	c.restarted = false
	if err := room(fileSize(c.path)); err != nil {
		return err
	}
	for i := range 4 {
		if err := c.create(fmt.Sprint("uncopied", i), 30_000); err != nil {
			return err
		}
	}
	var copied int64
	for _, limit := range []int64{-1, logLimit} {
		err := c.w.do(context.Background(), true, func(*tx) error { copied, c.k.limit = c.k.copied, limit; return nil })
		if err != nil {
			return err
		}
	}
	if err := c.create("still", 10); err != nil {
		return fmt.Errorf("the log could not be copied, and: %w", err)
	}
	if h := c.Health(); h.Err != nil || copied != 0 {
		return fmt.Errorf("%d pages were copied, health %w", copied, h.Err)
	}
	return errors.Join(room(math.MaxInt64), keep(c.path, "uncopied.db"), whole(c.Store))
}

// together has many write while there is no room.
func (c *crowded) together() error {
	end, err := c.logEnd()
	if err == nil {
		err = room(end + 300_000)
	}
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	var wrong error
	for w := range 40 {
		wg.Go(func() {
			for i := 0; ; i++ {
				n := testRun(fmt.Sprint("together", w, "-", i))
				n.Input = make([]byte, 1000)
				_, _, err := c.Create(context.Background(), n)
				mu.Lock()
				if err == nil {
					c.acked = append(c.acked, n.ID)
				} else if !errors.Is(err, store.ErrFull) {
					wrong = err
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(wrong, room(math.MaxInt64), whole(c.Store)); err != nil {
		return err
	}
	return c.create("after", 10)
}

// closing has no room for the last copy of the log: it must stay.
func (c *crowded) closing() error {
	if err := room(fileSize(c.path)); err != nil {
		return err
	}
	if err := c.create("last", 40_000); err != nil {
		return err
	}
	if err := c.Close(); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	if fileSize(c.path+"-wal") == 0 {
		return errors.New("the log is gone although it could not be copied")
	}
	if err := room(math.MaxInt64); err != nil {
		return err
	}
	var err error
	if c.Store, err = Open(context.Background(), c.path, Config{}); err != nil {
		return err
	}
	for _, id := range c.acked {
		if _, err := c.Get(context.Background(), id); err != nil {
			return fmt.Errorf("acknowledged and lost: %w", err)
		}
	}
	runs := 0
	for _, n := range c.Health().Runs {
		runs += int(n)
	}
	if runs != len(c.acked) {
		return fmt.Errorf("%d runs are there, %d were acknowledged", runs, len(c.acked))
	}
	return errors.Join(whole(c.Store), c.Close())
}

// keep copies the database as it lies on the disk.
func keep(path, name string) error {
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(path + suffix)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), name+suffix), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}
