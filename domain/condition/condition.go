// Package condition is the small language in which a policy says for which cases something applies. A condition is
// checked when the policy is read and asks nothing but the case's data.
//
//	amount >= 50_000 and route in (BANK_CARD, INCENTIVE)
//	urgent or not (partner_kind = 'Old partner' or amount < 100)
//
// The grammar, keywords in any case:
//
//	any        = all { "or" all }
//	all        = one { "and" one }
//	one        = { "not" } ( "(" any ")" | comparison )
//	comparison = amount-field ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) decimal
//	           | text-field ( "=" | "!=" ) literal
//	           | text-field [ "not" ] "in" "(" literal { "," literal } ")"
//	           | flag-field
//
// "==" is read as "=". A decimal has at most two decimals and may have thousands underscores. A literal is a bare
// word of letters, digits, "_", "." and "-" that is no keyword, or stands in double or single quotes.
package condition

// Type is what a field holds.
type Type string

// The types of fields.
const (
	Amount Type = "amount"
	Text   Type = "text"
	Flag   Type = "flag"
)

// Field is one thing about a case that a condition may ask for.
type Field struct {
	Name   string   // as written in a condition: "amount", "partner_kind"; a bare word, no keyword
	Type   Type     // what it can be compared with
	Words  string   // as people say it, a noun: "the amount", "the route", "the urgent mark"
	Values []string // the only texts a Text field can have; empty: any
}

// Values are a case's data as text, by field name: amounts "50000.00", flags "true" or "false".
type Values map[string]string

// Condition is a checked expression; the zero Condition always holds. Two conditions ask the same in the same way if
// their String is the same: == cannot tell. It is stored and sent as its text and parsed where it is used.
type Condition struct {
	_    [0]func() // forbids ==
	root node
}

// IsZero says that nothing is asked.
func (c Condition) IsZero() bool { return c.root == nil }

// Holds answers for one case. Every field the condition names must be there and well-formed, also where the rest
// decides already, so that a broken case is never found or missed by chance.
func (c Condition) Holds(v Values) (bool, error) {
	if c.IsZero() {
		return true, nil
	}
	return c.root.holds(v)
}

// Words is the condition as part of an English sentence: "the amount is at least 50000.00 and the route is BANK_CARD
// or INCENTIVE". The zero Condition is "always".
func (c Condition) Words() string {
	if c.IsZero() {
		return "always"
	}
	return c.root.words()
}

// String is the one way to write the condition: "not" only before flags and "in", brackets only where they are
// needed, amounts with two decimals. Parse reads it back; the zero Condition is "".
func (c Condition) String() string {
	if c.IsZero() {
		return ""
	}
	return c.root.source()
}
