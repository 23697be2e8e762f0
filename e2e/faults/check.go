package main

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/workflows"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
)

// finding is something that is not as it has to be.
type finding struct {
	Check   string `json:"check"`
	Object  string `json:"object"`
	Message string `json:"message"`
	passing bool   // it may be over in a moment: something still runs
}

func (f finding) String() string { return fmt.Sprintf("%s: %s: %s", f.Check, f.Object, f.Message) }

// inquiry is one look at everything after a round: the database at one instant, the journals, Temporal.
type inquiry struct {
	*world
	notes  map[asked][]note
	shares []share         // all cases so far, with the steps that each has taken
	laid   map[string]bool // keys of the entries that were there before any request
	found  []finding

	cases   map[string]caseFact // by number
	events  map[string][]eventFact
	keys    map[string]string      // of decisions, with the case
	entries map[string][]entryFact // by case; empty: of none
	refused map[string]bool        // request keys of refused applications
}

type caseFact struct {
	Number     string `db:"case_number"`
	Kind       string `db:"kind"`
	Partner    string `db:"partner_id"`
	Submitter  string `db:"submitter"`
	RequestKey string `db:"request_key"`
	State      string `db:"state"`
	Closed     bool   `db:"closed"`
	WorkflowID string `db:"workflow_id"`

	Open pq.StringArray `db:"open_tasks"`
}

type eventFact struct {
	Case string `db:"case_number"`
	Key  string `db:"key"`
	From string `db:"from_state"`
	To   string `db:"to_state"`
}

type entryFact struct {
	Key      string         `db:"key"`
	Case     string         `db:"case_number"`
	Postings pq.StringArray `db:"postings"` // "P.HOLD:P1 -10.00"
}

func (q *inquiry) find(check, object, format string, args ...any) {
	q.found = append(q.found, finding{Check: check, Object: object, Message: fmt.Sprintf(format, args...)})
}

// look makes every check.
func (q *inquiry) look(ctx context.Context) error {
	q.found = nil
	if err := q.read(ctx); err != nil {
		return err
	}
	of := map[string]share{} // the share of each case
	for _, s := range q.shares {
		q.told(s, of)
	}
	q.money(of)
	q.decisions(of)
	q.waiting(of)
	if err := q.runs(ctx); err != nil {
		return err
	}
	verified, err := q.views.Verify(ctx, nil)
	if err != nil {
		return err
	}
	for _, f := range verified.Findings {
		q.find("verify "+f.Check, f.Object, "%s", f.Message)
	}
	return nil
}

// read takes the database's word, as of one instant.
func (q *inquiry) read(ctx context.Context) error {
	tx, err := q.db.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // it only read
	cases, err := rows[caseFact](ctx, tx, `
		SELECT case_number, kind, partner_id, submitter, request_key, state, closed_at IS NOT NULL AS closed, workflow_id,
		       ARRAY(SELECT task_id FROM tasks t WHERE t.case_number = c.case_number AND t.state = 'open' ORDER BY task_id) AS open_tasks
		  FROM cases c WHERE workflow_id <> 'laid'`)
	if err != nil {
		return err
	}
	events, err := rows[eventFact](ctx, tx, `SELECT case_number, key, from_state, to_state FROM events ORDER BY case_number, seq`)
	if err != nil {
		return err
	}
	decisions, err := rows[eventFact](ctx, tx, `SELECT case_number, key, '' AS from_state, '' AS to_state FROM decisions WHERE key IS NOT NULL`)
	if err != nil {
		return err
	}
	entries, err := rows[entryFact](ctx, tx, `
		SELECT e.key, coalesce(e.case_number, CASE WHEN e.key LIKE 'payment-application/%' THEN split_part(e.key, '/', 2) ELSE '' END) AS case_number,
		       array_agg(p.account || ' ' || p.amount ORDER BY p.account) AS postings
		  FROM entries e JOIN postings p USING (entry_id) GROUP BY e.entry_id, e.key, e.case_number ORDER BY e.entry_id`)
	if err != nil {
		return err
	}
	var refused, twice []string
	if err := tx.SelectContext(ctx, &refused, `SELECT request_key FROM refusals`); err != nil {
		return err
	}
	// By what they say, to whom and in which round (@2 in their keys): the keys themselves are unique in any case.
	if err := tx.SelectContext(ctx, &twice, `
		SELECT array_to_string(array_agg(key ORDER BY key), ', ') FROM outbox WHERE key NOT LIKE '%laid%'
		 GROUP BY person_id, account_id, address, subject, body, substring(key FROM '@[0-9]+') HAVING count(*) > 1`); err != nil {
		return err
	}
	q.cases, q.events, q.keys, q.entries, q.refused = map[string]caseFact{}, map[string][]eventFact{}, map[string]string{}, map[string][]entryFact{}, map[string]bool{}
	for _, c := range cases {
		q.cases[c.Number] = c
	}
	for _, e := range events {
		q.events[e.Case] = append(q.events[e.Case], e)
	}
	for _, d := range decisions {
		q.keys[d.Key] = d.Case
	}
	for _, e := range entries {
		if !q.laid[e.Key] {
			q.entries[e.Case] = append(q.entries[e.Case], e)
		}
	}
	for _, key := range refused {
		q.refused[key] = true
	}
	for _, keys := range twice {
		q.find("messages", "messages "+keys, "they say the same to the same reader")
	}
	return nil
}

func rows[T any](ctx context.Context, tx *sqlx.Tx, query string) ([]T, error) {
	var list []T
	if err := tx.SelectContext(ctx, &list, query); err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	return list, nil
}

// told compares what a case's callers were told with what is recorded: every request has its answer, what was accepted is there
// once and what was refused is there as a refusal, and the case stands where the last answer said.
func (q *inquiry) told(s share, of map[string]share) {
	k := at(s)
	var mine []caseFact
	for _, c := range q.cases {
		if c.Kind == plays[s.Play].kind && c.Partner == k.Partner && (!plays[s.Play].shared || c.Submitter == k.Person) {
			mine = append(mine, c)
		}
	}
	object := fmt.Sprintf("%s (%s)", s.Case, s.Play)
	if len(mine) != 1 {
		q.find("answers", object, "it was applied for once, under the key %s; there are %d cases of it: %v", keyOf(s.Case, 0), len(mine), numbers(mine))
		return
	}
	c := mine[0]
	of[c.Number] = s
	object = fmt.Sprintf("case %s, %s", c.Number, object)
	last, at := "", 0 // how far its history went with what was told
	for n := range s.To {
		step, key := plays[s.Play].steps[n], keyOf(s.Case, n)
		a := answered(q.notes[asked{s.Case, n}])
		wants := fmt.Sprintf("request %s (%s)", key, step.name)
		switch {
		case a == nil:
			q.find("answers", object, "%s was never answered", wants)
			return
		case a.Error != "":
			q.find("answers", object, "%s: %s", wants, a.Error)
			return
		case step.code == "" && len(a.Refused) > 0:
			q.find("answers", object, "%s was refused with %v; the rules allow it", wants, a.Refused)
			return
		case step.code != "":
			q.refusal(object, wants, key, c, step, a)
			continue
		}
		at = q.accepted(object, wants, key, c, step, a, at)
		last = string(a.State)
	}
	if last != "" && c.State != last {
		q.find("answers", object, "the last answer said that it is %s; it is %s", last, c.State)
	}
}

func numbers(list []caseFact) []string {
	out := []string{}
	for _, c := range list {
		out = append(out, c.Number)
	}
	slices.Sort(out)
	return out
}

// accepted looks for the trace of what was done. The states that were told come in the order of the case's history, from its event
// at on; it answers how far that is.
func (q *inquiry) accepted(object, wants, key string, c caseFact, s step, a *note, at int) int {
	if a.Number != c.Number {
		q.find("answers", object, "%s was answered about case %q", wants, a.Number)
	}
	history := q.events[c.Number]
	if i := slices.IndexFunc(history[at:], func(e eventFact) bool { return e.To == string(a.State) }); i >= 0 {
		at += i
	} else {
		q.find("answers", object, "%s was told that the case is %s, which its history does not know from then on", wants, a.State)
	}
	times := 0
	switch s.proof {
	case opened:
		times = 1 // there is one case, by who applied
		if q.refused[key] {
			q.find("answers", object, "%s was told that it is done; a refusal of it is recorded, too", wants)
		}
	case decided:
		if q.keys[key] == c.Number {
			times = 1
		}
	default:
		want := strings.ReplaceAll(string(s.proof), "*", key)
		for _, e := range q.events[c.Number] {
			if strings.HasPrefix(e.Key, want) {
				times++
			}
		}
	}
	if times != 1 {
		q.find("answers", object, "%s was told that it is done; it is recorded %d times", wants, times)
	}
	return at
}

// steps are the numbers of the steps that a case has taken.
func steps(s share) []int {
	all := make([]int, s.To)
	for n := range all {
		all[n] = n
	}
	return all
}

// decisions: a case has those that were asked for and accepted, and no other.
func (q *inquiry) decisions(of map[string]share) {
	for key, number := range q.keys {
		s, known := of[number]
		if !known {
			continue
		}
		asked := func(n int) bool {
			step := plays[s.Play].steps[n]
			return step.proof == decided && step.code == "" && key == keyOf(s.Case, n)
		}
		if !slices.ContainsFunc(steps(s), asked) {
			q.find("decisions", "case "+number, "decision %s is recorded, which nobody was told of", key)
		}
	}
}

// refusal looks for the trace of what was refused, and that there is no other.
func (q *inquiry) refusal(object, wants, key string, c caseFact, s step, a *note) {
	if !slices.Contains(a.Refused, s.code) {
		q.find("answers", object, "%s has to be refused with %s; the answer was %s %v", wants, s.code, a.State, a.Refused)
	}
	if _, done := q.keys[key]; done {
		q.find("answers", object, "%s was told that it is refused; the decision is recorded", wants)
	}
	if !slices.ContainsFunc(q.events[c.Number], func(e eventFact) bool { return e.Key == "refused/decide/"+key }) {
		q.find("answers", object, "%s was told that it is refused; no event says so", wants)
	}
}

// money compares the entries of every case with what was decided about it: one entry for each step that moves money, whatever
// its key. So a payout under a second key is found, which balances and which no unique index sees.
func (q *inquiry) money(of map[string]share) {
	for number, entries := range q.entries {
		if _, known := of[number]; !known {
			q.find("entries", "case "+number, "no request moved money there, and there are entries: %v", entries)
		}
	}
	for number, c := range q.cases {
		s, known := of[number]
		if !known {
			continue
		}
		var want []string
		for n := range s.To {
			for _, p := range plays[s.Play].steps[n].posts {
				want = append(want, keyOf(s.Case, n)+"\x00"+strings.NewReplacer("@", c.Partner, "#", c.Number).Replace(p.account+" "+p.amount))
			}
		}
		left := slices.Clone(q.entries[number])
		for _, w := range want {
			key, posting, _ := strings.Cut(w, "\x00")
			i := slices.IndexFunc(left, func(e entryFact) bool { return slices.Contains(e.Postings, posting) })
			if i < 0 {
				q.find("entries", fmt.Sprintf("case %s, %s (%s)", number, s.Case, s.Play), "no entry moves %s for the business key %s", posting, key)
				continue
			}
			left = slices.Delete(left, i, i+1)
			for _, e := range left {
				if slices.Contains(e.Postings, posting) && strings.Count(strings.Join(want, "\n"), posting) == 1 {
					q.find("entries", fmt.Sprintf("case %s, %s (%s)", number, s.Case, s.Play), "the business key %s was to be booked once; it moved %s twice, the second time by entry %s", key, posting, e.Key)
				}
			}
		}
		if len(left) > 0 {
			q.find("entries", fmt.Sprintf("case %s, %s (%s)", number, s.Case, s.Play), "%d entries were decided, there are %d more: %v", len(want), len(left), left)
		}
	}
}

// withoutTask are the states in which a case waits for its partner, who has no task of the vendor's, or for its day, where its play
// does not say what it waits for.
var withoutTask = []string{
	"AWAITING_CHANGES", "WAITING_INVOICE", "TO_CONFIRM", "FAILED", "PAYMENT_REJECTED", "PAYMENT_APPROVED", "INVITED", "SPECIALIST", "SPECIALIST_REJECTED", "CERTIFIED", "REJECTED", "ISSUED",
	"PROJECT_REJECTED", "PROJECT_DONE",
}

// waiting: every case has ended, or the one is asked whose answer its play has next.
func (q *inquiry) waiting(of map[string]share) {
	for number, c := range q.cases {
		next := ""
		if s, known := of[number]; known && s.To < len(plays[s.Play].steps) && plays[s.Play].steps[s.To].seat != "" {
			next = number + "/" + plays[s.Play].steps[s.To].seat
		}
		switch {
		case c.Closed && len(c.Open) > 0:
			q.find("waiting", "case "+number, "it has ended, and tasks are open: %v", c.Open)
		case next != "" && !slices.Contains(c.Open, next):
			q.find("waiting", "case "+number, "it is %s, and task %s is not open; open are %v", c.State, next, c.Open)
		case !c.Closed && len(c.Open) == 0 && !slices.Contains(withoutTask, c.State):
			q.find("waiting", "case "+number, "it is %s, and nobody is asked anything", c.State)
		}
	}
}

// list is the workflows that a query finds.
func (q *inquiry) list(ctx context.Context, query string) (map[string]bool, error) {
	found := map[string]bool{}
	for token := []byte(nil); ; {
		page, err := q.temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: query, PageSize: 1000, NextPageToken: token})
		if err != nil {
			return nil, fmt.Errorf("list runs: %w", err)
		}
		for _, e := range page.GetExecutions() {
			found[e.GetExecution().GetWorkflowId()] = true
		}
		if token = page.GetNextPageToken(); len(token) == 0 {
			return found, nil
		}
	}
}

// runs compares the cases with Temporal: an open case has a running workflow that gets on, a closed one none, there is no other, and
// none came to a bad end.
func (q *inquiry) runs(ctx context.Context) error {
	running, err := q.list(ctx, "ExecutionStatus = 'Running'")
	if err != nil {
		return err
	}
	failed, err := q.list(ctx, "ExecutionStatus IN ('Failed', 'TimedOut', 'Terminated', 'Canceled')")
	if err != nil {
		return err
	}
	for id := range failed {
		q.find("runs", "workflow "+id, "it failed, timed out, or was ended from outside")
	}
	stuck, err := q.list(ctx, "ExecutionStatus = 'Running' AND TemporalReportedProblems IN ('category=WorkflowTaskFailed', 'category=WorkflowTaskTimedOut')")
	if err != nil {
		return err
	}
	open := map[string]string{}
	for number, c := range q.cases {
		if !c.Closed {
			open[c.WorkflowID] = number
		}
	}
	passing := func(object, format string, args ...any) { // visibility follows what happened
		q.found = append(q.found, finding{"runs", object, fmt.Sprintf(format, args...), true})
	}
	for id := range stuck {
		passing("workflow "+id, "its workflow tasks fail again and again")
	}
	for id, number := range open {
		if running[id] {
			continue
		}
		if runs, _, err := workflows.Running(ctx, q.temporal, id); err != nil {
			return err
		} else if !runs {
			task := "waits"
			if t := q.cases[number].Open; len(t) > 0 {
				task = "has the open task " + t[0]
			}
			passing("case "+number, "it is %s and %s, and no workflow %s runs", q.cases[number].State, task, id)
		}
	}
	for id := range running {
		if _, known := open[id]; known {
			continue
		}
		described, err := q.temporal.DescribeWorkflowExecution(ctx, id, "")
		if err != nil {
			return fmt.Errorf("describe %s: %w", id, err)
		}
		if described.GetWorkflowExecutionInfo().GetStatus() == enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
			passing("workflow "+id, "it runs, and no open case is its own")
		}
	}
	return nil
}

// settled looks until nothing is in motion any more: what may pass has time to.
func (q *inquiry) settled(ctx context.Context, patience time.Duration) ([]finding, error) {
	for end := time.Now().Add(patience); ; time.Sleep(500 * time.Millisecond) {
		err := q.look(ctx)
		final := err == nil && !slices.ContainsFunc(q.found, func(f finding) bool { return f.passing })
		if final || time.Now().After(end) || ctx.Err() != nil {
			return q.found, err
		}
	}
}
