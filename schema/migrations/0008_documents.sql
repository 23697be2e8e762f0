-- +goose Up

SET LOCAL ROLE countersign_owner;

---------------------------------------------------------------- documents: scans and files, each content once

CREATE TABLE documents (
	document_id text PRIMARY KEY CHECK (document_id ~ '^[0-9a-f]{64}$'),
	media_type  text        NOT NULL CHECK (media_type <> ''),
	size        bigint      NOT NULL CHECK (size > 0),
	stored_in   text        NOT NULL CHECK (stored_in IN ('postgres', 'folder', 's3')),
	content     bytea,
	uploaded_by text        NOT NULL REFERENCES people,
	uploaded_at timestamptz NOT NULL,
	CHECK ((stored_in = 'postgres') = (content IS NOT NULL)),
	CONSTRAINT documents_are_their_hash CHECK (content IS NULL OR encode(sha256(content), 'hex') = document_id AND octet_length(content) = size)
);
ALTER TABLE documents ALTER COLUMN content SET STORAGE EXTERNAL; -- scans are compressed already
COMMENT ON TABLE  documents IS 'A file that somebody uploaded, by what it contains: the same content is kept once, whoever uploads it again.';
COMMENT ON COLUMN documents.document_id IS 'SHA-256 of the content in hexadecimal; outside it is the last part of the file''s or object''s name.';
COMMENT ON COLUMN documents.media_type IS 'As the content shows it, not the file''s name.';
COMMENT ON COLUMN documents.stored_in IS 'Where the content went when it was uploaded; what lies outside is looked for in the place that is configured now.';
COMMENT ON COLUMN documents.content IS 'NULL when it is stored outside.';
CREATE TRIGGER pgm_11_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON documents FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('pgm_11_kept');

CREATE TABLE case_documents (
	case_number text        NOT NULL REFERENCES cases,
	document_id text        NOT NULL REFERENCES documents,
	kind        text        NOT NULL CONSTRAINT com_08_document
		CHECK (kind IN ('invoice', 'invoice-list', 'agreement', 'bank-letter', 'certificate', 'report', 'proof', 'other')),
	name        text        NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
	added_by    text        NOT NULL REFERENCES people,
	added_at    timestamptz NOT NULL,
	PRIMARY KEY (case_number, document_id, kind)
);
CREATE INDEX case_documents_by_document ON case_documents (document_id);
COMMENT ON TABLE  case_documents IS 'What was enclosed with a case, and as what. Append-only: a rejected application keeps its enclosures (PGM-11).';
COMMENT ON COLUMN case_documents.name IS 'The file''s name as given, without folders and signs that hide something.';
CREATE TRIGGER pgm_11_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON case_documents FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('pgm_11_kept');

GRANT SELECT ON documents, case_documents TO countersign_programme;
GRANT INSERT (document_id, media_type, size, stored_in, content, uploaded_by, uploaded_at) ON documents TO countersign_programme;
GRANT INSERT (case_number, document_id, kind, name, added_by, added_at) ON case_documents TO countersign_programme;

SET LOCAL ROLE NONE;
