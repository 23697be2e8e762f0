-- +goose Up

-- Lab credits (LAB): points for the vendor's hands-on lab that a partner applies for and one of its members uses. A credit is an
-- account of the ledger in a unit of its own: points, which are whole.
SET LOCAL ROLE countersign_owner;

INSERT INTO moves VALUES
	('lab-credit', '',             'UNDER_REVIEW'),
	('lab-credit', 'UNDER_REVIEW', 'REJECTED'),
	('lab-credit', 'REJECTED',     'UNDER_REVIEW'),
	('lab-credit', 'UNDER_REVIEW', 'APPROVED'),
	('lab-credit', 'APPROVED',     'ISSUED');

CREATE SEQUENCE lab_credit_numbers;

INSERT INTO chart VALUES
	('L.SRC',    'vendor''s lab programme',        false, -1, true, false, 'CREDIT'),
	('L',        'remaining points of a lab credit', true,  1, true, false, 'CREDIT'),
	('L.USED',   'lab points used',                false,  1, true, false, 'CREDIT'),
	('L.LAPSED', 'lab points lapsed',              false,  1, true, false, 'CREDIT');

COMMENT ON COLUMN chart.owned IS 'True: one account for each partner, customer, quota, coupon or lab credit, "P.CASH:P1001", with a stored balance. False: the vendor''s own or a contra account, summed from postings (a stored balance would be a hot row).';

-- Every movement of points has a credit on one side; as long as what remains of each is whole, so is what moved.
ALTER TABLE accounts ADD CONSTRAINT lab_03_whole_points CHECK (currency <> 'CREDIT' OR balance = trunc(balance));

CREATE TABLE lab_credits (
	case_number  text PRIMARY KEY REFERENCES cases,
	partner_id   text NOT NULL REFERENCES partners,
	path         text NOT NULL CHECK (path IN ('SW', 'SVC', 'SI', 'LRN', 'DST', 'OTH')),
	stage        text NOT NULL CHECK (stage IN ('SELECTED', 'ROLE_CERTIFIED', 'DIFFERENTIATED')),
	account_id   text NOT NULL REFERENCES personal_accounts,
	points       int  NOT NULL CONSTRAINT lab_03_size CHECK (points IN (10, 20, 50, 100, 250, 500)),
	purpose      text NOT NULL CHECK (char_length(purpose) BETWEEN 1 AND 500),
	retry_at     timestamptz,
	retry_reason text NOT NULL DEFAULT '',
	coupon_no    text CONSTRAINT lab_11_one_coupon UNIQUE CHECK (char_length(coupon_no) BETWEEN 1 AND 64),
	issued_at    timestamptz,
	expires_at   timestamptz CHECK (expires_at > issued_at),
	CHECK ((retry_at IS NULL) = (retry_reason = '')),
	CHECK ((issued_at IS NULL) = (coupon_no IS NULL) AND (issued_at IS NULL) = (expires_at IS NULL))
);
CREATE INDEX lab_credits_by_account ON lab_credits (account_id);
CREATE INDEX lab_credits_by_partner ON lab_credits (partner_id);
COMMENT ON TABLE  lab_credits IS 'Applications for lab credits as they were sent last, and the one credit that each yields; what remains of it is the balance of the account "L:" and the case''s number.';
COMMENT ON COLUMN lab_credits.stage IS 'Of the path, when it was applied for.';
COMMENT ON COLUMN lab_credits.account_id IS 'The member who uses the credit (LAB-05); another one may be named when issuing fails (LAB-12).';
COMMENT ON COLUMN lab_credits.points IS 'Applied for, approved and issued alike (LAB-11).';
COMMENT ON COLUMN lab_credits.retry_at IS 'When issuing failed last: it is tried again; NULL: it has not, or it succeeded since.';
COMMENT ON COLUMN lab_credits.coupon_no IS 'The number under which the lab keeps the credit.';
COMMENT ON COLUMN lab_credits.expires_at IS 'From then on the remaining points are void, this instant out.';

-- Only a rejected application is edited (LAB-08); before the credit is issued its user may change (LAB-12), and is a linked
-- member whenever that counts (LAB-05); a credit is issued once, as approved and posted (LAB-11), and stays as it is.
-- +goose StatementBegin
CREATE FUNCTION guard_lab_credit() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
	c      record;
	linked timestamptz; -- when the user has to be
BEGIN
	SELECT state, opened_at INTO STRICT c FROM cases WHERE case_number = NEW.case_number AND kind = 'lab-credit' AND partner_id = NEW.partner_id;
	IF TG_OP = 'INSERT' THEN
		linked := c.opened_at;
		IF NEW.issued_at IS NOT NULL THEN
			RAISE EXCEPTION 'credit % is applied for first', NEW.case_number USING ERRCODE = 'check_violation', CONSTRAINT = 'lab_11_issued';
		END IF;
	ELSE
		linked := NEW.issued_at;
		IF OLD.issued_at IS NOT NULL OR NEW.issued_at IS NOT NULL AND c.state <> 'APPROVED' THEN
			RAISE EXCEPTION 'credit % is issued once, when it is approved', NEW.case_number USING ERRCODE = 'check_violation', CONSTRAINT = 'lab_11_issued';
		END IF;
		IF (NEW.path, NEW.stage, NEW.points, NEW.purpose) <> (OLD.path, OLD.stage, OLD.points, OLD.purpose) AND c.state <> 'REJECTED'
			OR NEW.account_id <> OLD.account_id AND c.state NOT IN ('REJECTED', 'APPROVED') THEN
			RAISE EXCEPTION 'application % is %', NEW.case_number, c.state USING ERRCODE = 'check_violation', CONSTRAINT = 'lab_08_rejected_only';
		END IF;
	END IF;
	IF linked IS NOT NULL AND NOT EXISTS (SELECT 1 FROM member_links m WHERE m.account_id = NEW.account_id AND m.partner_id = NEW.partner_id
		AND m.linked_at <= linked AND (m.unlinked_at IS NULL OR m.unlinked_at > linked)) THEN
		RAISE EXCEPTION 'credit %: % is not linked to %', NEW.case_number, NEW.account_id, NEW.partner_id USING ERRCODE = 'check_violation', CONSTRAINT = 'lab_05_linked';
	END IF;
	IF NEW.issued_at IS NOT NULL AND NEW.points <> coalesce((SELECT p.amount FROM entries e JOIN postings p USING (entry_id)
		WHERE e.key = 'lab-credit/' || NEW.case_number || '/issue' AND p.account = 'L:' || NEW.case_number), 0) THEN
		RAISE EXCEPTION 'credit %: what is posted is not what was approved', NEW.case_number USING ERRCODE = 'check_violation', CONSTRAINT = 'lab_11_amount';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER lab_guards BEFORE INSERT OR UPDATE ON lab_credits FOR EACH ROW EXECUTE FUNCTION guard_lab_credit();

-- +goose StatementBegin
CREATE FUNCTION lab_credit_content(number text) RETURNS bytea LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
	SELECT sha256(convert_to(string_agg(coalesce(octet_length(f) || ':' || f, '-'), '' ORDER BY n), 'UTF8'))
	  FROM lab_credits l, unnest(ARRAY[l.case_number, l.partner_id, l.path, l.stage, l.points::text, l.purpose]) WITH ORDINALITY AS t(f, n)
	 WHERE l.case_number = number
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION lab_credit_content IS 'SHA-256 over what is approved: the columns in this order, each as its length in octets, a colon and its text. Not the user: another one may be named afterwards (LAB-12).';

GRANT USAGE ON SEQUENCE lab_credit_numbers TO countersign_programme;
GRANT SELECT ON lab_credits TO countersign_programme;
GRANT INSERT (case_number, partner_id, path, stage, account_id, points, purpose),
      UPDATE (path, stage, account_id, points, purpose, retry_at, retry_reason, coupon_no, issued_at, expires_at) ON lab_credits TO countersign_programme;

SET LOCAL ROLE NONE;
