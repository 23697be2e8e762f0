package views

// requisitionsSQL checks what a doubled or a missing payment of incentive would leave behind: a COMPLETED requisition has one
// entry, of its gross amount, and no other one has any (PAY-28); its bills add up to that as long as it lives (PAY-26, PAY-27);
// a voucher has one quota that is worth it; what a bank confirmed is what is to be settled, once; and what is payable to a
// partner is what its bills are, less what was paid.
const requisitionsSQL = `
	WITH req AS (SELECT c.case_number, c.partner_id, c.state, c.state = 'COMPLETED' AS completed, r.gross, r.settlement, r.method, r.currency FROM requisitions r JOIN cases c USING (case_number)),
	moved AS (
		SELECT r.case_number, count(DISTINCT e.entry_id) AS entries, count(DISTINCT e.entry_id) FILTER (WHERE e.key = 'requisition/' || r.case_number || '/complete') AS own,
		       coalesce(-sum(p.amount) FILTER (WHERE p.account = 'V.INCENT:' || r.partner_id), 0.00) AS paid
		  FROM req r JOIN entries e USING (case_number) LEFT JOIN postings p USING (entry_id) GROUP BY r.case_number)
	SELECT 'requisitions' AS check, 'case ' || r.case_number AS object,
	       format('it is %s over %s, %s entries of it paid %s', r.state, r.gross, coalesce(m.entries, 0), coalesce(m.paid, 0.00)) AS message
	  FROM req r LEFT JOIN moved m USING (case_number)
	 WHERE coalesce(m.entries, 0) <> r.completed::int OR coalesce(m.own, 0) <> r.completed::int OR coalesce(m.paid, 0) <> CASE WHEN r.completed THEN r.gross ELSE 0 END
	UNION ALL
	SELECT 'requisitions', 'entry ' || e.key, 'it is said to be of a requisition, which does not have it'
	  FROM entries e LEFT JOIN req r ON e.key = 'requisition/' || r.case_number || '/complete' AND e.case_number = r.case_number
	 WHERE e.key LIKE 'requisition/%' AND r.case_number IS NULL
	UNION ALL
	SELECT 'requisitions', 'case ' || r.case_number, format('it is %s over %s, the bills that it has come to %s', r.state, r.gross, coalesce(sum(b.amount), 0.00))
	  FROM req r LEFT JOIN requisition_bills b ON b.case_number = r.case_number AND b.live
	 GROUP BY r.case_number, r.state, r.gross HAVING coalesce(sum(b.amount), 0) <> CASE WHEN r.state = 'REJECTED' THEN 0 ELSE r.gross END
	UNION ALL
	SELECT 'requisitions', 'bill ' || b.bill_id, format('requisition %s counts %s of it for partner %s, it is %s, of %s over %s', r.case_number, b.amount, r.partner_id, l.state, l.partner_id, l.amount)
	  FROM requisition_bills b JOIN req r USING (case_number) JOIN bills l USING (bill_id)
	 WHERE b.live AND (l.state <> 'RELEASED' OR l.partner_id <> r.partner_id OR l.amount <> b.amount)
	UNION ALL
	SELECT 'quotas', 'case ' || r.case_number, format('it is %s by %s over %s, its quotas are worth %s, their accounts hold %s', r.state, r.method, r.gross, coalesce(sum(q.amount), 0.00), coalesce(sum(h.held), 0.00))
	  FROM req r LEFT JOIN quotas q USING (case_number)
	  LEFT JOIN (SELECT account, sum(amount) AS held FROM postings WHERE account LIKE 'Q:%' GROUP BY account) h ON h.account = 'Q:' || q.quota_id
	 GROUP BY r.case_number, r.state, r.method, r.completed, r.gross
	HAVING coalesce(sum(q.amount), 0) <> CASE WHEN r.completed AND r.method = 'VOUCHER' THEN r.gross ELSE 0 END OR coalesce(sum(h.held), 0) <> coalesce(sum(q.amount), 0)
	UNION ALL
	SELECT 'payment', 'case ' || c.case_number, format('it is %s over %s, the bank confirmed %s in %s payments', c.state, c.due, coalesce(sum(p.amount), 0.00), count(p.amount))
	  FROM (SELECT case_number, state, CASE WHEN completed AND method = 'BANK' AND currency = 'CNY' THEN settlement ELSE 0.00 END AS due FROM req
		UNION ALL SELECT case_number, state, CASE WHEN state = 'PAID' THEN total ELSE 0.00 END FROM payment_applications JOIN cases USING (case_number)) c
	  LEFT JOIN payments p ON p.case_number = c.case_number AND p.state = 'CONFIRMED'
	 GROUP BY c.case_number, c.state, c.due HAVING coalesce(sum(p.amount), 0) <> c.due OR count(p.amount) <> (c.due <> 0)::int
	UNION ALL
	SELECT 'payable', 'partner ' || partner_id, format('bills that are not void come to %s, requisitions paid %s, V.INCENT is %s', coalesce(b.amount, 0.00), coalesce(d.amount, 0.00), coalesce(a.balance, 0.00))
	  FROM (SELECT a.owner AS partner_id, sum(p.amount) AS balance FROM accounts a JOIN postings p USING (account) JOIN entries e USING (entry_id)
		 WHERE a.code = 'V.INCENT' AND e.key NOT LIKE 'load/%' GROUP BY 1) a -- what was loaded was calculated elsewhere
	  FULL JOIN (SELECT partner_id, sum(amount) AS amount FROM bills WHERE state <> 'VOID' GROUP BY 1) b USING (partner_id)
	  FULL JOIN (SELECT partner_id, sum(gross) AS amount FROM req WHERE completed GROUP BY 1) d USING (partner_id)
	 WHERE coalesce(b.amount, 0) - coalesce(d.amount, 0) <> coalesce(a.balance, 0)
	 ORDER BY 1, 2, 3`
