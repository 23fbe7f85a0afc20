package sqlite

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stepwell/stepwell/store"
)

// ours makes a closed database with one run and returns its bytes.
func ours(t *testing.T, path string) []byte {
	t.Helper()
	s := openTest(t, path)
	if _, _, err := s.Create(t.Context(), testRun("a")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// files is what lies in a directory: names, contents, modes and times.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		content := ""
		if fi.Mode().IsRegular() {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			content = string(b)
		}
		got[path] = fmt.Sprint(fi.Mode(), fi.ModTime(), content)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestRefusesWhatIsNotOurs(t *testing.T) {
	good := ours(t, filepath.Join(t.TempDir(), "good.db"))
	patched := func(at int, v uint32) []byte {
		b := append([]byte{}, good...)
		binary.BigEndian.PutUint32(b[at:], v)
		return b
	}
	for name, c := range map[string]struct {
		content []byte
		want    error
		says    string
	}{
		"text":         {[]byte(strings.Repeat("hello ", 100)), store.ErrForeign, "no SQLite file"},
		"short":        {[]byte("SQLite format 3\x00"), store.ErrForeign, "no SQLite file"},
		"one byte":     {[]byte("x"), store.ErrForeign, "no SQLite file"},
		"another's id": {patched(68, 0x12345678), store.ErrForeign, "application id 0x12345678"},
		"no id":        {patched(68, 0), store.ErrForeign, "application id"},
		"newer":        {patched(60, 1000), store.ErrNewer, "schema 1000"},
		"negative":     {patched(60, 1<<31), store.ErrNewer, "schema -"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.db")
			if err := os.WriteFile(path, c.content, 0o640); err != nil {
				t.Fatal(err)
			}
			before := files(t, filepath.Dir(path))
			_, err := Open(t.Context(), path, Config{})
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want %v, saying %q and the path", err, c.want, c.says)
			}
			if d := cmp.Diff(before, files(t, filepath.Dir(path))); d != "" {
				t.Errorf("the refused file was touched, or one was added:\n%.600s", d)
			}
		})
	}
}

func TestRefusesOtherPaths(t *testing.T) {
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(filepath.Join(dir, "d"), 0o755))
	must(os.WriteFile(filepath.Join(dir, "file"), []byte("x"), 0o644))
	must(os.WriteFile(filepath.Join(dir, "gone.db-wal"), []byte("a log"), 0o644))
	before := files(t, dir)
	for path, says := range map[string]string{
		"d": "is a directory", "file/a.db": "not a directory", "gone.db": "gone.db-wal is there",
	} {
		if _, err := Open(t.Context(), filepath.Join(dir, path), Config{}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error %v, want one saying %q", path, err, says)
		}
	}
	if d := cmp.Diff(before, files(t, dir)); d != "" {
		t.Errorf("something was touched:\n%s", d)
	}
}

// TestRefusesWhatItMayNotWrite runs as somebody who may not write.
func TestRefusesWhatItMayNotWrite(t *testing.T) {
	dir := t.TempDir()
	ours(t, filepath.Join(dir, "ours.db"))
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, "ours.db"), 0o444); err != nil {
		t.Fatal(err)
	}
	before := files(t, dir)
	out := runChild(t, "nobody", dir)
	if n := strings.Count(out, "permission denied"); n != 3 {
		t.Errorf("want three refusals:\n%s", out)
	}
	if d := cmp.Diff(before, files(t, dir)); d != "" {
		t.Errorf("something was touched:\n%s", d)
	}
}

func childNobody() error {
	if os.Getuid() == 0 {
		if err := syscall.Setuid(65534); err != nil {
			return err
		}
	} else if err := os.Chmod(os.Getenv("DB"), 0o555); err != nil {
		return err
	}
	for _, path := range []string{"new.db", "sub/new.db", "ours.db"} {
		s, err := Open(context.Background(), filepath.Join(os.Getenv("DB"), path), Config{})
		if err == nil {
			s.Close()
		}
		fmt.Println(path, err)
	}
	return nil
}

func TestOneProcessAtATime(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.db")
	s := openTest(t, path)
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, link, filepath.Join(dir, ".", "..", filepath.Base(dir), "a.db")} {
		out := runChild(t, "open", p)
		if !strings.HasPrefix(out, "in use: ") || !strings.Contains(out, fmt.Sprintf("process %d on ", os.Getpid())) {
			t.Errorf("%s: the child says %q, want that it is in use, and by whom", p, out)
		}
	}
	if _, err := Open(t.Context(), path, Config{}); !errors.Is(err, store.ErrInUse) {
		t.Errorf("a second time in one process: %v", err)
	}
	if _, _, err := s.Create(t.Context(), testRun("a")); err != nil {
		t.Errorf("the holder was disturbed: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if out := runChild(t, "open", path); out != "opened: 1 runs\n" {
		t.Errorf("after the holder closed, the child says %q", out)
	}
}

func childOpen() error {
	began := time.Now()
	s, err := Open(context.Background(), os.Getenv("DB"), Config{})
	switch took := time.Since(began); {
	case errors.Is(err, store.ErrInUse) && took < time.Second:
		fmt.Println("in use:", err)
		return nil
	case err != nil:
		return fmt.Errorf("after %v: %w", took, err)
	}
	runs, err := s.List(context.Background(), store.Filter{})
	fmt.Printf("opened: %d runs\n", len(runs))
	return errors.Join(err, s.Close())
}

func TestEmptyFileBecomesADatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ours(t, path)
	wantWhole(t, openTest(t, path))
}

// TestCrashAmidCreation leaves behind what a process that died while it made
// the database would.
func TestCrashAmidCreation(t *testing.T) {
	half := ours(t, filepath.Join(t.TempDir(), "half.db"))
	path := filepath.Join(t.TempDir(), "a.db")
	for suffix, b := range map[string][]byte{".new": half[:5000], ".new-wal": []byte("x"), ".new-shm": []byte("x"), ".new-journal": half[:600], ".lock": []byte("process 1\n")} {
		if err := os.WriteFile(path+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ours(t, path)
	s := openTest(t, path)
	wantWhole(t, s)
	if n := len(look(t, s).Runs); n != 1 {
		t.Errorf("%d runs, want 1", n)
	}
	left, _ := filepath.Glob(path + ".new*")
	if len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
}

func TestStrangePaths(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, path := range []string{"with space.db", "q?x=1.db", "p%41%zz.db", "h#ash.db", "a&b;c.db", "ü€.db", ":memory:", "file:x.db", "'q\".db", "no/such/dir/a.db", "a+b.db", `back\slash`} {
		t.Run(path, func(t *testing.T) {
			b := ours(t, path)
			if len(b) < pageSize {
				t.Errorf("%d bytes", len(b))
			}
			s := openTest(t, path)
			if n := len(look(t, s).Runs); n != 1 {
				t.Errorf("%d runs, want 1", n)
			}
			if _, err := os.Stat(path + "-wal"); err != nil {
				t.Errorf("no log beside it: %v", err)
			}
		})
	}
}

func TestReopenedIsTheSame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	s := openTest(t, path)
	script(t, s, func(int) {})
	want := look(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the log is still there: %v", err)
	}
	s = openTest(t, path)
	wantLook(t, "reopened", s, want)
	wantWhole(t, s)
}

// TestMigrationsAreNeverEdited compares with the list of what was released:
// databases exist that hold these hashes.
func TestMigrationsAreNeverEdited(t *testing.T) {
	ms, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join("testdata", "migrations.txt"))
	if err != nil && !*update {
		t.Fatal(err)
	}
	released := strings.Split(strings.TrimSpace(string(want)), "\n")
	if released[0] == "" {
		released = nil
	}
	var b strings.Builder
	for i, m := range ms {
		line := m.name + " " + m.hash
		if i < len(released) && released[i] != line {
			t.Errorf("%s was edited after its release: add a new migration instead (is %s, was %s)", m.name, line, released[i])
			line = released[i]
		}
		fmt.Fprintln(&b, line)
	}
	if len(released) > len(ms) {
		t.Errorf("%d migrations were released, %d are here", len(released), len(ms))
	}
	if !t.Failed() {
		golden(t, "migrations.txt", b.String())
	}
}

func TestRefusesEditedMigrations(t *testing.T) {
	for sql, want := range map[string]error{
		"UPDATE migrations SET hash = 'x' WHERE number = 1": store.ErrForeign,
		"DELETE FROM migrations":                            store.ErrCorrupt,
	} {
		path := filepath.Join(t.TempDir(), "a.db")
		ours(t, path)
		c, err := openConn(path, 10)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(c.script(sql), c.close()); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), path, Config{}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", sql, err, want)
		}
	}
}

// TestSettings pins what no test of a killed process can tell: the system
// keeps what it was given, synced or not.
func TestSettings(t *testing.T) {
	s := openTest(t, filepath.Join(t.TempDir(), "a.db"))
	for name, c := range map[string]*conn{"writer": s.w.conn, "checkpointer": s.k.conn} {
		for pragma, want := range map[string]int64{"synchronous": 2, "wal_autocheckpoint": 0, "page_size": pageSize, "auto_vacuum": 2, "query_only": 0} {
			if got, err := c.count("PRAGMA " + pragma); got != want || err != nil {
				t.Errorf("%s: %s is %d, want %d, %v", name, pragma, got, want, err)
			}
		}
	}
	if err := s.r.query(t.Context(), "UPDATE state SET pos = 9", func(row) error { return nil }); err == nil {
		t.Error("a reader can write")
	}
}
