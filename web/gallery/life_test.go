package gallery_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/document"
	"countersign/domain/incentive"
	"countersign/domain/lab"
	"countersign/domain/member"
	"countersign/domain/organisation"
	"countersign/domain/person"
	"countersign/domain/quarter"
	"countersign/domain/requisition"
	"countersign/domain/solution"
	"countersign/domain/specialist"
	"countersign/domain/staff"
	"countersign/domain/tier"
	"countersign/domain/withdrawal"
	"countersign/policies"
	"countersign/views"

	"github.com/stretchr/testify/require"
)

// plan is what consumption earns.
const plan = `
name: Cloud incentives
plan_name: Cloud incentives
document: https://library.example/cloud-incentives
cadence: monthly
valid_from: %s
valid_to: %s
published_days: 10
output_tax_rate: 6
lines:
  - { line: compute, products: [ECS], rate: 10 }
  - { line: database, products: [RDS], rate: 6 }
  - { line: storage, products: [OBS], rate: 4 }
`

// incentives of four months: consumption comes in, is calculated, checked by the partners, released and requested. The newest
// month is still being checked.
func (w *world) incentives() {
	newest := incentive.MonthOf(w.now.AddDate(0, 0, -4)).Before() // it ended some days ago, whatever today is
	first := newest.First.AddMonths(-3)
	w.on(w.ago(180, 9), func(at time.Time) {
		policy, faults := policies.Read[incentive.Policy]([]byte(fmt.Sprintf(plan, first.AddMonths(-2), first.AddMonths(9).AddDays(-1))))
		require.Empty(w.t, faults)
		_, err := (&activities.Programme{DB: w.db}).SetPolicy(w.t.Context(), incentive.Kind, policy, "he", at)
		require.NoError(w.t, err)
	})
	for n := range 4 {
		month := incentive.Period{First: first.AddMonths(n), Months: 1}
		w.on(month.End().Add(8*time.Hour), func(at time.Time) { w.consumes(month, n, at) })
		w.on(month.End().Add(9*time.Hour), func(at time.Time) { w.calculates(month, at) })
		w.on(month.End().Add(33*time.Hour), func(at time.Time) { w.presents(month, n == 3, at) })
	}
	w.on(newest.First.Start().AddDate(0, 0, 2), func(at time.Time) { w.requests("r-1", "P1001", requisition.Voucher, at) })
	w.on(newest.First.Start().AddDate(0, 0, 20), func(at time.Time) { w.requests("r-2", "P1001", requisition.Bank, at) })
	w.quarters()
}

func (w *world) consumes(month incentive.Period, n int, at time.Time) {
	var file strings.Builder
	file.WriteString("customer,partner,product,charge,amount,currency,used_at,posted_at,row_id\n")
	row := func(customer, partner, product string, amount, on int) {
		day := month.First.AddDays(on - 1).String()
		fmt.Fprintf(&file, "%s,%s,%s,usage,%d.00,CNY,%s 10:00:00,%s 11:00:00,%s\n", customer, partner, product, amount, day, day, fmt.Sprint(customer, product, day))
	}
	for on := 3; on <= 27; on += 6 {
		row("C2001", "P1001", "ECS", 21400+1700*n+130*on, on)
		row("C2002", "P1001", "RDS", 16800+900*n+75*on, on+1)
		row("C2003", "P1001", "ECS", 9600+420*on-300*n, on)
		row("C2004", "P1003", "OBS", 30500+1100*n, on)
	}
	report, err := (&activities.Consumption{DB: w.db}).Import(w.t.Context(), activities.ImportInput{Name: month.String() + ".csv", Content: strings.NewReader(file.String()), Person: "he", At: at, Limit: 10})
	require.NoError(w.t, err)
	require.Zero(w.t, report.Bad, report.Faults)
}

func (w *world) calculates(month incentive.Period, at time.Time) {
	ctx, c := w.t.Context(), &activities.Calculations{DB: w.db}
	run, err := c.OpenCalculation(ctx, activities.OpenCalculationInput{Key: "calculation/" + month.String(), Period: month, By: "clock", At: at})
	require.NoError(w.t, err)
	for bucket := range incentive.Buckets {
		_, err = c.CalculateBucket(ctx, activities.CalculateBucketInput{Calculation: run, Bucket: bucket})
		require.NoError(w.t, err)
	}
	require.NoError(w.t, c.CloseCalculation(ctx, run))
	_, err = c.ApprovePerformance(ctx, activities.ReviewInput{Period: month, Person: "he", At: at.Add(time.Hour)})
	require.NoError(w.t, err)
}

// presents shows a month's bills to its partners, who confirm them unless they still check.
func (w *world) presents(month incentive.Period, checking bool, at time.Time) {
	r := &activities.Reconciliations{DB: w.db}
	r.Run = func(ctx context.Context, p activities.Presentation) error {
		key := fmt.Sprintf("%s/%s/%d", p.Partner, p.Period, p.Set)
		opened, err := r.OpenReconciliation(ctx, activities.OpenReconciliationInput{Presentation: p, WorkflowID: "reconciliation/" + key, RunID: "run-" + key, At: at})
		if err != nil {
			return err
		}
		if checking {
			if p.Partner == "P1003" {
				var bills []string
				require.NoError(w.t, w.db.Select(&bills, `SELECT bill_id FROM bills WHERE case_number = $1`, opened.Case))
				_, err = r.AskAboutBills(ctx, activities.AnswerInput{Case: opened.Case, Key: "q", Person: "cai", Bills: bills, Text: "Is the storage of the last week in it?", At: at.Add(time.Hour)})
			}
			return err
		}
		_, err = r.ConfirmBills(ctx, activities.AnswerInput{Case: opened.Case, Key: "c", Person: administrators[p.Partner][0], At: at.Add(3 * time.Hour)})
		return err
	}
	_, err := r.StartReconciliations(w.t.Context(), activities.StartInput{Period: month.String(), By: "he", At: at})
	require.NoError(w.t, err)
	var cases []string
	require.NoError(w.t, w.db.Select(&cases, `SELECT case_number FROM tasks WHERE task_id LIKE 'N%/release' AND state = 'open' ORDER BY 1`))
	for _, number := range cases {
		w.says(at.Add(30*time.Hour), number, "release", "gu", approval.Decision{Outcome: approval.Approve})
	}
}

// requests asks for what can be requested by a method, if there is any.
func (w *world) requests(key, partner string, method requisition.Method, at time.Time) {
	of := map[requisition.Method]string{requisition.Voucher: "resale", requisition.Bank: "advisory"}[method] // PAY-02
	var bills []string
	require.NoError(w.t, w.db.Select(&bills, `SELECT bill_id FROM bill_requestable($1, $2) r WHERE requestable AND r.association = $3`, partner, at, of))
	if bills == nil {
		return
	}
	_, err := (&activities.Requisitions{DB: w.db}).OpenRequisition(w.t.Context(), activities.OpenRequisitionInput{
		Application: requisition.Application{RequestKey: key, PartnerID: partner, Submitter: administrators[partner][0], Methods: []requisition.Method{method}, Bills: bills},
		WorkflowID:  "requisition/" + partner + "/" + key, RunID: "run-" + key, At: at,
	})
	require.NoError(w.t, err)
}

// quarters of dedicated staff: one that waits for its invoice, one that can be requested now.
func (w *world) quarters() {
	last := calendar.QuarterOf(calendar.QuarterOf(calendar.DateOf(w.now)).Start().AddMonths(-3))
	before := calendar.QuarterOf(last.Start().AddMonths(-3))
	began := before.Start().AddMonths(-1).Start()
	on := calendar.DateOf(began)
	d := &activities.DedicatedStaff{DB: w.db}
	w.on(began, func(at time.Time) {
		ctx := w.t.Context()
		_, err := d.Qualify(ctx, activities.QualifyInput{Partner: "P1001", Person: "mei", At: at})
		require.NoError(w.t, err)
		_, err = d.Qualify(ctx, activities.QualifyInput{Partner: "P1001", Person: "he", Approve: true, Agreement: "FH-2025-017", SignedOn: on, At: at})
		require.NoError(w.t, err)
		for id, name := range map[string]string{"S-101": "Qian Yu", "S-102": "Sun Bo"} {
			require.NoError(w.t, d.RegisterSpecialist(ctx, activities.SpecialistInput{
				ID: id, Partner: "P1001", Name: name, Role: staff.SolutionArchitect, Certificates: []string{"HCIP"}, CloudSince: on.AddMonths(-24), Since: on.AddMonths(-12), Person: "mei", At: at,
			}))
		}
	})
	for _, q := range []calendar.Quarter{before, last} {
		for i := range 3 {
			m := staff.MonthOf(q.Start().AddMonths(i).Start())
			w.on(m.Starts().AddDate(0, 0, 9).Add(10*time.Hour), func(at time.Time) {
				proof := w.put(paper("Employment and social security "+m.String()), at)
				opened, err := d.OpenStaffMonth(w.t.Context(), activities.OpenStaffMonthInput{WorkflowID: "dedicated-staff/P1001/" + m.String(), RunID: "run-" + m.String(), At: at, Request: staff.Request{
					RequestKey: "staff-" + m.String(), PartnerID: "P1001", Submitter: "mei", Month: m.String(), Scenario: staff.PreSales,
					Persons: []staff.Use{{Person: "S-101", Project: "PR-" + m.String()}},
					Proofs:  []staff.Proof{{Kind: staff.Employment, Document: proof}, {Kind: staff.SocialSecurity, Document: proof}, {Kind: staff.ProjectProof, Document: proof}},
				}})
				require.NoError(w.t, err)
				w.says(at.Add(26*time.Hour), opened.Case, "preliminary-review", "he", approval.Decision{Outcome: "pass"})
			})
		}
	}
	w.on(last.Start().Start().AddDate(0, 0, 5), func(at time.Time) {
		opened, err := (&activities.PaymentApplications{DB: w.db}).OpenPaymentApplication(w.t.Context(), activities.OpenPaymentApplicationInput{
			Application: quarter.Application{RequestKey: "q", PartnerID: "P1001", Submitter: "mei", Quarter: before.String()},
			WorkflowID:  "payment-application/P1001/" + before.String(), RunID: "run-q", At: at,
		})
		require.NoError(w.t, err)
		w.says(at.Add(20*time.Hour), opened.Case, "review", "he", approval.Decision{Outcome: approval.Approve})
	})
}

// organisation is the partner's people, members, solution, tier and lab credits.
func (w *world) organisation() {
	w.on(w.ago(80, 10), func(at time.Time) {
		for i, e := range []organisation.Entry{
			{Account: "luo.jing", Name: "Luo Jing", Mobile: "13900139001", Email: "luo.jing@aurora.example", Roles: []person.Role{"partner-finance", "partner-withdrawals"}},
			{Account: "qin.hai", Name: "Qin Hai", Mobile: "13900139002", Email: "qin.hai@aurora.example", Roles: []person.Role{"partner-incentives"}},
			{Account: "pan.yue", Name: "Pan Yue", Mobile: "13900139003", Email: "pan.yue@aurora.example", Roles: []person.Role{"partner-withdrawals"}},
		} {
			_, err := (&activities.Organisation{DB: w.db}).CreatePerson(w.t.Context(), activities.CreatePersonInput{Partner: "P1001", Entry: e, Asked: activities.Asked{By: "mei", Key: fmt.Sprint("person", i), At: at}})
			require.NoError(w.t, err)
		}
	})
	for i, account := range []string{"A3001", "A3002", "A3003"} {
		w.on(w.ago(60-25*i, 14), func(at time.Time) { w.invites(account, i < 2, at) }) // the third has not answered
	}
	w.on(w.ago(30, 10), w.creditsLab)
	w.on(w.ago(150, 10), w.certifies)
	w.on(w.ago(7, 11), func(at time.Time) {
		business := paper("Business plan of Aurora Cloud", "Three certified engineers more", "Two solutions for logistics")
		proof := w.put(business, at)
		opened, err := (&activities.Tiers{DB: w.db}).OpenTierUpgrade(w.t.Context(), activities.OpenTierUpgradeInput{
			Application: tier.Application{RequestKey: "t", PartnerID: "P1001", Submitter: "mei", Target: tier.Preferred, Evidence: []tier.Attached{{Item: "plan", Document: proof}}},
			WorkflowID:  "tier-upgrade/P1001/t", RunID: "run-t", At: at,
		})
		require.NoError(w.t, err)
		w.encloses(opened.Case, document.Proof, "business-plan.pdf", business, "mei", at)
	})
	w.on(w.ago(15, 16), func(at time.Time) {
		ctx, s := w.t.Context(), &activities.ProjectSpecialists{DB: w.db}
		require.NoError(w.t, s.LocateMember(ctx, activities.LocateMemberInput{Partner: "P1001", Account: "A3001", Location: "Shenzhen", Person: "mei", At: at}))
		_, err := s.ApplyForSpecialist(ctx, activities.ApplyForSpecialistInput{
			Application: specialist.Application{RequestKey: "s", PartnerID: "P1001", Submitter: "mei", Account: "A3001", Path: "SVC", Materials: []string{w.put(paper("Certificates of Qian Yu"), at)}},
			WorkflowID:  "project-specialist/P1001/A3001", RunID: "run-s", At: at,
		})
		require.NoError(w.t, err)
	})
	w.on(w.ago(3, 15), func(at time.Time) {
		stored, err := views.Reader{DB: w.db}.Policy(w.t.Context(), withdrawal.Kind, 0)
		require.NoError(w.t, err)
		var policy withdrawal.Policy
		require.NoError(w.t, json.Unmarshal(stored.Body, &policy))
		policy.Version = 0
		policy.Approval.Steps = append(policy.Approval.Steps, approval.Step{Name: "second-signature", When: "amount >= 300000", Who: []approval.Candidate{{Role: "finance-manager"}}})
		_, err = (&activities.Programme{DB: w.db}).ProposePolicy(w.t.Context(), activities.ProposePolicyInput{
			Kind: withdrawal.Kind, Policy: policy, Note: "Large sums need a second signature.", Person: "gu", Key: "proposal", At: at,
		})
		require.NoError(w.t, err)
	})
}

func (w *world) invites(account string, accepts bool, at time.Time) {
	ctx, s := w.t.Context(), &activities.Invitations{DB: w.db}
	key := "invitation/P1001/" + account
	opened, err := s.OpenInvitation(ctx, activities.OpenInvitationInput{
		Invitation: member.Invitation{RequestKey: account, PartnerID: "P1001", Submitter: "mei", AccountID: account, By: member.ByMobile}, WorkflowID: key, RunID: "run-" + account, At: at,
	})
	require.NoError(w.t, err)
	if !accepts {
		return
	}
	var hash []byte
	require.NoError(w.t, w.db.Get(&hash, `SELECT token_hash FROM invitation_tokens WHERE case_number = $1 ORDER BY 1 LIMIT 1`, opened.Case))
	_, err = s.Accept(ctx, activities.AcceptInput{At: at.Add(4 * time.Hour), Acceptance: member.Acceptance{
		Case: opened.Case, Account: account, Proof: member.Proof(hash, opened.Case, account), Notice: member.CurrentNotice().Version,
	}})
	require.NoError(w.t, err)
}

// creditsLab has a member use a part of a lab credit.
func (w *world) creditsLab(at time.Time) {
	ctx, l := w.t.Context(), &activities.LabCredits{DB: w.db}
	opened, err := l.OpenLabCredit(ctx, activities.OpenLabCreditInput{
		Application: lab.Application{RequestKey: "l", PartnerID: "P1001", Submitter: "mei", Path: "SW", Account: "A3001", Points: 250, Purpose: "Try the migration of a customer's database before the weekend."},
		WorkflowID:  "lab-credit/P1001/l", RunID: "run-l", At: at,
	})
	require.NoError(w.t, err)
	w.says(at.Add(5*time.Hour), opened.Case, "review", "he", approval.Decision{Outcome: approval.Approve})
}

// certifies takes a solution through both nodes to its certificate.
func (w *world) certifies(at time.Time) {
	ctx := w.t.Context()
	kind, name, version, contact, mobile, email := solution.Cloud, "Atlas data platform", "2.1", "Mei Lin", "13800138000", "mei.lin@aurora.example"
	d, err := (&activities.SolutionDrafts{DB: w.db}).Save(ctx, activities.SolutionDraftInput{Partner: "P1001", Key: "atlas", Person: "mei", At: at, Change: solution.Change{
		Type: &kind, Name: &name, Version: &version, ContactName: &contact, ContactMobile: &mobile, ContactEmail: &email,
		Materials: []solution.Material{{Type: solution.Description, Document: w.put(paper("Atlas data platform"), at), Name: "atlas.pdf"}},
	}})
	require.NoError(w.t, err)
	opened, err := (&activities.Solutions{DB: w.db}).OpenSolution(ctx, activities.OpenSolutionInput{
		Submission: solution.Submission{RequestKey: "submit-atlas", PartnerID: "P1001", Submitter: "mei", Draft: d.Draft, Revision: d.Revision},
		WorkflowID: "solution/P1001/atlas", RunID: "run-atlas", At: at.Add(time.Hour),
	})
	require.NoError(w.t, err)
	w.says(at.Add(48*time.Hour), opened.Case, "certification-review", "han", approval.Decision{Outcome: approval.Approve})
	w.says(at.Add(96*time.Hour), opened.Case, "architecture-review", "jia", approval.Decision{Outcome: approval.Approve})
}
