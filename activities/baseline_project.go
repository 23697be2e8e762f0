package activities

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"countersign/domain/baseline"
	"countersign/domain/document"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/internal/csvfile"
	"countersign/internal/documents"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// BaselineProjects keeps what a partner's people enter and upload for joint solutions. No case waits for it, so it is done without
// Temporal, and the contact stays in the database.
type BaselineProjects struct {
	DB    *sqlx.DB
	Store *documents.Store
}

// SavedBaseline is a project as it is kept.
type SavedBaseline struct {
	Project string                   `json:"project"`
	Partner string                   `json:"partner"`
	Name    string                   `json:"name"`
	Case    string                   `json:"case,omitempty"` // empty: a draft
	State   baseline.State           `json:"state,omitempty"`
	Files   map[string]baseline.File `json:"files"`
}

// command runs one change of a project or its files; a refusal is kept beside those of requests that opened nothing.
func (b *BaselineProjects) command(ctx context.Context, action, id, by, key string, at time.Time, f func(tx *sqlx.Tx, p *baseline.Project, who *person.Person) (refusal.List, error)) (SavedBaseline, error) {
	var now SavedBaseline
	var partner string
	err := judged(ctx, b.DB, func(tx *sqlx.Tx) (refusal.List, error) {
		who, err := findPerson(ctx, tx, by)
		if err != nil {
			return nil, err
		}
		p, err := readBaseline(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		if p == nil && id != "" {
			return nil, unknown("project", id)
		}
		if p != nil {
			partner = p.Partner
		}
		if list, err := f(tx, p, who); err != nil || len(list) > 0 {
			return list, err
		}
		if p != nil {
			if p, err = readBaseline(ctx, tx, p.ID); err != nil || p == nil {
				return nil, err
			}
			now = SavedBaseline{Project: p.ID, Partner: p.Partner, Name: p.Name, Case: p.Case, State: p.State, Files: p.Files}
		}
		return nil, nil
	}, func(tx *sqlx.Tx, list refusal.List) error {
		_, err := recordRefusal(ctx, tx, refusedRequest{
			Key: fmt.Sprintf("%s/%s/%s/%s/%d", baseline.Kind, action, id, key, at.UnixMicro()), At: at, Kind: baseline.Kind, Action: action, Person: by, Partner: partner, RequestKey: key,
		}, list)
		return err
	})
	return now, Final(err)
}

// SaveBaselineInput saves a project: a new draft under a request key, or what is saved already.
type SaveBaselineInput struct {
	Project    string          // empty: a new draft
	Partner    string          // of a new draft
	RequestKey string          // of a new draft: the same again is the same draft
	Change     baseline.Change // on top of what is saved
	Person     string
	At         time.Time
}

// Save keeps a project, complete or not. Its name stays as it was first saved (CERT-25); a refused one can be changed (CERT-27).
func (b *BaselineProjects) Save(ctx context.Context, in SaveBaselineInput) (SavedBaseline, error) {
	in.At = stored(in.At)
	id, err := b.savedUnder(ctx, in)
	if err != nil {
		return SavedBaseline{}, Final(err)
	}
	if id == "" {
		return b.create(ctx, in)
	}
	return b.command(ctx, "save", id, in.Person, in.RequestKey, in.At, func(tx *sqlx.Tx, p *baseline.Project, who *person.Person) (refusal.List, error) {
		e := in.Change.In(p.Entry)
		if in.Project == "" && in.Change.In(baseline.Entry{Lead: baseline.ByPartner}) != p.Entry { // the key's draft, with other content
			return refusal.List{rules["com_20_request_key"]}, nil
		}
		list, err := unprintable(p.ID, e.Name, e.Version)
		if err != nil {
			return nil, err
		}
		if list = append(baseline.JudgeSave(e, baseline.SaveFacts{Person: who, By: in.Person, Partner: p.Partner, Known: true, Saved: p}), list...); len(list) > 0 {
			return list, nil
		}
		_, err = tx.ExecContext(ctx, `
			UPDATE baseline_projects SET version = $2, summary = $3, lead = $4, contact_name = $5, contact_mobile = $6, contact_email = $7, saved_by = $8, saved_at = $9 WHERE project_id = $1`,
			p.ID, e.Version, e.Summary, e.Lead, e.Contact.Name, e.Contact.Mobile, e.Contact.Email, in.Person, in.At)
		return nil, err
	})
}

// savedUnder is the project that is meant: the one that is named, or the one that a request key made; empty: a new one.
func (b *BaselineProjects) savedUnder(ctx context.Context, in SaveBaselineInput) (string, error) {
	if in.Project != "" {
		return in.Project, nil
	}
	var id []string
	err := b.DB.SelectContext(ctx, &id, `SELECT project_id FROM baseline_projects WHERE partner_id = $1 AND request_key = $2`, in.Partner, in.RequestKey)
	if err != nil || len(id) == 0 {
		return "", err
	}
	return id[0], nil
}

func (b *BaselineProjects) create(ctx context.Context, in SaveBaselineInput) (SavedBaseline, error) {
	var made SavedBaseline
	_, err := b.command(ctx, "save", "", in.Person, in.RequestKey, in.At, func(tx *sqlx.Tx, _ *baseline.Project, who *person.Person) (refusal.List, error) {
		known, err := knownPartner(ctx, tx, in.Partner)
		if err != nil {
			return nil, err
		}
		e := in.Change.In(baseline.Entry{Lead: baseline.ByPartner})
		list, err := unprintable("project", e.Name, e.Version)
		if err != nil {
			return nil, err
		}
		list = append(baseline.JudgeSave(e, baseline.SaveFacts{Person: who, By: in.Person, Partner: in.Partner, Known: known}), list...)
		if len(in.RequestKey) == 0 || len(in.RequestKey) > 64 {
			list = append(list, refusal.New("COM-20", "CBC.0100", "request", "A new draft carries a key of 1 to 64 characters of its own, so that a repeat is recognised."))
		}
		if len(list) > 0 {
			return list, nil
		}
		made = SavedBaseline{Partner: in.Partner, Name: e.Name, Files: map[string]baseline.File{}}
		if err := tx.GetContext(ctx, &made.Project, `
			INSERT INTO baseline_projects (project_id, partner_id, request_key, name, version, summary, lead, contact_name, contact_mobile, contact_email, saved_by, saved_at)
			VALUES (numbered('BD', nextval('baseline_draft_numbers')), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING project_id`,
			in.Partner, in.RequestKey, e.Name, e.Version, e.Summary, e.Lead, e.Contact.Name, e.Contact.Mobile, e.Contact.Email, in.Person, in.At); err != nil {
			return nil, fmt.Errorf("save project: %w", err)
		}
		return nil, nil
	})
	return made, err
}

// BaselineInput names a project, or a case, and who asks.
type BaselineInput struct {
	Project string
	Person  string
	At      time.Time
}

// Delete drops a draft with its files; what was submitted stays (CERT-25).
func (b *BaselineProjects) Delete(ctx context.Context, in BaselineInput) error {
	_, err := b.command(ctx, "delete", in.Project, in.Person, "", stored(in.At), func(tx *sqlx.Tx, p *baseline.Project, who *person.Person) (refusal.List, error) {
		if list := baseline.JudgeDelete(*p, who, in.Person); len(list) > 0 {
			return list, nil
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM baseline_projects WHERE project_id = $1`, p.ID)
		return nil, err
	})
	return err
}

// BaselineFileInput is a file that somebody uploads for a project.
type BaselineFileInput struct {
	Project string
	Item    string // what it is: presentation, feature-list, design, test-report, release:…
	Name    string // of the file; what it contains decides
	Content io.Reader
	Person  string
	At      time.Time
}

// Upload takes a file, instead of the one that the project has as the same. What nobody could look into, and what is no attachment,
// is refused (CERT-26). A file of a release waits to be saved (CERT-30); a new feature list is not checked yet.
func (b *BaselineProjects) Upload(ctx context.Context, in BaselineFileInput) (SavedBaseline, error) {
	in.At = stored(in.At)
	policy, err := baselinePolicy(ctx, b.DB, 0)
	if err != nil {
		return SavedBaseline{}, Final(err)
	}
	content, err := io.ReadAll(io.LimitReader(in.Content, policy.FileLimit+1))
	if err != nil {
		return SavedBaseline{}, fmt.Errorf("read %s: %w", in.Name, err)
	}
	seen, file := look(in, content, policy)
	guarded := func(f func(tx *sqlx.Tx, p *baseline.Project) error) (SavedBaseline, error) {
		return b.command(ctx, "upload", in.Project, in.Person, in.Item, in.At, func(tx *sqlx.Tx, p *baseline.Project, who *person.Person) (refusal.List, error) {
			facts := baseline.FileFacts{Person: who, By: in.Person, Saved: *p, Item: in.Item, Policy: policy}
			if err := tx.GetContext(ctx, &facts.Staged, `SELECT count(*) FROM baseline_uploads WHERE case_number = $1 AND item <> $2`, p.Case, in.Item); err != nil {
				return nil, fmt.Errorf("count uploads: %w", err)
			}
			if err := designFacts(ctx, tx, p.Case, &facts); err != nil {
				return nil, err
			}
			if list := baseline.JudgeFile(seen, facts); len(list) > 0 {
				return list, nil
			}
			return nil, f(tx, p)
		})
	}
	if _, release := baseline.OfRelease(in.Item); release {
		return guarded(func(tx *sqlx.Tx, p *baseline.Project) error {
			_, err := tx.ExecContext(ctx, `
				INSERT INTO baseline_uploads (case_number, item, name, media_type, content, added_by, added_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
				ON CONFLICT (case_number, item) DO UPDATE SET name = excluded.name, media_type = excluded.media_type, content = excluded.content, added_by = excluded.added_by, added_at = excluded.added_at`,
				p.Case, in.Item, seen.Name, seen.MediaType, content, in.Person, in.At)
			return err
		})
	}
	if now, err := guarded(func(*sqlx.Tx, *baseline.Project) error { return nil }); err != nil { // a stranger's file is not even stored
		return now, err
	}
	if err := b.Store.Put(ctx, file); err != nil {
		return SavedBaseline{}, Final(err)
	}
	return guarded(func(tx *sqlx.Tx, p *baseline.Project) error {
		return b.keep(ctx, tx, p.ID, in.Item, seen.Name, file, in.Person, in.At)
	})
}

// designFacts reads where the design track of a case stands and what people are asked about; a draft has neither.
func designFacts(ctx context.Context, tx *sqlx.Tx, number string, f *baseline.FileFacts) error {
	if number == "" {
		return nil
	}
	tracks, err := readTracks(ctx, tx, number)
	if err != nil {
		return err
	}
	f.Design = tracks[baseline.Design].State
	rounds, err := openRounds(ctx, tx, number)
	for _, r := range rounds {
		f.Open = append(f.Open, r.matter.Name)
	}
	return err
}

// look sees what a file is by its octets.
func look(in BaselineFileInput, content []byte, policy baseline.Policy) (baseline.Content, *documents.Document) {
	found := documents.Inspect(content)
	seen := baseline.Content{
		Name: document.CleanName(in.Name), MediaType: found.MediaType, Size: int64(len(content)), Fault: found.Fault, Protected: found.Protected, Program: found.Program, Entries: found.Entries,
	}
	if in.Item == baseline.FeatureList && found.MediaType == documents.Plain { // the check says whether it is one
		seen.MediaType = baseline.CSV
	}
	switch {
	case len(content) == 0:
		seen.Fault = "The file is empty; choose another."
	case seen.Size > policy.FileLimit:
		seen.Fault = fmt.Sprintf("The file is larger than %s; make it smaller or split it.", documents.Octets(policy.FileLimit))
	}
	return seen, documents.New(seen.MediaType, content)
}

// keep writes a file's row, and with it the content.
func (b *BaselineProjects) keep(ctx context.Context, tx *sqlx.Tx, project, item, name string, file *documents.Document, by string, at time.Time) error {
	if err := b.Store.Record(ctx, tx, file, by, at); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO baseline_files (project_id, item, document_id, name, added_by, added_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (project_id, item) DO UPDATE SET document_id = excluded.document_id, name = excluded.name, added_by = excluded.added_by, added_at = excluded.added_at,
		       checked_at = NULL, findings = NULL, check_policy = NULL WHERE baseline_files.document_id <> excluded.document_id`,
		project, item, file.ID, name, by, at); err != nil {
		return fmt.Errorf("keep %s of %s: %w", item, project, err)
	}
	return nil
}

// Check checks a project's feature list against the template of the newest policy, and keeps the result with the content (CERT-26).
func (b *BaselineProjects) Check(ctx context.Context, in BaselineInput) (SavedBaseline, error) {
	in.At = stored(in.At)
	policy, err := baselinePolicy(ctx, b.DB, 0)
	if err != nil {
		return SavedBaseline{}, Final(err)
	}
	var id []string
	if err := b.DB.SelectContext(ctx, &id, `SELECT document_id FROM baseline_files WHERE project_id = $1 AND item = $2`, in.Project, baseline.FeatureList); err != nil {
		return SavedBaseline{}, fmt.Errorf("look for feature list: %w", err)
	}
	findings := []string{}
	if len(id) == 1 {
		if findings, err = b.checkFile(ctx, policy, id[0]); err != nil {
			return SavedBaseline{}, Final(err)
		}
	}
	return b.command(ctx, "check", in.Project, in.Person, "", in.At, func(tx *sqlx.Tx, p *baseline.Project, who *person.Person) (refusal.List, error) {
		list := baseline.JudgeCheck(*p, who, in.Person)
		if len(list) > 0 || len(id) == 1 && p.Files[baseline.FeatureList].Document != id[0] { // another one was uploaded meanwhile
			return list, nil
		}
		_, err := tx.ExecContext(ctx, `UPDATE baseline_files SET checked_at = $3, findings = $4, check_policy = $5 WHERE project_id = $1 AND item = $2`,
			p.ID, baseline.FeatureList, in.At, pq.Array(findings), policy.Version)
		return nil, err
	})
}

func (b *BaselineProjects) checkFile(ctx context.Context, policy baseline.Policy, id string) ([]string, error) {
	_, from, err := b.Store.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	content, err := io.ReadAll(from)
	if err != nil {
		return nil, fmt.Errorf("read feature list: %w", err)
	}
	return CheckFeatureList(policy.Features, content), nil
}

// CheckFeatureList tells what is wrong with a feature list; nothing: it passed.
func CheckFeatureList(template baseline.Template, content []byte) []string {
	file, err := csvfile.NewReader(bytes.NewReader(content))
	if err != nil {
		return []string{err.Error()}
	}
	check := template.NewChecker(file.Header)
	for !check.Full() {
		cells, line, err := file.Read()
		var bad *csvfile.BadRecord
		switch {
		case errors.Is(err, io.EOF):
			return append([]string{}, check.End()...)
		case errors.As(err, &bad):
			check.Find(bad.Line, "%s", bad.Reason)
		case err != nil:
			return []string{err.Error()}
		default:
			check.Row(line, cells)
		}
	}
	return check.End()
}
