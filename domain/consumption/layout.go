package consumption

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Format is how a file names its columns.
type Format string

// The formats.
const (
	Focus     Format = "focus-1.0" // the FinOps Open Cost and Usage Specification
	Programme Format = "programme" // the programme's own
)

// The columns of the programme's own format, in any order.
var (
	needed   = []string{"customer", "partner", "product", "charge", "amount", "currency", "used_at", "posted_at"}
	optional = []string{
		"order", "billing_mode", "association", "region", "marketplace", "tier2",
		"cash", "stored_value_card", "voucher", "excluded_coupon", "row_id",
	}
)

// Columns of FOCUS that are read; the others only tell rows apart.
var (
	focusNeeded = []string{
		"BilledCost", "BillingAccountId", "BillingCurrency", "ChargeCategory", "ChargePeriodEnd", "ChargePeriodStart",
		"EffectiveCost", "ProviderName", "ServiceName", "SubAccountId",
	}
	focusOptional = []string{"ChargeClass", "ChargeFrequency", "CommitmentDiscountStatus", "InvoiceIssuerName", "PublisherName", "RegionId"}
)

// Layout is where a file has which column. It reads one row after the other, not several at once.
type Layout struct {
	Format   Format
	at       map[string]int
	byName   []int // fields in the order of their names
	prefixes [][]byte
	buffer   []byte // for keys
	fields   []string
	faults   faults
	row      Row
}

// NewLayout reads the first line of a file. Its error says everything that is wrong with it.
func NewLayout(header []string) (*Layout, error) {
	l := &Layout{Format: Programme, at: map[string]int{}}
	for i, name := range header {
		l.at[name] = i
	}
	if l.has("ChargeCategory") || l.has("BilledCost") {
		l.Format = Focus
	}
	var wrong []string
	if missing := slices.DeleteFunc(slices.Clone(l.needed()), l.has); len(missing) > 0 {
		wrong = append(wrong, "has no column "+strings.Join(missing, ", "))
	}
	if unknown := slices.DeleteFunc(slices.Clone(header), l.knows); len(unknown) > 0 {
		wrong = append(wrong, "names the unknown column "+strings.Join(unknown, ", "))
	}
	if len(wrong) == 0 {
		l.sortFields(header)
		return l, nil
	}
	return nil, fmt.Errorf("the first line %s. A file in the programme's format has the columns %s, and may have %s; a FOCUS 1.0 export has at least %s",
		strings.Join(wrong, " and "), strings.Join(needed, ", "), strings.Join(optional, ", "), strings.Join(focusNeeded, ", "))
}

func (l *Layout) has(column string) bool { _, ok := l.at[column]; return ok }

func (l *Layout) needed() []string {
	if l.Format == Focus {
		return focusNeeded
	}
	return needed
}

// knows tells whether a column may be there: in an export any, since providers add their own.
func (l *Layout) knows(column string) bool {
	return l.Format == Focus || slices.Contains(needed, column) || slices.Contains(optional, column)
}

// sortFields prepares keys, which do not depend on the order of the columns.
func (l *Layout) sortFields(header []string) {
	for i := range header {
		l.byName = append(l.byName, i)
	}
	slices.SortFunc(l.byName, func(a, b int) int { return cmp.Compare(header[a], header[b]) })
	for _, i := range l.byName {
		l.prefixes = append(l.prefixes, appendPart(nil, header[i]))
	}
	for _, column := range slices.Concat(needed, optional, focusNeeded, focusOptional) {
		if !l.has(column) {
			l.at[column] = -1
		}
	}
}

// field is what a row has in a column; empty when the file has none. "NULL" of an export is no value.
func (l *Layout) field(column string) string {
	i := l.at[column]
	if i < 0 {
		return ""
	}
	if l.Format == Focus && l.fields[i] == null {
		return ""
	}
	return strings.TrimSpace(l.fields[i])
}

// null stands for no value in exports from databases.
const null = "NULL"

// Read makes a row of the fields of one line, or says everything that is wrong with it. Nothing is used after now. The
// row is valid until the next call.
func (l *Layout) Read(fields []string, line int, now time.Time) (*Row, []Fault) {
	l.fields, l.faults, l.row = fields, faults{line: line}, Row{Line: line}
	if l.Format == Focus {
		l.readFocus()
	} else {
		l.readProgramme()
	}
	l.checkTimes(now)
	if len(l.faults.list) > 0 {
		return nil, l.faults.list
	}
	l.row.Key = l.key()
	return &l.row, nil
}

// column is what the file calls a thing that both formats have.
func (f Format) column(thing string) string {
	if f == Programme {
		return thing
	}
	return map[string]string{"customer": "SubAccountId", "currency": "BillingCurrency", "used_at": "ChargePeriodStart", "posted_at": "ChargePeriodEnd"}[thing]
}

func (l *Layout) checkTimes(now time.Time) {
	r := &l.row
	switch {
	case r.Used.IsZero() || r.Posted.IsZero(): // told already
	case r.Used.After(now):
		l.faults.add(l.Format.column("used_at"), "%s is in the future", shown(r.Used))
	case r.Used.Before(oldest):
		l.faults.add(l.Format.column("used_at"), "%s is before %s: no consumption is kept from then", shown(r.Used), shown(oldest))
	case r.Posted.Before(r.Used):
		l.faults.add(l.Format.column("posted_at"), "%s is before the use, %s", shown(r.Posted), shown(r.Used))
	case r.Mode == MonthlySettled && r.Posted.After(now): // the month in which it counts (PERF-09)
		l.faults.add(l.Format.column("posted_at"), "%s is in the future", shown(r.Posted))
	}
}
