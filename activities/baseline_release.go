package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"countersign/domain/baseline"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/internal/documents"

	"github.com/jmoiron/sqlx"
)

// SaveReleaseInput saves a release application with what was uploaded for it.
type SaveReleaseInput struct {
	Project string
	Note    string // for the public site
	Person  string
	At      time.Time
}

// SaveRelease saves a release application: what was uploaded stays from now on (CERT-30).
func (b *BaselineProjects) SaveRelease(ctx context.Context, in SaveReleaseInput) (SavedBaseline, error) {
	in.At = stored(in.At)
	staged, err := b.staged(ctx, in.Project)
	if err != nil {
		return SavedBaseline{}, Final(err)
	}
	write := func(tx *sqlx.Tx, p *baseline.Project) error {
		for _, u := range staged {
			res, err := tx.ExecContext(ctx, `DELETE FROM baseline_uploads WHERE case_number = $1 AND item = $2 AND added_at = $3`, p.Case, u.Item, u.AddedAt)
			if err != nil {
				return fmt.Errorf("take up upload: %w", err)
			}
			if n, err := res.RowsAffected(); err != nil || n == 0 { // cancelled or replaced meanwhile
				return err
			}
			if err := b.keep(ctx, tx, p.ID, u.Item, u.Name, u.document(), u.AddedBy, u.AddedAt); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO baseline_releases (case_number, note, saved_by, saved_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (case_number) DO UPDATE SET note = excluded.note, saved_by = excluded.saved_by, saved_at = excluded.saved_at`, p.Case, in.Note, in.Person, in.At)
		return err
	}
	if now, err := b.release(ctx, "save release", in.Project, in.Person, in.Note, in.At, nil); err != nil { // a stranger's is not even stored
		return now, err
	}
	for _, u := range staged {
		if err := b.Store.Put(ctx, u.document()); err != nil {
			return SavedBaseline{}, Final(err)
		}
	}
	return b.release(ctx, "save release", in.Project, in.Person, in.Note, in.At, write)
}

// CancelRelease drops what was uploaded and not saved; what was saved stays (CERT-30).
func (b *BaselineProjects) CancelRelease(ctx context.Context, in BaselineInput) (SavedBaseline, error) {
	return b.release(ctx, "cancel release", in.Project, in.Person, "", stored(in.At), func(tx *sqlx.Tx, p *baseline.Project) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM baseline_uploads WHERE case_number = $1`, p.Case)
		return err
	})
}

// DeleteRelease drops a saved release application with its files (CERT-30).
func (b *BaselineProjects) DeleteRelease(ctx context.Context, in BaselineInput) (SavedBaseline, error) {
	return b.release(ctx, "delete release", in.Project, in.Person, "", stored(in.At), func(tx *sqlx.Tx, p *baseline.Project) error {
		for _, drop := range []string{
			`DELETE FROM baseline_uploads WHERE case_number = $1`, `DELETE FROM baseline_releases WHERE case_number = $1`,
			`DELETE FROM baseline_files f USING baseline_projects p WHERE f.project_id = p.project_id AND p.case_number = $1 AND f.item LIKE 'release:%'`,
		} {
			if _, err := tx.ExecContext(ctx, drop, p.Case); err != nil {
				return fmt.Errorf("delete release of %s: %w", p.Case, err)
			}
		}
		return nil
	})
}

// release runs one change of a release application, and keeps it in the case's history (PGM-12); without f it is judged only.
func (b *BaselineProjects) release(ctx context.Context, action, project, by, note string, at time.Time, f func(*sqlx.Tx, *baseline.Project) error) (SavedBaseline, error) {
	return b.command(ctx, action, project, by, "", at, func(tx *sqlx.Tx, p *baseline.Project, who *person.Person) (refusal.List, error) {
		list := baseline.JudgeRelease(*p, who, by)
		if len([]rune(note)) > 2000 {
			list = append(list, refusal.New("ENG-06", "CBC.0100", "release", "A note has at most 2000 characters."))
		}
		if len(list) > 0 || f == nil {
			return list, nil
		}
		if err := f(tx, p); err != nil {
			return nil, err
		}
		return nil, appendHere(ctx, tx, caseRow{Number: p.Case}, event{
			Key: fmt.Sprintf("%s/%s/%d", action, by, at.UnixMicro()), At: at, Actor: by, Via: viaRequest, Action: action, Rule: "CERT-30",
		})
	})
}

// dropUploads drops what was uploaded for releases and neither saved nor cancelled in time, and says so in the case's history with
// the instant at which its time was over (CERT-30). Nothing of it was stored elsewhere.
func dropUploads(ctx context.Context, db *sqlx.DB, now time.Time) error {
	before := now.Add(-baseline.UploadsKept)
	var cases []string
	if err := db.SelectContext(ctx, &cases, `SELECT DISTINCT case_number FROM baseline_uploads WHERE added_at <= $1 ORDER BY 1`, before); err != nil {
		return fmt.Errorf("look for uploads: %w", err)
	}
	var failed []error
	for _, number := range cases {
		failed = append(failed, inTx(ctx, db, func(tx *sqlx.Tx) error {
			c, err := lockCase(ctx, tx, number)
			if err != nil {
				return err
			}
			var dropped []upload
			if err := tx.SelectContext(ctx, &dropped, `DELETE FROM baseline_uploads WHERE case_number = $1 AND added_at <= $2 RETURNING item, name, added_at`, number, before); err != nil {
				return fmt.Errorf("drop uploads of %s: %w", number, err)
			}
			for _, u := range dropped {
				if err := appendHere(ctx, tx, c, event{
					Key: fmt.Sprintf("drop/%s/%d", u.Item, u.AddedAt.UnixMicro()), At: u.AddedAt.Add(baseline.UploadsKept), Actor: "clock", Via: viaClock, Action: "drop upload",
					Rule: "CERT-30", Note: u.Item + " was neither saved nor cancelled",
				}); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	return errors.Join(failed...)
}

// upload is a file that waits to be saved.
type upload struct {
	Item      string    `db:"item"`
	Name      string    `db:"name"`
	MediaType string    `db:"media_type"`
	Content   []byte    `db:"content"`
	AddedBy   string    `db:"added_by"`
	AddedAt   time.Time `db:"added_at"`
}

func (u upload) document() *documents.Document { return documents.New(u.MediaType, u.Content) }

func (b *BaselineProjects) staged(ctx context.Context, project string) (out []upload, err error) {
	err = b.DB.SelectContext(ctx, &out, `
		SELECT u.item, u.name, u.media_type, u.content, u.added_by, u.added_at FROM baseline_uploads u JOIN baseline_projects p USING (case_number) WHERE p.project_id = $1 ORDER BY u.item`, project)
	return out, err
}
