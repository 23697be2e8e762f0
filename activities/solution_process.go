package activities

import (
	"context"
	"fmt"
	"time"

	"countersign/domain/approval"
	"countersign/domain/certificate"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/solution"

	"github.com/jmoiron/sqlx"
)

// solutionProcess is what the machinery of cases asks about a solution.
type solutionProcess struct{}

func (solutionProcess) matter(name string) approval.Matter { return solution.MatterOf(name) }

func (solutionProcess) facts(ctx context.Context, tx *sqlx.Tx, c caseRow) (caseFacts, error) {
	policy, err := solutionPolicy(ctx, tx, c.PolicyVersion)
	if err != nil {
		return caseFacts{}, err
	}
	return caseFacts{Signals: policy.DecideBySignal, OwnSide: func(p person.Person) bool { return solution.MayAct(p, c.Partner) && !p.OfVendor() }}, nil
}

func (solutionProcess) guard(ctx context.Context, tx *sqlx.Tx, c caseRow, r *round, _ taskRow, d approval.Decision, m approval.Move) (refusal.List, error) {
	return notOwn(ctx, tx, c, r, d, m)
}

// approvalFacts is what the conditions of a chain may ask for.
func approvalFacts(t solution.Type, certRound int) approval.Facts {
	return approval.Facts{Values: solution.Values(t, certRound > 1)}
}

// conclude ends a round: the last node's approval certifies from that instant on, whatever was left of a former certificate
// (CERT-06, CERT-07, CERT-10); a rejection leaves what is certified as it is (CERT-18).
func (solutionProcess) conclude(ctx context.Context, tx *sqlx.Tx, c caseRow, r *round, end conclusion) (refusal.List, error) {
	if err := solutionClock(ctx, tx, &c, end.e.At); err != nil { // the state at the decision's instant (CERT-17)
		return nil, err
	}
	if err := r.close(ctx, tx, end); err != nil {
		return nil, err
	}
	s, err := readSolution(ctx, tx, c.Number)
	if err != nil {
		return nil, err
	}
	policy, err := solutionPolicy(ctx, tx, c.PolicyVersion)
	if err != nil {
		return nil, err
	}
	e, to, notice := end.e, moveTo{State: string(solution.Rejected)}, solution.NotPassed
	switch {
	case end.outcome == approval.Approve:
		if s, err = certify(ctx, tx, c, s, policy.ValidFrom(e.At)); err != nil {
			return nil, err
		}
		e.Rule, notice = certifiedBy(s), solution.Passed
		to = certifiedMove(policy, s, solution.Certified)
	case s.From != nil:
		e.Rule = "CERT-18"
		to = certifiedMove(policy, s, solution.State(c.State))
	}
	if err := moveCase(ctx, tx, &c, to, e); err != nil {
		return nil, err
	}
	return nil, tellSolution(ctx, tx, c, notice, fmt.Sprintf("%s@%d", notice, r.number), toContact, end.line.Reason, e.At)
}

// certifiedBy is the rule under which a solution is certified.
func certifiedBy(s solutionRow) string {
	if s.CertRound > 1 {
		return "CERT-10"
	}
	return s.Type.Of("CERT-06", "CERT-07")
}

// certify writes the next certificate of what was sent last, and what follows for the partner's role.
func certify(ctx context.Context, tx *sqlx.Tx, c caseRow, s solutionRow, v solution.Validity) (solutionRow, error) {
	s.CertRound, s.Certified, s.Reminded = s.CertRound+1, &s.Draft, &v.CertifiedAt // reminders whose time has passed are not sent (CERT-23)
	s.From, s.WindowAt, s.Until = &v.CertifiedAt, &v.WindowAt, &v.Until
	if _, err := tx.ExecContext(ctx, `INSERT INTO solution_certifications (case_number, cert_round, draft_id, certified_at, window_opens_at, valid_until) VALUES ($1, $2, $3, $4, $5, $6)`,
		c.Number, s.CertRound, s.Draft, v.CertifiedAt, v.WindowAt, v.Until); err != nil {
		return s, fmt.Errorf("certify %s: %w", c.Number, err)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE solutions SET cert_round = $2, reminded_until = $3 WHERE case_number = $1`, c.Number, s.CertRound, v.CertifiedAt); err != nil {
		return s, fmt.Errorf("certify %s: %w", c.Number, err)
	}
	var d draftRow
	if err := tx.GetContext(ctx, &d, draftSQL+` WHERE draft_id = $1`, s.Draft); err != nil {
		return s, fmt.Errorf("read draft %s: %w", s.Draft, err)
	}
	if _, err := issueCertificate(ctx, tx, certificateOf{ // CERT-20
		Kind: certificate.Solution, Partner: c.Partner, Subject: c.Number, Name: d.Name, Grade: string(d.Type), Version: d.Version, Case: c.Number, Cycle: s.CertRound,
		From: v.CertifiedAt, Until: v.Until, At: v.CertifiedAt,
	}); err != nil {
		return s, err
	}
	if d.Type != solution.Cloud {
		return s, nil
	}
	return s, certifyRole(ctx, tx, c.Partner, v.CertifiedAt)
}

// certifyRole raises a partner who is on the software path with its role selected: a certified cloud software solution
// certifies the role (CERT-24). Its expiry takes nothing away. Who is on another stage, or not on the path, stays so.
func certifyRole(ctx context.Context, tx *sqlx.Tx, partner string, at time.Time) error {
	var rows []struct {
		From  time.Time  `db:"from_at"`
		Until *time.Time `db:"until_at"`
		Stage string     `db:"stage"`
	}
	if err := tx.SelectContext(ctx, &rows, `
		SELECT from_at, until_at, stage FROM partner_paths WHERE partner_id = $1 AND path = 'SW' AND from_at <= $2 AND (until_at IS NULL OR $2 < until_at)
		 ORDER BY from_at DESC LIMIT 1 FOR UPDATE`, partner, at); err != nil {
		return fmt.Errorf("read path of %s: %w", partner, err)
	}
	if len(rows) == 0 || rows[0].Stage != "SELECTED" {
		return nil
	}
	row := rows[0]
	if row.From.Equal(at) {
		_, err := tx.ExecContext(ctx, `UPDATE partner_paths SET stage = 'ROLE_CERTIFIED' WHERE partner_id = $1 AND path = 'SW' AND from_at = $2`, partner, at)
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE partner_paths SET until_at = $3 WHERE partner_id = $1 AND path = 'SW' AND from_at = $2`, partner, row.From, at); err != nil {
		return fmt.Errorf("end stage of %s: %w", partner, err)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO partner_paths (partner_id, path, stage, from_at, until_at) VALUES ($1, 'SW', 'ROLE_CERTIFIED', $2, $3)`, partner, at, row.Until); err != nil {
		return fmt.Errorf("certify role of %s: %w", partner, err)
	}
	return nil
}

func (solutionProcess) overdueRule(context.Context, *sqlx.Tx, caseRow, approval.Matter) (string, error) {
	return "", nil
}

func (solutionProcess) clock(ctx context.Context, tx *sqlx.Tx, c caseRow, _ event, now time.Time) (refusal.List, error) {
	return nil, solutionClock(ctx, tx, &c, now)
}

// stop: a certificate is a partner's right, and what is under review has an answer to come; so the case goes on.
func (solutionProcess) stop(_ context.Context, _ *sqlx.Tx, c caseRow, _ event) (refusal.List, error) {
	return refusal.List{refusal.New("ENG-03", "ENG_STATE", "case "+c.Number, "A solution is not stopped: the review answers it, its certificate ends by itself, and the partner deletes what was rejected.")}, nil
}

func (solutionProcess) about(ctx context.Context, tx *sqlx.Tx, number string) (money.Amount, string, error) {
	var about string
	if err := tx.GetContext(ctx, &about, `
		SELECT concat_ws(' ', d.kind, d.name, d.version) FROM solutions s LEFT JOIN solution_certifications v USING (case_number, cert_round)
		  JOIN solution_drafts d ON d.draft_id = coalesce(v.draft_id, s.draft_id) WHERE s.case_number = $1`, number); err != nil { // as certified, where it was
		return money.Zero, "", fmt.Errorf("read solution %s: %w", number, err)
	}
	return money.Zero, about, nil
}

// cycle is the certificate that a solution has, and the first one before that: a run serves one.
func (solutionProcess) cycle(ctx context.Context, tx *sqlx.Tx, number string) (int, error) {
	var cycle int
	if err := tx.GetContext(ctx, &cycle, `SELECT greatest(cert_round, 1) FROM solutions WHERE case_number = $1`, number); err != nil {
		return 0, fmt.Errorf("read cycle of %s: %w", number, err)
	}
	return cycle, nil
}
