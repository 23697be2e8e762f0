-- +goose Up

-- Certificates of solutions and plans.
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

---------------------------------------------------------------- what the programme's role may do

GRANT USAGE ON SEQUENCE certificate_numbers TO countersign_programme;
GRANT SELECT, INSERT, UPDATE (replaced_by) ON certificates TO countersign_programme;

SET LOCAL ROLE NONE;
