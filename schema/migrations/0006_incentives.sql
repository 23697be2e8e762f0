-- +goose Up

-- From consumption to incentive: what a run calculated, line by line, the sheet of each partner and month, and the bills.
-- Which income counts, and at which rate, is not here: it is the policies of kind "incentive".
SET LOCAL ROLE countersign_owner;

INSERT INTO moves VALUES
	('performance-sheet', '',            'estimated'),
	('performance-sheet', '',            'first-draft'),
	('performance-sheet', 'estimated',   'first-draft'),
	('performance-sheet', 'first-draft', 'final');

---------------------------------------------------------------- facts about partners that change what counts

CREATE TABLE partner_terms (
	term_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	key        text        NOT NULL CONSTRAINT eng_01_term_key UNIQUE,
	partner_id text        NOT NULL REFERENCES partners,
	effect     text        NOT NULL CHECK (effect IN ('TERMS_ZERO', 'PERFORMANCE_MOVED')),
	moved_to   text        REFERENCES partners CHECK (moved_to <> partner_id),
	starts     date        NOT NULL,
	ends       date        CHECK (ends >= starts),
	note       text        NOT NULL DEFAULT '',
	set_by     text        NOT NULL REFERENCES people,
	set_at     timestamptz NOT NULL,
	CHECK ((effect = 'PERFORMANCE_MOVED') = (moved_to IS NOT NULL))
);
CREATE INDEX partner_terms_by_partner ON partner_terms (partner_id, starts);
COMMENT ON TABLE  partner_terms IS 'What was agreed with one partner and takes its performance away (PERF-12): business terms that set the incentive to 0, or its performance moved to another account.';
COMMENT ON COLUMN partner_terms.starts IS 'First day on which it holds, in UTC+8.';
COMMENT ON COLUMN partner_terms.ends IS 'Last day on which it holds; NULL: until further notice.';

CREATE TABLE partner_levels (
	partner_id text        NOT NULL REFERENCES partners,
	starts     date        NOT NULL,
	level      text        NOT NULL CHECK (level <> ''),
	set_by     text        NOT NULL REFERENCES people,
	set_at     timestamptz NOT NULL,
	PRIMARY KEY (partner_id, starts)
);
COMMENT ON TABLE partner_levels IS 'The partner''s level, which a policy''s lines may ask for; it holds until the next one starts.';

---------------------------------------------------------------- runs, sheets

CREATE TABLE calculations (
	calculation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	key            text        NOT NULL CONSTRAINT eng_01_calculation_key UNIQUE,
	period         date        NOT NULL CHECK (extract(day FROM period) = 1),
	at             timestamptz NOT NULL,
	asked_by       text        NOT NULL CHECK (asked_by <> ''),
	policy_version int         NOT NULL,
	finished_at    timestamptz
);
CREATE INDEX calculations_by_period ON calculations (period, calculation_id);
COMMENT ON TABLE  calculations IS 'One run over all partners of a month. A repeat posts the differences to what earlier runs gave, which may be none.';
COMMENT ON COLUMN calculations.asked_by IS 'A person, or "clock".';
COMMENT ON COLUMN calculations.policy_version IS 'The newest version of the policies of kind "incentive" when the run began; the run looks at none that came later. 0: there was none.';

CREATE TABLE performance_sheets (
	partner_id     text          NOT NULL REFERENCES partners,
	period         date          NOT NULL CHECK (extract(day FROM period) = 1),
	state          text          NOT NULL CHECK (state IN ('estimated', 'first-draft', 'final')),
	gross          numeric       NOT NULL DEFAULT 0,
	counted        numeric       NOT NULL DEFAULT 0,
	non_cash       numeric       NOT NULL DEFAULT 0,
	no_incentive   numeric       NOT NULL DEFAULT 0,
	next_period    numeric       NOT NULL DEFAULT 0,
	amount         numeric(20,2) NOT NULL DEFAULT 0,
	calculation_id bigint        NOT NULL REFERENCES calculations,
	version        bigint        NOT NULL DEFAULT 1,
	calculated_at  timestamptz   NOT NULL,
	reviewed_by    text          REFERENCES people,
	reviewed_at    timestamptz,
	PRIMARY KEY (partner_id, period),
	CONSTRAINT inc_04_sheet CHECK (gross = counted + non_cash + no_incentive + next_period),
	CHECK ((state = 'final') = (reviewed_at IS NOT NULL) AND (reviewed_by IS NULL) = (reviewed_at IS NULL))
);
CREATE INDEX performance_sheets_by_period ON performance_sheets (period, state);
COMMENT ON TABLE  performance_sheets IS 'A partner''s performance of one month (PERF-14): the sums over its incentive lines.';
COMMENT ON COLUMN performance_sheets.counted IS 'The performance.';
COMMENT ON COLUMN performance_sheets.amount IS 'The incentive of its lines.';
COMMENT ON COLUMN performance_sheets.calculation_id IS 'The last run that looked at it, whether or not it changed anything.';
COMMENT ON COLUMN performance_sheets.version IS 'Counts up with each run: one that finds another number than it read begins anew, so that no line is added twice.';

-- +goose StatementBegin
CREATE FUNCTION guard_sheet_move() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE before text := '';
BEGIN
	IF TG_OP = 'UPDATE' THEN
		before := OLD.state;
	END IF;
	IF NOT EXISTS (SELECT 1 FROM moves m WHERE m.kind = 'performance-sheet' AND m.from_state = before AND m.to_state = NEW.state) THEN
		RAISE EXCEPTION 'performance sheet % %: no move from "%" to "%"', NEW.partner_id, NEW.period, before, NEW.state
			USING ERRCODE = 'check_violation', CONSTRAINT = 'perf_14_move';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER perf_14_move_in BEFORE INSERT ON performance_sheets FOR EACH ROW EXECUTE FUNCTION guard_sheet_move();
CREATE TRIGGER perf_14_move BEFORE UPDATE OF state ON performance_sheets FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION guard_sheet_move();

CREATE TABLE performance_questions (
	question_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	key         text        NOT NULL CONSTRAINT eng_01_question_key UNIQUE,
	partner_id  text        NOT NULL,
	period      date        NOT NULL,
	question    text        NOT NULL CONSTRAINT perf_14_question CHECK (btrim(question) <> ''),
	asked_by    text        NOT NULL REFERENCES people,
	asked_at    timestamptz NOT NULL,
	closed_at   timestamptz,
	FOREIGN KEY (partner_id, period) REFERENCES performance_sheets
);
CREATE INDEX performance_questions_open ON performance_questions (partner_id, period) WHERE closed_at IS NULL;
COMMENT ON TABLE  performance_questions IS 'What partners asked about a first draft.';
COMMENT ON COLUMN performance_questions.closed_at IS 'When the sheet was reviewed; NULL while the question is open.';

---------------------------------------------------------------- bills

CREATE SEQUENCE bill_numbers;

CREATE TABLE bills (
	bill_id            text PRIMARY KEY,
	partner_id         text          NOT NULL REFERENCES partners,
	plan_name          text          NOT NULL CHECK (length(plan_name) BETWEEN 1 AND 128),
	cadence            text          NOT NULL CHECK (cadence IN ('monthly', 'quarterly', 'yearly', 'one-off')),
	period             text          NOT NULL CHECK (period ~ '^[0-9]{4}(-(0[1-9]|1[0-2])|-Q[1-4])?$'),
	association        text          NOT NULL CHECK (association IN ('resale', 'advisory', 'none')),
	generated_at       timestamptz   NOT NULL,
	amount             numeric(20,2) NOT NULL,
	output_tax_rate    numeric(5,2)  NOT NULL CHECK (output_tax_rate BETWEEN 0 AND 100),
	currency           text          NOT NULL DEFAULT 'CNY' CONSTRAINT com_01_currency CHECK (currency = 'CNY'),
	published_deadline date          NOT NULL,
	state              text          NOT NULL CHECK (state IN ('ESTIMATED', 'TO_CONFIRM', 'RELEASING', 'RELEASED', 'VOID')),
	case_number        text          REFERENCES cases,
	announced_at       timestamptz,
	voided_at          timestamptz,
	void_of            text          REFERENCES bills,
	replaces           text          REFERENCES bills,
	special            boolean       NOT NULL DEFAULT false,
	CONSTRAINT inc_20_special CHECK (NOT special OR association = 'none'),
	CHECK ((state = 'VOID') = (voided_at IS NOT NULL))
);
CREATE INDEX bills_by_partner ON bills (partner_id, period);
CREATE INDEX bills_open ON bills (state, published_deadline) WHERE state IN ('TO_CONFIRM', 'RELEASING');
COMMENT ON TABLE  bills IS 'Incentive bills: one for each plan and association model of a partner and period, and further ones for corrections of it. What a month is worth before it is billed is estimated_bills.';
COMMENT ON COLUMN bills.period IS '2024-05, 2024-Q2 or 2024.';
COMMENT ON COLUMN bills.amount IS 'Sum of its lines, output tax included (INC-05); may be negative (INC-12).';
COMMENT ON COLUMN bills.case_number IS 'Its reconciliation.';
COMMENT ON COLUMN bills.announced_at IS 'When it was released: from then on it may be requested.';
COMMENT ON COLUMN bills.special IS 'Does not come from performance (INC-20).';

-- Numbers are drawn when the bill is written, so that the ledger's key follows from the row.
-- +goose StatementBegin
CREATE FUNCTION next_bill_id() RETURNS text LANGUAGE sql VOLATILE SET search_path = public, pg_temp AS $$
	SELECT 'B' || lpad(n, greatest(6, length(n)), '0') FROM (SELECT nextval('bill_numbers')::text AS n) t
$$;

-- A tier-2 reseller receives no vendor incentive; it is its tier-1's (INC-19).
CREATE FUNCTION guard_bill_partner() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF EXISTS (SELECT 1 FROM partners WHERE partner_id = NEW.partner_id AND kind = 'reseller') THEN
		RAISE EXCEPTION 'partner % is a tier-2 reseller', NEW.partner_id USING ERRCODE = 'check_violation', CONSTRAINT = 'inc_19_tier2';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
ALTER TABLE bills ALTER COLUMN bill_id SET DEFAULT next_bill_id();
CREATE TRIGGER inc_19_tier2 BEFORE INSERT ON bills FOR EACH ROW EXECUTE FUNCTION guard_bill_partner();

CREATE TABLE special_incentives (
	key        text PRIMARY KEY,
	digest     bytea       NOT NULL,
	bill_id    text        NOT NULL REFERENCES bills,
	set_by     text        NOT NULL REFERENCES people,
	set_at     timestamptz NOT NULL
);
COMMENT ON TABLE  special_incentives IS 'Which request made which special bill, so that the same one again makes no second.';
COMMENT ON COLUMN special_incentives.digest IS 'SHA-256 of the request: the same key with another content is refused (COM-20).';

---------------------------------------------------------------- lines

-- No foreign keys: their checks for each line cost more than the line. The sheet that is written beside the lines has one to partners,
-- and a bill is given to many lines by one statement, which is checked as a whole (inc_05_own_lines).
CREATE TABLE incentive_lines (
	data_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kind           text          NOT NULL DEFAULT 'performance' CHECK (kind IN ('performance', 'threshold', 'special')),
	partner_id     text          NOT NULL,
	period         date          NOT NULL,
	usage_month    date          NOT NULL,
	calculation_id bigint,
	customer_id    text          NOT NULL DEFAULT '',
	order_id       text          NOT NULL DEFAULT '',
	product        text          NOT NULL DEFAULT '',
	association    text          NOT NULL CHECK (association IN ('resale', 'advisory', 'none')),
	billing_mode   text          NOT NULL DEFAULT '',
	region         text          NOT NULL DEFAULT '',
	marketplace    boolean       NOT NULL DEFAULT false,
	tier2          text          NOT NULL DEFAULT '',
	charge         text          NOT NULL DEFAULT '',
	gross          numeric       NOT NULL DEFAULT 0,
	counted        numeric       NOT NULL DEFAULT 0,
	non_cash       numeric       NOT NULL DEFAULT 0,
	no_incentive   numeric       NOT NULL DEFAULT 0,
	next_period    numeric       NOT NULL DEFAULT 0,
	reason         text          NOT NULL DEFAULT '' CHECK (reason IN ('', 'NO_INCENTIVE', 'NEXT_PERIOD', 'NON_CASH')),
	detail         text          NOT NULL DEFAULT '',
	policy_version int           NOT NULL DEFAULT 0,
	policy_line    text          NOT NULL DEFAULT '',
	rate           numeric(7,4)  NOT NULL DEFAULT 0,
	base           numeric       NOT NULL DEFAULT 0,
	amount         numeric(20,2) NOT NULL,
	bill_id        text,
	CONSTRAINT inc_04_explained CHECK (gross = counted + non_cash + no_incentive + next_period),
	CONSTRAINT inc_04_reason CHECK ((reason = '' OR counted = 0) AND (reason = 'NO_INCENTIVE' OR no_incentive = 0) AND (reason = 'NEXT_PERIOD' OR next_period = 0)),
	CONSTRAINT perf_12_reason CHECK (reason <> 'NO_INCENTIVE' OR detail <> ''),
	CONSTRAINT inc_02_policy CHECK (kind = 'special' OR (reason = '') = (policy_version > 0)),
	CONSTRAINT inc_05_amount CHECK (kind <> 'performance' OR abs(amount - counted * rate / 100) <= 0.01)
);
CREATE INDEX incentive_lines_by_sheet ON incentive_lines (partner_id, period);
CREATE INDEX incentive_lines_by_bill ON incentive_lines (bill_id) WHERE bill_id IS NOT NULL;
COMMENT ON TABLE  incentive_lines IS 'What a partner''s consumption gives, in sums over equal rows; append-only but for the bill, which is written once. A run that finds other figures adds lines with the difference.';
COMMENT ON COLUMN incentive_lines.kind IS 'performance: from consumption. threshold: attained by a ladder (INC-06). special: not from performance (INC-20).';
COMMENT ON COLUMN incentive_lines.period IS 'First day of the month, quarter or year in whose sheet or bill it stands.';
COMMENT ON COLUMN incentive_lines.usage_month IS 'First day of the month of use; earlier than period for what was carried over (INC-03).';
COMMENT ON COLUMN incentive_lines.charge IS 'What the rows are: usage, refund, purchase and so on.';
COMMENT ON COLUMN incentive_lines.gross IS 'All of it, unrounded: counted + non_cash + no_incentive + next_period (INC-04).';
COMMENT ON COLUMN incentive_lines.reason IS 'Why its cash gives nothing in this period; empty when it counts. What was not cash stands in non_cash.';
COMMENT ON COLUMN incentive_lines.detail IS 'The reason in detail: OUTSIDE_POLICY, REBOUND and so on (PERF-12); of a threshold or special line, what it is for.';
COMMENT ON COLUMN incentive_lines.policy_version IS 'The version of the policy in force on the day of use, and which of its lines (INC-02); 0 when none applied.';
COMMENT ON COLUMN incentive_lines.rate IS 'Percent.';
COMMENT ON COLUMN incentive_lines.base IS 'Of a threshold line, what the rate is applied to (INC-06).';
COMMENT ON COLUMN incentive_lines.amount IS 'counted x rate, rounded half up once (INC-05). A line that corrects is what the whole comes to less what stood before, so it may be a fen off.';

CREATE TRIGGER pgm_12_append_only BEFORE DELETE OR TRUNCATE ON incentive_lines FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('pgm_12_append_only');
CREATE TRIGGER pgm_12_billed_once BEFORE UPDATE ON incentive_lines FOR EACH ROW
	WHEN (OLD.bill_id IS NOT NULL OR NEW.bill_id IS NULL) EXECUTE FUNCTION refuse_change('pgm_12_append_only');

-- Only final sheets feed bills (PERF-14).
-- +goose StatementBegin
CREATE FUNCTION guard_billed_lines() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF EXISTS (
		SELECT 1 FROM billed l
		  LEFT JOIN performance_sheets s ON s.partner_id = l.partner_id AND s.period = l.period AND s.state = 'final'
		 WHERE l.kind = 'performance' AND s.partner_id IS NULL
	) THEN
		RAISE EXCEPTION 'lines of a sheet that is not final are not billed' USING ERRCODE = 'check_violation', CONSTRAINT = 'perf_14_final';
	END IF;
	IF EXISTS (SELECT 1 FROM billed l LEFT JOIN bills b USING (bill_id) WHERE b.partner_id IS DISTINCT FROM l.partner_id) THEN
		RAISE EXCEPTION 'a bill holds lines of its own partner only' USING ERRCODE = 'check_violation', CONSTRAINT = 'inc_05_own_lines';
	END IF;
	RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER perf_14_final AFTER UPDATE ON incentive_lines REFERENCING NEW TABLE AS billed FOR EACH STATEMENT EXECUTE FUNCTION guard_billed_lines();

-- The consumption of a month and one of its eight buckets of partners, for a run that reads a bucket at a time; NULL when the
-- month has none. Whoever may read the whole may read a part.
-- +goose StatementBegin
CREATE FUNCTION consumption_bucket(month date, bucket int) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE name text := 'consumption_' || to_char(month, 'YYYY_MM') || '_' || bucket;
BEGIN
	IF to_regclass(name) IS NULL THEN RETURN NULL; END IF;
	IF NOT has_table_privilege('countersign_programme', name, 'SELECT') THEN
		PERFORM pg_advisory_xact_lock(hashtext('consumption_month'));
		EXECUTE format('GRANT SELECT ON %I TO countersign_programme', name);
	END IF;
	RETURN name;
END $$;
-- +goose StatementEnd

-- What the months that are not reviewed yet would give: the state "estimated" of a bill, which is no row that could be requested.
CREATE VIEW estimated_bills AS
	SELECT l.partner_id, p.body ->> 'plan_name' AS plan_name, p.body ->> 'cadence' AS cadence, to_char(l.period, 'YYYY-MM') AS period, l.association,
	       'ESTIMATED' AS state, sum(l.amount) AS amount, max(s.calculated_at) AS calculated_at
	  FROM performance_sheets s
	  JOIN incentive_lines l ON l.partner_id = s.partner_id AND l.period = s.period AND l.kind = 'performance' AND l.policy_version > 0
	  JOIN policies p ON p.kind = 'incentive' AND p.version = l.policy_version
	 WHERE s.state <> 'final'
	 GROUP BY l.partner_id, p.body ->> 'plan_name', p.body ->> 'cadence', l.period, l.association;
COMMENT ON VIEW estimated_bills IS 'Bills to come, from sheets that are estimated or first drafts (PERF-14).';

---------------------------------------------------------------- what the programme's role may do

GRANT SELECT ON partner_terms, partner_levels, calculations, performance_sheets, performance_questions, bills, special_incentives, incentive_lines, estimated_bills TO countersign_programme;
GRANT USAGE ON SEQUENCE bill_numbers TO countersign_programme;
GRANT INSERT (key, partner_id, effect, moved_to, starts, ends, note, set_by, set_at), UPDATE (ends) ON partner_terms TO countersign_programme;
GRANT INSERT ON partner_levels TO countersign_programme;
GRANT INSERT (key, period, at, asked_by, policy_version), UPDATE (finished_at) ON calculations TO countersign_programme;
GRANT INSERT, UPDATE (state, gross, counted, non_cash, no_incentive, next_period, amount, calculation_id, version, calculated_at, reviewed_by, reviewed_at)
      ON performance_sheets TO countersign_programme;
GRANT INSERT (key, partner_id, period, question, asked_by, asked_at), UPDATE (closed_at) ON performance_questions TO countersign_programme;
GRANT INSERT ON special_incentives TO countersign_programme;
GRANT INSERT, UPDATE (state, case_number, announced_at, voided_at, void_of, replaces) ON bills TO countersign_programme;
GRANT INSERT (kind, partner_id, period, usage_month, calculation_id, customer_id, order_id, product, association, billing_mode, region, marketplace, tier2, charge,
              gross, counted, non_cash, no_incentive, next_period, reason, detail, policy_version, policy_line, rate, base, amount), UPDATE (bill_id)
      ON incentive_lines TO countersign_programme;

SET LOCAL ROLE NONE;
