-- +goose Up

-- Whose account is whose: companies with several partner accounts, the paths that these are on, natural persons with accounts of
-- their own and their links to a partner. What people do with them is in the migrations that follow.
SET LOCAL ROLE countersign_owner;

---------------------------------------------------------------- companies, paths

CREATE TABLE companies (
	company_id text PRIMARY KEY CONSTRAINT com_03_identifier CHECK (length(company_id) BETWEEN 1 AND 64),
	name       text NOT NULL CHECK (name <> ''),
	address    text NOT NULL DEFAULT '',
	country    text NOT NULL DEFAULT 'CN' CHECK (country ~ '^[A-Z]{2}$')
);
COMMENT ON TABLE  companies IS 'A legal entity. It may own several partner accounts; what is said of it holds for all of them (PGM-14).';
COMMENT ON COLUMN companies.company_id IS 'Its unified social credit code; another country''s own number.';
COMMENT ON COLUMN companies.country IS 'ISO 3166 code.';

ALTER TABLE partners
	ADD COLUMN company_id text REFERENCES companies,
	ADD COLUMN master     text REFERENCES people,
	ADD COLUMN site       text NOT NULL DEFAULT 'china' CHECK (site IN ('china', 'international'));
CREATE INDEX partners_by_company ON partners (company_id);
COMMENT ON COLUMN partners.company_id IS 'Whose account it is; NULL: of a company that has only this one and is not kept.';
COMMENT ON COLUMN partners.master IS 'Who holds the account with which the network was joined, its super administrator; NULL: not known.';
COMMENT ON COLUMN partners.site IS 'Some conditions hold on one site only (ORG-23).';

CREATE TABLE partner_paths (
	partner_id text        NOT NULL REFERENCES partners,
	path       text        NOT NULL CHECK (path IN ('SW', 'SVC', 'SI', 'LRN', 'DST', 'OTH')),
	stage      text        NOT NULL CHECK (stage IN ('SELECTED', 'ROLE_CERTIFIED', 'DIFFERENTIATED')),
	from_at    timestamptz NOT NULL,
	until_at   timestamptz CHECK (until_at > from_at),
	PRIMARY KEY (partner_id, path, from_at)
);
CREATE UNIQUE INDEX pth_one_stage ON partner_paths (partner_id, path) WHERE until_at IS NULL;
COMMENT ON TABLE  partner_paths IS 'Which development paths a partner account is or was on, and at which stage.';
COMMENT ON COLUMN partner_paths.until_at IS 'When the stage ended, this instant out; NULL: it holds.';

-- The stage of a path at an instant; NULL: not on it. The latest row decides, so that a file may say the same span twice.
CREATE FUNCTION path_stage(partner text, which text, at timestamptz) RETURNS text LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT stage FROM partner_paths WHERE partner_id = partner AND path = which AND from_at <= at AND (until_at IS NULL OR at < until_at) ORDER BY from_at DESC LIMIT 1
$$;

---------------------------------------------------------------- natural persons and their links

CREATE TABLE personal_accounts (
	account_id   text PRIMARY KEY CONSTRAINT com_03_identifier CHECK (length(account_id) BETWEEN 1 AND 64),
	account_name text NOT NULL CONSTRAINT org_29_account_name UNIQUE CHECK (account_name <> ''),
	name         text NOT NULL CHECK (name <> ''),
	mobile       text NOT NULL DEFAULT '',
	email        text NOT NULL DEFAULT '',
	real_name    text NOT NULL DEFAULT 'none' CHECK (real_name IN ('none', 'personal', 'enterprise')),
	partner_id   text REFERENCES partners,
	language     text NOT NULL DEFAULT 'zh' CHECK (language IN ('zh', 'en')),
	time_zone    text NOT NULL DEFAULT 'Asia/Shanghai'
);
CREATE INDEX personal_accounts_by_mobile ON personal_accounts (mobile) WHERE mobile <> '';
CREATE INDEX personal_accounts_by_email ON personal_accounts (email) WHERE email <> '';
COMMENT ON TABLE  personal_accounts IS 'Accounts that natural persons hold with the vendor. They are no users of the programme: people are.';
COMMENT ON COLUMN personal_accounts.real_name IS 'Real-name authentication that the account has passed: of a natural person, of an enterprise, or none.';
COMMENT ON COLUMN personal_accounts.partner_id IS 'The account is itself this partner''s (ORG-24); NULL: it is nobody''s but the person''s.';

CREATE TABLE member_links (
	link_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	account_id     text        NOT NULL REFERENCES personal_accounts,
	partner_id     text        NOT NULL REFERENCES partners,
	case_number    text        NOT NULL REFERENCES cases,
	notice_version text        NOT NULL CONSTRAINT org_35_notice CHECK (notice_version <> ''),
	linked_at      timestamptz NOT NULL,
	unlinked_at    timestamptz CHECK (unlinked_at >= linked_at),
	unlinked_by    text REFERENCES people,
	CHECK ((unlinked_at IS NULL) = (unlinked_by IS NULL))
);
CREATE UNIQUE INDEX org_22_one_partner ON member_links (account_id) WHERE unlinked_at IS NULL;
CREATE INDEX member_links_by_account ON member_links (account_id, linked_at);
CREATE INDEX member_links_by_partner ON member_links (partner_id, linked_at);
CREATE INDEX member_links_by_case ON member_links (case_number);
COMMENT ON TABLE  member_links IS 'Which natural persons are or were linked to which partner (ORG-22, ORG-25). A row is closed, never changed otherwise.';
COMMENT ON COLUMN member_links.case_number IS 'The invitation that was accepted.';
COMMENT ON COLUMN member_links.notice_version IS 'The notice on passing on personal data that was ticked, at linked_at (ORG-35).';
COMMENT ON COLUMN member_links.unlinked_at IS 'When it was unbound, this instant out; NULL: it holds.';

-- +goose StatementBegin
CREATE FUNCTION guard_link() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'link % of % is closed', OLD.link_id, OLD.account_id USING ERRCODE = 'check_violation', CONSTRAINT = 'pgm_12_closed_link';
END $$;
-- +goose StatementEnd
CREATE TRIGGER pgm_12_closed_link BEFORE UPDATE ON member_links FOR EACH ROW WHEN (OLD.unlinked_at IS NOT NULL) EXECUTE FUNCTION guard_link();

---------------------------------------------------------------- messages: to natural persons too, in the reader's language and time

ALTER TABLE people
	ADD COLUMN language  text NOT NULL DEFAULT 'zh' CHECK (language IN ('zh', 'en')),
	ADD COLUMN time_zone text NOT NULL DEFAULT 'Asia/Shanghai';
COMMENT ON COLUMN people.time_zone IS 'IANA name of the zone in which messages tell times (PGM-15); rules run on UTC+8 all the same.';

ALTER TABLE outbox ALTER COLUMN person_id DROP NOT NULL, ADD COLUMN account_id text REFERENCES personal_accounts,
	ADD CONSTRAINT outbox_one_reader CHECK (num_nonnulls(person_id, account_id) = 1);
COMMENT ON COLUMN outbox.account_id IS 'The natural person to whom it goes; NULL: person_id. The row is the message on the site, the mail a copy (ORG-28).';

---------------------------------------------------------------- numbers

-- lpad alone would cut the seventh digit off.
CREATE FUNCTION numbered(prefix text, n bigint) RETURNS text LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp AS $$
	SELECT prefix || lpad(n::text, greatest(6, length(n::text)), '0')
$$;
COMMENT ON FUNCTION numbered IS 'A number as people read it: the prefix and at least six digits.';

---------------------------------------------------------------- what the programme's role may do

GRANT SELECT ON companies, partner_paths, personal_accounts, member_links TO countersign_programme;
GRANT INSERT, UPDATE (name, address, country) ON companies TO countersign_programme;
GRANT INSERT, UPDATE (stage, until_at) ON partner_paths TO countersign_programme;
GRANT INSERT, UPDATE (account_name, name, mobile, email, real_name, partner_id, language, time_zone) ON personal_accounts TO countersign_programme;
GRANT INSERT (account_id, partner_id, case_number, notice_version, linked_at), UPDATE (unlinked_at, unlinked_by) ON member_links TO countersign_programme;

SET LOCAL ROLE NONE;
