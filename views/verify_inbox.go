package views

// inboxesSQL checks that inboxes have every open task for each of its candidates, and say of it what the task, its withdrawal and its
// case say.
const inboxesSQL = `
	WITH stands AS (
		SELECT DISTINCT who, coalesce(t.due_at, 'infinity') AS due_at, task_id, case_number, c.partner_id, t.opened_by, c.submitter, c.kind, t.matter, t.round,
		       coalesce(t.amount, w.amount, c.amount) AS amount, lower(coalesce(w.holder, '')) AS payee, ARRAY(SELECT DISTINCT o FROM unnest(t.candidates) o WHERE o < who ORDER BY o) AS before, t.escalated_at IS NOT NULL AS escalated
		  FROM tasks t JOIN cases c USING (case_number) LEFT JOIN withdrawals w USING (case_number), unnest(t.candidates) who WHERE t.state = 'open'),
	shown AS (SELECT who, due_at, task_id, case_number, partner_id, asked_by, submitter, kind, matter, round, amount, payee, before, escalated FROM inbox)
	SELECT 'inbox' AS check, 'task ' || task_id AS object, 'inboxes do not say of it, or not to whom, what is asked' AS message
	  FROM ((TABLE stands EXCEPT TABLE shown) UNION ALL (TABLE shown EXCEPT TABLE stands)) AS differ
	 GROUP BY task_id ORDER BY task_id`
