package main

import (
	"strings"
	"testing"

	"countersign/domain"
	"countersign/domain/withdrawal"

	"github.com/lib/pq"
	"github.com/stretchr/testify/require"
)

// paid is what everybody knows of one withdrawal that was paid, and of one that waits for its review's answer.
func paid() *inquiry {
	const play = "withdrawal, paid"
	q := &inquiry{
		shares: []share{{Case: "F00000", Play: play, To: 5}, {Case: "F00001", Play: play, To: 2}},
		notes:  map[asked][]note{},
		cases: map[string]caseFact{
			"W1": {Number: "W1", Kind: withdrawal.Kind, Partner: "P-F000", Submitter: "mei-F00000", State: "PAID", Closed: true},
			"W2": {Number: "W2", Kind: withdrawal.Kind, Partner: "P-F000", Submitter: "mei-F00001", State: "UNDER_REVIEW", Open: pq.StringArray{"W2/review"}},
		},
		events: map[string][]eventFact{
			"W1": {{Key: "submit", To: "UNDER_REVIEW"}, {Key: "refused/decide/F00000-1", To: "UNDER_REVIEW"}, {To: "APPROVED"}, {To: "PAYING"}, {To: "PAID"}},
			"W2": {{Key: "submit", To: "UNDER_REVIEW"}, {Key: "refused/decide/F00001-1", To: "UNDER_REVIEW"}},
		},
		keys: map[string]string{"F00000-2": "W1", "F00000-3": "W1", "F00000-4": "W1"},
		entries: map[string][]entryFact{
			"W1": {{Key: "withdrawal/W1/hold", Postings: pq.StringArray{"P.CASH:P-F000 -10.00", "P.HOLD:P-F000 10.00"}}, {Key: "withdrawal/W1/paid", Postings: pq.StringArray{"P.HOLD:P-F000 -10.00", "V.BANK 10.00"}}},
			"W2": {{Key: "withdrawal/W2/hold", Postings: pq.StringArray{"P.CASH:P-F000 -10.00", "P.HOLD:P-F000 10.00"}}},
		},
		refused: map[string]bool{},
	}
	tell := func(name string, n int, number string, state domain.State, refused ...string) {
		q.notes[asked{name, n}] = []note{{Case: name, Step: n}, {Case: name, Step: n, Answer: true, Number: number, State: state, Refused: refused}}
	}
	tell("F00000", 0, "W1", "UNDER_REVIEW")
	tell("F00000", 1, "", "", "CBC.0151")
	tell("F00000", 2, "W1", "APPROVED")
	tell("F00000", 3, "W1", "PAYING")
	tell("F00000", 4, "W1", "PAID")
	tell("F00001", 0, "W2", "UNDER_REVIEW")
	tell("F00001", 1, "", "", "CBC.0151")
	return q
}

// judged makes the checks that need nothing but what was read.
func (q *inquiry) judged() []finding {
	of := map[string]share{}
	for _, s := range q.shares {
		q.told(s, of)
	}
	q.money(of)
	q.decisions(of)
	q.waiting(of)
	return q.found
}

// Rules: ENG-01, ENG-02, PGM-10
func TestGivenWhatEverybodyKnows_WhenOneThingIsNotTrue_ThenOneCheckSaysSo(t *testing.T) {
	require.Empty(t, paid().judged())

	change := func(q *inquiry, number string, f func(*caseFact)) {
		c := q.cases[number]
		f(&c)
		q.cases[number] = c
	}
	for name, one := range map[string]struct {
		check, says string
		spoil       func(*inquiry)
	}{
		"a payout is booked again under another key, and balances": {"entries", "the business key F00000-4 was to be booked once; it moved V.BANK 10.00 twice, the second time by entry again", func(q *inquiry) {
			q.entries["W1"] = append(q.entries["W1"], entryFact{Key: "again", Postings: pq.StringArray{"P.HOLD:P-F000 -10.00", "V.BANK 10.00"}})
		}},
		"it is booked again without naming the case": {"entries", "no request moved money there", func(q *inquiry) {
			q.entries[""] = []entryFact{{Key: "again", Postings: pq.StringArray{"P.HOLD:P-F000 -10.00", "V.BANK 10.00"}}}
		}},
		"a payout is lost": {"entries", "no entry moves V.BANK 10.00 for the business key F00000-4", func(q *inquiry) { q.entries["W1"] = q.entries["W1"][:1] }},
		"it was paid before anybody decided": {"entries", "1 entries were decided, there are 1 more", func(q *inquiry) {
			q.entries["W2"] = append(q.entries["W2"], entryFact{Key: "early", Postings: pq.StringArray{"P.HOLD:P-F000 -10.00", "V.BANK 10.00"}})
		}},
		"the application opened two cases": {"answers", "there are 2 cases of it", func(q *inquiry) {
			c := q.cases["W2"]
			c.Number = "W3"
			q.cases["W3"] = c
		}},
		"a decision that was accepted is not there": {"answers", "request F00000-3 (send send) was told that it is done; it is recorded 0 times", func(q *inquiry) { delete(q.keys, "F00000-3") }},
		"a decision is there that nobody asked for": {"decisions", "decision F00000-3b is recorded", func(q *inquiry) { q.keys["F00000-3b"] = "W1" }},
		"what was refused was decided all the same": {"answers", "was told that it is refused; the decision is recorded", func(q *inquiry) { q.keys["F00000-1"] = "W1" }},
		"the refusal left no trace":                 {"answers", "was told that it is refused; no event says so", func(q *inquiry) { q.events["W2"] = q.events["W2"][:1] }},
		"the application is also refused":           {"answers", "a refusal of it is recorded, too", func(q *inquiry) { q.refused["F00001-0"] = true }},
		"a caller was told a state that never was": {"answers", "was told that the case is FAILED", func(q *inquiry) {
			q.notes[asked{"F00000", 3}][1].State = "FAILED"
		}},
		"the states come in another order than they were told": {"answers", "was told that the case is PAYING, which its history does not know from then on", func(q *inquiry) {
			e := q.events["W1"]
			e[2], e[3] = e[3], e[2]
		}},
		"the case is not where its last answer says": {"answers", "the last answer said that it is PAID; it is PAYING", func(q *inquiry) {
			change(q, "W1", func(c *caseFact) { c.State = "PAYING" })
		}},
		"a request has no answer":         {"answers", "request F00000-4 (confirm confirm) was never answered", func(q *inquiry) { q.notes[asked{"F00000", 4}] = nil }},
		"a case that ended asks somebody": {"waiting", "it has ended, and tasks are open", func(q *inquiry) { change(q, "W1", func(c *caseFact) { c.Open = pq.StringArray{"W1/confirm"} }) }},
		"an open case asks nobody":        {"waiting", "task W2/review is not open", func(q *inquiry) { change(q, "W2", func(c *caseFact) { c.Open = nil }) }},
		"it asks the wrong one":           {"waiting", "task W2/review is not open; open are [W2/send]", func(q *inquiry) { change(q, "W2", func(c *caseFact) { c.Open = pq.StringArray{"W2/send"} }) }},
	} {
		t.Run(name, func(t *testing.T) {
			q := paid()
			one.spoil(q)
			found := q.judged()
			require.Condition(t, func() bool {
				for _, f := range found {
					if f.Check == one.check && strings.Contains(f.Message, one.says) {
						return true
					}
				}
				return false
			}, "%v", found)
		})
	}
}
