package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// The faults, as plans name them.
const (
	killWorker   = "kill worker"
	killPostgres = "kill Postgres"
	killTemporal = "kill Temporal"
	killCaller   = "kill caller"
	stopWorker   = "stop worker"
	stopPostgres = "stop Postgres"
	stopTemporal = "stop Temporal"
	stopCaller   = "stop caller"
	fillServer   = "fill connections"
	fillPool     = "fill the worker's pool"
	cutWorker    = "cut worker off"
)

// deck is dealt from: the worker's death is what steps meet most often. Each stop outlasts what waits for the stopped one: a
// workflow task waits 5 s for its worker, a step 5 s for Postgres, a caller's attempt 10 s for Temporal.
var deck = []struct {
	name     string
	cards    int
	from, to time.Duration // how long it lasts
}{
	{killWorker, 5, 0, 0},
	{killPostgres, 3, 0, 0},
	{killTemporal, 3, 0, 0},
	{killCaller, 3, 0, 0},
	{stopWorker, 1, 6 * time.Second, 8 * time.Second},
	{stopPostgres, 1, 6 * time.Second, 8 * time.Second},
	{stopTemporal, 1, 11 * time.Second, 13 * time.Second},
	{stopCaller, 1, 11 * time.Second, 13 * time.Second},
	{fillServer, 1, 3 * time.Second, 6 * time.Second},
	{fillPool, 1, 6 * time.Second, 8 * time.Second},
	{cutWorker, 1, 6 * time.Second, 9 * time.Second},
}

// fault is one thing that is done to the programme.
type fault struct {
	After int           `json:"after"` // requests of its round that have left
	Name  string        `json:"name"`
	For   time.Duration `json:"for,omitempty"`   // of a stop, a cut, full connections
	Along string        `json:"along,omitempty"` // something else that is killed in the same instant
	Which int           `json:"which,omitempty"` // of the callers
}

func (f fault) String() string {
	text := f.Name
	if f.For > 0 {
		text += " for " + f.For.String()
	}
	if f.Along != "" {
		text += ", and " + f.Along
	}
	return text
}

// share is what one case does in a round: the steps of its play from one up to another.
type share struct {
	Case string `json:"case"`
	Play string `json:"play"`
	From int    `json:"from"`
	To   int    `json:"to"`
}

// round is one round of a plan.
type round struct {
	Shares   []share `json:"shares"`
	Requests int     `json:"requests"`
	Faults   []fault `json:"faults"`
}

// plan is everything that is drawn: the same size and seed give the same plan.
type plan struct {
	size
	Rounds []round
	Cases  []share // all there will be, with the steps that each has taken in the end
}

// size is how much there is of everything.
type size struct {
	Seed     uint64
	Rounds   int
	InFlight int      // cases that are open at a time
	Requests int      // in each round after the first, which opens all cases
	Faults   int      // in each round
	Callers  int      // processes
	Plays    []string // by name; nil: all
	Deck     []string // faults by name; nil: all
}

// draw makes a plan. Which cases a round carries on, by how many steps, when what is done to whom: everything comes from the seed.
func draw(s size) plan {
	r := rand.New(rand.NewPCG(s.Seed, 0))
	names := s.Plays
	if len(names) == 0 {
		names = playNames()
	}
	p := plan{size: s}
	var open []int // of p.Cases
	var cards []int
	for n := range s.Rounds {
		var now round
		for len(open) < s.InFlight { // each kind in turn, so that none is missed
			name := names[len(p.Cases)%len(names)]
			c := share{Case: fmt.Sprintf("F%05d", len(p.Cases)), Play: name, To: 1}
			p.Cases = append(p.Cases, c)
			now.Shares = append(now.Shares, c)
			now.Requests++
			if len(plays[name].steps) > 1 {
				open = append(open, len(p.Cases)-1)
			} else if len(now.Shares) > 2*s.InFlight {
				break // nothing but plays of one step
			}
		}
		if n > 0 { // those of the first round have just been opened
			r.Shuffle(len(open), func(i, j int) { open[i], open[j] = open[j], open[i] })
		}
		var still []int
		for _, i := range open {
			c := &p.Cases[i]
			steps := len(plays[c.Play].steps)
			if c.To > 1 || n > 0 && !opens(now.Shares, c.Case) {
				if to := min(steps, c.To+1+r.IntN(3)); now.Requests < s.Requests {
					now.Shares = append(now.Shares, share{c.Case, c.Play, c.To, to})
					now.Requests += to - c.To
					c.To = to
				}
			}
			if c.To < steps {
				still = append(still, i)
			}
		}
		open = still
		now.Faults = deal(r, s, now.Requests, &cards)
		p.Rounds = append(p.Rounds, now)
	}
	return p
}

func opens(shares []share, name string) bool {
	for i := len(shares) - 1; i >= 0; i-- {
		if shares[i].Case == name {
			return shares[i].From == 0
		}
	}
	return false
}

// shuffled is the deck of a plan.
func shuffled(r *rand.Rand, s size) (cards []int) {
	for i, d := range deck {
		for range d.cards {
			if len(s.Deck) == 0 || slices.Contains(s.Deck, d.name) {
				cards = append(cards, i)
			}
		}
	}
	r.Shuffle(len(cards), func(i, j int) { cards[i], cards[j] = cards[j], cards[i] })
	return cards
}

// deal draws a round's faults, at different moments, in their order. The whole deck goes out before it is shuffled again, so that
// every fault comes.
func deal(r *rand.Rand, s size, requests int, cards *[]int) []fault {
	moments := r.Perm(max(requests*9/10, s.Faults))[:s.Faults] // the last requests find a healed programme, or none would wait for it
	slices.Sort(moments)
	var faults []fault
	for _, after := range moments {
		if len(*cards) == 0 {
			*cards = shuffled(r, s)
		}
		d := deck[(*cards)[0]]
		*cards = (*cards)[1:]
		f := fault{After: after + 1, Name: d.name, Which: r.IntN(max(s.Callers, 1))}
		if d.to > 0 {
			f.For = (d.from + time.Duration(r.Int64N(int64(d.to-d.from)))).Truncate(100 * time.Millisecond)
		}
		if along := []string{killWorker, killPostgres, killTemporal}[r.IntN(3)]; len(s.Deck) == 0 && strings.HasPrefix(f.Name, "kill") && along != f.Name && r.IntN(4) == 0 {
			f.Along = along
		}
		faults = append(faults, f)
	}
	return faults
}

// print shows a plan.
func (p plan) print(w io.Writer) {
	for n, r := range p.Rounds {
		opened := 0
		for _, s := range r.Shares {
			if s.From == 0 {
				opened++
			}
		}
		fmt.Fprintf(w, "round %d: %d requests, %d cases opened, %d carried on\n", n+1, r.Requests, opened, len(r.Shares)-opened)
		for _, f := range r.Faults {
			fmt.Fprintf(w, "  after request %4d: %s\n", f.After, f)
		}
	}
}
