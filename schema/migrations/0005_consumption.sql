-- +goose Up

SET LOCAL ROLE countersign_owner;

---------------------------------------------------------------- what is known before a file comes

-- A range of one text stands for the text itself, so that the exclusion below needs no extension.
CREATE TYPE text_span AS RANGE (subtype = text, collation = "C");

CREATE TABLE customer_bindings (
	customer_id text        NOT NULL REFERENCES customers,
	partner_id  text        NOT NULL REFERENCES partners,
	association text        NOT NULL CHECK (association IN ('resale', 'advisory')),
	tier2       text        REFERENCES partners,
	rebound     boolean     NOT NULL DEFAULT false,
	bound_from  timestamptz NOT NULL,
	bound_until timestamptz,
	set_by      text        NOT NULL,
	set_at      timestamptz NOT NULL,
	PRIMARY KEY (customer_id, bound_from),
	CONSTRAINT perf_01_binding_window CHECK (bound_from < bound_until),
	CONSTRAINT perf_11_tier_1 CHECK (tier2 <> partner_id),
	CONSTRAINT perf_01_one_partner EXCLUDE USING gist (
		text_span(customer_id, customer_id, '[]') WITH &&, tstzrange(bound_from, bound_until) WITH &&)
);
CREATE INDEX customer_bindings_by_partner ON customer_bindings (partner_id);
COMMENT ON TABLE  customer_bindings IS 'Whose customer somebody is, and since when: the partner to whom the customer''s consumption counts (PERF-01).';
COMMENT ON COLUMN customer_bindings.association IS 'resale: the partner invoices the customer. advisory: the vendor does.';
COMMENT ON COLUMN customer_bindings.tier2 IS 'The reseller whose customer it is; partner_id is then its tier-1, to whom the performance goes (PERF-11). NULL: none.';
COMMENT ON COLUMN customer_bindings.rebound IS 'A mid- or long-tail customer that came from another partner: no incentive for six months (PERF-13).';
COMMENT ON COLUMN customer_bindings.bound_until IS 'The first instant at which it holds no more; NULL: it still holds.';

CREATE TABLE billing_accounts (
	provider        text NOT NULL CHECK (provider <> ''),
	billing_account text NOT NULL CHECK (billing_account <> ''),
	sub_account     text NOT NULL,
	customer_id     text NOT NULL REFERENCES customers,
	set_by          text NOT NULL,
	set_at          timestamptz NOT NULL,
	PRIMARY KEY (provider, billing_account, sub_account)
);
COMMENT ON TABLE  billing_accounts IS 'Which customer a provider''s account belongs to: a billing export names accounts only.';
COMMENT ON COLUMN billing_accounts.sub_account IS 'Empty: charges of the billing account itself.';

CREATE TABLE exchange_rates (
	currency     text    NOT NULL CHECK (currency ~ '^[A-Z]{3}$' AND currency <> 'CNY'),
	month        date    NOT NULL CHECK (extract(day FROM month) = 1),
	rate         numeric NOT NULL CHECK (rate > 0),
	set_by       text        NOT NULL,
	set_at       timestamptz NOT NULL,
	first_import bigint,
	PRIMARY KEY (currency, month)
);
COMMENT ON TABLE  exchange_rates IS 'CNY for one unit of a currency, for what counts in a month.';
COMMENT ON COLUMN exchange_rates.first_import IS 'The import that used it first: since then it stays as it is. NULL: it may still be mended.';

---------------------------------------------------------------- consumption

CREATE SEQUENCE consumption_import_numbers;

CREATE TABLE consumption_imports (
	import_id     bigint PRIMARY KEY,
	content_hash  bytea       NOT NULL CHECK (octet_length(content_hash) = 32),
	octets        bigint      NOT NULL CHECK (octets > 0),
	file_name     text        NOT NULL,
	format        text        NOT NULL CHECK (format IN ('focus-1.0', 'programme')),
	rows_added    bigint      NOT NULL CHECK (rows_added >= 0),
	rows_known    bigint      NOT NULL CHECK (rows_known >= 0),
	rows_repeated bigint      NOT NULL CHECK (rows_repeated >= 0),
	rows_bad      bigint      NOT NULL CHECK (rows_bad >= 0),
	imported_by   text        NOT NULL REFERENCES people,
	imported_at   timestamptz NOT NULL
);
CREATE UNIQUE INDEX eng_01_import ON consumption_imports (content_hash) WHERE rows_bad = 0;
COMMENT ON TABLE  consumption_imports IS 'A file of consumption that was taken in. Without bad rows it is taken in once (ENG-01); one with bad rows may come again when their cause is mended, and adds only these.';
COMMENT ON COLUMN consumption_imports.octets IS 'Its size: a file of a size that none had is a new one, and need not be read beforehand for its hash.';
COMMENT ON COLUMN consumption_imports.rows_known IS 'Rows that an earlier file had brought.';
COMMENT ON COLUMN consumption_imports.rows_repeated IS 'Rows that stand in this file more than once: each was added once.';
COMMENT ON COLUMN consumption_imports.rows_bad IS 'Rows that were left out.';

-- No foreign keys: a check for each of a million rows costs more than the rows. The import compares with all of them at once.
CREATE TABLE consumption (
	used_at           timestamptz NOT NULL,
	posted_at         timestamptz NOT NULL,
	import_id         bigint      NOT NULL,
	period            date        NOT NULL,
	line              int         NOT NULL CHECK (line > 0),
	marketplace       boolean     NOT NULL DEFAULT false,
	row_key           bytea       NOT NULL CHECK (octet_length(row_key) = 16),
	partner_id        text        NOT NULL,
	customer_id       text        NOT NULL,
	order_id          text        NOT NULL DEFAULT '',
	product           text        NOT NULL CHECK (product <> ''),
	billing_mode      text        NOT NULL CHECK (billing_mode IN ('subscription', 'pay-per-use', 'monthly-settled')),
	charge            text        NOT NULL CHECK (charge IN ('usage', 'refund', 'purchase', 'top-up', 'card-purchase', 'tax', 'credit', 'adjustment')),
	association       text        NOT NULL CHECK (association IN ('resale', 'advisory')),
	region            text        NOT NULL DEFAULT '',
	tier2             text        NOT NULL DEFAULT '',
	currency          text        NOT NULL DEFAULT 'CNY',
	original          numeric     NOT NULL,
	rate              numeric     NOT NULL DEFAULT 1 CHECK (rate > 0),
	cash              numeric     NOT NULL,
	stored_value_card numeric     NOT NULL DEFAULT 0,
	voucher           numeric     NOT NULL DEFAULT 0,
	excluded_coupon   numeric     NOT NULL DEFAULT 0,
	gross             numeric     NOT NULL GENERATED ALWAYS AS (cash + stored_value_card + voucher + excluded_coupon) STORED,
	PRIMARY KEY (period, partner_id, row_key),
	CONSTRAINT perf_09_posted CHECK (posted_at >= used_at),
	CONSTRAINT perf_09_month CHECK (period = date_trunc('month',
		CASE billing_mode WHEN 'monthly-settled' THEN posted_at ELSE used_at END AT TIME ZONE interval '8 hours')),
	CONSTRAINT perf_03_whole CHECK (gross = original * rate),
	CONSTRAINT perf_02_sign CHECK (
		CASE charge WHEN 'usage'  THEN cash >= 0 AND stored_value_card >= 0 AND voucher >= 0 AND excluded_coupon >= 0
		            WHEN 'refund' THEN cash <= 0 AND stored_value_card <= 0 AND voucher <= 0 AND excluded_coupon <= 0
		            ELSE true END),
	CONSTRAINT perf_11_tier_1 CHECK (tier2 <> partner_id)
) PARTITION BY RANGE (period);
CREATE INDEX consumption_late ON consumption (partner_id, used_at)
 WHERE period <> date_trunc('month', used_at AT TIME ZONE interval '8 hours');
COMMENT ON TABLE  consumption IS 'What customers used and how it was paid, as billed; what of it counts is decided elsewhere. Append-only. A partition for each month, see consumption_month.';
COMMENT ON COLUMN consumption.period IS 'First day of the month in which it counts: that of use, and that of posting for products settled monthly (PERF-09).';
COMMENT ON COLUMN consumption.row_key IS 'The first 16 octets of a SHA-256 over what the row says: the same row of another file is the same row.';
COMMENT ON COLUMN consumption.line IS 'Where in the file the row begins.';
COMMENT ON COLUMN consumption.charge IS 'usage: a resource was used and paid for; refund: some of that was given back (negative). The others bring no performance by themselves (PERF-02, PERF-05).';
COMMENT ON COLUMN consumption.tier2 IS 'The reseller whose customer it is, or empty (PERF-11).';
COMMENT ON COLUMN consumption.original IS 'As billed, in its currency. rate makes it CNY; what follows is in CNY and not rounded.';
COMMENT ON COLUMN consumption.voucher IS 'Paid by a voucher of the vendor: not cash (PERF-04).';
COMMENT ON COLUMN consumption.excluded_coupon IS 'Paid by a cash coupon that is marked as no performance (PERF-04).';
CREATE TRIGGER pgm_12_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON consumption FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('pgm_12_append_only');
CREATE TRIGGER pgm_12_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON consumption_imports FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('pgm_12_append_only');

-- Makes the partitions of a month unless they are there. The month is made beside the table and attached, since that lets
-- others read and write meanwhile; PARTITION OF would wait for all of them, a running import included.
-- +goose StatementBegin
CREATE FUNCTION consumption_month(day date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	first date := date_trunc('month', day::timestamp);
	name  name := 'consumption_' || to_char(day, 'YYYY_MM');
BEGIN
	IF first NOT BETWEEN '2000-01-01' AND '2099-12-01' THEN
		RAISE EXCEPTION 'no consumption is kept for %', first USING ERRCODE = 'check_violation';
	END IF;
	IF to_regclass(name) IS NOT NULL THEN RETURN; END IF;
	PERFORM pg_advisory_xact_lock(hashtext('consumption_month'));
	-- Somebody may have been faster; to_regclass would answer from before the wait.
	IF EXISTS (SELECT 1 FROM pg_class WHERE relname = name AND relnamespace = 'public'::regnamespace) THEN RETURN; END IF;
	EXECUTE format('CREATE TABLE %I (LIKE consumption INCLUDING ALL) PARTITION BY HASH (partner_id)', name);
	FOR i IN 0..7 LOOP
		EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS 8, REMAINDER %s)', name || '_' || i, name, i);
	END LOOP;
	EXECUTE format('ALTER TABLE consumption ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, first, first + interval '1 month');
END $$;
-- +goose StatementEnd

---------------------------------------------------------------- what consumption was counted by stays

-- A row keeps the partner, the customer and the rate by which it was counted. Would these change under it, the same row
-- in a later file would count again for somebody else.
-- +goose StatementBegin
CREATE FUNCTION guard_binding() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
	-- From where on the binding is another one: all of it, or what lies after the earlier of the two ends.
	since timestamptz := CASE
		WHEN TG_OP = 'UPDATE' AND (OLD.customer_id, OLD.partner_id, OLD.association, coalesce(OLD.tier2, ''), OLD.rebound, OLD.bound_from)
			= (NEW.customer_id, NEW.partner_id, NEW.association, coalesce(NEW.tier2, ''), NEW.rebound, NEW.bound_from)
		THEN coalesce(least(OLD.bound_until, NEW.bound_until), 'infinity') ELSE OLD.bound_from END;
BEGIN
	IF EXISTS (SELECT 1 FROM consumption c
		 WHERE c.partner_id = OLD.partner_id AND c.customer_id = OLD.customer_id
		   AND c.period >= date_trunc('month', since AT TIME ZONE interval '8 hours') AND c.used_at >= since
		   AND c.used_at < coalesce(OLD.bound_until, 'infinity')) THEN
		RAISE EXCEPTION 'consumption of % was counted by this binding', OLD.customer_id
			USING ERRCODE = 'check_violation', CONSTRAINT = 'perf_01_binding_used';
	END IF;
	RETURN NEW;
END $$;

CREATE FUNCTION guard_billing_account() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF EXISTS (SELECT 1 FROM consumption c WHERE c.customer_id = OLD.customer_id
		AND c.partner_id IN (SELECT b.partner_id FROM customer_bindings b WHERE b.customer_id = OLD.customer_id)) THEN
		RAISE EXCEPTION 'consumption of % was counted by this account', OLD.customer_id
			USING ERRCODE = 'check_violation', CONSTRAINT = 'perf_01_account_used';
	END IF;
	RETURN NEW;
END $$;

CREATE FUNCTION guard_rate() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'the rate of % for % was used', OLD.currency, OLD.month USING ERRCODE = 'check_violation', CONSTRAINT = 'perf_03_rate_used';
END $$;
-- +goose StatementEnd
CREATE TRIGGER perf_01_binding_used BEFORE UPDATE ON customer_bindings FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION guard_binding();
CREATE TRIGGER perf_01_account_used BEFORE UPDATE ON billing_accounts FOR EACH ROW WHEN (OLD.customer_id <> NEW.customer_id) EXECUTE FUNCTION guard_billing_account();
CREATE TRIGGER perf_03_rate_used BEFORE UPDATE ON exchange_rates FOR EACH ROW WHEN (OLD.first_import IS NOT NULL) EXECUTE FUNCTION guard_rate();

---------------------------------------------------------------- what the programme's role may do

GRANT SELECT ON customer_bindings, billing_accounts, exchange_rates, consumption_imports, consumption TO countersign_programme;
GRANT USAGE ON SEQUENCE consumption_import_numbers TO countersign_programme;
GRANT INSERT, UPDATE (partner_id, association, tier2, rebound, bound_until, set_by, set_at) ON customer_bindings TO countersign_programme;
GRANT INSERT, UPDATE (customer_id, set_by, set_at) ON billing_accounts TO countersign_programme;
GRANT INSERT (currency, month, rate, set_by, set_at), UPDATE (rate, set_by, set_at, first_import) ON exchange_rates TO countersign_programme;
GRANT INSERT ON consumption_imports TO countersign_programme;
GRANT INSERT (used_at, posted_at, import_id, period, line, marketplace, row_key, partner_id, customer_id, order_id, product, billing_mode, charge,
              association, region, tier2, currency, original, rate, cash, stored_value_card, voucher, excluded_coupon) ON consumption TO countersign_programme;

SET LOCAL ROLE NONE;
