package views

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/domain"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/kinds"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/withdrawal"

	"github.com/lib/pq"
)

// Explanation says what a case waits for, who may do what about it, what happens by itself and when, and how it came so far.
type Explanation struct {
	Case          string           `json:"case"`
	Partner       string           `json:"partner"`
	Submitter     string           `json:"submitter"`
	State         domain.State     `json:"state"`
	Route         withdrawal.Route `json:"route"`
	Amount        money.Amount     `json:"amount"`
	Currency      money.Currency   `json:"currency"`
	PolicyVersion int              `json:"policy_version"`
	Summary       string           `json:"summary"`           // one sentence
	Waits         []Wait           `json:"waits"`             // for whom
	Changes       *Changes         `json:"changes,omitempty"` // of a case that was returned
	Rounds        []Round          `json:"rounds"`            // what was asked, and what came of it
	Ahead         []PlannedMatter  `json:"ahead"`             // what follows if all goes well
}

// Wait is one open question.
type Wait struct {
	Task     string             `json:"task"`
	Matter   string             `json:"matter"`
	Round    int                `json:"round"`
	Step     string             `json:"step"`
	State    approval.TaskState `json:"state"` // open; waiting: a signer was put before it
	OpenedAt time.Time          `json:"opened_at"`
	DueAt    *time.Time         `json:"due_at,omitempty"`
	Overdue  bool               `json:"overdue"`
	Asked    string             `json:"asked"` // in words: role finance
	Deciders []Decider          `json:"deciders"`
	Barred   []Decider          `json:"barred"` // who is a candidate and may not, with the reason
	Next     []Tick             `json:"next"`   // what the clock does, in order
	Counted  []string           `json:"counted"`
	Note     string             `json:"note,omitempty"`
}

// Named is the first of those who may decide.
func (w Wait) Named() []Decider { return w.Deciders[:min(MostNamed, len(w.Deciders))] }

// Unnamed is how many more may.
func (w Wait) Unnamed() int { return len(w.Deciders) - len(w.Named()) }

// Tick is something that the clock does.
type Tick struct {
	At   time.Time `json:"at"`
	What string    `json:"what"` // remind, escalate or decide
	Text string    `json:"text"`
}

// Changes is what a returned case waits for.
type Changes struct {
	Until   *time.Time `json:"until,omitempty"`
	People  []Decider  `json:"people"` // who may resubmit or cancel
	Counted string     `json:"counted,omitempty"`
	Reason  string     `json:"reason"`
	By      string     `json:"by"`
}

// Round is one round of one matter.
type Round struct {
	Matter        string      `json:"matter"`
	Round         int         `json:"round"`
	PolicyVersion int         `json:"policy_version"`
	OpenedBy      string      `json:"opened_by"`
	OpenedAt      time.Time   `json:"opened_at"`
	Outcome       string      `json:"outcome,omitempty"` // empty: undecided
	ClosedAt      *time.Time  `json:"closed_at,omitempty"`
	Steps         []RoundStep `json:"steps"`
	Decided       []Said      `json:"decided"`
}

// RoundStep is one step as the round was planned.
type RoundStep struct {
	Step     string   `json:"step"`
	State    string   `json:"state"` // skipped, open, decided, to come, not reached
	Who      []string `json:"who,omitempty"`
	Asked    string   `json:"asked,omitempty"` // in words
	Why      string   `json:"why,omitempty"`   // the condition that asks for it
	Skipped  string   `json:"skipped,omitempty"`
	Parallel bool     `json:"parallel,omitempty"`
	Clock    string   `json:"clock,omitempty"` // its terms in words
}

// Said is one line of what was decided or said.
type Said struct {
	Seq      int              `db:"seq"       json:"seq"`
	Seat     string           `db:"seat"      json:"seat"`
	At       time.Time        `db:"at"        json:"at"`
	Outcome  approval.Outcome `db:"word"      json:"outcome"`
	How      string           `db:"how"       json:"how"` // whose it is: person, substitute, deadline, rule
	Person   string           `db:"person"    json:"person,omitempty"`
	OnBehalf string           `db:"on_behalf" json:"on_behalf,omitempty"`
	Target   string           `db:"target"    json:"to,omitempty"`
	Amount   *money.Amount    `db:"amount"    json:"amount,omitempty"`
	Lines    pq.StringArray   `db:"lines"     json:"lines,omitempty"`
	Reason   string           `db:"reason"    json:"reason,omitempty"`
	Void     bool             `db:"-"         json:"void,omitempty"` // sent back since
	Matter   string           `db:"matter"    json:"-"`
	Round    int              `db:"round"     json:"-"`
	Act      approval.Outcome `db:"act"       json:"-"`
}

// Told is an event's note of this decision as it is written today, if it was written when notes still said "for li:", "to wang:" and
// the reference last. Only what agrees with the decision's own record is one: nobody's own words are taken for it.
func (s Said) Told(note string) (today string, ok bool) {
	var was, is []string
	add := func(ok bool, before, now, with string) {
		if ok {
			was, is = append(was, strings.Replace(before, "X", with, 1)), append(is, strings.Replace(now, "X", with, 1))
		}
	}
	add(s.OnBehalf != "", "for X:", "on behalf of X:", s.OnBehalf)
	add(s.Target != "" && !strings.Contains(s.Target, ":"), "to X:", "goes to X:", s.Target)
	if s.Amount != nil {
		add(true, "X at most:", "at most X:", s.Amount.String())
	}
	add(len(s.Lines) > 0, "only X:", "only the lines X:", strings.Join(s.Lines, ", "))
	rest, ok := strings.CutPrefix(note+":", strings.Join(was, " "))
	if len(was) == 0 || !ok || rest != "" && rest[0] != ' ' {
		return "", false
	}
	rest, ok = strings.CutPrefix(strings.TrimSuffix(strings.TrimSpace(rest), ":"), strings.TrimSpace(s.Reason))
	reference, has := strings.CutPrefix(strings.TrimSpace(rest), "reference ")
	if !ok || !has && rest != "" {
		return "", false
	}
	if has {
		is = append(is, "with reference "+reference+":")
	}
	return strings.TrimSuffix(strings.TrimSpace(strings.Join(is, " ")+" "+strings.TrimSpace(s.Reason)), ":"), true
}

// Whose says whose a decision was: "li", "chen for li", "the deadline", "a rule".
func (s Said) Whose() string {
	switch s.How {
	case "deadline":
		return "the deadline"
	case "rule":
		return "a rule"
	case "substitute":
		return s.Person + " for " + s.OnBehalf
	}
	return s.Person
}

// PlannedMatter is what the case asks next.
type PlannedMatter struct {
	Matter string `json:"matter"`
	Asked  string `json:"asked"`
	Clock  string `json:"clock,omitempty"`
}

// Explain reads a case as of an instant.
func (r Reader) Explain(ctx context.Context, number string, at time.Time) (Explanation, error) {
	var e Explanation
	err := r.look(ctx, at, func(l look) error {
		x := explainer{look: l, e: &e}
		return x.run(ctx, number)
	})
	return e, err
}

type explainer struct {
	look
	e        *Explanation
	c        Case
	byRule   bool
	policy   withdrawal.Policy
	calendar *calendar.Calendar
	pinned   map[roundKey]pinned
	events   []Event
}

func (x *explainer) run(ctx context.Context, number string) (err error) {
	if x.c, err = row[Case](ctx, x.q, "case", number, caseSQL+` WHERE c.case_number = $1`, number); err != nil {
		return err
	}
	c := x.c
	*x.e = Explanation{
		Case: c.Number, Partner: c.Partner, Submitter: c.Submitter, State: c.State, Route: c.Route, Amount: c.Amount, Currency: c.Currency, PolicyVersion: c.PolicyVersion,
		Waits: []Wait{}, Rounds: []Round{}, Ahead: []PlannedMatter{},
	}
	if c.Kind == withdrawal.Kind {
		if x.byRule, err = row[bool](ctx, x.q, "case", number, `SELECT approved_by_rule FROM withdrawals WHERE case_number = $1`, number); err != nil {
			return err
		}
		if x.policy, err = x.look.policy(ctx, c.PolicyVersion); err != nil {
			return err
		}
	}
	if x.calendar, err = x.look.calendar(ctx); err != nil {
		return err
	}
	if x.events, err = rows[Event](ctx, x.q, "events", eventsSQL(x.as), number); err != nil {
		return err
	}
	for _, part := range []func(context.Context) error{x.rounds, x.waits, x.changes, x.ahead} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	x.e.Summary = x.summary()
	return nil
}

// rounds tells what was asked and decided, in the order of the rounds.
func (x *explainer) rounds(ctx context.Context) error {
	type roundRow struct {
		roundKey
		PolicyVersion int        `db:"policy_version"`
		OpenedBy      string     `db:"opened_by"`
		OpenedAt      time.Time  `db:"opened_at"`
		Outcome       string     `db:"outcome"`
		ClosedAt      *time.Time `db:"closed_at"`
	}
	found, err := rows[roundRow](ctx, x.q, "rounds", `
		SELECT case_number, matter, round, policy_version, opened_by, opened_at, outcome, closed_at FROM approvals WHERE case_number = $1
		 ORDER BY opened_at, CASE matter WHEN 'review' THEN 1 WHEN 'send' THEN 2 WHEN 'confirm' THEN 3 ELSE 4 END, round`, x.c.Number)
	if err != nil {
		return err
	}
	said, err := rows[Said](ctx, x.q, "decisions", `
		SELECT seq, matter, round, seat, at, act, word, how, coalesce(person_id, '') AS person, coalesce(on_behalf, '') AS on_behalf, target, amount, lines, `+visible(x.as, "reason", "coalesce((SELECT m.reason FROM remarks m WHERE m.case_number = decisions.case_number AND m.seq = decisions.seq), '')")+` AS reason
		  FROM decisions WHERE case_number = $1 ORDER BY seq`, x.c.Number)
	if err != nil {
		return err
	}
	keys := make([]roundKey, len(found))
	for i, f := range found {
		keys[i] = f.roundKey
	}
	if x.pinned, err = x.look.rounds(ctx, keys); err != nil {
		return err
	}
	for _, f := range found {
		r := Round{
			Matter: f.Matter, Round: f.Round, PolicyVersion: f.PolicyVersion, OpenedBy: f.OpenedBy, OpenedAt: f.OpenedAt, Outcome: f.Outcome, ClosedAt: f.ClosedAt,
			Steps: []RoundStep{}, Decided: []Said{},
		}
		p := x.pinned[f.roundKey]
		for _, s := range p.plan.Steps {
			r.Steps = append(r.Steps, stepOf(s, p.standing, f.Outcome != ""))
		}
		for _, d := range said {
			if d.Matter != f.Matter || d.Round != f.Round {
				continue
			}
			if seat := p.standing.Seat(d.Seat); seat != nil {
				d.Void = seat.Void && (d.Act == approval.Approve || d.Act == approval.Reject)
			}
			r.Decided = append(r.Decided, d)
		}
		x.e.Rounds = append(x.e.Rounds, r)
	}
	return nil
}

// stepOf says where a step of a plan stands.
func stepOf(s approval.PlannedStep, standing approval.Standing, over bool) RoundStep {
	out := RoundStep{Step: s.Name, State: "to come", Why: s.Why, Skipped: s.Skipped, Parallel: s.Parallel, Asked: askedWords(s), Clock: clockTerms(s)}
	for _, who := range s.Seats {
		out.Who = append(out.Who, texts(who)...)
	}
	if over {
		out.State = "not reached"
	}
	for _, seat := range standing.Seats {
		if seat.Step != s.Name || seat.Void {
			continue
		}
		if seat.State == approval.Open || seat.State == approval.Waiting {
			out.State = "open"
			break
		}
		if seat.State != approval.Closed {
			out.State = "decided"
		} else if out.State != "decided" {
			out.State = "closed undecided"
		}
	}
	if s.Skipped != "" {
		out.State, out.Asked, out.Clock, out.Why = "skipped", "", "", ""
	}
	return out
}

// askedWords says whom a planned step asks: "role finance", "2 of person li, person wang".
func askedWords(s approval.PlannedStep) string {
	var seats []string
	for _, seat := range s.Seats {
		seats = append(seats, strings.Join(words(seat), " or "))
	}
	switch s.Mode {
	case approval.All:
		return "all of " + strings.Join(seats, ", ")
	case approval.Votes:
		return fmt.Sprintf("%d of %s", s.Need, strings.Join(seats, ", "))
	case approval.Sequence:
		return strings.Join(seats, ", then ")
	case approval.Any:
	}
	return strings.Join(seats, " or ")
}

func words(who []approval.Who) []string {
	out := make([]string, len(who))
	for i, w := range who {
		out[i] = whoWords(w)
	}
	return out
}

func whoWords(w approval.Who) string {
	if r := w.Role(); r != "" {
		return "role " + string(r)
	}
	return w.Person()
}

func clockTerms(s approval.PlannedStep) string {
	var parts []string
	if !s.Remind.IsZero() {
		parts = append(parts, "reminded after "+s.Remind.Words())
	}
	if !s.Due.IsZero() {
		text := "overdue after " + s.Due.Words()
		if s.Escalate != "" {
			text += ", then role " + string(s.Escalate) + " may decide as well"
		}
		parts = append(parts, text)
	}
	if s.Default != nil {
		parts = append(parts, fmt.Sprintf("after %s the deadline decides: %s", s.Default.After.Words(), s.Default.Outcome))
	}
	return strings.Join(parts, "; ")
}

// openTask is a question as the clock sees it.
type openTask struct {
	roundKey
	ID         string             `db:"task_id"`
	Seat       string             `db:"seat"`
	Step       string             `db:"step"`
	State      approval.TaskState `db:"state"`
	OpenedBy   string             `db:"opened_by"`
	OpenedAt   time.Time          `db:"opened_at"`
	From       time.Time          `db:"counted_from"`
	RemindAt   *time.Time         `db:"remind_at"`
	RemindedAt *time.Time         `db:"reminded_at"`
	DueAt      *time.Time         `db:"due_at"`
	Escalated  *time.Time         `db:"escalated_at"`
	DefaultAt  *time.Time         `db:"default_at"`
}

// waits tells whom the case waits for, and what the clock does meanwhile.
func (x *explainer) waits(ctx context.Context) error {
	found, err := rows[openTask](ctx, x.q, "tasks", `
		SELECT task_id, case_number, matter, round, seat, step, state, opened_by, opened_at, counted_from, remind_at, reminded_at, due_at, escalated_at, default_at
		  FROM tasks WHERE case_number = $1 AND state IN ('open', 'waiting') ORDER BY opened_at, task_id`, x.c.Number)
	if err != nil {
		return err
	}
	for _, t := range found {
		w, err := x.wait(ctx, t)
		if err != nil {
			return err
		}
		x.e.Waits = append(x.e.Waits, w)
	}
	return nil
}

func (x *explainer) wait(ctx context.Context, t openTask) (Wait, error) {
	round := x.pinned[t.roundKey]
	w := Wait{
		Task: t.ID, Matter: t.Matter, Round: t.Round, Step: t.Step, State: t.State, OpenedAt: t.OpenedAt, DueAt: t.DueAt,
		Overdue: t.DueAt != nil && !x.at.Before(*t.DueAt), Deciders: []Decider{}, Barred: []Decider{}, Next: []Tick{}, Counted: []string{},
	}
	seat := round.standing.Seat(t.Seat)
	if seat == nil {
		return w, fmt.Errorf("task %s has no seat", t.ID)
	}
	var err error
	if w.Deciders, w.Barred, err = x.deciders(ctx, seat.Who, rolesOf(seat), x.barred(round, seat, t.OpenedBy)); err != nil {
		return w, err
	}
	switch {
	case t.State == approval.TaskWaiting:
		w.Note = "a signer was put before it; it opens after them"
	case len(seat.Delegators) > 0:
		w.Note = "delegated for an opinion; then it goes back to " + seat.Delegators[len(seat.Delegators)-1]
	case len(w.Deciders) == 0 && x.as == "":
		w.Note = "nobody of those asked is there"
	}
	step := round.plan.Step(t.Step)
	w.Asked = strings.Join(words(seat.Who), " or ")
	if t.State == approval.TaskOpen {
		if w.Next, err = x.ticks(ctx, t, step, seat); err != nil {
			return w, err
		}
	}
	w.Counted, err = x.counted(t, step)
	return w, err
}

// rolesOf is which roles a candidate by name has to hold: none for an opinion.
func rolesOf(s *approval.Seat) []person.Role {
	if len(s.Delegators) > 0 {
		return nil
	}
	return s.Roles
}

// barred is who may not decide a seat although they are asked (ENG-02).
func (x *explainer) barred(round pinned, seat *approval.Seat, asker string) map[string]string {
	barred := map[string]string{}
	if len(seat.Delegators) == 0 {
		for _, id := range round.standing.Signed(seat.Name, round.plan.RepeatSigners) {
			barred[id] = "has decided in this round already (ENG-02)"
		}
	}
	barred[asker] = "asked the question (ENG-02)"
	barred[x.c.Submitter] = "submitted the application (ENG-02)"
	return barred
}

// ticks lists what the clock still does about a task, in order.
func (x *explainer) ticks(ctx context.Context, t openTask, step approval.PlannedStep, seat *approval.Seat) ([]Tick, error) {
	ticks := []Tick{}
	if t.RemindAt != nil && t.RemindedAt == nil {
		ticks = append(ticks, Tick{*t.RemindAt, "remind", "who may decide is reminded"})
	}
	if t.DueAt != nil && t.Escalated == nil {
		tick := Tick{*t.DueAt, "escalate", "it is overdue"}
		if step.Escalate != "" && !slices.Contains(seat.Who, approval.RoleWho(step.Escalate)) {
			able, _, err := x.deciders(ctx, []approval.Who{approval.RoleWho(step.Escalate)}, nil, nil)
			if err != nil {
				return nil, err
			}
			tick.Text += fmt.Sprintf(", and role %s may decide as well", step.Escalate)
			if x.as == "" {
				tick.Text += " (" + namesOf(able) + ")"
			}
		}
		ticks = append(ticks, tick)
	}
	if t.DefaultAt != nil && step.Default != nil {
		ticks = append(ticks, Tick{*t.DefaultAt, "decide", "the deadline decides: " + string(kinds.MatterOf(x.c.Kind, t.Matter).Word(step.Default.Outcome))})
	}
	slices.SortStableFunc(ticks, func(a, b Tick) int { return a.At.Compare(b.At) })
	for i := range ticks {
		if !ticks[i].At.After(x.at) {
			ticks[i].Text += " (at any moment now)"
		}
	}
	return ticks, nil
}

// MostNamed is how many of the people who may decide are named where all would fill a page.
const MostNamed = 6

// namesOf lists people for a sentence; of many the first ones.
func namesOf(people []Decider) string {
	var names []string
	for i, p := range people {
		if i == MostNamed {
			names = append(names, fmt.Sprintf("%d others", len(people)-MostNamed))
			break
		}
		names = append(names, p.Name)
	}
	if len(names) == 0 {
		return "nobody is there"
	}
	return strings.Join(names, ", ")
}

// counted shows how the task's terms are counted. The calendar may have changed since: then the clock counts again.
func (x *explainer) counted(t openTask, step approval.PlannedStep) ([]string, error) {
	lines := []string{}
	terms := []struct {
		name string
		term calendar.Term
		kept *time.Time
	}{{"reminder", step.Remind, t.RemindAt}, {"due", step.Due, t.DueAt}}
	if step.Default != nil {
		terms = append(terms, struct {
			name string
			term calendar.Term
			kept *time.Time
		}{"deadline", step.Default.After, t.DefaultAt})
	}
	for _, k := range terms {
		if k.term.IsZero() || k.kept == nil {
			continue
		}
		at, words, err := closing(k.term, t.From, x.calendar)
		if err != nil {
			return nil, err
		}
		line := k.name + ": " + words
		if at != nil && !at.Truncate(time.Microsecond).Equal(*k.kept) {
			line += fmt.Sprintf(" (kept as %s; the calendar has changed since)", clockWords(*k.kept))
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// changes tells what a returned case waits for.
func (x *explainer) changes(ctx context.Context) error {
	if x.c.Kind != withdrawal.Kind || x.c.State != withdrawal.Awaiting {
		return nil
	}
	people, err := rows[personRow](ctx, x.q, "people", `
		SELECT p.person_id, p.name, coalesce(p.partner_id, '') AS partner_id, p.email, p.active,
		       ARRAY(SELECT role FROM person_roles r WHERE r.person_id = p.person_id ORDER BY role) AS roles
		  FROM people p WHERE active AND (partner_id = $1 OR person_id = $2) ORDER BY person_id`, x.c.Partner, x.c.Submitter)
	if err != nil {
		return err
	}
	c := Changes{Until: x.c.DueAt, People: []Decider{}}
	for _, p := range people {
		if !withdrawal.MayAct(p.person(), x.c.Partner) {
			continue
		}
		d := Decider{Person: p.ID, Name: p.Name, Reason: "acts for partner " + x.c.Partner}
		if p.ID == x.c.Submitter {
			d.Reason = "submitted the application"
		}
		c.People = append(c.People, d)
	}
	for _, r := range x.e.Rounds {
		for _, d := range r.Decided {
			if d.Act != approval.Return {
				continue
			}
			c.By, c.Reason = d.Whose(), d.Reason
			if _, c.Counted, err = closing(x.pinned[roundKey{x.c.Number, r.Matter, r.Round}].plan.ChangesTerm, d.At, x.calendar); err != nil {
				return err
			}
		}
	}
	x.e.Changes = &c
	return nil
}

// ahead lists the questions that follow the present one.
func (x *explainer) ahead(context.Context) error {
	var follow []approval.Matter
	if x.c.Kind != withdrawal.Kind {
		return nil
	}
	switch x.c.State {
	case withdrawal.UnderReview, withdrawal.Awaiting:
		follow = []approval.Matter{withdrawal.Send, withdrawal.Confirm}
	case withdrawal.Approved:
		follow = []approval.Matter{withdrawal.Confirm}
	case withdrawal.Paying, withdrawal.Paid, withdrawal.Refused, withdrawal.Cancelled, withdrawal.Failed, withdrawal.Deleted:
	}
	for _, m := range follow {
		steps, err := paymentPlan(x.policy, m, x.byRule)
		if err != nil {
			return err
		}
		x.e.Ahead = append(x.e.Ahead, PlannedMatter{Matter: m.Name, Asked: askedWords(steps), Clock: clockTerms(steps) + ", from approval"})
	}
	return nil
}

// paymentPlan is the one step of sending or confirming. Wallet money that a rule approved has the wallet's term (WDL-17).
func paymentPlan(p withdrawal.Policy, m approval.Matter, byRule bool) (approval.PlannedStep, error) {
	chain := p.Chain(m.Name)
	if byRule {
		chain.Steps[0].Due = p.WalletTerm
	}
	plan, err := chain.Plan(approval.Facts{Fields: withdrawal.Fields})
	if err != nil {
		return approval.PlannedStep{}, err
	}
	return plan.Steps[0], nil
}

// summary is the one sentence that a person reads first.
func (x *explainer) summary() string {
	e := x.e
	what := fmt.Sprintf("%s is %s: %s %s of %s by %s", e.Case, e.State, e.Amount, e.Currency, e.Partner, e.Route)
	if x.c.Kind != withdrawal.Kind {
		what = fmt.Sprintf("%s is %s: %s, of %s", e.Case, e.State, x.c.About, e.Partner)
	}
	switch {
	case e.Changes != nil:
		until := ""
		if e.Changes.Until != nil {
			until = fmt.Sprintf(" until %s, then it is cancelled", clock(*e.Changes.Until))
		}
		return fmt.Sprintf("%s; %s returned it for changes, and it waits for %s%s.", what, e.Changes.By, namesOf(e.Changes.People), until)
	case x.c.ClosedAt != nil:
		return what + "; " + x.ending() + x.lateReturns() + "."
	}
	var waits []string
	for _, w := range e.Waits {
		text := fmt.Sprintf("%s (%s)", w.Task, x.awaited(w))
		if w.Overdue {
			text += ", overdue"
		}
		waits = append(waits, text)
	}
	switch {
	case len(waits) == 0 && x.c.DueAt != nil: // for somebody who has no tasks: a partner, a member
		return what + "; nobody has a task, and its term ends at " + clock(*x.c.DueAt) + "."
	case len(waits) == 0:
		return what + "; it waits for nothing."
	}
	return what + "; it waits for " + strings.Join(waits, "; ") + "."
}

func (x *explainer) lateReturns() string {
	if len(x.e.Waits) == 0 {
		return ""
	}
	return "; a late return waits for " + x.awaited(x.e.Waits[0])
}

// awaited says for whom a question waits: to a partner's people by role only.
func (x *explainer) awaited(w Wait) string {
	if x.as == "" {
		return namesOf(w.Deciders)
	}
	return w.Asked
}

// ending says how a case ended and by whose verdict: its last step into the state, and the decision behind it.
func (x *explainer) ending() string {
	i := slices.IndexFunc(x.events, func(e Event) bool { return e.To == x.c.State && e.From != e.To })
	if i < 0 {
		return "it has ended"
	}
	e := x.events[i]
	text := fmt.Sprintf("%s by %s at %s", e.Action, actorWords(e), clock(e.At))
	if e.Note != "" {
		text += ": " + e.Note
	}
	if e.Rule != "" {
		text += " (" + e.Rule + ")"
	}
	return text
}

func actorWords(e Event) string {
	switch e.Actor {
	case "clock":
		return "the deadline"
	case "rule":
		return "a rule"
	case "operator":
		return "an operator"
	}
	return e.Actor
}

// matterFacts is what a chain is planned with for a partner and a submitter, before there is a case.
func (l look) matterFacts(ctx context.Context, chain approval.Chain, partner, submitter string, f *approval.Facts) error {
	f.Relations, f.Holders = map[approval.Relation]string{}, map[person.Role][]string{}
	for _, step := range chain.Steps {
		for _, w := range step.Who {
			switch {
			case w.Relation == approval.EcosystemManager:
				id, err := row[string](ctx, l.q, "partner", partner, `SELECT coalesce(ecosystem_manager, '') FROM partners WHERE partner_id = $1`, partner)
				if err != nil {
					return err
				}
				f.Relations[w.Relation] = id
			case w.Relation == approval.Superior:
				id, err := row[string](ctx, l.q, "person", submitter, `SELECT coalesce(superior, '') FROM people WHERE person_id = $1`, submitter)
				if err != nil {
					return err
				}
				f.Relations[w.Relation] = id
			case w.Each:
				ids, err := rows[string](ctx, l.q, "holders", `
					SELECT person_id FROM people JOIN person_roles USING (person_id)
					 WHERE role = $1 AND active AND partner_id IS NULL AND person_id <> $2 ORDER BY person_id`, w.Role, submitter)
				if err != nil {
					return err
				}
				f.Holders[w.Role] = ids
			}
		}
	}
	return nil
}
