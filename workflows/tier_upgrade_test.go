package workflows

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/tier"
	"countersign/internal/pgtest"
	"countersign/views"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"
)

// ladder is a house in which P1001 is a Standard solution provider from 2025-03-06 to 2026-02-01 with 500,000.00 of performance in May;
// A2, an account of the same company, is certified on the software path. Tina and Theo review; Wang is P1001's ecosystem manager.
type ladder struct {
	*fund
	tiers *activities.Tiers
}

const ladderRecords = `
companies: [{id: C-A, name: A Ltd}]
partners:
  - {id: P1001, name: A Ltd, kind: solution-provider, verified_name: A Ltd, entity: cloud, company: C-A, master: mei, ecosystem_manager: wang}
  - {id: A2, name: A Ltd 2, kind: solution-provider, entity: cloud, company: C-A}
people:
  - {id: tina, name: Tina, email: tina@vendor.example, roles: [tier-reviewer]}
  - {id: theo, name: Theo, email: theo@vendor.example, roles: [tier-reviewer]}
  - {id: wang, name: Wang, email: wang@vendor.example, roles: [ecosystem-manager, vendor-finance, tier-reviewer]}
paths: [{partner: A2, path: SW, stage: ROLE_CERTIFIED, from: 2025-04-01T09:00:00+08:00}]
business:
  - {partner: P1001, plans: [{plan: solution-provider, from: 2025-03-06T10:00:00+08:00, until: 2026-02-01T00:00:00+08:00}]}
calendar: [{year: 2025, days: []}, {year: 2026, days: []}]
tier_upgrade_policy:
  review_role: tier-reviewer
  escalation_role: vendor-operations
  review_term: P10WD
  decide_by_signal: true
  requirements:
    PREFERRED:
      - {code: path, zh: 角色认证, en: certified path, source: certified-path, target: "1.00"}
      - {code: performance, zh: 业绩, en: performance, source: performance, months: 12, target: "500000.00"}
    LEADING:
      - {code: performance, zh: 业绩, en: performance, source: performance, months: 12, target: "400000.00"}
      - {code: plan, zh: 业务计划, en: business plan, source: evidence, target: "1.00"}
    CORE:
      - {code: performance, zh: 业绩, en: performance, source: performance, months: 12, target: "500000.00"}
`

func newLadder(t *testing.T) *ladder {
	l := &ladder{fund: &fund{house: newHouse(t, cst("2025-06-01 09:00"), ladderRecords)}}
	l.cases, l.tiers = &activities.Cases{DB: l.db}, &activities.Tiers{DB: l.db}
	l.db.MustExec(`INSERT INTO calculations (key, period, at, asked_by, policy_version) VALUES ('c', '2025-05-01', '2025-06-01', 'clock', 0)`)
	l.performance("500000.00")
	t.Cleanup(l.inOrder)
	return l
}

// performance is what the sheet of May says.
func (l *ladder) performance(counted string) {
	l.t.Helper()
	l.db.MustExec(`
		INSERT INTO performance_sheets (partner_id, period, state, gross, counted, calculation_id, calculated_at)
		SELECT 'P1001', '2025-05-01', 'first-draft', $1, $1, calculation_id, '2025-06-01' FROM calculations
		ON CONFLICT (partner_id, period) DO UPDATE SET gross = excluded.gross, counted = excluded.counted`, counted)
}

func upgrade(key string, target tier.Tier) tier.Application {
	a := tier.Application{RequestKey: key, PartnerID: "P1001", Submitter: "mei", Target: target}
	switch target { //nolint:exhaustive // the others need nothing more
	case tier.Core:
		a.Submitter = "wang"
	case tier.Leading:
		a.Evidence = []tier.Attached{{Item: "plan", Document: document}}
	}
	return a
}

// apply asks the opening activity directly, as a run of its own.
func (l *ladder) apply(a tier.Application, at string) (activities.Standing, error) {
	l.runs++
	return l.tiers.OpenTierUpgrade(context.Background(), activities.OpenTierUpgradeInput{Application: a, WorkflowID: TierUpgradeID(a), RunID: fmt.Sprintf("run-%d", l.runs), At: cst(at)})
}

func (l *ladder) resubmits(number string, a tier.Application, at string) (activities.Standing, error) {
	return l.tiers.ResubmitTierUpgrade(context.Background(), activities.ResubmitTierUpgradeInput{Case: number, Application: a, At: cst(at)})
}

// tierAt is P1001's tier at an instant.
func (l *ladder) tierAt(at string) (text string) {
	l.t.Helper()
	require.NoError(l.t, l.db.Get(&text, `SELECT coalesce(tier_of('P1001', $1::timestamptz), '-')`, at+"+08:00"))
	return text
}

// starts begins a run in the test environment.
func (l *ladder) starts(at string, a tier.Application) *fundRun {
	r := &fundRun{f: l.fund, env: environment(cst(at)), start: cst(at)}
	r.env.RegisterWorkflowWithOptions(TierUpgrade, workflow.RegisterOptions{Name: TierUpgradeType})
	r.env.RegisterActivity(l.tiers)
	r.env.RegisterActivity(l.cases)
	r.asks(r.start, SubmitUpdate, &r.opened, func() any { return a })
	return r
}

func (r *fundRun) ends(a tier.Application) *fundRun {
	r.env.ExecuteWorkflow(TierUpgrade, TierUpgradeInput{Application: a})
	require.True(r.f.t, r.env.IsWorkflowCompleted(), "the run ends")
	require.NoError(r.f.t, r.env.GetWorkflowError())
	require.NoError(r.f.t, r.env.GetWorkflowResult(&r.result))
	return r
}

var (
	raises = func(person string) approval.Decision {
		return approval.Decision{Person: person, Outcome: approval.Approve}
	}
	keeps = func(person string) approval.Decision {
		return approval.Decision{Person: person, Outcome: approval.Reject, Reason: "the plan is unsigned"}
	}
)

// Rule: TIER-02, TIER-11, TIER-07, PGM-10, COM-20
func TestTIER11GivenAnUpgrade_WhenItIsApproved_ThenTheTierHoldsFromThatInstantAndTheCertificateKeepsItsEnd(t *testing.T) {
	l := newLadder(t)
	a := upgrade("k1", tier.Preferred)
	run := l.starts("2025-06-20 10:00", a)
	again := run.update("2025-06-20 11:00", SubmitUpdate, func() any { return a })
	other := run.update("2025-06-20 12:00", SubmitUpdate, func() any { return upgrade("k1", tier.Leading) })
	own := run.decides("2025-06-20 13:00", tier.Review, 1, raises("mei"))
	var seen []views.TierUpgrade
	run.env.RegisterDelayedCallback(func() {
		var err error
		seen, err = views.Reader{DB: l.db}.TierUpgrades(context.Background(), "P1001")
		require.NoError(t, err)
	}, cst("2025-06-25 10:00").Sub(run.start))
	run.decides("2025-07-01 10:00", tier.Review, 1, raises("tina"))
	run.ends(a)

	require.Equal(t, CaseResult{Case: "T000001", State: tier.Approved}, run.result)
	require.Equal(t, run.opened.standing, again.standing)
	require.Equal(t, []string{"COM_REQUEST_KEY"}, other.refused().Codes())
	require.NotEmpty(t, own.refused())
	require.Equal(t, []string{"mei submit >UNDER_REVIEW TIER-02", "mei approve refused UNDER_REVIEW>UNDER_REVIEW COM-16", "tina approve UNDER_REVIEW>APPROVED TIER-11"}, l.history("T000001"))

	require.Len(t, seen, 1, "TIER-07: one row")
	require.Equal(t, tier.UnderReview, seen[0].State)
	require.Equal(t, cst("2025-06-20 10:00").UTC(), seen[0].Since.UTC())
	require.Equal(t, "review", seen[0].Node)
	require.Equal(t, []string{"role:tier-reviewer"}, []string(seen[0].Who))

	require.Equal(t, "STANDARD", l.tierAt("2025-07-01 09:59:59"))
	require.Equal(t, "PREFERRED", l.tierAt("2025-07-01 10:00:00"))
	require.Equal(t, "PREFERRED", l.tierAt("2025-07-01 10:00:01"))
	require.Equal(t, "PREFERRED", l.tierAt("2026-01-31 23:59:59"))
	require.Equal(t, "-", l.tierAt("2026-02-01 00:00:00"))
	require.Equal(t, 1, l.count(`SELECT count(*) FROM partner_levels WHERE partner_id = 'P1001' AND starts = '2025-07-01' AND level = 'preferred' AND set_by = 'tina'`))
	require.Equal(t, 1, l.count(`SELECT count(*) FROM certificates WHERE kind = 'plan' AND subject = 'solution-provider' AND grade = 'PREFERRED' AND case_number = 'T000001'
		AND valid_from = '2025-07-01T10:00:00+08:00' AND valid_until = '2026-02-01T00:00:00+08:00' AND replaced_by IS NULL`), "until 2026-01-31")
	var body string
	require.NoError(t, l.db.Get(&body, `SELECT body FROM outbox WHERE person_id = 'mei' AND key LIKE 'tier-upgrade/T000001/APPROVED@1/%'`))
	require.Contains(t, body, "2025-07-01 10:00:00")
	require.Contains(t, body, "2026-01-31")
	require.Zero(t, l.count(`SELECT count(*) FROM outbox WHERE person_id = 'wang' AND key LIKE '%APPROVED%'`))

	repeat, err := l.apply(a, "2025-07-02 10:00")
	require.NoError(t, err)
	require.Equal(t, "T000001", repeat.Case)
	_, err = l.apply(upgrade("k2", tier.Preferred), "2025-07-02 10:00")
	require.Equal(t, []string{"TIER_NOT_HIGHER"}, codes(err))
	next, err := l.apply(upgrade("k3", tier.Leading), "2025-07-03 10:00")
	require.NoError(t, err)
	_, err = l.answer(next.Case, tier.Review, 1, raises("tina"), "2025-07-03 11:00")
	require.NoError(t, err)
	require.Equal(t, 1, l.count(`SELECT count(*) FROM certificates WHERE replaced_by IS NULL AND grade = 'LEADING' AND valid_until = '2026-02-01T00:00:00+08:00'`))
}

// Rule: TIER-15, PGM-11, TIER-14
func TestTIER15GivenAnUpgrade_WhenItIsRejected_ThenTheTierStaysAndItIsSubmittedAgainByValuesReadAnew(t *testing.T) {
	l := newLadder(t)
	a := upgrade("k1", tier.Preferred)
	again := a
	again.RequestKey = "k2"
	run := l.starts("2025-06-20 10:00", a)
	rejected := run.decides("2025-07-01 10:00", tier.Review, 1, keeps("tina"))
	run.env.RegisterDelayedCallback(func() { l.performance("499999.99") }, cst("2025-07-02 08:00").Sub(run.start))
	low := run.update("2025-07-02 09:00", ResubmitUpdate, func() any { return again })
	run.env.RegisterDelayedCallback(func() { l.performance("600000.00") }, cst("2025-07-03 08:00").Sub(run.start))
	changed := run.update("2025-07-03 09:00", ResubmitUpdate, func() any { return upgrade("k3", tier.Leading) })
	early := run.update("2025-07-03 09:30", CancelUpdate, func() any { return CancelRequest{Person: "mei", Key: "w0"} })
	sent := run.update("2025-07-03 10:00", ResubmitUpdate, func() any { return again })
	repeated := run.update("2025-07-03 11:00", ResubmitUpdate, func() any { return again })
	run.decides("2025-07-04 10:00", tier.Review, 2, keeps("theo"))
	run.ends(a) // waits until the membership ends

	require.Equal(t, CaseResult{Case: "T000001", State: tier.Rejected}, run.result)
	require.Equal(t, tier.Rejected, rejected.standing.State)
	require.Equal(t, cst("2026-02-01 00:00").UTC(), rejected.standing.WakeAt.UTC())
	require.Equal(t, []string{"TIER_ITEMS_OPEN"}, low.refused().Codes())
	require.Contains(t, low.refused()[0].Message, "499999.99 CNY of 500000.00 CNY")
	require.Equal(t, "CBC.0100", changed.refused().Codes()[0], "it is corrected, not changed into another one")
	require.Equal(t, []string{"ENG_STATE"}, early.refused().Codes())
	require.Equal(t, tier.UnderReview, sent.standing.State)
	require.NoError(t, repeated.err)
	require.Equal(t, []string{
		"mei submit >UNDER_REVIEW TIER-02", "tina reject UNDER_REVIEW>REJECTED TIER-15", "mei resubmit refused REJECTED>REJECTED TIER-05", "mei resubmit refused REJECTED>REJECTED COM-08",
		"mei withdraw refused REJECTED>REJECTED ENG-03", "mei resubmit REJECTED>UNDER_REVIEW TIER-02", "theo reject UNDER_REVIEW>REJECTED TIER-15", "clock close REJECTED>REJECTED TIER-02",
	}, l.history("T000001"))
	require.Equal(t, 1, l.count(`SELECT count(*) FROM cases WHERE closed_at = '2026-02-01T00:00:00+08:00'`))
	require.Equal(t, "STANDARD", l.tierAt("2025-07-01 10:00:00"))
	require.Equal(t, "STANDARD", l.tierAt("2026-01-31 23:59:59"))
	require.Zero(t, l.count(`SELECT count(*) FROM partner_tiers`)+l.count(`SELECT count(*) FROM partner_levels`)+l.count(`SELECT count(*) FROM certificates`))
	require.Equal(t, 2, l.count(`SELECT count(*) FROM outbox WHERE person_id = 'mei' AND subject LIKE '%rejected'`))

	shown, err := views.Reader{DB: l.db}.TierUpgradeOf(context.Background(), "T000001")
	require.NoError(t, err)
	require.Len(t, shown.Rounds, 2)
	require.Equal(t, "500000.00", shown.Rounds[0].Items[1].Current.String(), "the snapshot of each submission stays (TIER-14)")
	require.Equal(t, "600000.00", shown.Rounds[1].Items[1].Current.String())
	require.Equal(t, "the plan is unsigned", shown.Rounds[0].Opinion, "round 1's comment is still readable")
	_, err = l.db.Exec(`UPDATE tier_items SET current = 0`)
	require.Error(t, err)
	_, err = views.Reader{DB: l.db}.Explain(context.Background(), "T000001", cst("2025-07-05 10:00"))
	require.NoError(t, err)
}

// Rule: TIER-12, PGM-09
func TestTIER12GivenAnUpgradeUnderReview_WhenAnotherIsFiled_ThenItIsPending(t *testing.T) {
	l := newLadder(t)
	_, err := l.apply(upgrade("k1", tier.Preferred), "2025-06-20 10:00")
	require.NoError(t, err)
	_, err = l.apply(upgrade("k2", tier.Preferred), "2025-06-21 10:00")
	require.Equal(t, []string{"TIER_PENDING"}, codes(err))
	require.Contains(t, activities.RefusalOf(err)[0].Message, "T000001")

	withdraw := func(person, at string) error {
		_, err := l.tiers.WithdrawTierUpgrade(context.Background(), activities.WithdrawTierUpgradeInput{Case: "T000001", Key: "w-" + person, Person: person, At: cst(at)})
		return err
	}
	require.Equal(t, []string{"CBC.0151"}, codes(withdraw("wang", "2025-06-21 11:00")), "the partner filed it")
	require.NoError(t, withdraw("mei", "2025-06-21 12:00"))
	require.NoError(t, withdraw("mei", "2025-06-21 12:00"), "a repeat")
	again, err := l.apply(upgrade("k3", tier.Preferred), "2025-06-21 13:00")
	require.NoError(t, err)
	_, err = l.answer(again.Case, tier.Review, 1, keeps("tina"), "2025-06-22 10:00")
	require.NoError(t, err)
	_, err = l.apply(upgrade("k4", tier.Preferred), "2025-06-23 10:00")
	require.NoError(t, err, "what is rejected is not under review")
	resent := upgrade("k5", tier.Preferred)
	_, err = l.resubmits(again.Case, resent, "2025-06-24 10:00")
	require.Equal(t, []string{"TIER_PENDING"}, codes(err))
}

// Rule: TIER-12, ENG-01
func TestTIER12GivenTwoSubmissionsAtOnce_WhenBothAreJudged_ThenOneIsPending(t *testing.T) {
	l := newLadder(t)
	var wait sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wait.Go(func() {
			a := upgrade(fmt.Sprintf("k%d", i), tier.Preferred)
			_, errs[i] = l.tiers.OpenTierUpgrade(context.Background(), activities.OpenTierUpgradeInput{Application: a, WorkflowID: TierUpgradeID(a), RunID: a.RequestKey, At: cst("2025-06-20 10:00")})
		})
	}
	wait.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		require.Equal(t, []string{"TIER_PENDING"}, codes(err))
	}
	require.Equal(t, 1, won)
	require.Equal(t, 1, l.count(`SELECT count(*) FROM tier_upgrades WHERE under_review`))
	require.Equal(t, 2, l.count(`SELECT count(*) FROM tier_items`))
}

// Rule: TIER-06, PGM-07, ENG-02
func TestTIER06GivenCore_WhenTheManagerFilesAndItIsApproved_ThenManagerAndPartnerAreTold(t *testing.T) {
	l := newLadder(t)
	picked := upgrade("k0", tier.Core)
	picked.Submitter = "mei"
	_, err := l.apply(picked, "2025-06-20 09:00")
	require.Equal(t, []string{"TIER_CORE_BY_MANAGER"}, codes(err))

	filed, err := l.apply(upgrade("k1", tier.Core), "2025-06-20 10:00")
	require.NoError(t, err)
	_, err = l.answer(filed.Case, tier.Review, 1, raises("wang"), "2025-06-21 10:00")
	require.Equal(t, []string{"ENG_SELF_APPROVAL"}, codes(err), "who files does not decide, though she is a reviewer")
	_, err = l.answer(filed.Case, tier.Review, 1, raises("tina"), "2025-07-01 10:00")
	require.NoError(t, err)
	require.Equal(t, "CORE", l.tierAt("2025-07-01 10:00:00"))
	var told []string
	require.NoError(t, l.db.Select(&told, `SELECT person_id FROM outbox WHERE subject LIKE '%approved' ORDER BY 1`))
	require.Equal(t, []string{"mei", "wang"}, told, "two emails")
}

// Rule: TIER-10, TIER-05
func TestTIER10GivenStandard_WhenLeadingIsAppliedForWithItsEvidence_ThenPreferredIsSkipped(t *testing.T) {
	l := newLadder(t)
	bare := upgrade("k0", tier.Leading)
	bare.Evidence = nil
	_, err := l.apply(bare, "2025-06-20 09:00")
	require.Equal(t, []string{"TIER_ITEMS_OPEN"}, codes(err))
	require.Contains(t, activities.RefusalOf(err)[0].Message, "business plan (0 of 1)")
	s, err := l.apply(upgrade("k1", tier.Leading), "2025-06-20 10:00")
	require.NoError(t, err)
	require.Equal(t, 1, l.count(`SELECT count(*) FROM tier_items WHERE code = 'plan' AND document_id = $1 AND current = 1`, strings.Repeat("ab", 32)))
	_, err = l.answer(s.Case, tier.Review, 1, raises("theo"), "2025-07-01 10:00")
	require.NoError(t, err)
	require.Equal(t, "LEADING", l.tierAt("2025-07-01 10:00:00"))
	_, err = l.apply(upgrade("k2", tier.Preferred), "2025-07-02 10:00")
	require.Equal(t, []string{"TIER_NOT_HIGHER"}, codes(err))
}

// Rule: TIER-02, TIER-03, TIER-04, TIER-08, TIER-14
func TestTIER02GivenFactsThatChange_WhenAnUpgradeIsFiledOrApproved_ThenThoseOfTheInstantCount(t *testing.T) {
	l := newLadder(t)
	page := func(at string) tier.Page {
		p, err := l.tiers.PreviewTier(context.Background(), "P1001", cst(at))
		require.NoError(t, err)
		return p
	}
	shown := page("2025-06-20 09:00")
	require.Equal(t, tier.Standard, shown.Current)
	require.True(t, shown.Offers[0].Possible)
	require.Equal(t, "500000.00", shown.Offers[0].Items[1].Current.String(), "500,000.00 at 09:00")
	l.performance("499999.99")
	_, err := l.apply(upgrade("k1", tier.Preferred), "2025-06-20 10:00")
	require.Equal(t, []string{"TIER_ITEMS_OPEN"}, codes(err), "499,999.99 at submission")
	l.performance("500000.00")

	_, err = l.apply(upgrade("k2", tier.Preferred), "2025-03-31 10:00")
	require.Equal(t, []string{"TIER_NO_CERTIFIED_PATH", "TIER_ITEMS_OPEN"}, codes(err), "A2 was not certified yet, and May not over")
	require.Equal(t, tier.RegisterAccount, page("2025-03-31 10:00").Advised)
	_, err = l.apply(upgrade("k3", tier.Preferred), "2026-02-01 00:00")
	require.Equal(t, []string{"TIER_NO_MEMBERSHIP"}, codes(err))
	require.Zero(t, l.count(`SELECT count(*) FROM cases`))
	require.Equal(t, 3, l.count(`SELECT count(*) FROM refusals WHERE kind = 'tier-upgrade'`))

	late, err := l.apply(upgrade("k4", tier.Preferred), "2026-01-30 10:00")
	require.NoError(t, err)
	_, err = l.answer(late.Case, tier.Review, 1, raises("tina"), "2026-02-01 00:00")
	require.Equal(t, []string{"TIER_NO_MEMBERSHIP"}, codes(err), "the membership ended under review")
	stopped, err := l.cases.Stop(context.Background(), activities.StopInput{Case: late.Case, Key: "x", Reason: "cancelled", At: cst("2026-02-02 10:00")})
	require.NoError(t, err)
	require.Equal(t, tier.Withdrawn, stopped.State)
	require.True(t, stopped.Ended)
}

// Rule: TIER-02, TIER-11
func TestTIER02GivenAMembershipThatChanges_WhenItsUpgradeIsApproved_ThenItIsThePresentOneWithItsPresentEnd(t *testing.T) {
	l := newLadder(t)
	s, err := l.apply(upgrade("k1", tier.Preferred), "2025-06-20 10:00")
	require.NoError(t, err)

	ending := l.db.MustBegin() // the membership is ended at the very moment of the approval
	ending.MustExec(`UPDATE plan_identities SET until_at = '2025-06-30T10:00:00+08:00' WHERE partner_id = 'P1001'`)
	done := make(chan error, 1)
	go func() {
		_, err := l.answer(s.Case, tier.Review, 1, raises("tina"), "2025-07-01 10:00")
		done <- err
	}()
	owner := pgtest.Owner(t, l.db) // who sees what sessions wait for
	require.Eventually(t, func() bool {
		var waits bool
		err := owner.Get(&waits, `SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`)
		return err == nil && waits
	}, 20*time.Second, 10*time.Millisecond)
	require.NoError(t, ending.Commit())
	require.Equal(t, []string{"TIER_NO_MEMBERSHIP"}, codes(<-done))

	l.db.MustExec(`UPDATE plan_identities SET until_at = '2026-02-01T00:00:00+08:00' WHERE partner_id = 'P1001'`)
	l.db.MustExec(`INSERT INTO plan_identities (partner_id, plan, from_at, until_at) VALUES ('P1001', 'solution-provider', '2025-07-02T10:00:00+08:00', '2027-02-01T00:00:00+08:00')`)
	_, err = l.answer(s.Case, tier.Review, 1, raises("theo"), "2025-07-02 10:00")
	require.Equal(t, []string{"TIER_NO_MEMBERSHIP"}, codes(err), "another membership holds: the upgrade is not about it")
	require.Zero(t, l.count(`SELECT count(*) FROM partner_tiers`)+l.count(`SELECT count(*) FROM certificates`))
	_, err = l.db.Exec(`INSERT INTO partner_tiers (partner_id, member_from, from_at, tier, set_by) VALUES ('P1001', '2025-03-06T10:00:00+08:00', '2025-07-02T10:00:00+08:00', 'CORE', 'ops')`)
	require.ErrorContains(t, err, "does not hold", "nor does a tier of it begin in any other way")

	_, err = l.answer(s.Case, tier.Review, 1, raises("tina"), "2025-07-02 09:59")
	require.NoError(t, err)
	require.Equal(t, "PREFERRED", l.tierAt("2025-07-02 09:59:59"))
	require.Equal(t, "STANDARD", l.tierAt("2025-07-02 10:00:00"), "a new membership begins at Standard")
}

// Rule: TIER-02, COM-16
func TestCOM16GivenTheMasterAccount_WhenItsHolderHasNoRole_ThenItAppliesAndIsToldAllTheSame(t *testing.T) {
	l := newLadder(t)
	l.load("people:\n  - {id: boss, name: Boss, partner: P1001, email: boss@a.example}\n")
	a := upgrade("k1", tier.Preferred)
	a.Submitter = "boss"
	_, err := l.apply(a, "2025-06-20 10:00")
	require.Equal(t, []string{"CBC.0151"}, codes(err))
	l.db.MustExec(`UPDATE partners SET master = 'boss' WHERE partner_id = 'P1001'`)
	s, err := l.apply(a, "2025-06-20 10:01")
	require.NoError(t, err)
	_, err = l.answer(s.Case, tier.Review, 1, raises("boss"), "2025-06-21 10:00")
	require.NotEmpty(t, codes(err), "and decides nothing")
	_, err = l.answer(s.Case, tier.Review, 1, keeps("tina"), "2025-06-21 10:00")
	require.NoError(t, err)
	require.Equal(t, 1, l.count(`SELECT count(*) FROM outbox WHERE person_id = 'boss' AND subject LIKE '%rejected'`))
}

// Rule: TIER-15, ENG-03
func TestTIER15GivenARejectedUpgrade_WhenTheMembershipIsProlonged_ThenItWaitsForAsLong(t *testing.T) {
	l := newLadder(t)
	s, err := l.apply(upgrade("k1", tier.Preferred), "2025-06-20 10:00")
	require.NoError(t, err)
	_, err = l.answer(s.Case, tier.Review, 1, keeps("tina"), "2025-07-01 10:00")
	require.NoError(t, err)
	l.load("business:\n  - {partner: P1001, plans: [{plan: solution-provider, from: 2025-03-06T10:00:00+08:00, until: 2027-02-01T00:00:00+08:00}]}\n")
	clock := func(at string) activities.Standing {
		now, err := l.cases.Clock(context.Background(), activities.ClockInput{Case: s.Case, At: cst(at)})
		require.NoError(t, err)
		return now
	}
	require.Equal(t, cst("2027-02-01 00:00").UTC(), clock("2026-02-01 00:00").WakeAt.UTC())
	require.False(t, clock("2027-01-31 23:59").Ended)
	ended := clock("2027-02-01 00:05")
	require.True(t, ended.Ended)
	require.Equal(t, 1, l.count(`SELECT count(*) FROM cases WHERE closed_at = '2027-02-01T00:00:00+08:00' AND state = 'REJECTED'`))
}

// Rule: ENG-03
func TestENG03GivenAnUpgradeUnderReview_WhenItIsWithdrawnInItsRun_ThenTheRunEnds(t *testing.T) {
	l := newLadder(t)
	a := upgrade("k1", tier.Preferred)
	run := l.starts("2025-06-20 10:00", a)
	withdrawn := run.update("2025-06-21 10:00", CancelUpdate, func() any { return CancelRequest{Person: "mei", Key: "w1"} })
	run.ends(a)
	require.Equal(t, tier.Withdrawn, withdrawn.standing.State)
	require.Equal(t, CaseResult{Case: "T000001", State: tier.Withdrawn}, run.result)
	require.Equal(t, 1, l.count(`SELECT count(*) FROM tier_upgrades WHERE NOT under_review`))
}

func TestTheMovesOfTierUpgradesAreThoseOfTheDatabase(t *testing.T) {
	l := newLadder(t)
	var stored []tier.Move
	require.NoError(t, l.db.Select(&stored, `SELECT from_state AS "from", to_state AS "to" FROM moves WHERE kind = $1`, tier.Kind))
	require.ElementsMatch(t, tier.Moves, stored)
}

// Rule: TIER-15, TIER-11
func TestTIER15GivenATierThatNoApprovalGave_WhenItIsVerified_ThenItIsFound(t *testing.T) {
	l := newLadder(t)
	s, err := l.apply(upgrade("k1", tier.Preferred), "2025-06-20 10:00")
	require.NoError(t, err)
	raise := func() error {
		_, err := l.db.Exec(`INSERT INTO partner_tiers (partner_id, member_from, from_at, tier, case_number, set_by)
			SELECT partner_id, member_from, '2025-06-21T10:00:00+08:00', 'PREFERRED', case_number, 'tina' FROM tier_upgrades`)
		return err
	}
	require.ErrorContains(t, raise(), "approves no such tier")
	l.forged = true
	l.db.MustExec(`UPDATE cases SET state = 'APPROVED', closed_at = now() WHERE case_number = $1`, s.Case)
	require.ErrorContains(t, raise(), "approves no such tier", "not from that instant")
	found, err := views.Reader{DB: l.db}.Verify(context.Background(), nil)
	require.NoError(t, err)
	require.Contains(t, fmt.Sprint(found.Findings), "it is APPROVED for PREFERRED, approved at -; its tier is - from -")
}
