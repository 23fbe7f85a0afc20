package app

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// runView is a run as the API answers it, as far as tables show it.
type runView struct {
	ID         string            `json:"id"`
	Workflow   string            `json:"workflow"`
	Status     string            `json:"status"`
	Input      json.RawMessage   `json:"input"`
	Output     json.RawMessage   `json:"output"`
	Error      *failureView      `json:"error"`
	Queue      string            `json:"queue"`
	Partition  string            `json:"partition"`
	StartKey   string            `json:"start_key"`
	Priority   int               `json:"priority"`
	Labels     map[string]string `json:"labels"`
	Version    string            `json:"version"`
	Pinned     bool              `json:"pinned"`
	Aside      bool              `json:"aside"`
	Attempt    int               `json:"attempt"`
	ParentID   string            `json:"parent_id"`
	ForkedFrom string            `json:"forked_from"`
	CreatedAt  time.Time         `json:"created_at"`
	StartedAt  time.Time         `json:"started_at"`
	EndedAt    time.Time         `json:"ended_at"`
	WakeAt     time.Time         `json:"wake_at"`
	Deadline   time.Time         `json:"deadline"`
	Executor   string            `json:"executor"`
	TraceID    string            `json:"trace_id"`
}

type failureView struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (f *failureView) String() string {
	switch {
	case f == nil:
		return ""
	case f.Code == "":
		return f.Message
	}
	return f.Code + ": " + f.Message
}

func table(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 0, 2, ' ', 0) }

func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// took is the time between two moments; until now while the second is to come.
func took(from, to time.Time) string {
	if from.IsZero() {
		return "-"
	}
	if to.IsZero() {
		to = time.Now()
	}
	return to.Sub(from).Round(time.Millisecond).String()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// short keeps a cell on one line, and within a screen.
func short(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return s
}

func (r *request) listTable(data []byte) error {
	var page struct {
		Runs []runView
		Next string
	}
	if err := json.Unmarshal(data, &page); err != nil {
		return fmt.Errorf("answer of %s: %w", r.base, err)
	}
	w := table(r.out)
	fmt.Fprintln(w, "ID\tWORKFLOW\tSTATUS\tQUEUE\tCREATED\tTOOK\tERROR")
	for _, v := range page.Runs {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", v.ID, v.Workflow, v.Status, orDash(v.Queue), moment(v.CreatedAt),
			took(v.StartedAt, v.EndedAt), short(v.Error.String()))
	}
	if err := w.Flush(); err != nil || page.Next == "" {
		return err
	}
	_, err := fmt.Fprintf(r.out, "more with --cursor %s\n", page.Next)
	return err
}

func (r *request) runTable(data []byte) error {
	var v runView
	if err := json.Unmarshal(data, &v); err != nil {
		return fmt.Errorf("answer of %s: %w", r.base, err)
	}
	w := table(r.out)
	row := func(name, value string) {
		if value != "" && value != "-" {
			fmt.Fprintf(w, "%s\t%s\n", name, value)
		}
	}
	row("id", v.ID)
	row("workflow", v.Workflow)
	row("status", v.Status)
	row("input", string(v.Input))
	row("output", string(v.Output))
	row("error", v.Error.String())
	row("queue", v.Queue)
	row("partition", v.Partition)
	row("key", v.StartKey)
	if v.Priority != 0 {
		row("priority", fmt.Sprint(v.Priority))
	}
	var labels []string
	for k, val := range v.Labels {
		labels = append(labels, k+"="+val)
	}
	slices.Sort(labels)
	row("labels", strings.Join(labels, " "))
	switch {
	case v.Aside:
		v.Version += " (pinned, and no process of it was here)"
	case v.Pinned:
		v.Version += " (pinned)"
	}
	row("version", v.Version)
	row("attempt", fmt.Sprint(v.Attempt))
	row("parent", v.ParentID)
	row("forked from", v.ForkedFrom)
	row("created", moment(v.CreatedAt))
	row("started", moment(v.StartedAt))
	row("ended", moment(v.EndedAt))
	row("took", took(v.StartedAt, v.EndedAt))
	row("wakes", moment(v.WakeAt))
	row("deadline", moment(v.Deadline))
	row("executor", v.Executor)
	row("trace", v.TraceID)
	return w.Flush()
}

func (r *request) stepsTable(data []byte) error {
	var list struct {
		Steps []struct {
			Path      string          `json:"path"`
			Name      string          `json:"name"`
			Kind      string          `json:"kind"`
			Status    string          `json:"status"`
			Output    json.RawMessage `json:"output"`
			Error     *failureView    `json:"error"`
			Attempt   int             `json:"attempt"`
			StartedAt time.Time       `json:"started_at"`
			EndedAt   time.Time       `json:"ended_at"`
			ChildID   string          `json:"child_id"`
			Copied    bool            `json:"copied"`
		}
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return fmt.Errorf("answer of %s: %w", r.base, err)
	}
	w := table(r.out)
	fmt.Fprintln(w, "PATH\tKIND\tNAME\tSTATUS\tATTEMPTS\tSTARTED\tTOOK\tRESULT")
	for _, s := range list.Steps {
		result := string(s.Output)
		if s.Error != nil {
			result = s.Error.String()
		} else if s.ChildID != "" {
			result = s.ChildID
		}
		if s.Copied {
			s.Status += " (copied)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", s.Path, s.Kind, orDash(s.Name), s.Status, s.Attempt,
			moment(s.StartedAt), took(s.StartedAt, s.EndedAt), short(result))
	}
	return w.Flush()
}
