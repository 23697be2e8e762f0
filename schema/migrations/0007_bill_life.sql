-- +goose Up

-- A bill after it was generated: it is presented to the partner with the others of its period, confirmed, released, valid for
-- as long as the partner's identity says, void, moved to another account of the same company.
SET LOCAL ROLE countersign_owner;

---------------------------------------------------------------- who customers are, for whoever reads the detail

ALTER TABLE customers
	ADD COLUMN name            text NOT NULL DEFAULT '',
	ADD COLUMN account         text NOT NULL DEFAULT '',
	ADD COLUMN account_manager text NOT NULL DEFAULT '';
COMMENT ON COLUMN customers.account IS 'The customer''s account name at the vendor.';
COMMENT ON COLUMN customers.account_manager IS 'The partner''s person who looks after the customer.';

---------------------------------------------------------------- the states of a bill

CREATE TABLE bill_moves (
	from_state text NOT NULL,
	to_state   text NOT NULL,
	PRIMARY KEY (from_state, to_state)
);
COMMENT ON TABLE bill_moves IS 'Every lawful step of a bill (ENG-03); the empty from_state generates one. The same list stands in domain/, a test compares them.';
INSERT INTO bill_moves VALUES
	('',           'ESTIMATED'),
	('',           'TO_CONFIRM'),
	('',           'RELEASED'),
	('ESTIMATED',  'TO_CONFIRM'),
	('TO_CONFIRM', 'RELEASING'),
	('RELEASING',  'RELEASED'),
	('RELEASING',  'TO_CONFIRM'),
	('RELEASED',   'VOID');

-- +goose StatementBegin
CREATE FUNCTION guard_bill_move() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT 1 FROM bill_moves WHERE from_state = OLD.state AND to_state = NEW.state) THEN
		RAISE EXCEPTION 'bill %: no move from "%" to "%"', NEW.bill_id, OLD.state, NEW.state
			USING ERRCODE = 'check_violation', CONSTRAINT = 'eng_03_bill_move';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER eng_03_bill_move BEFORE UPDATE OF state ON bills FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION guard_bill_move();

ALTER TABLE bills
	ADD COLUMN rejected_at timestamptz,
	ADD CONSTRAINT inc_14_announced CHECK (state <> 'RELEASED' OR announced_at IS NOT NULL);
CREATE INDEX bills_fresh ON bills (period, partner_id) WHERE state = 'TO_CONFIRM' AND case_number IS NULL;
CREATE INDEX bills_of_case ON bills (case_number) WHERE case_number IS NOT NULL;
CREATE INDEX bills_released ON bills (partner_id) WHERE state = 'RELEASED';
COMMENT ON COLUMN bills.rejected_at IS 'When the partner rejected it; NULL: it did not, or the bill was presented anew since (INC-09).';
COMMENT ON COLUMN bills.void_of IS 'Of a negative that voided: the positive bill that voided it (INC-16, INC-18).';
COMMENT ON COLUMN bills.replaces IS 'The bill in whose place it stands: of what remained when negatives voided, the oldest of them (INC-16).';

---------------------------------------------------------------- reconciliation

INSERT INTO moves VALUES
	('reconciliation', '',           'TO_CONFIRM'),
	('reconciliation', 'TO_CONFIRM', 'RELEASING'),
	('reconciliation', 'RELEASING',  'RELEASED'),
	('reconciliation', 'RELEASING',  'TO_CONFIRM');

CREATE SEQUENCE reconciliation_numbers;

CREATE TABLE reconciliations (
	case_number  text PRIMARY KEY REFERENCES cases,
	period       text        NOT NULL,
	set_no       int         NOT NULL CHECK (set_no > 0),
	presented_at timestamptz NOT NULL,
	deadline     date,
	remind_at    timestamptz,
	reminded_at  timestamptz,
	returned     text        NOT NULL DEFAULT '',
	confirmed_by text,
	confirmed_at timestamptz,
	CONSTRAINT inc_08_deadline CHECK ((deadline IS NULL) = (returned <> '')),
	CHECK ((confirmed_by IS NULL) = (confirmed_at IS NULL))
);
COMMENT ON TABLE  reconciliations IS 'The bills of one partner and period that are presented together (INC-10).';
COMMENT ON COLUMN reconciliations.set_no IS '1: the bills of the period. 2 and on: corrections that came when the set before had ended.';
COMMENT ON COLUMN reconciliations.deadline IS 'Last day of the partner''s check, in full (INC-08); NULL: operations has the set.';
COMMENT ON COLUMN reconciliations.remind_at IS 'When the partner is reminded; NULL: never.';
COMMENT ON COLUMN reconciliations.returned IS 'Why operations has the set: the partner''s rejection (INC-09), or the refused release; empty: it does not.';
COMMENT ON COLUMN reconciliations.confirmed_by IS 'A person of the partner, or "system" (INC-08).';

CREATE TABLE bill_questions (
	question_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	case_number text        NOT NULL REFERENCES reconciliations,
	key         text        NOT NULL,
	bills       text[]      NOT NULL CHECK (cardinality(bills) > 0),
	question    text        NOT NULL CHECK (btrim(question) <> ''),
	asked_by    text        NOT NULL REFERENCES people,
	asked_at    timestamptz NOT NULL,
	answer      text        NOT NULL DEFAULT '',
	answered_by text        REFERENCES people,
	answered_at timestamptz,
	CONSTRAINT eng_01_bill_question_key UNIQUE (case_number, key),
	CHECK ((answered_at IS NULL) = (answer = '') AND (answered_at IS NULL) = (answered_by IS NULL))
);
CREATE INDEX bill_questions_open ON bill_questions (case_number) WHERE answered_at IS NULL;
COMMENT ON TABLE bill_questions IS 'What partners asked about bills presented to them; a question stops nothing.';

-- +goose StatementBegin
CREATE FUNCTION reconciliation_content(number text) RETURNS bytea LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT sha256(convert_to(string_agg(coalesce(octet_length(f) || ':' || f, '-'), '' ORDER BY n), 'UTF8'))
	  FROM cases c JOIN reconciliations r USING (case_number),
	       unnest(ARRAY[c.case_number, c.partner_id, r.period,
	              (SELECT string_agg(b.bill_id || '=' || b.amount, ',' ORDER BY b.bill_id) FROM bills b WHERE b.case_number = c.case_number AND b.state <> 'VOID')])
	       WITH ORDINALITY AS t(f, n)
	 WHERE c.case_number = number
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION reconciliation_content IS 'SHA-256 over what is released: the columns in this order, each as its length in octets, a colon and its text.';

---------------------------------------------------------------- validity, freezing

-- The same rule stands in domain/, a test compares them.
-- +goose StatementBegin
CREATE FUNCTION bill_lapses(partner text, announced timestamptz) RETURNS timestamptz LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	WITH held AS (
		SELECT max(coalesce(until_at, 'infinity')) OVER w AS ends, lead(from_at) OVER (ORDER BY from_at, until_at) AS back
		  FROM plan_identities WHERE partner_id = partner AND plan IN ('solution-provider', 'distribution')
		WINDOW w AS (ORDER BY from_at, until_at ROWS UNBOUNDED PRECEDING)
	), gap AS ( -- INC-15: the last valid day is the same date one year later, 29 February clipped
		SELECT back, (((((ends - interval '1 microsecond') AT TIME ZONE interval '8 hours')::date + interval '1 year')::date + 1)::timestamp AT TIME ZONE interval '8 hours') AS closes
		  FROM held WHERE ends < 'infinity' AND (back IS NULL OR back > ends)
	)
	SELECT greatest(min(closes), announced) FROM gap WHERE back IS NULL OR back >= closes AND announced < back HAVING count(*) > 0
$$;

CREATE FUNCTION bill_months(period text) RETURNS text[] LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
	SELECT CASE
		WHEN period ~ '^\d{4}-Q[1-4]$' THEN ARRAY(SELECT left(period, 5) || lpad(m::text, 2, '0') FROM generate_series(3 * right(period, 1)::int - 2, 3 * right(period, 1)::int) m)
		WHEN period ~ '^\d{4}$' THEN ARRAY(SELECT period || '-' || lpad(m::text, 2, '0') FROM generate_series(1, 12) m)
		ELSE ARRAY[period] END
$$;

CREATE FUNCTION bill_frozen(partner text, bill_period text, model text, at timestamptz) RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT EXISTS (
		SELECT 1 FROM unpaid_cycles u
		 WHERE u.partner_id = partner AND u.period = ANY (bill_months(bill_period)) AND u.association = model AND u.since <= at
		   AND (u.paid_at IS NULL OR at < (((u.paid_at AT TIME ZONE interval '8 hours')::date + 1)::timestamp AT TIME ZONE interval '8 hours')))
$$;

CREATE FUNCTION bill_requested(bill text) RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT false
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION bill_lapses IS 'When a bill of a partner, announced at an instant, voids by what is known of the partner''s identity (INC-14, INC-15); NULL: no end is in sight.';
COMMENT ON FUNCTION bill_months IS 'The billing cycles of a period: a quarter has three, a year twelve.';
COMMENT ON FUNCTION bill_frozen IS 'Whether the billing cycle has unpaid consumption at an instant (PAY-17); free from 00:00 of the day after it was paid (PAY-18).';
COMMENT ON FUNCTION bill_requested IS 'Whether a requisition has the bill, running or paid (PAY-26). As long as there are none, none has.';

---------------------------------------------------------------- from one account to another of the same company

CREATE TABLE bill_transfers (
	key          text          NOT NULL CHECK (length(key) BETWEEN 1 AND 64),
	bill_id      text          NOT NULL REFERENCES bills,
	from_partner text          NOT NULL REFERENCES partners,
	to_partner   text          NOT NULL REFERENCES partners,
	amount       numeric(20,2) NOT NULL,
	reason       text          NOT NULL CHECK (btrim(reason) <> ''),
	moved_by     text          NOT NULL REFERENCES people,
	moved_at     timestamptz   NOT NULL,
	PRIMARY KEY (key, bill_id),
	CHECK (from_partner <> to_partner)
);
CREATE INDEX bill_transfers_of_bill ON bill_transfers (bill_id);
COMMENT ON TABLE  bill_transfers IS 'Incentives that operations moved to another account of the same company, on request (INC-22).';
COMMENT ON COLUMN bill_transfers.key IS 'Request key: one for all bills of a command.';
CREATE TRIGGER pgm_12_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bill_transfers FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('pgm_12_append_only');

-- +goose StatementBegin
CREATE FUNCTION guard_bill_transfer() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF OLD.state <> 'RELEASED' OR NOT EXISTS (SELECT 1 FROM bill_transfers WHERE bill_id = NEW.bill_id AND from_partner = OLD.partner_id AND to_partner = NEW.partner_id) THEN
		RAISE EXCEPTION 'bill % moves to another account by a recorded transfer only', NEW.bill_id
			USING ERRCODE = 'check_violation', CONSTRAINT = 'inc_22_transfer';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER inc_22_transfer BEFORE UPDATE OF partner_id ON bills FOR EACH ROW WHEN (OLD.partner_id <> NEW.partner_id) EXECUTE FUNCTION guard_bill_transfer();

---------------------------------------------------------------- what the programme's role may do

GRANT SELECT ON bill_moves, reconciliations, bill_questions, bill_transfers TO countersign_programme;
GRANT USAGE ON SEQUENCE reconciliation_numbers TO countersign_programme;
GRANT UPDATE (partner_id, rejected_at) ON bills TO countersign_programme;
GRANT INSERT, UPDATE (presented_at, deadline, remind_at, reminded_at, returned, confirmed_by, confirmed_at) ON reconciliations TO countersign_programme;
GRANT INSERT (case_number, key, bills, question, asked_by, asked_at), UPDATE (answer, answered_by, answered_at) ON bill_questions TO countersign_programme;
GRANT INSERT ON bill_transfers TO countersign_programme;

SET LOCAL ROLE NONE;
