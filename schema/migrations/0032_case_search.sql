-- +goose Up

SET LOCAL ROLE countersign_owner;

---------------------------------------------------------------- lists of all partners' cases, the newest first

CREATE INDEX cases_newest        ON cases (opened_at DESC, case_number DESC);
CREATE INDEX cases_open_in_state ON cases (kind, state, opened_at DESC, case_number DESC) WHERE closed_at IS NULL;

SET LOCAL ROLE NONE;
