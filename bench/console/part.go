// Package console measures what the console's pages take on the server, over a million cases.
package console

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"countersign/bench/frame"
	"countersign/internal/inboxbench"
	"countersign/schema"
)

const (
	median = "median ms"
	p95    = "p95 ms"
	server = "server CPU-ms"
	size   = "kB"
)

// Part is each page, asked for again and again by one reader at a time.
func Part() frame.Part {
	return frame.Part{ID: "h", Title: "Pages of the console over 1,000,000 cases", Run: run}
}

func run(ctx context.Context, h *frame.House) (frame.Section, error) {
	servers, err := h.Servers(ctx, frame.SQLite)
	if err != nil {
		return frame.Section{}, err
	}
	house := inboxbench.Million
	if h.Quick {
		house = inboxbench.Size{Tasks: 4000, Open: 600, People: 60, Partners: 20, Roles: 8, ByRule: 3000, Books: true}
	}
	own, err := url.Parse(servers.DatabaseURL)
	if err != nil {
		return frame.Section{}, err
	}
	own.Path = "/countersign_console"
	if _, err := servers.Admin.ExecContext(ctx, `CREATE DATABASE countersign_console`); err != nil {
		return frame.Section{}, err
	}
	b := bench{url: own.String(), bin: h.Bin, dir: h.Dir, env: servers.Env, postgres: servers.PostgresPID}
	if b.db, err = schema.OpenOwner(b.url); err != nil {
		return frame.Section{}, err
	}
	h.Defer(b.db.Close)
	began := time.Now()
	if err := b.fill(ctx, house, func(step string) { h.Say("  %6.1f s  %s", time.Since(began).Seconds(), step) }); err != nil {
		return frame.Section{}, err
	}
	if err := b.serve(); err != nil {
		return frame.Section{}, err
	}
	defer b.process.Stop()
	pages, err := b.pages(ctx)
	if err != nil {
		return frame.Section{}, err
	}
	var contenders []frame.Contender
	requests := h.Size(40, 5)
	for _, p := range pages {
		contenders = append(contenders, frame.Contender{Name: p.name, Round: func(ctx context.Context, round int) (frame.Figures, error) {
			return b.ask(ctx, p, round*requests, requests)
		}})
	}
	series, err := h.Interleave(ctx, contenders...)
	if err != nil {
		return frame.Section{}, err
	}
	slowest := pages[0].name
	for _, p := range pages {
		if !p.file && series.Median(median, p.name) > series.Median(median, slowest) {
			slowest = p.name
		}
	}
	of, err := b.sizes(ctx)
	if err != nil {
		return frame.Section{}, err
	}
	return frame.Section{
		About: fmt.Sprintf("The server's own process on a house of %s cases of five kinds and %s tasks, %s of them open, with what belongs to them: %s decisions, %s events, %s postings, bills, invoices, members, consumption, refusals and sign-ins. "+
			"The largest of %s partners has %s cases, and its pages are asked for under the database role that sees its rows only. A client on the same machine asks for one page after the other, signed in, "+
			"%d times a round, for another case each time; a page's time is from the request to its last octet. The heavy reader holds roles that thousands of open tasks are put to. Files are the whole month, however long, and no pages.",
			of["cases"], of["tasks"], of["open"], of["decisions"], of["events"], of["postings"], of["partners"], of["largest"], requests),
		Columns: []frame.Column{{Name: median, Digits: 1, Plot: true, Weak: true}, {Name: p95, Digits: 1, Weak: true}, {Name: server, Digits: 1}, {Name: frame.PostgresCPU, Digits: 1}, {Name: size}},
		Series:  series,
		Goals: []frame.Goal{frame.AtMost("slowest page at the median ("+slowest+")", series.Median(median, slowest), 50, "ms").
			Because("every part of this page is read from the database for each reader")},
		Notes: []string{"Figures of the work are counted once a minute where more than 2,000 cases are open, and shown to everybody with their time: p95 is the reader for whom they are counted. " +
			"A search among a partner's cases goes through 2,000 of them at once, the newest first, and leads on to older ones; a whole number is found at once."},
	}, nil
}
