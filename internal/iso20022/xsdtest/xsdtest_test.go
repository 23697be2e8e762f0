package xsdtest_test

import (
	"os"
	"strings"
	"testing"

	"countersign/internal/iso20022/xsdtest"

	"github.com/stretchr/testify/require"
)

// The checker is only worth something when it finds what is wrong.
func TestGivenAValidStatement_WhenOneThingInItIsWrong_ThenTheCheckFindsIt(t *testing.T) {
	valid, err := os.ReadFile("../testdata/statement.xml")
	require.NoError(t, err)
	require.Empty(t, xsdtest.Check(valid))
	for _, c := range []struct{ old, new, says string }{
		{"<MsgId>STMT-20251112</MsgId>", "", "MsgId comes 0 times, at least 1"},
		{"<NtryRef>1</NtryRef>", "<NtryRef>1</NtryRef><NtryRef>2</NtryRef>", "Amt comes 0 times"},
		{"<NtryRef>1</NtryRef>", "<Unknown/>", "is not expected here"},
		{"<NtryRef>1</NtryRef>", "<NtryRef>" + strings.Repeat("x", 36) + "</NtryRef>", "breaks maxLength 35"},
		{"<NtryRef>1</NtryRef>", "<NtryRef/>", "breaks minLength 1"},
		{"<NtryRef>1</NtryRef>", "<NtryRef><Id>1</Id></NtryRef>", "Id is not expected here"},
		{"<NtryRef>1</NtryRef>", "text<NtryRef>1</NtryRef>", "among its elements"},
		{"<NtryRef>1</NtryRef>", `<NtryRef Ccy="CNY">1</NtryRef>`, "the attribute Ccy is not declared"},
		{`<Amt Ccy="CNY">1200.00</Amt>`, `<Amt>1200.00</Amt>`, "the attribute Ccy is missing"},
		{`<Amt Ccy="CNY">1200.00</Amt>`, `<Amt Ccy="yuan">1200.00</Amt>`, "breaks pattern"},
		{`<Amt Ccy="CNY">1200.00</Amt>`, `<Amt Ccy="CNY">1.000001</Amt>`, "breaks fractionDigits 5"},
		{`<Amt Ccy="CNY">1200.00</Amt>`, `<Amt Ccy="CNY">1234567890123456789</Amt>`, "breaks totalDigits 18"},
		{`<Amt Ccy="CNY">1200.00</Amt>`, `<Amt Ccy="CNY">-1</Amt>`, "breaks minInclusive 0"},
		{`<Amt Ccy="CNY">1200.00</Amt>`, `<Amt Ccy="CNY">1e3</Amt>`, "is no decimal"},
		{"<CdtDbtInd>DBIT", "<CdtDbtInd>DEBT", "is none of CRDT, DBIT"},
		{"<Dt>2025-11-12</Dt>", "<Dt>2025-02-30</Dt>", "is no date"},
		{"<CreDtTm>2025-11-12T20:00:00+08:00", "<CreDtTm>yesterday", "is no dateTime"},
		{"<Cd>BOOK</Cd>", "<Cd>BOOK</Cd><Prtry>x</Prtry>", "it has 2 elements, one is wanted"},
		{"<Cd>BOOK</Cd>", "<Code>BOOK</Code>", "Code is none of the choice"},
		{"camt.053.001.08", "camt.053.001.99", "there is no schema"},
	} {
		changed := strings.Replace(string(valid), c.old, c.new, 1)
		require.NotEqual(t, string(valid), changed)
		require.Contains(t, strings.Join(xsdtest.Check([]byte(changed)), "\n"), c.says, c.new)
	}
}
