package views

// solutionsSQL checks that a solution stands where its certificates say: each of them is of the round that was approved at that
// very instant, or came from elsewhere; each has its paper; what the clock recorded has the certificate's own instants (CERT-06,
// CERT-08, CERT-12, CERT-20).
const solutionsSQL = `
	WITH held AS (
		SELECT v.case_number, v.cert_round, v.certified_at, v.window_opens_at, v.valid_until, d.taken,
		       (SELECT max(a.closed_at) FROM solution_rounds r JOIN approvals a ON (a.case_number, a.matter, a.round) = (r.case_number, r.matter, r.round)
		         WHERE r.case_number = v.case_number AND r.cert_round = v.cert_round AND r.draft_id = v.draft_id AND a.outcome = 'approve') AS approved_at,
		       EXISTS (SELECT 1 FROM certificates p WHERE (p.case_number, p.cycle, p.valid_from, p.valid_until) = (v.case_number, v.cert_round, v.certified_at, v.valid_until)) AS paper,
		       (SELECT e.at FROM events e WHERE e.case_number = v.case_number AND e.key = 'EXPIRING/' || v.cert_round) AS opened_at,
		       (SELECT e.at FROM events e WHERE e.case_number = v.case_number AND e.key = 'EXPIRED/' || v.cert_round) AS expired_at
		  FROM solution_certifications v JOIN solution_drafts d USING (draft_id))
	SELECT 'solutions' AS check, 'case ' || case_number AS object,
	       format('certificate %s is from %s until %s; approved %s, window recorded %s, end recorded %s, paper %s', cert_round, certified_at, valid_until, coalesce(approved_at::text, '-'),
	              coalesce(opened_at::text, '-'), coalesce(expired_at::text, '-'), paper) AS message
	  FROM held
	 WHERE CASE WHEN taken THEN approved_at IS NOT NULL ELSE approved_at IS DISTINCT FROM certified_at END OR NOT paper OR opened_at <> window_opens_at OR expired_at <> valid_until
	UNION ALL
	SELECT 'solutions', 'case ' || s.case_number, format('it is %s with %s certificates, the newest being number %s', c.state, count(v.cert_round), s.cert_round)
	  FROM solutions s JOIN cases c USING (case_number) LEFT JOIN solution_certifications v USING (case_number)
	 GROUP BY s.case_number, s.cert_round, c.state HAVING count(v.cert_round) <> s.cert_round OR (c.state IN ('CERTIFIED', 'EXPIRING', 'EXPIRED')) <> (s.cert_round > 0)
	 ORDER BY 2`
