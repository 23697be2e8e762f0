package activities

import (
	"context"
	"fmt"
	"time"

	"countersign/domain/approval"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/specialist"

	"github.com/jmoiron/sqlx"
)

// specialistProcess is what the machinery of cases asks about a project specialist.
type specialistProcess struct{}

// specialistRow is what a specialist has beside the case.
type specialistRow struct {
	Account string           `db:"account_id"`
	Name    string           `db:"name"`
	Path    specialist.Path  `db:"path"`
	Before  specialist.State `db:"before_cancel"`
}

func readSpecialist(ctx context.Context, tx *sqlx.Tx, number string) (specialistRow, error) {
	var s specialistRow
	if err := tx.GetContext(ctx, &s, `SELECT account_id, a.name, path, before_cancel FROM project_specialists JOIN personal_accounts a USING (account_id) WHERE case_number = $1`, number); err != nil {
		return s, fmt.Errorf("read specialist %s: %w", number, err)
	}
	return s, nil
}

func specialistPolicy(ctx context.Context, tx *sqlx.Tx, version int) (p specialist.Policy, err error) {
	p.Version, err = casePolicy(ctx, tx, specialist.Kind, version, &p)
	return p, err
}

func (specialistProcess) matter(name string) approval.Matter { return specialist.MatterOf(name) }

func (specialistProcess) facts(ctx context.Context, tx *sqlx.Tx, c caseRow) (caseFacts, error) {
	policy, err := specialistPolicy(ctx, tx, c.PolicyVersion)
	return caseFacts{Signals: policy.DecideBySignal, OwnSide: func(p person.Person) bool { return p.PartnerID == c.Partner }}, err
}

func (specialistProcess) guard(ctx context.Context, tx *sqlx.Tx, c caseRow, r *round, _ taskRow, d approval.Decision, m approval.Move) (refusal.List, error) {
	return notOwn(ctx, tx, c, r, d, m)
}

// conclude does what the vendor decided on an application (ORG-38) or a cancellation (ORG-42).
func (specialistProcess) conclude(ctx context.Context, tx *sqlx.Tx, c caseRow, r *round, end conclusion) (refusal.List, error) {
	if err := r.close(ctx, tx, end); err != nil {
		return nil, err
	}
	verdict := specialist.VerdictOf(r.matter, end.outcome)
	end.e.Rule = verdict.Rule
	return nil, moveSpecialist(ctx, tx, c, verdict.To, end.e, end.line.Reason)
}

// moveSpecialist carries a case to what the vendor decided, and tells the partner and the member.
func moveSpecialist(ctx context.Context, tx *sqlx.Tx, c caseRow, to specialist.State, e event, note string) error {
	ended := specialist.Ended(to)
	if ended {
		if _, err := tx.ExecContext(ctx, `UPDATE project_specialists SET ended_at = $2 WHERE case_number = $1`, c.Number, e.At); err != nil {
			return fmt.Errorf("end specialist: %w", err)
		}
	}
	if err := moveCase(ctx, tx, &c, moveTo{State: string(to), Ended: ended}, e); err != nil {
		return err
	}
	row, err := readSpecialist(ctx, tx, c.Number)
	if err != nil {
		return err
	}
	subject, body := specialist.Text(specialist.NoticeData{Case: c.Number, Partner: c.Partner, Member: row.Name, Path: row.Path, State: to, Note: note})
	key := fmt.Sprintf("%s/%s/%s", specialist.Kind, c.Number, e.Key)
	if err := notifyPartner(ctx, tx, c, specialist.Applicants, subject, body, key, e.At); err != nil {
		return err
	}
	return notifyMember(ctx, tx, row.Account, subject, body, key, false, e.At)
}

func (specialistProcess) overdueRule(context.Context, *sqlx.Tx, caseRow, approval.Matter) (string, error) {
	return "", nil
}

// clock: a specialist has no term of its own; those of tasks are the machinery's.
func (specialistProcess) clock(ctx context.Context, tx *sqlx.Tx, c caseRow, _ event, _ time.Time) (refusal.List, error) {
	return nil, setWake(ctx, tx, c.Number, nil)
}

// stop: who is a specialist stays one whatever happens to a run; the vendor decides, or strikes off.
func (specialistProcess) stop(_ context.Context, _ *sqlx.Tx, c caseRow, _ event) (refusal.List, error) {
	return refusal.List{refusal.New("ENG-03", "ENG_STATE", "case "+c.Number, "A specialist is not stopped with the run; the vendor decides what is under review, or strikes the specialist off.")}, nil
}

func (specialistProcess) about(ctx context.Context, tx *sqlx.Tx, number string) (money.Amount, string, error) {
	row, err := readSpecialist(ctx, tx, number)
	return money.Zero, fmt.Sprintf("specialist %s on path %s", row.Account, row.Path), err
}

// specialistState is where a member stands as the partner's project specialist, over all paths; empty: is none (ORG-37).
func specialistState(ctx context.Context, tx *sqlx.Tx, partner, account string) (state string, err error) {
	if err := tx.GetContext(ctx, &state, `SELECT specialist_state($1, $2)`, partner, account); err != nil {
		return "", fmt.Errorf("read specialist %s of %s: %w", account, partner, err)
	}
	return state, nil
}
