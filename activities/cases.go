package activities

import (
	"context"
	"fmt"
	"time"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/refusal"

	"github.com/jmoiron/sqlx"
)

// Cases records what happens to cases of any kind but withdrawals, which have activities of their own.
type Cases struct{ DB *sqlx.DB }

// DecideInput is one person's answer to one task.
type DecideInput struct {
	Decision approval.Decision // its Key is the decision's business key
	BySignal bool
	At       time.Time
}

// Decide judges an answer and does what follows from it: tasks, state, money, next question, notice, in one step.
//
// The same key again returns where the case stands and changes nothing. A refusal is an event of the case.
func (s *Cases) Decide(ctx context.Context, in DecideInput) (Standing, error) {
	in.At = stored(in.At)
	if list := in.Decision.WellFormed(); len(list) > 0 {
		return Standing{}, Final(list)
	}
	p, err := readKind(ctx, s.DB, approval.CaseOf(in.Decision.Task))
	if err != nil {
		return Standing{}, Final(err)
	}
	step := decideStep(s.DB, in)
	return step.do(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) {
		list, err := decide(ctx, tx, p, c, in, step.event())
		if IsNotFound(err) && p.matter(approval.SeatOf(in.Decision.Task)).Approve != "" { // ENG-03: refused and recorded
			return refusal.List{refusal.New("ENG-03", "ENG_STATE", "case "+c.Number, "The case is %s; %s is not asked now.", c.State, in.Decision.Task)}, nil
		}
		return list, err
	})
}

// ClockInput says that the clock may have something to do.
type ClockInput struct {
	Case string
	At   time.Time
}

// Clock does what deadlines ask for up to an instant, in the order of these, each once. What happens has the deadline's
// instant, however late the job is.
func (s *Cases) Clock(ctx context.Context, in ClockInput) (Standing, error) {
	in.At = stored(in.At)
	p, err := readKind(ctx, s.DB, in.Case)
	if err != nil {
		return Standing{}, Final(err)
	}
	step := clockStep(s.DB, in.Case, in.At)
	return step.do(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) {
		e := step.event()
		e.From, e.To = c.State, c.State
		if c.WakeAt != nil && !in.At.Before(*c.WakeAt) {
			if list, err := p.clock(ctx, tx, c, e, in.At); err != nil || len(list) > 0 {
				return list, err
			}
			if c, err = readCase(ctx, tx, c.Number); err != nil {
				return nil, err
			}
			e.From, e.To = c.State, c.State
		}
		rounds, err := openRounds(ctx, tx, c.Number)
		if err != nil {
			return nil, err
		}
		for _, r := range rounds {
			if list, err := tick(ctx, tx, p, c, r, e, in.At); err != nil || len(list) > 0 {
				return list, err
			}
		}
		return nil, nil
	})
}

// clockStep is the clock's step: refused once a day.
func clockStep(db *sqlx.DB, number string, at time.Time) caseStep {
	return caseStep{db: db, number: number, key: "clock/" + calendar.DateOf(at).String(), actor: "clock", via: viaClock, action: "escalate", at: at}
}

// StopInput ends a case for an operator.
type StopInput struct {
	Case   string
	Key    string
	Reason string
	At     time.Time
}

// Stop settles a case whose workflow was cancelled or is gone, as its process allows it.
func (s *Cases) Stop(ctx context.Context, in StopInput) (Standing, error) {
	in.At = stored(in.At)
	p, err := readKind(ctx, s.DB, in.Case)
	if err != nil {
		return Standing{}, Final(err)
	}
	step := caseStep{db: s.DB, number: in.Case, key: "stop/" + in.Key, actor: "operator", via: viaOperator, action: "stop", note: in.Reason, at: in.At}
	return step.do(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) { return p.stop(ctx, tx, c, step.event()) })
}

// ResumeInput binds a case to the run that carries it on.
type ResumeInput struct {
	Case  string
	RunID string
}

// Resumed is a case as a new run takes it over.
type Resumed struct {
	Standing
	RequestDigest []byte `json:"request_digest"` // by which the applicant's own repeat is recognised (COM-20)
}

// Resume lets a new run carry on a case whose workflow is gone.
func (s *Cases) Resume(ctx context.Context, in ResumeInput) (Resumed, error) {
	var now Resumed
	err := inTx(ctx, s.DB, func(tx *sqlx.Tx) (err error) {
		if _, err := lockCase(ctx, tx, in.Case); err != nil {
			return err
		}
		if err := tx.GetContext(ctx, &now.RequestDigest, `UPDATE cases SET run_id = $2 WHERE case_number = $1 RETURNING request_digest`, in.Case, in.RunID); err != nil {
			return fmt.Errorf("bind run: %w", err)
		}
		now.Standing, err = standingOf(ctx, tx, in.Case)
		return err
	})
	return now, Final(err)
}
