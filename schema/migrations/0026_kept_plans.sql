-- +goose Up

-- A function in SQL that cannot become part of the statement around it is parsed and planned anew by every call; of one in PL/pgSQL a session
-- keeps the plan. These run in every step of a case, some several times. What they answer does not change.
SET LOCAL ROLE countersign_owner;

-- The text that a function keeps is its query, as it was: column names come before names of parameters, as in SQL.
-- +goose StatementBegin
DO $$
DECLARE f record;
BEGIN
	FOR f IN
		SELECT p.oid, p.proname, p.prosrc, pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result, p.proretset
		  FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
		 WHERE p.pronamespace = 'public'::regnamespace AND l.lanname = 'sql' AND p.provolatile = 's'
		   AND (p.proname LIKE '%\_content' OR p.proname IN ('event_text', 'deciders', 'who_is', 'held_roles', 'without_address'))
	LOOP
		EXECUTE format('CREATE OR REPLACE FUNCTION %I(%s) RETURNS %s LANGUAGE plpgsql STABLE %s AS %L', f.proname, f.arguments, f.result,
			CASE WHEN f.proname <> 'event_text' THEN 'SET search_path = public, pg_temp' ELSE '' END, -- that one reads no table
			format(E'\n#variable_conflict use_column\nBEGIN\n\t%s%s%s;\nEND ',
				CASE WHEN f.proretset THEN 'RETURN QUERY' ELSE 'RETURN (' END, f.prosrc, CASE WHEN f.proretset THEN '' ELSE ')' END));
	END LOOP;
END $$;
-- +goose StatementEnd

-- Who decided is looked at when somebody has: most tasks are written and reminded of without.
DROP TRIGGER eng_02_four_eyes ON tasks;
CREATE TRIGGER eng_02_four_eyes BEFORE INSERT OR UPDATE ON tasks FOR EACH ROW WHEN (NEW.decided_by IS NOT NULL OR NEW.on_behalf IS NOT NULL)
	EXECUTE FUNCTION guard_four_eyes();

-- Every term is counted by the calendar, which changes once a year: whoever has read it keeps it while its version stays. The version is
-- no number but unique in all databases, and what is rolled back takes its version along.
CREATE TABLE calendar_version (
	one     boolean PRIMARY KEY DEFAULT true CHECK (one),
	version uuid    NOT NULL DEFAULT gen_random_uuid()
);
COMMENT ON TABLE calendar_version IS 'One row: another version whenever calendar_years or calendar_days changed.';
INSERT INTO calendar_version DEFAULT VALUES;

-- +goose StatementBegin
CREATE FUNCTION renew_calendar() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
	UPDATE calendar_version SET version = gen_random_uuid();
	RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER renew_calendar AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON calendar_years FOR EACH STATEMENT EXECUTE FUNCTION renew_calendar();
CREATE TRIGGER renew_calendar AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON calendar_days  FOR EACH STATEMENT EXECUTE FUNCTION renew_calendar();
GRANT SELECT ON calendar_version TO countersign_programme;

SET LOCAL ROLE NONE;
