package withdrawal

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"countersign/domain"
	"countersign/domain/calendar"
	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/verification"
)

// Facts is what an application is judged by: everything as locked in the deciding transaction.
type Facts struct {
	At        time.Time
	Policy    Policy
	Submitter *person.Person // nil: unknown
	Partner   *Partner       // nil: unknown
	Code      verification.Verdict
	Branch    string // known branch of the payee's account from an earlier withdrawal, empty if none

	Cash     money.Amount // P.CASH: earlier holds have already left it
	Owed     money.Amount // M.OWED
	Unposted money.Amount // M.UNPOSTED
	Debts    money.Amount // C.DEBT over all customers of the partner
	Lots     []Lot        // those with something remaining
}

// Plan is what an accepted application does.
type Plan struct {
	Amount         money.Amount
	Lines          []Line
	Payee          Payee
	PayingEntity   string         // the vendor's entity that pays
	PaidFrom       ledger.Account // credited when it is paid
	ApprovedByRule bool           // wallet money on the original route without a risk flag (WDL-17)
}

// Available is what can leave now, over all routes together and by each.
type Available struct {
	Withdrawable money.Amount           `json:"withdrawable"`
	Routes       map[Route]money.Amount `json:"routes"` // the smaller of the route's pool and Withdrawable
}

// Available adds up (WDL-07, WDL-08, WDL-30, WDR-06, WDR-07). Only lots count, that is, money on the account: an incentive
// in review or paid out by bank has none (WDL-20, WDR-01, WDR-12, WDR-13); an invoice that is returned lowers Owed (WDL-25).
func (f Facts) Available() Available {
	pools := map[Route]money.Amount{}
	on := calendar.DateOf(f.At)
	for _, l := range f.Lots {
		pool, _ := l.Pool(f.Partner.Entity, on)
		pools[pool] = pools[pool].Add(l.Free())
	}
	a := Available{
		Withdrawable: f.undesignated().Sub(f.Owed).Sub(f.Unposted).Sub(f.Debts).NotBelowZero(), // WDL-07, WDR-06
		Routes:       map[Route]money.Amount{},
	}
	for _, r := range Routes {
		a.Routes[r] = money.Min(pools[r], a.Withdrawable) // WDR-07
	}
	return a
}

// undesignated is the cash that is not tied to a purpose (WDL-08).
func (f Facts) undesignated() money.Amount {
	cash := f.Cash
	for _, l := range f.Lots {
		if l.Designated {
			cash = cash.Sub(l.Remaining)
		}
	}
	return cash
}

// Judge checks an application against the facts. Either the plan holds, or the list says every guard that failed, in the
// order caller, parameters, object, state, amount (ENG-06, PGM-08).
func Judge(app Application, f Facts) (Plan, refusal.List) {
	j := judgement{app: app, f: f}
	j.caller()
	amount, amountOK := j.parameters()
	if f.Partner == nil {
		j.refuse("COM-17", "CBC.5001", "partner "+app.PartnerID, "There is no partner %q; check the partner's number.", app.PartnerID)
		return Plan{}, j.list
	}
	j.code()
	if !slices.Contains(Routes, app.Route) {
		j.state()
		return Plan{}, j.list
	}
	to := j.bankDetails()
	chosen := j.choose(amount, amountOK)
	plan := j.payee(chosen, to)
	j.state()
	j.list = append(j.list, j.over...)
	if amountOK {
		j.amount(amount)
	}
	if len(j.list) > 0 {
		return Plan{}, j.list
	}
	plan.Amount = amount
	for _, t := range chosen {
		plan.Lines = append(plan.Lines, Line{t.lot.No, t.amount})
	}
	plan.ApprovedByRule = f.Policy.ApprovesByRule(app.Route, chosen[0].lot.Source, amount)
	return plan, nil
}

type judgement struct {
	app  Application
	f    Facts
	list refusal.List
	over refusal.List // named parts that are more than their lot has free: said among the amounts, which come last
}

type taken struct {
	lot    Lot
	amount money.Amount
}

func (j *judgement) refuse(rule, code, object, format string, args ...any) {
	j.list = append(j.list, refusal.New(rule, code, object, format, args...))
}

func (j *judgement) partner() string { return "partner " + j.app.PartnerID }

func (j *judgement) caller() {
	if j.f.Submitter == nil {
		j.refuse("COM-16", "CBC.0151", "person "+j.app.Submitter, "There is no person %q; speak as somebody who is registered.", j.app.Submitter)
		return
	}
	if j.f.Partner != nil && !MayAct(*j.f.Submitter, j.app.PartnerID) {
		j.refuse("COM-16", "CBC.0151", "person "+j.app.Submitter, "%s may not withdraw for partner %s; ask the partner's administrator for the permission.",
			j.f.Submitter.Name, j.app.PartnerID)
	}
}

// parameters checks what was entered by itself; the amount is answered with whether it is one.
func (j *judgement) parameters() (money.Amount, bool) {
	if p := j.app.Payee; strings.Contains(j.app.RequestKey+p.Holder+p.AccountNo+p.Bank+p.Branch, domain.Mark) {
		j.refuse("ENG-06", "CBC.0100", "request", "The request has text that cannot be kept: a NUL character, more than 128 characters, or more than 100 lots; shorten it.")
	}
	if n := utf8.RuneCountInString(j.app.RequestKey); n == 0 || n > 64 {
		j.refuse("COM-20", "CBC.0100", "request", "A request carries a key of 1 to 64 characters of its own, so that a repeat is recognised.")
	}
	for _, id := range []struct{ of, text string }{{"partner", j.app.PartnerID}, {"person", j.app.Submitter}} {
		if utf8.RuneCountInString(id.text) > 64 {
			j.refuse("COM-03", "CBC.0100", id.of, "The %s's identifier has more than 64 characters; check it.", id.of)
		}
	}
	if !slices.Contains(Routes, j.app.Route) {
		j.refuse("COM-08", "CBC.0100", "route", "There is no route %q; choose ORIGINAL, BANK_CARD or INCENTIVE.", j.app.Route)
	}
	for _, c := range j.app.Lots {
		if _, err := money.ParseEntered(c.Amount); err != nil {
			j.refuse("COM-02", "CBC.0100", "lot "+c.Lot, "%s.", capital(err.Error()))
		}
	}
	amount, err := money.ParseEntered(j.app.Amount)
	if err != nil {
		j.refuse("COM-02", "CBC.0100", "amount", "%s.", capital(err.Error()))
		return money.Zero, false
	}
	return amount, true
}

func (j *judgement) code() {
	if j.f.Code != verification.Right {
		j.refuse(j.byRoute("WDL-15", "WDR-10"), "WDR_CODE", "verification code", "%s.", capital(j.f.Code.Advice()))
	}
}

func (j *judgement) state() {
	p := j.f.Partner
	if p.Kind == Reseller {
		j.refuse("WDL-29", "ACCT.WDL.29", j.partner(), "A reseller does not withdraw: its money came from grants and goes back by reclaim; ask the distributor.")
	}
	if p.State != AccountActive {
		j.refuse("ENG-03", "ENG_STATE", j.partner(), "The account is %s; it has to be ACTIVE to withdraw, ask the vendor for the cause.", p.State)
	}
	if p.VerifiedName == "" {
		j.refuse("AUT-04", "AUT_REAL_NAME", j.partner(), "The partner has no verified real name; complete the real-name authentication first.")
	}
}

// choose takes lots as named, or last in first out from the route's pool (WDL-13).
func (j *judgement) choose(amount money.Amount, amountOK bool) []taken {
	if len(j.app.Lots) > 0 {
		return j.named(amount, amountOK)
	}
	var chosen []taken
	on := calendar.DateOf(j.f.At)
	for _, l := range lastInFirstOut(j.f.Lots) {
		if pool, _ := l.Pool(j.f.Partner.Entity, on); pool != j.app.Route || l.Free().Sign() == 0 || amount.Sign() == 0 {
			continue
		}
		part := money.Min(amount, l.Free()) // only the last lot touched is split
		chosen = append(chosen, taken{l, part})
		amount = amount.Sub(part)
	}
	return chosen
}

func (j *judgement) named(amount money.Amount, amountOK bool) []taken {
	var chosen []taken
	total := money.Zero
	seen := map[LotNo]bool{}
	wellFormed := true
	for _, c := range j.app.Lots {
		object := "lot " + c.Lot
		no, err := ParseLotNo(c.Lot)
		i := slices.IndexFunc(j.f.Lots, func(l Lot) bool { return l.No == no })
		part, amountErr := money.ParseEntered(c.Amount)
		switch {
		case err != nil || i < 0:
			j.refuse("WDL-13", "ACCT.WDL.13", object, "The partner has no money in a lot %q; see the account's lots.", c.Lot)
			wellFormed = false
			continue
		case amountErr != nil: // said among the parameters
			wellFormed = false
			continue
		case seen[no]:
			j.refuse("WDL-13", "ACCT.WDL.13", object, "Lot %s is named twice; name it once with the whole part.", no)
			wellFormed = false
			continue
		}
		seen[no] = true
		lot := j.f.Lots[i]
		total = total.Add(part)
		if pool, rule := lot.Pool(j.f.Partner.Entity, calendar.DateOf(j.f.At)); !j.leavesBy(pool) {
			if j.app.Route == Incentive {
				rule = "WDL-23" // with WDR-07: only the rebate pool leaves by this route
			}
			j.refuse(rule, "ACCT.WDL."+nn(rule), object, "Lot %s cannot leave by the route %s; apply for it by %s.", no, j.app.Route, pool)
			continue
		}
		if part.Cmp(lot.Free()) > 0 {
			j.over = append(j.over, refusal.New(j.byRoute("WDL-18", "WDR-05"), "WDR_AMOUNT", object,
				"Lot %s has %s free, %s was asked for; ask for at most %s.", no, lot.Free(), part, lot.Free()))
		}
		chosen = append(chosen, taken{lot, part})
	}
	if wellFormed && amountOK && !total.Equal(amount) {
		j.refuse("WDL-13", "ACCT.WDL.13", "lots", "The named lots add up to %s, the application is for %s; make them equal.", total, amount)
	}
	return chosen
}

// leavesBy tells whether a lot of the pool may be named for the application's route: its own, and original-route money
// that the partner chooses to take by bank card (WDL-09).
func (j *judgement) leavesBy(pool Route) bool {
	return pool == j.app.Route || j.app.Route == BankCard && pool == Original
}

// payee checks that one payment can carry the lots (WDL-06) and where it goes (WDL-01 to WDL-05, WDL-14, WDL-21, WDL-31).
func (j *judgement) payee(chosen []taken, to Payee) Plan {
	plan := Plan{Payee: to}
	if j.app.Route == Incentive {
		if p := j.f.Partner; p.VerifiedName != "" && !SameName(j.app.Payee.Holder, p.VerifiedName) { // whichever lots: the rule asks for one name
			j.refuse("WDR-04", "WDR_NAME", j.holder(), "Rebates are paid to an account of the verified name %q (WDL-03, WDL-21); correct the account name.", p.VerifiedName)
		}
	}
	if len(chosen) == 0 {
		return plan
	}
	first := chosen[0].lot
	plan.PayingEntity = payingEntity(first, j.app.Route, *j.f.Partner)
	plan.PaidFrom = first.Source.paidFrom(j.app.Route)
	switch j.app.Route {
	case Original:
		j.backWhereItCame(first, &plan.Payee)
	case BankCard:
		j.holderOf(chosen)
	case Incentive:
	}
	if g := groups(chosen, j.app.Route, *j.f.Partner); len(g) > 1 {
		texts := make([]string, len(g))
		for i := range g {
			texts[i] = g[i].String()
		}
		j.refuse("WDL-06", "ACCT.WDL.06", "lots", "One application cannot pay to different accounts; apply one by one for: %s.", strings.Join(texts, "; "))
	}
	return plan
}

// holderOf refuses a holder that none of the chosen lots may go to; a mixed choice is refused by its groups.
func (j *judgement) holderOf(chosen []taken) {
	name := j.app.Payee.Holder
	var demands []string
	rule := ""
	for _, t := range chosen {
		want, r := t.lot.HolderOn(j.app.Route, j.f.Partner.VerifiedName)
		if SameName(name, want) && foldName(want) != "" {
			return
		}
		if rule == "" {
			rule = r
		}
		d := fmt.Sprintf("%q (%s)", want, r)
		if foldName(want) == "" {
			if j.f.Partner.VerifiedName == "" && r != "WDL-01" {
				continue // said by AUT-04
			}
			d = fmt.Sprintf("its payer, who is not known (%s)", r)
		}
		if !slices.Contains(demands, d) {
			demands = append(demands, d)
		}
	}
	if len(demands) == 0 {
		return
	}
	if slices.ContainsFunc(chosen, func(t taken) bool { return t.lot.Source == TradeMode }) {
		demands = append(demands, "for trade-mode money only to the verified name (WDL-04)")
	}
	j.refuse(rule, "WDR_NAME", j.holder(), "This money is paid to an account of %s; correct the account name.", strings.Join(demands, ", "))
}

// backWhereItCame fills the payee of the original route from the lot: money returns to the account it was paid from (WDL-14).
func (j *judgement) backWhereItCame(l Lot, to *Payee) {
	if to.Holder != "" && !SameName(to.Holder, l.Payer) || to.AccountNo != "" && to.AccountNo != l.PayerAccount {
		j.refuse("WDL-14", "WDR_NAME", j.holder(), "Original-route money returns to %q %s, from which it was paid; leave the payee out or apply by BANK_CARD.", l.Payer, l.PayerAccount)
	}
	if foldName(l.Payer) == "" || l.PayerAccount == "" {
		j.refuse("WDL-14", "ACCT.WDL.14", "lot "+l.No.String(), "It is not known from which account lot %s was paid; apply by BANK_CARD.", l.No)
	}
	to.Holder, to.AccountNo = l.Payer, l.PayerAccount
	if !l.Source.online() {
		j.branch(to)
	}
}

// bankDetails is the payee as entered, with the branch where it is known. The original route needs none: the lots say it.
func (j *judgement) bankDetails() Payee {
	to := j.app.Payee
	if j.app.Route == Original {
		return to
	}
	if strings.TrimSpace(to.AccountNo) == "" || strings.TrimSpace(to.Bank) == "" {
		j.refuse("WDL-14", "CBC.0100", "payee", "The payee's bank and account number are needed; enter both.")
	}
	j.branch(&to)
	return to
}

// branch is asked for with the first withdrawal to an account and remembered afterwards (WDL-14).
func (j *judgement) branch(to *Payee) {
	if strings.TrimSpace(to.Branch) == "" {
		to.Branch = j.f.Branch
	}
	if strings.TrimSpace(to.Branch) == "" {
		j.refuse("WDL-14", "ACCT.WDL.14", "payee", "The first withdrawal to a bank account needs its branch; enter the branch.")
	}
}

// amount compares with what can leave (WDL-18, WDL-30; WDR-05 to WDR-07 for rebates).
func (j *judgement) amount(amount money.Amount) {
	a := j.f.Available()
	limit, what := a.Routes[j.app.Route], fmt.Sprintf("%s can leave by the route %s", a.Routes[j.app.Route], j.app.Route)
	if len(j.app.Lots) > 0 { // each named lot was checked by itself
		limit, what = a.Withdrawable, fmt.Sprintf("%s is withdrawable over all routes", a.Withdrawable)
	}
	if amount.Cmp(limit) > 0 {
		j.refuse(j.byRoute("WDL-18", "WDR-05"), "WDR_AMOUNT", j.partner(),
			"%s was asked for, %s (WDL-30: cash %s less owed invoices %s, charges not posted %s, customers' debts %s); ask for at most %s.",
			amount, what, j.f.undesignated(), j.f.Owed, j.f.Unposted, j.f.Debts, limit)
	}
}

func (j *judgement) holder() string { return fmt.Sprintf("account name %q", j.app.Payee.Holder) }

func (j *judgement) byRoute(others, rebate string) string {
	if j.app.Route == Incentive {
		return rebate
	}
	return others
}

// Storable is the application with what cannot be kept marked: NUL characters and text that is too long; Judge refuses the mark.
func (app Application) Storable() Application {
	if len(app.Lots) > 100 {
		app.Lots, app.Payee.Branch = app.Lots[:100], domain.Mark
	}
	app.Lots = slices.Clone(app.Lots)
	for i := range app.Lots {
		app.Lots[i] = LotChoice{marked(app.Lots[i].Lot), marked(app.Lots[i].Amount)}
	}
	for _, s := range []*string{
		&app.RequestKey, &app.PartnerID, &app.Submitter, (*string)(&app.Route), &app.Amount,
		&app.Payee.Holder, &app.Payee.AccountNo, &app.Payee.Bank, &app.Payee.Branch, &app.Code,
	} {
		*s = marked(*s)
	}
	return app
}

func marked(s string) string { return domain.Marked(s, 128, 64) }

// Digest identifies what is asked for under a request key (COM-20). The verification code is not part of it: it is spent
// by the first answer. Amounts and lot numbers count by their value, not by how they are written.
func (app Application) Digest() []byte {
	app.Amount = plain(app.Amount)
	app.Lots = slices.Clone(app.Lots)
	for i, c := range app.Lots {
		app.Lots[i].Amount = plain(c.Amount)
		if no, err := ParseLotNo(c.Lot); err == nil {
			app.Lots[i].Lot = no.String()
		}
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %q %q %q", app.RequestKey, app.PartnerID, app.Submitter, app.Route, app.Amount, app.Lots, app.Payee))
	return sum[:]
}

func nn(rule string) string { return rule[strings.IndexByte(rule, '-')+1:] }

func capital(sentence string) string { return strings.ToUpper(sentence[:1]) + sentence[1:] }

// plain writes an entered amount in its one form; what is none stays as it is.
func plain(entered string) string {
	if a, err := money.ParseEntered(entered); err == nil {
		return a.String()
	}
	return entered
}

// JudgeRound checks whether a case takes an application as its next round (PGM-11): it was returned, its term for changes
// runs, and it is the same partner's.
func JudgeRound(number, partner string, state State, due *time.Time, app Application, at time.Time) refusal.List {
	var list refusal.List
	if state != Awaiting {
		list = append(list, refusal.New("ENG-03", "ENG_STATE", "case "+number, "The withdrawal is %s; only one that was returned for changes is resubmitted.", state))
	} else if due != nil && !at.Before(*due) {
		list = append(list, refusal.New("PGM-02", "ENG_STATE", "case "+number, "The term for changes closed at %s; apply anew.", due.UTC().Format(time.RFC3339)))
	}
	if app.PartnerID != partner {
		list = append(list, refusal.New("COM-08", "CBC.0100", "case "+number, "The case is partner %s's, not %s's; apply anew for another partner.", partner, app.PartnerID))
	}
	return list
}
