package main

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/baseline"
	"countersign/domain/bill"
	"countersign/domain/calendar"
	"countersign/domain/invoice"
	"countersign/domain/lab"
	"countersign/domain/member"
	"countersign/domain/quarter"
	"countersign/domain/requisition"
	"countersign/domain/solution"
	"countersign/domain/specialist"
	"countersign/domain/staff"
	"countersign/domain/tier"
	"countersign/domain/withdrawal"
	"countersign/views"
	"countersign/workflows"

	"github.com/jmoiron/sqlx"
	"go.temporal.io/sdk/client"
)

// world is what a step is played in.
type world struct {
	db       *sqlx.DB
	views    views.Reader
	temporal client.Client
	now      time.Time // when the run began: what people enter does not change with the day
}

// played is a case as one of its steps finds it.
type played struct {
	ID         string // F00012
	Play       string
	Key        string // of this step's request
	Partner    string
	Person     string // who acts for the partner
	Number     string `db:"case_number"` // empty: not opened yet
	WorkflowID string `db:"workflow_id"`
	State      string `db:"state"`
}

// play is one way through one kind of case: what people ask, in order.
type play struct {
	kind   string
	shared bool // several cases of one partner, so that they meet at its accounts
	lay    func(context.Context, *ground, played) error
	steps  []step
}

// step is one request and what it has to come to.
type step struct {
	name  string
	proof proof
	ask   func(context.Context, *world, played) (activities.Standing, error)
	seat  string    // of the task that it answers; empty: none
	posts []posting // one entry each
	code  string    // it has to be refused with this; empty: accepted
}

// posting is what tells an entry: @ stands for the partner, # for the case.
type posting struct{ account, amount string }

// proof is where the database keeps what was asked.
type proof string

const (
	opened  proof = "opened"  // the case itself
	decided proof = "decided" // a decision under the request's key
	// any other: the key of an event, * stands for the request's
)

func opensBy(posts []posting, ask func(context.Context, *world, played) (activities.Standing, error)) step {
	return step{name: "open", proof: opened, posts: posts, ask: ask}
}

// decides answers a task.
func decides(seat, person string, d approval.Decision, posts ...posting) step {
	return step{name: string(d.Outcome) + " " + seat, proof: decided, seat: seat, posts: posts, ask: func(ctx context.Context, w *world, k played) (activities.Standing, error) {
		d := d
		d.Reference = strings.ReplaceAll(d.Reference, "#", k.Number)
		d.Task, d.Person, d.Key = k.Number+"/"+seat, strings.ReplaceAll(person, "@", k.Person), k.Key
		return workflows.Decide(ctx, w.temporal, k.WorkflowID, d)
	}}
}

func refusedWith(code string, s step) step {
	s.name, s.code = s.name+", refused", code
	return s
}

var (
	approved = approval.Decision{Outcome: approval.Approve}
	rejected = approval.Decision{Outcome: approval.Reject, Reason: "no"}
)

func arrived(amount string) approval.Decision {
	return approval.Decision{Outcome: withdrawal.Arrived, Amount: amount, Reference: "B-#"}
}

var plays = map[string]play{
	"withdrawal, paid": {kind: withdrawal.Kind, shared: true, lay: layWithdrawal, steps: []step{
		withdraws, refusedWith("CBC.0151", decides("review", "@", approved)), decides("review", "lina", approved), decides("send", "lina", approval.Decision{Outcome: withdrawal.Sent}),
		decides("confirm", "zhao", arrived("10.00"), posting{"V.BANK", "10.00"}),
	}},
	"withdrawal, refused": {kind: withdrawal.Kind, shared: true, lay: layWithdrawal, steps: []step{
		withdraws, decides("review", "zhao", rejected, released),
	}},
	"withdrawal, cancelled": {kind: withdrawal.Kind, shared: true, lay: layWithdrawal, steps: []step{
		withdraws, {name: "cancel", proof: "cancel/*", posts: []posting{released}, ask: func(ctx context.Context, w *world, k played) (activities.Standing, error) {
			now, err := workflows.Cancel(ctx, w.temporal, k.WorkflowID, workflows.CancelRequest{Person: k.Person, Reason: "not needed", Key: k.Key})
			return now.Now(), err
		}},
	}},
	"withdrawal, failed": {kind: withdrawal.Kind, shared: true, lay: layWithdrawal, steps: []step{
		withdraws, decides("review", "zhao", approved), decides("send", "lina", approval.Decision{Outcome: withdrawal.Sent}),
		decides("confirm", "zhao", approval.Decision{Outcome: withdrawal.Bounced, Reason: "account closed"}, released),
	}},

	"requisition, voucher": {kind: requisition.Kind, lay: layBill("resale", "1500.00", "RELEASED"), steps: []step{requests(requisition.Voucher, posting{"V.INCENT:@", "-1500.00"})}},
	"requisition, top-up": {kind: requisition.Kind, lay: layBill("advisory", "10600.00", "RELEASED"), steps: []step{
		requests(requisition.Cloud), invoices, arrival, decides("invoice-review", "lina", approval.Decision{Outcome: invoice.Pass}),
		decides("review", "zhao", approved, posting{"V.INCENT:@", "-10600.00"}),
	}},
	"requisition, bank": {kind: requisition.Kind, lay: layBill("advisory", "10600.00", "RELEASED"), steps: []step{
		requests(requisition.Bank), invoices, arrival, decides("invoice-review", "lina", approval.Decision{Outcome: invoice.Pass}),
		decides("review", "zhao", approved), decides("send", "lina", approval.Decision{Outcome: requisition.Sent}),
		decides("confirm", "zhao", arrived("10300.00"), posting{"V.INCENT:@", "-10600.00"}),
	}},
	"requisition, rejected": {kind: requisition.Kind, lay: layBill("advisory", "2500.00", "RELEASED"), steps: []step{
		requests(requisition.Cloud), invoices, arrival, decides("invoice-review", "lina", approval.Decision{Outcome: invoice.Pass}), decides("review", "zhao", rejected),
	}},

	"reconciliation, released": {kind: bill.Kind, lay: layBill("resale", "100.00", "TO_CONFIRM"), steps: []step{
		opensBy(nil, presents),
		{name: "confirm", proof: "confirm/*", ask: func(ctx context.Context, w *world, k played) (activities.Standing, error) {
			return workflows.AboutBills(ctx, w.temporal, k.WorkflowID, workflows.ConfirmUpdate, workflows.BillRequest{Person: k.Person, Key: k.Key})
		}},
		decides("release", "olga", approved),
	}},

	"dedicated staff, failed and passed": {kind: staff.Kind, lay: layStaff, steps: []step{
		opensBy(nil, func(ctx context.Context, w *world, k played) (activities.Standing, error) {
			return workflows.RequestStaffMonth(ctx, w.temporal, staffMonth(k, k.Key, staff.MonthOf(w.now)))
		}),
		decides("preliminary-review", "otto", approval.Decision{Outcome: "fail", Reason: "the extract is missing"}),
		{name: "resubmit", proof: "resubmit/*", ask: func(ctx context.Context, w *world, k played) (activities.Standing, error) {
			return workflows.ResubmitStaffMonth(ctx, w.temporal, k.WorkflowID, staffMonth(k, k.Key, staff.MonthOf(w.now)))
		}},
		decides("preliminary-review@2", "olga", approval.Decision{Outcome: "pass"}),
	}},

	"payment application, paid": {kind: quarter.Kind, lay: layQuarter, steps: []step{
		opensBy(nil, func(ctx context.Context, w *world, k played) (activities.Standing, error) {
			return workflows.ApplyForQuarter(ctx, w.temporal, quarter.Application{RequestKey: k.Key, PartnerID: k.Partner, Submitter: k.Person, Quarter: lastQuarter(w.now).String()})
		}),
		decides("review", "otto", approved, posting{"V.FUND:@", "60000.00"}), invoices, arrival, decides("invoice-review", "lina", approval.Decision{Outcome: invoice.Pass}),
		decides("send", "lina", approval.Decision{Outcome: "send"}),
		decides("confirm", "zhao", approval.Decision{Outcome: "confirm", Amount: "60000.00", Reference: "B-#"}, posting{"V.FUND:@", "-60000.00"}),
	}},

	"invitation, bound": {kind: member.Kind, lay: layNothing, steps: []step{
		opensBy(nil, func(ctx context.Context, w *world, k played) (activities.Standing, error) {
			return workflows.Invite(ctx, w.temporal, invitation(k, k.Key))
		}),
		{name: "accept", proof: "accept/*", ask: func(ctx context.Context, w *world, k played) (activities.Standing, error) {
			a, err := acceptance(ctx, w.db, k.Number, account(k))
			if err != nil {
				return activities.Standing{}, err
			}
			a.Key = k.Key
			return workflows.AcceptInvitation(ctx, w.temporal, k.WorkflowID, a)
		}},
	}},

	"project specialist, rejected and revoked": {kind: specialist.Kind, lay: layMember, steps: []step{
		opensBy(nil, appliesAsSpecialist), decides("review", "otto", rejected),
		{name: "apply again", proof: "resubmit/*", ask: appliesAsSpecialist},
		decides("review@2", "olga", approved),
		{name: "revoke", proof: "revoke/*", ask: func(ctx context.Context, w *world, k played) (activities.Standing, error) {
			return workflows.AskOfSpecialist(ctx, w.temporal, k.WorkflowID, workflows.RevokeSpecialistUpdate, activities.SpecialistStepInput{Key: k.Key, Person: "otto", Reason: "no project"})
		}},
	}},

	"solution, certified": {kind: solution.Kind, lay: laySolution, steps: []step{
		opensBy(nil, func(ctx context.Context, w *world, k played) (activities.Standing, error) {
			var d struct {
				Draft    string `db:"draft_id"`
				Revision int    `db:"revision"`
			}
			if err := w.db.GetContext(ctx, &d, `SELECT draft_id, revision FROM solution_drafts WHERE partner_id = $1`, k.Partner); err != nil {
				return activities.Standing{}, fmt.Errorf("read draft: %w", err)
			}
			return workflows.SubmitSolution(ctx, w.temporal, solution.Submission{RequestKey: k.Key, PartnerID: k.Partner, Submitter: k.Person, Draft: d.Draft, Revision: d.Revision})
		}),
		decides("certification-review", "cora", approved), decides("architecture-review", "ada", approved),
	}},

	"joint solution, begun": {kind: baseline.Kind, lay: layBaseline, steps: []step{
		opensBy(nil, func(ctx context.Context, w *world, k played) (activities.Standing, error) {
			var project string
			if err := w.db.GetContext(ctx, &project, `SELECT project_id FROM baseline_projects WHERE partner_id = $1`, k.Partner); err != nil {
				return activities.Standing{}, fmt.Errorf("read project: %w", err)
			}
			return workflows.SubmitBaseline(ctx, w.temporal, baseline.Submission{RequestKey: k.Key, PartnerID: k.Partner, Submitter: k.Person, Project: project})
		}),
		decides("project", "cora", approval.Decision{Outcome: "reject", Reason: "the price is missing"}), acts("@", baseline.SubmitAgain, ""),
		decides("project@2", "cyril", approval.Decision{Outcome: "pass"}), acts("dai", baseline.ListGoods, ""), acts("dai", baseline.GoodsAreListed, "G-1"), acts("@", baseline.ApplyDesign, ""),
	}},

	"tier upgrade, rejected and approved": {kind: tier.Kind, lay: layTier, steps: []step{
		opensBy(nil, func(ctx context.Context, w *world, k played) (activities.Standing, error) {
			return workflows.ApplyForTier(ctx, w.temporal, upgrade(k))
		}),
		decides("review", "tina", rejected),
		{name: "resubmit", proof: "resubmit/*", ask: func(ctx context.Context, w *world, k played) (activities.Standing, error) {
			return workflows.ResubmitTier(ctx, w.temporal, k.WorkflowID, upgrade(k))
		}},
		decides("review@2", "theo", approved),
	}},

	"lab credit, used up": {kind: lab.Kind, lay: layMember, steps: []step{
		opensBy(nil, func(ctx context.Context, w *world, k played) (activities.Standing, error) {
			return workflows.ApplyForLabCredit(ctx, w.temporal, lab.Application{
				RequestKey: k.Key, PartnerID: k.Partner, Submitter: k.Person, Path: "SW", Account: account(k), Points: 50, Purpose: "verify a migration",
			})
		}),
		decides("review", "otto", approved), decides("issue", "olga", approval.Decision{Outcome: lab.Issue.Approve, Reference: "CP-#"}, posting{"L:#", "50.00"}),
		uses(1), uses(2), uses(3), uses(4), uses(5), uses(35),
	}},
}

func playNames() []string { return slices.Sorted(maps.Keys(plays)) }

var (
	withdraws = opensBy([]posting{{"P.CASH:@", "-10.00"}}, func(ctx context.Context, w *world, k played) (activities.Standing, error) {
		messages, err := w.views.Outbox(ctx, k.Person, false)
		if err != nil {
			return activities.Standing{}, err
		}
		app := withdrawal.Application{
			RequestKey: k.Key, PartnerID: k.Partner, Submitter: k.Person, Route: withdrawal.BankCard, Amount: "10.00",
			Payee: withdrawal.Payee{Holder: k.Partner + " Ltd", AccountNo: "6222-1", Bank: "ICBC", Branch: "Shenzhen"},
		}
		for _, m := range messages {
			if found := codeInMail.FindStringSubmatch(m.Body); found != nil {
				app.Code = found[1]
			}
		}
		now, err := workflows.SubmitWithdrawal(ctx, w.temporal, app)
		return now.Now(), err
	})
	released   = posting{"P.CASH:@", "10.00"}
	codeInMail = regexp.MustCompile(`code ([0-9]{6})\b`)

	invoices = step{name: "send invoices", proof: "send-invoices/*", ask: func(ctx context.Context, w *world, k played) (activities.Standing, error) {
		v, err := w.views.InvoiceList(ctx, k.Number, time.Now())
		if err != nil {
			return activities.Standing{}, err
		}
		return workflows.SendInvoices(ctx, w.temporal, k.WorkflowID, invoice.Package{
			Case: k.Number, Person: k.Person, Key: k.Key, ListEnclosed: true, Mailbox: v.PublicMailbox,
			Invoices: []invoice.Entered{invoice.Whole(v.List, invoice.Electronic, "A-"+k.Number, "", calendar.DateOf(w.now).String())},
		})
	}}
	arrival = step{name: "invoices arrive", proof: "arrival/*", ask: func(ctx context.Context, w *world, k played) (activities.Standing, error) {
		return workflows.RecordArrival(ctx, w.temporal, k.WorkflowID, activities.ArrivalInput{Case: k.Number, Person: "lina", Key: k.Key})
	}}
)

func requests(m requisition.Method, posts ...posting) step {
	return opensBy(posts, func(ctx context.Context, w *world, k played) (activities.Standing, error) {
		return workflows.SubmitRequisition(ctx, w.temporal, requisition.Application{RequestKey: k.Key, PartnerID: k.Partner, Submitter: k.Person, Methods: []requisition.Method{m}})
	})
}

// presents starts a reconciliation as daily work does, which has no answer but the case that appears.
func presents(ctx context.Context, w *world, k played) (activities.Standing, error) {
	if err := workflows.StartReconciliation(ctx, w.temporal, activities.Presentation{Partner: k.Partner, Period: lastMonth(w.now), Set: 1, By: "system", Bills: 1}); err != nil {
		return activities.Standing{}, err
	}
	for {
		var now []struct {
			Number string `db:"case_number"`
			State  string `db:"state"`
		}
		if err := w.db.SelectContext(ctx, &now, `SELECT case_number, state FROM cases WHERE kind = $1 AND partner_id = $2`, bill.Kind, k.Partner); err != nil {
			return activities.Standing{}, err
		}
		if len(now) > 0 {
			return activities.Standing{Case: now[0].Number, State: bill.State(now[0].State)}, nil
		}
		select {
		case <-ctx.Done():
			return activities.Standing{}, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func appliesAsSpecialist(ctx context.Context, w *world, k played) (activities.Standing, error) {
	return workflows.ApplyForSpecialist(ctx, w.temporal, specialist.Application{
		RequestKey: k.Key, PartnerID: k.Partner, Submitter: k.Person, Account: account(k), Path: "SVC", Materials: []string{strings.Repeat("ab", 32)},
	})
}

func acts(person string, action baseline.Action, reference string) step {
	return step{name: string(action), proof: proof("act/" + string(action) + "/*"), ask: func(ctx context.Context, w *world, k played) (activities.Standing, error) {
		return workflows.ActBaseline(ctx, w.temporal, k.WorkflowID, baseline.Act{RequestKey: k.Key, Person: strings.ReplaceAll(person, "@", k.Person), Action: action, Reference: reference})
	}}
}

func uses(points int) step {
	return step{name: fmt.Sprintf("use %d points", points), proof: "use/*", posts: []posting{{"L:#", fmt.Sprintf("-%d.00", points)}}, ask: func(ctx context.Context, w *world, k played) (activities.Standing, error) {
		return workflows.UseLabCredit(ctx, w.temporal, k.WorkflowID, lab.Use{Person: "otto", Points: points, Key: k.Key})
	}}
}

func upgrade(k played) tier.Application {
	return tier.Application{RequestKey: k.Key, PartnerID: k.Partner, Submitter: k.Person, Target: tier.Preferred, Evidence: []tier.Attached{{Item: "plan", Document: strings.Repeat("ab", 32)}}}
}

func invitation(k played, key string) member.Invitation {
	return member.Invitation{RequestKey: key, PartnerID: k.Partner, Submitter: k.Person, AccountID: account(k), By: member.ByName}
}

// account is the natural person of a case's own.
func account(k played) string { return "A-" + k.ID }

var linkInMessage = regexp.MustCompile(`https://\S+`)

// acceptance follows the link as the member reads it.
func acceptance(ctx context.Context, db *sqlx.DB, number, who string) (member.Acceptance, error) {
	messages, err := views.Reader{DB: db}.Outbox(ctx, who, false)
	if err != nil {
		return member.Acceptance{}, err
	}
	for _, m := range messages {
		if link := linkInMessage.FindString(m.Body); link != "" {
			followed, err := (&activities.Members{DB: db}).FollowLink(ctx, link)
			return member.Acceptance{Case: number, Account: who, Proof: member.Proof(followed.Hash, number, who), Notice: member.CurrentNotice().Version}, err
		}
	}
	return member.Acceptance{}, fmt.Errorf("no link was sent to %s", who)
}

func staffMonth(k played, key string, m staff.Month) staff.Request {
	document := strings.Repeat("ab", 32)
	return staff.Request{
		RequestKey: key, PartnerID: k.Partner, Submitter: k.Person, Month: m.String(), Scenario: staff.PreSales, Persons: []staff.Use{{Person: "S-" + k.ID}},
		Proofs: []staff.Proof{{Kind: staff.Employment, Document: document}, {Kind: staff.SocialSecurity, Document: document}},
	}
}

func lastMonth(now time.Time) string {
	return calendar.DateOf(now).AddMonths(-1).String()[:len("2024-05")]
}

func lastQuarter(now time.Time) calendar.Quarter {
	return calendar.QuarterOf(calendar.QuarterOf(calendar.DateOf(now)).Start().AddMonths(-3))
}
