-- +goose Up

-- Lists and statements answer as fast for whoever has a hundred thousand cases.
SET LOCAL ROLE countersign_owner;

---------------------------------------------------------------- what is open, of whom and since when

CREATE INDEX cases_open_of_partner ON cases (partner_id, opened_at, case_number) WHERE closed_at IS NULL;
CREATE INDEX tasks_due ON tasks (due_at, task_id) WHERE state = 'open';

---------------------------------------------------------------- what an account moved on each day

-- A statement begins with the sum of all that was before it, and finds its lines by the numbers of its days' entries.
CREATE TABLE account_days (
	account     text          NOT NULL REFERENCES accounts,
	day         date          NOT NULL,
	amount      numeric(20,2) NOT NULL,
	lines       int           NOT NULL CHECK (lines > 0),
	first_entry bigint        NOT NULL,
	last_entry  bigint        NOT NULL CHECK (last_entry >= first_entry),
	PRIMARY KEY (account, day)
);
COMMENT ON TABLE  account_days IS 'The postings of accounts with a stored balance, added up by day: what a statement needs of the time before it. The ledger''s trigger keeps it.';
COMMENT ON COLUMN account_days.day IS 'In UTC+8, of the entry''s instant.';
COMMENT ON COLUMN account_days.amount IS 'Credit positive, as postings have it.';
COMMENT ON COLUMN account_days.first_entry IS 'The lowest number of an entry of this day with a posting on this account; between it and last_entry entries of other days may lie.';

INSERT INTO account_days
SELECT account, (e.at AT TIME ZONE interval '8 hours')::date, sum(p.amount), count(*), min(entry_id), max(entry_id)
  FROM postings p JOIN entries e USING (entry_id) JOIN accounts a USING (account) WHERE a.balance IS NOT NULL GROUP BY 1, 2;

GRANT SELECT ON account_days TO countersign_programme;
ALTER TABLE account_days ENABLE ROW LEVEL SECURITY;
CREATE POLICY programme ON account_days TO countersign_programme USING (true) WITH CHECK (true);
CREATE POLICY partner ON account_days FOR SELECT TO countersign_partner USING (
	account ~ '^[PVM]\.' AND substr(account, strpos(account, ':') + 1) = current_setting('countersign.partner', true)
	OR EXISTS (SELECT 1 FROM accounts a WHERE a.account = account_days.account));
GRANT SELECT ON account_days TO countersign_partner;

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION move_balances() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE moved record;
BEGIN
	FOR moved IN SELECT entry_id, count(*) AS n FROM added GROUP BY entry_id LOOP
		IF (SELECT count(*) FROM postings p WHERE p.entry_id = moved.entry_id) <> moved.n THEN
			-- not only later transactions: SET CONSTRAINTS could have had the entry checked before its last posting
			RAISE EXCEPTION 'an entry is complete: all its postings come in one statement'
				USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_complete';
		END IF;
	END LOOP;
	FOR moved IN SELECT account, sum(amount) AS amount FROM added GROUP BY account ORDER BY account LOOP -- in name order, as ledger_lock
		UPDATE accounts SET balance = balance + moved.amount WHERE account = moved.account AND balance IS NOT NULL;
		CONTINUE WHEN NOT FOUND;
		INSERT INTO account_days AS d (account, day, amount, lines, first_entry, last_entry)
		SELECT p.account, (e.at AT TIME ZONE interval '8 hours')::date, sum(p.amount), count(*), min(p.entry_id), max(p.entry_id)
		  FROM added p, LATERAL (SELECT at FROM entries WHERE entries.entry_id = p.entry_id) e WHERE p.account = moved.account GROUP BY 1, 2
		ON CONFLICT (account, day) DO UPDATE
		   SET amount = d.amount + excluded.amount, lines = d.lines + excluded.lines, first_entry = least(d.first_entry, excluded.first_entry), last_entry = greatest(d.last_entry, excluded.last_entry);
	END LOOP;
	RETURN NULL;
END $$;
-- +goose StatementEnd

---------------------------------------------------------------- asked about each line of a list

-- A function in SQL is parsed and planned anew by every call, of one in PL/pgSQL a session keeps the plan. What they answer does not change.
-- +goose StatementBegin
DO $$
DECLARE f record;
BEGIN
	FOR f IN
		SELECT p.proname, p.prosrc, pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result
		  FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
		 WHERE p.pronamespace = 'public'::regnamespace AND l.lanname = 'sql' AND NOT p.proretset
		   AND p.proname IN ('bill_requested', 'bill_lapses', 'bill_frozen', 'membership_of', 'tier_of', 'specialist_state')
	LOOP
		EXECUTE format('CREATE OR REPLACE FUNCTION %I(%s) RETURNS %s LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS %L', f.proname, f.arguments, f.result,
			format(E'\n#variable_conflict use_column\nBEGIN\n\tRETURN (%s);\nEND ', f.prosrc));
	END LOOP;
END $$;
-- +goose StatementEnd

SET LOCAL ROLE NONE;
