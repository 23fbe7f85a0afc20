package sqlite

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/stepwell/stepwell/store"
)

// applicationID marks a file as ours ("stpw"), in the place that the SQLite
// file format has for it.
const applicationID = 0x73747077

// checkHeader refuses a file that is not ours, or from a newer version, before
// SQLite has opened it: opening would already leave files beside it. It
// reports whether the database exists. Offsets are those of the SQLite file
// format, section 1.3.
func checkHeader(path string, newest int) (exists bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	if fi, err := f.Stat(); err != nil {
		return false, err
	} else if fi.IsDir() {
		return false, fmt.Errorf("%s is a directory: want the path of a file", path)
	}
	var h [100]byte
	switch _, err := io.ReadFull(f, h[:]); {
	case err == io.EOF:
		return false, nil // an empty file: SQLite makes a database of it
	case err == io.ErrUnexpectedEOF:
		return false, fmt.Errorf("%w: %s is no SQLite file; it was not touched", store.ErrForeign, path)
	case err != nil:
		return false, err
	}
	if !bytes.HasPrefix(h[:], []byte("SQLite format 3\x00")) {
		return false, fmt.Errorf("%w: %s is no SQLite file; it was not touched", store.ErrForeign, path)
	}
	if id := binary.BigEndian.Uint32(h[68:]); id != applicationID {
		return false, fmt.Errorf("%w: %s has the application id %#x, want %#x; it was not touched", store.ErrForeign, path, id, applicationID)
	}
	return true, checkVersion(path, int(binary.BigEndian.Uint32(h[60:])), newest)
}

func checkVersion(path string, version, newest int) error {
	if version > newest {
		return fmt.Errorf("%w: %s has schema %d, this program knows up to %d; it was not touched", store.ErrNewer, path, version, newest)
	}
	return nil
}
