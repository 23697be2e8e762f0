package iso20022_test

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"countersign/internal/iso20022"
	"countersign/internal/iso20022/xsdtest"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

func order() iso20022.Order {
	return iso20022.Order{
		ID: "X000001", At: time.Date(2025, 11, 3, 1, 30, 0, 0, time.FixedZone("UTC+8", 8*3600)),
		Groups: []iso20022.Group{
			{ID: "X000001-1", From: iso20022.Account{Name: "云计算技术有限公司", Number: "7559000011112222", BIC: "CMBCCNBS"}, Transfers: []iso20022.Transfer{
				transfer("W000001-1", "1200.00", "深圳市阿尔法云计算有限公司（南山）"), transfer("W000002-1", "0.01", `R&D <Ltd> "A"`),
			}},
			{ID: "X000001-2", From: iso20022.Account{Name: "Software Ltd", Number: "DE89370400440532013000"}, Transfers: []iso20022.Transfer{
				{EndToEndID: "W000003-1", Amount: decimal.RequireFromString("99.5"), Currency: "CNY", Name: "B Ltd", Number: "GB29NWBK60161331926819"},
			}},
		},
	}
}

func transfer(id, amount, name string) iso20022.Transfer {
	return iso20022.Transfer{
		EndToEndID: id, Amount: decimal.RequireFromString(amount), Currency: "CNY", Name: name, Number: "6222-1", Bank: "招商银行", Branch: "深圳南山支行", Text: id,
	}
}

func TestGivenAnOrderWithChineseNames_WhenItIsWritten_ThenItIsValidByThePublishedSchemaAndTheSameOctetsAgain(t *testing.T) {
	file, err := order().Write()
	require.NoError(t, err)
	require.Empty(t, xsdtest.Check(file))
	again, err := order().Write()
	require.NoError(t, err)
	require.Equal(t, string(file), string(again))

	for _, part := range []string{
		"<MsgId>X000001</MsgId>", "<CreDtTm>2025-11-02T17:30:00Z</CreDtTm>", "<NbOfTxs>3</NbOfTxs>", "<CtrlSum>1299.51</CtrlSum>", "<CtrlSum>1200.01</CtrlSum>",
		"<Dt>2025-11-03</Dt>", `<InstdAmt Ccy="CNY">1200.00</InstdAmt>`, `<InstdAmt Ccy="CNY">99.50</InstdAmt>`, "<Nm>深圳市阿尔法云计算有限公司（南山）</Nm>",
		"<Nm>R&amp;D &lt;Ltd&gt; &#34;A&#34;</Nm>", "<BICFI>CMBCCNBS</BICFI>", "<IBAN>DE89370400440532013000</IBAN>", "<IBAN>GB29NWBK60161331926819</IBAN>", "<BtchBookg>false</BtchBookg>",
	} {
		require.Contains(t, string(file), part)
	}
	require.NotContains(t, string(file), "<IBAN>7559", "a bank's own number is none")
}

func TestGivenWhatAFileCannotCarry_WhenItIsWritten_ThenEveryFaultIsNamedAndNothingIsWritten(t *testing.T) {
	for fault, spoil := range map[string]func(*iso20022.Order){
		"the message ID has 36 characters, a bank file takes 35":       func(o *iso20022.Order) { o.ID = strings.Repeat("x", 36) },
		"payment W000001-1 is in the order twice":                      func(o *iso20022.Order) { o.Groups[0].Transfers[1].EndToEndID = "W000001-1" },
		"the end-to-end ID is missing":                                 func(o *iso20022.Order) { o.Groups[0].Transfers[0].EndToEndID = "" },
		"the payee's name has 141 characters, a bank file takes 140":   func(o *iso20022.Order) { o.Groups[0].Transfers[0].Name = strings.Repeat("云", 141) },
		"the payee's account number has 35 characters":                 func(o *iso20022.Order) { o.Groups[0].Transfers[0].Number = strings.Repeat("1", 35) },
		"the payee's name has characters that a bank file cannot":      func(o *iso20022.Order) { o.Groups[0].Transfers[0].Name = "A\x01B" },
		"the amount 0 is not above 0":                                  func(o *iso20022.Order) { o.Groups[0].Transfers[0].Amount = decimal.Zero },
		"the currency \"yuan\" is not three capital letters":           func(o *iso20022.Order) { o.Groups[0].Transfers[0].Currency = "yuan" },
		"the BIC \"cmb\" is not 8 or 11 capital letters":               func(o *iso20022.Order) { o.Groups[0].From.BIC = "cmb" },
		"there is nothing to pay":                                      func(o *iso20022.Order) { o.Groups = nil },
		"group X000001-1 has nothing to pay":                           func(o *iso20022.Order) { o.Groups[0].Transfers = nil },
		"account 7559000011112222: the name is missing":                func(o *iso20022.Order) { o.Groups[0].From.Name = " " },
		"the amount 0.000001 is not above 0 with at most 18 digits, 5": func(o *iso20022.Order) { o.Groups[0].Transfers[0].Amount = decimal.New(1, -6) },
	} {
		o := order()
		spoil(&o)
		file, err := o.Write()
		require.ErrorContains(t, err, fault)
		require.Nil(t, file)
	}
	longest := order()
	longest.ID = strings.Repeat("x", 35)
	longest.Groups[0].Transfers[0].Name = strings.Repeat("云", 140)
	longest.Groups[0].Transfers[0].Number = strings.Repeat("1", 34)
	file, err := longest.Write()
	require.NoError(t, err)
	require.Empty(t, xsdtest.Check(file), "what is just short enough is valid")
}

func sample(t *testing.T, name string) []byte {
	t.Helper()
	file, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return file
}

func TestGivenAStatementThatTheSchemaAllows_WhenItIsRead_ThenEveryTransactionIsALine(t *testing.T) {
	file := sample(t, "statement.xml")
	require.Empty(t, xsdtest.Check(file))
	a, err := iso20022.Read(file)
	require.NoError(t, err)
	require.Equal(t, iso20022.Camt053, a.Schema)
	require.Equal(t, "STMT-20251112", a.ID)
	type line struct {
		row                                         int
		kind                                        iso20022.Kind
		id, amount, booked, reference, account, why string
	}
	var got []line
	for _, l := range a.Lines {
		require.Equal(t, "CNY", l.Currency)
		got = append(got, line{l.Row, l.Kind, l.EndToEndID, l.Amount.StringFixed(2), l.Booked, l.Reference, l.Account, l.Reason})
	}
	const ours, day = "7559000011112222", "2025-11-12"
	require.Equal(t, []line{
		{26, iso20022.Paid, "W000001-1", "1200.00", day, "BANK-0001", ours, ""},
		{40, iso20022.Paid, "W000002-1", "400.25", day, "BANK-0002", ours, ""},
		{44, iso20022.Paid, "W000003-1", "500.25", day, "2025-221/2.2", ours, ""},
		{58, iso20022.Returned, "W000004-1", "77.00", day, "BANK-0004", ours, "AC04 收款账户已销户"},
		{64, iso20022.Paid, "", "5.00", day, "2025-221/4.1", ours, ""},
		{76, iso20022.Other, "W000005-1", "60.00", "", "2025-221/5.1", ours, "PDNG"},
	}, got)
}

func TestGivenAStatusReportThatTheSchemaAllows_WhenItIsRead_ThenPaymentsComeFirstThenGroups(t *testing.T) {
	file := sample(t, "status.xml")
	require.Empty(t, xsdtest.Check(file))
	a, err := iso20022.Read(file)
	require.NoError(t, err)
	require.Equal(t, "STS-1", a.ID)
	require.Len(t, a.Lines, 3)
	require.Equal(t, iso20022.Line{Row: 15, Kind: iso20022.Accepted, EndToEndID: "W000001-1", Message: "X000001", Group: "X000001-1", Reason: "ACSP"}, a.Lines[0])
	require.Equal(t, iso20022.Rejected, a.Lines[1].Kind)
	require.Equal(t, "400.25", a.Lines[1].Amount.StringFixed(2))
	require.Equal(t, "RJCT AC01 账号错误", a.Lines[1].Reason)
	require.Equal(t, iso20022.Line{Row: 26, Kind: iso20022.Rejected, Message: "X000001", Group: "X000001-2", Reason: "RJCT AC06"}, a.Lines[2])

	whole := strings.Replace(string(file), "<GrpSts>PART</GrpSts>", "<GrpSts>RJCT</GrpSts>", 1)
	a, err = iso20022.Read([]byte(whole))
	require.NoError(t, err)
	require.Equal(t, iso20022.Line{Row: 8, Kind: iso20022.Rejected, Message: "X000001", Reason: "RJCT"}, a.Lines[3], "the whole order")
}

func TestGivenAFileThatIsNotInOrder_WhenItIsRead_ThenTheErrorSaysWhere(t *testing.T) {
	statement, status := string(sample(t, "statement.xml")), string(sample(t, "status.xml"))
	for name, c := range map[string]struct{ file, says string }{
		"cut off":              {statement[:1500], "not well-formed"},
		"crossed tags":         {strings.Replace(statement, "</Acct>", "</Stmt>", 1), "line 10, column 81: not well-formed: element <Acct> closed by </Stmt>"},
		"empty":                {"", "line 1, column 1: the file is empty"},
		"another message":      {strings.Replace(statement, "camt.053.001.08", "camt.053.001.02", 1), `the namespace is "urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"`},
		"no namespace":         {strings.Replace(statement, ` xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"`, "", 1), `the namespace is ""`},
		"a foreign element":    {strings.Replace(statement, "<NtryRef>", `<NtryRef xmlns="urn:x">`, 1), `line 18, column 9: the element NtryRef is in the namespace "urn:x"`},
		"a document type":      {strings.Replace(statement, "<Document", "<!DOCTYPE x [<!ENTITY a \"b\">]>\n<Document", 1), "line 2, column 1: a document type is not taken"},
		"another encoding":     {strings.Replace(statement, "UTF-8", "GBK", 1), "the file is not written in UTF-8"},
		"two documents":        {statement + statement[strings.Index(statement, "<Document"):], "there is a second document"},
		"a tail":               {statement + "x", "there is text outside"},
		"something else":       {"<html></html>", `line 1, column 1: the file begins with "html"`},
		"no amount":            {strings.Replace(statement, `<Amt Ccy="CNY">1200.00</Amt>`, "", 1), "line 17, column 13: the entry has no amount"},
		"a word for an amount": {strings.Replace(statement, "1200.00", "12OO", 1), `line 19, column 24: the amount "12OO" is no number`},
		"an exponent":          {strings.Replace(statement, "1200.00", "1e3", 1), `the amount "1e3" is no number`},
		"a negative amount":    {strings.Replace(statement, "1200.00", "-5", 1), `the amount "-5" is no number`},
		"no currency":          {strings.Replace(statement, `<Amt Ccy="CNY">1200.00`, `<Amt>1200.00`, 1), `the amount 1200.00 has the currency ""`},
		"no sign":              {strings.Replace(statement, "<CdtDbtInd>DBIT</CdtDbtInd>", "", 1), `neither credit nor debit, but ""`},
		"no date":              {strings.Replace(statement, "<BookgDt><Dt>2025-11-12", "<BookgDt><Dt>2025-13-12", 1), `"2025-13-12" is no date`},
		"a batch without sums": {strings.Replace(statement, `<Amt Ccy="CNY">400.25</Amt>`, "", 1), "line 40, column 19: one of several transactions of an entry has no amount"},
		"no account":           {strings.Replace(statement, "<Id><Othr><Id>7559000011112222</Id></Othr></Id>", "", 1), "line 8, column 11: the statement names no account"},
		"no group":             {strings.Replace(status, "<OrgnlPmtInfId>X000001-2</OrgnlPmtInfId>", "", 1), `the status "RJCT" is of no group; OrgnlPmtInfId is missing`},
		"no end-to-end ID":     {strings.Replace(status, "<OrgnlEndToEndId>W000002-1</OrgnlEndToEndId>", "", 1), `line 19, column 20: the status "RJCT" is of no payment; OrgnlEndToEndId is missing`},
		"no order":             {strings.Replace(status, "<OrgnlMsgId>X000001</OrgnlMsgId>", "", 1), "the report names no order; OrgnlMsgId is missing"},
		"no message ID":        {strings.Replace(statement, "<MsgId>STMT-20251112</MsgId>", "", 1), "the message has no MsgId"},
		"too deep":             {`<Document xmlns="x">` + strings.Repeat("<a>", 50), "elements lie deeper than 40"},
	} {
		_, err := iso20022.Read([]byte(c.file))
		require.ErrorContains(t, err, c.says, name)
		var placed *iso20022.Error
		require.True(t, errors.As(err, &placed), name)
	}
	_, err := iso20022.Read(make([]byte, iso20022.MaxFile+1))
	require.ErrorContains(t, err, "at most 16777216 are read")
}

func TestGivenAMarkBeforeTheFirstOctet_WhenAFileIsRead_ThenItIsReadAllTheSame(t *testing.T) {
	_, err := iso20022.Read(append([]byte("\xef\xbb\xbf"), sample(t, "status.xml")...))
	require.NoError(t, err)
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"statement.xml", "status.xml"} {
		file, err := os.ReadFile("testdata/" + name)
		require.NoError(f, err)
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		a, err := iso20022.Read(file)
		if err != nil {
			return
		}
		for _, l := range a.Lines {
			if l.Amount != nil && l.Amount.Sign() < 0 {
				t.Errorf("a negative amount: %s", l.Amount)
			}
		}
	})
}

func TestGivenEntriesWithoutAReferenceOfTheBanks_WhenTheyAreRead_ThenEachTransactionIsToldFromAllOthers(t *testing.T) {
	file := sample(t, "statement.xml")
	read := func(from, to string) []iso20022.Line {
		t.Helper()
		changed := strings.Replace(string(file), from, to, 1)
		require.NotEqual(t, string(file), changed)
		require.Empty(t, xsdtest.Check([]byte(changed)))
		a, err := iso20022.Read([]byte(changed))
		require.NoError(t, err)
		return a.Lines
	}
	require.Equal(t, "2025-221/1.1", read("<AcctSvcrRef>BANK-0001</AcctSvcrRef>", "")[0].Reference, "an entry's number begins anew in each statement")
	batch := read(`<BookgDt><DtTm>2025-11-12T09:30:00+08:00</DtTm></BookgDt>`, `<BookgDt><DtTm>2025-11-12T09:30:00+08:00</DtTm></BookgDt><AcctSvcrRef>BATCH-9</AcctSvcrRef>`)
	require.Equal(t, "BANK-0002", batch[1].Reference)
	require.Equal(t, "BATCH-9/2", batch[2].Reference, "two debits in one entry are two")
}

func TestGivenAReturnThatIsUndone_WhenItIsRead_ThenItIsForPeople(t *testing.T) {
	file := strings.Replace(string(sample(t, "statement.xml")), "<Amt Ccy=\"CNY\">77.00</Amt>\n        <CdtDbtInd>CRDT</CdtDbtInd>", "<Amt Ccy=\"CNY\">77.00</Amt>\n        <CdtDbtInd>DBIT</CdtDbtInd>\n        <RvslInd>true</RvslInd>", 1)
	require.Empty(t, xsdtest.Check([]byte(file)))
	a, err := iso20022.Read([]byte(file))
	require.NoError(t, err)
	require.Equal(t, iso20022.Unclear, a.Lines[3].Kind)
	require.Equal(t, "money that had come back has left again AC04 收款账户已销户", a.Lines[3].Reason)
}

func TestGivenARejectionOfASecondCopy_WhenItIsRead_ThenItIsForPeople(t *testing.T) {
	file := string(sample(t, "status.xml"))
	for _, code := range []string{"AM05", "DU01", "DU04"} {
		changed := strings.Replace(file, "<Cd>AC01</Cd>", "<Cd>"+code+"</Cd>", 1)
		changed = strings.Replace(changed, "<Cd>AC06</Cd>", "<Cd>"+code+"</Cd>", 1)
		require.Empty(t, xsdtest.Check([]byte(changed)))
		a, err := iso20022.Read([]byte(changed))
		require.NoError(t, err)
		require.Equal(t, iso20022.Unclear, a.Lines[1].Kind, "the first copy may be paid")
		require.Equal(t, iso20022.Unclear, a.Lines[2].Kind)
	}
	whole := strings.Replace(file, "<GrpSts>PART</GrpSts>", "<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>DU01</Cd></Rsn></StsRsnInf>", 1)
	require.Empty(t, xsdtest.Check([]byte(whole)))
	a, err := iso20022.Read([]byte(whole))
	require.NoError(t, err)
	require.Equal(t, []iso20022.Kind{iso20022.Accepted, iso20022.Unclear, iso20022.Unclear, iso20022.Unclear}, []iso20022.Kind{a.Lines[0].Kind, a.Lines[1].Kind, a.Lines[2].Kind, a.Lines[3].Kind})
}

func TestGivenAFileOfEmptyEntries_WhenItIsRead_ThenItIsRefusedBeforeTheyFillTheMemory(t *testing.T) {
	file := string(sample(t, "statement.xml"))
	file = strings.Replace(file, "<Ntry>", strings.Repeat("<Ntry/>", 1_000_000)+"<Ntry>", 1)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := iso20022.Read([]byte(file))
	runtime.ReadMemStats(&after)
	require.ErrorContains(t, err, "the file has more than 50000 entries")
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(200<<20))
}
