package access

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const keptHeader = "# stepwell: the API's tokens, one a line: role, SHA-256 of the secret, time. Without this file the next start makes a new one.\n"

const weakMark = "weak"

// Keep returns the tokens whose digests are in the file. Where there are none
// it makes one for an admin and writes its digest there: made is its secret,
// which is in no other place and not to be had again. A secret that an earlier
// version left in the file is replaced by its digest, and goes on being valid;
// that it is weak, being none that we made, is noted there. Other digests are
// taken for those of secrets that cannot be guessed.
// Once Keep has returned, what it wrote survives a crash. The file must be one
// process's own.
func Keep(file string) (tokens []Token, made string, err error) {
	b, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, "", err
	}
	if secret := strings.TrimSpace(string(b)); secret != "" && !strings.ContainsAny(secret, " #\n") {
		t := NewToken(Admin, secret)
		t.weak = t.weak && !madeHere(secret)
		return []Token{t}, "", write(file, t)
	}
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		t, err := parseKept(line)
		if err != nil {
			return nil, "", fmt.Errorf("%s, line %d: %w; to have a new token made, delete the file", file, n, err)
		}
		tokens = append(tokens, t)
	}
	if len(tokens) > 0 {
		return tokens, "", nil
	}
	made = newSecret()
	t := Token{Role: Admin, digest: digestOf(made)}
	return []Token{t}, made, write(file, t)
}

func parseKept(line string) (t Token, err error) {
	fields := strings.Fields(line)
	if len(fields) < 2 {
		return t, errors.New("want a role and a digest")
	}
	t.Role = Role(fields[0])
	if t.Role != Admin && t.Role != Viewer {
		return t, errors.New("want the role admin or viewer")
	}
	d, err := hex.DecodeString(fields[1])
	if err != nil || len(d) != len(t.digest) {
		return t, errors.New("want a SHA-256 in hexadecimal")
	}
	copy(t.digest[:], d)
	t.weak = slices.Contains(fields[2:], weakMark)
	return t, nil
}

// write replaces the file by one with this token.
func write(file string, t Token) (err error) {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	mark := ""
	if t.weak {
		mark = " " + weakMark
	}
	_, err = fmt.Fprintf(f, "%s%s %s %s%s\n", keptHeader, t.Role, hex.EncodeToString(t.digest[:]), time.Now().UTC().Format(time.RFC3339), mark)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
