package views

import (
	"context"
	"time"

	"countersign/domain/calendar"
)

// ReconciliationCase is a set of bills that is presented to its partner, with what was said about it.
type ReconciliationCase struct {
	Case        string         `db:"case_number"  json:"case"`
	Period      string         `db:"period"       json:"period"`
	Set         int            `db:"set_no"       json:"set"` // 1: the period's; from 2 on corrections (INC-10)
	PresentedAt time.Time      `db:"presented_at" json:"presented_at"`
	Deadline    calendar.Date  `db:"deadline"     json:"deadline,omitzero"` // last day of the partner's check (INC-08)
	Returned    string         `db:"returned"     json:"returned,omitempty"`
	ConfirmedBy string         `db:"confirmed_by" json:"confirmed_by,omitempty"`
	ConfirmedAt *time.Time     `db:"confirmed_at" json:"confirmed_at,omitempty"`
	Bills       []Bill         `db:"-"            json:"-"`
	Questions   []BillQuestion `db:"-"            json:"-"`
}

// ReconciliationCase reads the case of presented bills at an instant.
func (r Reader) ReconciliationCase(ctx context.Context, number string, at time.Time) (ReconciliationCase, error) {
	c, err := row[ReconciliationCase](ctx, r.q(), "reconciliation", number, `
		SELECT case_number, period, set_no, presented_at, deadline, returned, coalesce(confirmed_by, '') AS confirmed_by, confirmed_at FROM reconciliations WHERE case_number = $1`, number)
	if err != nil {
		return c, err
	}
	if c.Bills, err = r.Bills(ctx, BillFilter{Case: number}, at); err != nil {
		return c, err
	}
	c.Questions, err = rows[BillQuestion](ctx, r.q(), "questions", `
		SELECT question_id, bills, question, asked_by, asked_at, answer, coalesce(answered_by, '') AS answered_by FROM bill_questions WHERE case_number = $1 ORDER BY question_id`, number)
	return c, err
}
