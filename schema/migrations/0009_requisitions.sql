-- +goose Up

-- Disbursement: a partner asks for its released incentive by one of four methods (PAY).
SET LOCAL ROLE countersign_owner;

INSERT INTO moves VALUES
	('requisition', '',                   'PROCESSING'),
	('requisition', 'PROCESSING',         'WAITING_INVOICE'),
	('requisition', 'PROCESSING',         'PAYING'),
	('requisition', 'WAITING_INVOICE',    'INVOICE_REVIEW'),
	('requisition', 'INVOICE_REVIEW',     'WAITING_INVOICE'),
	('requisition', 'INVOICE_REVIEW',     'REQUISITION_REVIEW'),
	('requisition', 'REQUISITION_REVIEW', 'PAYING'),
	('requisition', 'REQUISITION_REVIEW', 'REJECTED'),
	('requisition', 'PAYING',             'COMPLETED'),
	('requisition', 'PAYING',             'FAILED'),
	('requisition', 'FAILED',             'PAYING'),
	-- the special case, while no money has moved (PAY-15)
	('requisition', 'WAITING_INVOICE',    'PAYING'),
	('requisition', 'INVOICE_REVIEW',     'PAYING'),
	('requisition', 'WAITING_INVOICE',    'REJECTED'),
	('requisition', 'INVOICE_REVIEW',     'REJECTED'),
	('requisition', 'PAYING',             'REJECTED'),
	('requisition', 'FAILED',             'REJECTED');

CREATE SEQUENCE requisition_numbers;

CREATE TABLE requisitions (
	case_number          text PRIMARY KEY REFERENCES cases,
	method               text          NOT NULL CONSTRAINT pay_01_method CHECK (method IN ('VOUCHER', 'BANK', 'CLOUD_ACCOUNT', 'CLOUD_ACCOUNT_OWED')),
	scope                text          NOT NULL CHECK (scope IN ('merged-all', 'selected', 'automatic')),
	gross                numeric(20,2) NOT NULL CONSTRAINT pay_27_positive CHECK (gross > 0),
	settlement           numeric(20,2) NOT NULL CHECK (settlement > 0),
	service_fee_tax_rate numeric(5,2)  NOT NULL CHECK (service_fee_tax_rate BETWEEN 0 AND 100),
	currency             text          NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
	signing_entity       text          NOT NULL CHECK (signing_entity <> ''),
	partner_id           text          NOT NULL,
	business_version     int           NOT NULL,
	bank_account_name    text          NOT NULL DEFAULT '',
	bank_name            text          NOT NULL DEFAULT '',
	branch               text          NOT NULL DEFAULT '',
	account_no           text          NOT NULL DEFAULT '',
	settlement_period    text          NOT NULL CHECK (settlement_period <> ''),
	invoice_due_date     date,
	received_at          timestamptz,
	approved_at          timestamptz,
	paused_at            timestamptz,
	sent_at              timestamptz,
	alarmed_at           timestamptz,
	completed_at         timestamptz,
	attempts             int           NOT NULL DEFAULT 0 CHECK (attempts >= 0),
	reference            text          NOT NULL DEFAULT '',
	failure              text          NOT NULL DEFAULT '',
	FOREIGN KEY (partner_id, business_version) REFERENCES business_information (partner_id, version),
	CONSTRAINT inv_07_settlement CHECK (method IN ('BANK', 'CLOUD_ACCOUNT') OR settlement = gross),
	CONSTRAINT aut_08_account CHECK ((method = 'BANK') = (account_no <> '')),
	CONSTRAINT pay_09_invoice CHECK (method NOT IN ('BANK', 'CLOUD_ACCOUNT') OR invoice_due_date IS NOT NULL)
);
COMMENT ON TABLE  requisitions IS 'A partner''s request for released incentive; what was fixed at submission stays: method, entity, account, rates.';
COMMENT ON COLUMN requisitions.method IS 'Fixed after submission but for a special case (PAY-14, PAY-15).';
COMMENT ON COLUMN requisitions.gross IS 'Its bills less the negatives taken in, output tax included: what leaves V.INCENT (PAY-27).';
COMMENT ON COLUMN requisitions.settlement IS 'What the partner invoices and gets; without an invoice the gross amount (INV-07).';
COMMENT ON COLUMN requisitions.currency IS 'Settlement currency of the business information at submission (INV-21).';
COMMENT ON COLUMN requisitions.signing_entity IS 'The vendor''s entity on the day of submission: it is invoiced and it pays (INV-13).';
COMMENT ON COLUMN requisitions.business_version IS 'The business information with which it was submitted (AUT-08).';
COMMENT ON COLUMN requisitions.account_no IS 'With the three columns before: where a bank transfer goes, as it was at submission (AUT-08); empty for other methods.';
COMMENT ON COLUMN requisitions.invoice_due_date IS 'Shown to the partner; what is sent later is accepted and marked (INV-12).';
COMMENT ON COLUMN requisitions.received_at IS 'When the invoices that were accepted arrived: from then the days of PAY-25 count.';
COMMENT ON COLUMN requisitions.paused_at IS 'Since when its payment waits for the result of a change of business information (AUT-05); NULL: it does not.';
COMMENT ON COLUMN requisitions.sent_at IS 'When its bank transfer was sent: from then on money moves (PAY-15). NULL again when the transfer came back.';
COMMENT ON COLUMN requisitions.alarmed_at IS 'When operations were alarmed that it takes too long (PAY-25).';
COMMENT ON COLUMN requisitions.attempts IS 'How often its payment was begun.';
COMMENT ON COLUMN requisitions.failure IS 'Why the last payment failed, in words (PAY-22).';

CREATE TABLE requisition_parts (
	case_number     text          NOT NULL REFERENCES requisitions,
	output_tax_rate numeric(5,2)  NOT NULL,
	amount          numeric(20,2) NOT NULL CONSTRAINT com_02_amount CHECK (amount > 0),
	PRIMARY KEY (case_number, output_tax_rate)
);
COMMENT ON TABLE requisition_parts IS 'The gross amount by output tax rate: the settlement is computed from it (INV-07), and the owed invoice is at its rates (OWE-01).';

CREATE TABLE requisition_bills (
	case_number text          NOT NULL REFERENCES requisitions,
	bill_id     text          NOT NULL REFERENCES bills,
	amount      numeric(20,2) NOT NULL CHECK (amount <> 0),
	live        boolean       NOT NULL DEFAULT true,
	PRIMARY KEY (case_number, bill_id)
);
CREATE UNIQUE INDEX pay_26_one_live ON requisition_bills (bill_id) WHERE live;
COMMENT ON TABLE  requisition_bills IS 'The bills of a requisition, and the negatives that it took in (PAY-27).';
COMMENT ON COLUMN requisition_bills.live IS 'False once the requisition is rejected: the bill is free again (PAY-26).';

-- At COMMIT a requisition's bills and its parts both add up to its gross amount.
-- +goose StatementBegin
CREATE FUNCTION guard_requisition() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE r requisitions;
BEGIN
	SELECT * INTO r FROM requisitions WHERE case_number = NEW.case_number;
	IF r.gross <> coalesce((SELECT sum(amount) FROM requisition_bills WHERE case_number = NEW.case_number), 0)
	OR r.gross <> coalesce((SELECT sum(amount) FROM requisition_parts WHERE case_number = NEW.case_number), 0) THEN
		RAISE EXCEPTION 'requisition %: bills and parts do not add up to %', NEW.case_number, r.gross
			USING ERRCODE = 'check_violation', CONSTRAINT = 'pay_27_net';
	END IF;
	RETURN NULL;
END $$;

-- A requisition is completed exactly when its money has been posted (PAY-28).
CREATE FUNCTION guard_completed() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE state text := (SELECT state FROM cases WHERE case_number = NEW.case_number);
BEGIN
	IF (state = 'COMPLETED') <> EXISTS (SELECT 1 FROM entries WHERE key = 'requisition/' || NEW.case_number || '/complete') THEN
		RAISE EXCEPTION 'requisition % is %, which its ledger entry contradicts', NEW.case_number, state
			USING ERRCODE = 'check_violation', CONSTRAINT = 'pay_28_completed';
	END IF;
	RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER pay_27_net AFTER INSERT OR UPDATE OF gross ON requisitions DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION guard_requisition();
CREATE CONSTRAINT TRIGGER pay_27_net AFTER INSERT ON requisition_bills DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION guard_requisition();
CREATE CONSTRAINT TRIGGER pay_28_completed AFTER INSERT OR UPDATE OF state ON cases DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
	WHEN (NEW.kind = 'requisition') EXECUTE FUNCTION guard_completed();
CREATE CONSTRAINT TRIGGER pay_28_completed AFTER INSERT ON entries DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
	WHEN (NEW.key LIKE 'requisition/%/complete') EXECUTE FUNCTION guard_completed();

---------------------------------------------------------------- special cases, quotas

CREATE TABLE method_requests (
	request_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	case_number   text        NOT NULL REFERENCES requisitions,
	key           text        NOT NULL,
	wanted_method text        NOT NULL CHECK (wanted_method IN ('', 'VOUCHER', 'BANK', 'CLOUD_ACCOUNT', 'CLOUD_ACCOUNT_OWED')),
	reason        text        NOT NULL CONSTRAINT pay_14_reason CHECK (btrim(reason) <> ''),
	asked_by      text        NOT NULL REFERENCES people,
	asked_at      timestamptz NOT NULL,
	state         text        NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'granted', 'refused', 'closed')),
	answered_at   timestamptz,
	CONSTRAINT com_20_special UNIQUE (case_number, key),
	CHECK ((state = 'asked') = (answered_at IS NULL))
);
CREATE UNIQUE INDEX pay_15_one_asked ON method_requests (case_number) WHERE state = 'asked';
COMMENT ON TABLE  method_requests IS 'Special cases: another method, or taking the request back, for a reason (PAY-15). The question itself is a task of the case.';
COMMENT ON COLUMN method_requests.wanted_method IS 'Empty: the request is to be taken back.';

CREATE SEQUENCE quota_numbers;

CREATE TABLE quotas (
	quota_id    text PRIMARY KEY,
	partner_id  text          NOT NULL REFERENCES partners,
	case_number text          NOT NULL CONSTRAINT pay_22_one_grant UNIQUE REFERENCES cases,
	amount      numeric(20,2) NOT NULL CONSTRAINT com_02_amount CHECK (amount > 0),
	granted_at  timestamptz   NOT NULL
);
CREATE INDEX quotas_by_partner ON quotas (partner_id);
COMMENT ON TABLE quotas IS 'Voucher quotas that incentive was turned into; what remains of one is the balance of the account "Q:" and its ID. Never cash, never withdrawable.';

---------------------------------------------------------------- automatic release

CREATE TABLE automatic_release (
	partner_id text        NOT NULL REFERENCES partners,
	row_group  text        NOT NULL,
	method     text        NOT NULL,
	since      timestamptz NOT NULL,
	set_by     text        NOT NULL REFERENCES people,
	until_at   timestamptz CHECK (until_at >= since),
	ended_by   text REFERENCES people,
	PRIMARY KEY (partner_id, row_group, since),
	CONSTRAINT pay_23_method CHECK (row_group = 'new-resale' AND method IN ('VOUCHER', 'CLOUD_ACCOUNT_OWED') OR row_group = 'others' AND method IN ('VOUCHER', 'BANK', 'CLOUD_ACCOUNT')),
	CHECK ((until_at IS NULL) = (ended_by IS NULL))
);
CREATE UNIQUE INDEX pay_23_one_method ON automatic_release (partner_id, row_group) WHERE until_at IS NULL;
COMMENT ON TABLE  automatic_release IS 'The switch of the automatic release, and what it was before: one method for each row group of the method table (PAY-23).';
COMMENT ON COLUMN automatic_release.until_at IS 'When it was switched off or to another method; NULL: it is on.';

CREATE TABLE automatic_looks (
	partner_id  text          NOT NULL REFERENCES partners,
	row_group   text          NOT NULL,
	day         date          NOT NULL,
	method      text          NOT NULL,
	total       numeric(20,2) NOT NULL,
	outcome     text          NOT NULL CHECK (outcome IN ('requested', 'below-minimum', 'nothing')),
	looked_at   timestamptz   NOT NULL,
	PRIMARY KEY (partner_id, row_group, day)
);
COMMENT ON TABLE  automatic_looks IS 'What the automatic release found on a day on which incentive data was old enough (PAY-19); it looks once.';
COMMENT ON COLUMN automatic_looks.day IS 'The fifth day after data was generated.';
COMMENT ON COLUMN automatic_looks.total IS 'What the requisition would ask for: the requestable bills of the row group less all outstanding negatives (PAY-20).';

---------------------------------------------------------------- what can be requested

-- Every bill of a partner at an instant, what a request for it alone would ask for, and why it cannot be part of one.
-- +goose StatementBegin
CREATE FUNCTION bill_requestable(partner text, at timestamptz)
RETURNS TABLE (bill_id text, association text, period text, generated_at timestamptz, amount numeric, output_tax_rate numeric, payable numeric, requestable boolean, reason text)
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	WITH looked AS (
		SELECT b.*, CASE
			WHEN taken.state = 'COMPLETED' THEN 'PAID'
			WHEN taken.state IS NOT NULL   THEN 'IN_REQUISITION' -- PAY-26
			WHEN b.state = 'VOID'          THEN 'VOID'
			WHEN b.state <> 'RELEASED' OR b.announced_at > at THEN 'NOT_RELEASED' -- PAY-01
			WHEN b.amount < 0              THEN 'OUTSTANDING' -- PAY-27
			WHEN b.amount = 0              THEN 'NOTHING'
			WHEN bill_lapses(b.partner_id, b.announced_at) <= at THEN 'VOID' -- INC-14, before its run has come
			WHEN bill_frozen(b.partner_id, b.period, b.association, at) THEN 'UNPAID_CYCLE' -- PAY-17, PAY-18
			ELSE '' END AS why
		  FROM bills b
		  LEFT JOIN LATERAL (
			SELECT c.state FROM requisition_bills r JOIN cases c USING (case_number) WHERE r.bill_id = b.bill_id AND r.live) taken ON true
		 WHERE b.partner_id = partner
	)
	SELECT l.bill_id, l.association, l.period, l.generated_at, l.amount, l.output_tax_rate,
	       CASE WHEN l.why = ''            THEN l.amount + coalesce((SELECT sum(o.amount) FROM looked o WHERE o.why = 'OUTSTANDING' AND o.currency = l.currency), 0)
	            WHEN l.why = 'OUTSTANDING' THEN l.amount
	            ELSE 0 END,
	       l.why = '', l.why
	  FROM looked l ORDER BY l.bill_id
$$;

CREATE OR REPLACE FUNCTION bill_requested(bill text) RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT EXISTS (SELECT 1 FROM requisition_bills WHERE bill_id = bill AND live)
$$;

CREATE FUNCTION requisition_content(number text) RETURNS bytea LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT sha256(convert_to(string_agg(coalesce(octet_length(f) || ':' || f, '-'), '' ORDER BY n), 'UTF8'))
	  FROM requisitions r,
	       unnest(ARRAY[r.case_number, r.partner_id, r.method, r.gross::text, r.settlement::text, r.currency, r.signing_entity,
	              r.bank_account_name, r.bank_name, r.branch, r.account_no,
	              (SELECT string_agg(b.bill_id || '=' || b.amount, ',' ORDER BY b.bill_id) FROM requisition_bills b WHERE b.case_number = r.case_number)])
	       WITH ORDINALITY AS t(f, n)
	 WHERE r.case_number = number
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION bill_requestable IS 'payable: what a request for the bill alone would ask for, all outstanding negatives taken in (INC-13, PAY-27); it may be negative. reason is empty when the bill may be part of a request.';
COMMENT ON FUNCTION bill_requested IS 'Whether a requisition has the bill, running or paid (PAY-26).';
COMMENT ON FUNCTION requisition_content IS 'SHA-256 over what is approved: the columns in this order, each as its length in octets, a colon and its text.';

GRANT SELECT ON requisitions, requisition_parts, requisition_bills, method_requests, quotas, automatic_release, automatic_looks TO countersign_programme;
GRANT USAGE ON SEQUENCE requisition_numbers, quota_numbers TO countersign_programme;
GRANT INSERT, UPDATE (method, settlement, bank_account_name, bank_name, branch, account_no, received_at, approved_at, paused_at, sent_at, alarmed_at, completed_at, attempts,
                      reference, failure) ON requisitions TO countersign_programme;
GRANT INSERT ON requisition_parts, quotas, automatic_looks TO countersign_programme;
GRANT INSERT (case_number, bill_id, amount), UPDATE (live) ON requisition_bills TO countersign_programme;
GRANT INSERT (case_number, key, wanted_method, reason, asked_by, asked_at), UPDATE (state, answered_at) ON method_requests TO countersign_programme;
GRANT INSERT (partner_id, row_group, method, since, set_by), UPDATE (until_at, ended_by) ON automatic_release TO countersign_programme;

SET LOCAL ROLE NONE;
