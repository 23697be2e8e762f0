-- +goose Up

-- An entry is posted by one call, and its guards do with fewer and smaller statements what they did: each finds one row by its key, so that
-- nothing is planned again from one entry to the next.
SET LOCAL ROLE countersign_owner;

-- +goose StatementBegin

-- Locks the stored balances in name order, so that two entries never wait for each other, and answers what they are now.
-- Accounts that do not exist yet are made, so that there is always a row to lock.
CREATE OR REPLACE FUNCTION ledger_lock(names text[]) RETURNS TABLE (account text, balance numeric)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE name text;
BEGIN
	FOR name IN SELECT DISTINCT n FROM unnest(names) n ORDER BY n LOOP
		IF NOT EXISTS (SELECT 1 FROM accounts a WHERE a.account = name) THEN
			INSERT INTO accounts (account) VALUES (name) ON CONFLICT DO NOTHING;
		END IF;
		RETURN QUERY SELECT a.account, a.balance * a.normal FROM accounts a WHERE a.account = name AND a.balance IS NOT NULL FOR NO KEY UPDATE;
	END LOOP;
END $$;

CREATE OR REPLACE FUNCTION move_balances() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE moved record;
BEGIN
	IF (SELECT count(*) FROM postings p WHERE p.entry_id IN (SELECT entry_id FROM added)) <> (SELECT count(*) FROM added) THEN
		-- not only later transactions: SET CONSTRAINTS could have had the entry checked before its last posting
		RAISE EXCEPTION 'an entry is complete: all its postings come in one statement'
			USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_complete';
	END IF;
	FOR moved IN SELECT account, sum(amount) AS amount FROM added GROUP BY account ORDER BY account LOOP -- in name order, as ledger_lock
		UPDATE accounts SET balance = balance + moved.amount WHERE account = moved.account AND balance IS NOT NULL;
	END LOOP;
	RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION guard_entry() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE balanced boolean := (
	SELECT bool_and(total = 0)
	  FROM (SELECT sum(p.amount) AS total FROM postings p JOIN accounts a USING (account) JOIN chart c USING (code)
	         WHERE p.entry_id = NEW.entry_id GROUP BY c.currency, c.memo) t);
BEGIN
	IF balanced IS NULL THEN
		RAISE EXCEPTION 'entry "%" has no postings', NEW.key
			USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_balanced';
	ELSIF NOT balanced THEN
		RAISE EXCEPTION 'entry "%" is not balanced', NEW.key
			USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_balanced';
	END IF;
	RETURN NULL;
END $$;

-- Books a whole entry. False: the key is taken by an entry with other content (ENG-01). True: the entry is there, from now or from before.
-- It works with the rights of who calls it, and takes no guard's place: who inserts by hand meets the same triggers.
CREATE FUNCTION post_entry(key text, digest bytea, case_number text, memo text, at timestamptz, accounts text[], amounts numeric[]) RETURNS boolean
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE id bigint;
BEGIN
	INSERT INTO entries (key, digest, case_number, memo, at) VALUES ($1, $2, nullif($3, ''), $4, $5)
		ON CONFLICT (key) DO NOTHING RETURNING entry_id INTO id;
	IF id IS NULL THEN
		RETURN (SELECT e.digest = $2 FROM entries e WHERE e.key = $1);
	END IF;
	PERFORM ledger_lock($6);
	INSERT INTO postings (entry_id, account, amount) SELECT id, l.account, l.amount FROM unnest($6, $7) l (account, amount);
	RETURN true;
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION post_entry IS 'Amounts: credit positive, debit negative. An empty case number is none.';

SET LOCAL ROLE NONE;
