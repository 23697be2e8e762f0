-- +goose Up

-- What the vendor's people do in the console beside cases: a policy that one of them proposes and another activates, masked columns
-- of a partner that they uncover, and a search through what happened.
SET LOCAL ROLE countersign_owner;

---------------------------------------------------------------- policies with a second pair of eyes

CREATE TABLE policy_proposals (
	proposal_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kind        text        NOT NULL CHECK (kind <> ''),
	body        jsonb       NOT NULL,
	base        int         NOT NULL CHECK (base >= 0),
	note        text        NOT NULL CHECK (length(note) BETWEEN 1 AND 500),
	proposed_by text        NOT NULL REFERENCES people,
	proposed_at timestamptz NOT NULL,
	request_key text        NOT NULL CHECK (length(request_key) BETWEEN 1 AND 64),
	outcome     text CHECK (outcome IN ('activated', 'rejected', 'withdrawn')),
	decided_by  text REFERENCES people,
	decided_at  timestamptz,
	reason      text        NOT NULL DEFAULT '' CHECK (length(reason) <= 500),
	version     int,
	CONSTRAINT com_20_proposal_key UNIQUE (proposed_by, request_key),
	CONSTRAINT eng_02_second_pair CHECK (outcome IS NULL OR (outcome = 'withdrawn') = (decided_by = proposed_by)),
	CHECK ((outcome IS NULL) = (decided_by IS NULL) AND (outcome IS NULL) = (decided_at IS NULL)),
	CHECK ((outcome IS NOT DISTINCT FROM 'activated') = (version IS NOT NULL)),
	FOREIGN KEY (kind, version) REFERENCES policies (kind, version)
);
CREATE INDEX policy_proposals_by_kind ON policy_proposals (kind, proposal_id);
COMMENT ON TABLE  policy_proposals IS 'New versions of policies that somebody proposes in the console. Nothing of one counts before another person activates it.';
COMMENT ON COLUMN policy_proposals.base IS 'The newest version when it was proposed, of an incentive plan that plan''s; 0: there was none. Activated only while it still is.';
COMMENT ON COLUMN policy_proposals.note IS 'Why, for who looks at it.';
COMMENT ON COLUMN policy_proposals.version IS 'Of the policy that it became.';

-- What was proposed stays, and so does what was decided about it (PGM-12).
-- +goose StatementBegin
CREATE FUNCTION guard_proposal() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF OLD.outcome IS NOT NULL OR TG_OP = 'DELETE' THEN
		RAISE EXCEPTION 'proposal %: % is refused', OLD.proposal_id, TG_OP USING ERRCODE = 'check_violation', CONSTRAINT = 'pgm_12_append_only';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER pgm_12_append_only BEFORE UPDATE OR DELETE ON policy_proposals FOR EACH ROW EXECUTE FUNCTION guard_proposal();
CREATE TRIGGER pgm_12_no_truncate BEFORE TRUNCATE ON policy_proposals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('pgm_12_append_only');

---------------------------------------------------------------- whose list it was that somebody uncovered

ALTER TABLE audit_log ADD COLUMN of_partner text REFERENCES partners;
COMMENT ON COLUMN audit_log.of_partner IS 'Whose list one of the vendor''s people uncovered (COM-10); NULL: somebody of a partner, their own partner''s.';

---------------------------------------------------------------- what happened, by day

-- Rows come in the order of time, nearly: a few pages of index find the days that one looks at among millions of events.
CREATE INDEX events_by_time         ON events         USING brin (at) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX refusals_by_time       ON refusals       USING brin (at) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX account_events_by_time ON account_events USING brin (at) WITH (pages_per_range = 32, autosummarize = on);

---------------------------------------------------------------- what the programme's role may do

GRANT SELECT, INSERT (kind, body, base, note, proposed_by, proposed_at, request_key), UPDATE (outcome, decided_by, decided_at, reason, version) ON policy_proposals TO countersign_programme;
GRANT INSERT (of_partner) ON audit_log TO countersign_programme;

SET LOCAL ROLE NONE;
