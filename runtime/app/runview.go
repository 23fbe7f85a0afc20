package app

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stepwell/stepwell/runtime/app/internal/term"
)

// runView is a run as the API answers it, as far as tables show it.
type runView struct {
	ID         string            `json:"id"`
	Workflow   string            `json:"workflow"`
	Status     string            `json:"status"`
	Input      json.RawMessage   `json:"input"`
	Output     json.RawMessage   `json:"output"`
	InputRaw   []byte            `json:"input_base64"`
	OutputRaw  []byte            `json:"output_base64"`
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

// settled: nothing more becomes of it by itself.
func (v *runView) settled() bool { return v.ended() || v.Status == "stuck" }

func (v *runView) ended() bool { return slices.Contains(endedStatuses, v.Status) }

var endedStatuses = []string{"succeeded", "failed", "cancelled"}

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

// listView is a page of runs.
type listView struct {
	Runs []runView
	Next string
}

// runsTable is a table for runs.
func (r *request) runsTable(runs []runView) *term.Table {
	t := &term.Table{
		Head:   []string{"ID", "WORKFLOW", "STATUS", "QUEUE", "CREATED", "TOOK", "ERROR"},
		Shrink: []int{1, 3, 6},
		Style:  styleStatus(2),
	}
	for _, v := range runs {
		t.Row(v.ID, v.Workflow, v.Status, v.Queue, r.moment(v.CreatedAt), r.took(v.StartedAt, v.EndedAt), v.Error.String())
	}
	return t
}

// styleStatus paints the statuses in a column.
func styleStatus(column int) func(int, string) term.Style {
	return func(i int, text string) term.Style {
		if i == column {
			return term.StyleOf(text)
		}
		return term.Plain
	}
}

func (r *request) listTable(data []byte) ([]string, error) {
	var page listView
	if err := r.decode(data, &page); err != nil {
		return nil, err
	}
	if len(page.Runs) == 0 && r.out.Terminal {
		return r.nothing("no runs here", "runs start WORKFLOW INPUT", "runs list"), nil
	}
	lines := r.runsTable(page.Runs).Lines(r.out)
	if page.Next != "" {
		lines = append(lines, "more with --cursor "+page.Next)
	}
	return lines, nil
}

// nothing tells a person what to type where there is nothing to see.
func (r *request) nothing(what string, commands ...string) []string {
	for i, c := range commands {
		commands[i] = programName() + " " + c
	}
	return []string{r.out.Paint(term.Faint, what+"; try: "+strings.Join(commands, ", or: "))}
}

// longest is how much of a value a terminal is given.
const longest = 2000

func (r *request) runTable(data []byte) ([]string, error) {
	var v runView
	if err := r.decode(data, &v); err != nil {
		return nil, err
	}
	return r.facts(&v), nil
}

// unread stands for a value that is no JSON.
func unread(value []byte) string {
	if len(value) == 0 {
		return ""
	}
	return fmt.Sprintf("(%d bytes that are not JSON; --output json has them)", len(value))
}

// facts are the lines that say what is known of a run.
func (r *request) facts(v *runView) []string {
	var names, values []string
	row := func(name, value string) {
		if value = term.Clean(value); value != "" {
			names, values = append(names, name), append(values, value)
		}
	}
	row("id", v.ID)
	row("workflow", v.Workflow)
	row("status", v.Status)
	row("input", string(v.Input))
	row("output", string(v.Output))
	row("input", unread(v.InputRaw))
	row("output", unread(v.OutputRaw))
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
	version := v.Version
	switch {
	case v.Aside:
		version += " (pinned, and no process of it was here)"
	case v.Pinned:
		version += " (pinned)"
	}
	row("version", version)
	row("attempt", fmt.Sprint(v.Attempt))
	row("parent", v.ParentID)
	row("forked from", v.ForkedFrom)
	row("created", r.whole(v.CreatedAt))
	row("started", r.whole(v.StartedAt))
	row("ended", r.whole(v.EndedAt))
	row("took", r.took(v.StartedAt, v.EndedAt))
	row("wakes", r.whole(v.WakeAt))
	row("deadline", r.whole(v.Deadline))
	row("executor", v.Executor)
	row("trace", v.TraceID)
	wide := 0
	for _, n := range names {
		wide = max(wide, len(n))
	}
	var lines []string
	for i, n := range names {
		value := values[i]
		if r.out.Terminal && len(value) > longest {
			value = r.out.Cut(value, longest) + " (all of it: -o json)"
		}
		style := term.Plain
		switch n {
		case "status":
			style = term.StyleOf(value)
		case "error":
			style = term.Bad
		}
		lines = append(lines, fmt.Sprintf("%-*s  %s", wide, n, r.out.Paint(style, value)))
	}
	return lines
}
