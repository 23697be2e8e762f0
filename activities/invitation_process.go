package activities

import (
	"context"
	"fmt"
	"time"

	"countersign/domain/approval"
	"countersign/domain/member"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"

	"github.com/jmoiron/sqlx"
)

// invitationProcess is what the machinery of cases asks about an invitation. Nobody decides tasks of it: there are none.
type invitationProcess struct{}

func (invitationProcess) matter(name string) approval.Matter { return member.MatterOf(name) }

func (invitationProcess) facts(_ context.Context, _ *sqlx.Tx, c caseRow) (caseFacts, error) {
	return caseFacts{OwnSide: func(p person.Person) bool { return p.PartnerID == c.Partner }}, nil
}

func (invitationProcess) guard(context.Context, *sqlx.Tx, caseRow, *round, taskRow, approval.Decision, approval.Move) (refusal.List, error) {
	return nil, nil
}

func (invitationProcess) conclude(_ context.Context, _ *sqlx.Tx, c caseRow, r *round, _ conclusion) (refusal.List, error) {
	return nil, fmt.Errorf("%w: invitation %s has a round of %q", errDefect, c.Number, r.matter.Name)
}

func (invitationProcess) overdueRule(context.Context, *sqlx.Tx, caseRow, approval.Matter) (string, error) {
	return "", nil
}

// clock reminds the member once, and lets the invitation lapse with its deadline, however late the clock is (ORG-27). Nobody is
// reminded of what has lapsed.
func (invitationProcess) clock(ctx context.Context, tx *sqlx.Tx, c caseRow, e event, now time.Time) (refusal.List, error) {
	var last struct {
		Account string    `db:"account_id"`
		Sending int       `db:"sending"`
		Expires time.Time `db:"expires_at"`
	}
	if err := tx.GetContext(ctx, &last, newestLinkSQL, c.Number); err != nil {
		return nil, fmt.Errorf("read link of %s: %w", c.Number, err)
	}
	if !now.Before(last.Expires) { // ORG-27
		e.Key, e.At, e.Action, e.Rule, e.Note = "lapse", last.Expires, "lapse", "ORG-27", "the member did not accept in time"
		if err := endInvitation(ctx, tx, &c, member.Lapsed, e); err != nil {
			return nil, err
		}
		return nil, tellAdministrators(ctx, tx, c, member.HasLapsed, member.NoticeData{Case: c.Number, Account: last.Account}, now)
	}
	e.Key, e.At, e.Action, e.Rule, e.Note = fmt.Sprintf("remind/%d", last.Sending), *c.WakeAt, "remind", "ORG-27", ""
	if err := moveCase(ctx, tx, &c, moveTo{State: c.State, DueAt: &last.Expires, WakeAt: &last.Expires}, e); err != nil {
		return nil, err
	}
	data := member.NoticeData{Case: c.Number, Account: last.Account, ExpiresAt: last.Expires}
	return nil, tellMember(ctx, tx, c, member.Reminder, data, fmt.Sprintf("reminder@%d", last.Sending), false, now)
}

// stop: an invitation ends by itself within days, so its case goes on.
func (invitationProcess) stop(_ context.Context, _ *sqlx.Tx, c caseRow, _ event) (refusal.List, error) {
	return refusal.List{refusal.New("ENG-03", "ENG_STATE", "case "+c.Number, "An invitation is not stopped: the member accepts it, or it lapses by itself.")}, nil
}

func (invitationProcess) about(ctx context.Context, tx *sqlx.Tx, number string) (money.Amount, string, error) {
	var account string
	if err := tx.GetContext(ctx, &account, `SELECT account_id FROM invitations WHERE case_number = $1`, number); err != nil {
		return money.Zero, "", fmt.Errorf("read invitation %s: %w", number, err)
	}
	return money.Zero, "invitation of account " + account, nil
}

// endInvitation carries an invitation that holds no more to its end; the member may be invited anew (ORG-33).
func endInvitation(ctx context.Context, tx *sqlx.Tx, c *caseRow, to member.State, e event) error {
	if _, err := tx.ExecContext(ctx, `UPDATE invitations SET live = false WHERE case_number = $1`, c.Number); err != nil {
		return fmt.Errorf("end invitation: %w", err)
	}
	return moveCase(ctx, tx, c, moveTo{State: string(to), Ended: true}, e)
}

// tellBoth tells the member and the partner's administrators what became of an invitation.
func tellBoth(ctx context.Context, tx *sqlx.Tx, c caseRow, n member.Notice, at time.Time) error {
	data := member.NoticeData{Case: c.Number}
	if err := tx.GetContext(ctx, &data.Account, `SELECT account_id FROM invitations WHERE case_number = $1`, c.Number); err != nil {
		return fmt.Errorf("read invitation %s: %w", c.Number, err)
	}
	if err := tellMember(ctx, tx, c, n, data, string(n), false, at); err != nil {
		return err
	}
	return tellAdministrators(ctx, tx, c, n, data, at)
}

// tellMember tells the member; the partner is named as the member knows it.
func tellMember(ctx context.Context, tx *sqlx.Tx, c caseRow, n member.Notice, d member.NoticeData, step string, secret bool, at time.Time) error {
	if err := tx.GetContext(ctx, &d.Partner, `SELECT name FROM partners WHERE partner_id = $1`, c.Partner); err != nil {
		return fmt.Errorf("read partner %s: %w", c.Partner, err)
	}
	subject, body := n.Text(d)
	return notifyMember(ctx, tx, d.Account, subject, body, fmt.Sprintf("%s/%s/%s", member.Kind, c.Number, step), secret, at)
}

// tellAdministrators tells those who administer the partner.
func tellAdministrators(ctx context.Context, tx *sqlx.Tx, c caseRow, n member.Notice, d member.NoticeData, at time.Time) error {
	d.Partner = c.Partner
	subject, body := n.Text(d)
	return notifyPartner(ctx, tx, c, []person.Role{person.PartnerAdministrator}, subject, body, fmt.Sprintf("%s/%s/%s", member.Kind, c.Number, n), at)
}
