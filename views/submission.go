package views

import (
	"context"
	"encoding/json"
	"time"

	"countersign/domain/solution"

	"github.com/lib/pq"
)

// Submission is what a partner sent in one round of a matter, as it was sent.
type Submission struct {
	Matter string          `db:"matter"    json:"matter"`
	Round  int             `db:"round"     json:"round"`
	By     string          `db:"opened_by" json:"by"`
	At     time.Time       `db:"opened_at" json:"at"`
	Form   json.RawMessage `db:"form"      json:"form"`
}

// Submissions lists what was sent in a case, round by round. What was sent of a solution is the draft of the round; its contact
// is a person's data, and whoever shows it masks it (PGM-05).
func (r Reader) Submissions(ctx context.Context, number string) ([]Submission, error) {
	return rows[Submission](ctx, r.q(), "submissions", `
		SELECT a.matter, a.round, a.opened_by, a.opened_at,
		       CASE WHEN d.draft_id IS NULL THEN a.application
		            ELSE jsonb_build_object('name', d.name, 'version', d.version, 'materials', d.materials, 'contact', d.contact_name, 'mobile', d.contact_mobile, 'email', d.contact_email) END AS form
		  FROM approvals a
		  LEFT JOIN solution_rounds s ON s.case_number = a.case_number AND s.round = a.round AND a.matter = $2
		  LEFT JOIN solution_drafts d USING (draft_id)
		 WHERE a.case_number = $1 AND a.application IS NOT NULL ORDER BY a.opened_at, a.matter, a.round`, number, solution.Certification.Name)
}

// StoredDocuments reads what is known of documents that a form names, whether they are enclosed with a case or not; the name is the
// one under which a case encloses it, if any does.
func (r Reader) StoredDocuments(ctx context.Context, ids []string) ([]CaseDocument, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return rows[CaseDocument](ctx, r.q(), "documents", `
		SELECT document_id, '' AS kind, coalesce((SELECT name FROM case_documents c WHERE c.document_id = d.document_id ORDER BY added_at LIMIT 1), '') AS name,
		       media_type, size, uploaded_by AS added_by, uploaded_at AS added_at
		  FROM documents d WHERE document_id = ANY ($1) ORDER BY document_id`, pq.Array(ids))
}
