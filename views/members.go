package views

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"countersign/domain"
	"countersign/domain/member"
	"countersign/domain/organisation"

	"github.com/lib/pq"
)

// Invitation is one invitation of a partner (ORG-32). Of the member it shows the account's number, and masked by what it was found.
type Invitation struct {
	Case       string       `db:"case_number" json:"case"`
	Partner    string       `db:"partner_id"  json:"partner"`
	Account    string       `db:"account_id"  json:"account"`
	FoundBy    member.By    `db:"found_by"    json:"found_by"`
	Target     string       `db:"target"      json:"target"` // masked
	State      domain.State `db:"state"       json:"state"`
	Specialist string       `db:"specialist"  json:"specialist,omitempty"` // as the partner's project specialist; empty: is none
	Sendings   int          `db:"sendings"    json:"sendings"`
	SentBy     string       `db:"sent_by"     json:"sent_by"`
	SentAt     time.Time    `db:"sent_at"     json:"sent_at"` // the newest link
	ExpiresAt  time.Time    `db:"expires_at"  json:"expires_at"`
	LinkedAt   *time.Time   `db:"linked_at"   json:"linked_at,omitempty"`
	UnlinkedAt *time.Time   `db:"unlinked_at" json:"unlinked_at,omitempty"`
}

// Invitations lists a partner's invitations, the newest first; an empty state means all.
func (r Reader) Invitations(ctx context.Context, partner string, state domain.State) ([]Invitation, error) {
	return r.invitations(ctx, partner, allInvitationsSQL, partner, state)
}

// InvitationPage is some invitations, those with the newest link first.
type InvitationPage struct {
	Invitations []Invitation
	Next        string // where the next page begins; empty: there is none
}

// InvitationPage lists so many that were begun last, or before the Next of the page before. The first page has those that are open as
// well, however old: a new link may have been sent in an old case.
func (r Reader) InvitationPage(ctx context.Context, partner, after string, limit int) (InvitationPage, error) {
	numbers := newest(partner, []string{member.Kind}, limit+1, func(q *query) { q.after(after) })
	cases, err := rows[Case](ctx, r.q(), "invitations", numbers.text.String(), numbers.args...)
	if err != nil {
		return InvitationPage{}, err
	}
	var page InvitationPage
	if len(cases) > limit {
		cases = cases[:limit]
		page.Next = cases[limit-1].Number
	}
	begun := make([]string, len(cases))
	for i, c := range cases {
		begun[i] = c.Number
	}
	page.Invitations, err = r.invitations(ctx, partner, invitationPageSQL, partner, pq.Array(begun), after == "")
	return page, err
}

func (r Reader) invitations(ctx context.Context, partner, which string, args ...any) ([]Invitation, error) {
	if err := r.mustExist(ctx, "partner", partner, partnerExistsSQL); err != nil {
		return nil, err
	}
	found, err := rows[Invitation](ctx, r.q(), "invitations", invitationsSQL+which+` ORDER BY t.sent_at DESC, i.case_number DESC`, args...)
	for i := range found {
		found[i].mask()
	}
	return found, err
}

const allInvitationsSQL = ` WHERE i.partner_id = $1 AND ($2 = '' OR c.state = $2)`

const invitationPageSQL = `
	 WHERE i.case_number = ANY (ARRAY(SELECT case_number FROM cases WHERE partner_id = $1 AND kind = 'invitation' AND state = 'INVITED' AND closed_at IS NULL AND $3 UNION SELECT unnest($2::text[])))
	   AND ($3 OR c.closed_at IS NOT NULL OR c.state <> 'INVITED')`

// Invitation reads one.
func (r Reader) Invitation(ctx context.Context, number string) (Invitation, error) {
	i, err := row[Invitation](ctx, r.q(), "invitation", number, invitationsSQL+` WHERE i.case_number = $1`, number)
	i.mask()
	return i, err
}

func (i *Invitation) mask() { i.Target = organisation.Masked(string(i.FoundBy), i.Target, nil) }

// specialistSQL is where the member of a link l stands as a project specialist, as long as the link holds.
const specialistSQL = `CASE WHEN l.linked_at IS NOT NULL AND l.unlinked_at IS NULL THEN specialist_state(l.partner_id, l.account_id) ELSE '' END`

const invitationsSQL = `
	SELECT i.case_number, i.partner_id, i.account_id, i.found_by, CASE i.found_by WHEN 'mobile' THEN a.mobile WHEN 'email' THEN a.email ELSE a.account_name END AS target,
	       c.state, ` + specialistSQL + ` AS specialist, t.sending AS sendings, t.sent_by, t.sent_at, t.expires_at, l.linked_at, l.unlinked_at
	  FROM invitations i JOIN cases c USING (case_number) JOIN personal_accounts a USING (account_id)
	  JOIN LATERAL (SELECT sending, sent_by, sent_at, expires_at FROM invitation_tokens t WHERE t.case_number = i.case_number ORDER BY sending DESC LIMIT 1) t ON true
	  LEFT JOIN member_links l ON l.case_number = i.case_number`

// Member is a natural person who is linked to a partner. The data is shared because the member agreed to it (ORG-35), only while
// the link holds (ORG-37), and masked unless it was uncovered (PGM-05).
type Member struct {
	Account     string    `db:"account_id"     json:"account"`
	AccountName string    `db:"account_name"   json:"account_name"`
	Name        string    `db:"name"           json:"name"`
	Mobile      string    `db:"mobile"         json:"mobile"`
	Email       string    `db:"email"          json:"email"`
	Specialist  string    `db:"specialist"     json:"specialist,omitempty"`
	LinkedAt    time.Time `db:"linked_at"      json:"linked_at"`
	Notice      string    `db:"notice_version" json:"notice"` // that was ticked
	Case        string    `db:"case_number"    json:"case"`
}

// MemberFilter narrows a list of a partner's members; what is empty does not.
type MemberFilter struct {
	Text  string // part of the account's number; or a whole name or account name: these are masked, and who looks for one knows it
	After string // the account of a member, after whom the page begins
	Limit int    // 0: all
}

// Members lists those who are linked to a partner, in the order in which they were. Uncovered names the columns that were uncovered
// for this look, which the partner's administrator does.
func (r Reader) Members(ctx context.Context, partner, by string, uncovered []string) ([]Member, error) {
	return r.SomeMembers(ctx, partner, by, MemberFilter{}, uncovered)
}

// SomeMembers lists those of them that a filter lets through.
func (r Reader) SomeMembers(ctx context.Context, partner, by string, f MemberFilter, uncovered []string) ([]Member, error) {
	if err := r.mustExist(ctx, "partner", partner, partnerExistsSQL); err != nil {
		return nil, err
	}
	if err := r.mayUncover(ctx, partner, by, uncovered); err != nil {
		return nil, err
	}
	found, err := rows[Member](ctx, r.q(), "members", `
		SELECT l.account_id, a.account_name, a.name, a.mobile, a.email, `+specialistSQL+` AS specialist, l.linked_at, l.notice_version, l.case_number
		  FROM (`+linkedSQL+`) l JOIN personal_accounts a USING (account_id) ORDER BY l.linked_at, l.link_id`, f.args(partner)...)
	for i := range found {
		m := &found[i]
		m.AccountName, m.Name = organisation.Masked("account_name", m.AccountName, uncovered), organisation.Masked("name", m.Name, uncovered)
		m.Mobile, m.Email = organisation.Masked("mobile", m.Mobile, uncovered), organisation.Masked("email", m.Email, uncovered)
	}
	return found, err
}

// linkedSQL is the links of the members that a filter lets through. What is asked about each of them is asked around it.
const linkedSQL = `
	SELECT k.link_id, k.account_id, k.partner_id, k.case_number, k.notice_version, k.linked_at, k.unlinked_at FROM member_links k
	 WHERE k.partner_id = $1 AND k.unlinked_at IS NULL
	   AND ($2 = '' OR k.account_id ILIKE $3 OR EXISTS (SELECT 1 FROM personal_accounts a WHERE a.account_id = k.account_id AND lower($2) IN (lower(a.name), lower(a.account_name))))
	   AND ($4 = '' OR (k.linked_at, k.link_id) > (SELECT linked_at, link_id FROM member_links WHERE partner_id = $1 AND account_id = $4 ORDER BY linked_at DESC LIMIT 1))
	 ORDER BY k.linked_at, k.link_id LIMIT $5`

// args are those of linkedSQL.
func (f MemberFilter) args(partner string) []any {
	text := strings.TrimSpace(f.Text)
	return []any{partner, text, part(text), f.After, sql.NullInt64{Int64: int64(f.Limit), Valid: f.Limit > 0}}
}

// MemberNames names so many of a partner's members at most, with masked names, by account.
func (r Reader) MemberNames(ctx context.Context, partner string, limit int) ([]Named, error) {
	found, err := rows[Named](ctx, r.q(), "members", `
		SELECT account_id AS id, a.name FROM member_links l JOIN personal_accounts a USING (account_id) WHERE l.partner_id = $1 AND l.unlinked_at IS NULL ORDER BY account_id LIMIT $2`, partner, limit)
	for i, m := range found {
		found[i].Name = organisation.Masked("name", m.Name, nil)
	}
	return found, err
}

// IsMember tells whether somebody is linked to a partner.
func (r Reader) IsMember(ctx context.Context, partner, account string) (bool, error) {
	return row[bool](ctx, r.q(), "member", account, `SELECT EXISTS (SELECT 1 FROM member_links WHERE partner_id = $1 AND account_id = $2 AND unlinked_at IS NULL)`, partner, account)
}

// mayUncover checks that nobody but the partner's administrator sees columns about its members in full.
func (r Reader) mayUncover(ctx context.Context, partner, by string, uncovered []string) error {
	if len(uncovered) == 0 {
		return nil
	}
	who, err := r.organisationPerson(ctx, by)
	if err != nil {
		return err
	}
	return organisation.JudgeAdministrator(who, by, partner).Err()
}
