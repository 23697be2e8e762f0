package condition

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestGivenACondition_WhenItIsTakenApart_ThenRowsSayTheSame(t *testing.T) {
	for text, rows := range map[string]int{
		"":           0,
		"not urgent": 1,
		"amount >= 50_000 and route in (BANK_CARD, INCENTIVE)":                  2,
		"urgent or new and amount = 1 or partner_kind not in ('a b', \"it's\")": 4,
		"not (urgent or route = TRADE)":                                         2,
		`partner_kind = 'a "b"'`:                                                1,
	} {
		c := parsed(t, text)
		tests, ok := c.Tests()
		require.True(t, ok, text)
		require.Len(t, tests, rows, text)
		require.Equal(t, c.String(), Write(tests), text)
	}
	tests, _ := parsed(t, "urgent or not new and amount < 5").Tests()
	require.Equal(t, []Test{{Field: fields[3], Is: "="}, {Or: true, Field: fields[4], Is: "!="}, {Field: fields[0], Is: "<", With: []string{"5.00"}}}, tests)
	_, ok := parsed(t, "(urgent or new) and amount = 1").Tests()
	require.False(t, ok, "rows have no brackets")
}

func TestGivenRowsOfAnybody_WhenTheyAreWritten_ThenTheySayThatOrNothing(t *testing.T) {
	for _, test := range []Test{
		{Field: fields[0], Is: ">="},
		{Field: fields[0], Is: ">=", With: []string{"5 or urgent"}},
		{Field: fields[0], Is: ">=", With: []string{"1,000"}},
		{Field: fields[0], Is: "> 1 or amount <", With: []string{"5"}},
		{Field: fields[1], Is: "="},
		{Field: fields[1], Is: "<", With: []string{"TRADE"}},
		{Field: fields[1], Is: "<", With: []string{"TRADE", "INCENTIVE"}},
		{Field: fields[2], Is: "=", With: []string{`a' or urgent or partner_kind = "b`}},
		{Field: fields[2], Is: "=", With: []string{"a\nb"}},
		{Field: fields[3], Is: "or new", With: nil},
		{Field: Field{Name: "urgent or new", Type: Flag}, Is: "="},
		{Field: Field{Name: "colour"}, Is: "=", With: []string{"red"}},
	} {
		_, err := Parse(Write([]Test{test, {Field: fields[2], Is: "=", With: []string{`"`}}}), fields)
		require.Error(t, err, Write([]Test{test}))
	}
	rapid.Check(t, func(r *rapid.T) {
		with := rapid.SliceOfNDistinct(rapid.String(), 1, 3, rapid.ID).Draw(r, "with")
		c, err := Parse(Write([]Test{{Field: fields[2], Is: "!=", With: with}}), fields)
		if err != nil {
			return
		}
		tests, _ := c.Tests()
		require.Equal(r, with, tests[0].With)
	})
}
