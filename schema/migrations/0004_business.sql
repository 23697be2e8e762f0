-- +goose Up

-- What has to be known about a partner before money leaves the vendor: who it is, that it may deal, where and how it is paid,
-- which plans it is in, what it owes. Sections of the file: certification, plans and entities, debts, the programme itself.
SET LOCAL ROLE countersign_owner;

---------------------------------------------------------------- certification

CREATE TABLE real_names (
	partner_id  text PRIMARY KEY REFERENCES partners,
	status      text NOT NULL DEFAULT 'valid' CHECK (status IN ('valid', 'expired', 'revoked')),
	valid_until date
);
COMMENT ON TABLE  real_names IS 'Enterprise real-name authentication (AUT-04); the name itself is partners.verified_name.';
COMMENT ON COLUMN real_names.valid_until IS 'Last day on which it holds, in full; NULL: no end.';

CREATE TABLE qualifications (
	partner_id  text NOT NULL REFERENCES partners,
	valid_from  date NOT NULL,
	valid_until date CHECK (valid_until >= valid_from),
	PRIMARY KEY (partner_id, valid_from)
);
COMMENT ON TABLE  qualifications IS 'Dealer qualification certification (AUT-01). It holds no bank and no tax data (AUT-02).';
COMMENT ON COLUMN qualifications.valid_until IS 'Last day on which it holds, in full; NULL: no end.';

CREATE TABLE business_information (
	partner_id           text          NOT NULL REFERENCES partners,
	version              int           NOT NULL CHECK (version > 0),
	company_name         text          NOT NULL,
	code_type            text          NOT NULL,
	code                 text          NOT NULL,
	registered_address   text          NOT NULL DEFAULT '',
	contact              text          NOT NULL DEFAULT '',
	taxpayer_type        text          NOT NULL CHECK (taxpayer_type IN ('general', 'small-scale')),
	service_fee_tax_rate numeric(5,2)  NOT NULL CHECK (service_fee_tax_rate >= 0 AND service_fee_tax_rate < 100),
	tax_number           text          NOT NULL,
	bank_account_name    text          NOT NULL CHECK (length(bank_account_name) <= 200),
	bank_name            text          NOT NULL,
	branch               text          NOT NULL,
	account_no           text          NOT NULL,
	settlement_currency  text          NOT NULL CHECK (settlement_currency ~ '^[A-Z]{3}$'),
	bank_letter          text          NOT NULL DEFAULT '',
	status               text          NOT NULL CHECK (status IN ('in-review', 'passed', 'failed')),
	failure_reason       text          NOT NULL DEFAULT '',
	submitted_by         text          NOT NULL REFERENCES people,
	submitted_at         timestamptz   NOT NULL,
	request_key          text          NOT NULL CHECK (length(request_key) BETWEEN 1 AND 64),
	request_digest       bytea         NOT NULL,
	decided_by           text REFERENCES people,
	decided_at           timestamptz,
	decision_key         text,
	certified_at         timestamptz,
	PRIMARY KEY (partner_id, version),
	CONSTRAINT com_20_business_key UNIQUE (partner_id, request_key),
	CONSTRAINT aut_03_fields CHECK ('' <> ALL (ARRAY[company_name, code_type, code, tax_number, bank_account_name, bank_name, branch, account_no])),
	CONSTRAINT aut_07_reason CHECK ((status = 'failed') = (failure_reason <> '')),
	CONSTRAINT eng_02_business CHECK (decided_by <> submitted_by),
	CHECK ((status = 'in-review') = (decided_at IS NULL) AND (decided_by IS NULL OR decided_at IS NOT NULL)),
	CHECK (certified_at IS NOT DISTINCT FROM CASE WHEN status = 'passed' THEN decided_at END)
);
CREATE UNIQUE INDEX aut_05_one_in_review ON business_information (partner_id) WHERE status = 'in-review';
CREATE INDEX business_information_by_code ON business_information (code) WHERE status = 'passed';
COMMENT ON TABLE  business_information IS 'Business information, every version that was ever submitted: the newest passed one counts, and stays when a change of it fails. A requisition keeps the version it was submitted with (AUT-08).';
COMMENT ON COLUMN business_information.code IS 'The company''s unified code: two partners with the same code type and code are the same company.';
COMMENT ON COLUMN business_information.service_fee_tax_rate IS 'Percent.';
COMMENT ON COLUMN business_information.bank_letter IS 'The bank confirmation letter (AUT-06): a document''s ID; empty: none.';
COMMENT ON COLUMN business_information.decided_by IS 'NULL on a decided version: it was loaded with the programme.';
COMMENT ON COLUMN business_information.certified_at IS 'When this version passed.';

-- A decided version stays as it is.
-- +goose StatementBegin
CREATE FUNCTION guard_business() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'business information % of partner % is % already', OLD.version, OLD.partner_id, OLD.status
		USING ERRCODE = 'check_violation', CONSTRAINT = 'eng_03_business';
END $$;
-- +goose StatementEnd
CREATE TRIGGER eng_03_business BEFORE UPDATE ON business_information FOR EACH ROW WHEN (OLD.status <> 'in-review') EXECUTE FUNCTION guard_business();

CREATE TABLE supplier_file (
	code_type  text NOT NULL,
	code       text NOT NULL,
	account_no text NOT NULL,
	entity     text NOT NULL,
	currency   text NOT NULL,
	PRIMARY KEY (code_type, code)
);
COMMENT ON TABLE supplier_file IS 'What the vendor''s supplier file holds about a company; business information that differs from it needs a bank confirmation letter (AUT-06), and what passes is written here.';

CREATE TABLE certification_tickets (
	ticket_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	partner_id  text        NOT NULL,
	version     int         NOT NULL,
	key         text        NOT NULL CONSTRAINT com_20_ticket_key UNIQUE,
	question    text        NOT NULL CHECK (question <> ''),
	opened_by   text        NOT NULL REFERENCES people,
	opened_at   timestamptz NOT NULL,
	due_at      timestamptz NOT NULL,
	answer      text        NOT NULL DEFAULT '',
	answered_by text REFERENCES people,
	answered_at timestamptz,
	FOREIGN KEY (partner_id, version) REFERENCES business_information,
	CHECK ((answered_at IS NULL) = (answered_by IS NULL) AND (answered_at IS NULL) = (answer = ''))
);
CREATE INDEX certification_tickets_open ON certification_tickets (due_at) WHERE answered_at IS NULL;
COMMENT ON TABLE  certification_tickets IS 'Questions of a partner about a failed certification.';
COMMENT ON COLUMN certification_tickets.due_at IS 'Three working days after it was opened (AUT-07).';

---------------------------------------------------------------- plans and entities

CREATE TABLE plan_identities (
	partner_id text        NOT NULL REFERENCES partners,
	plan       text        NOT NULL CHECK (plan <> ''),
	from_at    timestamptz NOT NULL,
	until_at   timestamptz CHECK (until_at > from_at),
	PRIMARY KEY (partner_id, plan, from_at)
);
COMMENT ON TABLE  plan_identities IS 'Which plans a partner is or was in.';
COMMENT ON COLUMN plan_identities.until_at IS 'When the identity lapsed, this instant out; NULL: it holds (INC-14).';

CREATE TABLE signing_entities (
	partner_id     text NOT NULL REFERENCES partners,
	entity         text NOT NULL CHECK (entity <> ''),
	effective_from date NOT NULL,
	PRIMARY KEY (partner_id, effective_from)
);
COMMENT ON TABLE signing_entities IS 'The vendor''s entity that signs for a partner from a date on (INV-13); before the first of them it is partners.entity.';

---------------------------------------------------------------- debts

CREATE TABLE unpaid_cycles (
	partner_id  text          NOT NULL REFERENCES partners,
	period      text          NOT NULL CHECK (period ~ '^\d{4}-(0[1-9]|1[0-2])$'),
	association text          NOT NULL CHECK (association IN ('resale', 'advisory', 'none')),
	since       timestamptz   NOT NULL,
	amount      numeric(20,2) NOT NULL CONSTRAINT com_02_amount CHECK (amount > 0),
	paid_at     timestamptz CHECK (paid_at >= since),
	PRIMARY KEY (partner_id, period, association, since)
);
CREATE INDEX unpaid_cycles_open ON unpaid_cycles (partner_id, period) WHERE paid_at IS NULL;
COMMENT ON TABLE  unpaid_cycles IS 'Billing cycles with unpaid consumption: bills of such a month are frozen (PAY-17) until the day after it is paid (PAY-18).';
COMMENT ON COLUMN unpaid_cycles.period IS 'The month: 2024-05.';
COMMENT ON COLUMN unpaid_cycles.association IS 'Of the bills that it freezes; resale consumption is what the partner itself must pay.';

CREATE TABLE arrears (
	partner_id text          NOT NULL REFERENCES partners,
	reference  text          NOT NULL CHECK (reference <> ''),
	amount     numeric(20,2) NOT NULL CONSTRAINT com_02_amount CHECK (amount > 0),
	since      timestamptz   NOT NULL,
	paid_at    timestamptz CHECK (paid_at >= since),
	PRIMARY KEY (partner_id, reference)
);
CREATE INDEX arrears_open ON arrears (partner_id) WHERE paid_at IS NULL;
COMMENT ON TABLE  arrears IS 'Overdue bills of a partner; they freeze what the funds give until they are paid.';
COMMENT ON COLUMN arrears.reference IS 'The overdue bill''s number at the vendor.';

---------------------------------------------------------------- the programme itself

INSERT INTO people (person_id, name) VALUES ('system', 'The programme');
COMMENT ON TABLE people IS 'Who acts. A person without a partner belongs to the vendor; "system", who holds no role, submits what nobody submits.';

GRANT SELECT ON real_names, qualifications, business_information, supplier_file, certification_tickets, plan_identities, signing_entities, unpaid_cycles, arrears
   TO countersign_programme;
GRANT INSERT, UPDATE ON real_names, qualifications, supplier_file, plan_identities, signing_entities, unpaid_cycles, arrears TO countersign_programme;
GRANT INSERT, UPDATE (status, failure_reason, decided_by, decided_at, decision_key, certified_at) ON business_information TO countersign_programme;
GRANT INSERT (partner_id, version, key, question, opened_by, opened_at, due_at), UPDATE (answer, answered_by, answered_at) ON certification_tickets TO countersign_programme;

SET LOCAL ROLE NONE;
