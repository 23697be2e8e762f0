package page

import "strings"

// Link is one entry of the navigation.
type Link struct {
	Path  string
	Key   string // of its text
	Group string // key of the heading under which it stands with its neighbours; empty: it stands by itself
	Count int    // what waits there; 0 is not shown
}

// entry is a link as the layout shows it, or a heading with those under it.
type entry struct {
	Link
	Here  bool // the page that is shown is this one, or belongs to it
	Under []entry
}

// entries puts neighbours of one group under their heading.
func entries(links []Link, path string) []entry {
	var out []entry
	at := belongs(links, path)
	for i, l := range links {
		e := entry{Link: l, Here: i == at}
		if l.Group == "" {
			out = append(out, e)
			continue
		}
		if n := len(out); n == 0 || len(out[n-1].Under) == 0 || out[n-1].Key != l.Group {
			out = append(out, entry{Link: Link{Key: l.Group}})
		}
		heading := &out[len(out)-1]
		heading.Under, heading.Here, heading.Count = append(heading.Under, e), heading.Here || e.Here, heading.Count+l.Count
	}
	return out
}

// belongs is the link to which a page belongs: its own, else the longest above it. A link with others below it has no page
// but its own. -1: none.
func belongs(links []Link, path string) int {
	at := -1
	for i, l := range links {
		if l.Path == path {
			return i
		}
		if !strings.HasPrefix(path, l.Path+"/") || at >= 0 && len(links[at].Path) > len(l.Path) {
			continue
		}
		above := false
		for _, other := range links {
			above = above || strings.HasPrefix(other.Path, l.Path+"/")
		}
		if !above {
			at = i
		}
	}
	return at
}
