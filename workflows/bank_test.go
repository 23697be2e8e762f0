package workflows

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/payment"
	"countersign/domain/withdrawal"
	"countersign/internal/iso20022/xsdtest"
	"countersign/internal/pgtest"
	"countersign/views"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const payingAccounts = `
paying_accounts:
  - {entity: cloud, name: 云计算技术有限公司, account_no: "7559000011112222", bic: CMBCCNBS}
`

// newBankHouse is a house with a lot of 10,000.00 that leaves by bank card, and the vendor's account.
func newBankHouse(t *testing.T) (*house, *activities.Bank) {
	h := newHouse(t, cst("2025-11-03 10:00"), payingAccounts)
	h.lot("P1001", "l1", "EBANK_CORPORATE", "A Ltd", "2025-01-10 10:00", "10000.00")
	return h, &activities.Bank{DB: h.db}
}

// approved opens a withdrawal and has it approved.
func (h *house) approved(key, amount string) string {
	h.t.Helper()
	number := h.opens(h.toBank(key, amount)).Case
	h.approve(number)
	return number
}

// exported releases whatever lina may send into one file.
func (h *house) exported(b *activities.Bank, key string) activities.BankOrder {
	h.t.Helper()
	o, err := b.OpenOrder(context.Background(), activities.OpenOrderInput{Key: key, Person: "lina", At: h.now})
	require.NoError(h.t, err)
	for _, p := range o.Payments {
		h.must(h.decideOn(p.Task, p.Send(o.MessageID, "lina")))
	}
	o, err = b.WriteOrder(context.Background(), activities.WriteOrderInput{MessageID: o.MessageID, At: h.now})
	require.NoError(h.t, err)
	require.Empty(h.t, xsdtest.Check([]byte(o.File)))
	return o
}

// entry is a booking of a statement: "DBIT W000001-1 1200.00 B-1".
func statement(id string, entries ...string) []byte {
	var s strings.Builder
	fmt.Fprintf(&s, `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>%s</MsgId><CreDtTm>2025-11-05T20:00:00+08:00</CreDtTm></GrpHdr>
<Stmt><Id>%s</Id><Acct><Id><Othr><Id>7559000011112222</Id></Othr></Id></Acct>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2025-11-05</Dt></Dt></Bal>
`, id, id)
	for _, e := range entries {
		f := strings.Fields(e)
		fmt.Fprintf(&s, `<Ntry><Amt Ccy="CNY">%s</Amt><CdtDbtInd>%s</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2025-11-05</Dt></BookgDt><AcctSvcrRef>%s</AcctSvcrRef>`+
			`<BkTxCd><Prtry><Cd>TRF</Cd></Prtry></BkTxCd><NtryDtls><TxDtls><Refs><EndToEndId>%s</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>`+"\n", f[2], f[0], f[3], f[1])
	}
	s.WriteString("</Stmt></BkToCstmrStmt></Document>\n")
	return []byte(s.String())
}

// status is a report on an order: "RJCT W000001-1"; without entries the whole order has the status.
func status(id, order, whole string, entries ...string) []byte {
	var s strings.Builder
	fmt.Fprintf(&s, `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.11"><CstmrPmtStsRpt><GrpHdr><MsgId>%s</MsgId><CreDtTm>2025-11-04T20:00:00+08:00</CreDtTm></GrpHdr>
<OrgnlGrpInfAndSts><OrgnlMsgId>%s</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.10</OrgnlMsgNmId><GrpSts>%s</GrpSts></OrgnlGrpInfAndSts>
`, id, order, whole)
	if len(entries) > 0 {
		fmt.Fprintf(&s, `<OrgnlPmtInfAndSts><OrgnlPmtInfId>%s-1</OrgnlPmtInfId>`, order)
		for _, e := range entries {
			f := strings.Fields(e)
			fmt.Fprintf(&s, `<TxInfAndSts><OrgnlEndToEndId>%s</OrgnlEndToEndId><TxSts>%s</TxSts><StsRsnInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>账户已销户</AddtlInf></StsRsnInf></TxInfAndSts>`, f[1], f[0])
		}
		s.WriteString(`</OrgnlPmtInfAndSts>`)
	}
	s.WriteString("</CstmrPmtStsRpt></Document>\n")
	return []byte(s.String())
}

// recorded reads a file of the bank.
func (h *house) recorded(b *activities.Bank, person string, file []byte) activities.BankAnswer {
	h.t.Helper()
	require.Empty(h.t, xsdtest.Check(file))
	a, err := b.RecordAnswer(context.Background(), activities.RecordAnswerInput{Name: "bank.xml", File: file, Person: person, At: h.now})
	require.NoError(h.t, err)
	return a
}

// imported records a file and carries its lines out, as the command does.
func (h *house) imported(b *activities.Bank, person string, file []byte) activities.BankAnswer {
	h.t.Helper()
	for _, l := range h.recorded(b, person, file).Lines {
		switch {
		case !l.Waits():
		case l.Result == payment.ReturnsLate:
			_, err := h.act.ReportLateReturn(context.Background(), l.LateReturn(person, h.now))
			require.NoError(h.t, err)
		default:
			h.must(h.decideOn(l.Task, l.Decision(person)))
		}
	}
	return h.recorded(b, person, file)
}

func (h *house) payment(number string) string {
	h.t.Helper()
	var s string
	require.NoError(h.t, h.db.Get(&s, `SELECT concat_ws(' ', end_to_end_id, amount, state, message_id) FROM payments WHERE case_number = $1 ORDER BY end_to_end_id DESC LIMIT 1`, number))
	return s
}

func (h *house) state(number string) string {
	h.t.Helper()
	var s string
	require.NoError(h.t, h.db.Get(&s, `SELECT state FROM cases WHERE case_number = $1`, number))
	return s
}

// results lists what the lines of a file meant.
func results(a activities.BankAnswer) []string {
	var out []string
	for _, l := range a.Lines {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", l.ID, l.Result, l.State)))
	}
	return out
}

// Rule: WDL-16 WDR-03 ENG-01
func TestGivenAnApprovedWithdrawal_WhenItLeavesInABankFileAndComesBackInAStatement_ThenItIsPaidOnce(t *testing.T) {
	h, b := newBankHouse(t)
	app := h.toBank("k1", "1200.00")
	r := h.start(app)
	r.decides(time.Hour, withdrawal.Review, approval.Decision{Person: "zhao", Outcome: approval.Approve})
	var order activities.BankOrder
	var sent, confirmed answerOf
	r.asks(2*time.Hour, DecideUpdate, &sent, func() any {
		h.now = r.env.Now()
		o, err := b.OpenOrder(context.Background(), activities.OpenOrderInput{Key: "monday", Person: "lina", At: h.now})
		require.NoError(t, err)
		require.Len(t, o.Payments, 1)
		return o.Payments[0].Send(o.MessageID, "lina")
	})
	statementFile := statement("S1", "DBIT W000001-1 1200.00 BANK-7")
	r.asks(50*time.Hour, DecideUpdate, &confirmed, func() any {
		var err error
		order, err = b.WriteOrder(context.Background(), activities.WriteOrderInput{MessageID: "X000001", At: h.now})
		require.NoError(t, err)
		h.now = r.env.Now()
		a := h.recorded(b, "wang", statementFile)
		require.Equal(t, []string{"W000001-1 settles EXPORTED"}, results(a))
		return a.Lines[0].Decision("wang")
	})
	r.toEnd(app)
	require.NoError(t, r.err)
	require.Equal(t, withdrawal.Paid, r.result.State)
	require.Equal(t, withdrawal.Paying, sent.standing.State)
	require.Equal(t, withdrawal.Paid, confirmed.standing.State)

	require.Empty(t, xsdtest.Check([]byte(order.File)))
	for _, part := range []string{"<MsgId>X000001</MsgId>", "<EndToEndId>W000001-1</EndToEndId>", `<InstdAmt Ccy="CNY">1200.00</InstdAmt>`, "<Nm>云计算技术有限公司</Nm>", "<Nm>A Ltd</Nm>", "<Id>6222-1</Id>", "<Ustrd>W000001</Ustrd>", "<Dt>2025-11-03</Dt>"} {
		require.Contains(t, order.File, part)
	}
	require.Equal(t, "W000001-1 1200.00 CONFIRMED X000001", h.payment("W000001"))
	require.Equal(t, "-1200.00", h.balance(ledger.Bank))
	require.Equal(t, "0.00", h.balance(ledger.Hold("P1001")))

	again := h.imported(b, "zhao", statementFile)
	require.True(t, again.Known)
	require.Equal(t, []string{"W000001-1 settles CONFIRMED"}, results(again))
	require.False(t, again.Lines[0].Waits())
	o, err := b.OpenOrder(context.Background(), activities.OpenOrderInput{Key: "monday", Person: "lina", At: h.now.Add(time.Hour)})
	require.NoError(t, err)
	require.Equal(t, order.File, o.File, "octet for octet")
	require.Equal(t, 1, h.count(`SELECT count(*) FROM entries WHERE key LIKE '%/paid'`))
	h.addsUp()
}

// Rule: ENG-01 COM-20
func TestGivenAnExport_WhenItIsRepeatedOrKilledBetween_ThenTheFileIsTheSameAndNothingLeavesTwice(t *testing.T) {
	h, b := newBankHouse(t)
	first, second := h.approved("k1", "100.00"), h.approved("k2", "200.00")
	open := activities.OpenOrderInput{Key: "monday", Person: "lina", At: h.now}
	o, err := b.OpenOrder(context.Background(), open)
	require.NoError(t, err)
	require.Len(t, o.Payments, 2)
	h.must(h.decideOn(o.Payments[0].Task, o.Payments[0].Send(o.MessageID, "lina"))) // and here the command is killed

	rest, err := b.OpenOrder(context.Background(), open)
	require.NoError(t, err)
	require.Equal(t, o.MessageID, rest.MessageID)
	require.Len(t, rest.Payments, 1)
	require.Equal(t, second, rest.Payments[0].Case)
	done := h.exported(b, "monday")
	require.Equal(t, 1, strings.Count(done.File, "<EndToEndId>"+first+"-1<"))
	require.Equal(t, 1, strings.Count(done.File, "<EndToEndId>"+second+"-1<"))
	require.Contains(t, done.File, "<CtrlSum>300.00</CtrlSum>")

	h.approved("k3", "300.00")
	written, err := b.OpenOrder(context.Background(), open)
	require.NoError(t, err)
	require.Equal(t, done.File, written.File)
	require.Len(t, written.Payments, 2)
	again, err := b.WriteOrder(context.Background(), activities.WriteOrderInput{MessageID: done.MessageID, At: h.now})
	require.NoError(t, err)
	require.Equal(t, done.File, again.File)

	open.Person = "zhao"
	_, err = b.OpenOrder(context.Background(), open)
	require.Equal(t, []string{"COM-20 COM_REQUEST_KEY"}, codesOf(activities.RefusalOf(err)))
	next := h.exported(b, "tuesday")
	require.Equal(t, "X000002", next.MessageID)
	require.Contains(t, next.File, "<NbOfTxs>1</NbOfTxs>")
}

// Rule: ENG-03
func TestGivenAPayment_WhenItIsSentByHandAndExported_ThenItGoesOneWayOnly(t *testing.T) {
	h, b := newBankHouse(t)
	number := h.approved("k1", "100.00")
	o, err := b.OpenOrder(context.Background(), activities.OpenOrderInput{Key: "monday", Person: "lina", At: h.now})
	require.NoError(t, err)
	h.send(number) // by hand, while the export is under way
	require.Equal(t, number+"-1 100.00 BY_HAND", h.payment(number))
	_, err = h.decideOn(o.Payments[0].Task, o.Payments[0].Send(o.MessageID, "lina"))
	require.Equal(t, []string{"ENG-03 ENG_STATE"}, codesOf(activities.RefusalOf(err)))
	_, err = b.WriteOrder(context.Background(), activities.WriteOrderInput{MessageID: o.MessageID, At: h.now})
	require.ErrorContains(t, err, "No payment joined the order")
	_, err = b.OpenOrder(context.Background(), activities.OpenOrderInput{Key: "later", Person: "lina", At: h.now})
	require.Equal(t, []string{"ENG-03 ENG_STATE"}, codesOf(activities.RefusalOf(err)))

	require.Equal(t, []string{number + "-1 settles CONFIRMED"}, results(h.imported(b, "zhao", statement("S1", "DBIT "+number+"-1 100.00 B-1"))), "a statement may confirm what people sent")

	other := h.approved("k2", "100.00")
	done := h.exported(b, "tuesday")
	_, err = h.decide(other, withdrawal.Send, approval.Decision{Person: "zhao", Outcome: withdrawal.Sent})
	require.Equal(t, []string{"ENG-03 ENG_STATE"}, codesOf(activities.RefusalOf(err)))

	third := h.approved("k3", "100.00")
	_, err = h.decide(third, withdrawal.Send, approval.Decision{Person: "zhao", Outcome: withdrawal.Sent, Reference: done.MessageID})
	require.ErrorContains(t, err, "is written, nothing can join it")
	require.Equal(t, "APPROVED", h.state(third))
	require.Equal(t, third+"-1 100.00 READY", h.payment(third))
	h.addsUp()
}

// Rule: WDL-16
func TestGivenAStatementWithAnotherAmount_WhenItIsImported_ThenNothingIsSettledAndPeopleAreTold(t *testing.T) {
	h, b := newBankHouse(t)
	number := h.approved("k1", "1200.00")
	h.exported(b, "monday")
	a := h.imported(b, "zhao", statement("S1", "DBIT "+number+"-1 1199.99 B-1", "DBIT W999999-1 5.00 B-2", "DBIT NOTPROVIDED 3.00 B-3"))
	require.Equal(t, []string{number + "-1 differs EXPORTED", "W999999-1 unknown", "unknown"}, results(a))
	require.Equal(t, "the bank says 1199.99 CNY, the payment is 1200.00 CNY", a.Lines[0].Note)
	require.Equal(t, "PAYING", h.state(number))
	require.Equal(t, 1, h.count(`SELECT count(*) FROM tasks WHERE matter = 'confirm' AND question LIKE '%left in the bank file X000001: do not pay it again.%'`))
	require.Equal(t, "1200.00", h.balance(ledger.Hold("P1001")))
	require.Equal(t, "zhao bank line PAYING>PAYING ENG-03", h.history(number)[len(h.history(number))-1])
	require.Equal(t, 3, h.count(`SELECT count(*) FROM outbox WHERE key LIKE 'bank/%' AND body LIKE '%1199.99 CNY%'`), "lina, zhao and wang may answer")
	require.Equal(t, 1, h.count(`SELECT count(*) FROM tasks WHERE case_number = $1 AND matter = 'confirm' AND state = 'open'`, number))

	h.imported(b, "zhao", statement("S1", "DBIT "+number+"-1 1199.99 B-1", "DBIT W999999-1 5.00 B-2", "DBIT NOTPROVIDED 3.00 B-3"))
	require.Equal(t, 3, h.count(`SELECT count(*) FROM outbox WHERE key LIKE 'bank/%'`), "told once")
	require.Equal(t, []string{number + "-1 known EXPORTED"}, results(h.imported(b, "zhao", statement("S2", "DBIT "+number+"-1 1199.99 B-1"))), "the same line in the next statement")
	require.Equal(t, []string{number + "-1 unexpected EXPORTED"}, results(h.imported(b, "zhao", statement("S3", "DBIT "+number+"-1 1200.00 B-9"))), "a second debit")
	require.Equal(t, "PAYING", h.state(number))
	h.confirm(number, "1200.00") // people settle it
	require.Equal(t, number+"-1 1200.00 CONFIRMED X000001", h.payment(number))
	h.addsUp()
}

// Rule: ENG-01
func TestGivenTwoPaymentsOfEqualAmounts_WhenAStatementNamesOne_ThenOnlyThatOneIsPaid(t *testing.T) {
	h, b := newBankHouse(t)
	first, second := h.approved("k1", "500.00"), h.approved("k2", "500.00")
	h.exported(b, "monday")
	h.imported(b, "zhao", statement("S1", "DBIT "+second+"-1 500.00 B-1"))
	require.Equal(t, "PAYING", h.state(first))
	require.Equal(t, "PAID", h.state(second))
	require.Equal(t, "500.00", h.balance(ledger.Hold("P1001")))
	a := h.imported(b, "zhao", statement("S2", "DBIT "+second+"-1 500.00 B-1", "DBIT "+second+"-1 500.00 B-2", "DBIT "+first+"-1 500.00 B-3"))
	require.Equal(t, []string{second + "-1 known CONFIRMED", second + "-1 unexpected CONFIRMED", first + "-1 settles CONFIRMED"}, results(a))
	require.Equal(t, "-1000.00", h.balance(ledger.Bank))
	h.addsUp()
}

// Rule: WDR-11
func TestGivenAPaymentThatTheBankGivesBackOrRejects_WhenItsFileIsImported_ThenTheHoldIsReleased(t *testing.T) {
	h, b := newBankHouse(t)
	returned, rejected, kept := h.approved("k1", "100.00"), h.approved("k2", "200.00"), h.approved("k3", "300.00")
	h.exported(b, "monday")
	a := h.imported(b, "zhao", status("P1", "X000001", "PART", "ACSP "+returned+"-1", "RJCT "+rejected+"-1", "PDNG "+kept+"-1"))
	require.Equal(t, []string{returned + "-1 accepts ACCEPTED", rejected + "-1 returns REJECTED", kept + "-1 notes EXPORTED"}, results(a))
	require.Equal(t, "FAILED", h.state(rejected))
	a = h.imported(b, "zhao", statement("S1", "CRDT "+returned+"-1 100.00 R-1"))
	require.Equal(t, []string{returned + "-1 returns RETURNED"}, results(a))
	require.Equal(t, "FAILED", h.state(returned))
	require.Equal(t, "300.00", h.balance(ledger.Hold("P1001")))
	require.Equal(t, "9700.00", h.balance(ledger.Cash("P1001")))
	require.Equal(t, "0.00", h.balance(ledger.Bank))
	var reason string
	require.NoError(t, h.db.Get(&reason, `SELECT reason FROM tasks WHERE case_number = $1 AND matter = 'confirm'`, rejected))
	require.Equal(t, "RJCT AC04 账户已销户", reason)

	a = h.imported(b, "zhao", status("P2", "X000001", "RJCT"))
	require.Equal(t, []string{returned + "-1 known RETURNED", rejected + "-1 known REJECTED", kept + "-1 returns REJECTED"}, results(a), "the whole order")
	require.Equal(t, "10000.00", h.balance(ledger.Cash("P1001")))
	h.addsUp()
}

// Rule: WDL-28
func TestGivenAPaidWithdrawal_WhenAStatementGivesMoneyBack_ThenALateReturnIsReportedOnce(t *testing.T) {
	h, b := newBankHouse(t)
	number := h.approved("k1", "1200.00")
	h.exported(b, "monday")
	both := statement("S1", "DBIT "+number+"-1 1200.00 B-1", "CRDT "+number+"-1 1150.00 R-1") // less the bank's fee
	a := h.imported(b, "zhao", both)
	require.Equal(t, []string{number + "-1 settles CONFIRMED", number + "-1 returns-late CONFIRMED"}, results(a))
	require.Equal(t, "PAID", h.state(number))
	require.Equal(t, number+"/late-return", a.Lines[1].Late)
	h.imported(b, "zhao", both)
	h.imported(b, "lina", statement("S2", "CRDT "+number+"-1 1150.00 R-1"))
	require.Equal(t, 1, h.count(`SELECT count(*) FROM tasks WHERE matter = 'late-return'`))
	h.must(h.decideOn(number+"/late-return", approval.Decision{Person: "lina", Outcome: withdrawal.Arrived, Amount: "1150.00", Reference: "R-1"}))
	require.Equal(t, "9950.00", h.balance(ledger.Cash("P1001")))
	h.addsUp()
}

// Rule: ENG-02
func TestGivenAnImportKilledBeforeItDecides_WhenItIsRepeatedByWhoMay_ThenTheRestIsSettledOnce(t *testing.T) {
	h, b := newBankHouse(t)
	app := h.toBankBy("wang", "k1", "100.00", h.now) // on the partner's behalf
	mine := h.opens(app).Case
	h.approve(mine)
	other := h.approved("k2", "200.00")
	h.exported(b, "monday")
	file := statement("S1", "DBIT "+mine+"-1 100.00 B-1", "DBIT "+other+"-1 200.00 B-2")
	a := h.recorded(b, "wang", file) // killed here
	require.Equal(t, []string{mine + "-1 settles EXPORTED", other + "-1 settles EXPORTED"}, results(a))

	a = h.recorded(b, "wang", file)
	require.True(t, a.Known)
	require.True(t, a.Lines[0].Waits() && a.Lines[1].Waits())
	_, err := h.decideOn(a.Lines[0].Task, a.Lines[0].Decision("wang"))
	require.Equal(t, []string{"ENG-02 ENG_SELF_APPROVAL"}, codesOf(activities.RefusalOf(err)), "nobody settles their own")
	h.must(h.decideOn(a.Lines[1].Task, a.Lines[1].Decision("wang")))
	h.must(h.decideOn(a.Lines[1].Task, a.Lines[1].Decision("wang"))) // twice: once
	require.Equal(t, "PAYING", h.state(mine))

	require.NotEqual(t, a.Lines[0].Decision("zhao").Key, h.recorded(b, "zhao", file).Lines[0].Decision("zhao").Key, "Temporal would answer the old key with the old refusal")
	a = h.imported(b, "zhao", file)
	require.Equal(t, []string{mine + "-1 settles CONFIRMED", other + "-1 settles CONFIRMED"}, results(a))
	require.Equal(t, 2, h.count(`SELECT count(*) FROM entries WHERE key LIKE '%/paid'`))
	require.Equal(t, 1, h.count(`SELECT count(*) FROM statement_files`))
	require.Equal(t, 2, h.count(`SELECT count(*) FROM statement_lines`))
	h.addsUp()
}

// Rule: ENG-06 COM-16
func TestGivenWhatCannotBeExportedOrImported_WhenItIsTried_ThenItIsRefusedAndNothingIsKept(t *testing.T) {
	h := newHouse(t, cst("2025-11-03 10:00"), "")
	h.lot("P1001", "l1", "EBANK_CORPORATE", "A Ltd", "2025-01-10 10:00", "10000.00")
	b := &activities.Bank{DB: h.db}
	number := h.approved("k1", "100.00")
	export := func(person string) error {
		_, err := b.OpenOrder(context.Background(), activities.OpenOrderInput{Key: "k", Person: person, At: h.now})
		return err
	}
	require.ErrorContains(t, export("lina"), "The entity cloud, which pays "+number+", has no bank account here")
	for _, person := range []string{"mei", "chen", "nobody"} {
		require.Equal(t, []string{"COM-16 CBC.0151"}, codesOf(activities.RefusalOf(export(person))), person)
	}
	require.Zero(t, h.count(`SELECT count(*) FROM payment_batches`))

	imports := func(person string, file []byte) error {
		_, err := b.RecordAnswer(context.Background(), activities.RecordAnswerInput{Name: "s.xml", File: file, Person: person, At: h.now})
		return err
	}
	file := statement("S1", "DBIT "+number+"-1 100.00 B-1")
	require.ErrorContains(t, imports("zhao", file), "The statement is of account 7559000011112222, from which no entity pays")
	h.load(payingAccounts)
	require.Equal(t, []string{"COM-16 CBC.0151"}, codesOf(activities.RefusalOf(imports("chen", file))))
	require.ErrorContains(t, imports("zhao", file[:300]), "the file s.xml, line ")
	require.Zero(t, h.count(`SELECT count(*) FROM statement_files`))
	require.NoError(t, imports("zhao", file))
	require.Equal(t, 1, h.count(`SELECT count(*) FROM statement_lines WHERE result = 'unexpected' AND note = 'the bank says paid, the payment is READY'`))
	require.Equal(t, "APPROVED", h.state(number))
}

// Rule: WDL-17
func TestGivenMoneyThatNoBankFileCanCarry_WhenAnExportIsMade_ThenItIsLeftToPeople(t *testing.T) {
	h, b := newBankHouse(t)
	h.lot("P1001", "w1", "ALIPAY", "A Ltd", "2025-10-20 10:00", "50.00")
	wallet := h.opens(h.original("k1", "50.00"))
	require.Equal(t, withdrawal.Approved, wallet.State)
	require.Zero(t, h.count(`SELECT count(*) FROM payments`), "its channel pays it")
	app := h.toBank("k2", "100.00")
	app.Payee.AccountNo = strings.Repeat("6", 35)
	long := h.opens(app).Case
	h.approve(long)
	_, err := b.OpenOrder(context.Background(), activities.OpenOrderInput{Key: "k", Person: "lina", At: h.now})
	require.ErrorContains(t, err, long+": the payee's account number has 35 characters, a bank file takes 34; send it by hand")
	fits := h.approved("k3", "100.00")
	o, err := b.OpenOrder(context.Background(), activities.OpenOrderInput{Key: "k", Person: "lina", At: h.now})
	require.NoError(t, err)
	require.Len(t, o.Payments, 1)
	require.Equal(t, fits, o.Payments[0].Case)
	require.Len(t, o.Left, 1)

	_, err = h.decide(wallet.Case, withdrawal.Send, approval.Decision{Person: "lina", Outcome: withdrawal.Sent, Reference: o.MessageID})
	require.ErrorContains(t, err, "No payment of this case waits for a bank file")
	h.send(wallet.Case)
	h.must(h.decide(long, withdrawal.Send, approval.Decision{Person: "lina", Outcome: withdrawal.Fail, Reason: "no such account"}))
	require.Equal(t, long+"-1 100.00 DROPPED", h.payment(long))
	h.addsUp()
}

// Rule: WDL-04
func TestGivenAPayeeWhoseNameCameApart_WhenItsPaymentIsExported_ThenTheCaseFailsAndTheFileIsWithoutIt(t *testing.T) {
	h, b := newBankHouse(t)
	number, other := h.approved("k1", "100.00"), h.approved("k2", "200.00")
	o, err := b.OpenOrder(context.Background(), activities.OpenOrderInput{Key: "k", Person: "lina", At: h.now})
	require.NoError(t, err)
	h.must(h.decideOn(o.Payments[1].Task, o.Payments[1].Send(o.MessageID, "lina")))
	h.load("partners:\n  - {id: P1001, name: A Ltd, kind: solution-provider, verified_name: New A Ltd, entity: cloud}\n")
	h.must(h.decideOn(o.Payments[0].Task, o.Payments[0].Send(o.MessageID, "lina")))
	require.Equal(t, "FAILED", h.state(number))
	require.Equal(t, number+"-1 100.00 DROPPED", h.payment(number))
	o, err = b.WriteOrder(context.Background(), activities.WriteOrderInput{MessageID: o.MessageID, At: h.now})
	require.NoError(t, err)
	require.Len(t, o.Payments, 1)
	require.Equal(t, other, o.Payments[0].Case)
	require.NotContains(t, o.File, number)
	require.Equal(t, money.Must("200.00"), o.Payments[0].Amount)
}

// Rule: ENG-01
func TestGivenTwoStatementsWithOnePayment_WhenTheyAreImportedAtOnce_ThenOneLineSettlesIt(t *testing.T) {
	h, b := newBankHouse(t)
	first, second := h.approved("k1", "100.00"), h.approved("k2", "200.00")
	h.exported(b, "monday")
	files := [][]byte{ // in opposite order, and one of them twice
		statement("S1", "DBIT "+first+"-1 100.00 B-1", "DBIT "+second+"-1 200.00 B-2"),
		statement("S2", "DBIT "+second+"-1 200.00 C-2", "DBIT "+first+"-1 100.00 C-1"),
	}
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			_, err := b.RecordAnswer(context.Background(), activities.RecordAnswerInput{Name: "s.xml", File: files[i%2], Person: "zhao", At: h.now})
			assert.NoError(t, err)
		})
	}
	all.Wait()
	require.Equal(t, 2, h.count(`SELECT count(*) FROM statement_files`))
	require.Equal(t, 2, h.count(`SELECT count(*) FROM statement_lines WHERE result = 'settles'`))
	require.Equal(t, 2, h.count(`SELECT count(*) FROM statement_lines WHERE result = 'unexpected'`))
	h.imported(b, "zhao", files[0])
	h.imported(b, "zhao", files[1])
	require.Equal(t, "-300.00", h.balance(ledger.Bank))
	h.addsUp()
}

// Rule: ENG-03
func TestGivenAPaymentOnItsWayIntoAFile_WhenItIsSentByHandAtTheSameTime_ThenItGoesOneWayOnly(t *testing.T) {
	h, b := newBankHouse(t)
	for i := range 5 {
		number := h.approved(fmt.Sprintf("k%d", i), "100.00")
		o, err := b.OpenOrder(context.Background(), activities.OpenOrderInput{Key: number, Person: "lina", At: h.now})
		require.NoError(t, err)
		var both sync.WaitGroup
		both.Go(func() { _, _ = h.decideOn(o.Payments[0].Task, o.Payments[0].Send(o.MessageID, "lina")) })
		both.Go(func() {
			_, _ = h.decide(number, withdrawal.Send, approval.Decision{Person: "zhao", Outcome: withdrawal.Sent})
		})
		both.Go(func() {
			_, _ = b.WriteOrder(context.Background(), activities.WriteOrderInput{MessageID: o.MessageID, At: h.now})
		})
		both.Wait()
		_, err = b.WriteOrder(context.Background(), activities.WriteOrderInput{MessageID: o.MessageID, At: h.now})
		inFile := h.count(`SELECT count(*) FROM payment_batches WHERE file LIKE '%' || $1 || '%'`, number+"-1")
		if h.payment(number) == number+"-1 100.00 BY_HAND" {
			require.Zero(t, inFile)
			require.Error(t, err)
		} else {
			require.Equal(t, number+"-1 100.00 EXPORTED "+o.MessageID, h.payment(number))
			require.Equal(t, 1, inFile)
		}
	}
	h.addsUp()
}

func TestGivenAPaymentThatIsNotWhereItsCaseIs_WhenVerified_ThenItIsFound(t *testing.T) {
	h, b := newBankHouse(t)
	number := h.approved("k1", "100.00")
	h.exported(b, "monday")
	h.confirm(number, "100.00")
	h.addsUp()
	owner := pgtest.Owner(t, h.db)
	owner.MustExec(`ALTER TABLE payments DISABLE TRIGGER USER; UPDATE payments SET state = 'RETURNED'`)
	owner.MustExec(`ALTER TABLE payment_batches DISABLE TRIGGER USER; UPDATE payment_batches SET file = replace(file, '100.00', '900.00')`)
	found, err := views.Reader{DB: h.db}.Verify(context.Background(), nil)
	require.NoError(t, err)
	require.Len(t, found.Findings, 2)
	require.Equal(t, "its file is not the one that was written", found.Findings[0].Message)
	require.Equal(t, "it is RETURNED, its case is PAID", found.Findings[1].Message)
}

// Rule: ENG-03
func TestGivenAPaymentThatNoFileCanCarry_WhenItIsSentIntoAnOpenOrderByHand_ThenItStaysOutAndTheOrderIsWritten(t *testing.T) {
	h, b := newBankHouse(t)
	fits := h.approved("k1", "100.00")
	app := h.toBank("k2", "200.00")
	app.Payee.AccountNo = strings.Repeat("6", 35)
	long := h.opens(app).Case
	h.approve(long)
	o, err := b.OpenOrder(context.Background(), activities.OpenOrderInput{Key: "k", Person: "lina", At: h.now})
	require.NoError(t, err)
	h.must(h.decideOn(o.Payments[0].Task, o.Payments[0].Send(o.MessageID, "lina")))
	_, err = h.decide(long, withdrawal.Send, approval.Decision{Person: "zhao", Outcome: withdrawal.Sent, Reference: o.MessageID})
	require.Equal(t, []string{"ENG-03 ENG_STATE"}, codesOf(activities.RefusalOf(err)))
	require.ErrorContains(t, err, "the payee's account number has 35 characters, a bank file takes 34; send it by hand")
	require.Equal(t, long+"-1 200.00 READY", h.payment(long))
	o, err = b.WriteOrder(context.Background(), activities.WriteOrderInput{MessageID: o.MessageID, At: h.now})
	require.NoError(t, err)
	require.Len(t, o.Payments, 1)
	require.Equal(t, fits, o.Payments[0].Case)
}

// Rule: ENG-03
func TestGivenAnEntityWithoutAnAccount_WhenItsPaymentIsSentIntoAnOpenOrderByHand_ThenItStaysOut(t *testing.T) {
	h, b := newBankHouse(t)
	h.approved("k1", "100.00")
	o, err := b.OpenOrder(context.Background(), activities.OpenOrderInput{Key: "k", Person: "lina", At: h.now})
	require.NoError(t, err)
	h.load("partners:\n  - {id: P1001, name: A Ltd, kind: solution-provider, verified_name: A Ltd, entity: software}\n")
	number := h.approved("k2", "200.00")
	require.Equal(t, 1, h.count(`SELECT count(*) FROM payments WHERE case_number = $1 AND paying_entity = 'software'`, number))
	_, err = h.decide(number, withdrawal.Send, approval.Decision{Person: "zhao", Outcome: withdrawal.Sent, Reference: o.MessageID})
	require.ErrorContains(t, err, "the entity software has no bank account here")
	require.Equal(t, number+"-1 200.00 READY", h.payment(number))
}

// Rule: ENG-01
func TestGivenALineThatWasRecordedButNotCarriedOut_WhenAPersonAnswersTheOpposite_ThenItIsRefused(t *testing.T) {
	h, b := newBankHouse(t)
	paid, returned, both := h.approved("k1", "100.00"), h.approved("k2", "200.00"), h.approved("k3", "50.00")
	h.exported(b, "monday")
	h.recorded(b, "zhao", status("P1", "X000001", "PART", "RJCT "+both+"-1"))
	require.Equal(t, []string{both + "-1 unexpected EXPORTED"}, results(h.recorded(b, "zhao", statement("S0", "DBIT "+both+"-1 50.00 B-0"))))
	h.confirm(both, "50.00") // the bank has said both: people decide
	file := statement("S1", "DBIT "+paid+"-1 100.00 B-1", "CRDT "+returned+"-1 200.00 R-1")
	h.recorded(b, "zhao", file) // and the import is killed here

	_, err := h.decide(paid, withdrawal.Confirm, approval.Decision{Person: "wang", Outcome: withdrawal.Bounced, Reason: "no trace of it"})
	require.Equal(t, []string{"ENG-01 ENG_STATE"}, codesOf(activities.RefusalOf(err)), "it is paid: what is held would be given back")
	_, err = h.decide(returned, withdrawal.Confirm, approval.Decision{Person: "wang", Outcome: withdrawal.Arrived, Amount: "200.00", Reference: "B-2"})
	require.Equal(t, []string{"ENG-01 ENG_STATE"}, codesOf(activities.RefusalOf(err)), "it came back: the partner would go without")
	require.Equal(t, "300.00", h.balance(ledger.Hold("P1001")))

	h.imported(b, "wang", file)
	require.Equal(t, "PAID", h.state(paid))
	require.Equal(t, "FAILED", h.state(returned))
	h.addsUp()
}

// Rule: ENG-01
func TestGivenARejectionOfASecondCopyOrAnUndoneReturn_WhenItIsImported_ThenNothingIsReleasedAndPeopleAreTold(t *testing.T) {
	h, b := newBankHouse(t)
	number := h.approved("k1", "100.00")
	h.exported(b, "monday")
	second := strings.Replace(string(status("P1", "X000001", "RJCT")), "<GrpSts>RJCT</GrpSts>", "<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>DU01</Cd></Rsn></StsRsnInf>", 1)
	a := h.imported(b, "zhao", []byte(second))
	require.Equal(t, []string{number + "-1 unexpected EXPORTED"}, results(a), "the file was given to the bank twice: the first copy is paid")
	require.Equal(t, "RJCT DU01: only people can tell what the line means for the payment, which is EXPORTED", a.Lines[0].Note)
	require.Equal(t, "PAYING", h.state(number))

	h.imported(b, "zhao", statement("S1", "CRDT "+number+"-1 100.00 R-1"))
	require.Equal(t, "FAILED", h.state(number))
	undone := strings.Replace(string(statement("S2", "DBIT "+number+"-1 100.00 R-2")), "</CdtDbtInd><Sts>", "</CdtDbtInd><RvslInd>true</RvslInd><Sts>", 1)
	a = h.imported(b, "zhao", []byte(undone))
	require.Equal(t, []string{number + "-1 unexpected RETURNED"}, results(a))
	require.Contains(t, a.Lines[0].Note, "money that had come back has left again: ")
	h.addsUp()
}

// Rule: ENG-03
func TestGivenAnOrderThatIsNotWrittenYet_WhenAReportSpeaksOfIt_ThenItsPaymentStillGetsIntoTheFile(t *testing.T) {
	h, b := newBankHouse(t)
	number := h.approved("k1", "100.00")
	o, err := b.OpenOrder(context.Background(), activities.OpenOrderInput{Key: "k", Person: "lina", At: h.now})
	require.NoError(t, err)
	h.must(h.decideOn(o.Payments[0].Task, o.Payments[0].Send(o.MessageID, "lina")))
	require.Equal(t, []string{number + "-1 unexpected EXPORTED"}, results(h.imported(b, "zhao", status("P1", o.MessageID, "PART", "ACSP "+number+"-1"))))
	o, err = b.WriteOrder(context.Background(), activities.WriteOrderInput{MessageID: o.MessageID, At: h.now})
	require.NoError(t, err)
	require.Len(t, o.Payments, 1)
}

// Rule: ENG-01
func TestGivenAPaymentThatIsNotTheCases_WhenTheCaseIsApproved_ThenItIsRefused(t *testing.T) {
	h, _ := newBankHouse(t)
	number := h.opens(h.toBank("k1", "100.00")).Case
	h.db.MustExec(`INSERT INTO payments (end_to_end_id, case_number, amount, currency, payee, account_no, bank, branch, paying_entity, ordered_at, changed_at)
		VALUES ('mine', $1, '100.00', 'CNY', 'Mallory', '6222-9', 'B', '', 'cloud', now(), now())`, number)
	_, err := h.decide(number, withdrawal.Review, approval.Decision{Person: "zhao", Outcome: approval.Approve})
	require.Equal(t, []string{"ENG-01 ENG_STATE"}, codesOf(activities.RefusalOf(err)))
}

// Rule: ENG-03
func TestGivenAWrittenOrder_WhenThePlaceOfAPaymentInItIsChanged_ThenTheDatabaseRefuses(t *testing.T) {
	h, b := newBankHouse(t)
	in, out := h.approved("k1", "100.00"), h.approved("k2", "100.00")
	h.send(out)
	h.exported(b, "monday")
	for _, change := range []string{
		`UPDATE payments SET group_id = NULL WHERE case_number = $1`, `UPDATE payments SET group_id = 'X000001-2' WHERE case_number = $1`,
		`UPDATE payments SET state = 'ACCEPTED', group_id = NULL WHERE case_number = $1`,
	} {
		_, err := h.db.Exec(change, in)
		require.ErrorContains(t, err, "no move", change)
	}
	_, err := h.db.Exec(`UPDATE payments SET message_id = 'X000001', group_id = 'X000001-1' WHERE case_number = $1`, out)
	require.Error(t, err)
}
