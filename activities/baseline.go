package activities

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"countersign/domain/approval"
	"countersign/domain/baseline"
	"countersign/domain/refusal"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// BaselineSolutions records what happens to joint solutions beside decisions.
type BaselineSolutions struct{ DB *sqlx.DB }

func baselinePolicy(ctx context.Context, tx sqlx.QueryerContext, version int) (p baseline.Policy, err error) {
	p.Version, err = casePolicy(ctx, tx, baseline.Kind, version, &p)
	return p, err
}

// readBaseline reads a project with its files and its case's state, and keeps others from changing it; nil: there is none. The case
// is locked first, as every step of a case does, so that none waits for the other.
func readBaseline(ctx context.Context, tx *sqlx.Tx, id string) (*baseline.Project, error) {
	var p struct {
		ID      string `db:"project_id"`
		Partner string `db:"partner_id"`
		Name    string `db:"name"`
		Version string `db:"version"`
		Summary string `db:"summary"`
		Lead    string `db:"lead"`
		Contact string `db:"contact_name"`
		Mobile  string `db:"contact_mobile"`
		Email   string `db:"contact_email"`
		Case    string `db:"case_number"`
	}
	var of []string
	if err := tx.SelectContext(ctx, &of, `SELECT case_number FROM baseline_projects WHERE project_id = $1 AND case_number IS NOT NULL`, id); err != nil {
		return nil, fmt.Errorf("look for case of %s: %w", id, err)
	}
	for _, number := range of {
		if _, err := lockCase(ctx, tx, number); err != nil {
			return nil, err
		}
	}
	err := tx.GetContext(ctx, &p, `
		SELECT project_id, partner_id, name, version, summary, lead, contact_name, contact_mobile, contact_email, coalesce(case_number, '') AS case_number
		  FROM baseline_projects WHERE project_id = $1 FOR NO KEY UPDATE`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read project %s: %w", id, err)
	}
	out := baseline.Project{ID: p.ID, Partner: p.Partner, Case: p.Case, Files: map[string]baseline.File{}}
	out.Name, out.Version, out.Summary, out.Lead = p.Name, p.Version, p.Summary, baseline.Lead(p.Lead)
	out.Contact.Name, out.Contact.Mobile, out.Contact.Email = p.Contact, p.Mobile, p.Email
	if p.Case != "" {
		c, err := lockCase(ctx, tx, p.Case)
		if err != nil {
			return nil, err
		}
		out.State = baseline.State(c.State)
	}
	var files []struct {
		Item     string         `db:"item"`
		Document string         `db:"document_id"`
		Name     string         `db:"name"`
		Checked  bool           `db:"checked"`
		Findings pq.StringArray `db:"findings"`
	}
	if err := tx.SelectContext(ctx, &files, `SELECT item, document_id, name, checked_at IS NOT NULL AS checked, findings FROM baseline_files WHERE project_id = $1`, id); err != nil {
		return nil, fmt.Errorf("read files of %s: %w", id, err)
	}
	for _, f := range files {
		out.Files[f.Item] = baseline.File{Document: f.Document, Name: f.Name, Checked: f.Checked, Findings: f.Findings}
	}
	return &out, nil
}

// projectOf reads the project of a case.
func projectOf(ctx context.Context, tx *sqlx.Tx, number string) (*baseline.Project, error) {
	var id string
	if err := tx.GetContext(ctx, &id, `SELECT project_id FROM baseline_projects WHERE case_number = $1`, number); err != nil {
		return nil, fmt.Errorf("look for project of %s: %w", number, err)
	}
	return readBaseline(ctx, tx, id)
}

// OpenBaselineInput asks to open a project's case.
type OpenBaselineInput struct {
	Submission baseline.Submission
	WorkflowID string
	RunID      string
	At         time.Time
}

// OpenBaseline judges a draft and opens its case with the review of the project asked, in one step (CERT-26, CERT-27). The same
// request key answers the first case; a refusal opens nothing.
func (s *BaselineSolutions) OpenBaseline(ctx context.Context, in OpenBaselineInput) (Standing, error) {
	sub, at := in.Submission.Storable(), stored(in.At)
	n := newCase{
		Kind: baseline.Kind, Prefix: "BL", Partner: sub.PartnerID, Submitter: sub.Submitter, RequestKey: sub.RequestKey, Digest: sub.Digest(),
		WorkflowID: in.WorkflowID, RunID: in.RunID, At: at,
	}
	return n.open(ctx, s.DB, func(tx *sqlx.Tx) (string, refusal.List, error) {
		policy, err := baselinePolicy(ctx, tx, 0)
		if err != nil {
			return "", nil, err
		}
		f := baseline.SubmitFacts{At: at}
		if f.Person, err = findPerson(ctx, tx, sub.Submitter); err != nil {
			return "", nil, err
		}
		if f.Known, err = knownPartner(ctx, tx, sub.PartnerID); err != nil {
			return "", nil, err
		}
		if f.Saved, err = readBaseline(ctx, tx, sub.Project); err != nil {
			return "", nil, err
		}
		if list := baseline.JudgeSubmission(sub, f); len(list) > 0 {
			return "", list, nil
		}
		c, err := n.insert(ctx, tx, moveTo{State: string(baseline.ProjectReview)}, policy.Version)
		if err != nil {
			return "", nil, err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE baseline_projects SET case_number = $2 WHERE project_id = $1`, sub.Project, c.Number); err != nil {
			return "", nil, fmt.Errorf("bind project: %w", err)
		}
		e := event{Case: c.Number, Key: "submit", At: at, Actor: sub.Submitter, Via: viaRequest, Action: "submit", To: string(baseline.ProjectReview), Rule: "CERT-27", Note: sub.Project}
		if err := appendEvent(ctx, tx, e); err != nil {
			return "", nil, err
		}
		f.Saved.Case, f.Saved.State = c.Number, baseline.ProjectReview
		list, err := askBaseline(ctx, tx, c, policy, *f.Saved, baseline.ProjectMatter, sub.Submitter, sub.RequestKey, sub.Digest(), at)
		if err != nil || len(list) > 0 {
			return "", list, err
		}
		return c.Number, nil, tellBaseline(ctx, tx, c, baseline.Submitted, "submitted", "", at)
	})
}

// knownPartner tells whether there is such a partner, and keeps it.
func knownPartner(ctx context.Context, tx *sqlx.Tx, partner string) (known bool, err error) {
	if err := tx.GetContext(ctx, &known, `SELECT EXISTS (SELECT 1 FROM partners WHERE partner_id = $1)`, partner); err != nil {
		return false, fmt.Errorf("look for partner %s: %w", partner, err)
	}
	return known, nil
}

// sentProject is what a round is about, kept with it: nobody's data, and the files by their contents (PGM-11).
type sentProject struct {
	RequestKey string                   `json:"request_key"`
	Name       string                   `json:"name"`
	Version    string                   `json:"version"`
	Summary    string                   `json:"summary"`
	Lead       baseline.Lead            `json:"lead"`
	Files      map[string]baseline.File `json:"files"`
}

// askBaseline puts a matter to the vendor's people.
func askBaseline(ctx context.Context, tx *sqlx.Tx, c caseRow, policy baseline.Policy, p baseline.Project, m approval.Matter, by, key string, digest []byte, at time.Time) (refusal.List, error) {
	application, err := sent(sentProject{RequestKey: key, Name: p.Name, Version: p.Version, Summary: p.Summary, Lead: p.Lead, Files: p.Files}, digest)
	if err != nil {
		return nil, err
	}
	_, list, err := openRound(ctx, tx, c, matterOpening{
		Matter: m, Chain: policy.Chain(m), OpenedBy: by, At: at, From: at, Application: application,
		Facts: approval.Facts{Values: baseline.Values(p.Lead)}, Question: baseline.Question(m, p.Name),
	})
	return list, err
}

// ActBaselineInput is one request about a case.
type ActBaselineInput struct {
	Case string
	Act  baseline.Act
	At   time.Time
}

// ActBaseline judges a request about a joint solution and does what follows from it: its main line or a track moves on, and the
// vendor is asked where there is something to decide (CERT-27 to CERT-30). The same request key again changes nothing.
func (s *BaselineSolutions) ActBaseline(ctx context.Context, in ActBaselineInput) (Standing, error) {
	a, at := in.Act.Storable(), stored(in.At)
	step := caseStep{
		db: s.DB, number: in.Case, key: fmt.Sprintf("act/%s/%s", a.Action, a.RequestKey), actor: a.Person, via: viaRequest, action: string(a.Action), note: a.Reference, at: at,
	}
	return step.do(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) {
		f, err := baselineFacts(ctx, tx, c, a)
		if err != nil {
			return nil, err
		}
		effect, list := baseline.JudgeAct(a, f)
		if len(list) > 0 {
			return list, nil
		}
		e := step.event()
		e.Rule = a.Action.Rule()
		switch {
		case effect.State != "":
			err = moveCase(ctx, tx, &c, moveTo{State: string(effect.State)}, e)
		case effect.Track != "":
			err = moveTrack(ctx, tx, &c, effect.Track, f.Tracks[effect.Track], baseline.On{State: effect.To, Reference: trackReference(a, f)}, e)
		default:
			err = appendHere(ctx, tx, c, e)
		}
		if err != nil || effect.Ask.Name == "" {
			return nil, err
		}
		return askBaseline(ctx, tx, c, f.Policy, f.Saved, effect.Ask, a.Person, a.RequestKey, a.Digest(), at)
	})
}

// trackReference is what a track keeps: what came with the act, else what it has.
func trackReference(a baseline.Act, f baseline.ActFacts) string {
	if a.Action == baseline.EndConfigurator {
		return f.Tracks[baseline.Configurator].Reference
	}
	return a.Reference
}

// baselineFacts reads what an act is judged by.
func baselineFacts(ctx context.Context, tx *sqlx.Tx, c caseRow, a baseline.Act) (f baseline.ActFacts, err error) {
	if f.Policy, err = baselinePolicy(ctx, tx, c.PolicyVersion); err != nil {
		return f, err
	}
	if f.Person, err = findPerson(ctx, tx, a.Person); err != nil {
		return f, err
	}
	if a.Action == baseline.BeginConfigurator {
		if f.Helper, err = findPerson(ctx, tx, a.Reference); err != nil {
			return f, err
		}
	}
	saved, err := projectOf(ctx, tx, c.Number)
	if err != nil {
		return f, err
	}
	f.Saved = *saved
	if f.Tracks, err = readTracks(ctx, tx, c.Number); err != nil {
		return f, err
	}
	rounds, err := openRounds(ctx, tx, c.Number)
	if err != nil {
		return f, err
	}
	for _, r := range rounds {
		f.Open = append(f.Open, r.matter.Name)
	}
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM baseline_releases WHERE case_number = $1), (SELECT count(*) FROM baseline_uploads WHERE case_number = $1)`, c.Number).Scan(&f.Release, &f.Staged)
	if err != nil {
		return f, fmt.Errorf("read release of %s: %w", c.Number, err)
	}
	return f, nil
}

func readTracks(ctx context.Context, tx *sqlx.Tx, number string) (map[baseline.Track]baseline.On, error) {
	var rows []struct {
		Track     baseline.Track `db:"track"`
		State     baseline.State `db:"state"`
		Reference string         `db:"reference"`
	}
	if err := tx.SelectContext(ctx, &rows, `SELECT track, state, reference FROM baseline_tracks WHERE case_number = $1`, number); err != nil {
		return nil, fmt.Errorf("read tracks of %s: %w", number, err)
	}
	tracks := map[baseline.Track]baseline.On{}
	for _, r := range rows {
		tracks[r.Track] = baseline.On{State: r.State, Reference: r.Reference}
	}
	return tracks, nil
}

// moveTrack carries one track on; the main line stays where it is (CERT-28). A released solution whose configurator was still in the
// making ends with it.
func moveTrack(ctx context.Context, tx *sqlx.Tx, c *caseRow, track baseline.Track, from, to baseline.On, e event) error {
	write, args := `INSERT INTO baseline_tracks (case_number, track, state, reference, since_at) VALUES ($1, $2, $3, $4, $5)`, []any{c.Number, track, to.State, to.Reference, e.At}
	if from.State != "" {
		write, args = `UPDATE baseline_tracks SET state = $3, reference = $4, since_at = $5 WHERE case_number = $1 AND track = $2 AND state = $6`, append(args, from.State)
	}
	res, err := tx.ExecContext(ctx, write, args...)
	if err != nil {
		return fmt.Errorf("move track %s of %s: %w", track, c.Number, err)
	}
	if err := one(res, fmt.Errorf("%w: track %s of %s left %s under the case's lock", errDefect, track, c.Number, from.State)); err != nil {
		return err
	}
	if track == baseline.Configurator && to.State == baseline.ConfiguratorDone && c.State == string(baseline.Released) {
		return moveCase(ctx, tx, c, moveTo{State: c.State, Ended: true}, e)
	}
	return appendHere(ctx, tx, *c, e)
}
