package page

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// shownInline are the types that browsers show without running anything.
var shownInline = []string{"application/pdf", "image/png", "image/jpeg"}

// File answers a file of somebody's, read whole before its first octet leaves. Nothing in it runs. The version is what a
// browser knows it by; empty: it is made anew each time. With "download" in the address it is saved, not shown.
func File(w http.ResponseWriter, req *http.Request, mediaType, name, version string, content io.Reader) error {
	text, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	disposition := "attachment"
	if slices.Contains(shownInline, mediaType) && !req.URL.Query().Has("download") {
		disposition = "inline"
	}
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": name}))
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; object-src 'self'; frame-ancestors 'self'")
	if version != "" {
		h.Set("Cache-Control", "private, no-cache")
		h.Set("ETag", `"`+version+`"`)
	}
	patiently(w)
	http.ServeContent(w, req, "", time.Time{}, bytes.NewReader(text))
	return nil
}

// transfer is how long a file may take each way: 10 MB at 20 kB a second. Everything else is bounded by the server, more closely.
const transfer = 10 * time.Minute

func patiently(w http.ResponseWriter) {
	until, c := time.Now().Add(transfer), http.NewResponseController(w)
	_, _ = c.SetReadDeadline(until), c.SetWriteDeadline(until.Add(transfer)) // what knows no deadlines has none
}

// Uploaded is a file of a form, with the name of its field.
type Uploaded struct {
	Field string
	*multipart.FileHeader
}

const (
	uploadLimit  = 64 << 20 // octets of a form with all its files; each file has a limit of its own where it is stored
	memoryLimit  = 1 << 20  // what is above lies in files until the request ends
	maximumFiles = 21       // of twenty invoices, and their list
)

// Upload reads a form that may have files, those by the names of their fields: sent again, they come in the same order. Fields
// without a chosen file are left out. What was put into files meanwhile is gone when the request ends.
func Upload(w http.ResponseWriter, req *http.Request) (url.Values, []Uploaded, error) {
	if kind, _, err := mime.ParseMediaType(req.Header.Get("Content-Type")); err != nil || kind != "multipart/form-data" {
		form, err := Form(w, req)
		return form, nil, err
	}
	patiently(w)
	req.Body = http.MaxBytesReader(w, req.Body, uploadLimit)
	if err := req.ParseMultipartForm(memoryLimit); err != nil {
		var tooLong *http.MaxBytesError
		if errors.As(err, &tooLong) || errors.Is(err, multipart.ErrMessageTooLarge) {
			return nil, nil, Error{http.StatusRequestEntityTooLarge, "error.413"}
		}
		return nil, nil, Error{http.StatusBadRequest, "error.400"}
	}
	context.AfterFunc(req.Context(), func() { // the server does it for the request that it made, and this may be a copy
		if err := req.MultipartForm.RemoveAll(); err != nil {
			slog.Warn("uploaded files not removed", "error", err)
		}
	})
	form, legibly := url.Values(req.MultipartForm.Value), url.Values{}
	var files []Uploaded
	for _, field := range slices.Sorted(maps.Keys(req.MultipartForm.File)) {
		for _, f := range req.MultipartForm.File[field] {
			legibly.Add(field, f.Filename)
			if f.Filename != "" || f.Size > 0 {
				files = append(files, Uploaded{field, f})
			}
		}
	}
	if len(files) > maximumFiles {
		return nil, nil, Error{http.StatusRequestEntityTooLarge, "error.413"}
	}
	return form, files, cmp.Or(legible(form), legible(legibly))
}
