package schema_test

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"testing"
	"time"

	"countersign/domain/withdrawal"
	"countersign/internal/pgtest"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// openCase opens a withdrawal of U1 for P1001.
func openCase(t *testing.T, db sqlx.Execer, number, requestKey string, state withdrawal.State) {
	t.Helper()
	require.NoError(t, exec(db, openSQL, number, requestKey, state))
}

const openSQL = `INSERT INTO cases (case_number, kind, partner_id, submitter, request_key, request_digest, state, policy_version, workflow_id, run_id, opened_at)
	VALUES ($1, 'withdrawal', 'P1001', 'U1', $2, '', $3, 1, $1, '', '2025-11-03T02:00:00Z')`

func move(db sqlx.Execer, number string, to withdrawal.State) error {
	return exec(db, `UPDATE cases SET state = $2 WHERE case_number = $1`, number, to)
}

func TestGivenTheMovesOfTheDatabase_WhenTheyAreRead_ThenTheyAreThoseOfTheDomain(t *testing.T) {
	var stored []withdrawal.Move
	rows, err := pgtest.New(t).Query(`SELECT from_state, to_state FROM moves WHERE kind = 'withdrawal'`)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var m withdrawal.Move
		require.NoError(t, rows.Scan(&m.From, &m.To))
		stored = append(stored, m)
	}
	require.NoError(t, rows.Err())
	require.ElementsMatch(t, withdrawal.Moves, stored)
}

func TestGivenACaseInEachState_WhenItIsMoved_ThenENG03RefusesWhateverIsNotLawful(t *testing.T) {
	db := programme(t)
	paths := map[withdrawal.State][]withdrawal.State{"": nil}
	for range withdrawal.Moves {
		for _, m := range withdrawal.Moves {
			if path, there := paths[m.From]; there && paths[m.To] == nil {
				paths[m.To] = append(append([]withdrawal.State{}, path...), m.To)
			}
		}
	}
	delete(paths, "")
	require.Len(t, paths, 9)
	n := 0
	for from, path := range paths {
		n++
		number := fmt.Sprintf("W%06d", n)
		openCase(t, db, number, number, path[0])
		for _, step := range path[1:] {
			require.NoError(t, move(db, number, step))
		}
		for to := range paths {
			if to != from && !withdrawal.CanMove(from, to) {
				refusedBy(t, move(db, number, to), "eng_03_move")
			}
		}
		refusedBy(t, move(db, number, "SOMEWHERE"), "eng_03_move")
		if !withdrawal.CanMove("", from) {
			refusedBy(t, exec(db, openSQL, "W999999", "k", from), "eng_03_move")
		}
	}
}

func TestGivenATemporaryTableOfMoves_WhenACaseIsMoved_ThenOurTableIsLookedAt(t *testing.T) {
	db := programme(t)
	openCase(t, db, "W000001", "k1", withdrawal.UnderReview)
	refusedBy(t, inTx(t, db, func(tx *sqlx.Tx) error {
		tx.MustExec(`CREATE TEMPORARY TABLE moves ON COMMIT DROP AS SELECT 'withdrawal'::text AS kind, 'UNDER_REVIEW'::text AS from_state, 'PAID'::text AS to_state`)
		return move(tx, "W000001", withdrawal.Paid)
	}), "eng_03_move")
}

func TestGivenARequestKey_WhenASecondCaseIsOpenedUnderIt_ThenCOM20Refuses(t *testing.T) {
	db := programme(t)
	openCase(t, db, "W000001", "k1", withdrawal.UnderReview)
	refusedBy(t, exec(db, openSQL, "W000002", "k1", withdrawal.UnderReview), "com_20_request_key")
	openCase(t, db, "W000002", "k2", withdrawal.UnderReview)
}

func TestGivenATask_WhenItsSubmitterOrOpenerDecides_ThenENG02Refuses(t *testing.T) {
	db := programme(t)
	openCase(t, db, "W000001", "k1", withdrawal.UnderReview)
	review(t, db)
	refusedBy(t, decide(db, "W000001/review", "U1", nil), "eng_02_four_eyes")       // submits
	refusedBy(t, decide(db, "W000001/review", "F1", nil), "eng_02_four_eyes")       // asks
	refusedBy(t, decide(db, "W000001/review", "F2", new("U1")), "eng_02_four_eyes") // stands in for who submits
	require.NoError(t, decide(db, "W000001/review", "F2", nil))
	refusedBy(t, decide(db, "W000001/review", "M1", nil), "eng_03_answered")
	refusedBy(t, decide(db, "W000001/review.2", "F2", nil), "eng_02_one_seat")
	refusedBy(t, decide(db, "W000001/review.2", "M1", new("F2")), "eng_02_one_seat")
	require.NoError(t, decide(db, "W000001/review.2", "M1", nil))
}

// review opens a round with two tasks, asked by F1.
func review(t *testing.T, db sqlx.Execer) {
	t.Helper()
	require.NoError(t, exec(db, `INSERT INTO approvals (case_number, matter, round, plan, content, policy_version, opened_by, opened_at)
		VALUES ('W000001', 'review', 1, '{}', '', 1, 'F1', now())`))
	require.NoError(t, exec(db, `INSERT INTO tasks (task_id, case_number, matter, round, seat, step, visit, question, candidates, opened_by, opened_at, counted_from)
		SELECT 'W000001/' || s, 'W000001', 'review', 1, s, 'review', 1, 'May 500.00 leave?', '{role:vendor-finance}', 'F1', now(), now() FROM unnest(ARRAY['review', 'review.2']) s`))
}

func decide(db sqlx.Execer, task, person string, behalf *string) error {
	how := "person"
	if behalf != nil {
		how = "substitute"
	}
	return exec(db, `UPDATE tasks SET state = 'decided', decided_by = $2, on_behalf = $3, how = $4, decided_at = now(), outcome = 'approve' WHERE task_id = $1`, task, person, behalf, how)
}

func TestGivenADecision_WhenItsKeyIsUsedAgainOrItIsChanged_ThenTheDatabaseRefuses(t *testing.T) {
	db := programme(t)
	openCase(t, db, "W000001", "k1", withdrawal.UnderReview)
	review(t, db)
	say := `INSERT INTO decisions (case_number, seq, matter, round, seat, act, word, how, person_id, at, key) VALUES ('W000001', $1, 'review', 1, 'review', 'comment', 'comment', 'person', 'F2', now(), 'd1')`
	require.NoError(t, exec(db, say, 1))
	refusedBy(t, exec(db, say, 2), "com_20_decision_key")
	denied(t, exec(db, `UPDATE decisions SET reason = 'x'`))
	refusedBy(t, asOwner(t, db, `UPDATE decisions SET reason = 'x'`), "pgm_12_append_only")
	refusedBy(t, asOwner(t, db, `DELETE FROM decisions`), "pgm_12_append_only")
	denied(t, exec(db, `DELETE FROM inbox`))
	denied(t, exec(db, `UPDATE approvals SET plan = '{}'`))
}

func TestGivenATask_WhenItChanges_ThenTheInboxShowsItToWhoeverMayDecide(t *testing.T) {
	db := programme(t)
	openCase(t, db, "W000001", "k1", withdrawal.UnderReview)
	review(t, db)
	shown := func() (rows []string) {
		require.NoError(t, db.Select(&rows, `SELECT who || ' ' || task_id FROM inbox ORDER BY 1`))
		return rows
	}
	require.Equal(t, []string{"role:vendor-finance W000001/review", "role:vendor-finance W000001/review.2"}, shown())
	require.NoError(t, exec(db, `UPDATE tasks SET candidates = '{person:F2,role:finance-manager}' WHERE task_id = 'W000001/review'`))
	require.NoError(t, exec(db, `UPDATE tasks SET state = 'waiting' WHERE task_id = 'W000001/review.2'`))
	require.Equal(t, []string{"person:F2 W000001/review", "role:finance-manager W000001/review"}, shown())
	require.NoError(t, decide(db, "W000001/review", "F2", nil))
	require.Empty(t, shown())
	refusedBy(t, exec(db, `UPDATE tasks SET candidates = '{}' WHERE task_id = 'W000001/review.2'`), "tasks_asks_somebody")
}

func TestGivenATaskInAnInbox_WhenWhatItIsAboutChanges_ThenTheInboxSaysSo(t *testing.T) {
	db := programme(t)
	openCase(t, db, "W000001", "k1", withdrawal.UnderReview)
	require.NoError(t, exec(db, `INSERT INTO withdrawals (case_number, route, amount, holder, account_no, bank, branch, paying_entity, paid_from, approved_by_rule)
		VALUES ('W000001', 'BANK_CARD', 500, 'A Ltd', '6222', 'ICBC', '', 'cloud', 'V.BANK', false)`))
	review(t, db)
	require.NoError(t, exec(db, `UPDATE tasks SET candidates = '{role:vendor-finance,role:finance-manager,role:vendor-finance}' WHERE task_id = 'W000001/review.2'`))
	shows := func(want ...string) {
		t.Helper()
		var rows []string
		require.NoError(t, db.Select(&rows, `SELECT concat_ws(' ', who, kind, matter, round, amount, payee, before) FROM inbox ORDER BY task_id, who`))
		require.Equal(t, want, rows)
	}
	shows("role:vendor-finance withdrawal review 1 500.00 a ltd {}", "role:finance-manager withdrawal review 1 500.00 a ltd {}", "role:vendor-finance withdrawal review 1 500.00 a ltd {role:finance-manager}")
	late := func() (ids []string) {
		require.NoError(t, db.Select(&ids, `SELECT task_id FROM inbox WHERE before = '{}' AND escalated ORDER BY 1`))
		return ids
	}
	require.Empty(t, late())
	require.NoError(t, exec(db, `UPDATE tasks SET escalated_at = now() WHERE task_id = 'W000001/review.2'`))
	require.Equal(t, []string{"W000001/review.2"}, late(), "once, however many are asked")
	require.NoError(t, exec(db, `UPDATE tasks SET state = 'waiting' WHERE task_id = 'W000001/review.2'`))
	require.NoError(t, exec(db, `UPDATE withdrawals SET amount = 400, holder = 'B Ltd'`))
	shows("role:vendor-finance withdrawal review 1 400.00 b ltd {}")
	_, err := pgtest.Owner(t, db).Exec(`DELETE FROM withdrawals`) // as if of a kind that has its amount with the case
	require.NoError(t, err)
	require.NoError(t, exec(db, `UPDATE cases SET amount = 300`))
	shows("role:vendor-finance withdrawal review 1 300.00  {}")
}

// event appends one to case W000001.
func event(t *testing.T, db sqlx.Execer, key string, amount any, note string) {
	t.Helper()
	require.NoError(t, exec(db, `INSERT INTO events (case_number, key, at, actor, via, action, from_state, to_state, rule, amount, note)
		VALUES ('W000001', $1, '2025-11-03T10:00:00.123456+08:00', 'U1', 'request', 'open', '', 'UNDER_REVIEW', 'WDR-02', $2, $3)`, key, amount, note))
}

// brokenAt recomputes a case's chain as its reader would and answers the first event that does not fit, 0 if all do.
func brokenAt(t *testing.T, db *sqlx.DB, number string) int {
	t.Helper()
	var events []struct {
		CaseNumber string    `db:"case_number"`
		Seq        int       `db:"seq"`
		Key        string    `db:"key"`
		At         time.Time `db:"at"`
		Actor      string    `db:"actor"`
		Via        string    `db:"via"`
		Action     string    `db:"action"`
		FromState  string    `db:"from_state"`
		ToState    string    `db:"to_state"`
		Rule       string    `db:"rule"`
		Amount     *string   `db:"amount"`
		Note       string    `db:"note"`
		PrevHash   []byte    `db:"prev_hash"`
		Hash       []byte    `db:"hash"`
	}
	require.NoError(t, db.Select(&events, `SELECT case_number, seq, key, at, actor, via, action, from_state, to_state, rule, amount, note,
		prev_hash, hash FROM events WHERE case_number = $1 ORDER BY seq`, number))
	var last []byte
	for i, e := range events {
		text := ""
		at := e.At.UTC().Format("2006-01-02T15:04:05.000000Z")
		for _, column := range []*string{&e.CaseNumber, new(strconv.Itoa(e.Seq)), &e.Key, &at, &e.Actor, &e.Via, &e.Action, &e.FromState, &e.ToState, &e.Rule, e.Amount, &e.Note} {
			if column == nil {
				text += "-"
				continue
			}
			text += fmt.Sprintf("%d:%s", len(*column), *column)
		}
		sum := sha256.Sum256(append(append([]byte{}, last...), text...))
		if e.Seq != i+1 || string(e.PrevHash) != string(last) || string(e.Hash) != string(sum[:]) {
			return i + 1
		}
		last = sum[:]
	}
	var newest []byte
	require.NoError(t, db.Get(&newest, `SELECT last_hash FROM cases WHERE case_number = $1`, number))
	if string(newest) != string(last) {
		return len(events) + 1
	}
	return 0
}

func TestGivenACasesEvents_WhenTheirHashesAreRecomputed_ThenTheyFitAndTamperingShows(t *testing.T) {
	for name, tc := range map[string]struct {
		tamper string
		broken int
	}{
		"nothing":                      {``, 0},
		"an amount":                    {`UPDATE events SET amount = 500.01 WHERE seq = 1`, 1},
		"an instant by a microsecond":  {`UPDATE events SET at = at + interval '1 microsecond' WHERE seq = 2`, 2},
		"text moved between columns":   {`UPDATE events SET actor = 'U1r', via = 'request', action = 'pen' WHERE seq = 3`, 3},
		"no amount instead of one":     {`UPDATE events SET amount = NULL WHERE seq = 1`, 1},
		"an event in the middle gone":  {`DELETE FROM events WHERE seq = 2`, 2},
		"the newest event gone":        {`DELETE FROM events WHERE seq = 3`, 3},
		"an event with its hash":       {`UPDATE events SET note = 'x', hash = sha256(prev_hash || convert_to(event_text(events), 'UTF8')) WHERE seq = 2`, 2},
		"all of them with their order": {`UPDATE events SET seq = seq + 10`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			db := programme(t)
			openCase(t, db, "W000001", "k1", withdrawal.UnderReview)
			event(t, db, "open", "500", "附言 · 5:x-")
			event(t, db, "remind", nil, "")
			event(t, db, "approve", "-0.50", "-")
			if tc.tamper != "" {
				superuser := pgtest.Owner(t, db)
				superuser.MustExec(`ALTER TABLE events DISABLE TRIGGER USER`)
				superuser.MustExec(tc.tamper)
			}
			require.Equal(t, tc.broken, brokenAt(t, db, "W000001"))
		})
	}
}

func TestGivenAnEvent_WhenTheProgrammeNumbersHashesOrRepeatsIt_ThenItMayNot(t *testing.T) {
	db := programme(t)
	openCase(t, db, "W000001", "k1", withdrawal.UnderReview)
	event(t, db, "open", nil, "")
	insert := func(column, value string) error {
		return exec(db, `INSERT INTO events (case_number, key, at, actor, via, action, from_state, to_state, `+column+`)
			VALUES ('W000001', 'forged', now(), 'U1', 'request', 'open', '', 'PAID', `+value+`)`)
	}
	denied(t, insert("seq", "7"))
	denied(t, insert("hash", "''"))
	denied(t, insert("prev_hash", "''"))
	denied(t, exec(db, `UPDATE cases SET last_hash = ''`))
	denied(t, exec(db, `UPDATE cases SET submitter = 'F1'`))
	refusedBy(t, exec(db, `INSERT INTO events (case_number, key, at, actor, via, action, from_state, to_state)
		VALUES ('W000001', 'open', now(), 'U1', 'request', 'open', '', 'UNDER_REVIEW')`), "eng_01_event_key")
	require.Zero(t, brokenAt(t, db, "W000001"), "what was refused left no gap")
}

func TestGivenAWithdrawal_WhenItsContentIsHashed_ThenTheHashIsThatOfEarlierVersions(t *testing.T) {
	db := programme(t)
	openCase(t, db, "W000001", "k1", withdrawal.UnderReview)
	withdraw := func(number, lines string) {
		var same bool
		require.NoError(t, db.Get(&same, `
			SELECT withdrawal_content($1) IS NOT DISTINCT FROM (
				SELECT sha256(convert_to(string_agg(coalesce(octet_length(f) || ':' || f, '-'), '' ORDER BY n), 'UTF8'))
				  FROM cases c JOIN withdrawals w USING (case_number),
				       unnest(ARRAY[c.case_number, c.partner_id, w.route, w.amount::text, w.currency, w.holder, w.account_no, w.bank, w.branch, w.paying_entity, w.paid_from,
				              (SELECT string_agg(l.lot_no || '=' || l.amount, ',' ORDER BY l.lot_no) FROM withdrawal_lines l WHERE l.case_number = c.case_number)])
				       WITH ORDINALITY AS t(f, n)
				 WHERE c.case_number = $1)`, number))
		require.True(t, same, lines)
	}
	withdraw("W000001", "no withdrawal")
	pgtest.Owner(t, db).MustExec(`INSERT INTO withdrawals (case_number, route, amount, holder, account_no, bank, branch, paying_entity, paid_from, approved_by_rule)
		VALUES ('W000001', 'BANK_CARD', 500, '深圳 Ltd', '6222-1', 'ICBC', '', 'cloud', 'V.BANK', false)`)
	withdraw("W000001", "without lines")
	pgtest.Owner(t, db).MustExec(`
		WITH lot AS (INSERT INTO lots (key, partner_id, source, entity, arrived_at, amount, remaining)
			SELECT k, partner_id, 'REFUND', 'cloud', now(), 300, 0 FROM cases, unnest(ARRAY['a', 'b']) k RETURNING lot_no)
		INSERT INTO withdrawal_lines (case_number, lot_no, amount) SELECT 'W000001', lot_no, 250 FROM lot`)
	withdraw("W000001", "with lines")
}
