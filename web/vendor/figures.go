package vendor

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/domain/kinds"
	"countersign/domain/person"
	"countersign/views"
)

func (d *Desk) overdue(w http.ResponseWriter, req *http.Request, _ person.Person) error {
	f := read(req)
	p := overduePage{Filter: f, Kinds: kinds.Names(), Now: now()}
	p.span = func(late time.Duration) string { return d.span(req, late) }
	var err error
	p.OverduePage, err = d.Reader.Overdue(req.Context(), views.OverdueFilter{Kind: f.Get("kind"), Escalated: f.Get("escalated") != "", After: f.Get("after")}, p.Now)
	if err != nil {
		return err
	}
	d.Pages.Render(w, req, http.StatusOK, "overdue", d.Pages.Text(req, "nav.overdue"), p)
	return nil
}

// bar is one line of a chart: a label, and parts one after the other.
type bar struct {
	Head  string // of the bars from here on, if it is the first of them
	Label string
	Link  string // to the cases that it counts
	Y     int
	Parts []piece
	Value string // at the end of the bar
	End   float64
	Note  string // the whole line for who does not see it
}

// piece is one part of a bar, in the chart's own units.
type piece struct {
	X, Width float64
	Class    int    // 1 to 5
	Title    string // shown at the pointer
}

// chart is a chart of horizontal bars, drawn by the page as SVG.
type chart struct {
	ID     string
	Bars   []bar
	Height int
	Legend []string
}

// Measures of charts, in the units of their viewBox: labels left of the bars, values right of them.
const (
	barsBegin = 340.0
	barsWidth = 380.0
	barHeight = 26
	groupGap  = 8
)

// draw lays out bars: the longest takes the whole width.
func draw(id string, legend []string, bars []bar, values [][]float64) chart {
	longest := 0.0
	for _, v := range values {
		sum := 0.0
		for _, x := range v {
			sum += x
		}
		longest = max(longest, sum)
	}
	y := 0
	for i := range bars {
		if bars[i].Head != "" && i > 0 {
			y += groupGap
		}
		bars[i].Y = y
		y += barHeight
		x := barsBegin
		for k, v := range values[i] {
			width := 0.0
			if longest > 0 {
				width = barsWidth * v / longest
			}
			bars[i].Parts[k].X, bars[i].Parts[k].Width = round(x), round(width)
			x += width
		}
		bars[i].End = round(x + 6)
	}
	return chart{ID: id, Bars: bars, Height: max(barHeight, y), Legend: legend}
}

// round keeps a measure to a tenth.
func round(x float64) float64 { return float64(int(x*10+0.5)) / 10 }

// figuresPage is how the work stands.
type figuresPage struct {
	At     time.Time
	Kind   string
	Kinds  []string
	States []views.StateFigure
	Ages   []string
	Money  []views.MoneyFigure
	Took   []views.DecidedFigure

	ByState, ByMoney, ByTime chart
}

// span is how long something takes or took, as people say it.
func (d *Desk) span(req *http.Request, took time.Duration) string {
	switch {
	case took < time.Hour:
		return d.Pages.Text(req, "vendor.span.minutes", int(took.Minutes()+0.5))
	case took < 48*time.Hour:
		return d.Pages.Text(req, "vendor.span.hours", fmt.Sprintf("%.1f", took.Hours()))
	}
	return d.Pages.Text(req, "vendor.span.days", fmt.Sprintf("%.1f", took.Hours()/24))
}

func (d *Desk) figures(w http.ResponseWriter, req *http.Request, _ person.Person) error {
	ctx := req.Context()
	p := figuresPage{At: now(), Kind: req.URL.Query().Get("kind"), Kinds: kinds.Names()}
	found, err := d.kept.read(ctx, d.Reader, p.Kind, p.At)
	if err != nil {
		return err
	}
	p.At, p.States, p.Money, p.Took = found.At, found.States, found.Money, found.Took
	p.Ages = d.ages(req)
	p.ByState = d.byState(req, p.States, p.Ages)
	p.ByMoney = d.byMoney(req, p.Money)
	p.ByTime = d.byTime(req, p.Took)
	d.Pages.Render(w, req, http.StatusOK, "figures", d.Pages.Text(req, "nav.figures"), p)
	return nil
}

// ages are the steps of views.Ages in words.
func (d *Desk) ages(req *http.Request) []string {
	words := []string{d.Pages.Text(req, "vendor.figures.age-first", views.Ages[0])}
	for i := 1; i < len(views.Ages); i++ {
		words = append(words, d.Pages.Text(req, "vendor.figures.age", views.Ages[i-1], views.Ages[i]))
	}
	return append(words, d.Pages.Text(req, "vendor.figures.age-last", views.Ages[len(views.Ages)-1]))
}

// under puts a bar under the kind of case that it is of, whose name stands above the first one.
func (d *Desk) under(req *http.Request, former *string, kind string, b bar) bar {
	if kind != *former {
		b.Head, *former = d.Pages.Word(req, "kind", kind), kind
	}
	return b
}

// stage is a bar for the open cases in one state.
func (d *Desk) stage(req *http.Request, former *string, kind, state string, b bar) bar {
	b.Label, b.Link = d.Pages.Word(req, "state", state), "/cases?"+url.Values{"kind": {kind}, "state": {state}, "open": {"1"}}.Encode()
	return d.under(req, former, kind, b)
}

func (d *Desk) byState(req *http.Request, states []views.StateFigure, ages []string) chart {
	var bars []bar
	var values [][]float64
	kind := ""
	for _, s := range states {
		b := d.stage(req, &kind, s.Kind, s.State, bar{Value: fmt.Sprint(s.Open)})
		var v []float64
		var words []string
		for i, n := range s.Aged {
			said := fmt.Sprintf("%s: %d", ages[i], n)
			b.Parts = append(b.Parts, piece{Class: i + 1, Title: said})
			v = append(v, float64(n))
			words = append(words, said)
		}
		b.Note = strings.Join(words, "; ")
		bars, values = append(bars, b), append(values, v)
	}
	return draw("by-state", ages, bars, values)
}

func (d *Desk) byMoney(req *http.Request, stages []views.MoneyFigure) chart {
	var bars []bar
	var values [][]float64
	kind := ""
	for _, m := range stages {
		length, err := strconv.ParseFloat(m.Amount.String(), 64) // on the screen
		if err != nil {
			continue // an amount is a number
		}
		sum := d.Pages.Money(req, m.Amount)
		said := fmt.Sprintf("%s (%d)", sum, m.Cases)
		bars = append(bars, d.stage(req, &kind, m.Kind, m.State, bar{Value: sum, Note: said, Parts: []piece{{Class: 1, Title: said}}}))
		values = append(values, []float64{max(0, length)})
	}
	return draw("by-money", nil, bars, values)
}

func (d *Desk) byTime(req *http.Request, took []views.DecidedFigure) chart {
	slices.SortStableFunc(took, func(a, b views.DecidedFigure) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(b.Median, a.Median))
	})
	kind := ""
	legend := []string{d.Pages.Text(req, "vendor.figures.median"), d.Pages.Text(req, "vendor.figures.p90")}
	var bars []bar
	var values [][]float64
	for _, t := range took {
		median, p90 := d.span(req, seconds(t.Median)), d.span(req, seconds(t.P90))
		said := legend[0] + ": " + median + "; " + legend[1] + ": " + p90
		bars = append(bars, d.under(req, &kind, t.Kind, bar{
			Label: d.Pages.Word(req, "matter", t.Matter), Value: median + " / " + p90, Note: said,
			Parts: []piece{{Class: 1, Title: said}, {Class: 3, Title: said}},
		}))
		values = append(values, []float64{t.Median, max(0, t.P90-t.Median)})
	}
	return draw("by-time", legend, bars, values)
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
