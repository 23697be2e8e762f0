package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/baseline"
	"countersign/domain/business"
	"countersign/domain/calendar"
	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/quarter"
	"countersign/domain/solution"
	"countersign/domain/staff"
	"countersign/domain/verification"
	"countersign/domain/withdrawal"
	"countersign/e2e"
	"countersign/internal/documents"

	"codeberg.org/go-pdf/fpdf"
	"github.com/jmoiron/sqlx"
	"golang.org/x/sync/errgroup"
)

// ground is where the plays begin: partners, people, money and papers, one partner for each case that does not share one.
type ground struct {
	db   *sqlx.DB
	file activities.ProgrammeFile
	now  time.Time
	deck []byte // a PDF
}

// at names the case of a share.
func at(s share) played {
	p := plays[s.Play]
	k := played{ID: s.Case, Play: s.Play, Partner: "P-" + s.Case, Person: "mei-" + s.Case}
	if p.shared { // among all cases that begin with the same figures
		k.Partner = "P-" + s.Case[:len(s.Case)-2]
	}
	return k
}

// layGround loads the vendor and everything that the plan's cases begin with.
func layGround(ctx context.Context, db *sqlx.DB, p plan, now time.Time) error {
	g := &ground{db: db, now: now}
	var err error
	if g.file, err = activities.ParseProgramme(e2e.Programme); err != nil {
		return err
	}
	for year := now.Year() - 1; year <= now.Year()+1; year++ {
		g.file.Calendar = append(g.file.Calendar, activities.CalendarYear{Year: year})
	}
	if g.deck, err = paper("deck"); err != nil {
		return err
	}
	known := map[string]bool{}
	for _, c := range p.Cases {
		k := at(c)
		if !known[k.Partner] {
			known[k.Partner] = true
			g.partner(k.Partner)
		}
		g.file.People = append(g.file.People, activities.PersonRecord{ID: k.Person, Name: "Mei " + k.ID, Partner: k.Partner, Roles: []person.Role{"partner-administrator"}})
		g.file.PersonalAccounts = append(g.file.PersonalAccounts, activities.PersonalAccountRecord{ID: account(k), AccountName: "name-" + k.ID, Name: "Li " + k.ID, RealName: "personal"})
	}
	if _, err := (&activities.Programme{DB: db}).Load(ctx, g.file, "system", now); err != nil {
		return fmt.Errorf("load programme: %w", err)
	}
	side, ctx := errgroup.WithContext(ctx)
	side.SetLimit(8)
	for _, c := range p.Cases {
		side.Go(func() error {
			if err := plays[c.Play].lay(ctx, g, at(c)); err != nil {
				return fmt.Errorf("prepare %s (%s): %w", c.Case, c.Play, err)
			}
			return nil
		})
	}
	return side.Wait()
}

// partner is a certified partner in the plan and on its paths, with money that came in ten days ago.
func (g *ground) partner(id string) {
	long := time.Date(2020, 1, 1, 0, 0, 0, 0, calendar.Zone)
	next := g.now.AddDate(1, 0, 0)
	g.file.Partners = append(g.file.Partners, activities.PartnerRecord{ID: id, Name: id, Kind: "solution-provider", VerifiedName: id + " Ltd", Entity: "cloud"})
	g.file.Lots = append(g.file.Lots, activities.LotRecord{
		Key: id, Partner: id, Source: withdrawal.EbankCorporate, Payer: id + " Ltd", PayerAccount: "acct-" + id, ArrivedAt: g.now.AddDate(0, 0, -10), Amount: money.Must("10000.00"),
	})
	g.file.Paths = append(g.file.Paths, activities.PathRecord{Partner: id, Path: "SW", Stage: "SELECTED", From: long}, activities.PathRecord{Partner: id, Path: "SVC", Stage: "ROLE_CERTIFIED", From: long})
	g.file.Business = append(g.file.Business, activities.BusinessRecord{
		Partner: id, RealName: &activities.RealNameRecord{}, Qualifications: []activities.QualificationRecord{{From: calendar.DateOf(long)}},
		Information: &activities.InformationRecord{
			Company: id + " Ltd", CodeType: "USCI", Code: id, Taxpayer: business.Taxpayer("small-scale"), TaxNumber: id, RegisteredAddress: "Shenzhen", AccountName: id + " Ltd",
			Bank: "ICBC", Branch: "Shenzhen", AccountNo: "6222-1", CertifiedAt: long,
		},
		Plans:    []activities.PlanRecord{{Plan: "solution-provider", From: long, Until: &next}},
		Entities: []activities.EntityRecord{{Entity: "cloud", From: calendar.DateOf(long)}},
	})
}

func layNothing(context.Context, *ground, played) error { return nil }

func layWithdrawal(ctx context.Context, g *ground, k played) error {
	_, err := (&activities.Codes{DB: g.db}).SendCode(ctx, activities.SendCodeInput{Person: k.Person, Scene: verification.Withdrawal, Target: k.Partner, At: time.Now()})
	return err
}

// layBill is a bill of last month with what it accrued: calculated elsewhere, as the programme's own calculation is no case.
func layBill(association, amount, state string) func(context.Context, *ground, played) error {
	return func(ctx context.Context, g *ground, k played) error {
		generated := g.now.Truncate(time.Microsecond)
		if state == "RELEASED" {
			generated = generated.AddDate(0, 0, -10)
		}
		tx, err := g.db.BeginTxx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to undo
		var id string
		if err := tx.GetContext(ctx, &id, `
			INSERT INTO bills (partner_id, plan_name, cadence, period, association, generated_at, amount, output_tax_rate, published_deadline, state, announced_at)
			VALUES ($1, 'Cloud', 'monthly', $2, $3, $4, $5, 6, $6, $7, CASE WHEN $7 = 'RELEASED' THEN $4::timestamptz END) RETURNING bill_id`,
			k.Partner, lastMonth(g.now), association, generated, amount, calendar.DateOf(generated).AddDays(5), state); err != nil {
			return fmt.Errorf("lay bill: %w", err)
		}
		accrued := ledger.Entry{Key: "bill/" + id + "/accrue", Memo: "bill", Postings: ledger.Move(money.Must(amount), ledger.IncentiveCost, ledger.Incentive(k.Partner))}
		if _, err := tx.ExecContext(ctx, `INSERT INTO accounts (account) VALUES ($1), ($2) ON CONFLICT DO NOTHING`, ledger.IncentiveCost, ledger.Incentive(k.Partner)); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `
			WITH e AS (INSERT INTO entries (key, digest, memo, at) VALUES ($1, $2, $3, $4) RETURNING entry_id)
			INSERT INTO postings SELECT entry_id, account, amount FROM e, (VALUES ($5, -($7::numeric)), ($6, $7::numeric)) v (account, amount)`,
			accrued.Key, accrued.Digest(), accrued.Memo, generated, ledger.IncentiveCost, ledger.Incentive(k.Partner), amount); err != nil {
			return fmt.Errorf("accrue: %w", err)
		}
		return tx.Commit()
	}
}

// layStaff has the partner's qualification approved and one specialist registered.
func layStaff(ctx context.Context, g *ground, k played) error {
	s, at := &activities.DedicatedStaff{DB: g.db}, g.now.AddDate(-1, 0, 0)
	on := calendar.DateOf(at)
	if _, err := s.Qualify(ctx, activities.QualifyInput{Partner: k.Partner, Person: k.Person, At: at}); err != nil {
		return err
	}
	if _, err := s.Qualify(ctx, activities.QualifyInput{Partner: k.Partner, Person: "otto", Approve: true, Agreement: "FH-1", SignedOn: on, At: at}); err != nil {
		return err
	}
	return s.RegisterSpecialist(ctx, activities.SpecialistInput{
		ID: "S-" + k.ID, Partner: k.Partner, Name: "Qian", Role: staff.SolutionArchitect, Certificates: []string{"HCIP"}, CloudSince: on.AddMonths(-24), Since: on.AddMonths(-12), Person: k.Person, At: at,
	})
}

// layQuarter has three months of last quarter passed.
func layQuarter(ctx context.Context, g *ground, k played) error {
	if err := layStaff(ctx, g, k); err != nil {
		return err
	}
	for _, m := range quarter.Months(lastQuarter(g.now)) {
		request := staffMonth(k, "laid-"+m.String(), m)
		opened, err := (&activities.DedicatedStaff{DB: g.db}).OpenStaffMonth(ctx, activities.OpenStaffMonthInput{Request: request, WorkflowID: "laid", RunID: k.ID + m.String(), At: m.Starts().AddDate(0, 0, 9)})
		if err != nil {
			return err
		}
		if _, err := (&activities.Cases{DB: g.db}).Decide(ctx, activities.DecideInput{
			Decision: approval.Decision{Task: opened.Case + "/preliminary-review", Person: "otto", Outcome: "pass", Key: "laid-" + opened.Case}, At: m.Starts().AddDate(0, 0, 11),
		}); err != nil {
			return err
		}
	}
	return nil
}

// layMember links the case's natural person to its partner.
func layMember(ctx context.Context, g *ground, k played) error {
	at := time.Now()
	opened, err := (&activities.Invitations{DB: g.db}).OpenInvitation(ctx, activities.OpenInvitationInput{Invitation: invitation(k, "laid"), WorkflowID: "laid", RunID: "laid-" + k.ID, At: at})
	if err != nil {
		return err
	}
	a, err := acceptance(ctx, g.db, opened.Case, account(k))
	if err != nil {
		return err
	}
	a.Key = "laid"
	if _, err := (&activities.Invitations{DB: g.db}).Accept(ctx, activities.AcceptInput{Acceptance: a, At: at.Add(time.Millisecond)}); err != nil {
		return err
	}
	return (&activities.ProjectSpecialists{DB: g.db}).LocateMember(ctx, activities.LocateMemberInput{Partner: k.Partner, Account: account(k), Location: "Shenzhen", Person: k.Person, At: at})
}

func layTier(context.Context, *ground, played) error { return nil }

func (g *ground) store() (*documents.Store, error) {
	return documents.Open(g.db, "postgres", documents.Keys{}, documents.Rules{Limit: 100_000, Types: documents.Known})
}

// laySolution saves a draft that can be submitted.
func laySolution(ctx context.Context, g *ground, k played) error {
	store, err := g.store()
	if err != nil {
		return err
	}
	kind, name, version, mobile, email := solution.Cloud, "Atlas "+k.ID, "2.1", "13800138000", "kim@"+strings.ToLower(k.ID)+".example"
	in := activities.SolutionDraftInput{Partner: k.Partner, Key: k.ID, Person: k.Person, At: time.Now()}
	in.Change = solution.Change{Type: &kind, Name: &name, Version: &version, ContactName: &name, ContactMobile: &mobile, ContactEmail: &email}
	in.Files = []activities.SolutionFile{{Type: solution.Description, Name: "atlas.pdf", Content: bytes.NewReader(g.deck)}}
	_, err = (&activities.SolutionDrafts{DB: g.db, Store: store}).Save(ctx, in)
	return err
}

// layBaseline is a project that can be submitted.
func layBaseline(ctx context.Context, g *ground, k played) error {
	store, err := g.store()
	if err != nil {
		return err
	}
	projects := &activities.BaselineProjects{DB: g.db, Store: store}
	name, version, mobile, email, led := "Joint "+k.ID, "1.0", "13800138000", "kim@"+strings.ToLower(k.ID)+".example", string(baseline.ByPartner)
	d, err := projects.Save(ctx, activities.SaveBaselineInput{Partner: k.Partner, RequestKey: k.ID, Person: k.Person, At: time.Now(), Change: baseline.Change{
		Name: &name, Version: &version, Summary: &name, Lead: &led, ContactName: &k.Person, ContactMobile: &mobile, ContactEmail: &email,
	}})
	if err != nil {
		return err
	}
	for item, content := range map[string]struct {
		name string
		text []byte
	}{
		baseline.Presentation: {"deck.pdf", g.deck},
		baseline.FeatureList:  {"features.csv", []byte("feature,description\nplan,plans\n")},
	} {
		if _, err := projects.Upload(ctx, activities.BaselineFileInput{Project: d.Project, Item: item, Name: content.name, Content: bytes.NewReader(content.text), Person: k.Person, At: time.Now()}); err != nil {
			return err
		}
	}
	_, err = projects.Check(ctx, activities.BaselineInput{Project: d.Project, Person: k.Person, At: time.Now()})
	return err
}

// paper is a PDF of one page.
func paper(title string) ([]byte, error) {
	f := fpdf.New("P", "mm", "A4", "")
	f.AddPage()
	f.SetTitle(title, true)
	var out bytes.Buffer
	err := f.Output(&out)
	return out.Bytes(), err
}
