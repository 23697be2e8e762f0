package workflows

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/specialist"
	"countersign/internal/documents"
	"countersign/internal/pgtest"
	"countersign/views"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"
)

// team is a house in which P1001 may apply for specialists: Mei administers it, Max holds its master account. Ou and Pan are
// vendor operations, Wang is the ecosystem manager.
type team struct {
	*house
	specialists *activities.ProjectSpecialists
	cases       *activities.Cases
	n           int
}

const teamRecords = `
people:
  - {id: ou, name: Ou, email: ou@vendor.example, roles: [vendor-operations]}
  - {id: pan, name: Pan, email: pan@vendor.example, roles: [vendor-operations]}
  - {id: max, name: Max, partner: P1001, email: max@a.example, roles: [partner-incentives]}
project_specialist_policy:
  {review_role: vendor-operations, escalation_role: ecosystem-manager, review_term: P5WD, cancel_term: P5WD, decide_by_signal: true}
`

func newTeam(t *testing.T) *team {
	h := newHouse(t, cst("2025-02-10 09:00"), teamRecords)
	m := &team{house: h, specialists: &activities.ProjectSpecialists{DB: h.db}, cases: &activities.Cases{DB: h.db}}
	t.Cleanup(func() {
		found, err := views.Reader{DB: h.db}.Verify(context.Background(), nil)
		require.NoError(t, err)
		if !h.forged {
			require.Empty(t, found.Findings)
		}
	})
	h.db.MustExec(`UPDATE partners SET master = 'max' WHERE partner_id = 'P1001'`)
	m.owner(`INSERT INTO moves VALUES ('invitation', '', 'BOUND') ON CONFLICT DO NOTHING`)
	h.db.MustExec(`INSERT INTO policies (kind, version, body, set_by, set_at) VALUES ('invitation', 1, '{}', 'ou', $1) ON CONFLICT DO NOTHING`, h.now)
	for _, partner := range []string{"P1001", "P2002"} {
		h.db.MustExec(`INSERT INTO cases (case_number, kind, partner_id, submitter, request_key, request_digest, state, policy_version, workflow_id, run_id, opened_at, closed_at)
			VALUES ('I-' || $1, 'invitation', $1, 'mei', 'fixture', '', 'BOUND', 1, 'w', '', $2, $2)`, partner, h.now)
		h.db.MustExec(`INSERT INTO events (case_number, key, at, actor, via, action, from_state, to_state) VALUES ('I-' || $1, 'submit', $2, 'mei', 'request', 'submit', '', 'BOUND')`, partner, h.now)
	}
	return m
}

// owner does what only the owner of the schema may.
func (m *team) owner(query string, args ...any) {
	m.t.Helper()
	tx, err := pgtest.Owner(m.t, m.db).Beginx()
	require.NoError(m.t, err)
	defer tx.Rollback()
	tx.MustExec(`SET LOCAL ROLE countersign_owner`)
	tx.MustExec(query, args...)
	require.NoError(m.t, tx.Commit())
}

// account is a natural person.
func (m *team) account(id string) string {
	m.db.MustExec(`INSERT INTO personal_accounts (account_id, account_name, name, real_name) VALUES ($1, $1 || '-name', 'Person ' || $1, 'personal') ON CONFLICT DO NOTHING`, id)
	return id
}

// bound is a member who is linked to a partner.
func (m *team) bound(id, partner, at string) string {
	m.account(id)
	m.db.MustExec(`INSERT INTO member_links (account_id, partner_id, case_number, notice_version, linked_at) VALUES ($1, $2, 'I-' || $2, '1', $3)`, id, partner, cst(at))
	return id
}

// unbind ends a link as the invitation's step does.
func (m *team) unbind(id, at string) error {
	_, err := m.db.Exec(`UPDATE member_links SET unlinked_at = $2, unlinked_by = 'mei' WHERE account_id = $1 AND unlinked_at IS NULL`, id, cst(at))
	return err
}

// member is bound to P1001 and works from Shenzhen.
func (m *team) member(id string) string {
	m.t.Helper()
	m.bound(id, "P1001", "2025-02-10 09:00")
	require.NoError(m.t, m.specialists.LocateMember(context.Background(), activities.LocateMemberInput{Partner: "P1001", Account: id, Location: "Shenzhen", Person: "mei", At: m.now}))
	return id
}

func applies(key, account string, path specialist.Path) specialist.Application {
	return specialist.Application{RequestKey: key, PartnerID: "P1001", Submitter: "mei", Account: account, Path: path, Materials: []string{contract}}
}

// contract is a document of an application.
const contract = "00000000000000000000000000000000000000000000000000000000000000c7"

// apply asks the applying activity directly, as a run of its own.
func (m *team) apply(a specialist.Application, at string) (activities.Standing, error) {
	m.runs++
	return m.specialists.ApplyForSpecialist(context.Background(), activities.ApplyForSpecialistInput{
		Application: a, WorkflowID: ProjectSpecialistID(a), RunID: fmt.Sprintf("run-%d", m.runs), At: cst(at),
	})
}

// answers decides a round of a matter directly.
func (m *team) answers(number string, matter approval.Matter, round int, d approval.Decision, at string) (activities.Standing, error) {
	m.n++
	d.Task, d.Key = approval.TaskID(number, matter.Name, round), fmt.Sprintf("d%d", m.n)
	return m.cases.Decide(context.Background(), activities.DecideInput{Decision: d, At: cst(at)})
}

// recognised has a member recognised on a path.
func (m *team) recognised(account string, path specialist.Path) string {
	m.t.Helper()
	s, err := m.apply(applies("apply-"+account+string(path), account, path), "2025-03-03 10:00")
	require.NoError(m.t, err)
	_, err = m.answers(s.Case, specialist.ReviewMatter, 1, approval.Decision{Person: "ou", Outcome: "approve"}, "2025-03-04 10:00")
	require.NoError(m.t, err)
	return s.Case
}

// reasonFile encloses a file with a case and answers its ID.
func (m *team) reasonFile(number string) string {
	m.t.Helper()
	store, err := documents.Open(m.db, "postgres", documents.Keys{}, documents.Rules{Limit: 1000, Types: []string{documents.PDF}})
	require.NoError(m.t, err)
	added, err := (&activities.Documents{DB: m.db, Store: store}).AddDocument(context.Background(), activities.AddDocumentInput{
		Case: number, Kind: "proof", Name: "reason.pdf", Content: bytes.NewReader([]byte("%PDF-1.4\nreason\n%%EOF\n")), Person: "mei", At: m.now,
	})
	require.NoError(m.t, err)
	return added.Document
}

// step is one thing that somebody asks for in a case.
func (m *team) step(number, person, reason, file, at string) activities.SpecialistStepInput {
	m.n++
	return activities.SpecialistStepInput{Case: number, Key: fmt.Sprintf("s%d", m.n), Person: person, Reason: reason, Document: file, At: cst(at)}
}

func (m *team) state(number string) specialist.State {
	m.t.Helper()
	var s specialist.State
	require.NoError(m.t, m.db.Get(&s, `SELECT state FROM cases WHERE case_number = $1`, number))
	return s
}

func (m *team) standsAs(account string) string {
	m.t.Helper()
	var s string
	require.NoError(m.t, m.db.Get(&s, `SELECT specialist_state('P1001', $1)`, account))
	return s
}

// lives is one run in the test environment.
func (m *team) lives(at string, a specialist.Application) *fundRun {
	r := &fundRun{f: &fund{house: m.house}, env: environment(cst(at)), start: cst(at)}
	r.env.RegisterWorkflowWithOptions(ProjectSpecialist, workflow.RegisterOptions{Name: ProjectSpecialistType})
	r.env.RegisterActivity(m.specialists)
	r.env.RegisterActivity(m.cases)
	r.asks(r.start, SubmitUpdate, &r.opened, func() any { return a })
	return r
}

func (m *team) toEnd(r *fundRun, in ProjectSpecialistInput) {
	m.t.Helper()
	r.env.ExecuteWorkflow(ProjectSpecialist, in)
	require.True(m.t, r.env.IsWorkflowCompleted(), "the run ends")
	require.NoError(m.t, r.env.GetWorkflowError())
	require.NoError(m.t, r.env.GetWorkflowResult(&r.result))
}

// Rule: ORG-38, PGM-07, PGM-10
func TestORG38GivenThreeMembers_WhenTheyAreAppliedForAtOnce_ThenThereAreThreeApplicationsUnderReview(t *testing.T) {
	m := newTeam(t)
	members := []string{m.member("A1"), m.member("A2"), m.member("A3")}
	at := func(when string) func(context.Context, specialist.Application) (activities.Standing, error) {
		return func(_ context.Context, a specialist.Application) (activities.Standing, error) {
			return m.apply(a, when)
		}
	}
	for range 2 { // the command whose answer was lost
		for _, one := range ApplyForSpecialists(context.Background(), applies("batch", "", "SVC"), members, at("2025-03-03 10:00")) {
			require.NoError(t, one.Err)
			require.Equal(t, specialist.Review, one.Standing.State)
		}
	}
	require.Equal(t, 3, m.count(`SELECT count(*) FROM cases WHERE kind = 'project-specialist' AND state = 'SPECIALIST_REVIEW'`))
	require.Equal(t, 3, m.count(`SELECT count(*) FROM tasks WHERE state = 'open' AND matter = 'review'`))
	require.Equal(t, 3, m.count(`SELECT count(*) FROM project_specialists WHERE path = 'SVC' AND base_location = 'Shenzhen'`))

	m.account("A4") // one that fails holds up no other
	got := ApplyForSpecialists(context.Background(), applies("batch2", "", "LRN"), []string{"A4", m.member("A5")}, at("2025-03-03 11:00"))
	require.Equal(t, []string{"SPC_NOT_BOUND", "SPC_LOCATION"}, codes(got[0].Err))
	require.NoError(t, got[1].Err)

	_, err := m.answers("PS000001", specialist.ReviewMatter, 1, approval.Decision{Person: "mei", Outcome: "approve"}, "2025-03-04 10:00")
	require.NotEmpty(t, codes(err), "who applied does not decide")
	_, err = m.answers("PS000001", specialist.ReviewMatter, 1, approval.Decision{Person: "lina", Outcome: "approve"}, "2025-03-04 10:00")
	require.NotEmpty(t, codes(err), "finance is not asked")
	now, err := m.answers("PS000001", specialist.ReviewMatter, 1, approval.Decision{Person: "ou", Outcome: "approve"}, "2025-03-04 10:00")
	require.NoError(t, err)
	require.Equal(t, specialist.Recognised, now.State)
	require.Nil(t, now.WakeAt, "nothing more is due")
	require.Nil(t, now.DueAt)
	require.Equal(t, 1, m.count(`SELECT count(*) FROM outbox WHERE person_id = 'mei' AND subject LIKE '%was recognised'`))
	require.Equal(t, 1, m.count(`SELECT count(*) FROM outbox WHERE account_id = 'A1' AND body LIKE '%Person A1%'`), "the member is told as well")

	byMaster := applies("k-max", m.member("A6"), "SI")
	byMaster.Submitter = "max"
	_, err = m.apply(byMaster, "2025-03-04 10:00")
	require.NoError(t, err, "the holder of the master account administers too")
	vendor := applies("k-eco", m.member("A7"), "SI")
	vendor.Submitter = "wang"
	_, err = m.apply(vendor, "2025-03-04 10:00")
	require.Equal(t, []string{"CBC.0151"}, codes(err))
}

// Rule: ORG-39, ORG-40, PGM-08, PGM-09
func TestORG39GivenAMemberWithoutLocationOrLink_WhenAppliedFor_ThenNothingOpens(t *testing.T) {
	m := newTeam(t)
	m.bound("A1", "P1001", "2025-02-10 09:00")
	_, err := m.apply(applies("k1", "A1", "SVC"), "2025-03-03 10:00")
	require.Equal(t, []string{"SPC_LOCATION"}, codes(err))
	m.account("A2")
	m.db.MustExec(`INSERT INTO member_locations VALUES ('P1001', 'A2', 'Beijing', 'mei', $1)`, m.now)
	_, err = m.apply(applies("k2", "A2", "SVC"), "2025-03-03 10:00")
	require.Equal(t, []string{"SPC_NOT_BOUND"}, codes(err), "only invited")
	m.bound("A3", "P2002", "2025-02-10 09:00")
	err = m.specialists.LocateMember(context.Background(), activities.LocateMemberInput{Partner: "P1001", Account: "A3", Location: "", Person: "mei", At: m.now})
	require.Equal(t, []string{"SPC_NOT_BOUND", "SPC_LOCATION"}, codes(err), "another partner's member")
	_, err = m.apply(applies("k3", m.member("A4"), "DST"), "2025-03-03 10:00")
	require.Equal(t, []string{"SPC_PATH"}, codes(err)) // ORG-40
	require.Zero(t, m.count(`SELECT count(*) FROM project_specialists`))
	require.Equal(t, 3, m.count(`SELECT count(*) FROM refusals WHERE kind = 'project-specialist' AND action = 'submit'`))

	_, err = m.apply(applies("k4", "A4", "SVC"), "2025-03-03 10:00")
	require.NoError(t, err)
	_, err = m.apply(applies("k5", "A4", "SVC"), "2025-03-03 11:00")
	require.Equal(t, []string{"SPC_STATE"}, codes(err), "an application is running")
	_, err = m.apply(applies("k6", "A4", "SI"), "2025-03-03 11:00")
	require.Equal(t, []string{"SPC_STATE"}, codes(err), "on another path")
	changed := applies("k4", "A4", "SVC")
	changed.Materials = append(changed.Materials, contract)
	_, err = m.apply(changed, "2025-03-03 11:00")
	require.Equal(t, []string{"COM_REQUEST_KEY"}, codes(err))
	_, err = m.answers("PS000001", specialist.ReviewMatter, 1, approval.Decision{Person: "ou", Outcome: "approve"}, "2025-03-04 10:00")
	require.NoError(t, err)
	_, err = m.apply(applies("k7", "A4", "SI"), "2025-03-05 11:00")
	require.NoError(t, err, "a specialist on one path may become one on another")
}

// Rule: ORG-41, PGM-11, PGM-12
func TestORG41GivenARejection_WhenAppliedForAgain_ThenItIsTheNextRoundOfTheSameCase(t *testing.T) {
	m := newTeam(t)
	a := applies("k1", m.member("A1"), "SVC")
	again := applies("k2", "A1", "SVC")
	r := m.lives("2025-03-03 10:00", a)
	tooEarly := r.update("2025-03-03 11:00", SubmitUpdate, func() any { return applies("k0", "A1", "SVC") })
	noReason := r.decides("2025-03-04 09:00", specialist.ReviewMatter, 1, approval.Decision{Person: "ou", Outcome: "reject"})
	rejected := r.decides("2025-03-04 10:00", specialist.ReviewMatter, 1, approval.Decision{Person: "ou", Outcome: "reject", Reason: "the contract is missing"})
	second := r.update("2025-06-10 10:00", SubmitUpdate, func() any { return again })
	repeated := r.update("2025-06-10 11:00", SubmitUpdate, func() any { return again })
	approved := r.decides("2025-06-11 10:00", specialist.ReviewMatter, 2, approval.Decision{Person: "pan", Outcome: "approve"})
	revoked := r.update("2025-07-01 10:00", RevokeSpecialistUpdate, func() any { return m.step("", "ou", "no project for a year", "", "2025-07-01 10:00") })
	m.toEnd(r, ProjectSpecialistInput{Application: a})

	require.Equal(t, []string{"SPC_STATE"}, tooEarly.refused().Codes())
	require.Equal(t, []string{"CBC.0100"}, noReason.refused().Codes(), "a rejection has a reason")
	require.Equal(t, specialist.Rejected, rejected.standing.State)
	require.NoError(t, second.err)
	require.Equal(t, specialist.Review, second.standing.State)
	require.Equal(t, "PS000001", second.standing.Case)
	require.NoError(t, repeated.err, "the same again changes nothing")
	require.Equal(t, specialist.Recognised, approved.standing.State)
	require.NoError(t, revoked.err)
	require.Equal(t, CaseResult{Case: "PS000001", State: specialist.Revoked}, r.result)
	require.Equal(t, []string{
		"mei submit >SPECIALIST_REVIEW ORG-38", "mei apply again refused SPECIALIST_REVIEW>SPECIALIST_REVIEW ORG-41", "ou reject refused SPECIALIST_REVIEW>SPECIALIST_REVIEW ENG-06",
		"ou reject SPECIALIST_REVIEW>SPECIALIST_REJECTED ORG-38", "mei apply again SPECIALIST_REJECTED>SPECIALIST_REVIEW ORG-41",
		"pan approve SPECIALIST_REVIEW>SPECIALIST ORG-38", "ou revoke SPECIALIST>CANCELLED_BY_VENDOR ORG-41",
	}, m.history("PS000001"))
	require.Equal(t, 2, m.count(`SELECT count(*) FROM approvals WHERE matter = 'review' AND application ->> 'account' = 'A1'`), "both rounds stay readable")
	repeat, err := m.apply(again, "2025-07-02 10:00")
	require.NoError(t, err)
	require.Equal(t, "PS000001", repeat.Case, "also after the end the key is that round's")
	repeat, err = m.apply(a, "2025-07-02 10:00")
	require.NoError(t, err)
	require.Equal(t, "PS000001", repeat.Case)
	other := again
	other.Materials = []string{contract, contract}
	_, err = m.apply(other, "2025-07-02 10:00")
	require.Equal(t, []string{"COM_REQUEST_KEY"}, codes(err))
}

// Rule: ORG-41
func TestORG41GivenACancellationByTheVendorOn1April_WhenAppliedForOn2April_ThenANewCaseIsUnderReview(t *testing.T) {
	m := newTeam(t)
	ctx := context.Background()
	first := m.recognised(m.member("A1"), "SVC")
	_, err := m.specialists.RevokeSpecialist(ctx, m.step(first, "mei", "not mine to do", "", "2025-04-01 10:00"))
	require.Equal(t, []string{"CBC.0151"}, codes(err))
	_, err = m.specialists.RevokeSpecialist(ctx, m.step(first, "ou", "", "", "2025-04-01 10:00"))
	require.Equal(t, []string{"SPC_REASON_FILE"}, codes(err))
	in := m.step(first, "ou", "no project", "", "2025-04-01 10:00") // who approved the application: it is the vendor's own act
	for range 2 {
		now, err := m.specialists.RevokeSpecialist(ctx, in)
		require.NoError(t, err)
		require.Equal(t, specialist.Revoked, now.State)
		require.True(t, now.Ended)
	}
	require.Equal(t, 1, m.count(`SELECT count(*) FROM outbox WHERE account_id = 'A1' AND subject LIKE '%struck off%'`))
	now, err := m.apply(applies("k2", "A1", "SVC"), "2025-04-02 10:00")
	require.NoError(t, err)
	require.Equal(t, specialist.Review, now.State)
	require.NotEqual(t, first, now.Case)
}

// Rule: ORG-42, ORG-41, ENG-02
func TestORG42GivenASpecialist_WhenCancelled_ThenByReasonAndFileAndTheVendorDecides(t *testing.T) {
	m := newTeam(t)
	a := applies("k1", m.member("A1"), "SVC")
	r := m.lives("2025-03-03 10:00", a)
	var file string
	cancel := func(person, reason string) func() any {
		return func() any {
			file = m.reasonFile("PS000001")
			return m.step("", person, reason, file, "2025-03-03 10:00")
		}
	}
	early := r.update("2025-03-03 11:00", CancelSpecialistUpdate, cancel("mei", "left"))
	r.decides("2025-03-04 10:00", specialist.ReviewMatter, 1, approval.Decision{Person: "ou", Outcome: "approve"})
	without := r.update("2025-09-01 10:00", CancelSpecialistUpdate, func() any { return m.step("", "mei", "left", "", "2025-09-01 10:00") })
	strange := r.update("2025-09-01 10:30", CancelSpecialistUpdate, func() any { return m.step("", "mei", "left", contract, "2025-09-01 10:00") })
	filed := r.update("2025-09-01 11:00", CancelSpecialistUpdate, cancel("mei", "left"))
	own := r.decides("2025-09-01 12:00", specialist.CancelMatter, 1, approval.Decision{Person: "mei", Outcome: "approve"})
	twice := r.update("2025-09-01 13:00", CancelSpecialistUpdate, cancel("mei", "left"))
	refused := r.decides("2025-09-02 10:00", specialist.CancelMatter, 1, approval.Decision{Person: "pan", Outcome: "reject", Reason: "a project runs"})
	noRevoke := r.update("2025-09-03 10:00", RevokeSpecialistUpdate, func() any { return m.step("", "ou", "x", "", "2025-09-03 10:00") })
	again := r.update("2026-01-05 10:00", CancelSpecialistUpdate, cancel("max", "the project is over"))
	approved := r.decides("2026-01-06 10:00", specialist.CancelMatter, 2, approval.Decision{Person: "pan", Outcome: "approve"})
	m.toEnd(r, ProjectSpecialistInput{Application: a})

	require.Equal(t, []string{"SPC_STATE"}, early.refused().Codes(), "under review it is not cancelled")
	require.Equal(t, []string{"SPC_REASON_FILE"}, without.refused().Codes(), "normal without file")
	require.Equal(t, []string{"SPC_REASON_FILE"}, strange.refused().Codes(), "the file lies with no case")
	require.Equal(t, specialist.CancelReview, filed.standing.State)
	require.NotNil(t, filed.standing.DueAt)
	require.NotEmpty(t, own.refused())
	require.Equal(t, []string{"SPC_STATE"}, twice.refused().Codes())
	require.Equal(t, specialist.CancelRejected, refused.standing.State)
	require.Equal(t, []string{"SPC_STATE"}, noRevoke.refused().Codes())
	require.NoError(t, again.err, "after a refused cancellation it is applied for again")
	require.NoError(t, approved.err)
	require.Equal(t, CaseResult{Case: "PS000001", State: specialist.CancelApproved}, r.result)
	require.Equal(t, 2, m.count(`SELECT count(*) FROM approvals WHERE matter = 'cancellation' AND application ->> 'reason' <> ''`))
	require.Equal(t, 1, m.count(`SELECT count(*) FROM project_specialists WHERE cancel_reason = 'the project is over' AND cancel_document = $1 AND before_cancel = 'CANCEL_REJECTED' AND ended_at IS NOT NULL`, file))
	next, err := m.apply(applies("k2", "A1", "SVC"), "2026-01-07 10:00")
	require.NoError(t, err)
	require.Equal(t, "PS000002", next.Case, "after an approved cancellation it is a new case")
}

// Rule: ORG-43
func TestORG43GivenACancellationOf6May_WhenWithdrawnOn7MayBeforeTheDecision_ThenTheSpecialistStandsWhereItWasFiled(t *testing.T) {
	m := newTeam(t)
	ctx := context.Background()
	number := m.recognised(m.member("A1"), "SVC")
	file := m.reasonFile(number)
	_, err := m.specialists.WithdrawCancellation(ctx, m.step(number, "mei", "", "", "2025-05-05 10:00"))
	require.Equal(t, []string{"SPC_STATE"}, codes(err), "nothing was filed")
	filed := m.step(number, "mei", "left", file, "2025-05-06 09:00")
	for range 2 {
		now, err := m.specialists.CancelSpecialist(ctx, filed)
		require.NoError(t, err)
		require.Equal(t, specialist.CancelReview, now.State)
	}
	_, err = m.specialists.WithdrawCancellation(ctx, m.step(number, "ou", "", "", "2025-05-07 10:00"))
	require.Equal(t, []string{"CBC.0151"}, codes(err), "only the partner's administrator takes it back")
	back := m.step(number, "mei", "", "", "2025-05-07 10:00")
	for range 2 {
		now, err := m.specialists.WithdrawCancellation(ctx, back)
		require.NoError(t, err)
		require.Equal(t, specialist.Recognised, now.State)
		require.Nil(t, now.DueAt)
	}
	_, err = m.answers(number, specialist.CancelMatter, 1, approval.Decision{Person: "ou", Outcome: "approve"}, "2025-05-07 11:00")
	require.NotEmpty(t, codes(err), "what was withdrawn is not decided")
	require.Equal(t, specialist.Recognised, m.state(number))

	_, err = m.specialists.CancelSpecialist(ctx, m.step(number, "mei", "left", file, "2025-06-01 09:00"))
	require.NoError(t, err)
	_, err = m.answers(number, specialist.CancelMatter, 2, approval.Decision{Person: "ou", Outcome: "reject", Reason: "no"}, "2025-06-02 11:00")
	require.NoError(t, err)
	_, err = m.specialists.WithdrawCancellation(ctx, m.step(number, "mei", "", "", "2025-06-02 12:00"))
	require.Equal(t, []string{"SPC_STATE"}, codes(err), "it is decided")
	_, err = m.specialists.CancelSpecialist(ctx, m.step(number, "mei", "left", file, "2025-06-03 09:00"))
	require.NoError(t, err)
	now, err := m.specialists.WithdrawCancellation(ctx, m.step(number, "mei", "", "", "2025-06-03 12:00"))
	require.NoError(t, err)
	require.Equal(t, specialist.CancelRejected, now.State, "where that one was filed")
	require.Equal(t, 3, m.count(`SELECT count(*) FROM approvals WHERE matter = 'cancellation' AND outcome <> ''`))
}

// Rule: ORG-37
func TestORG37GivenALink_WhenItEndsUnderASpecialist_ThenTheDatabaseRefusesWhoeverWritesIt(t *testing.T) {
	m := newTeam(t)
	ctx := context.Background()
	require.Empty(t, m.standsAs(m.member("A0")))
	require.NoError(t, m.unbind("A0", "2025-03-03 10:00"), "bound and nothing more")

	number := m.recognised(m.member("A1"), "SVC")
	require.Equal(t, "SPECIALIST", m.standsAs("A1"))
	err := m.unbind("A1", "2025-04-01 10:00")
	require.ErrorContains(t, err, "carries a specialist")
	file := m.reasonFile(number)
	_, err = m.specialists.CancelSpecialist(ctx, m.step(number, "mei", "left", file, "2025-04-02 09:00"))
	require.NoError(t, err)
	require.Error(t, m.unbind("A1", "2025-04-02 10:00"))
	_, err = m.answers(number, specialist.CancelMatter, 1, approval.Decision{Person: "ou", Outcome: "approve"}, "2025-04-03 10:00")
	require.NoError(t, err)
	require.Equal(t, "CANCEL_APPROVED", m.standsAs("A1"))
	second, err := m.apply(applies("k2", "A1", "SI"), "2025-04-04 10:00")
	require.NoError(t, err)
	require.Equal(t, "SPECIALIST_REVIEW", m.standsAs("A1"), "another path holds the link")
	require.Error(t, m.unbind("A1", "2025-04-04 11:00"))
	_, err = m.answers(second.Case, specialist.ReviewMatter, 1, approval.Decision{Person: "ou", Outcome: "reject", Reason: "no"}, "2025-04-05 10:00")
	require.NoError(t, err)
	require.Equal(t, "SPECIALIST_REJECTED", m.standsAs("A1"))
	require.NoError(t, m.unbind("A1", "2025-04-06 10:00"), "who was never recognised is bound and nothing more")
	_, err = m.apply(applies("k3", "A1", "SI"), "2025-04-07 10:00")
	require.Equal(t, []string{"SPC_NOT_BOUND"}, codes(err), "the link is gone, the rejected application waits")
	m.bound("A1", "P1001", "2025-05-01 10:00")
	require.Equal(t, "SPECIALIST_REJECTED", m.standsAs("A1"), "what ended under the former link is history")
	again, err := m.apply(applies("k4", "A1", "SI"), "2025-05-02 10:00")
	require.NoError(t, err)
	require.Equal(t, second.Case, again.Case)
}

// Rule: ORG-43
func TestGivenASpecialistAtRest_WhenMonthsPass_ThenNoTimerRunsAndALongHistoryIsContinued(t *testing.T) {
	m := newTeam(t)
	a := applies("k1", m.member("A1"), "SVC")
	r := m.lives("2025-03-03 10:00", a)
	timers := 0
	r.env.SetOnTimerScheduledListener(func(string, time.Duration) { timers++ })
	approved := r.decides("2025-03-04 10:00", specialist.ReviewMatter, 1, approval.Decision{Person: "ou", Outcome: "approve"})
	var then int
	r.env.RegisterDelayedCallback(func() { then = timers }, cst("2025-03-05 10:00").Sub(r.start))
	revoked := r.update("2026-03-03 10:00", RevokeSpecialistUpdate, func() any { return m.step("", "ou", "over", "", "2026-03-03 10:00") })
	m.toEnd(r, ProjectSpecialistInput{Application: a})
	require.NoError(t, approved.err)
	require.NoError(t, revoked.err)
	require.Equal(t, then, timers, "a year at rest sets no timer")

	number := m.recognised(m.member("A2"), "SVC")
	long := m.lives("2025-03-05 10:00", a)
	long.env.SetContinueAsNewSuggested(true)
	long.env.ExecuteWorkflow(ProjectSpecialist, ProjectSpecialistInput{Resume: number})
	require.True(t, workflow.IsContinueAsNewError(long.env.GetWorkflowError()), "got %v", long.env.GetWorkflowError())
}

// Rule: ENG-03
func TestGivenARunThatAnOperatorCancels_WhenTheMemberIsASpecialist_ThenTheCaseGoesOn(t *testing.T) {
	m := newTeam(t)
	number := m.recognised(m.member("A1"), "SVC")
	_, err := m.cases.Stop(context.Background(), activities.StopInput{Case: number, Key: "x", Reason: "cancelled", At: cst("2025-05-14 10:00")})
	require.Equal(t, []string{"ENG_STATE"}, codes(err))
	require.Equal(t, specialist.Recognised, m.state(number))
}

// Rule: ORG-37, ORG-42
func TestGivenSpecialistsThatSomebodyTamperedWith_WhenTheDatabaseIsVerified_ThenEachIsFound(t *testing.T) {
	m := newTeam(t)
	m.forged = true
	for _, account := range []string{"A1", "A2", "A3"} {
		m.recognised(m.member(account), "SVC")
	}
	m.db.MustExec(`UPDATE project_specialists SET ended_at = now() WHERE case_number = 'PS000001'`)
	m.owner(`ALTER TABLE member_links DISABLE TRIGGER org_37_specialist`)
	m.db.MustExec(`UPDATE member_links SET unlinked_at = now(), unlinked_by = 'mei' WHERE account_id = 'A2'`)
	m.db.MustExec(`UPDATE project_specialists SET cancel_reason = 'x', cancel_document = $1, before_cancel = 'SPECIALIST' WHERE case_number = 'PS000003'`, contract)
	m.db.MustExec(`UPDATE approvals SET outcome = '', closed_at = NULL WHERE case_number = 'PS000003'`)
	found, err := views.Reader{DB: m.db}.Verify(context.Background(), nil)
	require.NoError(t, err)
	var said []string
	for _, f := range found.Findings {
		if f.Check == "specialists" {
			said = append(said, f.Object)
		}
	}
	require.Equal(t, []string{"case PS000001", "case PS000002", "case PS000003", "case PS000003"}, said)
}

func TestTheMovesOfProjectSpecialistsAreThoseOfTheDatabase(t *testing.T) {
	m := newTeam(t)
	var stored []specialist.Move
	rows, err := m.db.Query(`SELECT from_state, to_state FROM moves WHERE kind = $1`, specialist.Kind)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var move specialist.Move
		require.NoError(t, rows.Scan(&move.From, &move.To))
		stored = append(stored, move)
	}
	require.NoError(t, rows.Err())
	require.ElementsMatch(t, specialist.Moves, stored)
}
