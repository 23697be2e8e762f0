-- +goose Up

SET LOCAL ROLE countersign_owner;

ALTER TABLE cases ADD COLUMN wake_at timestamptz;
COMMENT ON COLUMN cases.wake_at IS 'When the case''s own clock does something next, whatever its tasks wait for; NULL: never.';
COMMENT ON COLUMN cases.due_at IS 'When the present step is overdue: of the first open task, or of the partner''s turn; NULL when nothing is waited for.';
GRANT UPDATE (wake_at) ON cases TO countersign_programme;

SET LOCAL ROLE NONE;
