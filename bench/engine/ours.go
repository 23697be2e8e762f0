package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"countersign/activities"
	"countersign/bench/frame"
	"countersign/domain/approval"
	"countersign/domain/verification"
	"countersign/domain/withdrawal"
	"countersign/internal/stacktest"
	"countersign/workflows"
)

// sideBySide is how many cases a round has under way at once: enough for two cores, and each has a session of Postgres.
const sideBySide = 8

// programme is ours on one stack: partners that have one withdrawal each.
type programme struct {
	h *frame.House
	s *frame.Servers

	made int64 // partners laid in
	used atomic.Int64
}

var programmes = map[*frame.Servers]*programme{}

// programmeOf lays the benchmark's programme in when it is asked for first.
func programmeOf(ctx context.Context, h *frame.House, s *frame.Servers) (*programme, error) {
	if p := programmes[s]; p != nil {
		return p, nil
	}
	p := &programme{h: h, s: s}
	programmes[s] = p
	return p, p.load(ctx, policy+`
people:
  - { id: lina, name: Li Na, roles: [vendor-finance] }
  - { id: zhao, name: Zhao Min, roles: [vendor-finance] }
  - { id: chen, name: Chen Jun, roles: [finance-manager] }
`)
}

// policy asks one person; twoLevels goes on from it and asks a second one.
const (
	policy = `
withdrawal_policy:
  review_role: vendor-finance
  payment_role: vendor-finance
  escalation_role: finance-manager
  review_term: P2WD
  arrival_term: P7WD
  wallet_term: P1WD
  risk_amount: "50000.00"
  code_term: 24h
  code_tries: 5
  decide_by_signal: true
`
	twoLevels = policy + `  approval:
    owner: finance-manager
    steps:
      - { name: review, who: [{ role: vendor-finance }], due: P2WD, escalate: finance-manager }
      - { name: sign, who: [{ role: finance-manager }], due: P2WD }
`
)

func (p *programme) load(ctx context.Context, text string) error {
	file := filepath.Join(p.h.Dir, "programme.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	return p.h.Run(ctx, p.s, "starter", "load", file)
}

// partners lays in as many more as n cases need, with an administrator, money and a verification code each.
func (p *programme) partners(ctx context.Context, n int) error {
	from := p.made
	p.made = p.used.Load() + int64(n)
	if p.made <= from {
		p.made = from
		return nil
	}
	var partners, people, lots strings.Builder
	for i := from; i < p.made; i++ {
		fmt.Fprintf(&partners, "  - { id: B%d, name: B%d, kind: solution-provider, verified_name: B%d Ltd, entity: cloud }\n", i, i, i)
		fmt.Fprintf(&people, "  - { id: mei-%d, name: Mei, partner: B%d, roles: [partner-administrator] }\n", i, i)
		fmt.Fprintf(&lots, "  - { key: B%d, partner: B%d, source: EBANK_CORPORATE, payer: B%d Ltd, payer_account: acct-%d, arrived_at: %s, amount: \"1000.00\" }\n",
			i, i, i, i, time.Now().AddDate(0, 0, -10).UTC().Format(time.RFC3339))
	}
	if err := p.load(ctx, "partners:\n"+partners.String()+"people:\n"+people.String()+"lots:\n"+lots.String()); err != nil {
		return err
	}
	salt := []byte("0123456789abcdef")
	_, err := p.s.Admin.ExecContext(ctx, `
		INSERT INTO verification_codes (person_id, scene, target, salt, hash, sent_at, expires_at, tries_left)
		SELECT 'mei-' || n, $1, 'B' || n, $2, $3, now(), now() + interval '1 day', 5 FROM generate_series($4::bigint, $5::bigint) n`,
		verification.Withdrawal, salt, verification.Hash(salt, code), from, p.made-1)
	if err != nil {
		return err
	}
	_, err = p.s.Admin.ExecContext(ctx, `ANALYZE`) // as autovacuum does in a house that has run for a minute
	return err
}

const code = "271828"

// work starts the programme's own worker.
func (p *programme) work(context.Context) (*stacktest.Worker, error) {
	return p.h.Start("worker-"+string(p.s.Store), "worker runs", p.s.Env(), filepath.Join(p.h.Bin, "worker"))
}

// oneCase is an accepted application.
type oneCase struct{ number, workflowID string }

// apply submits one partner's withdrawal.
func (p *programme) apply(ctx context.Context) (oneCase, error) {
	n := p.used.Add(1) - 1
	if n >= p.made {
		return oneCase{}, fmt.Errorf("%d partners are too few", p.made)
	}
	app := withdrawal.Application{
		RequestKey: "k1", PartnerID: fmt.Sprintf("B%d", n), Submitter: fmt.Sprintf("mei-%d", n), Route: withdrawal.BankCard, Amount: "100.00", Code: code,
		Payee: withdrawal.Payee{Holder: fmt.Sprintf("B%d Ltd", n), AccountNo: "6222-1", Bank: "ICBC", Branch: "Shenzhen"},
	}
	opened, err := workflows.SubmitWithdrawal(ctx, p.s.Client, app)
	return oneCase{number: opened.Case, workflowID: workflows.WithdrawalID(app)}, err
}

// decision is one answer and what a case is then.
type decision struct {
	seat  string
	d     approval.Decision
	state withdrawal.State
}

// decisions of a case, in order.
var decisions = []decision{
	{withdrawal.Review.Name, approval.Decision{Person: "lina", Outcome: approval.Approve}, withdrawal.Approved},
	{withdrawal.Send.Name, approval.Decision{Person: "lina", Outcome: withdrawal.Sent}, withdrawal.Paying},
	{withdrawal.Confirm.Name, approval.Decision{Person: "zhao", Outcome: withdrawal.Arrived, Amount: "100.00"}, withdrawal.Paid},
}

// decide gives one decision and answers how long its caller waited.
func (p *programme) decide(ctx context.Context, c oneCase, step decision) (time.Duration, error) {
	d := step.d
	d.Task = approval.TaskID(c.number, step.seat, 1)
	d.Key = d.Task
	if step.seat == withdrawal.Confirm.Name {
		d.Reference = "B-" + c.number
	}
	began := time.Now()
	var now activities.Standing
	now, err := workflows.Decide(ctx, p.s.Client, c.workflowID, d)
	took := time.Since(began)
	if err == nil && now.State != step.state {
		err = fmt.Errorf("case %s is %s after %s, not %s", c.number, now.State, d.Task, step.state)
	}
	return took, err
}

// latencies collects how long answers took.
type latencies struct {
	mu  sync.Mutex
	all []time.Duration
}

func (l *latencies) add(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, d)
}

// whole is one case from the application to the bank's answer.
func (p *programme) whole(ctx context.Context, waits *latencies) (string, error) {
	return p.through(ctx, decisions, waits)
}

func (p *programme) through(ctx context.Context, decisions []decision, waits *latencies) (string, error) {
	c, err := p.apply(ctx)
	if err != nil {
		return "", err
	}
	for _, step := range decisions {
		took, err := p.decide(ctx, c, step)
		if err != nil {
			return "", err
		}
		waits.add(took)
	}
	return c.workflowID, nil
}

// inTurns runs n whole cases, several side by side, and keeps the workflow IDs of the last ones.
func inTurns(ctx context.Context, n, side int, whole func(context.Context) (string, error)) ([]string, error) {
	var left atomic.Int64
	left.Store(int64(n))
	ids, errs := make([]string, side), make(chan error, side)
	for i := range side {
		go func() {
			for left.Add(-1) >= 0 {
				id, err := whole(ctx)
				if err != nil {
					errs <- err
					return
				}
				ids[i] = id
			}
			errs <- nil
		}()
	}
	var first error
	for range side {
		if err := <-errs; first == nil {
			first = err
		}
	}
	return ids, first
}

// Columns of Temporal's histories.
const (
	historyEvents = "history events"
	historySize   = "history kB"
)

// histories adds what Temporal kept of cases that ended.
func histories(ctx context.Context, s *frame.Servers, f frame.Figures, ids []string) error {
	var events, bytes, n float64
	for _, id := range ids {
		if id == "" {
			continue
		}
		described, err := s.Client.DescribeWorkflowExecution(ctx, id, "")
		if err != nil {
			return err
		}
		info := described.GetWorkflowExecutionInfo()
		events, bytes, n = events+float64(info.GetHistoryLength()), bytes+float64(info.GetHistorySizeBytes()), n+1
	}
	if n > 0 {
		f[historyEvents], f[historySize] = events/n, bytes/n/1024
	}
	return nil
}

// warmUp is how many cases come before those that count, side by side as these: connections open, caches fill, and Postgres keeps a
// statement's plan from its sixth time in a session on.
const warmUp = 5 * sideBySide

// ours is the programme's worker on a stack, n cases a round.
func ours(p *programme, name string, n int) frame.Contender {
	return frame.Contender{Name: name, Round: func(ctx context.Context, _ int) (frame.Figures, error) {
		if err := p.partners(ctx, n+warmUp); err != nil {
			return nil, err
		}
		var ids []string
		f, err := p.s.Measure(ctx, frame.Job{N: n, Warm: warmUp, Start: p.work, Work: func(ctx context.Context, _, n int) (err error) {
			ids, err = inTurns(ctx, n, min(n, sideBySide), func(ctx context.Context) (string, error) { return p.whole(ctx, &latencies{}) })
			return err
		}})
		if err != nil {
			return nil, err
		}
		return f, histories(ctx, p.s, f, ids)
	}}
}

// furtherLevel is how many events one more approval adds to the history of a case, which has as many as given without it.
func (p *programme) furtherLevel(ctx context.Context, without float64) (float64, error) {
	if err := p.load(ctx, twoLevels); err != nil {
		return 0, err
	}
	if err := p.partners(ctx, 1); err != nil {
		return 0, err
	}
	worker, err := p.work(ctx)
	if err != nil {
		return 0, err
	}
	defer worker.Stop()
	more := slices.Insert(slices.Clone(decisions), 1, decision{"sign", approval.Decision{Person: "chen", Outcome: approval.Approve}, withdrawal.Approved})
	more[0].state = withdrawal.UnderReview
	id, err := p.through(ctx, more, &latencies{})
	if err != nil {
		return 0, err
	}
	f := frame.Figures{}
	if err := histories(ctx, p.s, f, []string{id}); err != nil {
		return 0, err
	}
	return f[historyEvents] - without, p.load(ctx, policy)
}
