package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

var errNoSeat = errors.New("no seat left")

// trip books one thing after the other, then does what end says.
func trip(eff *effects, l *lines, end func(context.Context) error) *runtime.Workflow[struct{}, int] {
	book := func(ctx context.Context, what string) error {
		err := runtime.Compensate(ctx, "cancel "+what, func(context.Context) error {
			eff.on("cancel " + what)
			l.add("cancel", what)
			return nil
		})
		if err != nil {
			return err
		}
		_, err = runtime.Step(ctx, "book "+what, func(context.Context) (int, error) {
			eff.on("book " + what)
			l.add("book", what)
			return 1, nil
		})
		return err
	}
	return once(func(ctx context.Context) (int, error) {
		if err := book(ctx, "flight"); err != nil {
			return 0, err
		}
		rooms := runtime.Go(ctx, func(ctx context.Context) (int, error) {
			if err := book(ctx, "room"); err != nil {
				return 0, err
			}
			return 1, book(ctx, "breakfast")
		})
		if _, err := rooms.Wait(ctx); err != nil {
			return 0, err
		}
		if err := book(ctx, "car"); err != nil {
			return 0, err
		}
		return 1, end(ctx)
	})
}

const booked = "book flight; book room; book breakfast; book car"
const unbooked = "; cancel car; cancel breakfast; cancel room; cancel flight"

func failingStep(ctx context.Context) error {
	_, err := runtime.Step(ctx, "pay", func(context.Context) (int, error) { return 0, errNoSeat })
	return err
}

func TestCompensationsRunInReverse(t *testing.T) {
	for name, c := range map[string]struct {
		end    func(context.Context) error
		cancel bool
		want   string
		status store.Status
		code   string
	}{
		"not after success": {func(context.Context) error { return nil }, false, booked, store.Succeeded, ""},
		"after a failure":   {failingStep, false, booked + unbooked, store.Failed, ""},
		"after a panic":     {func(context.Context) error { panic("boom") }, false, booked + unbooked, store.Failed, store.CodePanic},
		"after a Goexit":    {func(context.Context) error { exit(); return nil }, false, booked + unbooked, store.Failed, ""},
		"after a cancel": {func(ctx context.Context) error { return runtime.Sleep(ctx, time.Hour) }, true,
			booked + unbooked, store.Cancelled, store.CodeCancelled},
		"after a cancel that is ignored": {func(ctx context.Context) error { runtime.Sleep(ctx, time.Hour); return nil }, true,
			booked + unbooked, store.Cancelled, store.CodeCancelled},
		"after the deadline": {func(ctx context.Context) error { return runtime.Sleep(ctx, 100*time.Hour) }, false,
			booked + unbooked, store.Failed, store.CodeDeadline},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &lines{}
				w := trip(&effects{}, l, c.end)
				r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, w)
				h, err := w.Start(r.ctx, struct{}{}, runtime.Deadline(time.Now().Add(2*time.Hour)))
				if err != nil {
					t.Fatal(err)
				}
				if c.cancel {
					time.Sleep(time.Minute) // it has left memory
					if err := h.Cancel(r.ctx); err != nil {
						t.Fatal(err)
					}
				}
				run, err := r.Wait(r.ctx, h.ID())
				if err != nil {
					t.Fatal(err)
				}
				if got := l.text(); got != c.want {
					t.Errorf("got  %s\nwant %s", got, c.want)
				}
				if run.Status != c.status || c.code != "" && run.Error.Code != c.code {
					t.Errorf("it ended %s: %+v", run.Status, run.Error)
				}
			})
		})
	}
}

func TestCompensationsAreStepsOfTheirKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := trip(&effects{}, &lines{}, failingStep)
		r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, w)
		h, err := w.Start(r.ctx, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Result(r.ctx); err == nil {
			t.Fatal("no error")
		}
		steps, err := r.Steps(r.ctx, h.ID())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range steps {
			if s.Kind != store.KindStep {
				got = append(got, fmt.Sprint(s.Path, " ", s.Kind, " ", s.Name, " ", s.Status))
			}
		}
		want := "4 return  failed; 4.0 compensate cancel car succeeded; 4.1 compensate cancel breakfast succeeded; " +
			"4.2 compensate cancel room succeeded; 4.3 compensate cancel flight succeeded"
		if strings.Join(got, "; ") != want {
			t.Errorf("got  %s\nwant %s", strings.Join(got, "; "), want)
		}
	})
}

// TestCompensationIsRetried also shows that neither leaving memory nor a cancel
// nor the deadline keeps one from its attempts.
func TestCompensationIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, begin := 0, time.Now()
		w := once(func(ctx context.Context) (int, error) {
			err := runtime.Compensate(ctx, "refund", func(ctx context.Context) error {
				if n++; n < 4 {
					return errors.New("bank is closed")
				}
				return ctx.Err()
			}, runtime.Retry{Max: 5, Initial: time.Hour, Factor: 1})
			return 0, errors.Join(err, failingStep(ctx))
		})
		r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, w)
		h, err := w.Start(r.ctx, struct{}{}, runtime.Deadline(begin.Add(90*time.Minute)))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(150 * time.Minute)
		if err := h.Cancel(r.ctx); err != nil && !errors.Is(err, runtime.ErrConflict) {
			t.Fatal(err)
		}
		_, err = h.Result(r.ctx)
		if took := time.Since(begin).Round(time.Minute); n != 4 || took != 3*time.Hour {
			t.Errorf("%d attempts in %v, %v", n, took, err)
		}
		if !errors.Is(err, runtime.ErrDeadline) {
			t.Errorf("got %v", err)
		}
	})
}

func TestCompensationThatFails(t *testing.T) {
	for _, cancel := range []bool{false, true} {
		t.Run(fmt.Sprint("cancel=", cancel), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &lines{}
				w := once(func(ctx context.Context) (int, error) {
					for _, name := range []string{"first", "second", "third"} {
						err := runtime.Compensate(ctx, name, func(context.Context) error {
							l.add(name)
							if name != "second" {
								return errors.New("bank is closed")
							}
							return nil
						}, runtime.Retry{Max: 2, Initial: time.Second})
						if err != nil {
							return 0, err
						}
					}
					if cancel {
						return 0, runtime.Sleep(ctx, time.Hour)
					}
					return 0, errNoSeat
				})
				r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, w)
				h, err := w.Start(r.ctx, struct{}{})
				if err != nil {
					t.Fatal(err)
				}
				why := "no seat left"
				if cancel {
					time.Sleep(time.Minute)
					if err := h.Cancel(r.ctx); err != nil {
						t.Fatal(err)
					}
					why = "run was cancelled"
				}
				run, err := r.Wait(r.ctx, h.ID())
				if err != nil {
					t.Fatal(err)
				}
				want := `compensation failed: step "third" failed at attempt 2: bank is closed; step "first" failed at attempt 2: bank is closed; the run had ended with: ` + why
				if run.Status != store.Failed || run.Error.Code != store.CodeCompensation || run.Error.Message != want {
					t.Errorf("it ended %s: %+v", run.Status, run.Error)
				}
				if _, err := h.Result(r.ctx); !errors.Is(err, runtime.ErrCompensation) {
					t.Errorf("got %v", err)
				}
				if got := l.text(); got != "third; third; second; first; first" {
					t.Errorf("got %s", got)
				}
			})
		})
	}
}

// TestCompensationOfAStepThatEndsLate: a branch is amid a step when the function
// fails; what the step did counts, and what it registers after it, too.
func TestCompensationOfAStepThatEndsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lines{}
		w := once(func(ctx context.Context) (int, error) {
			amid := make(chan struct{})
			late := runtime.Go(ctx, func(ctx context.Context) (int, error) {
				_, err := runtime.Step(ctx, "late", func(context.Context) (int, error) {
					close(amid)
					time.Sleep(time.Minute)
					return 1, nil
				})
				if err != nil {
					return 0, err
				}
				return 1, runtime.Compensate(ctx, "undo late", func(context.Context) error { l.add("undo late"); return nil })
			})
			runtime.Go(ctx, func(ctx context.Context) (int, error) {
				if _, err := late.Wait(ctx); err != nil {
					return 0, err
				}
				if err := runtime.Compensate(ctx, "undo after late", func(context.Context) error { l.add("undo after late"); return nil }); err != nil {
					return 0, err
				}
				l.add("after late")
				_, err := runtime.Step(ctx, "new", func(context.Context) (int, error) { l.add("new"); return 1, nil })
				return 1, err
			})
			runtime.Go(ctx, func(ctx context.Context) (int, error) { return 1, runtime.Sleep(ctx, 1000*time.Hour) })
			<-amid
			return 0, errNoSeat
		})
		if _, err := w.Call(serve(t, runtime.Config{Logger: quiet}, w), struct{}{}); err == nil {
			t.Fatal("no error")
		}
		if got := l.text(); got != "after late; undo after late; undo late" {
			t.Errorf("got %s", got)
		}
	})
}

// TestCompensationWhenTheCancelMeetsTheEnd: the function has returned in success
// when the cancel is committed. The run ends cancelled, so it is compensated.
func TestCompensationWhenTheCancelMeetsTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lines{}
		var r *served
		w := once(func(ctx context.Context) (int, error) {
			if err := runtime.Compensate(ctx, "undo", func(context.Context) error { l.add("undo"); return nil }); err != nil {
				return 0, err
			}
			return runtime.Step(ctx, "do", func(ctx context.Context) (int, error) { l.add("do"); return 1, nil })
		})
		s := &late{Store: openStore(t)}
		s.before = func() {
			if _, err := s.Store.Stop(context.Background(), "one", store.StopCancel, time.Now()); err != nil {
				t.Error(err)
			}
		}
		r = serveOn(t, s, runtime.Config{Logger: quiet}, w)
		h, err := w.Start(r.ctx, struct{}{}, runtime.ID("one"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Result(r.ctx); !errors.Is(err, runtime.ErrCancelled) {
			t.Errorf("got %v", err)
		}
		if got := l.text(); got != "do; undo" {
			t.Errorf("got %s", got)
		}
		if _, err := r.Resume(r.ctx, "one"); !errors.Is(err, runtime.ErrConflict) {
			t.Errorf("resumed after it was undone: %v", err)
		}
	})
}

// late calls before ahead of the first Finish.
type late struct {
	store.Store
	before func()
}

func (l *late) Finish(ctx context.Context, c store.Claim, o store.Outcome) (store.Status, error) {
	if before := l.before; before != nil {
		l.before = nil
		before()
	}
	return l.Store.Finish(ctx, c, o)
}

func TestCompensationThatTheCodeForgotParksTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, amid := openStore(t), make(chan struct{}, 1)
		define := func(name string) *runtime.Workflow[struct{}, int] {
			return once(func(ctx context.Context) (int, error) {
				err := runtime.Compensate(ctx, name, func(ctx context.Context) error {
					select {
					case amid <- struct{}{}:
						<-ctx.Done()
						return ctx.Err()
					default:
						return nil
					}
				})
				return 0, errors.Join(err, errNoSeat)
			})
		}
		w := define("undo")
		r := serveOn(t, s, runtime.Config{Logger: quiet}, w)
		if _, err := w.Start(r.ctx, struct{}{}, runtime.ID("one")); err != nil {
			t.Fatal(err)
		}
		<-amid
		r.stop()
		amid <- struct{}{} // from now on it succeeds
		r = serveOn(t, s, runtime.Config{Logger: quiet}, define("other"))
		run, err := r.Wait(r.ctx, "one")
		if err != nil || run.Status != store.Stuck || !strings.Contains(run.Error.Message, `the history has the compensation "undo", the code did not register it`) {
			t.Fatalf("%s: %+v, %v", run.Status, run.Error, err)
		}
		r.stop()
		r = serveOn(t, s, runtime.Config{Logger: quiet}, w)
		if _, err := r.Resume(r.ctx, "one"); err != nil {
			t.Fatal(err)
		}
		if run, err = r.Wait(r.ctx, "one"); err != nil || run.Status != store.Failed || run.Error.Message != "no seat left" {
			t.Fatalf("%s: %+v, %v", run.Status, run.Error, err)
		}
	})
}

func TestMistakenCompensations(t *testing.T) {
	none := func(context.Context) error { return nil }
	if err := runtime.Compensate(context.Background(), "c", none); !errors.Is(err, runtime.ErrNotInRun) {
		t.Errorf("outside a run: %v", err)
	}
	w := once(func(ctx context.Context) (int, error) {
		if err := runtime.Compensate(ctx, "c", none, runtime.Timeout(-1)); !errors.Is(err, runtime.ErrInvalid) {
			t.Errorf("a mistaken option: %v", err)
		}
		return runtime.Step(ctx, "s", func(ctx context.Context) (int, error) {
			if err := runtime.Compensate(ctx, "c", none); !errors.Is(err, runtime.ErrNotInRun) {
				t.Errorf("in a step: %v", err)
			}
			return 1, nil
		})
	})
	if _, err := w.Call(serve(t, runtime.Config{Logger: quiet}, w), struct{}{}); err != nil {
		t.Fatal(err)
	}
}

// TestCompensationsOverACrash kills the process at each of its writes, of a run
// that fails and of one that is cancelled. In the end everything booked is
// cancelled, no recorded step ran again, and the outcome is the same.
func TestCompensationsOverACrash(t *testing.T) {
	for _, cancel := range []bool{false, true} {
		t.Run(fmt.Sprint("cancel=", cancel), func(t *testing.T) {
			eachCrash(t, func(t *testing.T, kill func(store.Store) *mortal) {
				end, want := failingStep, errNoSeat
				if cancel {
					end, want = func(ctx context.Context) error { return runtime.Sleep(ctx, time.Hour) }, runtime.ErrCancelled
				}
				eff, s := &effects{}, openStore(t)
				w := trip(eff, &lines{}, end)
				try := func(s store.Store) (ended <-chan error, r *served) {
					r = serveOn(t, s, runtime.Config{Logger: quiet}, w)
					done, ctx := make(chan error, 1), r.ctx
					go func() {
						h, err := w.Start(ctx, struct{}{}, runtime.ID("one"))
						if err == nil && cancel {
							time.Sleep(time.Minute)
							if err = h.Cancel(ctx); errors.Is(err, runtime.ErrConflict) {
								err = nil // it has ended
							}
						}
						if err == nil {
							_, err = h.Result(ctx)
						}
						done <- err
					}()
					return done, r
				}
				m := kill(s)
				ended, r := try(m)
				select {
				case <-ended:
					m.kill()
				case <-m.died:
				}
				r.stop()
				recorded, before := completed(t, s), eff.all()
				ended, _ = try(s)
				if err := <-ended; !errors.Is(err, want) && !strings.Contains(fmt.Sprint(err), want.Error()) {
					t.Fatalf("got %v, want %v", err, want)
				}
				after := eff.all()
				if len(after) != 8 {
					t.Errorf("effects %v, want 8", after)
				}
				for name, n := range after {
					if n > 2 || recorded[name] && n != before[name] {
						t.Errorf("%q ran %d times, %d before the crash", name, n, before[name])
					}
				}
			})
		})
	}
}

// TestCompensatedRunReplays: its exported history fits the code, and does not
// fit code that registers less.
func TestCompensatedRunReplays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, end := range []func(context.Context) error{failingStep, func(ctx context.Context) error { return runtime.Sleep(ctx, time.Hour) }} {
			eff := &effects{}
			w := trip(eff, &lines{}, end)
			r := serveOn(t, openStore(t), runtime.Config{Logger: quiet}, w)
			h, err := w.Start(r.ctx, struct{}{})
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			if err := h.Cancel(r.ctx); err != nil && !errors.Is(err, runtime.ErrConflict) {
				t.Fatal(err)
			}
			if _, err := h.Result(r.ctx); err == nil {
				t.Fatal("no error")
			}
			history, err := r.Export(r.ctx, h.ID())
			if err != nil {
				t.Fatal(err)
			}
			if err := runtime.Replay(r.ctx, history, w); err != nil {
				t.Errorf("replay: %v", err)
			}
			if n := len(eff.all()); n != 8 || eff.all()["cancel car"] != 1 {
				t.Errorf("after the replay: effects %v", eff.all())
			}
			less := once(func(ctx context.Context) (int, error) {
				_, err := runtime.Step(ctx, "book flight", func(context.Context) (int, error) { return 1, nil })
				return 0, err
			})
			if err := runtime.Replay(r.ctx, history, less); !errors.Is(err, runtime.ErrNondeterministic) {
				t.Errorf("replay of other code: %v", err)
			}
		}
	})
}
