package business

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
)

// Submission is business information as entered: nothing in it is trusted yet. The first one is submitted, later ones change it.
type Submission struct {
	RequestKey        string   `json:"request_key" yaml:"-"`
	Partner           string   `json:"partner_id" yaml:"-"`
	Submitter         string   `json:"submitter" yaml:"-"`
	Company           string   `json:"company_name" yaml:"company_name"`
	CodeType          string   `json:"code_type" yaml:"code_type"`
	Code              string   `json:"code" yaml:"code"`
	RegisteredAddress string   `json:"registered_address" yaml:"registered_address"`
	Contact           string   `json:"contact" yaml:"contact"`
	Taxpayer          Taxpayer `json:"taxpayer_type" yaml:"taxpayer_type"`
	ServiceFeeRate    string   `json:"service_fee_tax_rate" yaml:"service_fee_tax_rate"` // percent; empty: the taxpayer type's
	TaxNumber         string   `json:"tax_number" yaml:"tax_number"`
	AccountName       string   `json:"bank_account_name" yaml:"bank_account_name"`
	Bank              string   `json:"bank_name" yaml:"bank_name"`
	Branch            string   `json:"branch" yaml:"branch"`
	AccountNo         string   `json:"account_no" yaml:"account_no"`
	Currency          string   `json:"settlement_currency" yaml:"settlement_currency"`
	Letter            string   `json:"bank_letter" yaml:"bank_letter"` // the bank confirmation letter, where one is needed (AUT-06)
}

// Digest identifies what is asked for under a request key (COM-20).
func (s Submission) Digest() []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", []string{
		s.RequestKey, s.Partner, s.Submitter, s.Company, s.CodeType, s.Code, s.RegisteredAddress, s.Contact, string(s.Taxpayer), s.ServiceFeeRate,
		s.TaxNumber, s.AccountName, s.Bank, s.Branch, s.AccountNo, s.Currency, s.Letter,
	}))
	return sum[:]
}

// Supplier is what the vendor's supplier file holds about a company.
type Supplier struct {
	AccountNo string `db:"account_no"`
	Entity    string `db:"entity"`
	Currency  string `db:"currency"`
}

// JudgeSubmission checks business information before it goes into review, all guards at once.
func JudgeSubmission(s Submission, by *person.Person, f Facts, known *Supplier) (Information, refusal.List) {
	j := submitting{s: s, f: f}
	j.caller(by)
	rate := j.parameters()
	if f.VerifiedName == "" || strings.TrimSpace(s.Company) != strings.TrimSpace(f.VerifiedName) {
		j.refuse("AUT-04", "AUT_REAL_NAME", "partner "+s.Partner, "The company's name is that of the real-name authentication, %q; write it so, or complete the authentication first.", f.VerifiedName)
	}
	if f.Status() == InReview {
		j.refuse("ENG-03", "ENG_STATE", "partner "+s.Partner, "Business information of the partner is in review; submit again after the result.")
	}
	if known != nil && blank(s.Letter) { // AUT-06
		if differs := j.differences(*known); len(differs) > 0 {
			j.refuse("AUT-06", "AUT_BANK_LETTER", "partner "+s.Partner, "The %s differs from the supplier file; attach a bank confirmation letter.", strings.Join(differs, " and the "))
		}
	}
	if len(j.list) > 0 {
		return Information{}, j.list
	}
	return Information{
		Company: strings.TrimSpace(s.Company), CodeType: s.CodeType, Code: s.Code, RegisteredAddress: s.RegisteredAddress, Contact: s.Contact,
		Taxpayer: s.Taxpayer, ServiceFeeRate: rate, TaxNumber: s.TaxNumber,
		AccountName: s.AccountName, Bank: s.Bank, Branch: s.Branch, AccountNo: s.AccountNo, Currency: s.Currency, Letter: s.Letter, Status: InReview,
	}, nil
}

type submitting struct {
	s    Submission
	f    Facts
	list refusal.List
}

func (j *submitting) refuse(rule, code, object, format string, args ...any) {
	j.list = append(j.list, refusal.New(rule, code, object, format, args...))
}

func (j *submitting) caller(by *person.Person) {
	switch {
	case by == nil:
		j.refuse("COM-16", "CBC.0151", "person "+j.s.Submitter, "There is no person %q; speak as somebody who is registered.", j.s.Submitter)
	case !MayAct(*by, j.s.Partner):
		j.refuse("COM-16", "CBC.0151", "person "+j.s.Submitter, "%s may not submit business information for partner %s; ask the partner's administrator.", by.Name, j.s.Partner)
	}
}

// parameters checks what was entered by itself and answers the service-fee tax rate.
func (j *submitting) parameters() money.Amount {
	s := j.s
	all := []string{s.RequestKey, s.Company, s.CodeType, s.Code, s.RegisteredAddress, s.Contact, s.TaxNumber, s.AccountName, s.Bank, s.Branch, s.AccountNo, s.Letter}
	if slices.ContainsFunc(all, func(t string) bool { return utf8.RuneCountInString(t) > 200 || strings.Contains(t, "\x00") }) {
		j.refuse("ENG-06", "CBC.0100", "request", "The request has text that cannot be kept: a NUL character or more than 200 characters; shorten it.")
	}
	if n := utf8.RuneCountInString(s.RequestKey); n == 0 || n > 64 {
		j.refuse("COM-20", "CBC.0100", "request", "A request carries a key of 1 to 64 characters of its own, so that a repeat is recognised.")
	}
	var missing []string
	for _, f := range []struct{ name, text string }{ // AUT-03
		{"company name", s.Company},
		{"code type", s.CodeType},
		{"code", s.Code},
		{"taxpayer type", string(s.Taxpayer)},
		{"tax number", s.TaxNumber},
		{"bank account name", s.AccountName},
		{"bank", s.Bank},
		{"branch", s.Branch},
		{"account number", s.AccountNo},
		{"settlement currency", s.Currency},
	} {
		if blank(f.text) {
			missing = append(missing, f.name)
		}
	}
	if len(missing) > 0 {
		j.refuse("AUT-03", "AUT_FIELD_MISSING", "partner "+s.Partner, "These are missing: %s; enter all bank and tax data.", strings.Join(missing, ", "))
	}
	if !blank(string(s.Taxpayer)) && !slices.Contains(Taxpayers, s.Taxpayer) {
		j.refuse("COM-08", "CBC.0100", "taxpayer type", "There is no taxpayer type %q; choose general or small-scale.", s.Taxpayer)
	}
	if !blank(s.Currency) && !currencyCode(s.Currency) {
		j.refuse("COM-08", "CBC.0100", "settlement currency", "%q is not a currency; write its three letters, like CNY.", s.Currency)
	}
	if blank(s.ServiceFeeRate) {
		return s.Taxpayer.ServiceFeeRate()
	}
	rate, err := money.Parse(s.ServiceFeeRate)
	if err != nil || rate.Sign() < 0 || rate.Cmp(money.Must("100")) >= 0 {
		j.refuse("COM-08", "CBC.0100", "service-fee tax rate", "%q is not a rate; write percent, like 3 or 6.", s.ServiceFeeRate)
	}
	return rate
}

func currencyCode(s string) bool {
	return len(s) == 3 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// differences names what is not as the supplier file has it.
func (j *submitting) differences(known Supplier) []string {
	var out []string
	for _, f := range []struct{ name, now, was string }{
		{"bank account", j.s.AccountNo, known.AccountNo}, {"signing entity", j.f.Entity, known.Entity}, {"currency", j.s.Currency, known.Currency},
	} {
		if f.now != f.was {
			out = append(out, f.name)
		}
	}
	return out
}

// JudgeDecision checks whether a person may pass or fail a partner's business information now.
func JudgeDecision(by *person.Person, id string, pass bool, reason string, f Facts) refusal.List {
	var list refusal.List
	refuse := func(rule, code, object, format string, args ...any) {
		list = append(list, refusal.New(rule, code, object, format, args...))
	}
	switch {
	case by == nil:
		refuse("COM-16", "CBC.0151", "person "+id, "There is no person %q; speak as somebody who is registered.", id)
	case !by.OfVendor() || !by.Holds(Deciders...):
		refuse("COM-16", "CBC.0151", "person "+id, "%s does not hold the role %s; somebody with that role decides.", by.Name, Deciders[0])
	case f.Status() == InReview && f.Latest.SubmittedBy == id:
		refuse("ENG-02", "ENG_SELF_APPROVAL", "partner "+f.Partner, "You submitted it yourself; ask a colleague to decide.")
	}
	if !pass && blank(reason) { // AUT-07
		refuse("AUT-07", "CBC.0100", "reason", "A failure carries its reason, which the partner is told; enter it.")
	}
	if f.Status() != InReview {
		refuse("ENG-03", "ENG_STATE", "partner "+f.Partner, "The business information is %s; only what is in review is decided.", f.Status())
	}
	return list
}

// JudgeTicket checks a partner's question about a failed certification (AUT-07).
func JudgeTicket(by *person.Person, id, question string, f Facts) refusal.List {
	var list refusal.List
	refuse := func(rule, code, object, format string, args ...any) {
		list = append(list, refusal.New(rule, code, object, format, args...))
	}
	switch {
	case by == nil:
		refuse("COM-16", "CBC.0151", "person "+id, "There is no person %q; speak as somebody who is registered.", id)
	case !MayAct(*by, f.Partner):
		refuse("COM-16", "CBC.0151", "person "+id, "%s may not ask for partner %s; ask the partner's administrator.", by.Name, f.Partner)
	}
	if blank(question) || utf8.RuneCountInString(question) > 500 {
		refuse("ENG-06", "CBC.0100", "question", "A ticket says in at most 500 characters what is asked.")
	}
	if f.Latest == nil || f.Latest.Status != Failed {
		refuse("AUT-07", "ENG_STATE", "partner "+f.Partner, "The business information is %s; a ticket is opened about one that failed.", f.Status())
	}
	return list
}

// Notice writes what the partner is told of a decision; the reason of a failure is in it (AUT-07).
func Notice(partner string, pass bool, reason string) (subject, body string) {
	if pass {
		return "商业信息认证通过 / Business information certified",
			"伙伴 partner: " + partner + "\n\n商业信息已认证，结算继续。 The business information is certified; what waited for it goes on.\n"
	}
	return "商业信息认证未通过 / Business information not certified",
		"伙伴 partner: " + partner + "\n原因 reason: " + reason + "\n\n请修改后重新提交，或提交工单。 Please correct it and submit it again, or open a ticket.\n"
}

// JudgeAnswer checks an answer to a ticket (AUT-07): of a person who decides, once.
func JudgeAnswer(by *person.Person, id, answer string, answered bool) refusal.List {
	var list refusal.List
	switch {
	case by == nil:
		list = append(list, refusal.New("COM-16", "CBC.0151", "person "+id, "There is no person %q; speak as somebody who is registered.", id))
	case !by.OfVendor() || !by.Holds(Deciders...):
		list = append(list, refusal.New("COM-16", "CBC.0151", "person "+id, "%s does not hold the role %s; somebody with that role answers.", by.Name, Deciders[0]))
	}
	if blank(answer) || utf8.RuneCountInString(answer) > 500 {
		list = append(list, refusal.New("ENG-06", "CBC.0100", "answer", "An answer has at most 500 characters, and at least one."))
	}
	if answered {
		list = append(list, refusal.New("ENG-03", "ENG_STATE", "ticket", "The ticket was answered already."))
	}
	return list
}
