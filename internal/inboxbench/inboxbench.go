// Package inboxbench fills an empty, migrated database with a house of any size, to measure what lists cost: cases with
// their rounds, decisions and tasks, set by set, past the triggers that would make each row slowly.
// The console's pages are measured over the same.
package inboxbench

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"countersign/domain/withdrawal"

	"github.com/jmoiron/sqlx"
)

// Size is how much there is.
type Size struct {
	Tasks    int // of all states
	Open     int // of these
	People   int // four of five are the vendor's
	Partners int
	Roles    int // that tasks are put to; the first few have most of them

	ByRule int  // more ended cases, which nobody was asked about
	Books  bool // events and ledger entries, which inboxes never look at
}

// Full is the size that the inbox is built for.
var Full = Size{Tasks: 1_000_000, Open: 20_000, People: 2_000, Partners: 1_000, Roles: 40}

// Million is Full with a million cases and what their pages show.
var Million = func() Size {
	s := Full
	s.ByRule, s.Books = 1_000_000-s.Open-s.closed(), true
	return s
}()

// closed cases that people decided have four tasks each; half of the open ones have one that is done.
func (s Size) closed() int { return (s.Tasks - s.Open - s.Open/2) / 4 }

// step is one set of rows.
type step struct {
	name, sql string
	args      []any
}

// Fill lays it in as the database's owner: half of the open cases are in their first step, half in the second. All is drawn
// from one seed. At is the present: open tasks are due from ten days before to twenty days after, mostly at midnight in UTC+8, as
// working days close. Progress is told what comes next.
func Fill(ctx context.Context, owner *sqlx.DB, s Size, at time.Time, progress func(step string)) error {
	policy, err := json.Marshal(withdrawal.DefaultPolicy())
	if err != nil {
		return err
	}
	tx, err := owner.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to undo
	steps := []step{
		{"no triggers", `SET LOCAL session_replication_role = replica`, nil},
		{"seed", `SELECT setseed(0.42)`, nil},
		{"partners", partnersSQL, []any{s.Partners}},
		{"people", peopleSQL, []any{s.People, s.People * 4 / 5, s.Partners}},
		{"roles", rolesSQL, []any{s.People * 4 / 5, s.Roles}},
		{"absences", absencesSQL, []any{s.People * 4 / 5, at}},
		{"policy", `INSERT INTO policies (kind, version, body, set_by, set_at) VALUES ('withdrawal', 1, $1, 'bench', now())`, []any{policy}},
		{"cases", casesSQL, []any{s.closed(), s.Open, s.ByRule, s.People, s.Partners, s.Roles, at}},
		{"withdrawals", withdrawalsSQL, nil},
		{"rounds", roundsSQL, nil},
		{"tasks", tasksSQL, []any{at, s.People * 4 / 5}},
		{"decisions", decisionsSQL, nil},
		{"inbox", inboxSQL, nil},
	}
	if s.Books {
		steps = append(steps, step{"events", eventsSQL, nil}, step{"accounts", accountsSQL, nil}, step{"entries", entriesSQL, nil})
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
	INSERT INTO partners (partner_id, name, kind, verified_name, entity)
	SELECT 'P' || n, (ARRAY['Alpha', 'Beta', 'Gamma', 'Delta', 'Epsilon'])[1 + n % 5] || ' Cloud ' || n || ' Ltd', (ARRAY['solution-provider', 'distributor'])[1 + n % 2],
	       (ARRAY['Alpha', 'Beta', 'Gamma', 'Delta', 'Epsilon'])[1 + n % 5] || ' Cloud ' || n || ' Ltd', 'cloud'
	  FROM generate_series(1, $1::int) n`

const peopleSQL = `
	INSERT INTO people (person_id, name, partner_id)
	SELECT 'p' || n, 'Person ' || n, CASE WHEN n > $2::int THEN 'P' || (1 + n % $3::int) END FROM generate_series(1, $1::int) n`

// Most people hold several roles. The heavy roles have many holders, so that each of these sees thousands of tasks.
const rolesSQL = `
	INSERT INTO person_roles (person_id, role)
	SELECT DISTINCT 'p' || n, 'role-' || (1 + floor($2::int * power(random(), 2)))::int
	  FROM generate_series(1, $1::int) n, generate_series(1, 4) k WHERE k <= 1 + n % 4
	UNION SELECT 'p' || n, 'escalation' FROM generate_series(1, $1::int, 100) n
	UNION SELECT person_id, 'partner-administrator' FROM people WHERE partner_id IS NOT NULL`

const absencesSQL = `
	INSERT INTO absences (person_id, substitute, from_at, to_at, set_by, set_at)
	SELECT 'p' || n, 'p' || (1 + (n + 7) % $1::int), $2::timestamptz + shift, $2::timestamptz + shift + interval '10 days', 'p' || n, $2
	  FROM generate_series(1, $1::int) n, (VALUES (interval '-3 days', 20), ('-300 days', 4), ('30 days', 10)) AS t (shift, every)
	 WHERE n % every = 0`

// draft is a case with the roles of its two steps; the others are made from it.
const casesSQL = `
	CREATE TEMPORARY TABLE draft ON COMMIT DROP AS
	SELECT 'W' || lpad(n::text, greatest(6, length(n::text)), '0') AS case_number, n <= $1::int OR n > $1::int + $2::int AS ended, n <= $1::int + $2::int AS asked,
	       n % 2 = 0 AS second, 1 + n % $5::int AS partner,
	       CASE WHEN n % 5 = 0 THEN 'p' || (1 + floor(random() * $4::int * 0.8))::int ELSE 'p' || (1 + floor($4::int * (0.8 + random() * 0.2)))::int END AS submitter,
	       'role-' || (1 + floor($6::int * power(random(), 3)))::int AS role_1, 'role-' || (1 + floor($6::int * power(random(), 3)))::int AS role_2,
	       (100 + random() * 200000)::numeric(20,2) AS amount,
	       $7::timestamptz - CASE WHEN n <= $1::int THEN interval '30 days' + ($1::int - n) * interval '2 minutes' WHEN n <= $1::int + $2::int THEN random() * interval '12 days'
	                              ELSE interval '30 days' + random() * interval '330 days' END AS opened_at
	  FROM generate_series(1, $1::int + $2::int + $3::int) n;`

const withdrawalsSQL = `
	INSERT INTO cases (case_number, kind, partner_id, submitter, request_key, request_digest, state, policy_version, workflow_id, run_id, opened_at, closed_at)
	SELECT case_number, 'withdrawal', 'P' || partner, submitter, case_number, '', CASE WHEN ended THEN 'PAID' ELSE 'UNDER_REVIEW' END, 1, 'withdrawal/' || case_number, case_number,
	       opened_at, CASE WHEN ended THEN opened_at + interval '5 days' END
	  FROM draft;
	INSERT INTO withdrawals (case_number, route, amount, holder, account_no, bank, branch, paying_entity, paid_from, approved_by_rule, approved_at)
	SELECT case_number, 'BANK_CARD', amount, 'Holder ' || partner || ' Ltd', '6222' || partner, 'ICBC', 'West', 'cloud', 'V.BANK', NOT asked, CASE WHEN ended THEN opened_at END
	  FROM draft`

const roundsSQL = `
	INSERT INTO approvals (case_number, matter, round, plan, content, policy_version, opened_by, opened_at, outcome, closed_at)
	SELECT case_number, matter, 1, jsonb_build_object('owner', 'escalation', 'steps', steps), '', 1, submitter, opened_at,
	       CASE WHEN ended THEN 'approve' ELSE '' END, CASE WHEN ended THEN opened_at + interval '5 days' END
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
	       'May partner P' || partner || ' withdraw ' || amount || ' CNY by BANK_CARD to Holder ' || partner || ' Ltd, 6222' || partner || ', ICBC, West? Decide: approve, reject or return with a reason.',
	       CASE WHEN named < 0.1 AND NOT done THEN ARRAY['person:p' || somebody] WHEN late < 0.125 AND NOT done THEN ARRAY['role:' || role, 'role:escalation'] ELSE ARRAY['role:' || role] END,
	       submitter, opened_at, opened_at,
	       CASE WHEN done THEN opened_at + interval '2 days' WHEN never < 0.05 THEN NULL
	            ELSE date_trunc('day', $1::timestamptz) + interval '16 hours' + CASE WHEN late < 0.125 THEN -1 - floor(random() * 10) ELSE floor(random() * 20) END * interval '1 day'
	                 + CASE WHEN named > 0.9 THEN random() * interval '8 hours' ELSE interval '0' END END,
	       CASE WHEN late < 0.125 AND NOT done THEN opened_at + interval '2 days' END,
	       CASE WHEN done THEN 'decided' ELSE 'open' END, CASE WHEN done THEN 'p' || somebody END, CASE WHEN done THEN opened_at + interval '1 day' END,
	       CASE WHEN NOT done THEN '' WHEN matter = 'review' THEN 'approve' ELSE matter END, CASE WHEN done THEN 'person' ELSE '' END
	  FROM drawn`

const decisionsSQL = `
	INSERT INTO decisions (case_number, seq, matter, round, seat, act, word, how, person_id, at, key)
	SELECT case_number, row_number() OVER (PARTITION BY case_number ORDER BY array_position(ARRAY['check', 'approve', 'send', 'confirm'], seat)), matter, round, seat, 'approve', outcome, 'person', decided_by, decided_at, task_id
	  FROM tasks WHERE state = 'decided'`

const inboxSQL = `
	INSERT INTO inbox
	SELECT DISTINCT w, coalesce(t.due_at, 'infinity'), task_id, case_number, c.partner_id, t.opened_by, c.submitter
	  FROM tasks t JOIN cases c USING (case_number), unnest(t.candidates) w WHERE t.state = 'open'`

// The chain of hashes is not there: pages do not follow it.
const eventsSQL = `
	INSERT INTO events (case_number, seq, key, at, actor, via, action, from_state, to_state, amount, prev_hash, hash)
	SELECT case_number, seq, action, opened_at + after, CASE WHEN seq = 1 THEN submitter ELSE 'rule' END, CASE WHEN seq = 1 THEN 'request' ELSE 'rule' END, action, from_state, to_state, amount, '', ''
	  FROM draft, (VALUES (1, 'submit', '', 'UNDER_REVIEW', interval '0'), (2, 'approve', 'UNDER_REVIEW', 'APPROVED', '2 days'), (3, 'send', 'APPROVED', 'PAYING', '4 days'),
	                      (4, 'confirm', 'PAYING', 'PAID', '5 days')) AS e (seq, action, from_state, to_state, after)
	 WHERE seq = 1 OR ended`

const accountsSQL = `
	INSERT INTO accounts (account, code, owner, currency, normal, floored, balance)
	SELECT code || coalesce(':' || owner, ''), code, owner, currency, normal, floored, CASE WHEN owned THEN 1000 END
	  FROM chart LEFT JOIN (SELECT partner_id AS owner FROM partners) p ON owned
	 WHERE code IN ('V.BANK', 'P.CASH')`

// What a partner withdrew, it had been granted, and a thousand more.
const entriesSQL = `
	WITH granted AS (
		INSERT INTO entries (key, digest, memo, at)
		SELECT 'bench/granted/P' || partner, '', 'granted', min(opened_at) - interval '1 day' FROM draft WHERE ended GROUP BY partner
		RETURNING entry_id, key)
	INSERT INTO postings (entry_id, account, amount)
	SELECT entry_id, account, value FROM granted JOIN (SELECT partner, sum(amount) + 1000 AS total FROM draft WHERE ended GROUP BY partner) s ON key = 'bench/granted/P' || partner,
	       LATERAL (VALUES ('V.BANK', -total), ('P.CASH:P' || partner, total)) AS v (account, value);
	WITH settled AS (
		INSERT INTO entries (key, digest, case_number, memo, at)
		SELECT 'bench/settled/' || case_number, '', case_number, 'withdrawal paid', opened_at + interval '5 days' FROM draft WHERE ended
		RETURNING entry_id, case_number)
	INSERT INTO postings (entry_id, account, amount)
	SELECT entry_id, account, value FROM settled JOIN draft USING (case_number), LATERAL (VALUES ('V.BANK', amount), ('P.CASH:P' || partner, -amount)) AS v (account, value)`
