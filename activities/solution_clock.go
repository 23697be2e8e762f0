package activities

import (
	"context"
	"fmt"
	"time"

	"countersign/domain/solution"

	"github.com/jmoiron/sqlx"
)

// solutionClock does what a certificate's instants ask for up to one, in their order, each once, however late the job is: the
// window opens, reminders go, the certificate ends (CERT-08, CERT-12, CERT-22). Where a state changes as a reminder goes, the state
// is first. The case is moved along.
func solutionClock(ctx context.Context, tx *sqlx.Tx, c *caseRow, now time.Time) error {
	s, err := readSolution(ctx, tx, c.Number)
	if err != nil || s.From == nil {
		return err
	}
	policy, err := solutionPolicy(ctx, tx, c.PolicyVersion)
	if err != nil {
		return err
	}
	v := *s.validity()
	moved := false
	for ; ; moved = true {
		moveAt, state, moves := v.Next(solution.State(c.State))
		reminder, reminds := policy.Reminder(v, *s.Reminded)
		switch {
		case moves && !moveAt.After(now) && (!reminds || !moveAt.After(reminder.At)):
			e := event{
				Key: fmt.Sprintf("%s/%d", state, s.CertRound), At: moveAt, Actor: "clock", Via: viaClock, Action: "open the window", Rule: s.Type.Of("CERT-08", "CERT-09"),
				Note: "it can be certified anew from now on",
			}
			if state == solution.Expired {
				e.Action, e.Rule, e.Note = "expire", "CERT-12", "it is not certified any more"
			}
			if err := moveCase(ctx, tx, c, certifiedMove(policy, s, state), e); err != nil {
				return err
			}
			if state == solution.Expired {
				if err := tellSolution(ctx, tx, *c, solution.RanOut, fmt.Sprintf("expired/%d", s.CertRound), toManager, "", moveAt); err != nil {
					return err
				}
			}
		case reminds && !reminder.At.After(now):
			e := event{
				Case: c.Number, Key: fmt.Sprintf("remind/%d/%d", s.CertRound, reminder.Days), At: reminder.At, Actor: "clock", Via: viaClock, Action: "remind",
				From: c.State, To: c.State, Rule: "CERT-22", Note: fmt.Sprintf("%d days before the day of expiry", reminder.Days),
			}
			if err := appendEvent(ctx, tx, e); err != nil {
				return err
			}
			if err := tellSolution(ctx, tx, *c, solution.RunsOut, fmt.Sprintf("remind/%d/%d", s.CertRound, reminder.Days), toManager, "", reminder.At); err != nil {
				return err
			}
			s.Reminded = &reminder.At
		case !moved:
			return nil
		default:
			return keepClock(ctx, tx, c, policy, s)
		}
	}
}

// keepClock keeps up to when reminders went, and when the clock does something next.
func keepClock(ctx context.Context, tx *sqlx.Tx, c *caseRow, policy solution.Policy, s solutionRow) error {
	if _, err := tx.ExecContext(ctx, `UPDATE solutions SET reminded_until = $2 WHERE case_number = $1`, c.Number, s.Reminded); err != nil {
		return fmt.Errorf("keep reminders of %s: %w", c.Number, err)
	}
	to := certifiedMove(policy, s, solution.State(c.State))
	if _, err := tx.ExecContext(ctx, `UPDATE cases SET due_at = $2, wake_at = $3 WHERE case_number = $1`, c.Number, to.DueAt, to.WakeAt); err != nil {
		return fmt.Errorf("keep clock of %s: %w", c.Number, err)
	}
	c.DueAt, c.WakeAt = to.DueAt, to.WakeAt
	return nil
}

// certifiedMove is a state of a solution that is or was certified, with its clock: it wakes for the next change or reminder, and
// lists show until when the certificate holds.
func certifiedMove(policy solution.Policy, s solutionRow, state solution.State) moveTo {
	to := moveTo{State: string(state)}
	v := *s.validity()
	if state != solution.Expired {
		to.DueAt = &v.Until
	}
	if at, _, moves := v.Next(state); moves {
		to.WakeAt = &at
	}
	if r, reminds := policy.Reminder(v, *s.Reminded); reminds && (to.WakeAt == nil || r.At.Before(*to.WakeAt)) {
		to.WakeAt = &r.At
	}
	return to
}

// readers of a notice, beside the partner's people.
type solutionReaders int

const (
	toPartner solutionReaders = iota
	toContact                 // and the contact whom the partner named
	toManager                 // and the ecosystem manager too
)

// tellSolution tells what became of a solution. Who is told twice by the partner's own choice of contact gets both: one is a
// person of the programme, the other an address.
func tellSolution(ctx context.Context, tx *sqlx.Tx, c caseRow, n solution.Notice, step string, to solutionReaders, note string, at time.Time) error {
	var s struct {
		Name    string     `db:"name"`
		Version string     `db:"version"`
		Email   string     `db:"contact_email"`
		Until   *time.Time `db:"valid_until"`
		Manager string     `db:"manager"`
	}
	if err := tx.GetContext(ctx, &s, `
		SELECT d.name, d.version, d.contact_email, v.valid_until, coalesce(m.person_id, '') AS manager
		  FROM solutions s LEFT JOIN solution_certifications v USING (case_number, cert_round)
		  JOIN solution_drafts d ON d.draft_id = CASE WHEN $2 THEN s.draft_id ELSE v.draft_id END
		  JOIN cases c ON c.case_number = s.case_number JOIN partners p ON p.partner_id = c.partner_id LEFT JOIN people m ON m.person_id = p.ecosystem_manager AND m.active
		 WHERE s.case_number = $1`, c.Number, n != solution.RunsOut && n != solution.RanOut); err != nil {
		return fmt.Errorf("read solution %s: %w", c.Number, err)
	}
	data := solution.NoticeData{Case: c.Number, Partner: c.Partner, Name: s.Name, Version: s.Version, Note: note}
	if s.Until != nil {
		data.Until, data.Expired = *s.Until, !at.Before(*s.Until)
	}
	subject, body := n.Text(data)
	key := fmt.Sprintf("%s/%s/%s", solution.Kind, c.Number, step)
	if err := notifyPartner(ctx, tx, c, solution.Applicants, subject, body, key, at); err != nil || to == toPartner {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO outbox (key, address, subject, body, written_at, next_at) SELECT $1 || '/contact', $2::text, $3, $4, $5, $5 WHERE $2 <> '' ON CONFLICT (key) DO NOTHING`,
		key, s.Email, subject, body, at); err != nil {
		return fmt.Errorf("notify contact: %w", err)
	}
	if to == toContact || s.Manager == "" {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO outbox (key, person_id, subject, body, written_at, next_at) VALUES ($1 || '/' || $2, $2, $3, $4, $5, $5) ON CONFLICT (key) DO NOTHING`,
		key, s.Manager, subject, body, at); err != nil {
		return fmt.Errorf("notify manager: %w", err)
	}
	return nil
}
