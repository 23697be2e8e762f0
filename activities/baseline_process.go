package activities

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"countersign/domain"
	"countersign/domain/approval"
	"countersign/domain/baseline"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/solution"

	"github.com/jmoiron/sqlx"
)

// baselineProcess is what the machinery of cases asks about a joint solution.
type baselineProcess struct{}

func (baselineProcess) matter(name string) approval.Matter { return baseline.MatterOf(name) }

func (baselineProcess) facts(ctx context.Context, tx *sqlx.Tx, c caseRow) (caseFacts, error) {
	policy, err := baselinePolicy(ctx, tx, c.PolicyVersion)
	return caseFacts{Signals: policy.DecideBySignal, OwnSide: func(p person.Person) bool { return baseline.MayAct(p, c.Partner) && !p.OfVendor() }}, err
}

func (baselineProcess) guard(ctx context.Context, tx *sqlx.Tx, c caseRow, r *round, _ taskRow, d approval.Decision, m approval.Move) (refusal.List, error) {
	list, err := notOwn(ctx, tx, c, r, d, m)
	if err != nil || r.matter != baseline.ReleaseMatter || m.Act != approval.Approve {
		return list, err
	}
	more, err := certifiable(ctx, tx, c.Number)
	return append(list, more...), err
}

// certifiable refuses a release that would make a certified solution as long as the programme says nothing about these (CERT-21).
func certifiable(ctx context.Context, tx *sqlx.Tx, number string) (refusal.List, error) {
	p, err := projectOf(ctx, tx, number)
	if err != nil || p.Lead != baseline.ByPartner {
		return nil, err
	}
	if _, err = solutionPolicy(ctx, tx, 0); errors.Is(err, domain.ErrNotFound) {
		return refusal.List{refusal.New("CERT-21", "CBC.0100", "case "+number,
			"What the partner leads becomes a certified solution, and the programme has no policy for solutions yet; set one, then release.")}, nil
	}
	return nil, err
}

// conclude ends a round: of the project and the release the main line moves on, of design and verification their track (CERT-27,
// CERT-28, CERT-30). The partner is told at once, with the comment.
func (baselineProcess) conclude(ctx context.Context, tx *sqlx.Tx, c caseRow, r *round, end conclusion) (refusal.List, error) {
	if err := r.close(ctx, tx, end); err != nil {
		return nil, err
	}
	e, effect := end.e, baseline.After(r.matter, end.outcome == approval.Approve)
	e.Rule = baseline.RuleOf(r.matter)
	var err error
	switch {
	case effect.State == baseline.Released:
		err = releaseBaseline(ctx, tx, &c, e)
	case effect.State != "":
		err = moveCase(ctx, tx, &c, moveTo{State: string(effect.State)}, e)
	case effect.Track != "":
		var tracks map[baseline.Track]baseline.On
		if tracks, err = readTracks(ctx, tx, c.Number); err == nil {
			err = moveTrack(ctx, tx, &c, effect.Track, tracks[effect.Track], baseline.On{State: effect.To}, e)
		}
	default:
		err = appendHere(ctx, tx, c, e)
	}
	if err != nil {
		return nil, err
	}
	return nil, tellBaseline(ctx, tx, c, baseline.NoticeOf(r.matter, end.outcome), fmt.Sprintf("%s@%d", r.matter.Name, r.number), end.line.Reason, e.At)
}

// releaseBaseline releases a solution: it is public and selectable from that instant on (CERT-30, CERT-31), and what the partner
// leads is a certified cloud software solution without another application (CERT-21). A configurator in the making keeps the case open.
func releaseBaseline(ctx context.Context, tx *sqlx.Tx, c *caseRow, e event) error {
	p, err := projectOf(ctx, tx, c.Number)
	if err != nil {
		return err
	}
	tracks, err := readTracks(ctx, tx, c.Number)
	if err != nil {
		return err
	}
	if err := moveCase(ctx, tx, c, moveTo{State: string(baseline.Released), Ended: tracks[baseline.Configurator].State != baseline.ConfiguratorInProgress}, e); err != nil {
		return err
	}
	var synced *string
	if p.Lead == baseline.ByPartner {
		number, err := syncSolution(ctx, tx, *c, *p, e.Actor, e.At)
		if err != nil {
			return err
		}
		synced = &number
	}
	if _, err := tx.ExecContext(ctx, `UPDATE baseline_projects SET released_at = $2, solution = $3 WHERE project_id = $1`, p.ID, e.At, synced); err != nil {
		return fmt.Errorf("release %s: %w", c.Number, err)
	}
	return nil
}

// syncSolution lists a released solution among the partner's certified cloud software solutions, with its certificate, and certifies
// the partner's role by it (CERT-21, CERT-24).
func syncSolution(ctx context.Context, tx *sqlx.Tx, c caseRow, p baseline.Project, by string, at time.Time) (string, error) {
	entry := solution.Entry{Type: solution.Cloud, Name: p.Name, Version: p.Version, Contact: p.Contact}
	for _, m := range []struct{ item, as string }{{baseline.FeatureList, solution.FeatureList}, {baseline.Presentation, solution.Presentation}} {
		f := p.Files[m.item]
		entry.Materials = append(entry.Materials, solution.Material{Type: m.as, Document: f.Document, Name: f.Name})
	}
	// Partners choose keys, too: nobody can have taken this one before.
	numbers, err := takeSolutions(ctx, tx, []takenSolution{{
		Key: fmt.Sprintf("%s/%s/%s", baseline.Kind, c.Number, rand.Text()), Partner: p.Partner, Submitter: c.Submitter, Origin: solution.Synced, PassedAt: at, Entry: entry,
	}}, by, at)
	if err != nil {
		return "", err
	}
	if len(numbers) != 1 {
		return "", fmt.Errorf("%w: %s was released before", errDefect, c.Number)
	}
	return numbers[0], certifyRole(ctx, tx, p.Partner, at)
}

func (baselineProcess) overdueRule(context.Context, *sqlx.Tx, caseRow, approval.Matter) (string, error) {
	return "", nil
}

// clock: a joint solution has no deadline of its own; its tasks have.
func (baselineProcess) clock(context.Context, *sqlx.Tx, caseRow, event, time.Time) (refusal.List, error) {
	return nil, nil
}

// stop: what is under review has an answer to come, and what the partner and the vendor build together waits for them.
func (baselineProcess) stop(_ context.Context, _ *sqlx.Tx, c caseRow, _ event) (refusal.List, error) {
	return refusal.List{refusal.New("ENG-03", "ENG_STATE", "case "+c.Number, "A joint solution is not stopped: its reviews answer it, and it ends with its release.")}, nil
}

func (baselineProcess) about(ctx context.Context, tx *sqlx.Tx, number string) (money.Amount, string, error) {
	var row struct {
		Name  string         `db:"name"`
		State baseline.State `db:"state"`
	}
	if err := tx.GetContext(ctx, &row, `SELECT p.name, c.state FROM baseline_projects p JOIN cases c USING (case_number) WHERE p.case_number = $1`, number); err != nil {
		return money.Zero, "", fmt.Errorf("read project of %s: %w", number, err)
	}
	tracks, err := readTracks(ctx, tx, number)
	if err != nil {
		return money.Zero, "", err
	}
	states := map[baseline.Track]baseline.State{}
	for t, on := range tracks {
		states[t] = on.State
	}
	return money.Zero, row.Name + ": " + baseline.Said(row.State, states), nil
}

// tellBaseline tells the partner's people what became of a joint solution (CERT-27).
func tellBaseline(ctx context.Context, tx *sqlx.Tx, c caseRow, n baseline.Notice, step, note string, at time.Time) error {
	var name string
	if err := tx.GetContext(ctx, &name, `SELECT name FROM baseline_projects WHERE case_number = $1`, c.Number); err != nil {
		return fmt.Errorf("read project of %s: %w", c.Number, err)
	}
	subject, body := n.Text(baseline.NoticeData{Case: c.Number, Partner: c.Partner, Name: name, Note: note})
	return notifyPartner(ctx, tx, c, baseline.Applicants, subject, body, fmt.Sprintf("%s/%s/%s", baseline.Kind, c.Number, step), at)
}

// SyncedSolution is the certified solution that a release became.
type SyncedSolution struct {
	Number     string `json:"number"` // empty: none, the vendor leads it
	Partner    string `json:"partner"`
	WorkflowID string `json:"workflow_id"`
}

// Synced answers which solution's run a release starts (CERT-21).
func (s *BaselineSolutions) Synced(ctx context.Context, number string) (SyncedSolution, error) {
	var out []SyncedSolution
	if err := s.DB.SelectContext(ctx, &out, `
		SELECT c.case_number AS number, c.partner_id AS partner, c.workflow_id AS workflowid FROM baseline_projects p JOIN cases c ON c.case_number = p.solution WHERE p.case_number = $1`, number); err != nil {
		return SyncedSolution{}, Final(fmt.Errorf("look for solution of %s: %w", number, err))
	}
	if len(out) == 0 {
		return SyncedSolution{}, nil
	}
	return out[0], nil
}
