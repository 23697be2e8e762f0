package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"countersign/bench/frame"
	"countersign/internal/stacktest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
)

// references are the contenders on one stack, in a database of their own beside the programme's.
type references struct {
	h      *frame.House
	s      *frame.Servers
	url    string
	listen string
	used   atomic.Int64
	run    string
	http   *http.Client
}

var referenceDatabases = map[*frame.Servers]*references{}

func referencesOf(ctx context.Context, h *frame.House, s *frame.Servers) (*references, error) {
	if r := referenceDatabases[s]; r != nil {
		return r, nil
	}
	if _, err := s.Admin.ExecContext(ctx, `CREATE DATABASE reference`); err != nil {
		return nil, err
	}
	u, err := url.Parse(s.DatabaseURL)
	if err != nil {
		return nil, err
	}
	u.Path = "/reference"
	r := &references{
		h: h, s: s, url: u.String(), run: strconv.FormatInt(time.Now().UnixNano(), 36),
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2 * sideBySide}, Timeout: time.Minute},
	}
	pool, err := pgxpool.New(ctx, r.url)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	if _, err := pool.Exec(ctx, referenceSQL); err != nil {
		return nil, fmt.Errorf("reference.sql: %w", err)
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	if err != nil {
		return nil, err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, err
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r.listen = free.Addr().String()
	referenceDatabases[s] = r
	return r, free.Close()
}

// start starts a reference's process.
func (r *references) start(kind string) func(context.Context) (*stacktest.Worker, error) {
	return func(context.Context) (*stacktest.Worker, error) {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		return r.h.Start(kind+"-"+string(r.s.Store), hostReady, r.s.Env("REFERENCE_URL="+r.url, "LISTEN="+r.listen), self, "host", kind)
	}
}

func (r *references) application() application {
	n := r.used.Add(1)
	return application{Key: fmt.Sprintf("%s-%d", r.run, n), Partner: fmt.Sprintf("B%d", n)}
}

var bareSequence = []string{"review", "send", "confirm"}

// bareCase is one case of a bare workflow.
func (r *references) bareCase(ctx context.Context, workflowType string, waits *latencies) (string, error) {
	app := r.application()
	id := "bare/" + app.Key
	c := r.s.Client
	handle, err := c.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: c.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
			ID: id, TaskQueue: bareQueue, WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		}, workflowType, app),
		UpdateOptions: client.UpdateWorkflowOptions{UpdateName: "apply", UpdateID: app.Key, WaitForStage: client.WorkflowUpdateStageCompleted, Args: []any{app}},
	})
	if err != nil {
		return "", err
	}
	var number int64
	if err := handle.Get(ctx, &number); err != nil {
		return "", err
	}
	for _, step := range bareSequence {
		a := answer{Case: number, Step: step, Key: app.Key + "/" + step}
		began := time.Now()
		handle, err := c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{WorkflowID: id, UpdateName: "decide", UpdateID: a.Key, WaitForStage: client.WorkflowUpdateStageCompleted, Args: []any{a}})
		if err == nil {
			err = handle.Get(ctx, nil)
		}
		if err != nil {
			return "", err
		}
		waits.add(time.Since(began))
	}
	return id, nil
}

// httpCase is one case of a reference that listens.
func (r *references) httpCase(ctx context.Context) (string, error) {
	app := r.application()
	number, err := r.post(ctx, "/apply", app)
	if err != nil {
		return "", err
	}
	for _, step := range bareSequence {
		if _, err := r.post(ctx, "/decide", answer{Case: number, Step: step, Key: app.Key + "/" + step}); err != nil {
			return "", err
		}
	}
	return "", nil
}

func (r *references) post(ctx context.Context, path string, body any) (int64, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+r.listen+path, bytes.NewReader(text))
	if err != nil {
		return 0, err
	}
	response, err := r.http.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s: %s", path, said)
	}
	return strconv.ParseInt(strings.TrimSpace(string(said)), 10, 64)
}

// lots gives the next n partners money and a verification code.
func (r *references) lots(ctx context.Context, n int) error {
	conn, err := pgx.Connect(ctx, r.url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }() // what counts was answered
	_, err = conn.Exec(ctx, `WITH more AS (SELECT 'B' || n AS partner FROM generate_series($1::bigint + 1, $1::bigint + $2::bigint) n),
		codes AS (INSERT INTO codes SELECT partner, sha256(convert_to(partner, 'UTF8')) FROM more)
		INSERT INTO lots SELECT partner, 1000 FROM more`, r.used.Load(), n)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, `ANALYZE`) // as ours has it
	return err
}

// contender runs n cases of one reference a round.
func (r *references) contender(name, kind string, n int, whole func(context.Context) (string, error)) frame.Contender {
	return frame.Contender{Name: name, Round: func(ctx context.Context, _ int) (frame.Figures, error) {
		if err := r.lots(ctx, n+warmUp); err != nil {
			return nil, err
		}
		var ids []string
		f, err := r.s.Measure(ctx, frame.Job{N: n, Warm: warmUp, Start: r.start(kind), Work: func(ctx context.Context, _, n int) (err error) {
			ids, err = inTurns(ctx, n, min(n, sideBySide), whole)
			return err
		}})
		if err != nil {
			return nil, err
		}
		return f, histories(ctx, r.s, f, ids)
	}}
}

func (r *references) bare(name, workflowType string, n int) frame.Contender {
	return r.contender(name, "bare", n, func(ctx context.Context) (string, error) { return r.bareCase(ctx, workflowType, &latencies{}) })
}
