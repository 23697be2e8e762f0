package condition

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// drawn is an expression as text and, told independently of the parser, when it holds.
type drawn struct {
	text  string
	holds func(v Values) bool
}

var (
	anyAmount = rapid.Int64Range(-2, 3) // hundredths, few so that they often meet
	anyRoute  = rapid.SampledFrom(fields[1].Values)
	anyKind   = rapid.SampledFrom([]string{"", "a", "A", "Old one", `"`, "'", "not", "商", "-1.5"})
	anyOp     = rapid.SampledFrom([]string{"=", "==", "!=", "<", "<=", ">", ">="})
)

func anyValues(t *rapid.T) Values {
	return Values{
		"amount": hundredths(anyAmount.Draw(t, "amount")), "route": anyRoute.Draw(t, "route"), "partner_kind": anyKind.Draw(t, "kind"),
		"urgent": strconv.FormatBool(rapid.Bool().Draw(t, "urgent")), "new": strconv.FormatBool(rapid.Bool().Draw(t, "new")),
	}
}

func hundredths(n int64) string {
	if n < 0 {
		return fmt.Sprintf("-0.%02d", -n)
	}
	return fmt.Sprintf("0.%02d", n)
}

func anyExpression(t *rapid.T, depth int) drawn {
	shape := rapid.IntRange(0, 6).Draw(t, "shape")
	if depth == 0 {
		shape = min(shape, 3)
	}
	switch shape {
	case 0:
		return anyAmountTest(t)
	case 1:
		return anyTextTest(t, "route", anyRoute)
	case 2:
		return anyTextTest(t, "partner_kind", anyKind)
	case 3:
		name := rapid.SampledFrom([]string{"urgent", "new"}).Draw(t, "flag")
		return drawn{name, func(v Values) bool { return v[name] == "true" }}
	case 4:
		return not(anyExpression(t, depth-1))
	case 5:
		return and(anyExpression(t, depth-1), anyExpression(t, depth-1))
	default:
		return or(anyExpression(t, depth-1), anyExpression(t, depth-1))
	}
}

func not(a drawn) drawn {
	return drawn{"not (" + a.text + ")", func(v Values) bool { return !a.holds(v) }}
}

func and(a, b drawn) drawn {
	return drawn{"(" + a.text + ") and (" + b.text + ")", func(v Values) bool { return a.holds(v) && b.holds(v) }}
}

func or(a, b drawn) drawn { // no brackets: nothing binds weaker
	return drawn{a.text + " or " + b.text, func(v Values) bool { return a.holds(v) || b.holds(v) }}
}

func anyAmountTest(t *rapid.T) drawn {
	op, n := anyOp.Draw(t, "op"), anyAmount.Draw(t, "with")
	return drawn{"amount" + op + hundredths(n), func(v Values) bool {
		is, err := strconv.ParseInt(strings.Replace(v["amount"], "0.", "", 1), 10, 64)
		if err != nil {
			panic(err)
		}
		return map[string]bool{"=": is == n, "==": is == n, "!=": is != n, "<": is < n, "<=": is <= n, ">": is > n, ">=": is >= n}[op]
	}}
}

func anyTextTest(t *rapid.T, name string, anyText *rapid.Generator[string]) drawn {
	texts := rapid.SliceOfNDistinct(anyText, 1, 3, rapid.ID[string]).Draw(t, "texts")
	among, literals := map[string]bool{}, []string{}
	for _, text := range texts {
		among[text] = true
		quote := `"`
		if strings.Contains(text, quote) {
			quote = "'"
		}
		literals = append(literals, quote+text+quote)
	}
	list := "(" + strings.Join(literals, ",") + ")"
	switch rapid.IntRange(0, 3).Draw(t, "op") {
	case 0:
		return drawn{name + "=" + literals[0], func(v Values) bool { return v[name] == texts[0] }}
	case 1:
		return drawn{name + "!=" + literals[0], func(v Values) bool { return v[name] != texts[0] }}
	case 2:
		return drawn{name + " in" + list, func(v Values) bool { return among[v[name]] }}
	default:
		return drawn{name + " not in" + list, func(v Values) bool { return !among[v[name]] }}
	}
}

func holds(t require.TestingT, c Condition, v Values) bool {
	ok, err := c.Holds(v)
	require.NoError(t, err)
	return ok
}

func TestAConditionHoldsWhenItSaysSoAndReadsBackAsItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anyExpression(t, 3)
		c := parsed(t, e.text)
		again := parsed(t, c.String())
		require.Equal(t, c, again)
		require.Equal(t, c.Words(), again.Words())
		require.Equal(t, c.String(), again.String())
		for range 10 {
			v := anyValues(t)
			require.Equal(t, e.holds(v), holds(t, c, v), "%s\n%s\n%v", e.text, c, v)
			require.Equal(t, e.holds(v), holds(t, again, v))
		}
	})
}

func TestNotNegatesAndGoesThroughAndAndOr(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, v := anyExpression(t, 2), anyExpression(t, 2), anyValues(t)
		require.NotEqual(t, holds(t, parsed(t, a.text), v), holds(t, parsed(t, not(a).text), v))
		require.Equal(t, parsed(t, a.text), parsed(t, not(not(a)).text))
		require.Equal(t, parsed(t, not(and(a, b)).text), parsed(t, or(not(a), not(b)).text), "De Morgan")
		require.Equal(t, parsed(t, not(or(a, b)).text), parsed(t, and(not(a), not(b)).text), "De Morgan")
	})
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"", "amount >= 50_000 and route in (BANK_CARD, INCENTIVE)", "not (urgent or partner_kind = 'x y' and not new)",
		"route not in ('or', TRADE) or amount != -0.5", "((((", "partner_kind='\xff'", "partner_kind in(\"'\", '\"')", "not not not",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse(text, fields)
		if err != nil {
			require.Regexp(t, `^column [0-9]+: `, err.Error())
			return
		}
		require.LessOrEqual(t, utf8.RuneCountInString(c.String()), longest)
		again := parsed(t, c.String())
		require.Equal(t, c, again)
		require.Equal(t, c.Words(), again.Words())
		for _, v := range []Values{
			{"amount": "0.00", "route": "TRADE", "partner_kind": "x", "urgent": "true", "new": "false"},
			{"amount": "-1", "route": "or", "partner_kind": "", "urgent": "false", "new": "true"},
		} {
			require.Equal(t, holds(t, c, v), holds(t, again, v))
		}
		if _, err := c.Holds(nil); !c.IsZero() {
			require.Error(t, err)
		}
	})
}
