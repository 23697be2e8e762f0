package views

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/domain"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/kinds"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"

	"github.com/lib/pq"
)

// How long a page is when nothing is said, and at most.
const (
	pageSize    = 50
	longestPage = 200
)

// InboxFilter narrows an inbox; what is empty does not.
type InboxFilter struct {
	Kind       string // of case
	Matter     string
	Partner    string
	AmountFrom *money.Amount // and more
	AmountTo   *money.Amount // and less
	DueBefore  time.Time     // that instant is out
	Overdue    bool
	Text       string // part of case number, partner's number or name, or payee
	After      string // the Next of the page before
	Limit      int    // 0: 50; at most 200
}

// InboxTask is an open task as an inbox shows it.
type InboxTask struct {
	Task
	Seat        string       `db:"seat"         json:"seat"`
	CaseState   domain.State `db:"case_state"   json:"case_state"`
	Submitter   string       `db:"submitter"    json:"submitter"`
	PartnerName string       `db:"partner_name" json:"partner_name"`
	Holder      string       `db:"holder"       json:"holder,omitempty"`
	Overdue     bool         `db:"-"            json:"overdue"`
	Why         *Why         `db:"-"            json:"why,omitempty"` // why it is this person's; nil: it is not
	Doubt       bool         `db:"doubt"        json:"-"`             // only the round itself tells whether it is
}

// Why says why a task is somebody's.
type Why struct {
	Role     person.Role `json:"role,omitempty"`      // empty: by name
	OnBehalf string      `json:"on_behalf,omitempty"` // for whom they stand in
}

// String is "role vendor-finance", "by name" or either "for li".
func (w Why) String() string {
	text := "by name"
	if w.Role != "" {
		text = "role " + string(w.Role)
	}
	if w.OnBehalf != "" {
		text += ", standing in for " + w.OnBehalf
	}
	return text
}

// InboxPage is some tasks in the order of their due times; those that are never due come last.
type InboxPage struct {
	Tasks []InboxTask `json:"tasks"`
	Next  string      `json:"next,omitempty"` // where the next page begins; empty: there is none
}

// InboxCounts are what somebody sees at a glance.
type InboxCounts struct {
	Open     int `db:"open"    json:"open"`
	Overdue  int `db:"overdue" json:"overdue"`
	DueToday int `db:"today"   json:"due_today"` // not overdue yet, but at midnight in UTC+8
	Waiting  int `db:"-"       json:"waiting_for_others"`
}

// Inbox lists what a person may decide at an instant: by role, by name, and for those they stand in for. What they asked
// themselves is not among it, nor what they have a say in already in this round (ENG-02): the same answer as the deciding
// transaction's.
func (r Reader) Inbox(ctx context.Context, personID string, f InboxFilter, at time.Time) (InboxPage, error) {
	var page InboxPage
	err := r.asSeenBy(ctx, personID, at, func(s seer) (err error) {
		page, err = s.page(ctx, f, s.inboxQuery(f), func(t InboxTask) bool { return t.Why != nil })
		return err
	})
	return page, err
}

// WaitingForOthers lists open tasks that somebody else has to decide, in cases that the person submitted or has decided
// something in. Of a partner's people, who may act for the partner sees all its cases, and nobody sees another partner's.
func (r Reader) WaitingForOthers(ctx context.Context, personID string, f InboxFilter, at time.Time) (InboxPage, error) {
	var page InboxPage
	err := r.asSeenBy(ctx, personID, at, func(s seer) (err error) {
		page, err = s.page(ctx, f, s.waitingQuery(f), func(t InboxTask) bool { return t.Why == nil })
		for i := range page.Tasks {
			page.Tasks[i].Why = nil
		}
		return err
	})
	return page, err
}

// seer is a person who looks, with what they may decide as.
type seer struct {
	look
	approval.Party
	who    []string // as whom they may decide
	others []string // for whom they stand in
}

// asSeenBy asks without a transaction, whose round trips would cost as much as the page: what happens between two of its
// statements makes the answer newer, not wrong.
func (r Reader) asSeenBy(ctx context.Context, id string, at time.Time, f func(seer) error) error {
	s := seer{look: look{r.q(), at, r.as}, others: []string{}}
	var err error
	if s.Party, err = s.party(ctx, id); err != nil {
		return err
	}
	for _, p := range s.StandsInFor {
		s.others = append(s.others, p.ID)
	}
	s.who = whoIs(s.Party)
	return f(s)
}

// whoIs is as whom a person may decide: what the function who_is answers in SQL, without its cost.
func whoIs(by approval.Party) []string {
	who := []string{}
	if !by.Active {
		return who
	}
	for _, p := range append([]person.Person{by.Person}, by.StandsInFor...) {
		if !p.Active {
			continue
		}
		who = append(who, string(approval.PersonWho(p.ID)))
		if !p.OfVendor() {
			continue
		}
		for _, r := range p.Roles {
			who = append(who, string(approval.RoleWho(r)))
		}
	}
	slices.Sort(who)
	return slices.Compact(who)
}

// query is a statement that is put together: each fragment takes the number of its own parameter as %[1]d.
type query struct {
	text strings.Builder
	args []any
}

func (q *query) add(fragment string, args ...any) {
	numbers := make([]any, len(args))
	for i, a := range args {
		q.args = append(q.args, a)
		numbers[i] = len(q.args)
	}
	if len(args) > 0 {
		fragment = fmt.Sprintf(fragment, numbers...)
	}
	q.text.WriteString(fragment)
}

// pageQuery reads the page after a cursor.
type pageQuery func(after cursor, limit int) *query

// inboxQuery reads each index range of the inbox from the cursor on, as far as a page needs, and merges them. Filters
// stand inside, so that the limit counts only what passes them. The ranges are named one by one: Postgres then knows that
// a role has thousands of rows and a person few, and reads the long ones in the index's order.
func (s seer) inboxQuery(f InboxFilter) pageQuery {
	return func(after cursor, limit int) *query {
		q := &query{}
		q.add(`(SELECT i.due_at, i.task_id FROM inbox i WHERE i.who = @ AND (i.due_at, i.task_id) > ($%d::timestamptz, $%d)`, after.due, after.task)
		q.add(` AND $%d NOT IN (i.asked_by, i.submitter)`, s.ID)
		s.narrow(q, f)
		q.add(` ORDER BY i.due_at, i.task_id LIMIT $%d)`, limit)
		one := q.text.String()
		q.text.Reset()
		f.with(q)
		q.add(`page AS MATERIALIZED (SELECT due_at, task_id FROM (`)
		for i, w := range s.who {
			if i > 0 {
				q.add(` UNION `)
			}
			q.args = append(q.args, w)
			q.text.WriteString(strings.ReplaceAll(one, "@", "$"+strconv.Itoa(len(q.args))))
		}
		q.add(`) AS mine ORDER BY due_at, task_id LIMIT $%d)`, limit)
		s.columns(q)
		q.add(` FROM page JOIN tasks t USING (task_id)` + caseJoins + ` ORDER BY page.due_at, page.task_id`)
		return q
	}
}

// waitingQuery reads the open tasks of the cases in which a person has a part, without those that are surely their own.
func (s seer) waitingQuery(f InboxFilter) pageQuery {
	return func(after cursor, limit int) *query {
		q := &query{}
		f.with(q)
		q.add(`found AS (`)
		s.waiting(q, f)
		q.add(`), page AS MATERIALIZED (SELECT due_at, task_id FROM found WHERE (doubt OR NOT asked) AND (due_at, task_id) > ($%d::timestamptz, $%d)`, after.due, after.task)
		q.add(` ORDER BY due_at, task_id LIMIT $%d)`, limit)
		s.columns(q)
		q.add(` FROM page JOIN tasks t USING (task_id)` + caseJoins + ` ORDER BY page.due_at, page.task_id`)
		return q
	}
}

// waiting lists the tasks of those cases, whether the person is among the candidates, and whether that says enough. The cases are
// found from the person, not the person in all that is open.
func (s seer) waiting(q *query, f InboxFilter) {
	q.add(`SELECT i.task_id, i.due_at, bool_or(i.who = ANY ($%d)) AS asked, bool_or(i.who LIKE 'person:%%'`, pq.Array(s.who))
	q.add(` OR i.asked_by = ANY ($%d) OR i.submitter = ANY ($%[1]d)) OR `+touchedSQL+` AS doubt`, pq.Array(append([]string{s.ID}, s.others...)))
	q.add(` FROM inbox i WHERE i.task_id IN (SELECT task_id FROM inbox WHERE submitter = $%d UNION ALL SELECT task_id FROM inbox WHERE asked_by = $%[1]d
		UNION ALL SELECT o.task_id FROM decisions d JOIN inbox o USING (case_number) WHERE d.person_id = $%[1]d AND `+answersSQL, s.ID)
	if acts := kinds.ActedIn(s.Person, s.PartnerID); !s.OfVendor() && len(acts) > 0 {
		q.add(` UNION ALL SELECT task_id FROM inbox WHERE partner_id = $%d AND kind = ANY ($%d)`, s.PartnerID, pq.Array(acts))
	}
	q.add(`)`)
	if !s.OfVendor() {
		q.add(` AND i.partner_id = $%d`, s.PartnerID)
	}
	s.narrow(q, f)
	q.add(` GROUP BY i.task_id, i.due_at, i.case_number, i.matter, i.round`)
}

// touchedSQL tells of a task of the list i whether one of these people decided something in its round, or somebody did for them.
const touchedSQL = `(SELECT true FROM decisions d WHERE (d.case_number, d.matter, d.round) = (i.case_number, i.matter, i.round) AND (d.person_id = ANY ($%[1]d) OR d.on_behalf = ANY ($%[1]d)) LIMIT 1) IS NOT NULL`

// answersSQL is what counts as a decision; the index decisions_by_person has the same words.
const answersSQL = `act IN ('approve', 'reject', 'return', 'back')`

// narrow adds a filter on the list i, which has all that one looks for but partners' names.
func (s seer) narrow(q *query, f InboxFilter) {
	optional := func(is bool, fragment string, arg any) {
		if is {
			q.add(` AND i.`+fragment, arg)
		}
	}
	optional(f.Kind != "", `kind = $%d`, f.Kind)
	optional(f.Matter != "", `matter = $%d`, f.Matter)
	optional(f.Partner != "", `partner_id = $%d`, f.Partner)
	optional(f.AmountFrom != nil, `amount >= $%d`, f.AmountFrom)
	optional(f.AmountTo != nil, `amount <= $%d`, f.AmountTo)
	optional(!f.DueBefore.IsZero(), `due_at < $%d`, f.DueBefore)
	optional(f.Overdue, `due_at <= $%d`, s.at) // the closing instant is late (PGM-02)
	if f.Text != "" {
		q.add(` AND (strpos(i.case_number, (SELECT upper($%[1]d))) > 0 OR strpos(i.payee, (SELECT lower($%[1]d))) > 0 OR i.partner_id IN (SELECT partner_id FROM named))`, f.Text)
	}
}

// with begins a statement that narrows a list: with the partners whose number or name has the text, which are looked through once.
func (f InboxFilter) with(q *query) {
	q.add(`WITH `)
	if f.Text != "" {
		q.add(`named AS MATERIALIZED (SELECT partner_id FROM partners WHERE partner_id ILIKE $%[1]d OR name ILIKE $%[1]d), `, part(f.Text))
	}
}

// columns lists what a page shows of each task.
func (s seer) columns(q *query) {
	q.add(` SELECT t.task_id, t.case_number, c.kind, c.partner_id, t.matter, t.round, t.step, t.question, t.candidates, t.opened_by, t.opened_at, t.remind_at, t.due_at, t.escalated_at,
		t.default_at, t.state, coalesce(t.amount, w.amount, c.amount) AS amount, t.seat, c.state AS case_state, c.submitter, p.name AS partner_name, coalesce(w.holder, '') AS holder, `)
	s.doubt(q)
	q.add(` AS doubt`)
}

const caseJoins = ` JOIN cases c USING (case_number) JOIN partners p USING (partner_id) LEFT JOIN withdrawals w USING (case_number)`

// doubt is a condition on tasks t and cases c: who is a candidate may still not decide, because of what they or one they
// stand in for did in the round, or because the seat went to somebody by name, who has to hold a role beside.
func (s seer) doubt(q *query) {
	q.add(`(t.opened_by = ANY ($%d) OR c.submitter = ANY ($%[1]d)`, pq.Array(s.others))
	q.add(` OR EXISTS (SELECT 1 FROM decisions d WHERE (d.case_number, d.matter, d.round) = (t.case_number, t.matter, t.round)
		AND (d.act IN ('approve', 'reject') AND (d.person_id = ANY ($%d) OR d.on_behalf = ANY ($%[1]d)) OR d.act IN ('transfer', 'delegate', 'hand-over') AND d.seat = t.seat)))`,
		pq.Array(append([]string{s.ID}, s.others...)))
}

// page reads on until it is full or nothing is left: what a query lets through and the round itself does not, costs no line.
func (s seer) page(ctx context.Context, f InboxFilter, read pageQuery, keep func(InboxTask) bool) (InboxPage, error) {
	limit := limited(f.Limit)
	page := InboxPage{Tasks: []InboxTask{}}
	if len(s.who) == 0 { // has left
		return page, nil
	}
	after, err := parseCursor(f.After)
	for batch := limit + 1; err == nil; batch *= 2 {
		q := read(after, batch)
		var found []InboxTask
		if found, err = rows[InboxTask](ctx, s.q, "inbox", q.text.String(), q.args...); err != nil {
			break
		}
		if err = s.explainAll(ctx, found); err != nil {
			break
		}
		for _, t := range found {
			after = cursorOf(t)
			if !keep(t) {
				continue
			}
			if len(page.Tasks) == limit {
				page.Next = cursorOf(page.Tasks[limit-1]).String()
				return page, nil
			}
			page.Tasks = append(page.Tasks, t)
		}
		if len(found) < batch {
			return page, nil
		}
	}
	return InboxPage{}, err
}

func limited(n int) int {
	if n <= 0 {
		return pageSize
	}
	return min(n, longestPage)
}

// explainAll says of each task why it is the person's, as the deciding transaction would.
func (s seer) explainAll(ctx context.Context, tasks []InboxTask) error {
	var doubted []roundKey
	for _, t := range tasks {
		if t.Doubt {
			doubted = append(doubted, t.key())
		}
	}
	var rounds map[roundKey]pinned
	if len(doubted) > 0 {
		var err error
		if rounds, err = s.rounds(ctx, doubted); err != nil {
			return err
		}
	}
	for i := range tasks {
		t := &tasks[i]
		t.Overdue = t.DueAt != nil && !t.DueAt.After(s.at)
		seat := approval.Seat{Name: t.Seat, Step: t.Step, State: approval.Open}
		for _, c := range t.Candidates {
			seat.Who = append(seat.Who, approval.Who(c))
		}
		signed := []string{}
		if t.Doubt {
			round := rounds[t.key()]
			if found := round.standing.Seat(t.Seat); found != nil {
				seat = *found
			}
			if len(seat.Delegators) == 0 { // an opinion binds nobody
				signed = round.standing.Signed(t.Seat, round.plan.RepeatSigners)
			}
		}
		t.Why = s.mayDecide(seat, append(signed, t.OpenedBy, t.Submitter))
	}
	return nil
}

func (t InboxTask) key() roundKey { return roundKey{t.Case, t.Matter, t.Round} }

// mayDecide tells why a person may decide a seat; nil: they may not.
func (s seer) mayDecide(seat approval.Seat, barred []string) *Why {
	principal, ok := seat.For(s.Party)
	if !ok || slices.Contains(barred, s.ID) || slices.Contains(barred, principal.ID) {
		return nil
	}
	var why Why
	if principal.ID != s.ID {
		why.OnBehalf = principal.ID
	}
	if slices.Contains(seat.Who, approval.PersonWho(principal.ID)) {
		return &why
	}
	for _, w := range seat.Who {
		if role := w.Role(); role != "" && principal.Holds(role) {
			why.Role = role
			break
		}
	}
	return &why
}

// cursor is a place in a list by due time.
type cursor struct{ due, task string }

func (c cursor) String() string { return c.due + "_" + c.task }

func cursorOf(t InboxTask) cursor {
	if t.DueAt == nil {
		return cursor{"infinity", t.ID}
	}
	return cursor{t.DueAt.UTC().Format(time.RFC3339Nano), t.ID}
}

func parseCursor(text string) (cursor, error) {
	if text == "" {
		return cursor{"-infinity", ""}, nil
	}
	due, task, ok := strings.Cut(text, "_")
	if !ok || due != "infinity" && !instant(due) || !approval.Fits(64, task) {
		return cursor{}, badCursor(text)
	}
	return cursor{due, task}, nil
}

// placed is where a page ends whose rows are in the order of an instant and of a name: "2026-11-20T04:00:00Z_W000003".
func placed(text string) (at, name string, err error) {
	at, name, ok := strings.Cut(text, "_")
	if !ok || !instant(at) {
		return "", "", badCursor(text)
	}
	return at, name, nil
}

// instant tells whether a text is an instant that the database knows, too: it has no year 0.
func instant(text string) bool {
	at, err := time.Parse(time.RFC3339Nano, text)
	return err == nil && at.UTC().Year() > 0
}

func badCursor(text string) error {
	return refusal.List{refusal.New("COM-08", "CBC.0100", "page", "%q is not where a page ends; take it from the answer before, or begin anew.", text)}
}

// InboxCounts counts what a person may decide, and what others have to decide in their cases.
func (r Reader) InboxCounts(ctx context.Context, personID string, at time.Time) (InboxCounts, error) {
	var n InboxCounts
	err := r.asSeenBy(ctx, personID, at, func(s seer) (err error) {
		if n, err = s.count(ctx); err != nil {
			return err
		}
		n.Waiting, err = s.countWaiting(ctx)
		return err
	})
	return n, err
}

func (s seer) count(ctx context.Context) (InboxCounts, error) {
	q := &query{}
	q.add(`WITH decided AS MATERIALIZED (SELECT case_number FROM decisions WHERE person_id = ANY ($%[1]d) AND `+answersSQL+` UNION ALL SELECT case_number FROM decisions WHERE on_behalf = ANY ($%[1]d)),
		seen AS MATERIALIZED (SELECT task_id, due_at, who LIKE 'person:%%' OR i.case_number IN (SELECT case_number FROM decided) AND `+touchedSQL, pq.Array(append([]string{s.ID}, s.others...)))
	q.add(` OR asked_by = ANY ($%[1]d) OR submitter = ANY ($%[1]d) AS doubt`, pq.Array(s.others))
	q.add(` FROM inbox i WHERE who = ANY ($%[1]d) AND (cardinality(before) = 0 OR NOT before && $%[1]d) AND $%[2]d NOT IN (asked_by, submitter)) SELECT count(*) FILTER (WHERE NOT doubt) AS open, `, pq.Array(s.who), s.ID)
	midnight := calendar.DateOf(s.at).AddDays(1).Start()
	q.add(`count(*) FILTER (WHERE NOT doubt AND due_at <= $%d) AS overdue, count(*) FILTER (WHERE NOT doubt AND due_at > $%[1]d AND due_at <= $%d) AS today,
		coalesce(array_agg(task_id) FILTER (WHERE doubt), '{}') AS doubted FROM seen`, s.at, midnight)
	n, err := row[struct {
		InboxCounts
		Doubted pq.StringArray `db:"doubted"`
	}](ctx, s.q, "inbox of", s.ID, q.text.String(), q.args...)
	if err != nil {
		return n.InboxCounts, err
	}
	doubted, err := s.byID(ctx, n.Doubted)
	for _, t := range doubted {
		if t.Why == nil {
			continue
		}
		n.Open++
		switch {
		case t.Overdue:
			n.Overdue++
		case t.DueAt != nil && !t.DueAt.After(midnight):
			n.DueToday++
		}
	}
	return n.InboxCounts, err
}

func (s seer) countWaiting(ctx context.Context) (int, error) {
	q := &query{}
	q.add(`WITH found AS (`)
	s.waiting(q, InboxFilter{})
	q.add(`) SELECT count(*) FILTER (WHERE NOT asked) AS others, coalesce(array_agg(task_id) FILTER (WHERE asked AND doubt), '{}') AS perhaps FROM found`)
	n, err := row[struct {
		Others  int            `db:"others"`
		Perhaps pq.StringArray `db:"perhaps"`
	}](ctx, s.q, "cases of", s.ID, q.text.String(), q.args...)
	if err != nil {
		return 0, err
	}
	perhaps, err := s.byID(ctx, n.Perhaps)
	for _, t := range perhaps {
		if t.Why == nil {
			n.Others++
		}
	}
	return n.Others, err
}

func (s seer) byID(ctx context.Context, ids []string) ([]InboxTask, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	q := &query{}
	s.columns(q)
	q.add(` FROM tasks t`+caseJoins+` WHERE t.task_id = ANY ($%d)`, pq.Array(ids))
	found, err := rows[InboxTask](ctx, s.q, "tasks", q.text.String(), q.args...)
	if err != nil {
		return nil, err
	}
	return found, s.explainAll(ctx, found)
}

// Decision is something that a person decided.
type Decision struct {
	Task         string           `db:"task_id"       json:"task"`
	Case         string           `db:"case_number"   json:"case"`
	Seq          int              `db:"seq"           json:"seq"` // in the case
	Kind         string           `db:"kind"          json:"kind"`
	Partner      string           `db:"partner_id"    json:"partner"`
	PartnerName  string           `db:"partner_name"  json:"partner_name"`
	Matter       string           `db:"matter"        json:"matter"`
	Round        int              `db:"round"         json:"round"`
	Step         string           `db:"step"          json:"step"`
	At           time.Time        `db:"at"            json:"at"`
	Outcome      approval.Outcome `db:"word"          json:"outcome"`
	OnBehalf     string           `db:"on_behalf"     json:"on_behalf,omitempty"` // for whom they stood in
	Amount       *money.Amount    `db:"amount"        json:"amount,omitempty"`    // that they approved, where it is less than was asked for
	Reason       string           `db:"reason"        json:"reason,omitempty"`
	CaseState    domain.State     `db:"case_state"    json:"case_state"` // now
	RoundOutcome string           `db:"round_outcome" json:"round_outcome,omitempty"`
}

// DecidedPage is some decisions, the newest first.
type DecidedPage struct {
	Decisions []Decision `json:"decisions"`
	Next      string     `json:"next,omitempty"` // where the next page begins; empty: there is none
}

// Decided lists what a person decided, also for others, and what they said as an opinion; after is the Next of the page before.
func (r Reader) Decided(ctx context.Context, personID, after string, limit int) (DecidedPage, error) {
	page := DecidedPage{Decisions: []Decision{}}
	if err := r.mustExist(ctx, "person", personID, personExistsSQL); err != nil {
		return page, err
	}
	at, number, seq := "infinity", "", int64(0)
	if after != "" {
		parts := strings.Split(after, "_")
		if len(parts) != 3 {
			return page, badCursor(after)
		}
		n, err := strconv.ParseInt(parts[2], 10, 32)
		if err != nil || !instant(parts[0]) || !approval.Fits(64, parts[1]) {
			return page, badCursor(after)
		}
		at, number, seq = parts[0], parts[1], n
	}
	limit = limited(limit)
	found, err := rows[Decision](ctx, r.q(), "decisions", decidedSQL, personID, at, number, seq, limit+1)
	if err != nil {
		return page, err
	}
	if len(found) > limit {
		found = found[:limit]
		last := found[limit-1]
		page.Next = fmt.Sprintf("%s_%s_%d", last.At.UTC().Format(time.RFC3339Nano), last.Case, last.Seq)
	}
	page.Decisions = found
	return page, nil
}

const decidedSQL = `
	SELECT t.task_id, d.case_number, d.seq, c.kind, c.partner_id, p.name AS partner_name, d.matter, d.round, t.step, d.at, d.word, coalesce(d.on_behalf, '') AS on_behalf,
	       d.amount, d.reason, c.state AS case_state, a.outcome AS round_outcome
	  FROM (SELECT * FROM decisions WHERE person_id = $1 AND ` + answersSQL + ` AND (at, case_number, seq) < ($2::timestamptz, $3, $4)
	         ORDER BY at DESC, case_number DESC, seq DESC LIMIT $5) AS d
	  JOIN tasks t USING (case_number, matter, round, seat) JOIN approvals a USING (case_number, matter, round)
	  JOIN cases c USING (case_number) JOIN partners p USING (partner_id)
	 ORDER BY d.at DESC, d.case_number DESC, d.seq DESC`

// InboxQueryPlan shows how Postgres reads a page; for measurements.
func (r Reader) InboxQueryPlan(ctx context.Context, personID string, f InboxFilter, at time.Time) (string, error) {
	var lines []string
	err := r.asSeenBy(ctx, personID, at, func(s seer) error {
		after, err := parseCursor(f.After)
		if err != nil {
			return err
		}
		q := s.inboxQuery(f)(after, limited(f.Limit)+1)
		lines, err = rows[string](ctx, s.q, "plan", `EXPLAIN (ANALYZE, BUFFERS) `+q.text.String(), q.args...)
		return err
	})
	return strings.Join(lines, "\n"), err
}
