package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

//go:embed reference.sql
var referenceSQL string

// facts writes what happens to a case of a reference: one transaction a step, once a key, statements prepared by the driver.
// All references share it, so that they differ in their engine alone.
type facts struct{ pool *pgxpool.Pool }

// application is one request of a reference's partner.
type application struct {
	Key     string `json:"key"`
	Partner string `json:"partner"`
}

// answer is one decision about a reference's case.
type answer struct {
	Case int64  `json:"case"`
	Step string `json:"step"` // review, send, confirm
	Key  string `json:"key"`
}

// next says what a decided matter leads to: the state, the matter that is asked then, and what is kept beside the payee.
var next = map[string]struct{ from, to, asks, keep string }{
	"review":  {"UNDER_REVIEW", "APPROVED", "send", `UPDATE payees SET approved_at = now() WHERE case_no = $1`},
	"send":    {"APPROVED", "PAYING", "confirm", `UPDATE payees SET sent_at = now() WHERE case_no = $1`},
	"confirm": {"PAYING", "PAID", "", `UPDATE payees SET paid_at = now(), reference = 'B-' || case_no WHERE case_no = $1`},
}

func (f facts) do(ctx context.Context, step func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, f.pool, step)
}

// open opens a case: money held, question asked, applicant told.
func (f facts) open(ctx context.Context, tx pgx.Tx, app application) (number int64, err error) {
	err = tx.QueryRow(ctx, `INSERT INTO cases (partner, request_key, state, amount) VALUES ($1, $2, 'UNDER_REVIEW', 100) ON CONFLICT (request_key) DO NOTHING RETURNING case_no`,
		app.Partner, app.Key).Scan(&number)
	if errors.Is(err, pgx.ErrNoRows) { // opened by this very request
		return number, tx.QueryRow(ctx, `SELECT case_no FROM cases WHERE request_key = $1`, app.Key).Scan(&number)
	}
	if err != nil {
		return 0, err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO payees (case_no, holder, account_no, bank, branch) VALUES ($1, $2 || ' Ltd', '6222-1', 'ICBC', 'Shenzhen')`, number, app.Partner); err != nil {
		return 0, err
	}
	if _, err := tx.Exec(ctx, `UPDATE codes SET used_at = now() WHERE partner = $1 AND used_at IS NULL`, app.Partner); err != nil {
		return 0, err
	}
	if _, err := tx.Exec(ctx, `UPDATE lots SET remaining = remaining - 100 WHERE partner = $1 AND remaining >= 100`, app.Partner); err != nil {
		return 0, err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO lines VALUES ($1, $2, 100)`, number, app.Partner); err != nil {
		return 0, err
	}
	if err := post(ctx, tx, number, "hold", "P.CASH/"+app.Partner, "P.HOLD/"+app.Partner); err != nil {
		return 0, err
	}
	if err := event(ctx, tx, number, "submit", app.Partner, "", "UNDER_REVIEW"); err != nil {
		return 0, err
	}
	if err := tell(ctx, tx, fmt.Sprintf("%d/submitted", number), 1); err != nil {
		return 0, err
	}
	return number, ask(ctx, tx, number, "review")
}

// decide records one decision and what follows from it.
func (f facts) decide(ctx context.Context, tx pgx.Tx, a answer) error {
	task := taskID(a.Case, a.Step)
	var state, partner string
	if err := tx.QueryRow(ctx, `SELECT state, partner FROM cases WHERE case_no = $1 FOR NO KEY UPDATE`, a.Case).Scan(&state, &partner); err != nil {
		return err
	}
	added, err := tx.Exec(ctx, `INSERT INTO decisions (key, case_no, task_id, person, outcome) VALUES ($1, $2, $3, 'li', $4) ON CONFLICT (key) DO NOTHING`, a.Key, a.Case, task, a.Step)
	if err != nil || added.RowsAffected() == 0 { // decided by this very request
		return err
	}
	step := next[a.Step]
	if state != step.from {
		return fmt.Errorf("case %d is %s, not %s", a.Case, state, step.from)
	}
	if _, err := tx.Exec(ctx, `UPDATE tasks SET state = 'decided', decided_by = 'li', decided_at = now() WHERE task_id = $1 AND state = 'open'`, task); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM inbox WHERE task_id = $1`, task); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE rounds SET outcome = 'approve' WHERE case_no = $1 AND matter = $2`, a.Case, a.Step); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE cases SET state = $2, closed_at = CASE WHEN $2 = 'PAID' THEN now() END WHERE case_no = $1`, a.Case, step.to); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, step.keep, a.Case); err != nil {
		return err
	}
	if err := event(ctx, tx, a.Case, a.Step, "li", step.from, step.to); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO payments (case_no, amount, state) VALUES ($1, 100, $2) ON CONFLICT (case_no) DO UPDATE SET state = excluded.state`, a.Case, step.to); err != nil {
		return err
	}
	if err := tell(ctx, tx, fmt.Sprintf("%d/%s", a.Case, step.to), 1); err != nil {
		return err
	}
	if a.Step == "confirm" {
		return post(ctx, tx, a.Case, "paid", "P.HOLD/"+partner, "V.BANK/"+partner)
	}
	return ask(ctx, tx, a.Case, step.asks)
}

func taskID(number int64, matter string) string { return fmt.Sprintf("%d/%s/1", number, matter) }

// ask puts a question to two people of finance; its term is two days.
func ask(ctx context.Context, tx pgx.Tx, number int64, matter string) error {
	if _, err := tx.Exec(ctx, `INSERT INTO rounds (case_no, matter, plan) VALUES ($1, $2, '{"steps": [{"name": "review", "who": [{"role": "finance"}], "due": "P2D"}]}')`, number, matter); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO tasks (task_id, case_no, matter, question, state, due_at) VALUES ($1, $2, $3, 'May it be done? Decide.', 'open', now() + interval '2 days')`,
		taskID(number, matter), number, matter); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO inbox VALUES ($1, 'finance', now() + interval '2 days')`, taskID(number, matter)); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE cases SET due_at = now() + interval '2 days' WHERE case_no = $1`, number); err != nil {
		return err
	}
	return tell(ctx, tx, taskID(number, matter), 2)
}

func post(ctx context.Context, tx pgx.Tx, number int64, step, from, to string) error {
	var entry int64
	if err := tx.QueryRow(ctx, `INSERT INTO entries (key, case_no, memo) VALUES ($1, $2, 'moved by a withdrawal') RETURNING entry_id`, fmt.Sprintf("%d/%s", number, step), number).Scan(&entry); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO balances SELECT * FROM (VALUES ($1::text, -100), ($2, 100)) v ORDER BY 1
		ON CONFLICT (account) DO UPDATE SET balance = balances.balance + excluded.balance`, from, to); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO postings VALUES ($1, $2, -100), ($1, $3, 100)`, entry, from, to)
	return err
}

func event(ctx context.Context, tx pgx.Tx, number int64, action, actor, from, to string) error {
	var seq int
	if err := tx.QueryRow(ctx, `UPDATE cases SET last_event = last_event + 1 WHERE case_no = $1 RETURNING last_event`, number).Scan(&seq); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO events (case_no, seq, key, actor, action, from_state, to_state) VALUES ($1, $2, $3, $4, $3, $5, $6)`, number, seq, action, actor, from, to)
	return err
}

func tell(ctx context.Context, tx pgx.Tx, key string, people int) error {
	_, err := tx.Exec(ctx, `INSERT INTO messages (key, person, body) SELECT $1 || '/' || n, 'person ' || n, 'A case of yours, or one that waits for you, went on. ' || $1 FROM generate_series(1, $2::int) n
		ON CONFLICT (key) DO NOTHING`, key, people)
	return err
}
