package activities

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"countersign/domain/approval"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// How a step came about, as events say it.
const (
	viaRequest  = "request"  // an update or a command, which was answered
	viaSignal   = "signal"   // Temporal vouches for the sender, not we
	viaRule     = "rule"     // nobody's doing
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
	From, To string // states
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

// caseRow is a case under its lock, as every kind of case has it.
type caseRow struct {
	Number        string     `db:"case_number"`
	Kind          string     `db:"kind"`
	Partner       string     `db:"partner_id"`
	Submitter     string     `db:"submitter"`
	State         string     `db:"state"`
	DueAt         *time.Time `db:"due_at"`
	WakeAt        *time.Time `db:"wake_at"`
	PolicyVersion int        `db:"policy_version"`
	OpenedAt      time.Time  `db:"opened_at"`
}

// lockCase keeps every other step of a case waiting and reads it. Its row comes as it is after the wait; what the statement read
// of other tables would be from before it, so it reads none.
func lockCase(ctx context.Context, tx *sqlx.Tx, number string) (caseRow, error) {
	var c caseRow
	err := tx.GetContext(ctx, &c, caseSQL+` FOR NO KEY UPDATE`, number)
	if errors.Is(err, sql.ErrNoRows) {
		return c, unknown("case", number)
	}
	if err != nil {
		return c, fmt.Errorf("lock case %s: %w", number, err)
	}
	return c, nil
}

func readCase(ctx context.Context, tx *sqlx.Tx, number string) (caseRow, error) {
	var c caseRow
	if err := tx.GetContext(ctx, &c, caseSQL, number); err != nil {
		return c, fmt.Errorf("read case %s: %w", number, err)
	}
	return c, nil
}

const caseSQL = `
	SELECT case_number, kind, partner_id, submitter, state, due_at, wake_at, policy_version, opened_at FROM cases WHERE case_number = $1`

// caseStep is one step of one case: under the case's lock, once a key, its refusal an event.
type caseStep struct {
	db     *sqlx.DB
	number string
	key    string // business key of the step
	actor  string
	via    string
	action string
	note   string // of the request
	noted  bool   // the event's note is the step's own, not the request's
	at     time.Time
	cost   func(context.Context, *sqlx.Tx) error // what a refusal costs beside its event; nil: nothing
}

// event is the step's line in the history.
func (s caseStep) event() event {
	return event{Case: s.number, Key: s.key, At: s.at, Actor: s.actor, Via: s.via, Action: s.action, Note: s.note}
}

// run runs the step, and after it what answers where the case stands then.
func (s caseStep) run(ctx context.Context, f func(*sqlx.Tx, caseRow) (refusal.List, error), stands func(*sqlx.Tx) error) error {
	return Final(judged(ctx, s.db, func(tx *sqlx.Tx) (refusal.List, error) {
		c, err := lockCase(ctx, tx, s.number)
		if err != nil {
			return nil, err
		}
		done, list, err := s.before(ctx, tx)
		if err == nil && len(list) == 0 && !done {
			list, err = undone(ctx, tx, func() (refusal.List, error) { return f(tx, c) })
		}
		if err != nil || len(list) > 0 {
			return list, err
		}
		return nil, stands(tx)
	}, func(tx *sqlx.Tx, list refusal.List) error { return s.record(ctx, tx, list) }))
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
	case s.via == viaRequest && (first.Actor != s.actor || first.Note != s.note && !s.noted):
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
	if s.cost != nil {
		var known bool
		if err := tx.GetContext(ctx, &known, `SELECT EXISTS (SELECT 1 FROM events WHERE case_number = $1 AND key = $2)`, s.number, e.Key); err != nil {
			return fmt.Errorf("look for refusal %s: %w", e.Key, err)
		}
		if known { // an earlier run of the step paid
			return nil
		}
		if err := s.cost(ctx, tx); err != nil {
			return err
		}
	}
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

// notifyPartner tells the submitter, and the partner's people who hold one of the roles, what became of a case. The key is
// the notice's own.
func notifyPartner(ctx context.Context, tx *sqlx.Tx, c caseRow, roles []person.Role, subject, body, key string, at time.Time) error {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO outbox (key, person_id, subject, body, written_at, next_at)
		SELECT $1 || '/' || person_id, person_id, $2, $3, $4, $4 FROM people p
		 WHERE active AND (person_id = $5 OR partner_id = $6 AND held_roles(p.person_id) && $7::text[])
		ON CONFLICT (key) DO NOTHING`,
		key, subject, body, at, c.Submitter, c.Partner, pq.Array(names)); err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	return nil
}

// notifyTask tells people about a task.
func notifyTask(ctx context.Context, tx *sqlx.Tx, c caseRow, t taskRow, n approval.Notice, by, note string, people []string, key string, at time.Time) error {
	if len(people) == 0 {
		return nil
	}
	subject, body := n.Text(approval.NoticeData{Task: t.ID, Case: c.Number, Partner: c.Partner, Question: t.Question, DueAt: t.DueAt, By: by, Note: note})
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO outbox (key, person_id, subject, body, written_at, next_at)
		SELECT $1 || '/' || p, p, $2, $3, $4, $4 FROM unnest($5::text[]) p
		ON CONFLICT (key) DO NOTHING`, c.Kind+"/"+key, subject, body, at, pq.Array(people)); err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	return nil
}
