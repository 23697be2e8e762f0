// Package ledger is double entry over the programme's chart of accounts: credit positive, debit negative, every entry sums
// to zero. The chart itself, with normal sides and floors, is reference data in schema/.
package ledger

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/domain/money"
)

// Account names one account: a code of the chart, and after a colon its owner where it has one ("P.CASH:P1001").
type Account string

// Code is the account's place in the chart: "P.CASH" of "P.CASH:P1001".
func (a Account) Code() string {
	code, _, _ := strings.Cut(string(a), ":")
	return code
}

// Owner is whose account it is; empty: nobody's.
func (a Account) Owner() string {
	_, owner, _ := strings.Cut(string(a), ":")
	return owner
}

// The vendor's own and contra accounts.
const (
	Bank           Account = "V.BANK"
	ChanAlipay     Account = "V.CHAN.alipay"
	ChanWechat     Account = "V.CHAN.wechat"
	ChanUnionpay   Account = "V.CHAN.unionpay"
	ChanEbankPers  Account = "V.CHAN.ebank_personal"
	ChanEbankCorp  Account = "V.CHAN.ebank_corporate"
	Sales          Account = "V.SALES"
	IncentiveCost  Account = "V.INCEXP"
	OwedContra     Account = "M.OWEDX"
	UnpostedContra Account = "M.UNPOSTEDX"
)

// Cash is partner p's top-up account, kept as dated lots.
func Cash(p string) Account { return Account("P.CASH:" + p) }

// Hold is partner p's cash held for withdrawals.
func Hold(p string) Account { return Account("P.HOLD:" + p) }

// Credit is what partner p may still use of its credit.
func Credit(p string) Account { return Account("P.CRED:" + p) }

// CreditLine is the contra of granted credit.
const CreditLine Account = "V.CREDLINE"

// Owed is partner p's owed-invoice memo.
func Owed(p string) Account { return Account("M.OWED:" + p) }

// Unposted is the memo of partner p's charges that are not posted yet (WDL-07).
func Unposted(p string) Account { return Account("M.UNPOSTED:" + p) }

// Debt is customer c's unpaid charges.
func Debt(c string) Account { return Account("C.DEBT:" + c) }

// Incentive is the incentive payable to partner p.
func Incentive(p string) Account { return Account("V.INCENT:" + p) }

// Fund is the fund payable to partner p.
func Fund(p string) Account { return Account("V.FUND:" + p) }

// Posting moves one account: a credit is positive, a debit negative, in the account's currency.
type Posting struct {
	Account Account
	Amount  money.Amount
}

// Entry is one balanced movement.
type Entry struct {
	Key      string    // business key: kind, case number, step ("withdrawal/W000123/hold"); one entry a key (ENG-01)
	Case     string    // case number; empty when no case moves the money
	Memo     string    // what it is, for the statement
	At       time.Time // when it was asked for
	Postings []Posting
}

// Move debits one account and credits another.
func Move(amount money.Amount, debit, credit Account) []Posting {
	return []Posting{{debit, amount.Neg()}, {credit, amount}}
}

// Check tells a programming mistake before the database does: no key, no postings, a zero, an account twice, no balance.
func (e Entry) Check() error {
	if e.Key == "" || len(e.Postings) < 2 {
		return fmt.Errorf("entry %q needs a key and at least two postings", e.Key)
	}
	total := money.Zero
	seen := map[Account]bool{}
	for _, p := range e.Postings {
		if p.Amount.Sign() == 0 || seen[p.Account] {
			return fmt.Errorf("entry %q: account %s is moved by zero or twice", e.Key, p.Account)
		}
		seen[p.Account] = true
		total = total.Add(p.Amount)
	}
	if total.Sign() != 0 {
		return fmt.Errorf("entry %q is out of balance by %s", e.Key, total)
	}
	return nil
}

// Digest identifies the content: case, memo and postings in name order. The instant is not part of it, so that a command
// repeated later under the same key is the same command (COM-20).
func (e Entry) Digest() []byte {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q", e.Case, e.Memo)
	for _, p := range slices.SortedFunc(slices.Values(e.Postings), func(a, b Posting) int { return cmp.Compare(a.Account, b.Account) }) {
		fmt.Fprintf(h, " %q %s", string(p.Account), p.Amount)
	}
	return h.Sum(nil)
}

// ErrOtherContent says that an entry's key is taken by an entry with other content: a defect of the caller, or COM-20.
var ErrOtherContent = errors.New("the entry's key is taken with other content")
