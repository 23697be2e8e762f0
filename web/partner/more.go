package partner

import (
	"net/http"
	"net/url"
)

// pageRows is how many cases, bills or lists one page of them has.
const pageRows = 50

// more is where a list goes on; both are addresses, and empty where there is nothing.
type more struct{ First, Next string }

// cut is one page of a list that was read with one row more than that, and where the list goes on: after the page's last row.
func cut[T any](req *http.Request, found []T, key func(T) string) ([]T, more) {
	var m more
	if req.URL.Query().Get("after") != "" {
		m.First = req.URL.Path
	}
	if len(found) > pageRows {
		found = found[:pageRows]
		m.Next = req.URL.Path + "?" + url.Values{"after": {key(found[pageRows-1])}}.Encode()
	}
	return found, m
}
