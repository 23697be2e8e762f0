-- +goose Up

-- What a partner's people look at is read under a role of its own, and Postgres itself leaves out every row that is not the
-- partner's. The role owns nothing, writes nothing and bypasses nothing. A session takes it for one transaction, together
-- with the setting countersign.partner; without the setting there are no rows.
--
-- The programme's role may take it, and for that is a member; NOINHERIT, or these policies would be judged for it as well.
-- +goose StatementBegin
DO $$
BEGIN
	BEGIN
		CREATE ROLE countersign_partner NOLOGIN;
	EXCEPTION WHEN duplicate_object OR unique_violation THEN
		NULL;
	END;
	IF (SELECT rolinherit FROM pg_roles WHERE rolname = 'countersign_programme') THEN
		ALTER ROLE countersign_programme NOINHERIT;
	END IF;
	IF NOT pg_has_role('countersign_programme', 'countersign_partner', 'MEMBER') THEN
		GRANT countersign_partner TO countersign_programme;
	END IF;
	GRANT USAGE ON SCHEMA public TO countersign_partner;
END $$;
-- +goose StatementEnd

SET LOCAL ROLE countersign_owner;

---------------------------------------------------------------- rows

-- One line for each table: which rows are a partner's, and which columns nobody reads as a partner (digests, secrets, what
-- the vendor wrote for itself). Columns are granted one by one, so that one that is added later is not readable before
-- somebody says so. A child goes through its parent: the parent's policy holds inside.
--
-- The programme's policy is always true: the planner drops it, and its plans are the same as without row security.
-- +goose StatementBegin
DO $$
DECLARE
	t record;
	mine CONSTANT text := $q$partner_id = current_setting('countersign.partner', true)$q$;
	own_case CONSTANT text := 'EXISTS (SELECT 1 FROM cases c WHERE c.case_number = %I.case_number)';
	-- What the vendor's people do among themselves changes no state, and is not for the partner: opinions, transfers, signers, copies,
	-- reminders, refused attempts. What a step decided stands in tasks.
	told CONSTANT text := $q$ AND (from_state <> to_state OR EXISTS (SELECT 1 FROM people p WHERE p.person_id = events.actor)
		OR action IN ('ask', 'comment', 'urge') OR action <> 'bank line'
		   AND NOT (starts_with(key, 'decide/') OR starts_with(key, 'decision/') OR starts_with(key, 'refused/') OR starts_with(key, 'remind/') OR starts_with(key, 'owner/')))$q$;
BEGIN
	FOR t IN SELECT * FROM (VALUES
		-- whose it is stands in the row
		('partners',              mine, '{site}'::text[]),
		('customers',             mine, '{}'),
		('people',                mine, '{notify,left_at,signed_out_at}'),
		('cases',                 mine, '{request_digest,last_hash,wake_at}'),
		('lots',                  mine, '{}'),
		('real_names',            mine, '{}'),
		('qualifications',        mine, '{}'),
		('business_information',  mine, '{request_digest,decided_by,decision_key}'),
		('certification_tickets', mine, '{answered_by}'),
		('plan_identities',       mine, '{}'),
		('signing_entities',      mine, '{}'),
		('unpaid_cycles',         mine, '{}'),
		('arrears',               mine, '{}'),
		('customer_bindings',     mine, '{set_by}'),
		('partner_terms',         mine, '{key,note,set_by}'),
		('partner_levels',        mine, '{set_by}'),
		('partner_paths',         mine, '{}'),
		('partner_tiers',         mine, '{set_by}'),
		('capability_labels',     mine, '{}'),
		('performance_sheets',    mine, '{version}'),
		('performance_questions', mine, '{key}'),
		('incentive_lines',       mine, '{}'),
		('bills',                 mine, '{}'),
		('quotas',                mine, '{}'),
		('automatic_release',     mine, '{}'),
		('requisitions',          mine, '{alarmed_at,attempts}'),
		('owed_entries',          mine, '{key}'),
		('vendor_invoices',       mine, '{request_digest}'),
		('staff_qualifications',  mine, '{}'),
		('specialists',           mine, '{}'),
		('staff_months',          mine, '{}'),
		('payment_applications',  mine, '{}'),
		('member_links',          mine, '{}'),
		('member_locations',      mine, '{}'),
		('invitations',           mine, '{}'),
		('invitation_counters',   mine, '{}'),
		('project_specialists',   mine, '{}'),
		('solution_drafts',       mine, '{}'),
		('certificates',          mine, '{}'),
		('baseline_projects',     mine, '{}'),
		('tier_upgrades',         mine, '{}'),
		('lab_credits',           mine, '{}'),
		('identity_users',        mine, '{}'),
		('custom_roles',          mine, '{}'),
		('customer_contacts',     mine, '{}'),
		('drafts',                mine, '{}'),
		('organisation_commands', mine, '{request_digest}'),
		('bill_transfers',        $q$current_setting('countersign.partner', true) IN (from_partner, to_partner)$q$, '{key}'),
		-- of a case
		('events',                own_case || told, '{key,prev_hash,hash}'),
		('tasks',                 own_case, '{}'),
		('approvals',             own_case, '{content,granted,application}'),
		('decisions',             own_case, '{reason,key,digest}'),
		('withdrawals',           own_case, '{}'),
		('withdrawal_lines',      own_case, '{}'),
		('reconciliations',       own_case, '{}'),
		('bill_questions',        own_case, '{key}'),
		('case_documents',        own_case, '{}'),
		('requisition_parts',     own_case, '{}'),
		('requisition_bills',     own_case, '{}'),
		('method_requests',       own_case, '{key}'),
		('invoice_lists',         own_case, '{}'),
		('invoice_tickets',       own_case, '{key,digest}'),
		('staff_month_persons',   own_case, '{}'),
		('staff_proofs',          own_case, '{}'),
		('solutions',             own_case, '{}'),
		('solution_rounds',       own_case, '{}'),
		('solution_certifications', own_case, '{}'),
		('baseline_tracks',       own_case, '{}'),
		('baseline_releases',     own_case, '{}'),
		('baseline_uploads',      own_case, '{content}'),
		('tier_items',            own_case, '{}'),
		('invitation_tokens',     own_case, '{token_hash,request_key}'),
		-- of something else that is the partner's
		('companies',             'EXISTS (SELECT 1 FROM partners p WHERE p.company_id = companies.company_id)', '{}'),
		('person_roles',          'EXISTS (SELECT 1 FROM people p WHERE p.person_id = person_roles.person_id)', '{}'),
		('organisation_people',   'EXISTS (SELECT 1 FROM people p WHERE p.person_id = organisation_people.person_id)', -- nothing of how somebody signs in
		                          ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = 'organisation_people'::regclass AND attnum > 0
		                                   AND attname NOT IN ('person_id', 'account_name', 'mobile', 'status', 'director', 'must_change', 'password_set_at'))),
		('qualification_reviews', 'EXISTS (SELECT 1 FROM people p WHERE p.person_id = qualification_reviews.person_id)', '{decided_by}'),
		('audit_log',             'EXISTS (SELECT 1 FROM people p WHERE p.person_id = audit_log.person_id)', '{}'),
		('absences',              'EXISTS (SELECT 1 FROM people p WHERE p.person_id = absences.person_id)', '{}'),
		('invoice_packages',      'EXISTS (SELECT 1 FROM invoice_lists l WHERE l.list_no = invoice_packages.list_no)', '{key,digest,arrived_by,reviewed_by}'),
		('invoices',              'EXISTS (SELECT 1 FROM invoice_lists l WHERE l.list_no = invoices.list_no)', '{}'),
		('vendor_invoice_lines',  'EXISTS (SELECT 1 FROM vendor_invoices i WHERE i.request_no = vendor_invoice_lines.request_no)', '{}'),
		('owed_offsets',          'EXISTS (SELECT 1 FROM owed_entries e WHERE e.entry_id = owed_offsets.entry_id)', '{key}'),
		('staff_projects',        'EXISTS (SELECT 1 FROM specialists s WHERE s.specialist_id = staff_projects.specialist_id)', '{}'),
		('baseline_files',        'EXISTS (SELECT 1 FROM baseline_projects p WHERE p.project_id = baseline_files.project_id)', '{check_policy}'),
		('documents',             'EXISTS (SELECT 1 FROM case_documents d WHERE d.document_id = documents.document_id)', '{stored_in,content}'),
		-- a natural person is shown to who invited them and to whom they are linked, their records only while they are (ORG-35, ORG-37)
		('personal_accounts',     $q$EXISTS (SELECT 1 FROM member_links l WHERE l.account_id = personal_accounts.account_id AND l.unlinked_at IS NULL)
		                             OR EXISTS (SELECT 1 FROM invitations i WHERE i.account_id = personal_accounts.account_id)$q$, '{real_name,partner_id,language,time_zone}'),
		('member_qualifications', 'EXISTS (SELECT 1 FROM member_links l WHERE l.account_id = member_qualifications.account_id AND l.unlinked_at IS NULL)', '{request_key,digest}'),
		-- the ledger: by the owner that an account's name bears; an entry is seen by who has a posting in it
		('accounts',              $q$split_part(code, '.', 1) IN ('P', 'V', 'M') AND owner = current_setting('countersign.partner', true)
		                             OR starts_with(code, 'C.') AND EXISTS (SELECT 1 FROM customers c WHERE c.customer_id = accounts.owner)
		                             OR code = 'Q' AND EXISTS (SELECT 1 FROM quotas q WHERE q.quota_id = accounts.owner)
		                             OR code = 'L' AND EXISTS (SELECT 1 FROM lab_credits l WHERE l.case_number = accounts.owner)$q$, '{}'),
		('postings',              $q$account ~ '^[PVM]\.' AND substr(account, strpos(account, ':') + 1) = current_setting('countersign.partner', true) -- most are, and this costs no look-up
		                             OR EXISTS (SELECT 1 FROM accounts a WHERE a.account = postings.account)$q$, '{}'),
		('entries',               'EXISTS (SELECT 1 FROM postings p WHERE p.entry_id = entries.entry_id)', '{digest}')
	) AS v (name, which, hidden)
	LOOP
		EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t.name);
		EXECUTE format('CREATE POLICY programme ON %I TO countersign_programme USING (true) WITH CHECK (true)', t.name);
		EXECUTE format('CREATE POLICY partner ON %I FOR SELECT TO countersign_partner USING (' || replace(t.which, '%I', '%1$I') || ')', t.name);
		EXECUTE (SELECT format('GRANT SELECT (%s) ON %I TO countersign_partner', string_agg(quote_ident(attname), ', ' ORDER BY attnum), t.name)
		           FROM pg_attribute WHERE attrelid = t.name::regclass AND attnum > 0 AND NOT attisdropped AND attname <> ALL (t.hidden));
	END LOOP;
END $$;
-- +goose StatementEnd

---------------------------------------------------------------- what all partners share

-- The days, the chart, the rules that hold for everybody and where the vendor takes its mail; not who set them.
GRANT SELECT ON calendar_years, calendar_days, chart, vendor_addresses TO countersign_partner;
GRANT SELECT (kind, version, body) ON policies TO countersign_partner;
GRANT SELECT (calculation_id, period, at) ON calculations TO countersign_partner;

---------------------------------------------------------------- views

-- They look with the rights of who asks.
ALTER VIEW organisation_persons SET (security_invoker = true);
ALTER VIEW estimated_bills SET (security_invoker = true);
GRANT SELECT ON organisation_persons, estimated_bills TO countersign_partner;

-- Consumption comes in by COPY, which a table with row security takes from its owner only. So it is read through this view,
-- which asks the same question as a policy would.
CREATE VIEW own_consumption WITH (security_barrier = true) AS
	SELECT used_at, posted_at, import_id, period, line, marketplace, partner_id, customer_id, order_id, product, billing_mode, charge, association, region, tier2,
	       gross, cash, stored_value_card, voucher, excluded_coupon
	  FROM consumption WHERE partner_id = current_setting('countersign.partner', true);
COMMENT ON VIEW own_consumption IS 'Consumption of the partner whose people look: of the setting countersign.partner.';
GRANT SELECT ON own_consumption TO countersign_partner;

-- What was said for the partner to hear: verdicts that became the answer of a task, so no opinions, and what people ask and comment.
CREATE VIEW remarks WITH (security_barrier = true) AS
	SELECT d.case_number, d.seq, d.matter, d.round, d.seat, d.act, d.person_id, d.at, d.reason
	  FROM decisions d
	 WHERE EXISTS (SELECT 1 FROM cases c WHERE c.case_number = d.case_number AND c.partner_id = current_setting('countersign.partner', true))
	   AND (d.act IN ('ask', 'comment', 'urge')
	     OR d.act IN ('approve', 'reject', 'return') AND EXISTS (SELECT 1 FROM tasks t
	         WHERE (t.case_number, t.matter, t.round, t.seat) = (d.case_number, d.matter, d.round, d.seat) AND t.state = 'decided' AND t.decided_at = d.at
	           AND t.decided_by IS NOT DISTINCT FROM d.person_id));
COMMENT ON VIEW remarks IS 'What was said about cases for their partner to hear, of the setting countersign.partner.';
GRANT SELECT ON remarks TO countersign_partner;

---------------------------------------------------------------- functions

-- The columns by name: a partner reads no digests, and so not all of them.
CREATE OR REPLACE FUNCTION certified_staff(partner text, at timestamptz) RETURNS TABLE (level text, staff int) LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT q.level, count(DISTINCT q.account_id)::int
	  FROM member_links l
	  JOIN LATERAL (SELECT DISTINCT ON (record_no) account_id, kind, level, from_on, until_on, removed FROM member_qualifications m
	                 WHERE m.account_id = l.account_id AND m.made_at <= at ORDER BY record_no, version DESC) q ON true
	 WHERE l.partner_id = partner AND l.linked_at <= at AND (l.unlinked_at IS NULL OR at < l.unlinked_at)
	   AND q.kind = 'certificate' AND NOT q.removed
	   AND (at AT TIME ZONE interval '08:00')::date BETWEEN q.from_on AND coalesce(q.until_on, 'infinity') -- UTC+8
	 GROUP BY q.level
$$;

-- What runs with its owner's rights is for the programme.
-- +goose StatementBegin
DO $$
DECLARE f regprocedure;
BEGIN
	FOR f IN SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef AND prorettype <> 'trigger'::regtype LOOP
		EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO countersign_programme', f);
	END LOOP;
END $$;
-- +goose StatementEnd

SET LOCAL ROLE NONE;
