package partner

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"countersign/activities"
	"countersign/domain/bill"
	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/solution"
	"countersign/domain/staff"
	"countersign/domain/withdrawal"
	"countersign/views"
)

// overviewData is the front page: what is to be done next, where the money is, what is open. Only what the reader's roles open
// is on it.
type overviewData struct {
	Partner  string
	ToDo     []toDo
	Missing  refusal.List // what keeps the partner from being paid (AUT-09)
	Means    *means       // nil: not the reader's
	Position position
	Open     []views.Case
	MayApply bool
}

// toDo is one thing that waits for the partner.
type toDo struct {
	Key  string // of its text, which takes What, or Sum where that is something
	What string
	Sum  money.Amount
	Path string
	Due  any // an instant or a day; nil: none
	Note string
}

const (
	shownOpen = 10 // open cases on the front page
	shownToDo = 20 // returned cases on it
)

func (c *Console) overview(w http.ResponseWriter, req *http.Request, p person.Person) error {
	ctx, now := req.Context(), time.Now()
	data := overviewData{MayApply: withdrawal.MayAct(p, p.PartnerID) && c.may(ctx, ofPayouts)}
	err := c.read(ctx, p, func(r views.Reader) (err error) {
		if data.Partner, err = r.PartnerName(ctx, p.PartnerID); err != nil {
			return err
		}
		if c.may(ctx, ofMoney) {
			m, err := meansOf(ctx, r, p.PartnerID)
			if err != nil {
				return err
			}
			if data.Position, err = positionOf(ctx, r, p.PartnerID); err != nil {
				return err
			}
			data.Means = &m
		}
		open, err := r.CasePage(ctx, p.PartnerID, views.CaseSearch{Open: true, Kinds: c.seenKinds(ctx), Limit: shownOpen})
		if err != nil {
			return err
		}
		data.Open = open.Cases
		data.ToDo, err = c.toDo(ctx, r, p, now)
		return err
	})
	if err != nil {
		return err
	}
	if c.may(ctx, ofCompany) {
		if _, data.Missing, err = c.businesses().ReadBusiness(ctx, p.PartnerID, now); err != nil {
			return err
		}
	}
	c.Pages.Render(w, req, http.StatusOK, "partner-overview", c.Pages.Text(req, "partner.nav.overview"), data)
	return nil
}

// toDo collects what waits for the partner, of what the reader's roles open.
func (c *Console) toDo(ctx context.Context, r views.Reader, p person.Person, now time.Time) (list []toDo, err error) {
	returned, err := r.ReturnedCases(ctx, p.PartnerID, c.seenKinds(ctx), shownToDo)
	if err != nil {
		return nil, err
	}
	for _, one := range returned {
		do := toDo{Key: "partner.todo.returned", What: one.Number, Path: casePath(one.Number), Note: one.Kind}
		if one.DueAt != nil {
			do.Due = *one.DueAt
		}
		list = append(list, do)
	}
	for _, of := range []struct {
		opens opens
		find  func(context.Context, views.Reader, string, time.Time) ([]toDo, error)
	}{{ofIncentive, billsToDo}, {ofInvoices, invoicesToDo}, {ofIncentive, staffToDo}, {ofProgramme, solutionsToDo}} {
		if !c.may(ctx, of.opens) {
			continue
		}
		found, err := of.find(ctx, r, p.PartnerID, now)
		if err != nil && !activities.IsNotFound(err) { // without a policy there is nothing to do
			return nil, err
		}
		list = append(list, found...)
	}
	return list, nil
}

// billsToDo are bills that are presented, and what can be requested of those that are released.
func billsToDo(ctx context.Context, r views.Reader, partner string, now time.Time) (list []toDo, err error) {
	presented, err := r.Bills(ctx, views.BillFilter{Partner: partner, State: bill.ToConfirm}, now)
	if err != nil {
		return nil, err
	}
	for _, b := range presented {
		if b.Case != "" && !b.Rejected {
			do := toDo{Key: "partner.todo.bill", What: b.ID, Path: "/partner/bills/" + url.PathEscape(b.ID)}
			if !b.Deadline.IsZero() {
				do.Due = b.Deadline
			}
			list = append(list, do)
		}
	}
	released, err := r.Bills(ctx, views.BillFilter{Partner: partner, State: bill.Released, Unrequested: true}, now)
	total := money.Zero
	for _, b := range released {
		total = total.Add(b.Payable.NotBelowZero())
	}
	if total.Sign() > 0 {
		list = append(list, toDo{Key: "partner.todo.request", Sum: total, Path: "/partner/requisitions"})
	}
	return list, err
}

// invoicesToDo are lists whose invoices are still to be sent.
func invoicesToDo(ctx context.Context, r views.Reader, partner string, now time.Time) (list []toDo, err error) {
	lists, err := r.SomeInvoiceLists(ctx, partner, views.InvoiceFilter{Open: true}, now)
	for _, l := range lists {
		if l.State.ToSend() {
			do := toDo{Key: "partner.todo.invoice", What: l.No, Path: "/partner/invoices/" + url.PathEscape(l.Case)}
			if !l.Due.IsZero() {
				do.Due = l.Due
			}
			list = append(list, do)
		}
	}
	return list, err
}

// staffToDo are months whose list waits to be confirmed, and a quarter that can be requested.
func staffToDo(ctx context.Context, r views.Reader, partner string, now time.Time) (list []toDo, err error) {
	s, err := r.Staff(ctx, partner, now)
	if err != nil {
		return nil, err
	}
	for _, m := range s.Months {
		if m.Case == "" && m.State == staff.ToConfirm {
			list = append(list, toDo{Key: "partner.todo.month", What: m.Month.String(), Path: "/partner/staff?month=" + m.Month.String(), Due: *m.ConfirmUntil})
		}
	}
	last := calendar.QuarterOf(calendar.DateOf(now).AddMonths(-3))
	q, err := r.Quarter(ctx, partner, last, now)
	if err == nil && q.Application == nil && len(q.Blocked) == 0 && q.Total.Sign() > 0 {
		list = append(list, toDo{Key: "partner.todo.quarter", What: last.String(), Path: "/partner/quarters?quarter=" + last.String()})
	}
	return list, err
}

// solutionsToDo are solutions that can be certified anew, and drafts that were begun.
func solutionsToDo(ctx context.Context, r views.Reader, partner string, now time.Time) (list []toDo, err error) {
	found, err := r.Solutions(ctx, views.SolutionFilter{Partner: partner}, now)
	for _, s := range found {
		switch {
		case s.State == views.DraftState:
			list = append(list, toDo{Key: "partner.todo.draft", What: s.Name, Path: "/partner/solutions/" + url.PathEscape(s.Draft)})
		case (s.State == solution.Expiring || s.State == solution.Expired) && !s.Pending:
			do := toDo{Key: "partner.todo.certify", What: s.Name, Path: "/partner/solutions/" + url.PathEscape(s.Case)}
			if s.Until != nil {
				do.Due = *s.Until
			}
			list = append(list, do)
		}
	}
	return list, err
}
