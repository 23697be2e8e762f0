package consumption

import (
	"context"
	"fmt"
	"path/filepath"

	"countersign/bench/frame"
)

// Part is the import of one file beside the bare COPY.
func Part() frame.Part {
	return frame.Part{ID: "g-import", Title: "Import of consumption", Run: func(ctx context.Context, h *frame.House) (frame.Section, error) {
		servers, err := h.Servers(ctx, frame.SQLite)
		if err != nil {
			return frame.Section{}, err
		}
		b, err := open(ctx, servers.DatabaseURL, filepath.Join(h.Bin, "starter"))
		if err != nil {
			return frame.Section{}, err
		}
		h.Defer(func() error { return b.close(context.WithoutCancel(ctx)) })
		rows := h.Size(200_000, 2_000)
		if err := writeProgramme(b.file, rows); err != nil {
			return frame.Section{}, err
		}
		const seconds, server, memory, rate, theirs = "seconds", "Postgres CPU-s", "importing process MB", "rows/s", "bare COPY"
		costs := func(ctx context.Context, f func() (frame.Figures, error)) (frame.Figures, error) {
			if err := b.empty(ctx); err != nil {
				return nil, err
			}
			before, err := frame.CPUOfFamily(servers.PostgresPID)
			if err != nil {
				return nil, err
			}
			figures, err := f()
			if err != nil {
				return nil, err
			}
			after, err := frame.CPUOfFamily(servers.PostgresPID)
			figures[server], figures[rate] = (after-before)/1000, float64(rows)/figures[seconds]
			return figures, err
		}
		series, err := h.Interleave(ctx,
			frame.Contender{Name: "ours", Round: func(ctx context.Context, round int) (frame.Figures, error) {
				figures, err := costs(ctx, func() (frame.Figures, error) {
					took, usage, err := b.take(ctx, b.file, fmt.Sprintf("%d rows added", rows))
					if err != nil {
						return nil, err
					}
					return frame.Figures{seconds: took, memory: float64(usage.Maxrss) / 1024}, nil
				})
				if err == nil && round == 0 { // ours warms up first: its rows are what COPY sends
					err = writeLines(ctx, b.db, b.lines)
				}
				return figures, err
			}},
			frame.Contender{Name: theirs, Round: func(ctx context.Context, _ int) (frame.Figures, error) {
				return costs(ctx, func() (frame.Figures, error) {
					took, err := copyLines(ctx, b.url, b.lines)
					return frame.Figures{seconds: took}, err
				})
			}})
		return frame.Section{
			About: fmt.Sprintf("A file of %s rows is read, judged and stored by `starter consumption import`, a process of its own. The bare `COPY` sends the same rows, ready encoded, "+
				"through the same driver into the same empty table with its partitions, key, index and checks.", frame.Number(float64(rows), 0)),
			Columns: []frame.Column{{Name: seconds, Digits: 2, Plot: true, Weak: true}, {Name: server, Digits: 2}, {Name: rate, Weak: true}, {Name: memory}},
			Base:    theirs, Series: series,
			Goals: []frame.Goal{frame.AtMost("import: time of the bare COPY", series.Ratio(seconds, "ours", theirs), 2, "×").
				Because(fmt.Sprintf("Reading, judging and encoding rows needs a core of its own beside the one of Postgres, which itself takes %.2f CPU-s of them beside the COPY's %.2f; a machine that has none to give shows it.",
					series.Median(server, "ours"), series.Median(server, theirs)))},
		}, err
	}}
}
