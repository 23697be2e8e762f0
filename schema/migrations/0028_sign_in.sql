-- +goose Up

-- Signing in to the console: accounts of the vendor's people beside those of partners, a second factor, whom an identity provider
-- knows as whom, sessions, and what happened to accounts.
SET LOCAL ROLE countersign_owner;

---------------------------------------------------------------- accounts of everybody

ALTER TABLE organisation_people
	ADD COLUMN locks          int     NOT NULL DEFAULT 0 CHECK (locks >= 0),
	ADD COLUMN second_factor  bytea,
	ADD COLUMN last_step      bigint  NOT NULL DEFAULT 0 CHECK (last_step >= 0),
	ADD COLUMN recovery_codes bytea[] NOT NULL DEFAULT '{}';
ALTER TABLE people ADD COLUMN signed_out_at timestamptz;
COMMENT ON TABLE  organisation_people IS 'The accounts of people: of the partners'', and of the vendor''s who were given one. Who came with the programme file signs in by their ID, once a password is set.';
COMMENT ON COLUMN organisation_people.locks IS 'How often the account was locked since the last sign-in: each lock lasts twice as long as the one before.';
COMMENT ON COLUMN organisation_people.second_factor IS 'The secret of the person''s authenticator, sealed with the first of PAYLOAD_KEYS; NULL: a password is enough.';
COMMENT ON COLUMN organisation_people.last_step IS 'The half minute of the last code that was taken: none is taken twice.';
COMMENT ON COLUMN organisation_people.recovery_codes IS 'SHA-256 of codes that are good once each, when the authenticator is lost.';
COMMENT ON COLUMN people.signed_out_at IS 'When the person signed out everywhere. Sessions from before that, and from before the account''s password_set_at, are over.';

-- The limits of roles are the partners'; who works for the vendor holds what the programme gives them.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION guard_roles() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE held text[];
BEGIN
	SELECT array_agg(r.role) INTO held
	  FROM person_roles r JOIN organisation_people o USING (person_id) JOIN people p USING (person_id) WHERE r.person_id = NEW.person_id AND p.partner_id IS NOT NULL;
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
-- +goose StatementEnd

CREATE TABLE account_identities (
	issuer    text        NOT NULL CHECK (issuer <> ''),
	subject   text        NOT NULL CHECK (length(subject) BETWEEN 1 AND 255),
	person_id text        NOT NULL REFERENCES people,
	linked_at timestamptz NOT NULL,
	PRIMARY KEY (issuer, subject),
	CONSTRAINT one_identity UNIQUE (issuer, person_id)
);
COMMENT ON TABLE account_identities IS 'As whom an identity provider knows a person: written at the first sign-in with a verified email, and from then on the email no longer counts.';

---------------------------------------------------------------- sessions

CREATE TABLE sessions (
	token      text PRIMARY KEY,
	data       text        NOT NULL,
	expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
COMMENT ON TABLE  sessions IS 'Who is signed in to the console in which browser. Whether a session still counts is looked up with each request: see people.signed_out_at.';
COMMENT ON COLUMN sessions.token IS 'SHA-256 of what the browser''s cookie holds.';
COMMENT ON COLUMN sessions.expires_at IS 'When it is over, unless the person does something before; never later than deadline in data.';

---------------------------------------------------------------- what happened to accounts

CREATE TABLE account_events (
	event_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at          timestamptz NOT NULL,
	person_id   text REFERENCES people,
	event       text        NOT NULL CHECK (event <> ''),
	failed      boolean     NOT NULL,
	by_person   text REFERENCES people,
	network     inet,
	request_key text CHECK (length(request_key) BETWEEN 1 AND 64),
	CONSTRAINT com_20_account_key UNIQUE (by_person, request_key)
);
CREATE INDEX account_events_by_person ON account_events (person_id, event_id);
CREATE INDEX account_events_failed ON account_events (network, at) WHERE failed;
COMMENT ON TABLE  account_events IS 'Who signed in or tried to, and what was changed about accounts. Append-only. No password, no code, nothing of what was entered as an account name: it may be a password.';
COMMENT ON COLUMN account_events.person_id IS 'Whose account; NULL: no account has the name that was entered.';
COMMENT ON COLUMN account_events.failed IS 'An attempt that did not get in: these are counted by network.';
COMMENT ON COLUMN account_events.by_person IS 'Who did it to the account; NULL: whoever signed in, or tried to.';
COMMENT ON COLUMN account_events.network IS 'From where: the first 24 bits of an IPv4 address, 48 of IPv6, the rest zero; NULL: from the command line.';
CREATE TRIGGER pgm_12_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON account_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('pgm_12_append_only');

---------------------------------------------------------------- what the programme's role may do

GRANT UPDATE (locks, second_factor, last_step, recovery_codes) ON organisation_people TO countersign_programme;
GRANT SELECT, INSERT, DELETE ON account_identities TO countersign_programme;
GRANT SELECT, INSERT, UPDATE (data, expires_at), DELETE ON sessions TO countersign_programme;
GRANT SELECT, INSERT (at, person_id, event, failed, by_person, network, request_key) ON account_events TO countersign_programme;

SET LOCAL ROLE NONE;
