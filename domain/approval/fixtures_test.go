package approval_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"countersign/domain/approval"
	"countersign/domain/condition"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"

	"github.com/stretchr/testify/require"
)

// monday is when decisions are judged unless a test says otherwise: 2025-11-03 10:00 at UTC+8.
var monday = time.Date(2025, 11, 3, 2, 0, 0, 0, time.UTC)

// fields and values are the case that conditions ask for: 50000.00, urgent.
var (
	fields = []condition.Field{
		{Name: "amount", Type: condition.Amount, Words: "the amount"},
		{Name: "urgent", Type: condition.Flag, Words: "the urgent mark"},
	}
	values = condition.Values{"amount": "50000.00", "urgent": "true"}
)

// people are everybody the tests know. W1 submitted; O1 owns the process; the letter says the role.
var people = map[string]person.Person{
	"W1": {ID: "W1", Name: "Wang Wei", PartnerID: "P1001", Active: true, Roles: []person.Role{person.PartnerAdministrator, "finance"}},
	"F1": {ID: "F1", Name: "Li Na", Active: true, Roles: []person.Role{"finance"}},
	"F2": {ID: "F2", Name: "Zhao Lei", Active: true, Roles: []person.Role{"finance"}},
	"F3": {ID: "F3", Name: "Sun Mei", Active: true, Roles: []person.Role{"finance"}},
	"L1": {ID: "L1", Name: "Zhou Ming", Active: true, Roles: []person.Role{"legal"}},
	"M1": {ID: "M1", Name: "Wu Fang", Active: true, Roles: []person.Role{"manager"}},
	"O1": {ID: "O1", Name: "Zheng Hao", Active: true, Roles: []person.Role{"owner-role"}},
	"X1": {ID: "X1", Name: "Feng Jun", Active: true},
	"X2": {ID: "X2", Name: "Chen Yu", Active: true},
	"G1": {ID: "G1", Name: "He Ping", Roles: []person.Role{"finance"}}, // has left
}

func party(id string, standsInFor ...string) *approval.Party {
	p, ok := people[id]
	if !ok {
		return nil
	}
	out := approval.Party{Person: p}
	for _, other := range standsInFor {
		out.StandsInFor = append(out.StandsInFor, people[other])
	}
	return &out
}

// step asks candidates: "finance" is a role, "F1" a person.
func step(name string, mode approval.Mode, who ...string) approval.Step {
	s := approval.Step{Name: name, Mode: mode}
	for _, w := range who {
		if unicode.IsUpper(rune(w[0])) {
			s.Who = append(s.Who, approval.Candidate{Person: w})
		} else {
			s.Who = append(s.Who, approval.Candidate{Role: person.Role(w)})
		}
	}
	return s
}

func votes(name string, need int, who ...string) approval.Step {
	s := step(name, approval.Votes, who...)
	s.Need = need
	return s
}

// beside makes a step parallel with the one before it.
func beside(s approval.Step) approval.Step {
	s.Parallel = true
	return s
}

// chain is of steps whose process the role owner-role owns.
func chain(steps ...approval.Step) approval.Chain {
	return approval.Chain{Owner: "owner-role", Steps: steps}
}

func planned(t require.TestingT, c approval.Chain, f approval.Facts) approval.Plan {
	f.Fields, f.Values = fields, values
	p, err := c.Plan(f)
	require.NoError(t, err)
	return p
}

// moves reads "F1 approve review 300.00; X1/F1 reject legal": who (X1 for F1; clock for nobody), act, seat, and what the
// act is about: an amount or lines of approve, to whom or which step it goes.
func moves(script string) []approval.Move {
	var out []approval.Move
	for line := range strings.SplitSeq(script, ";") {
		words := append(strings.Fields(line), "")
		if len(words) < 4 {
			continue
		}
		m := approval.Move{Act: approval.Outcome(words[1]), Seat: words[2]}
		m.Person, m.OnBehalf, _ = strings.Cut(words[0], "/")
		if m.Person == "clock" {
			m.Person = ""
		}
		switch what := words[3]; {
		case words[1] == "add-before":
			m.Act, m.To, m.Before = approval.AddSigner, what, true
		case words[1] == "add-after":
			m.Act, m.To = approval.AddSigner, what
		case m.Act == approval.Involve:
			m.Who = approval.Who(what)
		case m.Act != approval.Approve:
			m.To = what
		case strings.HasPrefix(what, "only:"):
			m.Lines = strings.Split(strings.TrimPrefix(what, "only:"), ",")
		case what != "":
			a := money.Must(what)
			m.Amount = &a
		}
		out = append(out, m)
	}
	return out
}

// shown writes a standing like "review approved; legal open F2|finance; = approve 300.00".
func shown(s approval.Standing) string {
	var out []string
	for _, seat := range s.Seats {
		text := seat.Name + " " + string(seat.State)
		if seat.Void {
			text += " void"
		}
		if seat.State == approval.Open || seat.State == approval.Waiting {
			var who []string
			for _, w := range seat.Who {
				who = append(who, cmp.Or(w.Person(), string(w.Role())))
			}
			text += " " + strings.Join(who, "|")
			for _, d := range slices.Backward(seat.Delegators) {
				text += " for " + d
			}
		}
		out = append(out, text)
	}
	if s.Outcome != "" {
		text := "= " + string(s.Outcome)
		if s.At != "" {
			text += " at " + s.At
		}
		if s.Amount != nil {
			text += " " + s.Amount.String()
		}
		if s.Lines != nil {
			text += fmt.Sprintf(" of %v", s.Lines)
		}
		out = append(out, text)
	}
	return strings.Join(out, "; ")
}

// said is what a refusal has to say: rule and code exactly, and of the sentence what is unmet and what to do.
type said struct{ rule, code, sentence string }

// refuses requires exactly these refusals about a task, in this order.
func refuses(t *testing.T, list refusal.List, task string, want ...said) {
	t.Helper()
	require.Len(t, list, len(want), "%v", list)
	for i, w := range want {
		got := list[i]
		object := "task " + task
		if strings.HasSuffix(got.Message, "; speak as somebody who is registered.") {
			object = "person Z9" // whom nobody knows
		}
		require.Equal(t, []string{w.rule, w.code, object}, []string{got.Rule, got.Code, got.Object}, got.Message)
		require.Contains(t, got.Message, w.sentence)
		require.Regexp(t, `^[A-Z0-9"].*[.]$`, got.Message, "a refusal is a sentence")
		require.NotContains(t, got.Message, "%!", "a refusal is formatted")
	}
}
