package activities

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/withdrawal"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// How a step came about, as events say it.
const (
	viaRequest  = "request"  // an update or a command, which was answered
	viaSignal   = "signal"   // Temporal vouches for the sender, not we
	viaClock    = "clock"    // a deadline
	viaOperator = "operator" // cancellation, termination, repair
)

// event is one line of a case's history.
type event struct {
	Case     string
	Key      string // unique in the case: a step that runs twice finds its first event
	At       time.Time
	Actor    string // a person, or clock, operator
	Via      string
	Action   string
	From, To withdrawal.State
	Rule     string
	Amount   *money.Amount
	Note     string
}

// appendEvent writes one event; the database numbers it from the case's locked row and chains its hash. A key that is
// taken writes nothing: the caller holds the case's lock, so looking first is safe.
func appendEvent(ctx context.Context, tx *sqlx.Tx, e event) error {
	if _, err := tx.ExecContext(ctx, appendEventSQL, e.Case, e.Key, e.At, e.Actor, e.Via, e.Action, e.From, e.To, e.Rule, e.Amount, e.Note); err != nil {
		return fmt.Errorf("append event %s: %w", e.Key, err)
	}
	return nil
}

const appendEventSQL = `
	INSERT INTO events (case_number, key, at, actor, via, action, from_state, to_state, rule, amount, note)
	SELECT $1, $2, $3::timestamptz, $4, $5, $6, $7, $8, $9, $10::numeric, $11
	 WHERE NOT EXISTS (SELECT 1 FROM events WHERE case_number = $1 AND key = $2)`

// lockedCase is a withdrawal under its lock.
type lockedCase struct {
	Number         string           `db:"case_number"`
	Partner        string           `db:"partner_id"`
	Submitter      string           `db:"submitter"`
	State          withdrawal.State `db:"state"`
	DueAt          *time.Time       `db:"due_at"`
	PolicyVersion  int              `db:"policy_version"`
	OpenedAt       time.Time        `db:"opened_at"`
	Route          withdrawal.Route `db:"route"`
	Amount         money.Amount     `db:"amount"`
	Holder         string           `db:"holder"`
	AccountNo      string           `db:"account_no"`
	Bank           string           `db:"bank"`
	Branch         string           `db:"branch"`
	PayingEntity   string           `db:"paying_entity"`
	PaidFrom       ledger.Account   `db:"paid_from"`
	ApprovedByRule bool             `db:"approved_by_rule"`
	ApprovedAt     *time.Time       `db:"approved_at"`
	Escalated      bool             `db:"escalated"` // the present term has escalated
}

// lockCase keeps every other step of a case waiting and reads it. Two statements: the first may wait, and what it had read
// of other tables would be from before its wait.
func lockCase(ctx context.Context, tx *sqlx.Tx, number string) (lockedCase, error) {
	var c lockedCase
	res, err := tx.ExecContext(ctx, `SELECT 1 FROM cases WHERE case_number = $1 FOR NO KEY UPDATE`, number)
	if err != nil {
		return c, fmt.Errorf("lock case %s: %w", number, err)
	}
	if err := one(res, unknown("case", number)); err != nil {
		return c, err
	}
	if err := tx.GetContext(ctx, &c, caseSQL, number); err != nil {
		return c, fmt.Errorf("read case %s: %w", number, err)
	}
	return c, nil
}

const caseSQL = `
	SELECT c.case_number, c.partner_id, c.submitter, c.state, c.due_at, c.policy_version, c.opened_at,
	       w.route, w.amount, w.holder, w.account_no, w.bank, w.branch, w.paying_entity, w.paid_from, w.approved_by_rule, w.approved_at,
	       EXISTS (SELECT 1 FROM tasks t WHERE t.case_number = c.case_number AND t.escalated_to <> '' AND t.kind <> 'late-return'
	               AND (t.kind = 'review') = (c.state = 'UNDER_REVIEW')) AS escalated
	  FROM cases c JOIN withdrawals w USING (case_number)
	 WHERE c.case_number = $1`

func (c lockedCase) payee() withdrawal.Payee {
	return withdrawal.Payee{Holder: c.Holder, AccountNo: c.AccountNo, Bank: c.Bank, Branch: c.Branch}
}

// standing answers where a case stands as this transaction sees it.
func standing(ctx context.Context, tx *sqlx.Tx, number string) (WithdrawalStanding, error) {
	var c lockedCase
	if err := tx.GetContext(ctx, &c, caseSQL, number); err != nil {
		return WithdrawalStanding{}, fmt.Errorf("read case %s: %w", number, err)
	}
	s := WithdrawalStanding{Case: c.Number, Partner: c.Partner, Route: c.Route, Amount: c.Amount, Holder: c.Holder, State: c.State}
	if !c.State.Ended() && !c.Escalated {
		s.DueAt = c.DueAt
	}
	return s, nil
}

// caseStep is one step of one case: under the case's lock, once a key, its refusal an event.
type caseStep struct {
	w      *Withdrawals
	number string
	key    string // business key of the step
	actor  string
	via    string
	action string
	note   string
	at     time.Time
}

// event is the step's line in the history.
func (s caseStep) event() event {
	return event{Case: s.number, Key: s.key, At: s.at, Actor: s.actor, Via: s.via, Action: s.action, Note: s.note}
}

// do runs the step and answers where the case stands after it.
func (s caseStep) do(ctx context.Context, f func(*sqlx.Tx, lockedCase) (refusal.List, error)) (WithdrawalStanding, error) {
	var now WithdrawalStanding
	err := judged(ctx, s.w.DB, func(tx *sqlx.Tx) (refusal.List, error) {
		c, err := lockCase(ctx, tx, s.number)
		if err != nil {
			return nil, err
		}
		done, list, err := s.before(ctx, tx)
		if err == nil && len(list) == 0 && !done {
			list, err = f(tx, c)
		}
		if err != nil || len(list) > 0 {
			return list, err
		}
		now, err = standing(ctx, tx, s.number)
		return nil, err
	}, func(tx *sqlx.Tx, list refusal.List) error { return s.record(ctx, tx, list) })
	return now, Final(err)
}

// before tells whether the step was done by an earlier run of it. The same request key from somebody else, or with another
// reason, is another request (COM-20).
func (s caseStep) before(ctx context.Context, tx *sqlx.Tx) (bool, refusal.List, error) {
	var first struct {
		Actor string `db:"actor"`
		Note  string `db:"note"`
	}
	err := tx.GetContext(ctx, &first, `SELECT actor, note FROM events WHERE case_number = $1 AND key = $2`, s.number, s.key)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil, nil
	case err != nil:
		return false, nil, fmt.Errorf("look for step %s: %w", s.key, err)
	case s.via == viaRequest && (first.Actor != s.actor || first.Note != s.note):
		return false, refusal.List{refusal.New("COM-20", "COM_REQUEST_KEY", "case "+s.number,
			"The request key was used for this case with other content; use a key of its own.")}, nil
	}
	return true, nil, nil
}

// record makes a refused step an event of the case (ENG-03): the state stays.
func (s caseStep) record(ctx context.Context, tx *sqlx.Tx, list refusal.List) error {
	c, err := lockCase(ctx, tx, s.number)
	if err != nil {
		return err
	}
	e := s.event()
	e.Key, e.Action, e.From, e.To, e.Rule, e.Note = "refused/"+s.key, s.action+" refused", c.State, c.State, list[0].Rule, list.Error()
	return appendEvent(ctx, tx, e)
}

// caseOfKey finds the case that a request key opened; an empty number when it opened none.
func caseOfKey(ctx context.Context, tx *sqlx.Tx, kind, partner, key string) (number string, digest []byte, err error) {
	err = tx.QueryRowContext(ctx, `SELECT case_number, request_digest FROM cases WHERE kind = $1 AND partner_id = $2 AND request_key = $3`,
		kind, partner, key).Scan(&number, &digest)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", nil, fmt.Errorf("look for request %s: %w", key, err)
	}
	return number, digest, nil
}

// refusedRequest is a request that opened no case.
type refusedRequest struct {
	Key                                       string // of the run or command
	At                                        time.Time
	Kind, Action, Person, Partner, RequestKey string
}

// recordRefusal keeps a refused request; the answer is false when it was kept before.
func recordRefusal(ctx context.Context, tx *sqlx.Tx, r refusedRequest, list refusal.List) (bool, error) {
	text, err := json.Marshal(list)
	if err != nil {
		return false, err
	}
	res, err := tx.ExecContext(ctx, `
		INSERT INTO refusals (key, at, kind, action, person_id, partner_id, request_key, codes, refusals)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (key) DO NOTHING`,
		r.Key, r.At, r.Kind, r.Action, r.Person, r.Partner, r.RequestKey, pq.Array(list.Codes()), text)
	if err != nil {
		return false, fmt.Errorf("record refusal: %w", err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// refusedBefore is what a run was refused for, when it runs a second time.
func refusedBefore(ctx context.Context, tx *sqlx.Tx, key string) (refusal.List, error) {
	var text []byte
	err := tx.GetContext(ctx, &text, `SELECT refusals FROM refusals WHERE key = $1`, key)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for refusal: %w", err)
	}
	var list refusal.List
	return list, json.Unmarshal(text, &list)
}

// findTask reads a task.
func findTask(ctx context.Context, tx *sqlx.Tx, id string) (withdrawal.Task, error) {
	var task withdrawal.Task
	err := tx.GetContext(ctx, &task, taskSQL+` WHERE task_id = $1`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return task, unknown("task", id)
	}
	if err != nil {
		return task, fmt.Errorf("read task %s: %w", id, err)
	}
	return task, nil
}

const taskSQL = `
	SELECT task_id, case_number, kind, question, role, escalated_to, opened_by, state, amount, decided_by, decided_at, outcome, reference, decision_key, decision_digest FROM tasks`

// notice tells the partner's people who may act for it what became of their application.
func (c *lockedCase) notify(ctx context.Context, tx *sqlx.Tx, n withdrawal.Notice, step, note string, at time.Time) error {
	subject, body := n.Text(c.notice(note))
	roles := make([]string, len(withdrawal.Applicants))
	for i, r := range withdrawal.Applicants {
		roles[i] = string(r)
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO outbox (key, person_id, subject, body, written_at, next_at)
		SELECT $1 || '/' || person_id, person_id, $2, $3, $4, $4 FROM people p
		 WHERE active AND (person_id = $5 OR partner_id = $6 AND EXISTS (SELECT 1 FROM person_roles r WHERE r.person_id = p.person_id AND role = ANY ($7)))
		ON CONFLICT (key) DO NOTHING`,
		entryKey(c.Number, step), subject, body, at, c.Submitter, c.Partner, pq.Array(roles)); err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	return nil
}

func (c *lockedCase) notice(note string) withdrawal.NoticeData {
	return withdrawal.NoticeData{Case: c.Number, Partner: c.Partner, Amount: c.Amount, Holder: c.Holder, State: c.State, Note: note}
}

// notifyRole tells everybody of the vendor who holds a role.
func notifyRole(ctx context.Context, tx *sqlx.Tx, role person.Role, key, subject, body string, at time.Time) error {
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO outbox (key, person_id, subject, body, written_at, next_at)
		SELECT $1 || '/' || person_id, person_id, $2, $3, $4, $4 FROM people JOIN person_roles USING (person_id)
		 WHERE active AND partner_id IS NULL AND role = $5
		ON CONFLICT (key) DO NOTHING`, key, subject, body, at, role); err != nil {
		return fmt.Errorf("notify %s: %w", role, err)
	}
	return nil
}
