package activities

import (
	"context"
	"fmt"
	"time"

	"countersign/domain/business"
	"countersign/domain/calendar"
	"countersign/domain/money"
)

// BusinessRecord is what a programme starts with about a partner as a company.
type BusinessRecord struct {
	Partner        string                `yaml:"partner"`
	RealName       *RealNameRecord       `yaml:"real_name"`
	Qualifications []QualificationRecord `yaml:"qualifications"`
	Information    *InformationRecord    `yaml:"information"` // certified; loaded when it differs from what is certified now
	Plans          []PlanRecord          `yaml:"plans"`
	Entities       []EntityRecord        `yaml:"entities"`
	Unpaid         []UnpaidRecord        `yaml:"unpaid_cycles"`
	Arrears        []ArrearsRecord       `yaml:"arrears"`
}

// RealNameRecord is the state of the real-name authentication.
type RealNameRecord struct {
	Status string        `yaml:"status"` // valid when left out
	Until  calendar.Date `yaml:"valid_until"`
}

// QualificationRecord is one dealer qualification.
type QualificationRecord struct {
	From  calendar.Date `yaml:"from"`
	Until calendar.Date `yaml:"until"`
}

// InformationRecord is certified business information.
type InformationRecord struct {
	Company           string            `yaml:"company_name"`
	CodeType          string            `yaml:"code_type"`
	Code              string            `yaml:"code"`
	RegisteredAddress string            `yaml:"registered_address"`
	Contact           string            `yaml:"contact"`
	Taxpayer          business.Taxpayer `yaml:"taxpayer_type"`
	ServiceFeeRate    *money.Amount     `yaml:"service_fee_tax_rate"` // percent; the taxpayer type's when left out
	TaxNumber         string            `yaml:"tax_number"`
	AccountName       string            `yaml:"bank_account_name"`
	Bank              string            `yaml:"bank_name"`
	Branch            string            `yaml:"branch"`
	AccountNo         string            `yaml:"account_no"`
	Currency          string            `yaml:"settlement_currency"` // CNY when left out
	CertifiedAt       time.Time         `yaml:"certified_at"`
}

// PlanRecord is one identity of a partner.
type PlanRecord struct {
	Plan  string     `yaml:"plan"`
	From  time.Time  `yaml:"from"`
	Until *time.Time `yaml:"until"` // left out: it holds
}

// EntityRecord is the vendor's entity that signs from a date on.
type EntityRecord struct {
	Entity string        `yaml:"entity"`
	From   calendar.Date `yaml:"effective_from"`
}

// UnpaidRecord is a billing cycle with unpaid consumption.
type UnpaidRecord struct {
	Period      string       `yaml:"period"`
	Association string       `yaml:"association"`
	Since       time.Time    `yaml:"since"`
	Amount      money.Amount `yaml:"amount"`
	PaidAt      *time.Time   `yaml:"paid_at"`
}

// ArrearsRecord is an overdue bill.
type ArrearsRecord struct {
	Reference string       `yaml:"reference"`
	Since     time.Time    `yaml:"since"`
	Amount    money.Amount `yaml:"amount"`
	PaidAt    *time.Time   `yaml:"paid_at"`
}

func (l *loading) business(ctx context.Context, f ProgrammeFile) error {
	for _, b := range f.Business {
		for _, part := range []func(context.Context, BusinessRecord) error{l.certificates, l.information, l.relationships, l.owing} {
			if err := part(ctx, b); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *loading) certificates(ctx context.Context, b BusinessRecord) error {
	if r := b.RealName; r != nil {
		if err := l.exec(ctx, "real name of "+b.Partner, `
			INSERT INTO real_names (partner_id, status, valid_until) VALUES ($1, coalesce(nullif($2, ''), 'valid'), $3)
			ON CONFLICT (partner_id) DO UPDATE SET status = excluded.status, valid_until = excluded.valid_until
			 WHERE (real_names.status, real_names.valid_until) IS DISTINCT FROM (excluded.status, excluded.valid_until)`, b.Partner, r.Status, r.Until); err != nil {
			return err
		}
	}
	for _, q := range b.Qualifications {
		if err := l.exec(ctx, "qualification of "+b.Partner, `
			INSERT INTO qualifications (partner_id, valid_from, valid_until) VALUES ($1, $2, $3)
			ON CONFLICT (partner_id, valid_from) DO UPDATE SET valid_until = excluded.valid_until WHERE qualifications.valid_until IS DISTINCT FROM excluded.valid_until`,
			b.Partner, q.From, q.Until); err != nil {
			return err
		}
	}
	return nil
}

// information lays in a certified version under a key that its content gives, so that a repeat finds it. It stands beside a
// change in review and does not end it.
func (l *loading) information(ctx context.Context, b BusinessRecord) error {
	r := b.Information
	if r == nil {
		return nil
	}
	s := business.Submission{
		Partner: b.Partner, Submitter: "system", Company: r.Company, CodeType: r.CodeType, Code: r.Code, RegisteredAddress: r.RegisteredAddress, Contact: r.Contact,
		Taxpayer: r.Taxpayer, TaxNumber: r.TaxNumber, AccountName: r.AccountName, Bank: r.Bank, Branch: r.Branch, AccountNo: r.AccountNo, Currency: r.Currency,
	}
	if s.Currency == "" {
		s.Currency = string(money.CNY)
	}
	rate := s.Taxpayer.ServiceFeeRate()
	if r.ServiceFeeRate != nil {
		rate = *r.ServiceFeeRate
	}
	at := stored(r.CertifiedAt)
	if r.CertifiedAt.IsZero() {
		at = l.at
	}
	s.ServiceFeeRate, s.RequestKey = rate.String(), ""
	digest := s.Digest()
	s.RequestKey = fmt.Sprintf("load/%x", digest[:16])
	var known bool
	if err := l.tx.GetContext(ctx, &known, `SELECT EXISTS (SELECT 1 FROM business_information WHERE partner_id = $1 AND request_key = $2)`, b.Partner, s.RequestKey); err != nil || known {
		return err
	}
	i := business.Information{
		Company: s.Company, CodeType: s.CodeType, Code: s.Code, RegisteredAddress: s.RegisteredAddress, Contact: s.Contact, Taxpayer: s.Taxpayer, ServiceFeeRate: rate,
		TaxNumber: s.TaxNumber, AccountName: s.AccountName, Bank: s.Bank, Branch: s.Branch, AccountNo: s.AccountNo, Currency: s.Currency,
		Status: business.Passed, SubmittedBy: s.Submitter, SubmittedAt: at, CertifiedAt: &at,
	}
	if err := insertInformation(ctx, l.tx, b.Partner, i, s.RequestKey, digest); err != nil {
		return err
	}
	l.report.Records++
	f, err := businessFacts(ctx, l.tx, b.Partner, at)
	if err != nil {
		return err
	}
	return keepSupplier(ctx, l.tx, i, f.Entity)
}

func (l *loading) relationships(ctx context.Context, b BusinessRecord) error {
	for _, p := range b.Plans {
		if err := l.exec(ctx, "plan of "+b.Partner, `
			INSERT INTO plan_identities (partner_id, plan, from_at, until_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (partner_id, plan, from_at) DO UPDATE SET until_at = excluded.until_at WHERE plan_identities.until_at IS DISTINCT FROM excluded.until_at`,
			b.Partner, p.Plan, stored(p.From), p.Until); err != nil {
			return err
		}
	}
	for _, e := range b.Entities {
		if err := l.exec(ctx, "entity of "+b.Partner, `
			INSERT INTO signing_entities (partner_id, entity, effective_from) VALUES ($1, $2, $3)
			ON CONFLICT (partner_id, effective_from) DO UPDATE SET entity = excluded.entity WHERE signing_entities.entity <> excluded.entity`,
			b.Partner, e.Entity, e.From); err != nil {
			return err
		}
	}
	return nil
}

func (l *loading) owing(ctx context.Context, b BusinessRecord) error {
	for _, u := range b.Unpaid {
		if err := l.exec(ctx, "unpaid cycle of "+b.Partner, `
			INSERT INTO unpaid_cycles (partner_id, period, association, since, amount, paid_at) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (partner_id, period, association, since) DO UPDATE SET amount = excluded.amount, paid_at = excluded.paid_at
			 WHERE (unpaid_cycles.amount, unpaid_cycles.paid_at) IS DISTINCT FROM (excluded.amount, excluded.paid_at)`,
			b.Partner, u.Period, u.Association, stored(u.Since), u.Amount, u.PaidAt); err != nil {
			return err
		}
	}
	for _, a := range b.Arrears {
		if err := l.exec(ctx, "arrears of "+b.Partner, `
			INSERT INTO arrears (partner_id, reference, amount, since, paid_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (partner_id, reference) DO UPDATE SET amount = excluded.amount, paid_at = excluded.paid_at
			 WHERE (arrears.amount, arrears.paid_at) IS DISTINCT FROM (excluded.amount, excluded.paid_at)`,
			b.Partner, a.Reference, a.Amount, stored(a.Since), a.PaidAt); err != nil {
			return err
		}
	}
	return nil
}
