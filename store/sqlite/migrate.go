package sqlite

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/stepwell/stepwell/store"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

type migration struct {
	name, sql, hash string
}

// migrations returns all of them in order; number i+1 is at i.
func migrations() ([]migration, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	var ms []migration
	for i, name := range names {
		var number int
		if _, err := fmt.Sscanf(name, "migrations/%04d_", &number); err != nil || number != i+1 {
			return nil, fmt.Errorf("migration %s: want number %04d", name, i+1)
		}
		b, err := migrationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(b)
		ms = append(ms, migration{name[len("migrations/"):], string(b), hex.EncodeToString(sum[:])})
	}
	return ms, nil
}

// create makes a new database beside path and moves it there when it is
// complete: a crash amid creation leaves no half-made file that a later start
// would have to take for a foreign one.
func create(path string, now time.Time) error {
	tmp := path + ".new"
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(tmp + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	c, err := openConn(tmp, 100)
	if err != nil {
		return err
	}
	// auto_vacuum must be set before the first page is written.
	err = c.script("PRAGMA auto_vacuum = INCREMENTAL")
	if err == nil {
		err = migrate(c, path, now)
	}
	if err == nil {
		err = c.script("PRAGMA journal_mode = WAL")
	}
	if err := errors.Join(err, c.close()); err != nil {
		return err
	}
	// Payloads are nobody else's business; the log takes over the file's mode.
	if err := os.Chmod(tmp, 0o600); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// migrate brings the database to the newest schema, each step in a transaction
// of its own together with its record and the schema number, so a crash leaves
// it wholly at one version. It only ever goes forward.
func migrate(c *conn, path string, now time.Time) error {
	ms, err := migrations()
	if err != nil {
		return err
	}
	version, err := c.count("PRAGMA user_version")
	if err != nil {
		return err
	}
	// The header on disk is older than this only after a crash amid an upgrade.
	if err := checkVersion(path, int(version), len(ms)); err != nil {
		return err
	}
	if err := checkHashes(c, path, ms[:version]); err != nil {
		return err
	}
	if int(version) == len(ms) {
		return nil
	}
	for i := int(version); i < len(ms); i++ {
		if err := apply(c, i+1, ms[i], now); err != nil {
			return fmt.Errorf("migrate %s: %s: %w", path, ms[i].name, err)
		}
	}
	// Puts the marks into the header itself, where checkHeader looks.
	return c.script("PRAGMA wal_checkpoint(TRUNCATE)")
}

func apply(c *conn, number int, m migration, now time.Time) (err error) {
	if err := c.script("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			c.script("ROLLBACK")
		}
	}()
	if number == 1 {
		if err := c.script(createMigrations); err != nil {
			return err
		}
		if err := c.script(fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
			return err
		}
	}
	if err := c.script(m.sql); err != nil {
		return err
	}
	if _, err := c.exec(insertMigration, int64(number), m.name, m.hash, now.UnixMicro()); err != nil {
		return err
	}
	if err := c.script(fmt.Sprintf("PRAGMA user_version = %d", number)); err != nil {
		return err
	}
	return c.script("COMMIT")
}

// checkHashes refuses a database whose migrations were not the ones in this
// program: one of them was edited after it had been applied.
func checkHashes(c *conn, path string, applied []migration) error {
	if len(applied) == 0 {
		return nil
	}
	i := 0
	err := c.query(selectMigrations, func(r row) error {
		if i >= len(applied) || r.text(1) != applied[i].hash {
			return fmt.Errorf("%w: %s: migration %d (%s) differs from this program's", store.ErrForeign, path, r.int(0), r.text(2))
		}
		i++
		return nil
	})
	if err == nil && i != len(applied) {
		err = fmt.Errorf("%w: %s: schema %d, but %d migrations recorded", store.ErrCorrupt, path, len(applied), i)
	}
	return err
}
