package activities

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"countersign/domain/refusal"
	"countersign/domain/solution"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// SolutionRecord is a solution that was certified before Countersign kept it.
type SolutionRecord struct {
	Key         string          `yaml:"key"` // loaded once
	Partner     string          `yaml:"partner"`
	Type        solution.Type   `yaml:"type"`
	Origin      solution.Origin `yaml:"origin"` // NEW when left out
	Name        string          `yaml:"name"`
	Version     string          `yaml:"version"`
	Contact     ContactRecord   `yaml:"contact"`
	CertifiedAt time.Time       `yaml:"certified_at"`
	Submitter   string          `yaml:"submitter"` // who acted for the partner; its master account, or an administrator, when left out
}

// ContactRecord is whom a partner names for a solution.
type ContactRecord struct {
	Name   string `yaml:"name"`
	Mobile string `yaml:"mobile"`
	Email  string `yaml:"email"`
}

// solutions lays in what was certified elsewhere. Their runs are started by: starter solution carry-on.
func (l *loading) solutions(ctx context.Context, f ProgrammeFile) error {
	if len(f.Solutions) == 0 {
		return nil
	}
	taken := make([]takenSolution, len(f.Solutions))
	for i, r := range f.Solutions {
		if r.Origin == "" {
			r.Origin = solution.New
		}
		taken[i] = takenSolution{
			Key: "load/" + r.Key, Partner: r.Partner, Submitter: r.Submitter, Origin: r.Origin, PassedAt: stored(r.CertifiedAt),
			Entry: solution.Entry{Type: r.Type, Name: r.Name, Version: r.Version, Contact: solution.Contact(r.Contact)},
		}
	}
	numbers, err := takeSolutions(ctx, l.tx, taken, l.by, l.at)
	l.report.Records += len(numbers)
	return err
}

// takenSolution is a solution that is certified without a review of ours.
type takenSolution struct {
	Key       string // business key: taken over once
	Partner   string
	Submitter string // empty: the partner's master account, or its first administrator
	Origin    solution.Origin
	PassedAt  time.Time
	solution.Entry
}

func (t takenSolution) digest() []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %q %q %s", t.Key, t.Partner, t.Origin, t.Type, t.Name, t.Version, t.PassedAt.UTC().Format(time.RFC3339Nano)))
	return sum[:]
}

// takeSolutions opens a case for each solution that was certified elsewhere, in whichever state the clock has it at an instant,
// all in a few statements, and answers the numbers of those that are new. Reminders whose time has passed are not sent (CERT-23).
// The same key with the same content is left alone. A run carries each of them on once it is started for it with its number.
func takeSolutions(ctx context.Context, tx *sqlx.Tx, taken []takenSolution, by string, at time.Time) ([]string, error) {
	policy, err := solutionPolicy(ctx, tx, 0)
	if err != nil {
		return nil, err
	}
	fresh, err := notTaken(ctx, tx, taken, at)
	if err != nil || len(fresh) == 0 {
		return nil, err
	}
	var numbers, drafts []string
	if err := tx.SelectContext(ctx, &numbers, `SELECT numbered('SOL', nextval('solution_numbers')) FROM generate_series(1, $1)`, len(fresh)); err != nil {
		return nil, fmt.Errorf("number solutions: %w", err)
	}
	if err := tx.SelectContext(ctx, &drafts, `SELECT numbered('SD', nextval('solution_draft_numbers')) FROM generate_series(1, $1)`, len(fresh)); err != nil {
		return nil, fmt.Errorf("number drafts: %w", err)
	}
	codes := make([]byte, 16*len(fresh)) // of their certificates
	if _, err := rand.Read(codes); err != nil {
		return nil, fmt.Errorf("draw codes: %w", err)
	}
	rows := make([]map[string]any, len(fresh))
	for i, t := range fresh {
		v := policy.ValidFrom(t.PassedAt)
		to := certifiedMove(policy, solutionRow{CertRound: 1, Reminded: &at, From: &v.CertifiedAt, WindowAt: &v.WindowAt, Until: &v.Until}, v.StateAt(at))
		rows[i] = map[string]any{
			"number": numbers[i], "draft": drafts[i], "key": t.Key, "digest": fmt.Sprintf("\\x%x", t.digest()), "partner": t.Partner, "submitter": t.Submitter, "origin": t.Origin,
			"kind": t.Type, "name": t.Name, "version": t.Version, "materials": append([]solution.Material{}, t.Materials...),
			"contact": t.Contact.Name, "mobile": t.Contact.Mobile, "email": t.Contact.Email,
			"passed": v.CertifiedAt, "window_at": v.WindowAt, "until": v.Until, "state": to.State, "due": to.DueAt, "wake": to.WakeAt,
			"code": base64.RawURLEncoding.EncodeToString(codes[16*i : 16*i+16]), "workflow": fmt.Sprintf("%s/%s/%s", solution.Kind, url.PathEscape(t.Partner), drafts[i]),
		}
	}
	text, err := json.Marshal(rows)
	if err != nil {
		return nil, err
	}
	for _, step := range takeSolutionsSQL {
		if _, err := tx.ExecContext(ctx, step.sql, append([]any{text}, step.args(policy, by, at)...)...); err != nil {
			return nil, fmt.Errorf("take over solutions: %s: %w", step.what, err)
		}
	}
	return numbers, nil
}

// notTaken leaves out what was taken over before, and refuses what cannot be.
func notTaken(ctx context.Context, tx *sqlx.Tx, taken []takenSolution, at time.Time) ([]takenSolution, error) {
	keys, partners := make([]string, len(taken)), make([]string, len(taken))
	for i, t := range taken {
		keys[i], partners[i] = t.Key, t.Partner
	}
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtext('take over solutions'))`); err != nil { // one load at a time
		return nil, fmt.Errorf("lock solutions: %w", err)
	}
	var found []struct {
		Key    string `db:"request_key"`
		Digest []byte `db:"request_digest"`
	}
	if err := tx.SelectContext(ctx, &found, `
		SELECT request_key, request_digest FROM cases c WHERE kind = $1 AND request_key = ANY ($2) AND EXISTS (SELECT 1 FROM solution_drafts d WHERE d.case_number = c.case_number AND d.taken)`, solution.Kind, pq.Array(keys)); err != nil {
		return nil, fmt.Errorf("look for solutions: %w", err)
	}
	known := map[string][]byte{}
	for _, f := range found {
		known[f.Key] = f.Digest
	}
	speakers, err := partnerSpeakers(ctx, tx, partners)
	if err != nil {
		return nil, err
	}
	var fresh []takenSolution
	for _, t := range taken {
		object := "solution " + t.Key
		if t.Submitter == "" {
			t.Submitter = speakers[t.Partner]
		}
		list := t.Check(object)
		if digest, ok := known[t.Key]; ok {
			if !bytes.Equal(digest, t.digest()) {
				return nil, refusal.List{refusal.New("COM-20", "COM_REQUEST_KEY", object, "The solution %q was taken over before with other content; give the changed record a key of its own.", t.Key)}
			}
			continue
		}
		if t.Name == "" || t.Version == "" || t.PassedAt.IsZero() || t.PassedAt.After(at) {
			list = append(list, refusal.New("CERT-06", "CBC.0100", object, "A certified solution has a name, a version, and an instant at which it passed, which is not ahead."))
		}
		if t.Submitter == "" {
			list = append(list, refusal.New("COM-16", "CBC.0151", object, "Partner %s has neither a master account nor an administrator; name a submitter.", t.Partner))
		}
		if len(list) > 0 {
			return nil, list
		}
		fresh, known[t.Key] = append(fresh, t), t.digest()
	}
	return fresh, nil
}

// partnerSpeakers names who acts for partners where nobody is named.
func partnerSpeakers(ctx context.Context, tx *sqlx.Tx, partners []string) (map[string]string, error) {
	var rows []struct {
		Partner string `db:"partner_id"`
		Person  string `db:"person_id"`
	}
	if err := tx.SelectContext(ctx, &rows, `
		SELECT partner_id, coalesce(master, (
			SELECT min(person_id) FROM people o JOIN person_roles USING (person_id) WHERE o.partner_id = p.partner_id AND o.active AND role = 'partner-administrator'), '') AS person_id
		  FROM partners p WHERE partner_id = ANY ($1)`, pq.Array(partners)); err != nil {
		return nil, fmt.Errorf("look for partners' administrators: %w", err)
	}
	by := map[string]string{}
	for _, r := range rows {
		by[r.Partner] = r.Person
	}
	return by, nil
}

// takeSolutionsSQL writes all rows of each table at once; $1 is the solutions as JSON.
var takeSolutionsSQL = []struct {
	what, sql string
	args      func(policy solution.Policy, by string, at time.Time) []any
}{
	{
		"cases", `
		INSERT INTO cases (case_number, kind, partner_id, submitter, request_key, request_digest, state, policy_version, workflow_id, run_id, opened_at, due_at, wake_at, amount, about)
		SELECT number, 'solution', partner, submitter, key, digest::bytea, state, $2, workflow, '', $3, due, wake, 0, concat_ws(' ', kind, name, version)
		  FROM jsonb_to_recordset($1) AS r (number text, partner text, submitter text, key text, digest text, state text, workflow text, due timestamptz, wake timestamptz,
		       kind text, name text, version text)`,
		func(policy solution.Policy, _ string, at time.Time) []any { return []any{policy.Version, at} },
	},
	{
		"contents", `
		INSERT INTO solution_drafts (draft_id, partner_id, request_key, case_number, kind, name, version, materials, contact_name, contact_mobile, contact_email, created_at, saved_by, saved_at, sent_at, taken)
		SELECT draft, partner, key, number, kind, name, version, materials, contact, mobile, email, $2, submitter, $2, $2, true
		  FROM jsonb_to_recordset($1) AS r (draft text, partner text, key text, number text, kind text, name text, version text, materials jsonb, contact text, mobile text, email text, submitter text)`,
		onlyAt,
	},
	{"solutions", `
		INSERT INTO solutions (case_number, origin, draft_id, cert_round, reminded_until)
		SELECT number, origin, draft, 1, $2 FROM jsonb_to_recordset($1) AS r (number text, origin text, draft text)`, onlyAt},
	{"certificates", `
		INSERT INTO solution_certifications (case_number, cert_round, draft_id, certified_at, window_opens_at, valid_until)
		SELECT number, 1, draft, passed, window_at, until
		  FROM jsonb_to_recordset($1) AS r (number text, draft text, passed timestamptz, window_at timestamptz, until timestamptz)`, noArgs},
	{"papers", `
		INSERT INTO certificates (certificate_no, kind, partner_id, subject, holder, name, grade, version, issuer, case_number, cycle, valid_from, valid_until, issued_at, code)
		SELECT numbered(to_char($2::timestamptz AT TIME ZONE interval '08:00', '"CERT-"YYYY"-"'), nextval('certificate_numbers')), 'solution', p.partner_id, r.number, ` + holderSQL + `, r.name, r.kind,
		       r.version, coalesce(v.name, p.entity), r.number, 1, r.passed, r.until, $2, r.code
		  FROM jsonb_to_recordset($1) AS r (number text, partner text, name text, kind text, version text, passed timestamptz, until timestamptz, code text)
		  JOIN partners p ON p.partner_id = r.partner LEFT JOIN vendor_addresses v USING (entity)`, onlyAt},
	{
		"events", `
		INSERT INTO events (case_number, key, at, actor, via, action, from_state, to_state, rule, note)
		SELECT number, 'take over', $2, $3, 'operator', 'take over', '', state, 'CERT-06', 'certified before at ' || passed
		  FROM jsonb_to_recordset($1) AS r (number text, state text, passed text)`,
		func(_ solution.Policy, by string, at time.Time) []any { return []any{at, by} },
	},
}

func noArgs(solution.Policy, string, time.Time) []any { return nil }

func onlyAt(_ solution.Policy, _ string, at time.Time) []any { return []any{at} }
