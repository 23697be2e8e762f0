-- +goose Up

-- An inbox of thousands is narrowed, searched and counted without a look at anything else.
SET LOCAL ROLE countersign_owner;

---------------------------------------------------------------- what an inbox is narrowed by

ALTER TABLE inbox
	ADD COLUMN kind   text,
	ADD COLUMN matter text,
	ADD COLUMN round  int,
	ADD COLUMN amount numeric(20,2),
	ADD COLUMN payee  text    NOT NULL DEFAULT '',
	ADD COLUMN before text[]  NOT NULL DEFAULT '{}',
	ADD COLUMN escalated boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN inbox.round  IS 'With matter: in which round of what. Who has decided in it may not decide again.';
COMMENT ON COLUMN inbox.amount IS 'What the task, else its withdrawal, else its case is about; NULL when it is about no money. With payee kept up by triggers on withdrawals and cases.';
COMMENT ON COLUMN inbox.payee  IS 'Whom a withdrawal pays, in small letters.';
COMMENT ON COLUMN inbox.before IS 'Candidates of the task that come before this one: who is one of them as well finds the task there. Of each task one row has none.';

UPDATE inbox i
   SET kind = c.kind, matter = t.matter, round = t.round, amount = coalesce(t.amount, w.amount, c.amount), payee = lower(coalesce(w.holder, '')),
       before = ARRAY(SELECT DISTINCT w FROM unnest(t.candidates) w WHERE w < i.who ORDER BY w), escalated = t.escalated_at IS NOT NULL
  FROM tasks t JOIN cases c USING (case_number) LEFT JOIN withdrawals w USING (case_number)
 WHERE t.task_id = i.task_id;
ALTER TABLE inbox
	ALTER COLUMN kind   SET NOT NULL,
	ALTER COLUMN matter SET NOT NULL,
	ALTER COLUMN round  SET NOT NULL;

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION keep_inbox() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
	IF TG_OP = 'UPDATE' THEN
		DELETE FROM inbox WHERE task_id = OLD.task_id;
	END IF;
	IF NEW.state = 'open' THEN
		INSERT INTO inbox (who, due_at, task_id, case_number, partner_id, asked_by, submitter, kind, matter, round, amount, payee, before, escalated)
		SELECT DISTINCT w, coalesce(NEW.due_at, 'infinity'), NEW.task_id, NEW.case_number, c.partner_id, NEW.opened_by, c.submitter, c.kind, NEW.matter, NEW.round, coalesce(NEW.amount, p.amount, c.amount),
		       lower(coalesce(p.holder, '')), ARRAY(SELECT DISTINCT o FROM unnest(NEW.candidates) o WHERE o < w ORDER BY o), NEW.escalated_at IS NOT NULL
		  FROM unnest(NEW.candidates) w, cases c LEFT JOIN withdrawals p USING (case_number) WHERE c.case_number = NEW.case_number;
	END IF;
	RETURN NULL;
END $$;

CREATE FUNCTION keep_inbox_amounts() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
	UPDATE inbox i SET amount = coalesce(t.amount, w.amount, c.amount), payee = lower(coalesce(w.holder, ''))
	  FROM cases c JOIN tasks t USING (case_number) LEFT JOIN withdrawals w USING (case_number)
	 WHERE c.case_number = NEW.case_number AND i.case_number = NEW.case_number AND i.task_id = t.task_id;
	RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE OR REPLACE TRIGGER keep_inbox_up AFTER UPDATE OF state, due_at, candidates, escalated_at ON tasks FOR EACH ROW EXECUTE FUNCTION keep_inbox();
CREATE TRIGGER keep_inbox_amounts AFTER UPDATE OF amount, holder ON withdrawals FOR EACH ROW
	WHEN ((OLD.amount, OLD.holder) IS DISTINCT FROM (NEW.amount, NEW.holder)) EXECUTE FUNCTION keep_inbox_amounts();
CREATE TRIGGER keep_inbox_amounts AFTER UPDATE OF amount ON cases FOR EACH ROW
	WHEN (OLD.amount IS DISTINCT FROM NEW.amount) EXECUTE FUNCTION keep_inbox_amounts();

---------------------------------------------------------------- who has a part in what is open

CREATE INDEX inbox_of_case      ON inbox (case_number);
CREATE INDEX inbox_of_submitter ON inbox (submitter);
CREATE INDEX inbox_of_asker     ON inbox (asked_by);

---------------------------------------------------------------- what is overdue, whoever is asked

-- The planner knows how many rows of an inbox are overdue; of tasks, nearly all of which were long ago, it thinks that most are.
CREATE INDEX inbox_due ON inbox (due_at, task_id) WHERE before = '{}';
DROP INDEX tasks_due;

---------------------------------------------------------------- who is there to decide

-- A few people, and not the thousand that the planner supposes: they are looked up, not all people read.
ALTER FUNCTION deciders(text[], text[], timestamptz) ROWS 20;

---------------------------------------------------------------- cases of all partners by kind and state

-- A list of some kind or state is put together from the newest of each pair: what there is little of is found as fast.
CREATE INDEX cases_in_state ON cases (kind, state, opened_at DESC, case_number DESC);

SET LOCAL ROLE NONE;
