// Package console measures what the console's pages take on the server, over a million cases.
package console

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"countersign/bench/frame"
	"countersign/internal/inboxbench"
	"countersign/internal/stacktest"
	"countersign/schema"

	"github.com/jmoiron/sqlx"
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

// page is one that is measured.
type page struct {
	name string
	as   *http.Client
	path func(n int) string // of the n-th request: others than before, where there are others
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
	b := bench{house: h, servers: servers}
	if err := b.fill(ctx, house); err != nil {
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
	requests := h.Size(200, 20)
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
		if series.Median(median, p.name) > series.Median(median, slowest) {
			slowest = p.name
		}
	}
	var cases int
	if err := b.db.GetContext(ctx, &cases, `SELECT count(*) FROM cases`); err != nil {
		return frame.Section{}, err
	}
	return frame.Section{
		About: fmt.Sprintf("The server's own process on a house of %s cases and %s tasks, %s of them open, with decisions, events and ledger entries. A client on the same machine asks for one page after the other, signed in, "+
			"%d times a round, for another case each time; a page's time is from the request to its last octet. The heavy reader holds roles that thousands of open tasks are put to.",
			frame.Number(float64(cases), 0), frame.Number(float64(house.Tasks), 0), frame.Number(float64(house.Open), 0), requests),
		Columns: []frame.Column{{Name: median, Digits: 1, Plot: true, Weak: true}, {Name: p95, Digits: 1, Weak: true}, {Name: server, Digits: 1}, {Name: frame.PostgresCPU, Digits: 1}, {Name: size}},
		Series:  series,
		Goals: []frame.Goal{frame.AtMost("slowest page at the median ("+slowest+")", series.Median(median, slowest), 50, "ms").
			Because("every part of this page is read from the database for each reader; none is kept")},
	}, nil
}

type bench struct {
	house   *frame.House
	servers *frame.Servers
	url     string
	origin  string
	db      *sqlx.DB // the owner's
	process *stacktest.Worker
}

// fill makes a database of its own in the stack's cluster.
func (b *bench) fill(ctx context.Context, house inboxbench.Size) error {
	own, err := url.Parse(b.servers.DatabaseURL)
	if err != nil {
		return err
	}
	own.Path = "/countersign_console"
	b.url = own.String()
	if _, err := b.servers.Admin.ExecContext(ctx, `CREATE DATABASE countersign_console`); err != nil {
		return err
	}
	if b.db, err = schema.OpenOwner(b.url); err != nil {
		return err
	}
	b.house.Defer(b.db.Close)
	if _, err := schema.Migrate(ctx, b.db.DB); err != nil {
		return err
	}
	began := time.Now()
	return inboxbench.Fill(ctx, b.db, house, time.Now().UTC().Truncate(time.Second), func(step string) {
		b.house.Say("  %6.1f s  %s", time.Since(began).Seconds(), step)
	})
}

func (b *bench) env() []string {
	return b.servers.Env("DATABASE_URL="+b.url, "CONSOLE_ADDRESS="+strings.TrimPrefix(b.origin, "http://"), "CONSOLE_URL="+b.origin)
}

func (b *bench) serve() (err error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	b.origin = "http://" + free.Addr().String()
	if err := free.Close(); err != nil {
		return err
	}
	b.process, err = b.house.Start("console", "server runs", b.env(), filepath.Join(b.house.Bin, "server"))
	return err
}

// pages are what readers open most, and what is largest.
func (b *bench) pages(ctx context.Context) ([]page, error) {
	heavy, light, err := inboxbench.Personas(ctx, b.db)
	if err != nil {
		return nil, err
	}
	if _, err := b.db.ExecContext(ctx, `INSERT INTO person_roles (person_id, role) VALUES ('p1', 'account-administrator')`); err != nil {
		return nil, err
	}
	readers := map[string]*http.Client{}
	for _, who := range []string{heavy, light} {
		if readers[who], err = b.signIn(ctx, who); err != nil {
			return nil, fmt.Errorf("sign %s in: %w", who, err)
		}
	}
	var open, paid []string
	for into, query := range map[*[]string]string{
		&open: `SELECT case_number FROM cases WHERE closed_at IS NULL AND $1 <> '' ORDER BY hashtext(case_number) LIMIT 2000`,
		&paid: `SELECT case_number FROM tasks WHERE decided_by <> $1 AND matter = 'confirm' ORDER BY hashtext(case_number) LIMIT 2000`,
	} {
		if err := b.db.SelectContext(ctx, into, query, heavy); err != nil {
			return nil, err
		}
	}
	fixed := func(path string) func(int) string { return func(int) string { return path } }
	of := func(numbers []string) func(int) string {
		return func(n int) string { return "/cases/" + numbers[n%len(numbers)] }
	}
	return []page{
		{"inbox, heavy", readers[heavy], fixed("/inbox")},
		{"inbox, light", readers[light], fixed("/inbox")},
		{"inbox, search that many match", readers[heavy], fixed("/inbox?text=alpha")},
		{"inbox, search for a case", readers[heavy], func(n int) string { return "/inbox?text=" + open[n%len(open)] }},
		{"inbox, overdue", readers[heavy], fixed("/inbox?overdue=1")},
		{"waiting for others", readers[heavy], fixed("/waiting")},
		{"decided", readers[heavy], fixed("/decided")},
		{"case under review", readers[heavy], of(open)},
		{"case paid", readers[heavy], of(paid)},
		{"account", readers[light], fixed("/account")},
	}, nil
}

// signIn gives somebody an account and a password of their own, as people get them.
func (b *bench) signIn(ctx context.Context, who string) (*http.Client, error) {
	give := exec.CommandContext(ctx, filepath.Join(b.house.Bin, "starter"), "person", "account", who, "--as", "p1", "--json")
	give.Env = b.env()
	text, err := give.Output()
	if err != nil {
		return nil, fmt.Errorf("give an account: %w", err)
	}
	var given struct {
		Account string `json:"account_name"`
		Initial string `json:"initial_password"`
	}
	if err := json.Unmarshal(text, &given); err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Jar: jar, Timeout: time.Minute}
	own := "Own-" + given.Initial
	for _, form := range []struct {
		path   string
		values url.Values
	}{
		{"/sign-in", url.Values{"account": {given.Account}, "password": {given.Initial}}},
		{"/account/password", url.Values{"old": {given.Initial}, "new": {own}, "again": {own}, "key": {"bench-" + who}}},
	} {
		answer, err := client.PostForm(b.origin+form.path, form.values)
		if err != nil {
			return nil, err
		}
		if err := answer.Body.Close(); err != nil {
			return nil, err
		}
		if answer.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("POST %s: %s", form.path, answer.Status)
		}
	}
	return client, nil
}

// ask asks for a page n times.
func (b *bench) ask(ctx context.Context, p page, from, n int) (frame.Figures, error) {
	own, err := frame.CPUOf(b.process.PID())
	if err != nil {
		return nil, err
	}
	database, err := frame.CPUOfFamily(b.servers.PostgresPID)
	if err != nil {
		return nil, err
	}
	var took []time.Duration
	var octets int64
	for i := range n {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.origin+p.path(from+i), nil)
		if err != nil {
			return nil, err
		}
		began := time.Now()
		answer, err := p.as.Do(request)
		if err != nil {
			return nil, err
		}
		read, err := io.Copy(io.Discard, answer.Body)
		took = append(took, time.Since(began))
		if closed := answer.Body.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return nil, err
		}
		if answer.StatusCode != http.StatusOK || answer.Request.URL.Path != request.URL.Path {
			return nil, fmt.Errorf("%s: %s at %s", request.URL.Path, answer.Status, answer.Request.URL.Path)
		}
		octets += read
	}
	ownAfter, err := frame.CPUOf(b.process.PID())
	if err != nil {
		return nil, err
	}
	databaseAfter, err := frame.CPUOfFamily(b.servers.PostgresPID)
	return frame.Figures{
		median: frame.Percentile(took, 50), p95: frame.Percentile(took, 95), size: float64(octets) / float64(n) / 1000,
		server: (ownAfter - own) / float64(n), frame.PostgresCPU: (databaseAfter - database) / float64(n),
	}, err
}
