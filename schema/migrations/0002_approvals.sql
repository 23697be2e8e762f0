-- +goose Up

-- Approvals: chains of steps instead of one review by one role. What a round asks is pinned in approvals.plan, what people
-- and the clock did about it stands in decisions; both together say what is open now (domain/approval). tasks is what they
-- come to, for lists and for the guards below.
SET LOCAL ROLE countersign_owner;

ALTER TABLE partners ADD COLUMN ecosystem_manager text REFERENCES people;
ALTER TABLE people   ADD COLUMN superior text REFERENCES people CHECK (superior <> person_id);
COMMENT ON COLUMN partners.ecosystem_manager IS 'The vendor''s person responsible for the partner; chains may ask for them.';
ALTER TABLE people   ADD COLUMN left_at timestamptz, ADD CONSTRAINT people_left CHECK (left_at IS NULL OR NOT active);
COMMENT ON COLUMN people.superior IS 'Whom a chain asks as the submitter''s superior.';
COMMENT ON COLUMN people.left_at IS 'When it was recorded that they left. They stay inactive, whatever a programme file says that is loaded afterwards.';

CREATE TABLE absences (
	absence_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	person_id  text        NOT NULL REFERENCES people,
	substitute text        NOT NULL REFERENCES people,
	from_at    timestamptz NOT NULL,
	to_at      timestamptz NOT NULL,
	set_by     text        NOT NULL REFERENCES people,
	set_at     timestamptz NOT NULL,
	CHECK (from_at < to_at),
	CHECK (person_id <> substitute),
	CONSTRAINT eng_01_absence UNIQUE (person_id, substitute, from_at)
);
CREATE INDEX absences_by_substitute ON absences (substitute, to_at);
COMMENT ON TABLE absences IS 'Who stands in for whom; half-open, from_at is in and to_at is out (PGM-02).';

CREATE TABLE approvals (
	case_number    text        NOT NULL REFERENCES cases,
	matter         text        NOT NULL,
	round          int         NOT NULL CHECK (round > 0),
	plan           jsonb       NOT NULL,
	content        bytea       NOT NULL,
	granted        bytea,
	application    jsonb,
	policy_version int         NOT NULL,
	opened_by      text        NOT NULL REFERENCES people,
	opened_at      timestamptz NOT NULL,
	outcome        text        NOT NULL DEFAULT '',
	closed_at      timestamptz,
	PRIMARY KEY (case_number, matter, round),
	CHECK ((outcome = '') = (closed_at IS NULL))
);
COMMENT ON TABLE  approvals IS 'One round of one matter of a case: the chain as it was planned when the round opened.';
COMMENT ON COLUMN approvals.content IS 'SHA-256 of what is applied for as the round was opened about it; a change voids the round''s approvals.';
COMMENT ON COLUMN approvals.granted IS 'SHA-256 of what was approved, which may be less than was applied for; NULL until then.';
COMMENT ON COLUMN approvals.application IS 'What was applied for in this round, as entered: stays readable in later rounds (PGM-11).';

ALTER TABLE tasks DROP CONSTRAINT com_20_decision_key; -- decisions has it from here on

CREATE TABLE decisions (
	case_number text        NOT NULL,
	seq         int         NOT NULL,
	matter      text        NOT NULL,
	round       int         NOT NULL,
	seat        text        NOT NULL,
	act         text        NOT NULL,
	word        text        NOT NULL,
	how         text        NOT NULL CHECK (how IN ('person', 'substitute', 'rule', 'deadline')),
	person_id   text REFERENCES people,
	on_behalf   text REFERENCES people,
	target      text        NOT NULL DEFAULT '',
	before      boolean     NOT NULL DEFAULT false,
	amount      numeric(20,2),
	lines       text[]      NOT NULL DEFAULT '{}',
	reason      text        NOT NULL DEFAULT '',
	at          timestamptz NOT NULL,
	key         text CONSTRAINT com_20_decision_key UNIQUE,
	digest      bytea,
	PRIMARY KEY (case_number, seq),
	FOREIGN KEY (case_number, matter, round) REFERENCES approvals,
	CHECK ((how IN ('person', 'substitute')) = (person_id IS NOT NULL)),
	CHECK ((how = 'substitute') = (on_behalf IS NOT NULL))
);
COMMENT ON TABLE  decisions IS 'What people, rules and the clock did about a round, in order; append-only (PGM-12). Replayed over the plan it says what is open.';
COMMENT ON COLUMN decisions.act IS 'What it means to the engine; word is how the matter calls it.';
COMMENT ON COLUMN decisions.target IS 'The person or step it goes to; of "involve" the role or person that may decide as well.';
COMMENT ON COLUMN decisions.key IS 'Request key; digest is of its content: the same key with another content is refused (COM-20).';
CREATE INDEX decisions_by_person ON decisions (person_id, at, case_number, seq) WHERE act IN ('approve', 'reject', 'return', 'back');
CREATE INDEX decisions_on_behalf ON decisions (on_behalf, case_number) WHERE on_behalf IS NOT NULL;
CREATE TRIGGER pgm_12_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON decisions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('pgm_12_append_only');

---------------------------------------------------------------- what a withdrawal is about

-- +goose StatementBegin
CREATE FUNCTION withdrawal_content(number text) RETURNS bytea LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT sha256(convert_to(string_agg(coalesce(octet_length(f) || ':' || f, '-'), '' ORDER BY n), 'UTF8'))
	  FROM cases c JOIN withdrawals w USING (case_number),
	       unnest(ARRAY[c.case_number, c.partner_id, w.route, w.amount::text, w.currency, w.holder, w.account_no, w.bank, w.branch, w.paying_entity, w.paid_from,
	              (SELECT string_agg(l.lot_no || '=' || l.amount, ',' ORDER BY l.lot_no) FROM withdrawal_lines l WHERE l.case_number = c.case_number)])
	       WITH ORDINALITY AS t(f, n)
	 WHERE c.case_number = number
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION withdrawal_content IS 'SHA-256 over what is approved: the columns in this order, each as its length in octets, a colon and its text.';

INSERT INTO moves VALUES
	('withdrawal', 'UNDER_REVIEW',     'AWAITING_CHANGES'),
	('withdrawal', 'AWAITING_CHANGES', 'UNDER_REVIEW'),
	('withdrawal', 'AWAITING_CHANGES', 'CANCELLED');

---------------------------------------------------------------- tasks

DROP TRIGGER eng_03_answered ON tasks;
DROP TRIGGER eng_02_four_eyes ON tasks;

ALTER TABLE tasks RENAME COLUMN kind TO matter;
ALTER TABLE tasks
	ADD COLUMN round           int     NOT NULL DEFAULT 1,
	ADD COLUMN seat            text    NOT NULL DEFAULT '',
	ADD COLUMN step            text    NOT NULL DEFAULT '',
	ADD COLUMN visit           int     NOT NULL DEFAULT 1,
	ADD COLUMN candidates      text[]  NOT NULL DEFAULT '{}',
	ADD COLUMN counted_from    timestamptz,
	ADD COLUMN remind_at       timestamptz,
	ADD COLUMN reminded_at     timestamptz,
	ADD COLUMN escalated_at    timestamptz,
	ADD COLUMN default_at      timestamptz,
	ADD COLUMN how             text    NOT NULL DEFAULT '',
	ADD COLUMN on_behalf       text REFERENCES people;

-- Cases in flight: each of their questions becomes a round of one step.
INSERT INTO approvals (case_number, matter, round, plan, content, granted, policy_version, opened_by, opened_at, outcome, closed_at)
SELECT t.case_number, t.matter, row_number() OVER (PARTITION BY t.case_number, t.matter ORDER BY t.opened_at, t.task_id),
       jsonb_build_object('owner', p.body ->> 'escalation_role', 'steps', jsonb_build_array(jsonb_build_object(
           'name', split_part(t.task_id, '/', 2), 'mode', 'any', 'need', 1, 'escalate', p.body ->> 'escalation_role',
           'seats', jsonb_build_array(jsonb_build_array('role:' || t.role))))),
       withdrawal_content(t.case_number),
       CASE WHEN t.outcome IN ('approve', 'send', 'confirm') THEN withdrawal_content(t.case_number) END,
       c.policy_version, t.opened_by, t.opened_at,
       CASE WHEN t.state = 'open' THEN '' WHEN t.state = 'closed' THEN 'closed' WHEN t.outcome IN ('approve', 'send', 'confirm') THEN 'approve' ELSE 'reject' END,
       CASE WHEN t.state <> 'open' THEN coalesce(t.decided_at, c.closed_at, t.opened_at) END
  FROM tasks t JOIN cases c USING (case_number) JOIN policies p ON (p.kind, p.version) = (c.kind, c.policy_version);

UPDATE tasks t SET
	round = a.round, seat = split_part(t.task_id, '/', 2), step = split_part(t.task_id, '/', 2),
	candidates = ARRAY['role:' || t.role] || CASE WHEN t.escalated_to IN ('', t.role) THEN '{}' ELSE ARRAY['role:' || t.escalated_to] END,
	escalated_at = CASE WHEN t.escalated_to <> '' THEN coalesce(t.due_at, t.opened_at) END,
	how = CASE WHEN t.state = 'decided' THEN 'person' ELSE '' END,
	counted_from = coalesce((SELECT w.approved_at FROM withdrawals w WHERE w.case_number = t.case_number AND t.matter IN ('send', 'confirm')), t.opened_at)
  FROM approvals a
 WHERE a.case_number = t.case_number AND a.matter = t.matter AND a.plan -> 'steps' -> 0 ->> 'name' = split_part(t.task_id, '/', 2);

INSERT INTO decisions (case_number, seq, matter, round, seat, act, word, how, person_id, target, reason, at, key, digest)
SELECT case_number, row_number() OVER (PARTITION BY case_number ORDER BY array_position('{review,send,confirm,late-return}', matter), round, act DESC, at), matter, round, seat, act, word, how, person, target, reason, at, key, digest
  FROM (
	SELECT case_number, matter, round, seat, 'involve' AS act, 'involve' AS word, 'deadline' AS how, NULL AS person, 'role:' || escalated_to AS target, '' AS reason,
	       escalated_at AS at, NULL AS key, NULL::bytea AS digest
	  FROM tasks WHERE escalated_to <> ''
	UNION ALL
	SELECT case_number, matter, round, seat, CASE WHEN outcome IN ('approve', 'send', 'confirm') THEN 'approve' ELSE 'reject' END, outcome, 'person', decided_by, '', reason,
	       decided_at, decision_key, decision_digest
	  FROM tasks WHERE state = 'decided') AS d;

-- Cases that a rule approved have no review: their content is pinned by a round that nobody was asked in.
INSERT INTO approvals (case_number, matter, round, plan, content, granted, policy_version, opened_by, opened_at, outcome, closed_at)
SELECT c.case_number, 'review', 1, '{"owner": "", "steps": []}', withdrawal_content(c.case_number), withdrawal_content(c.case_number), c.policy_version, c.submitter, c.opened_at,
       'rule', c.opened_at
  FROM cases c JOIN withdrawals w USING (case_number) WHERE w.approved_by_rule;

ALTER TABLE tasks
	DROP COLUMN role, DROP COLUMN escalated_to, DROP COLUMN decision_key, DROP COLUMN decision_digest,
	ALTER COLUMN round DROP DEFAULT, ALTER COLUMN seat DROP DEFAULT, ALTER COLUMN step DROP DEFAULT, ALTER COLUMN visit DROP DEFAULT,
	ALTER COLUMN candidates DROP DEFAULT,
	DROP CONSTRAINT tasks_state_check,
	ADD CONSTRAINT tasks_state_check CHECK (state IN ('open', 'waiting', 'decided', 'closed')),
	ADD CONSTRAINT tasks_asks_somebody CHECK (cardinality(candidates) > 0 AND array_position(candidates, NULL) IS NULL),
	ADD CONSTRAINT tasks_how CHECK (how IN ('', 'person', 'substitute', 'deadline', 'rule')),
	ADD CONSTRAINT tasks_decided CHECK ((state = 'decided') = (decided_at IS NOT NULL AND outcome <> '' AND how <> '')
	                                AND (decided_by IS NOT NULL) = (how IN ('person', 'substitute')) AND (on_behalf IS NOT NULL) = (how = 'substitute')),
	ADD FOREIGN KEY (case_number, matter, round) REFERENCES approvals,
	ADD CONSTRAINT eng_03_seat UNIQUE (case_number, matter, round, seat);
CREATE INDEX tasks_clock ON tasks (case_number) WHERE state IN ('open', 'waiting');
COMMENT ON TABLE  tasks IS 'A question put to people: one seat of a round. "waiting": a signer was put before it. "closed" went away undecided.';
COMMENT ON COLUMN tasks.candidates IS 'Who may decide now: "role:" and a role of the vendor, or "person:" and a person''s ID; one of them is enough.';
COMMENT ON COLUMN tasks.counted_from IS 'From when its terms are counted; NULL while its turn has not come.';
COMMENT ON COLUMN tasks.visit IS 'How often the step was begun in this round: sending back to an earlier step begins it again.';
COMMENT ON COLUMN tasks.how IS 'Whose the answer is: a person''s, a substitute''s for on_behalf, a rule''s or a deadline''s.';
COMMENT ON COLUMN tasks.default_at IS 'When the deadline decides; NULL: never.';

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION guard_four_eyes() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE asker text := (SELECT submitter FROM cases WHERE case_number = NEW.case_number);
BEGIN
	IF NEW.decided_by IN (NEW.opened_by, asker) OR NEW.on_behalf IN (NEW.opened_by, asker) OR EXISTS ( -- who applied in whichever round
		SELECT 1 FROM approvals a WHERE a.case_number = NEW.case_number AND a.matter = 'review' AND a.opened_by IN (NEW.decided_by, NEW.on_behalf)) THEN
		RAISE EXCEPTION 'task %: % may not decide their own request', NEW.task_id, NEW.decided_by
			USING ERRCODE = 'check_violation', CONSTRAINT = 'eng_02_four_eyes';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER eng_02_four_eyes BEFORE INSERT OR UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION guard_four_eyes();

-- Nobody answers a step twice in one visit, not for somebody else either.
-- +goose StatementBegin
CREATE FUNCTION guard_one_seat() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF EXISTS (
		SELECT 1 FROM tasks o
		 WHERE (o.case_number, o.matter, o.round, o.step, o.visit) = (NEW.case_number, NEW.matter, NEW.round, NEW.step, NEW.visit) AND o.task_id <> NEW.task_id
		   AND (o.decided_by IN (NEW.decided_by, NEW.on_behalf) OR o.on_behalf IN (NEW.decided_by, NEW.on_behalf))) THEN
		RAISE EXCEPTION 'task %: % has answered this step already', NEW.task_id, NEW.decided_by
			USING ERRCODE = 'check_violation', CONSTRAINT = 'eng_02_one_seat';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER eng_02_one_seat BEFORE UPDATE OF decided_by ON tasks FOR EACH ROW WHEN (NEW.decided_by IS NOT NULL) EXECUTE FUNCTION guard_one_seat();
CREATE TRIGGER eng_03_answered BEFORE UPDATE ON tasks FOR EACH ROW WHEN (OLD.state IN ('decided', 'closed')) EXECUTE FUNCTION guard_answer();

---------------------------------------------------------------- the inbox

-- One row for each candidate of each open task, in the order in which an inbox shows them: a page is read from the start of
-- a few index ranges, however many tasks there are. Kept by a trigger, so that it is never wrong.
CREATE TABLE inbox (
	who         text        NOT NULL,
	due_at      timestamptz NOT NULL,
	task_id     text        NOT NULL REFERENCES tasks,
	case_number text        NOT NULL,
	partner_id  text        NOT NULL,
	asked_by    text        NOT NULL,
	submitter   text        NOT NULL,
	PRIMARY KEY (who, due_at, task_id)
);
CREATE INDEX inbox_of_task ON inbox (task_id);
COMMENT ON TABLE  inbox IS 'Open tasks by candidate and due time; made from tasks by a trigger.';
COMMENT ON COLUMN inbox.due_at IS 'Infinity when the task is never overdue.';
COMMENT ON COLUMN inbox.asked_by IS 'With submitter: who may not decide (ENG-02). Like partner and case they never change, so that lists need not look them up.';

-- +goose StatementBegin
CREATE FUNCTION keep_inbox() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
	IF TG_OP = 'UPDATE' THEN
		DELETE FROM inbox WHERE task_id = OLD.task_id;
	END IF;
	IF NEW.state = 'open' THEN
		INSERT INTO inbox (who, due_at, task_id, case_number, partner_id, asked_by, submitter)
		SELECT DISTINCT w, coalesce(NEW.due_at, 'infinity'), NEW.task_id, NEW.case_number, c.partner_id, NEW.opened_by, c.submitter
		  FROM unnest(NEW.candidates) w, cases c WHERE c.case_number = NEW.case_number;
	END IF;
	RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER keep_inbox AFTER INSERT ON tasks FOR EACH ROW EXECUTE FUNCTION keep_inbox();
CREATE TRIGGER keep_inbox_up AFTER UPDATE OF state, due_at, candidates ON tasks FOR EACH ROW EXECUTE FUNCTION keep_inbox();
INSERT INTO inbox
SELECT DISTINCT w, coalesce(t.due_at, 'infinity'), task_id, case_number, c.partner_id, t.opened_by, c.submitter
  FROM tasks t JOIN cases c USING (case_number), unnest(t.candidates) w WHERE t.state = 'open';

-- Who is there to decide now: candidates who are not absent, and the substitutes of those who are; a substitute who is absent
-- too is not there, and theirs does not act. Where roles is not empty, a candidate by name has to hold one of them.
-- +goose StatementBegin
CREATE FUNCTION deciders(who text[], roles text[], at timestamptz) RETURNS TABLE (person_id text, on_behalf text)
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	WITH named AS (
		SELECT p.person_id FROM people p
		 WHERE p.active AND p.person_id = ANY (ARRAY(SELECT substr(w, 8) FROM unnest(who) w WHERE w LIKE 'person:%'))
		   AND (cardinality(roles) = 0 OR EXISTS (SELECT 1 FROM person_roles r WHERE r.person_id = p.person_id AND r.role = ANY (roles)))
		UNION
		SELECT p.person_id FROM person_roles r JOIN people p USING (person_id)
		 WHERE p.active AND p.partner_id IS NULL AND r.role = ANY (ARRAY(SELECT substr(w, 6) FROM unnest(who) w WHERE w LIKE 'role:%'))
	), away AS (
		SELECT a.person_id, a.substitute FROM absences a JOIN named n USING (person_id) WHERE a.from_at <= at AND at < a.to_at
	)
	SELECT n.person_id, NULL::text FROM named n WHERE NOT EXISTS (SELECT 1 FROM away WHERE away.person_id = n.person_id)
	UNION
	SELECT s.person_id, away.person_id FROM away JOIN people s ON s.person_id = away.substitute
	 WHERE s.active AND s.partner_id IS NULL
	   AND NOT EXISTS (SELECT 1 FROM absences too WHERE too.person_id = s.person_id AND too.from_at <= at AND at < too.to_at)
$$;
-- +goose StatementEnd

-- As whom a person may decide now: by name and by role, for themselves and for those they stand in for, also while they are
-- absent. A candidate by name may have to hold a role beside; the deciding transaction looks at that.
-- +goose StatementBegin
CREATE FUNCTION who_is(id text, at timestamptz DEFAULT now()) RETURNS text[] LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	WITH me AS (
		SELECT p.person_id, p.partner_id FROM people p WHERE p.active AND p.person_id = id
		UNION
		SELECT p.person_id, p.partner_id FROM absences a JOIN people p USING (person_id) JOIN people s ON s.person_id = a.substitute
		 WHERE a.substitute = id AND s.active AND s.partner_id IS NULL AND p.active AND a.from_at <= at AND at < a.to_at
	)
	SELECT coalesce(array_agg(w ORDER BY w), '{}') FROM (
		SELECT 'person:' || person_id AS w FROM me
		UNION
		SELECT 'role:' || r.role FROM me JOIN person_roles r USING (person_id) WHERE me.partner_id IS NULL) AS mine
$$;
-- +goose StatementEnd

---------------------------------------------------------------- what the programme's role may do

GRANT SELECT ON absences, approvals, decisions, inbox TO countersign_programme;
GRANT INSERT (person_id, substitute, from_at, to_at, set_by, set_at), UPDATE (to_at) ON absences TO countersign_programme;
GRANT INSERT, UPDATE (outcome, closed_at, granted) ON approvals TO countersign_programme;
GRANT INSERT ON decisions TO countersign_programme;
GRANT UPDATE (policy_version) ON cases TO countersign_programme;
GRANT UPDATE (candidates, counted_from, due_at, remind_at, reminded_at, escalated_at, default_at, how, on_behalf) ON tasks TO countersign_programme;
GRANT UPDATE (route, amount, holder, account_no, bank, branch, paying_entity, paid_from) ON withdrawals TO countersign_programme;
GRANT DELETE ON withdrawal_lines TO countersign_programme;

SET LOCAL ROLE NONE;
