package activities

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/consumption"
	"countersign/domain/refusal"
	"countersign/internal/csvfile"

	"github.com/jmoiron/sqlx"
	"github.com/shopspring/decimal"
)

// AccountRecord says which customer a provider's account belongs to.
type AccountRecord struct {
	Provider       string `yaml:"provider"        db:"provider"`
	BillingAccount string `yaml:"billing_account" db:"billing_account"`
	SubAccount     string `yaml:"sub_account"     db:"sub_account"` // empty: the billing account itself
	Customer       string `yaml:"customer"        db:"customer_id"`
}

// BindingRecord says whose customer somebody is. The same customer and From again end it or mend it, as long as no
// consumption was counted by what it takes away.
type BindingRecord struct {
	Customer    string                  `yaml:"customer"`
	Partner     string                  `yaml:"partner"`
	Association consumption.Association `yaml:"association"`
	Tier2       string                  `yaml:"tier2"`   // the reseller whose customer it is; Partner is its tier-1 (PERF-11)
	Rebound     bool                    `yaml:"rebound"` // a mid- or long-tail customer that came from another partner (PERF-13)
	From        time.Time               `yaml:"from"`
	Until       time.Time               `yaml:"until"` // left out: it still holds
}

// MapInput is a CSV file that says which customers accounts belong to, and whose customers they are.
type MapInput struct {
	Name    string
	Content io.Reader
	Person  string
	At      time.Time
}

// MapReport counts what a file changed.
type MapReport struct {
	Accounts int64               `json:"accounts"`
	Bindings int64               `json:"bindings"`
	Faults   []consumption.Fault `json:"faults"` // with any of these nothing was changed
}

// Map takes in a map file, all of it or nothing; a second time it changes nothing.
func (c *Consumption) Map(ctx context.Context, in MapInput) (MapReport, error) {
	report := MapReport{Faults: []consumption.Fault{}}
	records, err := readMap(in)
	if err != nil {
		return report, err
	}
	report.Faults = append(report.Faults, records.faults...)
	err = inTx(ctx, c.DB, func(tx *sqlx.Tx) error {
		if refused, err := mayImport(ctx, tx, in.Person); err != nil || len(refused) > 0 {
			return errors.Join(err, refused.Err())
		}
		if err := records.exist(ctx, tx, &report); err != nil || len(report.Faults) > 0 {
			return err
		}
		k := knowing{tx: tx, by: in.Person, at: stored(in.At)}
		if err := k.accounts(ctx, records.accounts); err != nil {
			return err
		}
		report.Accounts, k.changed = k.changed, 0
		err := k.bindings(ctx, records.bindings)
		report.Bindings = k.changed
		return err
	})
	if err != nil {
		report.Accounts, report.Bindings = 0, 0
	}
	return report, Final(err)
}

// mapRecords are a map file's, each with its line.
type mapRecords struct {
	accounts []AccountRecord
	bindings []BindingRecord
	names    []mapName
	faults   []consumption.Fault
}

// mapName is a customer or partner that has to exist.
type mapName struct {
	line         int
	column, name string
}

var mapColumns = []string{"customer", "provider", "billing_account", "sub_account", "partner", "association", "tier2", "rebound", "bound_from", "bound_until"}

func readMap(in MapInput) (*mapRecords, error) {
	file, err := csvfile.NewReader(in.Content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.Name, err)
	}
	for _, name := range file.Header {
		if !slices.Contains(mapColumns, name) {
			return nil, fmt.Errorf("%s: the first line names the unknown column %s; there are: %v", in.Name, name, mapColumns)
		}
	}
	if !slices.Contains(file.Header, "customer") {
		return nil, fmt.Errorf("%s: the first line names no column customer; there are: %v", in.Name, mapColumns)
	}
	m := &mapRecords{}
	for {
		fields, line, err := file.Read()
		var bad *csvfile.BadRecord
		switch {
		case errors.As(err, &bad):
			m.faults = append(m.faults, consumption.Fault{Line: bad.Line, Column: bad.Column, Reason: bad.Reason})
			continue
		case errors.Is(err, io.EOF):
			return m, nil
		case err != nil:
			return nil, fmt.Errorf("%s: %w", in.Name, err)
		}
		row := map[string]string{}
		for i, name := range file.Header {
			row[name] = fields[i]
		}
		m.add(line, row)
	}
}

// add reads one line: an account, a binding, or both.
func (m *mapRecords) add(line int, row map[string]string) {
	fault := func(column, format string, args ...any) {
		m.faults = append(m.faults, consumption.Fault{Line: line, Column: column, Reason: fmt.Sprintf(format, args...)})
	}
	named := func(column string) {
		if row[column] != "" {
			m.names = append(m.names, mapName{line, column, row[column]})
		}
	}
	if row["customer"] == "" {
		fault("customer", "it is empty")
	}
	named("customer")
	account, binding := row["provider"]+row["billing_account"]+row["sub_account"] != "", row["partner"] != ""
	if !account && !binding {
		fault("", "the row names neither an account nor a partner")
	}
	if account {
		for _, column := range []string{"provider", "billing_account"} {
			if row[column] == "" {
				fault(column, "it is empty")
			}
		}
		m.accounts = append(m.accounts, AccountRecord{row["provider"], row["billing_account"], row["sub_account"], row["customer"]})
	}
	if !binding {
		for _, column := range []string{"association", "tier2", "rebound", "bound_from", "bound_until"} {
			if row[column] != "" {
				fault(column, "the row names no partner")
			}
		}
		return
	}
	named("partner")
	named("tier2")
	b := BindingRecord{Customer: row["customer"], Partner: row["partner"], Association: consumption.Association(row["association"]), Tier2: row["tier2"], Rebound: row["rebound"] == "true"}
	if !slices.Contains(consumption.Associations, b.Association) {
		fault("association", "%q is not one of resale, advisory", row["association"])
	}
	if !slices.Contains([]string{"", "true", "false"}, row["rebound"]) {
		fault("rebound", "%q is neither true nor false", row["rebound"])
	}
	if b.Tier2 == b.Partner {
		fault("tier2", "the reseller is the partner itself")
	}
	var ok bool
	if b.From, ok = consumption.ParseInstant(row["bound_from"], calendar.Zone); !ok {
		fault("bound_from", "%q is not a time, write it like 2024-09-01 or 2024-09-01T00:00:00+08:00", row["bound_from"])
	}
	if row["bound_until"] != "" {
		switch b.Until, ok = consumption.ParseInstant(row["bound_until"], calendar.Zone); {
		case !ok:
			fault("bound_until", "%q is not a time, write it like 2024-09-01 or 2024-09-01T00:00:00+08:00", row["bound_until"])
		case !b.From.Before(b.Until):
			fault("bound_until", "it is not after bound_from")
		}
	}
	m.bindings = append(m.bindings, b)
}

// exist looks for every customer and partner that is named.
func (m *mapRecords) exist(ctx context.Context, tx *sqlx.Tx, report *MapReport) error {
	var customers, partners []string
	if err := tx.SelectContext(ctx, &customers, `SELECT customer_id FROM customers`); err != nil {
		return fmt.Errorf("read customers: %w", err)
	}
	if err := tx.SelectContext(ctx, &partners, `SELECT partner_id FROM partners`); err != nil {
		return fmt.Errorf("read partners: %w", err)
	}
	there := map[bool]map[string]bool{true: {}, false: {}} // customers, partners
	for _, id := range customers {
		there[true][id] = true
	}
	for _, id := range partners {
		there[false][id] = true
	}
	for _, n := range m.names {
		if !there[n.column == "customer"][n.name] {
			report.Faults = append(report.Faults, consumption.Fault{Line: n.line, Column: n.column, Reason: fmt.Sprintf("%q is not registered", n.name)})
		}
	}
	slices.SortStableFunc(report.Faults, func(a, b consumption.Fault) int { return a.Line - b.Line })
	return nil
}

// knowing lays in what imports look at.
type knowing struct {
	tx      *sqlx.Tx
	by      string
	at      time.Time
	changed int64
}

// consumption lays in what imports of consumption look at.
func (l *loading) consumption(ctx context.Context, f ProgrammeFile) error {
	k := knowing{tx: l.tx, by: l.by, at: l.at}
	if err := k.accounts(ctx, f.Accounts); err != nil {
		return err
	}
	if err := k.bindings(ctx, f.Bindings); err != nil {
		return err
	}
	l.report.Records += int(k.changed)
	return nil
}

// lay runs one statement; the rule that refuses it is told with the record it is about.
func (k *knowing) lay(ctx context.Context, object, query string, args ...any) error {
	res, err := k.tx.ExecContext(ctx, query, args...)
	if err != nil {
		var list refusal.List
		if errors.As(byConstraint(err), &list) {
			list[0].Object = object
			return list
		}
		return fmt.Errorf("lay in %s: %w", object, err)
	}
	n, err := res.RowsAffected()
	k.changed += n
	return err
}

func (k *knowing) accounts(ctx context.Context, accounts []AccountRecord) error {
	if len(accounts) == 0 {
		return nil
	}
	if err := oneAtATime(ctx, k.tx); err != nil {
		return err
	}
	for _, a := range accounts {
		if err := k.lay(ctx, fmt.Sprintf("account %s %s %s", a.Provider, a.BillingAccount, a.SubAccount), `
			INSERT INTO billing_accounts (provider, billing_account, sub_account, customer_id, set_by, set_at) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (provider, billing_account, sub_account) DO UPDATE
			   SET customer_id = excluded.customer_id, set_by = excluded.set_by, set_at = excluded.set_at
			 WHERE billing_accounts.customer_id <> excluded.customer_id`, a.Provider, a.BillingAccount, a.SubAccount, a.Customer, k.by, k.at); err != nil {
			return err
		}
	}
	return nil
}

// bindings come after each other: those that are there are ended first, so that the next may begin in the same file.
func (k *knowing) bindings(ctx context.Context, bindings []BindingRecord) error {
	if len(bindings) == 0 {
		return nil
	}
	if err := oneAtATime(ctx, k.tx); err != nil {
		return err
	}
	for _, statement := range []string{updateBindingSQL, insertBindingSQL} {
		for _, b := range bindings {
			until := sql.NullTime{Time: b.Until, Valid: !b.Until.IsZero()}
			if err := k.lay(ctx, "customer "+b.Customer, statement, b.Customer, b.Partner, b.Association, b.Tier2, b.Rebound, stored(b.From), until, k.by, k.at); err != nil {
				return err
			}
		}
	}
	return nil
}

const updateBindingSQL = `
	UPDATE customer_bindings
	   SET partner_id = $2, association = $3, tier2 = nullif($4, ''), rebound = $5, bound_until = $7, set_by = $8, set_at = $9
	 WHERE customer_id = $1 AND bound_from = $6 AND (partner_id, association, tier2, rebound, bound_until) IS DISTINCT FROM ($2, $3, nullif($4, ''), $5, $7::timestamptz)`

const insertBindingSQL = `
	INSERT INTO customer_bindings (customer_id, partner_id, association, tier2, rebound, bound_from, bound_until, set_by, set_at)
	SELECT $1, $2, $3, nullif($4, ''), $5, $6, $7, $8, $9
	 WHERE NOT EXISTS (SELECT 1 FROM customer_bindings WHERE customer_id = $1 AND bound_from = $6)`

// rate is CNY for one unit of a currency.
type rate = decimal.Decimal

type rateRow struct {
	Currency string        `db:"currency"`
	Month    calendar.Date `db:"month"`
	Rate     rate          `db:"rate"`
}

// SetRateInput is the rate of a currency for what counts in a month.
type SetRateInput struct {
	Currency string
	Month    calendar.Date // its first day
	Rate     decimal.Decimal
	Person   string
	At       time.Time
}

// SetRate sets a rate, or mends one that no import used yet.
func (c *Consumption) SetRate(ctx context.Context, in SetRateInput) error {
	return Final(inTx(ctx, c.DB, func(tx *sqlx.Tx) error {
		refused, err := mayImport(ctx, tx, in.Person)
		if err != nil {
			return err
		}
		if !consumption.IsCurrency(in.Currency) || in.Currency == consumption.Home {
			refused = append(refused, refusal.New("COM-08", "CBC.0100", "currency "+in.Currency, "A rate is for a currency other than %s, of three capital letters such as USD.", consumption.Home))
		}
		if !in.Rate.IsPositive() {
			refused = append(refused, refusal.New("COM-02", "CBC.0100", "rate "+in.Rate.String(), "A rate is greater than 0: how many %s are one unit.", consumption.Home))
		}
		if len(refused) > 0 {
			return refused
		}
		if err := oneAtATime(ctx, tx); err != nil {
			return err
		}
		k := knowing{tx: tx}
		return k.lay(ctx, fmt.Sprintf("rate of %s for %s", in.Currency, consumption.MonthText(in.Month)), `
			INSERT INTO exchange_rates (currency, month, rate, set_by, set_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (currency, month) DO UPDATE SET rate = excluded.rate, set_by = excluded.set_by, set_at = excluded.set_at
			 WHERE exchange_rates.rate <> excluded.rate`, in.Currency, in.Month, in.Rate, in.Person, stored(in.At))
	}))
}
