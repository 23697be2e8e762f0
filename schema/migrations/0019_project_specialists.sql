-- +goose Up

-- Project specialists (ORG-38 to ORG-44) and what members keep of their own qualification (ORG-45, ORG-46). The dedicated staff
-- of the incentive, with specialists of its own, is another thing.
SET LOCAL ROLE countersign_owner;

INSERT INTO moves VALUES
	('project-specialist', '',                    'SPECIALIST_REVIEW'),
	('project-specialist', 'SPECIALIST_REVIEW',   'SPECIALIST_REJECTED'),
	('project-specialist', 'SPECIALIST_REJECTED', 'SPECIALIST_REVIEW'),
	('project-specialist', 'SPECIALIST_REVIEW',   'SPECIALIST'),
	('project-specialist', 'SPECIALIST',          'CANCEL_REVIEW'),
	('project-specialist', 'CANCEL_REVIEW',       'SPECIALIST'),
	('project-specialist', 'CANCEL_REVIEW',       'CANCEL_REJECTED'),
	('project-specialist', 'CANCEL_REJECTED',     'CANCEL_REVIEW'),
	('project-specialist', 'CANCEL_REVIEW',       'CANCEL_APPROVED'),
	('project-specialist', 'SPECIALIST',          'CANCELLED_BY_VENDOR');

CREATE SEQUENCE project_specialist_numbers;

---------------------------------------------------------------- specialists

CREATE TABLE member_locations (
	partner_id    text        NOT NULL REFERENCES partners,
	account_id    text        NOT NULL REFERENCES personal_accounts,
	base_location text        NOT NULL CONSTRAINT org_39_location CHECK (length(base_location) BETWEEN 1 AND 64),
	set_by        text        NOT NULL REFERENCES people,
	set_at        timestamptz NOT NULL,
	PRIMARY KEY (partner_id, account_id)
);
COMMENT ON TABLE member_locations IS 'Where a member works from, as the partner''s administrator filled it in (ORG-39).';

CREATE TABLE project_specialists (
	case_number     text PRIMARY KEY REFERENCES cases,
	partner_id      text   NOT NULL REFERENCES partners,
	account_id      text   NOT NULL REFERENCES personal_accounts,
	path            text   NOT NULL CONSTRAINT org_40_path CHECK (path IN ('SVC', 'SI', 'LRN')),
	base_location   text   NOT NULL CONSTRAINT org_39_location CHECK (length(base_location) BETWEEN 1 AND 64),
	materials       text[] NOT NULL CONSTRAINT org_38_materials CHECK (cardinality(materials) > 0),
	cancel_reason   text   NOT NULL DEFAULT '',
	cancel_document text   NOT NULL DEFAULT '' CHECK (cancel_document = '' OR cancel_document ~ '^[0-9a-f]{64}$'),
	before_cancel   text   NOT NULL DEFAULT '' CHECK (before_cancel IN ('', 'SPECIALIST', 'CANCEL_REJECTED')),
	ended_at        timestamptz,
	CONSTRAINT org_42_reason_file CHECK ((cancel_reason = '') = (cancel_document = '') AND (cancel_reason = '') = (before_cancel = ''))
);
CREATE UNIQUE INDEX org_39_one_running ON project_specialists (partner_id, account_id, path) WHERE ended_at IS NULL;
CREATE INDEX project_specialists_by_account ON project_specialists (account_id, partner_id);
COMMENT ON TABLE  project_specialists IS 'One member of one partner on one path, from the first application to the end of being a specialist; applied for again after that it is another case (ORG-41).';
COMMENT ON COLUMN project_specialists.base_location IS 'As it was when the member was applied for last.';
COMMENT ON COLUMN project_specialists.materials IS 'Documents of the last application; those of former rounds are kept in approvals.';
COMMENT ON COLUMN project_specialists.cancel_reason IS 'Of the last cancellation, with its file in cancel_document (ORG-42); empty: there was none.';
COMMENT ON COLUMN project_specialists.before_cancel IS 'The state in which it was filed, to which withdrawing it leads back (ORG-43).';
COMMENT ON COLUMN project_specialists.ended_at IS 'When the case ended; NULL: it goes on.';

-- +goose StatementBegin
CREATE FUNCTION project_specialist_content(number text) RETURNS bytea LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT sha256(convert_to(string_agg(coalesce(octet_length(f) || ':' || f, '-'), '' ORDER BY n), 'UTF8'))
	  FROM project_specialists s,
	       unnest(ARRAY[s.case_number, s.partner_id, s.account_id, s.path, s.base_location, array_to_string(s.materials, ','), s.cancel_reason, s.cancel_document])
	       WITH ORDINALITY AS t(f, n)
	 WHERE s.case_number = number
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION project_specialist_content IS 'SHA-256 over what is reviewed: the columns in this order, each as its length in octets, a colon and its text.';

-- Of several paths the state that holds the link most; of what has ended only what ended under the present link.
-- +goose StatementBegin
CREATE FUNCTION specialist_state(partner text, account text) RETURNS text LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT coalesce((
		SELECT c.state FROM project_specialists s JOIN cases c USING (case_number)
		 WHERE s.partner_id = partner AND s.account_id = account
		   AND (s.ended_at IS NULL OR s.ended_at >= (SELECT max(linked_at) FROM member_links l WHERE l.partner_id = partner AND l.account_id = account))
		 ORDER BY array_position(ARRAY['CANCEL_REVIEW', 'SPECIALIST', 'CANCEL_REJECTED', 'SPECIALIST_REVIEW', 'SPECIALIST_REJECTED', 'CANCEL_APPROVED', 'CANCELLED_BY_VENDOR'], c.state),
		          c.opened_at DESC, c.case_number DESC
		 LIMIT 1), '')
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION specialist_state IS 'Where a linked member stands as a specialist, over all paths; empty: bound and nothing more.';

-- A link does not end under a specialist, or under an application that the vendor has to decide (ORG-37): whoever writes it.
-- Who applies holds the link's row, so neither can overtake the other.
-- +goose StatementBegin
CREATE FUNCTION guard_unbinding() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF specialist_state(NEW.partner_id, NEW.account_id) IN ('SPECIALIST_REVIEW', 'SPECIALIST', 'CANCEL_REVIEW', 'CANCEL_REJECTED') THEN
		RAISE EXCEPTION 'link % of % carries a specialist', NEW.link_id, NEW.account_id USING ERRCODE = 'check_violation', CONSTRAINT = 'org_37_specialist';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER org_37_specialist BEFORE UPDATE OF unlinked_at ON member_links FOR EACH ROW WHEN (OLD.unlinked_at IS NULL AND NEW.unlinked_at IS NOT NULL)
	EXECUTE FUNCTION guard_unbinding();

-- +goose StatementBegin
CREATE FUNCTION guard_specialist_link() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT 1 FROM member_links WHERE partner_id = NEW.partner_id AND account_id = NEW.account_id AND unlinked_at IS NULL) THEN
		RAISE EXCEPTION 'case %: % is not bound to %', NEW.case_number, NEW.account_id, NEW.partner_id USING ERRCODE = 'check_violation', CONSTRAINT = 'org_39_bound';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER org_39_bound BEFORE INSERT OR UPDATE OF materials ON project_specialists FOR EACH ROW EXECUTE FUNCTION guard_specialist_link();

---------------------------------------------------------------- what members keep of their qualification

CREATE SEQUENCE member_qualification_numbers;

CREATE TABLE member_qualifications (
	record_no    text        NOT NULL,
	version      int         NOT NULL CHECK (version > 0),
	account_id   text        NOT NULL REFERENCES personal_accounts,
	kind         text        NOT NULL CHECK (kind IN ('employment', 'certificate', 'training', 'project')),
	title        text        NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
	organisation text        NOT NULL CHECK (length(organisation) <= 200),
	level        text        NOT NULL CHECK (length(level) <= 64),
	from_on      date        NOT NULL,
	until_on     date CHECK (until_on >= from_on),
	removed      boolean     NOT NULL DEFAULT false,
	origin       text        NOT NULL CHECK (origin IN ('member', 'vendor')),
	made_by      text REFERENCES people,
	made_at      timestamptz NOT NULL,
	request_key  text        NOT NULL CHECK (length(request_key) BETWEEN 1 AND 64),
	digest       bytea       NOT NULL,
	CONSTRAINT org_45_version PRIMARY KEY (record_no, version),
	CONSTRAINT com_20_qualification_key UNIQUE (account_id, request_key),
	CONSTRAINT org_46_level CHECK (kind <> 'certificate' OR level <> ''),
	CONSTRAINT org_45_origin CHECK ((made_by IS NOT NULL) = (origin = 'vendor'))
);
CREATE INDEX member_qualifications_of ON member_qualifications (account_id, record_no, version);
COMMENT ON TABLE  member_qualifications IS 'Employment, certificates, trainings and projects of natural persons (ORG-45). A change is a new version; what was said before stays.';
COMMENT ON COLUMN member_qualifications.level IS 'Of a certificate: what certified staff are counted by (ORG-46).';
COMMENT ON COLUMN member_qualifications.until_on IS 'Last day, which counts in full; NULL: open.';
COMMENT ON COLUMN member_qualifications.origin IS 'Whose record it is: the member''s own, or one that the vendor made. It never changes.';
COMMENT ON COLUMN member_qualifications.made_by IS 'Who of the vendor wrote this version; NULL: the member.';
CREATE TRIGGER pgm_12_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON member_qualifications FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('pgm_12_append_only');

-- +goose StatementBegin
CREATE FUNCTION guard_member_qualification() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF NEW.version > 1 AND NOT EXISTS (SELECT 1 FROM member_qualifications q WHERE q.record_no = NEW.record_no AND q.version = NEW.version - 1
	                                      AND (q.account_id, q.kind, q.origin) = (NEW.account_id, NEW.kind, NEW.origin) AND NOT q.removed) THEN
		RAISE EXCEPTION 'record %, version %: not the next version of that record', NEW.record_no, NEW.version USING ERRCODE = 'check_violation', CONSTRAINT = 'org_45_version';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER org_45_version BEFORE INSERT ON member_qualifications FOR EACH ROW EXECUTE FUNCTION guard_member_qualification();

-- How many members count for a partner, by the level of their certificates (ORG-46): linked at that instant, with a certificate
-- that holds on that day, as it was written then. One member counts once for a level.
-- +goose StatementBegin
CREATE FUNCTION certified_staff(partner text, at timestamptz) RETURNS TABLE (level text, staff int) LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT q.level, count(DISTINCT q.account_id)::int
	  FROM member_links l
	  JOIN LATERAL (SELECT DISTINCT ON (record_no) * FROM member_qualifications m WHERE m.account_id = l.account_id AND m.made_at <= at ORDER BY record_no, version DESC) q ON true
	 WHERE l.partner_id = partner AND l.linked_at <= at AND (l.unlinked_at IS NULL OR at < l.unlinked_at)
	   AND q.kind = 'certificate' AND NOT q.removed
	   AND (at AT TIME ZONE interval '08:00')::date BETWEEN q.from_on AND coalesce(q.until_on, 'infinity') -- UTC+8
	 GROUP BY q.level
$$;
-- +goose StatementEnd

---------------------------------------------------------------- what the programme's role may do

GRANT USAGE ON SEQUENCE project_specialist_numbers, member_qualification_numbers TO countersign_programme;
GRANT SELECT ON member_locations, project_specialists, member_qualifications TO countersign_programme;
GRANT INSERT, UPDATE (base_location, set_by, set_at) ON member_locations TO countersign_programme;
GRANT INSERT (case_number, partner_id, account_id, path, base_location, materials),
      UPDATE (base_location, materials, cancel_reason, cancel_document, before_cancel, ended_at) ON project_specialists TO countersign_programme;
GRANT INSERT ON member_qualifications TO countersign_programme;

SET LOCAL ROLE NONE;
