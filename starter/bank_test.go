package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/money"
	"countersign/domain/payment"
	"countersign/domain/refusal"
	"countersign/domain/withdrawal"
	"countersign/internal/iso20022/xsdtest"

	"github.com/stretchr/testify/require"
)

// banking is a programme with an account to pay from and an approved withdrawal of 1,200.00.
func banking(t *testing.T) (url, number string, b *activities.Bank) {
	t.Helper()
	url = programme(t)
	number = open(t, url)
	decideAs(t, url, "li", approval.Decision{Task: number + "/review", Outcome: approval.Approve})
	return url, number, &activities.Bank{DB: withdrawals(t, url).DB}
}

func withAccount(t *testing.T, url string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "accounts.yaml")
	require.NoError(t, os.WriteFile(file, []byte("paying_accounts:\n  - {entity: cloud, name: 云计算技术有限公司, account_no: \"7559000011112222\", bic: CMBCCNBS}\n"), 0o600))
	require.Contains(t, ask(t, url, "load", file).out, "1 records laid in")
	require.Contains(t, ask(t, url, "load", file).out, "0 records laid in", "once")
}

func decideAs(t *testing.T, url, person string, d approval.Decision) {
	t.Helper()
	if d.Person = person; d.Key == "" {
		d.Key = d.Task
	}
	_, err := withdrawals(t, url).DecideWithdrawal(context.Background(), activities.DecideInput{Decision: d, At: time.Now()})
	require.NoError(t, err)
}

// released has the payments join an order, as the workflow would; the command that writes it was killed.
func released(t *testing.T, url string, b *activities.Bank, key string) {
	t.Helper()
	o, err := b.OpenOrder(context.Background(), activities.OpenOrderInput{Key: key, Person: "li", At: time.Now()})
	require.NoError(t, err)
	for _, p := range o.Payments {
		decideAs(t, url, "li", p.Send(o.MessageID, "li"))
	}
}

func bookings(t *testing.T, id string, entries ...string) string {
	t.Helper()
	var s strings.Builder
	fmt.Fprintf(&s, `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>%s</MsgId><CreDtTm>2025-11-05T20:00:00+08:00</CreDtTm></GrpHdr>
<Stmt><Id>%s</Id><Acct><Id><Othr><Id>7559000011112222</Id></Othr></Id></Acct>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2025-11-05</Dt></Dt></Bal>
`, id, id)
	for _, e := range entries {
		f := strings.Fields(e)
		fmt.Fprintf(&s, `<Ntry><Amt Ccy="CNY">%s</Amt><CdtDbtInd>%s</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><AcctSvcrRef>%s</AcctSvcrRef>`+
			`<BkTxCd><Prtry><Cd>TRF</Cd></Prtry></BkTxCd><NtryDtls><TxDtls><Refs><EndToEndId>%s</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>`+"\n", f[2], f[0], f[3], f[1])
	}
	s.WriteString("</Stmt></BkToCstmrStmt></Document>\n")
	require.Empty(t, xsdtest.Check([]byte(s.String())))
	name := filepath.Join(t.TempDir(), id+".xml")
	require.NoError(t, os.WriteFile(name, []byte(s.String()), 0o600))
	return name
}

func TestGivenAnEntityWithoutAnAccount_WhenPaymentsAreExported_ThenTheCommandSaysWhatToDo(t *testing.T) {
	url, number, _ := banking(t)
	out := filepath.Join(t.TempDir(), "monday.xml")
	got := ask(t, url, "bank", "export", "--as", "li", "--out", out)
	require.Equal(t, 1, got.code)
	require.Contains(t, got.out, "The entity cloud, which pays "+number+", has no bank account here; add it under paying_accounts of the programme file and load that.")
	require.NoFileExists(t, out)
	require.Contains(t, ask(t, url, "bank", "export", "--as", "li").err, "--out is missing")
	require.Contains(t, ask(t, url, "bank").err, "there are: export, import, list")
	got = ask(t, url, "bank", "list")
	require.Contains(t, got.out, number+"-1      "+number+"  1200.00  Alpha Cloud Ltd  cloud   READY  -")
}

func TestGivenAnExportThatWasCutShort_WhenItIsRepeatedWithItsKey_ThenTheFileIsWrittenAndTheSameAgain(t *testing.T) {
	url, number, b := banking(t)
	withAccount(t, url)
	out := filepath.Join(t.TempDir(), "monday.xml")
	got := ask(t, url, "bank", "export", "--as", "li", "--out", out, "--key", "monday")
	require.Equal(t, 2, got.code, "Temporal is not there: nothing is released")
	require.NoFileExists(t, out)
	released(t, url, b, "monday")
	require.Contains(t, ask(t, url, "bank", "list").out, "not written: starter bank export --as li --out FILE --key monday")

	got = ask(t, url, "bank", "export", "--as", "li", "--out", out, "--key", "monday")
	require.Equal(t, 0, got.code, got.err)
	require.Contains(t, got.out, number+"-1      "+number+"  1200.00  Alpha Cloud Ltd  in the file")
	require.Contains(t, got.out, "Order X000001 over 1200.00 CNY is in "+out)
	first, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Empty(t, xsdtest.Check(first))
	info, err := os.Stat(out)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	got = ask(t, url, "bank", "export", "--as", "li", "--out", out)
	require.Equal(t, 2, got.code)
	require.Contains(t, got.err, "is there already; name another")
	other := filepath.Join(t.TempDir(), "again.xml")
	got = ask(t, url, "bank", "export", "--as", "li", "--out", other, "--key", "monday", "--json")
	require.Equal(t, 0, got.code, got.err)
	require.Equal(t, "1200.00", decoded(t, got.out)["sum"])
	again, err := os.ReadFile(other)
	require.NoError(t, err)
	require.Equal(t, string(first), string(again))
	require.Contains(t, ask(t, url, "bank", "list").out, "EXPORTED  X000001")
}

func TestGivenABanksStatement_WhenItIsImportedAndRepeated_ThenEachLineIsToldAndSettledOnce(t *testing.T) {
	url, number, b := banking(t)
	withAccount(t, url)
	released(t, url, b, "monday")
	require.Equal(t, 0, ask(t, url, "bank", "export", "--as", "li", "--out", filepath.Join(t.TempDir(), "m.xml"), "--key", "monday").code)

	differs := bookings(t, "S1", "DBIT "+number+"-1 1199.00 B-1", "DBIT NOTPROVIDED 5.00 B-2")
	got := ask(t, url, "bank", "import", differs, "--as", "wang")
	require.Equal(t, 1, got.code, got.err)
	require.Contains(t, got.out, "differs: the bank says 1199.00 CNY, the payment is 1200.00 CNY; nothing is settled")
	require.Contains(t, got.out, "unknown: the line names no payment")
	require.Contains(t, ask(t, url, "bank", "list").out, "Somebody has to look at these lines of the bank:")
	require.Contains(t, ask(t, url, "case", "show", number).out, "the bank says 1199.00 CNY")
	require.Contains(t, ask(t, url, "task", "show", number+"/confirm").out, "Bank file S1, line 5: the bank says 1199.00 CNY, the payment is 1200.00 CNY.")
	got = ask(t, url, "bank", "import", differs, "--as", "wang")
	require.Contains(t, got.out, "The file S1 was imported before; nothing was recorded anew.")

	decideAs(t, url, "wang", approval.Decision{Task: number + "/confirm", Outcome: withdrawal.Bounced, Reason: "the bank mistook the amount"})
	second := openAs(t, url, "key 2")
	decideAs(t, url, "li", approval.Decision{Task: second + "/review", Outcome: approval.Approve})
	released(t, url, b, "tuesday")
	require.Equal(t, 0, ask(t, url, "bank", "export", "--as", "li", "--out", filepath.Join(t.TempDir(), "t.xml"), "--key", "tuesday").code)
	fits := bookings(t, "S2", "DBIT "+second+"-1 1200.00 B-3", "CRDT "+second+"-1 1200.00 R-1")
	got = ask(t, url, "bank", "import", fits, "--as", "wang")
	require.Equal(t, 2, got.code, "Temporal is not there: recorded, not settled")
	answer, err := b.RecordAnswer(context.Background(), recordedAs(t, fits, "wang"))
	require.NoError(t, err)
	require.True(t, answer.Known)
	decideAs(t, url, "wang", answer.Lines[0].Decision("wang"))

	got = ask(t, url, "bank", "import", fits, "--as", "wang") // the case has ended: its late return needs no run
	require.Equal(t, 0, got.code, got.out+got.err)
	require.Contains(t, got.out, second+"-1      "+second+"  1200.00  paid")
	require.Contains(t, got.out, "came back after it was paid; task "+second+"/late-return asks about it")
	got = ask(t, url, "bank", "import", fits, "--as", "li", "--json")
	require.Equal(t, 0, got.code)
	require.Equal(t, true, decoded(t, got.out)["known"])
	require.Contains(t, got.out, `"amount": "1200.00"`)
	require.Contains(t, ask(t, url, "task", "list").out, second+"/late-return")
	require.NotContains(t, ask(t, url, "bank", "list").out, second)
	require.Contains(t, ask(t, url, "bank", "list", "--case", second).out, "CONFIRMED  X000002")
}

func recordedAs(t *testing.T, name, person string) activities.RecordAnswerInput {
	t.Helper()
	file, err := os.ReadFile(name)
	require.NoError(t, err)
	return activities.RecordAnswerInput{Name: filepath.Base(name), File: file, Person: person, At: time.Now()}
}

func TestGivenAFileThatIsNoAnswerOfABank_WhenItIsImported_ThenTheErrorSaysWhere(t *testing.T) {
	url, _, _ := banking(t)
	name := filepath.Join(t.TempDir(), "x.xml")
	require.NoError(t, os.WriteFile(name, []byte("<Document xmlns=\"urn:x\">\n<a></Document>"), 0o600))
	got := ask(t, url, "bank", "import", name, "--as", "li")
	require.Equal(t, 2, got.code)
	require.Contains(t, got.err, "The file x.xml, line 2, column 15: not well-formed: element <a> closed by </Document>.")
	require.Equal(t, 2, ask(t, url, "bank", "import", "nowhere.xml", "--as", "li").code)
	require.Contains(t, ask(t, url, "bank", "import", name).err, "--as is missing")
}

func TestGivenPaymentsThatDidNotJoinAnOrder_WhenTheExportIsTold_ThenEachIsSaidToBeLeftOutAndWhy(t *testing.T) {
	var out bytes.Buffer
	h := &house{out: &out}
	p := activities.ReleasedPayment{ID: "W000001-1", Case: "W000001", Amount: money.Must("100.00"), Payee: "A Ltd"}
	err := h.exported(activities.BankOrder{MessageID: "X000001", File: "x", Payments: []activities.ReleasedPayment{p}, Left: []activities.LeftPayment{{Case: "W000004", Why: "too long"}}}, []bankStep{
		{name: "W000001-1", number: "W000001"},
		{name: "W000002-1", number: "W000002", now: activities.Standing{State: "FAILED"}},
		{name: "W000003-1", number: "W000003", err: refusal.List{refusal.New("ENG-03", "ENG_STATE", "task", "The task was answered meanwhile.")}},
	}, "monday", "monday.xml")
	require.Equal(t, stopped(1), err)
	for _, line := range []string{
		"W000001-1      W000001  100.00  A Ltd  in the file", "left out: W000002 is FAILED; look with: starter case show W000002",
		"left out: The task was answered meanwhile. (ENG-03, ENG_STATE).", "-              W000004                 left out: too long",
	} {
		require.Contains(t, out.String(), line)
	}
	require.Equal(t, stopped(2), h.exported(activities.BankOrder{}, []bankStep{{err: errNotTried}}, "k", "f"))
}

func TestGivenALineWhosePaymentWentAnotherWay_WhenTheImportIsTold_ThenItIsNotSaidToBeSettled(t *testing.T) {
	for state, want := range map[payment.State]struct{ settled, returned string }{
		payment.Exported:  {"the payment is EXPORTED", "the payment is EXPORTED"}, // somebody else has to sign, too
		payment.Returned:  {"the payment is RETURNED", "returned by the bank: AC04"},
		payment.Confirmed: {"paid", "the payment is CONFIRMED"},
	} {
		var out bytes.Buffer
		h := &house{out: &out}
		none := func(int) *bankStep { return nil }
		err := h.imported(activities.BankAnswer{Lines: []activities.AnswerLine{
			{Line: 1, ID: "W000001-1", Result: payment.Settles, State: state}, {Line: 2, ID: "W000001-1", Result: payment.Returns, State: state, Reason: "AC04"},
		}}, false, none)
		require.Equal(t, stopped(1), err, state)
		require.Contains(t, out.String(), want.settled)
		require.Contains(t, out.String(), want.returned)
		require.NoError(t, h.imported(activities.BankAnswer{Lines: []activities.AnswerLine{{Line: 1, Result: payment.Settles, State: payment.Confirmed}}}, false, none))
	}
}

func TestGivenAStatusReportOfAnOrderThatIsNotOurs_WhenTheImportIsTold_ThenSomebodyHasToLook(t *testing.T) {
	var out bytes.Buffer
	h := &house{out: &out}
	none := func(int) *bankStep { return nil }
	require.Equal(t, stopped(1), h.imported(activities.BankAnswer{Lines: []activities.AnswerLine{{Line: 1, Order: "X000009", Result: payment.Unknown, Note: "no payment left"}}}, false, none))
	require.NoError(t, h.imported(activities.BankAnswer{Lines: []activities.AnswerLine{{Line: 1, Result: payment.Unknown}}}, false, none), "other people's lines of a statement")
}
