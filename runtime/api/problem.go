package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/stepwell/stepwell/runtime"
	"github.com/stepwell/stepwell/runtime/internal/problems"
	"github.com/stepwell/stepwell/store"
)

// problem is the body of every error.
type problem = problems.Body

// WriteProblem answers with an error in the form of the API. The detail is for
// people and goes to the client as it is.
func WriteProblem(w http.ResponseWriter, status int, code, detail string) {
	problems.Write(w, status, code, detail)
}

// requestError is an error of the client, or of its timing, found here.
type requestError struct {
	status       int
	code, detail string
}

func (e *requestError) Error() string { return e.detail }

func invalid(detail string) error { return &requestError{http.StatusBadRequest, "invalid", detail} }

var errPatience = errors.New("the store did not answer in time")

// answers says what becomes of each kind of error; the first that matches
// counts. Those without a text of their own show that of the error. A retry in
// seconds tells the client that the same request may succeed later.
var answers = []struct {
	err    error
	status int
	code   string
	retry  int
	detail string
}{
	{err: runtime.ErrTooLarge, status: http.StatusRequestEntityTooLarge, code: "too_large"},
	{err: runtime.ErrInvalid, status: http.StatusBadRequest, code: "invalid"},
	{err: runtime.ErrNotFound, status: http.StatusNotFound, code: "not_found"},
	{err: runtime.ErrExists, status: http.StatusConflict, code: "exists"},
	{err: runtime.ErrConflict, status: http.StatusConflict, code: "conflict"},
	{err: runtime.ErrOverloaded, status: http.StatusServiceUnavailable, code: "overloaded", retry: 1,
		detail: "too many writes are waiting; nothing was changed"},
	{err: runtime.ErrDraining, status: http.StatusServiceUnavailable, code: "draining", retry: 5,
		detail: "the server is shutting down; nothing was changed"},
	{err: store.ErrFull, status: http.StatusInsufficientStorage, code: "full", retry: 10,
		detail: "the store has no room; nothing was changed"},
	{err: store.ErrUnknownOutcome, status: http.StatusServiceUnavailable, code: "unknown_outcome", retry: 5,
		detail: "the store failed, and whether the change was made is not known; repeat it, a start with the same Idempotency-Key"},
	{err: store.ErrClosed, status: http.StatusServiceUnavailable, code: "closed", retry: 5,
		detail: "the server is shutting down; nothing was changed"},
	{err: errPatience, status: http.StatusServiceUnavailable, code: "timeout", retry: 5,
		detail: "the store did not answer in time, and whether a change was made is not known; repeat it, a start with the same Idempotency-Key"},
}

// fail answers an error.
func (a *api) fail(w http.ResponseWriter, r *http.Request, rt route, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // the client has gone
	}
	if r.ContentLength < 0 {
		// Else the server reads on to the end of the body before it answers.
		w.Header().Set("Connection", "close")
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = errPatience
	}
	if re, ok := errors.AsType[*requestError](err); ok {
		if re.status == http.StatusTooManyRequests || re.status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "1")
		}
		WriteProblem(w, re.status, re.code, re.detail)
		return
	}
	for _, ans := range answers {
		if !errors.Is(err, ans.err) {
			continue
		}
		if ans.retry > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(ans.retry))
		}
		if ans.status >= 500 {
			a.cfg.Logger.WarnContext(r.Context(), "request failed", "method", rt.method, "route", rt.path, "error", err)
		}
		detail := ans.detail
		if detail == "" {
			detail = strings.TrimPrefix(err.Error(), runtime.ErrInvalid.Error()+": ")
		}
		WriteProblem(w, ans.status, ans.code, detail)
		return
	}
	a.cfg.Logger.ErrorContext(r.Context(), "request failed", "method", rt.method, "route", rt.path, "error", err)
	WriteProblem(w, http.StatusInternalServerError, "internal", "an error of the server; its log has the details")
}

// logged is an error as the log may show it. One of the client's may quote what
// it sent, payloads and tokens in the wrong place too: its code has to do.
func logged(err error) any {
	if re, ok := errors.AsType[*requestError](err); ok {
		return re.code
	}
	for _, ans := range answers {
		if ans.status < 500 && errors.Is(err, ans.err) {
			return ans.code
		}
	}
	return err
}

// answer writes a body. An error in writing it means that the client has gone.
func answer(w http.ResponseWriter, status int, body any) error {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	writeJSON(w, body)
	return nil
}

func writeJSON(w io.Writer, body any) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.Encode(body) //nolint:errcheck // the client has gone
}
