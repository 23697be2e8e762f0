-- +goose Up

-- Two roles: the owner migrates and owns everything; the programme's role owns nothing, so it can neither TRUNCATE nor
-- disable a trigger. Both are without login: a deployment grants them to its own logins. Roles belong to the cluster, so
-- a second database on it finds them there.
-- +goose StatementBegin
DO $$
DECLARE r text;
BEGIN
	FOREACH r IN ARRAY ARRAY['countersign_owner', 'countersign_programme'] LOOP
		BEGIN
			EXECUTE format('CREATE ROLE %I NOLOGIN', r);
		EXCEPTION WHEN duplicate_object OR unique_violation THEN
			NULL;
		END;
		IF NOT pg_has_role(current_user, r, 'MEMBER') THEN
			EXECUTE format('GRANT %I TO CURRENT_USER', r);
		END IF;
	END LOOP;
	EXECUTE 'GRANT USAGE, CREATE ON SCHEMA public TO countersign_owner';
	EXECUTE 'GRANT USAGE ON SCHEMA public TO countersign_programme';
END $$;
-- +goose StatementEnd

SET LOCAL ROLE countersign_owner;

-- Every function below that reads a table names its search path, pg_temp last: else a temporary table of the same name,
-- which any session may make, would be looked at instead.

---------------------------------------------------------------- people, policies, calendar

CREATE TABLE partners (
	partner_id    text PRIMARY KEY CONSTRAINT com_03_identifier CHECK (length(partner_id) BETWEEN 1 AND 64),
	name          text NOT NULL CHECK (name <> ''),
	kind          text NOT NULL CHECK (kind IN ('solution-provider', 'distributor', 'reseller')),
	state         text NOT NULL DEFAULT 'ACTIVE' CHECK (state IN ('ACTIVE', 'LIMITED', 'FROZEN', 'CLOSED')),
	verified_name text NOT NULL DEFAULT '',
	entity        text NOT NULL CHECK (entity <> '')
);
COMMENT ON TABLE  partners IS 'A partner account of the programme.';
COMMENT ON COLUMN partners.verified_name IS 'Name of the verified real-name subject; empty while unverified. Payments are compared with it (WDL-02).';
COMMENT ON COLUMN partners.entity IS 'The vendor''s contracting entity (WDL-10); "cloud" is the cloud company.';

CREATE TABLE customers (
	customer_id text PRIMARY KEY CONSTRAINT com_03_identifier CHECK (length(customer_id) BETWEEN 1 AND 64),
	partner_id  text NOT NULL REFERENCES partners
);
CREATE INDEX customers_by_partner ON customers (partner_id);
COMMENT ON TABLE customers IS 'Customers billed through a partner; their debts reduce what the partner can withdraw (WDL-07).';

CREATE TABLE people (
	person_id  text PRIMARY KEY CONSTRAINT com_03_identifier CHECK (length(person_id) BETWEEN 1 AND 64),
	name       text NOT NULL CHECK (name <> ''),
	partner_id text REFERENCES partners,
	email      text NOT NULL DEFAULT '',
	active     boolean NOT NULL DEFAULT true
);
COMMENT ON TABLE  people IS 'Who acts. A person without a partner belongs to the vendor.';

CREATE TABLE person_roles (
	person_id text NOT NULL REFERENCES people,
	role      text NOT NULL CHECK (role <> ''),
	PRIMARY KEY (person_id, role)
);
CREATE INDEX person_roles_by_role ON person_roles (role);

CREATE TABLE policies (
	kind    text        NOT NULL,
	version int         NOT NULL CHECK (version > 0),
	body    jsonb       NOT NULL,
	set_by  text        NOT NULL,
	set_at  timestamptz NOT NULL,
	PRIMARY KEY (kind, version)
);
COMMENT ON TABLE policies IS 'The programme''s parameters for one kind of case. A version never changes; a case is pinned to the version it was opened under.';

CREATE TABLE calendar_years (year int PRIMARY KEY);
COMMENT ON TABLE calendar_years IS 'Years whose holidays are known. A deadline that falls in another year is refused (ENG-05).';

CREATE TABLE calendar_days (
	day     date PRIMARY KEY,
	year    int     NOT NULL REFERENCES calendar_years,
	working boolean NOT NULL,
	name    text    NOT NULL,
	CHECK (year = extract(year FROM day))
);
COMMENT ON TABLE calendar_days IS 'Public holidays (working = false) and make-up workdays (working = true); other days follow the week (COM-05, PGM-04).';

---------------------------------------------------------------- cases, events, tasks, refusals

CREATE TABLE moves (
	kind       text NOT NULL,
	from_state text NOT NULL,
	to_state   text NOT NULL,
	PRIMARY KEY (kind, from_state, to_state)
);
COMMENT ON TABLE moves IS 'Every lawful step of every kind of case (ENG-03); the empty from_state opens a case. The same list stands in domain/, a test compares them.';
INSERT INTO moves VALUES
	('withdrawal', '',             'UNDER_REVIEW'),
	('withdrawal', '',             'APPROVED'),
	('withdrawal', 'UNDER_REVIEW', 'APPROVED'),
	('withdrawal', 'UNDER_REVIEW', 'REFUSED'),
	('withdrawal', 'UNDER_REVIEW', 'CANCELLED'),
	('withdrawal', 'APPROVED',     'PAYING'),
	('withdrawal', 'APPROVED',     'FAILED'),
	('withdrawal', 'PAYING',       'PAID'),
	('withdrawal', 'PAYING',       'FAILED'),
	('withdrawal', 'REFUSED',      'DELETED');

CREATE SEQUENCE withdrawal_numbers;

CREATE TABLE cases (
	case_number    text PRIMARY KEY,
	kind           text        NOT NULL,
	partner_id     text        NOT NULL REFERENCES partners,
	submitter      text        NOT NULL REFERENCES people,
	request_key    text        NOT NULL CHECK (length(request_key) BETWEEN 1 AND 64),
	request_digest bytea       NOT NULL,
	state          text        NOT NULL,
	due_at         timestamptz,
	policy_version int         NOT NULL,
	workflow_id    text        NOT NULL,
	run_id         text        NOT NULL,
	opened_at      timestamptz NOT NULL,
	closed_at      timestamptz,
	last_event     int         NOT NULL DEFAULT 0,
	last_hash      bytea       NOT NULL DEFAULT ''::bytea,
	FOREIGN KEY (kind, policy_version) REFERENCES policies (kind, version),
	CONSTRAINT com_20_request_key UNIQUE (kind, partner_id, request_key)
);
CREATE INDEX cases_by_partner ON cases (partner_id, opened_at);
CREATE INDEX cases_open ON cases (due_at) WHERE closed_at IS NULL;
COMMENT ON TABLE  cases IS 'One application of one partner, from the first request to the last posting: one workflow execution.';
COMMENT ON COLUMN cases.request_digest IS 'SHA-256 of the canonical request: the same key with another body is refused (COM-20).';
COMMENT ON COLUMN cases.due_at IS 'When the present step is overdue and escalates; NULL when nothing is waited for.';
COMMENT ON COLUMN cases.last_event IS 'Number and hash of the newest event; moved by the events trigger only.';

-- +goose StatementBegin
CREATE FUNCTION guard_case_move() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE before text := '';
BEGIN
	IF TG_OP = 'UPDATE' THEN
		IF NEW.state = OLD.state THEN RETURN NEW; END IF;
		before := OLD.state;
	END IF;
	IF NOT EXISTS (SELECT 1 FROM moves m WHERE m.kind = NEW.kind AND m.from_state = before AND m.to_state = NEW.state) THEN
		RAISE EXCEPTION 'case %: no move from "%" to "%"', NEW.case_number, before, NEW.state
			USING ERRCODE = 'check_violation', CONSTRAINT = 'eng_03_move';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER eng_03_move BEFORE INSERT OR UPDATE OF state ON cases FOR EACH ROW EXECUTE FUNCTION guard_case_move();

CREATE TABLE events (
	case_number text        NOT NULL REFERENCES cases,
	seq         int         NOT NULL,
	key         text        NOT NULL,
	at          timestamptz NOT NULL,
	actor       text        NOT NULL CHECK (actor <> ''),
	via         text        NOT NULL CHECK (via IN ('request', 'signal', 'rule', 'clock', 'operator')),
	action      text        NOT NULL CHECK (action <> ''),
	from_state  text        NOT NULL,
	to_state    text        NOT NULL,
	rule        text        NOT NULL DEFAULT '',
	amount      numeric(20,2),
	note        text        NOT NULL DEFAULT '',
	prev_hash   bytea       NOT NULL,
	hash        bytea       NOT NULL,
	PRIMARY KEY (case_number, seq),
	CONSTRAINT eng_01_event_key UNIQUE (case_number, key)
);
COMMENT ON TABLE  events IS 'Append-only history of a case (PGM-12), chained by SHA-256 over the previous hash and the row''s canonical text.';
COMMENT ON COLUMN events.key IS 'The step that wrote it; a step that runs twice finds its first event.';
COMMENT ON COLUMN events.actor IS 'A person, or "rule", "clock", "operator".';

-- Canonical text: the columns in this order, each as its length in octets, a colon and its text; NULL is "-".
-- +goose StatementBegin
CREATE FUNCTION event_text(e events) RETURNS text LANGUAGE sql STABLE AS $$
	SELECT string_agg(coalesce(octet_length(f) || ':' || f, '-'), '' ORDER BY n)
	  FROM unnest(ARRAY[
		e.case_number, e.seq::text, e.key, to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
		e.actor, e.via, e.action, e.from_state, e.to_state, e.rule, e.amount::text, e.note]) WITH ORDINALITY AS t(f, n)
$$;

CREATE FUNCTION chain_event() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE c record;
BEGIN
	SELECT last_event, last_hash INTO STRICT c FROM cases WHERE case_number = NEW.case_number FOR NO KEY UPDATE;
	NEW.seq := c.last_event + 1;
	NEW.prev_hash := c.last_hash;
	NEW.hash := sha256(c.last_hash || convert_to(event_text(NEW), 'UTF8'));
	UPDATE cases SET last_event = NEW.seq, last_hash = NEW.hash WHERE case_number = NEW.case_number;
	RETURN NEW;
END $$;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
		USING ERRCODE = 'check_violation', CONSTRAINT = TG_ARGV[0];
END $$;
-- +goose StatementEnd
CREATE TRIGGER chain_event BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION chain_event();
CREATE TRIGGER pgm_12_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('pgm_12_append_only');

CREATE TABLE tasks (
	task_id      text PRIMARY KEY,
	case_number  text        NOT NULL REFERENCES cases,
	kind         text        NOT NULL,
	question     text        NOT NULL,
	role         text        NOT NULL,
	opened_by    text        NOT NULL,
	opened_at    timestamptz NOT NULL,
	due_at       timestamptz,
	escalated_to text        NOT NULL DEFAULT '',
	state        text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'decided', 'closed')),
	decision_key text CONSTRAINT com_20_decision_key UNIQUE,
	decision_digest bytea, -- SHA-256 of the decision: the same key with another content is refused (COM-20)
	decided_by   text REFERENCES people,
	decided_at   timestamptz,
	outcome      text        NOT NULL DEFAULT '',
	reason       text        NOT NULL DEFAULT '',
	amount       numeric(20,2),
	reference    text        NOT NULL DEFAULT '',
	CHECK ((state = 'decided') = (decided_by IS NOT NULL AND decided_at IS NOT NULL AND outcome <> '' AND decision_key IS NOT NULL))
);
CREATE INDEX tasks_of_case ON tasks (case_number);
CREATE INDEX tasks_open ON tasks (role, due_at) WHERE state = 'open';
COMMENT ON TABLE  tasks IS 'A question put to people. "closed" is a question that went away undecided.';
COMMENT ON COLUMN tasks.escalated_to IS 'A role that may answer beside tasks.role since the task became overdue.';
COMMENT ON COLUMN tasks.amount IS 'The amount the question or the answer is about; NULL when it is about none.';
COMMENT ON COLUMN tasks.reference IS 'The bank''s reference, as stated in question or answer.';

-- Who submits does not decide, and who asks the question does not answer it (ENG-02, PGM-07).
-- +goose StatementBegin
CREATE FUNCTION guard_four_eyes() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF NEW.decided_by IS NOT NULL AND (NEW.decided_by = NEW.opened_by
		OR NEW.decided_by = (SELECT submitter FROM cases WHERE case_number = NEW.case_number)) THEN
		RAISE EXCEPTION 'task %: % may not decide their own request', NEW.task_id, NEW.decided_by
			USING ERRCODE = 'check_violation', CONSTRAINT = 'eng_02_four_eyes';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER eng_02_four_eyes BEFORE INSERT OR UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION guard_four_eyes();

-- An answered or closed question stays as it is.
-- +goose StatementBegin
CREATE FUNCTION guard_answer() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'task % is % already', OLD.task_id, OLD.state USING ERRCODE = 'check_violation', CONSTRAINT = 'eng_03_answered';
END $$;
-- +goose StatementEnd
CREATE TRIGGER eng_03_answered BEFORE UPDATE ON tasks FOR EACH ROW WHEN (OLD.state <> 'open') EXECUTE FUNCTION guard_answer();

CREATE TABLE refusals (
	refusal_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	key         text        NOT NULL CONSTRAINT eng_01_refusal_key UNIQUE,
	at          timestamptz NOT NULL,
	kind        text        NOT NULL,
	action      text        NOT NULL,
	person_id   text        NOT NULL,
	partner_id  text        NOT NULL DEFAULT '',
	request_key text        NOT NULL DEFAULT '',
	codes       text[]      NOT NULL CHECK (cardinality(codes) > 0),
	refusals    jsonb       NOT NULL
);
CREATE INDEX refusals_by_request ON refusals (kind, partner_id, request_key);
COMMENT ON COLUMN refusals.key IS 'The run or command that was refused; one that runs twice finds its first answer.';
COMMENT ON TABLE  refusals IS 'Requests the rules did not allow and that opened no case; a refused step of an open case is an event of that case. Names are as given: they may be unknown.';
CREATE TRIGGER pgm_12_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON refusals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('pgm_12_append_only');

---------------------------------------------------------------- ledger

CREATE TABLE chart (
	code     text PRIMARY KEY,
	title    text     NOT NULL,
	owned    boolean  NOT NULL,
	normal   smallint NOT NULL CHECK (normal IN (1, -1)),
	floored  boolean  NOT NULL,
	memo     boolean  NOT NULL,
	currency text     NOT NULL
);
COMMENT ON TABLE  chart IS 'The chart of accounts of the rule book. Credit is positive, debit negative.';
COMMENT ON COLUMN chart.owned IS 'True: one account for each partner, customer, quota or coupon, "P.CASH:P1001", with a stored balance. False: the vendor''s own or a contra account, summed from postings (a stored balance would be a hot row).';
COMMENT ON COLUMN chart.normal IS '1: credit raises it; -1: debit raises it, and its balance is shown negated.';
COMMENT ON COLUMN chart.floored IS 'The balance on its normal side may not fall below 0.';
COMMENT ON COLUMN chart.memo IS 'A memo account: no money; memo postings balance among themselves.';
INSERT INTO chart VALUES
	('V.BANK',                  'vendor''s bank clearing',                        false, -1, false, false, 'CNY'),
	('V.CHAN.alipay',           'payment channel Alipay',                         false, -1, false, false, 'CNY'),
	('V.CHAN.wechat',           'payment channel WeChat',                         false, -1, false, false, 'CNY'),
	('V.CHAN.unionpay',         'payment channel UnionPay',                       false, -1, false, false, 'CNY'),
	('V.CHAN.ebank_personal',   'personal online banking',                        false, -1, false, false, 'CNY'),
	('V.CHAN.ebank_corporate',  'corporate online banking',                       false, -1, false, false, 'CNY'),
	('V.SUSP',                  'remittances not yet attributed',                 false,  1, true,  false, 'CNY'),
	('P.CASH',                  'partner''s top-up account',                      true,   1, true,  false, 'CNY'),
	('P.HOLD',                  'partner''s cash held for a withdrawal',          true,   1, true,  false, 'CNY'),
	('P.CRED',                  'partner''s credit still available',              true,   1, true,  false, 'CNY'),
	('V.CREDLINE',              'contra of granted credit',                       false, -1, true,  false, 'CNY'),
	('C.CASH',                  'customer''s balance granted by the partner',     true,   1, true,  false, 'CNY'),
	('C.CRED',                  'customer''s credit granted by the partner',      true,   1, true,  false, 'CNY'),
	('C.DEBT',                  'customer''s unpaid charges',                     true,  -1, true,  false, 'CNY'),
	('C.OWN',                   'customer''s own cash balance',                   true,   1, true,  false, 'CNY'),
	('C.OWNCRED',               'customer''s own credit line with the vendor',    true,   1, true,  false, 'CNY'),
	('V.SALES',                 'consumption clearing',                           false,  1, false, false, 'CNY'),
	('V.FEE',                   'unsubscription handling fees',                   false,  1, true,  false, 'CNY'),
	('V.PROMO',                 'promotion expense',                              false, -1, false, false, 'CNY'),
	('V.INCEXP',                'incentive expense',                              false, -1, false, false, 'CNY'),
	('V.INCENT',                'incentive payable to a partner',                 true,   1, false, false, 'CNY'),
	('V.FUND',                  'fund payable to a partner',                      true,   1, true,  false, 'CNY'),
	('V.TAX',                   'tax adjustment between granted and settled',     false,  1, false, false, 'CNY'),
	('M.OWED',                  'owed-invoice memo',                              true,   1, true,  true,  'CNY'),
	('M.OWEDX',                 'contra of owed invoices',                        false, -1, true,  true,  'CNY'),
	('M.INVBL',                 'invoiceable memo',                               true,   1, true,  true,  'CNY'),
	('M.INVBLX',                'contra of invoiceable',                          false, -1, true,  true,  'CNY'),
	('M.UNPOSTED',              'charges not yet posted, memo',                   true,   1, true,  true,  'CNY'),
	('M.UNPOSTEDX',             'contra of charges not yet posted',               false, -1, true,  true,  'CNY'),
	('Q.SRC',                   'vendor''s coupon programme',                     false, -1, true,  false, 'CPN'),
	('Q',                       'remaining amount of a quota',                    true,   1, true,  false, 'CPN'),
	('K',                       'remaining amount of a coupon',                   true,   1, true,  false, 'CPN'),
	('K.USED',                  'coupon amount consumed',                         false,  1, true,  false, 'CPN'),
	('K.LAPSED',                'coupon amount lapsed',                           false,  1, true,  false, 'CPN');

CREATE TABLE accounts (
	account  text PRIMARY KEY,
	code     text     NOT NULL REFERENCES chart,
	owner    text,
	currency text     NOT NULL,
	normal   smallint NOT NULL,
	floored  boolean  NOT NULL,
	balance  numeric(20,2),
	CONSTRAINT wdl_19_floor CHECK (NOT floored OR balance * normal >= 0)
);
CREATE INDEX accounts_by_owner ON accounts (owner);
COMMENT ON TABLE  accounts IS 'Accounts in use. Everything but the name is filled from the chart by a trigger; balances are moved by postings only.';
COMMENT ON COLUMN accounts.balance IS 'Sum of its postings, credit positive; NULL for accounts that are summed (chart.owned is false).';

-- +goose StatementBegin
CREATE FUNCTION fill_account() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE c chart;
BEGIN
	NEW.code  := split_part(NEW.account, ':', 1);
	NEW.owner := nullif(substr(NEW.account, length(NEW.code) + 2), '');
	SELECT * INTO c FROM chart WHERE code = NEW.code;
	IF c.code IS NULL OR c.owned <> (NEW.owner IS NOT NULL) THEN
		RAISE EXCEPTION 'account "%" is not in the chart of accounts', NEW.account
			USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_chart';
	END IF;
	NEW.currency := c.currency;
	NEW.normal   := c.normal;
	NEW.floored  := c.floored;
	NEW.balance  := CASE WHEN c.owned THEN 0 END;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER ledger_chart BEFORE INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION fill_account();

CREATE TABLE entries (
	entry_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	key         text        NOT NULL CONSTRAINT eng_01_entry_key UNIQUE,
	digest      bytea       NOT NULL,
	case_number text REFERENCES cases,
	memo        text        NOT NULL,
	at          timestamptz NOT NULL
);
CREATE INDEX entries_of_case ON entries (case_number) WHERE case_number IS NOT NULL;
COMMENT ON TABLE  entries IS 'One balanced movement of money or quota; never changed, never deleted.';
COMMENT ON COLUMN entries.key IS 'Business key: kind, case number, step (ENG-01).';
COMMENT ON COLUMN entries.digest IS 'SHA-256 of the content: a used key with other content is refused.';

CREATE TABLE postings (
	entry_id bigint        NOT NULL REFERENCES entries,
	account  text          NOT NULL REFERENCES accounts,
	amount   numeric(20,2) NOT NULL CHECK (amount <> 0),
	PRIMARY KEY (entry_id, account)
);
CREATE INDEX postings_by_account ON postings (account, entry_id);
COMMENT ON COLUMN postings.amount IS 'Credit positive, debit negative, in the account''s currency.';

-- +goose StatementBegin
CREATE FUNCTION guard_entry() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT 1 FROM postings WHERE entry_id = NEW.entry_id) THEN
		RAISE EXCEPTION 'entry "%" has no postings', NEW.key
			USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_balanced';
	END IF;
	IF EXISTS (
		SELECT 1 FROM postings p JOIN accounts a USING (account) JOIN chart c USING (code)
		 WHERE p.entry_id = NEW.entry_id
		 GROUP BY c.currency, c.memo HAVING sum(p.amount) <> 0
	) THEN
		RAISE EXCEPTION 'entry "%" is not balanced', NEW.key
			USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_balanced';
	END IF;
	RETURN NULL;
END $$;

-- Locks the stored balances in name order, so that two entries never wait for each other, and answers what they are now.
-- Accounts that do not exist yet are made, so that there is always a row to lock.
CREATE FUNCTION ledger_lock(names text[]) RETURNS TABLE (account text, balance numeric)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
BEGIN
	INSERT INTO accounts (account) SELECT DISTINCT n FROM unnest(names) n ORDER BY n ON CONFLICT DO NOTHING;
	RETURN QUERY
		SELECT a.account, a.balance * a.normal FROM accounts a
		 WHERE a.account = ANY (names) AND a.balance IS NOT NULL ORDER BY a.account FOR NO KEY UPDATE;
END $$;

CREATE FUNCTION move_balances() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
	IF EXISTS (
		SELECT 1 FROM (SELECT entry_id, count(*) AS n FROM added GROUP BY entry_id) d
		 WHERE d.n <> (SELECT count(*) FROM postings p WHERE p.entry_id = d.entry_id)
	) THEN -- not only later transactions: SET CONSTRAINTS could have had the entry checked before its last posting
		RAISE EXCEPTION 'an entry is complete: all its postings come in one statement'
			USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_complete';
	END IF;
	PERFORM ledger_lock(ARRAY(SELECT account FROM added));
	UPDATE accounts a SET balance = a.balance + d.amount
	  FROM (SELECT account, sum(amount) AS amount FROM added GROUP BY account) d
	 WHERE a.account = d.account AND a.balance IS NOT NULL;
	RETURN NULL;
END $$;
-- +goose StatementEnd
COMMENT ON FUNCTION ledger_lock IS 'Balances are answered on the account''s normal side.';
CREATE CONSTRAINT TRIGGER ledger_balanced AFTER INSERT ON entries DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION guard_entry();
CREATE TRIGGER move_balances AFTER INSERT ON postings REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION move_balances();
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entries  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('ledger_append_only');
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON postings FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('ledger_append_only');

CREATE TABLE lots (
	lot_no         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	key            text          NOT NULL CONSTRAINT eng_01_lot_key UNIQUE,
	partner_id     text          NOT NULL REFERENCES partners,
	source         text          NOT NULL CHECK (source IN ('ALIPAY', 'WECHAT', 'UNIONPAY', 'EBANK_PERSONAL', 'EBANK_CORPORATE', 'REMIT_DEDICATED',
	                             'REMIT_GENERAL', 'INCENTIVE', 'INCENTIVE_OWED', 'TRADE_MODE', 'GRANT', 'RECLAIM', 'REFUND')),
	payer          text          NOT NULL DEFAULT '' CHECK (length(payer) <= 128),
	payer_account  text          NOT NULL DEFAULT '',
	entity         text          NOT NULL,
	arrived_at     timestamptz   NOT NULL,
	amount         numeric(20,2) NOT NULL CONSTRAINT com_02_amount CHECK (amount > 0),
	remaining      numeric(20,2) NOT NULL CONSTRAINT wdl_19_lot CHECK (remaining BETWEEN 0 AND amount),
	owed_open      numeric(20,2) NOT NULL DEFAULT 0 CHECK (owed_open BETWEEN 0 AND amount AND (owed_open = 0 OR source = 'INCENTIVE_OWED')),
	designated     boolean       NOT NULL DEFAULT false,
	bank_card_only boolean       NOT NULL DEFAULT false
);
CREATE INDEX lots_of_partner ON lots (partner_id) WHERE remaining > 0;
COMMENT ON TABLE  lots IS 'The dated parts of a partner''s top-up account with their funding source; what remains of them is always the account''s balance.';
COMMENT ON COLUMN lots.payer IS 'The subject behind the payment (WDL-01).';
COMMENT ON COLUMN lots.entity IS 'The vendor''s entity that received it (WDL-26).';
COMMENT ON COLUMN lots.owed_open IS 'Part of its own owed-invoice entry that is not offset yet (WDR-09).';
COMMENT ON COLUMN lots.designated IS 'Tied to a purpose: never withdrawable (WDL-08).';
COMMENT ON COLUMN lots.bank_card_only IS 'Its original route failed (WDL-28).';

-- A partner's lots add up to P.CASH, at COMMIT, whichever of the two moved.
-- +goose StatementBegin
CREATE FUNCTION guard_lots() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
	p    text := CASE TG_TABLE_NAME WHEN 'lots' THEN to_jsonb(NEW) ->> 'partner_id' ELSE to_jsonb(NEW) ->> 'owner' END;
	cash numeric := coalesce((SELECT balance FROM accounts WHERE account = 'P.CASH:' || p), 0);
	held numeric := coalesce((SELECT sum(remaining) FROM lots WHERE partner_id = p AND remaining > 0), 0);
BEGIN
	IF cash <> held THEN
		RAISE EXCEPTION 'partner %: lots add up to %, P.CASH is %', p, held, cash
			USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_lots';
	END IF;
	RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER ledger_lots AFTER INSERT OR UPDATE OF remaining ON lots DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION guard_lots();
CREATE CONSTRAINT TRIGGER ledger_lots AFTER UPDATE OF balance ON accounts DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.code = 'P.CASH') EXECUTE FUNCTION guard_lots();

---------------------------------------------------------------- withdrawals

CREATE TABLE withdrawals (
	case_number      text PRIMARY KEY REFERENCES cases,
	route            text          NOT NULL CHECK (route IN ('ORIGINAL', 'BANK_CARD', 'INCENTIVE')),
	amount           numeric(20,2) NOT NULL CONSTRAINT com_02_amount CHECK (amount > 0),
	currency         text          NOT NULL DEFAULT 'CNY' CONSTRAINT com_01_currency CHECK (currency = 'CNY'),
	holder           text          NOT NULL CHECK (holder <> ''),
	account_no       text          NOT NULL,
	bank             text          NOT NULL,
	branch           text          NOT NULL,
	paying_entity    text          NOT NULL,
	paid_from        text          NOT NULL,
	approved_by_rule boolean       NOT NULL,
	approved_at      timestamptz,
	reference        text          NOT NULL DEFAULT '',
	paid_at          timestamptz
);
COMMENT ON COLUMN withdrawals.paying_entity IS 'The vendor''s entity that pays (WDL-26).';
COMMENT ON COLUMN withdrawals.paid_from IS 'The account credited when it is paid: V.BANK or V.CHAN.x.';
COMMENT ON COLUMN withdrawals.reference IS 'The bank''s or channel''s reference of the payment.';

CREATE TABLE withdrawal_lines (
	case_number text          NOT NULL REFERENCES withdrawals,
	lot_no      bigint        NOT NULL REFERENCES lots,
	amount      numeric(20,2) NOT NULL CONSTRAINT com_02_amount CHECK (amount > 0),
	PRIMARY KEY (case_number, lot_no)
);
COMMENT ON TABLE withdrawal_lines IS 'Which lots a withdrawal takes, and how much of each (WDL-13).';

---------------------------------------------------------------- verification codes, outbox

CREATE TABLE verification_codes (
	code_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	person_id  text        NOT NULL REFERENCES people,
	scene      text        NOT NULL,
	target     text        NOT NULL,
	salt       bytea       NOT NULL,
	hash       bytea       NOT NULL,
	sent_at    timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	tries_left int         NOT NULL CHECK (tries_left >= 0),
	used_at    timestamptz
);
CREATE INDEX verification_codes_newest ON verification_codes (person_id, scene, target, code_id DESC);
COMMENT ON TABLE  verification_codes IS 'One-time codes (WDL-15): only the newest for a person, scene and target counts; the code itself is never stored.';

CREATE TABLE outbox (
	message_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	key        text        NOT NULL CONSTRAINT eng_01_message_key UNIQUE,
	person_id  text        NOT NULL REFERENCES people,
	subject    text        NOT NULL,
	body       text        NOT NULL,
	secret     boolean     NOT NULL DEFAULT false,
	written_at timestamptz NOT NULL,
	attempts   int         NOT NULL DEFAULT 0,
	next_at    timestamptz NOT NULL,
	sent_at    timestamptz,
	error      text        NOT NULL DEFAULT ''
);
CREATE INDEX outbox_waiting ON outbox (next_at) WHERE sent_at IS NULL;
COMMENT ON TABLE  outbox IS 'Notifications, written in the transaction they tell of and delivered afterwards; a failed delivery is retried and undoes nothing (PGM-13).';
COMMENT ON COLUMN outbox.secret IS 'The body carries a code: it is blanked once delivered.';

---------------------------------------------------------------- what the programme's role may do

GRANT SELECT ON partners, customers, people, person_roles, policies, calendar_years, calendar_days, moves, cases, events,
                tasks, refusals, chart, accounts, entries, postings, lots, withdrawals, withdrawal_lines, verification_codes, outbox TO countersign_programme;
GRANT USAGE ON SEQUENCE withdrawal_numbers TO countersign_programme;
GRANT INSERT, UPDATE ON partners, people, customers TO countersign_programme;
GRANT INSERT, DELETE ON person_roles TO countersign_programme;
GRANT INSERT ON policies, calendar_years, refusals, withdrawal_lines TO countersign_programme;
GRANT INSERT, UPDATE, DELETE ON calendar_days TO countersign_programme;
GRANT INSERT (case_number, kind, partner_id, submitter, request_key, request_digest, state, due_at, policy_version, workflow_id, run_id, opened_at, closed_at),
      UPDATE (state, due_at, run_id, closed_at) ON cases TO countersign_programme;
GRANT INSERT (case_number, key, at, actor, via, action, from_state, to_state, rule, amount, note) ON events TO countersign_programme;
GRANT INSERT, UPDATE ON verification_codes, outbox TO countersign_programme;
GRANT INSERT, UPDATE (state, due_at, escalated_to, decision_key, decision_digest, decided_by, decided_at, outcome, reason, reference) ON tasks TO countersign_programme;
GRANT INSERT (account) ON accounts TO countersign_programme;
GRANT INSERT (key, digest, case_number, memo, at) ON entries TO countersign_programme;
GRANT INSERT ON postings TO countersign_programme;
GRANT INSERT, UPDATE (remaining, owed_open, bank_card_only) ON lots TO countersign_programme;
GRANT INSERT, UPDATE (approved_at, reference, paid_at) ON withdrawals TO countersign_programme;

SET LOCAL ROLE NONE;
