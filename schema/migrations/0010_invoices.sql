-- +goose Up

-- Invoices of partners to the vendor (INV) and invoices that are owed (OWE). A case of any kind that is paid against an
-- invoice has one list; its invoices are sent in rounds until one round is accepted.
SET LOCAL ROLE countersign_owner;

---------------------------------------------------------------- where invoices go

CREATE TABLE vendor_addresses (
	entity          text PRIMARY KEY CHECK (entity <> ''),
	name            text NOT NULL CHECK (name <> ''),
	mailing_address text NOT NULL CHECK (mailing_address <> ''),
	public_mailbox  text NOT NULL CHECK (public_mailbox <> ''),
	contacts        text NOT NULL DEFAULT ''
);
COMMENT ON TABLE  vendor_addresses IS 'Where invoices to one of the vendor''s entities are sent (INV-03).';
COMMENT ON COLUMN vendor_addresses.name IS 'The buyer as it stands on the invoice.';
COMMENT ON COLUMN vendor_addresses.contacts IS 'Whom the partner asks: names and numbers.';

---------------------------------------------------------------- invoice lists

CREATE SEQUENCE invoice_list_numbers;

CREATE TABLE invoice_lists (
	list_no             text PRIMARY KEY,
	case_number         text          NOT NULL CONSTRAINT inv_10_one_list UNIQUE REFERENCES cases,
	state               text          NOT NULL DEFAULT 'TO_ISSUE',
	supplier_name       text          NOT NULL CHECK (supplier_name <> ''),
	supplier_licence    text          NOT NULL,
	supplier_tax_number text          NOT NULL,
	supplier_address    text          NOT NULL,
	bank_account_name   text          NOT NULL,
	bank_name           text          NOT NULL,
	bank_branch         text          NOT NULL,
	bank_address        text          NOT NULL,
	account_no          text          NOT NULL,
	taxpayer            text          NOT NULL CHECK (taxpayer IN ('general', 'small-scale')),
	buyer_entity        text          NOT NULL CHECK (buyer_entity <> ''),
	buyer_name          text          NOT NULL CHECK (buyer_name <> ''),
	service_item        text          NOT NULL CHECK (service_item <> ''),
	settlement_period   text          NOT NULL CHECK (settlement_period <> ''),
	amount              numeric(20,2) NOT NULL CONSTRAINT com_02_amount CHECK (amount > 0),
	currency            text          NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
	service_rate        numeric(5,2)  NOT NULL CHECK (service_rate BETWEEN 0 AND 100),
	mailing_address     text          NOT NULL CHECK (mailing_address <> ''),
	public_mailbox      text          NOT NULL CHECK (public_mailbox <> ''),
	contacts            text          NOT NULL,
	opened_at           timestamptz   NOT NULL,
	visible_at          timestamptz   NOT NULL CHECK (visible_at >= opened_at),
	due_date            date          NOT NULL
);
COMMENT ON TABLE  invoice_lists IS 'What a partner invoices to be paid for one case, as it stood when the case asked for it; addresses and supplier never change afterwards.';
COMMENT ON COLUMN invoice_lists.amount IS 'Tax included; the invoices of a round add up to it exactly (INV-07, INV-08).';
COMMENT ON COLUMN invoice_lists.currency IS 'The settlement currency of the business information (INV-21).';
COMMENT ON COLUMN invoice_lists.service_rate IS 'Service-fee tax rate in percent, from the taxpayer type (INV-18).';
COMMENT ON COLUMN invoice_lists.buyer_entity IS 'The vendor''s entity on the date of the request: it is invoiced and it pays (INV-13).';
COMMENT ON COLUMN invoice_lists.visible_at IS 'From when the partner sees the list; nothing can be sent before (INV-04).';
COMMENT ON COLUMN invoice_lists.due_date IS 'Last day for sending; later is accepted and marked (INV-12).';

INSERT INTO moves VALUES
	('invoice-list', '',           'TO_ISSUE'),
	('invoice-list', 'TO_ISSUE',   'IN_TRANSIT'),
	('invoice-list', 'IN_TRANSIT', 'IN_REVIEW'),
	('invoice-list', 'IN_REVIEW',  'ACCEPTED'),
	('invoice-list', 'IN_REVIEW',  'TO_REISSUE'),
	('invoice-list', 'TO_REISSUE', 'IN_TRANSIT');

-- +goose StatementBegin
CREATE FUNCTION guard_list_move() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE before text := '';
BEGIN
	IF TG_OP = 'UPDATE' THEN
		IF NEW.state = OLD.state THEN RETURN NEW; END IF;
		before := OLD.state;
	END IF;
	IF NOT EXISTS (SELECT 1 FROM moves m WHERE m.kind = 'invoice-list' AND m.from_state = before AND m.to_state = NEW.state) THEN
		RAISE EXCEPTION 'invoice list %: no move from "%" to "%"', NEW.list_no, before, NEW.state
			USING ERRCODE = 'check_violation', CONSTRAINT = 'eng_03_list';
	END IF;
	IF before <> '' AND NOT coalesce((
		SELECT CASE NEW.state WHEN 'IN_TRANSIT' THEN arrived_at IS NULL WHEN 'IN_REVIEW' THEN arrived_at IS NOT NULL AND result = ''
		            WHEN 'ACCEPTED' THEN result = 'pass' ELSE result = 'fail' END
		  FROM invoice_packages WHERE list_no = NEW.list_no ORDER BY round DESC LIMIT 1), false) THEN
		RAISE EXCEPTION 'invoice list %: its last round is not what "%" says', NEW.list_no, NEW.state
			USING ERRCODE = 'check_violation', CONSTRAINT = 'eng_03_list';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER eng_03_list BEFORE INSERT OR UPDATE OF state ON invoice_lists FOR EACH ROW EXECUTE FUNCTION guard_list_move();

---------------------------------------------------------------- packages: a round each

CREATE TABLE invoice_packages (
	list_no       text        NOT NULL REFERENCES invoice_lists,
	round         int         NOT NULL CHECK (round > 0),
	key           text        NOT NULL CONSTRAINT eng_01_package_key UNIQUE,
	digest        bytea       NOT NULL,
	sent_by       text        NOT NULL REFERENCES people,
	sent_at       timestamptz NOT NULL,
	carrier       text        NOT NULL,
	tracking_no   text        NOT NULL,
	mailbox       text        NOT NULL,
	list_enclosed boolean     NOT NULL CONSTRAINT inv_11_list CHECK (list_enclosed),
	late          boolean     NOT NULL,
	arrived_at    timestamptz,
	arrived_by    text REFERENCES people,
	review_on     date,
	result        text        NOT NULL DEFAULT '' CHECK (result IN ('', 'pass', 'fail')),
	reasons       text[]      NOT NULL DEFAULT '{}',
	note          text        NOT NULL DEFAULT '',
	reviewed_by   text REFERENCES people,
	reviewed_at   timestamptz,
	PRIMARY KEY (list_no, round),
	CHECK (tracking_no <> '' OR mailbox <> ''),
	CHECK ((arrived_at IS NULL) = (arrived_by IS NULL) AND (arrived_at IS NULL) = (review_on IS NULL)),
	CHECK ((result = '') = (reviewed_at IS NULL) AND (result = '' OR arrived_at IS NOT NULL)),
	CHECK (result <> 'fail' OR note <> '' OR cardinality(reasons) > 0),
	CONSTRAINT eng_02_invoice_review CHECK (reviewed_by <> sent_by)
);
CREATE UNIQUE INDEX inv_15_one_round_at_a_time ON invoice_packages (list_no) WHERE result <> 'fail';
COMMENT ON TABLE  invoice_packages IS 'One sending of the invoices of a list; a failed one is followed by a new round, without limit (INV-15).';
COMMENT ON COLUMN invoice_packages.tracking_no IS 'The carrier''s number of the envelope with paper invoices; empty when all are electronic (INV-11).';
COMMENT ON COLUMN invoice_packages.mailbox IS 'The public mailbox to which electronic invoices went; empty when all are paper (INV-11).';
COMMENT ON COLUMN invoice_packages.late IS 'Sent after the due date (INV-12).';
COMMENT ON COLUMN invoice_packages.review_on IS 'Second working day after the arrival: the day the review is due (INV-14).';
COMMENT ON COLUMN invoice_packages.reasons IS 'What the review found, such as MISSING_REQUISITION_NO (INV-20).';

CREATE TABLE invoices (
	invoice_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	list_no     text          NOT NULL,
	round       int           NOT NULL,
	number      text          NOT NULL CONSTRAINT inv_09_number CHECK (number ~ '^[0-9A-Z-]{1,64}$'),
	code        text          NOT NULL CHECK (code ~ '^[0-9A-Z-]{0,64}$'),
	type        text          NOT NULL CONSTRAINT inv_05_type CHECK (type IN ('SPECIAL_PAPER', 'SPECIAL_ELECTRONIC')),
	issued_on   date          NOT NULL,
	currency    text          NOT NULL,
	net         numeric(20,2) NOT NULL CHECK (net > 0),
	tax         numeric(20,2) NOT NULL CHECK (tax >= 0),
	total       numeric(20,2) NOT NULL,
	tax_rate    numeric(5,2)  NOT NULL CHECK (tax_rate BETWEEN 0 AND 100),
	buyer       text          NOT NULL,
	items       jsonb         NOT NULL,
	document_id text CONSTRAINT com_03_invoice_document REFERENCES documents,
	state       text          NOT NULL DEFAULT 'used' CHECK (state IN ('used', 'closed')),
	FOREIGN KEY (list_no, round) REFERENCES invoice_packages,
	CONSTRAINT inv_08_total CHECK (net + tax = total),
	CONSTRAINT inv_10_once UNIQUE (number, code)
);
CREATE INDEX invoices_of_round ON invoices (list_no, round);
COMMENT ON TABLE  invoices IS 'The invoices of a round. Number and code are taken once and for ever: by one case (INV-10), and after a failed review they are closed (INV-16).';
COMMENT ON COLUMN invoices.code IS 'The invoice code of paper forms; empty where the number alone identifies it.';
COMMENT ON COLUMN invoices.items IS 'The other items that stand on it, by name (INV-20).';
COMMENT ON COLUMN invoices.document_id IS 'The stored file; NULL when none was handed in.';

-- +goose StatementBegin
CREATE FUNCTION guard_package() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE l invoice_lists;
BEGIN
	SELECT * INTO STRICT l FROM invoice_lists WHERE list_no = NEW.list_no;
	IF NEW.sent_at < l.visible_at THEN
		RAISE EXCEPTION 'list % is not visible before %', l.list_no, l.visible_at
			USING ERRCODE = 'check_violation', CONSTRAINT = 'inv_04_visible';
	END IF;
	RETURN NEW;
END $$;

-- The invoices of a round add up to the list, at COMMIT.
CREATE FUNCTION guard_round_sum() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
	due  numeric := (SELECT amount FROM invoice_lists WHERE list_no = NEW.list_no);
	have numeric := coalesce((SELECT sum(total) FROM invoices WHERE (list_no, round) = (NEW.list_no, NEW.round)), 0);
BEGIN
	IF have <> due THEN
		RAISE EXCEPTION 'list %, round %: the invoices add up to %, the list says %', NEW.list_no, NEW.round, have, due
			USING ERRCODE = 'check_violation', CONSTRAINT = 'inv_08_sum';
	END IF;
	RETURN NULL;
END $$;

-- A code tells numbers of paper forms apart; added to, or left out of, a number that is taken it makes no new one.
CREATE FUNCTION guard_number() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(hashtextextended('invoice/' || NEW.number, 0));
	IF EXISTS (SELECT 1 FROM invoices WHERE number = NEW.number AND code <> NEW.code AND '' IN (code, NEW.code)) THEN
		RAISE EXCEPTION 'invoice % is used with and without a code', NEW.number
			USING ERRCODE = 'unique_violation', CONSTRAINT = 'inv_10_once';
	END IF;
	RETURN NEW;
END $$;

-- A number that was closed stays closed.
CREATE FUNCTION guard_closed_invoice() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'invoice % is closed', OLD.number USING ERRCODE = 'check_violation', CONSTRAINT = 'inv_16_closed';
END $$;
-- +goose StatementEnd
CREATE TRIGGER inv_15_result BEFORE UPDATE ON invoice_packages FOR EACH ROW
	WHEN (OLD.result <> '' OR OLD.arrived_at IS NOT NULL AND (OLD.arrived_at, OLD.arrived_by, OLD.review_on) IS DISTINCT FROM (NEW.arrived_at, NEW.arrived_by, NEW.review_on))
	EXECUTE FUNCTION refuse_change('inv_15_result'); -- an arrival, and a result, are said once
CREATE TRIGGER inv_10_without_code BEFORE INSERT ON invoices FOR EACH ROW EXECUTE FUNCTION guard_number();
CREATE TRIGGER inv_04_visible BEFORE INSERT ON invoice_packages FOR EACH ROW EXECUTE FUNCTION guard_package();
CREATE CONSTRAINT TRIGGER inv_08_sum AFTER INSERT ON invoice_packages DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION guard_round_sum();
CREATE CONSTRAINT TRIGGER inv_08_sum AFTER INSERT ON invoices DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION guard_round_sum();
CREATE TRIGGER inv_16_closed BEFORE UPDATE ON invoices FOR EACH ROW WHEN (OLD.state = 'closed') EXECUTE FUNCTION guard_closed_invoice();

---------------------------------------------------------------- ordinary invoices by mistake

CREATE SEQUENCE invoice_ticket_numbers;

CREATE TABLE invoice_tickets (
	ticket_no      text PRIMARY KEY,
	case_number    text        NOT NULL REFERENCES cases,
	key            text        NOT NULL,
	digest         bytea       NOT NULL,
	number         text        NOT NULL CHECK (number <> ''),
	return_address text        NOT NULL CONSTRAINT inv_06_address CHECK (btrim(return_address) <> ''),
	recipient      text        NOT NULL CONSTRAINT inv_06_recipient CHECK (btrim(recipient) <> ''),
	opened_by      text        NOT NULL REFERENCES people,
	opened_at      timestamptz NOT NULL,
	tracking_no    text        NOT NULL DEFAULT '',
	returned_by    text REFERENCES people,
	returned_at    timestamptz,
	CONSTRAINT com_20_ticket UNIQUE (case_number, key),
	CHECK ((returned_at IS NULL) = (returned_by IS NULL) AND (returned_at IS NULL) = (tracking_no = ''))
);
COMMENT ON TABLE invoice_tickets IS 'A partner asks for an ordinary invoice back that it sent by mistake, to replace it (INV-06).';

---------------------------------------------------------------- owed invoices

CREATE SEQUENCE owed_entry_numbers;

CREATE TABLE owed_entries (
	entry_id    text PRIMARY KEY,
	key         text          NOT NULL CONSTRAINT eng_01_owed_key UNIQUE,
	partner_id  text          NOT NULL REFERENCES partners,
	source      text          NOT NULL CHECK (source IN ('INCENTIVE_OWED', 'INVOICE_ON_RECEIPT', 'REFUND', 'DOWNGRADE')),
	tax_rate    numeric(5,2)  NOT NULL CHECK (tax_rate BETWEEN 0 AND 100),
	amount      numeric(20,2) NOT NULL CONSTRAINT com_02_amount CHECK (amount > 0),
	remaining   numeric(20,2) NOT NULL CONSTRAINT owe_04_remaining CHECK (remaining BETWEEN 0 AND amount),
	created_at  timestamptz   NOT NULL,
	case_number text REFERENCES cases,
	lot_no      bigint REFERENCES lots
);
CREATE INDEX owed_entries_open ON owed_entries (partner_id, created_at, entry_id) WHERE remaining > 0;
COMMENT ON TABLE  owed_entries IS 'Money granted, or invoiced, before an invoice for it was due: what is set off first against later invoices. What remains of a partner''s entries is always its M.OWED.';
COMMENT ON COLUMN owed_entries.key IS 'The step that wrote it: a step that runs twice finds its first entry.';
COMMENT ON COLUMN owed_entries.tax_rate IS 'In percent; only invoices of the same rate set it off (OWE-05).';
COMMENT ON COLUMN owed_entries.remaining IS 'Not set off yet; moved by owed_offsets only.';
COMMENT ON COLUMN owed_entries.lot_no IS 'The money it was granted with: lots.owed_open is what remains of its entries (WDR-09).';

CREATE SEQUENCE vendor_invoice_numbers;

CREATE TABLE vendor_invoices (
	request_no   text PRIMARY KEY,
	partner_id   text        NOT NULL REFERENCES partners,
	request_key  text        NOT NULL CHECK (length(request_key) BETWEEN 1 AND 64),
	digest       bytea       NOT NULL,
	period       text        NOT NULL CHECK (period = '' OR period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
	requested_by text        NOT NULL REFERENCES people,
	requested_at timestamptz NOT NULL,
	CONSTRAINT com_20_vendor_request UNIQUE (partner_id, request_key)
);
COMMENT ON TABLE  vendor_invoices IS 'A partner asks the vendor for invoices; what it owes is set off first.';
COMMENT ON COLUMN vendor_invoices.period IS 'The billing period that is invoiced; empty when amounts are, whatever their period.';

CREATE TABLE vendor_invoice_lines (
	request_no text          NOT NULL REFERENCES vendor_invoices,
	tax_rate   numeric(5,2)  NOT NULL CHECK (tax_rate BETWEEN 0 AND 100),
	selected   numeric(20,2) NOT NULL CONSTRAINT com_02_amount CHECK (selected > 0),
	set_off    numeric(20,2) NOT NULL CHECK (set_off >= 0),
	invoiced   numeric(20,2) NOT NULL CONSTRAINT owe_03_greater CHECK (invoiced > 0),
	PRIMARY KEY (request_no, tax_rate),
	CONSTRAINT owe_04_rest CHECK (selected - set_off = invoiced)
);
COMMENT ON TABLE vendor_invoice_lines IS 'One invoice for each tax rate: selected less what is set off at that rate.';

CREATE TABLE owed_offsets (
	offset_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	key        text          NOT NULL CONSTRAINT eng_01_offset_key UNIQUE,
	entry_id   text          NOT NULL REFERENCES owed_entries,
	request_no text REFERENCES vendor_invoices,
	amount     numeric(20,2) NOT NULL CONSTRAINT com_02_amount CHECK (amount > 0),
	at         timestamptz   NOT NULL
);
CREATE INDEX owed_offsets_of_entry ON owed_offsets (entry_id);
COMMENT ON TABLE  owed_offsets IS 'What was set off, from which entry; append-only.';
COMMENT ON COLUMN owed_offsets.request_no IS 'The request that set it off; NULL when it was loaded.';
CREATE TRIGGER pgm_12_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON owed_offsets FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('pgm_12_append_only');

-- An entry ties its lot up, an offset frees what it covers (OWE-08, WDR-09).
-- +goose StatementBegin
CREATE FUNCTION tie_up_lot() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
	UPDATE lots SET owed_open = owed_open + NEW.remaining WHERE lot_no = NEW.lot_no;
	RETURN NULL;
END $$;

CREATE FUNCTION set_off_owed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE lot bigint;
BEGIN
	UPDATE owed_entries SET remaining = remaining - NEW.amount WHERE entry_id = NEW.entry_id RETURNING lot_no INTO lot;
	UPDATE lots SET owed_open = owed_open - NEW.amount WHERE lot_no = lot;
	RETURN NULL;
END $$;

-- At COMMIT a request has set off exactly what its lines say, rate by rate (OWE-05), and has left nothing open (OWE-06).
CREATE FUNCTION guard_request() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE partner text := (SELECT partner_id FROM vendor_invoices WHERE request_no = NEW.request_no);
BEGIN
	IF EXISTS (
		SELECT 1 FROM (SELECT tax_rate, set_off FROM vendor_invoice_lines WHERE request_no = NEW.request_no) l
		  FULL JOIN (SELECT e.tax_rate, sum(o.amount) AS amount FROM owed_offsets o JOIN owed_entries e USING (entry_id) WHERE o.request_no = NEW.request_no GROUP BY 1) o USING (tax_rate)
		 WHERE coalesce(l.set_off, 0) <> coalesce(o.amount, 0))
	OR EXISTS (SELECT 1 FROM owed_offsets o JOIN owed_entries e USING (entry_id) WHERE o.request_no = NEW.request_no AND e.partner_id <> partner) THEN
		RAISE EXCEPTION 'request %: what was set off is not what its lines say', NEW.request_no
			USING ERRCODE = 'check_violation', CONSTRAINT = 'owe_05_rate';
	END IF;
	IF EXISTS (SELECT 1 FROM owed_entries WHERE partner_id = partner AND remaining > 0) THEN
		RAISE EXCEPTION 'request %: partner % still owes invoices', NEW.request_no, partner
			USING ERRCODE = 'check_violation', CONSTRAINT = 'owe_06_open';
	END IF;
	RETURN NULL;
END $$;

-- What remains of a partner's entries is M.OWED, at COMMIT, whichever of the two moved.
CREATE FUNCTION guard_owed() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
	p    text := CASE TG_TABLE_NAME WHEN 'owed_entries' THEN to_jsonb(NEW) ->> 'partner_id' ELSE to_jsonb(NEW) ->> 'owner' END;
	memo numeric := coalesce((SELECT balance FROM accounts WHERE account = 'M.OWED:' || p), 0);
	open numeric := coalesce((SELECT sum(remaining) FROM owed_entries WHERE partner_id = p AND remaining > 0), 0);
BEGIN
	IF memo <> open THEN
		RAISE EXCEPTION 'partner %: owed entries add up to %, M.OWED is %', p, open, memo
			USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_owed';
	END IF;
	RETURN NULL;
END $$;
-- +goose StatementEnd

---------------------------------------------------------------- what was owed before there were entries

-- Balances loaded until now knew no tax rate: they are taken at 6 %, the rate of the services that incentives are paid for.
-- The keys are those under which loading the same file again looks for them.
INSERT INTO owed_entries (entry_id, key, partner_id, source, tax_rate, amount, remaining, created_at, lot_no)
SELECT 'OE' || lpad(nextval('owed_entry_numbers')::text, 6, '0'), 'load/lot/' || substr(key, 6), partner_id, 'INCENTIVE_OWED', 6, amount, amount, arrived_at, lot_no
  FROM lots WHERE source = 'INCENTIVE_OWED' ORDER BY lot_no;

INSERT INTO owed_entries (entry_id, key, partner_id, source, tax_rate, amount, remaining, created_at)
SELECT 'OE' || lpad(nextval('owed_entry_numbers')::text, 6, '0'), e.key, substr(p.account, 8), 'REFUND', 6, p.amount, p.amount, e.at
  FROM entries e JOIN postings p USING (entry_id)
 WHERE e.key LIKE 'load/memo/%' AND p.account LIKE 'M.OWED:%' AND p.amount > 0 ORDER BY e.entry_id;

CREATE TRIGGER tie_up_lot AFTER INSERT ON owed_entries FOR EACH ROW WHEN (NEW.lot_no IS NOT NULL) EXECUTE FUNCTION tie_up_lot();

INSERT INTO owed_offsets (key, entry_id, amount, at)
SELECT 'before/' || o.key, o.entry_id, l.amount - l.owed_open, o.created_at
  FROM owed_entries o JOIN lots l USING (lot_no) WHERE l.amount > l.owed_open ORDER BY o.entry_id;

INSERT INTO owed_offsets (key, entry_id, amount, at) -- what was taken back goes to the oldest memos first
SELECT 'before/' || key, entry_id, least(amount, back - earlier), created_at
  FROM (
	SELECT o.key, o.entry_id, o.amount, o.created_at, sum(o.amount) OVER (PARTITION BY o.partner_id ORDER BY o.created_at, o.entry_id) - o.amount AS earlier,
	       (SELECT -sum(p.amount) FROM entries e JOIN postings p USING (entry_id)
	         WHERE e.key LIKE 'load/memo/%' AND p.account = 'M.OWED:' || o.partner_id AND p.amount < 0) AS back
	  FROM owed_entries o WHERE lot_no IS NULL) AS memo
 WHERE back > earlier ORDER BY entry_id;

UPDATE owed_entries e SET remaining = amount - (SELECT sum(o.amount) FROM owed_offsets o WHERE o.entry_id = e.entry_id)
 WHERE EXISTS (SELECT 1 FROM owed_offsets o WHERE o.entry_id = e.entry_id);

CREATE TRIGGER owe_04_set_off AFTER INSERT ON owed_offsets FOR EACH ROW EXECUTE FUNCTION set_off_owed();
CREATE CONSTRAINT TRIGGER owe_06_open AFTER INSERT ON vendor_invoice_lines DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION guard_request();
CREATE CONSTRAINT TRIGGER owe_05_rate AFTER INSERT ON owed_offsets DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.request_no IS NOT NULL) EXECUTE FUNCTION guard_request();
CREATE CONSTRAINT TRIGGER ledger_owed AFTER INSERT OR UPDATE OF remaining ON owed_entries DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION guard_owed();
CREATE CONSTRAINT TRIGGER ledger_owed AFTER UPDATE OF balance ON accounts DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.code = 'M.OWED') EXECUTE FUNCTION guard_owed();

---------------------------------------------------------------- what the programme's role may do

GRANT SELECT ON vendor_addresses, invoice_lists, invoice_packages, invoices, invoice_tickets, owed_entries, vendor_invoices, vendor_invoice_lines, owed_offsets TO countersign_programme;
GRANT USAGE ON SEQUENCE invoice_list_numbers, invoice_ticket_numbers, owed_entry_numbers, vendor_invoice_numbers TO countersign_programme;
GRANT INSERT, UPDATE ON vendor_addresses TO countersign_programme;
GRANT INSERT, UPDATE (state) ON invoice_lists TO countersign_programme;
GRANT INSERT (list_no, round, key, digest, sent_by, sent_at, carrier, tracking_no, mailbox, list_enclosed, late),
      UPDATE (arrived_at, arrived_by, review_on, result, reasons, note, reviewed_by, reviewed_at) ON invoice_packages TO countersign_programme;
GRANT INSERT (list_no, round, number, code, type, issued_on, currency, net, tax, total, tax_rate, buyer, items, document_id), UPDATE (state) ON invoices TO countersign_programme;
GRANT INSERT, UPDATE (tracking_no, returned_by, returned_at) ON invoice_tickets TO countersign_programme;
GRANT INSERT ON owed_entries, vendor_invoices, vendor_invoice_lines TO countersign_programme;
GRANT INSERT (key, entry_id, request_no, amount, at) ON owed_offsets TO countersign_programme;

SET LOCAL ROLE NONE;
