package views

// paymentsSQL: a payment is where its case is, and a file for a bank is the one that was written.
const paymentsSQL = `
	SELECT 'payment' AS check, 'payment ' || end_to_end_id AS object, format('it is %s, its case is %s', p.state, c.state) AS message
	  FROM payments p JOIN cases c USING (case_number)
	 WHERE c.closed_at IS NOT NULL AND p.state IN ('READY', 'EXPORTED', 'ACCEPTED', 'BY_HAND')
	    OR c.kind = 'withdrawal' AND (p.state = 'CONFIRMED') <> (c.state = 'PAID')
	UNION ALL
	SELECT 'payment', 'payment ' || end_to_end_id, format('it is %s without a line of order %s', state, message_id)
	  FROM payments p JOIN payment_batches b USING (message_id)
	 WHERE group_id IS NOT NULL AND (b.file IS NULL OR strpos(b.file, '<EndToEndId>' || end_to_end_id || '</EndToEndId>') = 0)
	UNION ALL
	SELECT 'payment', 'order ' || message_id, 'its file is not the one that was written' FROM payment_batches WHERE hash <> sha256(convert_to(file, 'UTF8'))
	 ORDER BY 2`
