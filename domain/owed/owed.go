// Package owed is the invoices that are owed for money granted before an invoice for it was due, and how they are set off
// against what a partner asks the vendor to invoice (OWE).
package owed

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"countersign/domain/approval"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/tax"
)

// Kind is how requests for a vendor invoice are named in refusals; they are instant and open no case.
const Kind = "vendor-invoice"

// Source is why something is owed (OWE-01, OWE-02).
type Source string

// The sources.
const (
	Incentive Source = "INCENTIVE_OWED"     // cash granted with an owed invoice
	OnReceipt Source = "INVOICE_ON_RECEIPT" // the invoice was issued on payment, before consumption
	Refund    Source = "REFUND"             // of an invoiced order
	Downgrade Source = "DOWNGRADE"
)

// State is how much of an entry is set off.
type State string

// The states of an entry.
const (
	Open    State = "open"
	Partly  State = "partly offset"
	Cleared State = "cleared"
)

// Entry is one owed amount at one tax rate.
type Entry struct {
	ID        string       `db:"entry_id"   json:"entry"`
	Source    Source       `db:"source"     json:"source"`
	Rate      tax.Rate     `db:"tax_rate"   json:"tax_rate"`
	Amount    money.Amount `db:"amount"     json:"amount"`
	Remaining money.Amount `db:"remaining"  json:"remaining"`
	CreatedAt time.Time    `db:"created_at" json:"created_at"`
}

// State tells how much of it is set off.
func (e Entry) State() State {
	switch {
	case e.Remaining.Sign() == 0:
		return Cleared
	case e.Remaining.Equal(e.Amount):
		return Open
	}
	return Partly
}

// Selected is what a partner selects at one tax rate, as entered.
type Selected struct {
	Rate   string `json:"rate"` // percent
	Amount string `json:"amount"`
}

// Request asks the vendor for invoices over selected consumption, as entered.
type Request struct {
	Partner  string     `json:"partner_id"`
	Person   string     `json:"person"`
	Key      string     `json:"request_key"`
	Period   string     `json:"period,omitempty"` // billing period that is invoiced; empty: amounts of whatever period
	Selected []Selected `json:"selected"`
}

// Digest identifies what is asked for under a request key (COM-20).
func (r Request) Digest() []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q", r.Partner, r.Person, r.Period, r.Selected))
	return sum[:]
}

// Facts is what a request is judged by, as locked in the deciding transaction.
type Facts struct {
	By      *person.Person // nil: unknown
	Known   bool           // there is such a partner
	Entries []Entry        // open ones of the partner
	Arrears money.Amount   // unpaid in the period; what the period comes to does not matter (OWE-07)
}

// Line is one invoice of a plan: what is selected at a rate, less what it sets off.
type Line struct {
	Rate     tax.Rate     `db:"tax_rate" json:"tax_rate"`
	Selected money.Amount `db:"selected" json:"selected"`
	SetOff   money.Amount `db:"set_off"  json:"set_off"`
	Invoiced money.Amount `db:"invoiced" json:"invoiced"`
}

// Offset sets a part of an entry off.
type Offset struct {
	Entry  string       `db:"entry_id" json:"entry"`
	Amount money.Amount `db:"amount"   json:"amount"`
}

// Plan is what a request comes to.
type Plan struct {
	Lines   []Line   // by rate, lowest first
	Offsets []Offset // oldest entry first
}

// OnBehalf are the vendor's people who may ask for any partner; Applicants may for their own.
var (
	Applicants = []person.Role{person.PartnerAdministrator, person.PartnerWithdrawals, person.PartnerIncentives}
	OnBehalf   = []person.Role{person.EcosystemManager}
)

var period = regexp.MustCompile(`^[0-9]{4}-(0[1-9]|1[0-2])$`)

// Judge checks one request, all failed guards at once in the order caller, parameters, state, amount. What is owed goes
// first: every open entry is set off by what is selected at its own rate (OWE-05, OWE-06), which has to be more than is owed
// at it (OWE-03); only the rest is invoiced (OWE-04).
func Judge(r Request, f Facts) (Plan, refusal.List) {
	j := judgement{r: r, f: f, partner: "partner " + r.Partner}
	j.caller()
	selected := j.parameters()
	if f.Arrears.Sign() > 0 { // OWE-07
		j.refuse("OWE-07", "OWE_ARREARS", "period "+r.Period, "The period %s has %s in arrears; it can be invoiced when they are paid.", r.Period, f.Arrears)
	}
	j.entries(selected)
	if len(j.list) > 0 {
		return Plan{}, j.list
	}
	return plan(selected, f.Entries), nil
}

type judgement struct {
	r       Request
	f       Facts
	partner string
	broken  bool // an amount or a rate could not be read
	list    refusal.List
}

func (j *judgement) refuse(rule, code, object, format string, args ...any) {
	j.list = append(j.list, refusal.New(rule, code, object, format, args...))
}

func (j *judgement) caller() {
	by := j.f.By
	switch {
	case by == nil:
		j.refuse("COM-16", "CBC.0151", "person "+j.r.Person, "There is no person %q; speak as somebody who is registered.", j.r.Person)
	case by.OfVendor() && !by.Holds(OnBehalf...), !by.OfVendor() && (by.PartnerID != j.r.Partner || !by.Holds(Applicants...)):
		j.refuse("COM-16", "CBC.0151", j.partner, "%s may not ask for invoices of partner %s; ask the partner's administrator for the permission.", by.Name, j.r.Partner)
	}
	if !j.f.Known {
		j.refuse("COM-17", "CBC.5001", j.partner, "There is no partner %q.", j.r.Partner)
	}
}

// parameters adds up what is selected, rate by rate.
func (j *judgement) parameters() map[tax.Rate]money.Amount {
	if j.r.Key == "" || len(j.r.Selected) > 20 || !approval.Fits(64, j.r.Partner, j.r.Person, j.r.Key, j.r.Period) {
		j.refuse("COM-20", "CBC.0100", "request", "A request has a key of 1 to 64 characters and at most 20 selected amounts.")
	}
	if j.r.Period != "" && !period.MatchString(j.r.Period) {
		j.refuse("COM-08", "CBC.0100", "period", "%q is no billing period; write it like 2024-05.", j.r.Period)
	}
	selected := map[tax.Rate]money.Amount{}
	for _, s := range j.r.Selected {
		rate, amount := j.rateAndAmount(s.Rate, s.Amount)
		selected[rate] = selected[rate].Add(amount)
	}
	if len(j.r.Selected) == 0 {
		j.broken = true
		j.refuse("COM-02", "CBC.0100", "amount", "Nothing is selected; say how much at which tax rate.")
	}
	return selected
}

// rateAndAmount reads both as entered.
func (j *judgement) rateAndAmount(percent, entered string) (tax.Rate, money.Amount) {
	rate, err := tax.Parse(percent)
	if err != nil {
		j.broken = true
		j.refuse("COM-08", "CBC.0100", "tax rate", "%s.", capital(err.Error()))
	}
	amount, err := money.ParseEntered(entered)
	if err != nil { // COM-02
		j.broken = true
		j.refuse("COM-02", "CBC.0100", "amount", "%s.", capital(err.Error()))
	}
	return rate, amount
}

// entries looks at each open entry, the oldest first: does the request set it off as a whole?
func (j *judgement) entries(selected map[tax.Rate]money.Amount) {
	if j.broken {
		return
	}
	owed := map[tax.Rate]money.Amount{}
	for _, e := range oldestFirst(j.f.Entries) {
		chosen, any := selected[e.Rate]
		owed[e.Rate] = owed[e.Rate].Add(e.Remaining)
		if owed[e.Rate].Cmp(chosen) <= 0 {
			continue
		}
		object := "owed entry " + e.ID
		j.refuse("OWE-06", "OWE_OPEN", object, "The owed amount %s at %s would stay open; a request sets off everything that is owed.", e.Remaining, e.Rate.Percent())
		if !any { // OWE-05
			j.refuse("OWE-05", "OWE_RATE", object, "The owed amount %s is at %s, at which nothing is selected; only the same tax rate sets it off.", e.Remaining, e.Rate.Percent())
			continue
		}
		j.refuse("OWE-03", "OWE_AMOUNT", object, "At %s %s is selected, which does not set off the owed amount %s; select more than is owed.", e.Rate.Percent(), chosen, e.Remaining)
	}
	for _, rate := range slices.Sorted(maps.Keys(owed)) {
		if chosen, any := selected[rate]; any && chosen.Equal(owed[rate]) { // OWE-03
			j.refuse("OWE-03", "OWE_AMOUNT", j.partner, "At %s exactly the owed amount %s is selected; select more than is owed, so that something is left to invoice.", rate.Percent(), chosen)
		}
	}
}

// plan sets off, the oldest entry first (OWE-04). Every entry is covered, as judged.
func plan(selected map[tax.Rate]money.Amount, entries []Entry) Plan {
	var p Plan
	setOff := map[tax.Rate]money.Amount{}
	for _, e := range oldestFirst(entries) {
		p.Offsets = append(p.Offsets, Offset{Entry: e.ID, Amount: e.Remaining})
		setOff[e.Rate] = setOff[e.Rate].Add(e.Remaining)
	}
	for _, rate := range slices.Sorted(maps.Keys(selected)) {
		p.Lines = append(p.Lines, Line{Rate: rate, Selected: selected[rate], SetOff: setOff[rate], Invoiced: selected[rate].Sub(setOff[rate])})
	}
	return p
}

// Oldest sets an amount off against entries whatever their rate, the oldest first: what is taken back by hand. It answers
// what is left of the amount when the entries do not hold it.
func Oldest(amount money.Amount, entries []Entry) ([]Offset, money.Amount) {
	var out []Offset
	for _, e := range oldestFirst(entries) {
		part := money.Min(amount, e.Remaining)
		if part.Sign() > 0 {
			out = append(out, Offset{Entry: e.ID, Amount: part})
			amount = amount.Sub(part)
		}
	}
	return out, amount
}

// Record says that an order brought an owed amount about: a refund, a downgrade, an invoice on receipt of money (OWE-02). Cash
// that is granted with an owed invoice is recorded by what grants it.
type Record struct {
	Partner string `json:"partner_id"`
	Person  string `json:"person"`
	Key     string `json:"request_key"`
	Source  Source `json:"source"`
	Rate    string `json:"rate"` // percent
	Amount  string `json:"amount"`
}

// Recorders are the vendor's people who record what orders brought about.
var Recorders = []person.Role{person.VendorFinance}

// JudgeRecord checks one record.
func JudgeRecord(r Record, by *person.Person, known bool) (tax.Rate, money.Amount, refusal.List) {
	j := judgement{r: Request{Partner: r.Partner}, partner: "partner " + r.Partner}
	switch {
	case by == nil:
		j.refuse("COM-16", "CBC.0151", "person "+r.Person, "There is no person %q; speak as somebody who is registered.", r.Person)
	case !by.OfVendor() || !by.Holds(Recorders...):
		j.refuse("COM-16", "CBC.0151", j.partner, "%s does not hold the role %s; somebody with that role records what is owed.", by.Name, Recorders[0])
	}
	if !known {
		j.refuse("COM-17", "CBC.5001", j.partner, "There is no partner %q.", r.Partner)
	}
	if r.Key == "" || !approval.Fits(64, r.Partner, r.Person, r.Key) {
		j.refuse("COM-20", "CBC.0100", "request", "A record has a key of 1 to 64 characters.")
	}
	if !slices.Contains([]Source{Refund, Downgrade, OnReceipt}, r.Source) {
		j.refuse("COM-08", "CBC.0100", "source", "%q is no source of an owed amount; write %s, %s or %s.", r.Source, Refund, Downgrade, OnReceipt)
	}
	rate, amount := j.rateAndAmount(r.Rate, r.Amount)
	return rate, amount, j.list
}

func oldestFirst(entries []Entry) []Entry {
	return slices.SortedStableFunc(slices.Values(entries), func(a, b Entry) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
