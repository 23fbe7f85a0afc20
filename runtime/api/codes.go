package api

import (
	"net/http"
	"slices"
)

// kinds are the problems that clients meet: the status, what the code means, and a detail as it might be. Those
// of [WriteProblem]'s other callers are among them.
var kinds = map[string]struct {
	status       int
	text, detail string
}{
	"invalid":                {http.StatusBadRequest, "a parameter, a header or the body is not allowed", `unknown parameter "prio": this call takes none`},
	"unauthorized":           {http.StatusUnauthorized, "a token is wanted, and there was none or a wrong one", "want a token: Authorization: Bearer SECRET"},
	"token_in_url":           {http.StatusBadRequest, "a token stood in the URL, where it ends up in logs", "a token in a URL ends up in logs and histories, so it is not looked at: want a token: Authorization: Bearer SECRET, and make a new one in place of this"},
	"forbidden":              {http.StatusForbidden, "the token is a viewer's and the call changes something, or there is no access at all", "a viewer only reads what is below /v1/ and /ui/"},
	"cross_origin":           {http.StatusForbidden, "a page of another site sent the request", "a page of another site may not change anything here"},
	"not_found":              {http.StatusNotFound, "what the call names is not there", `run "order-17": not found`},
	"not_set":                {http.StatusNotFound, "the run has not set the event yet", "the run has not set the event yet"},
	"conflict":               {http.StatusConflict, "what the call names is in a state that does not allow it", "resume run order-17: conflict: it is succeeded, only a stuck or cancelled run can be resumed"},
	"exists":                 {http.StatusConflict, "the id or the key belongs to another run", "run exists: order-17 is a run of refund, not of checkout"},
	"too_large":              {http.StatusRequestEntityTooLarge, "the body is too large", "the body is too large: at most 1048576 bytes are allowed"},
	"unsupported_media_type": {http.StatusUnsupportedMediaType, "the body is not JSON", `Content-Type is "text/plain": want application/json (with curl: -H 'Content-Type: application/json')`},
	"wrong_host":             {http.StatusMisdirectedRequest, "without tokens, the server answers under the name localhost only", "this address is answered as localhost only; to be reached under another name set STEPWELL_TOKENS, or STEPWELL_AUTH to off"},
	"update_rejected":        {http.StatusUnprocessableEntity, "the run looked at the update and did not accept it", `update "address" of run order-17 was rejected: it has been sent`},
	"update_failed":          {http.StatusUnprocessableEntity, "the run accepted the update, and its handler failed", `update "address" of run order-17 failed: no such street`},
	"too_many_waiting":       {http.StatusTooManyRequests, "too many requests wait, or follow streams", "1000 requests of this client wait for results or follow streams already; nothing was started: start without wait, or try later"},
	"too_many_requests":      {http.StatusTooManyRequests, "too many requests of this client are under way; nothing was done", "2000 requests of this client are under way already; nothing was done: try again in a moment"},
	"slow_down":              {http.StatusTooManyRequests, "too many wrong tokens came from this address", "too many wrong tokens came from this address: try again in 8 s"},
	"internal":               {http.StatusInternalServerError, "an error of the server", "an error of the server; its log has the details"},
	"overloaded":             {http.StatusServiceUnavailable, "too much is under way; nothing was changed", "too many writes are waiting; nothing was changed"},
	"draining":               {http.StatusServiceUnavailable, "the server is shutting down; nothing was changed", "the server is shutting down; nothing was changed"},
	"closed":                 {http.StatusServiceUnavailable, "the server has shut down; nothing was changed", "the server is shutting down; nothing was changed"},
	"timeout":                {http.StatusServiceUnavailable, "the store did not answer in time; whether a change was made is not known", "the store did not answer in time, and whether a change was made is not known; repeat it, a start with the same Idempotency-Key"},
	"unknown_outcome":        {http.StatusServiceUnavailable, "the store failed; whether the change was made is not known", "the store failed, and whether the change was made is not known; repeat it, a start with the same Idempotency-Key"},
	"full":                   {http.StatusInsufficientStorage, "the store has no room; nothing was changed", "the store has no room; nothing was changed"},
}

// codesOf returns the codes of all problems that a route can answer, sorted.
func codesOf(r route) []string {
	codes := append([]string{"invalid", "internal", "token_in_url"}, r.op.codes...)
	if !r.open {
		codes = append(codes, "unauthorized", "forbidden", "slow_down", "wrong_host", "too_many_requests")
	}
	if r.op.depth >= reading {
		codes = append(codes, "timeout", "closed")
	}
	if r.op.depth >= writing {
		codes = append(codes, "overloaded", "draining", "unknown_outcome", "full")
	}
	if r.method != http.MethodGet {
		codes = append(codes, "cross_origin")
	}
	if r.op.body != nil {
		codes = append(codes, "too_large", "unsupported_media_type", "overloaded")
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// statusesOf sorts codes by the status they come with.
func statusesOf(codes []string) map[int][]string {
	m := map[int][]string{}
	for _, c := range codes {
		m[kinds[c].status] = append(m[kinds[c].status], c)
	}
	return m
}
