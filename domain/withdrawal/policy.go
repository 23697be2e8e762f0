package withdrawal

import (
	"errors"

	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/person"
)

// Policy is the programme's parameters for withdrawals. A case keeps the version it was opened under.
type Policy struct {
	Version        int           `json:"version"          yaml:"-"`                // set by the database
	ReviewRole     person.Role   `json:"review_role"      yaml:"review_role"`      // approves or refuses
	PaymentRole    person.Role   `json:"payment_role"     yaml:"payment_role"`     // sends and confirms
	EscalationRole person.Role   `json:"escalation_role"  yaml:"escalation_role"`  // may answer what is overdue
	ReviewTerm     calendar.Term `json:"review_term"      yaml:"review_term"`      // from submission to escalation
	ArrivalTerm    calendar.Term `json:"arrival_term"     yaml:"arrival_term"`     // from approval to escalation (WDL-16, WDL-22)
	WalletTerm     calendar.Term `json:"wallet_term"      yaml:"wallet_term"`      // the same for wallets on the original route (WDL-17)
	RiskAmount     money.Amount  `json:"risk_amount"      yaml:"risk_amount"`      // wallet money from this amount up is reviewed by people
	CodeTerm       calendar.Term `json:"code_term"        yaml:"code_term"`        // life of a verification code
	CodeTries      int           `json:"code_tries"       yaml:"code_tries"`       // tries that a code allows: after so many wrong ones even the right one is refused
	DecideBySignal bool          `json:"decide_by_signal" yaml:"decide_by_signal"` // whether a decision may come as a signal
}

// DefaultPolicy is the rule book's numbers, and our own where it is silent.
func DefaultPolicy() Policy {
	return Policy{
		ReviewRole: person.VendorFinance, PaymentRole: person.VendorFinance, EscalationRole: person.FinanceManager,
		ReviewTerm: calendar.MustTerm("P2WD"), ArrivalTerm: calendar.MustTerm("P7WD"), WalletTerm: calendar.MustTerm("P1WD"),
		RiskAmount: money.Must("50000.00"),
		CodeTerm:   calendar.MustTerm("5m"), CodeTries: 5,
		DecideBySignal: true,
	}
}

// Check tells an operator everything that is wrong with a policy before it is saved.
func (p Policy) Check() error {
	var faults []error
	fault := func(wrong bool, sentence string) {
		if wrong {
			faults = append(faults, errors.New(sentence))
		}
	}
	fault(p.ReviewRole == "" || p.PaymentRole == "" || p.EscalationRole == "", "review_role, payment_role and escalation_role name a role each")
	fault(p.ReviewTerm.IsZero() || p.ArrivalTerm.IsZero() || p.WalletTerm.IsZero() || p.CodeTerm.IsZero(),
		"review_term, arrival_term, wallet_term and code_term are terms such as P7WD, P7D or 90s")
	fault(p.RiskAmount.Sign() <= 0, "risk_amount is an amount greater than 0")
	fault(p.CodeTries < 1, "code_tries is at least 1")
	return errors.Join(faults...)
}
