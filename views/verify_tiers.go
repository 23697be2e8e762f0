package views

// tiersSQL checks that tiers are what was approved: an approved upgrade is in effect from its approval with all its requirements met,
// and nothing else raises a tier (TIER-05, TIER-11, TIER-15); what is under review is marked so (TIER-12).
const tiersSQL = `
	WITH stands AS (
		SELECT u.case_number, c.state, u.target, u.under_review, t.tier,
		       (SELECT max(e.at) FROM events e WHERE e.case_number = u.case_number AND e.to_state = 'APPROVED' AND e.from_state <> e.to_state) AS approved_at, t.from_at,
		       (SELECT count(*) FROM tier_items i WHERE i.case_number = u.case_number AND i.current < i.target) AS unmet
		  FROM tier_upgrades u JOIN cases c USING (case_number) LEFT JOIN partner_tiers t USING (case_number))
	SELECT 'tiers' AS check, 'case ' || case_number AS object,
	       format('it is %s for %s, approved at %s; its tier is %s from %s, %s of its requirements are not met', state, target, coalesce(approved_at::text, '-'), coalesce(tier, '-'), coalesce(from_at::text, '-'), unmet) AS message
	  FROM stands
	 WHERE (state = 'APPROVED') <> (tier IS NOT NULL) OR tier <> target OR from_at <> approved_at OR unmet > 0 OR under_review <> (state = 'UNDER_REVIEW')
	 ORDER BY 2`
