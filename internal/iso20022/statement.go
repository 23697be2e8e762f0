package iso20022

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"strings"
)

// statementFile is an account statement, as far as it is read.
type statementFile struct {
	ID         string      `xml:"BkToCstmrStmt>GrpHdr>MsgId"`
	Statements []ofAccount `xml:"BkToCstmrStmt>Stmt"`
}

// ofAccount is the statement of one account.
type ofAccount struct {
	place
	ID      string  `xml:"Id"`
	IBAN    string  `xml:"Acct>Id>IBAN"`
	Other   string  `xml:"Acct>Id>Othr>Id"`
	Entries []entry `xml:"Ntry"`
}

type entry struct {
	place
	Amount    *amount  `xml:"Amt"`
	Sign      string   `xml:"CdtDbtInd"`
	Reversal  string   `xml:"RvslInd"`
	Status    string   `xml:"Sts>Cd"`
	Day       string   `xml:"BookgDt>Dt"`
	Instant   string   `xml:"BookgDt>DtTm"`
	Reference string   `xml:"AcctSvcrRef"`
	Details   []detail `xml:"NtryDtls>TxDtls"`
}

type detail struct {
	place
	EndToEndID string  `xml:"Refs>EndToEndId"`
	Reference  string  `xml:"Refs>AcctSvcrRef"`
	Amount     *amount `xml:"Amt"`
	Booked     *amount `xml:"AmtDtls>TxAmt>Amt"`
	Sign       string  `xml:"CdtDbtInd"`
	Return     *reason `xml:"RtrInf"`
}

// UnmarshalXML keeps the place.
func (s *ofAccount) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	type plain ofAccount
	row, column := d.InputPos()
	if err := d.DecodeElement((*plain)(s), &start); err != nil {
		return err
	}
	s.place = place{row, column}
	return nil
}

// UnmarshalXML keeps the place.
func (e *entry) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	type plain entry
	row, column := d.InputPos()
	if err := d.DecodeElement((*plain)(e), &start); err != nil {
		return err
	}
	e.place = place{row, column}
	return nil
}

// UnmarshalXML keeps the place.
func (t *detail) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	type plain detail
	row, column := d.InputPos()
	if err := d.DecodeElement((*plain)(t), &start); err != nil {
		return err
	}
	t.place = place{row, column}
	return nil
}

// answer lists every transaction of every entry; an entry without details is one.
func (f *statementFile) answer() (Answer, error) {
	a := Answer{ID: strings.TrimSpace(f.ID)}
	for _, s := range f.Statements {
		account := strings.TrimSpace(cmp.Or(s.IBAN, s.Other))
		if account == "" {
			return a, s.wrong("the statement names no account")
		}
		for n, e := range s.Entries {
			details := e.Details
			if len(details) == 0 {
				details = []detail{{place: e.place}}
			}
			for i, t := range details {
				l, err := e.line(t, len(details) == 1)
				if err != nil {
					return a, err
				}
				l.Account = account
				if len(details) > 1 && t.Reference == "" && l.Reference != "" { // the entry's is that of all its transactions
					l.Reference = fmt.Sprintf("%s/%d", l.Reference, i+1)
				}
				if l.Reference == "" { // none of the bank's that is its own in all statements: the place in this one
					l.Reference = fmt.Sprintf("%s/%d.%d", strings.TrimSpace(s.ID), n+1, i+1)
				}
				a.Lines = append(a.Lines, l)
			}
		}
	}
	return a, nil
}

// line reads one transaction; the only one of an entry has the entry's amount.
func (e entry) line(t detail, only bool) (Line, error) {
	l := Line{Row: t.row, Kind: Other, EndToEndID: strings.TrimSpace(t.EndToEndID), Reference: strings.TrimSpace(cmp.Or(t.Reference, e.Reference))}
	if l.EndToEndID == "NOTPROVIDED" { // the standard's word for none
		l.EndToEndID = ""
	}
	var sum *amount
	switch {
	case e.Amount == nil:
		return l, e.wrong("the entry has no amount")
	case t.Amount != nil:
		sum = t.Amount
	case t.Booked != nil:
		sum = t.Booked
	case only:
		sum = e.Amount
	default:
		return l, t.wrong("one of several transactions of an entry has no amount of its own")
	}
	l.Amount, l.Currency = &sum.Decimal, sum.currency
	var err error
	if l.Booked, err = date(e.place, cmp.Or(e.Day, e.Instant)); err != nil {
		return l, err
	}
	if t.Return != nil {
		l.Reason = t.Return.String()
	}
	reversal := strings.TrimSpace(e.Reversal)
	switch sign := cmp.Or(t.Sign, e.Sign); {
	case sign != "CRDT" && sign != "DBIT":
		return l, t.wrong("the transaction is neither credit nor debit, but %q", sign)
	case e.Status != "BOOK": // still pending, or for information
		l.Reason = strings.TrimSpace(e.Status + " " + l.Reason)
	case sign == "CRDT":
		l.Kind = Returned // of what is ours: nobody else names our payments
	case t.Return == nil && reversal != "true" && reversal != "1":
		l.Kind = Paid
	default:
		l.Kind, l.Reason = Unclear, strings.TrimSpace("money that had come back has left again "+l.Reason)
	}
	return l, nil
}
