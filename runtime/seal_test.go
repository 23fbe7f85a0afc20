package runtime_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
	"github.com/stepwell/stepwell/store/sqlite"
)

// key is one under a name; the same name and number give the same.
func key(id string, n byte) runtime.Key {
	return runtime.Key{ID: id, Secret: bytes.Repeat([]byte{n}, 32)}
}

func encrypted(tb testing.TB, keys ...runtime.Key) *runtime.EncryptedCodec {
	tb.Helper()
	c, err := runtime.NewEncryptedCodec(runtime.JSON{}, keys...)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func TestSealedValues(t *testing.T) {
	c := encrypted(t, key("k1", 1))
	one, err := c.Encode("secret")
	if err != nil {
		t.Fatal(err)
	}
	two, err := c.Encode("secret")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(one, two) || bytes.Contains(one, []byte("secret")) {
		t.Errorf("sealed twice: %q and %q; want two forms, neither of which tells", one, two)
	}
	for name, data := range map[string][]byte{"sealed": one, "stored before": []byte(`"secret"`)} {
		var got string
		if err := c.Decode(data, &got); err != nil || got != "secret" {
			t.Errorf("%s: read %q, %v", name, got, err)
		}
	}
	for n, size := range []int{0, 1, 1 << 20} {
		data, err := c.Seal(make([]byte, size))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Open(data); err != nil || len(got) != size {
			t.Errorf("%d: %d bytes came back as %d, %v", n, size, len(got), err)
		}
	}
	// Rotated: the new key seals, the old one opens.
	both := encrypted(t, key("k2", 2), key("k1", 1))
	if got, err := both.Open(one); err != nil || string(got) != `"secret"` {
		t.Errorf("the old key is not used: %q, %v", got, err)
	}
	three, err := both.Encode("secret")
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Open(three)
	refused(t, "by an unknown key", err, `sealed with key "k2", which is not among those given: k1`)
	_, err = encrypted(t, key("k1", 9)).Open(one)
	refused(t, "by a wrong key", err, `another key of the id "k1"`)
	_, err = c.Open(append(slices.Clone(one[:len(one)-1]), one[len(one)-1]^1))
	refused(t, "damaged", err, `damaged: it was sealed with key "k1"`)
	for n := range one {
		if n >= 4 { // shorter ones are not sealed by what they begin with
			_, err := c.Open(one[:n])
			refused(t, fmt.Sprintf("cut to %d", n), err, "")
		}
		changed := slices.Clone(one)
		changed[n] ^= 0x40
		if got, err := c.Open(changed); err == nil && !bytes.Equal(got, changed) {
			t.Errorf("changed at byte %d it opens to %q", n, got)
		}
	}
}

func refused(t *testing.T, what string, err error, says string) {
	t.Helper()
	if !errors.Is(err, runtime.ErrSealed) || !strings.Contains(err.Error(), says) {
		t.Errorf("%s: got %v; want that it cannot be opened: %s", what, err, says)
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	good := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for text, want := range map[string]string{
		"":                           "key 1 has no colon",
		"k1:" + good + ",":           "key 2 has no colon",
		"k1:not base64!":             "the secret of key 1 is not base64",
		"k1:" + good[:20] + "====":   "is not base64",
		"k1:AAAA":                    `key "k1" has 3 bytes: want 32`,
		":" + good:                   "id \"\" of key 1",
		"a b:" + good:                `id "a b" of key 1`,
		"k1:" + good + ",k1:" + good: `key "k1" is given twice`,
	} {
		_, err := runtime.ParseKeys(text)
		if !errors.Is(err, runtime.ErrInvalid) || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%q: got %v; want %s", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), good[:12]) {
			t.Errorf("the error repeats a secret: %v", err)
		}
	}
	if _, err := runtime.NewEncryptedCodec(nil); !errors.Is(err, runtime.ErrInvalid) {
		t.Errorf("no keys: %v", err)
	}
	keys, err := runtime.ParseKeys("new:" + good + ", old:" + strings.TrimRight(good, "="))
	if err != nil || len(keys) != 2 || keys[0].ID != "new" || keys[1].ID != "old" || len(keys[1].Secret) != 32 {
		t.Errorf("two keys: %v, %v", keys, err)
	}
}

// FuzzOpen: what was not sealed comes back, and nothing panics.
func FuzzOpen(f *testing.F) {
	c := encrypted(f, key("k1", 1))
	data, err := c.Encode("x")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte("\x00sw1"))
	f.Add([]byte("\x00sw1\xffk1"))
	f.Add([]byte(`{"a":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := c.Open(data)
		if err != nil && !errors.Is(err, runtime.ErrSealed) {
			t.Errorf("error of another kind: %v", err)
		}
		if !bytes.HasPrefix(data, []byte("\x00sw1")) && !bytes.Equal(out, data) {
			t.Errorf("plain %q came back as %q", data, out)
		}
	})
}

const secret = "xyzzy-4711-plugh"

// telling puts the secret wherever a program can put one.
func telling() (w, child *runtime.Workflow[string, string]) {
	child = runtime.Define("child", func(ctx context.Context, in string) (string, error) {
		return "", fmt.Errorf("child of %s", in)
	})
	w = runtime.Define("telling", func(ctx context.Context, in string) (string, error) {
		out, err := runtime.Step(ctx, "flaky", func(ctx context.Context) (string, error) {
			if err := runtime.Heartbeat(ctx, secret); err != nil {
				return "", err
			}
			if at, _ := runtime.Current(ctx); at.Attempt == 1 {
				return "", errors.New("retried with " + secret)
			}
			return in, nil
		}, runtime.Retry{Max: 3, Initial: time.Second})
		if err != nil {
			return "", err
		}
		runtime.Step(ctx, "panics", func(context.Context) (int, error) { panic(secret) })
		if err := runtime.Sleep(ctx, time.Hour); err != nil { // leaves memory
			return "", err
		}
		got, err := runtime.Receive[string](ctx, "topic", time.Hour)
		if err != nil {
			return "", err
		}
		if _, err := child.Call(ctx, got); err == nil || !strings.Contains(err.Error(), secret) {
			return "", fmt.Errorf("the child's error is %v", err)
		}
		if out != got {
			return "", errors.New("lost")
		}
		return out, nil
	})
	return w, child
}

// TestNoPlaintextIsStored looks for a secret in all files of the database, in the
// log and in the rows that spans are made of: it is there without encryption,
// and not with it.
func TestNoPlaintextIsStored(t *testing.T) {
	for name, codec := range map[string]runtime.Codec{"json": nil, "encrypted": encrypted(t, key("k1", 1))} {
		t.Run(name, func(t *testing.T) {
			hidden := codec != nil
			dir := t.TempDir()
			var found string
			var log bytes.Buffer
			synctest.Test(t, func(t *testing.T) {
				s, err := sqlite.Open(context.Background(), filepath.Join(dir, "stepwell.db"), sqlite.Config{})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				w, child := telling()
				cfg := runtime.Config{
					Codec: codec, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
					Sample: func([16]byte, *bool) bool { return true },
				}
				r := serveOn(t, s, cfg, w, child)
				h, err := w.Start(r.ctx, secret, runtime.ID("one"))
				if err != nil {
					t.Fatal(err)
				}
				if err := runtime.Send(r.ctx, "one", "topic", secret); err != nil {
					t.Fatal(err)
				}
				if out, err := h.Result(r.ctx); err != nil || out != secret {
					t.Fatalf("got %q, %v", out, err)
				}
				run, _, err := r.Runtime.Start(r.ctx, "child", []byte(`"`+secret+`"`), runtime.ID("two"))
				if err != nil {
					t.Fatal(err)
				}
				run, err = r.Wait(r.ctx, run.ID)
				if err != nil || run.Error == nil || !strings.Contains(run.Error.Message, secret) {
					t.Errorf("who may read gets run %+v, %v; want its error in the clear", run, err)
				}
				page, err := s.Spans(r.ctx, 0, 1000)
				if err != nil {
					t.Fatal(err)
				}
				if len(page.Records) < 5 {
					t.Fatalf("%d rows for spans", len(page.Records))
				}
				spans, err := json.Marshal(page)
				if err != nil {
					t.Fatal(err)
				}
				if hidden && bytes.Contains(spans, []byte(secret)) {
					t.Errorf("spans tell: %s", spans)
				}
				found = filesWith(t, dir, secret) // with the log of writes
				r.stop()
			})
			found += filesWith(t, dir, secret)
			if got := found != ""; got == hidden {
				t.Errorf("files that tell: %q; encrypted: %t", found, hidden)
			}
			if got := strings.Contains(log.String(), secret); got == hidden {
				t.Errorf("the log tells: %t; encrypted: %t:\n%s", got, hidden, log.String())
			}
		})
	}
}

// filesWith names the files in dir that hold the text, also in base64, in which
// it may begin at each of three places.
func filesWith(t *testing.T, dir, text string) (names string) {
	t.Helper()
	forms := []string{text}
	for i := range 3 {
		forms = append(forms, base64.StdEncoding.EncodeToString([]byte(text[i:]))[:12])
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range forms {
			if bytes.Contains(data, []byte(form)) {
				names += f.Name() + " "
				break
			}
		}
	}
	return names
}

// longRun sleeps between two steps, the first of which fails for good.
func longRun() *runtime.Workflow[string, string] {
	return runtime.Define("long", func(ctx context.Context, in string) (string, error) {
		_, err := runtime.Step(ctx, "fails", func(context.Context) (int, error) { return 0, errors.New("no " + in) })
		text := fmt.Sprint(err)
		out, err := runtime.Step(ctx, "first", func(context.Context) (string, error) { return in, nil })
		if err != nil {
			return "", err
		}
		if err := runtime.Sleep(ctx, time.Hour); err != nil {
			return "", err
		}
		last, err := runtime.Step(ctx, "last", func(context.Context) (string, error) { return in, nil })
		return text + " " + out + " " + last, err
	})
}

const longResult = `step "fails" failed at attempt 1: no tea tea tea`

// TestKeysChange takes one run through processes with other keys.
func TestKeysChange(t *testing.T) {
	old, new := key("old", 1), key("new", 2)
	for name, c := range map[string]struct {
		began, went runtime.Codec
		parked      string // what the stuck run says; empty: it goes on
		after       runtime.Codec
	}{
		"rotated":          {began: encrypted(t, old), went: encrypted(t, new, old)},
		"turned on":        {began: nil, went: encrypted(t, new)},
		"lost":             {encrypted(t, old), encrypted(t, new), `sealed with key "old", which is not among those given: new`, encrypted(t, new, old)},
		"lost for a while": {encrypted(t, old, new), encrypted(t, new), `sealed with key "old"`, encrypted(t, old)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := openStore(t)
				r := serveOn(t, s, runtime.Config{Codec: c.began, Logger: quiet}, longRun())
				if _, err := longRun().Start(r.ctx, "tea", runtime.ID("one")); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				r.stop()
				r = serveOn(t, s, runtime.Config{Codec: c.went, Logger: quiet}, longRun())
				time.Sleep(2 * time.Hour)
				if c.parked != "" {
					run, err := r.Get(r.ctx, "one")
					if err != nil || run.Status != store.Stuck || run.Error == nil || run.Error.Code != "sealed" || !strings.Contains(run.Error.Message, c.parked) {
						t.Fatalf("run is %s, %+v, %v; want stuck: %s", run.Status, run.Error, err, c.parked)
					}
					r.stop()
					r = serveOn(t, s, runtime.Config{Codec: c.after, Logger: quiet}, longRun())
					if _, err := r.Resume(r.ctx, "one"); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Minute)
				}
				// Started again under its id, it is the same run.
				h, err := longRun().Start(r.ctx, "tea", runtime.ID("one"))
				if err != nil {
					t.Fatal(err)
				}
				if out, err := h.Result(r.ctx); err != nil || out != longResult {
					t.Errorf("got %q, %v", out, err)
				}
			})
		})
	}
}

// TestALostErrorParksTheRun: the input can be read, and the error of a step
// cannot. Without it the code would take another way.
func TestALostErrorParksTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		w := runtime.Define("none", func(ctx context.Context, _ struct{}) (string, error) {
			_, err := runtime.Step(ctx, "fails", func(context.Context) (int, error) { return 0, errors.New("no") })
			if err := runtime.Sleep(ctx, time.Hour); err != nil {
				return "", err
			}
			return fmt.Sprint(err), nil
		})
		r := serveOn(t, s, runtime.Config{Logger: quiet}, w)
		if _, err := w.Start(r.ctx, struct{}{}, runtime.ID("one"), runtime.Delay(time.Minute)); err != nil {
			t.Fatal(err) // the input is plain
		}
		r.stop()
		r = serveOn(t, s, runtime.Config{Codec: encrypted(t, key("old", 1)), Logger: quiet}, w)
		time.Sleep(10 * time.Minute)
		r.stop()
		r = serveOn(t, s, runtime.Config{Codec: encrypted(t, key("new", 2)), Logger: quiet}, w)
		time.Sleep(2 * time.Hour)
		run, err := r.Get(r.ctx, "one")
		if err != nil || run.Status != store.Stuck || !strings.Contains(run.Error.Message, `error of step "fails" at 0`) {
			t.Errorf("run is %s, %+v, %v; want stuck", run.Status, run.Error, err)
		}
	})
}

// TestAStepThatCannotReadParksTheRun: what it is refused for want of a key is no
// outcome to record.
func TestAStepThatCannotReadParksTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		says := runtime.Define("says", func(ctx context.Context, _ struct{}) (int, error) { return 1, runtime.SetEvent(ctx, "word", "tea") })
		hears := runtime.Define("hears", func(ctx context.Context, _ struct{}) (string, error) {
			return runtime.Step(ctx, "listen", func(ctx context.Context) (string, error) {
				return runtime.GetEvent[string](ctx, "says", "word", time.Minute)
			})
		})
		r := serveOn(t, s, runtime.Config{Codec: encrypted(t, key("old", 1)), Logger: quiet}, says, hears)
		h, err := says.Start(r.ctx, struct{}{}, runtime.ID("says"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Result(r.ctx); err != nil {
			t.Fatal(err)
		}
		r.stop()
		r = serveOn(t, s, runtime.Config{Codec: encrypted(t, key("new", 2)), Logger: quiet}, says, hears)
		if _, err := hears.Start(r.ctx, struct{}{}, runtime.ID("hears")); err != nil {
			t.Fatal(err)
		}
		run, err := r.Wait(r.ctx, "hears")
		if err != nil || run.Status != store.Stuck || run.Error.Code != "sealed" {
			t.Fatalf("run is %s, %+v, %v; want stuck", run.Status, run.Error, err)
		}
		r.stop()
		r = serveOn(t, s, runtime.Config{Codec: encrypted(t, key("new", 2), key("old", 1)), Logger: quiet}, says, hears)
		if _, err := r.Resume(r.ctx, "hears"); err != nil {
			t.Fatal(err)
		}
		if run, err = r.Wait(r.ctx, "hears"); err != nil || run.Status != store.Succeeded {
			t.Errorf("run is %s, %+v, %v; want succeeded", run.Status, run.Error, err)
		}
	})
}

// picky quotes what it does not take, as a program's own type may.
type picky struct{ Text string }

func (p *picky) UnmarshalJSON(data []byte) error { return fmt.Errorf("%s is not taken", data) }

// TestTheGateTellsNoPayload: its reasons go into the log and to /readyz, which
// asks for no token.
func TestTheGateTellsNoPayload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openStore(t)
		codec := encrypted(t, key("k1", 1))
		sleeps := func(ctx context.Context) error { return runtime.Sleep(ctx, time.Hour) }
		r := serveOn(t, s, runtime.Config{Codec: codec, Logger: quiet},
			runtime.Define("w", func(ctx context.Context, _ string) (int, error) { return 0, sleeps(ctx) }))
		if _, _, err := r.Runtime.Start(r.ctx, "w", []byte(`"`+secret+`"`)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		r.stop()
		w := runtime.Define("w", func(ctx context.Context, _ picky) (int, error) { return 0, sleeps(ctx) })
		for name, c := range map[string]struct {
			codec runtime.Codec
			want  string
		}{
			"changed code":  {codec, "the input no longer fits; why is not told here"},
			"a missing key": {encrypted(t, key("k2", 2)), `sealed with key "k1"`},
		} {
			rt, err := runtime.New(s, runtime.Config{Codec: c.codec, Logger: quiet}, w)
			if err != nil {
				t.Fatal(err)
			}
			n, err := rt.ReplayUnderWay(t.Context(), 10)
			if n != 1 || err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), secret) {
				t.Errorf("%s: %d replayed: %v; want %s, without what was stored", name, n, err, c.want)
			}
		}
	})
}

// TestCrashUnderEncryption kills the process at each write of sealed values and
// errors.
func TestCrashUnderEncryption(t *testing.T) {
	eachCrash(t, func(t *testing.T, kill func(store.Store) *mortal) {
		s := openStore(t)
		m := kill(s)
		cfg := runtime.Config{Codec: encrypted(t, key("k1", 1)), Logger: quiet}
		r := serveOn(t, m, cfg, longRun())
		ended := make(chan struct{})
		if h, err := longRun().Start(r.ctx, "tea", runtime.ID("one")); err == nil {
			ctx := r.ctx
			go func() { defer close(ended); h.Result(ctx) }()
		}
		select {
		case <-ended:
			m.kill()
		case <-m.died:
		}
		r.stop()
		r = serveOn(t, s, cfg, longRun())
		h, err := longRun().Start(r.ctx, "tea", runtime.ID("one"))
		if err != nil {
			t.Fatal(err)
		}
		if out, err := h.Result(r.ctx); err != nil || out != longResult {
			t.Errorf("got %q, %v", out, err)
		}
	})
}

// TestExportUnderEncryption: what is exported is in the clear, and replays with
// and without keys.
func TestExportUnderEncryption(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		codec := encrypted(t, key("k1", 1))
		h := record(t, runtime.Config{Codec: codec}, longRun(), "tea")
		if string(h.Run.Input) != `"tea"` || h.Steps[0].Error == nil || h.Steps[0].Error.Message != "no tea" {
			t.Errorf("exported with input %q and error %+v", h.Run.Input, h.Steps[0].Error)
		}
		for _, cfg := range []runtime.Config{{}, {Codec: codec}} {
			if err := runtime.ReplayWith(t.Context(), cfg, h, longRun()); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestEveryFailureIsSealed: the store that seals errors has a method of its own
// for each of the store's that takes or gives one.
func TestEveryFailureIsSealed(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "sealedstore.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]bool{}
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv != nil {
			own[fn.Name.Name] = true
		}
	}
	all := reflect.TypeFor[store.Store]()
	carriers := 0
	for i := range all.NumMethod() {
		m := all.Method(i)
		var types []reflect.Type
		for j := range m.Type.NumIn() {
			types = append(types, m.Type.In(j))
		}
		for j := range m.Type.NumOut() {
			types = append(types, m.Type.Out(j))
		}
		if !slices.ContainsFunc(types, func(t reflect.Type) bool {
			return carries(t, reflect.TypeFor[store.Failure](), map[reflect.Type]bool{})
		}) {
			continue
		}
		if carriers++; !own[m.Name] {
			t.Errorf("store.Store.%s carries a failure: give sealedStore a method that seals it on the way in and opens it on the way out", m.Name)
		}
	}
	if carriers < 8 {
		t.Errorf("found %d methods that carry a failure", carriers)
	}
}

func carries(t, what reflect.Type, seen map[reflect.Type]bool) bool {
	if t == what {
		return true
	}
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return carries(t.Elem(), what, seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if carries(t.Field(i).Type, what, seen) {
				return true
			}
		}
	case reflect.Func:
		for i := range t.NumIn() {
			if carries(t.In(i), what, seen) {
				return true
			}
		}
	}
	return false
}
