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
	f, err := os.OpenFile(path, os.O_RDWR, 0) // to write, so that a file we may not write is refused here
	if errors.Is(err, fs.ErrNotExist) {
		return false, checkNoLog(path)
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	var h [100]byte
	switch _, err := io.ReadFull(f, h[:]); {
	case err == io.EOF:
		return false, checkNoLog(path) // an empty file is as good as none
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
	return true, checkVersion(path, int(int32(binary.BigEndian.Uint32(h[60:]))), newest)
}

// checkNoLog refuses to make a database beside the log of another: SQLite
// would copy that log into it.
func checkNoLog(path string) error {
	switch fi, err := os.Stat(path + "-wal"); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case fi.Size() > 0:
		return fmt.Errorf("%w: %s is gone but its log %s is there: put the database back, or remove the log", store.ErrCorrupt, path, path+"-wal")
	}
	return nil
}

func checkVersion(path string, version, newest int) error {
	if version < 0 || version > newest {
		return fmt.Errorf("%w: %s has schema %d, this program knows up to %d", store.ErrNewer, path, version, newest)
	}
	return nil
}
