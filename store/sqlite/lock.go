package sqlite

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/stepwell/stepwell/store"
)

// fileLock keeps a second process off the database. The operating system drops
// it with the process, so it needs no cleaning up after a crash. The file stays:
// removing it would let two processes hold locks on two files of one name.
type fileLock struct{ f *flock.Flock }

func lockDatabase(path string) (*fileLock, error) {
	name := path + ".lock"
	f := flock.New(name, flock.SetPermissions(0o600))
	ok, err := f.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock database: %w", err)
	}
	if !ok {
		holder, _ := os.ReadFile(name)
		who := strings.TrimSpace(string(holder))
		if who == "" {
			who = "another process"
		}
		return nil, fmt.Errorf("%w: %s is held by %s", store.ErrInUse, path, who)
	}
	host, _ := os.Hostname()
	who := fmt.Sprintf("process %d on %s since %s\n", os.Getpid(), host, time.Now().UTC().Format(time.RFC3339))
	if err := os.WriteFile(name, []byte(who), 0o600); err != nil {
		f.Unlock()
		return nil, fmt.Errorf("lock database: %w", err)
	}
	return &fileLock{f}, nil
}

func (l *fileLock) release() error { return l.f.Unlock() }
