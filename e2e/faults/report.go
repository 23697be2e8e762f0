package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report is what a run came to.
type report struct {
	Seed     uint64         `json:"seed"`
	Worker   string         `json:"worker"` // how it is linked
	Seconds  float64        `json:"seconds"`
	Rounds   []roundReport  `json:"rounds"`
	Cases    map[string]int `json:"cases"` // by play and state
	Recovery []recovery     `json:"recovery"`
	Findings []finding      `json:"findings"`
}

type roundReport struct {
	Requests int     `json:"requests"`
	InFlight int     `json:"in_flight"` // cases that are open at its end
	Faults   []fired `json:"faults"`
	Seconds  float64 `json:"seconds"`
	Findings int     `json:"findings"`
}

// recovery is how long it took from a kill, or the end of what lasted, to the next completed step. A caller's own fate is not the
// programme's: others ask meanwhile.
type recovery struct {
	Fault  string  `json:"fault"`
	Times  int     `json:"times"`
	Median float64 `json:"median_seconds"`
	Max    float64 `json:"max_seconds"`
}

func (r *report) recover() {
	took := map[string][]time.Duration{}
	for _, round := range r.Rounds {
		for _, f := range round.Faults {
			if f.Recovered > 0 && f.Along == "" && f.Name != killCaller && f.Name != stopCaller {
				took[f.Name] = append(took[f.Name], f.Recovered)
			}
		}
	}
	r.Recovery = nil
	for _, name := range slices.Sorted(maps.Keys(took)) {
		d := took[name]
		slices.Sort(d)
		r.Recovery = append(r.Recovery, recovery{name, len(d), d[len(d)/2].Seconds(), d[len(d)-1].Seconds()})
	}
}

// met says what a plan cannot know.
func met(f fired) string {
	switch {
	case f.Met == 0:
		return " (nobody was left)"
	case f.Name == fillServer:
		return fmt.Sprintf(" (%d connections taken)", f.Met)
	case f.Name == fillPool:
		return fmt.Sprintf(" (%d sessions waited)", f.Met)
	}
	return ""
}

func (r report) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ROUND\tREQUESTS\tOPEN AT ITS END\tSECONDS\tFINDINGS\tFAULTS")
	for n, round := range r.Rounds {
		var names []string
		for _, f := range round.Faults {
			names = append(names, f.String()+met(f))
		}
		fmt.Fprintf(t, "%d\t%d\t%d\t%.0f\t%d\t%s\n", n+1, round.Requests, round.InFlight, round.Seconds, round.Findings, strings.Join(names, "; "))
	}
	fmt.Fprintln(t, "\nCASES\tSTATE\tNUMBER")
	for _, key := range slices.Sorted(maps.Keys(r.Cases)) {
		play, state, _ := strings.Cut(key, "\t")
		fmt.Fprintf(t, "%s\t%s\t%d\n", play, state, r.Cases[key])
	}
	fmt.Fprintln(t, "\nTO THE NEXT STEP AFTER\tTIMES\tMEDIAN\tMAXIMUM")
	for _, x := range r.Recovery {
		fmt.Fprintf(t, "%s\t%d\t%.1f s\t%.1f s\n", x.Fault, x.Times, x.Median, x.Max)
	}
	_ = t.Flush() // a terminal
	fmt.Fprintf(w, "\nThe worker was linked by: %s. It took %.0f s.\n", r.Worker, r.Seconds)
	for _, f := range r.Findings {
		fmt.Fprintln(w, f)
	}
}
