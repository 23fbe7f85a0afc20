package runtime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/stepwell/stepwell/store"
)

// ErrRejected: the run's validator did not accept the request of an update.
var ErrRejected = errors.New("update was rejected")

// UpdateError is why an update has no response, as recorded. errors.Is finds
// [ErrRejected] and the sentinels of [RegisterError].
type UpdateError struct {
	RunID    string
	Update   string
	Rejected bool   // by the validator: nothing was done
	Code     string // of a registered error, or empty
	Message  string
}

func (e *UpdateError) Error() string {
	what := "failed"
	if e.Rejected {
		what = "was rejected"
	}
	return fmt.Sprintf("update %q of run %s %s: %s", e.Update, e.RunID, what, e.Message)
}

// Is reports whether the recorded code stands for target.
func (e *UpdateError) Is(target error) bool {
	return e.Rejected && target == ErrRejected || codeMatches(e.Code, target)
}

// Update asks a run something and waits for the answer of its handler, registered
// with [OnUpdate]. The request and the answer are durable: a crash of either side
// in between loses neither. With a [MessageKey] the call can be repeated, also
// after the run has ended, and gets the same answer; ctx ends the wait, not the
// update. A request to a run that has no such handler waits until it has.
//
// Errors: an [*UpdateError] when the request was rejected or its handler failed;
// [ErrNotFound]; [ErrConflict] when the run has ended without an answer.
//
// Inside a run request and answer are recorded, and the key follows from the
// place; the run takes no memory while it waits.
func Update[Resp any](ctx context.Context, runID, name string, req any, opts ...SendOption) (Resp, error) {
	var out Resp
	rt, err := runtimeOf(ctx)
	if err != nil {
		return out, err
	}
	payload, err := rt.cfg.Codec.Encode(req)
	if err != nil {
		return out, fmt.Errorf("update %q: encode request: %w", name, err)
	}
	var resp []byte
	if b := branchOf(ctx); b != nil {
		resp, err = b.update(runID, name, payload, opts)
	} else {
		resp, err = rt.Update(ctx, runID, name, payload, opts...)
	}
	if err != nil {
		return out, err
	}
	if err := rt.decode(ctx, resp, &out); err != nil {
		return out, fmt.Errorf("response of update %q of run %s does not fit %T: %w", name, runID, out, err)
	}
	return out, nil
}

// Update is the function [Update] for a request and a response that are encoded.
func (rt *Runtime) Update(ctx context.Context, runID, name string, req []byte, opts ...SendOption) ([]byte, error) {
	key, err := rt.SendUpdate(ctx, runID, name, req, opts...)
	if err != nil {
		return nil, err
	}
	return rt.Answer(ctx, runID, name, key, Forever)
}

// SendUpdate is the first half of [Runtime.Update]: when it returns, the request
// is durable. The answer comes under the key.
func (rt *Runtime) SendUpdate(ctx context.Context, runID, name string, req []byte, opts ...SendOption) (key string, err error) {
	m, err := rt.request(runID, name, req, opts)
	if err == nil {
		if err = rt.cfg.Codec.Decode(req, new(any)); err != nil {
			err = fmt.Errorf("%w: request: %w", ErrInvalid, err)
		}
	}
	if err != nil {
		return "", fmt.Errorf("update %q: %w", name, err)
	}
	if m.Key == "" {
		m.Key = uuid.Must(uuid.NewV7()).String()
	}
	if m.Payload, err = rt.sealed(req); err != nil {
		return "", fmt.Errorf("update %q: %w", name, err)
	}
	if _, err := rt.store.Send(ctx, m); err != nil {
		return "", fmt.Errorf("update %q: %w", name, err)
	}
	return m.Key, nil
}

// Answer is the second half of [Runtime.Update]: it waits for the answer to the
// request of a key. Errors: as for the function [Update], and [ErrTimeout].
func (rt *Runtime) Answer(ctx context.Context, runID, name, key string, timeout time.Duration) ([]byte, error) {
	if err := rt.checkMessage("update", name, key, nil); err != nil {
		return nil, err
	}
	v, err := rt.awaitEvent(ctx, runID, answerEvent(name, key), timeout)
	if err != nil {
		return nil, err
	}
	return rt.answered(runID, name, v.Value)
}

// Requests are messages on a topic that no message from outside has, answers are
// events under a key that no event has.

func requestTopic(name string) string     { return "$update/" + name }
func answerEvent(name, key string) string { return "$update/" + name + "/" + key }

// called is how people call an event.
func called(key string) string {
	if rest, ok := strings.CutPrefix(key, "$update/"); ok {
		name, _, _ := strings.Cut(rest, "/")
		return fmt.Sprintf("answer to update %q", name)
	}
	return fmt.Sprintf("event %q", key)
}

func (rt *Runtime) request(runID, name string, req []byte, opts []SendOption) (store.Message, error) {
	var c sendConfig
	for _, o := range opts {
		o.applySend(&c)
	}
	m := store.Message{RunID: runID, Topic: requestTopic(name), Key: c.key, Payload: req, SentAt: now()}
	if err := ValidateID(runID); err != nil {
		return m, err
	}
	return m, rt.checkMessage("update", name, c.key, req)
}

// answer is what is stored of the answer to an update.
type answer struct {
	Rejected bool           `json:"rejected,omitempty"`
	Error    *store.Failure `json:"error,omitempty"`
	// Response is what the codec made of it; Text holds it where that is JSON.
	Response []byte          `json:"response,omitempty"`
	Text     json.RawMessage `json:"text,omitempty"`
}

// encodeAnswer returns the stored form: sealed as a whole, for the text of an error is
// not.
func (rt *Runtime) encodeAnswer(a answer) ([]byte, error) {
	a.Text, a.Response = split(rt.Reveal(a.Response))
	data, err := JSON{}.Encode(a)
	if err != nil {
		return nil, err
	}
	return rt.sealed(data)
}

func (rt *Runtime) answered(runID, name string, data []byte) ([]byte, error) {
	var a answer
	data, err := rt.opened(data)
	if err == nil {
		err = (JSON{}).Decode(data, &a)
	}
	if err != nil {
		return nil, fmt.Errorf("answer to update %q of run %s: %w", name, runID, err)
	}
	if f := a.Error; f != nil {
		return nil, &UpdateError{RunID: runID, Update: name, Rejected: a.Rejected, Code: f.Code, Message: f.Message}
	}
	return join(a.Text, a.Response), nil
}

// update asks another run from inside a run: a row for the request, one for the
// answer.
func (b *branch) update(runID, name string, payload []byte, opts []SendOption) ([]byte, error) {
	m, err := b.e.rt.request(runID, name, payload, opts)
	if err := b.enter(); err != nil {
		return nil, err
	}
	defer b.leave()
	if m.Key == "" {
		m.Key = internalKey(b.e.unique(), joinPath(b.path, b.next))
	}
	what := "update " + name // no topic and no event is called so
	if err := b.sendAs(store.KindSend, what, m, err); err != nil {
		return nil, err
	}
	data, err := b.awaitEvent(store.KindGetEvent, what, runID, answerEvent(name, m.Key), Forever)
	if err != nil {
		return nil, err
	}
	if _, err := b.e.rt.opened(data); err != nil {
		b.e.fail(err) // another outcome than with the key must not be recorded
	}
	return b.e.rt.answered(runID, name, data)
}

// UpdateOption changes how updates are handled.
type UpdateOption[Req any] func(*updateConfig[Req])

type updateConfig[Req any] struct {
	validate func(context.Context, Req) error
}

// Validate looks at each request before it is accepted. When it returns an error
// the caller gets that, with [ErrRejected], and the request leaves no trace in the
// history. It must do nothing but look: it may run again after a crash, and does not
// in replay.
func Validate[Req any](fn func(context.Context, Req) error) UpdateOption[Req] {
	return func(c *updateConfig[Req]) { c.validate = fn }
}

// OnUpdate has the run answer updates of a name from now on; see [Update]. They are
// handled one after the other, in the order in which they were sent, on a branch of
// the run's own, so fn may use steps, sleeps and all else, and its outcome is
// recorded. It runs beside the workflow function, as with [Go], and the order of
// what both do is not recorded: let it tell the function what it has to know by
// [Send], to the run itself, and not by a variable.
//
// The run does not wait for its handlers: they end with the workflow function, and
// who still waits for an answer gets [ErrConflict]. A run that waits takes no memory,
// handlers or not.
//
// It works inside a run only, and not inside a step. One name has one handler.
func OnUpdate[Req, Resp any](ctx context.Context, name string, fn func(context.Context, Req) (Resp, error), opts ...UpdateOption[Req]) error {
	b := branchOf(ctx)
	if b == nil {
		return fmt.Errorf("on update %q: %w", name, ErrNotInRun)
	}
	if err := checkName("update", name); err != nil {
		return err
	}
	var c updateConfig[Req]
	for _, o := range opts {
		o(&c)
	}
	h := &handler{name: name}
	h.validate = func(ctx context.Context, data []byte) (err error) {
		defer catch(&err)
		var req Req
		if err := b.decode(data, &req); err != nil {
			return fmt.Errorf("the request does not fit %T: %w", req, err)
		}
		if c.validate == nil {
			return nil
		}
		return c.validate(ctx, req)
	}
	h.handle = func(ctx context.Context, data []byte) (out []byte, err error) {
		defer catch(&err)
		var req Req
		if err := b.decode(data, &req); err != nil {
			return nil, fmt.Errorf("the request no longer fits %T: %w", req, err)
		}
		resp, err := fn(ctx, req)
		if err != nil {
			return nil, err
		}
		return b.e.rt.cfg.Codec.Encode(resp)
	}
	return b.onUpdate(ctx, h)
}
