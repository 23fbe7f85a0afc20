package ui

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// TestAssets asks for each asset by the name that pages use.
func TestAssets(t *testing.T) {
	h := assetHandler("/ui" + assetPath)
	readme, err := os.ReadFile("assets/README.md")
	if err != nil {
		t.Fatal(err)
	}
	if len(assetNames) < 5 {
		t.Fatalf("only %d assets", len(assetNames))
	}
	for file, name := range assetNames {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/ui"+assetPath+name, nil))
		if w.Code != http.StatusOK || w.Body.Len() == 0 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Header().Get("Content-Type") == "" {
			t.Errorf("%s: %d, %d bytes, %v", file, w.Code, w.Body.Len(), w.Header())
		}
		version := strings.TrimSuffix(file, ".min.js")
		if version == file {
			continue // ours
		}
		if !strings.Contains(string(readme), "`"+file+"`") {
			t.Errorf("assets/README.md does not say where %s is from", file)
		}
		if licence, err := os.ReadFile("assets/" + version + ".LICENSE"); err != nil || !strings.Contains(strings.ToLower(string(licence)), "zero") {
			t.Errorf("the licence of %s: %v, %.40q", file, err, licence)
		}
	}
	for _, path := range []string{"", "x/style.css", "../ui.go", assetNames["style.css"] + "/x"} {
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/ui"+assetPath+path, nil)); w.Code != http.StatusNotFound {
			t.Errorf("%q: %d, want 404", path, w.Code)
		}
	}
}
