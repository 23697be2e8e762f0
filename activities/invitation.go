package activities

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/member"
	"countersign/domain/refusal"

	"github.com/jmoiron/sqlx"
)

// Invitations records what becomes of the invitations of natural persons (ORG).
type Invitations struct{ DB *sqlx.DB }

// OpenInvitationInput asks to open an invitation.
type OpenInvitationInput struct {
	Invitation member.Invitation
	WorkflowID string
	RunID      string
	At         time.Time
}

// OpenInvitation judges an invitation and opens its case: the link sent to the member, in one step. The same request key answers
// the case that it sent for; a refusal opens nothing, sends nothing and counts for nothing (ORG-30).
func (s *Invitations) OpenInvitation(ctx context.Context, in OpenInvitationInput) (Standing, error) {
	i, at := in.Invitation.Storable(), stored(in.At)
	token, err := newToken()
	if err != nil {
		return Standing{}, err
	}
	n := newCase{
		Kind: member.Kind, Prefix: "I", Partner: i.PartnerID, Submitter: i.Submitter, RequestKey: i.RequestKey, Digest: i.Digest(),
		WorkflowID: in.WorkflowID, RunID: in.RunID, At: at,
	}
	return n.open(ctx, s.DB, func(tx *sqlx.Tx) (string, refusal.List, error) {
		if number, err := sentFor(ctx, tx, i); err != nil || number != "" {
			return number, nil, err
		}
		f, err := memberFacts(ctx, tx, i.PartnerID, i.Submitter, i.AccountID, at)
		if err != nil {
			return "", nil, err
		}
		if list := member.Judge(i, f); len(list) > 0 {
			return "", list, nil
		}
		sending, err := f.Policy.Sending(at)
		if err != nil {
			return "", nil, err
		}
		expires, wake := stored(sending.ExpiresAt), stored(sending.WakeAt())
		c, err := n.insert(ctx, tx, moveTo{State: string(member.Invited), DueAt: &expires, WakeAt: &wake}, f.Policy.Version)
		if err != nil {
			return "", nil, err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO invitations (case_number, partner_id, account_id, found_by) VALUES ($1, $2, $3, $4)`, c.Number, i.PartnerID, i.AccountID, i.By); err != nil {
			return "", nil, fmt.Errorf("keep invitation: %w", err)
		}
		e := event{Case: c.Number, Key: "submit", At: at, Actor: i.Submitter, Via: viaRequest, Action: "invite", To: string(member.Invited), Rule: "ORG-29", Note: untilNote(sending)}
		if err := appendEvent(ctx, tx, e); err != nil {
			return "", nil, err
		}
		list, err := sendLink(ctx, tx, c, i, f.Policy, sending, 1, token)
		return c.Number, list, err
	})
}

// sentFor finds the case for which a request key sent a link before: the key of a later sending is not the case's own (PGM-10).
func sentFor(ctx context.Context, tx *sqlx.Tx, i member.Invitation) (string, error) {
	var numbers []string
	if err := tx.SelectContext(ctx, &numbers, `
		SELECT case_number FROM invitations JOIN invitation_tokens t USING (case_number) WHERE partner_id = $1 AND account_id = $2 AND t.request_key = $3 AND t.sent_by = $4`,
		i.PartnerID, i.AccountID, i.RequestKey, i.Submitter); err != nil {
		return "", fmt.Errorf("look for sending: %w", err)
	}
	if len(numbers) == 0 {
		return "", nil
	}
	return numbers[0], nil
}

// newToken makes a token; nothing of it leaves the transaction but its hash and the message to the member.
func newToken() (t member.Token, err error) {
	if _, err = rand.Read(t[:]); err != nil {
		return t, fmt.Errorf("draw token: %w", err)
	}
	return t, nil
}

func untilNote(s member.Sending) string {
	return "the link holds until " + calendar.Shown(s.ExpiresAt)
}

// sendLink writes one message with a link: the former links are void (ORG-33), the sending counts (ORG-31).
func sendLink(ctx context.Context, tx *sqlx.Tx, c caseRow, i member.Invitation, policy member.Policy, s member.Sending, number int, token member.Token) (refusal.List, error) {
	if _, err := tx.ExecContext(ctx, `
		UPDATE invitation_tokens t SET replaced_at = $3 FROM invitations i
		 WHERE i.partner_id = $1 AND i.account_id = $2 AND t.case_number = i.case_number AND t.used_at IS NULL AND t.replaced_at IS NULL`, i.PartnerID, i.AccountID, s.SentAt); err != nil {
		return nil, fmt.Errorf("void links: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO invitation_tokens (token_hash, case_number, sending, request_key, sent_by, sent_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		token.Hash(), c.Number, number, i.RequestKey, i.Submitter, s.SentAt, s.ExpiresAt); err != nil {
		return nil, fmt.Errorf("keep link: %w", err)
	}
	data := member.NoticeData{Case: c.Number, Account: i.AccountID, ExpiresAt: s.ExpiresAt, Link: policy.Link + token.String()}
	if err := tellMember(ctx, tx, c, member.InvitationSent, data, fmt.Sprintf("sent@%d", number), true, s.SentAt); err != nil {
		return nil, err
	}
	res, err := tx.ExecContext(ctx, `
		INSERT INTO invitation_counters AS n (partner_id, day, sent, most) VALUES ($1, $2, 1, $3)
		ON CONFLICT (partner_id, day) DO UPDATE SET sent = n.sent + 1, most = excluded.most WHERE n.sent < excluded.most`, i.PartnerID, calendar.DateOf(s.SentAt), policy.DailyLimit)
	if err != nil {
		return nil, fmt.Errorf("count sending: %w", err)
	}
	return nil, one(res, refusal.List{member.DailyLimit(i.PartnerID, policy.DailyLimit)})
}

// SendAgainInput invites a member again who was invited and did not answer yet.
type SendAgainInput struct {
	Case       string
	Invitation member.Invitation // its request key is the sending's own
	At         time.Time
}

// SendAgain sends a new link for an invitation that waits: judged like a new one, with a term of its own; the old link is void at
// once (ORG-33). The same request key sends nothing.
func (s *Invitations) SendAgain(ctx context.Context, in SendAgainInput) (Standing, error) {
	i, at := in.Invitation.Storable(), stored(in.At)
	token, err := newToken()
	if err != nil {
		return Standing{}, err
	}
	step := caseStep{db: s.DB, number: in.Case, key: "send/" + i.RequestKey, actor: i.Submitter, via: viaRequest, action: "invite again", noted: true, at: at}
	return step.do(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) {
		if number, err := sentFor(ctx, tx, i); err != nil || number == c.Number { // by which it was opened
			return nil, err
		}
		f, err := memberFacts(ctx, tx, i.PartnerID, i.Submitter, i.AccountID, at)
		if err != nil {
			return nil, err
		}
		f.Again = true
		list := member.Judge(i, f)
		var last struct {
			Account string    `db:"account_id"`
			Sending int       `db:"sending"`
			Expires time.Time `db:"expires_at"`
		}
		if err := tx.GetContext(ctx, &last, newestLinkSQL, c.Number); err != nil {
			return nil, fmt.Errorf("read link of %s: %w", c.Number, err)
		}
		switch {
		case c.Partner != i.PartnerID || last.Account != i.AccountID:
			list = append(list, refusal.New("COM-08", "CBC.0100", "case "+c.Number, "The invitation is of another partner or member; invite with a request of its own."))
		case len(list) == 0 && (c.State != string(member.Invited) || !at.Before(last.Expires)):
			list = refusal.List{refusal.New("ORG-33", "ENG_STATE", "case "+c.Number, "The invitation waits no more; look at the list, and invite the member anew where the member is not linked.")}
		}
		if len(list) > 0 {
			return list, nil
		}
		sending, err := f.Policy.Sending(at)
		if err != nil {
			return nil, err
		}
		expires, wake := stored(sending.ExpiresAt), stored(sending.WakeAt())
		e := step.event()
		e.Rule, e.Note = "ORG-33", untilNote(sending)
		if err := moveCase(ctx, tx, &c, moveTo{State: c.State, DueAt: &expires, WakeAt: &wake}, e); err != nil {
			return nil, err
		}
		return sendLink(ctx, tx, c, i, f.Policy, sending, last.Sending+1, token)
	})
}

const newestLinkSQL = `
	SELECT i.account_id, t.sending, t.expires_at FROM invitations i JOIN invitation_tokens t USING (case_number) WHERE case_number = $1 ORDER BY t.sending DESC LIMIT 1`

// AcceptInput is a member who followed the link.
type AcceptInput struct {
	Acceptance member.Acceptance
	At         time.Time
}

// Accept links the account to the partner, if the link is good, the account is the invited one, the notice is ticked and every
// condition of the invitation still holds (ORG-34 to ORG-36): checked and done in one step. Two partners cannot both get
// the account, whatever ran side by side.
func (s *Invitations) Accept(ctx context.Context, in AcceptInput) (Standing, error) {
	a, at := in.Acceptance, stored(in.At)
	if list := a.WellFormed(); len(list) > 0 {
		return Standing{}, Final(list)
	}
	step := caseStep{db: s.DB, number: a.Case, key: "accept/" + a.Key, actor: memberActor(a.Account), via: viaRequest, action: "accept", note: "notice " + a.Notice, at: at}
	return step.do(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) {
		f, sent, err := acceptFacts(ctx, tx, c, a, at)
		if err != nil {
			return nil, err
		}
		if list := member.JudgeAccept(a, f); len(list) > 0 {
			return list, nil
		}
		res, err := tx.ExecContext(ctx, `UPDATE invitation_tokens SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL AND replaced_at IS NULL`, sent.Hash, at)
		if err != nil {
			return nil, fmt.Errorf("use link: %w", err)
		}
		if err := one(res, refusal.List{member.UsedLink("case " + c.Number)}); err != nil {
			return nil, err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO member_links (account_id, partner_id, case_number, notice_version, linked_at) VALUES ($1, $2, $3, $4, $5)`,
			f.Invited.ID, c.Partner, c.Number, a.Notice, at); err != nil {
			return nil, fmt.Errorf("link: %w", err)
		}
		e := step.event()
		e.Rule = "ORG-34"
		if err := moveCase(ctx, tx, &c, moveTo{State: string(member.Bound), Ended: true}, e); err != nil {
			return nil, err
		}
		return nil, tellBoth(ctx, tx, c, member.HasBound, at)
	})
}

// memberActor is how the history names a natural person: by the account's number.
func memberActor(account string) string { return "account " + account }

// acceptFacts reads what an acceptance is judged by, and the token by which it was made.
func acceptFacts(ctx context.Context, tx *sqlx.Tx, c caseRow, a member.Acceptance, at time.Time) (member.AcceptFacts, *member.Sent, error) {
	f := member.AcceptFacts{At: at, Partner: c.Partner, State: member.State(c.State)}
	var err error
	if f.Policy, err = invitationPolicy(ctx, tx, c.PolicyVersion); err != nil {
		return f, nil, err
	}
	if err := tx.GetContext(ctx, &f.Site, `SELECT site FROM partners WHERE partner_id = $1`, c.Partner); err != nil {
		return f, nil, fmt.Errorf("read partner %s: %w", c.Partner, err)
	}
	var links []struct {
		Account  string    `db:"account_id"`
		Hash     []byte    `db:"token_hash"`
		Used     bool      `db:"used"`
		Replaced bool      `db:"replaced"`
		Expires  time.Time `db:"expires_at"`
	}
	if err := tx.SelectContext(ctx, &links, `
		SELECT i.account_id, t.token_hash, t.used_at IS NOT NULL AS used, t.replaced_at IS NOT NULL AS replaced, t.expires_at
		  FROM invitations i JOIN invitation_tokens t USING (case_number) WHERE case_number = $1 ORDER BY t.sending`, c.Number); err != nil {
		return f, nil, fmt.Errorf("read links of %s: %w", c.Number, err)
	}
	if len(links) == 0 {
		return f, nil, unknown("invitation", c.Number)
	}
	var sent []member.Sent
	for _, l := range links {
		sent = append(sent, member.Sent{Hash: l.Hash, Used: l.Used, Replaced: l.Replaced})
		f.ExpiresAt = l.Expires
	}
	f.Token = a.Proven(sent)
	invited, err := lockAccount(ctx, tx, links[0].Account, f.Policy, at)
	if err != nil {
		return f, nil, err
	}
	f.Invited = *invited
	return f, f.Token, nil
}
