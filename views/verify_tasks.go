package views

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"countersign/domain/approval"

	"github.com/lib/pq"
)

// tasks replays every round's decisions over its plan and compares what they come to with the tasks that people see.
func (v *verifier) tasks(ctx context.Context) error {
	l := look{q: v.tx}
	for last := (roundKey{}); ; {
		type roundRow struct {
			roundKey
			Outcome string `db:"outcome"`
		}
		batch, err := rows[roundRow](ctx, v.tx, "rounds", `
			SELECT case_number, matter, round, outcome FROM approvals WHERE (case_number, matter, round) > ($1, $2, $3)
			 ORDER BY case_number, matter, round LIMIT 500`, last.Case, last.Matter, last.Round)
		if err != nil || len(batch) == 0 {
			return err
		}
		keys := make([]roundKey, len(batch))
		for i, b := range batch {
			keys[i] = b.roundKey
		}
		last = keys[len(keys)-1]
		pinned, err := l.rounds(ctx, keys)
		if err != nil { // what does not replay: found one by one
			v.find("task", "case "+keys[0].Case, "a round from here on does not replay: %s", err)
			continue
		}
		shown, err := v.shown(ctx, keys)
		if err != nil {
			return err
		}
		for _, b := range batch {
			standing := pinned[b.roundKey].standing
			if want := standing.Outcome; b.Outcome != "rule" && b.Outcome != "closed" && b.Outcome != string(want) || b.Outcome == "closed" && want != "" {
				v.find("task", "case "+b.Case, "%s, round %d: the decisions come to %q, the round says %q", b.Matter, b.Round, want, b.Outcome)
			}
			if b.Outcome != "" {
				standing.Close() // cases are withdrawn, stopped and migrated, whatever the round's moves say
			}
			if want, got := seatsText(standing, b.Outcome == "rule"), shown[b.roundKey]; !slices.Equal(want, got) {
				v.find("task", "case "+b.Case, "%s, round %d: the decisions come to %s, the tasks say %s", b.Matter, b.Round, listed(want), listed(got))
			}
		}
	}
}

func listed(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, "; ")
}

// shown lists the tasks of rounds as "seat state candidates by", in the order of their names.
func (v *verifier) shown(ctx context.Context, keys []roundKey) (map[roundKey][]string, error) {
	type taskRow struct {
		roundKey
		Seat       string         `db:"seat"`
		State      string         `db:"state"`
		Candidates pq.StringArray `db:"candidates"`
		By         string         `db:"by"`
	}
	cases := make([]string, len(keys))
	for i, k := range keys {
		cases[i] = k.Case
	}
	found, err := rows[taskRow](ctx, v.tx, "tasks", `
		SELECT case_number, matter, round, seat, state, candidates, concat_ws(' for ', decided_by, on_behalf) AS by FROM tasks WHERE case_number = ANY ($1)`, pq.Array(cases))
	if err != nil {
		return nil, err
	}
	lines := map[roundKey][]string{}
	for _, t := range found {
		lines[t.roundKey] = append(lines[t.roundKey], seatText(t.Seat, t.State, t.Candidates, t.By))
	}
	for _, l := range lines {
		slices.Sort(l)
	}
	return lines, nil
}

func seatText(seat, state string, who []string, by string) string {
	who = slices.Sorted(slices.Values(who))
	if state == string(approval.TaskDecided) || state == string(approval.TaskClosed) {
		return strings.TrimSpace(fmt.Sprintf("%s %s %s", seat, state, by)) // whom it was put to does not matter any more
	}
	return fmt.Sprintf("%s %s %s", seat, state, strings.Join(who, ","))
}

// seatsText is what shown should find. What a rule approved asked nobody.
func seatsText(s approval.Standing, byRule bool) []string {
	if byRule {
		return nil
	}
	var lines []string
	for _, seat := range s.Seats {
		state, by := approval.TaskDecided, seat.Person
		switch seat.State {
		case approval.Open:
			state = approval.TaskOpen
		case approval.Waiting:
			state = approval.TaskWaiting
		case approval.Closed:
			state, by = approval.TaskClosed, ""
		case approval.Approved, approval.Rejected, approval.Sent:
		}
		if seat.OnBehalf != "" {
			by += " for " + seat.OnBehalf
		}
		lines = append(lines, seatText(seat.Name, string(state), texts(seat.Who), by))
	}
	slices.Sort(lines)
	return lines
}
