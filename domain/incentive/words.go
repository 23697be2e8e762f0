package incentive

import (
	"fmt"
	"strings"
)

// Words says a policy as a clerk reads it, a line each.
func (p Policy) Words() []string {
	words := []string{fmt.Sprintf("%s: plan %q, from %s to %s, billed %s; partners have %d days to check a bill, output tax %s %%. Text: %s",
		p.Name, p.PlanName, p.ValidFrom, p.ValidTo, p.Cadence, p.PublishedDays, p.OutputTaxRate, p.Document)}
	for _, l := range p.Lines {
		if p.Ladder != nil {
			words = append(words, fmt.Sprintf("  %s counts: %s", l.Line, l.what()))
			continue
		}
		words = append(words, "  "+l.Words())
	}
	if p.Ladder != nil {
		for _, s := range p.Ladder.Steps {
			words = append(words, fmt.Sprintf("  From %s of %s on: %s %% of the %s.", s.From, p.Ladder.Threshold, s.Rate, p.Ladder.Base))
		}
	}
	return words
}

// Words says a line: "ecs: 10 % of ECS, resale".
func (l Line) Words() string { return fmt.Sprintf("%s: %s %% of %s", l.Line, l.Rate, l.what()) }

func (l Line) what() string {
	what := strings.Join(l.Products, ", ")
	if what == All {
		what = "all products"
	}
	if l.Marketplace {
		what += " of the marketplace"
	}
	for _, list := range [][]string{l.Associations, l.BillingModes} {
		if len(list) > 0 {
			what += ", " + strings.Join(list, " or ")
		}
	}
	if len(l.Regions) > 0 {
		what += ", region " + strings.Join(l.Regions, " or ")
	}
	if len(l.Tiers) > 0 {
		what += ", partners of level " + strings.Join(l.Tiers, " or ")
	}
	return what
}

// Why something gives no incentive, or not yet (INC-04).
const (
	NoIncentive = "NO_INCENTIVE"
	NextPeriod  = "NEXT_PERIOD"
	NonCash     = "NON_CASH"
)

// reasons are the details of NO_INCENTIVE and NON_CASH, with the rule that each comes from and a sentence.
var reasons = map[string]struct{ rule, sentence string }{
	"TOP_UP":                {"PERF-02", "A top-up is not a payment for something used."},
	"PREPAYMENT":            {"PERF-02", "Paid in advance and not used yet; it counts as it is used."},
	"TAX":                   {"PERF-02", "A tax is no payment for a resource."},
	"CARD_PURCHASE":         {"PERF-05", "Buying a stored-value card counts nothing; spending it does."},
	"TIER2":                 {"PERF-11", "A tier-2 reseller has no performance of its own; its customers' consumption is its tier-1's."},
	"NOT_IN_PLAN":           {"PERF-12", "The partner was in neither the solution-provider nor the distribution plan on the day of use."},
	"QUALIFICATION_EXPIRED": {"PERF-12", "The partner's qualification had expired on the day of use."},
	"TERMS_ZERO":            {"PERF-12", "The signed business terms set the incentive to 0 on the day of use."},
	"PERFORMANCE_MOVED":     {"PERF-12", "The partner's performance was moved to another account on the day of use."},
	"REBOUND":               {"PERF-13", "The customer came from another partner less than six months before."},
	"OUTSIDE_POLICY":        {"PERF-12", "No line of the policies in force on the day of use lists it."},
}

// Why says a line's reason in a sentence, with its rule.
func Why(reason, detail string) (rule, sentence string) {
	if r, ok := reasons[detail]; ok {
		return r.rule, r.sentence
	}
	switch reason {
	case NextPeriod:
		return "INC-03", "Used in this month and settled in a later one, where it counts."
	case "":
		return "PERF-02", "Used and paid: its cash counts, and so does a stored-value card that was spent."
	}
	return "INC-04", reason
}

// Details lists the details that exist.
func Details() []string {
	var all []string
	for d := range reasons {
		all = append(all, d)
	}
	return all
}
