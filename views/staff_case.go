package views

import (
	"context"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/staff"

	"github.com/lib/pq"
)

// StaffCase is the request of a month of dedicated staff with everything by which it is judged.
type StaffCase struct {
	Case      string         `db:"case_number" json:"case"`
	Partner   string         `db:"partner_id"  json:"partner"`
	First     calendar.Date  `db:"month"       json:"-"`
	Month     staff.Month    `db:"-"           json:"month"`
	Scenario  staff.Scenario `db:"scenario"    json:"scenario"`
	Amount    money.Amount   `db:"amount"      json:"amount"`
	ListedAt  *time.Time     `db:"listed_at"   json:"listed_at,omitempty"` // when the system listed the experts (FHM-08)
	Agreement string         `db:"agreement"   json:"agreement,omitempty"` // of the qualification (FHM-01)
	SignedOn  calendar.Date  `db:"signed_on"   json:"signed_on,omitzero"`
	Persons   []StaffPerson  `db:"-"           json:"persons"`
	Proofs    []StaffProof   `db:"-"           json:"proofs"`
}

// StaffPerson is a specialist of a request, with the project that the month is for (FHM-07).
type StaffPerson struct {
	Specialist   string         `db:"specialist_id" json:"specialist"`
	Name         string         `db:"name"          json:"name"`
	Role         string         `db:"role"          json:"role"`
	Project      string         `db:"project_id"    json:"project,omitempty"`
	Certificates pq.StringArray `db:"certificates"  json:"certificates"`
	CloudSince   calendar.Date  `db:"cloud_since"   json:"cloud_since"`
	Since        calendar.Date  `db:"since_date"    json:"since"`
	LeftOn       calendar.Date  `db:"left_on"       json:"left_on,omitzero"`
}

// StaffProof is a document of a request; round 0: uploaded because a specialist's data changed (FHM-09).
type StaffProof struct {
	Round      int       `db:"round"         json:"round"`
	Kind       string    `db:"kind"          json:"kind"`
	Document   string    `db:"document_id"   json:"document"`
	Specialist string    `db:"specialist_id" json:"specialist,omitempty"`
	At         time.Time `db:"added_at"      json:"at"`
}

// StaffCase reads the request of a month.
func (r Reader) StaffCase(ctx context.Context, number string) (StaffCase, error) {
	s, err := row[StaffCase](ctx, r.q(), "month of dedicated staff", number, `
		SELECT m.case_number, m.partner_id, m.month, m.scenario, m.amount, m.listed_at, coalesce(q.agreement, '') AS agreement, q.signed_on
		  FROM staff_months m LEFT JOIN staff_qualifications q USING (partner_id) WHERE m.case_number = $1`, number)
	if err != nil {
		return s, err
	}
	s.Month = staff.MonthOf(s.First.Start())
	if s.Persons, err = rows[StaffPerson](ctx, r.q(), "specialists", `
		SELECT s.specialist_id, s.name, s.role, coalesce(p.project_id, '') AS project_id, s.certificates, s.cloud_since, s.since_date, s.left_on
		  FROM staff_month_persons p JOIN specialists s USING (specialist_id) WHERE p.case_number = $1 ORDER BY s.specialist_id`, number); err != nil {
		return s, err
	}
	s.Proofs, err = rows[StaffProof](ctx, r.q(), "proofs", `SELECT round, kind, document_id, specialist_id, added_at FROM staff_proofs WHERE case_number = $1 ORDER BY proof_id`, number)
	return s, err
}
