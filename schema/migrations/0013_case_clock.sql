-- +goose Up

SET LOCAL ROLE countersign_owner;

ALTER TABLE cases ADD COLUMN wake_at timestamptz;
COMMENT ON COLUMN cases.wake_at IS 'When the case''s own clock does something next, whatever its tasks wait for; NULL: never.';
COMMENT ON COLUMN cases.due_at IS 'When the present step is overdue: of the first open task, or of the partner''s turn; NULL when nothing is waited for.';
ALTER TABLE cases ADD COLUMN amount numeric(20,2), ADD COLUMN about text NOT NULL DEFAULT '';
COMMENT ON COLUMN cases.amount IS 'What lists show and search; kept by each step from the kind''s own table. A withdrawal has it there alone.';
COMMENT ON COLUMN cases.about IS 'In a few words what the case is, likewise.';
GRANT UPDATE (wake_at, amount, about) ON cases TO countersign_programme;

SET LOCAL ROLE NONE;
