package views

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"countersign/domain"

	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/notice"
	"countersign/domain/withdrawal"
	"countersign/internal/zone"
)

// Case is one application as lists show it.
type Case struct {
	Number        string           `db:"case_number"    json:"case"`
	Kind          string           `db:"kind"           json:"kind"`
	Partner       string           `db:"partner_id"     json:"partner"`
	Submitter     string           `db:"submitter"      json:"submitter"`
	State         domain.State     `db:"state"          json:"state"`
	Route         withdrawal.Route `db:"route"          json:"route,omitempty"`
	Amount        money.Amount     `db:"amount"         json:"amount"`
	Currency      money.Currency   `db:"currency"       json:"currency"`
	Holder        string           `db:"holder"         json:"holder,omitempty"`
	About         string           `db:"about"          json:"about,omitempty"`
	OpenedAt      time.Time        `db:"opened_at"      json:"opened_at"`
	DueAt         *time.Time       `db:"due_at"         json:"due_at,omitempty"`
	ClosedAt      *time.Time       `db:"closed_at"      json:"closed_at,omitempty"`
	RequestKey    string           `db:"request_key"    json:"request_key"`
	PolicyVersion int              `db:"policy_version" json:"policy_version"`
	WorkflowID    string           `db:"workflow_id"    json:"workflow_id"`
	RunID         string           `db:"run_id"         json:"run_id"`
}

// Subject says in a few words what a case is.
func (c Case) Subject() string {
	if c.Kind == withdrawal.Kind {
		return strings.TrimSpace(string(c.Route) + " to " + cmp.Or(c.Holder, "-"))
	}
	return c.About
}

// CaseFilter narrows a list of cases; what is empty does not.
type CaseFilter struct {
	Partner string
	Kind    string
	State   domain.State // deleted ones are hidden unless asked for (WDL-27)
	Open    bool         // only those that wait for something

	DueBefore time.Time // what they wait for is due before this instant; zero: whenever
	Limit     int       // the first so many; 0: all
}

// Cases lists applications, the oldest first; those looked for by due time by that.
func (r Reader) Cases(ctx context.Context, f CaseFilter) ([]Case, error) {
	if f.Partner != "" {
		if err := r.mustExist(ctx, "partner", f.Partner, partnerExistsSQL); err != nil {
			return nil, err
		}
	}
	return rows[Case](ctx, r.q(), "cases", caseSQL+casesWhereSQL, f.Partner, f.State, f.Open, withdrawal.Deleted, f.Kind, sql.NullTime{Time: f.DueBefore, Valid: !f.DueBefore.IsZero()}, sql.NullInt64{Int64: int64(f.Limit), Valid: f.Limit > 0})
}

// Case reads one application.
func (r Reader) Case(ctx context.Context, number string) (Case, error) {
	return row[Case](ctx, r.q(), "case", number, caseSQL+` WHERE c.case_number = $1`, number)
}

const caseSQL = `
	SELECT c.case_number, c.kind, c.partner_id, c.submitter, c.state, coalesce(w.route, '') AS route, coalesce(w.amount, c.amount, 0) AS amount,
	       coalesce(w.currency, 'CNY') AS currency, coalesce(w.holder, '') AS holder, c.about, c.opened_at, c.due_at, c.closed_at,
	       c.request_key, c.policy_version, c.workflow_id, c.run_id
	  FROM cases c LEFT JOIN withdrawals w USING (case_number)`

const casesWhereSQL = `
	 WHERE ($1 = '' OR c.partner_id = $1) AND ($2 = '' OR c.state = $2) AND (NOT $3 OR c.closed_at IS NULL)
	   AND (c.state <> $4 OR $2 = $4) AND ($5 = '' OR c.kind = $5) AND ($6::timestamptz IS NULL OR c.closed_at IS NULL AND c.due_at < $6)
	 ORDER BY CASE WHEN $6 IS NOT NULL THEN c.due_at END, c.opened_at, c.case_number LIMIT $7`

// CaseDetail is everything about one application.
type CaseDetail struct {
	Case
	Payment  *Payment `json:"payment,omitempty"` // of a withdrawal
	Lots     []Line   `json:"lots,omitempty"`    // of a withdrawal
	Tasks    []Task   `json:"tasks"`
	Timeline []Event  `json:"timeline"`
}

// Payment is where the money goes and where it comes from.
type Payment struct {
	Holder         string     `db:"holder"           json:"holder"`
	AccountNo      string     `db:"account_no"       json:"account_no"`
	Bank           string     `db:"bank"             json:"bank"`
	Branch         string     `db:"branch"           json:"branch"`
	PayingEntity   string     `db:"paying_entity"    json:"paying_entity"`
	PaidFrom       string     `db:"paid_from"        json:"paid_from"`
	ApprovedByRule bool       `db:"approved_by_rule" json:"approved_by_rule"`
	ApprovedAt     *time.Time `db:"approved_at"      json:"approved_at,omitempty"`
	Reference      string     `db:"reference"        json:"reference,omitempty"`
	PaidAt         *time.Time `db:"paid_at"          json:"paid_at,omitempty"`
}

// Line is the part of a lot that the application takes.
type Line struct {
	Lot       withdrawal.LotNo  `db:"lot_no"     json:"lot"`
	Source    withdrawal.Source `db:"source"     json:"source"`
	Payer     string            `db:"payer"      json:"payer,omitempty"`
	ArrivedAt time.Time         `db:"arrived_at" json:"arrived_at"`
	Amount    money.Amount      `db:"amount"     json:"amount"`
}

// Event is one line of the timeline.
type Event struct {
	Seq    int           `db:"seq"        json:"seq"`
	At     time.Time     `db:"at"         json:"at"`
	Actor  string        `db:"actor"      json:"actor"`
	Via    string        `db:"via"        json:"via"`
	Action string        `db:"action"     json:"action"`
	From   domain.State  `db:"from_state" json:"from"`
	To     domain.State  `db:"to_state"   json:"to"`
	Rule   string        `db:"rule"       json:"rule,omitempty"`
	Amount *money.Amount `db:"amount"     json:"amount,omitempty"`
	Note   string        `db:"note"       json:"note,omitempty"`
	Hash   Hash          `db:"hash"       json:"hash,omitempty"`
}

// Hash is shown in hexadecimal digits.
type Hash []byte

// MarshalText writes the digits.
func (h Hash) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

// Prefix is enough of it to compare by eye.
func (h Hash) Prefix() string { return hex.EncodeToString(h[:min(4, len(h))]) }

// CaseDetail reads an application with payee, lots, questions and timeline.
func (r Reader) CaseDetail(ctx context.Context, number string) (CaseDetail, error) {
	var d CaseDetail
	var err error
	if d.Case, err = r.Case(ctx, number); err != nil {
		return d, err
	}
	if d.Kind == withdrawal.Kind {
		payment, err := row[Payment](ctx, r.q(), "case", number, paymentSQL, number)
		if err != nil {
			return d, err
		}
		d.Payment = &payment
		if d.Lots, err = rows[Line](ctx, r.q(), "lots", linesSQL, number); err != nil {
			return d, err
		}
	}
	if d.Tasks, err = r.tasksOf(ctx, number); err != nil {
		return d, err
	}
	d.Timeline, err = rows[Event](ctx, r.q(), "events", eventsSQL(r.as), number)
	return d, err
}

const paymentSQL = `
	SELECT holder, account_no, bank, branch, paying_entity, paid_from, approved_by_rule, approved_at, reference, paid_at
	  FROM withdrawals WHERE case_number = $1`

const linesSQL = `
	SELECT l.lot_no, t.source, t.payer, t.arrived_at, l.amount
	  FROM withdrawal_lines l JOIN lots t USING (lot_no) WHERE l.case_number = $1 ORDER BY l.lot_no`

// eventsSQL reads a timeline. The hashes are for who verifies the chain, and for whom somebody of the vendor stood in is not for a partner.
func eventsSQL(as string) string {
	return `
	SELECT seq, at, actor, via, action, from_state, to_state, rule, amount, ` + visible(as, "note", `regexp_replace(note, '^on behalf of [^ :]+(: |$)', '')`) + ` AS note, ` + visible(as, "hash", `''::bytea`) + ` AS hash
	  FROM events WHERE case_number = $1 ORDER BY seq`
}

// Policy is one version of the parameters of a kind of case.
type Policy struct {
	Kind    string          `db:"kind"    json:"kind"`
	Version int             `db:"version" json:"version"`
	SetBy   string          `db:"set_by"  json:"set_by"`
	SetAt   time.Time       `db:"set_at"  json:"set_at"`
	Body    json.RawMessage `db:"body"    json:"policy"`
}

// Policy reads one version; 0 is the newest.
func (r Reader) Policy(ctx context.Context, kind string, version int) (Policy, error) {
	name := kind
	if version != 0 {
		name = fmt.Sprintf("%s, version %d", kind, version)
	}
	return row[Policy](ctx, r.q(), "policy", name, `
		SELECT kind, version, `+visible(r.as, `set_by, set_at`, `'' AS set_by, 'epoch'::timestamptz AS set_at`)+`, body - 'version' AS body FROM policies WHERE kind = $1 AND ($2 = 0 OR version = $2) ORDER BY version DESC LIMIT 1`, kind, version)
}

// Message is one notification.
type Message struct {
	ID        int64      `db:"message_id" json:"message"`
	Person    string     `db:"reader"     json:"person"` // or the personal account of a member; "contact" where a partner named only an address
	Email     string     `db:"email"      json:"email,omitempty"`
	Subject   string     `db:"subject"    json:"subject"`
	Body      string     `db:"body"       json:"body"`
	WrittenAt time.Time  `db:"written_at" json:"written_at"`
	Attempts  int        `db:"attempts"   json:"attempts"`
	SentAt    *time.Time `db:"sent_at"    json:"sent_at,omitempty"`
	Error     string     `db:"error"      json:"error,omitempty"` // of the last attempt to deliver

	notice.Reader `json:"-"` // the message is as the reader gets it (PGM-15)
}

// Outbox lists messages that are not delivered yet, or all, oldest first; an empty person means everybody's.
func (r Reader) Outbox(ctx context.Context, person string, all bool) ([]Message, error) {
	if person != "" {
		if err := r.mustExist(ctx, "person", person, personExistsSQL+` UNION ALL SELECT 1 FROM personal_accounts WHERE account_id = $1`); err != nil {
			return nil, err
		}
	}
	messages, err := rows[Message](ctx, r.q(), "outbox", `
		SELECT m.message_id, coalesce(m.person_id, m.account_id, 'contact') AS reader, coalesce(m.address, p.email, a.email) AS email,
		       coalesce(p.language, a.language, 'zh') AS language, coalesce(p.time_zone, a.time_zone, 'Asia/Shanghai') AS time_zone,
		       m.subject, m.body, m.written_at, m.attempts, m.sent_at, m.error
		  FROM outbox m LEFT JOIN people p USING (person_id) LEFT JOIN personal_accounts a ON a.account_id = m.account_id
		 WHERE ($1 = '' OR $1 IN (m.person_id, m.account_id)) AND ($2 OR m.sent_at IS NULL) ORDER BY m.message_id`, person, all)
	for i, m := range messages {
		messages[i].Subject, messages[i].Body = m.Text(m.Subject, m.Body, zone.Or(m.Zone, calendar.Zone))
	}
	return messages, err
}
