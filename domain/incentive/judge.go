package incentive

import (
	"slices"
	"time"

	"countersign/domain/calendar"
)

// Facts are what is known about a partner and one of its customers that decides whether income counts.
type Facts struct {
	Reseller       bool
	Identities     []Span // plans of which it needs one
	Qualifications []Days
	Terms          []Term
	Levels         []Level // by their start
	Moves          []Span  // since when a mid- or long-tail customer is its own, having come from another partner
}

// Span is half-open; without Until it has no end.
type Span struct {
	From  time.Time  `db:"from_at"`
	Until *time.Time `db:"until_at"`
}

func (s Span) holds(at time.Time) bool {
	return !at.Before(s.From) && (s.Until == nil || at.Before(*s.Until))
}

// Days are a first and a last day, both in full; without a last one they have no end.
type Days struct {
	First calendar.Date `db:"first"`
	Last  calendar.Date `db:"last"`
}

func (d Days) hold(on calendar.Date) bool {
	return !on.Before(d.First) && (d.Last.IsZero() || !on.After(d.Last))
}

// Term is an agreement that takes performance away (PERF-12).
type Term struct {
	Effect string `db:"effect"` // TERMS_ZERO or PERFORMANCE_MOVED
	Days
}

// Level is a partner's level from a day on.
type Level struct {
	Level  string        `db:"level"`
	Starts calendar.Date `db:"starts"`
}

// Verdict is why a row gives nothing, or the policy line that decides about it.
type Verdict struct {
	Detail string // empty: it counts
	Policy Policy
	Line   Line
}

// reboundSince and reboundMonths are PERF-13.
var reboundSince = calendar.Date{Year: 2026, Month: 1, Day: 1}.Start()

const reboundMonths = 6

// Judge says about one row of consumption what the calculation says about many in the database: its first reason in this order, else the line that
// decides. It explains a line row by row.
func Judge(f Facts, policies []Policy, charge string, i Income, used time.Time) Verdict {
	day := calendar.DateOf(used)
	for _, l := range f.Levels {
		if !l.Starts.After(day) {
			i.Level = l.Level
		}
	}
	if detail := noUse[charge]; detail != "" {
		return Verdict{Detail: detail}
	}
	if detail := f.against(used, day); detail != "" {
		return Verdict{Detail: detail}
	}
	p, l, found := Find(policies, day, i)
	if !found {
		return Verdict{Detail: "OUTSIDE_POLICY"}
	}
	return Verdict{Policy: p, Line: l}
}

// noUse are the charges that pay for no use of a resource (PERF-02, PERF-05).
var noUse = map[string]string{"top-up": "TOP_UP", "purchase": "PREPAYMENT", "tax": "TAX", "card-purchase": "CARD_PURCHASE"}

func (f Facts) against(used time.Time, day calendar.Date) string {
	holds := func(s Span) bool { return s.holds(used) }
	agreed := func(effect string) bool {
		return slices.ContainsFunc(f.Terms, func(t Term) bool { return t.Effect == effect && t.hold(day) })
	}
	expired := slices.ContainsFunc(f.Qualifications, func(d Days) bool { return !d.Last.IsZero() && d.Last.Before(day) })
	switch {
	case f.Reseller: // PERF-11
		return "TIER2"
	case !slices.ContainsFunc(f.Identities, holds): // PERF-12
		return "NOT_IN_PLAN"
	case expired && !slices.ContainsFunc(f.Qualifications, func(d Days) bool { return d.hold(day) }):
		return "QUALIFICATION_EXPIRED"
	case agreed("TERMS_ZERO"):
		return "TERMS_ZERO"
	case agreed("PERFORMANCE_MOVED"):
		return "PERFORMANCE_MOVED"
	case slices.ContainsFunc(f.Moves, func(s Span) bool { // PERF-13
		return !s.From.Before(reboundSince) && s.holds(used) && used.Before(calendar.AddMonths(s.From, reboundMonths))
	}):
		return "REBOUND"
	}
	return ""
}
