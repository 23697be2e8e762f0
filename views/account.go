package views

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/incentive"
	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/withdrawal"
)

// Balance is one account, shown on its normal side.
type Balance struct {
	Account  ledger.Account `db:"account"  json:"account"`
	Title    string         `db:"title"    json:"title"`
	Currency money.Currency `db:"currency" json:"currency"`
	Memo     bool           `db:"memo"     json:"memo"` // no money
	Balance  money.Amount   `db:"balance"  json:"balance"`
}

// Balances lists the accounts in use; with a partner its own and its customers'.
func (r Reader) Balances(ctx context.Context, partner string) ([]Balance, error) {
	if partner != "" {
		if err := r.mustExist(ctx, "partner", partner, partnerExistsSQL); err != nil {
			return nil, err
		}
	}
	if partner == "" {
		return rows[Balance](ctx, r.q(), "balances", balancesSQL+` ORDER BY a.account`)
	}
	return rows[Balance](ctx, r.q(), "balances", balancesSQL+ownBalancesSQL, partner)
}

// OwnBalances lists a partner's own accounts.
func (r Reader) OwnBalances(ctx context.Context, partner string) ([]Balance, error) {
	return rows[Balance](ctx, r.q(), "balances", balancesSQL+` WHERE a.owner = $1 AND split_part(a.code, '.', 1) IN ('P', 'V', 'M') ORDER BY a.account`, partner)
}

// CustomerBalances lists so many accounts of a partner's customers, those with something in them first; after an account, if one is named.
func (r Reader) CustomerBalances(ctx context.Context, partner string, after ledger.Account, limit int) ([]Balance, error) {
	return rows[Balance](ctx, r.q(), "balances", balancesSQL+`
		 WHERE a.owner = ANY (ARRAY(SELECT customer_id FROM customers WHERE partner_id = $1)) AND split_part(a.code, '.', 1) = 'C'
		   AND ($2 = '' OR (a.balance = 0, a.account) > ((SELECT balance = 0 FROM accounts WHERE account = $2), $2))
		 ORDER BY a.balance = 0, a.account LIMIT $3`, partner, after, limit)
}

// Balance reads one account; one that was never used stands at 0.00.
func (r Reader) Balance(ctx context.Context, account ledger.Account) (money.Amount, error) {
	b, err := row[Balance](ctx, r.q(), "account", string(account), balanceSQL, account)
	return b.Balance, err
}

const balanceSQL = `
	SELECT c.title, c.currency, c.memo, c.normal * coalesce(a.balance, (SELECT sum(amount) FROM postings WHERE account = $1), 0.00) AS balance
	  FROM chart c LEFT JOIN accounts a ON a.account = $1 WHERE c.code = split_part($1, ':', 1)`

const balancesSQL = `
	SELECT a.account, c.title, a.currency, c.memo, a.normal * coalesce(a.balance, s.amount, 0.00) AS balance
	  FROM accounts a JOIN chart c USING (code)
	  LEFT JOIN LATERAL (SELECT sum(amount) AS amount FROM postings p WHERE p.account = a.account AND a.balance IS NULL) s ON true`

// A customer may bear the same number as a partner. The array is for the index: there are accounts by the million.
const ownBalancesSQL = `
	 WHERE a.owner = ANY (ARRAY(SELECT $1 UNION ALL SELECT customer_id FROM customers WHERE partner_id = $1))
	   AND (a.owner = $1 AND split_part(a.code, '.', 1) IN ('P', 'V', 'M')
	     OR a.owner IN (SELECT customer_id FROM customers WHERE partner_id = $1) AND split_part(a.code, '.', 1) = 'C')
	 ORDER BY a.account`

// Available is what a partner may withdraw now and from which lots.
type Available struct {
	Partner string `json:"partner"`
	withdrawal.Available
	Cash     money.Amount `json:"cash"`
	Owed     money.Amount `json:"owed_invoices"`
	Unposted money.Amount `json:"charges_not_posted"`
	Debts    money.Amount `json:"customers_debts"`
	Lots     []Lot        `json:"lots"`
}

// Lot is one dated part of the account that has something left.
type Lot struct {
	No         withdrawal.LotNo  `json:"lot"`
	Source     withdrawal.Source `json:"source"`
	Payer      string            `json:"payer,omitempty"`
	ArrivedAt  time.Time         `json:"arrived_at"`
	Remaining  money.Amount      `json:"remaining"`
	Free       money.Amount      `json:"free"`             // may leave at all
	Pool       withdrawal.Route  `json:"pool"`             // leaves by this route
	Rule       string            `json:"rule"`             // which says so
	Holder     string            `json:"holder,omitempty"` // whose account it leaves to
	Designated bool              `json:"designated"`
}

// Available adds up what a partner may withdraw at an instant, by the same rule that judges an application (WDL-07).
func (r Reader) Available(ctx context.Context, partner string, at time.Time) (Available, error) {
	a := Available{Partner: partner, Lots: []Lot{}}
	facts := withdrawal.Facts{At: at}
	err := r.look(ctx, at, func(l look) error {
		p, err := row[withdrawal.Partner](ctx, l.q, "partner", partner, partnerSQL, partner)
		if err != nil {
			return err
		}
		facts.Partner = &p
		return l.money(ctx, partner, &facts)
	})
	if err != nil {
		return a, err
	}
	a.Cash, a.Owed, a.Unposted, a.Debts = facts.Cash, facts.Owed, facts.Unposted, facts.Debts
	a.Available = facts.Available()
	for _, l := range facts.Lots {
		pool, rule := l.Pool(facts.Partner.Entity, calendar.DateOf(at))
		holder, _ := l.HolderOn(pool, facts.Partner.VerifiedName)
		a.Lots = append(a.Lots, Lot{
			No: l.No, Source: l.Source, Payer: l.Payer, ArrivedAt: l.ArrivedAt, Remaining: l.Remaining, Free: l.Free(),
			Pool: pool, Rule: rule, Designated: l.Designated, Holder: holder,
		})
	}
	return a, nil
}

const partnerSQL = `SELECT partner_id, kind, state, verified_name, entity FROM partners WHERE partner_id = $1`

const debtsSQL = `
	SELECT coalesce(sum(a.balance * a.normal), 0.00) FROM accounts a JOIN customers c ON a.owner = c.customer_id
	 WHERE c.partner_id = $1 AND a.code = 'C.DEBT'`

const openLotsSQL = `
	SELECT lot_no, source, payer, payer_account, entity, arrived_at, remaining, owed_open, designated, bank_card_only
	  FROM lots WHERE partner_id = $1 AND remaining > 0 ORDER BY arrived_at, lot_no`

// Statement is one account's movements in a period, on its normal side.
type Statement struct {
	Account ledger.Account `json:"account"`
	Title   string         `json:"title"`
	From    calendar.Date  `json:"from,omitzero"` // first day
	To      calendar.Date  `json:"to,omitzero"`   // last day, which counts in full
	Opening money.Amount   `json:"opening"`
	Lines   []Movement     `json:"lines"`
	Closing money.Amount   `json:"closing"`
}

// Movement is one posting with the balance after it.
type Movement struct {
	Entry   int64        `db:"entry_id"    json:"entry"`
	At      time.Time    `db:"at"          json:"at"`
	Key     string       `db:"key"         json:"key"`
	Case    string       `db:"case_number" json:"case,omitempty"`
	Memo    string       `db:"memo"        json:"memo"`
	Amount  money.Amount `db:"amount"      json:"amount"`
	Balance money.Amount `db:"-"           json:"balance"`
}

// Statement lists an account's movements from one day to another, both included; a zero day leaves that side open.
func (r Reader) Statement(ctx context.Context, account ledger.Account, from, to calendar.Date) (Statement, error) {
	s := Statement{Account: account, From: from, To: to}
	var err error
	if s.Title, err = row[string](ctx, r.q(), "account", string(account), `SELECT c.title FROM accounts a JOIN chart c USING (code) WHERE a.account = $1`, account); err != nil {
		return s, err
	}
	var begins, ends *calendar.Date
	if !from.IsZero() {
		begins = &from
	}
	if !to.IsZero() {
		ends = &to
	}
	if s.Opening, err = row[money.Amount](ctx, r.q(), "account", string(account), openingSQL, account, begins); err != nil {
		return s, err
	}
	if s.Lines, err = rows[Movement](ctx, r.q(), "statement", statementSQL, account, begins, ends); err != nil {
		return s, err
	}
	s.Closing = s.Opening
	for i := range s.Lines {
		s.Closing = s.Closing.Add(s.Lines[i].Amount)
		s.Lines[i].Balance = s.Closing
	}
	return s, nil
}

// StatementPage is part of a statement that may be long: whole days, as many as there is room for, or part of a day that has more.
// Opening and Closing are those of the lines that are shown.
type StatementPage struct {
	Statement
	Whole Statement      // of all the days that were asked for, without lines
	Count int            // of its lines
	Next  StatementPlace // where the next page begins; zero: there is none
}

// StatementPlace is where a page of a statement begins.
type StatementPlace struct {
	Day   calendar.Date
	After int64 // the entry of this day after which it begins; 0: it begins with the day
}

// IsZero tells whether it is no place.
func (p StatementPlace) IsZero() bool { return p == StatementPlace{} }

// String is as an address has it: 2026-11-03, or 2026-11-03_4711 within the day.
func (p StatementPlace) String() string {
	if p.After == 0 {
		return p.Day.String()
	}
	return fmt.Sprintf("%s_%d", p.Day, p.After)
}

// ParseStatementPlace reads what String writes; empty is none.
func ParseStatementPlace(text string) (p StatementPlace, err error) {
	if text == "" {
		return p, nil
	}
	day, entry, within := strings.Cut(text, "_")
	if p.Day, err = calendar.ParseDate(day); err == nil && within {
		p.After, err = strconv.ParseInt(entry, 10, 64)
	}
	if err != nil {
		return p, badCursor(text)
	}
	return p, nil
}

// StatementPage reads an account with a stored balance from one day to another; after is the Next of the page before, zero for the first one.
func (r Reader) StatementPage(ctx context.Context, account ledger.Account, from, to calendar.Date, after StatementPlace, lines int) (StatementPage, error) {
	p := StatementPage{Whole: Statement{Account: account, From: from, To: to, Lines: []Movement{}}}
	type dayRow struct {
		Day    calendar.Date `db:"day"`
		Amount money.Amount  `db:"amount"`
		Lines  int           `db:"lines"`
	}
	days, err := rows[dayRow](ctx, r.q(), "days of account", `
		SELECT d.day, d.amount * a.normal AS amount, d.lines FROM account_days d JOIN accounts a USING (account) WHERE d.account = $1 AND d.day BETWEEN $2 AND $3 ORDER BY d.day`, account, from, to)
	if err != nil {
		return p, err
	}
	first, last, shown := from, to, 0
	if after.Day.After(from) {
		first = after.Day
	}
	sum := money.Zero
	for _, d := range days {
		p.Count += d.Lines
		sum = sum.Add(d.Amount)
		switch {
		case d.Day.Before(first) || !p.Next.IsZero():
		case shown > 0 && shown+d.Lines > lines:
			p.Next.Day, last = d.Day, d.Day.AddDays(-1)
		default:
			shown += d.Lines
		}
	}
	if p.Statement, err = r.Statement(ctx, account, first, last); err != nil {
		return p, err
	}
	p.Whole.Title, p.Whole.Opening = p.Title, p.Opening
	if first != from {
		if p.Whole.Opening, err = row[money.Amount](ctx, r.q(), "account", string(account), openingSQL, account, from); err != nil {
			return p, err
		}
	}
	p.Whole.Closing = p.Whole.Opening.Add(sum)
	p.cut(after.After, lines)
	return p, nil
}

// cut leaves out what a page before has shown of the first day, and of a day that is longer than a page what the next one will show.
func (p *StatementPage) cut(after int64, lines int) {
	if i := slices.IndexFunc(p.Lines, func(m Movement) bool { return m.Entry == after }); i >= 0 {
		p.Opening, p.Lines = p.Lines[i].Balance, p.Lines[i+1:]
	}
	if len(p.Lines) > lines {
		p.Lines = p.Lines[:lines]
		last := p.Lines[lines-1]
		p.Closing, p.Next = last.Balance, StatementPlace{calendar.DateOf(last.At), last.Entry}
	}
}

// MonthStatement is the statement of a whole month, or of another period in whole months.
func (r Reader) MonthStatement(ctx context.Context, account ledger.Account, p incentive.Period) (Statement, error) {
	return r.Statement(ctx, account, p.First, p.After().AddDays(-1))
}

// The days are in UTC+8. An account without a stored balance has none added up, and few ask for it.
const openingSQL = `
	SELECT a.normal * coalesce(CASE
	       WHEN a.balance IS NOT NULL THEN (SELECT sum(d.amount) FROM account_days d WHERE d.account = a.account AND d.day < $2::date)
	       ELSE (SELECT sum(p.amount) FROM postings p JOIN entries e USING (entry_id) WHERE p.account = a.account AND e.at < $2::date::timestamp AT TIME ZONE interval '8 hours')
	       END, 0.00) AS opening FROM accounts a WHERE a.account = $1`

// The numbers of the days' entries are a part of all; entries of other days lie among them.
const statementSQL = `
	WITH numbers AS MATERIALIZED (
		SELECT CASE WHEN a.balance IS NULL THEN 0 ELSE d.first END AS first, CASE WHEN a.balance IS NULL THEN 9223372036854775807 ELSE d.last END AS last
		  FROM accounts a, LATERAL (
			SELECT min(first_entry) AS first, max(last_entry) AS last FROM account_days d
			 WHERE d.account = a.account AND ($2::date IS NULL OR d.day >= $2) AND ($3::date IS NULL OR d.day <= $3)) d
		 WHERE a.account = $1)
	SELECT p.entry_id, e.at, e.key, coalesce(e.case_number, '') AS case_number, e.memo, p.amount * a.normal AS amount
	  FROM numbers n, postings p JOIN accounts a USING (account) JOIN entries e USING (entry_id)
	 WHERE p.account = $1 AND p.entry_id BETWEEN n.first AND n.last
	   AND ($2::date IS NULL OR e.at >= $2::date::timestamp AT TIME ZONE interval '8 hours') AND ($3::date IS NULL OR e.at < ($3::date + 1)::timestamp AT TIME ZONE interval '8 hours')
	 ORDER BY e.at, p.entry_id`
