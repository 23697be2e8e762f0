package views

import (
	"context"
	"fmt"
	"time"

	"countersign/domain"
	"countersign/domain/document"
)

// CaseDocument is a file enclosed with a case.
type CaseDocument struct {
	Document  string        `db:"document_id" json:"document"` // SHA-256 of the content
	Kind      document.Kind `db:"kind"        json:"kind"`
	Name      string        `db:"name"        json:"name"`
	MediaType string        `db:"media_type"  json:"media_type"`
	Size      int64         `db:"size"        json:"size"`
	AddedBy   string        `db:"added_by"    json:"added_by"`
	AddedAt   time.Time     `db:"added_at"    json:"added_at"`
}

// CaseDocuments lists what is enclosed with a case, in the order in which it was added.
func (r Reader) CaseDocuments(ctx context.Context, number string) ([]CaseDocument, error) {
	if err := r.mustExist(ctx, "case", number, caseExistsSQL); err != nil {
		return nil, err
	}
	return rows[CaseDocument](ctx, r.q(), "documents", `
		SELECT document_id, kind, name, media_type, size, added_by, added_at
		  FROM case_documents JOIN documents USING (document_id)
		 WHERE case_number = $1 ORDER BY added_at, document_id, kind`, number)
}

// shortID is how many digits name a document at least.
const shortID = 8

// DocumentID completes the beginning of a document's ID.
func (r Reader) DocumentID(ctx context.Context, beginning string) (string, error) {
	found, err := rows[string](ctx, r.q(), "documents", `
		SELECT document_id FROM documents WHERE length($1) >= $2 AND starts_with(document_id, lower($1)) ORDER BY document_id LIMIT 2`, beginning, shortID)
	switch {
	case err != nil:
		return "", err
	case len(found) == 0 && len(beginning) < shortID:
		return "", fmt.Errorf("document %q: name it by %d digits of its ID or more", beginning, shortID)
	case len(found) == 0:
		return "", fmt.Errorf("document %q: %w", beginning, domain.ErrNotFound)
	case len(found) > 1:
		return "", fmt.Errorf("several documents begin with %q; write more digits", beginning)
	}
	return found[0], nil
}
