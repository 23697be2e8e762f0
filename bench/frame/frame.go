// Package frame runs contenders side by side and writes what they cost as one page: Markdown with ratios, a plot, raw rounds.
//
// To add a part: write a function that returns a Part in a file of package engine (or a package of its own), and add it to the
// list `parts` in engine/main.go. Its Run gets a House (servers, binaries, meters), makes its Contenders, calls
// House.Interleave with them and returns a Section:
//
//	func ledgerPart() frame.Part {
//		return frame.Part{ID: "c", Title: "Ledger entries", Run: func(ctx context.Context, h *frame.House) (frame.Section, error) {
//			servers, err := h.Servers(ctx, frame.SQLite) // Postgres, Temporal, a migrated programme; started once, shared
//			…
//			series, err := h.Interleave(ctx, ours, pgbench) // A B A B …, h.Rounds times
//			return frame.Section{
//				Series: series, Base: pgbench.Name, Columns: []frame.Column{{Name: "entries/s", Digits: 0, Plot: true}},
//				Goals: []frame.Goal{frame.AtLeast("ours / pgbench", series.Ratio("entries/s", ours.Name, pgbench.Name), 0.5, "")},
//			}, err
//		}}
//	}
//
// A round's figures are a map from column to value; h.Measure adds the CPU, WAL and transactions that a function cost. With
// h.Quick everything is small: a smoke that the code still works.
package frame

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"time"
)

// Part is one section of the benchmark.
type Part struct {
	ID    string // a letter, or a letter and more: a-postgres
	Title string
	Run   func(context.Context, *House) (Section, error)
}

// Figures are what one round came to, by column.
type Figures map[string]float64

// Contender is one way to do the work.
type Contender struct {
	Name  string
	Round func(ctx context.Context, round int) (Figures, error) // round 0 warms up and does not count
}

// Series are a contender's rounds.
type Series struct {
	Name   string    `json:"name"`
	Rounds []Figures `json:"rounds"`
}

// AllSeries are those of one section; round i of each ran beside round i of the others.
type AllSeries []Series

// Column is one figure of a section's table.
type Column struct {
	Name   string
	Digits int  // behind the point
	Plot   bool // a bar for each contender
	Weak   bool // depends on what else the machine does; shown, and marked
}

// Section is what a part found.
type Section struct {
	ID, Title string
	About     string // Markdown above the table
	Columns   []Column
	Base      string // the contender whose medians are 1; empty: no ratios
	Series    AllSeries
	Goals     []Goal
	Notes     []string // Markdown below the table
	Took      time.Duration
}

// Goal is what was promised and what was found.
type Goal struct {
	Text     string  `json:"text"`
	Measured float64 `json:"measured"`
	Limit    float64 `json:"limit"`
	Unit     string  `json:"unit"`
	Most     bool    `json:"most"`          // the limit is the most, else the least
	Why      string  `json:"why,omitempty"` // shown when it is missed
}

// AtMost is a goal that a figure stays below or at a limit.
func AtMost(text string, measured, limit float64, unit string) Goal {
	return Goal{Text: text, Measured: measured, Limit: limit, Unit: unit, Most: true}
}

// AtLeast is a goal that a figure reaches a limit.
func AtLeast(text string, measured, limit float64, unit string) Goal {
	return Goal{Text: text, Measured: measured, Limit: limit, Unit: unit}
}

// Reached tells whether the goal was met.
func (g Goal) Reached() bool {
	if g.Most {
		return g.Measured <= g.Limit
	}
	return g.Measured >= g.Limit
}

// Because says why the goal is missed, if it is.
func (g Goal) Because(why string) Goal {
	g.Why = why
	return g
}

// Interleave warms every contender up and then runs them in turn, round by round, each round from another first one on: what
// the machine does meanwhile falls on all of them.
func (h *House) Interleave(ctx context.Context, contenders ...Contender) (AllSeries, error) {
	all := make(AllSeries, len(contenders))
	for round := range h.Rounds + 1 {
		for n := range contenders {
			i := (n + round) % len(contenders)
			c := contenders[i]
			began := time.Now()
			f, err := c.Round(ctx, round)
			if err != nil {
				return nil, fmt.Errorf("%s, round %d: %w", c.Name, round, err)
			}
			if all[i].Name = c.Name; round > 0 {
				all[i].Rounds = append(all[i].Rounds, f)
			}
			h.Say("  round %d, %s: %s", round, c.Name, time.Since(began).Round(10*time.Millisecond))
		}
	}
	return all, nil
}

// Of is one column of one contender, round by round; empty when it has no such figure.
func (s AllSeries) Of(column, name string) []float64 {
	var values []float64
	for _, one := range s {
		for _, f := range one.Rounds {
			if v, ok := f[column]; ok && one.Name == name {
				values = append(values, v)
			}
		}
	}
	return values
}

// Median is the median of one column of one contender.
func (s AllSeries) Median(column, name string) float64 { return Median(s.Of(column, name)) }

// Ratio is the median of a contender's rounds divided each by the same round of another.
func (s AllSeries) Ratio(column, name, base string) float64 {
	return Median(s.ratios(column, name, base))
}

func (s AllSeries) ratios(column, name, base string) []float64 {
	ours, theirs := s.Of(column, name), s.Of(column, base)
	var pairs []float64
	for i := range min(len(ours), len(theirs)) {
		if theirs[i] != 0 {
			pairs = append(pairs, ours[i]/theirs[i])
		}
	}
	return pairs
}

// Median is the middle value, the mean of the two middle ones of an even number, zero of none.
func Median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	switch n := len(v); {
	case n == 0:
		return 0
	case n%2 == 1:
		return v[n/2]
	default:
		return (v[n/2-1] + v[n/2]) / 2
	}
}

// Percentile is the smallest value that p per cent of the durations do not exceed, in milliseconds.
func Percentile(durations []time.Duration, p int) float64 {
	if len(durations) == 0 {
		return 0
	}
	d := slices.Sorted(slices.Values(durations))
	i := max(0, (len(d)*p+99)/100-1)
	return float64(d[i]) / float64(time.Millisecond)
}

// House is what the parts have in common.
type House struct {
	Bin    string // folder of the built programmes
	Dir    string // for logs and everything else that goes away at the end
	Quick  bool   // small, to see that it works
	Rounds int    // that count

	started int // workers, for their logs' names
	servers map[Store]*Servers
	closers []func() error
}

// Size is the full size of something, or the small one of a smoke.
func (h *House) Size(full, quick int) int {
	if h.Quick {
		return quick
	}
	return full
}

// Say tells what goes on.
func (h *House) Say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s "+format+"\n", append([]any{time.Now().UTC().Format("15:04:05")}, args...)...)
}

// Defer does something when everything is over, the last first.
func (h *House) Defer(f func() error) { h.closers = append(h.closers, f) }

// Close gives everything back; the first error is answered.
func (h *House) Close() (err error) {
	for _, f := range slices.Backward(h.closers) {
		err = cmp.Or(err, f())
	}
	h.closers = nil
	return err
}
