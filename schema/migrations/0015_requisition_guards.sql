-- +goose Up

-- What a requisition takes and frees again, guarded against any other way into the tables: a bill that was paid or is being paid
-- can neither be freed, void nor moved.
SET LOCAL ROLE countersign_owner;

-- +goose StatementBegin
CREATE FUNCTION guard_requisition_bill() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	-- The lock waits for whoever lets the bill void or moves it.
	PERFORM 1 FROM bills b WHERE b.bill_id = NEW.bill_id FOR SHARE;
	IF NOT EXISTS (
		SELECT 1 FROM bills b JOIN requisitions r USING (partner_id)
		 WHERE r.case_number = NEW.case_number AND b.bill_id = NEW.bill_id AND b.state = 'RELEASED' AND b.amount = NEW.amount
	) THEN
		RAISE EXCEPTION 'bill % is no released bill of the partner over %', NEW.bill_id, NEW.amount USING ERRCODE = 'check_violation', CONSTRAINT = 'pay_01_released';
	END IF;
	RETURN NEW;
END $$;

-- Looked at when the transaction ends: a rejection frees the bills and moves the case in one.
CREATE FUNCTION guard_requisition_free() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE state text := (SELECT c.state FROM cases c WHERE c.case_number = NEW.case_number);
BEGIN
	IF NEW.live = (state = 'REJECTED') THEN
		RAISE EXCEPTION 'bill % of requisition %, which is %', NEW.bill_id, NEW.case_number, state USING ERRCODE = 'check_violation', CONSTRAINT = 'pay_26_free';
	END IF;
	RETURN NULL;
END $$;

CREATE FUNCTION guard_requested_bill() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF bill_requested(OLD.bill_id) THEN
		RAISE EXCEPTION 'bill % is part of a requisition', OLD.bill_id USING ERRCODE = 'check_violation', CONSTRAINT = 'eng_07_requested';
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER pay_01_released BEFORE INSERT ON requisition_bills FOR EACH ROW EXECUTE FUNCTION guard_requisition_bill();
CREATE CONSTRAINT TRIGGER pay_26_free AFTER UPDATE ON requisition_bills DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION guard_requisition_free();
CREATE TRIGGER eng_07_requested BEFORE UPDATE OF state, partner_id ON bills FOR EACH ROW
	WHEN (OLD.state = 'RELEASED' AND OLD.state <> NEW.state OR OLD.partner_id <> NEW.partner_id) EXECUTE FUNCTION guard_requested_bill();

SET LOCAL ROLE NONE;
