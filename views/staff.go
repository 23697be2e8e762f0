package views

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/quarter"
	"countersign/domain/refusal"
	"countersign/domain/staff"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// Staff is what is known about a partner's dedicated staff.
type Staff struct {
	Partner       string              `json:"partner"`
	Qualification *StaffQualification `json:"qualification,omitempty"`
	Specialists   []Specialist        `json:"specialists"`
	Months        []StaffMonth        `json:"months"`
}

// StaffQualification is where a partner's qualification stands (FHM-01).
type StaffQualification struct {
	AppliedBy  string        `db:"applied_by"  json:"applied_by"`
	AppliedAt  time.Time     `db:"applied_at"  json:"applied_at"`
	ApprovedBy string        `db:"approved_by" json:"approved_by,omitempty"`
	ApprovedAt *time.Time    `db:"approved_at" json:"approved_at,omitempty"`
	Agreement  string        `db:"agreement"   json:"agreement,omitempty"`
	SignedOn   calendar.Date `db:"signed_on"   json:"signed_on,omitzero"`
}

// Specialist is one person who is funded, with the requests that count.
type Specialist struct {
	ID           string         `db:"specialist_id" json:"specialist"`
	Name         string         `db:"name"          json:"name"`
	Role         string         `db:"role"          json:"role"`
	Certificates pq.StringArray `db:"certificates"  json:"certificates"`
	CloudSince   calendar.Date  `db:"cloud_since"   json:"cloud_since"`
	Since        calendar.Date  `db:"since_date"    json:"since"`
	LeftOn       calendar.Date  `db:"left_on"       json:"left_on,omitzero"`
	Scheme       string         `db:"scheme"        json:"scheme,omitempty"` // in which the person is used (FHM-06)
	Uses         int            `db:"uses"          json:"uses"`             // requests that did not fail
}

// StaffMonth is one month that was requested or listed.
type StaffMonth struct {
	Month        staff.Month    `db:"-"             json:"month"`
	First        calendar.Date  `db:"month"         json:"-"`
	Scenario     staff.Scenario `db:"scenario"      json:"scenario"`
	State        staff.State    `db:"state"         json:"state"`
	Amount       money.Amount   `db:"amount"        json:"amount"`
	Case         string         `db:"case_number"   json:"case,omitempty"`
	ConfirmUntil *time.Time     `db:"confirm_until" json:"confirm_until,omitempty"`
	People       pq.StringArray `db:"people"        json:"people"`
	Proofs       int            `db:"proofs"        json:"proofs"`
}

// Staff reads what is known about a partner's dedicated staff at an instant.
func (r Reader) Staff(ctx context.Context, partner string, at time.Time) (Staff, error) {
	s := Staff{Partner: partner}
	if err := r.mustExist(ctx, "partner", partner, partnerExistsSQL); err != nil {
		return s, err
	}
	qualifications, err := rows[StaffQualification](ctx, r.q(), "qualification", `
		SELECT applied_by, applied_at, coalesce(approved_by, '') AS approved_by, approved_at, agreement, signed_on FROM staff_qualifications WHERE partner_id = $1`, partner)
	if err != nil {
		return s, err
	}
	if len(qualifications) == 1 {
		s.Qualification = &qualifications[0]
	}
	if s.Specialists, err = rows[Specialist](ctx, r.q(), "specialists", specialistsSQL, partner); err != nil {
		return s, err
	}
	s.Months, err = rows[StaffMonth](ctx, r.q(), "months", staffMonthsSQL, partner, at)
	for i := range s.Months {
		s.Months[i].Month = staff.MonthOf(s.Months[i].First.Start())
	}
	return s, err
}

const specialistsSQL = `
	SELECT s.specialist_id, s.name, s.role, s.certificates, s.cloud_since, s.since_date, s.left_on, coalesce(min(m.scenario), '') AS scheme, count(m.month) AS uses
	  FROM specialists s
	  LEFT JOIN (staff_month_persons p JOIN staff_months m USING (case_number) JOIN cases c ON c.case_number = m.case_number AND c.state <> 'FAILED') USING (specialist_id)
	 WHERE s.partner_id = $1 GROUP BY s.specialist_id ORDER BY s.specialist_id`

const staffMonthsSQL = `
	SELECT m.month, m.scenario, m.amount, coalesce(m.case_number, '') AS case_number, m.confirm_until,
	       CASE WHEN c.case_number IS NOT NULL THEN c.state WHEN m.confirm_until > $2 THEN 'TO_CONFIRM' ELSE 'LAPSED' END AS state,
	       CASE WHEN m.case_number IS NULL THEN m.listed ELSE ARRAY(SELECT specialist_id || coalesce(' ' || project_id, '') FROM staff_month_persons p WHERE p.case_number = m.case_number ORDER BY 1) END AS people,
	       (SELECT count(*) FROM staff_proofs p WHERE p.case_number = m.case_number) AS proofs
	  FROM staff_months m LEFT JOIN cases c USING (case_number) WHERE m.partner_id = $1 ORDER BY m.month`

// Quarter is where a partner's quarter stands: what could be paid, and what keeps it from being requested.
type Quarter struct {
	Partner      string              `json:"partner"`
	Quarter      calendar.Quarter    `json:"quarter"`
	Months       []quarter.Month     `json:"months"`
	Total        money.Amount        `json:"total"`   // of the months that passed (QPY-06)
	Blocked      refusal.List        `json:"blocked"` // all conditions that hold, in order; empty: none
	FirstAllowed *time.Time          `json:"first_allowed,omitempty"`
	Application  *QuarterApplication `json:"application,omitempty"`
}

// QuarterApplication is the quarter's request.
type QuarterApplication struct {
	Case       string        `db:"case_number" json:"case"`
	State      quarter.State `db:"state"       json:"state"`
	Total      money.Amount  `db:"total"       json:"total"`
	OpenedAt   time.Time     `db:"opened_at"   json:"opened_at"`
	ApprovedAt *time.Time    `db:"approved_at" json:"approved_at,omitempty"`
	PaidAt     *time.Time    `db:"paid_at"     json:"paid_at,omitempty"`
	List       string        `db:"list_no"     json:"invoice_list,omitempty"`
	Invoices   string        `db:"list_state"  json:"invoices,omitempty"`
}

// Quarter reads where a quarter stands at an instant.
func (r Reader) Quarter(ctx context.Context, partner string, q calendar.Quarter, at time.Time) (Quarter, error) {
	out := Quarter{Partner: partner, Quarter: q, Blocked: refusal.List{}}
	if err := r.mustExist(ctx, "partner", partner, partnerExistsSQL); err != nil {
		return out, err
	}
	months, err := quarterMonths(ctx, r.q(), partner, q, at)
	if err != nil {
		return out, err
	}
	out.Months, out.Total = months, quarter.Total(months)
	applications, err := rows[QuarterApplication](ctx, r.q(), "application", `
		SELECT p.case_number, c.state, p.total, c.opened_at, p.approved_at, p.paid_at, coalesce(l.list_no, '') AS list_no, coalesce(l.state, '') AS list_state
		  FROM payment_applications p JOIN cases c USING (case_number) LEFT JOIN invoice_lists l USING (case_number) WHERE p.partner_id = $1 AND p.quarter = $2`, partner, q.String())
	if err != nil {
		return out, err
	}
	if len(applications) == 1 {
		out.Application = &applications[0]
		return out, nil
	}
	out.Blocked = append(out.Blocked, quarter.Blocks(q, months, at)...)
	var arrears money.Amount
	if err := sqlx.GetContext(ctx, r.q(), &arrears, `
		SELECT coalesce(sum(amount), 0)::numeric(20,2) FROM arrears WHERE partner_id = $1 AND since <= $2 AND (paid_at IS NULL OR paid_at > $2)`, partner, at); err != nil {
		return out, fmt.Errorf("read arrears: %w", err)
	}
	if arrears.Sign() > 0 { // QPY-10
		out.Blocked = append(out.Blocked, quarter.InArrears(partner, arrears))
	} else if first, ok := quarter.FirstAllowed(q, months, at); ok {
		out.FirstAllowed = &first
	}
	return out, nil
}

func quarterMonths(ctx context.Context, q sqlx.QueryerContext, partner string, of calendar.Quarter, at time.Time) ([]quarter.Month, error) {
	found, err := rows[struct {
		Month  calendar.Date `db:"month"`
		State  staff.State   `db:"state"`
		Amount money.Amount  `db:"amount"`
		Case   string        `db:"case_number"`
		Until  *time.Time    `db:"confirm_until"`
	}](ctx, q, "months", `SELECT month, state, amount, case_number, CASE WHEN state = 'TO_CONFIRM' THEN confirm_until END AS confirm_until FROM staff_quarter($1, $2, $3) ORDER BY month`, partner, of.Start(), at)
	months := make([]quarter.Month, len(found))
	for i, m := range found {
		months[i] = quarter.Month{Month: staff.MonthOf(m.Month.Start()), State: m.State, Amount: m.Amount, Case: m.Case, ConfirmUntil: m.Until}
	}
	return months, err
}

// QuarterCase is one application with its months, as they were when it was requested.
type QuarterCase struct {
	Partner string `db:"partner_id" json:"partner"`
	Quarter string `db:"quarter"    json:"quarter"`
	QuarterApplication
	Currency  money.Currency  `db:"currency"  json:"currency"`
	Reference string          `db:"reference" json:"reference,omitempty"`
	Stored    []byte          `db:"months"    json:"-"`
	Months    []quarter.Month `db:"-"         json:"months"`
}

// Quarters lists a partner's applications, the newest quarter first.
func (r Reader) Quarters(ctx context.Context, partner string) ([]QuarterCase, error) {
	if err := r.mustExist(ctx, "partner", partner, partnerExistsSQL); err != nil {
		return nil, err
	}
	found, err := rows[QuarterCase](ctx, r.q(), "payment applications", quarterCaseSQL+` WHERE p.partner_id = $1 ORDER BY p.quarter DESC`, partner)
	for i := range found {
		if err := found[i].readMonths(); err != nil {
			return nil, err
		}
	}
	return found, err
}

const quarterCaseSQL = `
	SELECT p.partner_id, p.quarter, p.case_number, c.state, p.total, c.opened_at, p.approved_at, p.paid_at, coalesce(l.list_no, '') AS list_no, coalesce(l.state, '') AS list_state,
	       p.currency, p.reference, p.months
	  FROM payment_applications p JOIN cases c USING (case_number) LEFT JOIN invoice_lists l USING (case_number)`

// QuarterOfCase reads one application.
func (r Reader) QuarterOfCase(ctx context.Context, number string) (QuarterCase, error) {
	a, err := row[QuarterCase](ctx, r.q(), "payment application", number, quarterCaseSQL+` WHERE p.case_number = $1`, number)
	if err != nil {
		return a, err
	}
	return a, a.readMonths()
}

func (a *QuarterCase) readMonths() error {
	if err := json.Unmarshal(a.Stored, &a.Months); err != nil {
		return fmt.Errorf("read months of %s: %w", a.Case, err)
	}
	return nil
}

// PaymentDetail is what a partner sees of a payment that it waits for (QPY-13).
type PaymentDetail struct {
	Case       string         `db:"case_number" json:"case"`
	Partner    string         `db:"partner_id"  json:"partner"`
	State      quarter.State  `db:"state"       json:"state"`
	Holder     string         `db:"holder"      json:"payee"`
	AccountNo  string         `db:"account_no"  json:"account_no"`
	Bank       string         `db:"bank"        json:"bank"`
	Branch     string         `db:"branch"      json:"branch"`
	Entity     string         `db:"paying_entity" json:"paying_entity"`
	Amount     money.Amount   `db:"total"       json:"amount"`
	Currency   money.Currency `db:"currency"    json:"currency"`
	ExpectedOn calendar.Date  `db:"expected_on" json:"expected_on"`
}

// PaymentDetail opens the detail of a payment; in every state but waiting for payment it is refused (QPY-13).
func (r Reader) PaymentDetail(ctx context.Context, number string) (PaymentDetail, error) {
	d, err := row[PaymentDetail](ctx, r.q(), "payment application", number, `
		SELECT p.case_number, p.partner_id, c.state, p.holder, p.account_no, p.bank, p.branch, p.paying_entity, p.total, p.currency, p.expected_on
		  FROM payment_applications p JOIN cases c USING (case_number) WHERE p.case_number = $1`, number)
	if err != nil {
		return d, err
	}
	if list := quarter.JudgeDetail(d.Case, d.State); len(list) > 0 {
		return PaymentDetail{}, list
	}
	return d, nil
}
