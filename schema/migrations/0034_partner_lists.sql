-- +goose Up

-- A partner's newest cases of a kind, and those of them that are open, are read at once, however many of other kinds there are.
SET LOCAL ROLE countersign_owner;

CREATE INDEX cases_of_partner_by_kind ON cases (partner_id, kind, opened_at, case_number);
DROP INDEX cases_open_of_partner;
CREATE INDEX cases_open_of_partner ON cases (partner_id, kind, opened_at, case_number) WHERE closed_at IS NULL;

SET LOCAL ROLE NONE;
