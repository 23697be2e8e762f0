package invoice

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/tax"
)

// Entered is one invoice as a person writes it down: nothing in it is trusted yet.
type Entered struct {
	Number     string `json:"number"             yaml:"number"`
	Code       string `json:"code,omitempty"     yaml:"code"` // of paper forms that have one
	Type       Type   `json:"type"               yaml:"type"`
	Date       string `json:"date"               yaml:"date"`
	Currency   string `json:"currency"           yaml:"currency"`
	Net        string `json:"net"                yaml:"net"`
	Tax        string `json:"tax"                yaml:"tax"`
	Total      string `json:"total"              yaml:"total"`
	Rate       string `json:"rate"               yaml:"rate"` // percent
	Buyer      string `json:"buyer"              yaml:"buyer"`
	Items      Items  `json:"items"              yaml:"items"`
	DocumentID string `json:"document,omitempty" yaml:"document"`
}

// Package is one sending of the invoices of a list, as entered.
type Package struct {
	Case         string    `json:"case"          yaml:"-"`
	Person       string    `json:"person"        yaml:"-"`
	Key          string    `json:"key"           yaml:"-"` // request key
	Invoices     []Entered `json:"invoices"      yaml:"invoices"`
	ListEnclosed bool      `json:"list_enclosed" yaml:"list_enclosed"`
	Carrier      string    `json:"carrier"       yaml:"carrier"`     // who carries the paper
	TrackingNo   string    `json:"tracking_no"   yaml:"tracking_no"` // of the envelope
	Mailbox      string    `json:"mailbox"       yaml:"mailbox"`     // where electronic invoices went
}

// limit of invoices of one package: a refusal names each, and a list is a page.
const limit = 100

// WellFormed tells what a message lacks to be looked at at all; every guard of the rules is left to JudgeSending.
func (p Package) WellFormed() refusal.List {
	texts := []string{p.Case, p.Person, p.Carrier, p.TrackingNo}
	long := []string{p.Key, p.Mailbox}
	for _, i := range p.Invoices {
		texts = append(texts, i.Number, i.Code, string(i.Type), i.Date, i.Currency, i.Net, i.Tax, i.Total, i.Rate, i.DocumentID)
		long = append(long, i.Buyer)
		long = append(long, i.Items.texts()...)
	}
	if p.Case == "" || p.Person == "" || len(p.Invoices) > limit || !approval.Fits(64, texts...) || !approval.Fits(200, long...) {
		return refusal.List{refusal.New("ENG-06", "CBC.0100", "package", "A package names case and person; it has at most %d invoices, and its texts are short and without NUL characters.", limit)}
	}
	return nil
}

// Words are a package in one line, for the case's history.
func (p Package) Words() string {
	names := make([]string, len(p.Invoices))
	for i, entered := range p.Invoices {
		names[i] = name(Number(entered.Number), Number(entered.Code))
	}
	text := strings.Join(names, ", ")
	if p.TrackingNo != "" {
		text += strings.TrimRight(" by "+p.Carrier, " ") + " " + p.TrackingNo
	}
	if p.Mailbox != "" {
		text += " to " + p.Mailbox
	}
	return text
}

// Digest identifies what is sent: the same key with another content is another sending (COM-20).
func (p Package) Digest() []byte {
	p.Key = ""
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // texts only
	}
	sum := sha256.Sum256(text)
	return sum[:]
}

// Invoice is one invoice that was accepted for sending.
type Invoice struct {
	Number     string         `db:"number"      json:"number"`
	Code       string         `db:"code"        json:"code,omitempty"`
	Type       Type           `db:"type"        json:"type"`
	Date       calendar.Date  `db:"issued_on"   json:"date"`
	Currency   money.Currency `db:"currency"    json:"currency"`
	Net        money.Amount   `db:"net"         json:"net"`
	Tax        money.Amount   `db:"tax"         json:"tax"`
	Total      money.Amount   `db:"total"       json:"total"`
	Rate       tax.Rate       `db:"tax_rate"    json:"rate"`
	Buyer      string         `db:"buyer"       json:"buyer"`
	Items      Items          `db:"items"       json:"items"`
	DocumentID string         `db:"document_id" json:"document,omitempty"`
}

// Name is number and code as one word.
func (i Invoice) Name() string { return name(i.Number, i.Code) }

func name(number, code string) string { return strings.Trim(code+" "+number, " ") }

// Taken is a number that is used or closed.
type Taken struct {
	Number string `db:"number"`
	Code   string `db:"code"`
	Case   string `db:"case_number"`
	State  string `db:"state"` // used or closed
}

// Sending is what a package is judged by, as locked in the deciding transaction.
type Sending struct {
	By       *person.Person // nil: unknown
	Partner  string
	List     List
	Taken    []Taken  // of the numbers that the package names
	Enclosed []string // of the documents that it names, those that lie with the case
	At       time.Time
}

// JudgeSending checks one package against its list: caller, parameters, object, state, amount, all failed guards at once.
func JudgeSending(p Package, s Sending) ([]Invoice, refusal.List) {
	j := sending{p: p, s: s}
	j.caller()
	j.parameters()
	j.object()
	j.state()
	j.amount()
	return j.invoices, j.list
}

type sending struct {
	p        Package
	s        Sending
	invoices []Invoice
	list     refusal.List
}

func (j *sending) refuse(rule, code, object, format string, args ...any) {
	j.list = append(j.list, refusal.New(rule, code, object, format, args...))
}

func (j *sending) caller() {
	switch by := j.s.By; {
	case by == nil:
		j.refuse("COM-16", "CBC.0151", "person "+j.p.Person, "There is no person %q; speak as somebody who is registered.", j.p.Person)
	case !MaySend(*by, j.s.Partner):
		j.refuse("COM-16", "CBC.0151", "case "+j.p.Case, "%s may not send invoices for partner %s; ask the partner's administrator for the permission.", by.Name, j.s.Partner)
	}
}

// parameters reads the invoices and how they travel.
func (j *sending) parameters() {
	if len(j.p.Invoices) == 0 { // INV-09
		j.refuse("INV-09", "INV_NUMBER_MISSING", "list "+j.s.List.No, "The list names no invoice; write the invoice numbers on it before it is sent.")
	}
	paper, electronic := false, false
	for n, entered := range j.p.Invoices {
		j.invoices = append(j.invoices, j.read(n, entered))
		paper = paper || entered.Type == Paper
		electronic = electronic || entered.Type == Electronic
	}
	if !j.p.ListEnclosed { // INV-11
		j.refuse("INV-11", "INV_LIST_MISSING", "list "+j.s.List.No, "The invoice list is not enclosed; send it together with the invoices.")
	}
	if paper && blank(j.p.TrackingNo) { // INV-11
		j.refuse("INV-11", "CBC.0100", "tracking number", "Paper invoices are posted to %s; enter the carrier's tracking number.", j.s.List.MailingAddress)
	}
	if electronic && !strings.EqualFold(strings.TrimSpace(j.p.Mailbox), j.s.List.PublicMailbox) { // INV-11
		j.refuse("INV-11", "CBC.0100", "mailbox", "Electronic invoices are sent to the public mailbox %s, not to %q; send them there and enter it.", j.s.List.PublicMailbox, j.p.Mailbox)
	}
}

// read takes one invoice as entered.
func (j *sending) read(n int, e Entered) Invoice {
	object := fmt.Sprintf("invoice %d", n+1)
	i := Invoice{
		Number: Number(e.Number), Code: Number(e.Code), Type: e.Type, Currency: money.Currency(strings.TrimSpace(e.Currency)),
		Buyer: strings.TrimSpace(e.Buyer), Items: e.Items, DocumentID: e.DocumentID,
	}
	if i.Number == "" { // INV-09
		j.refuse("INV-09", "INV_NUMBER_MISSING", object, "The invoice has no number; write its number on the list before it is sent.")
	} else {
		object = "invoice " + i.Name()
	}
	if strings.Trim(i.Number+i.Code, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" { // INV-16: or a space would make it a new one
		j.refuse("INV-20", "CBC.0100", object, "Number and code of an invoice are letters and digits; write them without spaces and other signs.")
	}
	switch { // INV-05
	case i.Type == Ordinary:
		j.refuse("INV-05", "INV_TYPE", object, "Ordinary invoices are not accepted; issue a special VAT invoice, on paper or electronic. One that was sent already is asked back.")
	case !slices.Contains(Types, i.Type):
		j.refuse("INV-05", "INV_TYPE", object, "There is no invoice type %q; only special VAT invoices are accepted, %s or %s.", e.Type, Paper, Electronic)
	}
	var err error
	if i.Date, err = calendar.ParseDate(e.Date); err != nil {
		j.refuse("INV-20", "CBC.0100", object, "The invoice's date: %s.", err)
	} else if i.Date.After(calendar.DateOf(j.s.At)) {
		j.refuse("INV-20", "CBC.0100", object, "The invoice's date %s lies ahead; enter the date it was issued on.", i.Date)
	}
	if i.Rate, err = tax.Parse(e.Rate); err != nil {
		j.refuse("INV-20", "CBC.0100", object, "%s.", capital(err.Error()))
	}
	for _, a := range []struct {
		text string
		into *money.Amount
		name string
	}{{e.Net, &i.Net, "amount without tax"}, {e.Tax, &i.Tax, "tax"}, {e.Total, &i.Total, "total"}} {
		if a.name == "tax" && strings.Trim(a.text, "0.") == "" && a.text != "" {
			continue // no tax at a rate of 0
		}
		if *a.into, err = money.ParseEntered(a.text); err != nil {
			j.refuse("COM-02", "CBC.0100", object, "The %s: %s.", a.name, err)
		}
	}
	if blank(e.DocumentID) {
		return i
	}
	if !slices.Contains(j.s.Enclosed, e.DocumentID) {
		j.refuse("COM-03", "CBC.0100", object, "The document %q does not lie with case %s; enclose the file with it first.", e.DocumentID, j.p.Case)
	}
	return i
}

// object: a number is used once, by one case, and a failed one never again (INV-10, INV-16).
func (j *sending) object() {
	for n, i := range j.invoices {
		if i.Number == "" {
			continue
		}
		if slices.ContainsFunc(j.invoices[:n], func(o Invoice) bool { return same(o.Number, o.Code, i.Number, i.Code) }) {
			j.refuse("INV-10", "INV_REUSED", "invoice "+i.Name(), "The package names invoice %s twice; each invoice stands on the list once.", i.Name())
		}
		at := slices.IndexFunc(j.s.Taken, func(t Taken) bool { return same(t.Number, t.Code, i.Number, i.Code) })
		switch {
		case at < 0:
		case j.s.Taken[at].State == "closed": // INV-16
			j.refuse("INV-16", "INV_REUSED", "invoice "+i.Name(), "Invoice %s failed its review and is closed; issue a new invoice with a new number.", i.Name())
		default: // INV-10
			j.refuse("INV-10", "INV_REUSED", "invoice "+i.Name(), "Invoice %s is used for case %s already; one invoice serves one request.", i.Name(), j.s.Taken[at].Case)
		}
	}
}

// same tells whether two names mean one invoice: a code tells numbers of paper forms apart, added or left out it does not.
func same(number, code, number2, code2 string) bool {
	return number == number2 && (code == code2 || code == "" || code2 == "")
}

func (j *sending) state() {
	j.list = append(j.list, j.s.List.Visible(j.s.At)...)
	if !j.s.List.State.ToSend() {
		j.refuse("ENG-03", "ENG_STATE", "list "+j.s.List.No, "The invoices of the list are %s; nothing is to be sent now.", j.s.List.State)
	}
}

// Visible refuses to show a list, or to take invoices for it, before it is there (INV-04).
func (l List) Visible(at time.Time) refusal.List {
	if !at.Before(l.VisibleAt) {
		return nil
	}
	return refusal.List{refusal.New("INV-04", "INV_LIST_NOT_READY", "list "+l.No, "The invoice list is not available yet; it is from %s on.", shown(l.VisibleAt))}
}

// amount: each invoice adds up, and all of them to the list (INV-08).
func (j *sending) amount() {
	total, readable := money.Zero, len(j.invoices) > 0
	for _, i := range j.invoices {
		if i.Total.Sign() <= 0 || i.Net.Sign() <= 0 {
			readable = false
			continue
		}
		if sum := i.Net.Add(i.Tax); !sum.Equal(i.Total) {
			j.refuse("INV-08", "INV_AMOUNT", "invoice "+i.Name(), "Amount without tax and tax add up to %s, the total says %s; look at the invoice again.", sum, i.Total)
		}
		total = total.Add(i.Total)
	}
	if readable && !total.Equal(j.s.List.Amount) {
		j.refuse("INV-08", "INV_AMOUNT", "list "+j.s.List.No, "The invoices add up to %s, the list asks for %s; they have to match exactly.", total, j.s.List.Amount)
	}
}

func shown(t time.Time) string { return calendar.Shown(t) }

func blank(s string) bool { return strings.TrimSpace(s) == "" }

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
