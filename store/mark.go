package store

import "context"

// Marks are small values that a runtime keeps about the store as a whole, such
// as those that tell whether it was given the right keys.
type Marks interface {
	// Marks returns all marks by name.
	Marks(ctx context.Context) (map[string][]byte, error)
	// SetMark sets a mark, in the place of an earlier one. Idempotent.
	SetMark(ctx context.Context, name string, value []byte) error
}
