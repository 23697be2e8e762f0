package views

import (
	"context"
	"errors"
	"time"

	"countersign/domain"
	"countersign/domain/incentive"
)

// IncentiveMonth is what a month gives a partner, and why: the sheet, each part of it in words, and the bills made of it.
type IncentiveMonth struct {
	Partner string           `json:"partner"`
	Period  incentive.Period `json:"period"`
	Sheet   *Sheet           `json:"sheet,omitempty"` // nil: the month was not calculated yet
	Parts   []ExplainedPart  `json:"parts"`
	Bills   []Bill           `json:"bills"`
}

// ExplainedPart is one part of the sheet with the rule that decided it.
type ExplainedPart struct {
	SheetPart
	Rule string `json:"rule"`
	Why  string `json:"why"` // in a sentence
}

// IncentiveMonth reads a partner's month as it stands at an instant. Its lines are Lines, and each is explained by ExplainLine.
func (r Reader) IncentiveMonth(ctx context.Context, partner string, p incentive.Period, at time.Time) (IncentiveMonth, error) {
	m := IncentiveMonth{Partner: partner, Period: p, Parts: []ExplainedPart{}}
	var err error
	if m.Bills, err = r.Bills(ctx, BillFilter{Partner: partner, Period: p.String()}, at); err != nil {
		return m, err
	}
	s, err := r.Sheet(ctx, partner, p)
	if errors.Is(err, domain.ErrNotFound) {
		return m, nil
	}
	if err != nil {
		return m, err
	}
	m.Sheet = &s
	for _, part := range s.Parts {
		rule, why := incentive.Why(part.Reason, part.Detail)
		m.Parts = append(m.Parts, ExplainedPart{part, rule, why})
	}
	return m, nil
}
