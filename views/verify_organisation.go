package views

// organisationSQL checks that roles of organisations are as the rules have them (ORG-04, ORG-05, ORG-06, ORG-08, ORG-10, ORG-13), and
// that nobody acts whose account is not active.
const organisationSQL = `
	SELECT 'organisation' AS check, 'person ' || person_id AS object, message
	  FROM organisation_persons o, LATERAL (VALUES
		(cardinality(roles) > 3, 'has more than three roles'),
		(cardinality(roles) > 1 AND 'partner-administrator' = ANY (roles), 'is system administrator and more'),
		(roles @> ARRAY['partner-account-manager', 'partner-account-director'], 'is account manager and director'),
		(NOT roles @> locked, 'lacks a role whose qualification is under review'),
		(active AND status <> 'ACTIVE', format('may act and is %s', status)),
		(status = 'DELETED' AND cardinality(roles) > 0, 'is deleted and has roles'),
		(director IS NOT NULL AND NOT EXISTS (SELECT 1 FROM person_roles r WHERE r.person_id = o.director AND r.role = 'partner-account-director'), 'is under somebody who is no director'),
		(EXISTS (SELECT 1 FROM custom_roles c WHERE c.role_id = ANY (roles) AND (c.deleted_at IS NOT NULL OR c.partner_id <> o.partner_id)), 'has a role that is deleted or another partner''s')
	  ) AS checks (wrong, message) WHERE wrong ORDER BY 2, 3`
