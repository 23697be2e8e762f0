package workflows

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/baseline"
	"countersign/domain/calendar"
	"countersign/domain/lab"
	"countersign/domain/member"
	"countersign/domain/solution"
	"countersign/domain/specialist"
	"countersign/domain/tier"

	"github.com/stretchr/testify/require"
)

// What people do in the long lives: everything is drawn by the names of partners, persons and days.

// invites has a partner invite a natural person, or send the link of a running invitation again.
func (l *lives) invites(partner, account string, answers func(sent sentLink)) {
	i := member.Invitation{RequestKey: account + "/" + l.stamp(), PartnerID: partner, Submitter: administers(partner), AccountID: account, By: member.ByMobile}
	id := InvitationID(i)
	if l.open(id) == "" {
		l.starts(MemberInvitationType, id, MemberInvitationInput{Invitation: i})
	} else {
		l.has(id, SubmitUpdate, i, "INV_LINKED_ELSEWHERE", "INV_THREE_PARTNERS")
	}
	at := l.now
	l.at(at.Add(time.Second), func() {
		for _, s := range selects[sentLink](l.year, `
			SELECT case_number, account_id, partner_id, c.workflow_id, sending, expires_at FROM invitation_tokens t JOIN invitations i USING (case_number) JOIN cases c USING (case_number, partner_id)
			 WHERE c.workflow_id = $1 AND t.sent_at = $2`, id, at) {
			answers(s)
		}
	})
}

// sentLink is one message with a link.
type sentLink struct {
	Case     string    `db:"case_number"`
	Account  string    `db:"account_id"`
	Partner  string    `db:"partner_id"`
	Workflow string    `db:"workflow_id"`
	Sending  int       `db:"sending"`
	Expires  time.Time `db:"expires_at"`
}

// accepts follows a link at an instant.
func (l *lives) accepts(at time.Time, s sentLink) {
	l.later(at, func() {
		var body string
		require.NoError(l.t, l.db.Get(&body, `SELECT body FROM outbox WHERE account_id = $1 AND key LIKE 'invitation/' || $2 || '/sent@' || $3 || '/%' AND secret`, s.Account, s.Case, s.Sending))
		f, err := l.members.FollowLink(context.Background(), linkInBody.FindString(body))
		require.NoError(l.t, err)
		a := member.Acceptance{Key: l.stamp(), Case: f.Case, Account: s.Account, Proof: member.Proof(f.Hash, f.Case, s.Account), Notice: member.CurrentNotice().Version}
		late := []string{"INV_EXPIRED", "INV_USED", "INV_LINKED_ELSEWHERE", "INV_THREE_PARTNERS"}
		if l.asks(s.Workflow, AcceptUpdate, a, late...) {
			return
		}
		if _, err := l.invitations.Accept(context.Background(), activities.AcceptInput{Acceptance: a, At: l.now}); err != nil { // as the command does when no run is left
			l.refuses("accept "+s.Case, AcceptUpdate, err, late)
		}
	})
}

// byChance is how a natural person answers.
func (l *lives) byChance(s sentLink) {
	soon := time.Duration(1+draw(100, "soon %s %s %d", s.Workflow, l.today(), s.Sending)) * time.Hour
	switch draw(10, "answer %s %s", s.Workflow, l.today()) {
	default:
		l.accepts(l.now.Add(soon), s)
	case 5, 6: // never
	case 7:
		l.accepts(s.Expires.Add(-time.Second), s)
	case 8:
		l.accepts(s.Expires, s)
	case 9: // asks for another link
		l.later(l.now.Add(72*time.Hour), func() {
			if l.open(s.Workflow) != "" && s.Sending < 3 {
				l.invites(s.Partner, s.Account, l.byChance)
				l.accepts(l.now.Add(time.Hour), s) // and follows the old one
			}
		})
	}
}

// unbinds ends a link; a specialist's is refused.
func (l *lives) unbinds(partner, account string) {
	_, err := l.members.Unbind(context.Background(), activities.UnbindInput{Key: l.stamp(), Partner: partner, Account: account, Person: administers(partner), At: l.now})
	if err != nil {
		l.refuses("unbind "+account, "unbind", err, []string{"SPC_STATE"})
	}
}

// The parts that are not drawn: the punctual one, the wanderer, the forgetful one, and those who cannot be members.
func (l *lives) ownParts() {
	on := func(at string, does func()) { l.at(cst(at), does) }
	invite := func(partner, account string, answers func(sentLink)) func() {
		return func() { l.invites(partner, account, answers) }
	}
	never := func(sentLink) {}
	atOnce := func(s sentLink) { l.accepts(l.now.Add(time.Hour), s) }
	on("2024-02-22 15:00", invite("P3", punctual, func(s sentLink) { l.accepts(s.Expires, s) })) // until a leap day
	on("2024-03-04 15:00", invite("P3", punctual, func(s sentLink) { l.accepts(s.Expires.Add(-time.Second), s) }))
	for _, who := range []string{firm, nobody, partners} {
		on("2024-04-02 16:00", invite("P2", who, never))
	}
	for n, partner := range []string{"P2", "P3", "P4"} { // three partners within a year
		month := fmt.Sprintf("2025-%02d", 4+n)
		on(month+"-01 09:00", invite(partner, wanderer, atOnce))
		on(month+"-20 09:00", func() { l.unbinds(partner, wanderer) })
	}
	on("2025-07-01 09:00", invite("P5", wanderer, atOnce))
	on("2026-04-01 09:59", invite("P5", wanderer, atOnce)) // a second too early, and in time
	on("2026-04-01 10:01", invite("P5", wanderer, atOnce))
	on("2024-06-03 09:00", invite("P6", forgetful, never))
	on("2024-06-07 09:00", invite("P6", forgetful, func(s sentLink) {
		first := s
		first.Sending = 1
		l.accepts(l.now.Add(time.Hour), first)
	}))
	on("2024-06-10 08:59", invite("P6", forgetful, never))
	on("2024-06-20 09:00", invite("P6", forgetful, atOnce)) // after the lapse
}

// partnersDay is what the partners' people do on a day.
func (l *lives) partnersDay() {
	for _, p := range accounts {
		if draw(28, "invite %s %s", p, l.today()) == 0 {
			if who := naturalID(1 + draw(chosen, "who %s %s", p, l.today())); l.linked(p, who) == 0 {
				l.invites(p, who, l.byChance)
			}
		}
	}
	for _, m := range selects[struct{ Partner, Account string }](l.year, `
		SELECT partner_id AS partner, account_id AS account FROM member_links WHERE unlinked_at IS NULL AND account_id <> $1 ORDER BY partner_id, account_id`, wanderer) {
		switch {
		case draw(240, "unbind %v %s", m, l.today()) == 0:
			l.unbinds(m.Partner, m.Account)
		case draw(70, "apply %v %s", m, l.today()) == 0:
			l.appliesFor(m.Partner, m.Account)
		case onLabPaths[m.Partner] != "" && draw(110, "lab %v %s", m, l.today()) == 0:
			a := lab.Application{
				RequestKey: m.Account + "/" + l.today(), PartnerID: m.Partner, Submitter: administers(m.Partner), Path: onLabPaths[m.Partner], Account: m.Account,
				Points: lab.Sizes[draw(len(lab.Sizes), "points %v %s", m, l.today())], Purpose: "verify a migration",
			}
			l.starts(LabCreditType, LabCreditID(a), LabCreditInput{Application: a}) // refused while another is under way for the member
		}
	}
	l.specialistsDay()
	l.solutionsDay()
	l.upgradesDay()
	l.creditsDay()
}

func (l *lives) linked(partner, account string) int {
	return l.count(`SELECT count(*) FROM member_links WHERE partner_id = $1 AND account_id = $2 AND unlinked_at IS NULL`, partner, account)
}

// live is a case with what its partner looks at.
type live struct {
	Case     string    `db:"case_number"`
	Partner  string    `db:"partner_id"`
	State    string    `db:"state"`
	Workflow string    `db:"workflow_id"`
	Since    time.Time `db:"since"`
	Asked    bool      `db:"asked"` // the vendor is
}

const liveSQL = `
	SELECT c.case_number, c.partner_id, c.state, c.workflow_id, (SELECT max(at) FROM events e WHERE e.case_number = c.case_number) AS since,
	       EXISTS (SELECT 1 FROM tasks t WHERE t.case_number = c.case_number AND t.state = 'open') AS asked
	  FROM cases c WHERE c.kind = $1 AND c.closed_at IS NULL ORDER BY c.workflow_id`

// appliesFor has a partner apply for a member on some path; one in six has no location yet.
func (l *lives) appliesFor(partner, account string) {
	if draw(6, "locate %s %s %s", partner, account, l.today()) > 0 {
		require.NoError(l.t, l.specialists.LocateMember(context.Background(), activities.LocateMemberInput{Partner: partner, Account: account, Location: "Shenzhen", Person: administers(partner), At: l.now}))
	}
	a := specialist.Application{
		RequestKey: account + "/" + l.stamp(), PartnerID: partner, Submitter: administers(partner), Account: account,
		Path: specialist.Paths[draw(3, "path %s %s %s", partner, account, l.today())], Materials: []string{contract},
	}
	id := ProjectSpecialistID(a)
	if l.open(id) == "" {
		l.starts(ProjectSpecialistType, id, ProjectSpecialistInput{Application: a})
		return
	}
	l.has(id, SubmitUpdate, a, "SPC_STATE", "SPC_NOT_BOUND", "SPC_LOCATION")
}

// specialistsDay cancels specialists, takes cancellations back, and has the vendor strike some off.
func (l *lives) specialistsDay() {
	for _, c := range selects[live](l.year, liveSQL, specialist.Kind) {
		in := activities.SpecialistStepInput{Key: l.stamp(), Person: administers(c.Partner)}
		one := func(n int, what string) bool { return draw(n, "%s %s %s", what, c.Workflow, l.today()) == 0 }
		switch specialist.State(c.State) {
		case specialist.Recognised, specialist.CancelRejected:
			switch {
			case one(90, "cancel"):
				added, err := (&activities.Documents{DB: l.db, Store: l.joint.projects.Store}).AddDocument(context.Background(), activities.AddDocumentInput{
					Case: c.Case, Kind: "proof", Name: "reason.pdf", Content: bytes.NewReader([]byte("%PDF-1.4\nreason\n%%EOF\n")), Person: in.Person, At: l.now,
				})
				require.NoError(l.t, err)
				in.Reason, in.Document = "left the project", added.Document
				l.has(c.Workflow, CancelSpecialistUpdate, in)
			case one(300, "revoke"):
				in.Person, in.Reason = "otto", "no project"
				l.has(c.Workflow, RevokeSpecialistUpdate, in, "SPC_STATE")
			}
		case specialist.CancelReview:
			if one(8, "withdraw") {
				l.has(c.Workflow, WithdrawCancellationUpdate, in)
			}
		}
	}
}

// drafts enters a solution of a partner, new or to be certified again, and answers what is submitted of it.
func (l *lives) drafts(partner, number, key string, change solution.Change) (solution.Submission, string) {
	l.t.Helper()
	d, err := l.joint.drafts.Save(context.Background(), activities.SolutionDraftInput{Case: number, Partner: partner, Key: key, Change: change, Person: administers(partner), At: l.now})
	require.NoError(l.t, err, "%s %s", partner, number)
	s := submission(d)
	s.Submitter = administers(partner)
	return s, d.Draft
}

// entersSolutions has a partner on the software path submit its solutions in the first months.
func (l *lives) entersSolutions() {
	for _, p := range onSoftware {
		for n, t := range []solution.Type{solution.Cloud, solution.Advanced, solution.Cloud} {
			day := calendar.Date{Year: 2024, Month: time.January, Day: 8}.AddDays(draw(100, "enter %s %d", p, n))
			l.at(day.Start().Add(15*time.Hour), func() {
				change := l.joint.whole(t, "1.0")
				change.Name = to(fmt.Sprintf("Solution %s-%d", p, n))
				s, _ := l.drafts(p, "", *change.Name, change)
				l.starts(SolutionType, oneLiveID(solution.Kind, p, s.Draft), SolutionInput{Submission: s})
			})
		}
	}
}

// solutionsDay sends again what was rejected, and applies for re-certification: as soon as the window opens, in its middle, so
// shortly before the end that the decision comes after it, or long after.
func (l *lives) solutionsDay() {
	for _, c := range selects[struct {
		live
		Origin string     `db:"origin"`
		Cycle  int        `db:"cert_round"`
		Window *time.Time `db:"window_opens_at"`
		Until  *time.Time `db:"valid_until"`
	}](l.year, strings.Replace(liveSQL, " FROM cases c ", `, s.origin, s.cert_round, v.window_opens_at, v.valid_until FROM cases c JOIN solutions s USING (case_number) LEFT JOIN solution_certifications v USING (case_number, cert_round) `, 1), solution.Kind) {
		send := func(may ...string) string {
			version := fmt.Sprintf("%d.%d", c.Cycle+2, draw(1000, "version %s", l.today()))
			change := solution.Change{Version: &version}
			if c.Origin == string(solution.Synced) && c.Cycle == 1 { // it came without materials
				change.Materials = l.joint.whole(solution.Cloud, version).Materials
			}
			s, draft := l.drafts(c.Partner, c.Case, c.Case+"/"+l.stamp(), change)
			l.has(c.Workflow, ResubmitUpdate, s, may...)
			return draft
		}
		age := l.now.Sub(c.Since)
		switch {
		case c.Asked:
		case solution.State(c.State) == solution.Rejected:
			if age < 72*time.Hour {
				break
			}
			if c.Cycle == 0 && draw(3, "delete %s", c.Workflow) == 0 {
				l.has(c.Workflow, DeleteUpdate, activities.DeleteSolutionInput{Key: l.stamp(), Person: administers(c.Partner)})
			} else {
				send()
			}
		case c.Window != nil && l.now.Before(*c.Window):
			if wait := c.Window.Sub(l.now); wait < 24*time.Hour && draw(2, "early %s %d", c.Workflow, c.Cycle) == 0 {
				early := send("CERT_WINDOW_NOT_OPEN")
				l.at(l.now.Add(time.Minute), func() {
					require.NoError(l.t, l.joint.drafts.Delete(context.Background(), activities.SolutionDraftInput{Draft: early, Partner: c.Partner, Person: administers(c.Partner), At: l.now}))
				})
			}
		case c.Until != nil:
			offset := []int{-60, -30, -4, 25}[draw(4, "offset %s %d", c.Workflow, c.Cycle)]
			if !l.now.Before(c.Until.Add(time.Duration(offset)*24*time.Hour)) && draw(4, "again %s %s", c.Workflow, l.today()) == 0 {
				send()
			}
		}
	}
}

// upgradesDay has partners apply for the next tier three times a year, and correct or withdraw what they filed.
func (l *lives) upgradesDay() {
	day := calendar.DateOf(l.now)
	for n, p := range accounts {
		if day.Day != 5+n || day.Month%4 != 2 {
			continue
		}
		a := tier.Application{RequestKey: l.today(), PartnerID: p, Submitter: administers(p)}
		for _, now := range selects[string](l.year, `SELECT tier_of($1, $2) WHERE tier_of($1, $2) <> 'CORE'`, p, l.now) {
			a.Target = tier.Tiers[slices.Index(tier.Tiers, tier.Tier(now))+1]
		}
		if a.Target == "" {
			a.Target = tier.Preferred // no membership holds, or there is nothing higher: refused
		}
		if a.Target != tier.Preferred {
			a.Evidence = []tier.Attached{{Item: "plan", Document: document}}
		}
		if a.Target == tier.Core {
			a.Submitter = "wang"
		}
		l.starts(TierUpgradeType, TierUpgradeID(a), TierUpgradeInput{Application: a})
	}
	for _, c := range selects[struct {
		live
		Target tier.Tier `db:"target"`
		By     string    `db:"submitter"`
	}](l.year, strings.Replace(liveSQL, " FROM cases c ", `, u.target, c.submitter FROM cases c JOIN tier_upgrades u USING (case_number) `, 1), tier.Kind) {
		switch tier.State(c.State) {
		case tier.UnderReview:
			if draw(20, "withdraw %s %s", c.Workflow, l.today()) == 0 {
				l.has(c.Workflow, CancelUpdate, CancelRequest{Key: l.stamp(), Person: c.By})
			}
		case tier.Rejected:
			if c.Partner == "P7" && day.Year == 2025 { // is left so until the membership ends
				break
			}
			if draw(12, "again %s %s", c.Workflow, l.today()) == 0 {
				a := tier.Application{RequestKey: l.stamp(), PartnerID: c.Partner, Submitter: c.By, Target: c.Target}
				if a.Target != tier.Preferred {
					a.Evidence = []tier.Attached{{Item: "plan", Document: document}}
				}
				l.has(c.Workflow, ResubmitUpdate, a, "TIER_UNDER_REVIEW", "TIER_NOT_HIGHER", "TIER_NO_MEMBERSHIP", "TIER_OPEN")
			}
		}
	}
}

// creditsDay edits what was rejected, unbinds users before the issue, names others, and reports what is used.
func (l *lives) creditsDay() {
	for _, c := range selects[struct {
		live
		Account string `db:"account_id"`
		Path    string `db:"path"`
		Points  int    `db:"points"`
		Left    int    `db:"remain"`
	}](l.year, strings.Replace(liveSQL, " FROM cases c ", `, l.account_id, l.path, l.points, coalesce((SELECT balance::int FROM accounts WHERE account = 'L:' || c.case_number), 0) AS remain FROM cases c JOIN lab_credits l USING (case_number, partner_id) `, 1), lab.Kind) {
		by := administers(c.Partner)
		one := func(n int, what string) bool { return draw(n, "%s %s %s", what, c.Workflow, l.today()) == 0 }
		switch lab.State(c.State) {
		case lab.Rejected:
			if one(5, "edit") {
				l.has(c.Workflow, ResubmitUpdate, lab.Application{
					RequestKey: l.stamp(), PartnerID: c.Partner, Submitter: by, Path: c.Path, Account: c.Account, Points: 10, Purpose: "verify less",
				}, "LAB_USER", "ENG_STATE")
			}
		case lab.Approved:
			switch {
			case l.linked(c.Partner, c.Account) > 0:
				if draw(3, "leaves %s", c.Workflow) == 0 {
					l.unbinds(c.Partner, c.Account)
				}
			case one(2, "name"):
				for _, other := range selects[string](l.year, `SELECT account_id FROM member_links WHERE partner_id = $1 AND unlinked_at IS NULL ORDER BY linked_at LIMIT 1`, c.Partner) {
					l.has(c.Workflow, NameUserUpdate, lab.Naming{Person: by, Account: other, Key: l.stamp()}, "LAB_USER", "ENG_STATE")
				}
			}
		case lab.Issued:
			if one(60, "use") {
				points := min(c.Left, max(1, c.Points/3))
				if one(5, "more") {
					points = c.Left + 1
				}
				l.has(c.Workflow, UseUpdate, lab.Use{Person: "otto", Points: points, Key: l.stamp()}, "PRG.LAB.01")
			}
		}
	}
}

// vendorsDay answers the tasks that have been open for as long as whoever is asked takes.
func (l *lives) vendorsDay() {
	for _, t := range selects[struct {
		Task     string    `db:"task_id"`
		Kind     string    `db:"kind"`
		Matter   string    `db:"matter"`
		Seat     string    `db:"seat"`
		Round    int       `db:"round"`
		Case     string    `db:"case_number"`
		Workflow string    `db:"workflow_id"`
		Opened   time.Time `db:"opened_at"`
	}](l.year, `
		SELECT t.task_id, c.kind, t.matter, split_part(split_part(t.task_id, '/', 2), '@', 1) AS seat, t.round, t.case_number, c.workflow_id, t.opened_at
		  FROM tasks t JOIN cases c USING (case_number) WHERE t.state = 'open' AND c.closed_at IS NULL ORDER BY c.workflow_id, t.task_id`) {
		name := fmt.Sprint(t.Workflow, t.Seat, t.Round)
		most := 4
		if t.Kind == solution.Kind {
			most = 16
		}
		if patience := time.Duration(draw(most, "patience %s", name)) * 24 * time.Hour; l.now.Sub(t.Opened) < patience {
			continue
		}
		d := approval.Decision{Task: t.Task, Person: "otto", Outcome: approval.Approve}
		no := func(word approval.Outcome) { d.Outcome, d.Reason = word, "not so" }
		what := t.Kind + " " + t.Seat
		switch what {
		case "project-specialist review", "project-specialist cancellation":
			if draw(3, "no %s", name) == 0 {
				no(approval.Reject)
			}
		case "solution certification-review", "solution architecture-review":
			if d.Person = "cora"; t.Seat == node2 {
				d.Person = "ada"
			}
			if draw(4, "no %s", name) == 0 {
				no(approval.Reject)
			}
		case "baseline-solution project", "baseline-solution release":
			if d.Person, d.Outcome = "cora", baseline.MatterOf(t.Matter).Approve; t.Round == 1 {
				no("reject")
			}
		case "baseline-solution design", "baseline-solution verification":
			d.Person, d.Outcome = "ada", baseline.MatterOf(t.Matter).Approve
		case "tier-upgrade review":
			if d.Person = "tina"; draw(3, "no %s", name) == 0 {
				no(approval.Reject)
			}
		case "lab-credit review":
			if draw(4, "no %s", name) == 0 {
				no(approval.Reject)
			}
		case "lab-credit issue":
			if d.Person, d.Outcome, d.Reference = "olga", "issued", fmt.Sprintf("CP-%s-%d", t.Case, t.Round); draw(6, "no %s", name) == 0 {
				no("fail")
				d.Reference = ""
			}
		default:
			l.wrong("nobody answers %s", what)
			continue
		}
		l.counted[what+" "+string(d.Outcome)]++
		l.has(t.Workflow, DecideUpdate, d, "TIER_NO_MEMBERSHIP", "TIER_NOT_HIGHER")
	}
}

// jointSolution is P1001's project from the draft to its release, which becomes a certified solution.
func (l *lives) jointSolution() {
	var number, project, id string
	on := func(at string, does func()) { l.at(cst(at), does) }
	act := func(by string, action baseline.Action, reference string) {
		l.has(id, ActUpdate, baseline.Act{RequestKey: string(action) + l.stamp(), Person: by, Action: action, Reference: reference})
	}
	on("2024-03-04 11:30", func() {
		sub := l.joint.ready(l.stamp(), entry("Joint"))
		project, id = sub.Project, oneLiveID(baseline.Kind, sub.PartnerID, sub.Project)
		l.starts(BaselineSolutionType, id, BaselineSolutionInput{Submission: sub})
	})
	on("2024-03-11 11:30", func() { number = l.open(id); act("sol", baseline.SubmitAgain, "") })
	on("2024-03-18 11:30", func() { act("sol", baseline.ApplyDesign, "") })
	on("2024-03-19 11:30", func() {
		l.joint.has(l.stamp(), project, baseline.DesignPaper, "design.pdf", paper(l.t, "design", ""))
		act("sol", baseline.HandInDesign, "")
	})
	on("2024-04-02 11:30", func() {
		l.joint.has(l.stamp(), project, baseline.TestReport, "report.pdf", paper(l.t, "report", ""))
		act("sol", baseline.HandInVerification, "")
	})
	on("2024-04-15 11:30", func() { act("dai", baseline.ListGoods, "") })
	on("2024-04-16 11:30", func() { act("dai", baseline.GoodsAreListed, "G-"+number) })
	on("2024-05-06 11:30", func() { l.joint.material(l.stamp(), project) })
	on("2024-05-07 11:30", func() { act("sol", baseline.SubmitRelease, "") })
	on("2024-05-14 11:30", func() { act("sol", baseline.SubmitRelease, "") })
}
