package requisition

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"countersign/domain"
	"countersign/domain/business"
	"countersign/domain/calendar"
	"countersign/domain/invoice"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/tax"
)

// Application is what a partner asks for, as entered: nothing in it is trusted yet.
type Application struct {
	RequestKey string   `json:"request_key"`
	PartnerID  string   `json:"partner_id"`
	Submitter  string   `json:"submitter"`
	Methods    []Method `json:"methods"`         // exactly one (PAY-01)
	Bills      []string `json:"bills,omitempty"` // empty: all that can be requested (PAY-06)
	Group      Group    `json:"group,omitempty"` // of an automatic request: its row group (PAY-23)
}

// Scope tells how its bills are chosen.
func (a Application) Scope() Scope {
	switch {
	case a.Group != "":
		return Automatic
	case len(a.Bills) > 0:
		return Selected
	}
	return MergedAll
}

// Storable is the application with what cannot be kept marked: NUL characters and text that is too long; Judge refuses the mark.
func (a Application) Storable() Application {
	a.Methods, a.Bills = slices.Clone(a.Methods), slices.Clone(a.Bills)
	if len(a.Bills) > 1000 {
		a.Bills = append(a.Bills[:1000], domain.Mark)
	}
	for i := range a.Bills {
		a.Bills[i] = marked(a.Bills[i])
	}
	for i := range a.Methods {
		a.Methods[i] = Method(marked(string(a.Methods[i])))
	}
	a.RequestKey, a.PartnerID, a.Submitter, a.Group = marked(a.RequestKey), marked(a.PartnerID), marked(a.Submitter), Group(marked(string(a.Group)))
	return a
}

func marked(s string) string { return domain.Marked(s, 128, 64) }

// Digest identifies what is asked for under a request key (COM-20); the order of the bills is not part of it.
func (a Application) Digest() []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %q %q", a.RequestKey, a.PartnerID, a.Submitter, a.Methods, slices.Sorted(slices.Values(a.Bills)), a.Group))
	return sum[:]
}

// Why a bill cannot be requested; the text is what the database answers.
const (
	NotReleased = "NOT_RELEASED"
	Void        = "VOID"
	Frozen      = "UNPAID_CYCLE"
	Running     = "IN_REQUISITION"
	Paid        = "PAID"
	Outstanding = "OUTSTANDING" // a negative bill: the next requisition takes it in (PAY-27)
)

// Bill is an incentive bill as the deciding transaction sees it.
type Bill struct {
	ID          string       `db:"bill_id"         json:"bill"`
	Association Association  `db:"association"     json:"association"`
	Period      string       `db:"period"          json:"period"`
	GeneratedAt time.Time    `db:"generated_at"    json:"generated_at"`
	Amount      money.Amount `db:"amount"          json:"amount"` // output tax included; negative: see Outstanding
	Rate        tax.Rate     `db:"output_tax_rate" json:"output_tax_rate"`
	Payable     money.Amount `db:"payable"         json:"payable"`          // what a request for it alone would ask for (INC-13)
	Requestable bool         `db:"requestable"     json:"requestable"`      // may be part of a request
	Reason      string       `db:"reason"          json:"reason,omitempty"` // the first of them
	Frozen      bool         `db:"frozen"          json:"-"`                // whatever else the reason is (PAY-17)
}

// Partner is whose incentive it is.
type Partner struct {
	ID    string `db:"partner_id"`
	Kind  string `db:"kind"`
	State string `db:"state"`
}

// Grants tells whether the partner's account can take what is granted: it has to be active (PAY-22).
func (p Partner) Grants() bool { return p.State == "ACTIVE" }

// Facts is what an application is judged by: everything as locked in the deciding transaction.
type Facts struct {
	At            time.Time
	Policy        Policy
	Submitter     *person.Person // nil: unknown
	Partner       *Partner       // nil: unknown
	Certification refusal.List   // its guards that fail
	Business      business.Facts
	Bills         []Bill // all of the partner
	Calendar      *calendar.Calendar
}

// Plan is what an accepted application does.
type Plan struct {
	Method      Method               `json:"method"`
	Scope       Scope                `json:"scope"`
	Bills       []Bill               `json:"bills"`
	Negatives   []Bill               `json:"negatives,omitempty"` // taken in (PAY-27)
	Gross       money.Amount         `json:"gross"`               // output tax included
	Settlement  money.Amount         `json:"settlement"`          // what the partner invoices and gets
	Parts       []Part               `json:"parts"`               // Gross by output tax rate
	ServiceRate tax.Rate             `json:"service_fee_tax_rate"`
	Entity      string               `json:"signing_entity"` // of the vendor, on the day of submission (INV-13)
	Information business.Information `json:"-"`              // kept as it is at submission (AUT-08, INV-21)
	InvoiceDue  calendar.Date        `json:"invoice_due_date,omitzero"`
}

// Part is a share of the gross amount at one output tax rate.
type Part struct {
	Rate   tax.Rate     `db:"output_tax_rate" json:"rate"`
	Amount money.Amount `db:"amount"          json:"amount"`
}

// Judge checks an application against the facts. Either the plan holds, or the list says every guard that failed, in the
// order caller, parameters, object, state, amount (ENG-06, PGM-08).
func Judge(a Application, f Facts) (Plan, refusal.List) {
	j := judgement{a: a, f: f, plan: Plan{Scope: a.Scope()}}
	j.caller()
	j.parameters()
	if f.Partner == nil {
		j.refuse("COM-17", "CBC.5001", "partner "+a.PartnerID, "There is no partner %q; check the partner's number.", a.PartnerID)
		return Plan{}, j.list
	}
	if f.Partner.Kind == "reseller" {
		j.refuse("INC-19", "INC_TIER2", "partner "+a.PartnerID, "A tier-2 reseller receives no incentive of the vendor: its tier-1 does.")
	}
	j.list = append(j.list, f.Certification...) // AUT-01, AUT-04, AUT-05
	j.choose()
	j.methods()
	j.amounts()
	if len(j.list) > 0 {
		return Plan{}, j.list
	}
	return j.complete()
}

type judgement struct {
	a    Application
	f    Facts
	list refusal.List
	plan Plan
}

func (j *judgement) refuse(rule, code, object, format string, args ...any) {
	j.list = append(j.list, refusal.New(rule, code, object, format, args...))
}

func (j *judgement) caller() {
	switch by := j.f.Submitter; {
	case by == nil:
		j.refuse("COM-16", "CBC.0151", "person "+j.a.Submitter, "There is no person %q; speak as somebody who is registered.", j.a.Submitter)
	case j.f.Partner != nil && !MayAct(*by, j.a.PartnerID) || (by.ID == System) != (j.a.Group != ""):
		j.refuse("COM-16", "CBC.0151", "person "+j.a.Submitter, "%s may not request incentives for partner %s; ask the partner's administrator for the permission.",
			by.Name, j.a.PartnerID)
	}
}

// parameters checks what was entered by itself: one method of four (PAY-01).
func (j *judgement) parameters() {
	if strings.Contains(strings.Join(append(j.a.Bills, j.a.RequestKey), ""), domain.Mark) {
		j.refuse("ENG-06", "CBC.0100", "request", "The request has text that cannot be kept: a NUL character, more than 128 characters, or more than 1000 bills; shorten it.")
	}
	if n := utf8.RuneCountInString(j.a.RequestKey); n == 0 || n > 64 {
		j.refuse("COM-20", "CBC.0100", "request", "A request carries a key of 1 to 64 characters of its own, so that a repeat is recognised.")
	}
	if len(j.a.Methods) != 1 {
		j.refuse("PAY-01", "PAY_ONE_METHOD", "method", "Choose exactly one method; %d were given.", len(j.a.Methods))
		return
	}
	if !slices.Contains(Methods, j.a.Methods[0]) {
		j.refuse("PAY-01", "CBC.0100", "method", "There is no method %q; choose VOUCHER, BANK, CLOUD_ACCOUNT or CLOUD_ACCOUNT_OWED.", j.a.Methods[0])
		return
	}
	j.plan.Method = j.a.Methods[0]
}

// choose takes the bills: all that can be requested, those of one row group, or those that were named.
func (j *judgement) choose() {
	if j.plan.Scope != Selected { // PAY-06, PAY-19
		for _, b := range j.f.Bills {
			if b.Requestable && (j.a.Group == "" || j.a.Group == GroupOf(b.Association, b.GeneratedAt, j.f.Policy.CutOver)) {
				j.plan.Bills = append(j.plan.Bills, b)
			}
		}
		return
	}
	for i, id := range j.a.Bills {
		if slices.Contains(j.a.Bills[:i], id) {
			j.refuse("PAY-06", "CBC.0100", "bill "+id, "Bill %s is named twice; name it once.", id)
			continue
		}
		n := slices.IndexFunc(j.f.Bills, func(b Bill) bool { return b.ID == id })
		if n < 0 {
			j.refuse("COM-17", "CBC.5001", "bill "+id, "The partner has no bill %q; choose among the bills that can be requested.", id)
			continue
		}
		j.state(j.f.Bills[n])
		j.plan.Bills = append(j.plan.Bills, j.f.Bills[n])
	}
}

// state refuses a named bill that cannot be requested.
func (j *judgement) state(b Bill) {
	object := "bill " + b.ID
	switch b.Reason {
	case NotReleased:
		j.refuse("PAY-01", "INC_NOT_RELEASED", object, "Bill %s is not confirmed and released yet; only released incentive can be requested.", b.ID)
	case Void:
		j.refuse("INC-14", "INC_VOID", object, "Bill %s is past its validity and cannot be restored.", b.ID)
	case Running:
		j.refuse("PAY-26", "PAY_DUPLICATE", object, "Bill %s is already part of a running request.", b.ID)
	case Paid:
		j.refuse("PAY-26", "PAY_ALREADY_PAID", object, "Bill %s was paid already.", b.ID)
	case Outstanding:
		j.refuse("INC-13", "PAY_NOT_POSITIVE", object, "Bill %s is negative; it is taken in by itself with the next request.", b.ID)
	}
	if b.Reason == Frozen || b.Frozen && slices.Contains([]string{NotReleased, Void, Running}, b.Reason) { // every guard that fails (ENG-06)
		j.refuse("PAY-17", "PAY_FROZEN", object, "Bill %s is frozen (%s): its billing cycle has unpaid consumption; it is free on the day after everything is paid.", b.ID, Frozen)
	}
}

// methods checks that the method fits every bill (PAY-02, PAY-03, PAY-05, PAY-07).
func (j *judgement) methods() {
	if j.plan.Method == "" {
		return
	}
	for _, b := range j.plan.Bills {
		g := GroupOf(b.Association, b.GeneratedAt, j.f.Policy.CutOver)
		if g.Allows(j.plan.Method) {
			continue
		}
		rule := "PAY-03"
		if g == NewResale {
			rule = "PAY-02"
		}
		j.refuse(rule, "PAY_METHOD_NOT_ALLOWED", "bill "+b.ID, "%s is not available for bill %s (%s, generated %s); choose one of %s for it.",
			j.plan.Method, b.ID, b.Association, calendar.DateOf(b.GeneratedAt), join(g.Allowed()))
	}
}

func join(methods []Method) string {
	words := make([]string, len(methods))
	for i, m := range methods {
		words[i] = string(m)
	}
	return strings.Join(words, ", ")
}

// amounts nets the outstanding negatives (PAY-27) and compares with the minimum (PAY-20, PAY-21).
func (j *judgement) amounts() {
	for _, b := range j.f.Bills {
		if b.Reason == Outstanding {
			j.plan.Negatives = append(j.plan.Negatives, b)
		}
	}
	positive, negative := Sum(j.plan.Bills), Sum(j.plan.Negatives).Neg()
	j.plan.Gross = positive.Sub(negative)
	object := "partner " + j.a.PartnerID
	switch {
	case len(j.plan.Bills) == 0 && len(j.a.Bills) == 0:
		j.refuse("PAY-06", "PAY_NOT_POSITIVE", object, "There is nothing that can be requested now; the preview of a requisition says why of each bill.")
	case len(j.plan.Bills) == 0: // each was refused by itself
	case j.plan.Gross.Sign() <= 0: // PAY-27
		j.refuse("PAY-27", "PAY_NOT_POSITIVE", object, "%s is selected and %s of negative incentive is outstanding: there is no positive amount to pay.", positive, negative)
	case j.plan.Method.HasMinimum() && j.plan.Gross.Cmp(j.f.Policy.Minimum) < 0: // PAY-21
		rule := "PAY-21"
		if j.plan.Scope == Automatic {
			rule = "PAY-20"
		}
		j.refuse(rule, "PAY_MINIMUM", object, "The total is %s, %s asks for at least %s; choose more bills or wait for the next period.", j.plan.Gross, j.plan.Method, j.f.Policy.Minimum)
	}
}

// complete is everything that submission fixes.
func (j *judgement) complete() (Plan, refusal.List) {
	p := j.plan
	p.Information, p.Entity = *j.f.Business.Certified, j.f.Business.Entity // AUT-08, INV-13
	p.Parts = ByRate(p.Bills, p.Negatives)
	rate, err := tax.Of(p.Information.ServiceFeeRate)
	if err != nil {
		return Plan{}, refusal.List{refusal.New("AUT-03", "AUT_FIELD_MISSING", "partner "+j.a.PartnerID, "The service-fee tax rate is not one: %s.", err)}
	}
	p.ServiceRate = rate
	p.Settlement = Settlement(p.Method, p.Gross, p.Parts, rate)
	if p.Method.NeedsInvoice() {
		if p.InvoiceDue, err = j.f.Policy.InvoiceDue(j.f.At, j.f.Calendar); err != nil {
			return Plan{}, refusal.List{refusal.New("ENG-05", "PRG.ENG.05", "calendar", "%s", err.Error())}
		}
	}
	return p, nil
}

// Settlement is what the partner gets: without an invoice the incentive with its output tax, else what it invoices (INV-07).
func Settlement(m Method, gross money.Amount, parts []Part, service tax.Rate) money.Amount {
	if !m.NeedsInvoice() {
		return gross
	}
	granted := make([]invoice.Granted, len(parts))
	for i, p := range parts {
		granted[i] = invoice.Granted{Amount: p.Amount, Rate: p.Rate}
	}
	return invoice.Amount(granted, service)
}

// Sum adds up bills.
func Sum(bills []Bill) money.Amount {
	total := money.Zero
	for _, b := range bills {
		total = total.Add(b.Amount)
	}
	return total
}

// ByRate splits the net of bills and negatives by output tax rate, the lowest rate first. A negative reduces its own rate;
// what is more than that reduces the other rates, so that no part is negative.
func ByRate(bills, negatives []Bill) []Part {
	sums := map[tax.Rate]money.Amount{}
	for _, b := range slices.Concat(bills, negatives) {
		sums[b.Rate] = sums[b.Rate].Add(b.Amount)
	}
	var parts []Part
	rest := money.Zero // negative: what one rate could not take
	for rate, amount := range sums {
		if amount.Sign() < 0 {
			rest = rest.Add(amount)
			continue
		}
		parts = append(parts, Part{rate, amount})
	}
	slices.SortFunc(parts, func(a, b Part) int { return cmp.Compare(a.Rate, b.Rate) })
	for i := range parts {
		taken := money.Min(parts[i].Amount, rest.Neg())
		parts[i].Amount, rest = parts[i].Amount.Sub(taken), rest.Add(taken)
	}
	return slices.DeleteFunc(parts, func(p Part) bool { return p.Amount.Sign() == 0 })
}
