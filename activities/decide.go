package activities

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/refusal"

	"github.com/jmoiron/sqlx"
)

// decideStep is the step of one answer.
func decideStep(db *sqlx.DB, in DecideInput) caseStep {
	step := caseStep{db: db, number: approval.CaseOf(in.Decision.Task), key: "decide/" + in.Decision.Key, actor: in.Decision.Person, via: viaRequest, action: string(in.Decision.Outcome), at: in.At}
	if in.BySignal {
		step.via = viaSignal
	}
	return step
}

// decide judges an answer to a task of any kind of case, and does what follows from it.
func decide(ctx context.Context, tx *sqlx.Tx, p process, c caseRow, in DecideInput, e event) (refusal.List, error) {
	d, at := in.Decision, in.At
	switch digest, err := decidedBefore(ctx, tx, d.Key); {
	case err != nil:
		return nil, err
	case bytes.Equal(digest, d.Digest()):
		return nil, nil // decided by this very request
	case digest != nil:
		return refusal.List{rules["com_20_decision_key"]}, nil
	}
	task, tasks, err := findTask(ctx, tx, d.Task)
	if err != nil {
		return nil, err
	}
	r, err := roundOf(ctx, tx, c, p.matter(task.Matter), task.Round, tasks)
	if err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, `SELECT 1 FROM partners WHERE partner_id = $1 FOR SHARE`, c.Partner); err != nil { // partners before people, as load does
		return nil, fmt.Errorf("lock partner: %w", err)
	}
	move, who, list, err := judge(ctx, tx, p, c, r, task, in)
	if err != nil || len(list) > 0 {
		return list, err
	}
	line := said{Move: move, Word: d.Outcome, How: byPerson, Reason: strings.TrimSpace(d.Reason), At: at, Key: d.Key, Digest: d.Digest()}
	if move.OnBehalf != "" {
		line.How = bySubstitute
	}
	seq, err := r.say(ctx, tx, line)
	if err != nil {
		return nil, err
	}
	e.Key, e.From, e.To, e.Note = fmt.Sprintf("decision/%d", seq), c.State, c.State, decisionNote(d, move) // never a key that a caller could choose
	if !move.Act.IsMove() {
		return nil, onlySaid(ctx, tx, c, r, task, who, line, e)
	}
	if err := r.answered(ctx, tx, line, d.Reference); err != nil {
		return nil, err
	}
	return follow(ctx, tx, p, c, r, line, d.Reference, e)
}

// decisionNote says in the history what a decision was about; what people wrote themselves comes last.
func decisionNote(d approval.Decision, m approval.Move) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if m.OnBehalf != "" {
		add("on behalf of %s:", m.OnBehalf)
	}
	if m.To != "" {
		add("goes to %s:", m.To)
	}
	if m.Amount != nil {
		add("at most %s:", m.Amount)
	}
	if len(m.Lines) > 0 {
		add("only the lines %s:", strings.Join(m.Lines, ", "))
	}
	if d.Reference != "" {
		add("with reference %s:", d.Reference)
	}
	if reason := strings.TrimSpace(d.Reason); reason != "" {
		add("%s", reason)
	}
	return strings.TrimSuffix(strings.Join(parts, " "), ":")
}

// judge collects the facts, as locked, and judges a decision by them.
func judge(ctx context.Context, tx *sqlx.Tx, p process, c caseRow, r *round, task taskRow, in DecideInput) (approval.Move, approval.People, refusal.List, error) {
	d := in.Decision
	var who approval.People
	known, err := p.facts(ctx, tx, c)
	if err != nil {
		return approval.Move{}, who, nil, err
	}
	who.BySignal, who.Signals = in.BySignal, known.Signals
	if who.By, err = findParty(ctx, tx, d.Person, in.At); err != nil {
		return approval.Move{}, who, nil, err
	}
	who.OwnSide = who.By != nil && (d.Person == c.Submitter || known.OwnSide(who.By.Person))
	if d.To != "" {
		if who.To, err = findParty(ctx, tx, d.To, in.At); err != nil {
			return approval.Move{}, who, nil, err
		}
	}
	move, list := approval.Judge(d, in.At, approval.Round{
		Matter: r.matter, Seat: task.Seat, CaseState: c.State, Number: r.number, Latest: r.latest, Plan: r.plan, Moves: r.moves,
		Partner: c.Partner, Submitter: c.Submitter, OpenedBy: r.openedBy, Applied: r.applied, Amount: known.Amount, Lines: known.Lines, Ended: r.ended, Changed: r.changed,
		DefaultAt: task.DefaultAt, History: func(string) string { return task.history() },
	}, who)
	if move.Act == approval.Urge {
		again, err := urgedAgain(ctx, tx, c.Number, task, in.At)
		if err != nil {
			return move, who, nil, err
		}
		list = append(list, again...)
	}
	own, err := p.guard(ctx, tx, c, r, task, d, move)
	return move, who, append(list, own...), err
}

// urgedAgain refuses to urge a task twice within an hour.
func urgedAgain(ctx context.Context, tx *sqlx.Tx, number string, task taskRow, at time.Time) (refusal.List, error) {
	var last *time.Time
	if err := tx.GetContext(ctx, &last, `
		SELECT max(at) FROM decisions WHERE case_number = $1 AND matter = $2 AND round = $3 AND seat = $4 AND act = $5`,
		number, task.Matter, task.Round, task.Seat, approval.Urge); err != nil {
		return nil, fmt.Errorf("look for urges: %w", err)
	}
	if last == nil || !at.Before(last.Add(time.Hour)) {
		return nil, nil
	}
	return refusal.List{refusal.New("ENG-03", "ENG_STATE", "task "+task.ID, "The task was urged at %s; it can be urged again an hour later.", calendar.Shown(*last))}, nil
}

// onlySaid records what was only said, and tells those it is meant for.
func onlySaid(ctx context.Context, tx *sqlx.Tx, c caseRow, r *round, task taskRow, who approval.People, line said, e event) error {
	if err := appendEvent(ctx, tx, e); err != nil {
		return err
	}
	notice, people := approval.TaskSaid, []string{}
	var err error
	seat := r.standing.Seat(task.Seat)
	switch {
	case line.Act == approval.Copy:
		notice, people = approval.TaskCopied, []string{line.To}
	case line.Act == approval.Ask:
		notice, people = approval.TaskAsked, []string{c.Submitter}
	case !who.OwnSide: // the other side is told: who applied, or who decides
		people = []string{c.Submitter}
	case seat != nil && seat.State == approval.Open:
		people, err = r.deciders(ctx, tx, *seat, e.At)
	}
	if err != nil {
		return err
	}
	if line.Act == approval.Urge {
		notice = approval.TaskUrged
	}
	return notifyTask(ctx, tx, c, task, notice, e.Actor, line.Reason, people, e.Key+"/"+c.Number, e.At)
}

// follow does what a move leads to: other tasks, or the end of the round and what the process makes of it.
func follow(ctx context.Context, tx *sqlx.Tx, p process, c caseRow, r *round, line said, reference string, e event) (refusal.List, error) {
	if list, err := r.sync(ctx, tx, *r.task(line.Seat), e.At); err != nil || len(list) > 0 {
		return list, err
	}
	outcome := r.standing.Outcome
	if outcome == "" {
		return nil, appendEvent(ctx, tx, e)
	}
	if outcome == approval.Approve && r.changed && r.matter.Worked { // also where nobody's approval ended the round
		return refusal.List{refusal.New("ENG-03", "ENG_STATE", "case "+c.Number, "What is applied for has changed since the round was opened, so its approvals are void; return it for changes or refuse it.")}, nil
	}
	return p.conclude(ctx, tx, c, r, conclusion{outcome: outcome, line: line, reference: reference, e: e})
}

// close ends the round and tells those who took part.
func (r *round) close(ctx context.Context, tx *sqlx.Tx, end conclusion) error {
	if err := r.closeRound(ctx, tx, end.outcome, end.e.At); err != nil {
		return err
	}
	return r.tellOutcome(ctx, tx, end.line, end.outcome, end.e)
}
