-- +goose Up

-- Invitations of natural persons to a partner (ORG-21 to ORG-37), one case each. What an invitation leads to is in member_links.
SET LOCAL ROLE countersign_owner;

INSERT INTO moves VALUES
	('invitation', '',        'INVITED'),
	('invitation', 'INVITED', 'BOUND'),
	('invitation', 'INVITED', 'LAPSED'),
	('invitation', 'BOUND',   'UNBOUND');

CREATE SEQUENCE invitation_numbers;

CREATE TABLE invitations (
	case_number text PRIMARY KEY REFERENCES cases,
	partner_id  text    NOT NULL REFERENCES partners,
	account_id  text    NOT NULL REFERENCES personal_accounts,
	found_by    text    NOT NULL CONSTRAINT org_29_found_by CHECK (found_by IN ('mobile', 'email', 'account-name')),
	live        boolean NOT NULL DEFAULT true
);
CREATE UNIQUE INDEX org_33_one_live ON invitations (partner_id, account_id) WHERE live;
CREATE INDEX invitations_by_account ON invitations (account_id, partner_id);
CREATE INDEX invitations_by_partner ON invitations (partner_id);
COMMENT ON TABLE  invitations IS 'Whom a partner invited. What was entered is not kept: only by which column of the account it was found (ORG-29).';
COMMENT ON COLUMN invitations.live IS 'The case is INVITED or BOUND; a partner has one such invitation of an account.';

-- Looked at when the transaction ends: a step moves the case and the invitation in one.
-- +goose StatementBegin
CREATE FUNCTION guard_invitation_live() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE stands text := (SELECT state FROM cases WHERE case_number = NEW.case_number AND kind = 'invitation' AND partner_id = NEW.partner_id);
BEGIN
	IF stands IS NULL OR NEW.live <> (stands IN ('INVITED', 'BOUND')) THEN
		RAISE EXCEPTION 'invitation %, live %, is %', NEW.case_number, NEW.live, stands USING ERRCODE = 'check_violation', CONSTRAINT = 'org_33_live';
	END IF;
	RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER org_33_live AFTER INSERT OR UPDATE ON invitations DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION guard_invitation_live();

CREATE TABLE invitation_tokens (
	token_hash  bytea PRIMARY KEY CHECK (length(token_hash) = 32),
	case_number text        NOT NULL REFERENCES invitations,
	sending     int         NOT NULL CHECK (sending > 0),
	request_key text        NOT NULL CHECK (length(request_key) BETWEEN 1 AND 64),
	sent_by     text        NOT NULL REFERENCES people,
	sent_at     timestamptz NOT NULL,
	expires_at  timestamptz NOT NULL CHECK (expires_at > sent_at),
	used_at     timestamptz CONSTRAINT org_27_in_time CHECK (used_at < expires_at),
	replaced_at timestamptz,
	UNIQUE (case_number, sending),
	CONSTRAINT org_33_used CHECK (num_nonnulls(used_at, replaced_at) <= 1)
);
CREATE UNIQUE INDEX org_33_one_link ON invitation_tokens (case_number) WHERE used_at IS NULL AND replaced_at IS NULL;
COMMENT ON TABLE  invitation_tokens IS 'The links that were sent. The token itself is only in the message to the member; the one without used_at and replaced_at is good until expires_at.';
COMMENT ON COLUMN invitation_tokens.token_hash IS 'SHA-256 of the token''s 32 bytes.';
COMMENT ON COLUMN invitation_tokens.request_key IS 'Of the sending: the same again sends nothing (PGM-10).';
COMMENT ON COLUMN invitation_tokens.sent_at IS 'When the message on the site was written (ORG-28).';
COMMENT ON COLUMN invitation_tokens.expires_at IS 'From this instant on the link is void (ORG-27).';
COMMENT ON COLUMN invitation_tokens.replaced_at IS 'When a newer one was sent (ORG-33).';

-- A link that was used or replaced stays so.
-- +goose StatementBegin
CREATE FUNCTION guard_token() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'sending % of % is closed', OLD.sending, OLD.case_number USING ERRCODE = 'check_violation', CONSTRAINT = 'org_33_closed_link';
END $$;
-- +goose StatementEnd
CREATE TRIGGER org_33_closed_link BEFORE UPDATE ON invitation_tokens FOR EACH ROW WHEN (num_nonnulls(OLD.used_at, OLD.replaced_at) > 0) EXECUTE FUNCTION guard_token();

CREATE TABLE invitation_counters (
	partner_id text NOT NULL REFERENCES partners,
	day        date NOT NULL,
	sent       int  NOT NULL CHECK (sent > 0),
	most       int  NOT NULL,
	PRIMARY KEY (partner_id, day),
	CONSTRAINT org_31_daily_limit CHECK (sent <= most)
);
COMMENT ON TABLE  invitation_counters IS 'How many invitations a partner sent on a day in UTC+8 (ORG-31).';
COMMENT ON COLUMN invitation_counters.most IS 'How many it may be, as the policy said at the last sending.';

-- Every sending counts, and none is taken back.
-- +goose StatementBegin
CREATE FUNCTION guard_counter() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'the counter of % on % only grows', OLD.partner_id, OLD.day USING ERRCODE = 'check_violation', CONSTRAINT = 'org_31_only_grows';
END $$;
-- +goose StatementEnd
CREATE TRIGGER org_31_only_grows BEFORE UPDATE ON invitation_counters FOR EACH ROW WHEN (NEW.sent < OLD.sent) EXECUTE FUNCTION guard_counter();

---------------------------------------------------------------- what the programme's role may do

GRANT USAGE ON SEQUENCE invitation_numbers TO countersign_programme;
GRANT SELECT ON invitations, invitation_tokens, invitation_counters TO countersign_programme;
GRANT INSERT, UPDATE (live) ON invitations TO countersign_programme;
GRANT INSERT, UPDATE (used_at, replaced_at) ON invitation_tokens TO countersign_programme;
GRANT INSERT, UPDATE (sent, most) ON invitation_counters TO countersign_programme;

SET LOCAL ROLE NONE;
