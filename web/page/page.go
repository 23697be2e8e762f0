// Package page is the frame of every page of the console: layout, texts in two languages, static files, headers, answers
// to errors. What is in a page is the business of the packages that use it.
//
// A package that has pages embeds a book:
//
//	//go:embed pages parts messages.json
//	var Book embed.FS
//
// pages/NAME.html is what stands in the layout's middle; parts/*.html define templates for all pages; messages.json has
// every text in both languages. In a template {{t "key"}} is a text, {{when .At}} an instant, {{day .At}} its day.
package page

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strings"

	"countersign/domain/person"

	"golang.org/x/text/language"
)

//go:embed layout.html pages parts messages.json
var book embed.FS

// Renderer writes pages. Its functions are set before the first request.
type Renderer struct {
	Person func(context.Context) *person.Person      // who is signed in; nil: nobody
	Nav    func(*http.Request, person.Person) []Link // where they may go, with what waits there
	Secure bool                                      // browsers come by https, and by nothing else
	Notice string                                    // stands above each page: which installation this is; empty: none

	templates map[language.Tag]map[string]*template.Template // by page
	texts     map[language.Tag]translate
	messages  messages
}

// frame is what the layout shows around a page's own data.
type frame struct {
	Language string
	Other    string // language that one may change to
	Title    string
	Person   *person.Person
	Nav      []entry
	Waits    int    // what waits for the reader at the first of them
	Path     string // of this page
	Address  string // the same with its query
	Flash    *flash
	Notice   string
	Data     any
}

// New reads the books of all packages that have pages.
func New(books ...fs.FS) (*Renderer, error) {
	books = append([]fs.FS{book}, books...)
	m, err := readMessages(books)
	if err != nil {
		return nil, err
	}
	r := &Renderer{
		Person: func(context.Context) *person.Person { return nil }, Nav: func(*http.Request, person.Person) []Link { return nil },
		templates: map[language.Tag]map[string]*template.Template{}, texts: map[language.Tag]translate{}, messages: m,
	}
	for _, tag := range Languages {
		r.texts[tag] = m.to(tag)
		if r.templates[tag], err = parse(books, funcs(tag, r.texts[tag], m)); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// parse puts each page into a layout of its own; the parts are everybody's.
func parse(books []fs.FS, f template.FuncMap) (map[string]*template.Template, error) {
	layout, err := template.New("layout.html").Funcs(f).ParseFS(book, "layout.html")
	if err != nil {
		return nil, err
	}
	for _, b := range books {
		if files, err := fs.Glob(b, "parts/*.html"); err != nil || len(files) == 0 {
			continue
		}
		if layout, err = layout.ParseFS(b, "parts/*.html"); err != nil {
			return nil, err
		}
	}
	pages := map[string]*template.Template{}
	for _, b := range books {
		files, err := fs.Glob(b, "pages/*.html")
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			text, err := fs.ReadFile(b, file)
			if err != nil {
				return nil, err
			}
			t, err := layout.Clone()
			if err != nil {
				return nil, err
			}
			if _, err := t.New("content").Parse(string(text)); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			name := strings.TrimSuffix(path.Base(file), ".html")
			if pages[name] != nil {
				return nil, fmt.Errorf("two pages are called %q", name)
			}
			pages[name] = t
		}
	}
	return pages, nil
}

// Text is a text in the reader's language; a key that is not there stands for itself.
func (r *Renderer) Text(req *http.Request, key string, args ...any) string {
	text, err := r.texts[Language(req)](key, args...)
	if err != nil {
		slog.ErrorContext(req.Context(), "message missing", "error", err)
		return key
	}
	return text
}

// Word is a name of the programme, like a state, in the reader's language; one without a word stands for itself.
func (r *Renderer) Word(req *http.Request, group, name string) string {
	text, err := word(r.texts[Language(req)], r.messages, group, name)
	if err != nil {
		return name
	}
	return text
}

// Render writes a page. The title is a text as people read it. What fails on the way is logged and answered as such, so
// that nobody gets half a page.
func (r *Renderer) Render(w http.ResponseWriter, req *http.Request, status int, name, title string, data any) {
	if err := r.render(w, req, status, name, title, data); err != nil {
		slog.ErrorContext(req.Context(), "page not written", "page", name, "error", err)
		http.Error(w, r.Text(req, "error.500"), http.StatusInternalServerError)
	}
}

func (r *Renderer) render(w http.ResponseWriter, req *http.Request, status int, name, title string, data any) error {
	tag := Language(req)
	t := r.templates[tag][name]
	if t == nil {
		return fmt.Errorf("there is no page %q", name)
	}
	f := frame{Language: tag.String(), Other: other(tag).String(), Title: title, Person: r.Person(req.Context()), Path: req.URL.Path, Address: req.URL.RequestURI(), Notice: r.Notice, Data: data}
	if req.Method != http.MethodGet { // there is no page to come back to but the one before
		f.Address = cmp.Or(back(req), "/")
	}
	if f.Person != nil {
		f.Nav = entries(r.Nav(req, *f.Person), f.Path)
		if len(f.Nav) > 0 {
			f.Waits = f.Nav[0].Count // where people begin
		}
	}
	if req.Header.Get(Background) == "" { // who refreshes a part of a page shows no line, and leaves it for the next page
		f.Flash = takeFlash(w, req)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, f); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", f.Language)
	w.WriteHeader(status)
	_, err := out.WriteTo(w)
	if err != nil {
		slog.DebugContext(req.Context(), "reader gone", "error", err)
	}
	return nil
}

func other(tag language.Tag) language.Tag {
	if tag == Chinese {
		return English
	}
	return Chinese
}

// Local is an address of this site that somebody may be led to; anything else is the front page.
func Local(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") || strings.ContainsAny(address, "\\\r\n\t") {
		return "/"
	}
	return u.String()
}

// setLanguage keeps the language that somebody chose, and leads back.
func setLanguage(w http.ResponseWriter, req *http.Request) error {
	form, err := Form(w, req)
	if err != nil {
		return err
	}
	chosen, err := language.Parse(form.Get("language"))
	if err != nil {
		return Error{http.StatusBadRequest, "error.400"}
	}
	_, i, _ := languages.Match(chosen)
	http.SetCookie(w, cookie(req, languageCookie, Languages[i].String(), 365*24*3600))
	http.Redirect(w, req, Local(form.Get("back")), http.StatusSeeOther)
	return nil
}
