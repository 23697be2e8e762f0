package webtest

import (
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var route = regexp.MustCompile(`"((?:GET|POST) /[^" ]*)"`)

// Router matches requests as the server does: it has every pattern that the source of the pages below a folder registers.
type Router struct {
	*http.ServeMux
	Patterns []string
}

// Routes reads the source below a folder.
func Routes(t *testing.T, folder string) Router {
	t.Helper()
	r := Router{ServeMux: http.NewServeMux()}
	require.NoError(t, filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || filepath.Base(filepath.Dir(path)) == "webtest" {
			return err
		}
		text, err := os.ReadFile(path)
		for _, found := range route.FindAllSubmatch(text, -1) {
			if pattern := string(found[1]); !slices.Contains(r.Patterns, pattern) { // what belongs to a route may stand under its name elsewhere
				r.Patterns = append(r.Patterns, pattern)
				r.Handle(pattern, http.NotFoundHandler())
			}
		}
		return err
	}))
	require.Greater(t, len(r.Patterns), 60)
	return r
}

// Of is the pattern that takes a request; empty: none.
func (r Router) Of(method, path string) string {
	u, err := url.Parse(path)
	if err != nil {
		return ""
	}
	_, pattern := r.Handler(&http.Request{Method: method, URL: &url.URL{Path: u.Path}})
	return pattern
}
