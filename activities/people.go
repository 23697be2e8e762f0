package activities

import (
	"context"
	"fmt"
	"slices"
	"time"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/kinds"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/withdrawal"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// People keeps who stands in for whom, and hands over what a person leaves behind. Both are instant: no case waits for them.
type People struct{ DB *sqlx.DB }

// AbsenceInput lets a substitute act for a person in a period, half-open: at From they may, at To they may no more (PGM-02).
type AbsenceInput struct {
	Person     string
	Substitute string
	From, To   time.Time
	By         string // the person, their superior, or the process owner
	At         time.Time
}

// SetAbsence records an absence; the same person, substitute and beginning again moves its end. Tasks that nobody may decide
// now go to the process owner.
func (p *People) SetAbsence(ctx context.Context, in AbsenceInput) error {
	in.From, in.To, in.At = stored(in.From), stored(in.To), stored(in.At)
	var cases []string
	err := inTx(ctx, p.DB, func(tx *sqlx.Tx) error {
		absent, list, err := mayManage(ctx, tx, in.By, in.Person)
		if err != nil {
			return err
		}
		substitute, err := findPerson(ctx, tx, in.Substitute)
		if err != nil {
			return err
		}
		if in.Substitute == in.By && in.By != in.Person {
			list = append(list, refusal.New("ENG-02", "ENG_SELF_APPROVAL", "person "+in.Person, "You cannot name yourself the substitute of somebody else; name another, or have %s do it (PGM-07).", in.Person))
		}
		switch {
		case substitute == nil:
			list = append(list, refusal.New("COM-16", "CBC.0151", "person "+in.Substitute, "There is no person %q; name somebody who is registered.", in.Substitute))
		case !substitute.Active || !substitute.OfVendor() || absent != nil && substitute.ID == absent.ID:
			list = append(list, refusal.New("COM-16", "CBC.0151", "person "+in.Substitute, "%s cannot stand in for %s; name another of the vendor's active people.", substitute.Name, in.Person))
		}
		if !in.From.Before(in.To) {
			list = append(list, refusal.New("PGM-02", "CBC.0100", "person "+in.Person, "The absence begins at %s and has to end after that, not at %s.", calendar.Shown(in.From), calendar.Shown(in.To)))
		}
		if len(list) > 0 {
			return list
		}
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO absences (person_id, substitute, from_at, to_at, set_by, set_at) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (person_id, substitute, from_at) DO UPDATE SET to_at = excluded.to_at`,
			in.Person, in.Substitute, in.From, in.To, in.By, in.At); err != nil {
			return fmt.Errorf("record absence: %w", err)
		}
		if !calendar.InWindow(in.At, in.From, in.To) {
			return nil
		}
		cases, err = casesAsking(ctx, tx, in.Person, nil, in.At)
		return err
	})
	if err == nil {
		err = handOverAll(ctx, p.DB, cases, LeaveInput{Person: in.Person, By: in.By, At: in.At}, &LeaveReport{})
	}
	return Final(err)
}

// mayManage tells whether somebody may speak about a person's tasks: the person, their superior, or the process owner.
func mayManage(ctx context.Context, tx *sqlx.Tx, by, id string) (*person.Person, refusal.List, error) {
	p, err := findPerson(ctx, tx, id)
	if err != nil {
		return nil, nil, err
	}
	actor, err := findPerson(ctx, tx, by)
	if err != nil {
		return nil, nil, err
	}
	var list refusal.List
	if actor == nil {
		list = append(list, refusal.New("COM-16", "CBC.0151", "person "+by, "There is no person %q; speak as somebody who is registered.", by))
	}
	if p == nil || !p.OfVendor() {
		return nil, append(list, refusal.New("COM-16", "CBC.0151", "person "+id, "There is no person %q of the vendor.", id)), nil
	}
	if actor == nil {
		return p, list, nil
	}
	var superior string
	if err := tx.GetContext(ctx, &superior, `SELECT coalesce(superior, '') FROM people WHERE person_id = $1`, id); err != nil {
		return nil, nil, fmt.Errorf("read superior: %w", err)
	}
	policy, err := withdrawalPolicy(ctx, tx, 0)
	if err != nil {
		return nil, nil, err
	}
	owner := policy.Chain(withdrawal.Review.Name).Owner
	if !actor.Active || by != id && by != superior && (!actor.OfVendor() || !actor.Holds(owner)) {
		list = append(list, refusal.New("COM-16", "CBC.0151", "person "+id, "%s is neither %s nor their superior and does not hold the role %s; one of these does it.", actor.Name, p.Name, owner))
	}
	return p, list, nil
}

// LeaveInput says that a person leaves.
type LeaveInput struct {
	Person    string
	Successor string // who takes over what was put to the person by name; empty: the process owner
	By        string // the person's superior, or the process owner
	At        time.Time
}

// LeaveReport counts what a person left behind.
type LeaveReport struct {
	HandedOver int `json:"handed_over"` // tasks that the successor has now
	ToOwner    int `json:"to_owner"`    // tasks that the process owner may decide now, since nobody else may
}

// Leave takes a person's authority away at once and hands their open tasks over, a transaction for each case. It may be
// repeated: what was handed over stays so.
func (p *People) Leave(ctx context.Context, in LeaveInput) (LeaveReport, error) {
	in.At = stored(in.At)
	var report LeaveReport
	var cases []string
	err := inTx(ctx, p.DB, func(tx *sqlx.Tx) error {
		if err := lockLeaving(ctx, tx, in); err != nil {
			return err
		}
		_, list, err := mayManage(ctx, tx, in.By, in.Person)
		if err != nil {
			return err
		}
		if in.By == in.Person {
			list = append(list, refusal.New("ENG-02", "ENG_SELF_APPROVAL", "person "+in.Person, "You cannot record your own leaving; your superior or the process owner does it (PGM-07)."))
		}
		if in.Successor != "" && in.Successor == in.By {
			list = append(list, refusal.New("ENG-02", "ENG_SELF_APPROVAL", "person "+in.Person, "You cannot take over the tasks of %s yourself; name another, or nobody: then the process owner decides (PGM-07).", in.Person))
		}
		if in.Successor != "" {
			successor, err := findPerson(ctx, tx, in.Successor)
			if err != nil {
				return err
			}
			if successor == nil || !successor.Active || !successor.OfVendor() || successor.ID == in.Person {
				list = append(list, refusal.New("COM-16", "CBC.0151", "person "+in.Successor, "%q cannot take over; name another of the vendor's active people.", in.Successor))
			}
		}
		if len(list) > 0 {
			return list
		}
		if _, err := tx.ExecContext(ctx, `UPDATE people SET active = false, left_at = coalesce(left_at, $2) WHERE person_id = $1`, in.Person, in.At); err != nil {
			return fmt.Errorf("let %s leave: %w", in.Person, err)
		}
		cases, err = casesAsking(ctx, tx, in.Person, nil, in.At)
		return err
	})
	if err == nil {
		err = handOverAll(ctx, p.DB, cases, in, &report)
	}
	return report, Final(err)
}

// lockLeaving locks who leaves for the change and the others for reading, in the order of their IDs: of two who let people
// leave at once the second waits.
func lockLeaving(ctx context.Context, tx *sqlx.Tx, in LeaveInput) error {
	ids := []string{in.Person, in.By, in.Successor}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		lock := "SHARE"
		if id == in.Person {
			lock = "NO KEY UPDATE"
		}
		if _, err := tx.ExecContext(ctx, `SELECT 1 FROM people WHERE person_id = $1 FOR `+lock, id); err != nil {
			return fmt.Errorf("lock person %s: %w", id, err)
		}
	}
	return nil
}

// casesAsking lists the cases in which a person is asked, by name or by role, or one for whom they stand in; roles are
// those that the person held beside.
func casesAsking(ctx context.Context, tx *sqlx.Tx, id string, roles []string, at time.Time) ([]string, error) {
	var cases []string
	if err := tx.SelectContext(ctx, &cases, casesAskingSQL, id, pq.Array(roles), at); err != nil {
		return nil, fmt.Errorf("look for tasks of %s: %w", id, err)
	}
	return cases, nil
}

const casesAskingSQL = `
	WITH as_whom AS (
		SELECT $1::text AS person_id
		UNION
		SELECT person_id FROM absences WHERE substitute = $1 AND from_at <= $3 AND $3 < to_at)
	SELECT DISTINCT case_number FROM tasks
	 WHERE state IN ('open', 'waiting') AND candidates && (
		SELECT array_agg(w) FROM (
			SELECT 'person:' || person_id AS w FROM as_whom
			UNION
			SELECT 'role:' || role FROM person_roles JOIN as_whom USING (person_id)
			UNION
			SELECT 'role:' || role FROM unnest($2::text[]) role) mine)
	 ORDER BY case_number`

// handOverAll is handOver of several cases, a transaction for each.
func handOverAll(ctx context.Context, db *sqlx.DB, cases []string, in LeaveInput, report *LeaveReport) error {
	for _, number := range cases {
		if err := inTx(ctx, db, func(tx *sqlx.Tx) error { return handOver(ctx, tx, number, in, report) }); err != nil {
			return err
		}
	}
	return nil
}

// handOver gives a case's tasks of a person who left to the successor, or to the owner where nobody may decide any more.
func handOver(ctx context.Context, tx *sqlx.Tx, number string, in LeaveInput, report *LeaveReport) error {
	if _, err := lockCase(ctx, tx, number); err != nil {
		return err
	}
	rounds, err := openRounds(ctx, tx, number)
	if err != nil {
		return err
	}
	for _, r := range rounds {
		before := r.withOwner()
		for _, t := range r.tasks {
			seat := r.standing.Seat(t.Seat)
			if t.State != approval.TaskOpen && t.State != approval.TaskWaiting {
				continue
			}
			if in.Successor != "" && in.Successor != r.openedBy && in.Successor != r.c.Submitter &&
				slices.Contains(seat.Who, approval.PersonWho(in.Person)) && !slices.Contains(seat.Who, approval.PersonWho(in.Successor)) {
				if err := r.succeed(ctx, tx, t, *seat, in); err != nil {
					return err
				}
				report.HandedOver++
			}
			if _, err := r.sync(ctx, tx, t, in.At); err != nil {
				return err
			}
			if _, _, err := r.somebody(ctx, tx, t.Seat, in.At); err != nil {
				return err
			}
		}
		report.ToOwner += r.withOwner() - before
	}
	return nil
}

// withOwner counts the open tasks that the process owner may decide.
func (r *round) withOwner() (n int) {
	for _, t := range r.tasks {
		if t.State == approval.TaskOpen && slices.Contains(t.Candidates, string(approval.RoleWho(r.plan.Owner))) {
			n++
		}
	}
	return n
}

// succeed puts a task to the successor of a person who left; others who are asked beside that person still are.
func (r *round) succeed(ctx context.Context, tx *sqlx.Tx, t taskRow, seat approval.Seat, in LeaveInput) error {
	move := approval.Move{Act: approval.HandOver, Seat: t.Seat, Person: in.By, To: in.Successor}
	if len(seat.Who) > 1 && len(seat.Delegators) == 0 {
		move.Act, move.To, move.Who = approval.Involve, "", approval.PersonWho(in.Successor)
	}
	seq, err := r.say(ctx, tx, said{Move: move, Word: approval.HandOver, How: byPerson, Reason: in.Person + " left", At: in.At})
	if err != nil {
		return err
	}
	return appendHere(ctx, tx, r.c, event{
		Key: fmt.Sprintf("decision/%d", seq), At: in.At, Actor: in.By, Via: viaRequest, Action: "hand over", Note: fmt.Sprintf("%s: to %s, %s left", t.ID, in.Successor, in.Person),
	})
}

// openRounds loads every round of a case that is not over.
func openRounds(ctx context.Context, tx *sqlx.Tx, number string) ([]*round, error) {
	c, err := readCase(ctx, tx, number)
	if err != nil {
		return nil, err
	}
	var open []struct {
		Matter string `db:"matter"`
		Round  int    `db:"round"`
	}
	if err := tx.SelectContext(ctx, &open, `SELECT matter, round FROM approvals WHERE case_number = $1 AND outcome = '' ORDER BY matter, round`, number); err != nil {
		return nil, fmt.Errorf("read rounds: %w", err)
	}
	rounds := make([]*round, len(open))
	for i, o := range open {
		r, err := loadRound(ctx, tx, c, kinds.MatterOf(c.Kind, o.Matter), o.Round)
		if err != nil {
			return nil, err
		}
		rounds[i] = r
	}
	return rounds, nil
}

// appendHere writes an event that leaves the case's state as it is.
func appendHere(ctx context.Context, tx *sqlx.Tx, c caseRow, e event) error {
	now, err := readCase(ctx, tx, c.Number)
	if err != nil {
		return err
	}
	e.Case, e.From, e.To = c.Number, now.State, now.State
	return appendEvent(ctx, tx, e)
}
