package frame

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAMedianIsTheMiddle_ARatioIsThatOfPairs_APercentileIsAValueThatWasSeen(t *testing.T) {
	require.Zero(t, Median(nil))
	require.InDelta(t, 3, Median([]float64{9, 1, 3}), 0)
	require.InDelta(t, 2, Median([]float64{9, 1, 3, 1}), 0)

	s := AllSeries{
		{Name: "ours", Rounds: []Figures{{"ms": 2}, {"ms": 30}, {"ms": 4}}}, // the second round ran beside something else
		{Name: "theirs", Rounds: []Figures{{"ms": 4}, {"ms": 60}, {"ms": 5}}},
	}
	require.InDelta(t, 0.5, s.Ratio("ms", "ours", "theirs"), 0)
	require.Zero(t, s.Ratio("ms", "ours", "nobody"))

	var d []time.Duration
	for n := range 150 {
		d = append(d, time.Duration(150-n)*time.Millisecond)
	}
	require.InDelta(t, 75, Percentile(d, 50), 0)
	require.InDelta(t, 149, Percentile(d, 99), 0)
	require.Zero(t, Percentile(nil, 99))
}

func TestAFigureIsWrittenAsPeopleWriteIt(t *testing.T) {
	for want, got := range map[string]string{"1,234,567": Number(1234567.4, 0), "-1,000.50": Number(-1000.5, 2), "999": Number(999, 0), "0.04": Number(0.0391, 2)} {
		require.Equal(t, want, got)
	}
}

func TestAPageHasRatiosRangesGoalsAndWhyOneIsMissed_AndAPlotInWhichNothingIsCutOff(t *testing.T) {
	dir := t.TempDir()
	long := "ours in BEGIN … COMMIT, ten hot partner accounts"
	r := Report{
		Machine: Machine{Cores: 2, At: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)}, Rounds: 2, Command: "make bench",
		Sections: []Section{{
			ID: "a", Title: "A thing", About: "What it is.", Base: "bare", Took: 90 * time.Second,
			Columns: []Column{{Name: "ms", Digits: 1, Plot: true, Weak: true}, {Name: "nobody has it"}},
			Series:  AllSeries{{Name: long, Rounds: []Figures{{"ms": 10}, {"ms": 12}}}, {Name: "bare", Rounds: []Figures{{"ms": 20}, {"ms": 24}}}},
			Goals:   []Goal{AtMost("ms of ours", 11, 5, "ms").Because("It waits."), AtLeast("as fast", 2, 1, "×").Because("never shown")},
		}},
	}
	require.NoError(t, r.Write(dir, "page"))
	text, err := os.ReadFile(filepath.Join(dir, "page.md"))
	require.NoError(t, err)
	for _, part := range []string{
		"in 1.5 minutes", "| | ~ ms |\n|---|---:|\n| " + long + " | 11.0 (10.0–12.0) **×0.50** |\n| bare | 22.0 (20.0–24.0) |\n", "![plot](page.svg)",
		"| ms of ours | 11.00 ms | ≤ 5.00 | **missed** |\n| as fast | 2.00 × | ≥ 1.00 | reached |\n", "**Missed: ms of ours.** It waits.\n",
	} {
		require.Contains(t, string(text), part)
	}
	require.NotContains(t, string(text), "never shown")
	require.NotContains(t, string(text), "\n\n\n")

	d := r.drawing()
	require.Less(t, 6.3*float64(len([]rune(long))), float64(plotLeft-8), "a name of this length fits before its bar")
	for _, g := range d.Groups {
		for _, b := range g.Bars {
			require.Less(t, b.High+60, d.Width, "so does the figure behind it")
			require.Less(t, b.Y, d.Height)
		}
	}
	picture, err := os.ReadFile(filepath.Join(dir, "page.svg"))
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(string(picture), "<rect x=\"320\""))
}
