-- What every reference writes: the facts of a withdrawal that the programme writes, in tables of the plainest kind.
CREATE TABLE cases (case_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, partner text NOT NULL, request_key text NOT NULL UNIQUE, state text NOT NULL,
	amount numeric(20,2) NOT NULL, due_at timestamptz, last_event int NOT NULL DEFAULT 0, opened_at timestamptz NOT NULL DEFAULT now(), closed_at timestamptz);
CREATE TABLE payees (case_no bigint PRIMARY KEY REFERENCES cases, holder text NOT NULL, account_no text NOT NULL, bank text NOT NULL, branch text NOT NULL, approved_at timestamptz,
	sent_at timestamptz, paid_at timestamptz, reference text NOT NULL DEFAULT '');
CREATE TABLE codes (partner text PRIMARY KEY, hash bytea NOT NULL, used_at timestamptz);
CREATE TABLE lots (partner text PRIMARY KEY, remaining numeric(20,2) NOT NULL);
CREATE TABLE lines (case_no bigint NOT NULL REFERENCES cases, partner text NOT NULL, amount numeric(20,2) NOT NULL, PRIMARY KEY (case_no, partner));
CREATE TABLE balances (account text PRIMARY KEY, balance numeric(20,2) NOT NULL);
CREATE TABLE entries (entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text NOT NULL UNIQUE, case_no bigint NOT NULL REFERENCES cases, memo text NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE postings (entry_id bigint NOT NULL REFERENCES entries, account text NOT NULL REFERENCES balances, amount numeric(20,2) NOT NULL, PRIMARY KEY (entry_id, account));
CREATE TABLE events (case_no bigint NOT NULL REFERENCES cases, seq int NOT NULL, key text NOT NULL, at timestamptz NOT NULL DEFAULT now(), actor text NOT NULL, action text NOT NULL,
	from_state text NOT NULL, to_state text NOT NULL, PRIMARY KEY (case_no, seq), UNIQUE (case_no, key));
CREATE TABLE rounds (case_no bigint NOT NULL REFERENCES cases, matter text NOT NULL, plan jsonb NOT NULL, opened_at timestamptz NOT NULL DEFAULT now(), outcome text NOT NULL DEFAULT '', PRIMARY KEY (case_no, matter));
CREATE TABLE tasks (task_id text PRIMARY KEY, case_no bigint NOT NULL REFERENCES cases, matter text NOT NULL, question text NOT NULL, state text NOT NULL, due_at timestamptz NOT NULL,
	escalated_at timestamptz, decided_by text, decided_at timestamptz, job bigint);
CREATE INDEX tasks_due ON tasks (due_at) WHERE state = 'open' AND escalated_at IS NULL;
CREATE TABLE decisions (key text PRIMARY KEY, case_no bigint NOT NULL REFERENCES cases, task_id text NOT NULL REFERENCES tasks, person text NOT NULL, outcome text NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE inbox (task_id text NOT NULL REFERENCES tasks, role text NOT NULL, due_at timestamptz NOT NULL, PRIMARY KEY (task_id, role));
CREATE TABLE payments (case_no bigint PRIMARY KEY REFERENCES cases, amount numeric(20,2) NOT NULL, state text NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE messages (key text PRIMARY KEY, person text NOT NULL, body text NOT NULL, written_at timestamptz NOT NULL DEFAULT now());
