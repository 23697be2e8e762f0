package main

import (
	"fmt"
	"math"
	"time"

	"countersign/domain/calendar"
)

// flow is how cases of a kind come in over a year.
type flow struct {
	kind string
	year float64 // cases of a partner in a year
	when string  // in words
	at   func(d calendar.Date, working bool, nth, left int) float64
	// hours are when of such a day: 24 numbers that sum to 1.
	hours [24]float64
	// answers is after how many working days people have answered all of it, half of it in the first third.
	answers float64
}

// The hours in which people work, and one hour of a morning.
var (
	office  = hoursOf(9, 10, 11, 13, 14, 15, 16, 17)
	oneHour = hoursOf(9)
)

func hoursOf(hours ...int) (share [24]float64) {
	for _, h := range hours {
		share[h] = 1 / float64(len(hours))
	}
	return share
}

// flows are assumptions, and the page says so: three of ten partners earn an incentive in a month, one of ten applies by the quarter.
// nth and left count the month's working days from its start and to its end, from 1.
var flows = []flow{
	{"reconciliation", 3.6, "all bills of a month in one hour of its third working day", func(_ calendar.Date, working bool, nth, _ int) float64 { return weight(working && nth == 3) }, oneHour, 5},
	{"requisition", 3.6, "the fourth to the tenth working day of a month", func(_ calendar.Date, working bool, nth, _ int) float64 {
		return weight(working && nth >= 4 && nth <= 10)
	}, office, 8},
	{"withdrawal", 2, "working days", onWorkingDays, office, 5},
	{"payment-application", 0.4, "the last five working days of a quarter's first month", func(d calendar.Date, working bool, _, left int) float64 {
		return weight(working && d.Month%3 == 1 && left <= 5)
	}, office, 10},
	{"dedicated-staff", 0.12, "the first five working days of a month", func(_ calendar.Date, working bool, nth, _ int) float64 { return weight(working && nth <= 5) }, office, 8},
	{"invitation", 5, "working days", onWorkingDays, office, 3},
	{"project-specialist", 0.5, "working days", onWorkingDays, office, 5},
	{"solution", 0.2, "working days", onWorkingDays, office, 10},
	{"baseline-solution", 0.01, "working days", onWorkingDays, office, 20},
	{"tier-upgrade", 0.3, "working days", onWorkingDays, office, 5},
	{"lab-credit", 0.5, "working days", onWorkingDays, office, 5},
}

func onWorkingDays(_ calendar.Date, working bool, _, _ int) float64 { return weight(working) }

func weight(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// sleepers are cases of a partner that are at rest at any time: certified solutions, specialists, invitations of the last days.
var sleepers = map[string]float64{"solution": 0.2, "project-specialist": 0.5, "invitation": 5.0 * 7 / 365, "tier-upgrade": 0.02, "lab-credit": 0.1}

const played = 2026 // a year that the calendar knows

// year is what was played: what every hour asked.
type year struct {
	partners float64
	start    time.Time
	steps    []float64 // starts and answers of cases, an hour
	cases    float64
	answers  float64
	burst    float64 // the most cases that start in one hour, and that fall due at one instant
	days     []calendar.Date
	working  int
}

// playYear spreads the cases of so many partners over the hours of a year, and their steps over the days in which people answer. It is
// a mean: a million partners are many enough for it.
func playYear(partners float64, costs map[string]cost) (year, error) {
	first := calendar.Date{Year: played, Month: 1, Day: 1}
	y := year{partners: partners, start: first.Start()}
	for d := first; d.Year == played; d = d.AddDays(1) {
		y.days = append(y.days, d)
	}
	working, nth, left, err := workingDays(y.days)
	if err != nil {
		return y, err
	}
	for _, w := range working {
		if w {
			y.working++
		}
	}
	y.steps = make([]float64, 24*len(y.days))
	for _, f := range flows {
		var all float64
		for i, d := range y.days {
			all += f.at(d, working[i], nth[i], left[i])
		}
		if all == 0 {
			return y, fmt.Errorf("%s never comes", f.kind)
		}
		per := f.year * partners / all
		later := math.Max(0, costs[f.kind].steps-1)
		y.cases += f.year * partners
		y.answers += f.year * partners * costs[f.kind].updates
		for i, d := range y.days {
			today := per * f.at(d, working[i], nth[i], left[i])
			if today == 0 {
				continue
			}
			for h, share := range f.hours {
				y.steps[24*i+h] += today * share
				y.burst = math.Max(y.burst, today*share)
			}
			y.spread(today*later, i, f.answers, working)
		}
	}
	return y, nil
}

// spread lays the answers to a day's cases over the working days that follow: the sooner the more.
func (y *year) spread(steps float64, day int, days float64, working []bool) {
	decay := math.Ln2 / (days / 3)
	weights, sum := make([]float64, 0, 64), 0.0
	for n := 0.0; n < days; n++ {
		w := math.Exp(-decay * n)
		weights, sum = append(weights, w), sum+w
	}
	n := 0
	for i := day; n < len(weights); i++ {
		at := i % len(working) // what is answered after New Year is counted at the year's start: every year is like this one
		if !working[at] {
			continue
		}
		for h, share := range office {
			y.steps[24*at+h] += steps * weights[n] / sum * share
		}
		n++
	}
}

func workingDays(days []calendar.Date) (working []bool, nth, left []int, err error) {
	china := calendar.China()
	working, nth, left = make([]bool, len(days)), make([]int, len(days)), make([]int, len(days))
	for i, d := range days {
		if working[i], err = china.IsWorkingDay(d); err != nil {
			return nil, nil, nil, err
		}
		if i > 0 && days[i-1].Month == d.Month {
			nth[i] = nth[i-1]
		}
		if working[i] {
			nth[i]++
		}
	}
	for i := len(days) - 1; i >= 0; i-- {
		if i+1 < len(days) && days[i+1].Month == days[i].Month {
			left[i] = left[i+1]
		}
		if working[i] {
			left[i]++
		}
	}
	return working, nth, left, nil
}

// peak is the busiest hour and its steps.
func (y year) peak() (at time.Time, steps float64) {
	for i, s := range y.steps {
		if s > steps {
			at, steps = y.start.Add(time.Duration(i)*time.Hour), s
		}
	}
	return at, steps
}

// worked off is when the backlog of the busiest hours is done, at so many steps a second: the most hours that anything waits.
func (y year) longestWait(perSecond float64) (hours float64, ever bool) {
	perHour := perSecond * 3600
	var queue float64
	for range 2 { // the second year shows whether the first left something
		for _, s := range y.steps {
			queue = math.Max(0, queue+s-perHour)
			hours = math.Max(hours, queue/perHour)
		}
	}
	var all float64
	for _, s := range y.steps {
		all += s
	}
	return hours, all <= perHour*float64(len(y.steps))
}
