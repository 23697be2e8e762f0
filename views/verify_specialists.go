package views

// specialistsStandSQL checks what a doubled or a lost step of a project specialist would leave behind: an end that only one of the
// case and its row knows, a question that is open in a state that waits for none or missing in one that does, a specialist
// without a link (ORG-37), and a cancellation without its file (ORG-42).
const specialistsStandSQL = `
	WITH s AS (SELECT c.case_number, c.state, c.closed_at, p.ended_at, p.partner_id, p.account_id, p.cancel_document,
	                  (SELECT count(*) FROM approvals a WHERE a.case_number = c.case_number AND a.outcome = '') AS asked
	             FROM cases c LEFT JOIN project_specialists p USING (case_number) WHERE c.kind = 'project-specialist')
	SELECT 'specialists' AS check, 'case ' || case_number AS object, format('it is %s, closed at %s, its row ended at %s', state, coalesce(closed_at::text, '-'), coalesce(ended_at::text, '-')) AS message
	  FROM s WHERE partner_id IS NULL OR closed_at IS DISTINCT FROM ended_at OR (closed_at IS NOT NULL) <> (state IN ('CANCEL_APPROVED', 'CANCELLED_BY_VENDOR'))
	UNION ALL
	SELECT 'specialists', 'case ' || case_number, format('it is %s and has %s open rounds', state, asked)
	  FROM s WHERE asked <> (state IN ('SPECIALIST_REVIEW', 'CANCEL_REVIEW'))::int
	UNION ALL
	SELECT 'specialists', 'case ' || case_number, format('it is %s, but %s is not bound to %s', state, account_id, partner_id)
	  FROM s WHERE state IN ('SPECIALIST_REVIEW', 'SPECIALIST', 'CANCEL_REVIEW', 'CANCEL_REJECTED')
	   AND NOT EXISTS (SELECT 1 FROM member_links l WHERE l.partner_id = s.partner_id AND l.account_id = s.account_id AND l.unlinked_at IS NULL)
	UNION ALL
	SELECT 'specialists', 'case ' || s.case_number, 'the file of its cancellation does not lie with it'
	  FROM s WHERE cancel_document <> '' AND NOT EXISTS (SELECT 1 FROM case_documents d WHERE d.case_number = s.case_number AND d.document_id = s.cancel_document)
	 ORDER BY 1, 2`
