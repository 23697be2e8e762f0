package views

// membersSQL checks that an invitation stands where its links say: one good link that ends with the case's term while it is INVITED,
// none else (ORG-27, ORG-33); and that a member is linked exactly where an invitation is BOUND, from when it was accepted (ORG-34, ORG-37).
const membersSQL = `
	WITH stands AS (
		SELECT i.case_number, c.state, i.live, c.due_at,
		       (SELECT max(t.expires_at) FROM invitation_tokens t WHERE t.case_number = i.case_number AND num_nonnulls(t.used_at, t.replaced_at) = 0) AS good_until,
		       (SELECT count(*) FROM invitation_tokens t WHERE t.case_number = i.case_number AND t.used_at IS NOT NULL) AS used,
		       (SELECT max(t.used_at) FROM invitation_tokens t WHERE t.case_number = i.case_number) AS used_at,
		       l.linked_at, l.unlinked_at, l.account_id = i.account_id AND l.partner_id = i.partner_id AS same
		  FROM invitations i JOIN cases c USING (case_number) LEFT JOIN member_links l USING (case_number))
	SELECT 'members' AS check, 'case ' || case_number AS object,
	       format('it is %s, its link is good until %s, %s used, linked %s, unlinked %s', state, coalesce(good_until::text, '-'), used, coalesce(linked_at::text, '-'), coalesce(unlinked_at::text, '-')) AS message
	  FROM stands
	 WHERE live <> (state IN ('INVITED', 'BOUND'))
	    OR state = 'INVITED' AND (good_until IS DISTINCT FROM due_at OR used > 0 OR linked_at IS NOT NULL)
	    OR state = 'LAPSED' AND (used > 0 OR linked_at IS NOT NULL)
	    OR state IN ('BOUND', 'UNBOUND') AND (used <> 1 OR good_until IS NOT NULL OR used_at IS DISTINCT FROM linked_at OR same IS NOT TRUE OR (unlinked_at IS NULL) <> (state = 'BOUND'))
	 ORDER BY 2`
