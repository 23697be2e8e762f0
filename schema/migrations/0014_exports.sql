-- +goose Up

SET LOCAL ROLE countersign_owner;

---------------------------------------------------------------- exports of the detail behind the bills (INC-11)

CREATE TABLE exports (
	export_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	request_key text          NOT NULL CONSTRAINT com_20_lines_export UNIQUE CONSTRAINT com_03_export_key CHECK (length(request_key) BETWEEN 1 AND 64),
	asked_by    text          NOT NULL REFERENCES people,
	filter      jsonb         NOT NULL CHECK (jsonb_typeof(filter) = 'object'),
	format      text          NOT NULL CONSTRAINT inc_11_format CHECK (format IN ('xlsx', 'csv')),
	state       text          NOT NULL DEFAULT 'RUNNING' CHECK (state IN ('RUNNING', 'DONE', 'FAILED')),
	lines       bigint        CHECK (lines >= 0),
	amount      numeric(20,2),
	content     bytea         CONSTRAINT inc_11_size CHECK (octet_length(content) BETWEEN 1 AND 268435456),
	sha256      text,
	asked_at    timestamptz   NOT NULL,
	done_at     timestamptz   CHECK (done_at >= asked_at),
	error       text          NOT NULL DEFAULT '',
	CHECK ((content IS NULL) = (sha256 IS NULL) AND (content IS NULL OR lines IS NOT NULL AND amount IS NOT NULL)),
	CHECK ((state = 'RUNNING') = (done_at IS NULL)),
	CHECK ((state = 'FAILED') = (error <> '')),
	CHECK (state = 'RUNNING' OR (state = 'DONE') = (content IS NOT NULL))
);
CREATE INDEX exports_by_person ON exports (asked_by, export_id);
COMMENT ON TABLE  exports IS 'Searches of the incentive detail that were exported in the background, with the file (INC-11).';
COMMENT ON COLUMN exports.export_id IS 'The number under which the file is fetched.';
COMMENT ON COLUMN exports.request_key IS 'One request is one export: a repeat finds the first one, with another body it is refused (COM-20).';
COMMENT ON COLUMN exports.asked_by IS 'Who may fetch it, beside vendor operations.';
COMMENT ON COLUMN exports.filter IS 'By what the detail was searched; "partner" names the one whose lines it holds, without it they are all partners''.';
COMMENT ON COLUMN exports.state IS 'RUNNING until the file is there (DONE) or there will be none (FAILED); then the row stays as it is.';
COMMENT ON COLUMN exports.lines IS 'How many lines the file holds.';
COMMENT ON COLUMN exports.amount IS 'What these lines come to, in CNY.';
COMMENT ON COLUMN exports.content IS 'The file, at most 256 MiB; written in one piece before the export is DONE.';
COMMENT ON COLUMN exports.sha256 IS 'Of the content, in hexadecimal.';
COMMENT ON COLUMN exports.error IS 'Why it failed, in a sentence that says what to do.';

-- A partner's person has only the lines of their own partner exported.
-- +goose StatementBegin
CREATE FUNCTION guard_export() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF EXISTS (SELECT 1 FROM people WHERE person_id = NEW.asked_by AND partner_id IS DISTINCT FROM NEW.filter ->> 'partner' AND partner_id IS NOT NULL) THEN
		RAISE EXCEPTION 'export: % asks for lines of another partner', NEW.asked_by USING ERRCODE = 'check_violation', CONSTRAINT = 'inc_11_own_lines';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
-- No CHECK: that would read the file again in whatever is written about it.
-- +goose StatementBegin
CREATE FUNCTION guard_export_hash() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF encode(sha256(NEW.content), 'hex') <> NEW.sha256 THEN
		RAISE EXCEPTION 'export %: the content is not that of its hash', NEW.export_id USING ERRCODE = 'check_violation', CONSTRAINT = 'exports_are_their_hash';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER exports_are_their_hash BEFORE UPDATE OF content, sha256 ON exports FOR EACH ROW EXECUTE FUNCTION guard_export_hash();
CREATE TRIGGER inc_11_own_lines BEFORE INSERT ON exports FOR EACH ROW EXECUTE FUNCTION guard_export();
CREATE TRIGGER eng_03_export_ended BEFORE UPDATE ON exports FOR EACH ROW WHEN (OLD.state <> 'RUNNING') EXECUTE FUNCTION refuse_change('eng_03_export_ended');

GRANT SELECT ON exports TO countersign_programme;
GRANT INSERT (request_key, asked_by, filter, format, asked_at),
      UPDATE (state, lines, amount, content, sha256, done_at, error) ON exports TO countersign_programme;

SET LOCAL ROLE NONE;
