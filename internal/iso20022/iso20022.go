// Package iso20022 writes payment orders for a bank (pain.001) and reads what the bank answers: status reports (pain.002) and
// account statements (camt.053). Amounts are exact decimals; a file that is not in order is an error that says where.
package iso20022

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/shopspring/decimal"
)

// The messages that are understood, by their namespaces.
const (
	Pain001 = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.10"
	Pain002 = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.11"
	Camt053 = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
)

// MaxFile is the largest file that is read, in bytes, and MaxLines how many lines it may have.
const (
	MaxFile  = 16 << 20
	MaxLines = 50_000
)

// Limits of the standard, in characters.
const (
	maxID      = 35
	maxName    = 140
	maxAccount = 34
)

// Account is whose money is paid, and from where.
type Account struct {
	Name   string
	Number string // an IBAN, or the bank's own number
	BIC    string // may be empty
}

// Transfer is one payment.
type Transfer struct {
	EndToEndID string // ours; the bank repeats it in every answer
	Amount     decimal.Decimal
	Currency   string
	Name       string // of who is paid
	Number     string // their account: an IBAN, or the bank's own number
	Bank       string // its name; may be empty
	Branch     string // may be empty
	Text       string // for who is paid; may be empty
}

var (
	iban     = regexp.MustCompile(`^[A-Z]{2}[0-9]{2}[a-zA-Z0-9]{11,30}$`)
	bic      = regexp.MustCompile(`^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$`)
	currency = regexp.MustCompile(`^[A-Z]{3}$`)
)

// Check tells everything because of which an account cannot stand in a file.
func (a Account) Check() error {
	faults := []error{text("the name", a.Name, 1, maxName), text("the account number", a.Number, 1, maxAccount)}
	if a.BIC != "" && !bic.MatchString(a.BIC) {
		faults = append(faults, fmt.Errorf("the BIC %q is not 8 or 11 capital letters and digits", a.BIC))
	}
	return errors.Join(faults...)
}

// Check tells everything because of which a payment cannot stand in a file.
func (t Transfer) Check() error {
	faults := []error{
		text("the end-to-end ID", t.EndToEndID, 1, maxID), text("the payee's name", t.Name, 1, maxName), text("the payee's account number", t.Number, 1, maxAccount),
		text("the bank's name", t.Bank, 0, maxName), text("the branch", t.Branch, 0, maxName), text("the text", t.Text, 0, maxName),
	}
	if t.Amount.Sign() <= 0 || t.Amount.Exponent() < -5 || t.Amount.NumDigits() > 18 {
		faults = append(faults, fmt.Errorf("the amount %s is not above 0 with at most 18 digits, 5 of them decimals", t.Amount))
	}
	if !currency.MatchString(t.Currency) {
		faults = append(faults, fmt.Errorf("the currency %q is not three capital letters", t.Currency))
	}
	return errors.Join(faults...)
}

// text checks a text of so many characters. Control characters are refused: XML would drop or change them.
func text(what, s string, least, most int) error {
	n := utf8.RuneCountInString(s)
	switch {
	case n < least || least > 0 && strings.TrimSpace(s) == "":
		return fmt.Errorf("%s is missing", what)
	case n > most:
		return fmt.Errorf("%s has %d characters, a bank file takes %d", what, n, most)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffe || r == 0xffff }):
		return fmt.Errorf("%s has characters that a bank file cannot carry", what)
	}
	return nil
}

// isIBAN tells an IBAN from a bank's own number, by form and check digits (ISO 7064).
func isIBAN(s string) bool {
	if !iban.MatchString(s) {
		return false
	}
	rest := 0
	for _, c := range strings.ToUpper(s[4:] + s[:4]) {
		if c >= 'A' {
			rest = (rest*100 + int(c-'A') + 10) % 97
		} else {
			rest = (rest*10 + int(c-'0')) % 97
		}
	}
	return rest == 1
}

// Kind is what a line of an answer says about a payment.
type Kind string

// The kinds of lines.
const (
	Paid     Kind = "paid"     // booked: the money has left the account
	Returned Kind = "returned" // booked: the money is back
	Accepted Kind = "accepted" // the bank will pay it
	Rejected Kind = "rejected" // the bank does not pay it
	Unclear  Kind = "unclear"  // a return that was undone, a rejection as a duplicate: people have to look
	Other    Kind = "other"    // not booked yet, still looked at, not a payment of ours
)

// Line is one line of an answer. One without end-to-end ID speaks of a whole order, or of a group of it.
type Line struct {
	Row        int // where it stands in the file
	Kind       Kind
	EndToEndID string
	Message    string           // the order that is answered, of a status report
	Group      string           // the group in it; empty: all of it
	Amount     *decimal.Decimal // nil: the line tells none
	Currency   string
	Booked     string // the booking date, 2006-01-02; empty: the line tells none
	Reference  string // the bank's
	Account    string // whose statement it is
	Reason     string // as the bank gives it
}

// Answer is one file of a bank.
type Answer struct {
	Schema string // its namespace
	ID     string // the bank's message ID
	Lines  []Line
}

// Error is what is wrong with a file, and where.
type Error struct {
	Row, Column int
	Text        string
}

func (e *Error) Error() string { return fmt.Sprintf("line %d, column %d: %s", e.Row, e.Column, e.Text) }
