-- +goose Up

-- Certificates of solutions and plans, and joint (baseline) solutions: a project and a release that the vendor reviews, and beside
-- these tracks of their own.
SET LOCAL ROLE countersign_owner;

---------------------------------------------------------------- certificates

CREATE SEQUENCE certificate_numbers;

CREATE TABLE certificates (
	certificate_no text PRIMARY KEY CHECK (certificate_no ~ '^CERT-\d{4}-\d{6,}$'),
	kind           text        NOT NULL CHECK (kind IN ('solution', 'plan')),
	partner_id     text        NOT NULL REFERENCES partners,
	subject        text        NOT NULL CHECK (length(subject) BETWEEN 1 AND 64),
	holder         text        NOT NULL CHECK (holder <> ''),
	name           text        NOT NULL CHECK (name <> ''),
	grade          text        NOT NULL CHECK (grade <> ''),
	version        text        NOT NULL,
	issuer         text        NOT NULL CHECK (issuer <> ''),
	case_number    text        NOT NULL REFERENCES cases,
	cycle          int         NOT NULL CHECK (cycle >= 1),
	valid_from     timestamptz NOT NULL,
	valid_until    timestamptz NOT NULL,
	issued_at      timestamptz NOT NULL,
	code           text        NOT NULL UNIQUE CHECK (code ~ '^[A-Za-z0-9_-]{22,}$'),
	replaced_by    text CHECK (replaced_by <> certificate_no),
	CHECK (valid_from < valid_until),
	UNIQUE (case_number, cycle),
	UNIQUE (kind, partner_id, subject, certificate_no),
	FOREIGN KEY (kind, partner_id, subject, replaced_by) REFERENCES certificates (kind, partner_id, subject, certificate_no) DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX certificates_one_live ON certificates (kind, partner_id, subject) WHERE replaced_by IS NULL;
COMMENT ON TABLE  certificates IS 'What was certified to whom, from when until when. Issued with the approval, printed from this row whenever it is asked for, replaced by the next one, never changed otherwise.';
COMMENT ON COLUMN certificates.subject IS 'What is certified: the solution''s number, the plan. A partner has one certificate of it that was not replaced.';
COMMENT ON COLUMN certificates.holder IS 'The partner''s name when it was issued; so are name, grade and version of the solution or plan.';
COMMENT ON COLUMN certificates.grade IS 'The kind of solution (CLOUD, ADV), the tier of a plan (STANDARD to CORE).';
COMMENT ON COLUMN certificates.issuer IS 'The vendor''s entity that signs for the partner on that day.';
COMMENT ON COLUMN certificates.cycle IS 'Which certification of its case it belongs to, from 1.';
COMMENT ON COLUMN certificates.valid_until IS 'This instant out.';
COMMENT ON COLUMN certificates.code IS 'What whoever verifies it needs beside the number: 128 random bits, base64url.';
COMMENT ON COLUMN certificates.replaced_by IS 'The certificate that was issued in its place; NULL: none.';

-- +goose StatementBegin
CREATE FUNCTION guard_certificate() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF OLD.replaced_by IS NULL AND NEW.replaced_by IS NOT NULL AND (to_jsonb(OLD) - 'replaced_by') = (to_jsonb(NEW) - 'replaced_by') THEN
		RETURN NEW;
	END IF;
	RAISE EXCEPTION 'certificate % stays as it was issued', OLD.certificate_no USING ERRCODE = 'check_violation', CONSTRAINT = 'pgm_12_append_only';
END $$;
-- +goose StatementEnd
CREATE TRIGGER pgm_12_certificate BEFORE UPDATE ON certificates FOR EACH ROW EXECUTE FUNCTION guard_certificate();
CREATE TRIGGER pgm_12_append_only BEFORE DELETE OR TRUNCATE ON certificates FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('pgm_12_append_only');

---------------------------------------------------------------- joint solutions

INSERT INTO moves VALUES
	('baseline-solution', '',                 'PROJECT_REVIEW'),
	('baseline-solution', 'PROJECT_REVIEW',   'PROJECT_DONE'),
	('baseline-solution', 'PROJECT_REVIEW',   'PROJECT_REJECTED'),
	('baseline-solution', 'PROJECT_REJECTED', 'PROJECT_REVIEW'),
	('baseline-solution', 'PROJECT_DONE',     'RELEASE_REVIEW'),
	('baseline-solution', 'RELEASE_REVIEW',   'RELEASED'),
	('baseline-solution', 'RELEASE_REVIEW',   'RELEASE_REJECTED'),
	('baseline-solution', 'RELEASE_REJECTED', 'RELEASE_REVIEW'),
	('baseline-solution/DESIGN',       '',                         'DESIGNING'),
	('baseline-solution/DESIGN',       'DESIGNING',                'VERIFYING'),
	('baseline-solution/DESIGN',       'VERIFYING',                'VERIFIED'),
	('baseline-solution/GOODS',        '',                         'GOODS_LISTING'),
	('baseline-solution/GOODS',        'GOODS_LISTING',            'GOODS_LISTED'),
	('baseline-solution/CONFIGURATOR', '',                         'CONFIGURATOR_IN_PROGRESS'),
	('baseline-solution/CONFIGURATOR', 'CONFIGURATOR_IN_PROGRESS', 'CONFIGURATOR_DONE');

CREATE SEQUENCE baseline_solution_numbers;
CREATE SEQUENCE baseline_draft_numbers;

CREATE TABLE baseline_projects (
	project_id     text PRIMARY KEY,
	partner_id     text        NOT NULL REFERENCES partners,
	request_key    text        NOT NULL CHECK (length(request_key) BETWEEN 1 AND 64),
	name           text        NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
	version        text        NOT NULL CHECK (length(version) <= 32),
	summary        text        NOT NULL CHECK (length(summary) <= 2000),
	lead           text        NOT NULL CHECK (lead IN ('partner', 'vendor')),
	contact_name   text        NOT NULL,
	contact_mobile text        NOT NULL,
	contact_email  text        NOT NULL,
	saved_by       text        NOT NULL REFERENCES people,
	saved_at       timestamptz NOT NULL,
	case_number    text UNIQUE REFERENCES cases,
	solution       text UNIQUE REFERENCES cases,
	released_at    timestamptz,
	CONSTRAINT com_20_project_key UNIQUE (partner_id, request_key),
	CONSTRAINT cert_26_complete CHECK (case_number IS NULL OR version <> '' AND summary <> '' AND contact_name <> '' AND contact_mobile <> '' AND contact_email <> ''),
	CHECK (released_at IS NULL OR case_number IS NOT NULL),
	CHECK (solution IS NULL OR released_at IS NOT NULL AND lead = 'partner')
);
CREATE INDEX baseline_projects_by_partner ON baseline_projects (partner_id);
COMMENT ON TABLE  baseline_projects IS 'A joint solution: a draft until it has a case. Its name stays as it was first saved (CERT-25).';
COMMENT ON COLUMN baseline_projects.lead IS 'Who leads it. What the partner leads is, once released, its certified cloud software solution (CERT-21).';
COMMENT ON COLUMN baseline_projects.contact_name IS 'The contact is a person''s data; it goes nowhere but to people.';
COMMENT ON COLUMN baseline_projects.solution IS 'The certified solution that the release became; NULL: none.';
COMMENT ON COLUMN baseline_projects.released_at IS 'From when on it is shown on the public site and selectable as an offering (CERT-30, CERT-31); NULL: it is not.';

CREATE TABLE baseline_files (
	project_id  text        NOT NULL REFERENCES baseline_projects ON DELETE CASCADE,
	item        text        NOT NULL CHECK (item IN ('presentation', 'feature-list', 'design', 'test-report') OR item LIKE 'release:%'),
	document_id text        NOT NULL REFERENCES documents,
	name        text        NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
	added_by    text        NOT NULL REFERENCES people,
	added_at    timestamptz NOT NULL,
	checked_at  timestamptz,
	findings    text[],
	check_policy int,
	PRIMARY KEY (project_id, item),
	CHECK ((checked_at IS NULL) = (findings IS NULL) AND (checked_at IS NULL) = (check_policy IS NULL) AND (checked_at IS NULL OR item = 'feature-list'))
);
COMMENT ON TABLE  baseline_files IS 'The files of a joint solution as they are now; what each round of review was about is kept with the round, and the contents in documents.';
COMMENT ON COLUMN baseline_files.findings IS 'What the check of this content of the feature list found; empty: it passed. NULL: it was not checked (CERT-26).';
COMMENT ON COLUMN baseline_files.check_policy IS 'Whose template it was checked against.';

CREATE TABLE baseline_releases (
	case_number text PRIMARY KEY REFERENCES cases,
	note        text        NOT NULL CHECK (length(note) <= 2000),
	saved_by    text        NOT NULL REFERENCES people,
	saved_at    timestamptz NOT NULL
);
COMMENT ON TABLE  baseline_releases IS 'A release application as it was saved last; its files are those of the project with the item release:… (CERT-30).';
COMMENT ON COLUMN baseline_releases.note IS 'What the public site says about the release, beside the summary.';

CREATE TABLE baseline_uploads (
	case_number text        NOT NULL REFERENCES cases,
	item        text        NOT NULL CHECK (item LIKE 'release:%'),
	name        text        NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
	media_type  text        NOT NULL CHECK (media_type <> ''),
	content     bytea       NOT NULL,
	added_by    text        NOT NULL REFERENCES people,
	added_at    timestamptz NOT NULL,
	PRIMARY KEY (case_number, item)
);
COMMENT ON TABLE baseline_uploads IS 'Files of a release that were uploaded and not saved: saving moves them into documents, cancelling drops them (CERT-30).';

CREATE TABLE baseline_tracks (
	case_number text        NOT NULL REFERENCES cases,
	track       text        NOT NULL CHECK (track IN ('DESIGN', 'GOODS', 'CONFIGURATOR')),
	state       text        NOT NULL,
	reference   text        NOT NULL DEFAULT '',
	since_at    timestamptz NOT NULL,
	PRIMARY KEY (case_number, track)
);
COMMENT ON TABLE  baseline_tracks IS 'Where the tracks beside the main line stand (CERT-28, CERT-29); how they came there is in the case''s history.';
COMMENT ON COLUMN baseline_tracks.reference IS 'Of goods: their number in the shop once they are listed. Of a configurator: the solution architect who helps.';

-- A draft's name stays for ever, what is submitted only changes while it is refused, and with its submission its feature list has passed.
-- +goose StatementBegin
CREATE FUNCTION guard_baseline_project() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE now_state text;
BEGIN
	IF TG_OP = 'DELETE' THEN
		IF OLD.case_number IS NOT NULL THEN
			RAISE EXCEPTION 'project % was submitted', OLD.project_id USING ERRCODE = 'check_violation', CONSTRAINT = 'cert_25_submitted';
		END IF;
		RETURN OLD;
	END IF;
	IF NEW.name <> OLD.name OR NEW.partner_id <> OLD.partner_id OR OLD.case_number IS NOT NULL AND NEW.case_number IS DISTINCT FROM OLD.case_number THEN
		RAISE EXCEPTION 'the name of % is frozen', OLD.project_id USING ERRCODE = 'check_violation', CONSTRAINT = 'cert_25_name_frozen';
	END IF;
	SELECT state INTO now_state FROM cases WHERE case_number = OLD.case_number;
	IF (NEW.version, NEW.summary, NEW.lead, NEW.contact_name, NEW.contact_mobile, NEW.contact_email) IS DISTINCT FROM
	   (OLD.version, OLD.summary, OLD.lead, OLD.contact_name, OLD.contact_mobile, OLD.contact_email) AND now_state <> 'PROJECT_REJECTED' THEN
		RAISE EXCEPTION 'project % is submitted', OLD.project_id USING ERRCODE = 'check_violation', CONSTRAINT = 'cert_27_submitted';
	END IF;
	IF NEW.case_number IS NOT NULL AND OLD.case_number IS NULL AND
	   NOT EXISTS (SELECT 1 FROM baseline_files WHERE project_id = NEW.project_id AND item = 'feature-list' AND findings = '{}') THEN
		RAISE EXCEPTION 'the feature list of % has not passed', OLD.project_id USING ERRCODE = 'check_violation', CONSTRAINT = 'cert_26_feature_list';
	END IF;
	RETURN NEW;
END $$;

-- Files change only where what they belong to may.
CREATE FUNCTION guard_baseline_file() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
	f baseline_files := coalesce(NEW, OLD);
	now_state text;
BEGIN
	SELECT c.state INTO now_state FROM baseline_projects p JOIN cases c USING (case_number) WHERE p.project_id = f.project_id;
	IF f.item IN ('presentation', 'feature-list') AND now_state <> 'PROJECT_REJECTED' OR f.item LIKE 'release:%' AND coalesce(now_state, '') NOT IN ('PROJECT_DONE', 'RELEASE_REJECTED') THEN
		RAISE EXCEPTION 'file % of % stays as it is', f.item, f.project_id USING ERRCODE = 'check_violation', CONSTRAINT = 'cert_27_submitted';
	END IF;
	IF f.item IN ('design', 'test-report') AND EXISTS (
		SELECT 1 FROM baseline_projects p JOIN approvals a USING (case_number)
		 WHERE p.project_id = f.project_id AND a.outcome = '' AND a.matter = CASE f.item WHEN 'design' THEN 'design' ELSE 'verification' END) THEN
		RAISE EXCEPTION 'file % of % is under review', f.item, f.project_id USING ERRCODE = 'check_violation', CONSTRAINT = 'cert_28_handed_in';
	END IF;
	RETURN coalesce(NEW, OLD);
END $$;

CREATE FUNCTION guard_baseline_track() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE before_state text := CASE WHEN TG_OP = 'UPDATE' THEN OLD.state ELSE '' END;
BEGIN
	IF NOT EXISTS (SELECT 1 FROM moves WHERE kind = 'baseline-solution/' || NEW.track AND from_state = before_state AND to_state = NEW.state) THEN
		RAISE EXCEPTION 'track % of %: no step from % to %', NEW.track, NEW.case_number, before_state, NEW.state USING ERRCODE = 'check_violation', CONSTRAINT = 'eng_03_track';
	END IF;
	IF NEW.track <> 'DESIGN' AND (SELECT state FROM cases WHERE case_number = NEW.case_number) IN ('PROJECT_REVIEW', 'PROJECT_REJECTED') THEN
		RAISE EXCEPTION 'the joint project of % is not done', NEW.case_number USING ERRCODE = 'check_violation', CONSTRAINT = 'cert_29_project_open';
	END IF;
	RETURN NEW;
END $$;

-- What is sent again or released has what it needs.
CREATE FUNCTION guard_baseline_case() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF NEW.state = 'PROJECT_REVIEW' AND NOT EXISTS (
		SELECT 1 FROM baseline_projects p JOIN baseline_files f USING (project_id) WHERE p.case_number = NEW.case_number AND f.item = 'feature-list' AND f.findings = '{}') THEN
		RAISE EXCEPTION 'the feature list of % has not passed', NEW.case_number USING ERRCODE = 'check_violation', CONSTRAINT = 'cert_26_feature_list';
	END IF;
	IF NEW.state = 'RELEASE_REVIEW' AND ((
		SELECT count(*) FROM baseline_tracks WHERE case_number = NEW.case_number AND state IN ('VERIFIED', 'GOODS_LISTED')) < 2
		OR NOT EXISTS (SELECT 1 FROM baseline_releases WHERE case_number = NEW.case_number)) THEN
		RAISE EXCEPTION 'solution % cannot be released yet', NEW.case_number USING ERRCODE = 'check_violation', CONSTRAINT = 'cert_30_release';
	END IF;
	RETURN NEW;
END $$;

CREATE FUNCTION baseline_solution_content(number text) RETURNS bytea LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT sha256(convert_to(string_agg(octet_length(f) || ':' || f, '' ORDER BY n), 'UTF8'))
	  FROM baseline_projects p, unnest(ARRAY[p.case_number, p.partner_id, p.name]) WITH ORDINALITY AS t(f, n)
	 WHERE p.case_number = number
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION baseline_solution_content IS 'SHA-256 over what every review of a joint solution is about, the columns in this order, each as its length in octets, a colon and its text. What is reviewed in a round beside that cannot change while it is asked about, and is kept with the round.';
CREATE TRIGGER cert_25_name_frozen BEFORE UPDATE OR DELETE ON baseline_projects FOR EACH ROW EXECUTE FUNCTION guard_baseline_project();
CREATE TRIGGER cert_27_submitted BEFORE INSERT OR UPDATE OR DELETE ON baseline_files FOR EACH ROW EXECUTE FUNCTION guard_baseline_file();
CREATE TRIGGER eng_03_track BEFORE INSERT OR UPDATE ON baseline_tracks FOR EACH ROW EXECUTE FUNCTION guard_baseline_track();
CREATE TRIGGER cert_26_baseline BEFORE UPDATE OF state ON cases FOR EACH ROW
	WHEN (NEW.kind = 'baseline-solution' AND NEW.state <> OLD.state AND NEW.state IN ('PROJECT_REVIEW', 'RELEASE_REVIEW')) EXECUTE FUNCTION guard_baseline_case();

---------------------------------------------------------------- what the programme's role may do

GRANT USAGE ON SEQUENCE certificate_numbers TO countersign_programme;
GRANT SELECT, INSERT, UPDATE (replaced_by) ON certificates TO countersign_programme;
GRANT USAGE ON SEQUENCE baseline_solution_numbers, baseline_draft_numbers TO countersign_programme;
GRANT SELECT ON baseline_projects, baseline_files, baseline_releases, baseline_uploads, baseline_tracks TO countersign_programme;
GRANT INSERT (project_id, partner_id, request_key, name, version, summary, lead, contact_name, contact_mobile, contact_email, saved_by, saved_at),
      UPDATE (version, summary, lead, contact_name, contact_mobile, contact_email, saved_by, saved_at, case_number, solution, released_at), DELETE ON baseline_projects TO countersign_programme;
GRANT INSERT, UPDATE (document_id, name, added_by, added_at, checked_at, findings, check_policy), DELETE ON baseline_files TO countersign_programme;
GRANT INSERT, UPDATE (note, saved_by, saved_at), DELETE ON baseline_releases TO countersign_programme;
GRANT INSERT, UPDATE (name, media_type, content, added_by, added_at), DELETE ON baseline_uploads TO countersign_programme;
GRANT INSERT, UPDATE (state, reference, since_at) ON baseline_tracks TO countersign_programme;

SET LOCAL ROLE NONE;
