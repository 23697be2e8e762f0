// Package inboxbench fills an empty, migrated database with a house of any size, to measure what lists cost: cases with
// their rounds, decisions and tasks, set by set, past the triggers that would make each row slowly.
// The console's pages are measured over the same.
package inboxbench

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"countersign/domain/bill"
	"countersign/domain/lab"
	"countersign/domain/member"
	"countersign/domain/requisition"
	"countersign/domain/withdrawal"

	"github.com/jmoiron/sqlx"
)

// Size is how much there is.
type Size struct {
	Tasks    int // of all states
	Open     int // of these
	People   int // of the vendor
	Partners int // the first has a tenth of all cases
	Roles    int // that tasks are put to; the first few have most of them

	ByRule int  // more cases, which nobody was asked about; nearly all have ended
	Books  bool // what inboxes never look at: what cases of each kind have beside, the ledger, incentives, what happened
}

// Full is the size that the inbox is built for.
var Full = Size{Tasks: 1_000_000, Open: 20_000, People: 1_600, Partners: 1_000, Roles: 40}

// Million is Full with a million cases and what their pages show. The first partner has 100,000 of them.
var Million = func() Size {
	s := Full
	s.ByRule, s.Books = 1_000_000-s.Open-s.closed(), true
	return s
}()

// closed cases that people decided have four tasks each; half of the open ones have one that is done.
func (s Size) closed() int { return (s.Tasks - s.Open - s.Open/2) / 4 }

// Largest is the partner with a tenth of all cases, Administrator one of its people.
const (
	Largest       = "P1"
	Administrator = "P1-1"
)

// step is one set of rows; a step of several statements takes its numbers from the table house.
type step struct {
	name, sql string
	args      []any
}

// Fill lays it in as the database's owner: half of the open cases are in their first step, half in the second. All is drawn
// from one seed. At is the present: open tasks are due from ten days before to twenty days after, mostly at midnight in UTC+8, as
// working days close. Progress is told what comes next.
func Fill(ctx context.Context, owner *sqlx.DB, s Size, at time.Time, progress func(step string)) error {
	tx, err := owner.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to undo
	steps := []step{
		{"no triggers", `SET LOCAL session_replication_role = replica`, nil},
		{"seed", `SELECT setseed(0.42)`, nil},
		{"house", `CREATE TEMPORARY TABLE house ON COMMIT DROP AS SELECT $1::timestamptz AS at, $2::int AS people, $3::int AS partners, $4::int AS scale`, []any{at, s.People, s.Partners, max(s.ByRule/1_000, 1)}},
		{"partners", partnersSQL, []any{s.Partners}},
		{"people", peopleSQL, nil},
		{"roles", rolesSQL, []any{s.People, s.Roles}},
		{"absences", absencesSQL, []any{s.People, at}},
		{"cases", casesSQL, []any{s.closed(), s.Open, s.ByRule, s.People, s.Partners, s.Roles, at}},
		{"withdrawals", withdrawalsSQL, nil},
		{"rounds", roundsSQL, nil},
		{"tasks", tasksSQL, []any{at, s.People}},
		{"decisions", decisionsSQL, nil},
		{"inbox", inboxSQL, nil},
	}
	if s.Books {
		more, err := books(at)
		if err != nil {
			return err
		}
		steps = append(steps, more...)
	}
	for kind, policy := range map[string]any{
		withdrawal.Kind: withdrawal.DefaultPolicy(), requisition.Kind: requisition.DefaultPolicy(), bill.Kind: bill.DefaultPolicy(), member.Kind: member.DefaultPolicy(),
		lab.Kind: lab.DefaultPolicy(),
	} {
		more, err := policyOf(kind, policy, at)
		if err != nil {
			return err
		}
		steps = append(steps, more)
	}
	for _, step := range steps {
		progress(step.name)
		if _, err := tx.ExecContext(ctx, step.sql, step.args...); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	progress("commit")
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	progress("vacuum and analyze")
	if _, err := owner.ExecContext(ctx, `VACUUM (ANALYZE)`); err != nil {
		return fmt.Errorf("analyze: %w", err)
	}
	return nil
}

// policyOf is the step that sets a kind's policy, a year before everything.
func policyOf(kind string, policy any, at time.Time) (step, error) {
	body, err := json.Marshal(policy)
	return step{"policy of " + kind, `INSERT INTO policies (kind, version, body, set_by, set_at) VALUES ($1, 1, $2, 'p1', $3)`, []any{kind, body, at.AddDate(-1, 0, 0)}}, err
}

// Personas finds a person who may decide thousands of tasks, and one with a usual number.
func Personas(ctx context.Context, db *sqlx.DB) (heavy, light string, err error) {
	const by = `
		SELECT p.person_id FROM people p JOIN LATERAL (SELECT count(*) AS n FROM inbox WHERE who = ANY (who_is(p.person_id))) i ON true
		 WHERE p.partner_id IS NULL AND i.n > 0 ORDER BY `
	if err := db.GetContext(ctx, &heavy, by+`i.n DESC, 1 LIMIT 1`); err != nil {
		return "", "", err
	}
	err = db.GetContext(ctx, &light, by+`abs(i.n - 100), 1 LIMIT 1`)
	return heavy, light, err
}

const partnersSQL = `
	INSERT INTO partners (partner_id, name, kind, verified_name, entity, ecosystem_manager, master)
	SELECT 'P' || n, (ARRAY['Alpha', 'Beta', 'Gamma', 'Delta', 'Epsilon'])[1 + n % 5] || ' Cloud ' || n || ' Ltd', (ARRAY['solution-provider', 'distributor'])[1 + n % 2],
	       (ARRAY['Alpha', 'Beta', 'Gamma', 'Delta', 'Epsilon'])[1 + n % 5] || ' Cloud ' || n || ' Ltd', 'cloud', 'p' || (1 + n % 20), 'P' || n || '-1'
	  FROM generate_series(1, $1::int) n`

// A partner has two people, the largest one sixty.
const peopleSQL = `
	INSERT INTO people (person_id, name, email) SELECT 'p' || n, 'Person ' || n, 'p' || n || '@vendor.example' FROM generate_series(1, (SELECT people FROM house)) n;
	INSERT INTO people (person_id, name, partner_id, email)
	SELECT partner_id || '-' || n, 'Person ' || n || ' of ' || partner_id, partner_id, lower(partner_id) || '-' || n || '@partner.example'
	  FROM partners, LATERAL generate_series(1, CASE partner_id WHEN 'P1' THEN 60 ELSE 2 END) n;
	INSERT INTO organisation_people (person_id, account_name, mobile) SELECT person_id, person_id, '138' || lpad((hashtext(person_id) & 99999999)::text, 8, '0')
	  FROM people WHERE partner_id IS NOT NULL`

// Most people hold several roles. The heavy roles have many holders, so that each of these sees thousands of tasks.
const rolesSQL = `
	INSERT INTO person_roles (person_id, role)
	SELECT DISTINCT 'p' || n, 'role-' || (1 + floor($2::int * power(random(), 2)))::int
	  FROM generate_series(1, $1::int) n, generate_series(1, 4) k WHERE k <= 1 + n % 4
	UNION SELECT 'p' || n, 'escalation' FROM generate_series(1, $1::int, 100) n
	UNION SELECT person_id, CASE WHEN person_id LIKE '%-1' THEN 'partner-administrator' ELSE 'partner-account-manager' END FROM people WHERE partner_id IS NOT NULL`

const absencesSQL = `
	INSERT INTO absences (person_id, substitute, from_at, to_at, set_by, set_at)
	SELECT 'p' || n, 'p' || (1 + (n + 7) % $1::int), $2::timestamptz + shift, $2::timestamptz + shift + interval '10 days', 'p' || n, $2
	  FROM generate_series(1, $1::int) n, (VALUES (interval '-3 days', 20), ('-300 days', 4), ('30 days', 10)) AS t (shift, every)
	 WHERE n % every = 0`

// draft is a case with the roles of its two steps; the others are made from it. Ended cases come evenly over a year, up to some days ago.
const casesSQL = `
	CREATE TEMPORARY TABLE draft ON COMMIT DROP AS
	SELECT *, CASE kind WHEN 'withdrawal' THEN 'W' WHEN 'requisition' THEN 'R' WHEN 'reconciliation' THEN 'B' WHEN 'lab-credit' THEN 'L' ELSE 'I' END || lpad(n::text, greatest(6, length(n::text)), '0') AS case_number,
	       opened_at + interval '5 days' AS ends_at,
	       CASE WHEN ended AND kind = 'withdrawal' THEN 'PAID' WHEN ended AND kind = 'requisition' THEN 'COMPLETED' WHEN kind = 'requisition' THEN 'REQUISITION_REVIEW'
	            WHEN kind = 'reconciliation' THEN 'RELEASED' WHEN kind = 'invitation' AND ended THEN 'LAPSED' WHEN kind = 'invitation' THEN 'BOUND' WHEN kind = 'lab-credit' THEN 'ISSUED' ELSE 'UNDER_REVIEW' END AS state,
	       CASE kind WHEN 'requisition' THEN 'BANK, 1 bill' WHEN 'reconciliation' THEN 'bills of a month' WHEN 'lab-credit' THEN '50 points' ELSE '' END AS about
	  FROM (
		SELECT n, asked, partner, CASE WHEN asked OR kind <> 'invitation' THEN n <= $1::int OR NOT asked ELSE n % 60 <> 7 END AS ended, n % 2 = 0 AS second, kind,
		       CASE WHEN n % 5 = 0 AND kind = 'withdrawal' THEN 'p' || (1 + floor(random() * $4::int))::int ELSE 'P' || partner || '-1' END AS submitter,
		       'role-' || (1 + floor($6::int * power(random(), 3)))::int AS role_1, 'role-' || (1 + floor($6::int * power(random(), 3)))::int AS role_2,
		       (100 + random() * 200000)::numeric(20,2) AS amount,
		       $7::timestamptz - CASE WHEN n <= $1::int THEN interval '6 days' + ($1::int - n) * (interval '350 days' / greatest($1::int, 1)) WHEN asked THEN interval '1 day' + random() * interval '11 days'
		                              ELSE interval '6 days' + ($1::int + $2::int + $3::int - n) * (interval '350 days' / greatest($3::int, 1)) END AS opened_at
		  FROM (
			SELECT n, n <= $1::int + $2::int AS asked, CASE WHEN n % 10 = 7 THEN 1 ELSE 2 + n % ($5::int - 1) END AS partner,
			       CASE WHEN n % 41 = 3 AND n % 10 <> 7 OR n % 20000 = 47 THEN 'requisition' WHEN n <= $1::int + $2::int THEN 'withdrawal' WHEN n % 17 = 5 THEN 'invitation' WHEN n % 83 = 8 AND n % 10 <> 7 OR n % 20000 = 67 THEN 'reconciliation'
			            WHEN n % 97 = 11 THEN 'lab-credit' ELSE 'withdrawal' END AS kind
			  FROM generate_series(1, $1::int + $2::int + $3::int) n) AS numbered) AS drawn;`

const withdrawalsSQL = `
	INSERT INTO cases (case_number, kind, partner_id, submitter, request_key, request_digest, state, policy_version, workflow_id, run_id, opened_at, closed_at, amount, about, last_event)
	SELECT case_number, kind, 'P' || partner, submitter, case_number, '', state, 1, kind || '/' || case_number, case_number, opened_at, CASE WHEN ended THEN ends_at END,
	       CASE WHEN kind IN ('requisition', 'reconciliation') THEN amount END, about, CASE WHEN NOT ended THEN 1 WHEN kind IN ('withdrawal', 'requisition') THEN 4 ELSE 2 END
	  FROM draft;
	INSERT INTO withdrawals (case_number, route, amount, holder, account_no, bank, branch, paying_entity, paid_from, approved_by_rule, approved_at)
	SELECT case_number, 'BANK_CARD', amount, 'Holder ' || partner || ' Ltd', '6222' || partner, 'ICBC', 'West', 'cloud', 'V.BANK', NOT asked, CASE WHEN ended THEN opened_at END
	  FROM draft WHERE kind = 'withdrawal'`

const roundsSQL = `
	INSERT INTO approvals (case_number, matter, round, plan, content, policy_version, opened_by, opened_at, outcome, closed_at)
	SELECT case_number, matter, 1, jsonb_build_object('owner', 'escalation', 'steps', steps), '', 1, submitter, opened_at,
	       CASE WHEN ended THEN 'approve' ELSE '' END, CASE WHEN ended THEN ends_at END
	  FROM draft, LATERAL (
		SELECT 'review' AS matter, jsonb_build_array(
			jsonb_build_object('name', 'check', 'mode', 'any', 'need', 1, 'due', 'P2WD', 'escalate', 'escalation', 'seats', jsonb_build_array(jsonb_build_array('role:' || role_1))),
			jsonb_build_object('name', 'approve', 'mode', 'any', 'need', 1, 'due', 'P2WD', 'escalate', 'escalation', 'seats', jsonb_build_array(jsonb_build_array('role:' || role_2)))) AS steps
		UNION ALL
		SELECT m, jsonb_build_array(jsonb_build_object('name', m, 'mode', 'any', 'need', 1, 'due', 'P7WD', 'seats', jsonb_build_array(jsonb_build_array('role:' || role_1))))
		  FROM unnest(ARRAY['send', 'confirm']) m WHERE ended) AS r
	 WHERE asked`

// One of eight open tasks is overdue and escalated, one of ten went to somebody by name, one of twenty is never due.
const tasksSQL = `
	WITH drawn AS (
		SELECT d.*, t.*, random() AS late, random() AS named, random() AS never, (1 + floor(random() * $2::int))::int AS somebody
		  FROM draft d, LATERAL (
			SELECT 'review' AS matter, 'check' AS step, role_1 AS role, ended OR second AS done
			UNION ALL SELECT 'review', 'approve', role_2, ended WHERE ended OR second
			UNION ALL SELECT m, m, role_1, true FROM unnest(ARRAY['send', 'confirm']) m WHERE ended) AS t
		 WHERE asked)
	INSERT INTO tasks (task_id, case_number, matter, round, seat, step, visit, question, candidates, opened_by, opened_at, counted_from, due_at, escalated_at, state,
	                   decided_by, decided_at, outcome, how)
	SELECT case_number || '/' || step, case_number, matter, 1, step, step, 1,
	       CASE kind WHEN 'withdrawal' THEN 'May partner P' || partner || ' withdraw ' || amount || ' CNY by BANK_CARD to Holder ' || partner || ' Ltd, 6222' || partner || ', ICBC, West? Decide: approve, reject or return with a reason.'
	                 ELSE 'May ' || amount || ' CNY be paid to partner P' || partner || ' for its incentives? Decide: approve or reject with a reason.' END,
	       CASE WHEN named < 0.1 AND NOT done THEN ARRAY['person:p' || somebody] WHEN late < 0.125 AND NOT done THEN ARRAY['role:' || role, 'role:escalation'] ELSE ARRAY['role:' || role] END,
	       submitter, opened_at, opened_at,
	       CASE WHEN done THEN opened_at + interval '2 days' WHEN never < 0.05 THEN NULL
	            ELSE date_trunc('day', $1::timestamptz) + interval '16 hours' + CASE WHEN late < 0.125 THEN -1 - floor(random() * 10) ELSE floor(random() * 20) END * interval '1 day'
	                 + CASE WHEN named > 0.9 THEN random() * interval '8 hours' ELSE interval '0' END END,
	       CASE WHEN late < 0.125 AND NOT done THEN opened_at + interval '2 days' END,
	       CASE WHEN done THEN 'decided' ELSE 'open' END, CASE WHEN done THEN 'p' || somebody END, CASE WHEN done THEN opened_at + array_position(ARRAY['check', 'approve', '', 'send', 'confirm'], step) * interval '22 hours' END,
	       CASE WHEN NOT done THEN '' WHEN matter = 'review' THEN 'approve' ELSE matter END, CASE WHEN done THEN 'person' ELSE '' END
	  FROM drawn`

const decisionsSQL = `
	INSERT INTO decisions (case_number, seq, matter, round, seat, act, word, how, person_id, at, key)
	SELECT case_number, row_number() OVER (PARTITION BY case_number ORDER BY array_position(ARRAY['check', 'approve', 'send', 'confirm'], seat)), matter, round, seat, 'approve', outcome, 'person', decided_by, decided_at, task_id
	  FROM tasks WHERE state = 'decided'`

// As the triggers keep it.
const inboxSQL = `
	INSERT INTO inbox (who, due_at, task_id, case_number, partner_id, asked_by, submitter, kind, matter, round, amount, payee, before, escalated)
	SELECT DISTINCT w, coalesce(t.due_at, 'infinity'), task_id, case_number, c.partner_id, t.opened_by, c.submitter, c.kind, t.matter, t.round, coalesce(t.amount, p.amount, c.amount), lower(coalesce(p.holder, '')),
	       ARRAY(SELECT o FROM unnest(t.candidates) o WHERE o < w), escalated_at IS NOT NULL
	  FROM tasks t JOIN cases c USING (case_number) LEFT JOIN withdrawals p USING (case_number), unnest(t.candidates) w WHERE t.state = 'open'`
