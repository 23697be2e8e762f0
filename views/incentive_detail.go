package views

import (
	"context"
	"fmt"
	"strings"

	"countersign/domain/bill"
	"countersign/domain/calendar"
	"countersign/domain/incentive"
	"countersign/domain/money"
)

// DetailLine is one line of the detail behind the bills.
type DetailLine struct {
	DataID          int64            `db:"data_id"          json:"data_id"`
	Partner         string           `db:"partner_id"       json:"partner"`
	Period          string           `db:"period"           json:"period"`
	Plan            string           `db:"plan_name"        json:"plan"`
	Bill            string           `db:"bill_id"          json:"bill,omitempty"`
	Status          bill.State       `db:"status"           json:"status"` // of its bill; ESTIMATED while it has none
	Order           string           `db:"order_id"         json:"order,omitempty"`
	Customer        string           `db:"customer_id"      json:"customer,omitempty"`
	CustomerName    string           `db:"customer_name"    json:"customer_name,omitempty"`
	CustomerAccount string           `db:"customer_account" json:"customer_account,omitempty"`
	AccountManager  string           `db:"account_manager"  json:"account_manager,omitempty"`
	Product         string           `db:"product"          json:"product"`
	Association     bill.Association `db:"association"      json:"association"`
	BillingMode     string           `db:"billing_mode"     json:"billing_mode"`
	Region          string           `db:"region"           json:"region,omitempty"`
	Tier2           string           `db:"tier2_name"       json:"tier2_name,omitempty"`
	Counted         string           `db:"counted"          json:"counted_amount"` // unrounded
	Rate            string           `db:"rate"             json:"rate"`           // percent
	Reason          string           `db:"reason"           json:"reason,omitempty"`
	PolicyVersion   int              `db:"policy_version"   json:"policy_version,omitempty"`
	Amount          money.Amount     `db:"amount"           json:"amount"`
}

// LineFilter is by what the detail is searched, LineTotal what the lines found come to (INC-11).
type (
	LineFilter = bill.LineFilter
	LineTotal  = bill.LineTotal
)

// conditions are what is asked for, from fixed fragments.
func conditions(f LineFilter) (string, []any) {
	var parts []string
	var args []any
	add := func(asked bool, fragment string, value any) {
		if asked {
			args = append(args, value)
			parts = append(parts, fmt.Sprintf(fragment, len(args)))
		}
	}
	add(f.Partner != "", `l.partner_id = $%d`, f.Partner)
	add(f.Year != 0, `extract(year FROM l.period) = $%d`, f.Year)
	if f.Period != "" {
		var first *calendar.Date // of a month
		if p, err := incentive.ParsePeriod(f.Period); err == nil && p.IsMonth() {
			first = &p.First
		}
		add(true, `(l.period = $%d`, first) // these two are found by indexes, the third decides
		parts[len(parts)-1] += fmt.Sprintf(` OR l.bill_id = ANY (ARRAY(SELECT bill_id FROM bills WHERE period = $%[1]d))) AND coalesce(b.period, to_char(l.period, 'YYYY-MM')) = $%[1]d`, len(args)+1)
		args = append(args, f.Period)
	}
	add(f.Plan != "", `coalesce(b.plan_name, p.body ->> 'plan_name') ILIKE $%d`, part(f.Plan))
	add(f.Order != "", `l.order_id = $%d`, f.Order)
	add(f.CustomerName != "", `c.name ILIKE $%d`, part(f.CustomerName))
	add(f.CustomerAccount != "", `c.account = $%d`, f.CustomerAccount)
	add(f.AccountManager != "", `c.account_manager ILIKE $%d`, part(f.AccountManager))
	add(f.Product != "", `l.product = $%d`, f.Product)
	add(f.Association != "", `l.association = $%d`, f.Association)
	add(f.BillingMode != "", `l.billing_mode = $%d`, f.BillingMode)
	add(f.Status != "", `coalesce(b.state, 'ESTIMATED') = $%d`, f.Status)
	add(f.Bill != "", `l.bill_id = $%d`, f.Bill)
	add(f.DataID != 0, `l.data_id = $%d`, f.DataID)
	add(f.Tier2 != "", `t.name ILIKE $%d`, part(f.Tier2))
	if len(parts) == 0 {
		return "", nil
	}
	return " WHERE " + strings.Join(parts, " AND "), args
}

// part is a pattern of a part of a name, in which nothing is special.
func part(s string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s) + "%"
}

const detailFromSQL = `
	  FROM incentive_lines l LEFT JOIN bills b USING (bill_id) LEFT JOIN customers c USING (customer_id) LEFT JOIN partners t ON t.partner_id = l.tier2
	  LEFT JOIN policies p ON p.kind = 'incentive' AND p.version = l.policy_version`

const detailLinesSQL = `
	SELECT l.data_id, l.partner_id, coalesce(b.period, to_char(l.period, 'YYYY-MM')) AS period, coalesce(b.plan_name, p.body ->> 'plan_name', '') AS plan_name,
	       coalesce(l.bill_id, '') AS bill_id, coalesce(b.state, 'ESTIMATED') AS status, l.order_id, l.customer_id, coalesce(c.name, '') AS customer_name,
	       coalesce(c.account, '') AS customer_account, coalesce(c.account_manager, '') AS account_manager, l.product, l.association, l.billing_mode, l.region,
	       coalesce(t.name, l.tier2, '') AS tier2_name, trim_scale(l.counted)::text AS counted, trim_scale(l.rate)::text AS rate, l.reason, l.policy_version, l.amount` + detailFromSQL

// LineTotal counts the lines that match, and adds up what they give (INC-11).
func (r Reader) LineTotal(ctx context.Context, f LineFilter) (LineTotal, error) {
	where, args := conditions(f)
	return row[LineTotal](ctx, r.q(), "lines", "", `SELECT count(*) AS lines, coalesce(sum(l.amount), 0)::numeric(20,2) AS amount`+detailFromSQL+where, args...)
}

// Lines lists the first lines that match, by number.
func (r Reader) Lines(ctx context.Context, f LineFilter, limit int) ([]DetailLine, error) {
	where, args := conditions(f)
	// Found first, and then looked up with what stands around them: there may be thousands.
	return rows[DetailLine](ctx, r.q(), "lines", detailLinesSQL+` WHERE l.data_id = ANY (ARRAY(SELECT l.data_id`+detailFromSQL+where+fmt.Sprintf(` ORDER BY l.data_id LIMIT %d)) ORDER BY l.data_id`, limit), args...)
}

// EachLine hands over every line that matches, one after the other, without keeping them.
func (r Reader) EachLine(ctx context.Context, f LineFilter, each func(DetailLine) error) error {
	where, args := conditions(f)
	found, err := r.q().QueryxContext(ctx, detailLinesSQL+where+` ORDER BY l.data_id`, args...)
	if err != nil {
		return fmt.Errorf("read lines: %w", err)
	}
	defer found.Close()
	for found.Next() {
		var l DetailLine
		if err := found.StructScan(&l); err != nil {
			return fmt.Errorf("read line: %w", err)
		}
		if err := each(l); err != nil {
			return err
		}
	}
	return found.Err()
}
