package runtime

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A canary is a known text that a store keeps, sealed under a key, once that was
// used. It tells whether a process was given the key before anything is read or
// written with another, or with none.
const (
	canaryText = "stepwell canary"
	// canaryMark is what the names of their marks begin with; the key's id
	// follows, or nothing for a [Sealer] that names no keys.
	canaryMark = "sealed/"
)

// sampled is how many runs are looked at in a store without canaries.
const sampled = 10

// keyring is a [Sealer] that knows its keys by name.
type keyring interface {
	has(id string) bool
	// sealing is the id of the key that seals now.
	sealing() string
	sealAs(id string, data []byte) ([]byte, error)
}

// checkKeys is an error when the store was written with keys, and the codec has
// none or another under the same name. Plain text beside what is sealed, and two
// keys under one id, are worse than a process that does not start.
func (rt *Runtime) checkKeys(ctx context.Context) error {
	marks, err := rt.store.Marks(ctx)
	if err != nil {
		return fmt.Errorf("check the keys: %w", err)
	}
	canaries := map[string][]byte{}
	for name, value := range marks {
		if id, ok := strings.CutPrefix(name, canaryMark); ok {
			canaries[id] = value
		}
	}
	if rt.sealer == nil {
		return rt.checkPlain(ctx, canaries)
	}
	ring, _ := rt.sealer.(keyring)
	for id, value := range canaries {
		switch {
		case ring == nil && id != "":
			continue
		case ring != nil && !ring.has(id):
			rt.cfg.Logger.Info("the store holds values under a key that is not given; runs that need it would be parked as stuck", "key", id)
			continue
		}
		if text, err := rt.sealer.Open(value); err != nil || string(text) != canaryText {
			return fmt.Errorf("%w: the store was written with another %s than the one given", ErrSealed, keyNamed(id))
		}
	}
	if ring == nil {
		rt.unmarked = []string{""} // anew each time: its key may be a new one
		return nil
	}
	return rt.checkUnmarked(ctx, ring, canaries)
}

// checkPlain is for a codec that hides nothing.
func (rt *Runtime) checkPlain(ctx context.Context, canaries map[string][]byte) error {
	if rt.cfg.Unsealed {
		return nil
	}
	ids := slices.Sorted(maps.Keys(canaries))
	if len(ids) == 0 {
		err := rt.eachSealed(ctx, func(data []byte) error {
			id, _ := sealedBy(data)
			ids = append(ids, id)
			return nil
		})
		if err != nil {
			return err
		}
		slices.Sort(ids)
		ids = slices.Compact(ids)
	}
	if len(ids) == 0 {
		return nil
	}
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = keyNamed(id)
	}
	return fmt.Errorf("%w: the store was written with %s, and no keys are given", ErrSealed, strings.Join(names, " and "))
}

// checkUnmarked looks at what was written with the keys that have no canary, and
// notes those that are to get one: the key that seals, and those that open
// something. Of the others nobody knows whether they are right.
func (rt *Runtime) checkUnmarked(ctx context.Context, ring keyring, canaries map[string][]byte) error {
	proven := map[string]bool{ring.sealing(): true}
	err := rt.eachSealed(ctx, func(data []byte) error {
		id, _ := sealedBy(data)
		if canaries[id] != nil || !ring.has(id) {
			return nil
		}
		_, err := rt.sealer.Open(data)
		if errors.Is(err, errOtherKey) {
			return fmt.Errorf("%w: the store was written with another %s than the one given", ErrSealed, keyNamed(id))
		}
		proven[id] = proven[id] || err == nil
		return nil
	})
	for id := range proven {
		if canaries[id] == nil {
			rt.unmarked = append(rt.unmarked, id)
		}
	}
	slices.Sort(rt.unmarked)
	return err
}

// eachSealed calls fn with the sealed values of some of the newest runs. It holds one
// run at a time: they may be large.
func (rt *Runtime) eachSealed(ctx context.Context, fn func(data []byte) error) error {
	f := Filter{Limit: 1}
	for range sampled {
		runs, err := rt.store.List(ctx, f)
		if err != nil {
			return fmt.Errorf("check the keys: %w", err)
		}
		if len(runs) == 0 {
			return nil
		}
		if err := sealedOf(&runs[0], fn); err != nil {
			return err
		}
		f.Before = runs[0].Seq
	}
	return nil
}

func sealedOf(run *Run, fn func(data []byte) error) error {
	for _, data := range [][]byte{run.Input, run.Output} {
		if !isSealed(data) {
			continue
		}
		if err := fn(data); err != nil {
			return err
		}
	}
	if run.Error == nil || run.Error.Sealed == "" {
		return nil
	}
	data, err := base64.StdEncoding.DecodeString(run.Error.Sealed)
	if err != nil {
		return fmt.Errorf("check the keys: error of run %s: %w", run.ID, err)
	}
	return fn(data)
}

// markKeys writes the canaries that are not there yet. It is for Run: New writes
// nothing.
func (rt *Runtime) markKeys(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx) // it is soon done
	for _, id := range rt.unmarked {
		seal := rt.sealer.Seal
		if ring, ok := rt.sealer.(keyring); ok {
			seal = func(data []byte) ([]byte, error) { return ring.sealAs(id, data) }
		}
		value, err := seal([]byte(canaryText))
		if err == nil {
			err = rt.store.SetMark(ctx, canaryMark+id, value)
		}
		if err != nil {
			return fmt.Errorf("note the %s: %w", keyNamed(id), err)
		}
	}
	return nil
}

func keyNamed(id string) string {
	if id == "" {
		return "key of the program's own codec"
	}
	return fmt.Sprintf("key %q", id)
}
