-- +goose Up

SET LOCAL ROLE countersign_owner;

-- What the worker's metrics read every quarter of a minute has to be found without looking at what is long done.
CREATE INDEX tasks_decided ON tasks (decided_at) WHERE state = 'decided';
CREATE INDEX payments_unsettled ON payments (state, currency) WHERE state IN ('READY', 'EXPORTED', 'BY_HAND', 'ACCEPTED');

CREATE TABLE ledger_checks (
	check_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at       timestamptz NOT NULL,
	findings int         NOT NULL CHECK (findings >= 0)
);
COMMENT ON TABLE  ledger_checks IS 'When the ledger was recomputed as a whole, and how much did not add up: an alert fires when nobody looks, or when something was found.';
CREATE TRIGGER pgm_12_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_checks FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('pgm_12_append_only');
GRANT SELECT, INSERT ON ledger_checks TO countersign_programme;

SET LOCAL ROLE NONE;
