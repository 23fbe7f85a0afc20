package ui

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// updateWait is how long the page waits for the answer of an update.
const updateWait = 10 * time.Second

// sendData is the form for what is sent to a run.
type sendData struct {
	RunID   string
	Action  string
	Back    string
	Kind    string // message or update
	Name    string
	Body    string
	Key     string
	Names   []string // topics and updates that are known of the run
	Problem string
	// Answered: an update has its answer.
	Answered bool
	Answer   []byte
	Pending  bool
	NameBad  bool
	BodyBad  bool
}

func newRunID() string { return uuid.Must(uuid.NewV7()).String() }

// askSend asks for a message.
func (u *UI) askSend(w http.ResponseWriter, r *http.Request) error {
	if !u.admin(r) {
		return errViewer
	}
	ctx, cancel := bounded(r)
	defer cancel()
	h, err := u.read(ctx, runID(r))
	if err != nil {
		return err
	}
	d := sendData{RunID: h.run.ID, Kind: "message", Key: newRunID()}
	d.Names = namesOf(h.rows)
	for i := range h.rows {
		switch row := &h.rows[i]; {
		case row.Kind == store.KindReceive && row.Status == store.StepWaiting:
			d.Name = row.Name
		case row.Kind == store.KindReceive && row.Name == d.Name:
			d.Name = "" // it has come
		}
	}
	return u.sendPage(w, r, 0, d)
}

// namesOf lists the topics a run has asked for and the updates it has answered.
func namesOf(rows []store.Step) []string {
	var names []string
	for i := range rows {
		if row := &rows[i]; (row.Kind == store.KindReceive || row.Kind == store.KindUpdate) && !slices.Contains(names, row.Name) && len(names) < 50 {
			names = append(names, row.Name)
		}
	}
	return names
}

func (u *UI) sendPage(w http.ResponseWriter, r *http.Request, status int, d sendData) error {
	d.Action, d.Back = u.path("runs", d.RunID, "send"), u.path("runs", d.RunID)
	return u.render(w, r, page{Name: "send", Title: "Send to run " + d.RunID, Nav: "/runs", Status: status}, d)
}

// send sends a message or an update. What is wrong is said beside what was
// typed, which is kept.
func (u *UI) send(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return formError(err)
	}
	f := r.PostForm
	d := sendData{RunID: runID(r), Kind: f.Get("kind"), Name: f.Get("name"), Body: f.Get("body"), Key: f.Get("key")}
	if d.Key == "" {
		d.Key = newRunID()
	}
	if strings.TrimSpace(d.Body) == "" {
		// To a run that receives a text null would be an empty one, that nobody wrote.
		d.Problem, d.BodyBad = "Nothing was sent: the JSON field is empty. Write the JSON that is meant, such as \"yes\" or {\"approved\": true}; null if that is meant.", true
		return u.sendPage(w, r, http.StatusBadRequest, d)
	}
	if !json.Valid([]byte(d.Body)) {
		err := json.Unmarshal([]byte(d.Body), new(any))
		d.Problem, d.BodyBad = "This is not JSON: "+err.Error()+". A text needs quotes.", true
		return u.sendPage(w, r, http.StatusBadRequest, d)
	}
	var err error
	switch d.Kind {
	case "message":
		ctx, cancel := bounded(r)
		defer cancel()
		if _, err = u.rt.Send(ctx, d.RunID, d.Name, []byte(d.Body), runtime.MessageKey(d.Key)); err == nil {
			return u.redirect(w, r, u.path("runs", d.RunID), "sent")
		}
	case "update":
		err = u.update(r, &d)
	default:
		err = invalid("kind is what is sent: want message or update")
	}
	status := 0
	if err != nil {
		if ue, ok := errors.AsType[*runtime.UpdateError](err); ok {
			status, d.Problem = http.StatusUnprocessableEntity, ue.Error()
		} else if status, d.Problem = explain(err); status >= 500 {
			return err
		}
		d.NameBad = errors.Is(err, runtime.ErrInvalid)
	}
	return u.sendPage(w, r, status, d)
}

// update sends an update and waits for its answer.
func (u *UI) update(r *http.Request, d *sendData) error {
	ctx, cancel := bounded(r)
	key, err := u.rt.SendUpdate(ctx, d.RunID, d.Name, []byte(d.Body), runtime.MessageKey(d.Key))
	cancel()
	if err != nil {
		return err
	}
	answer, err := u.rt.Answer(r.Context(), d.RunID, d.Name, key, updateWait)
	switch {
	case errors.Is(err, runtime.ErrTimeout):
		d.Pending = true
		return nil
	case err != nil:
		return err
	}
	d.Answered, d.Answer, d.Key = true, u.rt.Reveal(answer), newRunID()
	return nil
}
