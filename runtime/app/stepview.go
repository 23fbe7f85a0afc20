package app

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/stepwell/stepwell/runtime/app/internal/term"
	"github.com/stepwell/stepwell/runtime/app/internal/timeline"
)

// stepView is a step as the API answers it, as far as it is shown.
type stepView struct {
	Path      string          `json:"path"`
	Name      string          `json:"name"`
	Kind      string          `json:"kind"`
	Status    string          `json:"status"`
	Output    json.RawMessage `json:"output"`
	OutputRaw []byte          `json:"output_base64"`
	Error     *failureView    `json:"error"`
	Attempt   int             `json:"attempt"`
	Attempts  []attemptView   `json:"attempts"`
	StartedAt time.Time       `json:"started_at"`
	EndedAt   time.Time       `json:"ended_at"`
	WakeAt    time.Time       `json:"wake_at"`
	ChildID   string          `json:"child_id"`
	Copied    bool            `json:"copied"`
}

type attemptView struct {
	StartedAt time.Time    `json:"started_at"`
	EndedAt   time.Time    `json:"ended_at"`
	Error     *failureView `json:"error"`
}

func (s *stepView) result() string {
	switch {
	case s.Error != nil:
		return s.Error.String()
	case s.ChildID != "":
		return s.ChildID
	}
	return string(s.Output) + unread(s.OutputRaw)
}

func (r *request) stepsTable(data []byte) ([]string, error) {
	var list struct{ Steps []stepView }
	if err := r.decode(data, &list); err != nil {
		return nil, err
	}
	if len(list.Steps) == 0 && r.out.Terminal {
		return []string{r.out.Paint(term.Faint, "the run has recorded no steps; one that is under way is recorded when it ends")}, nil
	}
	t := term.Table{
		Head:   []string{"PATH", "KIND", "NAME", "STATUS", "ATTEMPTS", "STARTED", "TOOK", "RESULT"},
		Shrink: []int{2, 7},
		Style:  styleStatus(3),
	}
	for _, s := range list.Steps {
		status := s.Status
		if s.Copied {
			status += " (copied)"
		}
		t.Row(s.Path, s.Kind, s.Name, status, fmt.Sprint(s.Attempt), r.moment(s.StartedAt), r.took(s.StartedAt, s.EndedAt), s.result())
	}
	return t.Lines(r.out), nil
}

// shownSteps is how many lines of a timeline fill a screen or two.
const shownSteps = 45

// timeline draws the steps of a run.
func (r *request) timeline(v *runView, steps []stepView, most int) []string {
	drawn := make([]timeline.Step, len(steps))
	for i, s := range steps {
		drawn[i] = timeline.Step{
			Path: s.Path, Name: s.Name, Kind: s.Kind, Status: s.Status, Child: s.ChildID, Copied: s.Copied,
			Number: s.Attempt, Start: s.StartedAt, End: s.EndedAt, Wake: s.WakeAt,
		}
		for _, a := range s.Attempts {
			drawn[i].Attempts = append(drawn[i].Attempts, timeline.Attempt{Start: a.StartedAt, End: a.EndedAt, Failed: a.Error != nil})
		}
	}
	return timeline.Draw(r.out, timeline.Run{Status: v.Status, Started: v.StartedAt, Ended: v.EndedAt}, drawn, time.Now(), most)
}
