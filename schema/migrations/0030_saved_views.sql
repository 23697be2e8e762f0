-- +goose Up

SET LOCAL ROLE countersign_owner;

CREATE TABLE saved_views (
	person_id text NOT NULL REFERENCES people,
	name      text NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
	query     text NOT NULL CHECK (length(query) <= 2000),
	saved_at  timestamptz NOT NULL,
	PRIMARY KEY (person_id, name)
);
COMMENT ON TABLE  saved_views IS 'Filters of the inbox that people keep under a name; nobody else sees them, and nothing depends on them.';
COMMENT ON COLUMN saved_views.query IS 'As in the inbox''s address.';
GRANT SELECT, INSERT, UPDATE, DELETE ON saved_views TO countersign_programme;

SET LOCAL ROLE NONE;
