package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"countersign/domain/document"
	"countersign/domain/refusal"
	"countersign/domain/solution"
	"countersign/internal/documents"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// SolutionDrafts keeps what a partner's people enter of solutions, and share. No case waits for it, so it is done without
// Temporal; the contact stays in the database.
type SolutionDrafts struct {
	DB    *sqlx.DB
	Store *documents.Store // of materials
}

// SolutionDraftInput enters a draft, or changes one.
type SolutionDraftInput struct {
	Draft    string // empty: a new one
	Revision int    // that the person looked at; 0: whichever it is
	Case     string // the draft is for this solution's next round; a new one begins as what was certified, or sent, last; empty: for a new solution
	Partner  string
	Key      string // of a new draft
	Change   solution.Change
	Files    []SolutionFile
	Person   string
	At       time.Time
}

// SolutionFile is a file that becomes a material.
type SolutionFile struct {
	Type    string
	Name    string
	Content io.Reader
}

// SavedDraft is a draft as it is kept.
type SavedDraft struct {
	Draft    string   `json:"draft"`
	Revision int      `json:"revision"`
	Partner  string   `json:"partner"`
	Case     string   `json:"case,omitempty"`
	Missing  []string `json:"missing"` // without which it cannot be submitted (CERT-02)
	solution.Entry
}

// Save keeps a draft, complete or not (CERT-02, CERT-03). The same key again answers the first draft; the same content again
// changes nothing.
func (s *SolutionDrafts) Save(ctx context.Context, in SolutionDraftInput) (SavedDraft, error) {
	in.At = stored(in.At)
	var saved SavedDraft
	keep := func(write bool, files []*documents.Document) error {
		return s.command(ctx, in, "save draft", func(tx *sqlx.Tx) (list refusal.List, err error) {
			saved, list, err = s.save(ctx, tx, in, write, files)
			return list, err
		})
	}
	var files []*documents.Document
	if len(in.Files) > 0 { // a stranger's file is not even stored
		if err := keep(false, nil); err != nil {
			return saved, err
		}
		var err error
		if files, err = s.store(ctx, in); err != nil {
			return saved, Final(err)
		}
		for i, f := range in.Files {
			in.Change.Materials = append(in.Change.Materials, solution.Material{Type: f.Type, Document: files[i].ID, Name: document.CleanName(f.Name)})
		}
	}
	err := keep(true, files)
	return saved, err
}

// store puts the contents of files where documents are kept.
func (s *SolutionDrafts) store(ctx context.Context, in SolutionDraftInput) ([]*documents.Document, error) {
	var list refusal.List
	var files []*documents.Document
	for _, f := range in.Files {
		file, err := s.Store.Rules.Take(f.Content)
		var fault *documents.Fault
		if errors.As(err, &fault) {
			list = append(list, badFile(f.Name, fault))
		} else if err != nil {
			return nil, fmt.Errorf("material %s: %w", f.Name, err)
		}
		files = append(files, file)
	}
	if len(list) > 0 {
		return nil, list
	}
	for _, file := range files {
		if err := s.Store.Put(ctx, file); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func (s *SolutionDrafts) save(ctx context.Context, tx *sqlx.Tx, in SolutionDraftInput, write bool, files []*documents.Document) (SavedDraft, refusal.List, error) {
	var saved SavedDraft
	f := solution.DraftFacts{At: in.At, Person: in.Person, Partner: in.Partner, Wanted: in.Draft, Seen: in.Revision}
	if in.Draft == "" {
		if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, fmt.Sprintf("draft %q %q", in.Partner, in.Key)); err != nil {
			return saved, nil, fmt.Errorf("lock draft: %w", err)
		}
		var known []string
		if err := tx.SelectContext(ctx, &known, `
			SELECT draft_id FROM solution_drafts WHERE partner_id = $1 AND (request_key = $2 OR case_number = nullif($3, '') AND sent_at IS NULL) ORDER BY request_key <> $2`,
			in.Partner, in.Key, in.Case); err != nil {
			return saved, nil, fmt.Errorf("look for draft: %w", err)
		}
		if len(known) > 0 { // the same request again, or the solution has a draft: that one is changed
			in.Draft, f.Wanted = known[0], known[0]
		}
	}
	entry, err := s.facts(ctx, tx, in, &f)
	if err != nil {
		return saved, nil, err
	}
	entry = in.Change.In(entry)
	list, err := unprintable("draft", entry.Name, entry.Version)
	if list = append(solution.JudgeDraft(entry, f), list...); len(list) == 0 && err == nil {
		for _, file := range files {
			if err := s.Store.Record(ctx, tx, file, in.Person, in.At); err != nil {
				return saved, nil, err
			}
		}
		list, err = storedMaterials(ctx, tx, entry)
	}
	if err != nil || len(list) > 0 || !write {
		return saved, list, err
	}
	policy, err := solutionPolicy(ctx, tx, 0)
	if err != nil {
		return saved, nil, err
	}
	saved = SavedDraft{Draft: in.Draft, Revision: 1, Partner: in.Partner, Case: in.Case, Missing: entry.Missing(policy), Entry: entry}
	materials, err := json.Marshal(append([]solution.Material{}, entry.Materials...))
	if err != nil {
		return saved, nil, err
	}
	c := entry.Contact
	if f.Draft != nil {
		saved.Case = f.Draft.Case
		err = tx.GetContext(ctx, &saved.Revision, changeDraftSQL, in.Draft, entry.Type, entry.Name, entry.Version, materials, c.Name, c.Mobile, c.Email, in.Person, in.At)
	} else {
		err = tx.GetContext(ctx, &saved.Draft, newDraftSQL, in.Partner, in.Key, in.Case, entry.Type, entry.Name, entry.Version, materials, c.Name, c.Mobile, c.Email, in.Person, in.At)
	}
	if err != nil {
		return saved, nil, fmt.Errorf("save draft: %w", err)
	}
	return saved, nil, nil
}

const newDraftSQL = `
	INSERT INTO solution_drafts (draft_id, partner_id, request_key, case_number, kind, name, version, materials, contact_name, contact_mobile, contact_email, created_at, saved_by, saved_at)
	VALUES (numbered('SD', nextval('solution_draft_numbers')), $1, $2, nullif($3, ''), $4, $5, $6, $7, $8, $9, $10, $12, $11, $12) RETURNING draft_id`

const changeDraftSQL = `
	WITH changed AS (
		UPDATE solution_drafts SET kind = $2, name = $3, version = $4, materials = $5, contact_name = $6, contact_mobile = $7, contact_email = $8,
		       revision = revision + 1, saved_by = $9, saved_at = $10
		 WHERE draft_id = $1 AND (kind, name, version, materials, contact_name, contact_mobile, contact_email) <> ($2, $3, $4, $5::jsonb, $6, $7, $8) RETURNING revision)
	SELECT revision FROM changed UNION ALL SELECT revision FROM solution_drafts WHERE draft_id = $1 AND NOT EXISTS (SELECT 1 FROM changed)`

// facts collects what a draft is judged by, and answers what the change begins with. The case is locked before its draft.
func (s *SolutionDrafts) facts(ctx context.Context, tx *sqlx.Tx, in SolutionDraftInput, f *solution.DraftFacts) (solution.Entry, error) {
	var entry solution.Entry
	var err error
	if f.By, err = findPerson(ctx, tx, in.Person); err != nil {
		return entry, err
	}
	if f.Known, f.Path, err = onPath(ctx, tx, in.Partner, in.At); err != nil {
		return entry, err
	}
	number := in.Case
	if in.Draft != "" {
		var of []string
		if err := tx.SelectContext(ctx, &of, `SELECT case_number FROM solution_drafts WHERE draft_id = $1 AND case_number IS NOT NULL AND sent_at IS NULL`, in.Draft); err != nil {
			return entry, fmt.Errorf("read draft: %w", err)
		}
		if len(of) == 1 {
			number = of[0]
		}
	}
	if number != "" {
		c, err := lockCase(ctx, tx, number)
		if err == nil && (c.Kind != solution.Kind || c.Partner != in.Partner) {
			err = unknown("solution of partner "+in.Partner, number)
		}
		if err != nil {
			return entry, err
		}
		if f.Case, err = solutionAt(ctx, tx, c, in.At); err != nil {
			return entry, err
		}
	}
	if in.Draft == "" && number == "" {
		return entry, nil
	}
	from := *f
	if in.Draft != "" {
		from.Draft, err = findDraft(ctx, tx, `draft_id = $1`, in.Draft)
		f.Draft = from.Draft
	} else { // begins as what was certified last; before that, as what was sent last
		from.Draft, err = findDraft(ctx, tx, `draft_id = (SELECT coalesce(v.draft_id, s.draft_id) FROM solutions s LEFT JOIN solution_certifications v USING (case_number, cert_round) WHERE s.case_number = $1)`, number)
	}
	if err != nil || from.Draft == nil {
		return entry, err
	}
	return from.Draft.Entry, nil
}

// storedMaterials refuses documents that nobody has uploaded.
func storedMaterials(ctx context.Context, tx *sqlx.Tx, e solution.Entry) (list refusal.List, err error) {
	ids := make([]string, len(e.Materials))
	for i, m := range e.Materials {
		ids[i] = m.Document
	}
	var missing []string
	if err := tx.SelectContext(ctx, &missing, `SELECT DISTINCT id FROM unnest($1::text[]) id WHERE NOT EXISTS (SELECT 1 FROM documents WHERE document_id = id) ORDER BY 1`, pq.Array(ids)); err != nil {
		return nil, fmt.Errorf("look for documents: %w", err)
	}
	for _, id := range missing {
		list = append(list, refusal.New("CERT-02", "CBC.0100", "document "+id, "There is no such document; upload the file."))
	}
	return list, nil
}

// Delete deletes a draft that was not submitted.
func (s *SolutionDrafts) Delete(ctx context.Context, in SolutionDraftInput) error {
	in.At = stored(in.At)
	return s.command(ctx, in, "delete draft", func(tx *sqlx.Tx) (refusal.List, error) {
		f := solution.DraftFacts{At: in.At, Person: in.Person, Partner: in.Partner, Wanted: in.Draft, Seen: in.Revision}
		if _, err := s.facts(ctx, tx, in, &f); err != nil {
			return nil, err
		}
		if list := solution.JudgeDeletion(f); len(list) > 0 {
			return list, nil
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM solution_drafts WHERE draft_id = $1`, in.Draft); err != nil {
			return nil, fmt.Errorf("delete draft: %w", err)
		}
		return nil, nil
	})
}

// command runs one instant command; its refusal is recorded.
func (s *SolutionDrafts) command(ctx context.Context, in SolutionDraftInput, action string, f func(tx *sqlx.Tx) (refusal.List, error)) error {
	return Final(judged(ctx, s.DB, f, func(tx *sqlx.Tx, list refusal.List) error {
		_, err := recordRefusal(ctx, tx, refusedRequest{
			Key: fmt.Sprintf("solution/%s/%s/%s/%s", action, in.Partner, in.Person, in.At.Format(time.RFC3339Nano)), At: in.At, Kind: solution.Kind, Action: action, Person: in.Person,
			Partner: in.Partner, RequestKey: in.Key,
		}, list)
		return err
	}))
}
