package views

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"countersign/domain/refusal"

	"github.com/lib/pq"
)

// AuditKind is a record of what happened.
type AuditKind string

// The records that can be searched.
const (
	AuditEvents    AuditKind = "events"    // steps of cases
	AuditRefusals  AuditKind = "refusals"  // requests that the rules did not allow
	AuditSignIns   AuditKind = "sign-ins"  // what happened to accounts
	AuditUnmasking AuditKind = "unmasking" // masked columns that somebody uncovered (COM-10)
	AuditPolicies  AuditKind = "policies"  // proposed, decided, set
)

// AuditKinds lists them.
var AuditKinds = []AuditKind{AuditEvents, AuditRefusals, AuditSignIns, AuditUnmasking, AuditPolicies}

// AuditFilter narrows a search; what is empty does not.
type AuditFilter struct {
	Kind    AuditKind // events when left out
	Person  string
	Partner string
	Case    string // of events
	From    time.Time
	To      time.Time // this instant is out
	After   string    // the Next of the page before
	Limit   int       // 0: 50; at most 200
}

// AuditLine is one thing that happened.
type AuditLine struct {
	ID      string         `db:"id"         json:"-"`
	At      time.Time      `db:"at"         json:"at"`
	Who     string         `db:"who"        json:"who"`  // a person; the clock, a rule; as given, where it was refused; empty: nobody knows
	What    string         `db:"what"       json:"what"` // submit; the event of an account; the column
	Object  string         `db:"object"     json:"object"`
	Partner string         `db:"partner_id" json:"partner,omitempty"`
	Rules   pq.StringArray `db:"rules"      json:"rules,omitempty"`
	Note    string         `db:"note"       json:"note,omitempty"`
	Network string         `db:"network"    json:"network,omitempty"`
	Failed  bool           `db:"failed"     json:"failed"`
	Refused refused        `db:"refused"    json:"refused,omitempty"` // by which rules, of a refusal
}

// refused is what the rules did not allow, as it is kept.
type refused refusal.List

// Scan reads the column.
func (r *refused) Scan(column any) error {
	text, ok := column.([]byte)
	if !ok {
		return nil // of another record
	}
	if err := json.Unmarshal(text, (*refusal.List)(r)); err != nil {
		return fmt.Errorf("scan refusals: %w", err)
	}
	return nil
}

// AuditPage is some of what happened, the newest first.
type AuditPage struct {
	Lines []AuditLine `json:"lines"`
	Next  string      `json:"next,omitempty"` // where the next page begins; empty: there is none
}

// auditSQL reads each record in the same shape. Ids order what happened at one instant.
var auditSQL = map[AuditKind]string{
	AuditEvents: eventLinesSQL + `events e`,
	AuditRefusals: `
		SELECT lpad(refusal_id::text, 19, '0') AS id, at, person_id AS who, action AS what, kind AS object, partner_id, '{}'::text[] AS rules, '' AS note, '' AS network, true AS failed,
		       refusals AS refused
		  FROM refusals`,
	AuditSignIns: `
		SELECT lpad(event_id::text, 19, '0') AS id, at, coalesce(e.by_person, e.person_id, '') AS who, event AS what, coalesce(e.person_id, '') AS object, coalesce(p.partner_id, '') AS partner_id,
		       '{}'::text[] AS rules, '' AS note, coalesce(network::text, '') AS network, failed
		  FROM account_events e LEFT JOIN people p USING (person_id)`,
	AuditUnmasking: `
		SELECT lpad(audit_id::text, 19, '0') AS id, at, a.person_id AS who, a.column_name AS what, a.list AS object, coalesce(a.of_partner, p.partner_id, '') AS partner_id,
		       '{}'::text[] AS rules, '' AS note, '' AS network, false AS failed
		  FROM audit_log a JOIN people p USING (person_id)`,
	AuditPolicies: `
		SELECT kind || '/' || lpad(version::text, 9, '0') AS id, set_at AS at, set_by AS who, 'set' AS what, kind || ' ' || version AS object, '' AS partner_id, '{}'::text[] AS rules,
		       '' AS note, '' AS network, false AS failed FROM policies
		UNION ALL
		SELECT 'proposed/' || lpad(proposal_id::text, 19, '0'), proposed_at, proposed_by, 'proposed', kind || ' #' || proposal_id, '', '{}', note, '', false FROM policy_proposals
		UNION ALL
		SELECT 'decided/' || lpad(proposal_id::text, 19, '0'), decided_at, decided_by, outcome, kind || ' #' || proposal_id, '', '{}', reason, '', false FROM policy_proposals WHERE outcome IS NOT NULL`,
}

// eventLinesSQL goes on with what events they are, called e.
const eventLinesSQL = `
	SELECT e.case_number || '/' || lpad(e.seq::text, 9, '0') AS id, e.at, e.actor AS who, e.action AS what, e.case_number AS object,
	       array_remove(ARRAY[e.rule], '') AS rules, e.note, '' AS network, e.action LIKE '%refused' AS failed FROM `

// Audit searches what happened, the newest first. Refused: a record that there is not (COM-08).
func (r Reader) Audit(ctx context.Context, f AuditFilter, now time.Time) (AuditPage, error) {
	if f.Kind == "" {
		f.Kind = AuditEvents
	}
	from, ok := auditSQL[f.Kind]
	if !ok {
		return AuditPage{}, refusal.List{refusal.New("COM-08", "CBC.0100", "record", "There is no record %q to search.", f.Kind)}
	}
	after, err := f.place()
	if err != nil {
		return AuditPage{}, err
	}
	limit := limited(f.Limit)
	if f.Kind != AuditEvents || f.Case != "" || f.From.IsZero() {
		found, err := r.happened(ctx, f, from, after, limit+1)
		return auditPage(found, limit), err
	}
	// Events are found by day, so that a look at a span reads all that happened in it: first at the last hours, which fill a page
	// mostly, then at twice as long a span before them, and so on.
	found, slice := []AuditLine{}, f
	for end, span := f.end(now, after), firstSpan; ; span *= 2 {
		if end = end.Add(-span); end.Before(f.From) {
			end = f.From
		}
		slice.From = end
		lines, err := r.happened(ctx, slice, from, after, limit+1-len(found))
		if err != nil {
			return AuditPage{}, err
		}
		if found = append(found, lines...); len(found) > limit || !end.After(f.From) {
			return auditPage(found, limit), nil
		}
		slice.To = end
	}
}

// firstSpan is what the first look at events takes in.
const firstSpan = 6 * time.Hour

// auditPlace is where the page before ended.
type auditPlace struct {
	at time.Time // zero: this is the first page
	id string
}

func (f AuditFilter) place() (auditPlace, error) {
	if f.After == "" {
		return auditPlace{}, nil
	}
	text, id, err := placed(f.After)
	if err != nil {
		return auditPlace{}, err
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	return auditPlace{at, id}, err
}

// end is before when a search looks: the present, the end of its days, or where the page before ended.
func (f AuditFilter) end(now time.Time, after auditPlace) time.Time {
	if !f.To.IsZero() && f.To.Before(now) {
		now = f.To
	}
	if !after.at.IsZero() && after.at.Before(now) {
		now = after.at
	}
	return now
}

// happened reads the first lines of a search.
func (r Reader) happened(ctx context.Context, f AuditFilter, from string, after auditPlace, limit int) ([]AuditLine, error) {
	partner, more := `partner_id`, ``
	switch f.Kind {
	case AuditEvents: // looked up when the lines of the page are known
		partner = `(SELECT partner_id FROM cases c WHERE c.case_number = object) AS partner_id`
	case AuditRefusals:
		more = `, refused`
	case AuditSignIns, AuditUnmasking, AuditPolicies:
	}
	q := &query{}
	q.add(`SELECT id, at, who, what, object, ` + partner + `, rules, note, network, failed` + more + ` FROM (`)
	switch {
	case f.Partner == "" || f.Kind != AuditEvents:
		q.add(from + `) happened WHERE true`)
		f.narrow(q, "who", after)
		if f.Partner != "" {
			q.add(` AND partner_id = $%d`, f.Partner)
		}
	default: // among what happened in that time, not among all that ever happened in the partner's cases
		q.add(eventLinesSQL + `(SELECT case_number, seq, at, actor, action, rule, note FROM events WHERE true`)
		f.narrow(q, "actor", after)
		q.add(` OFFSET 0) e WHERE case_number IN (SELECT case_number FROM cases WHERE partner_id = $%d)) happened WHERE true`, f.Partner)
	}
	if f.Case != "" && f.Kind == AuditEvents {
		q.add(` AND object = $%d`, f.Case)
	}
	if !after.at.IsZero() {
		q.add(` AND (at, id) < ($%d, $%d)`, after.at, after.id)
	}
	q.add(` ORDER BY at DESC, id DESC LIMIT $%d`, limit)
	return rows[AuditLine](ctx, r.DB, "what happened", q.text.String(), q.args...)
}

// narrow adds whose it was and when.
func (f AuditFilter) narrow(q *query, who string, after auditPlace) {
	if f.Person != "" {
		q.add(` AND `+who+` = $%d`, f.Person)
	}
	if !f.From.IsZero() {
		q.add(` AND at >= $%d`, f.From)
	}
	if !f.To.IsZero() {
		q.add(` AND at < $%d`, f.To)
	}
	if !after.at.IsZero() {
		q.add(` AND at <= $%d`, after.at)
	}
}

// auditPage is a page of what was read with one line more.
func auditPage(found []AuditLine, limit int) AuditPage {
	page := AuditPage{Lines: found}
	if len(found) > limit {
		page.Lines = found[:limit]
		last := page.Lines[limit-1]
		page.Next = last.At.UTC().Format(time.RFC3339Nano) + "_" + last.ID
	}
	return page
}
