package activities

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"countersign/domain"
	"countersign/domain/approval"
	"countersign/domain/baseline"
	"countersign/domain/lab"
	"countersign/domain/member"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/quarter"
	"countersign/domain/refusal"
	"countersign/domain/requisition"
	"countersign/domain/solution"
	"countersign/domain/specialist"
	"countersign/domain/staff"
	"countersign/domain/tier"

	"github.com/jmoiron/sqlx"
)

// process is what the machinery of cases asks one kind of case. Everything is asked under the case's lock.
type process interface {
	// matter finds a matter by name; the zero matter takes no answer.
	matter(name string) approval.Matter
	// facts is what decisions about a case are judged by.
	facts(ctx context.Context, tx *sqlx.Tx, c caseRow) (caseFacts, error)
	// guard is the process's own judgement of a decision that the engine would take.
	guard(ctx context.Context, tx *sqlx.Tx, c caseRow, r *round, task taskRow, d approval.Decision, m approval.Move) (refusal.List, error)
	// conclude does what the end of a round leads to. It closes the round by r.close and appends the event, as moveCase does.
	conclude(ctx context.Context, tx *sqlx.Tx, c caseRow, r *round, end conclusion) (refusal.List, error)
	// overdueRule names the rule under which a matter is overdue; empty: the policy's alone.
	overdueRule(ctx context.Context, tx *sqlx.Tx, c caseRow, m approval.Matter) (string, error)
	// clock does what the case's own deadlines ask for up to an instant; those of tasks are the machinery's.
	clock(ctx context.Context, tx *sqlx.Tx, c caseRow, e event, now time.Time) (refusal.List, error)
	// stop ends a case for an operator who cancelled its run.
	stop(ctx context.Context, tx *sqlx.Tx, c caseRow, e event) (refusal.List, error)
	// about tells a case's amount, and in a few words what it is.
	about(ctx context.Context, tx *sqlx.Tx, number string) (money.Amount, string, error)
}

// cycler is a process whose cases live on from cycle to cycle; a run serves one cycle.
type cycler interface {
	// cycle tells which one a case is in.
	cycle(ctx context.Context, tx *sqlx.Tx, number string) (int, error)
}

// caseFacts is what decisions about a case are judged by.
type caseFacts struct {
	Amount  money.Amount
	Lines   map[string]money.Amount  // what a decider may choose from; nil: nothing
	Signals bool                     // a decision may come as a signal
	OwnSide func(person.Person) bool // who acts for the partner
}

// conclusion is how a round ended.
type conclusion struct {
	outcome   approval.Outcome
	line      said   // the move that ended it
	reference string // that came with it
	e         event  // to be completed and appended
}

// processes are the kinds of cases that Cases serves; a withdrawal has activities of its own.
var processes = map[string]process{
	requisition.Kind: requisitionCase{},
	staff.Kind:       staffProcess{},
	quarter.Kind:     quarterProcess{},
	specialist.Kind:  specialistProcess{},
	tier.Kind:        tierProcess{},
	solution.Kind:    solutionProcess{},
	baseline.Kind:    baselineProcess{},
	member.Kind:      invitationProcess{},
	lab.Kind:         labProcess{},
}

// Standing is where a case stands after a step.
type Standing struct {
	Case    string       `json:"case"`
	Kind    string       `json:"kind"`
	Partner string       `json:"partner"`
	Amount  money.Amount `json:"amount"`
	About   string       `json:"about"` // in a few words what it is
	State   domain.State `json:"state"`
	Ended   bool         `json:"ended"`
	Cycle   int          `json:"cycle,omitempty"`   // which one, of a kind of case that lives on from cycle to cycle
	DueAt   *time.Time   `json:"due_at,omitempty"`  // when the step is overdue; nil: it is, or nothing is waited for
	WakeAt  *time.Time   `json:"wake_at,omitempty"` // when the clock does something next; nil: it does nothing
}

// Now is where the case stands.
func (s Standing) Now() Standing { return s }

// standingOf answers where a case of any kind stands as this transaction sees it, and keeps what lists show of its clock.
func standingOf(ctx context.Context, tx *sqlx.Tx, number string) (Standing, error) {
	if _, err := tx.ExecContext(ctx, `
		UPDATE cases c SET due_at = d.due_at
		  FROM (SELECT min(due_at) AS due_at, count(*) AS open FROM tasks WHERE case_number = $1 AND state = 'open') d
		 WHERE c.case_number = $1 AND c.closed_at IS NULL AND d.open > 0 AND c.due_at IS DISTINCT FROM d.due_at`, number); err != nil {
		return Standing{}, fmt.Errorf("keep due time of %s: %w", number, err)
	}
	var c struct {
		caseRow
		ClosedAt *time.Time `db:"closed_at"`
		Tasks    *time.Time `db:"tasks_wake"`
	}
	if err := tx.GetContext(ctx, &c, `
		SELECT c.case_number, c.kind, c.partner_id, c.submitter, c.state, c.due_at, c.wake_at, c.policy_version, c.opened_at, c.closed_at, t.tasks_wake
		  FROM cases c, (
			SELECT min(least(CASE WHEN reminded_at IS NULL THEN remind_at END, CASE WHEN escalated_at IS NULL THEN due_at END, default_at)) AS tasks_wake
			  FROM tasks WHERE case_number = $1 AND state = 'open') t
		 WHERE c.case_number = $1`, number); err != nil {
		return Standing{}, fmt.Errorf("read case %s: %w", number, err)
	}
	p, err := processOf(c.caseRow)
	if err != nil {
		return Standing{}, err
	}
	s := Standing{Case: c.Number, Kind: c.Kind, Partner: c.Partner, State: domain.State(c.State), Ended: c.ClosedAt != nil}
	if s.Amount, s.About, err = p.about(ctx, tx, number); err != nil {
		return s, err
	}
	if lives, ok := p.(cycler); ok {
		if s.Cycle, err = lives.cycle(ctx, tx, number); err != nil {
			return s, err
		}
	}
	if _, err := tx.ExecContext(ctx, `UPDATE cases SET amount = $2, about = $3 WHERE case_number = $1 AND (amount, about) IS DISTINCT FROM ($2, $3)`, number, s.Amount, s.About); err != nil {
		return s, fmt.Errorf("keep what %s is about: %w", number, err)
	}
	if s.Ended {
		return s, nil
	}
	s.DueAt, s.WakeAt = c.DueAt, c.WakeAt
	if c.Tasks != nil && (s.WakeAt == nil || c.Tasks.Before(*s.WakeAt)) {
		s.WakeAt = c.Tasks
	}
	return s, nil
}

func processOf(c caseRow) (process, error) {
	p, ok := processes[c.Kind]
	if !ok {
		return nil, fmt.Errorf("%w: case %s is of kind %q", errDefect, c.Number, c.Kind)
	}
	return p, nil
}

// do runs one step of a case of any kind and answers where it stands after it.
func (s caseStep) do(ctx context.Context, f func(*sqlx.Tx, caseRow) (refusal.List, error)) (Standing, error) {
	var now Standing
	err := s.run(ctx, f, func(tx *sqlx.Tx) (err error) {
		now, err = standingOf(ctx, tx, s.number)
		return err
	})
	return now, err
}

// moveTo is a case's next state.
type moveTo struct {
	State  string
	Ended  bool
	DueAt  *time.Time    // when it is overdue, where no task says it
	WakeAt *time.Time    // when the case's own clock does something
	Amount *money.Amount // for the event
}

// moveCase carries a case to its next state: the state with its guard, the event, and at the end whatever is still asked
// goes away. Only lawful steps exist (ENG-03): the database refuses others.
func moveCase(ctx context.Context, tx *sqlx.Tx, c *caseRow, to moveTo, e event) error {
	var closedAt *time.Time
	if to.Ended {
		closedAt = &e.At
	}
	res, err := tx.ExecContext(ctx, `UPDATE cases SET state = $3, due_at = $4, wake_at = $5, closed_at = $6 WHERE case_number = $1 AND state = $2`,
		c.Number, c.State, to.State, to.DueAt, to.WakeAt, closedAt)
	if err != nil {
		return fmt.Errorf("move case %s: %w", c.Number, err)
	}
	if err := one(res, fmt.Errorf("%w: case %s left %s under its lock", errDefect, c.Number, c.State)); err != nil {
		return err
	}
	e.Case, e.From, e.To, e.Amount = c.Number, c.State, to.State, to.Amount
	c.State, c.DueAt, c.WakeAt = to.State, to.DueAt, to.WakeAt
	if err := appendEvent(ctx, tx, e); err != nil || !to.Ended {
		return err
	}
	return abandon(ctx, tx, c.Number, e.At)
}

// newCase is an application that may open a case of any kind but a withdrawal.
type newCase struct {
	Kind       string
	Prefix     string // of its number; the sequence is named after the kind
	Partner    string
	Submitter  string
	RequestKey string
	Digest     []byte // of the canonical application (COM-20)
	WorkflowID string
	RunID      string
	At         time.Time
}

// open opens a case once: write judges, and opens it by insert, or answers the guards that failed. The same request key with
// the same content answers where its case stands, with other content it is refused (COM-20, PGM-10); a refusal opens
// nothing and is a row in refusals.
func (n newCase) open(ctx context.Context, db *sqlx.DB, write func(tx *sqlx.Tx) (number string, list refusal.List, err error)) (Standing, error) {
	n.At = stored(n.At)
	var opened Standing
	err := judged(ctx, db, func(tx *sqlx.Tx) (refusal.List, error) {
		number, list, err := n.once(ctx, tx, write)
		if err != nil || len(list) > 0 {
			return list, err
		}
		opened, err = standingOf(ctx, tx, number)
		return nil, err
	}, func(tx *sqlx.Tx, list refusal.List) error {
		_, err := recordRefusal(ctx, tx, refusedRequest{
			Key: n.RunID, At: n.At, Kind: n.Kind, Action: "submit", Person: n.Submitter, Partner: n.Partner, RequestKey: n.RequestKey,
		}, list)
		return err
	})
	return opened, Final(err)
}

func (n newCase) once(ctx context.Context, tx *sqlx.Tx, write func(tx *sqlx.Tx) (string, refusal.List, error)) (string, refusal.List, error) {
	// One request at a time under its key; the lock outlives COMMIT, as an attempt that is given up may still be committing.
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, fmt.Sprintf("%s %q %q", n.Kind, n.Partner, n.RequestKey)); err != nil {
		return "", nil, fmt.Errorf("lock request: %w", err)
	}
	number, digest, err := caseOfKey(ctx, tx, n.Kind, n.Partner, n.RequestKey)
	if err != nil {
		return "", nil, err
	}
	if number != "" {
		if !bytes.Equal(digest, n.Digest) {
			return "", refusal.List{refusal.New("COM-20", "COM_REQUEST_KEY", "case "+number,
				"The request key %q was used for case %s with other content; use a new key for a new application.", n.RequestKey, number)}, nil
		}
		if _, err := tx.ExecContext(ctx, `UPDATE cases SET run_id = $2 WHERE case_number = $1 AND closed_at IS NULL`, number, n.RunID); err != nil {
			return "", nil, fmt.Errorf("bind run: %w", err)
		}
		return number, nil, nil
	}
	if first, err := refusedBefore(ctx, tx, n.RunID); err != nil || first != nil {
		return "", first, err
	}
	list, err := undone(ctx, tx, func() (list refusal.List, err error) {
		number, list, err = write(tx)
		return list, err
	})
	return number, list, err
}

// insert opens the case itself; the kind's own row and the event "submit" are the caller's.
func (n newCase) insert(ctx context.Context, tx *sqlx.Tx, to moveTo, policyVersion int) (caseRow, error) {
	var number string
	var closedAt *time.Time
	if to.Ended {
		closedAt = &n.At
	}
	if err := tx.GetContext(ctx, &number, `
		INSERT INTO cases (case_number, kind, partner_id, submitter, request_key, request_digest, state, policy_version, workflow_id, run_id, opened_at, due_at, closed_at)
		VALUES (numbered($1, nextval(replace($2, '-', '_') || '_numbers')), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		RETURNING case_number`,
		n.Prefix, n.Kind, n.Partner, n.Submitter, n.RequestKey, n.Digest, to.State, policyVersion, n.WorkflowID, n.RunID, n.At, to.DueAt, closedAt); err != nil {
		return caseRow{}, fmt.Errorf("open case: %w", err)
	}
	if to.WakeAt != nil {
		if _, err := tx.ExecContext(ctx, `UPDATE cases SET wake_at = $2 WHERE case_number = $1`, number, to.WakeAt); err != nil {
			return caseRow{}, fmt.Errorf("set clock: %w", err)
		}
	}
	return lockCase(ctx, tx, number)
}

// casePolicy reads one version of the policy of a kind of case into p; version 0 is the newest. It answers the version.
func casePolicy(ctx context.Context, tx sqlx.QueryerContext, kind string, version int, p any) (int, error) {
	found, body, err := policyBody(ctx, tx, kind, version)
	if err != nil {
		return 0, err
	}
	if err := json.Unmarshal(body, p); err != nil {
		return 0, fmt.Errorf("%w: policy %s version %d: %w", errDefect, kind, found, err)
	}
	return found, nil
}

// readKind finds the process of a case.
func readKind(ctx context.Context, db *sqlx.DB, number string) (process, error) {
	var kinds []string
	if err := db.SelectContext(ctx, &kinds, `SELECT kind FROM cases WHERE case_number = $1`, number); err != nil {
		return nil, fmt.Errorf("read case %s: %w", number, err)
	}
	if len(kinds) == 0 {
		return nil, unknown("case", number)
	}
	return processOf(caseRow{Number: number, Kind: kinds[0]})
}
