package views

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/withdrawal"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// Finding is one thing that does not add up.
type Finding struct {
	Check   string `db:"check"   json:"check"`  // which check found it
	Object  string `db:"object"  json:"object"` // "account P.CASH:P1001", "case W000001"
	Message string `db:"message" json:"message"`
}

// Verification is what was looked at, and what was found.
type Verification struct {
	Accounts int64     `json:"accounts"`
	Entries  int64     `json:"entries"`
	Postings int64     `json:"postings"`
	Lots     int64     `json:"lots"`
	Cases    int64     `json:"cases"`
	Events   int64     `json:"events"`
	Findings []Finding `json:"findings"`
}

// Progress is told how many rows of all are looked at.
type Progress func(done, all int64)

// Verify recomputes everything that the database keeps about money and history: stored balances, floors, entries, lots,
// holds, bills, requisitions, lab credits, one entry for each step of a case, every chain of events, that tasks are what
// plans and decisions come to, and inboxes what tasks are. It looks at one instant; nobody waits for it.
func (r Reader) Verify(ctx context.Context, progress Progress) (Verification, error) {
	tx, err := r.DB.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return Verification{}, fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // it only read
	v := verifier{tx: tx, progress: progress, found: Verification{Findings: []Finding{}}}
	if err := tx.QueryRowContext(ctx, sizesSQL).Scan(&v.found.Accounts, &v.found.Entries, &v.found.Postings, &v.found.Lots, &v.found.Cases, &v.found.Events); err != nil {
		return v.found, fmt.Errorf("count: %w", err)
	}
	v.all = v.found.Postings + v.found.Events
	for _, check := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"sums", v.sums}, {"entries", v.entries}, {"events", v.events}, {"tasks", v.tasks},
	} {
		if err := check.run(ctx); err != nil {
			return v.found, fmt.Errorf("verify %s: %w", check.name, err)
		}
	}
	return v.found, nil
}

const sizesSQL = `
	SELECT (SELECT count(*) FROM accounts), (SELECT count(*) FROM entries), (SELECT count(*) FROM postings),
	       (SELECT count(*) FROM lots), (SELECT count(*) FROM cases), (SELECT count(*) FROM events)`

type verifier struct {
	tx        *sqlx.Tx
	progress  Progress
	done, all int64
	found     Verification
}

func (v *verifier) find(check, object, format string, args ...any) {
	v.found.Findings = append(v.found.Findings, Finding{check, object, fmt.Sprintf(format, args...)})
}

// step counts rows that were looked at.
func (v *verifier) step() {
	v.done++
	if v.progress != nil && (v.done%1024 == 0 || v.done == v.all) {
		v.progress(v.done, v.all)
	}
}

// sums runs the checks that Postgres adds up by itself.
func (v *verifier) sums(ctx context.Context) error {
	var held []string
	for _, m := range withdrawal.Moves {
		if withdrawal.Holding(m.To) {
			held = append(held, string(m.To))
		}
	}
	for _, check := range []struct {
		query string
		args  []any
	}{
		{storedBalancesSQL, nil},
		{daysAddUpSQL, nil},
		{floorsSQL, nil},
		{repeatedKeysSQL, nil},
		{lotsSQL, nil},
		{owedSQL, nil},
		{owedEntriesSQL, nil},
		{linesAddUpSQL, nil},
		{holdsSQL, []any{pq.Array(held)}},
		{stepsSQL, nil},
		{paymentsSQL, nil},
		{billsSQL, nil},
		{quartersSQL, nil},
		{tiersSQL, nil},
		{requisitionsSQL, nil},
		{membersSQL, nil},
		{solutionsSQL, nil},
		{labCreditsSQL, nil},
		{specialistsStandSQL, nil},
		{organisationSQL, nil},
		{inboxesSQL, nil},
	} {
		found, err := rows[Finding](ctx, v.tx, "findings", check.query, check.args...)
		if err != nil {
			return err
		}
		v.found.Findings = append(v.found.Findings, found...)
	}
	return nil
}

// Accounts with a stored balance are those of one owner; the others are summed.
const storedBalancesSQL = `
	SELECT 'balance' AS check, 'account ' || a.account AS object,
	       format('stored balance %s, its postings add up to %s (credit positive)', coalesce(a.balance::text, 'none'), coalesce(s.amount, 0.00)) AS message
	  FROM accounts a JOIN chart c USING (code) LEFT JOIN (SELECT account, sum(amount) AS amount FROM postings GROUP BY account) s USING (account)
	 WHERE c.owned AND a.balance IS DISTINCT FROM coalesce(s.amount, 0) OR NOT c.owned AND a.balance IS NOT NULL
	 ORDER BY a.account`

// The days of an account are what its postings come to on each of them.
const daysAddUpSQL = `
	SELECT 'day' AS check, format('account %s, %s', account, day) AS object,
	       format('%s in %s lines are added up, its postings are %s in %s (credit positive)', coalesce(d.amount, 0.00), coalesce(d.lines, 0), coalesce(s.amount, 0.00), coalesce(s.lines, 0)) AS message
	  FROM account_days d FULL JOIN (
		SELECT account, (e.at AT TIME ZONE interval '8 hours')::date AS day, sum(p.amount) AS amount, count(*) AS lines, min(entry_id) AS first_entry, max(entry_id) AS last_entry
		  FROM postings p JOIN entries e USING (entry_id) JOIN accounts a USING (account) WHERE a.balance IS NOT NULL GROUP BY 1, 2) s USING (account, day)
	 WHERE (d.amount, d.lines) IS DISTINCT FROM (s.amount, s.lines::int) OR d.first_entry > s.first_entry OR d.last_entry < s.last_entry
	 ORDER BY account, day`

// Rule: WDL-19. The chart counts, not the copy in accounts; summed accounts have no constraint that watches them.
const floorsSQL = `
	SELECT 'floor' AS check, 'account ' || a.account AS object, format('its postings add up to %s, below the floor of 0', c.normal * s.amount) AS message
	  FROM accounts a JOIN chart c USING (code) JOIN (SELECT account, sum(amount) AS amount FROM postings GROUP BY account) s USING (account)
	 WHERE c.floored AND c.normal * s.amount < 0
	 ORDER BY a.account`

// Rule: ENG-01.
const repeatedKeysSQL = `
	SELECT 'key' AS check, 'entry ' || key AS object, format('%s entries under one key', count(*)) AS message
	  FROM entries GROUP BY key HAVING count(*) > 1 ORDER BY key`

const lotsSQL = `
	WITH cash AS (SELECT a.owner AS partner_id, coalesce(sum(p.amount), 0.00) AS amount FROM accounts a LEFT JOIN postings p USING (account) WHERE a.code = 'P.CASH' GROUP BY a.owner),
	lot AS (SELECT partner_id, sum(remaining) AS amount FROM lots GROUP BY partner_id)
	SELECT 'lots' AS check, 'partner ' || partner_id AS object,
	       format('lots add up to %s, P.CASH to %s', coalesce(lot.amount, 0.00), coalesce(cash.amount, 0.00)) AS message
	  FROM cash FULL JOIN lot USING (partner_id)
	 WHERE coalesce(lot.amount, 0) <> coalesce(cash.amount, 0) ORDER BY partner_id`

// Rule: OWE-04, OWE-08. What remains of owed entries is the memo, entry by entry what was not set off, and what their lots are tied up by.
const owedSQL = `
	WITH memo AS (SELECT owner AS partner_id, balance AS amount FROM accounts WHERE code = 'M.OWED'),
	open AS (SELECT partner_id, sum(remaining) AS amount FROM owed_entries GROUP BY partner_id)
	SELECT 'owed' AS check, 'partner ' || partner_id AS object,
	       format('owed entries add up to %s, M.OWED is %s', coalesce(open.amount, 0.00), coalesce(memo.amount, 0.00)) AS message
	  FROM memo FULL JOIN open USING (partner_id)
	 WHERE coalesce(open.amount, 0) <> coalesce(memo.amount, 0) ORDER BY partner_id`

const owedEntriesSQL = `
	SELECT 'owed' AS check, 'entry ' || e.entry_id AS object,
	       format('%s remains of %s, its offsets add up to %s', e.remaining, e.amount, coalesce(o.amount, 0.00)) AS message
	  FROM owed_entries e LEFT JOIN (SELECT entry_id, sum(amount) AS amount FROM owed_offsets GROUP BY entry_id) o USING (entry_id)
	 WHERE e.remaining <> e.amount - coalesce(o.amount, 0)
	UNION ALL
	SELECT 'owed', 'lot ' || l.lot_no, format('tied up by %s, its owed entries add up to %s', l.owed_open, coalesce(e.amount, 0.00))
	  FROM lots l LEFT JOIN (SELECT lot_no, sum(remaining) AS amount FROM owed_entries GROUP BY lot_no) e USING (lot_no)
	 WHERE l.owed_open <> coalesce(e.amount, 0) ORDER BY 1, 2`

const linesAddUpSQL = `
	SELECT 'lines' AS check, 'case ' || w.case_number AS object, format('its lots add up to %s, the amount is %s', coalesce(sum(l.amount), 0.00), w.amount) AS message
	  FROM withdrawals w LEFT JOIN withdrawal_lines l USING (case_number)
	 GROUP BY w.case_number, w.amount HAVING coalesce(sum(l.amount), 0) <> w.amount ORDER BY w.case_number`

const holdsSQL = `
	WITH hold AS (SELECT a.owner AS partner_id, coalesce(sum(p.amount), 0.00) AS amount FROM accounts a LEFT JOIN postings p USING (account) WHERE a.code = 'P.HOLD' GROUP BY a.owner),
	open AS (SELECT c.partner_id, sum(w.amount) AS amount FROM cases c JOIN withdrawals w USING (case_number) WHERE c.state = ANY ($1) GROUP BY c.partner_id)
	SELECT 'holds' AS check, 'partner ' || partner_id AS object,
	       format('P.HOLD is %s, the open withdrawals add up to %s', coalesce(hold.amount, 0.00), coalesce(open.amount, 0.00)) AS message
	  FROM hold FULL JOIN open USING (partner_id)
	 WHERE coalesce(hold.amount, 0) <> coalesce(open.amount, 0) ORDER BY partner_id`

// A doubled payout balances: what counts is exactly one entry for each step that the case's state says it took. The
// partner's side of each is compared too.
const stepsSQL = `
	WITH step AS (
		SELECT c.case_number, 'withdrawal/' || c.case_number || '/' || s.name AS key, 'P.HOLD:' || c.partner_id AS account, w.amount,
		       s.name = 'hold' OR s.name = 'paid' AND c.state = 'PAID' OR s.name = 'release' AND c.state IN ('REFUSED', 'CANCELLED', 'FAILED', 'DELETED') AS expected
		  FROM cases c JOIN withdrawals w USING (case_number) CROSS JOIN (VALUES ('hold'), ('paid'), ('release')) AS s(name)),
	taken AS (SELECT s.case_number, s.key, s.expected, s.amount, e.entry_id IS NOT NULL AS there, coalesce(p.amount, 0.00) AS moved
		  FROM step s LEFT JOIN entries e ON e.key = s.key AND e.case_number = s.case_number LEFT JOIN postings p ON p.entry_id = e.entry_id AND p.account = s.account),
	held AS (SELECT c.case_number, CASE WHEN c.closed_at IS NULL THEN w.amount ELSE 0.00 END AS expected, (
			SELECT coalesce(sum(p.amount), 0.00) FROM entries e JOIN postings p USING (entry_id) WHERE e.case_number = c.case_number AND p.account = 'P.HOLD:' || c.partner_id) AS moved
		  FROM cases c JOIN withdrawals w USING (case_number))
	SELECT 'step' AS check, 'case ' || case_number AS object,
	       CASE WHEN NOT there THEN format('there is no entry %s', key)
	            WHEN NOT expected THEN format('there is an entry %s, which the case''s state does not have', key)
	            ELSE format('entry %s moves P.HOLD by %s, the case is about %s', key, moved, amount) END AS message
	  FROM taken WHERE there <> expected OR expected AND key LIKE '%/paid' AND moved <> -amount
	UNION ALL
	SELECT 'step', 'case ' || case_number, format('its entries leave %s in P.HOLD, %s is what it holds', moved, expected) FROM held WHERE moved <> expected
	UNION ALL
	SELECT 'step', 'case ' || c.case_number, format('entry %s is no step of it', e.key)
	  FROM entries e JOIN cases c USING (case_number) LEFT JOIN tasks t ON 'withdrawal/' || t.task_id = e.key AND t.case_number = c.case_number AND t.matter = 'late-return' AND t.outcome = 'confirm'
	 WHERE c.kind = 'withdrawal' AND t.task_id IS NULL
	   AND e.key NOT IN ('withdrawal/' || c.case_number || '/hold', 'withdrawal/' || c.case_number || '/paid', 'withdrawal/' || c.case_number || '/release', 'withdrawal/' || c.case_number || '/not-approved')
	   AND NOT EXISTS (SELECT 1 FROM approvals a WHERE a.case_number = c.case_number AND a.matter = 'review' -- a resubmission releases what was held and holds anew
	                   AND e.key IN ('withdrawal/' || c.case_number || '/release@' || (a.round - 1), 'withdrawal/' || c.case_number || '/hold@' || a.round))
	UNION ALL
	SELECT 'granted', 'case ' || c.case_number, 'what is paid is not what was approved'
	  FROM cases c WHERE c.kind = 'withdrawal' AND c.state IN ('APPROVED', 'PAYING', 'PAID')
	   AND NOT EXISTS (SELECT 1 FROM approvals a WHERE a.case_number = c.case_number AND a.matter = 'review' AND a.granted = withdrawal_content(c.case_number))
	 ORDER BY 2, 3`

// line is one posting with what its entry and its account say.
type line struct {
	Entry    int64           `db:"entry_id"`
	Key      string          `db:"key"`
	Digest   []byte          `db:"digest"`
	Case     string          `db:"case_number"`
	Memo     string          `db:"memo"`
	Account  *string         `db:"account"`
	Amount   *money.Amount   `db:"amount"`
	Currency *money.Currency `db:"currency"`
	MemoSide *bool           `db:"memo_side"`
}

// entries reads every posting in the order of entries: each entry balances, and its content is what was hashed.
func (v *verifier) entries(ctx context.Context) error {
	lines, err := v.tx.QueryxContext(ctx, linesOfEntriesSQL)
	if err != nil {
		return err
	}
	defer lines.Close()
	var entry []line
	for lines.Next() {
		var l line
		if err := lines.StructScan(&l); err != nil {
			return err
		}
		if len(entry) > 0 && entry[0].Entry != l.Entry {
			v.entry(entry)
			entry = entry[:0]
		}
		entry = append(entry, l)
		if l.Account != nil {
			v.step()
		}
	}
	v.entry(entry)
	return lines.Err()
}

const linesOfEntriesSQL = `
	SELECT e.entry_id, e.key, e.digest, coalesce(e.case_number, '') AS case_number, e.memo, p.account, p.amount, c.currency, c.memo AS memo_side
	  FROM entries e LEFT JOIN postings p USING (entry_id) LEFT JOIN accounts a USING (account) LEFT JOIN chart c USING (code)
	 ORDER BY e.entry_id, p.account`

func (v *verifier) entry(lines []line) {
	if len(lines) == 0 {
		return
	}
	first := lines[0]
	object := "entry " + first.Key
	if first.Account == nil {
		v.find("entry", object, "it has no postings")
		return
	}
	type side struct {
		currency money.Currency
		memo     bool
	}
	sides := map[side]money.Amount{}
	e := ledger.Entry{Key: first.Key, Case: first.Case, Memo: first.Memo}
	for _, l := range lines {
		s := side{*l.Currency, *l.MemoSide}
		sides[s] = sides[s].Add(*l.Amount)
		e.Postings = append(e.Postings, ledger.Posting{Account: ledger.Account(*l.Account), Amount: *l.Amount})
	}
	balanced := true
	for _, sum := range sides {
		balanced = balanced && sum.Sign() == 0
	}
	switch {
	case !balanced:
		v.find("entry", object, "its postings do not add up to zero")
	case !bytes.Equal(e.Digest(), first.Digest):
		v.find("entry", object, "its case, memo or postings are not what was posted: the digest differs")
	}
}

// chained is one event as it was hashed, with the end of its chain as the case knows it.
type chained struct {
	Case     string        `db:"case_number"`
	Seq      *int          `db:"seq"` // nil: the case has no event at all
	Key      *string       `db:"key"`
	At       *time.Time    `db:"at"`
	Actor    *string       `db:"actor"`
	Via      *string       `db:"via"`
	Action   *string       `db:"action"`
	From     *string       `db:"from_state"`
	To       *string       `db:"to_state"`
	Rule     *string       `db:"rule"`
	Amount   *money.Amount `db:"amount"`
	Note     *string       `db:"note"`
	PrevHash []byte        `db:"prev_hash"`
	Hash     []byte        `db:"hash"`
	State    string        `db:"state"`
	LastSeq  int           `db:"last_event"`
	LastHash []byte        `db:"last_hash"`
}

// events follows every chain (PGM-12): numbers without a gap, each hash over the one before and the event's text, and the
// end where the case says it is, in the case's state.
func (v *verifier) events(ctx context.Context) error {
	list, err := v.tx.QueryxContext(ctx, chainsSQL)
	if err != nil {
		return err
	}
	defer list.Close()
	var last *chained
	for list.Next() {
		var e chained
		if err := list.StructScan(&e); err != nil {
			return err
		}
		if last != nil && last.Case != e.Case {
			v.endOfChain(*last)
			last = nil
		}
		if e.Seq != nil {
			v.link(last, e)
			v.step()
		}
		last = &e
	}
	if last != nil {
		v.endOfChain(*last)
	}
	return list.Err()
}

const chainsSQL = `
	SELECT c.case_number, e.seq, e.key, e.at, e.actor, e.via, e.action, e.from_state, e.to_state, e.rule, e.amount, e.note, e.prev_hash, e.hash,
	       c.state, c.last_event, c.last_hash
	  FROM cases c LEFT JOIN events e USING (case_number) ORDER BY c.case_number, e.seq`

func (v *verifier) link(before *chained, e chained) {
	seq, hash, state := 0, []byte{}, ""
	if before != nil {
		seq, hash, state = *before.Seq, before.Hash, *before.To
	}
	object := fmt.Sprintf("event %s/%d", e.Case, *e.Seq)
	sum := sha256.Sum256(append(bytes.Clone(e.PrevHash), e.text()...))
	switch {
	case *e.Seq != seq+1:
		v.find("event", object, "the event before it is number %d: the chain has a gap", seq)
	case !bytes.Equal(e.PrevHash, hash):
		v.find("event", object, "it does not follow the event before it: the chain is broken")
	case !bytes.Equal(sum[:], e.Hash):
		v.find("event", object, "its content is not what was written: the hash differs")
	case *e.From != state:
		v.find("event", object, "it starts from %q, the event before it ended in %q", *e.From, state)
	}
}

func (v *verifier) endOfChain(last chained) {
	object := "case " + last.Case
	switch {
	case last.Seq == nil:
		v.find("event", object, "it has no events")
	case *last.Seq != last.LastSeq || !bytes.Equal(last.Hash, last.LastHash):
		v.find("event", object, "its newest event should be number %d, the newest found is %d: events are missing or replaced", last.LastSeq, *last.Seq)
	case *last.To != last.State:
		v.find("event", object, "it is %s, its newest event says %s", last.State, *last.To)
	}
}

// text is the canonical text that is hashed; the database function event_text says the same.
func (e chained) text() []byte {
	seq, at := strconv.Itoa(*e.Seq), e.At.UTC().Format("2006-01-02T15:04:05.000000Z")
	var amount *string
	if e.Amount != nil {
		s := e.Amount.String()
		amount = &s
	}
	var b strings.Builder
	for _, field := range []*string{&e.Case, &seq, e.Key, &at, e.Actor, e.Via, e.Action, e.From, e.To, e.Rule, amount, e.Note} {
		if field == nil {
			b.WriteString("-")
			continue
		}
		fmt.Fprintf(&b, "%d:%s", len(*field), *field)
	}
	return []byte(b.String())
}
