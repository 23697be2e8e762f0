package workflows

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"countersign/domain/calendar"
	"countersign/views"

	"github.com/stretchr/testify/require"
)

// Three years of a programme of eight partner accounts and forty natural persons: invitations, specialists, certificates over three
// cycles, a joint solution, tiers and lab credits, with a worker that is away twice. At the end of each month everything verifies, and
// what the rules promise of every instant holds.
//
// Rule: ENG-01, ORG-22, ORG-25, ORG-27, ORG-33, ORG-37, ORG-39, CERT-06, CERT-12, CERT-17, CERT-21, CERT-22, CERT-23, TIER-11, LAB-11, LAB-12
func TestThreeYearsOfLongLives(t *testing.T) {
	l := newLives(t)
	began := time.Now()
	l.plans()
	l.env.RegisterDelayedCallback(l.goesOn, time.Microsecond)
	l.env.ExecuteWorkflow("Lives")
	require.True(t, l.env.IsWorkflowCompleted(), "the years end")
	require.NoError(t, l.env.GetWorkflowError())
	for _, sentence := range l.amiss {
		t.Error(sentence)
	}
	t.Logf("three years of %d partners, %d runs and %d messages took %s", len(accounts), len(l.children), l.messages, time.Since(began).Round(time.Second))
	l.tells()
	require.Len(t, l.months, 36)
	for _, event := range wantedOfLives {
		require.Positive(t, l.counted[event], "%s; there were %v", event, l.counted)
	}
}

// wantedOfLives are kinds of events without which the years would show less than they say.
var wantedOfLives = []string{
	"invitation accept", "invitation lapse", "invitation remind", "invitation unbind", "accepted in the last second", "refused accept INV_EXPIRED", "refused accept INV_USED",
	"refusals invitation {INV_THREE_PARTNERS}", "refusals invitation {INV_ENTERPRISE}", "refusals invitation {INV_NOT_AUTHENTICATED}", "refusals invitation {INV_IS_PARTNER}", "links sent again",
	"lapsed invitations sent again", "refused unbind SPC_STATE",
	"project-specialist SPECIALIST", "project-specialist SPECIALIST_REJECTED", "project-specialist CANCEL_APPROVED", "project-specialist CANCELLED_BY_VENDOR", "project-specialist cancellation reject",
	"project-specialist withdraw",
	"solutions CLOUD in cycle 3", "solutions ADV in cycle 3", "solutions expired and back", "solutions rejected in a later cycle", "solutions decided during expiry",
	"refused resubmit CERT_WINDOW_NOT_OPEN", "solution DELETED", "baseline-solution RELEASED", "synced solutions in cycle 2",
	"tier PREFERRED", "tier LEADING", "tier CORE", "tier-upgrade APPROVED", "tier-upgrade WITHDRAWN", "tier-upgrade review reject", "tier-upgrades closed with their membership",
	"refusals tier-upgrade {TIER_NO_CERTIFIED_PATH,TIER_ITEMS_OPEN}",
	"lab credits used up", "lab credits lapsed", "lab-credit review reject", "lab-credit issue fail", "issues to members who had left", "refused use PRG.LAB.01",
	"clock events while the worker was away",
}

// plans lays three years out: the desks of every day on which the worker is there, and the ends of months.
func (l *lives) plans() {
	done := calendar.Date{Year: 2027, Month: time.January, Day: 1}
	for d := calendar.DateOf(l.begins); d.Before(done); d = d.AddDays(1) {
		l.later(d.Start().Add(10*time.Hour), l.vendorsDay)
		l.later(d.Start().Add(11*time.Hour), l.partnersDay)
		if d.AddDays(1).Day == 1 {
			l.at(d.Start().Add(24*time.Hour-time.Second), l.holds)
		}
	}
	l.ownParts()
	l.entersSolutions()
	l.jointSolution()
	l.at(done.Start(), func() { l.env.SignalWorkflow(startSignal, -1) })
}

// holds asserts at a month's end that everything verifies, and what the rules promise.
func (l *lives) holds() {
	l.t.Helper()
	month := l.today()
	found, err := views.Reader{DB: l.db}.Verify(context.Background(), nil)
	require.NoError(l.t, err)
	for _, f := range found.Findings {
		l.wrong("%s: verify: %+v", month, f)
	}
	for promise, query := range invariants {
		for _, what := range selects[string](l.year, query, l.now) {
			l.wrong("%s: %s: %s", month, promise, what)
		}
	}
	l.months = append(l.months, month)
}

// invariants find what breaks a promise at an instant, $1.
var invariants = map[string]string{
	"a solution is expired exactly when its certificate has ended": `
		SELECT c.case_number || ' is ' || c.state || ', valid until ' || v.valid_until FROM cases c JOIN solutions s USING (case_number) JOIN solution_certifications v USING (case_number, cert_round)
		 WHERE (c.state = 'EXPIRED') <> (v.valid_until <= $1) OR (c.state = 'EXPIRING') <> (v.window_opens_at <= $1 AND v.valid_until > $1)`,
	"the end and the window of a certificate are events at their own instants, once": `
		SELECT v.case_number || ' cycle ' || v.cert_round FROM solution_certifications v LEFT JOIN solution_certifications n ON n.case_number = v.case_number AND n.cert_round = v.cert_round + 1
		 WHERE v.valid_until <= $1 AND (n IS NULL OR n.certified_at > v.valid_until)
		   AND (SELECT count(*) FROM events e WHERE e.case_number = v.case_number AND e.to_state = 'EXPIRED' AND e.from_state <> 'EXPIRED' AND e.at = v.valid_until) <> 1
		    OR v.window_opens_at <= $1 AND (SELECT count(*) FROM events e WHERE e.case_number = v.case_number AND e.to_state = 'EXPIRING' AND e.from_state = 'CERTIFIED' AND e.at = v.window_opens_at) <> 1`,
	"an invitation lapses at the end of its newest link": `
		SELECT c.case_number FROM cases c JOIN LATERAL (SELECT max(expires_at) AS ends FROM invitation_tokens t WHERE t.case_number = c.case_number) t ON true
		 WHERE c.kind = 'invitation' AND (c.state = 'INVITED' AND ends <= $1
		    OR c.state = 'LAPSED' AND (c.closed_at <> ends OR (SELECT count(*) FROM events e WHERE e.case_number = c.case_number AND e.from_state = 'INVITED' AND e.to_state = 'LAPSED' AND e.at = ends) <> 1))`,
	"a member is reminded once of a link, in its time": `
		SELECT t.case_number || ' ' || t.sending FROM invitation_tokens t JOIN events e ON e.case_number = t.case_number AND e.key = 'remind/' || t.sending AND t.sent_at <= $1
		 GROUP BY t.case_number, t.sending, t.sent_at, t.expires_at, t.used_at HAVING count(*) > 1 OR min(e.at) <> t.sent_at + interval '5 days'`,
	"nobody is linked twice": `
		SELECT a.account_id FROM member_links a JOIN member_links b ON a.account_id = b.account_id AND a.link_id < b.link_id AND $1::timestamptz IS NOT NULL
		   AND tstzrange(a.linked_at, a.unlinked_at) && tstzrange(b.linked_at, b.unlinked_at)`,
	"nobody with three partners within a year was linked": `
		SELECT l.account_id FROM member_links l WHERE l.linked_at <= $1 AND (SELECT count(DISTINCT b.partner_id) FROM member_links b WHERE b.account_id = l.account_id AND b.linked_at < l.linked_at
		   AND b.linked_at >= ((l.linked_at AT TIME ZONE 'Asia/Shanghai') - interval '12 months') AT TIME ZONE 'Asia/Shanghai') >= 3`,
	"every member accepted in time": `
		SELECT l.account_id FROM member_links l WHERE l.linked_at <= $1 AND NOT EXISTS (SELECT 1 FROM invitation_tokens t WHERE t.case_number = l.case_number AND t.used_at = l.linked_at AND t.used_at < t.expires_at)`,
	"no specialist is without a link": `
		SELECT c.case_number FROM cases c JOIN project_specialists p USING (case_number, partner_id) WHERE c.opened_at <= $1 AND c.closed_at IS NULL AND c.state <> 'SPECIALIST_REJECTED'
		   AND NOT EXISTS (SELECT 1 FROM member_links l WHERE l.partner_id = p.partner_id AND l.account_id = p.account_id AND l.unlinked_at IS NULL)`,
	"a tier only rises within a membership": `
		SELECT partner_id || ' ' || tier FROM (SELECT *, lag(tier) OVER (PARTITION BY partner_id, member_from ORDER BY from_at) AS before FROM partner_tiers) x
		 WHERE from_at <= $1 AND tier_rank(tier) <= tier_rank(coalesce(before, 'STANDARD'))`,
	"points are used, lapsed or left": `
		SELECT 'of ' || points || ' ' || accounted FROM (SELECT (SELECT coalesce(sum(points), 0) FROM lab_credits WHERE issued_at <= $1) AS points,
		       (SELECT coalesce(sum(amount), 0) FROM postings JOIN accounts USING (account) WHERE code IN ('L', 'L.USED', 'L.LAPSED')) AS accounted) x WHERE points <> accounted`,
	"what is left of a credit lapses when it expires": `
		SELECT l.case_number FROM lab_credits l JOIN cases c USING (case_number) WHERE l.expires_at <= $1 AND (c.closed_at IS NULL OR c.closed_at > l.expires_at)`,
	"an open case waits for somebody or for the clock": `
		SELECT c.case_number || ' ' || c.state FROM cases c WHERE c.opened_at <= $1 AND c.closed_at IS NULL AND c.wake_at IS NULL AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.case_number = c.case_number AND t.state = 'open')
		   AND c.kind || ' ' || c.state NOT IN ('project-specialist SPECIALIST', 'project-specialist SPECIALIST_REJECTED', 'project-specialist CANCEL_REJECTED', 'solution REJECTED', 'solution EXPIRED',
		       'baseline-solution PROJECT_REJECTED', 'baseline-solution PROJECT_DONE', 'baseline-solution RELEASE_REJECTED', 'tier-upgrade REJECTED', 'lab-credit REJECTED', 'lab-credit APPROVED')`,
	"no clock is behind": `SELECT case_number FROM cases WHERE closed_at IS NULL AND wake_at <= $1`,
	"operations are asked to issue what is approved, unless its member has left": `
		SELECT c.case_number FROM cases c JOIN lab_credits l USING (case_number, partner_id) WHERE c.opened_at <= $1 AND c.state = 'APPROVED' AND c.closed_at IS NULL
		   AND EXISTS (SELECT 1 FROM member_links m WHERE m.partner_id = l.partner_id AND m.account_id = l.account_id AND m.unlinked_at IS NULL)
		   AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.case_number = c.case_number AND t.state = 'open')`,
	"nobody is told the same twice": `
		SELECT coalesce(person_id, account_id, address) || ': ' || subject FROM outbox WHERE written_at <= $1 GROUP BY coalesce(person_id, account_id, address), subject, body, written_at HAVING count(*) > 1`,
	"the ecosystem manager is told once of each reminder and end of a certificate": `
		SELECT e.case_number || ' ' || e.key FROM events e JOIN cases c USING (case_number) WHERE c.kind = 'solution' AND e.at <= $1 AND e.actor = 'clock' AND (e.action = 'remind' OR e.action = 'expire')
		   AND (SELECT count(*) FROM outbox o WHERE o.key = 'solution/' || e.case_number || '/' || replace(e.key, 'EXPIRED', 'expired') || '/wang' AND o.written_at = e.at) <> 1`,
	"administrators are told once of each lapse": `
		SELECT c.case_number FROM cases c WHERE c.kind = 'invitation' AND c.state = 'LAPSED' AND c.closed_at <= $1
		   AND (SELECT count(*) FROM outbox o WHERE o.person_id = c.submitter AND o.key LIKE 'invitation/' || c.case_number || '/lapsed/%') <> 1`,
	"a member is told once that the points are there": `
		SELECT l.case_number FROM lab_credits l WHERE l.issued_at <= $1 AND (SELECT count(*) FROM outbox o WHERE o.account_id IS NOT NULL AND o.key LIKE 'lab-credit/' || l.case_number || '/%' AND o.written_at = l.issued_at) <> 1`,
	"the clock's events of a case are in order": `
		SELECT a.case_number || ' ' || a.key FROM events a JOIN events b ON b.case_number = a.case_number AND b.seq > a.seq AND b.at < a.at JOIN cases c ON c.case_number = a.case_number
		 WHERE a.at <= $1 AND a.actor = 'clock' AND b.actor = 'clock' AND a.action <> 'escalate' AND b.action <> 'escalate'`,
}

// tells counts what the database knows of the years, and shows all counts.
func (l *lives) tells() {
	l.t.Helper()
	for _, c := range selects[struct {
		Event string `db:"event"`
		Count int    `db:"count"`
	}](l.year, `
		SELECT kind || ' ' || state AS event, count(*) AS count FROM cases GROUP BY 1
		UNION ALL SELECT kind || ' ' || action, count(*) FROM events JOIN cases USING (case_number) GROUP BY 1
		UNION ALL SELECT 'accepted in the last second', count(*) FROM invitation_tokens WHERE used_at = expires_at - interval '1 second'
		UNION ALL SELECT 'links sent again', count(*) FROM invitation_tokens WHERE sending > 1
		UNION ALL SELECT 'lapsed invitations sent again', count(*) FROM invitations a JOIN cases c USING (case_number) JOIN invitations b ON (b.partner_id, b.account_id) = (a.partner_id, a.account_id) JOIN cases d ON d.case_number = b.case_number
			WHERE c.state = 'LAPSED' AND d.opened_at > c.closed_at
		UNION ALL SELECT 'solutions ' || d.kind || ' in cycle ' || v.cert_round, count(*) FROM solution_certifications v JOIN solution_drafts d USING (draft_id) GROUP BY 1
		UNION ALL SELECT 'synced solutions in cycle ' || v.cert_round, count(*) FROM solution_certifications v JOIN solutions s USING (case_number) WHERE s.origin = 'SYNCED' GROUP BY 1
		UNION ALL SELECT 'solutions expired and back', count(*) FROM events WHERE from_state = 'EXPIRED' AND to_state = 'CERTIFIED'
		UNION ALL SELECT 'solutions rejected in a later cycle', count(*) FROM events JOIN solutions USING (case_number) WHERE action = 'reject' AND from_state IN ('EXPIRING', 'EXPIRED')
		UNION ALL SELECT 'solutions decided during expiry', count(*) FROM solution_rounds r JOIN approvals a USING (case_number, matter, round) JOIN solution_certifications v ON v.case_number = r.case_number AND v.cert_round = r.cert_round - 1
			JOIN solution_certifications n ON n.case_number = r.case_number AND n.cert_round = r.cert_round WHERE a.opened_at < v.valid_until AND n.certified_at > v.valid_until AND n.draft_id = r.draft_id
		UNION ALL SELECT 'tier ' || tier, count(*) FROM partner_tiers GROUP BY 1
		UNION ALL SELECT 'tier-upgrades closed with their membership', count(*) FROM cases WHERE kind = 'tier-upgrade' AND state = 'REJECTED' AND closed_at IS NOT NULL
		UNION ALL SELECT 'lab credits used up', count(*) FROM cases c JOIN lab_credits l USING (case_number) WHERE closed_at < l.expires_at
		UNION ALL SELECT 'lab credits lapsed', count(*) FROM cases c JOIN lab_credits l USING (case_number) WHERE closed_at = l.expires_at
		UNION ALL SELECT 'issues to members who had left', count(*) FROM events WHERE action = 'issue failed' AND rule = 'LAB-12'
		UNION ALL SELECT 'clock events while the worker was away', count(*) FROM events WHERE actor = 'clock' AND (at >= $1 AND at < $2 OR at >= $3 AND at < $4)
		UNION ALL SELECT 'refusals ' || kind || ' ' || codes::text, count(*) FROM refusals GROUP BY 1
		UNION ALL SELECT 'messages', count(*) FROM outbox
		UNION ALL SELECT 'events', count(*) FROM events`, absences[0][0], absences[0][1], absences[1][0], absences[1][1]) {
		l.counted[c.Event] += c.Count
	}
	for _, event := range slices.Sorted(maps.Keys(l.counted)) {
		l.t.Logf("%6d %s", l.counted[event], event)
	}
}
