package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/stepwell/stepwell/runtime/app/internal/term"
)

// scheduleView is a schedule as the API answers it, as far as tables show it.
type scheduleView struct {
	Name     string    `json:"name"`
	Workflow string    `json:"workflow"`
	Spec     string    `json:"spec"`
	Zone     string    `json:"zone"`
	Defined  bool      `json:"defined"`
	Paused   bool      `json:"paused"`
	NextAt   time.Time `json:"next_at"`
	Behind   string    `json:"behind"`
	LastTick time.Time `json:"last_tick"`
	LastRun  string    `json:"last_run"`
	Started  int64     `json:"started"`
	Skipped  int64     `json:"skipped"`
}

func (s *scheduleView) state() string {
	switch {
	case !s.Defined:
		return "not defined"
	case s.Paused:
		return "paused"
	case s.Behind != "":
		return "waits for " + s.Behind
	}
	return "active"
}

// schedulesCommand groups the commands about schedules.
func schedulesCommand() *cobra.Command {
	list := schedulesList()
	c := group("schedules", "Look at schedules, pause, resume, trigger and backfill them", list)
	c.AddCommand(list, schedulesChange("pause", "Stop schedules until they are resumed"),
		schedulesChange("resume", "Have paused schedules go on with their next tick"), schedulesTrigger(), schedulesBackfill())
	return c
}

func schedulePath(name, verb string) string {
	return "/v1/schedules/" + url.PathEscape(name) + "/" + verb
}

func (r *request) scheduleLines(all ...scheduleView) []string {
	t := term.Table{
		Head:   []string{"NAME", "WORKFLOW", "SPEC", "ZONE", "STATE", "NEXT", "LAST RUN", "STARTED", "SKIPPED"},
		Shrink: []int{1, 2, 3, 4},
		Style:  styleStatus(4),
	}
	for _, s := range all {
		t.Row(s.Name, s.Workflow, s.Spec, s.Zone, s.state(), r.moment(s.NextAt), s.LastRun, fmt.Sprint(s.Started), fmt.Sprint(s.Skipped))
	}
	return t.Lines(r.out)
}

func schedulesList() *cobra.Command {
	c := clientCommand("list", "List schedules", takes(), func(r *request, f *pflag.FlagSet, _ []string) error {
		if on, _ := f.GetBool("watch"); on {
			return r.watch(watched{look: r.getter("/v1/schedules", nil), lines: r.schedulesTable, items: itemsOf("schedules", "name", r.schedulesTable)})
		}
		data, err := r.call(r.ctx, http.MethodGet, "/v1/schedules", nil, nil)
		if err != nil {
			return err
		}
		return r.print(data, r.schedulesTable)
	})
	addWatchFlag(c.Flags())
	return c
}

func (r *request) schedulesTable(data []byte) ([]string, error) {
	var list struct{ Schedules []scheduleView }
	if err := r.decode(data, &list); err != nil {
		return nil, err
	}
	if len(list.Schedules) == 0 && r.out.Terminal {
		return []string{r.out.Paint(term.Faint, "the program defines no schedules: runtime.Cron makes one")}, nil
	}
	return r.scheduleLines(list.Schedules...), nil
}

func schedulesChange(verb, short string) *cobra.Command {
	return clientCommand(verb+" SCHEDULE...", short, takes("SCHEDULE..."), func(r *request, _ *pflag.FlagSet, args []string) error {
		for i, name := range args {
			data, err := r.call(r.ctx, http.MethodPost, schedulePath(name, verb), nil, nil)
			if err != nil {
				return &argError{err, i}
			}
			err = r.print(data, func(data []byte) ([]string, error) {
				var s scheduleView
				if err := r.decode(data, &s); err != nil {
					return nil, err
				}
				return r.scheduleLines(s), nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func schedulesTrigger() *cobra.Command {
	c := clientCommand("trigger SCHEDULE", "Start a run of a schedule now", takes("SCHEDULE"), func(r *request, f *pflag.FlagSet, args []string) error {
		q := url.Values{}
		if f.Changed("id") {
			q.Set("id", f.Lookup("id").Value.String())
		}
		data, err := r.call(r.ctx, http.MethodPost, schedulePath(args[0], "trigger"), q, nil)
		if err != nil {
			return err
		}
		return r.print(data, r.runTable)
	})
	c.Flags().String("id", "", "id of the run: the same again is the same run")
	return c
}

func schedulesBackfill() *cobra.Command {
	c := clientCommand("backfill SCHEDULE", "Start the runs of the ticks in a range; those that have theirs keep it", takes("SCHEDULE"),
		func(r *request, f *pflag.FlagSet, args []string) error {
			body := map[string]string{}
			for _, name := range []string{"from", "until"} {
				if f.Changed(name) {
					body[name] = f.Lookup(name).Value.String()
				}
			}
			if body["from"] == "" {
				return UsageErrorf("schedules backfill takes --from, a time or a duration such as 24h before now")
			}
			data, err := json.Marshal(body)
			if err != nil {
				return err
			}
			data, err = r.call(r.ctx, http.MethodPost, schedulePath(args[0], "backfill"), nil, data)
			if err != nil {
				return err
			}
			return r.print(data, func(data []byte) ([]string, error) {
				var b struct {
					Runs    []string
					Created int
				}
				if err := r.decode(data, &b); err != nil {
					return nil, err
				}
				return append(b.Runs, fmt.Sprintf("%d ticks, %d runs started", len(b.Runs), b.Created)), nil
			})
		})
	f := c.Flags()
	f.String("from", "", "the first moment: a time, or a duration such as 24h before now")
	f.String("until", "", "the moment after the last; default: now")
	return c
}
