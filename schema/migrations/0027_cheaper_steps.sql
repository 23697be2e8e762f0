-- +goose Up

-- What every step of a case runs, some of it ten times: the same answers and the same guards, with fewer statements inside.
SET LOCAL ROLE countersign_owner;

-- One field of a canonical text. It becomes part of the expression around it, so that a text is put together without a query.
CREATE FUNCTION counted(field text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce(octet_length(field)::text || ':' || field, '-') $$;
COMMENT ON FUNCTION counted IS 'Its length in octets, a colon and its text; NULL is "-".';

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION event_text(e events) RETURNS text LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
	RETURN counted(e.case_number) || counted(e.seq::text) || counted(e.key) || counted(to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
		|| counted(e.actor) || counted(e.via) || counted(e.action) || counted(e.from_state) || counted(e.to_state) || counted(e.rule)
		|| counted(e.amount::text) || counted(e.note);
END $$;

CREATE OR REPLACE FUNCTION withdrawal_content(number text) RETURNS bytea LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE about record;
BEGIN
	SELECT c.case_number, c.partner_id, w.route, w.amount, w.currency, w.holder, w.account_no, w.bank, w.branch, w.paying_entity, w.paid_from,
	       (SELECT string_agg(l.lot_no || '=' || l.amount, ',' ORDER BY l.lot_no) FROM withdrawal_lines l WHERE l.case_number = number) AS lots
	  INTO about FROM cases c JOIN withdrawals w USING (case_number) WHERE c.case_number = number;
	IF NOT FOUND THEN RETURN NULL; END IF;
	RETURN sha256(convert_to(counted(about.case_number) || counted(about.partner_id) || counted(about.route) || counted(about.amount::text)
		|| counted(about.currency) || counted(about.holder) || counted(about.account_no) || counted(about.bank) || counted(about.branch)
		|| counted(about.paying_entity) || counted(about.paid_from) || counted(about.lots), 'UTF8'));
END $$;

-- The reader is looked up once.
CREATE OR REPLACE FUNCTION plan_message() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE reader record;
BEGIN
	SELECT notify, email INTO reader FROM people WHERE person_id = NEW.person_id;
	IF NOT NEW.secret AND reader.notify = 'digest' THEN
		NEW.digest_at := (date_trunc('day', (NEW.written_at - interval '9 hours') AT TIME ZONE interval '8 hours')
			+ interval '1 day 9 hours') AT TIME ZONE interval '8 hours';
		NEW.next_at := NEW.digest_at;
	END IF;
	IF NEW.mobile = '' AND NEW.address IS NULL AND (reader.email = '' OR NEW.account_id IS NOT NULL AND without_address(NULL, NEW.account_id)) THEN
		-- who enters the address just now waits, or is waited for
		PERFORM pg_advisory_xact_lock_shared(hashtext('address/' || coalesce(NEW.person_id, NEW.account_id)));
		NEW.without_address := without_address(NEW.person_id, NEW.account_id);
	END IF;
	RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION guard_four_eyes() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF NEW.opened_by IN (NEW.decided_by, NEW.on_behalf) OR EXISTS (
		SELECT 1 FROM cases c WHERE c.case_number = NEW.case_number AND c.submitter IN (NEW.decided_by, NEW.on_behalf)
		UNION ALL -- who applied in whichever round
		SELECT 1 FROM approvals a WHERE a.case_number = NEW.case_number AND a.matter = 'review' AND a.opened_by IN (NEW.decided_by, NEW.on_behalf)) THEN
		RAISE EXCEPTION 'task %: % may not decide their own request', NEW.task_id, NEW.decided_by
			USING ERRCODE = 'check_violation', CONSTRAINT = 'eng_02_four_eyes';
	END IF;
	RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION guard_lots() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
	p    text;
	cash numeric;
	held numeric;
BEGIN
	IF TG_TABLE_NAME = 'lots' THEN p := NEW.partner_id; ELSE p := NEW.owner; END IF;
	SELECT coalesce((SELECT balance FROM accounts WHERE account = 'P.CASH:' || p), 0),
	       coalesce((SELECT sum(remaining) FROM lots WHERE partner_id = p AND remaining > 0), 0) INTO cash, held;
	IF cash <> held THEN
		RAISE EXCEPTION 'partner %: lots add up to %, P.CASH is %', p, held, cash
			USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_lots';
	END IF;
	RETURN NULL;
END $$;

-- An account that is there and has a stored balance takes one look; one that somebody else makes just now is waited for.
CREATE OR REPLACE FUNCTION ledger_lock(names text[]) RETURNS TABLE (account text, balance numeric)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE name text;
BEGIN
	FOR name IN SELECT DISTINCT n FROM unnest(names) n ORDER BY n LOOP
		LOOP
			SELECT a.account, a.balance * a.normal INTO account, balance FROM accounts a WHERE a.account = name AND a.balance IS NOT NULL FOR NO KEY UPDATE;
			IF FOUND THEN
				RETURN NEXT;
				EXIT;
			END IF;
			EXIT WHEN EXISTS (SELECT 1 FROM accounts a WHERE a.account = name AND a.balance IS NULL); -- summed: nothing to lock
			INSERT INTO accounts (account) VALUES (name) ON CONFLICT DO NOTHING;
		END LOOP;
	END LOOP;
END $$;

-- An entry at a time, by its number: the plan that a session keeps never reads all postings.
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
	END LOOP;
	RETURN NULL;
END $$;
-- +goose StatementEnd

SET LOCAL ROLE NONE;
