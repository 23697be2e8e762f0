-- +goose Up

SET LOCAL ROLE countersign_owner;

---------------------------------------------------------------- from where is paid

CREATE TABLE paying_accounts (
	account_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	entity     text        NOT NULL CHECK (entity <> ''),
	name       text        NOT NULL CHECK (length(name) BETWEEN 1 AND 140),
	account_no text        NOT NULL CHECK (length(account_no) BETWEEN 1 AND 34),
	bic        text        NOT NULL DEFAULT '' CHECK (bic = '' OR bic ~ '^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$'),
	set_by     text        NOT NULL CHECK (set_by <> ''),
	set_at     timestamptz NOT NULL
);
CREATE INDEX paying_accounts_of_entity ON paying_accounts (entity, account_id);
COMMENT ON TABLE  paying_accounts IS 'Bank accounts from which the vendor''s entities pay. Payments leave from the newest of an entity; statements of all of them are read.';
COMMENT ON COLUMN paying_accounts.account_no IS 'An IBAN, or the bank''s own number.';
COMMENT ON COLUMN paying_accounts.set_by IS 'A person, or who loaded the programme.';
CREATE TRIGGER pgm_12_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON paying_accounts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('pgm_12_append_only');

---------------------------------------------------------------- orders: files for a bank

CREATE SEQUENCE payment_order_numbers;

CREATE TABLE payment_batches (
	message_id text PRIMARY KEY DEFAULT 'X' || lpad(nextval('payment_order_numbers')::text, 6, '0'),
	key        text        NOT NULL CONSTRAINT com_20_export_key UNIQUE CHECK (length(key) BETWEEN 1 AND 64),
	made_by    text        NOT NULL REFERENCES people,
	made_at    timestamptz NOT NULL,
	file       text,
	hash       bytea,
	written_at timestamptz,
	CHECK ((file IS NULL) = (written_at IS NULL) AND (file IS NULL) = (hash IS NULL))
);
COMMENT ON TABLE  payment_batches IS 'One file for a bank. Payments join it while it is not written; written, it never changes.';
COMMENT ON COLUMN payment_batches.message_id IS 'By which the bank knows it, for ever.';
COMMENT ON COLUMN payment_batches.key IS 'Request key of the export: the same again answers the same file.';
COMMENT ON COLUMN payment_batches.file IS 'Its text, octet for octet; NULL until it is written. hash is its SHA-256.';

-- +goose StatementBegin
CREATE FUNCTION guard_order() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'order % is written', OLD.message_id USING ERRCODE = 'check_violation', CONSTRAINT = 'eng_03_order_written';
END $$;
-- +goose StatementEnd
CREATE TRIGGER eng_03_order_written BEFORE UPDATE ON payment_batches FOR EACH ROW WHEN (OLD.file IS NOT NULL) EXECUTE FUNCTION guard_order();

---------------------------------------------------------------- payments

CREATE TABLE payments (
	end_to_end_id text PRIMARY KEY CHECK (length(end_to_end_id) BETWEEN 1 AND 35),
	case_number   text          NOT NULL REFERENCES cases,
	amount        numeric(20,2) NOT NULL CONSTRAINT com_02_amount CHECK (amount > 0),
	currency      text          NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
	payee         text          NOT NULL,
	account_no    text          NOT NULL,
	bank          text          NOT NULL,
	branch        text          NOT NULL,
	paying_entity text          NOT NULL CHECK (paying_entity <> ''),
	state         text          NOT NULL DEFAULT 'READY',
	message_id    text REFERENCES payment_batches,
	group_id      text CHECK (group_id IS NULL OR message_id IS NOT NULL),
	ordered_at    timestamptz   NOT NULL,
	changed_at    timestamptz   NOT NULL,
	CONSTRAINT eng_03_payment_state CHECK (state IN ('READY', 'EXPORTED', 'BY_HAND', 'ACCEPTED', 'CONFIRMED', 'RETURNED', 'REJECTED', 'DROPPED')),
	CONSTRAINT eng_03_payment_order CHECK (CASE WHEN state IN ('READY', 'BY_HAND', 'DROPPED') THEN message_id IS NULL
	                                            WHEN state IN ('EXPORTED', 'ACCEPTED', 'REJECTED') THEN message_id IS NOT NULL ELSE true END)
);
CREATE INDEX payments_of_case ON payments (case_number);
CREATE INDEX payments_of_order ON payments (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX payments_ready ON payments (ordered_at) WHERE state = 'READY';
CREATE UNIQUE INDEX eng_01_one_payment ON payments (case_number) WHERE state NOT IN ('RETURNED', 'REJECTED', 'DROPPED');
COMMENT ON TABLE  payments IS 'One transfer by a bank, ordered when its case is approved. It leaves in a file or by hand, never both.';
COMMENT ON COLUMN payments.end_to_end_id IS 'Case number and attempt; the bank repeats it in every answer.';
COMMENT ON COLUMN payments.message_id IS 'The order it was released into; NULL: by hand, or not yet.';
COMMENT ON COLUMN payments.group_id IS 'Its group in the written file; NULL: no file carries it.';

-- The same list stands in domain/payment, a test compares them.
-- +goose StatementBegin
CREATE FUNCTION guard_payment() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF TG_OP = 'INSERT' THEN
		IF NEW.state = 'READY' THEN RETURN NEW; END IF;
	ELSIF (OLD.state, NEW.state) IN (
		('READY', 'EXPORTED'), ('READY', 'BY_HAND'), ('READY', 'DROPPED'),
		('EXPORTED', 'ACCEPTED'), ('EXPORTED', 'CONFIRMED'), ('EXPORTED', 'RETURNED'), ('EXPORTED', 'REJECTED'),
		('ACCEPTED', 'CONFIRMED'), ('ACCEPTED', 'RETURNED'), ('ACCEPTED', 'REJECTED'),
		('BY_HAND', 'CONFIRMED'), ('BY_HAND', 'RETURNED')) AND (NEW.message_id IS NOT DISTINCT FROM OLD.message_id OR NEW.state = 'EXPORTED')
		AND NEW.group_id IS NOT DISTINCT FROM OLD.group_id THEN
		IF NEW.state <> 'EXPORTED' OR EXISTS (SELECT 1 FROM payment_batches WHERE message_id = NEW.message_id AND file IS NULL) THEN RETURN NEW; END IF;
		RAISE EXCEPTION 'order % is written, payment % cannot join it', NEW.message_id, NEW.end_to_end_id
			USING ERRCODE = 'check_violation', CONSTRAINT = 'eng_03_order_written';
	ELSIF (OLD.state, NEW.state, NEW.message_id) = ('EXPORTED', 'EXPORTED', OLD.message_id) AND OLD.group_id IS NULL -- it gets its place in the file, once
		AND EXISTS (SELECT 1 FROM payment_batches WHERE message_id = NEW.message_id AND file IS NULL) THEN RETURN NEW;
	END IF;
	RAISE EXCEPTION 'payment %: no move to %', NEW.end_to_end_id, NEW.state USING ERRCODE = 'check_violation', CONSTRAINT = 'eng_03_payment_move';
END $$;
-- +goose StatementEnd
CREATE TRIGGER eng_03_payment_move BEFORE INSERT OR UPDATE OF state, message_id, group_id ON payments FOR EACH ROW EXECUTE FUNCTION guard_payment();

-- Withdrawals in flight: what waits for its release may leave in a file; what was sent before, people have sent.
INSERT INTO payments (end_to_end_id, case_number, amount, currency, payee, account_no, bank, branch, paying_entity, ordered_at, changed_at)
SELECT c.case_number || '-1', c.case_number, w.amount, w.currency, w.holder, w.account_no, w.bank, w.branch, w.paying_entity, coalesce(w.approved_at, c.opened_at), coalesce(w.approved_at, c.opened_at)
  FROM cases c JOIN withdrawals w USING (case_number) WHERE c.state IN ('APPROVED', 'PAYING') AND w.paid_from = 'V.BANK';
UPDATE payments p SET state = 'BY_HAND' FROM cases c WHERE c.case_number = p.case_number AND c.state = 'PAYING';

---------------------------------------------------------------- what the bank answers

CREATE TABLE statement_files (
	content_hash bytea PRIMARY KEY CONSTRAINT eng_01_statement_hash CHECK (octet_length(content_hash) = 32),
	name         text        NOT NULL,
	schema       text        NOT NULL,
	message_id   text        NOT NULL,
	lines        int         NOT NULL CHECK (lines >= 0),
	imported_by  text        NOT NULL REFERENCES people,
	imported_at  timestamptz NOT NULL
);
COMMENT ON TABLE  statement_files IS 'Status reports and statements that were read. The same octets again change nothing.';
COMMENT ON COLUMN statement_files.content_hash IS 'SHA-256 of the file.';
COMMENT ON COLUMN statement_files.schema IS 'Its namespace.';
CREATE TRIGGER pgm_12_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON statement_files FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('pgm_12_append_only');

CREATE TABLE statement_lines (
	content_hash  bytea NOT NULL REFERENCES statement_files,
	line          int   NOT NULL CHECK (line > 0),
	row_no        int   NOT NULL,
	kind          text  NOT NULL CHECK (kind IN ('paid', 'returned', 'accepted', 'rejected', 'unclear', 'other')),
	end_to_end_id text  NOT NULL,
	order_id      text  NOT NULL DEFAULT '',
	payment_id    text REFERENCES payments,
	amount        numeric CHECK (amount >= 0 AND amount < 1e18 AND scale(amount) <= 5),
	currency      text  NOT NULL DEFAULT '',
	booked        date,
	reference     text  NOT NULL DEFAULT '',
	account_no    text  NOT NULL DEFAULT '',
	reason        text  NOT NULL DEFAULT '',
	result        text  NOT NULL CHECK (result IN ('settles', 'returns', 'returns-late', 'accepts', 'notes', 'differs', 'unexpected', 'known', 'unknown')),
	note          text  NOT NULL DEFAULT '',
	PRIMARY KEY (content_hash, line),
	CHECK ((result = 'unknown') = (payment_id IS NULL))
);
CREATE INDEX statement_lines_of_payment ON statement_lines (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX statement_lines_for_people ON statement_lines (content_hash, line) WHERE result IN ('differs', 'unexpected');
CREATE UNIQUE INDEX eng_01_settled_once ON statement_lines (payment_id) WHERE result = 'settles';
CREATE UNIQUE INDEX eng_01_returned_once ON statement_lines (payment_id) WHERE result = 'returns';
COMMENT ON TABLE  statement_lines IS 'What the bank said, line by line, and what it meant when it was read. One line settles a payment, one returns it.';
COMMENT ON COLUMN statement_lines.row_no IS 'Where it stands in the file.';
COMMENT ON COLUMN statement_lines.order_id IS 'The order that a status report answers; empty for a statement.';
COMMENT ON COLUMN statement_lines.amount IS 'As the bank writes it, with at most five decimals; NULL: it tells none.';
COMMENT ON COLUMN statement_lines.payment_id IS 'The payment it is about; NULL: none of ours.';
COMMENT ON COLUMN statement_lines.result IS 'settles, returns and returns-late are carried out by a decision on the case; differs and unexpected wait for people.';
CREATE TRIGGER pgm_12_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON statement_lines FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('pgm_12_append_only');

---------------------------------------------------------------- what the programme's role may do

GRANT SELECT ON paying_accounts, payment_batches, payments, statement_files, statement_lines TO countersign_programme;
GRANT USAGE ON SEQUENCE payment_order_numbers TO countersign_programme;
GRANT INSERT (entity, name, account_no, bic, set_by, set_at) ON paying_accounts TO countersign_programme;
GRANT INSERT (key, made_by, made_at), UPDATE (file, hash, written_at) ON payment_batches TO countersign_programme;
GRANT INSERT (end_to_end_id, case_number, amount, currency, payee, account_no, bank, branch, paying_entity, ordered_at, changed_at),
      UPDATE (state, message_id, group_id, changed_at) ON payments TO countersign_programme;
GRANT INSERT ON statement_files, statement_lines TO countersign_programme;

SET LOCAL ROLE NONE;
