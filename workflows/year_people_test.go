package workflows

import (
	"context"
	"fmt"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/bill"
	"countersign/domain/calendar"
	"countersign/domain/incentive"
	"countersign/domain/invoice"
	"countersign/domain/money"
	"countersign/domain/owed"
	"countersign/domain/payment"
	"countersign/domain/quarter"
	"countersign/domain/requisition"
	"countersign/domain/staff"
	"countersign/domain/withdrawal"
	"countersign/internal/iso20022/xsdtest"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"
)

// asked is an open task.
type asked struct {
	Task      string       `db:"task_id"`
	Case      string       `db:"case_number"`
	Kind      string       `db:"kind"`
	Matter    string       `db:"matter"`
	Round     int          `db:"round"`
	Partner   string       `db:"partner_id"`
	Workflow  string       `db:"workflow_id"`
	Period    string       `db:"period"`
	Fresh     bool         `db:"fresh"`  // there are bills that nobody presented
	ByHand    bool         `db:"byhand"` // people pay it
	Amount    money.Amount `db:"amount"` // of its payment
	Reference string       `db:"reference"`
}

const askedSQL = `
	SELECT t.task_id, t.case_number, c.kind, t.matter, t.round, c.partner_id, c.workflow_id, coalesce(r.period, '') AS period,
	       EXISTS (SELECT 1 FROM bills b WHERE b.partner_id = c.partner_id AND b.period = r.period AND b.case_number IS NULL AND b.state = 'TO_CONFIRM') AS fresh,
	       coalesce(p.state = 'BY_HAND', false) AS byhand, coalesce(p.amount, t.amount, 0)::numeric(20,2) AS amount, t.reference
	  FROM tasks t JOIN cases c USING (case_number) LEFT JOIN reconciliations r USING (case_number)
	  LEFT JOIN payments p ON p.case_number = t.case_number AND p.state IN ('READY', 'EXPORTED', 'BY_HAND')
	 WHERE t.state = 'open' ORDER BY c.workflow_id, t.task_id`

// vendorsDesk is the vendor's people at 10:00 and 14:00: operations, and finance but for what banks do.
func (y *year) vendorsDesk() {
	for _, t := range selects[asked](y, askedSQL) {
		d, answers := y.answer(t)
		if !answers {
			continue
		}
		if d.Task = t.Task; t.Matter == withdrawal.LateReturn.Name { // its case has ended
			_, err := y.decideOn(t.Task, d)
			require.NoError(y.t, err)
			continue
		}
		y.tells(t.Workflow, DecideUpdate, d)
	}
}

// answer is what the vendor says to a task: mostly yes.
func (y *year) answer(t asked) (approval.Decision, bool) {
	no := func(person string, word approval.Outcome, reason string) (approval.Decision, bool) {
		y.counted[t.Kind+" "+t.Matter+" "+string(word)]++
		return approval.Decision{Person: person, Outcome: word, Reason: reason}, true
	}
	yes := func(person string, word approval.Outcome) (approval.Decision, bool) { return no(person, word, "") }
	first := t.Round == 1
	switch t.Kind + " " + t.Matter {
	case "reconciliation release":
		if first && chance(9, t.Workflow) {
			return no("olga", bill.Refuse, "a customer is missing")
		}
		return yes("otto", approval.Approve)
	case "reconciliation present":
		if t.Fresh {
			return yes("olga", bill.Presented)
		}
		return no("olga", bill.Upheld, "the figures are right")
	case "requisition invoice-review", "payment-application invoice-review":
		if first && chance(3, t.Workflow) {
			return no("lina", invoice.Fail, "illegible")
		}
		return yes("lina", invoice.Pass)
	case "requisition review":
		if chance(11, t.Workflow) {
			return no("zhao", approval.Reject, "ask again with the newer bills")
		}
		return yes("zhao", approval.Approve)
	case "requisition mend":
		return yes("otto", requisition.Retry)
	case "requisition send", "withdrawal send", "payment-application send":
		if chance(6, fmt.Sprint(t.Workflow, t.Round)) { // the others leave in a bank file
			return yes("zhao", requisition.Sent)
		}
	case "requisition confirm", "withdrawal confirm", "payment-application confirm":
		if t.ByHand {
			d, _ := yes("lina", requisition.Arrived)
			d.Amount, d.Reference = t.Amount.String(), "H-"+t.Task
			return d, true
		}
	case "withdrawal review":
		if chance(7, t.Workflow) {
			return no("zhao", approval.Reject, "wrong account")
		}
		return yes("zhao", approval.Approve)
	case "withdrawal late-return":
		d, _ := yes("zhao", withdrawal.Arrived)
		d.Amount, d.Reference = t.Amount.String(), t.Reference
		return d, true
	case "dedicated-staff preliminary-review":
		if first && chance(3, t.Workflow) {
			return no("otto", "fail", "the extract is missing")
		}
		return yes("otto", "pass")
	case "payment-application review":
		if first && t.Partner == memberID(employers[1]) && chance(2, t.Workflow) {
			return no("otto", approval.Reject, "the agreement is an old one")
		}
		return yes("otto", approval.Approve)
	default:
		y.wrong("nobody answers %s of %s", t.Matter, t.Case)
	}
	return approval.Decision{}, false
}

// partnersDesk is the partners' people at 11:00: they invoice, and correct what failed or was rejected.
func (y *year) partnersDesk() {
	type listed struct {
		invoice.List
		Workflow string `db:"workflow_id"`
		Partner  string `db:"partner_id"`
		Rounds   int    `db:"rounds"`
	}
	for _, l := range selects[listed](y, `
		SELECT l.list_no, l.case_number, l.state, l.supplier_name, l.supplier_licence, l.supplier_tax_number, l.supplier_address, l.bank_account_name, l.bank_name, l.bank_branch, l.bank_address,
		       l.account_no, l.taxpayer, l.buyer_entity, l.buyer_name, l.service_item, l.settlement_period, l.amount, l.currency, l.service_rate, l.mailing_address, l.public_mailbox, l.contacts,
		       l.opened_at, l.visible_at, l.due_date, c.workflow_id, c.partner_id, (SELECT count(*) FROM invoice_packages p WHERE p.list_no = l.list_no) AS rounds
		  FROM invoice_lists l JOIN cases c USING (case_number) WHERE c.closed_at IS NULL AND l.visible_at <= $1 AND l.state IN ('TO_ISSUE', 'TO_REISSUE', 'IN_TRANSIT') ORDER BY l.list_no`, y.now) {
		if l.State == invoice.InTransit {
			y.tells(l.Workflow, ArrivalUpdate, activities.ArrivalInput{Case: l.Case, Person: "lina", Key: fmt.Sprintf("%s/%d", l.No, l.Rounds)})
			continue
		}
		y.tells(l.Workflow, SendInvoicesUpdate, y.invoiced(l.List, l.Partner, l.Rounds+1))
	}
	for _, c := range selects[asked](y, `
		SELECT case_number, kind, partner_id, workflow_id, coalesce((SELECT to_char(month, 'YYYY-MM') FROM staff_months s WHERE s.case_number = c.case_number), '') AS period
		  FROM cases c WHERE closed_at IS NULL AND (kind, state) IN (('dedicated-staff', 'FAILED'), ('payment-application', 'REJECTED')) ORDER BY case_number`) {
		y.counted[c.Kind+" sent again"]++
		if c.Kind == staff.Kind {
			r := y.monthsRequest(c.Partner, c.Period)
			r.RequestKey += "/again"
			y.tells(c.Workflow, ResubmitUpdate, r)
			continue
		}
		_, q, _ := strings.Cut(c.Workflow, c.Partner+"/")
		y.tells(c.Workflow, ResubmitUpdate, quarter.Application{RequestKey: q + "/again", PartnerID: c.Partner, Submitter: clerk(c.Partner), Quarter: q, Note: "the agreement is the new one"})
	}
}

// invoiced is one invoice over all of a list.
func (y *year) invoiced(l invoice.List, partner string, round int) invoice.Package {
	total := l.Amount
	net := money.Must(decimalOf(total).Div(decimalOf(money.Must("1.03"))).StringFixed(2))
	number := fmt.Sprintf("%s-%d", l.No, round)
	return invoice.Package{
		Case: l.Case, Person: clerk(partner), Key: number, ListEnclosed: true, Mailbox: l.PublicMailbox,
		Invoices: []invoice.Entered{{
			Number: number, Type: invoice.Electronic, Date: calendar.DateOf(y.now).String(), Currency: string(l.Currency), Net: net.String(), Tax: total.Sub(net).String(), Total: total.String(), Rate: "3",
			Buyer: l.Buyer, Items: invoice.ItemsOf(l, net.String()),
		}},
	}
}

// partnersCheck is what partners say about bills that were presented: one in three confirms, one rejects, one is silent.
func (y *year) partnersCheck(month int) {
	for n := 1; n <= members; n++ {
		by := clerk(memberID(n))
		for _, c := range selects[struct {
			Workflow string         `db:"workflow_id"`
			Bills    pq.StringArray `db:"bills"`
		}](y, `SELECT workflow_id, array_agg(bill_id ORDER BY bill_id) AS bills FROM cases c JOIN bills b USING (case_number, partner_id)
			WHERE c.kind = 'reconciliation' AND c.partner_id = $1 AND c.state = 'TO_CONFIRM' AND closed_at IS NULL
			  AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.case_number = c.case_number AND t.state = 'open') GROUP BY workflow_id ORDER BY workflow_id`, memberID(n)) {
			switch (n + month) % 3 {
			case 0:
				y.tells(c.Workflow, ConfirmUpdate, BillRequest{Person: by})
			case 1:
				y.tells(c.Workflow, QuestionUpdate, BillRequest{Person: by, Bills: c.Bills[:1], Text: "which customer is it?"})
				y.tells(c.Workflow, RejectUpdate, BillRequest{Person: by, Bills: c.Bills, Text: "too low"})
			}
		}
	}
}

// request has a partner ask for its incentive: for all of it, in some months for its oldest bill only.
func (y *year) request(n int, month string) {
	if n == leaver || chance(5, memberID(n)+month) {
		return
	}
	partner := memberID(n)
	app := requisition.Application{RequestKey: month, PartnerID: partner, Submitter: clerk(partner), Methods: []requisition.Method{methodOf(n)}}
	if chance(6, month+partner) {
		if app.Bills = selects[string](y, `SELECT bill_id FROM bill_requestable($1, $2) WHERE requestable AND amount > 1000 ORDER BY bill_id LIMIT 1`, partner, y.now); app.Bills == nil {
			return
		}
	}
	y.starts(RequisitionType, RequisitionID(app), RequisitionInput{Application: app})
}

// setsOff has the partners that owe invoices ask for the vendor's, over more than they owe.
func (y *year) setsOff(month string) {
	for n := 1; n <= members; n++ {
		partner := memberID(n)
		r := owed.Request{Partner: partner, Person: clerk(partner), Key: "owed-" + month}
		for _, e := range selects[struct {
			Rate string       `db:"tax_rate"`
			Open money.Amount `db:"open"`
		}](y, `SELECT tax_rate::text, sum(remaining) AS open FROM owed_entries WHERE partner_id = $1 AND remaining > 0 GROUP BY tax_rate ORDER BY tax_rate`, partner) {
			r.Selected = append(r.Selected, owed.Selected{Rate: e.Rate, Amount: e.Open.Add(money.Must("250.00")).String()})
		}
		if r.Selected == nil {
			continue
		}
		_, err := y.owes.RequestInvoices(context.Background(), r, y.now)
		require.NoError(y.t, err)
	}
}

// withdraws has a partner withdraw three quarters of its credited incentives.
func (y *year) withdraws(n int, month string) {
	partner := memberID(n)
	var cash money.Amount
	require.NoError(y.t, y.db.Get(&cash, `SELECT coalesce(sum(remaining - owed_open), 0)::numeric(20,2) FROM lots WHERE partner_id = $1 AND source IN ('INCENTIVE', 'INCENTIVE_OWED')`, partner))
	amount := decimalOf(cash).Mul(decimalOf(money.Must("0.75"))).StringFixed(2)
	if money.Must(amount).Sign() <= 0 || y.count(`SELECT count(*) FROM cases WHERE kind = 'withdrawal' AND partner_id = $1 AND closed_at IS NULL`, partner) > 0 {
		return
	}
	app := withdrawal.Application{
		RequestKey: month, PartnerID: partner, Submitter: clerk(partner), Route: withdrawal.Incentive, Amount: amount,
		Payee: withdrawal.Payee{Holder: partner + " Ltd", AccountNo: "6222-" + partner, Bank: "ICBC", Branch: "Shenzhen"}, Code: y.code(clerk(partner), partner, y.now),
	}
	y.starts(WithdrawalType, WithdrawalID(app), WithdrawalInput{Application: app, OneTimer: true})
}

// exports releases what waits to be sent into one file, which is written an hour later.
func (y *year) exports(date calendar.Date) {
	if y.count(`SELECT count(*) FROM payments p JOIN tasks t USING (case_number) WHERE p.state = 'READY' AND t.matter = 'send' AND t.state = 'open'`) == 0 {
		return
	}
	ctx := context.Background()
	o, err := y.bank.OpenOrder(ctx, activities.OpenOrderInput{Key: date.String(), Person: "lina", At: y.now})
	require.NoError(y.t, err)
	for _, p := range o.Payments {
		y.tells(selects[string](y, `SELECT workflow_id FROM cases WHERE case_number = $1`, p.Case)[0], DecideUpdate, p.Send(o.MessageID, "lina"))
	}
	y.at(y.now.Add(time.Hour), func() {
		o, err := y.bank.WriteOrder(ctx, activities.WriteOrderInput{MessageID: o.MessageID, At: y.now})
		require.NoError(y.t, err)
		require.Empty(y.t, xsdtest.Check([]byte(o.File)))
		y.counted["bank orders"]++
	})
}

// states has the bank's statement of the day before taken in: one payment in six came back, and some that were paid come back late.
func (y *year) states(date calendar.Date) {
	var entries []string
	for _, p := range selects[struct {
		ID     string       `db:"end_to_end_id"`
		Name   string       `db:"name"` // of the payment, whatever number its case got
		Amount money.Amount `db:"amount"`
		State  string       `db:"state"`
	}](y, `SELECT end_to_end_id, c.workflow_id || '-' || split_part(end_to_end_id, '-', 2) AS name, p.amount, p.state FROM payments p JOIN cases c USING (case_number) JOIN payment_batches b USING (message_id)
		WHERE b.file IS NOT NULL AND (p.state = 'EXPORTED' OR p.state = 'CONFIRMED' AND c.kind = 'withdrawal'
			AND NOT EXISTS (SELECT 1 FROM statement_lines l WHERE l.payment_id = p.end_to_end_id AND l.result LIKE 'returns%')) ORDER BY name`) {
		switch {
		case p.State == "EXPORTED" && chance(6, p.Name):
			entries = append(entries, fmt.Sprintf("CRDT %s %s R-%s", p.ID, p.Amount, p.ID))
		case p.State == "EXPORTED":
			entries = append(entries, fmt.Sprintf("DBIT %s %s B-%s", p.ID, p.Amount, p.ID))
		case chance(4, "late "+p.Name):
			entries = append(entries, fmt.Sprintf("CRDT %s %s L-%s", p.ID, p.Amount, p.ID))
		}
	}
	if entries == nil {
		return
	}
	file := []byte(strings.ReplaceAll(string(statement("S-"+date.String(), entries...)), "2025-11-05", date.AddDays(-1).String()))
	for _, l := range y.recorded(y.bank, "wang", file).Lines {
		y.counted["statement line "+string(l.Result)]++
		switch {
		case !l.Waits():
			y.wrong("line %s of %s is %s and waits for nothing", l.ID, date, l.Result)
		case l.Result == payment.ReturnsLate:
			_, err := y.act.ReportLateReturn(context.Background(), l.LateReturn("wang", y.now))
			require.NoError(y.t, err)
		default:
			y.tells(selects[string](y, `SELECT workflow_id FROM cases WHERE case_number = $1`, l.Case)[0], DecideUpdate, l.Decision("wang"))
		}
	}
	y.at(y.now.Add(time.Hour), func() { // the same file again changes nothing
		again := y.recorded(y.bank, "wang", file)
		require.True(y.t, again.Known)
		for _, l := range again.Lines {
			if l.Waits() && l.Result != payment.ReturnsLate {
				y.wrong("line %s of %s was not carried out", l.ID, date)
			}
		}
	})
}

// consumes takes in a month's consumption as one file, and keeps what it should give.
func (y *year) consumes(month calendar.Date, correction bool) {
	var file strings.Builder
	file.WriteString("customer,partner,product,charge,amount,currency,used_at,posted_at,row_id\n")
	row := func(customer, partner, product, charge string, percent, amount int64, on int) {
		at := month.AddDays(on - 1).String()
		fmt.Fprintf(&file, "%s,%s,%s,%s,%d.00,CNY,%s,%s,%s\n", customer, partner, product, charge, amount, at, at, fmt.Sprintf("%s-%s-%s-%d-%v", customer, product, charge, on, correction))
		y.expected[partner] = y.expected[partner].Add(money.Fen(amount * percent))
		y.counted["rows of consumption"]++
	}
	for n := 1; n <= members; n++ {
		partner := memberID(n)
		key := partner + month.String()
		if n == leaver && month.Month > time.January {
			continue // it left, and is in no plan
		}
		if correction { // what came late is for some partners a refund
			if n%4 == month.Day%4 {
				row(partner+"-A", partner, "ECS", "refund", 10, -1000, 17)
			} else {
				row(partner+"-B", partner, "ECS", "usage", 10, 2000, 17)
			}
			continue
		}
		row(partner+"-A", partner, "ECS", "usage", 10, int64(20000+1000*n), 5)
		row(partner+"-A", partner, "ECS", "usage", 10, int64(5000+10*int(month.Month)), 12)
		if n%2 == 0 {
			row(partner+"-B", partner, "RDS", "usage", 4, 30000, 8)
		}
		if negative := n%5 == 0 && (month.Month%4 == 0 || n == leaver); negative || chance(5, key) {
			amount := int64(-4000)
			if negative {
				amount = -60000
				y.counted["negative months"]++
			}
			row(partner+"-B", partner, "ECS", "refund", 10, amount, 16)
		}
	}
	report, err := y.imports.Import(context.Background(), activities.ImportInput{
		Name: month.String() + ".csv", Content: strings.NewReader(file.String()), Person: "otto", At: y.now, Limit: 10,
	})
	require.NoError(y.t, err)
	require.Zero(y.t, report.Bad, report.Faults)
	again, err := y.imports.Import(context.Background(), activities.ImportInput{Name: "again.csv", Content: strings.NewReader(file.String()), Person: "otto", At: y.now, Limit: 10})
	require.NoError(y.t, err)
	require.True(y.t, again.Known)
}

// calculates starts the calculation of a month, approves has its sheets approved, which bills them.
func (y *year) calculates(month calendar.Date, run int) {
	p := incentive.Period{First: month, Months: 1}
	y.starts(CalculationType, fmt.Sprintf("%s/%d", CalculationID(p), run), CalculationInput{Period: p})
}

func (y *year) approves(month calendar.Date) {
	_, err := y.calcs.ApprovePerformance(context.Background(), activities.ReviewInput{Period: incentive.Period{First: month, Months: 1}, Person: "otto", At: y.now})
	require.NoError(y.t, err)
}

// monthsRequest is a partner's request for one specialist.
func (y *year) monthsRequest(partner, month string) staff.Request {
	var n int
	fmt.Sscanf(month[5:], "%d", &n) //nolint:errcheck // our own text
	return staff.Request{
		RequestKey: "staff-" + month, PartnerID: partner, Submitter: clerk(partner), Month: month, Scenario: staff.PreSales,
		Persons: []staff.Use{{Person: specialistOf(partner, n), Project: "PR-" + partner + month}},
		Proofs:  []staff.Proof{{Kind: staff.Employment, Document: document}, {Kind: staff.SocialSecurity, Document: document}, {Kind: staff.ProjectProof, Document: document}},
	}
}

func (y *year) asksStaff(partner, month string) {
	y.starts(DedicatedStaffType, oneLiveID(staff.Kind, partner, month), DedicatedStaffInput{Request: y.monthsRequest(partner, month)})
}

func (y *year) asksQuarter(partner, q, key string) {
	app := quarter.Application{RequestKey: key, PartnerID: partner, Submitter: clerk(partner), Quarter: q}
	y.starts(PaymentApplicationType, oneLiveID(quarter.Kind, partner, q), PaymentApplicationInput{Application: app})
}
