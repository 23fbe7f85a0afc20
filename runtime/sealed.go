package runtime

import (
	"errors"
	"fmt"
	"strings"

	"github.com/stepwell/stepwell/store"
)

// Seals reports whether what is stored is hidden: then texts of errors and
// payloads should not be logged either.
func (rt *Runtime) Seals() bool { return rt.sealer != nil }

// Reveal returns a stored payload as its codec made it, before it was sealed:
// JSON, with [JSON]. What cannot be opened comes back as it is.
func (rt *Runtime) Reveal(data []byte) []byte {
	if out, err := rt.opened(data); err == nil {
		return out
	}
	return data
}

// opened is [Runtime.Reveal] with the error of what cannot be opened.
func (rt *Runtime) opened(data []byte) ([]byte, error) {
	if len(data) == 0 {
		return data, nil
	}
	return openerOf(rt.sealer)(data)
}

// openerOf returns what opens stored values; sealer is nil where there are no
// keys.
func openerOf(sealer Sealer) func([]byte) ([]byte, error) {
	if sealer == nil {
		return func(data []byte) ([]byte, error) { return data, unkeyed(data) }
	}
	return sealer.Open
}

// plainCodec is a codec that hides nothing. What was sealed before is not for it
// to decode: that is no change of the code.
type plainCodec struct{ Codec }

func (c plainCodec) Decode(data []byte, v any) error {
	if err := unkeyed(data); err != nil {
		return err
	}
	return c.Codec.Decode(data, v)
}

// sealed is the stored form of a payload that came encoded already.
func (rt *Runtime) sealed(data []byte) ([]byte, error) {
	if rt.sealer == nil || isSealed(data) {
		return data, nil
	}
	return rt.sealer.Seal(data)
}

// unfit is the error of a stored value that the code cannot read: because the
// code has changed, unless the value cannot be opened.
func unfit(what string, err error) error {
	if errors.Is(err, ErrSealed) {
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%w: %s: %w", ErrNondeterministic, what, err)
}

// withheld is err without what may quote a payload, for the log and health:
// why a value does not fit is the program's own to tell.
func (rt *Runtime) withheld(err error) error {
	if err == nil || rt.sealer == nil || errors.Is(err, ErrSealed) {
		return err
	}
	text := err.Error()
	if at := strings.Index(text, noLongerFits); at >= 0 {
		if n := strings.Index(text[at:], ": "); n >= 0 {
			return &withheldError{text[:at+n] + "; why is not told here, for what is stored is encrypted", err}
		}
	}
	return err
}

// noLongerFits is in the text of every error of [unfit].
const noLongerFits = "no longer fits"

type withheldError struct {
	text string
	err  error
}

func (e *withheldError) Error() string { return e.text }
func (e *withheldError) Unwrap() error { return e.err }

// unopened is an error when the history holds an error that cannot be opened:
// without it the code would go another way.
func unopened(rows []store.Step) error {
	for i := range rows {
		if f := rows[i].Error; f != nil && f.Sealed != "" && rows[i].Status == store.StepFailed {
			return fmt.Errorf("error of step %q at %s: %w", rows[i].Name, rows[i].Path, sealedError(f.Message))
		}
	}
	return nil
}

// sealedError is an ErrSealed that was turned into text.
type sealedError string

func (e sealedError) Error() string        { return string(e) }
func (e sealedError) Is(target error) bool { return target == ErrSealed }
