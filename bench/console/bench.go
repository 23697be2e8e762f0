package console

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"countersign/bench/frame"
	"countersign/internal/inboxbench"
	"countersign/internal/password"
	"countersign/internal/stacktest"
	"countersign/schema"

	"github.com/jmoiron/sqlx"
)

// bench is a filled database and the console's server on it.
type bench struct {
	url      string                       // of the database
	bin, dir string                       // of the built programme, and for its log
	env      func(set ...string) []string // for the server, beside what is set
	postgres int                          // process that starts its sessions; 0: its work is not measured
	origin   string                       // where the server listens
	db       *sqlx.DB                     // the owner's
	process  *stacktest.Worker
}

func (b *bench) fill(ctx context.Context, house inboxbench.Size, say func(step string)) error {
	if _, err := schema.Migrate(ctx, b.db.DB); err != nil {
		return err
	}
	return inboxbench.Fill(ctx, b.db, house, time.Now().UTC().Truncate(time.Second), say)
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
	env := b.env("DATABASE_URL="+b.url, "CONSOLE_ADDRESS="+strings.TrimPrefix(b.origin, "http://"), "CONSOLE_URL="+b.origin)
	b.process, err = stacktest.StartProcess([]string{filepath.Join(b.bin, "server")}, env, filepath.Join(b.dir, "console.log"), "server runs")
	return err
}

// sizes are how much there is of what, in words.
func (b *bench) sizes(ctx context.Context) (map[string]string, error) {
	found := map[string]string{}
	for what, query := range map[string]string{
		"cases": `SELECT count(*) FROM cases`, "tasks": `SELECT count(*) FROM tasks`, "open": `SELECT count(*) FROM tasks WHERE state = 'open'`, "decisions": `SELECT count(*) FROM decisions`,
		"events": `SELECT count(*) FROM events`, "postings": `SELECT count(*) FROM postings`, "partners": `SELECT count(*) FROM partners`,
		"largest": `SELECT count(*) FROM cases WHERE partner_id = '` + inboxbench.Largest + `'`,
	} {
		var n float64
		if err := b.db.GetContext(ctx, &n, query); err != nil {
			return nil, err
		}
		found[what] = frame.Number(n, 0)
	}
	return found, nil
}

const secret = "Bench-of-2026!"

// signIn lets somebody in, after giving them an account if they have none.
func (b *bench) signIn(ctx context.Context, who, hash string) (*http.Client, error) {
	if _, err := b.db.ExecContext(ctx, `
		INSERT INTO organisation_people (person_id, account_name, password, password_set_at) VALUES ($1, $1, $2, now())
		ON CONFLICT (person_id) DO UPDATE SET password = $2, password_set_at = now(), must_change = false`, who, hash); err != nil {
		return nil, fmt.Errorf("give %s an account: %w", who, err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	client := &http.Client{Jar: jar, Timeout: time.Minute}
	answer, err := client.PostForm(b.origin+"/sign-in", url.Values{"account": {who}, "password": {secret}})
	if err != nil {
		return nil, err
	}
	if err := answer.Body.Close(); err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK || answer.Request.URL.Path == "/sign-in" {
		return nil, fmt.Errorf("sign %s in: %s at %s", who, answer.Status, answer.Request.URL.Path)
	}
	return client, nil
}

// readers lets several people in.
func (b *bench) readers(ctx context.Context, who ...string) (map[string]*http.Client, error) {
	hash, err := password.Hash(secret)
	if err != nil {
		return nil, err
	}
	in := map[string]*http.Client{}
	for _, one := range who {
		if in[one], err = b.signIn(ctx, one, hash); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// ask asks for a page n times.
func (b *bench) ask(ctx context.Context, p page, from, n int) (frame.Figures, error) {
	own, database, err := b.cpu()
	if err != nil {
		return nil, err
	}
	var took []time.Duration
	var octets int64
	for i := range n {
		request, err := p.request(ctx, b.origin, from+i)
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
			return nil, fmt.Errorf("%s %s: %s at %s; %s", request.Method, request.URL.Path, answer.Status, answer.Request.URL.Path, stacktest.Tail(b.process.Log))
		}
		octets += read
	}
	ownAfter, databaseAfter, err := b.cpu()
	figures := frame.Figures{
		median: frame.Percentile(took, 50), p95: frame.Percentile(took, 95), size: float64(octets) / float64(n) / 1000, server: (ownAfter - own) / float64(n),
	}
	if b.postgres > 0 {
		figures[frame.PostgresCPU] = (databaseAfter - database) / float64(n)
	}
	return figures, err
}

// cpu is the processor time that the server and Postgres have used, in milliseconds.
func (b *bench) cpu() (own, database float64, err error) {
	if own, err = frame.CPUOf(b.process.PID()); err != nil || b.postgres == 0 {
		return own, 0, err
	}
	database, err = frame.CPUOfFamily(b.postgres)
	return own, database, err
}
