package incentive

import (
	"context"
	"fmt"

	"countersign/bench/frame"
)

// Part is the calculation of a month beside the plain statement.
func Part() frame.Part {
	return frame.Part{ID: "g-calculation", Title: "Calculation of a month", Run: func(ctx context.Context, h *frame.House) (frame.Section, error) {
		servers, err := h.Servers(ctx, frame.SQLite)
		if err != nil {
			return frame.Section{}, err
		}
		s := size{rows: h.Size(1_000_000, 10_000), partners: 500, perLine: 90, beside: 2}
		m, err := open(ctx, servers.DatabaseURL, s, "")
		if err != nil {
			return frame.Section{}, err
		}
		h.Defer(func() error { return m.close(context.WithoutCancel(ctx)) })
		const seconds, server, rate, theirs = "seconds", "Postgres CPU-s", "rows/s", "INSERT … SELECT … GROUP BY"
		figures := func(c cost, err error) (frame.Figures, error) {
			return frame.Figures{seconds: c.wall, server: c.cpu, rate: float64(s.rows) / c.wall}, err
		}
		series, err := h.Interleave(ctx,
			frame.Contender{Name: "ours", Round: func(ctx context.Context, round int) (frame.Figures, error) { return figures(m.ours(ctx, round)) }},
			frame.Contender{Name: theirs, Round: func(ctx context.Context, _ int) (frame.Figures, error) { return figures(m.plain(ctx)) }})
		if err != nil {
			return frame.Section{}, err
		}
		return frame.Section{
			About: fmt.Sprintf("%s rows of consumption of one month. Ours finds identities, qualifications, levels and policies by the instant, compares with what was calculated before and writes lines that "+
				"explain the consumption to the cent, in %d sessions as the workflow does. The plain statement, in one session, sums the same rows by the same columns into a table without index or constraint.", frame.Number(float64(s.rows), 0), s.beside),
			Columns: []frame.Column{{Name: seconds, Digits: 2, Plot: true, Weak: true}, {Name: server, Digits: 2}, {Name: rate, Weak: true}},
			Base:    theirs, Series: series,
			Goals: []frame.Goal{frame.AtMost("calculation: time of the plain statement", series.Ratio(seconds, "ours", theirs), 1.5, "×").
				Because(fmt.Sprintf("The calculation takes %.2f times Postgres' CPU of the plain statement and spreads it over %d sessions; it needs a core for each.", series.Ratio(server, "ours", theirs), s.beside))},
		}, m.again(ctx, h.Rounds+1)
	}}
}
