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

// signedIn is how long a sign-in by a link lasts.
const signedIn = 12 * time.Hour

const cookieName = "countersign_codec"

// Links lets those pass who opened a link that only the server's console shows. Each link is good for one browser; when
// it was used the next one is shown.
type Links struct {
	base string // where browsers find the server
	show func(link string)

	mu       sync.Mutex
	key      string // of the link that was shown last
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
	l.key = rand.Text()
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
