package iso20022

import (
	"cmp"
	"encoding/xml"
	"slices"
	"strings"
)

// statusFile is a status report, as far as it is read.
type statusFile struct {
	ID       string        `xml:"CstmrPmtStsRpt>GrpHdr>MsgId"`
	Order    orderStatus   `xml:"CstmrPmtStsRpt>OrgnlGrpInfAndSts"`
	Payments []groupStatus `xml:"CstmrPmtStsRpt>OrgnlPmtInfAndSts"`
}

type orderStatus struct {
	place
	ID      string   `xml:"OrgnlMsgId"`
	Status  string   `xml:"GrpSts"`
	Reasons []reason `xml:"StsRsnInf"`
}

type groupStatus struct {
	place
	ID      string           `xml:"OrgnlPmtInfId"`
	Status  string           `xml:"PmtInfSts"`
	Reasons []reason         `xml:"StsRsnInf"`
	Each    []transferStatus `xml:"TxInfAndSts"`
}

type transferStatus struct {
	place
	EndToEndID string   `xml:"OrgnlEndToEndId"`
	Status     string   `xml:"TxSts"`
	Reasons    []reason `xml:"StsRsnInf"`
	Reference  string   `xml:"AcctSvcrRef"`
	Amount     *amount  `xml:"OrgnlTxRef>Amt>InstdAmt"`
}

// UnmarshalXML keeps the place.
func (o *orderStatus) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	type plain orderStatus
	row, column := d.InputPos()
	if err := d.DecodeElement((*plain)(o), &start); err != nil {
		return err
	}
	o.place = place{row, column}
	return nil
}

// UnmarshalXML keeps the place.
func (g *groupStatus) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	type plain groupStatus
	row, column := d.InputPos()
	if err := d.DecodeElement((*plain)(g), &start); err != nil {
		return err
	}
	g.place = place{row, column}
	return nil
}

// UnmarshalXML keeps the place.
func (t *transferStatus) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	type plain transferStatus
	row, column := d.InputPos()
	if err := d.DecodeElement((*plain)(t), &start); err != nil {
		return err
	}
	t.place = place{row, column}
	return nil
}

// statuses that settle something; all others only tell how far the bank is.
var statuses = map[string]Kind{
	"RJCT": Rejected,
	"ACTC": Accepted, "ACCP": Accepted, "ACSP": Accepted, "ACSC": Accepted, "ACWC": Accepted, "ACCC": Accepted,
}

// kindOf reads a status; empty: it settles nothing. What a bank rejects because it has it already may still be paid, once;
// the reasons are those of whatever it is part of, too.
func kindOf(status string, reasons ...[]reason) Kind {
	kind := statuses[status]
	if kind == Rejected && slices.ContainsFunc(slices.Concat(reasons...), func(r reason) bool { return slices.Contains(duplicates, r.Code) }) {
		return Unclear
	}
	return kind
}

// duplicates are the reasons for which a second copy of an order, a group or a payment is rejected.
var duplicates = []string{"AM05", "DU01", "DU02", "DU03", "DU04", "DU05"}

// answer lists the payments that are spoken of, then groups, then the whole order.
func (f *statusFile) answer() (Answer, error) {
	a := Answer{ID: strings.TrimSpace(f.ID)}
	order := strings.TrimSpace(f.Order.ID)
	if order == "" {
		return a, f.Order.wrong("the report names no order; OrgnlMsgId is missing")
	}
	var groups []Line
	for _, g := range f.Payments {
		group := strings.TrimSpace(g.ID)
		for _, t := range g.Each {
			id := strings.TrimSpace(t.EndToEndID)
			if id == "" {
				return a, t.wrong("the status %q is of no payment; OrgnlEndToEndId is missing", t.Status)
			}
			l := Line{
				Row: t.row, Kind: cmp.Or(kindOf(t.Status, f.Order.Reasons, g.Reasons, t.Reasons), Other), EndToEndID: id, Message: order, Group: group,
				Reference: strings.TrimSpace(t.Reference), Reason: statusReason(t.Status, t.Reasons),
			}
			if t.Amount != nil {
				l.Amount, l.Currency = &t.Amount.Decimal, t.Amount.currency
			}
			a.Lines = append(a.Lines, l)
		}
		if kind := kindOf(g.Status, f.Order.Reasons, g.Reasons); kind != "" {
			if group == "" { // or it would speak of the whole order
				return a, g.wrong("the status %q is of no group; OrgnlPmtInfId is missing", g.Status)
			}
			groups = append(groups, Line{Row: g.row, Kind: kind, Message: order, Group: group, Reason: statusReason(g.Status, g.Reasons)})
		}
	}
	a.Lines = slices.Concat(a.Lines, groups)
	if kind := kindOf(f.Order.Status, f.Order.Reasons); kind != "" {
		a.Lines = append(a.Lines, Line{Row: f.Order.row, Kind: kind, Message: order, Reason: statusReason(f.Order.Status, f.Order.Reasons)})
	}
	return a, nil
}

func statusReason(status string, reasons []reason) string {
	return strings.TrimSpace(status + " " + joined(reasons))
}
