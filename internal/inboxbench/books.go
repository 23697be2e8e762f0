package inboxbench

import (
	"time"

	"countersign/domain/calendar"
	"countersign/domain/incentive"
)

// books are what cases have beside their own row, and what partners have beside cases.
func books(at time.Time) ([]step, error) {
	policy, err := incentivePolicy(at)
	if err != nil {
		return nil, err
	}
	incentives, err := policyOf(incentive.Kind, policy, at)
	if err != nil {
		return nil, err
	}
	return []step{
		{"memory for sorting", `SET LOCAL work_mem = '128MB'`, nil},
		{"events", eventsSQL, nil},
		{"documents", documentsSQL, nil},
		{"requisitions", requisitionsSQL, nil},
		{"invoices", invoicesSQL, nil},
		{"reconciliations", reconciliationsSQL, nil},
		{"members", membersSQL, nil},
		{"lab credits", labSQL, nil},
		{"standing", standingSQL, nil},
		{"accounts", accountsSQL, nil},
		{"entries", entriesSQL, nil},
		{"days of accounts", daysSQL, nil},
		{"lots", lotsSQL, nil},
		incentives,
		{"months of consumption", `SELECT consumption_month((date_trunc('month', $1::timestamptz AT TIME ZONE interval '8 hours') - m * interval '1 month')::date) FROM generate_series(0, 1) m`, []any{at}},
		{"consumption", consumptionSQL, []any{at}},
		{"incentive lines", linesSQL, nil},
		{"what happened", happenedSQL, nil},
	}, nil
}

// incentivePolicy has thirteen products and holds for two years around an instant.
func incentivePolicy(at time.Time) (incentive.Policy, error) {
	p := incentive.Policy{
		Name: "Cloud resale", PlanName: "Cloud resale", Document: "DOC-1", Cadence: incentive.Monthly, PublishedDays: 10,
		ValidFrom: calendar.DateOf(at.AddDate(-1, 0, 0)), ValidTo: calendar.DateOf(at.AddDate(1, 0, 0)),
	}
	if err := p.OutputTaxRate.UnmarshalText([]byte("6")); err != nil {
		return p, err
	}
	for n, rate := range []string{"12.5", "8", "5", "3"} {
		line := incentive.Line{Line: string(rune('a' + n))}
		for i := n; i < 13; i += 4 {
			line.Products = append(line.Products, product(i))
		}
		if err := line.Rate.UnmarshalText([]byte(rate)); err != nil {
			return p, err
		}
		p.Lines = append(p.Lines, line)
	}
	return p, p.Check()
}

func product(n int) string { return "product-" + string(rune('a'+n)) }

// Rows come in the order of time, as they do in life. The chain of hashes is not there: pages do not follow it.
const eventsSQL = `
	INSERT INTO events (case_number, seq, key, at, actor, via, action, from_state, to_state, amount, prev_hash, hash)
	SELECT case_number, seq, action, opened_at + after, CASE WHEN seq = 1 THEN submitter ELSE 'rule' END, CASE WHEN seq = 1 THEN 'request' ELSE 'rule' END, action, from_state,
	       CASE to_state WHEN 'ENDED' THEN state ELSE to_state END, CASE WHEN kind IN ('withdrawal', 'requisition', 'reconciliation') THEN amount END, '', ''
	  FROM draft JOIN (VALUES (true, 1, 'submit', '', 'UNDER_REVIEW', interval '0'), (true, 2, 'approve', 'UNDER_REVIEW', 'APPROVED', '2 days'), (true, 3, 'send', 'APPROVED', 'PAYING', '4 days'),
	                          (true, 4, 'confirm', 'PAYING', 'ENDED', '5 days'), (false, 1, 'open', '', 'UNDER_REVIEW', '0'), (false, 2, 'end', 'UNDER_REVIEW', 'ENDED', '5 days'))
	             AS e (paid, seq, action, from_state, to_state, after) ON paid = (kind IN ('withdrawal', 'requisition'))
	 WHERE seq = 1 OR ended ORDER BY opened_at + after`

// One case of seven that people are asked about has a document.
const documentsSQL = `
	INSERT INTO documents (document_id, media_type, size, stored_in, content, uploaded_by, uploaded_at)
	SELECT encode(sha256(case_number::bytea), 'hex'), 'text/plain', length(case_number), 'postgres', case_number::bytea, submitter, opened_at FROM draft WHERE asked AND n % 7 = 0;
	INSERT INTO case_documents (case_number, document_id, kind, name, added_by, added_at)
	SELECT case_number, encode(sha256(case_number::bytea), 'hex'), 'proof', 'proof.txt', submitter, opened_at FROM draft WHERE asked AND n % 7 = 0`

// A requisition pays one bill.
const requisitionsSQL = `
	INSERT INTO bills (bill_id, partner_id, plan_name, cadence, period, association, generated_at, amount, output_tax_rate, published_deadline, state, announced_at)
	SELECT 'IB' || n, 'P' || partner, 'Cloud resale', 'monthly', to_char(opened_at - interval '1 month', 'YYYY-MM'), 'resale', opened_at - interval '20 days', amount, 6, opened_at::date - 10, 'RELEASED',
	       opened_at - interval '5 days'
	  FROM draft WHERE kind = 'requisition';
	INSERT INTO requisitions (case_number, method, scope, gross, settlement, service_fee_tax_rate, currency, signing_entity, partner_id, business_version, bank_account_name, bank_name, branch, account_no,
	                          settlement_period, invoice_due_date, received_at, approved_at, sent_at, completed_at, reference)
	SELECT case_number, 'BANK', 'selected', amount, amount, 6, 'CNY', 'cloud', 'P' || partner, 1, 'Holder ' || partner || ' Ltd', 'ICBC', 'West', '6222' || partner, to_char(opened_at - interval '1 month', 'YYYY-MM'),
	       opened_at::date + 30, opened_at, CASE WHEN ended THEN opened_at + interval '2 days' END, CASE WHEN ended THEN opened_at + interval '4 days' END, CASE WHEN ended THEN ends_at END, ''
	  FROM draft WHERE kind = 'requisition';
	INSERT INTO requisition_parts (case_number, output_tax_rate, amount) SELECT case_number, 6, amount FROM draft WHERE kind = 'requisition';
	INSERT INTO requisition_bills (case_number, bill_id, amount) SELECT case_number, 'IB' || n, amount FROM draft WHERE kind = 'requisition'`

const invoicesSQL = `
	INSERT INTO invoice_lists (list_no, case_number, state, supplier_name, supplier_licence, supplier_tax_number, supplier_address, bank_account_name, bank_name, bank_branch, bank_address, account_no, taxpayer,
	                           buyer_entity, buyer_name, service_item, settlement_period, amount, currency, service_rate, mailing_address, public_mailbox, contacts, opened_at, visible_at, due_date)
	SELECT 'IL' || n, case_number, 'ACCEPTED', 'Holder ' || partner || ' Ltd', 'L' || partner, 'T' || partner, 'Street 1', 'Holder ' || partner || ' Ltd', 'ICBC', 'West', 'Street 2', '6222' || partner, 'general',
	       'cloud', 'Cloud Ltd', 'service fee', to_char(opened_at - interval '1 month', 'YYYY-MM'), amount, 'CNY', 6, 'Street 3', 'invoices@vendor.example', '', opened_at, opened_at, opened_at::date + 30
	  FROM draft WHERE kind = 'requisition';
	INSERT INTO invoice_packages (list_no, round, key, digest, sent_by, sent_at, carrier, tracking_no, mailbox, list_enclosed, late, arrived_at, arrived_by, review_on, result, reviewed_by, reviewed_at)
	SELECT 'IL' || n, 1, case_number, '', submitter, opened_at, 'SF', 'SF' || n, '', true, false, opened_at + interval '1 day', 'p1', opened_at::date + 3, 'pass', 'p2', opened_at + interval '2 days'
	  FROM draft WHERE kind = 'requisition';
	INSERT INTO invoices (list_no, round, number, code, type, issued_on, currency, net, tax, total, tax_rate, buyer, items)
	SELECT 'IL' || n, 1, 'N' || n, 'C' || n, 'SPECIAL_PAPER', opened_at::date, 'CNY', amount - round(amount * 0.06, 2), round(amount * 0.06, 2), amount, 6, 'Cloud Ltd', '{}' FROM draft WHERE kind = 'requisition'`

const reconciliationsSQL = `
	INSERT INTO reconciliations (case_number, period, set_no, presented_at, deadline, confirmed_by, confirmed_at)
	SELECT case_number, to_char(opened_at - interval '1 month', 'YYYY-MM'), 1, opened_at, opened_at::date + 10, submitter, opened_at + interval '2 days' FROM draft WHERE kind = 'reconciliation';
	INSERT INTO bills (bill_id, partner_id, plan_name, cadence, period, association, generated_at, amount, output_tax_rate, published_deadline, state, case_number, announced_at)
	SELECT 'IB' || n, 'P' || partner, 'Cloud advisory', 'monthly', to_char(opened_at - interval '1 month', 'YYYY-MM'), 'advisory', opened_at - interval '1 day', amount, 6, opened_at::date + 10, 'RELEASED', case_number,
	       ends_at
	  FROM draft WHERE kind = 'reconciliation'`

const membersSQL = `
	INSERT INTO personal_accounts (account_id, account_name, name, mobile, email, real_name) SELECT 'A' || n, 'member-' || n, 'Member ' || n, '139' || lpad(n::text, 8, '0'), 'm' || n || '@mail.example', 'personal'
	  FROM draft WHERE kind = 'invitation';
	INSERT INTO invitations (case_number, partner_id, account_id, found_by, live) SELECT case_number, 'P' || partner, 'A' || n, 'mobile', NOT ended FROM draft WHERE kind = 'invitation';
	INSERT INTO invitation_tokens (token_hash, case_number, sending, request_key, sent_by, sent_at, expires_at, used_at, replaced_at)
	SELECT sha256(case_number::bytea), case_number, 1, case_number, submitter, opened_at, opened_at + interval '7 days', CASE WHEN NOT ended THEN opened_at + interval '1 day' END, NULL
	  FROM draft WHERE kind = 'invitation';
	INSERT INTO member_links (account_id, partner_id, case_number, notice_version, linked_at) SELECT 'A' || n, 'P' || partner, case_number, '1', opened_at + interval '1 day'
	  FROM draft WHERE kind = 'invitation' AND NOT ended`

const labSQL = `
	INSERT INTO lab_credits (case_number, partner_id, path, stage, account_id, points, purpose, coupon_no, issued_at, expires_at)
	SELECT case_number, 'P' || partner, 'SW', 'ROLE_CERTIFIED', 'A' || n, 50, 'a course', 'LC' || n, opened_at + interval '2 days', opened_at + interval '367 days' FROM draft WHERE kind = 'lab-credit';
	INSERT INTO accounts (account, code, owner, currency, normal, floored, balance) SELECT 'L:' || case_number, 'L', case_number, 'CREDIT', 1, true, 50 FROM draft WHERE kind = 'lab-credit';
	WITH issued AS (
		INSERT INTO entries (key, digest, case_number, memo, at) SELECT 'lab-credit/' || case_number || '/issue', '', case_number, 'lab credit issued', opened_at + interval '2 days' FROM draft WHERE kind = 'lab-credit'
		RETURNING entry_id, case_number)
	INSERT INTO postings (entry_id, account, amount) SELECT entry_id, account, value FROM issued, LATERAL (VALUES ('L.SRC', -50), ('L:' || case_number, 50)) AS v (account, value)`

// What every partner has: membership with a tier, certified business information, customers; the largest one 300 of these.
const standingSQL = `
	INSERT INTO plan_identities (partner_id, plan, from_at) SELECT partner_id, 'solution-provider', (SELECT at FROM house) - interval '2 years' FROM partners;
	INSERT INTO partner_tiers (partner_id, member_from, from_at, tier, set_by) SELECT partner_id, (SELECT at FROM house) - interval '2 years', (SELECT at FROM house) - interval '1 year', 'STANDARD', 'p1' FROM partners;
	INSERT INTO qualifications (partner_id, valid_from) SELECT partner_id, ((SELECT at FROM house) - interval '2 years')::date FROM partners;
	INSERT INTO partner_paths (partner_id, path, stage, from_at) SELECT partner_id, 'SW', 'ROLE_CERTIFIED', (SELECT at FROM house) - interval '2 years' FROM partners;
	INSERT INTO business_information (partner_id, version, company_name, code_type, code, taxpayer_type, service_fee_tax_rate, tax_number, bank_account_name, bank_name, branch, account_no, settlement_currency, status,
	                                  submitted_by, submitted_at, request_key, request_digest, decided_by, decided_at, certified_at)
	SELECT partner_id, 1, name, 'uscc', 'U' || partner_id, 'general', 6, 'T' || partner_id, name, 'ICBC', 'West', '6222' || partner_id, 'CNY', 'passed', master, (SELECT at FROM house) - interval '1 year', '1', '', 'p1',
	       (SELECT at FROM house) - interval '1 year', (SELECT at FROM house) - interval '1 year' FROM partners;
	INSERT INTO customers (customer_id, partner_id, name, account, account_manager)
	SELECT partner_id || '-C' || n, partner_id, 'Customer ' || n || ' of ' || name, 'account-' || n, partner_id || '-2' FROM partners, LATERAL generate_series(1, CASE partner_id WHEN 'P1' THEN 300 ELSE 3 END) n`

const accountsSQL = `
	INSERT INTO accounts (account, code, owner, currency, normal, floored, balance)
	SELECT code || coalesce(':' || owner, ''), code, owner, currency, normal, floored, CASE WHEN owned THEN 1000 END
	  FROM chart LEFT JOIN (SELECT partner_id AS owner FROM partners) p ON owned
	 WHERE code IN ('V.BANK', 'P.CASH', 'L.SRC') AND (NOT owned OR owner IS NOT NULL);
	INSERT INTO accounts (account, code, owner, currency, normal, floored, balance)
	SELECT code || ':' || customer_id, code, customer_id, currency, normal, floored, 0 FROM chart, customers WHERE code IN ('C.CASH', 'C.DEBT')`

// What a partner withdrew, it had been granted, and a thousand more.
const entriesSQL = `
	WITH granted AS (
		INSERT INTO entries (key, digest, memo, at)
		SELECT 'bench/granted/P' || partner, '', 'granted', min(opened_at) - interval '1 day' FROM draft WHERE ended AND kind = 'withdrawal' GROUP BY partner
		RETURNING entry_id, key)
	INSERT INTO postings (entry_id, account, amount)
	SELECT entry_id, account, value FROM granted JOIN (SELECT partner, sum(amount) + 1000 AS total FROM draft WHERE ended AND kind = 'withdrawal' GROUP BY partner) s ON key = 'bench/granted/P' || partner,
	       LATERAL (VALUES ('V.BANK', -total), ('P.CASH:P' || partner, total)) AS v (account, value);
	WITH settled AS (
		INSERT INTO entries (key, digest, case_number, memo, at)
		SELECT 'bench/settled/' || case_number, '', case_number, 'withdrawal paid', ends_at FROM draft WHERE ended AND kind = 'withdrawal' ORDER BY ends_at
		RETURNING entry_id, case_number)
	INSERT INTO postings (entry_id, account, amount)
	SELECT entry_id, account, value FROM settled JOIN draft USING (case_number), LATERAL (VALUES ('V.BANK', amount), ('P.CASH:P' || partner, -amount)) AS v (account, value) ORDER BY entry_id`

// As the ledger's trigger keeps them.
const daysSQL = `
	INSERT INTO account_days
	SELECT account, (e.at AT TIME ZONE interval '8 hours')::date, sum(p.amount), count(*), min(entry_id), max(entry_id)
	  FROM postings p JOIN entries e USING (entry_id) JOIN accounts a USING (account) WHERE a.balance IS NOT NULL GROUP BY 1, 2`

// The largest partner's thousand came in two hundred parts.
const lotsSQL = `
	INSERT INTO lots (key, partner_id, source, payer, payer_account, entity, arrived_at, amount, remaining)
	SELECT 'lot/' || partner_id || '/' || n, partner_id, 'REMIT_DEDICATED', name, '6222', 'cloud', (SELECT at FROM house) - n * interval '1 day', 1000.00 / parts, 1000.00 / parts
	  FROM (SELECT partner_id, name, CASE partner_id WHEN 'P1' THEN 200 ELSE 5 END AS parts FROM partners) p, LATERAL generate_series(1, parts) n;
	INSERT INTO owed_entries (entry_id, key, partner_id, source, tax_rate, amount, remaining, created_at)
	SELECT 'OE-' || partner_id || '-' || n, partner_id || '/' || n, partner_id, 'INCENTIVE_OWED', 6, 10, 10, (SELECT at FROM house) - n * interval '1 day'
	  FROM partners, LATERAL generate_series(1, CASE partner_id WHEN 'P1' THEN 100 ELSE 3 END) n`

// A day's consumption of three orders, of the largest partner's of 300, in the month that runs and the one before.
const consumptionSQL = `
	INSERT INTO consumption (used_at, posted_at, import_id, period, line, row_key, partner_id, customer_id, order_id, product, billing_mode, charge, association, region, original, cash)
	SELECT used_at, used_at, 1, date_trunc('month', used_at AT TIME ZONE interval '8 hours'), 1 + row_number() OVER (), decode(md5(customer_id || used_at), 'hex'), partner_id, customer_id, 'O-' || customer_id,
	       'product-' || chr(97 + (hashtext(customer_id) & 7)), 'pay-per-use', 'usage', 'resale', '', 10.01, 10.01
	  FROM customers, generate_series((date_trunc('month', $1::timestamptz AT TIME ZONE interval '8 hours') - interval '1 month') AT TIME ZONE interval '8 hours' + interval '1 hour', $1, interval '1 day') used_at`

// Each customer has four lines in each of three months; the one that runs is an estimate.
const linesSQL = `
	INSERT INTO calculations (key, period, at, asked_by, policy_version, finished_at)
	SELECT 'bench/' || m, (date_trunc('month', (SELECT at FROM house) AT TIME ZONE interval '8 hours') - m * interval '1 month')::date, (SELECT at FROM house), 'p1', 1, (SELECT at FROM house) FROM generate_series(0, 2) m;
	INSERT INTO incentive_lines (partner_id, period, usage_month, calculation_id, customer_id, order_id, product, association, billing_mode, charge, gross, counted, policy_version, policy_line, rate, amount)
	SELECT partner_id, period, period, calculation_id, customer_id, 'O-' || customer_id, 'product-' || chr(96 + k), 'resale', 'pay-per-use', 'usage', 1000, 1000, 1, chr(96 + k), (ARRAY[12.5, 8, 5, 3])[k],
	       (ARRAY[125, 80, 50, 30])[k]
	  FROM customers, calculations, generate_series(1, 4) k;
	INSERT INTO performance_sheets (partner_id, period, state, gross, counted, amount, calculation_id, calculated_at, reviewed_by, reviewed_at)
	SELECT partner_id, period, CASE m WHEN 0 THEN 'estimated' WHEN 1 THEN 'first-draft' ELSE 'final' END, sum(gross), sum(counted), sum(amount), calculation_id, (SELECT at FROM house), CASE m WHEN 2 THEN 'p1' END, CASE m WHEN 2 THEN (SELECT at FROM house) END
	  FROM incentive_lines JOIN (SELECT calculation_id, row_number() OVER (ORDER BY period DESC) - 1 AS m FROM calculations) c USING (calculation_id) GROUP BY partner_id, period, calculation_id, m`

// A year of refusals, sign-ins and uncovered columns.
const happenedSQL = `
	INSERT INTO refusals (key, at, kind, action, person_id, partner_id, codes, refusals)
	SELECT 'bench/' || n, (SELECT at FROM house) - (100 * (SELECT scale FROM house) - n) * (interval '350 days' / (100 * (SELECT scale FROM house))), 'withdrawal', 'submit', 'P' || (1 + n % (SELECT partners FROM house)) || '-1', 'P' || (1 + n % (SELECT partners FROM house)), ARRAY['CBC.0100'],
	       '[{"rule": "COM-02", "code": "CBC.0100", "object": "amount", "message": "The amount is no amount."}]'
	  FROM generate_series(1, 100 * (SELECT scale FROM house)) n;
	INSERT INTO account_events (at, person_id, event, failed, network)
	SELECT (SELECT at FROM house) - (500 * (SELECT scale FROM house) - n) * (interval '350 days' / (500 * (SELECT scale FROM house))), 'p' || (1 + n % (SELECT people FROM house)), CASE WHEN n % 20 = 0 THEN 'wrong password' ELSE 'signed in' END, n % 20 = 0, '10.0.0.0'
	  FROM generate_series(1, 500 * (SELECT scale FROM house)) n;
	INSERT INTO audit_log (person_id, column_name, list, at, of_partner)
	SELECT 'p' || (1 + n % (SELECT people FROM house)), 'mobile', 'persons', (SELECT at FROM house) - (50 * (SELECT scale FROM house) - n) * (interval '350 days' / (50 * (SELECT scale FROM house))), 'P' || (1 + n % (SELECT partners FROM house)) FROM generate_series(1, 50 * (SELECT scale FROM house)) n`
