package condition

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var fields = []Field{
	{Name: "amount", Type: Amount, Words: "the amount"},
	{Name: "route", Type: Text, Words: "the route", Values: []string{"BANK_CARD", "INCENTIVE", "TRADE", "or"}},
	{Name: "partner_kind", Type: Text, Words: "the partner's kind"},
	{Name: "urgent", Type: Flag, Words: "the urgent mark"},
	{Name: "new", Type: Flag, Words: "the mark for a new partner"},
}

func parsed(t require.TestingT, text string) Condition {
	c, err := Parse(text, fields)
	require.NoError(t, err, text)
	return c
}

func TestGivenAnAmount_WhenItIsCompared_ThenOneFenDecides(t *testing.T) {
	for text, want := range map[string][3]bool{ // below, at and above 50000.00
		"amount = 50000": {false, true, false}, "amount == 50_000.0": {false, true, false}, "amount != 50000.00": {true, false, true},
		"amount < 50000": {true, false, false}, "amount <= 50000": {true, true, false},
		"amount > 50000": {false, false, true}, "amount >= 50_000": {false, true, true},
		"not amount = 50000": {true, false, true}, "not amount != 50000": {false, true, false},
		"not amount < 50000": {false, true, true}, "not amount <= 50000": {false, false, true},
		"not amount > 50000": {true, true, false}, "not amount >= 50000": {true, false, false},
		"amount > -1": {true, true, true}, "amount<=49_999.99": {true, false, false},
	} {
		for i, amount := range []string{"49999.99", "50000.00", "50000.01"} {
			holds, err := parsed(t, text).Holds(Values{"amount": amount})
			require.NoError(t, err)
			require.Equal(t, want[i], holds, "%s for %s", text, amount)
		}
	}
}

func TestGivenACase_WhenAConditionIsAsked_ThenItHoldsOrNot(t *testing.T) {
	v := Values{"amount": "100", "route": "TRADE", "partner_kind": "Old partner", "urgent": "true", "new": "false"}
	for text, want := range map[string]bool{
		"": true, " \n\t ": true, "urgent": true, "not urgent": false, "new": false, "NOT new": true, "not not urgent": true, "not not not urgent": false,
		"route = TRADE": true, "route != TRADE": false, "route = 'TRADE'": true, `route = "INCENTIVE"`: false, "not route = TRADE": false, "not route != TRADE": true,
		"route in (BANK_CARD, TRADE)": true, "route in (BANK_CARD)": false, "route not in (BANK_CARD, TRADE)": false, "route Not In(BANK_CARD)": true,
		"not route in (TRADE)": false, "not route not in (TRADE)": true,
		"partner_kind = 'Old partner'": true, "partner_kind = 'old partner'": false, `partner_kind = ""`: false, `route = "or"`: false,
		"urgent or new and new": true, "(urgent or new) and new": false, "not new or urgent and new": true, "not (new or urgent) or new": false,
		"new OR urgent And amount=100.00": true, "not new and not (amount < 100)": true,
	} {
		holds, err := parsed(t, text).Holds(v)
		require.NoError(t, err, text)
		require.Equal(t, want, holds, text)
	}
}

func TestGivenABrokenCase_WhenAConditionIsAsked_ThenTheErrorNamesTheField(t *testing.T) {
	for _, row := range []struct {
		text string
		v    Values
		want string
	}{
		{"amount > 5", nil, `the case has no field "amount", and the condition asks for it`},
		{"route = TRADE", Values{}, `the case has no field "route", and the condition asks for it`},
		{"urgent", Values{"new": "true"}, `the case has no field "urgent", and the condition asks for it`},
		{"amount > 5", Values{"amount": "5.001"}, `field "amount" of the case: amount "5.001" is not a number with at most two decimals`},
		{"route = TRADE", Values{"route": "trade"}, `field "route" of the case cannot be "trade"; it can be: BANK_CARD, INCENTIVE, TRADE, "or"`},
		{"urgent", Values{"urgent": "yes"}, `field "urgent" of the case cannot be "yes"; it can be: true, false`},
		{"urgent or new", Values{"urgent": "true"}, `the case has no field "new", and the condition asks for it`},   // the rest decides already
		{"urgent and new", Values{"urgent": "false"}, `the case has no field "new", and the condition asks for it`}, // the same
	} {
		holds, err := parsed(t, row.text).Holds(row.v)
		require.EqualError(t, err, row.want, row.text)
		require.False(t, holds)
	}
	holds, err := parsed(t, "partner_kind = x").Holds(Values{"partner_kind": "", "amount": "broken"})
	require.NoError(t, err, "an empty text is a text, and nobody asked for the amount")
	require.False(t, holds)
}

func TestGivenACondition_WhenItIsShown_ThenWordsAndSourceSayTheSame(t *testing.T) {
	for _, row := range []struct{ text, words, source string }{
		{"", "always", ""},
		{
			"amount>=50_000 AND route IN (BANK_CARD,INCENTIVE)",
			"the amount is at least 50000.00 and the route is BANK_CARD or INCENTIVE",
			"amount >= 50000.00 and route in (BANK_CARD, INCENTIVE)",
		},
		{"amount == 5", "the amount is 5.00", "amount = 5.00"},
		{"amount != -0", "the amount is not 0.00", "amount != 0.00"},
		{"amount < 5", "the amount is less than 5.00", "amount < 5.00"},
		{"amount <= 5.5", "the amount is at most 5.50", "amount <= 5.50"},
		{"amount > 007", "the amount is more than 7.00", "amount > 7.00"},
		{"not amount > 1_000_000.25", "the amount is at most 1000000.25", "amount <= 1000000.25"},
		{"urgent", "the urgent mark is set", "urgent"},
		{"not not not urgent", "the urgent mark is not set", "not urgent"},
		{"route in ('TRADE')", "the route is TRADE", "route = TRADE"},
		{"not route in (TRADE)", "the route is not TRADE", "route != TRADE"},
		{"route in (BANK_CARD, INCENTIVE, 'or')", `the route is BANK_CARD, INCENTIVE or "or"`, `route in (BANK_CARD, INCENTIVE, "or")`},
		{"route not in (BANK_CARD, INCENTIVE, TRADE)", "the route is neither BANK_CARD nor INCENTIVE nor TRADE", "route not in (BANK_CARD, INCENTIVE, TRADE)"},
		{`partner_kind in ("the boss's", 'a "b"')`, `the partner's kind is "the boss's" or 'a "b"'`, `partner_kind in ("the boss's", 'a "b"')`},
		{"urgent or new", "either the urgent mark is set or the mark for a new partner is set", "urgent or new"},
		{
			"urgent or (new or amount = 1)",
			"either the urgent mark is set or the mark for a new partner is set or the amount is 1.00",
			"urgent or new or amount = 1.00",
		},
		{
			"urgent or (new and amount = 1)",
			"either the urgent mark is set or (the mark for a new partner is set and the amount is 1.00)",
			"urgent or new and amount = 1.00",
		},
		{
			"(urgent or new) and amount = 1",
			"(either the urgent mark is set or the mark for a new partner is set) and the amount is 1.00",
			"(urgent or new) and amount = 1.00",
		},
		{
			"not (urgent or route = TRADE and amount < 1)",
			"the urgent mark is not set and (either the route is not TRADE or the amount is at least 1.00)",
			"not urgent and (route != TRADE or amount >= 1.00)",
		},
		{
			"urgent or not (new and not (route in (TRADE, INCENTIVE) and not amount < 1))",
			"either the urgent mark is set or the mark for a new partner is not set or (the route is TRADE or INCENTIVE and the amount is at least 1.00)",
			"urgent or not new or route in (TRADE, INCENTIVE) and amount >= 1.00",
		},
		{
			"urgent and (new or route = TRADE and (amount < 1 or amount > 2))",
			"the urgent mark is set and (either the mark for a new partner is set or (the route is TRADE and (either the amount is less than 1.00 or the amount is more than 2.00)))",
			"urgent and (new or route = TRADE and (amount < 1.00 or amount > 2.00))",
		},
	} {
		c := parsed(t, row.text)
		require.Equal(t, row.words, c.Words(), row.text)
		require.Equal(t, row.source, c.String(), row.text)
		require.Equal(t, c, parsed(t, c.String()), row.text)
		require.Equal(t, row.source == "", c.IsZero())
	}
	require.Equal(t, Condition{}, parsed(t, "  "))
}

func TestGivenAMalformedCondition_WhenItIsParsed_ThenTheErrorSaysWhereAndWhatToWrite(t *testing.T) {
	const all = "amount, route, partner_kind, urgent, new"
	for text, want := range map[string]string{
		"urgent and amuont > 5":        `column 12: there is no field "amuont"; there are: ` + all,
		"Amount > 5":                   `column 1: there is no field "Amount"; there are: ` + all,
		"and":                          `column 1: "and" cannot stand here: write a field, "not" or "("; the fields are: ` + all,
		"'urgent'":                     `column 1: "urgent" cannot stand here: write a field, "not" or "("; the fields are: ` + all,
		"urgent or ":                   `column 11: the condition ends too early: write a field, "not" or "("; the fields are: ` + all,
		"()":                           `column 2: ")" cannot stand here: write a field, "not" or "("; the fields are: ` + all,
		"urgent new":                   `column 8: "new" cannot stand here: write "and", "or" or nothing more`,
		"urgent)":                      `column 7: ")" cannot stand here: write "and", "or" or nothing more`,
		"urgent not new":               `column 8: "not" cannot stand here: write "and", "or" or nothing more`,
		"amount > 50,000":              `column 12: "," cannot stand here: write "and", "or" or nothing more`,
		"(urgent":                      `column 8: the condition ends too early: write "and", "or" or ")"`,
		"(urgent new)":                 `column 9: "new" cannot stand here: write "and", "or" or ")"`,
		"amount":                       `column 7: amount is an amount: compare it with =, !=, <, <=, > or >=`,
		"amount in (5)":                `column 8: amount is an amount: compare it with =, !=, <, <=, > or >=`,
		"amount > ":                    `column 10: the condition ends too early: write an amount like 50000.00 or 50_000`,
		"amount > '5'":                 `column 10: "5" cannot stand here: write an amount like 50000.00 or 50_000`,
		"amount > and":                 `column 10: "and" cannot stand here: write an amount like 50000.00 or 50_000`,
		"amount > 5.005":               `column 10: "5.005" is not an amount: write it like 50000.00 or 50_000, with at most two decimals`,
		"amount > 5_0000":              `column 10: "5_0000" is not an amount: write it like 50000.00 or 50_000, with at most two decimals`,
		"amount > 1e5":                 `column 10: "1e5" is not an amount: write it like 50000.00 or 50_000, with at most two decimals`,
		"amount > route":               `column 10: "route" is not an amount: write it like 50000.00 or 50_000, with at most two decimals`,
		"amount = 1234567890123456789": `column 10: "1234567890123456789" is too large for an amount: write at most 18 digits before the point`,
		"route":                        `column 6: route is a text: compare it with =, !=, in (...) or not in (...)`,
		"route > TRADE":                `column 7: route is a text: compare it with =, !=, in (...) or not in (...)`,
		"route = BANK":                 `column 9: route cannot be "BANK"; it can be: BANK_CARD, INCENTIVE, TRADE, "or"`,
		"route in (TRADE, BANK)":       `column 18: route cannot be "BANK"; it can be: BANK_CARD, INCENTIVE, TRADE, "or"`,
		"route = ":                     `column 9: the condition ends too early: write a text`,
		"route = (TRADE)":              `column 9: "(" cannot stand here: write a text`,
		"route = OR":                   `column 9: "OR" cannot stand here: write a text; if this is the text, put it in quotes`,
		"route in TRADE":               `column 10: "TRADE" cannot stand here: write "(" and the texts, with commas between them`,
		"route in ()":                  `column 11: ")" cannot stand here: write a text`,
		"route in (TRADE":              `column 16: the condition ends too early: write "," or ")"`,
		"route in (TRADE or":           `column 17: "or" cannot stand here: write "," or ")"`,
		"route in (TRADE, TRADE)":      `column 18: "TRADE" stands in this list already: leave it out`,
		"urgent = true":                `column 8: urgent is a flag: write urgent or not urgent`,
		"urgent not in (x)":            `column 8: urgent is a flag: write urgent or not urgent`,
		"partner_kind = '商' && x":      `column 20: "&" means nothing in a condition: write fields, texts, amounts, brackets, and, or, not, in, =, !=, <, <=, > or >=`,
		"urgent\u00a0":                 `column 7: "\u00a0" means nothing in a condition: write fields, texts, amounts, brackets, and, or, not, in, =, !=, <, <=, > or >=`,
		"urgent \xff":                  `column 8: this is not UTF-8: write plain text`,
		"partner_kind = \"a":           `column 16: the text that begins here does not end: close it with ", on the same line and without invisible characters`,
		"partner_kind = 'a\nb'":        `column 16: the text that begins here does not end: close it with ', on the same line and without invisible characters`,
		"partner_kind = '\u202e'":      `column 16: the text that begins here does not end: close it with ', on the same line and without invisible characters`,
		"partner_kind = '\xff'":        `column 16: the text that begins here does not end: close it with ', on the same line and without invisible characters`,
	} {
		c, err := Parse(text, fields)
		require.EqualError(t, err, want, text)
		require.True(t, c.IsZero())
	}
	_, err := Parse("x", []Field{{Name: "x", Type: "date"}})
	require.EqualError(t, err, `column 1: field "x" has the unknown type "date"; declare it as amount, text or flag`)
}

func TestGivenAHostileCondition_WhenItIsParsed_ThenLengthAndDepthAreBounded(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("(", n) + "urgent" + strings.Repeat(")", n) }
	parsed(t, deep(50))
	parsed(t, deep(50)+" and "+deep(50))
	_, err := Parse(deep(51), fields)
	require.EqualError(t, err, "column 51: more than 50 brackets are open: write the condition flatter")

	parsed(t, "urgent"+strings.Repeat(" ", 994))
	parsed(t, fmt.Sprintf("partner_kind = '%s'", strings.Repeat("商", 983)))
	_, err = Parse("urgent"+strings.Repeat(" ", 995), fields)
	require.EqualError(t, err, "column 1001: the condition is too long: it has 1001 characters; shorten it to 1000")
	parsed(t, strings.Repeat("not ", 248)+"urgent")

	_, err = Parse("amount=1"+strings.Repeat(" or amount=1", 82), fields) // as written: 992
	require.EqualError(t, err, "column 993: the condition is too long: written out it has 1407 characters; shorten it to 1000")
}
