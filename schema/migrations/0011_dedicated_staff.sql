-- +goose Up

-- Dedicated staff (FHM) and the quarter's payment (QPY). A month is a case from its request on; before that it is open, or
-- listed for its experts, and lapses by itself.
SET LOCAL ROLE countersign_owner;

INSERT INTO moves VALUES
	('dedicated-staff',     '',                   'PRELIMINARY_REVIEW'),
	('dedicated-staff',     'PRELIMINARY_REVIEW', 'PASSED'),
	('dedicated-staff',     'PRELIMINARY_REVIEW', 'FAILED'),
	('dedicated-staff',     'FAILED',             'PRELIMINARY_REVIEW'),
	('payment-application', '',                   'PAYMENT_REVIEW'),
	('payment-application', 'PAYMENT_REVIEW',     'PAYMENT_APPROVED'),
	('payment-application', 'PAYMENT_REVIEW',     'REJECTED'),
	('payment-application', 'REJECTED',           'PAYMENT_REVIEW'),
	('payment-application', 'PAYMENT_APPROVED',   'WAITING_PAYMENT'),
	('payment-application', 'WAITING_PAYMENT',    'PAID');

CREATE SEQUENCE dedicated_staff_numbers;
CREATE SEQUENCE payment_application_numbers;

---------------------------------------------------------------- who may be named

CREATE TABLE staff_qualifications (
	partner_id  text PRIMARY KEY REFERENCES partners,
	applied_by  text        NOT NULL REFERENCES people,
	applied_at  timestamptz NOT NULL,
	approved_by text REFERENCES people,
	approved_at timestamptz CHECK (approved_at >= applied_at),
	agreement   text        NOT NULL DEFAULT '',
	signed_on   date,
	CONSTRAINT eng_02_staff_qualification CHECK (approved_by <> applied_by),
	CONSTRAINT fhm_01_agreement CHECK ((approved_at IS NULL) = (approved_by IS NULL) AND (approved_at IS NULL) = (signed_on IS NULL) AND (approved_at IS NULL) = (agreement = ''))
);
COMMENT ON TABLE  staff_qualifications IS 'A partner''s qualification for dedicated staff: applied for first, approved with the signed agreement (FHM-01).';
COMMENT ON COLUMN staff_qualifications.agreement IS 'The signed agreement''s number; empty until it is approved.';

CREATE TABLE specialists (
	specialist_id text PRIMARY KEY CONSTRAINT com_03_identifier CHECK (length(specialist_id) BETWEEN 1 AND 64),
	partner_id    text   NOT NULL REFERENCES partners,
	name          text   NOT NULL CHECK (name <> ''),
	role          text   NOT NULL,
	certificates  text[] NOT NULL DEFAULT '{}',
	cloud_since   date   NOT NULL,
	since_date    date   NOT NULL,
	left_on       date CHECK (left_on >= since_date)
);
CREATE INDEX specialists_by_partner ON specialists (partner_id);
COMMENT ON TABLE  specialists IS 'A partner''s dedicated specialists: people of the partner who are funded, not users.';
COMMENT ON COLUMN specialists.cloud_since IS 'In cloud work since (FHM-05).';
COMMENT ON COLUMN specialists.since_date IS 'Dedicated since: the funding year counts from this day (FHM-05).';
COMMENT ON COLUMN specialists.left_on IS 'First day on which the person is dedicated no more; NULL: is.';

---------------------------------------------------------------- months

CREATE TABLE staff_months (
	partner_id    text NOT NULL REFERENCES partners,
	month         date NOT NULL CHECK (extract(day FROM month) = 1),
	scenario      text NOT NULL CHECK (scenario IN ('pre-sales', 'expert', 'capability-centre')),
	amount        numeric(20,2) NOT NULL CONSTRAINT com_02_amount CHECK (amount > 0),
	listed_at     timestamptz,
	confirm_until timestamptz CHECK (confirm_until > listed_at),
	listed        text[] NOT NULL DEFAULT '{}',
	lapsed_at     timestamptz,
	case_number   text UNIQUE REFERENCES cases,
	CONSTRAINT fhm_02_one_request PRIMARY KEY (partner_id, month),
	CONSTRAINT fhm_08_lapsed CHECK (lapsed_at IS NULL OR case_number IS NULL),
	CHECK ((listed_at IS NULL) = (confirm_until IS NULL) AND (listed_at IS NULL) = (listed = '{}')),
	CHECK (listed_at IS NOT NULL OR case_number IS NOT NULL)
);
CREATE INDEX staff_months_to_confirm ON staff_months (confirm_until) WHERE case_number IS NULL AND lapsed_at IS NULL;
COMMENT ON TABLE  staff_months IS 'One month of one partner that was requested, or listed for its experts (FHM-02, FHM-08). What is requested stands in the case''s state.';
COMMENT ON COLUMN staff_months.listed IS 'The experts whom the system listed.';
COMMENT ON COLUMN staff_months.confirm_until IS 'Until when the list can be confirmed, this instant out.';
COMMENT ON COLUMN staff_months.lapsed_at IS 'When the lapse was recorded and told; the month lapses at confirm_until, whenever that is.';

CREATE TABLE staff_projects (
	project_id    text PRIMARY KEY CHECK (length(project_id) BETWEEN 1 AND 64),
	specialist_id text NOT NULL REFERENCES specialists,
	UNIQUE (project_id, specialist_id)
);
COMMENT ON TABLE staff_projects IS 'Whom a project serves: one person (FHM-07). A project that only failed requests name is free again.';

CREATE TABLE staff_month_persons (
	case_number   text NOT NULL REFERENCES cases,
	specialist_id text NOT NULL REFERENCES specialists,
	project_id    text,
	PRIMARY KEY (case_number, specialist_id),
	CONSTRAINT fhm_07_project FOREIGN KEY (project_id, specialist_id) REFERENCES staff_projects (project_id, specialist_id)
);
CREATE INDEX staff_month_persons_by_person ON staff_month_persons (specialist_id);
CREATE INDEX staff_month_persons_by_project ON staff_month_persons (project_id);
COMMENT ON TABLE  staff_month_persons IS 'The specialists of a request, as it was sent last; former rounds are kept in approvals.';
COMMENT ON COLUMN staff_month_persons.project_id IS 'NULL: none, or the request failed and the project is free again.';

CREATE TABLE staff_proofs (
	proof_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	case_number   text        NOT NULL REFERENCES cases,
	round         int         NOT NULL CHECK (round >= 0),
	kind          text        NOT NULL CHECK (kind IN ('employment', 'social-security', 'project')),
	document_id   text        NOT NULL CHECK (document_id ~ '^[0-9a-f]{64}$'),
	specialist_id text        NOT NULL DEFAULT '',
	added_by      text        NOT NULL REFERENCES people,
	added_at      timestamptz NOT NULL
);
CREATE INDEX staff_proofs_of_case ON staff_proofs (case_number);
COMMENT ON TABLE  staff_proofs IS 'The documents of a request, round by round; what was uploaded because a specialist''s data changed has round 0 and the specialist (FHM-09).';
CREATE TRIGGER pgm_12_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON staff_proofs FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('pgm_12_append_only');

-- +goose StatementBegin
CREATE FUNCTION dedicated_staff_content(number text) RETURNS bytea LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT sha256(convert_to(string_agg(coalesce(octet_length(f) || ':' || f, '-'), '' ORDER BY n), 'UTF8'))
	  FROM cases c JOIN staff_months m USING (case_number),
	       unnest(ARRAY[c.case_number, c.partner_id, m.month::text, m.scenario, m.amount::text,
	              (SELECT string_agg(p.specialist_id || '=' || coalesce(p.project_id, ''), ',' ORDER BY p.specialist_id) FROM staff_month_persons p WHERE p.case_number = c.case_number)])
	       WITH ORDINALITY AS t(f, n)
	 WHERE c.case_number = number
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION dedicated_staff_content IS 'SHA-256 over what is reviewed: the columns in this order, each as its length in octets, a colon and its text.';

---------------------------------------------------------------- the quarter

CREATE TABLE payment_applications (
	case_number    text PRIMARY KEY REFERENCES cases,
	partner_id     text          NOT NULL REFERENCES partners,
	quarter        text          NOT NULL CHECK (quarter ~ '^\d{4}Q[1-4]$'),
	months         jsonb         NOT NULL CHECK (jsonb_array_length(months) = 3),
	total          numeric(20,2) NOT NULL CONSTRAINT com_02_amount CHECK (total > 0),
	business_version int         NOT NULL,
	currency       text          NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
	holder         text          NOT NULL CHECK (holder <> ''),
	account_no     text          NOT NULL,
	bank           text          NOT NULL,
	branch         text          NOT NULL,
	paying_entity  text          NOT NULL CHECK (paying_entity <> ''),
	approved_at    timestamptz,
	expected_on    date,
	payment_round  int           NOT NULL DEFAULT 0,
	reference      text          NOT NULL DEFAULT '',
	paid_at        timestamptz,
	CONSTRAINT qpy_09_one_request UNIQUE (partner_id, quarter),
	FOREIGN KEY (partner_id, business_version) REFERENCES business_information (partner_id, version)
);
COMMENT ON TABLE  payment_applications IS 'The payment of a quarter''s passed months; one for a partner and quarter, for ever (QPY-09).';
COMMENT ON COLUMN payment_applications.months IS 'The three months with state and amount as they were when it was requested (QPY-06).';
COMMENT ON COLUMN payment_applications.business_version IS 'The certified business information by which it is invoiced and paid (AUT-08).';
COMMENT ON COLUMN payment_applications.holder IS 'The payee as certified when it was requested (AUT-08); taken anew when the bank gave the money back.';
COMMENT ON COLUMN payment_applications.expected_on IS 'By when the payment is expected (QPY-13).';
COMMENT ON COLUMN payment_applications.payment_round IS 'How often the payment was ordered.';

-- +goose StatementBegin
CREATE FUNCTION payment_application_content(number text) RETURNS bytea LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT sha256(convert_to(string_agg(coalesce(octet_length(f) || ':' || f, '-'), '' ORDER BY n), 'UTF8'))
	  FROM cases c JOIN payment_applications p USING (case_number, partner_id),
	       unnest(ARRAY[c.case_number, c.partner_id, p.quarter, p.months::text, p.total::text, p.currency, p.paying_entity])
	       WITH ORDINALITY AS t(f, n)
	 WHERE c.case_number = number
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION payment_application_content IS 'SHA-256 over what is approved: the columns in this order, each as its length in octets, a colon and its text. The payee is certified by itself.';

-- The payee is always the one of the certified business information that the row names.
-- +goose StatementBegin
CREATE FUNCTION guard_quarter_payee() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT 1 FROM business_information b WHERE b.partner_id = NEW.partner_id AND b.version = NEW.business_version AND b.status = 'passed'
	                  AND (b.bank_account_name, b.account_no, b.bank_name, b.branch) = (NEW.holder, NEW.account_no, NEW.bank, NEW.branch)) THEN
		RAISE EXCEPTION 'application %: the payee is not the certified one', NEW.case_number
			USING ERRCODE = 'check_violation', CONSTRAINT = 'aut_08_payee';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER aut_08_payee BEFORE INSERT OR UPDATE OF business_version, holder, account_no, bank, branch ON payment_applications
	FOR EACH ROW EXECUTE FUNCTION guard_quarter_payee();

-- The months of a quarter with their states at an instant (QPY-01): requested ones have their case's state, listed ones wait
-- until they lapse, all others are open until they end, and lapsed from then on.
-- +goose StatementBegin
CREATE FUNCTION staff_quarter(partner text, first date, at timestamptz)
RETURNS TABLE (month date, state text, amount numeric, case_number text, confirm_until timestamptz)
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT d.month,
	       CASE WHEN c.case_number IS NOT NULL THEN c.state
	            WHEN m.confirm_until > at THEN 'TO_CONFIRM'
	            WHEN m.confirm_until IS NOT NULL OR (d.month + interval '1 month') AT TIME ZONE interval '08:00' <= at THEN 'LAPSED' -- UTC+8
	            ELSE 'OPEN' END,
	       coalesce(m.amount, 0), coalesce(m.case_number, ''), m.confirm_until
	  FROM (SELECT (first + make_interval(months => n))::date AS month FROM generate_series(0, 2) n) d
	  LEFT JOIN staff_months m ON m.partner_id = partner AND m.month = d.month
	  LEFT JOIN cases c ON c.case_number = m.case_number
$$;
-- +goose StatementEnd

---------------------------------------------------------------- what the programme's role may do

GRANT USAGE ON SEQUENCE dedicated_staff_numbers, payment_application_numbers TO countersign_programme;
GRANT SELECT ON staff_qualifications, specialists, staff_months, staff_projects, staff_month_persons, staff_proofs, payment_applications TO countersign_programme;
GRANT INSERT (partner_id, applied_by, applied_at), UPDATE (approved_by, approved_at, agreement, signed_on) ON staff_qualifications TO countersign_programme;
GRANT INSERT, UPDATE (name, role, certificates, cloud_since, since_date, left_on) ON specialists TO countersign_programme;
GRANT INSERT, UPDATE (amount, lapsed_at, case_number) ON staff_months TO countersign_programme;
GRANT INSERT, DELETE ON staff_projects TO countersign_programme;
GRANT INSERT, DELETE, UPDATE (project_id) ON staff_month_persons TO countersign_programme;
GRANT INSERT (case_number, round, kind, document_id, specialist_id, added_by, added_at) ON staff_proofs TO countersign_programme;
GRANT INSERT, UPDATE (months, total, business_version, currency, holder, account_no, bank, branch, paying_entity, approved_at, expected_on, payment_round, reference, paid_at)
   ON payment_applications TO countersign_programme;

SET LOCAL ROLE NONE;
