package app_test

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// TestUIServed gets the overview of a program and all that it loads.
func TestUIServed(t *testing.T) {
	p := serve(t, t.TempDir())
	defer p.stop()
	get := func(path string) (int, string, string) {
		resp, err := http.Get("http://" + p.api + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, resp.Header.Get("Content-Type"), string(body)
	}
	code, kind, body := get("/ui/")
	if code != http.StatusOK || !strings.HasPrefix(kind, "text/html") || !strings.Contains(body, "http://"+p.api+"/v1/workflows/") {
		t.Fatalf("%d, %s\n%s", code, kind, body)
	}
	loaded := regexp.MustCompile(`(?:src|href)="(/ui/assets/[^"]+)"`).FindAllStringSubmatch(body, -1)
	if len(loaded) < 5 {
		t.Errorf("the page loads %v", loaded)
	}
	for _, m := range loaded {
		if code, _, _ := get(m[1]); code != http.StatusOK {
			t.Errorf("%s: %d", m[1], code)
		}
	}
}
