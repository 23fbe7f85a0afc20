package ui

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// assetPath is below the prefix. After it comes the hash of the content, so
// that a browser may keep what it has for ever.
const assetPath = "/assets/"

//go:embed assets/*.css assets/*.js assets/*.svg
var assetFiles embed.FS

// asset is a file under the name it is asked by.
type asset struct {
	data        []byte
	contentType string
}

var (
	assets     = map[string]asset{}
	assetNames = map[string]string{} // file name to the name it is asked by
)

var assetTypes = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

func init() {
	files, err := fs.Glob(assetFiles, "assets/*")
	if err != nil {
		panic(err)
	}
	for _, file := range files {
		data, err := assetFiles.ReadFile(file)
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(data)
		base := path.Base(file)
		name := hex.EncodeToString(sum[:6]) + "/" + base
		assets[name] = asset{data, assetTypes[path.Ext(base)]}
		assetNames[base] = name
	}
}

// assetHandler serves the assets below path. They are the same for everybody.
func assetHandler(path string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := assets[strings.TrimPrefix(r.URL.Path, path)]
		if !ok || r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", a.contentType)
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("X-Content-Type-Options", "nosniff")
		w.Write(a.data) //nolint:errcheck // the client has gone
	})
}
