package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"countersign/domain/calendar"
)

// use is one thing that a programme uses up: how much in the busiest hour or in a year, and how much one machine of two cores has.
type use struct {
	what, unit     string
	asked, has     float64 // asked by a million partners
	further, basis string
}

// share is the part of what there is that a million partners ask for.
func (u use) share() float64 { return u.asked / u.has }

// partners is up to how many partners it lasts.
func (u use) partners() float64 { return 1_000_000 * headroom / u.share() }

const (
	decisionsADay = 200.0 // of one person: two minutes each
	earning       = 0.3   // partners with an incentive in a month
	rowsAMonth    = 300.0 // of consumption, of a partner that earns
	retentionDays = 90.0
	entriesAStep  = 0.5 // a withdrawal's two in its four steps; the other kinds' are fewer
	mailsAStep    = 2.5 // the applicant, and two who may decide where somebody is asked
)

func uses(y year, m measured, total totals) []use {
	_, peak := y.peak()
	bills := y.burst
	return []use{
		{"people who decide", "decisions a working day", total.answers / float64(y.working), 400 * decisionsADay, "default approvals by rule and bulk decisions; more people: nothing of ours knows how many", "400 people, 200 decisions a day each"},
		{"steps of cases", "a second in the busiest hour", peak / 3600, m.StepsPerSecond.Value, "a Temporal cluster: history hosts and shards (512 and more, fixed for ever at its start), workers beside each other", "two cores, measured"},
		{"starts at one hour", "bills, a second", bills / 3600, m.StepsPerSecond.Value, "present the bills over a day instead of an hour: the daily run takes as many as it is told; the same cluster", "two cores, measured"},
		{"deadlines at one instant", "cases that wake, within an hour", bills, m.TimersPerSecond.Value * 3600, "their effective time is the deadline, so a late drain harms nobody; more shards drain side by side", "two cores, measured"},
		{"calculation", "rows a month, within two hours", earning * 1_000_000 * rowsAMonth, m.RowsPerSecond.Value * 7200, "parts side by side in more sessions; a month is a partition of its own", "two sessions, measured"},
		{"import", "rows a month, within eight hours", earning * 1_000_000 * rowsAMonth, m.ImportPerSecond.Value * 8 * 3600, "files side by side; Postgres with faster disks", "one session, measured"},
		{"ledger entries", "a second in the busiest hour", entriesAStep * peak / 3600, m.EntriesPerSecond.Value, "accounts of one partner share nothing with those of another: distribution by partner", "eight connections, measured"},
		{"messages", "a second in the busiest hour", mailsAStep * peak / 3600, m.MailsPerSecond.Value, "senders beside each other (each worker is one, and they share the outbox); digests for those who are asked often; what waits harms no deadline", "one sender, measured"},
		{"write-ahead log", "MB/s in the busiest hour", peak / 3600 * m.WALPerStep.Value / 1e6, 200, "Temporal's databases in a cluster of their own (more than half of it), the lean set of visibility indexes", "200 MB/s, an ordinary NVMe disk"},
		{"Postgres, a year", "GB", total.bytes * m.IndexFactor.Value / 1e9, 4000, "partitions of events, decisions, postings and outbox by year, old ones to cheaper disks", "4 TB"},
		{"Temporal's store", "GB", (total.sleeping*m.SleeperBytes.Value + total.historyBytes*retentionDays/365) / 1e9, 1000, "retention below 90 days: nothing of ours reads a closed history", "1 TB, retention of 90 days"},
	}
}

// totals is a year of a million partners.
type totals struct {
	cases, answers, events, actions, steps, rows, bytes, historyBytes, sleeping float64
}

func sum(partners float64, costs map[string]cost, left map[string]footprint) (t totals) {
	for _, f := range flows {
		n, c, l := f.year*partners, costs[f.kind], left[f.kind]
		t.cases += n
		t.answers += n * c.updates
		t.events += n * c.events
		t.actions += n * c.actions
		t.steps += n * c.steps
		t.historyBytes += n * c.bytes
		t.rows += n * l.Rows
		t.bytes += n * l.Bytes
		t.sleeping += sleepers[f.kind] * partners
	}
	return t
}

func writePage(w io.Writer, costs map[string]cost, left map[string]footprint, m measured, million year) error {
	p := page{w: w}
	p.say(`# Limits: a million partners

What one case costs, times a programme of a million partners; where it gives way first; what takes it further. Written by

    cd bench && go run ./limits

from the recorded histories (events, bytes, actions, steps), from what cases of each kind left in a database (%[1]srows.json%[1]s, read by %[1]s-rows%[1]s), and from what the benchmarks measured on two cores
(%[1]smeasured.json%[1]s, listed below; %[1]s-bench FILE%[1]s takes a run's figures into it). How many cases come is an assumption, and stands below; the rest follows.

## What a case costs

The mean of a kind's recorded histories, long ones with every detour among them, so rather too much than too little. An action is what Temporal Cloud bills: a start, an update, a signal, a timer, an
upsert of search attributes, an activity, all local activities of one workflow task together. A step is one transaction of ours. Bytes in Postgres are those of the rows; indexes and pages make them %.1[2]f times as many.`, "`", m.IndexFactor.Value)
	p.table("kind|histories>|events>|history, kB>|actions>|steps>|answers>|rows>|bytes of rows>", func(row func(...any)) {
		for _, kind := range slices.Sorted(maps.Keys(costs)) {
			c, l := costs[kind], left[kind]
			row(kind, c.histories, number(c.events), fmt.Sprintf("%.1f", c.bytes/1000), number(c.actions), number(c.steps), number(c.updates), number(l.Rows), number(l.Bytes))
		}
	})
	p.say(`## How many come

Assumed: three of ten partners earn an incentive in a month and claim it, one of ten applies for payment by the quarter. Answers come within working hours, half of them in the first third of the days named. Every second step moves money, and a step tells two or three people.`)
	p.table("kind|cases of a partner in a year>|when they come|answered within, working days>", func(row func(...any)) {
		for _, f := range flows {
			row(f.kind, f.year, f.when, f.answers)
		}
	})
	p.say(`## What was measured`)
	p.table("on two cores|figure>|where", func(row func(...any)) {
		m.each(func(words string, one *figure) { row(words, number(one.Value), one.From) })
	})
	p.say(`## A year`)
	head := []string{"10,000 partners", "100,000", "1,000,000"}
	p.table("in a year|"+strings.Join(head, ">|")+">", func(row func(...any)) {
		var t [3]totals
		var peaks, waits [3]string
		for i, n := range []float64{10_000, 100_000, 1_000_000} {
			t[i] = sum(n, costs, left)
			y, err := playYear(n, costs)
			if err != nil {
				p.err = err
				return
			}
			_, peak := y.peak()
			peaks[i] = number(peak / 3600)
			hours, ever := y.longestWait(m.StepsPerSecond.Value)
			switch {
			case !ever:
				waits[i] = "for ever"
			case hours == 0:
				waits[i] = "none"
			default:
				waits[i] = fmt.Sprintf("%.1f h", hours)
			}
		}
		each := func(name string, f func(totals) float64) {
			row(name, number(f(t[0])), number(f(t[1])), number(f(t[2])))
		}
		each("cases", func(t totals) float64 { return t.cases })
		each("answers of people", func(t totals) float64 { return t.answers })
		each("steps", func(t totals) float64 { return t.steps })
		each("events of histories", func(t totals) float64 { return t.events })
		each("Temporal actions", func(t totals) float64 { return t.actions })
		each("rows in Postgres", func(t totals) float64 { return t.rows })
		each("GB in Postgres, with indexes", func(t totals) float64 { return t.bytes * m.IndexFactor.Value / 1e9 })
		each("cases asleep at any time", func(t totals) float64 { return t.sleeping })
		each("GB in Temporal's store: asleep, and 90 days of histories", func(t totals) float64 {
			return (t.sleeping*m.SleeperBytes.Value + t.historyBytes*retentionDays/365) / 1e9
		})
		row("steps a second in the busiest hour", peaks[0], peaks[1], peaks[2])
		row("longest backlog on one machine of two cores", waits[0], waits[1], waits[2])
	})
	at, _ := million.peak()
	p.say(`![Steps a second, hour by hour, of a month in which a quarter ends its claims](limits.svg)

The busiest hour of the played year (%d, with its holidays) is %s: %s bills are presented in it.

## What gives way first

One machine of two cores for everything. *Lasts to* is up to how many partners it stays below %.0f %% of what there is.`, played, at.In(calendar.Zone).Format("2 January, 15:04"), number(million.burst), 100*headroom)
	all := uses(million, m, sum(1_000_000, costs, left))
	slices.SortStableFunc(all, func(a, b use) int {
		return strings.Compare(fmt.Sprintf("%020.0f", a.partners()), fmt.Sprintf("%020.0f", b.partners()))
	})
	p.table("what|asked by a million partners>|there is>|share>|lasts to, partners>|what takes it further", func(row func(...any)) {
		for _, u := range all {
			row(u.what, number(u.asked)+" "+u.unit, number(u.has)+" ("+u.basis+")", fmt.Sprintf("%.0f %%", 100*u.share()), number(u.partners()), u.further)
		}
	})
	p.say(further)
	return p.err
}

const further = `## What takes it further, in this order

1. **More cores for Temporal and the workers.** Both scale out: workers are stateless but for their cache, Temporal's history hosts share the shards out among them. Choose 512 shards or more at the start of a cluster: they cannot be changed
   later, and a shard works its tasks off one after the other. Temporal's databases go to a Postgres of their own first (more than half of all writes), then to Cassandra or to Temporal Cloud, whose bill is the line of actions above.
2. **The lean set of visibility indexes** (` + "`dev/visibility/lean.sql`" + `), or Elasticsearch for visibility: about half of what Temporal writes is for searches. Lists and the inbox read our own tables in any case.
3. **Bursts become days.** Bills of a month, reminders of a quarter and deadlines at midnight fall together because the rules say so; what happens has the deadline's instant however late the step is. Presenting takes what it is told to take, so spread it.
4. **Partitions.** Consumption is partitioned by month. Events, decisions, postings, tasks and outbox grow with closed cases only and are read by case or by account: partitions by year, with their key's year in the case's row, come when they no longer fit in memory
   with what is open. Nothing sums over all of them but ` + "`ledger verify`" + `, which then runs a partition at a time.
5. **Distribution by partner** (Citus or a database for each group of partners). A case, its tasks, entries and accounts belong to one partner, and no step touches two; the partner is in every workflow's ID. Three things do not split, and are reference tables or
   sums over all parts: the vendor's own accounts (they have no stored balance: each part sums its own), people and policies, and numbers of cases (a sequence with a prefix for each part).
6. **What does not scale by machines is people.** A decision takes a person two minutes. Chains whose first step is a rule, default approvals, bands and bulk decisions are policy data: that is where a programme of a million partners begins.
`

// page writes Markdown.
type page struct {
	w   io.Writer
	err error
}

func (p *page) say(format string, args ...any) {
	text := format
	if len(args) > 0 {
		text = fmt.Sprintf(format, args...)
	}
	if _, err := fmt.Fprintln(p.w, strings.TrimRight(text, "\n")+"\n"); err != nil && p.err == nil {
		p.err = err
	}
}

// table writes a table; a column whose name ends with > is of numbers.
func (p *page) table(columns string, fill func(row func(...any))) {
	var lines strings.Builder
	names := strings.Split(columns, "|")
	rule := make([]string, len(names))
	for i, n := range names {
		rule[i] = "---"
		if strings.HasSuffix(n, ">") {
			names[i], rule[i] = strings.TrimSuffix(n, ">"), "---:"
		}
	}
	fmt.Fprintf(&lines, "| %s |\n| %s |\n", strings.Join(names, " | "), strings.Join(rule, " | "))
	fill(func(cells ...any) {
		texts := make([]string, len(cells))
		for i, c := range cells {
			texts[i] = fmt.Sprint(c)
		}
		fmt.Fprintf(&lines, "| %s |\n", strings.Join(texts, " | "))
	})
	p.say("%s", lines.String())
}

// number writes three digits that count, with commas.
func number(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 10:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
	case v >= 1000:
		scale := math.Pow(10, math.Floor(math.Log10(v))-2)
		v = math.Round(v/scale) * scale
	}
	digits := fmt.Sprintf("%.0f", v)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// picture draws a month of the played year, hour by hour, with what two cores do.
func picture(y year, m measured) []byte {
	const width, height, left, top, bottom = 960, 300, 60, 20, 40
	from := calendar.Date{Year: played, Month: time.April, Day: 1}
	first := int(from.Start().Sub(y.start).Hours())
	hours := 30 * 24
	var highest float64
	for i := range hours {
		highest = math.Max(highest, y.steps[first+i]/3600)
	}
	highest = math.Max(highest, m.StepsPerSecond.Value) * 1.1
	px := func(i int) float64 { return left + float64(i)*float64(width-left-10)/float64(hours) }
	py := func(v float64) float64 { return height - bottom - v/highest*(height-bottom-top) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`, width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/><path fill="#4a78b5" d="M%.1f %.1f`, width, height, px(0), py(0))
	for i := range hours {
		v := py(y.steps[first+i] / 3600)
		fmt.Fprintf(&b, "L%.1f %.1fL%.1f %.1f", px(i), v, px(i+1), v)
	}
	fmt.Fprintf(&b, `L%.1f %.1fZ"/>`, px(hours), py(0))
	fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#c0392b" stroke-dasharray="6 4"/><text x="%d" y="%.1f" fill="#c0392b" text-anchor="end">two cores: %s a second</text>`,
		left, py(m.StepsPerSecond.Value), width-10, width-14, py(m.StepsPerSecond.Value)-5, number(m.StepsPerSecond.Value))
	for day := 0; day < 30; day += 5 {
		fmt.Fprintf(&b, `<text x="%.1f" y="%d">%s</text>`, px(24*day), height-20, from.AddDays(day).Start().Format("2 Jan"))
	}
	for _, v := range []float64{0, highest / 2, highest / 1.1} {
		fmt.Fprintf(&b, `<text x="%d" y="%.1f" text-anchor="end">%s</text>`, left-6, py(v)+4, number(v))
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d">steps of cases a second, %s partners, %s %d</text></svg>`+"\n", left, height-4, number(y.partners), from.Month, played)
	return []byte(b.String())
}
