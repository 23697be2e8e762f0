-- +goose Up

-- Certification of cloud software solutions (CERT). What a partner enters is a draft; a draft that was sent is the content of one
-- round of review and stays as it is. A solution is a case from its first submission on, for as long as it lives.
SET LOCAL ROLE countersign_owner;

INSERT INTO moves VALUES
	('solution', '',             'UNDER_REVIEW'),
	('solution', 'UNDER_REVIEW', 'REJECTED'),
	('solution', 'REJECTED',     'UNDER_REVIEW'),
	('solution', 'UNDER_REVIEW', 'CERTIFIED'),
	('solution', 'CERTIFIED',    'EXPIRING'),
	('solution', 'EXPIRING',     'EXPIRED'),
	('solution', 'EXPIRING',     'CERTIFIED'),
	('solution', 'EXPIRED',      'CERTIFIED'),
	('solution', 'REJECTED',     'DELETED'),
	('solution', '',             'CERTIFIED'),
	('solution', '',             'EXPIRING'),
	('solution', '',             'EXPIRED');

CREATE SEQUENCE solution_numbers;
CREATE SEQUENCE solution_draft_numbers;

---------------------------------------------------------------- what partners enter

CREATE TABLE solution_drafts (
	draft_id       text PRIMARY KEY,
	partner_id     text        NOT NULL REFERENCES partners,
	request_key    text        NOT NULL CHECK (length(request_key) BETWEEN 1 AND 64),
	case_number    text REFERENCES cases,
	kind           text        NOT NULL CHECK (kind IN ('CLOUD', 'ADV')),
	name           text        NOT NULL CHECK (length(name) <= 128),
	version        text        NOT NULL CHECK (length(version) <= 32),
	materials      jsonb       NOT NULL CHECK (jsonb_typeof(materials) = 'array'),
	contact_name   text        NOT NULL,
	contact_mobile text        NOT NULL,
	contact_email  text        NOT NULL,
	revision       int         NOT NULL DEFAULT 1,
	created_at     timestamptz NOT NULL,
	saved_by       text        NOT NULL REFERENCES people,
	saved_at       timestamptz NOT NULL,
	sent_at        timestamptz,
	taken          boolean     NOT NULL DEFAULT false,
	CONSTRAINT com_20_draft_key UNIQUE (partner_id, request_key),
	CONSTRAINT cert_02_complete CHECK (sent_at IS NULL OR taken OR name <> '' AND version <> '' AND materials <> '[]' AND contact_name <> '' AND contact_mobile <> '' AND contact_email <> ''),
	CHECK (sent_at IS NULL OR case_number IS NOT NULL)
);
CREATE INDEX solution_drafts_by_partner ON solution_drafts (partner_id) WHERE sent_at IS NULL;
CREATE UNIQUE INDEX cert_16_one_draft ON solution_drafts (case_number) WHERE sent_at IS NULL AND case_number IS NOT NULL;
CREATE INDEX solution_drafts_of_case ON solution_drafts (case_number);
COMMENT ON TABLE  solution_drafts IS 'What a partner''s people enter of a solution, and share. Kept until it is deleted (CERT-03), sealed when it is sent (PGM-11).';
COMMENT ON COLUMN solution_drafts.case_number IS 'The solution that it was submitted as, or whose next round it is for; NULL: of one that was never submitted.';
COMMENT ON COLUMN solution_drafts.kind IS 'CLOUD: cloud software. ADV: advanced cloud software.';
COMMENT ON COLUMN solution_drafts.materials IS 'The files in order, each {type, document, name}; document is the ID of a row of documents.';
COMMENT ON COLUMN solution_drafts.contact_name IS 'The contact is a person''s data; it goes nowhere but to people.';
COMMENT ON COLUMN solution_drafts.revision IS 'Counts what was saved: who submits says which one was seen.';
COMMENT ON COLUMN solution_drafts.taken IS 'It was certified elsewhere and is here as it came.';

-- +goose StatementBegin
CREATE FUNCTION guard_sent_draft() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	RAISE EXCEPTION 'draft % was sent', OLD.draft_id USING ERRCODE = 'check_violation', CONSTRAINT = 'pgm_11_sent_draft';
END $$;
-- +goose StatementEnd
CREATE TRIGGER pgm_11_sent_draft BEFORE UPDATE OR DELETE ON solution_drafts FOR EACH ROW WHEN (OLD.sent_at IS NOT NULL) EXECUTE FUNCTION guard_sent_draft();

---------------------------------------------------------------- solutions and their certificates

CREATE TABLE solutions (
	case_number    text PRIMARY KEY REFERENCES cases,
	origin         text NOT NULL CHECK (origin IN ('NEW', 'SYNCED')),
	draft_id       text NOT NULL REFERENCES solution_drafts,
	cert_round     int  NOT NULL DEFAULT 0 CHECK (cert_round >= 0),
	reminded_until timestamptz,
	CHECK ((cert_round = 0) = (reminded_until IS NULL))
);
COMMENT ON TABLE  solutions IS 'A solution that was submitted, or certified elsewhere. Where it stands is the case''s state.';
COMMENT ON COLUMN solutions.origin IS 'NEW: entered here. SYNCED: from a released joint solution (CERT-13, CERT-21).';
COMMENT ON COLUMN solutions.draft_id IS 'What was sent last; while a round is open it is what is reviewed.';
COMMENT ON COLUMN solutions.cert_round IS 'How often it was certified; 0: never.';
COMMENT ON COLUMN solutions.reminded_until IS 'Up to when every reminder of the present certificate was sent, or had passed when it was certified (CERT-22, CERT-23).';

CREATE TABLE solution_rounds (
	case_number  text NOT NULL,
	matter       text NOT NULL DEFAULT 'certification',
	round        int  NOT NULL,
	cert_round   int  NOT NULL CHECK (cert_round > 0),
	cert_try     int  NOT NULL CHECK (cert_try > 0),
	draft_id     text NOT NULL UNIQUE REFERENCES solution_drafts,
	PRIMARY KEY (case_number, round),
	UNIQUE (case_number, cert_round, cert_try),
	FOREIGN KEY (case_number, matter, round) REFERENCES approvals (case_number, matter, round)
);
COMMENT ON TABLE  solution_rounds IS 'What each round of review was about.';
COMMENT ON COLUMN solution_rounds.cert_round IS 'Which certificate it is for, from 1.';
COMMENT ON COLUMN solution_rounds.cert_try IS 'The round as people count it: anew for each certificate (CERT-18).';
CREATE TRIGGER pgm_12_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON solution_rounds FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('pgm_12_append_only');

CREATE TABLE solution_certifications (
	case_number     text        NOT NULL REFERENCES solutions,
	cert_round      int         NOT NULL CHECK (cert_round > 0),
	draft_id        text        NOT NULL REFERENCES solution_drafts,
	certified_at    timestamptz NOT NULL,
	window_opens_at timestamptz NOT NULL,
	valid_until     timestamptz NOT NULL,
	PRIMARY KEY (case_number, cert_round),
	CONSTRAINT cert_08_window CHECK (certified_at < window_opens_at AND window_opens_at < valid_until)
);
COMMENT ON TABLE  solution_certifications IS 'Each time that a solution passed. Append-only: a later certificate ends none before it, and adds no days to any (CERT-10).';
COMMENT ON COLUMN solution_certifications.certified_at IS 'The approval at the last node.';
COMMENT ON COLUMN solution_certifications.window_opens_at IS 'From when on it can be certified anew, this instant in.';
COMMENT ON COLUMN solution_certifications.valid_until IS 'This instant out.';
CREATE TRIGGER pgm_12_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON solution_certifications FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('pgm_12_append_only');

-- Nothing is certified but what a round of review was about, at the instant at which it was approved; or what was certified elsewhere.
-- +goose StatementBegin
CREATE FUNCTION guard_certification() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT 1 FROM solution_rounds r JOIN approvals a USING (case_number, matter, round)
	                WHERE r.case_number = NEW.case_number AND r.cert_round = NEW.cert_round AND r.draft_id = NEW.draft_id AND a.outcome = 'approve' AND a.closed_at = NEW.certified_at)
	   AND NOT EXISTS (SELECT 1 FROM solution_drafts WHERE draft_id = NEW.draft_id AND case_number = NEW.case_number AND taken AND NEW.cert_round = 1) THEN
		RAISE EXCEPTION 'solution % was not approved', NEW.case_number USING ERRCODE = 'check_violation', CONSTRAINT = 'cert_06_approved';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER cert_06_approved BEFORE INSERT ON solution_certifications FOR EACH ROW EXECUTE FUNCTION guard_certification();

-- What is certified anew is the same solution: only version and materials differ from what was certified before, and what was
-- not known of the contact is completed.
-- +goose StatementBegin
CREATE FUNCTION guard_renewal() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF EXISTS (SELECT 1 FROM solution_certifications c JOIN solution_drafts was ON was.draft_id = c.draft_id, solution_drafts d
	            WHERE c.case_number = NEW.case_number AND c.cert_round = NEW.cert_round - 1 AND d.draft_id = NEW.draft_id
	              AND ((d.kind, d.name) <> (was.kind, was.name) OR was.contact_name NOT IN ('', d.contact_name) OR was.contact_mobile NOT IN ('', d.contact_mobile)
	               OR was.contact_email NOT IN ('', d.contact_email))) THEN
		RAISE EXCEPTION 'solution %: a field is locked', NEW.case_number USING ERRCODE = 'check_violation', CONSTRAINT = 'cert_14_locked';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER cert_14_locked BEFORE INSERT ON solution_rounds FOR EACH ROW EXECUTE FUNCTION guard_renewal();

-- The window is checked against the round's own opening instant, which no job moves.
-- +goose StatementBegin
CREATE FUNCTION guard_window() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF EXISTS (SELECT 1 FROM solution_certifications c JOIN approvals a ON a.case_number = c.case_number AND a.matter = NEW.matter AND a.round = NEW.round
	            WHERE c.case_number = NEW.case_number AND c.cert_round = NEW.cert_round - 1 AND a.opened_at < c.window_opens_at) THEN
		RAISE EXCEPTION 'solution %: the window is not open', NEW.case_number USING ERRCODE = 'check_violation', CONSTRAINT = 'cert_08_window_not_open';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER cert_08_window_not_open BEFORE INSERT ON solution_rounds FOR EACH ROW EXECUTE FUNCTION guard_window();

---------------------------------------------------------------- what others ask

-- +goose StatementBegin
CREATE FUNCTION solution_content(number text) RETURNS bytea LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT sha256(convert_to(string_agg(coalesce(octet_length(f) || ':' || f, '-'), '' ORDER BY n), 'UTF8'))
	  FROM solutions s JOIN solution_drafts d USING (draft_id),
	       unnest(ARRAY[s.case_number, d.partner_id, s.origin, d.kind, d.name, d.version, d.materials::text, d.contact_name, d.contact_mobile, d.contact_email])
	       WITH ORDINALITY AS t(f, n)
	 WHERE s.case_number = number
$$;

-- Whether a solution counts as certified at an instant: under any of its certificates, whatever the clock has recorded (CERT-12).
CREATE FUNCTION solution_certified(number text, at timestamptz) RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT EXISTS (SELECT 1 FROM solution_certifications WHERE case_number = number AND certified_at <= at AND at < valid_until)
$$;

-- Where a case of this kind stands at an instant from its present certificate on, whether the clock has recorded it or not.
CREATE FUNCTION solution_state(number text, at timestamptz) RETURNS text LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT CASE WHEN v.case_number IS NULL OR c.state NOT IN ('CERTIFIED', 'EXPIRING', 'EXPIRED') THEN c.state
	            WHEN v.valid_until <= at THEN 'EXPIRED'
	            WHEN v.window_opens_at <= at THEN 'EXPIRING'
	            ELSE 'CERTIFIED' END
	  FROM cases c LEFT JOIN solutions s USING (case_number) LEFT JOIN solution_certifications v USING (case_number, cert_round)
	 WHERE c.case_number = number
$$;

-- Whether a partner has a record of a solution of a kind: drafts, rejected and expired ones count, deleted ones do not (CERT-03).
CREATE FUNCTION solution_recorded(partner text, which text) RETURNS boolean LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT EXISTS (SELECT 1 FROM solution_drafts d LEFT JOIN cases c USING (case_number)
	                WHERE d.partner_id = partner AND d.kind = which AND c.state IS DISTINCT FROM 'DELETED')
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION solution_content IS 'SHA-256 over what is reviewed: the columns in this order, each as its length in octets, a colon and its text.';

---------------------------------------------------------------- messages to who is no user

ALTER TABLE outbox ADD COLUMN address text CHECK (address <> ''), DROP CONSTRAINT outbox_one_reader,
	ADD CONSTRAINT outbox_one_reader CHECK (num_nonnulls(person_id, account_id, address) = 1);
COMMENT ON COLUMN outbox.address IS 'Where it goes when the reader has no account of any kind: a contact whom a partner named; NULL: to person_id or account_id.';

---------------------------------------------------------------- what the programme's role may do

GRANT USAGE ON SEQUENCE solution_numbers, solution_draft_numbers TO countersign_programme;
GRANT SELECT ON solution_drafts, solutions, solution_rounds, solution_certifications TO countersign_programme;
GRANT INSERT (draft_id, partner_id, request_key, case_number, kind, name, version, materials, contact_name, contact_mobile, contact_email, created_at, saved_by, saved_at, sent_at, taken),
      UPDATE (case_number, kind, name, version, materials, contact_name, contact_mobile, contact_email, revision, saved_by, saved_at, sent_at), DELETE ON solution_drafts TO countersign_programme;
GRANT INSERT, UPDATE (draft_id, cert_round, reminded_until) ON solutions TO countersign_programme;
GRANT INSERT ON solution_rounds, solution_certifications TO countersign_programme;
GRANT INSERT (wake_at, amount, about) ON cases TO countersign_programme; -- many at once

SET LOCAL ROLE NONE;
