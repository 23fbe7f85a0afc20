package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/stepwell/stepwell/store"
)

// Pinned has the runs of a workflow executed only by processes whose
// [Config.Version] is the one under which they were started. By default the
// newest code goes on with every run, and [Patched] lets it; pinning is for
// workflows that change too often, or too deeply, for that.
//
// A process of another version sets a pinned run aside: it is waiting, in no
// memory, is counted by [Runtime.Stats], and keeps its deadline, which ends it without
// its compensations; [WithoutCompensations] it can be cancelled. The next process of its version goes on with it; so would
// [SetVersion] let one of another. A run of which nothing is recorded yet gives up
// its place in its queue meanwhile.
func Pinned() DefineOption { return pinnedOption{} }

type pinnedOption struct{}

func (pinnedOption) applyDefine(d *definition) { d.pinned = true }

// pins reports whether runs of the workflow are pinned.
func (rt *Runtime) pins(def *definition) bool { return def.pinned || rt.cfg.PinVersion }

// checkPins refuses pinning to no version.
func (rt *Runtime) checkPins() error {
	if rt.cfg.Version != "" {
		return nil
	}
	if rt.cfg.PinVersion {
		return fmt.Errorf("%w: PinVersion needs a Version to pin runs to", ErrInvalid)
	}
	for _, d := range rt.reg.workflows {
		if d.pinned {
			return fmt.Errorf("%w: workflow %q is pinned: the runtime needs a Version to pin its runs to", ErrInvalid, d.name)
		}
	}
	return nil
}

// aside lets go of a claimed run that is pinned to another version. One that
// was asked to stop ends: its code, which could see that, is not here.
func (rt *Runtime) aside(run Run) {
	defer rt.unreserve(run.Queue)
	var err error
	if run.Stop == store.StopNone {
		err = rt.persist(nil, func() error { return rt.store.SetAside(context.Background(), run.Claim()) })
	}
	if run.Stop != store.StopNone || errors.Is(err, store.ErrConflict) {
		o := failed(ErrCancelled) // the store knows which it was
		o.HasParent, o.HasChildren = run.ParentID != "", true
		o.HasKey, o.HasPartition = run.StartKey != "", run.Partition != ""
		err = rt.persist(nil, func() error {
			_, err := rt.store.Finish(context.Background(), run.Claim(), *o)
			return err
		})
	}
	if err == nil && run.Stop == store.StopNone {
		level := slog.LevelDebug
		if _, told := rt.asides.LoadOrStore(run.Version, true); !told {
			level = slog.LevelWarn // once: there may be thousands
		}
		rt.cfg.Logger.LogAttrs(context.Background(), level, "run is pinned to another version and was set aside",
			slog.String("run_id", run.ID), slog.String("workflow", run.Workflow), slog.String("version", run.Version), slog.String("here", rt.cfg.Version))
	}
}

// admitBatch bounds the runs admitted in one write.
const admitBatch = 512

// admit queues the runs of this version that others have set aside.
func (rt *Runtime) admit(ctx context.Context) {
	if rt.cfg.Version == "" {
		return
	}
	total := 0
	for ctx.Err() == nil {
		var n int
		err := rt.persist(ctx.Done(), func() (err error) {
			n, err = rt.store.Admit(context.WithoutCancel(ctx), rt.cfg.Version, now(), admitBatch)
			return err
		})
		if err != nil {
			rt.cfg.Logger.Error("queue the runs of this version", "error", err)
		}
		total += n
		if err != nil || n < admitBatch {
			break
		}
	}
	if total > 0 {
		rt.cfg.Logger.Info("runs that were set aside go on: their version is back", "version", rt.cfg.Version, "runs", total)
	}
}

// SetVersion gives a run that has not ended another version: a pinned one is
// executed by processes of that version from its next loading on, and goes on
// at once when it was set aside and this is one.
// Errors: [ErrNotFound], [ErrInvalid]; [ErrConflict] when the run has ended.
func (rt *Runtime) SetVersion(ctx context.Context, id, version string) (Run, error) {
	if err := ValidateID(id); err != nil {
		return Run{}, err
	}
	if version == "" || len(version) > maxVersion {
		return Run{}, fmt.Errorf("%w: version %.220q: want 1 to %d bytes", ErrInvalid, version, maxVersion)
	}
	return rt.store.SetVersion(ctx, id, version, now())
}

const maxVersion = 200

// SetVersion is [Runtime.SetVersion] with the runtime that ctx carries.
func SetVersion(ctx context.Context, id, version string) (Run, error) {
	rt, err := runtimeOf(ctx)
	if err != nil {
		return Run{}, err
	}
	return rt.SetVersion(ctx, id, version)
}
