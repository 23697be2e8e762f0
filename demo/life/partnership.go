package life

import (
	"bytes"
	"context"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/baseline"
	"countersign/domain/calendar"
	"countersign/domain/organisation"
	"countersign/domain/qualification"
	"countersign/domain/withdrawal"
)

// partnership is what the first partner builds with the vendor, and keeps for its customers and itself.
func (w *World) partnership() {
	w.on(w.ago(120, 9), func(ctx context.Context, at time.Time) error {
		_, err := (&activities.Programme{DB: w.db}).SetPolicy(ctx, baseline.Kind, baseline.DefaultPolicy(), "he", at)
		return err
	})
	w.on(w.ago(70, 10), w.joins)
	w.on(w.ago(2, 16), func(ctx context.Context, at time.Time) error { // its list lacks columns
		_, err := w.plans(ctx, "Cirrus forecasting", "feature\nforecasts\n", at)
		return err
	})
	w.on(w.ago(40, 11), w.keepsContacts)
	w.on(w.ago(20, 15), w.learns)
}

// plans saves a joint project with its files.
func (w *World) plans(ctx context.Context, name, features string, at time.Time) (activities.SavedBaseline, error) {
	b := &activities.BaselineProjects{DB: w.db, Store: w.store}
	version, summary, contact, mobile, email := "1.0", name+" for plants of any size, on the vendor's cloud.", "Mei Lin", "13800138000", "mei.lin@aurora.example"
	saved, err := b.Save(ctx, activities.SaveBaselineInput{Partner: "P1001", RequestKey: name, Person: "mei", At: at, Change: baseline.Change{
		Name: &name, Version: &version, Summary: &summary, ContactName: &contact, ContactMobile: &mobile, ContactEmail: &email,
	}})
	if err != nil {
		return saved, err
	}
	deck, err := paper(name, "What it does", "For whom", "What the vendor adds")
	if err != nil {
		return saved, err
	}
	for _, f := range []struct {
		item, name string
		content    []byte
	}{{baseline.Presentation, "presentation.pdf", deck}, {baseline.FeatureList, "features.csv", []byte(features)}} {
		if _, err := b.Upload(ctx, activities.BaselineFileInput{Project: saved.Project, Item: f.item, Name: f.name, Content: bytes.NewReader(f.content), Person: "mei", At: at}); err != nil {
			return saved, err
		}
	}
	return b.Check(ctx, activities.BaselineInput{Project: saved.Project, Person: "mei", At: at})
}

// joins takes a joint solution through its project and its design, up to the verification.
func (w *World) joins(ctx context.Context, at time.Time) error {
	saved, err := w.plans(ctx, "Altair scheduling", "feature,description,cloud_service,status,remark\nschedules,plans the shop floor,ECS,available,\nforecasts,looks a week ahead,RDS,planned,\n", at)
	if err != nil {
		return err
	}
	acts := &activities.BaselineSolutions{DB: w.db}
	opened, err := acts.OpenBaseline(ctx, activities.OpenBaselineInput{
		Submission: baseline.Submission{RequestKey: "joint", PartnerID: "P1001", Submitter: "mei", Project: saved.Project},
		WorkflowID: baseline.Kind + "/P1001/" + saved.Project, RunID: "run-joint", At: at.Add(time.Hour),
	})
	if err != nil {
		return err
	}
	w.says(at.Add(72*time.Hour), opened.Case, baseline.ProjectMatter.Name, "han", approval.Decision{Outcome: baseline.ProjectMatter.Approve, Reason: "A good fit for our manufacturing customers."})
	asks := func(days int, a baseline.Action) {
		w.on(at.AddDate(0, 0, days), func(ctx context.Context, at time.Time) error {
			_, err := acts.ActBaseline(ctx, activities.ActBaselineInput{Case: opened.Case, At: at, Act: baseline.Act{RequestKey: string(a), Person: "mei", Action: a}})
			return err
		})
	}
	asks(5, baseline.ApplyDesign)
	w.on(at.AddDate(0, 0, 20), func(ctx context.Context, at time.Time) error {
		design, err := paper("Joint design of Altair scheduling", "Components", "Interfaces")
		if err != nil {
			return err
		}
		_, err = (&activities.BaselineProjects{DB: w.db, Store: w.store}).Upload(ctx, activities.BaselineFileInput{
			Project: saved.Project, Item: baseline.DesignPaper, Name: "design.pdf", Content: bytes.NewReader(design), Person: "mei", At: at,
		})
		return err
	})
	asks(21, baseline.HandInDesign)
	w.says(at.AddDate(0, 0, 27), opened.Case, baseline.DesignMatter.Name, "jia", approval.Decision{Outcome: baseline.DesignMatter.Approve})
	return nil
}

// keepsContacts puts down whom customers may turn to, and prepares an application together with a colleague.
func (w *World) keepsContacts(ctx context.Context, at time.Time) error {
	o := &activities.Organisation{DB: w.db}
	if _, err := o.AddContact(ctx, activities.AddContactInput{
		Partner: "P1001", Contact: organisation.Contact{Name: "Luo Jing", Mobile: "13900139001", Email: "service@aurora.example"}, Asked: activities.Asked{By: "mei", Key: "contact", At: at},
	}); err != nil {
		return err
	}
	_, err := o.SaveDraft(ctx, activities.SaveDraftInput{
		Partner: "P1001", Kind: withdrawal.Kind, Title: "Withdrawal after the quarter's end", Body: "Wait for the incentives of the last month.\nTo the account at ICBC Nanshan.", Asked: activities.Asked{By: "mei", Key: "draft", At: at},
	})
	return err
}

// learns is a member who keeps what they know.
func (w *World) learns(ctx context.Context, at time.Time) error {
	for _, r := range []struct {
		kind    qualification.Kind
		content qualification.Content
	}{
		{qualification.Employment, qualification.Content{Title: "Solution engineer", Organisation: "Aurora Cloud", From: calendar.DateOf(at.AddDate(-3, 0, 0))}},
		{qualification.Certificate, qualification.Content{Title: "Cloud service solutions architect", Organisation: "Vendor Cloud", Level: "HCIP", From: calendar.DateOf(at.AddDate(-1, 0, 0)), Until: calendar.DateOf(at.AddDate(2, 0, 0))}},
	} {
		if _, err := (&activities.MemberQualifications{DB: w.db}).ChangeQualification(ctx, activities.ChangeQualificationInput{
			Key: string(r.kind), Account: "A3001", Member: "A3001", Kind: r.kind, Content: r.content, At: at,
		}); err != nil {
			return err
		}
	}
	return nil
}
