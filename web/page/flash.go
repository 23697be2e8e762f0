package page

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
)

// flash is a line that the next page shows once: "W000001 is approved."
type flash struct {
	Key  string   `json:"key"`
	Args []string `json:"args,omitempty"`
}

const flashCookie, languageCookie = "flash", "language"

// Background is the header of requests by which a page refreshes itself.
const Background = "Countersign-Background"

type secureKey struct{}

// secure tells whether browsers find the console by https, as it was told, whatever a request says of itself.
func secure(r *http.Request) bool {
	yes, _ := r.Context().Value(secureKey{}).(bool)
	return yes
}

// CookieName has a browser take a cookie from this host alone, over TLS (__Host-). Plain http is for this machine only.
func CookieName(name string, secure bool) string {
	if secure {
		return "__Host-countersign-" + name
	}
	return "countersign-" + name
}

// cookie is one of the pages' own, for so many seconds; below 0 it is taken away.
func cookie(r *http.Request, name, value string, age int) *http.Cookie {
	return &http.Cookie{
		Name: CookieName(name, secure(r)), Value: value, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: secure(r),
	}
}

// Flash has the next page say something once: the text of a key. What it is told goes through the browser, so no
// personal data and nothing that is believed later.
func Flash(w http.ResponseWriter, r *http.Request, key string, args ...string) {
	text, err := json.Marshal(flash{key, args})
	if err != nil {
		return // strings always are
	}
	http.SetCookie(w, cookie(r, flashCookie, base64.RawURLEncoding.EncodeToString(text), 60))
}

// takeFlash reads the line and takes it away.
func takeFlash(w http.ResponseWriter, r *http.Request) *flash {
	kept, err := r.Cookie(CookieName(flashCookie, secure(r)))
	if err != nil {
		return nil
	}
	http.SetCookie(w, cookie(r, flashCookie, "", -1))
	text, err := base64.RawURLEncoding.DecodeString(kept.Value)
	var f flash
	if err != nil || json.Unmarshal(text, &f) != nil {
		return nil
	}
	return &f
}
