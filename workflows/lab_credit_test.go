package workflows

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/lab"
	"countersign/domain/ledger"
	"countersign/views"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"
)

// labHouse is a house in which P1001 is on the software path and P2002 on the learning path, both since 2024. are
// members of P1001, B-1 of P2002; A-9 is nobody's. Ou and Pan are vendor operations, who also report for the lab.
type labHouse struct {
	*house
	labs    *activities.LabCredits
	cases   *activities.Cases
	reader  views.Reader
	decided int
}

const labRecords = `
people:
  - {id: ou, name: Ou, email: ou@vendor.example, roles: [vendor-operations]}
  - {id: pan, name: Pan, email: pan@vendor.example, roles: [vendor-operations]}
  - {id: adm, name: Adm, partner: P1001, email: adm@a.example, roles: [partner-administrator]}
  - {id: bea, name: Bea, partner: P2002, email: bea@b.example, roles: [partner-administrator]}
lab_policy:
  {review_role: vendor-operations, issue_role: vendor-operations, report_role: vendor-operations, escalation_role: finance-manager, remind_term: P3WD, validity: P12M,
   address: "https://lab.vendor.example", decide_by_signal: true}
`

func newLab(t *testing.T, at string) *labHouse {
	l := &labHouse{house: newHouse(t, cst(at), labRecords)}
	l.labs, l.cases, l.reader = &activities.LabCredits{DB: l.db}, &activities.Cases{DB: l.db}, views.Reader{DB: l.db}
	t.Cleanup(func() {
		if !l.forged {
			require.Empty(t, l.findings())
		}
	})
	l.db.MustExec(`INSERT INTO partner_paths (partner_id, path, stage, from_at) VALUES ('P1001', 'SW', 'SELECTED', '2024-01-01T00:00:00+08:00'), ('P2002', 'LRN', 'ROLE_CERTIFIED', '2024-01-01T00:00:00+08:00')`)
	l.db.MustExec(`INSERT INTO personal_accounts (account_id, account_name, name) SELECT a, 'name-' || a, a FROM unnest('{A-1,A-2,A-3,A-9,B-1}'::text[]) a`)
	// the invitations by which they were linked: of any kind that asks nobody
	l.db.MustExec(`INSERT INTO policies (kind, version, body, set_by, set_at) VALUES ('dedicated-staff', 1, '{}', 'lina', '2024-01-01T00:00:00Z')`)
	l.db.MustExec(`INSERT INTO cases (case_number, kind, partner_id, submitter, request_key, request_digest, state, policy_version, workflow_id, run_id, opened_at, closed_at)
		SELECT 'I-' || p, 'dedicated-staff', p, 'lina', 'i', '', 'PRELIMINARY_REVIEW', 1, 'i', '', '2024-01-01T00:00:00Z', '2024-01-01T00:00:00Z' FROM unnest('{P1001,P2002}'::text[]) p`)
	l.db.MustExec(`INSERT INTO events (case_number, key, at, actor, via, action, from_state, to_state) SELECT case_number, 'submit', opened_at, 'lina', 'request', 'submit', '', state FROM cases`)
	for account, partner := range map[string]string{"A-1": "P1001", "A-2": "P1001", "A-3": "P1001", "B-1": "P2002"} {
		l.link(account, partner, "2024-01-02 09:00")
	}
	return l
}

func (l *labHouse) link(account, partner, at string) {
	l.db.MustExec(`INSERT INTO member_links (account_id, partner_id, case_number, notice_version, linked_at) VALUES ($1, $2, 'I-' || $2, '1', $3)`, account, partner, cst(at))
}

func (l *labHouse) unlink(account, at string) {
	l.db.MustExec(`UPDATE member_links SET unlinked_at = $2, unlinked_by = 'mei' WHERE account_id = $1 AND unlinked_at IS NULL`, account, cst(at))
}

// findings verifies ledger, tasks, events and credits.
func (l *labHouse) findings() []views.Finding {
	found, err := l.reader.Verify(context.Background(), nil)
	require.NoError(l.t, err)
	return found.Findings
}

// forLab is mei's application of P1001 for points for a member.
func forLab(key, account string, points int) lab.Application {
	return lab.Application{RequestKey: key, PartnerID: "P1001", Submitter: "mei", Path: "SW", Account: account, Points: points, Purpose: "verify a migration by manual"}
}

// apply asks the opening activity directly, as a run of its own.
func (l *labHouse) apply(a lab.Application, at string) (activities.Standing, error) {
	l.runs++
	return l.labs.OpenLabCredit(context.Background(), activities.OpenLabCreditInput{Application: a, WorkflowID: LabCreditID(a), RunID: fmt.Sprintf("run-%d", l.runs), At: cst(at)})
}

// answer decides the task of a matter's round directly.
func (l *labHouse) answer(number string, m approval.Matter, round int, d approval.Decision, at string) (activities.Standing, error) {
	l.decided++
	d.Task, d.Key = approval.TaskID(number, m.Name, round), fmt.Sprintf("d%d", l.decided)
	return l.cases.Decide(context.Background(), activities.DecideInput{Decision: d, At: cst(at)})
}

func (l *labHouse) must(s activities.Standing, err error) activities.Standing {
	l.t.Helper()
	require.NoError(l.t, err)
	return s
}

func (l *labHouse) approve(number, at string) activities.Standing {
	l.t.Helper()
	return l.must(l.answer(number, lab.Review, 1, approval.Decision{Person: "ou", Outcome: approval.Approve}, at))
}

func (l *labHouse) issueRound(number string, round int, at string) activities.Standing {
	l.t.Helper()
	return l.must(l.answer(number, lab.Issue, round, approval.Decision{Person: "pan", Outcome: "issued", Reference: fmt.Sprintf("CP-%s-%d", number, round)}, at))
}

// issued applies, approves and issues within three days of March 2025; it answers the case.
func (l *labHouse) issued(key, account string, points int) string {
	l.t.Helper()
	s := l.must(l.apply(forLab(key, account, points), "2025-03-05 10:00"))
	l.approve(s.Case, "2025-03-06 09:00")
	l.issueRound(s.Case, 1, "2025-03-07 15:00")
	return s.Case
}

func (l *labHouse) use(number, key string, points int, at time.Time) (activities.Standing, error) {
	return l.labs.UseLabCredit(context.Background(), activities.UseLabCreditInput{Case: number, Use: lab.Use{Person: "ou", Points: points, Key: key}, At: at})
}

// starts runs an application in the test environment.
func (l *labHouse) starts(at string, a lab.Application) *fundRun {
	r := &fundRun{f: &fund{house: l.house}, env: environment(cst(at)), start: cst(at)}
	r.env.RegisterWorkflowWithOptions(LabCredit, workflow.RegisterOptions{Name: LabCreditType})
	r.env.RegisterActivity(l.labs)
	r.env.RegisterActivity(l.cases)
	r.asks(r.start, SubmitUpdate, &r.opened, func() any { return a })
	return r
}

func (l *labHouse) toEnd(r *fundRun, a lab.Application) CaseResult {
	l.t.Helper()
	r.env.ExecuteWorkflow(LabCredit, LabCreditInput{Application: a})
	require.True(l.t, r.env.IsWorkflowCompleted(), "the run ends")
	require.NoError(l.t, r.env.GetWorkflowError())
	require.NoError(l.t, r.env.GetWorkflowResult(&r.result))
	return r.result
}

func (l *labHouse) credit(number string) views.LabCredit {
	l.t.Helper()
	c, err := l.reader.LabCredit(context.Background(), number)
	require.NoError(l.t, err)
	return c
}

func (l *labHouse) inAccount(account string, at time.Time) []views.MemberCredit {
	l.t.Helper()
	credits, err := l.reader.MemberCredits(context.Background(), account, at)
	require.NoError(l.t, err)
	return credits
}

// The whole life, from the application to the expiry, with the rule book's instants.
//
// Rule: LAB-04, LAB-07, LAB-08, LAB-09, LAB-10, LAB-11, PGM-11
func TestLAB07GivenARejectedApplication_WhenItIsEditedIssuedAndUsed_ThenExactlyWhatIsLeftLapsesAtTheExpiry(t *testing.T) {
	l := newLab(t, "2025-03-03 10:00")
	a := forLab("k1", "A-1", 500)
	edited := forLab("k2", "A-1", 100)
	run := l.starts("2025-03-03 10:00", a)
	early := run.update("2025-03-04 10:00", ResubmitUpdate, func() any { return edited })
	repeat := run.update("2025-03-04 11:00", SubmitUpdate, func() any { return a })
	rejected := run.decides("2025-03-05 10:00", lab.Review, 1, approval.Decision{Person: "ou", Outcome: approval.Reject, Reason: "too many points"})
	again := run.update("2025-03-05 14:00", ResubmitUpdate, func() any { return edited })
	approved := run.decides("2025-03-06 09:00", lab.Review, 2, approval.Decision{Person: "ou", Outcome: approval.Approve})
	tooEarly := run.update("2025-03-06 10:00", UseUpdate, func() any { return lab.Use{Person: "ou", Points: 1, Key: "u0"} })
	unnumbered := run.decides("2025-03-07 14:00", lab.Issue, 1, approval.Decision{Person: "pan", Outcome: "issued"})
	issued := run.decides("2025-03-07 15:00", lab.Issue, 1, approval.Decision{Person: "pan", Outcome: "issued", Reference: "CP-1"})
	used := run.update("2025-06-01 10:00", UseUpdate, func() any { return lab.Use{Person: "ou", Points: 30, Key: "u1"} })
	twice := run.update("2025-06-01 10:01", UseUpdate, func() any { return lab.Use{Person: "ou", Points: 30, Key: "u1"} })
	other := run.update("2025-06-01 10:02", UseUpdate, func() any { return lab.Use{Person: "ou", Points: 31, Key: "u1"} })
	more := run.update("2025-06-01 10:03", UseUpdate, func() any { return lab.Use{Person: "ou", Points: 71, Key: "u2"} })
	last := run.asks(cst("2026-03-07 15:00").Add(-time.Second), UseUpdate, &fundAnswer{}, func() any { return lab.Use{Person: "ou", Points: 10, Key: "u3"} })
	result := l.toEnd(run, a)

	require.Equal(t, "L000001", run.opened.standing.Case)
	require.Equal(t, lab.UnderReview, run.opened.standing.State)
	require.Equal(t, []string{"LAB_STATE"}, early.refused().Codes())
	require.Equal(t, run.opened.standing, repeat.standing)
	require.Equal(t, lab.Rejected, rejected.standing.State)
	require.Equal(t, lab.UnderReview, again.standing.State)
	require.NoError(t, again.err)
	require.Equal(t, lab.Approved, approved.standing.State)
	require.Equal(t, []string{"LAB-09 ENG_STATE"}, codesOf(tooEarly.refused()))
	require.Equal(t, []string{"LAB-09 CBC.0100"}, codesOf(unnumbered.refused()))
	require.Equal(t, lab.Issued, issued.standing.State)
	require.Equal(t, cst("2026-03-07 15:00").UTC(), issued.standing.WakeAt.UTC())
	require.Equal(t, "100 lab points under SW for member A-1, 70 remain", used.standing.About)
	require.NoError(t, twice.err)
	require.Equal(t, []string{"COM_REQUEST_KEY"}, other.refused().Codes())
	require.Equal(t, []string{"LAB-11 PRG.LAB.01"}, codesOf(more.refused()))
	require.NoError(t, last.err)
	require.Equal(t, CaseResult{Case: "L000001", State: lab.Issued}, result)
	require.Equal(t, []string{
		"mei submit >UNDER_REVIEW LAB-04", "mei resubmit refused UNDER_REVIEW>UNDER_REVIEW LAB-08", "ou reject UNDER_REVIEW>REJECTED LAB-07", "mei resubmit REJECTED>UNDER_REVIEW LAB-07",
		"ou approve UNDER_REVIEW>APPROVED LAB-09", "ou use refused APPROVED>APPROVED LAB-09", "pan issued refused APPROVED>APPROVED LAB-09", "pan issued APPROVED>ISSUED LAB-11",
		"ou use ISSUED>ISSUED", "ou use refused ISSUED>ISSUED COM-20", "ou use refused ISSUED>ISSUED LAB-11", "ou use ISSUED>ISSUED", "clock lapse ISSUED>ISSUED",
	}, l.history("L000001"))
	require.Equal(t, 1, l.count(`SELECT count(*) FROM entries WHERE key = 'lab-credit/L000001/lapse' AND at = '2026-03-07T15:00:00+08:00'`))
	require.Equal(t, 1, l.count(`SELECT count(*) FROM cases WHERE case_number = 'L000001' AND closed_at = '2026-03-07T15:00:00+08:00'`))
	c := l.credit("L000001")
	require.Equal(t, [6]int{100, 40, 60, 0, 2, 1}, [6]int{c.Points, c.Used, c.Lapsed, c.Remaining, c.Round, l.count(`SELECT count(*) FROM entries WHERE key LIKE '%/issue'`)})

	first := l.count(`SELECT (application ->> 'points')::int FROM approvals WHERE case_number = 'L000001' AND matter = 'review' AND round = 1`)
	require.Equal(t, 500, first, "round 1 stays readable")
	require.Equal(t, 1, l.count(`SELECT count(*) FROM decisions WHERE case_number = 'L000001' AND round = 1 AND reason = 'too many points'`))
	for person, want := range map[string]int{"mei": 3, "adm": 3} {
		require.Equal(t, want, l.count(`SELECT count(*) FROM outbox WHERE person_id = $1 AND key LIKE 'lab-credit/L000001/%' AND key NOT LIKE '%decided%'`, person), "rejected, approved, issued")
	}
	require.Equal(t, 1, l.count(`SELECT count(*) FROM outbox WHERE account_id IS NOT NULL`))
	require.Equal(t, 1, l.count(`SELECT count(*) FROM outbox WHERE account_id = 'A-1' AND written_at = '2025-03-07T15:00:00+08:00' AND body LIKE '%CP-1%'`))
}

// Rule: LAB-09
func TestLAB09GivenAnApprovedCredit_WhenItIsIssuedTheNextDay_ThenTheMemberSeesItFromThatInstant(t *testing.T) {
	l := newLab(t, "2025-03-03 10:00")
	s := l.must(l.apply(forLab("k1", "A-1", 100), "2025-03-03 10:00"))
	l.approve(s.Case, "2025-03-06 09:00")
	require.Empty(t, l.inAccount("A-1", cst("2025-03-06 09:00")), "approved is not issued")
	require.Zero(t, l.count(`SELECT count(*) FROM outbox WHERE account_id = 'A-1'`))
	l.issueRound(s.Case, 1, "2025-03-07 15:00")
	at := cst("2025-03-07 15:00")
	require.Empty(t, l.inAccount("A-1", at.Add(-time.Second)))
	require.Len(t, l.inAccount("A-1", at), 1)
	require.Len(t, l.inAccount("A-1", at.Add(time.Second)), 1)
}

// Rule: LAB-10
func TestLAB10GivenAnIssuedCreditOf100_WhenAccountsAreLookedAt_ThenOneEntryInThePersonalAccountAndNoneInThePartners(t *testing.T) {
	l := newLab(t, "2025-03-03 10:00")
	number := l.issued("k1", "A-1", 100)
	credits := l.inAccount("A-1", cst("2025-03-08 09:00"))
	require.Len(t, credits, 1)
	require.Equal(t, [2]int{100, 100}, [2]int{credits[0].Points, credits[0].Remaining})
	require.Equal(t, "CP-L000001-1", credits[0].Coupon)
	require.Empty(t, l.inAccount("A-2", cst("2025-03-08 09:00")))
	balances, err := l.reader.Balances(context.Background(), "P1001")
	require.NoError(t, err)
	require.Empty(t, balances)
	_, err = l.reader.MemberCredits(context.Background(), "P1001", cst("2025-03-08 09:00"))
	require.Error(t, err, "a partner's account is no personal account")
	require.Equal(t, "100.00", l.balance(ledger.LabCredit(number)))
}

// Rule: LAB-11
func TestLAB11GivenAnApprovalOf250_WhenItIsIssued_ThenOneCreditOf250AndNoSecond(t *testing.T) {
	l := newLab(t, "2025-03-03 10:00")
	s := l.must(l.apply(forLab("k1", "A-1", 250), "2025-03-05 10:00"))
	l.approve(s.Case, "2025-03-06 09:00")
	d := activities.DecideInput{Decision: approval.Decision{Task: approval.TaskID(s.Case, "issue", 1), Person: "pan", Outcome: "issued", Reference: "CP-1", Key: "i"}, At: cst("2025-03-07 15:00")}
	for range 2 { // the step runs twice
		l.must(l.cases.Decide(context.Background(), d))
	}
	_, err := l.answer(s.Case, lab.Issue, 1, approval.Decision{Person: "ou", Outcome: "issued", Reference: "CP-2"}, "2025-03-07 16:00")
	require.Equal(t, []string{"ENG_STATE"}, codes(err))
	require.Equal(t, "250.00", l.balance(ledger.LabCredit(s.Case)))
	require.Equal(t, "250.00", l.balance(ledger.LabSource))
	require.Equal(t, 1, l.count(`SELECT count(*) FROM entries WHERE case_number = $1`, s.Case))

	other := l.must(l.apply(forLab("k2", "A-2", 10), "2025-03-08 10:00"))
	l.approve(other.Case, "2025-03-08 11:00")
	_, err = l.answer(other.Case, lab.Issue, 1, approval.Decision{Person: "pan", Outcome: "issued", Reference: "CP-1"}, "2025-03-08 12:00")
	require.Equal(t, []string{"LAB-11 ENG_STATE"}, codesOf(activities.RefusalOf(err)), "the coupon is another credit's")
	require.Equal(t, lab.Approved, l.credit(other.Case).State)
}

// Rule: LAB-12
func TestLAB12GivenAMemberUnlinkedAfterTheApproval_WhenOperationsIssue_ThenItIsTriedAgainForAnotherMember(t *testing.T) {
	l := newLab(t, "2025-03-03 10:00")
	a := forLab("k1", "A-1", 100)
	run := l.starts("2025-03-05 10:00", a)
	run.decides("2025-03-06 09:00", lab.Review, 1, approval.Decision{Person: "ou", Outcome: approval.Approve})
	early := run.update("2025-03-06 10:00", NameUserUpdate, func() any { return lab.Naming{Person: "mei", Account: "A-2", Key: "n0"} })
	run.env.RegisterDelayedCallback(func() { l.unlink("A-1", "2025-03-06 12:00") }, cst("2025-03-06 12:00").Sub(run.start))
	failed := run.decides("2025-03-07 15:00", lab.Issue, 1, approval.Decision{Person: "pan", Outcome: "issued", Reference: "CP-1"})
	var marked views.LabCredit
	run.env.RegisterDelayedCallback(func() { marked = l.credit("L000001") }, cst("2025-03-07 16:00").Sub(run.start))
	unlinked := run.update("2025-03-08 09:00", NameUserUpdate, func() any { return lab.Naming{Person: "mei", Account: "A-1", Key: "n1"} })
	byOps := run.update("2025-03-08 09:30", NameUserUpdate, func() any { return lab.Naming{Person: "ou", Account: "A-2", Key: "n2"} })
	named := run.update("2025-03-08 10:00", NameUserUpdate, func() any { return lab.Naming{Person: "mei", Account: "A-2", Key: "n3"} })
	repeat := run.update("2025-03-08 10:01", NameUserUpdate, func() any { return lab.Naming{Person: "mei", Account: "A-2", Key: "n3"} })
	issued := run.decides("2025-03-10 09:00", lab.Issue, 2, approval.Decision{Person: "pan", Outcome: "issued", Reference: "CP-2"})
	used := run.update("2025-03-11 09:00", UseUpdate, func() any { return lab.Use{Person: "ou", Points: 100, Key: "u"} })
	result := l.toEnd(run, a)

	require.Equal(t, []string{"LAB-12 LAB_STATE"}, codesOf(early.refused()))
	require.NoError(t, failed.err)
	require.Equal(t, lab.Approved, failed.standing.State)
	require.Equal(t, "100 lab points under SW for member A-1, issuing failed and is tried again", failed.standing.About)
	require.Equal(t, lab.Approved, marked.State)
	require.True(t, marked.Retry)
	require.Equal(t, "member A-1 is no longer linked to P1001, so coupon CP-1 is not issued", marked.Comment)
	require.Equal(t, []string{"LAB_USER"}, unlinked.refused().Codes())
	require.Equal(t, []string{"CBC.0151"}, byOps.refused().Codes())
	require.NoError(t, named.err)
	require.NoError(t, repeat.err)
	require.Equal(t, lab.Issued, issued.standing.State)
	require.True(t, used.standing.Ended, "used up")
	require.Equal(t, CaseResult{Case: "L000001", State: lab.Issued}, result)
	require.Empty(t, l.inAccount("A-1", cst("2025-03-10 10:00")))
	require.Equal(t, "CP-2", l.inAccount("A-2", cst("2025-03-10 10:00"))[0].Coupon)
	require.Equal(t, 1, l.count(`SELECT count(*) FROM outbox WHERE person_id = 'mei' AND key LIKE 'lab-credit/L000001/name-another@1/%'`))
	require.Equal(t, 1, l.count(`SELECT count(*) FROM outbox WHERE account_id = 'A-2'`))
	require.Zero(t, l.count(`SELECT count(*) FROM outbox WHERE account_id = 'A-1'`))
	require.False(t, l.credit("L000001").Retry)
}

// Rule: LAB-09, LAB-12
func TestLAB09GivenAnIssueThatFails_WhenTheMemberIsLinked_ThenOperationsTryAgain(t *testing.T) {
	l := newLab(t, "2025-03-03 10:00")
	s := l.must(l.apply(forLab("k1", "A-1", 20), "2025-03-05 10:00"))
	l.approve(s.Case, "2025-03-06 09:00")
	_, err := l.answer(s.Case, lab.Issue, 1, approval.Decision{Person: "pan", Outcome: "fail"}, "2025-03-06 10:00")
	require.Equal(t, []string{"CBC.0100"}, codes(err), "a failure has a reason")
	now := l.must(l.answer(s.Case, lab.Issue, 1, approval.Decision{Person: "pan", Outcome: "fail", Reason: "the lab is down"}, "2025-03-06 10:00"))
	require.Equal(t, lab.Approved, now.State)
	require.Equal(t, "the lab is down", l.credit(s.Case).Comment)
	require.Zero(t, l.count(`SELECT count(*) FROM entries`))
	l.issueRound(s.Case, 2, "2025-03-07 15:00")
	require.Equal(t, "20.00", l.balance(ledger.LabCredit(s.Case)))
}

// Rule: LAB-05
func TestLAB05GivenAMember_WhenThePartnerApplies_ThenTheLinkCountsAtTheInstant(t *testing.T) {
	l := newLab(t, "2025-03-03 10:00")
	l.unlink("A-1", "2025-03-04 12:00")
	at := cst("2025-03-04 12:00")
	try := func(key, account string, at time.Time) []string {
		l.runs++
		_, err := l.labs.OpenLabCredit(context.Background(), activities.OpenLabCreditInput{Application: forLab(key, account, 10), WorkflowID: key, RunID: fmt.Sprint("r", l.runs), At: at})
		return codes(err)
	}
	require.Equal(t, []string{"LAB_USER"}, try("k1", "A-1", at))
	require.Equal(t, []string{"LAB_USER"}, try("k2", "A-1", at.Add(time.Second)))
	require.Equal(t, []string{"LAB_USER"}, try("k3", "B-1", at), "another partner's member")
	require.Equal(t, []string{"LAB_USER"}, try("k4", "A-9", at), "nobody's member")
	require.Equal(t, []string{"LAB_USER"}, try("k5", "nobody", at))
	require.Equal(t, []string{"LAB_USER"}, try("k6", "A-2", cst("2024-01-02 09:00").Add(-time.Second)), "before it was linked")
	require.Empty(t, try("k7", "A-2", cst("2024-01-02 09:00")))
	require.Empty(t, try("k8", "A-1", at.Add(-time.Second)), "linked then")
	require.Equal(t, 6, l.count(`SELECT count(*) FROM refusals WHERE kind = 'lab-credit'`))
	require.Equal(t, 2, l.count(`SELECT count(*) FROM lab_credits`))
}

// Rule: LAB-02, LAB-13, LAB-01
func TestLAB13GivenThePathsOfTwoPartners_WhenTheyApply_ThenSoftwareMayAndLearningOnceItIsSwitchedOn(t *testing.T) {
	l := newLab(t, "2025-03-03 10:00")
	learning := lab.Application{RequestKey: "k1", PartnerID: "P2002", Submitter: "bea", Path: "LRN", Account: "B-1", Points: 10, Purpose: "train"}
	_, err := l.apply(learning, "2025-03-03 10:00")
	require.Equal(t, []string{"LAB-13 LAB_STAGE"}, codesOf(activities.RefusalOf(err)))
	onNone := learning
	onNone.RequestKey, onNone.Path = "k2", "SW"
	_, err = l.apply(onNone, "2025-03-03 10:00")
	require.Equal(t, []string{"LAB-02 LAB_STAGE"}, codesOf(activities.RefusalOf(err)))

	before, err := l.reader.LabBenefit(context.Background(), "P2002", cst("2025-03-03 10:00"))
	require.NoError(t, err)
	require.Equal(t, views.LabBenefit{
		Partner: "P2002", Address: "https://lab.vendor.example", Sizes: []int{10, 20, 50, 100, 250, 500}, Paths: []views.LabPath{{Path: "LRN", Stage: "ROLE_CERTIFIED"}}, Members: 1,
	}, before)
	policy := lab.DefaultPolicy()
	policy.OtherPaths = []string{"LRN"}
	_, err = (&activities.Programme{DB: l.db}).SetPolicy(context.Background(), lab.Kind, policy, "lina", l.now)
	require.NoError(t, err)
	learning.RequestKey = "k3"
	require.Equal(t, lab.UnderReview, l.must(l.apply(learning, "2025-03-03 10:01")).State)
	after, err := l.reader.LabBenefit(context.Background(), "P2002", cst("2025-03-03 10:01"))
	require.NoError(t, err)
	require.True(t, after.Paths[0].Open)

	for i, stage := range []string{"SELECTED", "ROLE_CERTIFIED", "DIFFERENTIATED"} { // LAB-02: at any stage
		at := time.Date(2025, 4, 1+i, 0, 0, 0, 0, time.UTC)
		l.db.MustExec(`UPDATE partner_paths SET until_at = $1 WHERE partner_id = 'P1001' AND until_at IS NULL`, at)
		l.db.MustExec(`INSERT INTO partner_paths (partner_id, path, stage, from_at) VALUES ('P1001', 'SW', $2, $1)`, at, stage)
		account := fmt.Sprintf("A-%d", i+1)
		s := l.must(l.labs.OpenLabCredit(context.Background(), activities.OpenLabCreditInput{Application: forLab("s"+stage, account, 10), WorkflowID: stage, RunID: stage, At: at}))
		require.Equal(t, stage, l.credit(s.Case).Stage)
	}
}

// Rule: LAB-06, PGM-09
func TestLAB06GivenThreeApplications_WhenTheyAreListed_ThenEachWithItsStateAndComment(t *testing.T) {
	l := newLab(t, "2025-03-03 10:00")
	l.issued("k1", "A-1", 100)
	second := l.must(l.apply(forLab("k2", "A-2", 500), "2025-03-08 10:00"))
	l.must(l.answer(second.Case, lab.Review, 1, approval.Decision{Person: "ou", Outcome: approval.Reject, Reason: "too many points"}, "2025-03-09 10:00"))
	l.must(l.apply(forLab("k3", "A-3", 10), "2025-03-10 10:00"))
	_, err := l.apply(forLab("k4", "A-3", 20), "2025-03-10 11:00")
	require.Equal(t, []string{"PGM-09 ENG_STATE"}, codesOf(activities.RefusalOf(err)), "one under review for a member")
	credits, err := l.reader.LabCredits(context.Background(), "P1001")
	require.NoError(t, err)
	var got []string
	for _, c := range credits {
		got = append(got, fmt.Sprint(c.Case, " ", c.State, " ", c.Comment))
	}
	require.Equal(t, []string{"L000001 ISSUED ", "L000002 REJECTED too many points", "L000003 UNDER_REVIEW "}, got)
	_, err = l.reader.LabCredits(context.Background(), "P9")
	require.True(t, activities.IsNotFound(err))
}

// Rule: PGM-03, PGM-02
func TestPGM03GivenACreditIssuedOnALeapDay_WhenAYearIsOver_ThenItExpiresOnTheLastOfFebruary(t *testing.T) {
	l := newLab(t, "2024-02-27 09:00")
	s := l.must(l.apply(forLab("k1", "A-1", 100), "2024-02-27 10:00"))
	l.approve(s.Case, "2024-02-28 09:00")
	now := l.issueRound(s.Case, 1, "2024-02-29 09:00")
	expires := cst("2025-02-28 09:00")
	require.Equal(t, expires.UTC(), now.WakeAt.UTC())
	_, err := l.use(s.Case, "before", 1, expires.Add(-time.Second))
	require.NoError(t, err)
	for i, late := range []time.Duration{0, time.Second} {
		_, err = l.use(s.Case, fmt.Sprint("late", i), 1, expires.Add(late))
		require.Equal(t, []string{"PGM-02 ENG_STATE"}, codesOf(activities.RefusalOf(err)), "the clock has not run")
		require.Zero(t, l.inAccount("A-1", expires.Add(late))[0].Remaining, "but nothing is left")
	}
	require.Equal(t, 99, l.inAccount("A-1", expires.Add(-time.Second))[0].Remaining)
	for range 2 { // late by two days, and once more: it has lapsed at its instant all the same
		l.must(l.cases.Clock(context.Background(), activities.ClockInput{Case: s.Case, At: expires.Add(48 * time.Hour)}))
	}
	require.Equal(t, 1, l.count(`SELECT count(*) FROM entries e JOIN postings p USING (entry_id) WHERE e.key = 'lab-credit/L000001/lapse' AND e.at = $1 AND p.account = 'L.LAPSED' AND p.amount = 99`, expires))
	require.Equal(t, 1, l.count(`SELECT count(*) FROM events WHERE case_number = $1 AND action = 'lapse' AND at = $2 AND amount = 99`, s.Case, expires))
	_, err = l.use(s.Case, "later", 1, expires.Add(72*time.Hour))
	require.Equal(t, []string{"ENG_STATE"}, codes(err))
}

// The reviewer is reminded when the third working day after the application is over: Mon 3 March, so Tue 4, Wed 5, Thu 6.
//
// Rule: LAB-04, PGM-04
func TestLAB04GivenAnApplication_WhenNobodyReviewsItForThreeWorkingDays_ThenTheReviewersAreReminded(t *testing.T) {
	l := newLab(t, "2025-03-03 10:00")
	s := l.must(l.apply(forLab("k1", "A-1", 10), "2025-03-03 10:00"))
	require.Equal(t, cst("2025-03-07 00:00").UTC(), s.WakeAt.UTC())
	require.Nil(t, s.DueAt)
	told := func() int { return l.count(`SELECT count(*) FROM outbox WHERE person_id = 'ou'`) }
	require.Equal(t, 1, told())
	l.must(l.cases.Clock(context.Background(), activities.ClockInput{Case: s.Case, At: cst("2025-03-07 00:00").Add(-time.Second)}))
	require.Equal(t, 1, told())
	l.must(l.cases.Clock(context.Background(), activities.ClockInput{Case: s.Case, At: cst("2025-03-07 00:00")}))
	require.Equal(t, 2, told())
}

// Rule: ENG-02, ENG-03, PGM-07
func TestENG02GivenAnApplication_WhenWhoAppliedDecidesOrARunIsCancelled_ThenRefused(t *testing.T) {
	l := newLab(t, "2025-03-03 10:00")
	s := l.must(l.apply(forLab("k1", "A-1", 10), "2025-03-03 10:00"))
	_, err := l.answer(s.Case, lab.Review, 1, approval.Decision{Person: "mei", Outcome: approval.Approve}, "2025-03-03 11:00")
	require.Contains(t, codes(err), "ENG_SELF_APPROVAL")
	_, err = l.answer(s.Case, lab.Review, 1, approval.Decision{Person: "ou", Outcome: approval.Reject}, "2025-03-03 11:00")
	require.Equal(t, []string{"CBC.0100"}, codes(err), "a rejection has a comment")
	_, err = l.cases.Stop(context.Background(), activities.StopInput{Case: s.Case, Key: "x", Reason: "cancelled", At: cst("2025-03-03 12:00")})
	require.Equal(t, []string{"ENG_STATE"}, codes(err))
	_, err = l.use("I-P1001", "u", 1, cst("2025-03-03 12:00"))
	require.True(t, activities.IsNotFound(err), "a case of another kind has no points")
	detail, err := l.reader.CaseDetail(context.Background(), s.Case)
	require.NoError(t, err)
	require.Equal(t, "10 lab points under SW for member A-1", detail.About)
	_, err = l.reader.Explain(context.Background(), s.Case, cst("2025-03-03 12:00"))
	require.NoError(t, err)
}

// Rule: LAB-11, ENG-01
func TestLAB11GivenTheLastPoints_WhenTwoReportsWantThemAtOnce_ThenOneGetsThemAndNothingGoesBelowZero(t *testing.T) {
	l := newLab(t, "2025-03-03 10:00")
	number := l.issued("k1", "A-1", 50)
	l.must(l.use(number, "most", 45, cst("2025-03-08 10:00")))
	errs := make([]error, 6)
	var wait sync.WaitGroup
	for i := range errs {
		wait.Go(func() { _, errs[i] = l.use(number, fmt.Sprint("last", i), 5, cst("2025-03-08 11:00")) })
	}
	wait.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		require.Equal(t, []string{"LAB-11 PRG.LAB.01"}, codesOf(activities.RefusalOf(err)))
	}
	require.Equal(t, 1, won)
	require.Equal(t, "0.00", l.balance(ledger.LabCredit(number)))
	require.Equal(t, "50.00", l.balance(ledger.LabUsed))
	require.Equal(t, 1, l.count(`SELECT count(*) FROM cases WHERE case_number = $1 AND closed_at = '2025-03-08T11:00:00+08:00'`, number))
}

// Rule: PGM-09, PGM-10
func TestPGM09GivenApplicationsForOneMemberAtOnce_WhenTheyOpen_ThenOneDoes(t *testing.T) {
	l := newLab(t, "2025-03-03 10:00")
	errs := make([]error, 6)
	var wait sync.WaitGroup
	for i := range errs {
		wait.Go(func() {
			_, errs[i] = l.labs.OpenLabCredit(context.Background(), activities.OpenLabCreditInput{Application: forLab(fmt.Sprint("k", i), "A-1", 10), WorkflowID: "w", RunID: fmt.Sprint("r", i), At: l.now})
		})
	}
	wait.Wait()
	opened := 0
	for _, err := range errs {
		if err == nil {
			opened++
			continue
		}
		require.Equal(t, []string{"PGM-09 ENG_STATE"}, codesOf(activities.RefusalOf(err)))
	}
	require.Equal(t, 1, opened)
}

// Rule: LAB-11, PGM-10
func TestLAB11GivenACreditWhoseHistoryIsLong_WhenItsRunIsContinuedAsNew_ThenNothingIsLostOrTakenTwice(t *testing.T) {
	l := newLab(t, "2025-03-03 10:00")
	a := forLab("k1", "A-1", 50)
	run := l.starts("2025-03-05 10:00", a)
	run.decides("2025-03-06 09:00", lab.Review, 1, approval.Decision{Person: "ou", Outcome: approval.Approve})
	run.decides("2025-03-07 15:00", lab.Issue, 1, approval.Decision{Person: "pan", Outcome: "issued", Reference: "CP-1"})
	run.env.RegisterDelayedCallback(func() { run.env.SetContinueAsNewSuggested(true) }, cst("2025-03-08 09:00").Sub(run.start))
	first := run.update("2025-03-08 10:00", UseUpdate, func() any { return lab.Use{Person: "ou", Points: 20, Key: "u1"} })
	run.env.ExecuteWorkflow(LabCredit, LabCreditInput{Application: a})
	require.NoError(t, first.err)
	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, run.env.GetWorkflowError(), &again)

	next := l.starts("2025-03-08 10:01", a) // the same application meets the run that carries on
	repeat := next.update("2025-03-09 10:00", UseUpdate, func() any { return lab.Use{Person: "ou", Points: 20, Key: "u1"} })
	last := next.update("2025-03-10 10:00", UseUpdate, func() any { return lab.Use{Person: "ou", Points: 30, Key: "u2"} })
	next.env.ExecuteWorkflow(LabCredit, LabCreditInput{Resume: "L000001"})
	require.NoError(t, next.env.GetWorkflowError())
	require.Equal(t, "L000001", next.opened.standing.Case)
	require.NoError(t, repeat.err)
	require.Equal(t, "50 lab points under SW for member A-1, 30 remain", repeat.standing.About)
	require.True(t, last.standing.Ended)
	require.Equal(t, 1, l.count(`SELECT count(*) FROM cases WHERE kind = 'lab-credit'`))
}

// Rule: LAB-12, LAB-05
func TestLAB12GivenAMember_WhenTheUnlinkingAndTheIssueMeet_ThenTheInstantsDecide(t *testing.T) {
	for at, want := range map[string]lab.State{"2025-03-07 14:59": lab.Approved, "2025-03-07 15:00": lab.Approved, "2025-03-07 15:01": lab.Issued} {
		t.Run(at, func(t *testing.T) {
			l := newLab(t, "2025-03-03 10:00")
			s := l.must(l.apply(forLab("k1", "A-1", 100), "2025-03-05 10:00"))
			l.approve(s.Case, "2025-03-06 09:00")
			l.unlink("A-1", at)
			require.Equal(t, want, l.issueRound(s.Case, 1, "2025-03-07 15:00").State)
			require.Equal(t, want == lab.Approved, l.credit(s.Case).Retry)
		})
	}
}

// Rule: LAB-11
func TestLAB11GivenPointsThatWereMovedBehindTheEngine_WhenTheLedgerIsVerified_ThenItIsFound(t *testing.T) {
	l := newLab(t, "2025-03-03 10:00")
	l.forged = true
	number := l.issued("k1", "A-1", 50)
	forge := func(key, debit, credit string, points int) {
		tx := l.db.MustBegin()
		var id int64
		require.NoError(t, tx.Get(&id, `INSERT INTO entries (key, digest, memo, at) VALUES ($1, '', '', '2025-03-09T00:00:00Z') RETURNING entry_id`, key))
		tx.MustExec(`INSERT INTO accounts (account) VALUES ('L.USED'), ('L.LAPSED') ON CONFLICT DO NOTHING`)
		tx.MustExec(`INSERT INTO postings (entry_id, account, amount) VALUES ($1, $2, -$4::numeric), ($1, $3, $4)`, id, debit, credit, points)
		require.NoError(t, tx.Commit())
	}
	found := func() (messages []string) {
		for _, f := range l.findings() {
			if f.Check == "lab credits" {
				messages = append(messages, f.Object)
			}
		}
		return messages
	}
	require.Empty(t, found())
	forge("x/1", "L:"+number, "L.USED", 5)
	require.Equal(t, []string{"account L.USED", "case " + number}, found())
	forge("x/2", "L.USED", "L:"+number, 5)
	require.Empty(t, found(), "put back")
	forge("x/3", "L.SRC", "L:"+number, 7)
	require.Equal(t, []string{"account L.SRC", "case " + number}, found())
	forge("x/4", "L:"+number, "L.SRC", 7)
	l.db.MustExec(`UPDATE cases SET closed_at = now() WHERE case_number = $1`, number)
	require.Equal(t, []string{"case " + number}, found(), "points are left and the case has ended")
	l.db.MustExec(`UPDATE cases SET closed_at = NULL WHERE case_number = $1`, number)
	l.db.MustExec(`UPDATE approvals SET granted = 'x' WHERE case_number = $1 AND matter = 'review'`, number)
	require.Equal(t, []string{"case " + number}, found(), "it is not what was approved")
	l.db.MustExec(`UPDATE approvals SET granted = lab_credit_content(case_number) WHERE case_number = $1 AND matter = 'review'`, number)
}

func TestTheMovesOfLabCreditsAreThoseOfTheDatabase(t *testing.T) {
	l := newLab(t, "2025-03-03 10:00")
	var stored []lab.Move
	require.NoError(t, l.db.Select(&stored, `SELECT from_state AS from, to_state AS to FROM moves WHERE kind = $1`, lab.Kind))
	require.ElementsMatch(t, lab.Moves, stored)
}

// Whatever is applied for, decided, failed, renamed, used, repeated and however late the clock is: points are conserved.
//
// Rule: LAB-11, LAB-03
func TestRandomLabCreditsConservePoints(t *testing.T) {
	issued, lapsed, usedUp := 0, 0, 0
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 23))
			l := newLab(t, "2024-03-01 09:00")
			policy := lab.DefaultPolicy()
			policy.Validity, policy.RemindTerm = calendar.MustTerm("P5D"), calendar.MustTerm("P1D")
			_, err := (&activities.Programme{DB: l.db}).SetPolicy(context.Background(), lab.Kind, policy, "lina", l.now)
			require.NoError(t, err)
			for i := range 120 {
				l.now = l.now.Add(time.Duration(1+r.IntN(300)) * time.Minute)
				l.somethingHappens(r, i)
				if i%20 == 19 {
					require.Empty(t, l.findings())
					require.Zero(t, l.count(`SELECT count(*) FROM accounts WHERE code = 'L' AND (balance < 0 OR balance <> trunc(balance))`))
				}
			}
			issued += l.count(`SELECT count(*) FROM lab_credits WHERE issued_at IS NOT NULL`)
			lapsed += l.count(`SELECT count(*) FROM entries WHERE key LIKE '%/lapse'`)
			usedUp += l.count(`SELECT count(*) FROM events WHERE action = 'use' AND case_number IN (SELECT case_number FROM cases WHERE closed_at = events.at)`)
		})
	}
	require.Positive(t, issued)
	require.Positive(t, lapsed)
	require.Positive(t, usedUp)
}

// somethingHappens does something to some application, whether it fits or not; the rules may refuse it.
func (l *labHouse) somethingHappens(r *rand.Rand, i int) {
	l.t.Helper()
	ctx := context.Background()
	account := fmt.Sprintf("A-%d", 1+r.IntN(3))
	var numbers []string
	require.NoError(l.t, l.db.Select(&numbers, `SELECT case_number FROM lab_credits JOIN cases USING (case_number) WHERE closed_at IS NULL ORDER BY 1`))
	size := lab.Sizes[r.IntN(3)]
	act := r.IntN(10)
	if len(numbers) == 0 {
		act = 0
	}
	number := ""
	if len(numbers) > 0 {
		number = numbers[r.IntN(len(numbers))]
	}
	var err error
	decide := func(d approval.Decision, matter string) {
		d.Key = fmt.Sprint("d", i)
		require.NoError(l.t, l.db.Get(&d.Task, `SELECT coalesce((SELECT task_id FROM tasks WHERE case_number = $1 AND matter = $2 ORDER BY round DESC LIMIT 1), $1 || '/' || $2)`, number, matter))
		for range 1 + r.IntN(2) { // some messages come twice
			_, err = l.cases.Decide(ctx, activities.DecideInput{Decision: d, At: l.now})
		}
	}
	switch act {
	case 0:
		a := forLab(fmt.Sprint("k", i), account, size)
		_, err = l.labs.OpenLabCredit(ctx, activities.OpenLabCreditInput{Application: a, WorkflowID: a.RequestKey, RunID: a.RequestKey, At: l.now})
	case 1:
		_, err = l.labs.ResubmitLabCredit(ctx, activities.ResubmitLabCreditInput{Case: number, Application: forLab(fmt.Sprint("k", i), account, size), At: l.now})
	case 2:
		outcome := []approval.Outcome{approval.Approve, approval.Approve, approval.Reject}[r.IntN(3)]
		decide(approval.Decision{Person: "ou", Outcome: outcome, Reason: "so"}, "review")
	case 3:
		decide(approval.Decision{Person: "pan", Outcome: []approval.Outcome{"issued", "issued", "fail"}[r.IntN(3)], Reason: "so", Reference: fmt.Sprint("CP-", i)}, "issue")
	case 4, 5, 8, 9:
		points, key := 1+r.IntN(25), fmt.Sprint("u", r.IntN(200)) // some keys come again
		_, err = l.use(number, key, points, l.now)
	case 6:
		_, err = l.cases.Clock(ctx, activities.ClockInput{Case: number, At: l.now})
	case 7:
		if r.IntN(3) > 0 {
			_, err = l.labs.NameLabUser(ctx, activities.NameLabUserInput{Case: number, Naming: lab.Naming{Person: "mei", Account: account, Key: fmt.Sprint("n", i)}, At: l.now})
			break
		}
		at := l.now.In(time.UTC)
		if linked := l.count(`SELECT count(*) FROM member_links WHERE account_id = $1 AND unlinked_at IS NULL`, account); linked == 1 {
			l.db.MustExec(`UPDATE member_links SET unlinked_at = $2, unlinked_by = 'mei' WHERE account_id = $1 AND unlinked_at IS NULL`, account, at)
		} else {
			l.db.MustExec(`INSERT INTO member_links (account_id, partner_id, case_number, notice_version, linked_at) VALUES ($1, 'P1001', 'I-P1001', '1', $2)`, account, at)
		}
	}
	if err != nil && len(activities.RefusalOf(err)) == 0 && !activities.IsNotFound(err) {
		require.NoError(l.t, err)
	}
}
