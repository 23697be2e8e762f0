package life

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"time"

	"countersign/activities"
	"countersign/domain/document"

	"codeberg.org/go-pdf/fpdf"
)

// encloses adds a document of the first partner's administrator to a case.
func (w *World) encloses(ctx context.Context, number string, kind document.Kind, name string, content []byte, at time.Time) error {
	_, err := (&activities.Documents{DB: w.db, Store: w.store}).AddDocument(ctx, activities.AddDocumentInput{
		Case: number, Kind: kind, Name: name, Content: bytes.NewReader(content), Person: "mei", At: at,
	})
	return err
}

// keeps stores a document that no case has yet, and answers its ID.
func (w *World) keeps(ctx context.Context, content []byte, at time.Time) (id string, err error) {
	file, err := w.store.Rules.Take(bytes.NewReader(content))
	if err != nil {
		return "", err
	}
	if err := w.store.Put(ctx, file); err != nil {
		return "", err
	}
	tx, err := w.db.BeginTxx(ctx, nil)
	if err != nil {
		return "", err
	}
	defer tx.Rollback()
	if err := w.store.Record(ctx, tx, file, "mei", at); err != nil {
		return "", err
	}
	return file.ID, tx.Commit()
}

// prints stores a paper that has a title only.
func (w *World) prints(ctx context.Context, at time.Time, title string) (id string, err error) {
	content, err := paper(title)
	if err != nil {
		return "", err
	}
	return w.keeps(ctx, content, at)
}

// paper is a PDF with lines of text.
func paper(title string, lines ...string) ([]byte, error) {
	f := fpdf.New("P", "mm", "A5", "")
	f.AddPage()
	f.SetTitle(title, true)
	f.SetFont("Helvetica", "B", 16)
	f.CellFormat(0, 12, title, "B", 1, "", false, 0, "")
	f.SetFont("Helvetica", "", 11)
	for _, line := range lines {
		f.CellFormat(0, 8, line, "", 1, "", false, 0, "")
	}
	var out bytes.Buffer
	err := f.Output(&out)
	return out.Bytes(), err
}

// scan is a picture with lines, as of a text.
func scan() ([]byte, error) {
	page := image.NewGray(image.Rect(0, 0, 480, 200))
	for i := range page.Pix {
		x, y := i%page.Stride, i/page.Stride
		page.Pix[i] = 0xf4
		if y%16 > 10 && y > 16 && y < 184 && x > 24 && x < 280+y%112 {
			page.Pix[i] = 0x70
		}
	}
	var out bytes.Buffer
	err := png.Encode(&out, page)
	return out.Bytes(), err
}
