package partner

import (
	"net/http"
	"net/url"
)

// listed is a list that a page shows a part of at a time. The page's address says where it goes on, under a name of its own.
type listed struct {
	path, name string
	at         string // of the list on its page: "#members"
	rows       int    // a part has
}

// pageRows is how many cases, bills or lists one page of them has; formRows how many rows that have forms.
const (
	pageRows = 50
	formRows = 20
)

// after is after which row the part begins that a request asks for; empty: it is the first.
func (l listed) after(req *http.Request) string { return req.URL.Query().Get(l.name) }

// more is where a list goes on; both are addresses, and empty where there is nothing.
type more struct{ First, Next string }

// more is where the list goes on after the part that was asked for, which is at next; filters and other lists stay as they are.
func (l listed) more(req *http.Request, next string) more {
	var m more
	query := req.URL.Query()
	if query.Has(l.name) {
		query.Del(l.name)
		m.First = l.path + queried(query) + l.at
	}
	if next != "" {
		query.Set(l.name, next)
		m.Next = l.path + queried(query) + l.at
	}
	return m
}

// cut is one part of a list that was read with one row more than that, and where the list goes on: after the part's last row.
func cut[T any](req *http.Request, l listed, found []T, key func(T) string) ([]T, more) {
	if len(found) <= l.rows {
		return found, l.more(req, "")
	}
	found = found[:l.rows]
	return found, l.more(req, key(found[l.rows-1]))
}

// queried is the end of an address.
func queried(query url.Values) string {
	if len(query) == 0 {
		return ""
	}
	return "?" + query.Encode()
}
