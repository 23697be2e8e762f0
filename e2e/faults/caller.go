package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"countersign/activities"
	"countersign/internal/config"
	"countersign/schema"
	"countersign/views"

	"github.com/caarlos0/env/v11"
	"github.com/jmoiron/sqlx"
	"go.temporal.io/sdk/temporal"
	"golang.org/x/sync/errgroup"
)

const (
	attempt  = 10 * time.Second // of a caller, before it asks the same again
	patience = 4 * time.Minute  // of a caller with one request; then it gives up, which is a finding
)

// script is what one caller plays in one round.
type script struct {
	Shares  []share   `json:"shares"`
	Side    int       `json:"side"` // cases side by side
	Now     time.Time `json:"now"`
	Journal string    `json:"journal"`
}

// call is a caller's process: it plays its script by the journal. A request that was asked and not answered is asked again as it
// was; one that was answered is not. A line on out says that a request leaves for the first time, another one that it was answered,
// and when (nanoseconds).
func call(ctx context.Context, file string, out io.Writer) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var s script
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	known, err := readJournal(s.Journal)
	if err != nil {
		return err
	}
	j, err := openJournal(s.Journal)
	if err != nil {
		return err
	}
	w, err := newWorld(ctx, s.Now)
	if err != nil {
		return err
	}
	c := &caller{world: w, journal: j, known: known, out: out}
	side, ctx := errgroup.WithContext(ctx)
	side.SetLimit(s.Side)
	for _, share := range s.Shares {
		side.Go(func() error {
			for n := share.From; n < share.To; n++ {
				if err := c.step(ctx, share, n); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return side.Wait()
}

// newWorld connects as the environment says, and waits for servers that are being killed.
func newWorld(ctx context.Context, now time.Time) (*world, error) {
	cfg, err := config.Load(env.ToMap(os.Environ()))
	if err != nil {
		return nil, err
	}
	if _, err := cfg.PayloadCodec(); err != nil { // waiting mends nothing here
		return nil, err
	}
	db, err := schema.Open(cfg.DatabaseURL)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(8)
	w := &world{db: db, views: views.Reader{DB: db}, now: now}
	for end := time.Now().Add(patience); ; {
		w.temporal, _, err = config.Temporal(ctx, slog.New(slog.DiscardHandler), nil, attempt)
		if err == nil || time.Now().After(end) || ctx.Err() != nil {
			return w, err
		}
		time.Sleep(200 * time.Millisecond)
	}
}

type caller struct {
	*world
	journal *journal
	known   map[asked][]note
	mu      sync.Mutex
	out     io.Writer
}

func (c *caller) says(word string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fmt.Fprintln(c.out, word)
}

// step asks one request, unless its answer is known.
func (c *caller) step(ctx context.Context, s share, n int) error {
	known := c.known[asked{s.Case, n}]
	if answered(known) != nil {
		return nil
	}
	if len(known) == 0 {
		if err := c.journal.write(note{Case: s.Case, Step: n}); err != nil {
			return err
		}
		c.says("asked")
	}
	answer := note{Case: s.Case, Step: n, Answer: true}
	now, err := c.insist(ctx, s, n)
	came := time.Now() // the journal takes its time
	switch list := activities.RefusalOf(err); {
	case list != nil:
		answer.Refused = list.Codes()
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		answer.Error = err.Error()
	default:
		answer.Number, answer.State = now.Case, now.State
	}
	if err := c.journal.write(answer); err != nil {
		return err
	}
	c.says(fmt.Sprintf("answered %d", came.UnixNano()))
	return nil
}

// insist asks until there is an answer, as a caller does whose connection broke.
func (c *caller) insist(ctx context.Context, s share, n int) (activities.Standing, error) {
	for end := time.Now().Add(patience); ; {
		now, err := c.once(ctx, s, n)
		if err == nil || activities.RefusalOf(err) != nil || ctx.Err() != nil {
			return now, err
		}
		var final *temporal.ApplicationError
		if errors.As(err, &final) && final.Type() == activities.TypeDefect || time.Now().After(end) {
			return now, fmt.Errorf("given up: %w", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (c *caller) once(ctx context.Context, s share, n int) (activities.Standing, error) {
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	k, err := find(ctx, c.db, s)
	if err != nil {
		return activities.Standing{}, err
	}
	if n > 0 && k.Number == "" {
		return activities.Standing{}, fmt.Errorf("%s is not there yet", s.Case)
	}
	k.Key = keyOf(s.Case, n)
	return plays[s.Play].steps[n].ask(ctx, c.world, k)
}

// keyOf is the key of a case's n-th request.
func keyOf(name string, n int) string { return fmt.Sprintf("%s-%d", name, n) }

// find reads a case by who applies; it is empty while none is there.
func find(ctx context.Context, db *sqlx.DB, s share) (played, error) {
	k := at(s)
	p := plays[s.Play]
	var found []played
	if err := db.SelectContext(ctx, &found, `
		SELECT case_number, workflow_id, state FROM cases WHERE kind = $1 AND partner_id = $2 AND ($3 = '' OR submitter = $3) AND workflow_id <> 'laid' ORDER BY opened_at LIMIT 1`,
		p.kind, k.Partner, map[bool]string{true: k.Person}[p.shared]); err != nil {
		return k, fmt.Errorf("read %s: %w", s.Case, err)
	}
	if len(found) > 0 {
		k.Number, k.WorkflowID, k.State = found[0].Number, found[0].WorkflowID, found[0].State
	}
	return k, nil
}
