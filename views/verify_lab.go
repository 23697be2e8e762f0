package views

// labCreditsSQL checks that points are conserved, credit by credit (LAB-11): what was granted is what was approved, once, and only
// when it is issued; granted = used + lapsed + remaining, with nothing beside; every use lies between issue and expiry, what
// lapses does so at the expiry, and a case has ended when nothing is left. What all credits used and what lapsed is what the
// vendor's accounts say.
const labCreditsSQL = `
	WITH moved AS (
		SELECT a.owner AS case_number, sum(p.amount) AS remaining,
		       coalesce(sum(p.amount) FILTER (WHERE e.key = 'lab-credit/' || a.owner || '/issue'), 0.00) AS granted,
		       coalesce(-sum(p.amount) FILTER (WHERE starts_with(e.key, 'lab-credit/' || a.owner || '/use/')), 0.00) AS used,
		       coalesce(-sum(p.amount) FILTER (WHERE e.key = 'lab-credit/' || a.owner || '/lapse'), 0.00) AS lapsed,
		       min(e.at) FILTER (WHERE starts_with(e.key, 'lab-credit/' || a.owner || '/use/')) AS first_use, max(e.at) FILTER (WHERE starts_with(e.key, 'lab-credit/' || a.owner || '/use/')) AS last_use,
		       max(e.at) FILTER (WHERE e.key = 'lab-credit/' || a.owner || '/lapse') AS lapsed_at
		  FROM accounts a JOIN postings p USING (account) JOIN entries e USING (entry_id) WHERE a.code = 'L' GROUP BY a.owner),
	stands AS (
		SELECT l.case_number, c.state, c.closed_at, l.issued_at, l.expires_at, CASE WHEN l.issued_at IS NULL THEN 0.00 ELSE l.points END AS points,
		       (c.state = 'ISSUED') = (l.issued_at IS NOT NULL) AND (c.state NOT IN ('APPROVED', 'ISSUED')
		       OR EXISTS (SELECT 1 FROM approvals a WHERE a.case_number = l.case_number AND a.matter = 'review' AND a.granted = lab_credit_content(l.case_number))) AS as_approved
		  FROM lab_credits l JOIN cases c USING (case_number)),
	contra (account, should) AS (
		SELECT 'L.SRC', -coalesce(sum(granted), 0) FROM moved UNION ALL SELECT 'L.USED', coalesce(sum(used), 0) FROM moved UNION ALL SELECT 'L.LAPSED', coalesce(sum(lapsed), 0) FROM moved)
	SELECT 'lab credits' AS check, 'case ' || case_number AS object,
	       format('it is %s with %s points issued; its entries granted %s, used %s, lapsed %s and left %s', s.state, s.points, coalesce(m.granted, 0), coalesce(m.used, 0), coalesce(m.lapsed, 0), coalesce(m.remaining, 0)) AS message
	  FROM stands s FULL JOIN moved m USING (case_number)
	 WHERE coalesce(s.points, 0) <> coalesce(m.granted, 0) OR coalesce(m.granted - m.used - m.lapsed, 0) <> coalesce(m.remaining, 0) OR s.as_approved IS NOT TRUE
	    OR m.first_use < s.issued_at OR m.last_use >= s.expires_at OR m.lapsed_at <> s.expires_at
	    OR (s.closed_at IS NOT NULL) <> (s.issued_at IS NOT NULL AND coalesce(m.remaining, 0) = 0) OR m.remaining <> trunc(m.remaining)
	UNION ALL
	SELECT 'lab credits', 'account ' || c.account, format('it is moved by %s, the credits by %s', coalesce(sum(p.amount), 0.00), c.should)
	  FROM contra c LEFT JOIN postings p USING (account) GROUP BY c.account, c.should HAVING coalesce(sum(p.amount), 0) <> c.should
	 ORDER BY 2`
