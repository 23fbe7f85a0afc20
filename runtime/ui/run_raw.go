package ui

import (
	"encoding/json"
	"net/http"
)

// rawInput answers the whole input of a run, for what is too large for a page.
func (u *UI) rawInput(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	run, err := u.rt.Get(ctx, runID(r))
	if err != nil {
		return err
	}
	return u.raw(w, run.Input)
}

func (u *UI) rawOutput(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	run, err := u.rt.Get(ctx, runID(r))
	if err != nil {
		return err
	}
	return u.raw(w, run.Output)
}

func (u *UI) rawStep(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := bounded(r)
	defer cancel()
	row, err := u.lastRow(ctx, runID(r), stepPath(r))
	if err != nil {
		return err
	}
	return u.raw(w, row.Output)
}

// raw answers a stored value as it is: JSON, or a file to keep.
func (u *UI) raw(w http.ResponseWriter, data []byte) error {
	data = u.rt.Reveal(data)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	if !json.Valid(data) {
		h.Set("Content-Type", "application/octet-stream")
		h.Set("Content-Disposition", `attachment; filename="value.bin"`)
	}
	w.Write(data) //nolint:errcheck // the client has gone
	return nil
}
