package views

import (
	"context"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/organisation"
	"countersign/domain/qualification"
	"countersign/domain/specialist"

	"github.com/lib/pq"
)

// Specialists is the page of a partner's project specialists: the figures first, then whom they count (ORG-44).
type Specialists struct {
	Partner string `json:"partner"`
	SpecialistFigures
	Members []MemberSpecialist `json:"members"`
}

// SpecialistFigures are the figures on the members. Who is a specialist and under review for a cancellation counts in both.
type SpecialistFigures struct {
	Bound       int `db:"bound"        json:"bound"`
	Specialists int `db:"specialists"  json:"specialists"`  // recognised on at least one path
	UnderReview int `db:"under_review" json:"under_review"` // an application or a cancellation waits for the vendor
}

// MemberSpecialist is one member on one path; without case only bound.
type MemberSpecialist struct {
	Account  string           `db:"account_id"    json:"account"`
	Name     string           `db:"name"          json:"name"` // masked unless it was uncovered (PGM-05)
	LinkedAt time.Time        `db:"linked_at"     json:"linked_at"`
	Location string           `db:"base_location" json:"base_location,omitempty"`
	Case     string           `db:"case_number"   json:"case,omitempty"`
	Path     specialist.Path  `db:"path"          json:"path,omitempty"`
	State    specialist.State `db:"state"         json:"state,omitempty"`
}

// Specialists reads a partner's bound members and how they stand, now. Uncovered names the columns that were uncovered for this look.
func (r Reader) Specialists(ctx context.Context, partner, by string, uncovered []string) (Specialists, error) {
	return r.SomeSpecialists(ctx, partner, by, MemberFilter{}, uncovered)
}

// SomeSpecialists reads the same with those members only whom a filter lets through; the figures count all.
func (r Reader) SomeSpecialists(ctx context.Context, partner, by string, f MemberFilter, uncovered []string) (Specialists, error) {
	s := Specialists{Partner: partner}
	if err := r.mustExist(ctx, "partner", partner, partnerExistsSQL); err != nil {
		return s, err
	}
	err := r.mayUncover(ctx, partner, by, uncovered)
	if err != nil {
		return s, err
	}
	if s.SpecialistFigures, err = row[SpecialistFigures](ctx, r.q(), "partner", partner, specialistFiguresSQL, partner); err != nil {
		return s, err
	}
	s.Members, err = rows[MemberSpecialist](ctx, r.q(), "members", memberSpecialistsSQL, f.args(partner)...)
	for i, m := range s.Members {
		s.Members[i].Name = organisation.Masked("name", m.Name, uncovered)
	}
	return s, err
}

// Rule: ORG-44.
const specialistFiguresSQL = `
	SELECT count(DISTINCT l.account_id) AS bound,
	       count(DISTINCT l.account_id) FILTER (WHERE c.state IN ('SPECIALIST', 'CANCEL_REVIEW', 'CANCEL_REJECTED')) AS specialists,
	       count(DISTINCT l.account_id) FILTER (WHERE c.state IN ('SPECIALIST_REVIEW', 'CANCEL_REVIEW')) AS under_review
	  FROM member_links l
	  LEFT JOIN (project_specialists s JOIN cases c USING (case_number)) ON s.partner_id = l.partner_id AND s.account_id = l.account_id AND s.ended_at IS NULL
	 WHERE l.partner_id = $1 AND l.unlinked_at IS NULL`

// What has ended is shown until the member is applied for again on that path.
const memberSpecialistsSQL = `
	SELECT l.account_id, a.name, l.linked_at, coalesce(o.base_location, '') AS base_location, coalesce(s.case_number, '') AS case_number, coalesce(s.path, '') AS path, coalesce(s.state, '') AS state
	  FROM (` + linkedSQL + `) l JOIN personal_accounts a USING (account_id) LEFT JOIN member_locations o ON o.partner_id = l.partner_id AND o.account_id = l.account_id
	  LEFT JOIN LATERAL (
		SELECT DISTINCT ON (p.path) p.case_number, p.path, c.state FROM project_specialists p JOIN cases c USING (case_number)
		 WHERE p.partner_id = l.partner_id AND p.account_id = l.account_id AND (p.ended_at IS NULL OR p.ended_at >= l.linked_at) ORDER BY p.path, c.opened_at DESC, p.case_number DESC) s ON true
	 ORDER BY l.linked_at, l.link_id, s.path`

// SpecialistCase is what a specialist's case has beside every case.
type SpecialistCase struct {
	Case      string           `db:"case_number"     json:"case"`
	Partner   string           `db:"partner_id"      json:"partner"`
	Account   string           `db:"account_id"      json:"account"`
	Name      string           `db:"name"            json:"name,omitempty"` // masked; of who is linked no more it is not told (ORG-37)
	Path      specialist.Path  `db:"path"            json:"path"`
	State     specialist.State `db:"state"           json:"state"`
	Location  string           `db:"base_location"   json:"base_location"`
	Materials pq.StringArray   `db:"materials"       json:"materials"`
	Reason    string           `db:"cancel_reason"   json:"cancel_reason,omitempty"`
	File      string           `db:"cancel_document" json:"cancel_document,omitempty"`
	OpenedAt  time.Time        `db:"opened_at"       json:"opened_at"`
	EndedAt   *time.Time       `db:"ended_at"        json:"ended_at,omitempty"`
}

// SpecialistCase reads one of them.
func (r Reader) SpecialistCase(ctx context.Context, number string, uncovered ...string) (SpecialistCase, error) {
	s, err := row[SpecialistCase](ctx, r.q(), "case of a project specialist", number, `
		SELECT s.case_number, s.partner_id, s.account_id, CASE WHEN l.link_id IS NULL THEN '' ELSE a.name END AS name, s.path, c.state, s.base_location, s.materials, s.cancel_reason, s.cancel_document, c.opened_at, s.ended_at
		  FROM project_specialists s JOIN cases c USING (case_number) JOIN personal_accounts a USING (account_id)
		  LEFT JOIN member_links l ON l.account_id = s.account_id AND l.partner_id = s.partner_id AND l.unlinked_at IS NULL WHERE s.case_number = $1`, number)
	s.Name = organisation.Masked("name", s.Name, uncovered)
	return s, err
}

// Qualification is one record of a member, as it stands.
type Qualification struct {
	Record       string               `db:"record_no"    json:"record"`
	Version      int                  `db:"version"      json:"version"`
	Kind         qualification.Kind   `db:"kind"         json:"kind"`
	Title        string               `db:"title"        json:"title"`
	Organisation string               `db:"organisation" json:"organisation,omitempty"`
	Level        string               `db:"level"        json:"level,omitempty"`
	From         calendar.Date        `db:"from_on"      json:"from"`
	Until        calendar.Date        `db:"until_on"     json:"until,omitzero"`
	Origin       qualification.Origin `db:"origin"       json:"origin"`
	ChangedAt    time.Time            `db:"made_at"      json:"changed_at"`
}

// Qualifications reads a member's records; who may is asked before (ORG-45).
func (r Reader) Qualifications(ctx context.Context, account string) ([]Qualification, error) {
	if err := r.mustExist(ctx, "account", account, `SELECT 1 FROM personal_accounts WHERE account_id = $1`); err != nil {
		return nil, err
	}
	return rows[Qualification](ctx, r.q(), "records", qualificationSQL+`
		  FROM (SELECT DISTINCT ON (record_no) record_no, version, kind, title, organisation, level, from_on, until_on, removed, origin, made_at FROM member_qualifications WHERE account_id = $1 ORDER BY record_no, version DESC) q
		 WHERE NOT removed ORDER BY kind, record_no`, account)
}

// Qualification reads one record as it stands.
func (r Reader) Qualification(ctx context.Context, number string) (Qualification, error) {
	return row[Qualification](ctx, r.q(), "record", number, qualificationSQL+` FROM member_qualifications WHERE record_no = $1 ORDER BY version DESC LIMIT 1`, number)
}

const qualificationSQL = `SELECT record_no, version, kind, title, organisation, level, from_on, until_on, origin, made_at`

// CertifiedStaff is how many linked members count for a partner by a level of certificate (ORG-46).
type CertifiedStaff struct {
	Level string `db:"level" json:"level"`
	Staff int    `db:"staff" json:"staff"`
}

// CertifiedStaff counts them at an instant.
func (r Reader) CertifiedStaff(ctx context.Context, partner string, at time.Time) ([]CertifiedStaff, error) {
	return rows[CertifiedStaff](ctx, r.q(), "certified staff", `SELECT level, staff FROM certified_staff($1, $2) ORDER BY level`, partner, at)
}
