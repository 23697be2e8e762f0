package console

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"slices"
	"time"

	"countersign/domain/person"
	"countersign/views"
	"countersign/web/page"
)

// shownInline are the types that browsers show without running anything.
var shownInline = []string{"application/pdf", "image/png", "image/jpeg"}

// document answers a file that is enclosed with a case, whole and compared with its ID before the first octet leaves.
func (c *Console) document(w http.ResponseWriter, r *http.Request, _ person.Person) error {
	enclosed, err := c.Reader.CaseDocuments(r.Context(), r.PathValue("case"))
	if err != nil {
		return err
	}
	i := slices.IndexFunc(enclosed, func(d views.CaseDocument) bool { return d.Document == r.PathValue("document") })
	if i < 0 { // also what another case encloses
		return page.NotFound
	}
	_, content, err := c.Documents.Get(r.Context(), enclosed[i].Document)
	if err != nil {
		return err
	}
	defer content.Close()
	text, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	disposition := "attachment"
	if slices.Contains(shownInline, enclosed[i].MediaType) && !r.URL.Query().Has("download") {
		disposition = "inline"
	}
	h := w.Header()
	h.Set("Content-Type", enclosed[i].MediaType)
	h.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": enclosed[i].Name}))
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; object-src 'self'; frame-ancestors 'self'") // a file of somebody else: nothing in it runs
	h.Set("Cache-Control", "private, no-cache")
	h.Set("ETag", `"`+enclosed[i].Document+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
	return nil
}
