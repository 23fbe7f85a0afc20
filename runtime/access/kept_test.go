package access_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stepwell/stepwell/runtime/access"
)

func opens(tokens []access.Token, secret string) bool {
	return do(gate(access.Config{Tokens: tokens}), request("POST", "/v1/x", "", bearer(secret)...)).Code == http.StatusOK
}

func TestKeep(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.db.token")
	tokens, secret, err := access.Keep(file)
	if err != nil || len(secret) < 26 || len(tokens) != 1 || tokens[0].Weak() || !opens(tokens, secret) {
		t.Fatalf("a new token: %v, %q, %d tokens", err, secret, len(tokens))
	}
	check := func(what, secret string) {
		t.Helper()
		b, err := os.ReadFile(file)
		if err != nil || strings.Contains(string(b), secret) || strings.Contains(string(b), strings.ToLower(secret)) {
			t.Errorf("%s: the file holds the secret, or %v", what, err)
		}
		if fi, err := os.Stat(file); err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("%s: the file is %v, %v", what, fi.Mode(), err)
		}
		if all, err := os.ReadDir(filepath.Dir(file)); err != nil || len(all) != 1 {
			t.Errorf("%s: %d files are left, want 1", what, len(all))
		}
	}
	check("new", secret)
	for range 2 {
		again, made, err := access.Keep(file)
		if err != nil || made != "" || !opens(again, secret) || opens(again, "x") {
			t.Errorf("again: %v, made %q", err, made)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	other, made, err := access.Keep(file)
	if err != nil || made == "" || made == secret || opens(other, secret) {
		t.Errorf("after the file was deleted: %v, made %q", err, made)
	}
	// As an earlier version kept it.
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		old, made, err := access.Keep(file)
		if err != nil || made != "" || !opens(old, secret) {
			t.Errorf("an earlier version's: %v, made %q", err, made)
		}
		check("earlier", secret)
		if old[0].Weak() {
			t.Error("one that an earlier version made is held to be weak")
		}
	}
	// As somebody put it there.
	if err := os.WriteFile(file, []byte("stepwell-admin-password\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if own, _, err := access.Keep(file); err != nil || !own[0].Weak() || !opens(own, "stepwell-admin-password") {
			t.Errorf("one's own that may be guessed: %v, held to be strong", err)
		}
	}
}

func TestKeptIsUnreadable(t *testing.T) {
	for content, want := range map[string]string{
		"admin xyz\n": "line 1: want a SHA-256", "# x\nroot 00\n": "line 2: want the role", "# x\nadmin\n": "line 2: want a role and a digest",
		"admin " + strings.Repeat("0", 62): "want a SHA-256",
	} {
		file := filepath.Join(t.TempDir(), "x.token")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, made, err := access.Keep(file)
		if err == nil || made != "" || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "delete the file") {
			t.Errorf("%q: %v, want %s and what to do", content, err, want)
		}
		if b, _ := os.ReadFile(file); string(b) != content {
			t.Errorf("%q was overwritten", content)
		}
	}
	if _, _, err := access.Keep(filepath.Join(t.TempDir(), "nowhere", "x.token")); err == nil {
		t.Error("a token was made that cannot be kept")
	}
	empty := filepath.Join(t.TempDir(), "x.token")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, made, err := access.Keep(empty); err != nil || made == "" {
		t.Errorf("an empty file: %v, made %q", err, made)
	}
}
