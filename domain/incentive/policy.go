package incentive

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"countersign/domain/calendar"
	"countersign/domain/money"

	"github.com/shopspring/decimal"
)

// Kind names the policies of incentives.
const Kind = "incentive"

// Cadence is how often a plan is billed (INC-21).
type Cadence string

// The cadences of a policy; a special bill is one-off.
const (
	Monthly   Cadence = "monthly"
	Quarterly Cadence = "quarterly"
	Yearly    Cadence = "yearly"
	OneOff    Cadence = "one-off"
)

// The association models. A bill without one is a special one (INC-20).
const (
	Resale   = "resale"
	Advisory = "advisory"
	None     = "none"
)

// All, alone in a list of products, means every product.
const All = "*"

// Policy says for a span of days which income gives an incentive under one plan, and how much (INC-02). Of the versions of a plan that cover
// a day the newest is in force.
type Policy struct {
	Version int `json:"-" yaml:"-"` // set by the database

	Name          string        `json:"name"             yaml:"name"`            // for people: "Cloud resale, second quarter of 2024"
	PlanName      string        `json:"plan_name"        yaml:"plan_name"`       // what the bill is called; versions of one plan bear one name
	Document      string        `json:"document"         yaml:"document"`        // where partners read it in the document library
	Cadence       Cadence       `json:"cadence"          yaml:"cadence"`         // how often it is billed
	ValidFrom     calendar.Date `json:"valid_from"       yaml:"valid_from"`      // first day
	ValidTo       calendar.Date `json:"valid_to"         yaml:"valid_to"`        // last day, in full
	PublishedDays int           `json:"published_days"   yaml:"published_days"`  // days that a partner has to check a bill
	OutputTaxRate Percent       `json:"output_tax_rate"  yaml:"output_tax_rate"` // 0 to 100, two decimals
	Lines         []Line        `json:"lines"            yaml:"lines"`           // the first one that fits decides
	Ladder        *Ladder       `json:"ladder,omitempty" yaml:"ladder"`          // a threshold plan: its lines only say what counts
}

// Line is the rate for some income. A list that is empty asks for nothing.
type Line struct {
	Line         string   `json:"line"          yaml:"line"`          // its name, once in a policy
	Products     []string `json:"products"      yaml:"products"`      // or "*" alone
	Associations []string `json:"associations"  yaml:"associations"`  // resale, advisory
	BillingModes []string `json:"billing_modes" yaml:"billing_modes"` // subscription, pay-per-use, monthly-settled
	Regions      []string `json:"regions"       yaml:"regions"`       // an overseas one has a line of its own (PERF-08)
	Tiers        []string `json:"tiers"         yaml:"tiers"`         // partner levels
	Marketplace  bool     `json:"marketplace"   yaml:"marketplace"`   // marketplace goods count only where a line lists them (PERF-07)
	Rate         Percent  `json:"rate"          yaml:"rate"`          // 0 to 100, four decimals; 0 is performance without an incentive (PERF-06)
}

// Indicator is what a ladder looks at.
type Indicator string

// The indicators: the performance of the period, what it is more than in the same period a year before, and that in percent.
const (
	Performance   Indicator = "performance"
	Growth        Indicator = "growth"
	GrowthPercent Indicator = "growth-percent"
)

// Ladder is the rate of a threshold plan: that of the highest step which the threshold indicator reaches, applied to the base
// indicator (INC-06).
type Ladder struct {
	Base      Indicator `json:"base"      yaml:"base"`
	Threshold Indicator `json:"threshold" yaml:"threshold"`
	Steps     []Step    `json:"steps"     yaml:"steps"` // rising
}

// Step is a rung.
type Step struct {
	From Number  `json:"from" yaml:"from"` // reached at exactly so much
	Rate Percent `json:"rate" yaml:"rate"`
}

// Number is an exact number as a policy writes it.
type Number struct{ decimal.Decimal }

// UnmarshalText reads digits with a point; no exponent.
func (n *Number) UnmarshalText(text []byte) error {
	d, err := decimal.NewFromString(string(text))
	if err != nil || strings.ContainsAny(string(text), "eE") {
		return fmt.Errorf("%q is not a number; write it like 1000000.00", text)
	}
	n.Decimal = d
	return nil
}

// UnmarshalJSON reads what MarshalJSON of the decimal writes.
func (n *Number) UnmarshalJSON(text []byte) error { return n.Decimal.UnmarshalJSON(text) }

// Percent is a rate: 10 is a tenth.
type Percent struct{ Number }

// Of is the incentive of an amount: amount x rate, rounded half up to two decimals, once (INC-05). A negative amount rounds away from zero at the half,
// as its positive counterpart does, so that a full refund takes back what the purchase gave. The database's round does the same.
func (p Percent) Of(counted decimal.Decimal) money.Amount {
	return money.Must(counted.Mul(p.Decimal).Shift(-2).Round(2).StringFixed(2))
}

// Rate is the rate of the highest step that the threshold indicator reaches; none is 0 (INC-06).
func (l Ladder) Rate(reached decimal.Decimal) Percent {
	rate := Percent{}
	for _, s := range l.Steps {
		if reached.GreaterThanOrEqual(s.From.Decimal) {
			rate = s.Rate
		}
	}
	return rate
}

// Indicate is what an indicator comes to. Growth over nothing has no percentage and reaches no step.
func (i Indicator) Indicate(now, yearBefore decimal.Decimal) decimal.Decimal {
	switch {
	case i == Growth:
		return now.Sub(yearBefore)
	case i == GrowthPercent && !yearBefore.IsPositive():
		return decimal.Zero
	case i == GrowthPercent:
		return now.Sub(yearBefore).Shift(2).DivRound(yearBefore, 4)
	}
	return now
}

// MarshalJSON writes no list as an empty one, as the database reads it.
func (l Line) MarshalJSON() ([]byte, error) {
	type plain Line
	p := plain(l)
	for _, list := range []*[]string{&p.Products, &p.Associations, &p.BillingModes, &p.Regions, &p.Tiers} {
		if *list == nil {
			*list = []string{}
		}
	}
	return json.Marshal(p)
}

// Check tells an operator everything that is wrong with a policy; each sentence begins with the place it is about.
func (p Policy) Check() error {
	var faults []error
	fault := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(p.Name == "", "name says to people what the policy is; it is empty")
	fault(p.PlanName == "" || len([]rune(p.PlanName)) > 128, "plan_name has 1 to 128 characters")
	fault(p.Document == "", "document says where partners read the policy; it is empty (INC-02)")
	fault(!slices.Contains([]Cadence{Monthly, Quarterly, Yearly}, p.Cadence), "cadence is monthly, quarterly or yearly (INC-21)")
	fault(p.ValidFrom.IsZero(), "valid_from is the first day on which it holds, like 2024-04-01")
	fault(p.ValidTo.IsZero() || p.ValidTo.Before(p.ValidFrom), "valid_to is the last day on which it holds, not before valid_from")
	fault(p.PublishedDays < 1, "published_days is at least 1")
	fault(p.OutputTaxRate.wrong(2), "output_tax_rate is 0 to 100 with at most two decimals")
	fault(len(p.Lines) == 0, "lines has at least one line")
	seen := map[string]bool{}
	for i, l := range p.Lines {
		at := fmt.Sprintf("lines[%d]", i)
		fault(l.Line == "", "%s.line is the line's name; it is empty", at)
		fault(l.Line != "" && seen[l.Line], "%s.line: %q is there twice", at, l.Line)
		seen[l.Line] = true
		faults = append(faults, l.check(at)...)
		fault(p.Ladder != nil && !l.Rate.IsZero(), "%s.rate: in a threshold plan the ladder has the rates", at)
	}
	if p.Ladder != nil {
		fault(p.Cadence == Monthly, "ladder: a threshold plan is quarterly or yearly, not monthly")
		faults = append(faults, p.Ladder.check()...)
	}
	return errors.Join(faults...)
}

func (l Line) check(at string) []error {
	var faults []error
	fault := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf(at+"."+format, args...))
		}
	}
	fault(len(l.Products) == 0, `products lists products, or ["*"] for all`)
	fault(slices.Contains(l.Products, All) && len(l.Products) > 1, `products: "*" stands alone`)
	for name, list := range map[string]struct{ is, may []string }{
		"associations":  {l.Associations, []string{Resale, Advisory}},
		"billing_modes": {l.BillingModes, []string{"subscription", "pay-per-use", "monthly-settled"}},
	} {
		for _, v := range list.is {
			fault(!slices.Contains(list.may, v), "%s: %q is none of %s", name, v, strings.Join(list.may, ", "))
		}
	}
	for name, list := range map[string][]string{"products": l.Products, "regions": l.Regions, "tiers": l.Tiers} {
		fault(slices.Contains(list, ""), "%s: a name is empty", name)
		fault(name != "products" && slices.Contains(list, All), `%s: leave the list out for all of them`, name)
	}
	fault(l.Rate.wrong(4), "rate is 0 to 100 percent with at most four decimals")
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) }) // maps have no order
	return faults
}

func (l Ladder) check() []error {
	var faults []error
	fault := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf("ladder."+format, args...))
		}
	}
	fault(!slices.Contains([]Indicator{Performance, Growth}, l.Base), "base is performance or growth")
	fault(!slices.Contains([]Indicator{Performance, Growth, GrowthPercent}, l.Threshold), "threshold is performance, growth or growth-percent")
	fault(len(l.Steps) == 0, "steps has at least one step")
	for i, s := range l.Steps {
		fault(!s.From.IsPositive(), "steps[%d].from is greater than 0", i)
		fault(i > 0 && s.From.LessThanOrEqual(l.Steps[i-1].From.Decimal), "steps[%d].from is greater than that of the step before", i)
		fault(s.Rate.wrong(4), "steps[%d].rate is 0 to 100 percent with at most four decimals", i)
	}
	return faults
}

func (p Percent) wrong(places int32) bool {
	return p.IsNegative() || p.GreaterThan(decimal.NewFromInt(100)) || !p.Truncate(places).Equal(p.Decimal)
}

// Income is what a policy line is laid against.
type Income struct {
	Product, Association, BillingMode, Region, Level string
	Marketplace                                      bool
}

// Fits tells whether the line lists the income.
func (l Line) Fits(i Income) bool {
	in := func(list []string, v string) bool { return len(list) == 0 || slices.Contains(list, v) }
	return l.Marketplace == i.Marketplace && (slices.Equal(l.Products, []string{All}) || slices.Contains(l.Products, i.Product)) &&
		in(l.Associations, i.Association) && in(l.BillingModes, i.BillingMode) && in(l.Regions, i.Region) && in(l.Tiers, i.Level)
}

// Find is the line that decides about an income of a day: the first that fits, of the newest version in force (INC-02). The policies are all versions there are. The
// calculation does the same to many at once in the database.
func Find(policies []Policy, day calendar.Date, i Income) (Policy, Line, bool) {
	newest := slices.Clone(policies)
	slices.SortFunc(newest, func(a, b Policy) int { return b.Version - a.Version })
	seen := map[string]bool{}
	for _, p := range newest {
		if p.Ladder != nil || day.Before(p.ValidFrom) || day.After(p.ValidTo) || seen[p.PlanName] {
			continue
		}
		seen[p.PlanName] = true
		for _, l := range p.Lines {
			if l.Fits(i) {
				return p, l, true
			}
		}
	}
	return Policy{}, Line{}, false
}
