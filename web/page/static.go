package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed static
var staticFiles embed.FS

// file is a static file under a name with the beginning of its hash, so that browsers may keep it for ever.
type file struct {
	name string
	text []byte
	kind string
}

// statics are the files by their own names, and by the names under which they are served.
var statics, served = readStatics()

func readStatics() (own, served map[string]file) {
	own, served = map[string]file{}, map[string]file{}
	entries, err := staticFiles.ReadDir("static")
	if err != nil {
		panic(err) // they are in the binary
	}
	for _, e := range entries {
		text, err := staticFiles.ReadFile("static/" + e.Name())
		if err != nil {
			panic(err)
		}
		hash := sha256.Sum256(text)
		suffix := path.Ext(e.Name())
		f := file{
			strings.TrimSuffix(e.Name(), suffix) + "-" + base64.RawURLEncoding.EncodeToString(hash[:9]) + suffix, text, mime.TypeByExtension(suffix),
		}
		own[e.Name()], served[f.name] = f, f
	}
	return own, served
}

// staticPath is where browsers find a static file.
func staticPath(name string) (string, error) {
	f, ok := statics[name]
	if !ok {
		return "", fmt.Errorf("there is no static file %q", name)
	}
	return "/static/" + f.name, nil
}

func serveStatic(w http.ResponseWriter, r *http.Request) {
	f, ok := served[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if f.kind != "" {
		w.Header().Set("Content-Type", f.kind)
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(f.text))
}
