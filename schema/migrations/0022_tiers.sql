-- +goose Up

-- Tiers of the solution-provider membership (TIER): which one holds when, the upgrade from one to a higher one, and the quick
-- registration of another account of a company whose accounts cannot upgrade.
SET LOCAL ROLE countersign_owner;

INSERT INTO moves VALUES
	('tier-upgrade', '',             'UNDER_REVIEW'),
	('tier-upgrade', 'UNDER_REVIEW', 'APPROVED'),
	('tier-upgrade', 'UNDER_REVIEW', 'REJECTED'),
	('tier-upgrade', 'UNDER_REVIEW', 'WITHDRAWN'),
	('tier-upgrade', 'REJECTED',     'UNDER_REVIEW');

CREATE SEQUENCE tier_upgrade_numbers;

---------------------------------------------------------------- tiers

-- 1 for Standard to 4 for Core; NULL: no tier (TIER-01).
CREATE FUNCTION tier_rank(tier text) RETURNS int LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
	SELECT array_position(ARRAY['STANDARD', 'PREFERRED', 'LEADING', 'CORE'], tier)
$$;

CREATE TABLE partner_tiers (
	partner_id  text        NOT NULL,
	plan        text        NOT NULL DEFAULT 'solution-provider' CHECK (plan = 'solution-provider'),
	member_from timestamptz NOT NULL,
	from_at     timestamptz NOT NULL CHECK (from_at >= member_from),
	tier        text        NOT NULL CONSTRAINT tier_01_tier CHECK (tier_rank(tier) IS NOT NULL),
	case_number text        REFERENCES cases,
	set_by      text        NOT NULL,
	PRIMARY KEY (partner_id, member_from, from_at),
	FOREIGN KEY (partner_id, plan, member_from) REFERENCES plan_identities
);
COMMENT ON TABLE  partner_tiers IS 'The tiers of a membership, each until the next one begins; before the first it is Standard. Append-only.';
COMMENT ON COLUMN partner_tiers.member_from IS 'Which membership: when it began.';
COMMENT ON COLUMN partner_tiers.from_at IS 'From this instant on: that of the approval (TIER-11).';
COMMENT ON COLUMN partner_tiers.case_number IS 'The upgrade that was approved; NULL: laid in by an operator.';
COMMENT ON COLUMN partner_tiers.set_by IS 'Who approved it, or laid it in.';
CREATE TRIGGER pgm_12_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON partner_tiers FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('pgm_12_append_only');

-- When the membership began that holds at an instant; NULL: none holds (TIER-02).
CREATE FUNCTION membership_of(partner text, at timestamptz) RETURNS timestamptz LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT max(from_at) FROM plan_identities WHERE partner_id = partner AND plan = 'solution-provider' AND from_at <= at AND (until_at IS NULL OR at < until_at)
$$;

CREATE FUNCTION tier_of(partner text, at timestamptz) RETURNS text LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT coalesce((SELECT t.tier FROM partner_tiers t WHERE t.partner_id = partner AND t.member_from = m AND t.from_at <= at ORDER BY t.from_at DESC LIMIT 1), 'STANDARD')
	  FROM membership_of(partner, at) m WHERE m IS NOT NULL
$$;
COMMENT ON FUNCTION tier_of IS 'The tier of a partner at an instant; NULL: no membership holds. A new membership begins at Standard.';

CREATE TABLE capability_labels (
	partner_id  text NOT NULL REFERENCES partners,
	label       text NOT NULL CHECK (label <> ''),
	obtained_on date NOT NULL,
	valid_until date CHECK (valid_until >= obtained_on),
	PRIMARY KEY (partner_id, label, obtained_on)
);
COMMENT ON TABLE  capability_labels IS 'The capability labels that accounts obtained; a tier may ask for some.';
COMMENT ON COLUMN capability_labels.valid_until IS 'Last day on which it is valid, in full; NULL: without end.';

---------------------------------------------------------------- upgrades

CREATE TABLE tier_upgrades (
	case_number  text PRIMARY KEY REFERENCES cases,
	partner_id   text        NOT NULL,
	plan         text        NOT NULL DEFAULT 'solution-provider' CHECK (plan = 'solution-provider'),
	member_from  timestamptz NOT NULL,
	from_tier    text        NOT NULL CHECK (tier_rank(from_tier) IS NOT NULL),
	target       text        NOT NULL CHECK (tier_rank(target) IS NOT NULL),
	under_review boolean     NOT NULL DEFAULT true,
	effective_at timestamptz,
	CONSTRAINT tier_10_higher CHECK (tier_rank(target) > tier_rank(from_tier)),
	FOREIGN KEY (partner_id, plan, member_from) REFERENCES plan_identities
);
CREATE UNIQUE INDEX tier_12_one_open ON tier_upgrades (partner_id, member_from) WHERE under_review;
COMMENT ON TABLE  tier_upgrades IS 'Applications for a higher tier of a membership.';
COMMENT ON COLUMN tier_upgrades.from_tier IS 'The tier when it was submitted last.';
COMMENT ON COLUMN tier_upgrades.under_review IS 'Whether the case is under review, kept by its moves: one upgrade of a membership at a time (TIER-12).';
COMMENT ON COLUMN tier_upgrades.effective_at IS 'When it was approved: from then on the tier is the target (TIER-11).';

-- +goose StatementBegin
CREATE FUNCTION keep_tier_review() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
	UPDATE tier_upgrades SET under_review = NEW.state = 'UNDER_REVIEW' WHERE case_number = NEW.case_number;
	RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER tier_12_review AFTER UPDATE OF state ON cases FOR EACH ROW WHEN (NEW.kind = 'tier-upgrade' AND OLD.state <> NEW.state) EXECUTE FUNCTION keep_tier_review();

-- A tier begins while its membership holds, as the partner's present one (TIER-02). A case brings the tier that was approved, and
-- only a higher one (TIER-10, TIER-15).
-- +goose StatementBegin
CREATE FUNCTION guard_tier() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF membership_of(NEW.partner_id, NEW.from_at) IS DISTINCT FROM NEW.member_from THEN
		RAISE EXCEPTION 'tier of %: the membership since % does not hold', NEW.partner_id, NEW.member_from USING ERRCODE = 'check_violation', CONSTRAINT = 'tier_02_membership';
	END IF;
	IF NEW.case_number IS NULL THEN
		RETURN NEW;
	END IF;
	IF NOT EXISTS (SELECT 1 FROM tier_upgrades u JOIN cases c USING (case_number, partner_id)
	                WHERE u.case_number = NEW.case_number AND c.kind = 'tier-upgrade' AND c.state = 'APPROVED' AND u.effective_at = NEW.from_at
	                  AND (u.partner_id, u.member_from, u.target) = (NEW.partner_id, NEW.member_from, NEW.tier)) THEN
		RAISE EXCEPTION 'tier of %: case % approves no such tier', NEW.partner_id, NEW.case_number USING ERRCODE = 'check_violation', CONSTRAINT = 'tier_15_approved';
	END IF;
	IF tier_rank(NEW.tier) <= tier_rank(tier_of(NEW.partner_id, NEW.from_at)) THEN
		RAISE EXCEPTION 'tier of %: % is not above the current one', NEW.partner_id, NEW.tier USING ERRCODE = 'check_violation', CONSTRAINT = 'tier_10_higher';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER tier_15_approved BEFORE INSERT ON partner_tiers FOR EACH ROW EXECUTE FUNCTION guard_tier();

CREATE TABLE tier_items (
	case_number text          NOT NULL REFERENCES tier_upgrades,
	round       int           NOT NULL CHECK (round > 0),
	n           int           NOT NULL CHECK (n > 0),
	code        text          NOT NULL,
	chinese     text          NOT NULL,
	english     text          NOT NULL,
	source      text          NOT NULL,
	target      numeric(20,2) NOT NULL,
	current     numeric(20,2) NOT NULL,
	document_id text          CHECK (document_id ~ '^[0-9a-f]{64}$'),
	read_at     timestamptz   NOT NULL,
	PRIMARY KEY (case_number, round, n),
	UNIQUE (case_number, round, code),
	CONSTRAINT tier_05_met CHECK (current >= target)
);
COMMENT ON TABLE  tier_items IS 'The requirements of the target with their values, as read again at each submission (TIER-14). Append-only: nothing changes them later.';
COMMENT ON COLUMN tier_items.round IS 'Which submission: the round of the review.';
COMMENT ON COLUMN tier_items.document_id IS 'The evidence attached for it; NULL: none.';
CREATE TRIGGER pgm_12_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON tier_items FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('pgm_12_append_only');

-- +goose StatementBegin
CREATE FUNCTION tier_upgrade_content(number text) RETURNS bytea LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT sha256(convert_to(string_agg(coalesce(octet_length(f) || ':' || f, '-'), '' ORDER BY n), 'UTF8'))
	  FROM cases c JOIN tier_upgrades u USING (case_number, partner_id),
	       unnest(ARRAY[c.case_number, c.partner_id, to_char(u.member_from AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), u.from_tier, u.target,
	              (SELECT string_agg(concat_ws('=', i.code, i.target::text, i.current::text, i.document_id), ',' ORDER BY i.n) FROM tier_items i
	                WHERE i.case_number = c.case_number AND i.round = (SELECT max(l.round) FROM tier_items l WHERE l.case_number = c.case_number))])
	       WITH ORDINALITY AS t(f, n)
	 WHERE c.case_number = number
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION tier_upgrade_content IS 'SHA-256 over what is reviewed: the columns in this order, each as its length in octets, a colon and its text.';

---------------------------------------------------------------- values of requirements

-- The accounts of a partner's company, its own among them; of a company that is not kept, only its own.
CREATE FUNCTION company_accounts(partner text) RETURNS SETOF text LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT a.partner_id FROM partners p JOIN partners a ON a.partner_id = p.partner_id OR a.company_id = p.company_id WHERE p.partner_id = partner
$$;

-- The cash performance of a company from one month up to another, that one out (TIER-13): what the sheets count, which is cash paid
-- for used resources, of resale and of sales that were brought about. An estimate is not settled, so the month that runs adds nothing.
-- Cut to the fen: nothing is rounded up to a target.
CREATE FUNCTION cash_performance(partner text, first date, after date) RETURNS numeric LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT trunc(coalesce(sum(counted), 0), 2) FROM performance_sheets
	 WHERE partner_id IN (SELECT company_accounts(partner)) AND state <> 'estimated' AND period >= first AND period < after
$$;

---------------------------------------------------------------- another account of the company

-- The verified master account is sent a link; who follows it in time registers a new account of the same company (TIER-09).
CREATE TABLE account_registrations (
	registration_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	partner_id      text        NOT NULL REFERENCES partners,
	master          text        NOT NULL REFERENCES people,
	token_hash      bytea       NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
	verified_at     timestamptz NOT NULL,
	expires_at      timestamptz NOT NULL,
	used_at         timestamptz,
	new_partner     text UNIQUE REFERENCES partners,
	CONSTRAINT tier_09_day CHECK (expires_at = verified_at + interval '24 hours'),
	CONSTRAINT tier_09_link CHECK (used_at >= verified_at AND used_at < expires_at),
	CHECK ((used_at IS NULL) = (new_partner IS NULL))
);
COMMENT ON TABLE  account_registrations IS 'Links for the quick registration of another account of a company. A link is used once; only its hash is kept.';
COMMENT ON COLUMN account_registrations.master IS 'Who holds the master account and was verified by its email and mobile.';
COMMENT ON COLUMN account_registrations.expires_at IS '24 hours after the verification, this instant out (TIER-09).';

CREATE SEQUENCE partner_account_numbers;

-- +goose StatementBegin
CREATE FUNCTION guard_registration() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'link % was used', OLD.registration_id USING ERRCODE = 'check_violation', CONSTRAINT = 'tier_09_used';
END $$;
-- +goose StatementEnd
CREATE TRIGGER tier_09_used BEFORE UPDATE ON account_registrations FOR EACH ROW WHEN (OLD.used_at IS NOT NULL) EXECUTE FUNCTION guard_registration();

-- A mobile number however it is written: without separators, and a Chinese one without the country code.
CREATE FUNCTION mobile_key(number text) RETURNS text LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
	SELECT regexp_replace(translate(number, ' -()', ''), '^(\+|00)86(?=1[0-9]{10}$)', '')
$$;
CREATE INDEX organisation_people_by_mobile ON organisation_people (mobile_key(mobile));
CREATE INDEX personal_accounts_by_mobile_key ON personal_accounts (mobile_key(mobile));

-- Whether it belongs to an account already.
CREATE FUNCTION mobile_used(number text) RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT number <> '' AND (EXISTS (SELECT 1 FROM organisation_people WHERE mobile_key(mobile) = mobile_key(number) AND status <> 'DELETED')
	    OR EXISTS (SELECT 1 FROM personal_accounts WHERE mobile_key(mobile) = mobile_key(number)))
$$;

ALTER TABLE outbox ADD COLUMN mobile text NOT NULL DEFAULT '';
COMMENT ON COLUMN outbox.mobile IS 'The number to which it goes as a text message instead of a mail; empty: a mail.';

-- What has nowhere to go is a message on the site only, and keeps out of the way of those that wait for delivery until its reader has
-- an address: natural persons often have none. The digest's instant is as it was (0003).
ALTER TABLE outbox ADD COLUMN without_address boolean NOT NULL DEFAULT false;
DROP INDEX outbox_waiting;
CREATE INDEX outbox_waiting ON outbox (next_at) WHERE sent_at IS NULL AND NOT without_address;
CREATE INDEX outbox_without_address ON outbox (coalesce(person_id, account_id)) WHERE without_address;
COMMENT ON COLUMN outbox.without_address IS 'Its reader has none yet: kept when it is written, and when the address is entered.';

CREATE FUNCTION without_address(person text, account text) RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT EXISTS (SELECT 1 FROM people WHERE person_id = person AND email = '') OR EXISTS (SELECT 1 FROM personal_accounts WHERE account_id = account AND email = '')
$$;

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION plan_message() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF NOT NEW.secret AND EXISTS (SELECT 1 FROM people WHERE person_id = NEW.person_id AND notify = 'digest') THEN
		NEW.digest_at := (date_trunc('day', (NEW.written_at - interval '9 hours') AT TIME ZONE interval '8 hours')
			+ interval '1 day 9 hours') AT TIME ZONE interval '8 hours';
		NEW.next_at := NEW.digest_at;
	END IF;
	IF NEW.mobile = '' AND NEW.address IS NULL AND without_address(NEW.person_id, NEW.account_id) THEN -- who enters the address just now waits, or is waited for
		PERFORM pg_advisory_xact_lock_shared(hashtext('address/' || coalesce(NEW.person_id, NEW.account_id)));
		NEW.without_address := without_address(NEW.person_id, NEW.account_id);
	END IF;
	RETURN NEW;
END $$;

CREATE FUNCTION send_waiting() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(hashtext('address/' || (to_jsonb(NEW) ->> TG_ARGV[0])));
	UPDATE outbox SET without_address = false
	 WHERE coalesce(person_id, account_id) = to_jsonb(NEW) ->> TG_ARGV[0] AND (person_id IS NOT NULL) = (TG_ARGV[0] = 'person_id') AND without_address;
	RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER send_waiting AFTER UPDATE OF email ON people FOR EACH ROW WHEN (OLD.email = '' AND NEW.email <> '') EXECUTE FUNCTION send_waiting('person_id');
CREATE TRIGGER send_waiting AFTER UPDATE OF email ON personal_accounts FOR EACH ROW WHEN (OLD.email = '' AND NEW.email <> '') EXECUTE FUNCTION send_waiting('account_id');
UPDATE outbox m SET without_address = true FROM people p WHERE p.person_id = m.person_id AND p.email = '' AND m.sent_at IS NULL;

---------------------------------------------------------------- what the programme's role may do

GRANT USAGE ON SEQUENCE tier_upgrade_numbers, partner_account_numbers TO countersign_programme;
GRANT SELECT ON partner_tiers, capability_labels, tier_upgrades, tier_items, account_registrations TO countersign_programme;
GRANT INSERT (partner_id, member_from, from_at, tier, case_number, set_by) ON partner_tiers TO countersign_programme;
GRANT INSERT, UPDATE (valid_until) ON capability_labels TO countersign_programme;
GRANT INSERT (case_number, partner_id, member_from, from_tier, target), UPDATE (from_tier, effective_at) ON tier_upgrades TO countersign_programme;
GRANT INSERT ON tier_items TO countersign_programme;
GRANT INSERT (partner_id, master, token_hash, verified_at, expires_at), UPDATE (used_at, new_partner) ON account_registrations TO countersign_programme;

SET LOCAL ROLE NONE;
