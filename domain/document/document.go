// Package document is what may be enclosed with a case, as what, and by whom.
package document

import (
	"slices"
	"strings"
	"unicode"

	"countersign/domain/person"
	"countersign/domain/refusal"
)

// Kind is what a document is enclosed as.
type Kind string

// The kinds; the schema repeats them.
const (
	Invoice     Kind = "invoice"
	InvoiceList Kind = "invoice-list" // the list, with the invoice numbers written on it
	Agreement   Kind = "agreement"
	BankLetter  Kind = "bank-letter" // a bank's confirmation of an account
	Certificate Kind = "certificate"
	Report      Kind = "report"
	Proof       Kind = "proof" // photographs, receipts, attendance lists
	Other       Kind = "other"
)

// Kinds are all of them.
var Kinds = []Kind{Invoice, InvoiceList, Agreement, BankLetter, Certificate, Report, Proof, Other}

// Words lists the kinds for a sentence.
func Words() string {
	words := make([]string, len(Kinds))
	for i, k := range Kinds {
		words[i] = string(k)
	}
	return strings.Join(words, ", ")
}

// MayAdd judges who encloses something with a case of a partner, and as what. The person is nil when there is none of that ID.
func MayAdd(p *person.Person, id, caseNumber, partner string, kind Kind) (list refusal.List) {
	switch {
	case p == nil:
		list = append(list, refusal.New("COM-16", "CBC.0151", "person "+id, "There is no person %q; speak as somebody who is registered.", id))
	case !p.Active:
		list = append(list, refusal.New("COM-16", "CBC.0151", "person "+id, "%s has left; only active people add documents.", p.Name))
	case len(p.Roles) == 0 || !p.OfVendor() && p.PartnerID != partner:
		list = append(list, refusal.New("COM-16", "CBC.0151", "case "+caseNumber, "%s has no part in the case; its partner's people and the vendor's have, with any role.", p.Name))
	}
	if !slices.Contains(Kinds, kind) {
		list = append(list, refusal.New("COM-08", "CBC.0100", "document", "There is no kind of document %q; choose one of: %s.", kind, Words()))
	}
	return list
}

// maxName is how many characters of a name are kept.
const maxName = 128

// CleanName keeps of a file's name what people read: no folders, nothing that hides or turns letters, one line.
func CleanName(given string) string {
	if i := strings.LastIndexAny(given, `/\`); i >= 0 {
		given = given[i+1:]
	}
	name := []rune(strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Cf, r), r == unicode.ReplacementChar, !unicode.IsPrint(r):
			return -1
		}
		return r
	}, given)), " "))
	if len(name) > maxName { // its end says what it is
		name = slices.Concat(name[:maxName-17], []rune("…"), name[len(name)-16:])
	}
	if strings.Trim(string(name), ". ") == "" {
		return "unnamed"
	}
	return string(name)
}
