package views

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"countersign/domain/lab"

	"github.com/lib/pq"
)

// LabCredit is an application with the credit that it yields, as its partner sees it.
type LabCredit struct {
	Case      string     `db:"case_number"  json:"case"`
	Partner   string     `db:"partner_id"   json:"partner"`
	Path      string     `db:"path"         json:"path"`
	Stage     string     `db:"stage"        json:"stage"` // when it was applied for
	Account   string     `db:"account_id"   json:"account"`
	Points    int        `db:"points"       json:"points"`
	Purpose   string     `db:"purpose"      json:"purpose"`
	State     lab.State  `db:"state"        json:"state"`
	Round     int        `db:"round"        json:"round"`
	Comment   string     `db:"comment"      json:"comment,omitempty"` // what was said last: by the reviewer, or why issuing failed
	Retry     bool       `db:"retry"        json:"retry,omitempty"`   // issuing failed and is tried again
	Linked    bool       `db:"linked"       json:"linked"`            // the member is, now
	OpenedAt  time.Time  `db:"opened_at"    json:"opened_at"`
	IssuedAt  *time.Time `db:"issued_at"    json:"issued_at,omitempty"`
	ExpiresAt *time.Time `db:"expires_at"   json:"expires_at,omitempty"`
	Coupon    string     `db:"coupon_no"    json:"coupon_no,omitempty"`
	Used      int        `db:"used"         json:"used"`
	Lapsed    int        `db:"lapsed"       json:"lapsed"`
	Remaining int        `db:"remaining"    json:"remaining"`
}

const labCreditSQL = `
	SELECT l.case_number, l.partner_id, l.path, l.stage, l.account_id, l.points, l.purpose, c.state, c.opened_at, l.issued_at, l.expires_at, coalesce(l.coupon_no, '') AS coupon_no,
	       l.retry_at IS NOT NULL AS retry, coalesce(nullif(l.retry_reason, ''), r.comment, '') AS comment, coalesce(r.round, 0) AS round,
	       EXISTS (SELECT 1 FROM member_links m WHERE m.account_id = l.account_id AND m.partner_id = l.partner_id AND m.unlinked_at IS NULL) AS linked,
	       coalesce(p.used, 0)::int AS used, coalesce(p.lapsed, 0)::int AS lapsed, coalesce(p.remaining, 0)::int AS remaining
	  FROM lab_credits l JOIN cases c USING (case_number)
	  LEFT JOIN LATERAL (
		SELECT max(round) AS round, (SELECT d.reason FROM %s d WHERE d.case_number = l.case_number AND d.matter = 'review' AND d.act IN ('approve', 'reject') ORDER BY d.seq DESC LIMIT 1) AS comment
		  FROM approvals a WHERE a.case_number = l.case_number AND a.matter = 'review') r ON true
	  LEFT JOIN LATERAL (
		SELECT sum(p.amount) AS remaining, -sum(p.amount) FILTER (WHERE starts_with(e.key, 'lab-credit/' || l.case_number || '/use/')) AS used,
		       -sum(p.amount) FILTER (WHERE e.key = 'lab-credit/' || l.case_number || '/lapse') AS lapsed
		  FROM postings p JOIN entries e USING (entry_id) WHERE p.account = 'L:' || l.case_number) p ON true`

// LabCredits lists a partner's applications, the oldest first, each with its state and comment (LAB-06).
func (r Reader) LabCredits(ctx context.Context, partner string) ([]LabCredit, error) {
	if err := r.mustExist(ctx, "partner", partner, partnerExistsSQL); err != nil {
		return nil, err
	}
	return rows[LabCredit](ctx, r.q(), "lab credits", fmt.Sprintf(labCreditSQL, r.remarks())+` WHERE l.partner_id = $1 ORDER BY c.opened_at, l.case_number`, partner)
}

// NewestLabCredits lists some of them, the newest first, after that of a case if one is named.
func (r Reader) NewestLabCredits(ctx context.Context, partner, after string, limit int) ([]LabCredit, error) {
	q := newest(partner, []string{lab.Kind}, limit, func(q *query) { q.after(after) }).in(fmt.Sprintf(labCreditSQL, r.remarks()))
	return rows[LabCredit](ctx, r.q(), "lab credits", q.text.String(), q.args...)
}

// LabCredit reads one application.
func (r Reader) LabCredit(ctx context.Context, number string) (LabCredit, error) {
	return row[LabCredit](ctx, r.q(), "lab credit", number, fmt.Sprintf(labCreditSQL, r.remarks())+` WHERE l.case_number = $1`, number)
}

// MemberCredit is one credit in a personal account.
type MemberCredit struct {
	Coupon    string    `db:"coupon_no"  json:"coupon_no"`
	Points    int       `db:"points"     json:"points"`
	Remaining int       `db:"remaining"  json:"remaining"`
	IssuedAt  time.Time `db:"issued_at"  json:"issued_at"`
	ExpiresAt time.Time `db:"expires_at" json:"expires_at"`
}

// MemberCredits lists the credits in a member's personal account at an instant: nothing before it is issued (LAB-09), each as one
// entry (LAB-10), and nothing left from the expiry on, whether the clock has run or not.
func (r Reader) MemberCredits(ctx context.Context, account string, at time.Time) ([]MemberCredit, error) {
	if err := r.mustExist(ctx, "personal account", account, `SELECT 1 FROM personal_accounts WHERE account_id = $1`); err != nil {
		return nil, err
	}
	return rows[MemberCredit](ctx, r.q(), "credits", `
		SELECT l.coupon_no, l.points, l.issued_at, l.expires_at,
		       CASE WHEN l.expires_at > $2 THEN (SELECT sum(p.amount) FROM postings p JOIN entries e USING (entry_id) WHERE p.account = 'L:' || l.case_number AND e.at <= $2) ELSE 0 END::int AS remaining
		  FROM lab_credits l WHERE l.account_id = $1 AND l.issued_at <= $2 ORDER BY l.issued_at, l.case_number`, account, at)
}

// LabBenefit is the lab among a partner's benefits (LAB-01): where it is, and what may be applied for.
type LabBenefit struct {
	Partner string    `json:"partner"`
	Address string    `json:"address,omitempty"` // empty: the programme has not said it
	Sizes   []int     `json:"sizes"`
	Paths   []LabPath `json:"paths"` // that the partner is on
	Members int       `json:"members"`
}

// LabPath is a path of a partner.
type LabPath struct {
	Path  string `db:"path"  json:"path"`
	Stage string `db:"stage" json:"stage"`
	Open  bool   `db:"-"     json:"open"` // for lab credits (LAB-02, LAB-13)
}

// LabBenefit reads what a partner may apply for at an instant, under the newest policy.
func (r Reader) LabBenefit(ctx context.Context, partner string, at time.Time) (LabBenefit, error) {
	b := LabBenefit{Partner: partner, Sizes: lab.Sizes}
	if err := r.mustExist(ctx, "partner", partner, partnerExistsSQL); err != nil {
		return b, err
	}
	p, err := r.Policy(ctx, lab.Kind, 0)
	if err != nil {
		return b, err
	}
	var policy lab.Policy
	if err := json.Unmarshal(p.Body, &policy); err != nil {
		return b, fmt.Errorf("read policy for %s: %w", lab.Kind, err)
	}
	b.Address = policy.Address
	if b.Paths, err = rows[LabPath](ctx, r.q(), "paths", `
		SELECT path, stage FROM unnest($3::text[]) WITH ORDINALITY AS w (path, n), path_stage($1, path, $2) AS stage WHERE stage IS NOT NULL ORDER BY n`, partner, at, pq.Array(lab.Paths)); err != nil {
		return b, err
	}
	for i := range b.Paths {
		b.Paths[i].Open = slices.Contains(policy.Paths(), b.Paths[i].Path)
	}
	b.Members, err = row[int](ctx, r.q(), "partner", partner, `
		SELECT count(*) FROM member_links WHERE partner_id = $1 AND linked_at <= $2 AND (unlinked_at IS NULL OR unlinked_at > $2)`, partner, at)
	return b, err
}
