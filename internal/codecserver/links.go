package codecserver

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// signedIn is how long a sign-in by a link lasts, linkLasts how long a link waits for its browser: consoles are kept, in
// scrollback and by log collectors.
const (
	signedIn  = 12 * time.Hour
	linkLasts = 15 * time.Minute
)

const cookieName = "countersign_codec"

// Links lets those pass who opened a link that only the server's console shows. Each link is good for one browser and for
// 15 minutes; when it was used, or was opened too late, the next one is shown.
type Links struct {
	base string // where browsers find the server
	show func(link string)

	mu       sync.Mutex
	key      string // of the link that was shown last
	ends     time.Time
	shown    int
	sessions map[string]session
}

type session struct {
	name string
	ends time.Time
}

// NewLinks shows the first link.
func NewLinks(base string, show func(link string)) *Links {
	l := &Links{base: strings.TrimRight(base, "/"), show: show, sessions: map[string]session{}}
	l.next()
	return l
}

func (l *Links) next() {
	l.key, l.ends = rand.Text(), time.Now().Add(linkLasts)
	l.shown++
	l.show(l.base + "/sign-in?key=" + l.key)
}

// Who is the number of the link by which the browser signed in.
func (l *Links) Who(r *http.Request) (string, error) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return "", errors.New("no sign-in")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s, ok := l.sessions[cookie.Value]
	switch {
	case !ok:
		return "", errors.New("the sign-in is not known")
	case time.Now().After(s.ends):
		delete(l.sessions, cookie.Value)
		return "", errors.New("the sign-in is over")
	}
	return s.name, nil
}

// signIn takes a link, gives the browser a cookie and leads it to the UI.
func (l *Links) signIn(w http.ResponseWriter, r *http.Request, ui string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if subtle.ConstantTimeCompare([]byte(r.URL.Query().Get("key")), []byte(l.key)) != 1 {
		http.Error(w, "this link was used or is of an earlier start; the codec server's console shows one that is good", http.StatusForbidden)
		return
	}
	if time.Now().After(l.ends) {
		http.Error(w, "this link is over; the codec server's console shows a new one now", http.StatusForbidden)
		l.next()
		return
	}
	token := rand.Text()
	l.sessions[token] = session{fmt.Sprintf("link %d", l.shown), time.Now().Add(signedIn)}
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: token, Path: "/decode", MaxAge: int(signedIn.Seconds()), HttpOnly: true,
		Secure: strings.HasPrefix(l.base, "https:"), SameSite: http.SameSiteStrictMode, // the UI is another origin of the same site
	})
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, ui, http.StatusSeeOther)
	l.next()
}
