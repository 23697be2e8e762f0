package activities

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"time"

	"countersign/domain/document"
	"countersign/domain/refusal"
	"countersign/internal/documents"

	"github.com/jmoiron/sqlx"
)

// Documents encloses files with cases of any kind. No case waits for one, so it is done without Temporal.
type Documents struct {
	DB    *sqlx.DB
	Store *documents.Store
}

// AddDocumentInput is a file that somebody encloses.
type AddDocumentInput struct {
	Case    string
	Kind    document.Kind
	Name    string // of the file; what it contains decides its type, not this
	Content io.Reader
	Person  string
	At      time.Time
}

// AddedDocument is how it lies with the case.
type AddedDocument struct {
	Case      string        `json:"case"`
	Document  string        `json:"document"` // SHA-256 of the content
	Kind      document.Kind `json:"kind"      db:"kind"`
	Name      string        `json:"name"      db:"name"`
	MediaType string        `json:"media_type"`
	Size      int64         `json:"size"`
	AddedBy   string        `json:"added_by"  db:"added_by"`
	AddedAt   time.Time     `json:"added_at"  db:"added_at"`
}

// badFile refuses a file for its content.
func badFile(name string, f *documents.Fault) refusal.Refusal {
	return refusal.New("X-02", fmt.Sprintf("PRG.DOC.%02d", f.Kind), "document "+document.CleanName(name), "%s", f.Message)
}

// Take answers what a file would be kept as; a content that is not taken is refused. Nothing is stored.
func (d *Documents) Take(name string, content io.Reader) (*documents.Document, error) {
	taken, err := d.Store.Rules.Take(content)
	var fault *documents.Fault
	if errors.As(err, &fault) {
		return nil, Final(refusal.List{badFile(name, fault)})
	}
	return taken, err
}

// AddDocument stores a file and encloses it with a case. The same content, case and kind again answers the first time,
// whatever the name. Who may not, an unknown kind, and a content that is not taken are refused, all at once, and the refusal
// is an event of the case (PGM-11, ENG-03).
func (d *Documents) AddDocument(ctx context.Context, in AddDocumentInput) (AddedDocument, error) {
	in.At = stored(in.At)
	var fault *documents.Fault
	file, err := d.Store.Rules.Take(in.Content)
	if err != nil && !errors.As(err, &fault) {
		return AddedDocument{}, fmt.Errorf("document for case %s: %w", in.Case, err)
	}
	guarded := func(f func(tx *sqlx.Tx) error) error {
		return judged(ctx, d.DB, func(tx *sqlx.Tx) (refusal.List, error) {
			list, err := guardDocument(ctx, tx, in, fault)
			if err != nil || len(list) > 0 {
				return list, err
			}
			return nil, f(tx)
		}, func(tx *sqlx.Tx, list refusal.List) error { return recordFault(ctx, tx, in, list) })
	}
	var added AddedDocument
	err = guarded(func(*sqlx.Tx) error { return nil }) // a stranger's file is not even stored
	if err == nil {
		err = d.Store.Put(ctx, file)
	}
	if err == nil {
		err = guarded(func(tx *sqlx.Tx) error {
			added, err = d.enclose(ctx, tx, in, file)
			return err
		})
	}
	return added, Final(err)
}

// guardDocument locks the case and judges who adds what.
func guardDocument(ctx context.Context, tx *sqlx.Tx, in AddDocumentInput, fault *documents.Fault) (refusal.List, error) {
	c, err := lockCase(ctx, tx, in.Case)
	if err != nil {
		return nil, err
	}
	p, err := findPerson(ctx, tx, in.Person)
	if err != nil {
		return nil, err
	}
	list := document.MayAdd(p, in.Person, in.Case, c.Partner, in.Kind)
	if fault != nil {
		list = append(list, badFile(in.Name, fault))
	}
	return list, nil
}

func recordFault(ctx context.Context, tx *sqlx.Tx, in AddDocumentInput, list refusal.List) error {
	return appendHere(ctx, tx, caseRow{Number: in.Case}, event{
		Key: fmt.Sprintf("refused/document/%s/%d", in.Person, in.At.UnixMicro()), At: in.At, Actor: cmp.Or(in.Person, "nobody"), Via: viaRequest,
		Action: "add document refused", Rule: list[0].Rule, Note: list.Error(),
	})
}

// enclose writes the document, its place with the case, and the event. What lies there already is answered as it is.
func (d *Documents) enclose(ctx context.Context, tx *sqlx.Tx, in AddDocumentInput, file *documents.Document) (AddedDocument, error) {
	added := AddedDocument{
		Case: in.Case, Document: file.ID, Kind: in.Kind, Name: document.CleanName(in.Name),
		MediaType: file.MediaType, Size: file.Size(), AddedBy: in.Person, AddedAt: in.At,
	}
	err := tx.GetContext(ctx, &added, `
		SELECT kind, name, added_by, added_at FROM case_documents WHERE case_number = $1 AND document_id = $2 AND kind = $3`, in.Case, file.ID, in.Kind)
	if !errors.Is(err, sql.ErrNoRows) { // the case is locked: nobody adds it meanwhile
		return added, err
	}
	if err := d.Store.Record(ctx, tx, file, in.Person, in.At); err != nil {
		return added, err
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO case_documents (case_number, document_id, kind, name, added_by, added_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		in.Case, file.ID, in.Kind, added.Name, in.Person, in.At); err != nil {
		return added, fmt.Errorf("add document to case %s: %w", in.Case, err)
	}
	return added, appendHere(ctx, tx, caseRow{Number: in.Case}, event{
		Key: fmt.Sprintf("document/%s/%s", in.Kind, file.ID), At: in.At, Actor: in.Person, Via: viaRequest,
		Action: "add document", Note: fmt.Sprintf("%s: %s", in.Kind, file.ID),
	})
}
