package iso20022

import (
	"encoding/xml"
	"errors"
	"fmt"
	"time"

	"github.com/shopspring/decimal"
)

// Order asks a bank to pay: one file.
type Order struct {
	ID     string    // unique for ever: a bank refuses a second file with it
	At     time.Time // its date, in the zone it is given in, is when the bank shall pay
	Groups []Group
}

// Group is what is paid from one account.
type Group struct {
	ID        string
	From      Account
	Transfers []Transfer
}

// Write makes the file. The same order is the same octets.
func (o Order) Write() ([]byte, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	doc := document{Namespace: Pain001}
	body := &doc.Body
	body.Header = header{ID: o.ID, At: o.At.UTC().Format("2006-01-02T15:04:05Z"), Party: party{o.Groups[0].From.Name}}
	var total decimal.Decimal
	for _, g := range o.Groups {
		p := paymentInfo{
			ID: g.ID, Method: "TRF", Date: o.At.Format("2006-01-02"), Debtor: party{g.From.Name}, Account: accountOf(g.From.Number),
			Agent: agent{Institution: institution{BIC: g.From.BIC}}, Count: len(g.Transfers),
		}
		if g.From.BIC == "" {
			p.Agent.Institution.Other = &other{"NOTPROVIDED"}
		}
		var sum decimal.Decimal
		for _, t := range g.Transfers {
			p.Transfers = append(p.Transfers, transferOf(t))
			sum = sum.Add(t.Amount)
		}
		p.Sum = sum.StringFixed(2)
		body.Payments = append(body.Payments, p)
		body.Header.Count += p.Count
		total = total.Add(sum)
	}
	body.Header.Sum = total.StringFixed(2)
	out, err := xml.MarshalIndent(doc, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(append([]byte(xml.Header), out...), '\n'), nil
}

func (o Order) check() error {
	faults := []error{text("the message ID", o.ID, 1, maxID)}
	if len(o.Groups) == 0 {
		faults = append(faults, errors.New("there is nothing to pay"))
	}
	ids := map[string]bool{}
	for _, g := range o.Groups {
		faults = append(faults, text("the group's ID", g.ID, 1, maxID))
		if err := g.From.Check(); err != nil {
			faults = append(faults, fmt.Errorf("account %s: %w", g.From.Number, err))
		}
		if len(g.Transfers) == 0 {
			faults = append(faults, fmt.Errorf("group %s has nothing to pay", g.ID))
		}
		for _, t := range g.Transfers {
			if err := t.Check(); err != nil {
				faults = append(faults, fmt.Errorf("payment %s: %w", t.EndToEndID, err))
			}
			if ids[t.EndToEndID] {
				faults = append(faults, fmt.Errorf("payment %s is in the order twice", t.EndToEndID))
			}
			ids[t.EndToEndID] = true
		}
	}
	return errors.Join(faults...)
}

func transferOf(t Transfer) transfer {
	out := transfer{EndToEndID: t.EndToEndID, Creditor: party{t.Name}, Account: accountOf(t.Number)}
	out.Amount.Currency, out.Amount.Value = t.Currency, plain(t.Amount)
	if t.Bank != "" {
		out.Agent = &agent{Institution: institution{Name: t.Bank}}
		if t.Branch != "" {
			out.Agent.Branch = &party{t.Branch}
		}
	}
	if t.Text != "" {
		out.Remittance = &remittance{t.Text}
	}
	return out
}

// plain writes at least two decimals.
func plain(d decimal.Decimal) string {
	return d.StringFixed(max(2, -d.Exponent()))
}

func accountOf(number string) account {
	if isIBAN(number) {
		return account{IBAN: number}
	}
	return account{Other: &other{number}}
}

// The message, as far as it is written; the order of fields is that of the schema.
type document struct {
	XMLName   xml.Name `xml:"Document"`
	Namespace string   `xml:"xmlns,attr"`
	Body      struct {
		Header   header        `xml:"GrpHdr"`
		Payments []paymentInfo `xml:"PmtInf"`
	} `xml:"CstmrCdtTrfInitn"`
}

type header struct {
	ID    string `xml:"MsgId"`
	At    string `xml:"CreDtTm"`
	Count int    `xml:"NbOfTxs"`
	Sum   string `xml:"CtrlSum"`
	Party party  `xml:"InitgPty"`
}

type party struct {
	Name string `xml:"Nm"`
}

type paymentInfo struct {
	ID        string     `xml:"PmtInfId"`
	Method    string     `xml:"PmtMtd"`
	Batch     bool       `xml:"BtchBookg"` // false: a line of the statement for each payment
	Count     int        `xml:"NbOfTxs"`
	Sum       string     `xml:"CtrlSum"`
	Date      string     `xml:"ReqdExctnDt>Dt"`
	Debtor    party      `xml:"Dbtr"`
	Account   account    `xml:"DbtrAcct"`
	Agent     agent      `xml:"DbtrAgt"`
	Transfers []transfer `xml:"CdtTrfTxInf"`
}

type account struct {
	IBAN  string `xml:"Id>IBAN,omitempty"`
	Other *other `xml:"Id>Othr,omitempty"`
}

type other struct {
	ID string `xml:"Id"`
}

type agent struct {
	Institution institution `xml:"FinInstnId"`
	Branch      *party      `xml:"BrnchId,omitempty"`
}

type institution struct {
	BIC   string `xml:"BICFI,omitempty"`
	Name  string `xml:"Nm,omitempty"`
	Other *other `xml:"Othr,omitempty"`
}

type transfer struct {
	EndToEndID string `xml:"PmtId>EndToEndId"`
	Amount     struct {
		Currency string `xml:"Ccy,attr"`
		Value    string `xml:",chardata"`
	} `xml:"Amt>InstdAmt"`
	Agent      *agent      `xml:"CdtrAgt,omitempty"`
	Creditor   party       `xml:"Cdtr"`
	Account    account     `xml:"CdtrAcct"`
	Remittance *remittance `xml:"RmtInf,omitempty"`
}

type remittance struct {
	Text string `xml:"Ustrd"`
}
