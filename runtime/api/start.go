package api

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/gorilla/mux"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/stepwell/stepwell/runtime"
)

// starting are the parameters of calls that begin a run; not each takes all.
var starting = []param{
	{name: "id", text: "the id of the run; the same id again: the same run. as the header Idempotency-Key", schema: idSchema, example: "order-17"},
	{name: "queue", text: "the queue; without it, that of the workflow", schema: nameSchema, example: "emails"},
	{name: "partition", text: "the partition of the queue, such as a tenant", schema: idSchema, example: "acme"},
	{name: "dedup", text: "a key that one run of the workflow holds at a time, until it ends", schema: idSchema, example: "invoice-4711"},
	{name: "on_duplicate", text: "when another run holds the key of dedup: return that run, or reject this start",
		schema: with(&jsonschema.Schema{Type: "string", Enum: []any{"return", "reject"}}, `"return"`), example: "reject"},
	{name: "debounce", text: "a key: starts with it that follow one another before the run has begun are one run, with the last one's input", schema: idSchema, example: "reindex"},
	{name: "quiet", text: "the run begins when there was no start with the key of debounce for so long", schema: durationSchema, example: "5s"},
	{name: "max_wait", text: "the run begins after so long all the same; 0s: no bound", schema: with(durationSchema, `"0s"`), example: "1m"},
	{name: "delay", text: "how long to wait before it begins", schema: with(durationSchema, `"0s"`), example: "10m"},
	{name: "priority", text: "higher first", schema: with(whole(-1<<30, 1<<30), "0"), example: 5},
	{name: "deadline", text: "when it is cancelled, if it has not ended; a duration counts from now", schema: momentSchema, example: "1h"},
	labelParam("a label of the run", labelNames),
	waits("until when to wait for its end", "0s"),
}

// startParams returns those with the names given.
func startParams(names ...string) []param {
	return slices.DeleteFunc(slices.Clone(starting), func(p param) bool { return !slices.Contains(names, p.name) })
}

var startOp = operation{
	id: "startRun", tag: "workflows", summary: "Start a run",
	text:  "It is durable when the answer comes. When no answer comes, repeat the call with the same Idempotency-Key: there is one run.",
	query: starting, headers: []param{idempotencyParam, traceParam},
	body: &body{text: "the input, as the input_schema of the workflow has it, without fields that are not in it; none is null, where that is an input", schema: anyJSON, example: map[string]any{"item": "tea", "count": 3}},
	replies: []reply{
		{status: http.StatusAccepted, text: "the run, which has not ended", of: reflect.TypeFor[runJSON](), example: exampleFork, headers: location},
		{status: http.StatusOK, text: "the run, which has ended", of: reflect.TypeFor[runJSON](), example: exampleRun, headers: location},
	},
	codes: []string{"not_found", "conflict", "exists", "too_many_waiting"}, depth: writing,
}

// start begins a run. The same id again answers the run that has it.
func (a *api) start(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	opts, err := startOptions(r, q)
	if err != nil {
		return err
	}
	wait, err := waitParam(q)
	if err != nil {
		return err
	}
	if a.closing() {
		return runtime.ErrDraining
	}
	input, release, err := a.body(w, r)
	if err != nil {
		return err
	}
	defer release()
	if wait > 0 {
		leave, err := a.mayWait(r)
		if err != nil {
			return err
		}
		defer leave()
	}
	ctx, cancel := bounded(r)
	defer cancel()
	if !trace.SpanContextFromContext(ctx).IsValid() {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
	}
	workflow := mux.Vars(r)["name"]
	if err := a.rt.CheckInput(workflow, input); err != nil {
		return err
	}
	run, _, err := a.rt.Start(ctx, workflow, input, opts...)
	release() // a client that waits holds no body
	if err != nil {
		return err
	}
	if wait > 0 && !settled(&run) {
		if run, err = a.await(w, r, run, wait); err != nil {
			return err
		}
	}
	a.locate(w, run.ID)
	status := http.StatusAccepted
	if run.Status.Ended() {
		status = http.StatusOK
	}
	return answer(w, status, a.runOf(&run))
}

func startOptions(r *http.Request, q url.Values) ([]runtime.StartOption, error) {
	var opts []runtime.StartOption
	id, err := idOf(r, q)
	if err != nil {
		return nil, err
	}
	if id != "" {
		opts = append(opts, runtime.ID(id))
	}
	if q.Has("queue") {
		if q.Get("queue") == "" {
			return nil, bad("queue", "", "the name of a queue")
		}
		opts = append(opts, runtime.OnQueueNamed(q.Get("queue")))
	}
	if q.Has("partition") {
		if q.Get("partition") == "" {
			return nil, bad("partition", "", "a key, such as the name of a tenant")
		}
		opts = append(opts, runtime.Partition(q.Get("partition")))
	}
	key, err := keyOption(q)
	if err != nil {
		return nil, err
	}
	if key != nil {
		opts = append(opts, key)
	}
	delay, err := durationParam(q, "delay")
	if err != nil {
		return nil, err
	}
	if delay > 0 {
		opts = append(opts, runtime.Delay(delay))
	}
	if q.Has("priority") {
		p, err := intParam(q, "priority", 0, -1<<30, 1<<30)
		if err != nil {
			return nil, err
		}
		opts = append(opts, runtime.Priority(p))
	}
	deadline, err := timeParam(q, "deadline", time.Now(), 1)
	if err != nil {
		return nil, err
	}
	if !deadline.IsZero() {
		opts = append(opts, runtime.Deadline(deadline))
	}
	if labels := labelParams(q); labels != nil {
		opts = append(opts, runtime.Labels(labels))
	}
	return opts, nil
}

// keyOption reads ?dedup= with ?on_duplicate=, or ?debounce= with ?quiet= and
// ?max_wait=; nil when neither is there.
func keyOption(q url.Values) (runtime.StartOption, error) {
	var opt runtime.StartOption
	for param, of := range map[string]string{"on_duplicate": "dedup", "quiet": "debounce", "max_wait": "debounce"} {
		if q.Has(param) && !q.Has(of) {
			return nil, invalid(fmt.Sprintf("%s is given without %s", param, of))
		}
	}
	if q.Has("dedup") && q.Has("debounce") {
		return nil, invalid("dedup and debounce: want one of them")
	}
	if q.Has("dedup") {
		policy := runtime.DedupReturn
		switch v := q.Get("on_duplicate"); {
		case v == "reject":
			policy = runtime.DedupReject
		case q.Has("on_duplicate") && v != "return":
			return nil, bad("on_duplicate", v, "return or reject")
		}
		opt = runtime.Dedup(q.Get("dedup"), policy)
	}
	if q.Has("debounce") {
		quiet, err := durationParam(q, "quiet")
		if err != nil {
			return nil, err
		}
		most, err := durationParam(q, "max_wait")
		if err != nil {
			return nil, err
		}
		opt = runtime.Debounce(q.Get("debounce"), quiet, most)
	}
	return opt, nil
}

const idempotencyKey = "Idempotency-Key"

// idOf returns the run's id: from the header, which may be quoted as its draft
// standard has it, or from ?id=.
func idOf(r *http.Request, q url.Values) (string, error) {
	key := unquoted(r.Header.Get(idempotencyKey))
	_, inHeader := r.Header[idempotencyKey]
	id := q.Get("id")
	switch {
	case inHeader && q.Has("id") && key != id:
		return "", invalid("the Idempotency-Key header and ?id= differ: want one of them, or both the same")
	case inHeader:
		id = key
	case !q.Has("id"):
		return "", nil
	}
	return id, runtime.ValidateID(id)
}

func unquoted(key string) string {
	if n := len(key); n > 1 && key[0] == '"' && key[n-1] == '"' {
		return key[1 : n-1]
	}
	return key
}

// body reads the input. Until release is called its size counts against the
// bound for all requests.
func (a *api) body(w http.ResponseWriter, r *http.Request) (data []byte, release func(), err error) {
	size := r.ContentLength
	switch {
	case size == 0:
		return nil, func() {}, nil
	case size > a.cfg.MaxBody:
		return nil, nil, a.bodyTooLarge()
	case size < 0:
		size = a.cfg.MaxBody
	}
	if err := checkContentType(r.Header.Get("Content-Type")); err != nil {
		return nil, nil, err
	}
	if a.bodies.Add(size) > a.cfg.MaxBodies {
		a.bodies.Add(-size)
		return nil, nil, &requestError{http.StatusServiceUnavailable, "overloaded", "too many requests with large bodies are under way; nothing was started"}
	}
	data, err = io.ReadAll(http.MaxBytesReader(w, r.Body, a.cfg.MaxBody))
	a.bodies.Add(int64(len(data)) - size) // what came, not what might have
	release = sync.OnceFunc(func() { a.bodies.Add(-int64(len(data))) })
	if err == nil && !utf8.Valid(data) {
		err = invalid("the body is not UTF-8")
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		err = a.bodyTooLarge()
	} else if _, ok := errors.AsType[*requestError](err); err != nil && !ok {
		err = invalid("the body did not arrive whole")
	}
	if err != nil {
		release()
		return nil, nil, err
	}
	return data, release, nil
}

func (a *api) bodyTooLarge() error {
	return &requestError{http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("the body is too large: at most %d bytes are allowed", a.cfg.MaxBody)}
}

// checkContentType takes JSON, and a body that does not say what it is.
func checkContentType(v string) error {
	if v == "" {
		return nil
	}
	media, params, err := mime.ParseMediaType(v)
	charset := strings.ToLower(params["charset"])
	if err != nil || media != "application/json" && !strings.HasSuffix(media, "+json") || charset != "" && charset != "utf-8" {
		return &requestError{http.StatusUnsupportedMediaType, "unsupported_media_type",
			fmt.Sprintf("Content-Type is %.100q: want application/json (with curl: -H 'Content-Type: application/json')", v)}
	}
	return nil
}
