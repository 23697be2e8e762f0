package activities

import (
	"context"
	"fmt"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/staff"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// DedicatedStaff records what is known about a partner's dedicated specialists and what becomes of their months (FHM).
type DedicatedStaff struct{ DB *sqlx.DB }

// QualifyInput applies for a partner's qualification, or approves it.
type QualifyInput struct {
	Partner   string
	Person    string
	Approve   bool
	Agreement string        // the signed agreement's number, with an approval
	SignedOn  calendar.Date // when it was signed
	At        time.Time
}

// Qualification is where a partner's qualification stands.
type Qualification struct {
	Partner    string        `db:"partner_id"  json:"partner"`
	AppliedBy  string        `db:"applied_by"  json:"applied_by"`
	AppliedAt  time.Time     `db:"applied_at"  json:"applied_at"`
	ApprovedBy *string       `db:"approved_by" json:"approved_by,omitempty"`
	ApprovedAt *time.Time    `db:"approved_at" json:"approved_at,omitempty"`
	Agreement  string        `db:"agreement"   json:"agreement,omitempty"`
	SignedOn   calendar.Date `db:"signed_on"   json:"signed_on,omitzero"`
}

// Qualify keeps that a partner applies, then that it is approved with the signed agreement (FHM-01). The same again changes
// nothing; a refusal is one row in refusals.
func (s *DedicatedStaff) Qualify(ctx context.Context, in QualifyInput) (Qualification, error) {
	in.At = stored(in.At)
	var now Qualification
	err := s.command(ctx, refusedRequest{
		Key: fmt.Sprintf("staff/qualify/%s/%s/%s", in.Partner, in.Person, in.At.Format(time.RFC3339Nano)), At: in.At, Kind: staff.Kind, Action: "qualify", Person: in.Person, Partner: in.Partner,
	}, func(tx *sqlx.Tx) (refusal.List, error) {
		known, list, err := s.allowed(ctx, tx, in.Person, in.Partner, in.Approve)
		if err != nil || !known || len(list) > 0 {
			return list, err
		}
		if in.Approve {
			list, err = in.approve(ctx, tx)
		} else {
			_, err = tx.ExecContext(ctx, `INSERT INTO staff_qualifications (partner_id, applied_by, applied_at) VALUES ($1, $2, $3) ON CONFLICT (partner_id) DO NOTHING`,
				in.Partner, in.Person, in.At)
		}
		if err != nil || len(list) > 0 {
			return list, err
		}
		return nil, tx.GetContext(ctx, &now, qualificationSQL, in.Partner)
	})
	return now, err
}

const qualificationSQL = `
	SELECT partner_id, applied_by, applied_at, approved_by, approved_at, agreement, signed_on FROM staff_qualifications WHERE partner_id = $1`

func (in QualifyInput) approve(ctx context.Context, tx *sqlx.Tx) (refusal.List, error) {
	object := "partner " + in.Partner
	if in.Agreement == "" || in.SignedOn.IsZero() || in.SignedOn.After(calendar.DateOf(in.At)) {
		return refusal.List{refusal.New("FHM-01", "CBC.0100", object, "An approval names the agreement and the day on which it was signed, today at the latest.")}, nil
	}
	res, err := tx.ExecContext(ctx, `
		UPDATE staff_qualifications SET approved_by = $2, approved_at = $3, agreement = $4, signed_on = $5
		 WHERE partner_id = $1 AND (approved_at IS NULL OR (approved_by, agreement, signed_on) = ($2, $4, $5::date))`, in.Partner, in.Person, in.At, in.Agreement, in.SignedOn)
	if err != nil {
		return nil, fmt.Errorf("approve qualification of %s: %w", in.Partner, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return nil, err
	}
	return refusal.List{refusal.New("FHM-01", "ENG_STATE", object, "The partner has not applied for the qualification, or it is approved with another agreement; look at the qualification first.")}, nil
}

// allowed checks who keeps a partner's records: its own people, and for approvals the vendor's operators.
func (s *DedicatedStaff) allowed(ctx context.Context, tx *sqlx.Tx, id, partner string, operators bool) (known bool, list refusal.List, err error) {
	if err := tx.GetContext(ctx, &known, `SELECT EXISTS (SELECT 1 FROM partners WHERE partner_id = $1)`, partner); err != nil {
		return false, nil, fmt.Errorf("read partner %s: %w", partner, err)
	}
	p, err := findPerson(ctx, tx, id)
	if err != nil {
		return known, nil, err
	}
	switch {
	case p == nil:
		list = append(list, refusal.New("COM-16", "CBC.0151", "person "+id, "There is no person %q; speak as somebody who is registered.", id))
	case operators && (!p.OfVendor() || !p.Holds(staff.Operators...)):
		list = append(list, refusal.New("COM-16", "CBC.0151", "person "+id, "%s does not hold the role %s; somebody with that role does this.", p.Name, staff.Operators[0]))
	case !operators && !staff.MayAct(*p, partner):
		list = append(list, refusal.New("COM-16", "CBC.0151", "person "+id, "%s may not act for partner %s; ask the partner's administrator for the permission.", p.Name, partner))
	}
	if !known {
		list = append(list, refusal.New("COM-17", "CBC.5001", "partner "+partner, "There is no partner %q; check the partner's number.", partner))
	}
	return known, list, nil
}

// command runs one instant command; its refusal is recorded.
func (s *DedicatedStaff) command(ctx context.Context, r refusedRequest, f func(tx *sqlx.Tx) (refusal.List, error)) error {
	return Final(judged(ctx, s.DB, f, func(tx *sqlx.Tx, list refusal.List) error {
		_, err := recordRefusal(ctx, tx, r, list)
		return err
	}))
}

// SpecialistInput registers a specialist, or changes the person's data.
type SpecialistInput struct {
	ID           string        `json:"id"`
	Partner      string        `json:"partner"`
	Name         string        `json:"name"`
	Role         string        `json:"role"`
	Certificates []string      `json:"certificates"`
	CloudSince   calendar.Date `json:"cloud_since"`
	Since        calendar.Date `json:"since"`
	LeftOn       calendar.Date `json:"left_on,omitzero"`
	Person       string        `json:"-"` // who registers
	At           time.Time     `json:"-"`
}

// RegisterSpecialist binds a specialist to the partner's account. The same data again changes nothing; a person of another
// partner is refused, and so is another day of the start once the person was requested (FHM-05).
func (s *DedicatedStaff) RegisterSpecialist(ctx context.Context, in SpecialistInput) error {
	in.At = stored(in.At)
	return s.command(ctx, refusedRequest{
		Key: fmt.Sprintf("staff/specialist/%s/%s/%s", in.Partner, in.ID, in.At.Format(time.RFC3339Nano)), At: in.At, Kind: staff.Kind, Action: "register specialist", Person: in.Person, Partner: in.Partner,
	}, func(tx *sqlx.Tx) (refusal.List, error) {
		_, list, err := s.allowed(ctx, tx, in.Person, in.Partner, false)
		if err != nil {
			return nil, err
		}
		if in.Name == "" || in.CloudSince.IsZero() || in.Since.IsZero() {
			list = append(list, refusal.New("FHM-05", "CBC.0100", "specialist "+in.ID, "A specialist has a name, the day since when in cloud work, and the day of the start."))
		}
		if len(list) > 0 {
			return list, nil
		}
		res, err := tx.ExecContext(ctx, upsertSpecialistSQL, in.ID, in.Partner, in.Name, in.Role, pq.Array(append([]string{}, in.Certificates...)), in.CloudSince, in.Since, in.LeftOn)
		if err != nil {
			return nil, fmt.Errorf("register specialist %s: %w", in.ID, err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 1 {
			return nil, err
		}
		return refusal.List{refusal.New("FHM-05", "FHM_PERSON_LIMIT", "specialist "+in.ID, "The specialist is bound to another partner's account, or was requested already, so that the day of the start stays; check number and day.")}, nil
	})
}

const upsertSpecialistSQL = `
	INSERT INTO specialists AS s (specialist_id, partner_id, name, role, certificates, cloud_since, since_date, left_on) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
	ON CONFLICT (specialist_id) DO UPDATE
	   SET name = excluded.name, role = excluded.role, certificates = excluded.certificates, cloud_since = excluded.cloud_since, since_date = excluded.since_date, left_on = excluded.left_on
	 WHERE s.partner_id = excluded.partner_id AND (s.since_date = excluded.since_date OR NOT EXISTS (
	       SELECT 1 FROM staff_month_persons p JOIN cases c USING (case_number) WHERE p.specialist_id = s.specialist_id AND c.state <> 'FAILED'))` // or the funding year begins anew (FHM-05)

// staffPolicy reads one version of the policy for dedicated staff; version 0 is the newest.
func staffPolicy(ctx context.Context, tx sqlx.QueryerContext, version int) (p staff.Policy, err error) {
	p.Version, err = casePolicy(ctx, tx, staff.Kind, version, &p)
	return p, err
}

// lockStaff lets one request about a partner's months and quarters go at a time: whether a month counts for a quarter is
// decided before or after the quarter's request, never meanwhile (FHM-04, QPY-09).
func lockStaff(ctx context.Context, tx *sqlx.Tx, partner string) error {
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('staff/' || $1, 0))`, partner); err != nil {
		return fmt.Errorf("lock months of %s: %w", partner, err)
	}
	return nil
}

// ListExperts lists last month's experts for every partner that has any, and tells the partners (FHM-08). It runs every day:
// who is listed, has requested the month, or has requested the quarter's payment is left out.
func (s *DedicatedStaff) ListExperts(ctx context.Context, in DailyInput) (listed int, err error) {
	at := stored(in.At)
	month := staff.MonthOf(at).Previous()
	err = inTx(ctx, s.DB, func(tx *sqlx.Tx) error {
		policy, err := staffPolicy(ctx, tx, 0)
		if IsNotFound(err) {
			return nil // a programme without dedicated staff
		}
		if err != nil {
			return err
		}
		rate, set := policy.Rates[staff.Expert]
		if !set {
			return nil
		}
		until, list, err := closes(ctx, tx, policy.ConfirmTerm, at)
		if err != nil {
			return err
		}
		if len(list) > 0 {
			until = at.Add(time.Hour) // only to see whether there is anybody to list: what is listed is undone
		}
		var rows []staffMonthRow
		if err := tx.SelectContext(ctx, &rows, listExpertsSQL, month.First(), month.Ends(), month.Quarter().String(), rate, at, until); err != nil {
			return fmt.Errorf("list experts of %s: %w", month, err)
		}
		if len(rows) > 0 && len(list) > 0 { // ENG-05: the term is refused, not guessed
			return list
		}
		listed = len(rows)
		return tellMonths(ctx, tx, rows, staff.Ready, at)
	})
	return listed, Final(err)
}

// listExpertsSQL leaves out who serves another scheme already (FHM-06).
const listExpertsSQL = `
	INSERT INTO staff_months (partner_id, month, scenario, amount, listed_at, confirm_until, listed)
	SELECT s.partner_id, $1::date, 'expert', $4::numeric * count(*), $5::timestamptz, $6::timestamptz, array_agg(s.specialist_id ORDER BY s.specialist_id)
	  FROM specialists s JOIN staff_qualifications q USING (partner_id)
	 WHERE s.role = 'expert' AND q.approved_at < $2 AND s.since_date < $1::date + interval '1 month' AND (s.left_on IS NULL OR s.left_on > $1::date)
	   AND NOT EXISTS (SELECT 1 FROM payment_applications a WHERE a.partner_id = s.partner_id AND a.quarter = $3)
	   AND NOT EXISTS (SELECT 1 FROM staff_month_persons p JOIN staff_months m USING (case_number) JOIN cases c USING (case_number)
	                    WHERE p.specialist_id = s.specialist_id AND m.scenario <> 'expert' AND c.state <> 'FAILED')
	 GROUP BY s.partner_id
	ON CONFLICT (partner_id, month) DO NOTHING
	RETURNING partner_id, month, amount, confirm_until`

// LapseMonths records what was not confirmed in time, and tells the partners (FHM-08). The months have lapsed at their
// instants, whenever this runs.
func (s *DedicatedStaff) LapseMonths(ctx context.Context, in DailyInput) (lapsed int, err error) {
	at := stored(in.At)
	err = inTx(ctx, s.DB, func(tx *sqlx.Tx) error {
		var rows []staffMonthRow
		if err := tx.SelectContext(ctx, &rows, `
			UPDATE staff_months SET lapsed_at = $1 WHERE confirm_until <= $1 AND case_number IS NULL AND lapsed_at IS NULL
			RETURNING partner_id, month, amount, confirm_until`, at); err != nil {
			return fmt.Errorf("lapse months: %w", err)
		}
		lapsed = len(rows)
		return tellMonths(ctx, tx, rows, staff.HasLapsed, at)
	})
	return lapsed, Final(err)
}

// staffMonthRow is one listed month.
type staffMonthRow struct {
	Partner string        `db:"partner_id"`
	Month   calendar.Date `db:"month"`
	staff.NoticeData
	Until time.Time `db:"confirm_until"`
}

// tellMonths writes to the people who may act for the partners of listed months, once a month and notice.
func tellMonths(ctx context.Context, tx *sqlx.Tx, rows []staffMonthRow, n staff.Notice, at time.Time) error {
	var letters partnerLetters
	for _, r := range rows {
		m := staff.MonthOf(r.Month.Start())
		r.NoticeData.Partner, r.NoticeData.Month = r.Partner, m.String()
		r.Note = "until " + calendar.Shown(r.Until)
		subject, body := n.Text(r.NoticeData)
		letters.add(r.Partner, fmt.Sprintf("%s/%s/%s/%s", staff.Kind, r.Partner, m, n), subject, body)
	}
	return letters.write(ctx, tx, staff.Applicants, at)
}

// partnerLetters are notices to partners' people, written in one statement.
type partnerLetters struct{ partners, keys, subjects, bodies []string }

func (l *partnerLetters) add(partner, key, subject, body string) {
	l.partners, l.keys = append(l.partners, partner), append(l.keys, key)
	l.subjects, l.bodies = append(l.subjects, subject), append(l.bodies, body)
}

func (l partnerLetters) write(ctx context.Context, tx *sqlx.Tx, roles []person.Role, at time.Time) error {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO outbox (key, person_id, subject, body, written_at, next_at)
		SELECT l.key || '/' || p.person_id, p.person_id, l.subject, l.body, $5::timestamptz, $5::timestamptz
		  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS l (partner_id, key, subject, body) JOIN people p USING (partner_id)
		 WHERE p.active AND held_roles(p.person_id) && $6::text[]
		ON CONFLICT (key) DO NOTHING`, pq.Array(l.partners), pq.Array(l.keys), pq.Array(l.subjects), pq.Array(l.bodies), at, pq.Array(names)); err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	return nil
}
