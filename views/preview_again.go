package views

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/domain"
	"countersign/domain/approval"
	"countersign/domain/refusal"
	"countersign/domain/withdrawal"
)

// PreviewAgain judges an application as the next round of a case that was returned for changes (PGM-11): what the case holds
// counts as there again, and who approved the same content is not asked again where the policy says so.
func (r Reader) PreviewAgain(ctx context.Context, number string, app withdrawal.Application, at time.Time) (Preview, error) {
	return r.preview(ctx, number, app, at)
}

// giveBack lets the facts be as when the case holds nothing; refused: the case takes no resubmission.
func (v *previewer) giveBack(ctx context.Context) (refusal.List, error) {
	known, err := row[Case](ctx, v.q, "case", v.again, caseSQL+` WHERE c.case_number = $1`, v.again)
	if err != nil {
		return nil, err
	}
	if list := withdrawal.JudgeRound(known.Number, known.Partner, known.State, known.DueAt, v.app, v.at); len(list) > 0 {
		return list, nil
	}
	v.facts.Cash = v.facts.Cash.Add(known.Amount)
	held, err := rows[withdrawal.Lot](ctx, v.q, "lots", heldLotsSQL, v.again)
	for _, lot := range held {
		same := func(l withdrawal.Lot) bool { return l.No == lot.No }
		v.facts.Lots = append(slices.DeleteFunc(v.facts.Lots, same), lot)
	}
	return refusal.List{}, err
}

const heldLotsSQL = `
	SELECT lot_no, source, payer, payer_account, entity, arrived_at, remaining + l.amount AS remaining, owed_open, designated, bank_card_only
	  FROM lots JOIN withdrawal_lines l USING (lot_no) WHERE l.case_number = $1`

// former is what the round before came to, where the content is the same: who approved something else has not approved this.
func (v *previewer) former(ctx context.Context, plan withdrawal.Plan, f *approval.Facts) error {
	taken := slices.SortedFunc(slices.Values(plan.Lines), func(a, b withdrawal.Line) int { return cmp.Compare(a.Lot, b.Lot) })
	lines := make([]string, len(taken))
	for i, l := range taken {
		lines[i] = fmt.Sprintf("%d=%s", int64(l.Lot), l.Amount)
	}
	to := plan.Payee
	last, err := row[struct {
		Round int    `db:"round"`
		Step  string `db:"step"`
	}](ctx, v.q, "case", v.again, lastReturnSQL, v.again, v.app.Route, plan.Amount, to.Holder, to.AccountNo, to.Bank, to.Branch, plan.PayingEntity, plan.PaidFrom, strings.Join(lines, ","))
	if errors.Is(err, domain.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	key := roundKey{v.again, withdrawal.Review.Name, last.Round}
	found, err := v.rounds(ctx, []roundKey{key})
	f.Returned, f.Former = last.Step, found[key].standing
	return err
}

// The content is compared as withdrawal_content sums it up.
const lastReturnSQL = `
	SELECT d.round, split_part(d.seat, '.', 1) AS step
	  FROM withdrawals w JOIN decisions d USING (case_number)
	 WHERE w.case_number = $1 AND d.matter = 'review' AND d.act = 'return'
	   AND (w.route, w.amount, w.holder, w.account_no, w.bank, w.branch, w.paying_entity, w.paid_from) = ($2, $3::numeric, $4, $5, $6, $7, $8, $9)
	   AND (SELECT string_agg(l.lot_no || '=' || l.amount, ',' ORDER BY l.lot_no) FROM withdrawal_lines l WHERE l.case_number = w.case_number) = $10
	 ORDER BY d.round DESC LIMIT 1`
