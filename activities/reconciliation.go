package activities

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"countersign/domain"
	"countersign/domain/bill"
	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/refusal"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// Reconciliations records how partners check the bills presented to them. Run starts the run of a set: a worker knows how.
type Reconciliations struct {
	DB  *sqlx.DB
	Run func(context.Context, Presentation) error
}

// Presentation is the bills of one partner and period that are presented together, as the next set of it.
type Presentation struct {
	Partner string `json:"partner" db:"partner_id"`
	Period  string `json:"period"  db:"period"`
	Set     int    `json:"set"     db:"set_no"` // 1; 2 and on: corrections that came when the set before had ended
	Bills   int    `json:"bills"   db:"bills"`  // how many there were to present when it was looked for
	By      string `json:"by"`                  // who started it: "system", or one of operations
}

// requestKey is unique among a partner's reconciliations: 2024-05, then 2024-05/2.
func (p Presentation) requestKey() string {
	if p.Set > 1 {
		return p.Period + "/" + strconv.Itoa(p.Set)
	}
	return p.Period
}

// Digest identifies the set, whoever starts it.
func (p Presentation) Digest() []byte {
	sum := sha256.Sum256([]byte(p.Partner + "\x00" + p.requestKey()))
	return sum[:]
}

// StartInput asks to present what was generated; an empty Period means all of it.
type StartInput struct {
	Period string
	By     string // "system", or one of operations
	At     time.Time
}

// StartReport counts what was started.
type StartReport struct {
	Sets  int `json:"sets"`
	Bills int `json:"bills"`
}

// StartReconciliations starts the reconciliation of every partner with bills that were not presented yet. A set that runs is
// not started again; one that operations has takes its corrections in when it is presented anew.
func (r *Reconciliations) StartReconciliations(ctx context.Context, in StartInput) (StartReport, error) {
	if err := r.mayStart(ctx, in); err != nil {
		return StartReport{}, Final(err)
	}
	var sets []Presentation
	if err := r.DB.SelectContext(ctx, &sets, freshSetsSQL, in.Period, bill.Kind); err != nil {
		return StartReport{}, fmt.Errorf("look for bills to present: %w", err)
	}
	var (
		report  StartReport
		failed  []error
		mu      sync.Mutex
		workers sync.WaitGroup
		queue   = make(chan Presentation)
	)
	for range min(startsAtOnce, len(sets)) {
		workers.Go(func() {
			for set := range queue {
				err := r.Run(ctx, set)
				mu.Lock()
				if err != nil {
					failed = append(failed, fmt.Errorf("start reconciliation of %s, %s: %w", set.Partner, set.Period, err))
				} else {
					report.Sets, report.Bills = report.Sets+1, report.Bills+set.Bills
				}
				mu.Unlock()
			}
		})
	}
	for _, set := range sets {
		set.By = in.By
		queue <- set
	}
	close(queue)
	workers.Wait()
	return report, errors.Join(failed...)
}

// startsAtOnce bounds how many runs are being started side by side.
const startsAtOnce = 16

// mayStart refuses at once what every run would be refused for.
func (r *Reconciliations) mayStart(ctx context.Context, in StartInput) error {
	return inTx(ctx, r.DB, func(tx *sqlx.Tx) error {
		policy, err := reconciliationPolicy(ctx, tx, 0, stored(in.At))
		if err != nil {
			return err
		}
		list, err := mayPresentAs(ctx, tx, policy, in.By)
		if err != nil {
			return err
		}
		return list.Err()
	})
}

// PresentFresh is the day's part of it: what nobody presented is presented by the programme (INC-21).
func (r *Reconciliations) PresentFresh(ctx context.Context, in DailyInput) (StartReport, error) {
	return r.StartReconciliations(ctx, StartInput{By: bySystem, At: in.At})
}

const freshSetsSQL = `
	SELECT b.partner_id, b.period, count(*) AS bills, 1 + coalesce(max(k.sets), 0) AS set_no
	  FROM bills b LEFT JOIN LATERAL (
		SELECT count(*) AS sets, bool_or(c.closed_at IS NULL) AS open FROM cases c JOIN reconciliations r USING (case_number)
		 WHERE c.kind = $2 AND c.partner_id = b.partner_id AND r.period = b.period) k ON true
	 WHERE b.state = 'TO_CONFIRM' AND b.case_number IS NULL AND ($1 = '' OR b.period = $1) AND NOT coalesce(k.open, false)
	 GROUP BY b.partner_id, b.period ORDER BY b.partner_id, b.period`

// OpenReconciliationInput presents a set.
type OpenReconciliationInput struct {
	Presentation
	WorkflowID string
	RunID      string
	At         time.Time
}

// OpenReconciliation presents the partner's bills of a period together (INC-10) and tells the partner until when it may check
// them. The same set again answers where its case stands.
func (r *Reconciliations) OpenReconciliation(ctx context.Context, in OpenReconciliationInput) (Standing, error) {
	n := newCase{
		Kind: bill.Kind, Prefix: "N", Partner: in.Partner, Submitter: in.By, RequestKey: in.requestKey(), Digest: in.Digest(),
		WorkflowID: in.WorkflowID, RunID: in.RunID, At: stored(in.At),
	}
	return n.open(ctx, r.DB, func(tx *sqlx.Tx) (string, refusal.List, error) { return present(ctx, tx, n, in.Presentation) })
}

func present(ctx context.Context, tx *sqlx.Tx, n newCase, in Presentation) (string, refusal.List, error) {
	policy, err := reconciliationPolicy(ctx, tx, 0, n.At)
	if err != nil {
		return "", nil, err
	}
	if list, err := mayPresent(ctx, tx, policy, in); err != nil || len(list) > 0 {
		return "", list, err
	}
	fresh, err := freshBills(ctx, tx, in.Partner, in.Period, n.At)
	if err != nil {
		return "", nil, err
	}
	if len(fresh) == 0 {
		return "", refusal.List{refusal.New("INC-10", "ENG_STATE", "partner "+in.Partner, "Partner %s has no bill of %s that waits to be presented.", in.Partner, in.Period)}, nil
	}
	w := windowOf(fresh, policy, n.At)
	c, err := n.insert(ctx, tx, moveTo{State: string(bill.ToConfirm), DueAt: &w.closes, WakeAt: w.wake()}, policy.Version)
	if err != nil {
		return "", nil, err
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO reconciliations (case_number, period, set_no, presented_at, deadline, remind_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		c.Number, in.Period, in.Set, n.At, w.deadline, w.remind); err != nil {
		return "", nil, fmt.Errorf("insert reconciliation: %w", err)
	}
	if err := takeIn(ctx, tx, c.Number, fresh); err != nil {
		return "", nil, err
	}
	total, via := sum(fresh), viaRequest
	if in.By == bySystem {
		via = viaRule
	}
	if err := appendEvent(ctx, tx, event{
		Case: c.Number, Key: "submit", At: n.At, Actor: in.By, Via: via, Action: "present", To: c.State, Rule: "INC-10", Amount: &total,
		Note: fmt.Sprintf("%s until %s", idsOf(fresh), w.deadline),
	}); err != nil {
		return "", nil, err
	}
	return c.Number, nil, tellPartner(ctx, tx, bill.IsPresented, noticeOf(c, in.Period, fresh, w.deadline, ""), c.Number+"/presented/1", n.At)
}

// mayPresent checks who starts a set, and that the partner has no other one of the period under way.
func mayPresent(ctx context.Context, tx *sqlx.Tx, policy bill.Policy, in Presentation) (refusal.List, error) {
	list, err := mayPresentAs(ctx, tx, policy, in.By)
	if err != nil {
		return nil, err
	}
	var open []string
	if err := tx.SelectContext(ctx, &open, `
		SELECT case_number FROM cases c JOIN reconciliations r USING (case_number)
		 WHERE c.kind = $1 AND c.partner_id = $2 AND r.period = $3 AND c.closed_at IS NULL`, bill.Kind, in.Partner, in.Period); err != nil {
		return nil, fmt.Errorf("look for open sets: %w", err)
	}
	if len(open) > 0 {
		list = append(list, refusal.New("INC-10", "ENG_STATE", "case "+open[0], "Case %s still reconciles %s of partner %s; corrections are presented with it or after it.", open[0], in.Period, in.Partner))
	}
	return list, nil
}

// mayPresentAs: the programme presents, and operations does.
func mayPresentAs(ctx context.Context, tx *sqlx.Tx, policy bill.Policy, by string) (refusal.List, error) {
	if by == bySystem {
		return nil, nil
	}
	p, err := findPerson(ctx, tx, by)
	if err != nil || p != nil && p.OfVendor() && p.Holds(policy.OperationsRole) {
		return nil, err
	}
	return refusal.List{refusal.New("COM-16", "CBC.0151", "person "+by, "%q does not hold the role %s; somebody with that role presents bills.", by, policy.OperationsRole)}, nil
}

// window is how long the partner may check.
type window struct {
	deadline calendar.Date
	closes   time.Time
	remind   *time.Time // nil: no reminder
}

func (w window) wake() *time.Time {
	if w.remind != nil {
		return w.remind
	}
	return &w.closes
}

func windowOf(bills []presented, policy bill.Policy, at time.Time) window {
	days := make([]calendar.Date, len(bills))
	for i, b := range bills {
		days[i] = b.Deadline
	}
	w := window{deadline: bill.Deadline(days, at, policy.CheckDays)}
	w.closes = stored(bill.Closes(w.deadline))
	if remind := bill.RemindAt(w.deadline, policy.RemindDays, at); !remind.IsZero() {
		remind = stored(remind)
		w.remind = &remind
	}
	return w
}

// presented is a bill of a reconciliation.
type presented struct {
	bill.Bill
	Deadline calendar.Date `db:"published_deadline"`
}

const presentedSQL = `SELECT bill_id, partner_id, plan_name, period, association, amount, state, published_deadline FROM bills`

// freshBills locks the bills of a period that were generated and not presented yet.
func freshBills(ctx context.Context, tx *sqlx.Tx, partner, period string, at time.Time) ([]presented, error) {
	where := `b.partner_id = $2 AND b.period = $3 AND b.state = 'TO_CONFIRM' AND b.case_number IS NULL`
	rows, err := lockBills(ctx, tx, at, where, partner, period)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(rows))
	for i, b := range rows {
		ids[i] = b.ID
	}
	var fresh []presented
	if err := tx.SelectContext(ctx, &fresh, presentedSQL+` WHERE bill_id = ANY ($1) ORDER BY bill_id`, pq.Array(ids)); err != nil {
		return nil, fmt.Errorf("read bills: %w", err)
	}
	return fresh, nil
}

// takeIn makes bills part of a reconciliation.
func takeIn(ctx context.Context, tx *sqlx.Tx, number string, bills []presented) error {
	ids := make([]string, len(bills))
	for i, b := range bills {
		ids[i] = b.ID
	}
	if _, err := tx.ExecContext(ctx, `UPDATE bills SET case_number = $2 WHERE bill_id = ANY ($1)`, pq.Array(ids), number); err != nil {
		return fmt.Errorf("present bills: %w", err)
	}
	return nil
}

func sum(bills []presented) money.Amount {
	total := money.Zero
	for _, b := range bills {
		total = total.Add(b.Amount)
	}
	return total
}

func idsOf(bills []presented) string {
	text := ""
	for i, b := range bills {
		if i > 0 {
			text += ", "
		}
		text += b.ID
	}
	return text
}

func noticeOf(c caseRow, period string, bills []presented, deadline calendar.Date, note string) bill.NoticeData {
	d := bill.NoticeData{Case: c.Number, Partner: c.Partner, Period: period, Amount: sum(bills), Deadline: deadline, Note: note}
	for _, b := range bills {
		d.Bills = append(d.Bills, b.ID)
	}
	return d
}

// reconciliationPolicy reads one version of the policy for reconciliations; version 0 is the newest. Where none was set, the
// rule book's own numbers become the first version.
func reconciliationPolicy(ctx context.Context, tx *sqlx.Tx, version int, at time.Time) (bill.Policy, error) {
	var p bill.Policy
	found, err := casePolicy(ctx, tx, bill.Kind, version, &p)
	if errors.Is(err, domain.ErrNotFound) && version == 0 {
		if _, err := tx.ExecContext(ctx, `INSERT INTO policies (kind, version, body, set_by, set_at) VALUES ($1, 1, $2, $3, $4) ON CONFLICT DO NOTHING`,
			bill.Kind, asJSON{bill.DefaultPolicy()}, bySystem, at); err != nil {
			return p, fmt.Errorf("lay in policy: %w", err)
		}
		found, err = casePolicy(ctx, tx, bill.Kind, 0, &p)
		p.Version = found
		return p, err
	}
	p.Version = found
	return p, err
}
