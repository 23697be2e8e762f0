package console

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"countersign/activities"
	"countersign/domain/baseline"
	"countersign/domain/bill"
	"countersign/domain/calendar"
	"countersign/domain/invoice"
	"countersign/domain/lab"
	"countersign/domain/member"
	"countersign/domain/money"
	"countersign/domain/organisation"
	"countersign/domain/quarter"
	"countersign/domain/requisition"
	"countersign/domain/solution"
	"countersign/domain/specialist"
	"countersign/domain/staff"
	"countersign/domain/tier"
	"countersign/views"
)

// forms reads what was applied for in a case of a kind, in the order in which one judges it: personal data masked (PGM-05). A
// withdrawal has a part of the page of its own.
var forms = map[string]func(ctx context.Context, r views.Reader, number string) (any, error){
	staff.Kind:      func(ctx context.Context, r views.Reader, n string) (any, error) { return r.StaffCase(ctx, n) },
	baseline.Kind:   func(ctx context.Context, r views.Reader, n string) (any, error) { return r.Baseline(ctx, n) },
	member.Kind:     func(ctx context.Context, r views.Reader, n string) (any, error) { return r.Invitation(ctx, n) },
	tier.Kind:       func(ctx context.Context, r views.Reader, n string) (any, error) { return r.TierUpgradeOf(ctx, n) },
	specialist.Kind: func(ctx context.Context, r views.Reader, n string) (any, error) { return r.SpecialistCase(ctx, n) },
	lab.Kind:        func(ctx context.Context, r views.Reader, n string) (any, error) { return r.LabCredit(ctx, n) },
	solution.Kind:   solutionForm,
	bill.Kind:       billsForm,
	requisition.Kind: func(ctx context.Context, r views.Reader, n string) (any, error) {
		var f requisitionForm
		var err error
		if f.RequisitionDetail, err = r.Requisition(ctx, n); err != nil {
			return nil, err
		}
		f.Invoicing, err = invoicing(ctx, r, n)
		return f, err
	},
	quarter.Kind: func(ctx context.Context, r views.Reader, n string) (any, error) {
		var f quarterForm
		var err error
		if f.QuarterCase, err = r.QuarterOfCase(ctx, n); err != nil {
			return nil, err
		}
		f.Invoicing, err = invoicing(ctx, r, n)
		return f, err
	},
}

// requisitionForm and quarterForm are requests with what was invoiced for them.
type (
	requisitionForm struct {
		views.RequisitionDetail
		Invoicing *invoicingForm `json:"list,omitempty"`
	}
	quarterForm struct {
		views.QuarterCase
		Invoicing *invoicingForm `json:"list,omitempty"`
	}
)

// invoicingForm is what one looks at of an invoice list.
type invoicingForm struct {
	No       string            `json:"list_no"`
	State    invoice.State     `json:"state"`
	Buyer    string            `json:"buyer"`
	Item     string            `json:"service_item"`
	Amount   money.Amount      `json:"amount"`
	Due      calendar.Date     `json:"invoice_due_date,omitzero"`
	Findings []invoice.Finding `json:"findings,omitempty"`
	Rounds   []packageForm     `json:"rounds,omitempty"`
}

// packageForm is one sending of invoices.
type packageForm struct {
	Round    int           `json:"round"`
	SentBy   string        `json:"sent_by"`
	SentAt   time.Time     `json:"sent_at"`
	Carrier  string        `json:"carrier,omitempty"`
	Tracking string        `json:"tracking_no,omitempty"`
	Mailbox  string        `json:"mailbox,omitempty"`
	Late     bool          `json:"late,omitempty"`
	Arrived  *time.Time    `json:"arrived_at,omitempty"`
	ReviewOn calendar.Date `json:"review_on,omitzero"`
	Result   string        `json:"result,omitempty"`
	Note     string        `json:"note,omitempty"`
	Invoices []invoiceForm `json:"invoices"`
}

// invoiceForm is one invoice of a sending.
type invoiceForm struct {
	Number   string        `json:"number"`
	Type     invoice.Type  `json:"type"`
	Date     calendar.Date `json:"date"`
	Net      money.Amount  `json:"net"`
	Tax      money.Amount  `json:"tax"`
	Total    money.Amount  `json:"total"`
	Document string        `json:"document,omitempty"`
}

// invoicing reads the invoice list of a case; nil: there is none yet, or it does not show yet (INV-04).
func invoicing(ctx context.Context, r views.Reader, number string) (*invoicingForm, error) {
	list, err := r.InvoiceList(ctx, number, time.Now())
	if activities.IsNotFound(err) || activities.RefusalOf(err) != nil {
		return nil, nil //nolint:nilnil // nothing to show is no error
	}
	f := &invoicingForm{No: list.No, State: list.State, Buyer: list.Buyer, Item: list.ServiceItem, Amount: list.Amount, Due: list.DueDate, Findings: list.Findings}
	for _, round := range list.Rounds {
		p := packageForm{
			Round: round.Round, SentBy: round.SentBy, SentAt: round.SentAt, Carrier: round.Carrier, Tracking: round.TrackingNo, Mailbox: round.Mailbox, Late: round.Late,
			Arrived: round.ArrivedAt, ReviewOn: round.ReviewOn, Result: round.Result, Note: round.Note,
		}
		for _, i := range round.Invoices {
			p.Invoices = append(p.Invoices, invoiceForm{i.Name(), i.Type, i.Date, i.Net, i.Tax, i.Total, i.DocumentID})
		}
		f.Rounds = append(f.Rounds, p)
	}
	return f, err
}

// solutionEntry is a solution as it was sent last, which is what is reviewed, with its rounds and certificates.
type solutionEntry struct {
	solution.Entry
	Origin         solution.Origin               `json:"origin"`
	Rounds         []views.SolutionRound         `json:"rounds"`
	Certifications []views.SolutionCertification `json:"certifications"`
}

func solutionForm(ctx context.Context, r views.Reader, number string) (any, error) {
	s, err := r.Solution(ctx, number, time.Now())
	if err != nil {
		return nil, err
	}
	sent, err := r.Submissions(ctx, number)
	if err != nil || len(sent) == 0 {
		return solutionEntry{s.Entry, s.Origin, s.Rounds, s.Certifications}, err
	}
	var last struct {
		Name, Version          string
		Materials              []solution.Material
		Contact, Mobile, Email string
	}
	if err := json.Unmarshal(sent[len(sent)-1].Form, &last); err != nil {
		return nil, fmt.Errorf("what was sent of %s: %w", number, err)
	}
	masked := func(column, text string) string { return organisation.Masked(column, text, nil) }
	s.Entry.Name, s.Entry.Version, s.Entry.Materials = last.Name, last.Version, last.Materials
	s.Entry.Contact = solution.Contact{Name: masked("contact", last.Contact), Mobile: masked("mobile", last.Mobile), Email: masked("email", last.Email)}
	return solutionEntry{s.Entry, s.Origin, s.Rounds, s.Certifications}, nil
}

// presented are the bills of a reconciliation and what the partner asked about them.
type presented struct {
	views.ReconciliationCase
	Bills     []presentedBill      `json:"bills"`
	Questions []views.BillQuestion `json:"questions"`
}

// presentedBill is what one looks at of a bill.
type presentedBill struct {
	Bill        string           `json:"bill"`
	Plan        string           `json:"plan"`
	Period      string           `json:"period"`
	Association bill.Association `json:"association"`
	Amount      money.Amount     `json:"amount"`
	State       bill.State       `json:"state"`
	Frozen      bool             `json:"frozen,omitempty"`
	Rejected    bool             `json:"rejected,omitempty"`
	Replaces    string           `json:"replaces,omitempty"`
}

func billsForm(ctx context.Context, r views.Reader, number string) (any, error) {
	c, err := r.ReconciliationCase(ctx, number, time.Now())
	p := presented{ReconciliationCase: c, Questions: c.Questions}
	for _, b := range c.Bills {
		p.Bills = append(p.Bills, presentedBill{b.ID, b.Plan, b.Period, b.Association, b.Amount, b.State, b.Frozen, b.Rejected, b.Replaces})
	}
	return p, err
}
