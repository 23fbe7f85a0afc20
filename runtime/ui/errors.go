package ui

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/store"
)

// pageError is an error for the person before the screen: what was wrong, and
// what is allowed.
type pageError struct {
	status int
	text   string
}

func (e *pageError) Error() string { return e.text }

func invalid(text string) error { return &pageError{http.StatusBadRequest, text} }

// pageErrors says what becomes of the engine's errors; the first that matches
// counts. Those without a text of their own show that of the error.
var pageErrors = []struct {
	err    error
	status int
	text   string
}{
	{runtime.ErrTooLarge, http.StatusRequestEntityTooLarge, ""},
	{runtime.ErrInvalid, http.StatusBadRequest, ""},
	{runtime.ErrNotFound, http.StatusNotFound, ""},
	{runtime.ErrExists, http.StatusConflict, ""},
	{runtime.ErrConflict, http.StatusConflict, ""},
	{runtime.ErrOverloaded, http.StatusServiceUnavailable, "Too many writes are waiting. Nothing was changed; try again in a moment."},
	{runtime.ErrDraining, http.StatusServiceUnavailable, "The server is shutting down. Nothing was changed."},
	{store.ErrFull, http.StatusInsufficientStorage, "The store has no room. Nothing was changed."},
	{store.ErrUnknownOutcome, http.StatusServiceUnavailable, "The store failed, and whether the change was made is not known: look before you repeat it."},
	{store.ErrClosed, http.StatusServiceUnavailable, "The server is shutting down. Nothing was changed."},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, "The store did not answer in time. Whether a change was made is not known: look before you repeat it."},
}

// explain returns the status of an error and what a person is told.
func explain(err error) (status int, text string) {
	if pe, ok := errors.AsType[*pageError](err); ok {
		return pe.status, pe.text
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge, "What was sent is too large."
	}
	for _, e := range pageErrors {
		if errors.Is(err, e.err) {
			if e.text != "" {
				return e.status, e.text
			}
			return e.status, strings.TrimPrefix(err.Error(), runtime.ErrInvalid.Error()+": ")
		}
	}
	return http.StatusInternalServerError, "An error of the server; its log has the details."
}

// fail shows an error: as a page, or to htmx as a note on the page it has.
func (u *UI) fail(w http.ResponseWriter, r *http.Request, rt route, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // the client has gone
	}
	status, text := explain(err)
	if status >= 500 {
		// The route, not the URL: labels and ids may say too much.
		u.cfg.Logger.WarnContext(r.Context(), "page failed", "method", rt.method, "route", rt.path, "error", err)
	}
	data := map[string]any{"Status": status, "Problem": http.StatusText(status), "Text": text}
	if r.Header.Get("HX-Request") != "" {
		h := w.Header()
		h.Set("HX-Retarget", "#flash")
		h.Set("HX-Reswap", "innerHTML")
		h.Set("HX-Reselect", ".note") // not the part of a page that was asked for
		u.writeHTML(w, status, u.fragment("error", "problem", data))
		return
	}
	u.render(w, r, page{Name: "error", Title: http.StatusText(status), Status: status}, data)
}
