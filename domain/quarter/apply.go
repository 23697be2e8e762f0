package quarter

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"countersign/domain"
	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/staff"
)

// Application is what a partner asks for, as entered: nothing in it is trusted yet.
type Application struct {
	RequestKey string `json:"request_key"`
	PartnerID  string `json:"partner_id"`
	Submitter  string `json:"submitter"`
	Quarter    string `json:"quarter"`
	Note       string `json:"note,omitempty"` // what was corrected, when it is sent again
}

// Digest identifies what is asked for under a request key (COM-20).
func (a Application) Digest() []byte {
	quarter := a.Quarter
	if q, err := ParseQuarter(quarter); err == nil {
		quarter = q.String()
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %q", a.RequestKey, a.PartnerID, a.Submitter, quarter, a.Note))
	return sum[:]
}

// Storable is the application with what cannot be kept marked; Judge refuses the mark.
func (a Application) Storable() Application {
	a.RequestKey, a.PartnerID, a.Submitter, a.Quarter, a.Note = domain.Marked(a.RequestKey, 64, 64), domain.Marked(a.PartnerID, 64, 64), domain.Marked(a.Submitter, 64, 64), domain.Marked(a.Quarter, 64, 64), domain.Marked(a.Note, 500, 500)
	return a
}

// Facts is what an application is judged by: everything as locked in the deciding transaction.
type Facts struct {
	At            time.Time
	Submitter     *person.Person // nil: unknown
	Known         bool           // the partner is
	Certification refusal.List   // what the partner's certification lacks (AUT-09)
	Arrears       money.Amount   // overdue bills (QPY-10)
	Months        []Month        // the quarter's, with their states at At
	Existing      string         // the quarter's application; empty: none (QPY-09)
	ExistingState State
	Resubmits     bool // Existing is the case that is sent again
}

// Plan is what an accepted application does.
type Plan struct {
	Quarter calendar.Quarter
	Months  []Month
	Total   money.Amount
}

// Judge checks an application against the facts. Either the plan holds, or the list says every guard that failed, in the order
// caller, parameters, object, state, amount (ENG-06, PGM-08).
func Judge(a Application, f Facts) (Plan, refusal.List) {
	var list refusal.List
	refuse := func(rule, code, object, format string, args ...any) {
		list = append(list, refusal.New(rule, code, object, format, args...))
	}
	partner := "partner " + a.PartnerID
	if f.Submitter == nil {
		refuse("COM-16", "CBC.0151", "person "+a.Submitter, "There is no person %q; speak as somebody who is registered.", a.Submitter)
	} else if f.Known && !staff.MayAct(*f.Submitter, a.PartnerID) {
		refuse("COM-16", "CBC.0151", "person "+a.Submitter, "%s may not request for partner %s; ask the partner's administrator for the permission.", f.Submitter.Name, a.PartnerID)
	}
	if n := utf8.RuneCountInString(a.RequestKey); n == 0 || n > 64 || strings.Contains(a.RequestKey+a.Note, domain.Mark) {
		refuse("COM-20", "CBC.0100", "request", "A request carries a key of 1 to 64 characters of its own, so that a repeat is recognised, and a note of at most 500.")
	}
	q, err := ParseQuarter(a.Quarter)
	if err != nil {
		refuse("COM-08", "CBC.0100", "quarter", "%s.", capital(err.Error()))
	}
	if !f.Known {
		refuse("COM-17", "CBC.5001", partner, "There is no partner %q; check the partner's number.", a.PartnerID)
		return Plan{}, list
	}
	list = append(list, f.Certification...) // AUT-09
	if f.Arrears.Sign() > 0 {               // QPY-10
		list = append(list, InArrears(a.PartnerID, f.Arrears))
	}
	if err != nil {
		return Plan{}, list
	}
	switch object := "quarter " + q.String(); {
	case f.Resubmits && f.ExistingState != Rejected:
		refuse("ENG-03", "ENG_STATE", "case "+f.Existing, "The application is %s; only a rejected one is sent again.", f.ExistingState)
	case !f.Resubmits && f.Existing != "" && f.ExistingState == Rejected:
		refuse("QPY-09", "QPY_DUPLICATE", object, "The quarter has the application %s, which was rejected; correct it and resubmit that one.", f.Existing)
	case !f.Resubmits && f.Existing != "":
		refuse("QPY-09", "QPY_DUPLICATE", object, "The quarter is requested with application %s, which is %s; a quarter is paid once.", f.Existing, f.ExistingState)
	}
	if list = append(list, Blocks(q, f.Months, f.At)...); len(list) > 0 {
		return Plan{}, list
	}
	return Plan{Quarter: q, Months: f.Months, Total: Total(f.Months)}, nil
}

// InArrears refuses while overdue bills freeze the benefit (QPY-10).
func InArrears(partner string, arrears money.Amount) refusal.Refusal {
	return refusal.New("QPY-10", "AUT_ARREARS", "partner "+partner, "Overdue bills of %s freeze the payment; pay them, then request it.", arrears)
}

// JudgeDetail checks whether a payment's detail can be opened: while it is waited for (QPY-13).
func JudgeDetail(number string, state State) refusal.List {
	if state == Waiting {
		return nil
	}
	return refusal.List{refusal.New("QPY-13", "ENG_STATE", "case "+number, "The application is %s; the payment's detail can be opened while it waits for payment.", state)}
}

func capital(sentence string) string { return strings.ToUpper(sentence[:1]) + sentence[1:] }
