package iso20022

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopspring/decimal"
)

// maxDepth is deeper than any message of the standard goes; of a bank's reasons this much is kept.
const (
	maxDepth  = 40
	maxReason = 400
)

// Read reads a bank's answer: a status report (pain.002) or a statement (camt.053). What is wrong with it is an *Error.
func Read(file []byte) (Answer, error) {
	if len(file) > MaxFile {
		return Answer{}, fmt.Errorf("the file has %d bytes, at most %d are read", len(file), MaxFile)
	}
	file = bytes.TrimPrefix(file, []byte("\xef\xbb\xbf"))
	namespace, err := look(file)
	if err != nil {
		return Answer{}, err
	}
	var doc interface{ answer() (Answer, error) }
	switch namespace {
	case Camt053:
		doc = &statementFile{}
	case Pain002:
		doc = &statusFile{}
	default:
		return Answer{}, &Error{1, 1, fmt.Sprintf("the namespace is %q; a status report has %q, a statement %q", namespace, Pain002, Camt053)}
	}
	d := xml.NewDecoder(bytes.NewReader(file))
	if err := d.Decode(doc); err != nil {
		return Answer{}, located(d, err)
	}
	a, err := doc.answer()
	a.Schema = namespace
	switch {
	case err != nil:
		return a, err
	case a.ID == "":
		return a, &Error{1, 1, "the message has no MsgId"}
	case len(a.Lines) > MaxLines:
		return a, fmt.Errorf("the file has %d lines, at most %d are read", len(a.Lines), MaxLines)
	}
	for i := range a.Lines {
		if err := a.Lines[i].fits(); err != nil {
			return a, err
		}
	}
	return a, nil
}

// fits refuses names that are longer than the standard has them, and cuts a reason that is.
func (l *Line) fits() error {
	for what, s := range map[string]string{"end-to-end ID": l.EndToEndID, "message ID": l.Message, "group's ID": l.Group, "bank's reference": l.Reference, "account number": l.Account} {
		if n := utf8.RuneCountInString(s); n > 2*maxID {
			return &Error{l.Row, 1, fmt.Sprintf("the %s has %d characters", what, n)}
		}
	}
	if r := []rune(l.Reason); len(r) > maxReason {
		l.Reason = string(r[:maxReason])
	}
	return nil
}

// each are the elements of which a file has many.
var each = []string{"Ntry", "TxDtls", "OrgnlPmtInfAndSts", "TxInfAndSts"}

// look goes through a file once before anything of it is believed: well-formed, one root, one namespace, no document type.
func look(file []byte) (namespace string, err error) {
	d := xml.NewDecoder(bytes.NewReader(file))
	depth, foreign, roots, entries := 0, 0, 0, 0
	for {
		row, column := d.InputPos()
		token, err := d.Token()
		if errors.Is(err, io.EOF) && roots == 1 {
			return namespace, nil
		}
		if errors.Is(err, io.EOF) {
			return "", &Error{row, column, "the file is empty; a bank's answer is an XML document"}
		}
		if err != nil {
			return "", located(d, err)
		}
		wrong := func(format string, args ...any) (string, error) {
			return "", &Error{row, column, fmt.Sprintf(format, args...)}
		}
		switch t := token.(type) {
		case xml.Directive:
			return wrong("a document type is not taken")
		case xml.CharData:
			if depth == 0 && len(bytes.TrimSpace(t)) > 0 {
				return wrong("there is text outside of the document")
			}
		case xml.StartElement:
			depth++
			if slices.Contains(each, t.Name.Local) {
				entries++
			}
			switch {
			case entries > 2*MaxLines: // an entry and its transaction
				return wrong("the file has more than %d entries", MaxLines)
			case depth > maxDepth:
				return wrong("elements lie deeper than %d", maxDepth)
			case depth == 1 && roots > 0:
				return wrong("there is a second document in the file")
			case depth == 1 && t.Name.Local != "Document":
				return wrong("the file begins with %q; a message begins with Document", t.Name.Local)
			case depth == 1:
				namespace, roots = t.Name.Space, 1
			case foreign == 0 && t.Name.Space != namespace:
				return wrong("the element %s is in the namespace %q, the document in %q", t.Name.Local, t.Name.Space, namespace)
			}
			if foreign > 0 || t.Name.Local == "Envlp" { // supplementary data may be of any namespace
				foreign++
			}
		case xml.EndElement:
			depth--
			foreign = max(0, foreign-1)
		}
	}
}

// located says where an error is.
func located(d *xml.Decoder, err error) error {
	var known *Error
	var syntax *xml.SyntaxError
	if errors.As(err, &known) {
		return known
	}
	row, column := d.InputPos()
	words := err.Error()
	if errors.As(err, &syntax) {
		words = syntax.Msg
	}
	if strings.Contains(words, "CharsetReader") {
		words = "the file is not written in UTF-8"
	}
	return &Error{row, column, "not well-formed: " + words}
}

// place is where an element begins.
type place struct{ row, column int }

func (p place) wrong(format string, args ...any) error {
	return &Error{p.row, p.column, fmt.Sprintf(format, args...)}
}

// amount is a decimal with its currency.
type amount struct {
	decimal.Decimal
	currency string
}

var number = regexp.MustCompile(`^\+?([0-9]{1,18}(\.[0-9]{0,5})?|\.[0-9]{1,5})$`)

// UnmarshalXML reads an amount of at most 18 digits, 5 of them decimals.
func (a *amount) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	row, column := d.InputPos()
	at := place{row, column}
	var raw struct {
		Currency string `xml:"Ccy,attr"`
		Value    string `xml:",chardata"`
	}
	if err := d.DecodeElement(&raw, &start); err != nil {
		return err
	}
	value := strings.TrimSpace(raw.Value)
	var err error
	if !number.MatchString(value) {
		return at.wrong("the amount %q is no number with at most 18 digits, 5 of them decimals", value)
	}
	if a.Decimal, err = decimal.NewFromString(value); err != nil {
		return at.wrong("the amount %q is no number", value)
	}
	if a.currency = raw.Currency; !currency.MatchString(a.currency) {
		return at.wrong("the amount %s has the currency %q; a currency is three capital letters", value, raw.Currency)
	}
	return nil
}

// reason is why, in the bank's words.
type reason struct {
	Code  string   `xml:"Rsn>Cd"`
	Own   string   `xml:"Rsn>Prtry"`
	Words []string `xml:"AddtlInf"`
}

func (r reason) String() string {
	return strings.Join(strings.Fields(strings.Join(append([]string{r.Code, r.Own}, r.Words...), " ")), " ")
}

func joined(all []reason) string {
	words := make([]string, 0, len(all))
	for _, r := range all {
		if s := r.String(); s != "" {
			words = append(words, s)
		}
	}
	return strings.Join(words, "; ")
}

// date cuts the date from a date or an instant.
func date(at place, what string) (string, error) {
	what = strings.TrimSpace(what)
	if what == "" {
		return "", nil
	}
	day := what[:min(len(what), len(time.DateOnly))]
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		return "", at.wrong("%q is no date", what)
	}
	return day, nil
}
