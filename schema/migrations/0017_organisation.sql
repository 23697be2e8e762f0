-- +goose Up

-- The people of a partner as its organisation: accounts with a name that stays, roles of the programme and of the partner's own
-- making, passwords, qualifications under review, contacts for customers, drafts; what was uncovered of what lists mask.
SET LOCAL ROLE countersign_owner;

---------------------------------------------------------------- persons

CREATE SEQUENCE organisation_numbers;
COMMENT ON SEQUENCE organisation_numbers IS 'Of persons (U000001) and of custom roles (R000001).';

CREATE TABLE organisation_people (
	person_id       text PRIMARY KEY REFERENCES people,
	account_name    text NOT NULL CONSTRAINT org_03_account_name UNIQUE CHECK (length(account_name) BETWEEN 1 AND 64),
	mobile          text NOT NULL DEFAULT '',
	status          text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'DISABLED', 'DELETED')),
	director        text REFERENCES people CHECK (director <> person_id),
	password        text NOT NULL DEFAULT '' CHECK (password = '' OR password LIKE '$argon2id$%'),
	password_set_at timestamptz,
	must_change     boolean NOT NULL DEFAULT false,
	wrong_tries     int NOT NULL DEFAULT 0 CHECK (wrong_tries >= 0),
	locked_until    timestamptz
);
CREATE INDEX organisation_people_by_director ON organisation_people (director) WHERE director IS NOT NULL;
COMMENT ON TABLE  organisation_people IS 'The accounts of the partners'' people. Who came with the programme file signs in by their ID, once a password is set.';
COMMENT ON COLUMN organisation_people.status IS 'As the partner has it; people.active follows, and is false as well when a programme file says so. A deleted person stays as a row: cases name them.';
COMMENT ON COLUMN organisation_people.director IS 'Of an account manager: their director; NULL: open (ORG-10).';
COMMENT ON COLUMN organisation_people.password IS 'argon2id with its parameters and salt; empty: none was set, nobody signs in with it.';
COMMENT ON COLUMN organisation_people.must_change IS 'The password is one that the administrator knows: nothing opens until the person set their own (ORG-14).';
COMMENT ON COLUMN organisation_people.wrong_tries IS 'Wrong passwords since the last right one, or since the last lock.';
COMMENT ON COLUMN organisation_people.locked_until IS 'No password is looked at before this instant.';

-- +goose StatementBegin
CREATE FUNCTION guard_account_name() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'the account name of % stays', OLD.person_id USING ERRCODE = 'check_violation', CONSTRAINT = 'org_03_name_fixed';
END $$;
-- +goose StatementEnd
CREATE TRIGGER org_03_name_fixed BEFORE UPDATE ON organisation_people FOR EACH ROW
	WHEN (NEW.account_name <> OLD.account_name OR NEW.person_id <> OLD.person_id) EXECUTE FUNCTION guard_account_name();

-- +goose StatementBegin
CREATE FUNCTION guard_deleted() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'person % was deleted and stays so', OLD.person_id USING ERRCODE = 'check_violation', CONSTRAINT = 'eng_03_deleted_person';
END $$;
-- +goose StatementEnd
CREATE TRIGGER eng_03_deleted_person BEFORE UPDATE OF status ON organisation_people FOR EACH ROW
	WHEN (OLD.status = 'DELETED' AND NEW.status <> 'DELETED') EXECUTE FUNCTION guard_deleted();

CREATE INDEX people_by_partner ON people (partner_id);
CREATE INDEX people_by_email ON people (lower(email));

INSERT INTO organisation_people (person_id, account_name, status)
SELECT person_id, person_id, CASE WHEN left_at IS NULL THEN 'ACTIVE' ELSE 'DELETED' END FROM people WHERE partner_id IS NOT NULL;

CREATE TABLE identity_users (
	user_id    text PRIMARY KEY CONSTRAINT com_03_identifier CHECK (length(user_id) BETWEEN 1 AND 64),
	partner_id text NOT NULL REFERENCES partners,
	name       text NOT NULL CHECK (name <> ''),
	email      text NOT NULL CHECK (email <> ''),
	deleted_at timestamptz
);
CREATE UNIQUE INDEX org_07_identity_email ON identity_users (lower(email)) WHERE deleted_at IS NULL;
COMMENT ON TABLE identity_users IS 'Users of a partner''s cloud account that were made in the identity service only: they reach the cloud console and not the partner centre (ORG-16).';

-- +goose StatementBegin
CREATE FUNCTION guard_email() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(hashtext('email/' || lower(NEW.email))); -- of two who take it at once the second sees the first
	IF EXISTS (SELECT 1 FROM identity_users WHERE lower(email) = lower(NEW.email) AND deleted_at IS NULL) THEN
		RAISE EXCEPTION 'person %: the email belongs to an identity user', NEW.person_id USING ERRCODE = 'check_violation', CONSTRAINT = 'org_07_email';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER org_07_email AFTER INSERT ON people FOR EACH ROW WHEN (NEW.partner_id IS NOT NULL AND NEW.email <> '') EXECUTE FUNCTION guard_email();
CREATE TRIGGER org_07_changed_email AFTER UPDATE OF email ON people FOR EACH ROW
	WHEN (NEW.partner_id IS NOT NULL AND NEW.email <> '' AND lower(NEW.email) <> lower(OLD.email)) EXECUTE FUNCTION guard_email();

---------------------------------------------------------------- roles

CREATE TABLE custom_roles (
	role_id     text PRIMARY KEY,
	partner_id  text        NOT NULL REFERENCES partners,
	name        text        NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
	permissions text[]      NOT NULL,
	created_by  text        NOT NULL REFERENCES people,
	created_at  timestamptz NOT NULL,
	deleted_at  timestamptz,
	CONSTRAINT org_17_master_only CHECK ('opportunities' <> ALL (permissions))
);
CREATE UNIQUE INDEX org_12_role_name ON custom_roles (partner_id, name) WHERE deleted_at IS NULL;
COMMENT ON TABLE  custom_roles IS 'Roles that a partner made; who has one holds person_roles.role = role_id. Those of the programme are in the code.';
COMMENT ON COLUMN custom_roles.permissions IS 'Beside the default ones of the partner''s kind, which every role carries (ORG-12).';

CREATE TABLE qualification_reviews (
	review_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	person_id    text        NOT NULL REFERENCES people,
	role         text        NOT NULL CHECK (role IN ('partner-account-manager', 'partner-architect')),
	submitted_by text        NOT NULL REFERENCES people,
	submitted_at timestamptz NOT NULL,
	decided_by   text REFERENCES people,
	decided_at   timestamptz CHECK (decided_at >= submitted_at),
	passed       boolean,
	CONSTRAINT eng_02_qualification CHECK (decided_by NOT IN (submitted_by, person_id)),
	CHECK (num_nulls(decided_by, decided_at, passed) IN (0, 3))
);
CREATE UNIQUE INDEX pgm_09_one_qualification ON qualification_reviews (person_id, role) WHERE decided_at IS NULL;
COMMENT ON TABLE qualification_reviews IS 'Qualifications of persons submitted for review; while one is open the role is locked (ORG-08).';

-- +goose StatementBegin
CREATE FUNCTION guard_qualification() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'qualification % is decided', OLD.review_id USING ERRCODE = 'check_violation', CONSTRAINT = 'eng_03_qualification';
END $$;

CREATE FUNCTION guard_locked_role() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF EXISTS (SELECT 1 FROM qualification_reviews q WHERE q.person_id = OLD.person_id AND q.role = OLD.role AND q.decided_at IS NULL) THEN
		RAISE EXCEPTION 'role % of %: the qualification is under review', OLD.role, OLD.person_id USING ERRCODE = 'check_violation', CONSTRAINT = 'org_08_role_locked';
	END IF;
	IF OLD.role = 'partner-account-director' THEN -- their account managers are released, whoever takes the role away (ORG-10)
		UPDATE organisation_people SET director = NULL WHERE director = OLD.person_id;
	END IF;
	RETURN OLD;
END $$;

-- At COMMIT, so that roles may be written one by one. Custom roles are the partner's own.
CREATE FUNCTION guard_roles() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE held text[];
BEGIN
	SELECT array_agg(r.role) INTO held FROM person_roles r JOIN organisation_people o USING (person_id) WHERE r.person_id = NEW.person_id;
	IF cardinality(held) > 3 THEN
		RAISE EXCEPTION 'person % has % roles', NEW.person_id, cardinality(held) USING ERRCODE = 'check_violation', CONSTRAINT = 'org_04_role_limit';
	ELSIF cardinality(held) > 1 AND 'partner-administrator' = ANY (held) THEN
		RAISE EXCEPTION 'person % is system administrator and more', NEW.person_id USING ERRCODE = 'check_violation', CONSTRAINT = 'org_05_admin_alone';
	ELSIF held @> ARRAY['partner-account-manager', 'partner-account-director'] THEN
		RAISE EXCEPTION 'person % is account manager and director', NEW.person_id USING ERRCODE = 'check_violation', CONSTRAINT = 'org_06_am_director';
	ELSIF EXISTS (SELECT 1 FROM custom_roles c JOIN people p USING (partner_id) WHERE c.role_id = NEW.role AND p.person_id = NEW.person_id AND deleted_at IS NOT NULL) THEN
		RAISE EXCEPTION 'role % is deleted', NEW.role USING ERRCODE = 'check_violation', CONSTRAINT = 'org_13_role_deleted';
	ELSIF EXISTS (SELECT 1 FROM custom_roles c, people p WHERE c.role_id = NEW.role AND p.person_id = NEW.person_id AND p.partner_id IS DISTINCT FROM c.partner_id) THEN
		RAISE EXCEPTION 'role % is another partner''s', NEW.role USING ERRCODE = 'check_violation', CONSTRAINT = 'org_12_own_role';
	END IF;
	RETURN NULL;
END $$;

CREATE FUNCTION guard_role_in_use() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF EXISTS (SELECT 1 FROM person_roles WHERE role = NEW.role_id) THEN
		RAISE EXCEPTION 'role % has persons', NEW.role_id USING ERRCODE = 'check_violation', CONSTRAINT = 'org_13_role_in_use';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER eng_03_qualification BEFORE UPDATE ON qualification_reviews FOR EACH ROW WHEN (OLD.decided_at IS NOT NULL) EXECUTE FUNCTION guard_qualification();
CREATE TRIGGER org_08_role_locked BEFORE DELETE ON person_roles FOR EACH ROW EXECUTE FUNCTION guard_locked_role();
CREATE CONSTRAINT TRIGGER org_04_roles AFTER INSERT ON person_roles DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION guard_roles();
CREATE TRIGGER org_13_role_in_use BEFORE UPDATE ON custom_roles FOR EACH ROW
	WHEN (NEW.deleted_at IS NOT NULL) EXECUTE FUNCTION guard_role_in_use();

COMMENT ON COLUMN customers.account_manager IS 'The partner''s person who looks after the customer: their ID where the organisation assigned them (ORG-09), a name where a file says so.';

---------------------------------------------------------------- a person with all that the rules ask about

CREATE VIEW organisation_persons AS
SELECT p.person_id, p.name, p.partner_id, pa.kind AS partner_kind, p.email, p.active, p.language, p.time_zone,
       o.account_name, o.mobile, o.status, o.director, o.must_change, o.password_set_at, coalesce(pa.master = p.person_id, false) AS master,
       ARRAY(SELECT r.role FROM person_roles r WHERE r.person_id = p.person_id ORDER BY r.role) AS roles,
       ARRAY(SELECT DISTINCT perm FROM person_roles r JOIN custom_roles c ON c.role_id = r.role, unnest(c.permissions) perm WHERE r.person_id = p.person_id ORDER BY perm) AS granted,
       ARRAY(SELECT q.role FROM qualification_reviews q WHERE q.person_id = p.person_id AND q.decided_at IS NULL ORDER BY q.role) AS locked
  FROM organisation_people o JOIN people p USING (person_id) JOIN partners pa ON pa.partner_id = p.partner_id;
COMMENT ON VIEW organisation_persons IS 'granted: by custom roles. locked: roles whose qualification is under review (ORG-08). No password.';

-- What processes ask for when they ask for roles: those that a person has, and those that the permissions of custom roles stand for
-- (ORG-12); who holds the master account is an administrator without any role (ORG-01).
CREATE FUNCTION held_roles(person text) RETURNS text[] LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT ARRAY(
		SELECT role FROM (
			SELECT r.role FROM person_roles r WHERE r.person_id = person
			UNION
			SELECT 'partner-' || perm FROM person_roles r JOIN custom_roles c ON c.role_id = r.role, unnest(c.permissions) perm
			 WHERE r.person_id = person AND perm IN ('withdrawals', 'incentives')
			UNION
			SELECT 'partner-administrator' FROM people p JOIN partners a USING (partner_id) WHERE p.person_id = person AND a.master = person) held
		 ORDER BY role)
$$;

-- A file may say that somebody is active; it does not bring back who left or whose account the partner disabled.
CREATE FUNCTION may_be_active(p people) RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT p.left_at IS NULL AND NOT EXISTS (SELECT 1 FROM organisation_people o WHERE o.person_id = p.person_id AND o.status <> 'ACTIVE')
$$;

---------------------------------------------------------------- what a partner's people share

CREATE TABLE customer_contacts (
	partner_id text     NOT NULL REFERENCES partners,
	slot       smallint NOT NULL CONSTRAINT org_20_contact_limit CHECK (slot BETWEEN 1 AND 5),
	name       text     NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
	mobile     text     NOT NULL DEFAULT '',
	email      text     NOT NULL DEFAULT '',
	PRIMARY KEY (partner_id, slot),
	CHECK (mobile <> '' OR email <> '')
);
COMMENT ON TABLE customer_contacts IS 'Whom a partner''s customers may turn to; without any they see the administrator (ORG-20).';

CREATE TABLE drafts (
	draft_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	partner_id text        NOT NULL REFERENCES partners,
	kind       text        NOT NULL,
	title      text        NOT NULL CHECK (length(title) BETWEEN 1 AND 128),
	body       text        NOT NULL CHECK (length(body) <= 20000),
	written_by text        NOT NULL REFERENCES people,
	written_at timestamptz NOT NULL
);
CREATE INDEX drafts_by_partner ON drafts (partner_id, kind);
COMMENT ON TABLE  drafts IS 'Applications that are being written: of the organisation, not of the person. Who may act in cases of the kind sees them (ORG-11).';
COMMENT ON COLUMN drafts.written_by IS 'Who wrote it last, at written_at.';

---------------------------------------------------------------- history

CREATE TABLE organisation_commands (
	command_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	partner_id     text        NOT NULL REFERENCES partners,
	request_key    text        NOT NULL CHECK (length(request_key) BETWEEN 1 AND 64),
	request_digest bytea       NOT NULL,
	action         text        NOT NULL CHECK (action <> ''),
	object         text        NOT NULL,
	by_person      text        NOT NULL REFERENCES people,
	at             timestamptz NOT NULL,
	CONSTRAINT com_20_organisation_key UNIQUE (partner_id, request_key)
);
CREATE INDEX organisation_commands_by_object ON organisation_commands (partner_id, object, command_id);
COMMENT ON TABLE  organisation_commands IS 'What was done in organisations, by whom and when: once for each request key, never changed (PGM-12). No passwords and no personal data.';
COMMENT ON COLUMN organisation_commands.object IS 'What it was done to: a person, a role, a contact, a draft, a company.';
CREATE TRIGGER pgm_12_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON organisation_commands FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('pgm_12_append_only');

CREATE TABLE audit_log (
	audit_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	person_id   text        NOT NULL REFERENCES people,
	column_name text        NOT NULL CHECK (column_name <> ''),
	list        text        NOT NULL CHECK (list <> ''),
	at          timestamptz NOT NULL,
	CONSTRAINT eng_01_uncovered_once UNIQUE (person_id, list, column_name, at)
);
COMMENT ON TABLE audit_log IS 'Who uncovered which masked column of which list, and when (PGM-06). Append-only.';
CREATE TRIGGER pgm_06_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('pgm_06_append_only');

---------------------------------------------------------------- what the programme's role may do

GRANT SELECT ON organisation_people, organisation_persons, identity_users, custom_roles, qualification_reviews, customer_contacts, drafts, organisation_commands, audit_log
   TO countersign_programme;
GRANT USAGE ON SEQUENCE organisation_numbers TO countersign_programme;
GRANT INSERT, UPDATE (mobile, status, director, password, password_set_at, must_change, wrong_tries, locked_until) ON organisation_people TO countersign_programme;
GRANT INSERT, UPDATE (partner_id, name, email, deleted_at) ON identity_users TO countersign_programme;
GRANT INSERT (role_id, partner_id, name, permissions, created_by, created_at), UPDATE (deleted_at) ON custom_roles TO countersign_programme;
GRANT INSERT (person_id, role, submitted_by, submitted_at), UPDATE (decided_by, decided_at, passed) ON qualification_reviews TO countersign_programme;
GRANT INSERT, DELETE ON customer_contacts TO countersign_programme;
GRANT INSERT (partner_id, kind, title, body, written_by, written_at), UPDATE (title, body, written_by, written_at), DELETE ON drafts TO countersign_programme;
GRANT INSERT (partner_id, request_key, request_digest, action, object, by_person, at) ON organisation_commands TO countersign_programme;
GRANT INSERT (person_id, column_name, list, at) ON audit_log TO countersign_programme;

SET LOCAL ROLE NONE;
