package withdrawal_test

import (
	"slices"
	"testing"
	"time"

	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/verification"
	"countersign/domain/withdrawal"

	"github.com/stretchr/testify/require"
)

// monday is when applications are judged unless a test says otherwise.
var monday = beijing("2025-11-03T10:00:00")

// beijing reads an instant that stands in a test by the programme's wall clock.
func beijing(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text+"+08:00")
	if err != nil {
		panic(err)
	}
	return at
}

var (
	administrator = person.Person{ID: "U1", Name: "Wang Wei", PartnerID: "P1001", Active: true, Roles: []person.Role{person.PartnerAdministrator}}
	finance       = person.Person{ID: "F1", Name: "Li Na", Active: true, Roles: []person.Role{person.VendorFinance}}
)

// with holds the parts of the facts that a test varies.
type with func(*withdrawal.Facts)

// facts is an active partner "A Ltd" of another entity than the cloud company whose administrator has entered the right
// code; its cash is what the lots hold. Lots are numbered from L000001 and arrived a week before, unless they say it.
func facts(lots []withdrawal.Lot, changes ...with) withdrawal.Facts {
	submitter := administrator
	f := withdrawal.Facts{
		At: monday, Policy: withdrawal.DefaultPolicy(), Submitter: &submitter, Code: verification.Right,
		Partner: &withdrawal.Partner{ID: "P1001", Kind: "solution-provider", State: withdrawal.AccountActive, VerifiedName: "A Ltd", Entity: "software"},
	}
	for i, l := range lots {
		if l.No == 0 {
			l.No = withdrawal.LotNo(i + 1)
		}
		if l.ArrivedAt.IsZero() {
			l.ArrivedAt = beijing("2025-10-27T09:00:00")
		}
		f.Lots = append(f.Lots, l)
		f.Cash = f.Cash.Add(l.Remaining)
	}
	for _, change := range changes {
		change(&f)
	}
	return f
}

// lot is money of a source; wallets and cards belong to Zhang San.
func lot(source withdrawal.Source, remaining string) withdrawal.Lot {
	l := withdrawal.Lot{Source: source, Payer: "A Ltd", PayerAccount: "6222-0001", Entity: "software", Remaining: money.Must(remaining)}
	if slices.Contains([]withdrawal.Source{withdrawal.Alipay, withdrawal.Wechat, withdrawal.Unionpay, withdrawal.EbankPersonal}, source) {
		l.Payer, l.PayerAccount = "Zhang San", "zhang@example.com"
	}
	return l
}

func arrived(l withdrawal.Lot, at string) withdrawal.Lot {
	l.ArrivedAt = beijing(at)
	return l
}

func cloudCompany(f *withdrawal.Facts) { f.Partner.Entity = withdrawal.CloudCompany }

func on(at string) with { return func(f *withdrawal.Facts) { f.At = beijing(at) } }

func owed(amount string) with { return func(f *withdrawal.Facts) { f.Owed = money.Must(amount) } }

// application asks for an amount by a route, to A Ltd's bank account; the original route names no payee.
func application(route withdrawal.Route, amount string, lots ...withdrawal.LotChoice) withdrawal.Application {
	app := withdrawal.Application{
		RequestKey: "k1", PartnerID: "P1001", Submitter: "U1", Route: route, Amount: amount, Lots: lots,
		Payee: withdrawal.Payee{Holder: "A Ltd", AccountNo: "6222-0001", Bank: "ICBC", Branch: "Longgang"},
	}
	if route == withdrawal.Original {
		app.Payee = withdrawal.Payee{Branch: "Longgang"}
	}
	return app
}

func paidTo(app withdrawal.Application, holder string) withdrawal.Application {
	app.Payee.Holder = holder
	return app
}

// said is what a refusal has to say: rule, code and record exactly, and of the sentence what is unmet and what to do.
type said struct{ rule, code, object, sentence string }

// refuses requires exactly these refusals, in this order.
func refuses(t *testing.T, list refusal.List, want ...said) {
	t.Helper()
	require.Len(t, list, len(want), "%v", list)
	for i, w := range want {
		got := list[i]
		require.Equal(t, w, said{got.Rule, got.Code, got.Object, w.sentence}, got.Message)
		require.Contains(t, got.Message, w.sentence)
		require.Regexp(t, `^[A-Z0-9].*[.]$`, got.Message, "a refusal is a sentence")
		require.NotContains(t, got.Message, "%!", "a refusal is formatted")
	}
}

// judged requires that Judge refuses with exactly these refusals and plans nothing.
func judged(t *testing.T, app withdrawal.Application, f withdrawal.Facts, want ...said) {
	t.Helper()
	plan, list := withdrawal.Judge(app, f)
	refuses(t, list, want...)
	require.Empty(t, plan, "a refused application holds nothing")
}

// planned requires that Judge accepts.
func planned(t *testing.T, app withdrawal.Application, f withdrawal.Facts) withdrawal.Plan {
	t.Helper()
	plan, list := withdrawal.Judge(app, f)
	require.Empty(t, list)
	return plan
}

// lines writes a plan's lines as "L000002 2000.00".
func lines(p withdrawal.Plan) []string {
	var out []string
	for _, l := range p.Lines {
		out = append(out, l.Lot.String()+" "+l.Amount.String())
	}
	return out
}

// shown writes what can leave: over all routes, then original, bank card, incentive.
func shown(f withdrawal.Facts) [4]string {
	a := f.Available()
	return [4]string{a.Withdrawable.String(), a.Routes[withdrawal.Original].String(), a.Routes[withdrawal.BankCard].String(), a.Routes[withdrawal.Incentive].String()}
}
