package life

import (
	"context"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/quarter"
	"countersign/domain/staff"
)

// quarters of dedicated staff: one that waits for its invoice, one that can be requested now; and a month that waits for its review.
func (w *World) quarters() {
	last := calendar.QuarterOf(calendar.QuarterOf(calendar.DateOf(w.now)).Start().AddMonths(-3))
	before := calendar.QuarterOf(last.Start().AddMonths(-3))
	began := before.Start().AddMonths(-1).Start()
	w.on(began, w.qualifies)
	for _, q := range []calendar.Quarter{before, last} {
		for i := range 3 {
			m := staff.MonthOf(q.Start().AddMonths(i).Start())
			w.on(m.Starts().AddDate(0, 0, 9).Add(10*time.Hour), func(ctx context.Context, at time.Time) error {
				number, err := w.staffs(ctx, m, at)
				w.says(at.Add(26*time.Hour), number, "preliminary-review", "he", approval.Decision{Outcome: "pass"})
				return err
			})
		}
	}
	if newest := w.ago(2, 14); !newest.Before(last.Next().Start().Start()) { // each month is requested once
		w.on(newest, func(ctx context.Context, at time.Time) error {
			_, err := w.staffs(ctx, staff.MonthOf(at), at)
			return err
		})
	}
	w.on(w.ago(13, 9), func(ctx context.Context, at time.Time) error {
		opened, err := (&activities.PaymentApplications{DB: w.db}).OpenPaymentApplication(ctx, activities.OpenPaymentApplicationInput{
			Application: quarter.Application{RequestKey: "q", PartnerID: "P1001", Submitter: "mei", Quarter: before.String()},
			WorkflowID:  quarter.Kind + "/P1001/" + before.String(), RunID: "run-q", At: at,
		})
		if err != nil {
			return err
		}
		w.says(at.Add(20*time.Hour), opened.Case, "review", "he", approval.Decision{Outcome: approval.Approve})
		return nil
	})
}

// qualifies makes the first partner one with dedicated staff, and names two.
func (w *World) qualifies(ctx context.Context, at time.Time) error {
	d, on := &activities.DedicatedStaff{DB: w.db}, calendar.DateOf(at)
	if _, err := d.Qualify(ctx, activities.QualifyInput{Partner: "P1001", Person: "mei", At: at}); err != nil {
		return err
	}
	if _, err := d.Qualify(ctx, activities.QualifyInput{Partner: "P1001", Person: "he", Approve: true, Agreement: "FH-2025-017", SignedOn: on, At: at}); err != nil {
		return err
	}
	for id, name := range map[string]string{"S-101": "Qian Yu", "S-102": "Sun Bo"} {
		if err := d.RegisterSpecialist(ctx, activities.SpecialistInput{
			ID: id, Partner: "P1001", Name: name, Role: staff.SolutionArchitect, Certificates: []string{"HCIP"}, CloudSince: on.AddMonths(-24), Since: on.AddMonths(-12), Person: "mei", At: at,
		}); err != nil {
			return err
		}
	}
	return nil
}

// staffs requests a month with one of them.
func (w *World) staffs(ctx context.Context, m staff.Month, at time.Time) (number string, err error) {
	proof, err := w.prints(ctx, at, "Employment and social security "+m.String())
	if err != nil {
		return "", err
	}
	opened, err := (&activities.DedicatedStaff{DB: w.db}).OpenStaffMonth(ctx, activities.OpenStaffMonthInput{
		WorkflowID: staff.Kind + "/P1001/" + m.String(), RunID: "run-" + m.String(), At: at,
		Request: staff.Request{
			RequestKey: "staff-" + m.String(), PartnerID: "P1001", Submitter: "mei", Month: m.String(), Scenario: staff.PreSales,
			Persons: []staff.Use{{Person: "S-101", Project: "PR-" + m.String()}},
			Proofs:  []staff.Proof{{Kind: staff.Employment, Document: proof}, {Kind: staff.SocialSecurity, Document: proof}, {Kind: staff.ProjectProof, Document: proof}},
		},
	})
	return opened.Case, err
}
