package views

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"countersign/domain/baseline"
	"countersign/domain/organisation"
	"countersign/domain/solution"

	"github.com/lib/pq"
)

// Baseline is a joint solution as those who work on it see it.
type Baseline struct {
	Project    string           `db:"project_id"  json:"project"`
	Partner    string           `db:"partner_id"  json:"partner"`
	Name       string           `db:"name"        json:"name"`
	Version    string           `db:"version"     json:"version"`
	Summary    string           `db:"summary"     json:"summary"`
	Lead       baseline.Lead    `db:"lead"        json:"lead"`
	Case       string           `db:"case_number" json:"case,omitempty"` // empty: a draft
	State      baseline.State   `db:"state"       json:"state,omitempty"`
	Solution   string           `db:"solution"    json:"solution,omitempty"` // that its release became (CERT-21)
	SavedAt    time.Time        `db:"saved_at"    json:"saved_at"`
	ReleasedAt *time.Time       `db:"released_at" json:"released_at,omitempty"`
	Contact    solution.Contact `db:"contact"     json:"-"` // masked
	Files      []BaselineFile   `db:"-"           json:"files"`
	Tracks     []BaselineTrack  `db:"-"           json:"tracks"`
	Release    *BaselineRelease `db:"-"           json:"release,omitempty"`
	Comments   []string         `db:"-"           json:"comments"` // of the latest round of the main line (CERT-27, CERT-30)
}

// BaselineFile is one file; a staged one waits to be saved.
type BaselineFile struct {
	Item     string         `db:"item"        json:"item"`
	Name     string         `db:"name"        json:"name"`
	Document string         `db:"document_id" json:"document,omitempty"`
	Staged   bool           `db:"staged"      json:"staged,omitempty"`
	Checked  bool           `db:"checked"     json:"checked,omitempty"`
	Findings pq.StringArray `db:"findings"    json:"findings,omitempty"`
}

// BaselineTrack is where a track stands.
type BaselineTrack struct {
	Track     baseline.Track `db:"track"     json:"track"`
	State     baseline.State `db:"state"     json:"state"`
	Reference string         `db:"reference" json:"reference,omitempty"`
	Since     time.Time      `db:"since_at"  json:"since"`
}

// BaselineRelease is a release application as it was saved last.
type BaselineRelease struct {
	Note    string    `db:"note"     json:"note"`
	SavedBy string    `db:"saved_by" json:"saved_by"`
	SavedAt time.Time `db:"saved_at" json:"saved_at"`
}

// Baseline looks up a joint solution by its draft's number or its case's.
func (r Reader) Baseline(ctx context.Context, number string) (Baseline, error) {
	var b Baseline
	err := r.look(ctx, time.Time{}, func(l look) (err error) {
		if b, err = row[Baseline](ctx, l.q, "joint solution", number, baselineSQL+` WHERE $1 IN (p.project_id, p.case_number)`, number); err != nil {
			return err
		}
		return b.details(ctx, l)
	})
	m := &b.Contact
	m.Name, m.Mobile, m.Email = organisation.Masked("contact", m.Name, nil), organisation.Masked("mobile", m.Mobile, nil), organisation.Masked("email", m.Email, nil)
	return b, err
}

// Baselines lists joint solutions and drafts; an empty partner takes all.
func (r Reader) Baselines(ctx context.Context, partner string) ([]Baseline, error) {
	found, err := rows[Baseline](ctx, r.q(), "joint solutions", baselineSQL+` WHERE $1 IN ('', p.partner_id) ORDER BY p.project_id`, partner)
	for i := range found {
		found[i].Contact = solution.Contact{} // one that is opened has it, masked
	}
	return found, err
}

const baselineSQL = `
	SELECT p.project_id, p.partner_id, p.name, p.version, p.summary, p.lead, coalesce(p.case_number, '') AS case_number, coalesce(c.state, '') AS state,
	       coalesce(p.solution, '') AS solution, p.saved_at, p.released_at,
	       p.contact_name AS "contact.name", p.contact_mobile AS "contact.mobile", p.contact_email AS "contact.email"
	  FROM baseline_projects p LEFT JOIN cases c USING (case_number)`

func (b *Baseline) details(ctx context.Context, l look) (err error) {
	q := l.q
	if b.Files, err = rows[BaselineFile](ctx, q, "files", `
		SELECT item, name, document_id, false AS staged, checked_at IS NOT NULL AS checked, findings FROM baseline_files WHERE project_id = $1
		 UNION ALL SELECT item, name, '', true, false, NULL FROM baseline_uploads WHERE case_number = $2 ORDER BY item, staged`, b.Project, b.Case); err != nil {
		return err
	}
	if b.Tracks, err = rows[BaselineTrack](ctx, q, "tracks", `SELECT track, state, reference, since_at FROM baseline_tracks WHERE case_number = $1 ORDER BY since_at, track`, b.Case); err != nil {
		return err
	}
	releases, err := rows[BaselineRelease](ctx, q, "release", `SELECT note, saved_by, saved_at FROM baseline_releases WHERE case_number = $1`, b.Case)
	if err != nil {
		return err
	}
	if len(releases) == 1 {
		b.Release = &releases[0]
	}
	b.Comments, err = rows[string](ctx, q, "comments", `
		SELECT `+visible(l.as, `coalesce(person_id, 'clock') || ': ' || reason`, `reason`)+` FROM `+remarks(l.as)+` d
		 WHERE case_number = $1 AND reason <> ''
		   AND (matter, round) = (SELECT matter, round FROM approvals WHERE case_number = $1 AND matter IN ('project', 'release') ORDER BY opened_at DESC, matter DESC LIMIT 1) ORDER BY seq`, b.Case)
	return err
}

// ReleaseMaterial is what is downloaded to prepare a release, once the project is done (CERT-29); before, it is refused.
func (r Reader) ReleaseMaterial(ctx context.Context, number string) ([][]string, error) {
	b, err := row[struct {
		State  baseline.State `db:"state"`
		Policy []byte         `db:"body"`
	}](ctx, r.q(), "case", number, `SELECT c.state, p.body FROM cases c JOIN policies p ON p.kind = c.kind AND p.version = c.policy_version WHERE c.kind = $2 AND c.case_number = $1`, number, baseline.Kind)
	if err != nil {
		return nil, err
	}
	if list := baseline.JudgeMaterial(baseline.Project{Case: number, State: b.State}); len(list) > 0 {
		return nil, list
	}
	var p baseline.Policy
	if err := json.Unmarshal(b.Policy, &p); err != nil {
		return nil, fmt.Errorf("read policy of %s: %w", number, err)
	}
	return p.Material(), nil
}

// FeatureTemplate is what feature lists are made from, by the newest policy (CERT-26).
func (r Reader) FeatureTemplate(ctx context.Context) (baseline.Template, error) {
	body, err := row[[]byte](ctx, r.q(), "policy", baseline.Kind, `SELECT body FROM policies WHERE kind = $1 ORDER BY version DESC LIMIT 1`, baseline.Kind)
	if err != nil {
		return baseline.Template{}, err
	}
	var p baseline.Policy
	if err := json.Unmarshal(body, &p); err != nil {
		return baseline.Template{}, fmt.Errorf("read policy %s: %w", baseline.Kind, err)
	}
	return p.Features, nil
}

// ReleasedBaseline is a released joint solution as anybody may see it.
type ReleasedBaseline struct {
	Number     string    `db:"case_number" json:"number"`
	Name       string    `db:"name"        json:"name"`
	Version    string    `db:"version"     json:"version"`
	Summary    string    `db:"summary"     json:"summary"`
	Note       string    `db:"note"        json:"note"`
	Partner    string    `db:"partner"     json:"partner"` // its name
	Goods      string    `db:"goods"       json:"goods"`   // their number in the shop
	ReleasedAt time.Time `db:"released_at" json:"released_at"`
}

// ReleasedBaselines lists what the public site shows, the newest first (CERT-30).
func (r Reader) ReleasedBaselines(ctx context.Context) ([]ReleasedBaseline, error) {
	return rows[ReleasedBaseline](ctx, r.q(), "released solutions", `
		SELECT p.case_number, p.name, p.version, p.summary, l.note, a.name AS partner, t.reference AS goods, p.released_at
		  FROM baseline_projects p JOIN partners a USING (partner_id) JOIN baseline_releases l USING (case_number) JOIN baseline_tracks t ON t.case_number = p.case_number AND t.track = 'GOODS'
		 WHERE p.released_at IS NOT NULL ORDER BY p.released_at DESC, p.case_number`)
}

// Offering is what a partner can attach to an opportunity: its own, and deliverable.
type Offering struct {
	Kind   string `db:"kind"   json:"kind"` // baseline-solution, shop-good
	Number string `db:"number" json:"number"`
	Name   string `db:"name"   json:"name"`
}

// Offerings lists a partner's released joint solutions and its goods in the shop (CERT-31).
func (r Reader) Offerings(ctx context.Context, partner string) ([]Offering, error) {
	if err := r.mustExist(ctx, "partner", partner, partnerExistsSQL); err != nil {
		return nil, err
	}
	return rows[Offering](ctx, r.q(), "offerings", `
		SELECT 'baseline-solution' AS kind, case_number AS number, name FROM baseline_projects WHERE partner_id = $1 AND released_at IS NOT NULL
		 UNION ALL
		SELECT 'shop-good', t.reference, p.name FROM baseline_projects p JOIN baseline_tracks t USING (case_number) WHERE p.partner_id = $1 AND t.track = 'GOODS' AND t.state = 'GOODS_LISTED'
		 ORDER BY kind, number`, partner)
}
