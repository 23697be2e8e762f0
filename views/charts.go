package views

import (
	"context"
	"time"

	"countersign/domain/kinds"
	"countersign/domain/money"

	"github.com/lib/pq"
	"golang.org/x/sync/errgroup"
)

// Ages are the steps in which charts count how long cases are open, in days: up to the first, up to the second, and so on; the last
// step is what is older than all of them.
var Ages = []int{1, 3, 7, 30}

// StateFigure is open cases in one state, by age.
type StateFigure struct {
	Kind  string        `db:"kind"   json:"kind"`
	State string        `db:"state"  json:"state"`
	Aged  pq.Int64Array `db:"aged"   json:"aged"` // one for each of Ages, and the older ones
	Open  int64         `db:"open"   json:"open"`
}

// WorkFigures is how the work stands at an instant.
type WorkFigures struct {
	At     time.Time
	States []StateFigure
	Money  []MoneyFigure
	Took   []DecidedFigure
}

// WorkFigures counts all that is open and all that was decided in a week, side by side.
func (r Reader) WorkFigures(ctx context.Context, at time.Time) (WorkFigures, error) {
	f := WorkFigures{At: at}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { f.States, err = r.statesByAge(ctx, at); return err })
	g.Go(func() (err error) { f.Money, err = r.moneyByStage(ctx); return err })
	g.Go(func() (err error) {
		f.Took, err = rows[DecidedFigure](ctx, r.DB, "decided tasks", decidedFiguresSQL+` ORDER BY 1, 2`)
		return err
	})
	err := g.Wait()
	return f, err
}

// statesByAge counts open cases.
func (r Reader) statesByAge(ctx context.Context, at time.Time) ([]StateFigure, error) {
	return rows[StateFigure](ctx, r.DB, "open cases", `
		SELECT kind, state, count(*) AS open, ARRAY[
		       count(*) FILTER (WHERE opened_at > b[1]), count(*) FILTER (WHERE opened_at <= b[1] AND opened_at > b[2]),
		       count(*) FILTER (WHERE opened_at <= b[2] AND opened_at > b[3]), count(*) FILTER (WHERE opened_at <= b[3] AND opened_at > b[4]),
		       count(*) FILTER (WHERE opened_at <= b[4])] AS aged
		  FROM cases, (SELECT ARRAY(SELECT $1::timestamptz - d * interval '1 day' FROM unnest($2::int[]) WITH ORDINALITY AS a(d, n) ORDER BY n) AS b) bounds
		 WHERE closed_at IS NULL GROUP BY kind, state ORDER BY kind, count(*) DESC, state`, at, pq.Array(Ages))
}

// MoneyFigure is the money of open cases in one state.
type MoneyFigure struct {
	Kind   string       `db:"kind"   json:"kind"`
	State  string       `db:"state"  json:"state"`
	Cases  int64        `db:"cases"  json:"cases"`
	Amount money.Amount `db:"amount" json:"amount"` // CNY
}

// moneyByStage adds up the money that open cases are about.
func (r Reader) moneyByStage(ctx context.Context) ([]MoneyFigure, error) {
	var inMoney []string
	for _, k := range kinds.Names() {
		if kinds.InMoney(k) {
			inMoney = append(inMoney, k)
		}
	}
	return rows[MoneyFigure](ctx, r.DB, "money of open cases", `
		SELECT c.kind, c.state, count(*) AS cases, sum(coalesce(w.amount, c.amount, 0.00)) AS amount
		  FROM cases c LEFT JOIN withdrawals w USING (case_number) WHERE c.closed_at IS NULL AND c.kind = ANY ($1)
		 GROUP BY c.kind, c.state ORDER BY c.kind, amount DESC, c.state`, pq.Array(inMoney))
}
