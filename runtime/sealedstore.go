package runtime

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/stepwell/stepwell/store"
)

// sealedStore seals the texts of errors on their way into a store, and opens
// them on the way out. Payloads were sealed by the codec. Nobody else may
// write failures: a test holds this type to every method that carries one.
type sealedStore struct {
	store.Store
	sealer Sealer // nil: nothing is sealed, and what was cannot be opened
}

// sealedText is what is hidden of a failure.
type sealedText struct {
	Message string `json:"message"`
	Stack   string `json:"stack,omitempty"`
}

// sealedMessage stands where the text is sealed.
const sealedMessage = "sealed"

func (s *sealedStore) seal(f *store.Failure) (*store.Failure, error) {
	if f == nil || f.Sealed != "" || s.sealer == nil {
		return f, nil
	}
	text, err := json.Marshal(sealedText{f.Message, f.Stack})
	if err != nil {
		return nil, err
	}
	data, err := s.sealer.Seal(text)
	if err != nil {
		return nil, fmt.Errorf("seal an error: %w", err)
	}
	return &store.Failure{Code: f.Code, Message: sealedMessage, Step: f.Step, Sealed: base64.StdEncoding.EncodeToString(data)}, nil
}

// open returns the failure as it was. One that cannot be opened keeps its
// sealed form, and says why.
func (s *sealedStore) open(f *store.Failure) *store.Failure {
	if f == nil || f.Sealed == "" {
		return f
	}
	out := *f
	data, err := base64.StdEncoding.DecodeString(f.Sealed)
	if err == nil {
		data, err = openerOf(s.sealer)(data)
	}
	var text sealedText
	if err == nil {
		err = json.Unmarshal(data, &text)
	}
	if err != nil {
		out.Message = err.Error()
		return &out
	}
	out.Message, out.Stack, out.Sealed = text.Message, text.Stack, ""
	return &out
}

// step returns the row with its error sealed: itself, where there is none.
func (s *sealedStore) step(row *store.Step) (*store.Step, error) {
	if row == nil || row.Error == nil {
		return row, nil
	}
	f, err := s.seal(row.Error)
	if err != nil {
		return nil, err
	}
	out := *row
	out.Error = f
	return &out, nil
}

func (s *sealedStore) run(r store.Run, err error) (store.Run, error) {
	r.Error = s.open(r.Error)
	return r, err
}

func (s *sealedStore) runs(rs []store.Run, err error) ([]store.Run, error) {
	for i := range rs {
		rs[i].Error = s.open(rs[i].Error)
	}
	return rs, err
}

func (s *sealedStore) Create(ctx context.Context, n store.NewRun) (store.Run, bool, error) {
	r, created, err := s.Store.Create(ctx, n)
	r.Error = s.open(r.Error)
	return r, created, err
}

func (s *sealedStore) Claim(ctx context.Context, req store.ClaimRequest) ([]store.Run, error) {
	return s.runs(s.Store.Claim(ctx, req))
}

func (s *sealedStore) Get(ctx context.Context, id string) (store.Run, error) {
	return s.run(s.Store.Get(ctx, id))
}

func (s *sealedStore) List(ctx context.Context, f store.Filter) ([]store.Run, error) {
	return s.runs(s.Store.List(ctx, f))
}

func (s *sealedStore) Stop(ctx context.Context, id string, cause store.StopCause, now time.Time) (store.Run, error) {
	return s.run(s.Store.Stop(ctx, id, cause, now))
}

func (s *sealedStore) Resume(ctx context.Context, id string, now time.Time) (store.Run, error) {
	return s.run(s.Store.Resume(ctx, id, now))
}

func (s *sealedStore) Fork(ctx context.Context, f store.Fork) (store.Run, bool, error) {
	r, created, err := s.Store.Fork(ctx, f)
	r.Error = s.open(r.Error)
	return r, created, err
}

func (s *sealedStore) SetVersion(ctx context.Context, id, version string, now time.Time) (store.Run, error) {
	return s.run(s.Store.SetVersion(ctx, id, version, now))
}

func (s *sealedStore) Advance(ctx context.Context, sc store.Schedule, runs []store.NewRun) (store.Advance, error) {
	a, err := s.Store.Advance(ctx, sc, runs)
	a.Runs, err = s.runs(a.Runs, err)
	return a, err
}

func (s *sealedStore) Load(ctx context.Context, seq int64) ([]store.Step, error) {
	rows, err := s.Store.Load(ctx, seq)
	return s.rows(rows), err
}

func (s *sealedStore) LoadSince(ctx context.Context, seq, after int64, limit int) ([]store.Step, int64, error) {
	rows, to, err := s.Store.LoadSince(ctx, seq, after, limit)
	return s.rows(rows), to, err
}

func (s *sealedStore) Outline(ctx context.Context, seq int64, path string, most int) ([]store.Step, error) {
	rows, err := s.Store.Outline(ctx, seq, path, most)
	return s.rows(rows), err
}

// rows returns the rows with their errors opened.
func (s *sealedStore) rows(rows []store.Step) []store.Step {
	if slices.ContainsFunc(rows, func(r store.Step) bool { return r.Error != nil }) {
		rows = slices.Clone(rows)
		for i := range rows {
			rows[i].Error = s.open(rows[i].Error)
		}
	}
	return rows
}

func (s *sealedStore) Spans(ctx context.Context, after int64, limit int) (store.SpanPage, error) {
	return s.Store.Spans(ctx, after, limit) // they leave the program: their errors stay sealed
}

func (s *sealedStore) Record(ctx context.Context, c store.Claim, step *store.Step) error {
	step, err := s.step(step)
	if err != nil {
		return err
	}
	return s.Store.Record(ctx, c, step)
}

func (s *sealedStore) Finish(ctx context.Context, c store.Claim, o store.Outcome) (store.Status, error) {
	f, err := s.seal(o.Error)
	if err != nil {
		return 0, err
	}
	o.Error = f
	return s.Store.Finish(ctx, c, o)
}

func (s *sealedStore) Take(ctx context.Context, c store.Claim, topic string, step *store.Step) (store.Message, bool, error) {
	step, err := s.step(step)
	if err != nil {
		return store.Message{}, false, err
	}
	return s.Store.Take(ctx, c, topic, step)
}

func (s *sealedStore) SetEvent(ctx context.Context, c store.Claim, key string, value []byte, step *store.Step) error {
	step, err := s.step(step)
	if err != nil {
		return err
	}
	return s.Store.SetEvent(ctx, c, key, value, step)
}

func (s *sealedStore) Watch(ctx context.Context, c store.Claim, id, key string, step *store.Step) error {
	step, err := s.step(step)
	if err != nil {
		return err
	}
	return s.Store.Watch(ctx, c, id, key, step)
}

func (s *sealedStore) Append(ctx context.Context, c store.Claim, item store.Item, step *store.Step) error {
	step, err := s.step(step)
	if err != nil {
		return err
	}
	return s.Store.Append(ctx, c, item, step)
}
