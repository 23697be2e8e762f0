-- +goose Up

SET LOCAL ROLE countersign_owner;

---------------------------------------------------------------- each message at once, or one digest a day

ALTER TABLE people ADD COLUMN notify text NOT NULL DEFAULT 'each' CHECK (notify IN ('each', 'digest'));
COMMENT ON COLUMN people.notify IS 'each: every message is a mail of its own, at once. digest: those of a day are one mail at 09:00 UTC+8; codes go at once all the same.';

ALTER TABLE outbox ADD COLUMN digest_at timestamptz;
CREATE INDEX outbox_digests ON outbox (person_id, message_id) WHERE digest_at IS NOT NULL AND sent_at IS NULL;
COMMENT ON COLUMN outbox.digest_at IS 'The 09:00 UTC+8 for which the message waits; NULL: it is a mail of its own. Decided when it is written.';

-- Here, so that whoever writes a message obeys. The instant is the first 09:00 after the message, never the same one.
-- +goose StatementBegin
CREATE FUNCTION plan_message() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
	IF NOT NEW.secret AND EXISTS (SELECT 1 FROM people WHERE person_id = NEW.person_id AND notify = 'digest') THEN
		NEW.digest_at := (date_trunc('day', (NEW.written_at - interval '9 hours') AT TIME ZONE interval '8 hours')
			+ interval '1 day 9 hours') AT TIME ZONE interval '8 hours';
		NEW.next_at := NEW.digest_at;
	END IF;
	RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER plan_message BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION plan_message();

---------------------------------------------------------------- webhooks

CREATE TABLE webhooks (
	webhook_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	url        text        NOT NULL CHECK (url ~ '^https?://'),
	secret     text        NOT NULL,
	kinds      text[]      NOT NULL DEFAULT '{}',
	state      text        NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'stopped', 'removed')),
	created_by text        NOT NULL REFERENCES people,
	created_at timestamptz NOT NULL,
	changed_by text        NOT NULL DEFAULT '',
	changed_at timestamptz,
	CHECK ((state = 'removed') = (secret = ''))
);
COMMENT ON TABLE  webhooks IS 'Who is told of events, by the Standard Webhooks scheme.';
COMMENT ON COLUMN webhooks.secret IS 'whsec_ and base64. It signs, so it cannot be a hash; blanked when the webhook is removed.';
COMMENT ON COLUMN webhooks.kinds IS 'Kinds of cases; empty means all.';
COMMENT ON COLUMN webhooks.state IS 'stopped: the receiver answered 410 Gone; a person may resume it. removed: for good.';
COMMENT ON COLUMN webhooks.changed_by IS 'Who stopped, resumed or removed it last: a person, or "receiver".';

-- No foreign key to events, which are append-only: nothing can take them away.
CREATE TABLE webhook_deliveries (
	delivery_id  text PRIMARY KEY,
	webhook_id   int         NOT NULL REFERENCES webhooks,
	case_number  text        NOT NULL,
	seq          int         NOT NULL,
	type         text        NOT NULL,
	body         text        NOT NULL,
	written_at   timestamptz NOT NULL,
	attempts     int         NOT NULL DEFAULT 0,
	next_at      timestamptz NOT NULL,
	status       int         NOT NULL DEFAULT 0,
	error        text        NOT NULL DEFAULT '',
	delivered_at timestamptz,
	dead_at      timestamptz,
	replayed_by  text REFERENCES people,
	CHECK (delivered_at IS NULL OR dead_at IS NULL)
);
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (webhook_id, next_at) WHERE delivered_at IS NULL AND dead_at IS NULL;
CREATE INDEX webhook_deliveries_dead ON webhook_deliveries (webhook_id, dead_at) WHERE dead_at IS NOT NULL;
COMMENT ON TABLE  webhook_deliveries IS 'One event for one webhook, written in the event''s transaction: what was rolled back is never told, what was committed always.';
COMMENT ON COLUMN webhook_deliveries.delivery_id IS 'The webhook-id: the same in every attempt and replay, so that a receiver can drop repeats.';
COMMENT ON COLUMN webhook_deliveries.body IS 'Text, not jsonb: every attempt signs and sends the same octets.';
COMMENT ON COLUMN webhook_deliveries.status IS 'HTTP status of the last attempt; 0 when none came.';
COMMENT ON COLUMN webhook_deliveries.dead_at IS 'No more attempts are made until somebody replays it.';

-- +goose StatementBegin
CREATE FUNCTION tell_webhooks() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	c       record;
	instant text := to_char(NEW.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
BEGIN
	IF NOT EXISTS (SELECT 1 FROM webhooks WHERE state = 'active') THEN RETURN NULL; END IF;
	SELECT kind, partner_id, regexp_replace(kind || '.' || NEW.action, '[^A-Za-z0-9.]+', '_', 'g') AS type INTO STRICT c
	  FROM cases WHERE case_number = NEW.case_number;
	INSERT INTO webhook_deliveries (delivery_id, webhook_id, case_number, seq, type, body, written_at, next_at)
	SELECT format('msg_%s_%s_%s', webhook_id, NEW.case_number, NEW.seq), webhook_id, NEW.case_number, NEW.seq, c.type,
	       json_build_object('type', c.type, 'timestamp', instant, 'data', json_build_object(
			'case', NEW.case_number, 'kind', c.kind, 'partner', c.partner_id, 'seq', NEW.seq, 'at', instant, 'actor', NEW.actor, 'via', NEW.via,
			'action', NEW.action, 'from', NEW.from_state, 'to', NEW.to_state, 'rule', NEW.rule, 'amount', NEW.amount::text, 'note', NEW.note))::text,
	       NEW.at, NEW.at
	  FROM webhooks WHERE state = 'active' AND (kinds = '{}' OR c.kind = ANY (kinds));
	RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER tell_webhooks AFTER INSERT ON events FOR EACH ROW EXECUTE FUNCTION tell_webhooks();

GRANT SELECT ON webhooks, webhook_deliveries TO countersign_programme;
GRANT INSERT (url, secret, kinds, created_by, created_at), UPDATE (secret, state, changed_by, changed_at) ON webhooks TO countersign_programme;
GRANT UPDATE (attempts, next_at, status, error, delivered_at, dead_at, replayed_by) ON webhook_deliveries TO countersign_programme;

SET LOCAL ROLE NONE;
