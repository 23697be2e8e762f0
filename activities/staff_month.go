package activities

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/refusal"
	"countersign/domain/staff"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// OpenStaffMonthInput asks to open a month's request.
type OpenStaffMonthInput struct {
	Request    staff.Request
	WorkflowID string
	RunID      string
	At         time.Time
}

// OpenStaffMonth judges a request and opens its case: specialists and projects taken, the preliminary review asked, in one
// step. The same request key answers the first case; a refusal opens nothing.
func (s *DedicatedStaff) OpenStaffMonth(ctx context.Context, in OpenStaffMonthInput) (Standing, error) {
	r, at := in.Request.Storable(), stored(in.At)
	n := newCase{
		Kind: staff.Kind, Prefix: "S", Partner: r.PartnerID, Submitter: r.Submitter, RequestKey: r.RequestKey, Digest: r.Digest(),
		WorkflowID: in.WorkflowID, RunID: in.RunID, At: at,
	}
	return n.open(ctx, s.DB, func(tx *sqlx.Tx) (string, refusal.List, error) {
		policy, plan, list, err := s.judge(ctx, tx, r, "", at)
		if err != nil || len(list) > 0 {
			return "", list, err
		}
		c, err := n.insert(ctx, tx, moveTo{State: string(staff.InReview)}, policy.Version)
		if err != nil {
			return "", nil, err
		}
		if err := keepMonth(ctx, tx, c.Number, r, plan); err != nil {
			return "", nil, err
		}
		e := event{Case: c.Number, Key: "submit", At: at, Actor: r.Submitter, Via: viaRequest, Action: "submit", To: string(staff.InReview), Rule: "FHM-02", Amount: &plan.Amount, Note: plan.Month.String()}
		if err := appendEvent(ctx, tx, e); err != nil {
			return "", nil, err
		}
		list, err = askReview(ctx, tx, c, policy, r, plan, at)
		return c.Number, list, err
	})
}

// keepMonth binds a month to its request. A list that was confirmed in time has not lapsed, even where the clock was faster: the
// request's instant decides (FHM-08).
func keepMonth(ctx context.Context, tx *sqlx.Tx, number string, r staff.Request, plan staff.Plan) error {
	res, err := tx.ExecContext(ctx, `
		INSERT INTO staff_months (partner_id, month, scenario, amount, case_number) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (partner_id, month) DO UPDATE SET amount = excluded.amount, case_number = excluded.case_number, lapsed_at = NULL WHERE staff_months.case_number IS NULL`,
		r.PartnerID, plan.Month.First(), r.Scenario, plan.Amount, number)
	if err != nil {
		return fmt.Errorf("keep month: %w", err)
	}
	return one(res, refusal.List{staffRules["fhm_02_one_request"]})
}

// ResubmitStaffMonthInput is a request that was corrected after it failed.
type ResubmitStaffMonthInput struct {
	Case    string
	Request staff.Request // its request key is the resubmission's own
	At      time.Time
}

// ResubmitStaffMonth sends a failed request again, within its month (FHM-03): judged like a new one, reviewed in the next
// round. The same request key with the same body changes nothing.
func (s *DedicatedStaff) ResubmitStaffMonth(ctx context.Context, in ResubmitStaffMonthInput) (Standing, error) {
	r, at := in.Request.Storable(), stored(in.At)
	step := resubmitStep(s.DB, in.Case, r.RequestKey, r.Submitter, at)
	return step.do(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) {
		if done, list, err := sentBefore(ctx, tx, c.Number, staff.Review, r.RequestKey, r.Digest()); done || err != nil || len(list) > 0 {
			return list, err
		}
		policy, plan, list, err := s.judge(ctx, tx, r, c.Number, at)
		if err != nil || len(list) > 0 {
			return list, err
		}
		var same bool
		if err := tx.GetContext(ctx, &same, `SELECT EXISTS (SELECT 1 FROM staff_months WHERE case_number = $1 AND partner_id = $2 AND month = $3 AND scenario = $4)`,
			c.Number, r.PartnerID, plan.Month.First(), r.Scenario); err != nil {
			return nil, fmt.Errorf("read month of %s: %w", c.Number, err)
		}
		if !same {
			return refusal.List{refusal.New("COM-08", "CBC.0100", "case "+c.Number, "The request is about another partner, month or scheme; it is corrected, not changed into another one.")}, nil
		}
		if _, err := tx.ExecContext(ctx, `UPDATE staff_months SET amount = $2 WHERE case_number = $1`, c.Number, plan.Amount); err != nil {
			return nil, fmt.Errorf("change month: %w", err)
		}
		e := step.event()
		e.Key, e.Rule = "resubmit/"+r.RequestKey, "FHM-03"
		if err := moveCase(ctx, tx, &c, moveTo{State: string(staff.InReview), Amount: &plan.Amount}, e); err != nil {
			return nil, err
		}
		return askReview(ctx, tx, c, policy, r, plan, at)
	})
}

// resubmitStep is the step of a request that is sent again: each try is refused by itself; rounds know their request key.
func resubmitStep(db *sqlx.DB, number, key, submitter string, at time.Time) caseStep {
	return caseStep{db: db, number: number, key: "resubmit/" + key + "/" + at.Format(time.RFC3339Nano), actor: submitter, via: viaRequest, action: "resubmit", at: at}
}

// sentBefore tells whether a request key was sent for the case before; with another body it is refused (COM-20).
func sentBefore(ctx context.Context, tx *sqlx.Tx, number string, m approval.Matter, key string, digest []byte) (bool, refusal.List, error) {
	var first []byte
	err := tx.GetContext(ctx, &first, `
		SELECT decode(application ->> 'digest', 'base64') FROM approvals
		 WHERE case_number = $1 AND matter = $2 AND application ->> 'request_key' = $3 ORDER BY round DESC LIMIT 1`, number, m.Name, key)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil, nil
	case err != nil:
		return false, nil, fmt.Errorf("look for request %s: %w", key, err)
	case !bytes.Equal(first, digest):
		return false, refusal.List{rules["com_20_request_key"]}, nil
	}
	return true, nil, nil
}

// sent is kept with a round: the request, and its digest by which a repeat is recognised.
func sent(request any, digest []byte) (json.RawMessage, error) {
	text, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	fields := map[string]any{}
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	fields["digest"] = digest
	return json.Marshal(fields)
}

// judge collects the facts, as locked, and judges a request by them. Number is the case that is sent again; empty: none.
func (s *DedicatedStaff) judge(ctx context.Context, tx *sqlx.Tx, r staff.Request, number string, at time.Time) (staff.Policy, staff.Plan, refusal.List, error) {
	f := staff.Facts{At: at, Resubmits: number}
	if err := lockStaff(ctx, tx, r.PartnerID); err != nil {
		return f.Policy, staff.Plan{}, nil, err
	}
	var err error
	if f.Policy, err = staffPolicy(ctx, tx, 0); err != nil {
		return f.Policy, staff.Plan{}, nil, err
	}
	f.Certification, _, err = certification(ctx, tx, r.PartnerID, at)
	if f.Known = !IsNotFound(err); f.Known && err != nil {
		return f.Policy, staff.Plan{}, nil, err
	}
	if f.Submitter, err = findPerson(ctx, tx, r.Submitter); err != nil {
		return f.Policy, staff.Plan{}, nil, err
	}
	if err := tx.GetContext(ctx, &f.Qualified, `SELECT EXISTS (SELECT 1 FROM staff_qualifications WHERE partner_id = $1 AND approved_at <= $2)`, r.PartnerID, at); err != nil {
		return f.Policy, staff.Plan{}, nil, fmt.Errorf("read qualification: %w", err)
	}
	if month, err := staff.ParseMonth(r.Month); err == nil {
		if err := readStaffMonth(ctx, tx, r.PartnerID, month, &f); err != nil {
			return f.Policy, staff.Plan{}, nil, err
		}
	}
	if err := readSpecialists(ctx, tx, r, number, &f); err != nil {
		return f.Policy, staff.Plan{}, nil, err
	}
	plan, list := staff.Judge(r, f)
	return f.Policy, plan, list, nil
}

// readStaffMonth reads what is known of a month, and of its quarter's payment.
func readStaffMonth(ctx context.Context, tx *sqlx.Tx, partner string, month staff.Month, f *staff.Facts) error {
	var row struct {
		Case         string         `db:"case_number"`
		State        staff.State    `db:"state"`
		Amount       money.Amount   `db:"amount"`
		Listed       pq.StringArray `db:"listed"`
		ConfirmUntil *time.Time     `db:"confirm_until"`
	}
	err := tx.GetContext(ctx, &row, `
		SELECT coalesce(m.case_number, '') AS case_number, coalesce(c.state, '') AS state, m.amount, m.listed, m.confirm_until
		  FROM staff_months m LEFT JOIN cases c USING (case_number) WHERE m.partner_id = $1 AND m.month = $2`, partner, month.First())
	switch {
	case err == nil:
		f.Month = staff.Record{Case: row.Case, CaseState: row.State, Amount: row.Amount, Listed: row.Listed, ConfirmUntil: row.ConfirmUntil}
	case !errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("read month %s of %s: %w", month, partner, err)
	}
	err = tx.GetContext(ctx, &f.Quarter, `SELECT case_number FROM payment_applications WHERE partner_id = $1 AND quarter = $2`, partner, month.Quarter().String())
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read quarter of %s: %w", partner, err)
	}
	return nil
}

// readSpecialists reads those whom a request names, with their uses in other requests that did not fail.
func readSpecialists(ctx context.Context, tx *sqlx.Tx, r staff.Request, number string, f *staff.Facts) error {
	ids, projects := make([]string, len(r.Persons)), make([]string, len(r.Persons))
	for i, u := range r.Persons {
		ids[i], projects[i] = u.Person, u.Project
	}
	f.Specialists, f.Projects = map[string]staff.Specialist{}, map[string]string{}
	var rows []struct {
		ID           string         `db:"specialist_id"`
		Name         string         `db:"name"`
		Partner      string         `db:"partner_id"`
		Role         string         `db:"role"`
		Certificates pq.StringArray `db:"certificates"`
		CloudSince   calendar.Date  `db:"cloud_since"`
		Since        calendar.Date  `db:"since_date"`
	}
	if err := tx.SelectContext(ctx, &rows, `
		SELECT specialist_id, name, partner_id, role, certificates, cloud_since, since_date FROM specialists
		 WHERE specialist_id = ANY ($1) AND (left_on IS NULL OR left_on > $2) ORDER BY specialist_id FOR SHARE`, pq.Array(ids), calendar.DateOf(f.At)); err != nil {
		return fmt.Errorf("read specialists: %w", err)
	}
	var uses []struct {
		ID       string         `db:"specialist_id"`
		Case     string         `db:"case_number"`
		Scenario staff.Scenario `db:"scenario"`
		At       time.Time      `db:"opened_at"`
	}
	if err := tx.SelectContext(ctx, &uses, `
		SELECT p.specialist_id, p.case_number, m.scenario, c.opened_at
		  FROM staff_month_persons p JOIN staff_months m USING (case_number) JOIN cases c USING (case_number)
		 WHERE p.specialist_id = ANY ($1) AND c.state <> 'FAILED' AND p.case_number <> $2 ORDER BY c.opened_at, p.case_number`, pq.Array(ids), number); err != nil {
		return fmt.Errorf("read uses: %w", err)
	}
	for _, p := range rows {
		s := staff.Specialist{ID: p.ID, Name: p.Name, PartnerID: p.Partner, Role: p.Role, Certificates: p.Certificates, CloudSince: p.CloudSince, Since: p.Since}
		for _, u := range uses {
			if u.ID == p.ID {
				s.Uses = append(s.Uses, staff.PastUse{Case: u.Case, Scenario: u.Scenario, On: calendar.DateOf(u.At)})
			}
		}
		f.Specialists[p.ID] = s
	}
	var taken []struct {
		Project string `db:"project_id"`
		ID      string `db:"specialist_id"`
	}
	if err := tx.SelectContext(ctx, &taken, `SELECT project_id, specialist_id FROM staff_projects WHERE project_id = ANY ($1)`, pq.Array(projects)); err != nil {
		return fmt.Errorf("read projects: %w", err)
	}
	for _, t := range taken {
		f.Projects[t.Project] = t.ID
	}
	return nil
}

// askReview keeps whom a request names and what proves it, asks the preliminary review and tells the partner.
func askReview(ctx context.Context, tx *sqlx.Tx, c caseRow, policy staff.Policy, r staff.Request, plan staff.Plan, at time.Time) (refusal.List, error) {
	persons, projects := make([]string, len(plan.Persons)), make([]string, len(plan.Persons))
	for i, u := range plan.Persons {
		persons[i], projects[i] = u.Person, u.Project
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM staff_month_persons WHERE case_number = $1`, c.Number); err != nil {
		return nil, fmt.Errorf("keep specialists: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO staff_projects (project_id, specialist_id)
		SELECT project, person FROM unnest($1::text[], $2::text[]) AS u (person, project) WHERE project <> '' ORDER BY project ON CONFLICT (project_id) DO NOTHING`,
		pq.Array(persons), pq.Array(projects)); err != nil {
		return nil, fmt.Errorf("keep projects: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO staff_month_persons (case_number, specialist_id, project_id)
		SELECT $1, person, nullif(project, '') FROM unnest($2::text[], $3::text[]) AS u (person, project)`,
		c.Number, pq.Array(persons), pq.Array(projects)); err != nil { // a project of somebody else, taken meanwhile, violates its key (FHM-07)
		return nil, fmt.Errorf("keep specialists: %w", err)
	}
	application, err := sent(r, r.Digest())
	if err != nil {
		return nil, err
	}
	round, list, err := openRound(ctx, tx, c, matterOpening{
		Matter: staff.Review, Chain: policy.Chain(), OpenedBy: r.Submitter, At: at, From: at, Application: application,
		Facts:    approval.Facts{Fields: staff.Fields, Values: staff.Values(plan.Amount, r.Scenario), Amount: plan.Amount},
		Question: fmt.Sprintf("Do the specialists and proofs of %s hold (%s, %d specialist(s), %s %s)?", plan.Month, r.Scenario, len(plan.Persons), plan.Amount, money.CNY),
	})
	if err != nil || len(list) > 0 {
		return list, err
	}
	for _, p := range r.Proofs {
		if err := keepProof(ctx, tx, c.Number, round.number, p, "", r.Submitter, at); err != nil {
			return nil, err
		}
	}
	return nil, tellStaff(ctx, tx, c, staff.Submitted, fmt.Sprintf("submitted@%d", round.number), "", at)
}

func keepProof(ctx context.Context, tx *sqlx.Tx, number string, round int, p staff.Proof, specialist, by string, at time.Time) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO staff_proofs (case_number, round, kind, document_id, specialist_id, added_by, added_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		number, round, p.Kind, p.Document, specialist, by, at); err != nil {
		return fmt.Errorf("keep proof: %w", err)
	}
	return nil
}

// AddStaffProofInput uploads the proof of a specialist whose data changed.
type AddStaffProofInput struct {
	Case       string
	Key        string
	Person     string
	Specialist string
	Proof      staff.Proof
	At         time.Time
}

// AddStaffProof keeps a proof beside a request, whatever its state, which stays (FHM-09).
func (s *DedicatedStaff) AddStaffProof(ctx context.Context, in AddStaffProofInput) (Standing, error) {
	in.At = stored(in.At)
	step := caseStep{
		db: s.DB, number: in.Case, key: "proof/" + in.Key, actor: in.Person, via: viaRequest, action: "add proof",
		note: fmt.Sprintf("%s of %s: document %s", in.Proof.Kind, in.Specialist, in.Proof.Document), at: in.At,
	}
	return step.do(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) {
		p, err := findPerson(ctx, tx, in.Person)
		if err != nil {
			return nil, err
		}
		var named []string
		if err := tx.SelectContext(ctx, &named, `SELECT specialist_id FROM staff_month_persons WHERE case_number = $1 ORDER BY 1`, c.Number); err != nil {
			return nil, fmt.Errorf("read specialists: %w", err)
		}
		if list := staff.JudgeProof(p, in.Person, c.Partner, c.Number, named, in.Specialist, in.Proof); len(list) > 0 {
			return list, nil
		}
		if err := keepProof(ctx, tx, c.Number, 0, in.Proof, in.Specialist, in.Person, in.At); err != nil {
			return nil, err
		}
		e := step.event()
		e.From, e.To, e.Rule = c.State, c.State, "FHM-09"
		return nil, appendEvent(ctx, tx, e)
	})
}
