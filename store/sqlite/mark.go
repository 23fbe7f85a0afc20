package sqlite

import "context"

// Marks implements [store.Marks].
func (s *Store) Marks(ctx context.Context) (map[string][]byte, error) {
	marks := map[string][]byte{}
	err := s.r.query(ctx, selectMarks, func(r row) error {
		marks[r.text(0)] = r.blob(1)
		return nil
	})
	return marks, err
}

// SetMark implements [store.Marks].
func (s *Store) SetMark(ctx context.Context, name string, value []byte) error {
	return s.w.do(ctx, true, func(tx *tx) error {
		_, err := tx.exec(upsertMark, name, blob(value))
		return err
	})
}
