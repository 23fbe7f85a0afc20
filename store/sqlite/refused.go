package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// Sizes of the log's format, section 4.1 of SQLite's file format.
const (
	logHeader   = 32
	frameHeader = 24
	frameSize   = frameHeader + pageSize
)

// voidRefused makes sure that a transaction which the disk refused can never
// come back. SQLite recovers a transaction when its last frame is whole by
// checksum. The refused write of that frame left it incomplete, unless the log
// is being written over for the second time and what it held at the place of
// the missing bytes happens to be the same bytes: the header was written, the
// page is that of the round before, the checksum fits, and a crash would bring
// back what we have denied. So the first frame of the refused transaction,
// which the others' checksums build on, loses its header. That writes over
// bytes the disk has just taken and needs no room.
func (t *tx) voidRefused() error {
	frames := int64(-1)
	if err := t.query(logFrames, func(r row) error { frames = r.int(1); return nil }); err != nil {
		return err
	}
	if frames < 0 {
		return nil // no log was opened yet
	}
	f, err := os.OpenFile(t.log, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	var log [logHeader]byte
	var frame [frameHeader]byte
	at := logHeader + frames*frameSize
	_, err = f.ReadAt(log[:], 0)
	if err == nil {
		_, err = f.ReadAt(frame[:], at)
	}
	switch {
	case err == io.EOF:
		err = nil // not even one header was written
	case err == nil && bytes.Equal(frame[8:16], log[16:24]): // the salts of this round
		if _, err = f.WriteAt(make([]byte, frameHeader), at); err == nil {
			err = f.Sync()
		} else if frames == 0 {
			// The log was to begin anew and the disk refuses its very
			// beginning: what is there is the round before, all of it copied.
			err = nil
		}
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("void a refused transaction: %w", err)
	}
	return nil
}
