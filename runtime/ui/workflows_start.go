package ui

import (
	"cmp"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/stepwell/stepwell/runtime"
)

// textField is what was typed into a control that is no part of the input.
type textField struct{ Value, Error string }

// startFields are the options of a start.
type startFields struct {
	ID, Queue, Delay, Priority, Deadline, Labels textField
}

// Any reports whether one is set or wrong, so that all are shown.
func (s *startFields) Any() bool { return *s != startFields{} }

// wrong reports whether one is wrong.
func (s *startFields) wrong() bool {
	return len(s.wrongs()) > 0
}

// wrongs lists those that are wrong, in the order of the page.
func (s *startFields) wrongs() (all []wrongField) {
	for _, w := range []wrongField{
		{"o-id", "Id", s.ID.Error}, {"o-queue", "Queue", s.Queue.Error}, {"o-delay", "Delay", s.Delay.Error},
		{"o-priority", "Priority", s.Priority.Error}, {"o-deadline", "Deadline", s.Deadline.Error}, {"o-labels", "Labels", s.Labels.Error},
	} {
		if w.Error != "" {
			all = append(all, w)
		}
	}
	return all
}

// deadlineForm shows how a deadline can be written.
const deadlineForm = "2026-12-31 18:00"

// DeadlineForm is what the empty control shows.
func (s *startFields) DeadlineForm() string { return deadlineForm }

// wrongField is a control to mend, in the summary above the form.
type wrongField struct{ ID, Label, Error string }

// Wrongs lists what is to be mended. Only who wanted to start is told of the
// options.
func (d *workflowData) Wrongs() (all []wrongField) {
	if d.Mode != "raw" {
		for _, f := range d.Form.Wrongs() {
			all = append(all, wrongField{f.ID(), cmp.Or(f.Label, "Input"), f.Error})
		}
	}
	if d.Tried {
		if d.Mode == "raw" && d.Raw.Error != "" {
			all = append(all, wrongField{"raw", "Input as JSON", d.Raw.Error})
		}
		all = append(all, d.Options.wrongs()...)
	}
	return all
}

// startRun starts a run from the form, or gives the form back: with an item
// more or less in a list, as raw JSON or as fields, with what was wrong.
func (u *UI) startRun(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return formError(err)
	}
	info, s, err := u.workflowInfo(r)
	if err != nil {
		return err
	}
	f := r.PostForm
	d := &workflowData{Info: info, Key: f.Get("key"), Mode: f.Get("mode"), Plain: s == nil, Raw: textField{Value: f.Get("raw")}}
	if d.Key == "" {
		d.Key = newRunID()
	}
	if s == nil {
		d.Mode = "raw"
	}
	options := d.Options.read(f)
	d.Form = newForm(s, f)
	verb, what, _ := strings.Cut(f.Get("do"), " ")
	switch verb {
	case "add":
		d.Form.addItem(f, what)
		d.Form = newForm(s, f)
		if l := d.Form.find(what); l != nil && len(l.Fields) > 0 {
			d.Focus = l.Fields[len(l.Fields)-1].first().ID()
		}
		return u.workflowPage(w, r, 0, d)
	case "remove":
		d.Form.removeItem(f, what)
		d.Form = newForm(s, f)
		return u.workflowPage(w, r, 0, d)
	case "raw", "form":
		d.toggle(s, verb)
		return u.workflowPage(w, r, 0, d)
	}
	d.Tried = true
	input, ok := d.input()
	if !ok || d.Options.wrong() {
		d.focusWrong()
		return u.workflowPage(w, r, http.StatusBadRequest, d)
	}
	if d.Options.ID.Value == "" {
		options = append(options, runtime.ID(d.Key)) // sent twice, it is one run
	}
	ctx, cancel := bounded(r)
	defer cancel()
	var run runtime.Run
	var created bool
	err = u.rt.CheckInput(info.Name, input) // a misspelt field would be dropped
	if err == nil {
		run, created, err = u.rt.Start(ctx, info.Name, input, options...)
	}
	if err == nil {
		note := "started"
		if !created && d.Options.ID.Value != "" {
			note = "existed"
		}
		return u.redirect(w, r, u.path("runs", run.ID), note)
	}
	status, text := explain(err)
	if status >= 500 {
		return err
	}
	d.refused(err, text)
	d.focusWrong()
	return u.workflowPage(w, r, status, d)
}

// focusWrong puts the keyboard at the first field that is wrong.
func (d *workflowData) focusWrong() {
	if wrong := d.Wrongs(); len(wrong) > 0 {
		d.Focus = wrong[0].ID
	}
}

// toggle shows the input the other way.
func (d *workflowData) toggle(s *jsonschema.Schema, to string) {
	if to == "raw" {
		if text, ok := d.Form.JSON(); ok {
			d.Mode, d.Raw.Value = "raw", indented(text)
		}
		return
	}
	if d.Raw.Value != "" {
		text, err := compact(d.Raw.Value)
		if err != nil {
			d.Raw.Error = err.Error()
			return
		}
		values, ok := formValues(s, text)
		if !ok {
			d.Raw.Error = "This JSON has what the fields cannot show, so it stays as it is."
			return
		}
		d.Form = newForm(s, values)
	}
	d.Mode = "form"
}

// input is the JSON that was typed; false: it is wrong, and says so.
func (d *workflowData) input() ([]byte, bool) {
	if d.Mode != "raw" {
		return d.Form.JSON()
	}
	if d.Raw.Value == "" || d.Plain {
		return []byte(d.Raw.Value), true
	}
	text, err := compact(d.Raw.Value)
	if err != nil {
		d.Raw.Error = err.Error()
	}
	return text, err == nil
}

// quotedField finds the field that an error of decoding names.
var quotedField = regexp.MustCompile(`field "([^"]*)"`)

// refused puts what the engine said beside the field it is about.
func (d *workflowData) refused(err error, text string) {
	if d.Mode == "raw" {
		if errors.Is(err, runtime.ErrInvalid) && strings.Contains(text, "input of ") {
			d.Raw.Error = text
			return
		}
	} else if m := quotedField.FindStringSubmatch(text); m != nil {
		if f := d.Form.dotted(m[1]); f != nil {
			f.Error = text
			return
		}
	}
	d.Problem = text
}

// read reads the options of a start from a form. What is wrong has an Error.
func (s *startFields) read(f url.Values) []runtime.StartOption {
	var opts []runtime.StartOption
	get := func(name string) string { return strings.TrimSpace(f.Get(name)) }
	if s.ID.Value = get("id"); s.ID.Value != "" {
		if err := runtime.ValidateID(s.ID.Value); err != nil {
			_, s.ID.Error = explain(err)
		}
		opts = append(opts, runtime.ID(s.ID.Value))
	}
	if s.Queue.Value = get("queue"); s.Queue.Value != "" {
		opts = append(opts, runtime.OnQueueNamed(s.Queue.Value))
	}
	if s.Delay.Value = get("delay"); s.Delay.Value != "" {
		d, err := time.ParseDuration(s.Delay.Value)
		if err != nil || d < 0 {
			s.Delay.Error = "Want a duration, such as 90s, 15m or 36h."
		}
		opts = append(opts, runtime.Delay(max(d, 0)))
	}
	if s.Priority.Value = get("priority"); s.Priority.Value != "" {
		p, err := strconv.Atoi(s.Priority.Value)
		if err != nil || p > 1<<30 || p < -1<<30 {
			s.Priority.Error = "Want a whole number; higher goes first."
		}
		opts = append(opts, runtime.Priority(p))
	}
	if s.Deadline.Value = get("deadline"); s.Deadline.Value != "" {
		t, err := parseTime(s.Deadline.Value)
		if err != nil {
			s.Deadline.Error = "Want a date and a time in UTC, such as " + deadlineForm + "."
		}
		opts = append(opts, runtime.Deadline(t))
	}
	if s.Labels.Value = get("labels"); s.Labels.Value != "" {
		labels, err := parseLabels(s.Labels.Value)
		if err != nil {
			s.Labels.Error = err.Error()
		}
		opts = append(opts, runtime.Labels(labels))
	}
	return opts
}

// parseLabels reads labels, one a line, as NAME=VALUE.
func parseLabels(text string) (map[string]string, error) {
	labels := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		name, value, found := strings.Cut(line, "=")
		if name = strings.TrimSpace(name); !found || name == "" {
			return nil, complaint("Want one label a line, such as team=red.")
		}
		labels[name] = strings.TrimSpace(value)
	}
	return labels, nil
}

func labelLines(labels map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		b.WriteString(name + "=" + labels[name] + "\n")
	}
	return b.String()
}
