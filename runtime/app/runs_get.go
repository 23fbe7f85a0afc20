package app

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/stepwell/stepwell/runtime/app/internal/term"
)

func runsGet() *cobra.Command {
	c := clientCommand("get RUN-ID", "Show a run, and its steps over time", takes("RUN-ID"), func(r *request, f *pflag.FlagSet, args []string) error {
		all, _ := f.GetBool("all-steps")
		if on, _ := f.GetBool("watch"); on {
			return r.watchRun(args[0], all)
		}
		data, err := r.call(r.ctx, http.MethodGet, runPath(args[0]), nil, nil)
		if err != nil {
			return err
		}
		return r.print(data, func(data []byte) ([]string, error) { return r.runPage(data, all) })
	})
	addWatchFlag(c.Flags())
	c.Flags().Bool("all-steps", false, "draw all steps of a long run; without, those that tell nothing are folded")
	return c
}

func runsSteps() *cobra.Command {
	return clientCommand("steps RUN-ID", "Show the steps of a run", takes("RUN-ID"), func(r *request, _ *pflag.FlagSet, args []string) error {
		data, err := r.call(r.ctx, http.MethodGet, runPath(args[0], "steps"), nil, nil)
		if err != nil {
			return err
		}
		return r.print(data, r.stepsTable)
	})
}

// runPage is all about a run: what is known of it, and its steps over time.
func (r *request) runPage(data []byte, all bool) ([]string, error) {
	var v runView
	if err := r.decode(data, &v); err != nil {
		return nil, err
	}
	steps, err := r.steps(v.ID)
	if err != nil {
		return nil, err
	}
	most := shownSteps
	if all {
		most = 0
	}
	return r.page(&v, steps, most), nil
}

// page draws at most about most steps; 0: all.
func (r *request) page(v *runView, steps []stepView, most int) []string {
	lines := r.facts(v)
	drawn := r.timeline(v, steps, most)
	if len(drawn) > 0 {
		lines = append(append(lines, ""), drawn...)
	}
	if most > 0 && len(steps) > most {
		lines = append(lines, r.out.Paint(term.Faint, strconv.Itoa(len(steps))+" steps in all: --all-steps draws them, runs steps lists them"))
	}
	return lines
}

// steps asks for the steps of a run. None is no error: it may have been deleted
// since it was asked for.
func (r *request) steps(id string) ([]stepView, error) {
	data, err := r.call(r.ctx, http.MethodGet, runPath(id, "steps"), nil, nil)
	if p, ok := errors.AsType[*problemError](err); ok && p.status == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list struct{ Steps []stepView }
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, r.garbled(err)
	}
	return list.Steps, nil
}
