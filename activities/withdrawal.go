package activities

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"countersign/domain"
	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/withdrawal"

	"github.com/jmoiron/sqlx"
)

// Withdrawals records what happens to withdrawals.
type Withdrawals struct {
	DB      *sqlx.DB
	Channel PaymentChannel
}

// PaymentOrder is one approved payment on its way out.
type PaymentOrder struct {
	Case         string
	Route        withdrawal.Route
	Amount       money.Amount
	Currency     money.Currency
	Payee        withdrawal.Payee
	PayingEntity string
	PaidFrom     ledger.Account
	File         string // the order for the bank that it left in; empty: people instruct bank or channel
}

// PaymentChannel says how an approved payment leaves the house and how its end becomes known: by which questions to
// vendor finance.
type PaymentChannel interface {
	SendQuestion(PaymentOrder) string
	ConfirmQuestion(PaymentOrder) string
}

// ByHand is the channel of people: vendor finance releases the payment, instructs bank or payment channel, and reports the
// answer. Money moves only after the release: until then the hold can still be given back.
type ByHand struct{}

// SendQuestion asks for the release.
func (ByHand) SendQuestion(o PaymentOrder) string {
	return fmt.Sprintf("Is %s %s to %s ready to be paid from %s of %s? Do not pay yet. Decide: send, or fail with a reason.",
		o.Amount, o.Currency, payeeText(o.Payee), o.PaidFrom, o.PayingEntity)
}

// ConfirmQuestion asks for the payment and the bank's answer; of one that left in a file for the answer only.
func (ByHand) ConfirmQuestion(o PaymentOrder) string {
	if o.File != "" {
		return fmt.Sprintf("%s %s to %s left in the bank file %s: do not pay it again. Import the bank's statement; or, when the bank answers otherwise, decide: confirm with its amount and reference, or return with its reason.",
			o.Amount, o.Currency, payeeText(o.Payee), o.File)
	}
	return fmt.Sprintf("Pay %s %s to %s from %s of %s now, once, remittance text %s. When the bank answers, decide: confirm with its amount and reference, or return with its reason.",
		o.Amount, o.Currency, payeeText(o.Payee), o.PaidFrom, o.PayingEntity, o.Case)
}

func payeeText(p withdrawal.Payee) string {
	parts := []string{p.Holder}
	for _, s := range []string{p.AccountNo, p.Bank, p.Branch} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ", ")
}

// WithdrawalStanding is where a case stands after a step.
type WithdrawalStanding struct {
	Case    string           `json:"case"`
	Partner string           `json:"partner"`
	Route   withdrawal.Route `json:"route"`
	Amount  money.Amount     `json:"amount"`
	Holder  string           `json:"holder"`
	State   withdrawal.State `json:"state"`
	DueAt   *time.Time       `json:"due_at,omitempty"`  // when the step is overdue; nil: it is, or nothing is waited for
	WakeAt  *time.Time       `json:"wake_at,omitempty"` // when the clock does something next; nil in histories of before it was known, and when it does nothing
}

// Now is where the case stands, as every kind of case says it.
func (s WithdrawalStanding) Now() Standing {
	return Standing{
		Case: s.Case, Kind: withdrawal.Kind, Partner: s.Partner, Amount: s.Amount, About: fmt.Sprintf("%s CNY of %s by %s to %s", s.Amount, s.Partner, s.Route, cmp.Or(s.Holder, "-")),
		State: s.State, Ended: withdrawal.Ended(s.State), DueAt: s.DueAt, WakeAt: s.WakeAt,
	}
}

func entryKey(number, step string) string { return withdrawal.Kind + "/" + number + "/" + step }

// unknown says that the named record does not exist.
func unknown(what, id string) error { return fmt.Errorf("%s %q: %w", what, id, domain.ErrNotFound) }
