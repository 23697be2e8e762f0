package life

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/document"
	"countersign/domain/lab"
	"countersign/domain/member"
	"countersign/domain/organisation"
	"countersign/domain/person"
	"countersign/domain/solution"
	"countersign/domain/specialist"
	"countersign/domain/tier"
	"countersign/domain/withdrawal"
	"countersign/views"
	"countersign/workflows"
)

// organisation is the first partner's people, members, solutions, tier and lab credits, and a policy that somebody proposes.
func (w *World) organisation() {
	w.on(w.ago(80, 10), w.hires)
	for i, account := range []string{"A3001", "A3002", "A3003"} { // the third has not answered
		w.on(w.ago([]int{60, 35, 3}[i], 14), func(ctx context.Context, at time.Time) error { return w.invites(ctx, account, i < 2, at) })
	}
	w.on(w.ago(30, 10), w.creditsLab)
	w.on(w.ago(150, 10), w.certifies)
	w.on(w.ago(5, 10), w.submits)
	w.on(w.ago(7, 11), w.rises)
	w.on(w.ago(4, 16), w.recognises)
	w.on(w.ago(3, 15), w.proposes)
}

// hires adds three people.
func (w *World) hires(ctx context.Context, at time.Time) error {
	for i, e := range []organisation.Entry{
		{Account: "luo.jing", Name: "Luo Jing", Mobile: "13900139001", Email: "luo.jing@aurora.example", Roles: []person.Role{"partner-finance", "partner-withdrawals"}},
		{Account: "qin.hai", Name: "Qin Hai", Mobile: "13900139002", Email: "qin.hai@aurora.example", Roles: []person.Role{"partner-incentives"}},
		{Account: "pan.yue", Name: "Pan Yue", Mobile: "13900139003", Email: "pan.yue@aurora.example", Roles: []person.Role{"partner-withdrawals"}},
	} {
		if _, err := (&activities.Organisation{DB: w.db}).CreatePerson(ctx, activities.CreatePersonInput{
			Partner: "P1001", Entry: e, Asked: activities.Asked{By: "mei", Key: fmt.Sprint("person", i), At: at},
		}); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) invites(ctx context.Context, account string, accepts bool, at time.Time) error {
	s := &activities.Invitations{DB: w.db}
	i := member.Invitation{RequestKey: account, PartnerID: "P1001", Submitter: "mei", AccountID: account, By: member.ByMobile}
	opened, err := s.OpenInvitation(ctx, activities.OpenInvitationInput{Invitation: i, WorkflowID: workflows.InvitationID(i), RunID: "run-" + account, At: at})
	if err != nil || !accepts {
		return err
	}
	w.on(at.Add(4*time.Hour), func(ctx context.Context, at time.Time) error {
		var hash []byte
		if err := w.db.GetContext(ctx, &hash, `SELECT token_hash FROM invitation_tokens WHERE case_number = $1 ORDER BY 1 LIMIT 1`, opened.Case); err != nil {
			return err
		}
		_, err := s.Accept(ctx, activities.AcceptInput{At: at, Acceptance: member.Acceptance{
			Case: opened.Case, Account: account, Proof: member.Proof(hash, opened.Case, account), Notice: member.CurrentNotice().Version,
		}})
		return err
	})
	return nil
}

// creditsLab has a member apply for a lab credit, which is approved and waits to be issued.
func (w *World) creditsLab(ctx context.Context, at time.Time) error {
	app := lab.Application{RequestKey: "l", PartnerID: "P1001", Submitter: "mei", Path: "SW", Account: "A3001", Points: 250, Purpose: "Try the migration of a customer's database before the weekend."}
	opened, err := (&activities.LabCredits{DB: w.db}).OpenLabCredit(ctx, activities.OpenLabCreditInput{Application: app, WorkflowID: workflows.LabCreditID(app), RunID: "run-l", At: at})
	if err != nil {
		return err
	}
	w.says(at.Add(5*time.Hour), opened.Case, "review", "he", approval.Decision{Outcome: approval.Approve})
	return nil
}

// certifies takes a solution through both nodes to its certificate.
func (w *World) certifies(ctx context.Context, at time.Time) error {
	number, err := w.solves(ctx, "atlas", "Atlas data platform", "2.1", at)
	if err != nil {
		return err
	}
	w.says(at.Add(48*time.Hour), number, "certification-review", "han", approval.Decision{Outcome: approval.Approve})
	w.says(at.Add(96*time.Hour), number, "architecture-review", "jia", approval.Decision{Outcome: approval.Approve})
	return nil
}

// submits another, which nobody has looked at.
func (w *World) submits(ctx context.Context, at time.Time) error {
	_, err := w.solves(ctx, "borealis", "Borealis logistics", "1.0", at)
	return err
}

// solves drafts a solution and submits it an hour later.
func (w *World) solves(ctx context.Context, key, name, version string, at time.Time) (number string, err error) {
	description, err := w.prints(ctx, at, name)
	if err != nil {
		return "", err
	}
	kind, contact, mobile, email := solution.Cloud, "Mei Lin", "13800138000", "mei.lin@aurora.example"
	d, err := (&activities.SolutionDrafts{DB: w.db}).Save(ctx, activities.SolutionDraftInput{Partner: "P1001", Key: key, Person: "mei", At: at, Change: solution.Change{
		Type: &kind, Name: &name, Version: &version, ContactName: &contact, ContactMobile: &mobile, ContactEmail: &email,
		Materials: []solution.Material{{Type: solution.Description, Document: description, Name: key + ".pdf"}},
	}})
	if err != nil {
		return "", err
	}
	opened, err := (&activities.Solutions{DB: w.db}).OpenSolution(ctx, activities.OpenSolutionInput{
		Submission: solution.Submission{RequestKey: "submit-" + key, PartnerID: "P1001", Submitter: "mei", Draft: d.Draft, Revision: d.Revision},
		WorkflowID: solution.Kind + "/P1001/" + d.Draft, RunID: "run-" + key, At: at.Add(time.Hour),
	})
	return opened.Case, err
}

// rises applies for the next tier, with a business plan.
func (w *World) rises(ctx context.Context, at time.Time) error {
	business, err := paper("Business plan of Aurora Cloud", "Three certified engineers more", "Two solutions for logistics")
	if err != nil {
		return err
	}
	proof, err := w.keeps(ctx, business, at)
	if err != nil {
		return err
	}
	app := tier.Application{RequestKey: "t", PartnerID: "P1001", Submitter: "mei", Target: tier.Preferred, Evidence: []tier.Attached{{Item: "plan", Document: proof}}}
	opened, err := (&activities.Tiers{DB: w.db}).OpenTierUpgrade(ctx, activities.OpenTierUpgradeInput{Application: app, WorkflowID: workflows.TierUpgradeID(app), RunID: "run-t", At: at})
	if err != nil {
		return err
	}
	return w.encloses(ctx, opened.Case, document.Proof, "business-plan.pdf", business, at)
}

// recognises applies for a member to be a project specialist.
func (w *World) recognises(ctx context.Context, at time.Time) error {
	s := &activities.ProjectSpecialists{DB: w.db}
	if err := s.LocateMember(ctx, activities.LocateMemberInput{Partner: "P1001", Account: "A3001", Location: "Shenzhen", Person: "mei", At: at}); err != nil {
		return err
	}
	certificates, err := w.prints(ctx, at, "Certificates of Qian Yu")
	if err != nil {
		return err
	}
	app := specialist.Application{RequestKey: "s", PartnerID: "P1001", Submitter: "mei", Account: "A3001", Path: "SVC", Materials: []string{certificates}}
	_, err = s.ApplyForSpecialist(ctx, activities.ApplyForSpecialistInput{Application: app, WorkflowID: workflows.ProjectSpecialistID(app), RunID: "run-s", At: at})
	return err
}

// proposes a second signature for large withdrawals, which somebody else has to activate (ENG-02).
func (w *World) proposes(ctx context.Context, at time.Time) error {
	stored, err := views.Reader{DB: w.db}.Policy(ctx, withdrawal.Kind, 0)
	if err != nil {
		return err
	}
	var policy withdrawal.Policy
	if err := json.Unmarshal(stored.Body, &policy); err != nil {
		return err
	}
	policy.Version = 0
	policy.Approval.Steps = append(policy.Approval.Steps, approval.Step{Name: "second-signature", When: "amount >= 300000", Who: []approval.Candidate{{Role: "finance-manager"}}})
	_, err = (&activities.Programme{DB: w.db}).ProposePolicy(ctx, activities.ProposePolicyInput{
		Kind: withdrawal.Kind, Policy: policy, Base: stored.Version, Note: "Large sums need a second signature.", Person: "gu", Key: "proposal", At: at,
	})
	return err
}
