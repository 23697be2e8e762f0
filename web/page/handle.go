package page

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"countersign/activities"
	"countersign/desk"
	"countersign/domain/refusal"
)

// Error is an answer other than the page that was asked for.
type Error struct {
	Status int
	Key    string // of the text that says what to do
}

func (e Error) Error() string { return e.Key }

// NotFound is the answer to what is not there, and to what the reader may not know to be there.
var NotFound = Error{http.StatusNotFound, "error.404"}

// OfCase gives errors of the way to a case the page that says what to do: no answer came in time, or the case has no run. Gone is what
// is said then; operations reads it in the log.
func OfCase(ctx context.Context, err error, gone string) error {
	var lost desk.GoneError
	switch {
	case errors.Is(err, desk.ErrLate):
		return Error{http.StatusServiceUnavailable, "error.503"}
	case errors.As(err, &lost):
		slog.ErrorContext(ctx, "open case without its run", "case", lost.Case, "state", lost.State)
		return Error{http.StatusConflict, gone}
	}
	return err
}

// Handle answers for a handler that fails: the rules' refusals with 422 in their own words, what is not there with 404,
// all else with 500 and a number under which the log has the cause.
func (r *Renderer) Handle(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if err := h(w, req); err != nil {
			r.Fail(w, req, err)
		}
	})
}

// problem is what the page of an error shows.
type problem struct {
	Key     string
	Number  string // of an entry in the log
	Refused refusal.List
	Back    string // the page that one came from
}

// Fail answers with the page of an error.
func (r *Renderer) Fail(w http.ResponseWriter, req *http.Request, err error) {
	p := problem{Key: "error.500", Refused: activities.RefusalOf(err), Back: back(req)}
	status := http.StatusInternalServerError
	var told Error
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &told):
		status, p.Key = told.Status, told.Key
	case p.Refused != nil:
		status, p.Key = http.StatusUnprocessableEntity, "error.422"
	case activities.IsNotFound(err):
		status, p.Key = http.StatusNotFound, "error.404"
	case errors.As(err, &tooLong):
		status, p.Key = http.StatusRequestEntityTooLarge, "error.413"
	case req.Context().Err() != nil:
		return // nobody reads it
	default:
		p.Number = rand.Text()[:8]
		slog.ErrorContext(req.Context(), "request failed", "number", p.Number, "method", req.Method, "route", req.Pattern, "error", err)
	}
	r.Render(w, req, status, "problem", r.Text(req, p.Key+".title"), p)
}

// back is the page of this site that a request came from; empty: none.
func back(req *http.Request) string {
	from, err := url.Parse(req.Referer())
	if err != nil || from.Host != req.Host || from.Path == "" {
		return ""
	}
	return Local(from.RequestURI())
}

// formLimit bounds a form without files, in octets: the longest comment is a thousandth of it.
const formLimit = 1 << 20

// Form reads a form. Wrong UTF-8 and characters that no database keeps are refused, and so is what is too long.
func Form(w http.ResponseWriter, req *http.Request) (url.Values, error) {
	req.Body = http.MaxBytesReader(w, req.Body, formLimit)
	if err := req.ParseForm(); err != nil {
		var tooLong *http.MaxBytesError
		if errors.As(err, &tooLong) {
			return nil, err
		}
		return nil, Error{http.StatusBadRequest, "error.400"}
	}
	return req.PostForm, legible(req.PostForm)
}

// legible refuses values that are no text.
func legible(form url.Values) error {
	for name, values := range form {
		for _, v := range append(values, name) {
			if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
				return Error{http.StatusBadRequest, "error.400"}
			}
		}
	}
	return nil
}

// Protect is what stands before every route: headers that let a browser run nothing but our own files, and the refusal of
// forms that another site sends.
func (r *Renderer) Protect(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(r.Handle(func(http.ResponseWriter, *http.Request) error {
		return Error{http.StatusForbidden, "error.origin"}
	}))
	safe := protection.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		req = req.WithContext(context.WithValue(req.Context(), secureKey{}, r.Secure))
		h := w.Header()
		h.Set("Cache-Control", "no-store") // of a person, and true only now; what may be kept says so
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "SAMEORIGIN")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		if secure(req) {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if legible(req.URL.Query()) != nil || legible(url.Values{req.URL.Path: nil}) != nil {
			r.Fail(w, req, Error{http.StatusBadRequest, "error.400"})
			return
		}
		safe.ServeHTTP(w, req)
	})
}

// policy lets pages load our own files only, and nothing that stands in the page itself.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'self'"

// Routes are the pages' own: static files and the choice of language.
func (r *Renderer) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /static/{name}", serveStatic)
	mux.Handle("POST /language", r.Handle(setLanguage))
	mux.Handle("/", r.Handle(func(http.ResponseWriter, *http.Request) error { return NotFound }))
}
