package activities

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"countersign/domain/approval"
	"countersign/domain/lab"
	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"

	"github.com/jmoiron/sqlx"
)

// labProcess is what the machinery of cases asks about a lab credit.
type labProcess struct{}

func (labProcess) matter(name string) approval.Matter { return lab.MatterOf(name) }

func (labProcess) facts(ctx context.Context, tx *sqlx.Tx, c caseRow) (caseFacts, error) {
	policy, err := labPolicy(ctx, tx, c.PolicyVersion)
	return caseFacts{Signals: policy.DecideBySignal, OwnSide: func(p person.Person) bool { return lab.MayAct(p, c.Partner) }}, err
}

// guard is what a lab credit asks beside the engine: nobody decides what they applied for, and who reports a credit issued says
// under which coupon number, and issues what was approved (LAB-11).
func (labProcess) guard(ctx context.Context, tx *sqlx.Tx, c caseRow, r *round, _ taskRow, d approval.Decision, m approval.Move) (refusal.List, error) {
	list, err := notOwn(ctx, tx, c, r, d, m)
	if err != nil || r.matter.Name != lab.Issue.Name || m.Act != approval.Approve {
		return list, err
	}
	if n := utf8.RuneCountInString(strings.TrimSpace(d.Reference)); n == 0 || n > 64 {
		list = append(list, refusal.New("LAB-09", "CBC.0100", "task "+d.Task, "Enter the coupon number under which the lab keeps the credit, as the reference: 1 to 64 characters."))
	}
	var same bool
	if err := tx.GetContext(ctx, &same, `SELECT EXISTS (SELECT 1 FROM approvals WHERE case_number = $1 AND matter = $2 AND granted = lab_credit_content($1))`, c.Number, lab.Review.Name); err != nil {
		return nil, fmt.Errorf("compare content: %w", err)
	}
	if !same {
		list = append(list, refusal.New("LAB-11", "ENG_STATE", "task "+d.Task, "What was approved has changed since, so its approval is void."))
	}
	return list, nil
}

// conclude does what the end of a round leads to: approved applications wait to be issued, rejected ones to be edited, issued
// ones live until they expire.
func (labProcess) conclude(ctx context.Context, tx *sqlx.Tx, c caseRow, r *round, end conclusion) (refusal.List, error) {
	if err := r.close(ctx, tx, end); err != nil {
		return nil, err
	}
	credit, err := readLabCredit(ctx, tx, c)
	if err != nil {
		return nil, err
	}
	s := labStep{tx: tx, c: &c, credit: credit, e: end.e, round: r.number}
	approved, reason := end.outcome == approval.Approve, end.line.Reason
	switch {
	case r.matter.Name == lab.Issue.Name && approved:
		return s.issue(ctx, strings.TrimSpace(end.reference))
	case r.matter.Name == lab.Issue.Name:
		return s.failed(ctx, "LAB-09", reason)
	case approved:
		return s.approved(ctx, reason)
	}
	s.e.Rule = "LAB-07"
	if err := moveCase(ctx, tx, &c, moveTo{State: string(lab.Rejected)}, s.e); err != nil { // waits for the administrator without end
		return nil, err
	}
	return nil, s.tell(ctx, lab.WasRejected, reason)
}

// labStep is one step of an application.
type labStep struct {
	tx     *sqlx.Tx
	c      *caseRow
	credit lab.Credit
	e      event
	round  int
	coupon string
}

// approved asks operations to issue the credit; the member sees nothing yet (LAB-09).
func (s labStep) approved(ctx context.Context, comment string) (refusal.List, error) {
	s.e.Rule = "LAB-09"
	if err := moveCase(ctx, s.tx, s.c, moveTo{State: string(lab.Approved)}, s.e); err != nil {
		return nil, err
	}
	if list, err := askLabIssue(ctx, s.tx, *s.c, s.c.Submitter, s.e.At); err != nil || len(list) > 0 {
		return list, err
	}
	return nil, s.tell(ctx, lab.WasApproved, comment)
}

// askLabIssue asks operations to issue an approved credit by hand, in the name of who applied or named its user.
func askLabIssue(ctx context.Context, tx *sqlx.Tx, c caseRow, by string, at time.Time) (refusal.List, error) {
	policy, err := labPolicy(ctx, tx, c.PolicyVersion)
	if err != nil {
		return nil, err
	}
	credit, err := readLabCredit(ctx, tx, c)
	if err != nil {
		return nil, err
	}
	_, list, err := openRound(ctx, tx, c, matterOpening{
		Matter: lab.Issue, Chain: policy.Chain(lab.Issue), OpenedBy: by, At: at, From: at,
		Question: fmt.Sprintf("Issue %d lab points to member %s of %s and enter the coupon number as the reference; or say why it failed.", credit.Points, credit.Account, c.Partner),
	})
	return list, err
}

// issue grants exactly the approved points, once (LAB-11), to a member who is still linked; else it has failed (LAB-12).
func (s labStep) issue(ctx context.Context, coupon string) (refusal.List, error) {
	linked, err := lockLink(ctx, s.tx, s.c.Partner, s.credit.Account, s.e.At)
	if err != nil {
		return nil, err
	}
	if !linked {
		return s.failed(ctx, "LAB-12", fmt.Sprintf("member %s is no longer linked to %s, so coupon %s is not issued", s.credit.Account, s.c.Partner, coupon))
	}
	policy, err := labPolicy(ctx, s.tx, s.c.PolicyVersion)
	if err != nil {
		return nil, err
	}
	expires, list, err := closes(ctx, s.tx, policy.Validity, s.e.At)
	if err != nil || len(list) > 0 {
		return list, err
	}
	points := lab.Amount(s.credit.Points)
	if err := post(ctx, s.tx, ledger.Entry{
		Key: lab.Kind + "/" + s.c.Number + "/issue", Case: s.c.Number, Memo: "lab credit issued", At: s.e.At, Postings: ledger.Move(points, ledger.LabSource, ledger.LabCredit(s.c.Number)),
	}); err != nil {
		return nil, err
	}
	if _, err := s.tx.ExecContext(ctx, `UPDATE lab_credits SET coupon_no = $2, issued_at = $3, expires_at = $4, retry_at = NULL, retry_reason = '' WHERE case_number = $1`,
		s.c.Number, coupon, s.e.At, expires); err != nil {
		return nil, fmt.Errorf("issue credit: %w", err)
	}
	s.e.Rule, s.coupon, s.credit.ExpiresAt = "LAB-11", coupon, &expires
	if err := moveCase(ctx, s.tx, s.c, moveTo{State: string(lab.Issued), DueAt: &expires, WakeAt: &expires, Amount: &points}, s.e); err != nil {
		return nil, err
	}
	if err := s.tell(ctx, lab.WasIssued, ""); err != nil {
		return nil, err
	}
	subject, body := lab.ForMember.Text(s.data(""))
	return nil, notifyMember(ctx, s.tx, s.credit.Account, subject, body, s.key(lab.ForMember), false, s.e.At)
}

// failed marks an approved credit for retry. Operations are asked again at once, or when another member is named for one who
// is no longer linked (LAB-12).
func (s labStep) failed(ctx context.Context, rule, reason string) (refusal.List, error) {
	if _, err := s.tx.ExecContext(ctx, `UPDATE lab_credits SET retry_at = $2, retry_reason = $3 WHERE case_number = $1`, s.c.Number, s.e.At, reason); err != nil {
		return nil, fmt.Errorf("mark for retry: %w", err)
	}
	s.e.From, s.e.To, s.e.Action, s.e.Rule, s.e.Note = s.c.State, s.c.State, "issue failed", rule, reason
	if err := appendEvent(ctx, s.tx, s.e); err != nil {
		return nil, err
	}
	linked, err := lockLink(ctx, s.tx, s.c.Partner, s.credit.Account, s.e.At)
	if err != nil {
		return nil, err
	}
	if !linked {
		return nil, s.tell(ctx, lab.NameAnother, reason)
	}
	if list, err := askLabIssue(ctx, s.tx, *s.c, s.c.Submitter, s.e.At); err != nil || len(list) > 0 {
		return list, err
	}
	return nil, s.tell(ctx, lab.NotIssued, reason)
}

// tell tells the partner's administrators.
func (s labStep) tell(ctx context.Context, n lab.Notice, note string) error {
	subject, body := n.Text(s.data(note))
	return notifyPartner(ctx, s.tx, *s.c, lab.Applicants, subject, body, s.key(n), s.e.At)
}

func (s labStep) data(note string) lab.NoticeData {
	return lab.NoticeData{Case: s.c.Number, Partner: s.c.Partner, Account: s.credit.Account, Points: s.credit.Points, Coupon: s.coupon, ExpiresAt: s.credit.ExpiresAt, Note: note}
}

func (s labStep) key(n lab.Notice) string {
	return fmt.Sprintf("%s/%s/%s@%d", lab.Kind, s.c.Number, n, s.round)
}

func (labProcess) overdueRule(context.Context, *sqlx.Tx, caseRow, approval.Matter) (string, error) {
	return "", nil
}

// clock lapses what is left of a credit at the very instant at which it expires, and ends the case.
func (labProcess) clock(ctx context.Context, tx *sqlx.Tx, c caseRow, e event, _ time.Time) (refusal.List, error) {
	credit, err := readLabCredit(ctx, tx, c)
	if err != nil {
		return nil, err
	}
	e.Key, e.At, e.Action, e.Note = "lapse", *c.WakeAt, "lapse", "the credit expired; what was left has lapsed"
	if err := post(ctx, tx, ledger.Entry{
		Key: lab.Kind + "/" + c.Number + "/lapse", Case: c.Number, Memo: "lab points lapsed", At: e.At, Postings: ledger.Move(credit.Remaining, ledger.LabCredit(c.Number), ledger.LabLapsed),
	}); err != nil {
		return nil, err
	}
	return nil, moveCase(ctx, tx, &c, moveTo{State: c.State, Ended: true, Amount: &credit.Remaining}, e)
}

// stop: an application is rejected by its reviewers, and an issued credit is its member's until it expires; so the case goes on.
func (labProcess) stop(_ context.Context, _ *sqlx.Tx, c caseRow, _ event) (refusal.List, error) {
	return refusal.List{refusal.New("ENG-03", "ENG_STATE", "case "+c.Number, "A lab credit is not stopped: reviewers reject an application, and an issued credit ends when it is used up or expires.")}, nil
}

// about: points are no money, so the amount stays zero and the words tell them.
func (labProcess) about(ctx context.Context, tx *sqlx.Tx, number string) (money.Amount, string, error) {
	var about string
	if err := tx.GetContext(ctx, &about, `
		SELECT format('%s lab points under %s for member %s', l.points, l.path, l.account_id)
		       || CASE WHEN l.issued_at IS NOT NULL THEN format(', %s remain', trunc(a.balance)) WHEN l.retry_at IS NOT NULL THEN ', issuing failed and is tried again' ELSE '' END
		  FROM lab_credits l LEFT JOIN accounts a ON a.account = 'L:' || l.case_number WHERE l.case_number = $1`, number); err != nil {
		return money.Zero, "", fmt.Errorf("read lab credit %s: %w", number, err)
	}
	return money.Zero, about, nil
}
