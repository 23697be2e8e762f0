package calendar

import "time"

// Open says that a window closing at closes has not closed yet. The closing
// instant itself is out (PGM-02, X-01). A zero closes is long past, never "no
// deadline": who has none does not ask.
func Open(now, closes time.Time) bool { return now.Before(closes) }

// Late is the opposite of Open: the closing instant is already late (PGM-02).
func Late(now, closes time.Time) bool { return !Open(now, closes) }

// InWindow says that now lies in the window from opens, which is in, to closes,
// which is out (PGM-02, X-01). A window that closes when it opens holds nothing.
func InWindow(now, opens, closes time.Time) bool {
	return !now.Before(opens) && Open(now, closes)
}
