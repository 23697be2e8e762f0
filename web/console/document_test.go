package console_test

import (
	"bytes"
	"image"
	"image/png"
	"io"
	"net/http"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/document"
	"countersign/internal/documents"

	"github.com/stretchr/testify/require"
)

func TestADocumentIsShownWithItsCaseAndNothingInItRuns(t *testing.T) {
	o := newOffice(t)
	number, other := o.open("a", "800.00"), o.open("b", "900.00")
	var picture bytes.Buffer
	require.NoError(t, png.Encode(&picture, image.NewRGBA(image.Rect(0, 0, 1, 1))))
	store, err := documents.Open(o.db, "postgres", documents.Keys{}, documents.Rules{Limit: 1 << 20, Types: []string{"image/png"}})
	require.NoError(t, err)
	added, err := (&activities.Documents{DB: o.db, Store: store}).AddDocument(t.Context(), activities.AddDocumentInput{
		Case: number, Kind: document.Proof, Name: `receipt "1".png`, Content: bytes.NewReader(picture.Bytes()), Person: "alice", At: time.Now(),
	})
	require.NoError(t, err)

	get := func(path string) (int, http.Header, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, o.URL+path, nil)
		require.NoError(t, err)
		req.Header.Set("X-Test-Person", "li")
		answer, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return answer.StatusCode, answer.Header, string(body)
	}
	path := "/cases/" + number + "/documents/" + added.Document
	_, _, page := get("/cases/" + number)
	require.Contains(t, page, `<img src="`+path+`"`)
	require.Contains(t, page, "receipt &#34;1&#34;.png")

	status, header, body := get(path)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, picture.String(), body)
	require.Equal(t, "image/png", header.Get("Content-Type"))
	require.Contains(t, header.Get("Content-Disposition"), "inline")
	require.Contains(t, header.Get("Content-Security-Policy"), "default-src 'none'")
	require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"))
	_, header, _ = get(path + "?download")
	require.Contains(t, header.Get("Content-Disposition"), "attachment")

	for _, elsewhere := range []string{"/cases/" + other + "/documents/" + added.Document, "/cases/" + number + "/documents/" + added.Document[:12], "/cases/W999999/documents/" + added.Document} {
		status, _, _ = get(elsewhere)
		require.Equal(t, http.StatusNotFound, status, elsewhere)
	}
}
