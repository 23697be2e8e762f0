package views

// quartersSQL checks that what a payment application moved is what it stands for: nothing until it is approved, then its total is
// owed once, and paid once when it is PAID (QPY-06, QPY-09); and that its total is that of its passed months.
const quartersSQL = `
	WITH moved AS (
		SELECT split_part(e.key, '/', 2) AS case_number,
		       sum(p.amount) FILTER (WHERE e.key LIKE '%/accrue') AS owed, -sum(p.amount) FILTER (WHERE e.key LIKE '%/pay') AS paid
		  FROM entries e JOIN postings p USING (entry_id) JOIN accounts a USING (account)
		 WHERE e.key LIKE 'payment-application/%' AND a.code = 'V.FUND' GROUP BY 1),
	stands AS (
		SELECT case_number, c.state, a.total,
		       CASE WHEN c.state IN ('PAYMENT_APPROVED', 'WAITING_PAYMENT', 'PAID') THEN a.total ELSE 0 END AS owed, CASE WHEN c.state = 'PAID' THEN a.total ELSE 0 END AS paid,
		       (SELECT sum((m ->> 'amount')::numeric) FROM jsonb_array_elements(a.months) m WHERE m ->> 'state' = 'PASSED') AS passed
		  FROM payment_applications a JOIN cases c USING (case_number))
	SELECT 'quarters' AS check, 'case ' || case_number AS object,
	       format('it is %s over %s, its months that passed come to %s; its entries owed %s and paid %s', s.state, s.total, s.passed, coalesce(m.owed, 0), coalesce(m.paid, 0)) AS message
	  FROM stands s FULL JOIN moved m USING (case_number)
	 WHERE coalesce(s.owed, 0) <> coalesce(m.owed, 0) OR coalesce(s.paid, 0) <> coalesce(m.paid, 0) OR s.total IS DISTINCT FROM s.passed
	 ORDER BY 2`
