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

const flashCookie = "flash"

// Flash has the next page say something once: the text of a key. What it is told goes through the browser, so no
// personal data and nothing that is believed later.
func Flash(w http.ResponseWriter, r *http.Request, key string, args ...string) {
	text, err := json.Marshal(flash{key, args})
	if err != nil {
		return // strings always are
	}
	http.SetCookie(w, &http.Cookie{
		Name: flashCookie, Value: base64.RawURLEncoding.EncodeToString(text), Path: "/", MaxAge: 60, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: secure(r),
	})
}

// takeFlash reads the line and takes it away.
func takeFlash(w http.ResponseWriter, r *http.Request) *flash {
	cookie, err := r.Cookie(flashCookie)
	if err != nil {
		return nil
	}
	http.SetCookie(w, &http.Cookie{Name: flashCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: secure(r)})
	text, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	var f flash
	if err != nil || json.Unmarshal(text, &f) != nil {
		return nil
	}
	return &f
}

// secure tells whether the browser came by https, by itself or by a proxy in front.
func secure(r *http.Request) bool {
	return r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
}
