package views

// billsSQL checks that what a bill moved in V.INCENT is what it stands for, on the account that has it, and nothing once it is
// void (INC-16, INC-22); and that bills stand where their reconciliation stands (INC-10).
const billsSQL = `
	WITH moved AS (
		SELECT split_part(e.key, '/', 2) AS bill_id, a.owner AS partner_id, sum(p.amount) AS amount
		  FROM entries e JOIN postings p USING (entry_id) JOIN accounts a USING (account)
		 WHERE e.key LIKE 'bill/%' AND a.code = 'V.INCENT' GROUP BY 1, 2),
	stands AS (SELECT bill_id, partner_id, CASE WHEN state = 'VOID' THEN 0 ELSE amount END AS amount FROM bills)
	SELECT 'bills' AS check, 'bill ' || bill_id AS object,
	       format('it stands for %s on the account of %s, its entries moved %s there', coalesce(s.amount, 0.00), partner_id, coalesce(m.amount, 0.00)) AS message
	  FROM stands s FULL JOIN moved m USING (bill_id, partner_id)
	 WHERE coalesce(s.amount, 0) <> coalesce(m.amount, 0)
	UNION ALL
	SELECT 'bills', 'bill ' || b.bill_id, format('it is %s, its reconciliation %s is %s', b.state, c.case_number, c.state)
	  FROM bills b JOIN cases c USING (case_number)
	 WHERE c.closed_at IS NULL AND b.state <> c.state OR c.closed_at IS NOT NULL AND b.state NOT IN ('RELEASED', 'VOID')
	 ORDER BY 2, 3`
