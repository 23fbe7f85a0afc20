package app_test

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestEncryptionKeys runs the program with keys, with others, and with none: its
// files and its log do not tell what only its API does.
func TestEncryptionKeys(t *testing.T) {
	dir := t.TempDir()
	secret := func(b byte) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32)) }
	old, new := "old:"+secret(1), "new:"+secret(2)
	const marker = "xyzzy-4711"

	p := serve(t, dir, "STEPWELL_ENCRYPTION_KEYS="+old, "STEPWELL_LOG_LEVEL=debug")
	_, one := p.do(http.MethodPost, "/v1/workflows/echo/runs?id=e&wait=10s", `"`+marker+`"`)
	if one["output"] != marker {
		t.Fatalf("run: %v", one)
	}
	p.do(http.MethodPost, "/v1/workflows/work/runs?id=bad&wait=10s", `{"for":"`+marker+`"}`)
	if _, run := p.do(http.MethodGet, "/v1/runs/bad", ""); !strings.Contains(strings.Join(values(run["error"]), " "), marker) {
		t.Errorf("the error is not shown: %v", run)
	}
	p.do(http.MethodPost, "/v1/workflows/sleeper/runs?id=s", `"`+marker+`"`)
	eventually(t, "it waits", func() bool { return p.status("s") == "waiting" })
	p.signal(9)
	p.ended(10 * time.Second)
	files, err := filepath.Glob(filepath.Join(dir, "data", "*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("files %v, %v; want the database and its log", files, err)
	}
	for _, f := range files {
		if data, err := os.ReadFile(f); err != nil || bytes.Contains(data, []byte(marker)) {
			t.Errorf("%s tells, or cannot be read: %v", f, err)
		}
	}
	if strings.Contains(p.logged(), marker) || strings.Contains(p.logged(), secret(1)) {
		t.Errorf("the log tells:\n%s", p.logged())
	}

	p = serve(t, dir, "STEPWELL_ENCRYPTION_KEYS="+new+","+old)
	if _, run := p.do(http.MethodGet, "/v1/runs/e", ""); run["output"] != marker {
		t.Errorf("with a new key before the old one: %v", run)
	}
	p.stop()
	for what, c := range map[string]struct{ keys, want string }{
		"no keys":     {"", `written with key "new" and key "old", and no keys are given: set STEPWELL_ENCRYPTION_KEYS`},
		"a wrong key": {new + ",old:" + secret(3), `another key "old" than the one given: set STEPWELL_ENCRYPTION_KEYS`},
	} {
		r := run(t, command(t, dir, []string{"STEPWELL_ENCRYPTION_KEYS=" + c.keys}, "serve"))
		if r.code != 2 || !strings.Contains(r.stderr, c.want) || strings.Contains(r.stderr, secret(3)) {
			t.Errorf("%s: exit %d: %s; want 2: %s", what, r.code, r.stderr, c.want)
		}
	}
	p = serve(t, dir, "STEPWELL_ENCRYPTION_KEYS=none")
	_, one = p.do(http.MethodGet, "/v1/runs/e", "")
	if raw, _ := one["output_base64"].(string); one["output"] != nil || !strings.HasPrefix(raw, "AHN3MQ") || one["status"] != "succeeded" {
		t.Errorf("without keys: %v", one)
	}
	p.stop()
}

func values(v any) (out []string) {
	m, _ := v.(map[string]any)
	for _, v := range m {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}
