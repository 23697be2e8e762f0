package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"countersign/activities"
	"countersign/demo"
	"countersign/domain/approval"
	"countersign/domain/bill"
	"countersign/domain/calendar"
	"countersign/domain/consumption"
	"countersign/domain/incentive"
	"countersign/domain/invoice"
	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/quarter"
	"countersign/domain/requisition"
	"countersign/domain/staff"
	"countersign/policies"
	"countersign/views"
	"countersign/workflows"

	"github.com/google/uuid"
)

// earners are the two partners of the story's second part: P2001 brings about sales and claims by bank transfer, P2002 resells
// and takes voucher quota. Each playing has a pair of its own.
type earners struct {
	*story
	suffix      string // of their numbers
	first       string
	second      string
	gao, deng   string // their administrators
	month       incentive.Period
	requisition activities.Standing // of the first, by bank
	folder      string              // for files to and from the bank
	ours        bytes.Buffer        // consumption in the programme's own format
	export      []byte              // the FOCUS sample
	billed      map[string]money.Amount
}

// people of the vendor in demo/incentives.yaml
const (
	he = "he" // vendor operations
	gu = "gu" // vendor operations, too: who prepares does not decide
)

// earned plays from a billing file to money in the bank.
func (s *story) earned(ctx context.Context) (err error) {
	e := &earners{story: s, billed: map[string]money.Amount{}}
	if e.month, err = incentive.ParsePeriod("2024-09"); err != nil {
		return err
	}
	if e.folder, err = os.MkdirTemp("", "countersign-demo-"); err != nil {
		return err
	}
	defer os.RemoveAll(e.folder)
	for _, chapter := range []func(context.Context) error{
		e.enter, e.imported, e.calculated, e.released, e.byVoucher, e.byBank, e.invoiced, e.paidByFile, e.quarterly,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return nil
}

// enter loads the pair that plays, and the policy of what consumption earns.
func (e *earners) enter(ctx context.Context) error {
	var err error
	if e.suffix, err = e.unplayed(ctx, "P2001"); err != nil {
		return err
	}
	e.first, e.second, e.gao, e.deng = "P2001"+e.suffix, "P2002"+e.suffix, "gao"+e.suffix, "deng"+e.suffix
	if _, err := e.load(ctx, demo.Incentives, e.suffix); err != nil {
		return err
	}
	policy, faults := policies.Read[incentive.Policy](demo.IncentivePolicy)
	if len(faults) > 0 {
		return fmt.Errorf("incentive_policy.yaml, line %d: %s", faults[0].Line, faults[0].Fault)
	}
	_, err = (&activities.Programme{DB: e.views.DB}).SetPolicy(ctx, incentive.Kind, policy, he, time.Now())
	return err
}

// unplayed is what has to be appended to a partner's number so that no playing had it yet.
func (s *story) unplayed(ctx context.Context, partner string) (suffix string, err error) {
	for n := 2; ; n++ {
		_, err := s.views.Balances(ctx, partner+suffix)
		if activities.IsNotFound(err) {
			return suffix, nil
		}
		if err != nil {
			return "", err
		}
		suffix = fmt.Sprintf("-%d", n)
	}
}

// load lays in a programme file of one playing.
func (s *story) load(ctx context.Context, text []byte, suffix string) (activities.ProgrammeFile, error) {
	file, err := activities.ParseProgramme(bytes.ReplaceAll(text, []byte("@"), []byte(suffix)))
	if err != nil {
		return file, err
	}
	for i, p := range file.People { // an address has a sign of its own for what was replaced
		name, _, _ := strings.Cut(p.ID, "-")
		file.People[i].Email = name + "@" + cmp.Or(p.Partner, "vendor") + ".example"
	}
	for i, a := range file.PersonalAccounts {
		file.PersonalAccounts[i].Email = a.ID + "@home.example"
	}
	_, err = (&activities.Programme{DB: s.views.DB}).Load(ctx, file, "demo", time.Now())
	return file, err
}

// imported takes in the sample, refused first, and a file in the programme's own format.
func (e *earners) imported(ctx context.Context) error {
	accounts, err := e.cut()
	if err != nil {
		return err
	}
	in := &activities.Consumption{DB: e.views.DB}
	sample := func() (activities.ImportReport, error) {
		return in.Import(ctx, activities.ImportInput{Name: "focus_sample.csv", Content: bytes.NewReader(e.export), Person: he, At: time.Now(), Limit: 1})
	}
	refused, err := sample()
	if err != nil {
		return err
	}
	if refused.Bad != 1000 || refused.Import != 0 {
		return fmt.Errorf("after step %d: 1000 bad rows were expected, there are %d", len(e.steps), refused.Bad)
	}
	if err := e.note(ctx, nil, []string{"ENG-06"}, "%s imports the sample of 1,000 rows of a real FOCUS export. Nobody has said whose accounts these are: line %d, column %s: %s; and %d more rows. Nothing is taken in.",
		he, refused.Faults[0].Line, refused.Faults[0].Column, refused.Faults[0].Reason, refused.Bad-1); err != nil {
		return err
	}
	if _, err := in.Map(ctx, activities.MapInput{Name: "accounts.csv", Content: accounts, Person: he, At: time.Now()}); err != nil {
		return unrefused(err)
	}
	for month, text := range map[string]string{"2024-09-01": "7.05", "2024-10-01": "7.10"} {
		rate, _ := consumption.ParseAmount(text)
		first, err := calendar.ParseDate(month)
		if err != nil {
			return err
		}
		if err := in.SetRate(ctx, activities.SetRateInput{Currency: "USD", Month: first, Rate: rate, Person: he, At: time.Now()}); err != nil {
			return unrefused(err)
		}
	}
	taken, err := sample()
	if err != nil {
		return unrefused(err)
	}
	again, err := sample()
	if err != nil {
		return unrefused(err)
	}
	own, err := in.Import(ctx, activities.ImportInput{Name: "2024-09.csv", Content: bytes.NewReader(e.ours.Bytes()), Person: he, At: time.Now(), Limit: 1})
	if err != nil {
		return unrefused(err)
	}
	if taken.Added != 1000 || again.Added != 0 || own.Added != 4 {
		return fmt.Errorf("after step %d: 1000, 0 and 4 rows were expected, %d, %d and %d were added: %v", len(e.steps), taken.Added, again.Added, own.Added, own.Faults)
	}
	return e.note(ctx, nil, []string{"PERF-01", "PERF-09", "ENG-01"},
		"%s says which accounts are whose customers' (AWS is %s's, the rest %s's) and what a USD was worth. Now 1,000 rows are added; the same file again adds 0. A file of the programme's own format adds %d.",
		he, e.first, e.second, own.Added)
}

// cut makes the sample this playing's own, says whose its accounts are, and writes what else was consumed.
func (e *earners) cut() (*bytes.Buffer, error) {
	rows, err := csv.NewReader(bytes.NewReader(demo.FocusSample)).ReadAll()
	if err != nil {
		return nil, err
	}
	column := func(name string) int { return slices.Index(rows[0], name) }
	provider, billing, sub := column("ProviderName"), column("BillingAccountId"), column("SubAccountId")
	e.export = demo.FocusSample
	if e.suffix != "" { // another playing's rows are other rows
		var out bytes.Buffer
		for _, r := range rows[1:] {
			r[billing] += e.suffix
		}
		if err := csv.NewWriter(&out).WriteAll(rows); err != nil {
			return nil, err
		}
		e.export = out.Bytes()
	}
	accounts := bytes.NewBufferString("customer,provider,billing_account,sub_account\n")
	known := map[string]bool{}
	for _, r := range rows[1:] {
		customer, account := "C2001"+e.suffix, r[sub]
		if r[provider] != "AWS" {
			customer = "C2002" + e.suffix
		}
		if account == "NULL" {
			account = ""
		}
		line := strings.Join([]string{customer, r[provider], r[billing], account}, ",") + "\n"
		if !known[line] {
			known[line] = true
			accounts.WriteString(line)
		}
	}
	fmt.Fprintf(&e.ours, `customer,partner,product,charge,amount,currency,used_at,posted_at,voucher,cash
C2001%[1]s,P2001%[1]s,ECS,usage,30000.00,CNY,2024-09-03 10:00:00,2024-09-04 00:00:00,0,30000.00
C2001%[1]s,P2001%[1]s,OBS,usage,12000.00,CNY,2024-09-20 10:00:00,2024-09-21 00:00:00,2000.00,10000.00
C2002%[1]s,P2002%[1]s,ECS,usage,25000.00,CNY,2024-09-12 10:00:00,2024-09-13 00:00:00,0,25000.00
C2002%[1]s,P2002%[1]s,ECS,refund,-5000.00,CNY,2024-09-14 10:00:00,2024-09-15 00:00:00,0,-5000.00
`, e.suffix)
	return accounts, nil
}

// calculated has the month calculated by its workflow, and one line explained.
func (e *earners) calculated(ctx context.Context) error {
	run, err := workflows.StartCalculation(ctx, e.h.temporal, workflows.CalculationInput{Period: e.month, By: he})
	if err != nil {
		return err
	}
	var done workflows.CalculationProgress
	if err := run.Get(ctx, &done); err != nil {
		return unrefused(err)
	}
	lines, err := e.views.Lines(ctx, views.LineFilter{Partner: e.first, Product: "OBS"}, 1)
	if err != nil || len(lines) != 1 {
		return errors.Join(err, fmt.Errorf("after step %d: one line of OBS was expected, there are %d", len(e.steps), len(lines)))
	}
	line, err := e.views.ExplainLine(ctx, lines[0].DataID, 1, 1)
	if err != nil {
		return err
	}
	if line.Amount.String() != "500.00" || line.NonCash.String() != "2000" {
		return fmt.Errorf("after step %d: the line gives %s of %s without %s, 500.00 was expected", len(e.steps), line.Amount, line.Gross, line.NonCash)
	}
	return e.note(ctx, nil, []string{"PERF-03", "INC-02", "INC-05"}, "The month %s is calculated by one workflow of eight parts. Line %d explains itself: used 12000.00, of it 2000.00 by the vendor's voucher. %s %s",
		e.month, line.ID, line.Why, strings.Join(line.Arithmetic, " "))
}

// released reviews the sheets, which makes bills; the partners confirm them, operations release them.
func (e *earners) released(ctx context.Context) error {
	c := &activities.Calculations{DB: e.views.DB}
	for _, partner := range []string{e.first, e.second} {
		if _, err := c.ApprovePerformance(ctx, activities.ReviewInput{Period: e.month, Partner: partner, Person: he, At: time.Now()}); err != nil {
			return unrefused(err)
		}
	}
	r := &activities.Reconciliations{DB: e.views.DB, Run: func(ctx context.Context, p activities.Presentation) error {
		return workflows.StartReconciliation(ctx, e.h.temporal, p)
	}}
	if _, err := r.StartReconciliations(ctx, activities.StartInput{Period: e.month.String(), By: he, At: time.Now()}); err != nil {
		return unrefused(err)
	}
	var told []string
	for partner, by := range map[string]string{e.first: e.gao, e.second: e.deng} {
		number, err := e.presented(ctx, partner)
		if err != nil {
			return err
		}
		d, err := e.views.Reconciliation(ctx, number)
		if err != nil {
			return err
		}
		confirmed, err := e.h.askReconciliation(ctx, d, workflows.ConfirmUpdate, workflows.BillRequest{Person: by, Key: uuid.NewString()})
		if err := e.expect(confirmed.State, bill.Releasing, err); err != nil {
			return err
		}
		now, err := e.decide(ctx, number, approval.Decision{Person: gu, Outcome: approval.Approve}, bill.Release)
		if err := e.expect(now.State, bill.Released, err); err != nil {
			return err
		}
		told = append(told, fmt.Sprintf("%s's %s", partner, e.billed[partner]))
	}
	slices.Sort(told)
	return e.note(ctx, e.payable(), []string{"PERF-14", "INC-07", "INC-10"}, "%s reviews the sheets, which makes a bill each: %s. %s and %s confirm them, %s releases them.",
		he, strings.Join(told, " and "), e.gao, e.deng, gu)
}

// presented finds a partner's reconciliation, which its run opens in a moment.
func (e *earners) presented(ctx context.Context, partner string) (string, error) {
	for tries := 0; ; tries++ {
		bills, err := e.views.Bills(ctx, views.BillFilter{Partner: partner}, time.Now())
		if err != nil {
			return "", err
		}
		if len(bills) == 1 && bills[0].Case != "" {
			e.billed[partner] = bills[0].Amount
			return bills[0].Case, nil
		}
		if tries > 100 {
			return "", fmt.Errorf("after step %d: %s has %d bills, one that is presented was expected", len(e.steps), partner, len(bills))
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return "", err
		}
	}
}

// payable is what the two partners' incentive accounts say until it is claimed.
func (e *earners) payable() balances {
	return balances{{ledger.Incentive(e.first), e.billed[e.first]}, {ledger.Incentive(e.second), e.billed[e.second]}}
}

func (e *earners) claim(ctx context.Context, partner, by string, method requisition.Method) (activities.Standing, error) {
	app := requisition.Application{RequestKey: uuid.NewString(), PartnerID: partner, Submitter: by, Methods: []requisition.Method{method}}
	return patiently(func() (activities.Standing, error) { return workflows.SubmitRequisition(ctx, e.h.temporal, app) })
}

// byVoucher is the second partner: resale is not paid by bank transfer any more, voucher quota comes at once.
func (e *earners) byVoucher(ctx context.Context) error {
	_, err := e.claim(ctx, e.second, e.deng, requisition.Bank)
	if err := e.refusedTo(ctx, err, e.payable(), []string{"PAY_METHOD_NOT_ALLOWED", "PAY_MINIMUM"}, "%s claims the resale incentive by bank transfer. Refused, for both reasons:", e.deng); err != nil {
		return err
	}
	now, err := e.claim(ctx, e.second, e.deng, requisition.Voucher)
	if err := e.expect(now.State, requisition.Completed, err); err != nil {
		return err
	}
	var quota string
	if err := e.views.DB.GetContext(ctx, &quota, `SELECT quota_id FROM quotas WHERE case_number = $1`, now.Case); err != nil {
		return err
	}
	amount := e.billed[e.second]
	e.billed[e.second] = money.Zero
	return e.note(ctx, append(e.payable(), balance{ledger.Account("Q:" + quota), amount}), []string{"PAY-02", "PAY-09"},
		"By voucher quota it is there in one step: %s is %s, quota %s of %s.", now.Case, now.State, quota, amount)
}

// byBank is the first partner's claim, which waits for an invoice.
func (e *earners) byBank(ctx context.Context) (err error) {
	e.requisition, err = e.claim(ctx, e.first, e.gao, requisition.Bank)
	if err := e.expect(e.requisition.State, requisition.WaitingInvoice, err); err != nil {
		return err
	}
	list, err := e.views.InvoiceList(ctx, e.requisition.Case, time.Now())
	if err != nil {
		return err
	}
	return e.note(ctx, e.payable(), []string{"PAY-03", "INV-07", "INV-01"}, "%s claims by bank transfer: %s. The invoice list %s asks for %s CNY, %s, at the service-fee rate of a small-scale taxpayer.",
		e.gao, e.requisition.About, list.No, list.Amount, list.Amount.Capital())
}

// invoiced sends an invoice that is rejected, and another that is accepted.
func (e *earners) invoiced(ctx context.Context) error {
	number := e.requisition.Case
	for i, no := range []string{"2444200000000000" + e.suffix + "1", "2444200000000000" + e.suffix + "2"} {
		list, err := e.views.InvoiceList(ctx, number, time.Now())
		if err != nil {
			return err
		}
		c, err := e.views.Case(ctx, number)
		if err != nil {
			return err
		}
		sent, err := patiently(func() (activities.Standing, error) {
			return workflows.SendInvoices(ctx, e.h.temporal, c.WorkflowID, invoice.Package{
				Case: number, Person: e.gao, Key: fmt.Sprintf("round-%d", i+1), ListEnclosed: true, Carrier: "SF", TrackingNo: fmt.Sprintf("SF%d", i+1),
				Invoices: []invoice.Entered{invoice.Whole(list.List, invoice.Paper, no, "", calendar.DateOf(time.Now()).String())},
			})
		})
		if err := e.expect(sent.State, requisition.WaitingInvoice, err); err != nil {
			return err
		}
		arrived, err := patiently(func() (activities.Standing, error) {
			return workflows.RecordArrival(ctx, e.h.temporal, c.WorkflowID, activities.ArrivalInput{Case: number, Key: fmt.Sprintf("round-%d", i+1), Person: li, At: time.Now()})
		})
		if err := e.expect(arrived.State, requisition.InvoiceReview, err); err != nil {
			return err
		}
		answer, want := approval.Decision{Person: wang, Outcome: invoice.Fail, Reason: "the seal is missing"}, requisition.WaitingInvoice
		if i == 1 {
			answer, want = approval.Decision{Person: wang, Outcome: invoice.Pass}, requisition.Review
		}
		now, err := e.decideTask(ctx, approval.TaskID(number, invoice.Review.Name, i+1), answer)
		if err := e.expect(now.State, want, err); err != nil {
			return err
		}
	}
	now, err := e.decide(ctx, number, approval.Decision{Person: li, Outcome: approval.Approve}, requisition.RequisitionReview)
	if err := e.expect(now.State, requisition.Paying, err); err != nil {
		return err
	}
	return e.note(ctx, e.payable(), []string{"INV-15", "INV-16", "INV-17"},
		"The first invoice is rejected by %s: the seal is missing. %s issues another and posts it again, it passes, and %s approves the payment: %s is %s.", wang, e.gao, li, number, now.State)
}

// paidByFile lets the payment leave in a pain.001 file and come back confirmed in a camt.053 statement.
func (e *earners) paidByFile(ctx context.Context) error {
	before, err := e.views.Balance(ctx, ledger.Bank)
	if err != nil {
		return err
	}
	quiet := &house{environ: e.h.environ, out: discard{}, err: e.h.err}
	defer quiet.close()
	order := filepath.Join(e.folder, "order.xml")
	if err := quiet.bankExport(ctx, activities.OpenOrderInput{Person: li, At: time.Now()}, order); err != nil {
		return unrefused(err)
	}
	payments, err := e.views.BankPayments(ctx, e.requisition.Case, true)
	if err != nil || len(payments) != 1 {
		return errors.Join(err, fmt.Errorf("after step %d: %s has %d payments", len(e.steps), e.requisition.Case, len(payments)))
	}
	p := payments[0]
	if err := e.note(ctx, e.payable(), []string{"PAY-24", "ENG-01"}, "%s exports what may be paid: %s CNY to %s leave in the pain.001 file of order %s, as %s.", li, p.Amount, p.Payee, p.Order, p.ID); err != nil {
		return err
	}
	answer := activities.RecordAnswerInput{Name: "statement.xml", File: statement("S"+p.ID, p.ID, p.Amount, time.Now()), Person: wang, At: time.Now()}
	if err := quiet.bankImport(ctx, answer); err != nil {
		return unrefused(err)
	}
	if err := quiet.bankImport(ctx, answer); err != nil { // the same file twice changes nothing
		return unrefused(err)
	}
	c, err := e.views.Case(ctx, e.requisition.Case)
	if err := e.expect(c.State, requisition.Completed, err); err != nil {
		return err
	}
	e.billed[e.first] = money.Zero
	return e.note(ctx, append(e.payable(), balance{ledger.Bank, before.Sub(p.Amount)}), []string{"PAY-28", "ENG-01", "INV-18"},
		"The bank's camt.053 statement comes back and is imported twice: %s is %s, paid once.", c.Number, c.State)
}

// statement is a bank's statement with one payment that left.
func statement(id, endToEnd string, amount money.Amount, at time.Time) []byte {
	day := calendar.DateOf(at)
	return fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>%[1]s</MsgId><CreDtTm>%[2]sT20:00:00+08:00</CreDtTm></GrpHdr>
<Stmt><Id>%[1]s</Id><Acct><Id><Othr><Id>7559000011112222</Id></Othr></Id></Acct>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">1000000.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>%[2]s</Dt></Dt></Bal>
<Ntry><Amt Ccy="CNY">%[3]s</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>%[2]s</Dt></BookgDt><AcctSvcrRef>BANK-%[4]s</AcctSvcrRef>
<BkTxCd><Prtry><Cd>TRF</Cd></Prtry></BkTxCd><NtryDtls><TxDtls><Refs><EndToEndId>%[4]s</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>
</Stmt></BkToCstmrStmt></Document>
`, id, day, amount, endToEnd)
}

// quarterly plays the last quarter by its own days: two months of dedicated staff are requested and pass, the third is not
// requested, and the quarter's payment is asked for a second too early and then on its first allowed instant. A run takes
// over what was opened so, and the review is today's.
func (e *earners) quarterly(ctx context.Context) error {
	last := calendar.QuarterOf(calendar.QuarterOf(calendar.DateOf(time.Now())).Start().AddDays(-1))
	first, opens := last.Start(), last.Next().Start().Start()
	s := &activities.DedicatedStaff{DB: e.views.DB}
	start := first.Start()
	if _, err := s.Qualify(ctx, activities.QualifyInput{Partner: e.first, Person: e.gao, At: start}); err != nil {
		return unrefused(err)
	}
	if _, err := s.Qualify(ctx, activities.QualifyInput{Partner: e.first, Person: he, Approve: true, Agreement: "FH-1", SignedOn: first, At: start.Add(time.Hour)}); err != nil {
		return unrefused(err)
	}
	var months []string
	for n := range 2 {
		month, err := e.staffed(ctx, s, first.AddMonths(n), n+1)
		if err != nil {
			return err
		}
		months = append(months, month)
	}
	apply := func(at time.Time) (activities.Standing, error) {
		q := &activities.PaymentApplications{DB: e.views.DB}
		return q.OpenPaymentApplication(ctx, activities.OpenPaymentApplicationInput{
			Application: quarter.Application{RequestKey: uuid.NewString(), PartnerID: e.first, Submitter: e.gao, Quarter: last.String()},
			WorkflowID:  quarter.Kind + "/" + e.first + "/" + last.String(), RunID: uuid.NewString(), At: at,
		})
	}
	_, err := apply(opens.Add(-time.Second))
	if err := e.refusedTo(ctx, err, nil, []string{"QPY_MONTH_OPEN"}, "In %s %s had dedicated staff in %s, which passed the review, and requested no third month. At %s %s asks for the quarter's payment:",
		last, e.first, strings.Join(months, " and "), shownToTheSecond(opens.Add(-time.Second)), e.gao); err != nil {
		return err
	}
	now, err := apply(opens)
	if err := e.expect(now.State, quarter.Review, err); err != nil {
		return err
	}
	if err := workflows.Resume(ctx, e.h.temporal, quarter.Kind, quarter.Kind+"/"+e.first+"/"+last.String(), e.first, now.Case); err != nil {
		return err
	}
	approved, err := e.decide(ctx, now.Case, approval.Decision{Person: he, Outcome: approval.Approve}, quarter.PaymentReview)
	if err := e.expect(approved.State, quarter.Approved, err); err != nil {
		return err
	}
	return e.note(ctx, balances{{ledger.Fund(e.first), approved.Amount}}, []string{"QPY-02", "QPY-05", "QPY-06"},
		"At %s, the first allowed instant, it is taken: %s over %s. %s approves it; it waits for its invoice.", shownToTheSecond(opens), now.Case, approved.Amount, he)
}

// staffed is one month of a specialist, requested on its tenth day and reviewed an hour later.
func (e *earners) staffed(ctx context.Context, s *activities.DedicatedStaff, first calendar.Date, n int) (string, error) {
	at := first.AddDays(9).Start().Add(10 * time.Hour)
	month, id := staff.MonthOf(at).String(), fmt.Sprintf("%s-S%d", e.first, n)
	document := fmt.Sprintf("%x", sha256.Sum256([]byte("proof of "+id)))
	if err := s.RegisterSpecialist(ctx, activities.SpecialistInput{
		ID: id, Partner: e.first, Name: "Specialist " + id, Role: staff.SolutionArchitect, Certificates: []string{"HCIP"}, CloudSince: first.AddDays(-900), Since: first.AddDays(-100), Person: e.gao, At: at,
	}); err != nil {
		return "", unrefused(err)
	}
	opened, err := s.OpenStaffMonth(ctx, activities.OpenStaffMonthInput{
		Request: staff.Request{
			RequestKey: uuid.NewString(), PartnerID: e.first, Submitter: e.gao, Month: month, Scenario: staff.PreSales,
			Persons: []staff.Use{{Person: id, Project: "PR-" + id}},
			Proofs:  []staff.Proof{{Kind: staff.Employment, Document: document}, {Kind: staff.SocialSecurity, Document: document}, {Kind: staff.ProjectProof, Document: document}},
		},
		WorkflowID: staff.Kind + "/" + e.first + "/" + month, RunID: uuid.NewString(), At: at,
	})
	if err := e.expect(opened.State, staff.InReview, err); err != nil {
		return "", err
	}
	passed, err := (&activities.Cases{DB: e.views.DB}).Decide(ctx, activities.DecideInput{At: at.Add(time.Hour), Decision: approval.Decision{
		Task: approval.TaskID(opened.Case, staff.Review.Name, 1), Person: he, Outcome: staff.Review.Approve, Key: uuid.NewString(),
	}})
	return month, e.expect(passed.State, staff.Passed, err)
}

// balance is what an account has to say.
type balance struct {
	account ledger.Account
	amount  money.Amount
}

type balances []balance

// refusedTo expects a refusal with these codes and prints it.
func (s *story) refusedTo(ctx context.Context, err error, now balances, codes []string, format string, args ...any) error {
	text, rules, err := s.refusal(err, codes, fmt.Sprintf(format, args...))
	if err != nil {
		return err
	}
	return s.note(ctx, now, rules, "%s", text)
}

// note prints a step with its rules and what these accounts say now, which has to be as expected.
func (s *story) note(ctx context.Context, want balances, rules []string, format string, args ...any) error {
	st := step{What: fmt.Sprintf(format, args...), Rules: rules, Ledger: map[ledger.Account]money.Amount{}}
	var texts []string
	for _, w := range want {
		now, err := s.views.Balance(ctx, w.account)
		if err != nil {
			return err
		}
		if !now.Equal(w.amount) {
			return fmt.Errorf("after step %d: %s says %s, %s was expected (%s)", len(s.steps), w.account, now, w.amount, st.What)
		}
		st.Ledger[w.account] = now
		texts = append(texts, fmt.Sprintf("%s %s", w.account, now))
	}
	s.print(st, texts)
	return nil
}
