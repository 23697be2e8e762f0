package views

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
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
	AuditEvents: `
		SELECT e.case_number || '/' || lpad(e.seq::text, 9, '0') AS id, e.at, e.actor AS who, e.action AS what, e.case_number AS object, c.partner_id,
		       array_remove(ARRAY[e.rule], '') AS rules, e.note, '' AS network, e.action LIKE '%refused' AS failed
		  FROM events e JOIN cases c USING (case_number)`,
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

// Audit searches what happened, the newest first. Refused: a record that there is not (COM-08).
func (r Reader) Audit(ctx context.Context, f AuditFilter, now time.Time) (AuditPage, error) {
	if f.Kind == "" {
		f.Kind = AuditEvents
	}
	from, ok := auditSQL[f.Kind]
	if !ok {
		return AuditPage{}, refusal.List{refusal.New("COM-08", "CBC.0100", "record", "There is no record %q to search.", f.Kind)}
	}
	limit := limited(f.Limit)
	for span := firstSpan; ; span *= 4 {
		reach := time.Time{} // how far back one looks
		if !f.From.IsZero() && f.Kind == AuditEvents {
			reach = f.reach(now, span)
		}
		found, err := r.happened(ctx, f, from, reach, limit+1)
		if err != nil || len(found) > limit || !reach.After(f.From) {
			return auditPage(found, limit), err
		}
	}
}

// firstSpan is what the first look at events takes in: the newest ones fill a page, mostly. Events are found by day, so a look
// at a whole span reads all that happened in it.
const firstSpan = 6 * time.Hour

// reach is where a look at a span begins that ends where the search or the page before does.
func (f AuditFilter) reach(at time.Time, span time.Duration) time.Time {
	end := at
	if !f.To.IsZero() && f.To.Before(end) {
		end = f.To
	}
	if text, _, _ := strings.Cut(f.After, "_"); text != "" {
		if after, err := time.Parse(time.RFC3339Nano, text); err == nil && after.Before(end) {
			end = after
		}
	}
	if begin := end.Add(-span); begin.After(f.From) {
		return begin
	}
	return f.From
}

// happened reads the first lines of a search, from an instant on if one is given.
func (r Reader) happened(ctx context.Context, f AuditFilter, from string, reach time.Time, limit int) ([]AuditLine, error) {
	q := &query{}
	q.text.WriteString(`SELECT id, at, who, what, object, partner_id, rules, note, network, failed`)
	if f.Kind == AuditRefusals {
		q.text.WriteString(`, refused`)
	}
	q.text.WriteString(` FROM (`)
	q.text.WriteString(from)
	q.text.WriteString(`) happened WHERE true`)
	for _, narrow := range []struct{ by, column string }{{f.Person, "who"}, {f.Partner, "partner_id"}} {
		if narrow.by != "" {
			q.add(` AND `+narrow.column+` = $%d`, narrow.by)
		}
	}
	if f.Case != "" && f.Kind == AuditEvents {
		q.add(` AND object = $%d`, f.Case)
	}
	if reach.IsZero() {
		reach = f.From
	}
	if !reach.IsZero() {
		q.add(` AND at >= $%d`, reach)
	}
	if !f.To.IsZero() {
		q.add(` AND at < $%d`, f.To)
	}
	if f.After != "" {
		at, id, ok := strings.Cut(f.After, "_")
		if _, err := time.Parse(time.RFC3339Nano, at); !ok || err != nil {
			return nil, badCursor(f.After)
		}
		q.add(` AND at <= $%[1]d::timestamptz AND (at, id) < ($%[1]d::timestamptz, $%d)`, at, id)
	}
	q.add(` ORDER BY at DESC, id DESC LIMIT $%d`, limit)
	return rows[AuditLine](ctx, r.DB, "what happened", q.text.String(), q.args...)
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
