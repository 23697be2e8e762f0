package frame

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	texttemplate "text/template"
	"time"
)

// Report is one run of the benchmark.
type Report struct {
	Machine  Machine
	Rounds   int
	Quick    bool
	Command  string
	Sections []Section
}

//go:embed report.md
var markdown string

//go:embed plot.svg
var plot string

// Write writes NAME.md, NAME.svg and NAME.json into a folder.
func (r Report) Write(dir, name string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var text, drawn strings.Builder
	page, err := texttemplate.New("page").Funcs(texttemplate.FuncMap{"number": Number, "cell": cell, "minutes": minutes, "svg": func() string { return name + ".svg" }}).Parse(markdown)
	if err != nil {
		return err
	}
	if err := page.Execute(&text, r); err != nil {
		return err
	}
	picture, err := template.New("plot").Parse(plot)
	if err != nil {
		return err
	}
	if err := picture.Execute(&drawn, r.drawing()); err != nil {
		return err
	}
	raw, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	base := filepath.Join(dir, name)
	return errors.Join(os.WriteFile(base+".md", []byte(text.String()), 0o644), os.WriteFile(base+".svg", []byte(drawn.String()), 0o644),
		os.WriteFile(base+".json", append(raw, '\n'), 0o644))
}

// Took is the time of all sections.
func (r Report) Took() (all time.Duration) {
	for _, s := range r.Sections {
		all += s.Took
	}
	return all
}

func minutes(d time.Duration) string { return Number(d.Minutes(), 1) + " minutes" }

// Goals are those of all sections.
func (r Report) Goals() []Goal {
	var all []Goal
	for _, s := range r.Sections {
		all = append(all, s.Goals...)
	}
	return all
}

// Shown are the columns for which somebody has a figure.
func (s Section) Shown() []Column {
	return slices.DeleteFunc(slices.Clone(s.Columns), func(c Column) bool {
		return !slices.ContainsFunc(s.Series, func(one Series) bool { return len(s.Series.Of(c.Name, one.Name)) > 0 })
	})
}

// cell is a median with its range, and the ratio to the base.
func cell(s Section, one Series, c Column) string {
	v := s.Series.Of(c.Name, one.Name)
	if len(v) == 0 {
		return "–"
	}
	text := Number(Median(v), c.Digits)
	if low, high := Number(slices.Min(v), c.Digits), Number(slices.Max(v), c.Digits); low != high {
		text += fmt.Sprintf(" (%s–%s)", low, high)
	}
	if s.Base != "" && one.Name != s.Base && len(s.Series.ratios(c.Name, one.Name, s.Base)) > 0 {
		text += fmt.Sprintf(" **×%.2f**", s.Series.Ratio(c.Name, one.Name, s.Base))
	}
	return text
}

// Number is a figure as people write it: digits behind the point, a comma before each third place.
func Number(v float64, digits int) string {
	text := strconv.FormatFloat(v, 'f', digits, 64)
	whole, rest, _ := strings.Cut(text, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		whole += "." + rest
	}
	return sign + whole
}

// drawing is the plot: for each plotted column a group of bars, each as long as its share of the group's longest.
type drawing struct {
	Width, Height, Left int
	Title               string
	Groups              []group
}

type group struct {
	Y    int
	Text string
	Bars []bar
}

type bar struct {
	Y, Width    int
	Low, High   int // of the range
	Text, Label string
	Ours        bool
}

const (
	plotLeft, plotRight   = 320, 740 // where bars begin, and the longest ends
	plotBar, plotTitleGap = 22, 30
)

func (r Report) drawing() drawing {
	d := drawing{Width: 820, Height: 50, Left: plotLeft, Title: fmt.Sprintf("medians of %d rounds, the line is the range", r.Rounds)}
	for _, s := range r.Sections {
		for _, c := range s.Shown() {
			if !c.Plot {
				continue
			}
			longest := 0.0
			for _, one := range s.Series {
				for _, v := range s.Series.Of(c.Name, one.Name) {
					longest = math.Max(longest, v)
				}
			}
			if longest == 0 {
				continue
			}
			long := func(v float64) int { return int(math.Round(v / longest * (plotRight - plotLeft))) }
			g := group{Y: d.Height + plotTitleGap/2, Text: fmt.Sprintf("(%s) %s: %s", s.ID, s.Title, c.Name)}
			d.Height += plotTitleGap
			for i, one := range s.Series {
				v := s.Series.Of(c.Name, one.Name)
				if len(v) == 0 {
					continue
				}
				g.Bars = append(g.Bars, bar{
					Y: d.Height, Width: long(Median(v)), Low: plotLeft + long(slices.Min(v)), High: plotLeft + long(slices.Max(v)),
					Text: one.Name, Label: Number(Median(v), c.Digits), Ours: i == 0,
				})
				d.Height += plotBar
			}
			d.Groups = append(d.Groups, g)
			d.Height += plotBar / 2
		}
	}
	return d
}
