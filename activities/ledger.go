package activities

import (
	"context"
	"fmt"

	"countersign/domain/ledger"
	"countersign/domain/money"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// post books an entry. A used key with the same content is the first entry again and moves nothing (ENG-01); with other content it is ledger.ErrOtherContent. The balances are locked in name order by the database, which
// also refuses what is out of balance or under its floor.
func post(ctx context.Context, on sqlx.QueryerContext, e ledger.Entry) error {
	if err := e.Check(); err != nil {
		return fmt.Errorf("%w: %w", errDefect, err)
	}
	accounts := make([]string, len(e.Postings))
	amounts := make([]string, len(e.Postings))
	for i, p := range e.Postings {
		accounts[i], amounts[i] = string(p.Account), p.Amount.String()
	}
	var same bool
	if err := sqlx.GetContext(ctx, on, &same, `SELECT post_entry($1, $2, $3, $4, $5, $6, $7)`,
		e.Key, e.Digest(), e.Case, e.Memo, stored(e.At), pq.Array(accounts), pq.Array(amounts)); err != nil {
		return fmt.Errorf("post %s: %w", e.Key, err)
	}
	if !same {
		return fmt.Errorf("post %s: %w: %w", e.Key, errDefect, ledger.ErrOtherContent)
	}
	return nil
}

// lockBalances locks accounts in name order and answers their balances on the normal side; accounts that do not exist yet
// are made, so that nobody else can move them meanwhile.
func lockBalances(ctx context.Context, tx *sqlx.Tx, accounts ...ledger.Account) (map[ledger.Account]money.Amount, error) {
	names := make([]string, len(accounts))
	for i, a := range accounts {
		names[i] = string(a)
	}
	var rows []struct {
		Account ledger.Account `db:"account"`
		Balance money.Amount   `db:"balance"`
	}
	if err := tx.SelectContext(ctx, &rows, `SELECT account, balance FROM ledger_lock($1)`, pq.Array(names)); err != nil {
		return nil, fmt.Errorf("lock balances: %w", err)
	}
	balances := map[ledger.Account]money.Amount{}
	for _, r := range rows {
		balances[r.Account] = r.Balance
	}
	return balances, nil
}

// Post books an entry that no case moves, on a connection or in a transaction.
func Post(ctx context.Context, on sqlx.QueryerContext, e ledger.Entry) error { return post(ctx, on, e) }
