package runtime

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/stepwell/stepwell/store"
)

type historyJSON struct {
	Format *int      `json:"stepwell_history"`
	Run    runJSON   `json:"run"`
	Steps  []rowJSON `json:"steps"`
}

type runJSON struct {
	ID         string            `json:"id"`
	Workflow   string            `json:"workflow"`
	Status     store.Status      `json:"status"`
	Input      json.RawMessage   `json:"input,omitempty"`
	InputRaw   []byte            `json:"input_base64,omitempty"`
	Output     json.RawMessage   `json:"output,omitempty"`
	OutputRaw  []byte            `json:"output_base64,omitempty"`
	Error      *store.Failure    `json:"error,omitempty"`
	Queue      string            `json:"queue,omitempty"`
	Priority   int               `json:"priority,omitempty"`
	Labels     map[string]string `json:"labels,omitempty"`
	Version    string            `json:"version,omitempty"`
	Attempt    int               `json:"attempt"`
	ParentID   string            `json:"parent_id,omitempty"`
	ForkedFrom string            `json:"forked_from,omitempty"`
	Base       int               `json:"base,omitempty"`
	Stop       string            `json:"stop,omitempty"`
	CreatedAt  moment            `json:"created_at,omitzero"`
	StartedAt  moment            `json:"started_at,omitzero"`
	EndedAt    moment            `json:"ended_at,omitzero"`
	WakeAt     moment            `json:"wake_at,omitzero"`
	Deadline   moment            `json:"deadline,omitzero"`
	Executor   string            `json:"executor,omitempty"`
	TraceID    string            `json:"trace_id,omitempty"`
}

type rowJSON struct {
	Path      string           `json:"path"`
	Attempt   int              `json:"attempt"`
	Kind      store.Kind       `json:"kind"`
	Name      string           `json:"name,omitempty"`
	Status    store.StepStatus `json:"status"`
	Output    json.RawMessage  `json:"output,omitempty"`
	OutputRaw []byte           `json:"output_base64,omitempty"`
	Error     *store.Failure   `json:"error,omitempty"`
	StartedAt moment           `json:"started_at,omitzero"`
	EndedAt   moment           `json:"ended_at,omitzero"`
	WakeAt    moment           `json:"wake_at,omitzero"`
	ChildID   string           `json:"child_id,omitempty"`
}

// moment is a time as it is written.
type moment struct{ time.Time }

func (m moment) MarshalJSON() ([]byte, error) {
	return m.UTC().AppendFormat(nil, `"2006-01-02T15:04:05.000000Z"`), nil
}

func (m *moment) UnmarshalJSON(data []byte) error {
	err := m.Time.UnmarshalJSON(data)
	m.Time = stored(m.Time)
	return err
}

// stops are the names of the causes.
var stops = map[store.StopCause]string{store.StopCancel: store.CodeCancelled, store.StopDeadline: store.CodeDeadline}

// MarshalJSON implements [json.Marshaler].
func (h *History) MarshalJSON() ([]byte, error) {
	r, format := &h.Run, HistoryFormat
	v := historyJSON{Format: &format, Steps: make([]rowJSON, len(h.Steps)), Run: runJSON{
		ID: r.ID, Workflow: r.Workflow, Status: r.Status, Error: r.Error, Queue: r.Queue, Priority: r.Priority,
		Labels: r.Labels, Version: r.Version, Attempt: r.Attempt, ParentID: r.ParentID, ForkedFrom: r.ForkedFrom, Base: r.Base,
		Stop: stops[r.Stop], CreatedAt: moment{r.CreatedAt}, StartedAt: moment{r.StartedAt}, EndedAt: moment{r.EndedAt},
		WakeAt: moment{r.WakeAt}, Deadline: moment{r.Deadline}, Executor: r.Executor,
	}}
	v.Run.Input, v.Run.InputRaw = split(r.Input)
	v.Run.Output, v.Run.OutputRaw = split(r.Output)
	if r.Trace.TraceID != [16]byte{} {
		v.Run.TraceID = hex.EncodeToString(r.Trace.TraceID[:])
	}
	for i := range h.Steps {
		row := &h.Steps[i]
		v.Steps[i] = rowJSON{
			Path: row.Path, Attempt: row.Attempt, Kind: row.Kind, Name: row.Name, Status: row.Status, Error: row.Error,
			StartedAt: moment{row.StartedAt}, EndedAt: moment{row.EndedAt}, WakeAt: moment{row.WakeAt}, ChildID: row.ChildID,
		}
		v.Steps[i].Output, v.Steps[i].OutputRaw = split(row.Output)
	}
	return json.Marshal(v)
}

// UnmarshalJSON implements [json.Unmarshaler]. Errors: [ErrHistoryFormat].
func (h *History) UnmarshalJSON(data []byte) error {
	// The format first: of a newer one nothing else can be relied upon.
	var head struct {
		Format *int `json:"stepwell_history"`
	}
	if err := (JSON{}).Decode(data, &head); err != nil {
		return fmt.Errorf("%w: %w", ErrHistoryFormat, err)
	}
	switch {
	case head.Format == nil:
		return fmt.Errorf("%w: it has no field stepwell_history", ErrHistoryFormat)
	case *head.Format < 1 || *head.Format > HistoryFormat:
		return fmt.Errorf("%w: it is of format %d, this version reads 1 to %d", ErrHistoryFormat, *head.Format, HistoryFormat)
	}
	var v historyJSON
	if err := (JSON{}).Decode(data, &v); err != nil {
		return fmt.Errorf("%w: %w", ErrHistoryFormat, err)
	}
	if v.Run.ID == "" || v.Run.Workflow == "" || v.Run.Status == 0 {
		return fmt.Errorf("%w: the run has no id, no workflow or no status", ErrHistoryFormat)
	}
	run, err := v.Run.run()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrHistoryFormat, err)
	}
	steps := make([]store.Step, len(v.Steps))
	for i := range v.Steps {
		row := &v.Steps[i]
		if row.Path == "" || row.Kind == 0 || row.Status == 0 {
			return fmt.Errorf("%w: row %d of steps has no path, no kind or no status", ErrHistoryFormat, i)
		}
		steps[i] = store.Step{
			Path: row.Path, Attempt: row.Attempt, Kind: row.Kind, Name: row.Name, Status: row.Status, Error: row.Error,
			Output: join(row.Output, row.OutputRaw), ChildID: row.ChildID,
			StartedAt: row.StartedAt.Time, EndedAt: row.EndedAt.Time, WakeAt: row.WakeAt.Time,
		}
	}
	*h = History{run, steps}
	return nil
}

func (v *runJSON) run() (Run, error) {
	r := Run{
		ID: v.ID, Workflow: v.Workflow, Status: v.Status, Input: join(v.Input, v.InputRaw), Output: join(v.Output, v.OutputRaw),
		Error: v.Error, Queue: v.Queue, Priority: v.Priority, Labels: v.Labels, Version: v.Version, Attempt: v.Attempt,
		ParentID: v.ParentID, ForkedFrom: v.ForkedFrom, Base: v.Base, CreatedAt: v.CreatedAt.Time, StartedAt: v.StartedAt.Time,
		EndedAt: v.EndedAt.Time, WakeAt: v.WakeAt.Time, Deadline: v.Deadline.Time, Executor: v.Executor,
	}
	for cause, name := range stops {
		if v.Stop == name {
			r.Stop = cause
		}
	}
	if v.Stop != "" && r.Stop == store.StopNone {
		return r, fmt.Errorf("stop is %q: want %s or %s", v.Stop, store.CodeCancelled, store.CodeDeadline)
	}
	if id, err := hex.DecodeString(v.TraceID); err != nil || len(id) != 0 && len(id) != len(r.Trace.TraceID) {
		return r, fmt.Errorf("trace_id is %q: want 32 hexadecimal digits", v.TraceID)
	} else if len(id) > 0 {
		r.Trace.TraceID = [16]byte(id)
	}
	return r, nil
}

// split sorts a payload into what is JSON and what is not.
func split(payload []byte) (json.RawMessage, []byte) {
	if len(payload) > 0 && json.Valid(payload) {
		return payload, nil
	}
	return nil, payload
}

// join undoes split. Whoever wrote the file may have indented it.
func join(text json.RawMessage, raw []byte) []byte {
	if len(text) == 0 {
		return raw
	}
	var b bytes.Buffer
	if json.Compact(&b, text) != nil {
		return text // it was read, so it is JSON
	}
	return b.Bytes()
}
