package activities

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// round is one round of one matter of a case, read under the case's lock: what was planned, what was done about it, and
// what both come to.
type round struct {
	c        caseRow
	matter   approval.Matter
	number   int
	latest   int
	plan     approval.Plan
	moves    []approval.Move
	standing approval.Standing
	openedBy string
	applied  []string // who applied in this and former rounds of the review
	ended    bool     // it is over, whatever its moves say: cases are withdrawn, stopped, migrated
	changed  bool     // the case's content is not what the round was opened about
	tasks    []taskRow
}

// taskRow is a seat of a round as the database shows it.
type taskRow struct {
	ID         string             `db:"task_id"`
	Matter     string             `db:"matter"`
	Round      int                `db:"round"`
	Seat       string             `db:"seat"`
	Step       string             `db:"step"`
	Question   string             `db:"question"`
	State      approval.TaskState `db:"state"`
	Candidates pq.StringArray     `db:"candidates"`
	OpenedBy   string             `db:"opened_by"`
	From       *time.Time         `db:"counted_from"` // nil: its turn has not come
	RemindAt   *time.Time         `db:"remind_at"`
	RemindedAt *time.Time         `db:"reminded_at"`
	DueAt      *time.Time         `db:"due_at"`
	Escalated  *time.Time         `db:"escalated_at"`
	DefaultAt  *time.Time         `db:"default_at"`
	Amount     *money.Amount      `db:"amount"`
	Reference  string             `db:"reference"`
	DecidedBy  *string            `db:"decided_by"`
	OnBehalf   *string            `db:"on_behalf"`
	How        string             `db:"how"`
	DecidedAt  *time.Time         `db:"decided_at"`
	Outcome    approval.Outcome   `db:"outcome"`
}

const taskRowSQL = `
	SELECT task_id, matter, round, seat, step, question, state, candidates, opened_by, counted_from, remind_at, reminded_at, due_at, escalated_at, default_at,
	       amount, reference, decided_by, on_behalf, how, decided_at, outcome
	  FROM tasks`

// opening is a matter that a case puts to people.
type matterOpening struct {
	Matter      approval.Matter
	Chain       approval.Chain
	Facts       approval.Facts // the case's data; people are looked up here
	Question    string
	OpenedBy    string // the submitter, or who asks
	At          time.Time
	From        time.Time     // from when terms are counted
	Application any           // as entered, kept with the round (PGM-11)
	Amount      *money.Amount // what the question is about; nil: the case's
	Reference   string
}

// openRound puts a matter to people: the next round, its plan pinned, its first tasks open.
func openRound(ctx context.Context, tx *sqlx.Tx, c caseRow, o matterOpening) (*round, refusal.List, error) {
	r := &round{c: c, matter: o.Matter, openedBy: o.OpenedBy}
	err := r.people(ctx, tx, o.Chain, &o.Facts)
	if err != nil {
		return nil, nil, err
	}
	if r.plan, err = o.Chain.Plan(o.Facts); err != nil {
		return nil, nil, fmt.Errorf("%w: plan %s of %s: %w", errDefect, o.Matter.Name, c.Number, err)
	}
	plan, err := json.Marshal(r.plan)
	if err != nil {
		return nil, nil, err
	}
	var application []byte
	if o.Application != nil {
		if application, err = json.Marshal(o.Application); err != nil {
			return nil, nil, err
		}
	}
	if err := tx.QueryRowContext(ctx, fmt.Sprintf(openRoundSQL, sqlName(c.Kind)), c.Number, o.Matter.Name, plan, application, c.PolicyVersion, o.OpenedBy, o.At).
		Scan(&r.number, pq.Array(&r.applied)); err != nil {
		return nil, nil, fmt.Errorf("open round: %w", err)
	}
	r.latest = r.number
	if o.Matter.Name == "review" && !slices.Contains(r.applied, o.OpenedBy) { // the statement does not see its own row
		r.applied = append(r.applied, o.OpenedBy)
		slices.Sort(r.applied)
	}
	if r.standing, err = r.plan.Standing(nil); err != nil {
		return nil, nil, err
	}
	list, err := r.sync(ctx, tx, taskRow{Question: o.Question, Amount: o.Amount, Reference: o.Reference, From: &o.From}, o.At)
	return r, list, err
}

// openRoundSQL has the kind of case in the name of the function that says what its content is.
const openRoundSQL = `
	INSERT INTO approvals (case_number, matter, round, plan, content, application, policy_version, opened_by, opened_at)
	SELECT $1, $2, 1 + coalesce((SELECT max(round) FROM approvals WHERE case_number = $1 AND matter = $2), 0), $3, %s_content($1), $4, $5, $6, $7
	RETURNING round, ARRAY(SELECT DISTINCT opened_by FROM approvals WHERE case_number = $1 AND matter = 'review' ORDER BY 1)`

// sqlName is a kind of case in the name of a function or sequence.
func sqlName(kind string) string { return strings.ReplaceAll(kind, "-", "_") }

// people looks up whom a chain may mean beside roles and names.
func (r *round) people(ctx context.Context, tx *sqlx.Tx, chain approval.Chain, f *approval.Facts) error {
	f.Relations, f.Holders = map[approval.Relation]string{}, map[person.Role][]string{}
	for _, step := range chain.Steps {
		for _, w := range step.Who {
			switch {
			case w.Relation != "" && f.Relations[w.Relation] == "":
				var id string
				if err := tx.GetContext(ctx, &id, relationSQL[w.Relation], r.c.Number); err != nil {
					return fmt.Errorf("look for %s: %w", w.Relation, err)
				}
				f.Relations[w.Relation] = id
			case w.Each:
				var ids []string
				if err := tx.SelectContext(ctx, &ids, holdersSQL, w.Role, r.openedBy, r.c.Submitter); err != nil {
					return fmt.Errorf("look for holders of %s: %w", w.Role, err)
				}
				f.Holders[w.Role] = ids
			}
		}
	}
	return nil
}

var relationSQL = map[approval.Relation]string{
	approval.EcosystemManager: `SELECT coalesce(p.ecosystem_manager, '') FROM cases c JOIN partners p USING (partner_id) WHERE c.case_number = $1`,
	approval.Superior:         `SELECT coalesce(p.superior, '') FROM cases c JOIN people p ON p.person_id = c.submitter WHERE c.case_number = $1`,
}

const holdersSQL = `
	SELECT person_id FROM people JOIN person_roles USING (person_id)
	 WHERE role = $1 AND active AND partner_id IS NULL AND person_id NOT IN ($2, $3) ORDER BY person_id`

// loadRound reads a round with its tasks.
func loadRound(ctx context.Context, tx *sqlx.Tx, c caseRow, matter approval.Matter, number int) (*round, error) {
	var tasks []taskRow
	if err := tx.SelectContext(ctx, &tasks, taskRowSQL+` WHERE case_number = $1 AND matter = $2 AND round = $3 ORDER BY opened_at, task_id`, c.Number, matter.Name, number); err != nil {
		return nil, fmt.Errorf("read tasks: %w", err)
	}
	return roundOf(ctx, tx, c, matter, number, tasks)
}

// roundOf reads the round that tasks are of.
func roundOf(ctx context.Context, tx *sqlx.Tx, c caseRow, matter approval.Matter, number int, tasks []taskRow) (*round, error) {
	r := &round{c: c, matter: matter, number: number, tasks: tasks}
	var row struct {
		Plan     []byte         `db:"plan"`
		OpenedBy string         `db:"opened_by"`
		Applied  pq.StringArray `db:"applied"`
		Ended    bool           `db:"ended"`
		Changed  bool           `db:"changed"`
		Latest   int            `db:"latest"`
	}
	if err := tx.GetContext(ctx, &row, fmt.Sprintf(roundSQL, sqlName(c.Kind)), c.Number, matter.Name, number); err != nil {
		return nil, fmt.Errorf("read round: %w", err)
	}
	if err := json.Unmarshal(row.Plan, &r.plan); err != nil {
		return nil, fmt.Errorf("%w: plan of %s, %s, round %d: %w", errDefect, c.Number, matter.Name, number, err)
	}
	r.applied = row.Applied
	r.openedBy, r.ended, r.changed, r.latest = row.OpenedBy, row.Ended, row.Changed, row.Latest
	var said []struct {
		Act      approval.Outcome `db:"act"`
		Seat     string           `db:"seat"`
		Person   string           `db:"person"`
		OnBehalf string           `db:"on_behalf"`
		Target   string           `db:"target"`
		Before   bool             `db:"before"`
		Amount   *money.Amount    `db:"amount"`
		Lines    pq.StringArray   `db:"lines"`
	}
	if err := tx.SelectContext(ctx, &said, `
		SELECT act, seat, coalesce(person_id, '') AS person, coalesce(on_behalf, '') AS on_behalf, target, before, amount, lines
		  FROM decisions WHERE case_number = $1 AND matter = $2 AND round = $3 ORDER BY seq`, c.Number, matter.Name, number); err != nil {
		return nil, fmt.Errorf("read decisions: %w", err)
	}
	for _, d := range said {
		if !d.Act.IsMove() {
			continue
		}
		m := approval.Move{Act: d.Act, Seat: d.Seat, Person: d.Person, OnBehalf: d.OnBehalf, Amount: d.Amount, Lines: d.Lines, Before: d.Before, To: d.Target}
		if d.Act == approval.Involve {
			m.Who, m.To = approval.Who(d.Target), ""
		}
		r.moves = append(r.moves, m)
	}
	var err error
	if r.standing, err = r.plan.Standing(r.moves); err != nil {
		return nil, fmt.Errorf("%w: %s, %s, round %d: %w", errDefect, c.Number, matter.Name, number, err)
	}
	return r, nil
}

const roundSQL = `
	SELECT plan, opened_by, outcome <> '' AS ended, content <> %s_content(case_number) AS changed,
	       ARRAY(SELECT DISTINCT opened_by FROM approvals o WHERE o.case_number = a.case_number AND o.matter = 'review' ORDER BY 1) AS applied,
	       (SELECT max(round) FROM approvals l WHERE l.case_number = a.case_number AND l.matter = a.matter) AS latest
	  FROM approvals a WHERE case_number = $1 AND matter = $2 AND round = $3`

func (r *round) task(seat string) *taskRow {
	if i := slices.IndexFunc(r.tasks, func(t taskRow) bool { return t.Seat == seat }); i >= 0 {
		return &r.tasks[i]
	}
	return nil
}

// said is one line of decisions: a move, or something that was only said.
type said struct {
	approval.Move
	Word   approval.Outcome // how the matter calls it; empty: as the engine does
	How    string
	Reason string
	At     time.Time
	Key    string // empty: not asked for by a request
	Digest []byte
}

// Whose an answer is.
const (
	byPerson     = "person"
	bySubstitute = "substitute"
	byRule       = "rule"
	byDeadline   = "deadline"
)

// say records one line and answers its number in the case; a move changes the standing.
func (r *round) say(ctx context.Context, tx *sqlx.Tx, s said) (int, error) {
	target := s.To
	if s.Act == approval.Involve {
		target = string(s.Who)
	}
	var seq int
	if err := tx.GetContext(ctx, &seq, saySQL, r.c.Number, r.matter.Name, r.number, s.Seat, s.Act, cmp.Or(s.Word, s.Act), s.How, s.Person, s.OnBehalf, target, s.Before,
		s.Amount, pq.Array(append([]string{}, s.Lines...)), s.Reason, s.At, s.Key, s.Digest); err != nil {
		return 0, fmt.Errorf("record %s of %s: %w", s.Act, s.Seat, err)
	}
	if !s.Act.IsMove() {
		return seq, nil
	}
	r.moves = append(r.moves, s.Move)
	standing, err := r.plan.Standing(r.moves)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errDefect, err)
	}
	r.standing = standing
	return seq, nil
}

const saySQL = `
	INSERT INTO decisions (case_number, seq, matter, round, seat, act, word, how, person_id, on_behalf, target, before, amount, lines, reason, at, key, digest)
	SELECT $1, 1 + coalesce((SELECT max(seq) FROM decisions WHERE case_number = $1), 0), $2, $3, $4, $5, $6, $7, nullif($8, ''), nullif($9, ''), $10, $11,
	       $12::numeric, $13::text[], $14, $15::timestamptz, nullif($16, ''), $17::bytea
	RETURNING seq`

// sync makes tasks of what the standing says: seats that opened are asked, seats that went away close, and whoever may
// decide is told. A seat for which nobody is there goes to the process owner at once. What a new task asks is in like.
func (r *round) sync(ctx context.Context, tx *sqlx.Tx, like taskRow, at time.Time) (refusal.List, error) {
	told := map[string]bool{}
	for i := range r.standing.Seats {
		seat := r.standing.Seats[i]
		t := r.task(seat.Name)
		state := taskState(seat.State)
		switch {
		case t == nil && (state == approval.TaskOpen || state == approval.TaskWaiting):
			told[seat.Name] = true
			if list, err := r.ask(ctx, tx, seat, like, at); err != nil || len(list) > 0 {
				return list, err
			}
		case t == nil || t.State == approval.TaskDecided || t.State == approval.TaskClosed:
		case t.State != state && state != approval.TaskDecided || !slices.Equal(t.Candidates, whoTexts(seat.Who)):
			if _, err := tx.ExecContext(ctx, `UPDATE tasks SET state = $2, candidates = $3 WHERE task_id = $1`, t.ID, state, pq.Array(whoTexts(seat.Who))); err != nil {
				return nil, fmt.Errorf("move task %s: %w", t.ID, err)
			}
			waited := t.State == approval.TaskWaiting
			t.State, t.Candidates = state, whoTexts(seat.Who)
			if state != approval.TaskOpen {
				continue
			}
			if waited { // its turn has come, or has come back: the clock starts anew
				if list, err := r.start(ctx, tx, t, at); err != nil || len(list) > 0 {
					return list, err
				}
			}
			told[seat.Name] = true
			if err := r.tell(ctx, tx, seat, t, at); err != nil {
				return nil, err
			}
		}
	}
	for i := range r.standing.Seats { // who has decided one of them does not decide another: somebody else has to be there
		if seat := r.standing.Seats[i]; seat.State == approval.Open && !told[seat.Name] {
			if _, _, err := r.somebody(ctx, tx, seat.Name, at); err != nil {
				return nil, err
			}
		}
	}
	return nil, nil
}

func taskState(s approval.SeatState) approval.TaskState {
	switch s {
	case approval.Open:
		return approval.TaskOpen
	case approval.Waiting:
		return approval.TaskWaiting
	case approval.Closed:
		return approval.TaskClosed
	case approval.Approved, approval.Rejected, approval.Sent:
	}
	return approval.TaskDecided
}

func whoTexts(who []approval.Who) []string {
	out := make([]string, len(who))
	for i, w := range who {
		out[i] = string(w)
	}
	return out
}

// ask opens the task of a seat.
func (r *round) ask(ctx context.Context, tx *sqlx.Tx, seat approval.Seat, like taskRow, at time.Time) (refusal.List, error) {
	step := r.plan.Step(seat.Step)
	t := taskRow{
		ID: approval.TaskID(r.c.Number, seat.Name, r.number), Matter: r.matter.Name, Round: r.number, Seat: seat.Name, Step: seat.Step, Question: like.Question,
		State: taskState(seat.State), Candidates: whoTexts(seat.Who), OpenedBy: r.openedBy, Amount: like.Amount, Reference: like.Reference,
	}
	if seat.State == approval.Open {
		t.From = &at
		if len(r.moves) == 0 && like.From != nil { // the first tasks of a matter share its beginning
			t.From = like.From
		}
		if list, err := t.terms(ctx, tx, step); err != nil || len(list) > 0 {
			return list, err
		}
	}
	if _, err := tx.ExecContext(ctx, askSQL, t.ID, r.c.Number, t.Matter, t.Round, t.Seat, t.Step, seat.Visit, t.Question, t.Candidates, t.OpenedBy, at, t.From, t.State,
		t.RemindAt, t.DueAt, t.DefaultAt, t.Amount, t.Reference); err != nil {
		return nil, fmt.Errorf("open task %s: %w", t.ID, err)
	}
	r.tasks = append(r.tasks, t)
	if seat.State != approval.Open {
		return nil, nil
	}
	if t.DueAt != nil && !t.DueAt.After(at) && step.Escalate != "" { // its term was over before it opened: sending and confirming share one
		if err := r.involve(ctx, tx, seat.Name, approval.RoleWho(step.Escalate), byDeadline, at); err != nil {
			return nil, err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE tasks SET escalated_at = $2 WHERE task_id = $1`, t.ID, at); err != nil {
			return nil, fmt.Errorf("escalate task: %w", err)
		}
		r.task(seat.Name).Escalated = &at
	}
	return nil, r.tell(ctx, tx, *r.standing.Seat(seat.Name), r.task(seat.Name), at)
}

const askSQL = `
	INSERT INTO tasks (task_id, case_number, matter, round, seat, step, visit, question, candidates, opened_by, opened_at, counted_from, state, remind_at, due_at, default_at, amount, reference)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`

// start begins the clock of a task whose turn has come.
func (r *round) start(ctx context.Context, tx *sqlx.Tx, t *taskRow, at time.Time) (refusal.List, error) {
	t.From = &at
	if list, err := t.terms(ctx, tx, r.plan.Step(t.Step)); err != nil || len(list) > 0 {
		return list, err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE tasks SET counted_from = $2, remind_at = $3, due_at = $4, default_at = $5 WHERE task_id = $1`,
		t.ID, t.From, t.RemindAt, t.DueAt, t.DefaultAt); err != nil {
		return nil, fmt.Errorf("start %s: %w", t.ID, err)
	}
	return nil, nil
}

// terms counts out the instants of a task's clock by the operator's calendar.
func (t *taskRow) terms(ctx context.Context, tx *sqlx.Tx, step approval.PlannedStep) (refusal.List, error) {
	type clock struct {
		term calendar.Term
		at   **time.Time
	}
	clocks := []clock{{step.Remind, &t.RemindAt}, {step.Due, &t.DueAt}}
	if step.Default != nil {
		clocks = append(clocks, clock{step.Default.After, &t.DefaultAt})
	}
	var days *calendar.Calendar // read once, for all of them
	for _, k := range clocks {
		if k.term.IsZero() {
			continue
		}
		if days == nil {
			var err error
			if days, err = readCalendar(ctx, tx); err != nil {
				return nil, err
			}
		}
		at, list, err := closesBy(days, k.term, *t.From)
		if err != nil || len(list) > 0 {
			return list, err
		}
		*k.at = &at
	}
	return nil, nil
}

// involve lets somebody decide as well.
func (r *round) involve(ctx context.Context, tx *sqlx.Tx, seat string, who approval.Who, how string, at time.Time) error {
	if _, err := r.say(ctx, tx, said{Move: approval.Move{Act: approval.Involve, Seat: seat, Who: who}, How: how, At: at}); err != nil {
		return err
	}
	t, s := r.task(seat), r.standing.Seat(seat)
	t.Candidates = whoTexts(s.Who)
	if _, err := tx.ExecContext(ctx, `UPDATE tasks SET candidates = $2 WHERE task_id = $1`, t.ID, t.Candidates); err != nil {
		return fmt.Errorf("ask %s: %w", who, err)
	}
	return nil
}

// tell notifies those who may decide an open task.
func (r *round) tell(ctx context.Context, tx *sqlx.Tx, seat approval.Seat, t *taskRow, at time.Time) error {
	told, owner, err := r.somebody(ctx, tx, seat.Name, at)
	if err != nil || owner {
		return err // the owner is told
	}
	return notifyTask(ctx, tx, r.c, *t, approval.TaskOpened, "", "", told, fmt.Sprintf("%s/opened/%d", t.ID, len(r.moves)), at)
}

// tellOutcome tells those who took part in a round what came of it; who decided last knows.
func (r *round) tellOutcome(ctx context.Context, tx *sqlx.Tx, last said, outcome approval.Outcome, e event) error {
	var people []string
	for _, m := range r.moves {
		if m.Person != "" && m.Person != last.Person && !slices.Contains(people, m.Person) {
			people = append(people, m.Person)
		}
	}
	t := r.task(last.Seat)
	return notifyTask(ctx, tx, r.c, *t, approval.RoundOver, e.Actor, strings.TrimSpace(string(r.matter.Word(outcome))+" "+last.Reason), people, t.ID+"/decided", e.At)
}

// somebody sees to it that an open task has somebody who may decide it: where there is nobody, the process owner is asked at
// once instead of waiting in silence. It answers who is there, and whether the owner was asked.
func (r *round) somebody(ctx context.Context, tx *sqlx.Tx, name string, at time.Time) (there []string, asked bool, err error) {
	seat := *r.standing.Seat(name)
	owner := approval.RoleWho(r.plan.Owner)
	if seat.State != approval.Open {
		return nil, false, nil
	}
	there, err = r.deciders(ctx, tx, seat, at)
	if err != nil || len(there) > 0 || slices.Contains(seat.Who, owner) {
		return there, false, err
	}
	if err := r.involve(ctx, tx, name, owner, byRule, at); err != nil {
		return nil, false, err
	}
	t := r.task(name)
	if err := appendHere(ctx, tx, r.c, event{
		Key: fmt.Sprintf("owner/%s/%d", t.ID, len(r.moves)), At: at, Actor: "rule", Via: viaRule, Action: "ask owner",
		Note: fmt.Sprintf("nobody of %s may decide %s; %s may", seatText(seat), t.ID, r.plan.Owner),
	}); err != nil {
		return nil, false, err
	}
	if there, err = r.deciders(ctx, tx, *r.standing.Seat(name), at); err != nil {
		return nil, false, err
	}
	return there, true, notifyTask(ctx, tx, r.c, *t, approval.TaskOpened, "", "", there, fmt.Sprintf("%s/owner/%d", t.ID, len(r.moves)), at)
}

func seatText(s approval.Seat) string { return strings.Join(whoTexts(s.Who), ", ") }

// deciders lists who may decide a seat now: candidates who are there and not barred, and the substitutes of those who are
// absent.
func (r *round) deciders(ctx context.Context, tx *sqlx.Tx, seat approval.Seat, at time.Time) ([]string, error) {
	var ids []string
	barred := append(append(r.standing.Signed(seat.Name, r.plan.RepeatSigners), r.openedBy, r.c.Submitter), r.applied...)
	roles := []string{}
	if len(seat.Delegators) == 0 {
		for _, role := range seat.Roles {
			roles = append(roles, string(role))
		}
	}
	if err := tx.SelectContext(ctx, &ids, decidersSQL, pq.Array(whoTexts(seat.Who)), pq.Array(roles), at, pq.Array(barred)); err != nil {
		return nil, fmt.Errorf("look for deciders: %w", err)
	}
	return ids, nil
}

const decidersSQL = `SELECT DISTINCT person_id FROM deciders($1, $2, $3)
	 WHERE array_position($4::text[], person_id) IS NULL AND (on_behalf IS NULL OR array_position($4::text[], on_behalf) IS NULL) ORDER BY person_id`

// answered marks the task of a decided seat.
func (r *round) answered(ctx context.Context, tx *sqlx.Tx, s said, reference string) error {
	t, seat := r.task(s.Seat), r.standing.Seat(s.Seat)
	if taskState(seat.State) != approval.TaskDecided {
		return nil // an opinion, which goes back to who asked for it
	}
	var by, behalf *string
	if s.Person != "" {
		by = &s.Person
	}
	if s.OnBehalf != "" {
		behalf = &s.OnBehalf
	}
	res, err := tx.ExecContext(ctx, answeredSQL, t.ID, by, behalf, s.How, s.At, cmp.Or(s.Word, s.Act), s.Reason, reference)
	if err != nil {
		return fmt.Errorf("decide task %s: %w", t.ID, err)
	}
	t.State = approval.TaskDecided
	return one(res, fmt.Errorf("%w: task %s is not open", errDefect, t.ID))
}

const answeredSQL = `
	UPDATE tasks SET state = 'decided', decided_by = $2, on_behalf = $3, how = $4, decided_at = $5, outcome = $6, reason = $7, reference = coalesce(nullif($8, ''), reference)
	 WHERE task_id = $1 AND state = 'open'`

// closeRound ends a round. What was granted is the case's content as it is then.
func (r *round) closeRound(ctx context.Context, tx *sqlx.Tx, outcome approval.Outcome, at time.Time) error {
	if _, err := tx.ExecContext(ctx, fmt.Sprintf(closeRoundSQL, sqlName(r.c.Kind)), r.c.Number, r.matter.Name, r.number, outcome, at); err != nil {
		return fmt.Errorf("close round: %w", err)
	}
	return nil
}

const closeRoundSQL = `
	UPDATE approvals SET outcome = $4, closed_at = $5, granted = CASE WHEN $4 = 'approve' THEN %s_content(case_number) END
	 WHERE case_number = $1 AND matter = $2 AND round = $3 AND outcome = ''`

// abandon closes whatever a case still asks when it ends otherwise: its rounds and its tasks.
func abandon(ctx context.Context, tx *sqlx.Tx, number string, at time.Time) error {
	if _, err := tx.ExecContext(ctx, `
		WITH asked AS (UPDATE tasks SET state = 'closed' WHERE case_number = $1 AND state IN ('open', 'waiting') AND matter <> 'late-return')
		UPDATE approvals SET outcome = 'closed', closed_at = $2 WHERE case_number = $1 AND outcome = '' AND matter <> 'late-return'`, number, at); err != nil {
		return fmt.Errorf("close tasks and rounds: %w", err)
	}
	return nil
}

// before finds what a request key said first: its digest, nil when it is new.
func decidedBefore(ctx context.Context, tx *sqlx.Tx, key string) ([]byte, error) {
	var digest []byte
	err := tx.GetContext(ctx, &digest, `SELECT digest FROM decisions WHERE key = $1`, key)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for decision: %w", err)
	}
	return digest, nil
}

// findTask reads a task and all tasks of its round.
func findTask(ctx context.Context, tx *sqlx.Tx, id string) (taskRow, []taskRow, error) {
	var tasks []taskRow
	if err := tx.SelectContext(ctx, &tasks, taskRowSQL+`
		 WHERE (case_number, matter, round) = (SELECT case_number, matter, round FROM tasks WHERE task_id = $1) ORDER BY opened_at, task_id`, id); err != nil {
		return taskRow{}, nil, fmt.Errorf("read task %s: %w", id, err)
	}
	i := slices.IndexFunc(tasks, func(t taskRow) bool { return t.ID == id })
	if i < 0 {
		return taskRow{}, nil, unknown("task", id)
	}
	return tasks[i], tasks, nil
}

// history says what became of a task, for whom comes too late.
func (t taskRow) history() string {
	switch {
	case t.State == approval.TaskDecided && t.DecidedBy != nil:
		by := *t.DecidedBy
		if t.OnBehalf != nil {
			by += " for " + *t.OnBehalf
		}
		return fmt.Sprintf("was decided already: %s by %s at %s", t.Outcome, by, t.DecidedAt.UTC().Format(time.RFC3339))
	case t.State == approval.TaskDecided:
		return fmt.Sprintf("was decided already: %s by the %s at %s", t.Outcome, t.How, t.DecidedAt.UTC().Format(time.RFC3339))
	case t.State == approval.TaskWaiting:
		return "waits for a signer who was put before it"
	case t.State == approval.TaskClosed:
		return "was closed undecided"
	}
	return "is open"
}
