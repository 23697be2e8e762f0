package workflows

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/baseline"
	"countersign/domain/calendar"
	"countersign/domain/solution"
	"countersign/internal/documents"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
)

// lives is a programme of eight partner accounts of four companies with forty natural persons that lives through three years in one
// test environment. Everything that somebody decides is drawn from one seed; the cases run as children of one run.
type lives struct {
	*year
	joint *joint

	invitations *activities.Invitations
	members     *activities.Members
	specialists *activities.ProjectSpecialists
	tiers       *activities.Tiers
	labs        *activities.LabCredits
}

const seed = "2024"

// The partner accounts, each two of one company, and who administers them.
var accounts = []string{"P1001", "P2", "P3", "P4", "P5", "P6", "P7", "P8"}

func administers(partner string) string {
	if partner == "P1001" {
		return "mei"
	}
	return clerk(partner)
}

// Partners on the software path have solutions certified; those on it or on the service path apply for lab credits.
var (
	onSoftware = []string{"P1001", "P3", "P5", "P7"}
	onLabPaths = map[string]string{"P1001": "SW", "P3": "SW", "P5": "SW", "P7": "SW", "P2": "SVC", "P4": "SVC"}
)

// The worker is away twice: nobody reaches a run, and the clock does nothing.
var absences = [][2]time.Time{
	{cst("2024-09-03 00:00"), cst("2024-09-24 00:00")},
	{cst("2026-01-05 00:00"), cst("2026-01-26 00:00")},
}

func away(at time.Time) bool {
	return slices.ContainsFunc(absences, func(a [2]time.Time) bool { return !at.Before(a[0]) && at.Before(a[1]) })
}

// Natural persons: most are invited by chance; the last ones have a part of their own.
const (
	natural   = 40
	chosen    = 34 // by chance, of the first ones
	firm      = "N35"
	nobody    = "N36"
	partners  = "N37" // a partner's own account
	punctual  = "N38" // accepts in the last second, and in the closing second
	wanderer  = "N39" // from partner to partner
	forgetful = "N40" // is sent the link again and again
)

func naturalID(n int) string { return fmt.Sprintf("N%02d", n) }

const livesRecords = `
companies: [{id: C-1, name: A Ltd}, {id: C-2, name: B Ltd}, {id: C-3, name: C Ltd}, {id: C-4, name: D Ltd}]
partners:
%s
people:
%s
  - {id: sol, name: Sol, partner: P1001, email: sol@a.example, roles: [partner-solutions]}
  - {id: otto, name: Otto, email: otto@vendor.example, roles: [vendor-operations]}
  - {id: olga, name: Olga, email: olga@vendor.example, roles: [vendor-operations]}
  - {id: cora, name: Cora, email: cora@vendor.example, roles: [certification-reviewer]}
  - {id: ada, name: Ada, email: ada@vendor.example, roles: [solution-architect]}
  - {id: dai, name: Dai, email: dai@vendor.example, roles: [partner-development]}
  - {id: tina, name: Tina, email: tina@vendor.example, roles: [tier-reviewer]}
personal_accounts:
%s
paths:
  - {partner: P1001, path: SW, stage: SELECTED, from: 2024-01-01T00:00:00+08:00}
  - {partner: P3, path: SW, stage: SELECTED, from: 2024-01-01T00:00:00+08:00}
  - {partner: P5, path: SW, stage: SELECTED, from: 2024-01-01T00:00:00+08:00}
  - {partner: P7, path: SW, stage: SELECTED, from: 2024-01-01T00:00:00+08:00}
  - {partner: P2, path: SVC, stage: SELECTED, from: 2024-01-01T00:00:00+08:00}
  - {partner: P4, path: SVC, stage: ROLE_CERTIFIED, from: 2025-03-01T00:00:00+08:00}
  - {partner: P6, path: LRN, stage: ROLE_CERTIFIED, from: 2024-01-01T00:00:00+08:00}
business:
  - {partner: P1001, plans: [{plan: solution-provider, from: 2024-01-01T00:00:00+08:00, until: 2027-06-01T00:00:00+08:00}]}
  - {partner: P2, plans: [{plan: solution-provider, from: 2024-01-01T00:00:00+08:00, until: 2027-06-01T00:00:00+08:00}]}
  - {partner: P3, plans: [{plan: solution-provider, from: 2024-02-29T00:00:00+08:00}]}
  - {partner: P4, plans: [{plan: solution-provider, from: 2024-01-01T00:00:00+08:00, until: 2027-06-01T00:00:00+08:00}]}
  - partner: P5
    plans:
      - {plan: solution-provider, from: 2024-01-01T00:00:00+08:00, until: 2025-03-15T00:00:00+08:00}
      - {plan: solution-provider, from: 2025-06-01T00:00:00+08:00, until: 2027-06-01T00:00:00+08:00}
  - {partner: P6, plans: [{plan: solution-provider, from: 2024-01-01T00:00:00+08:00, until: 2027-06-01T00:00:00+08:00}]}
  - {partner: P7, plans: [{plan: solution-provider, from: 2024-01-01T00:00:00+08:00, until: 2025-10-20T00:00:00+08:00}]}
  - {partner: P8, plans: [{plan: solution-provider, from: 2024-01-01T00:00:00+08:00, until: 2027-06-01T00:00:00+08:00}]}
capability_labels:
  - {partner: P1001, label: migration, obtained: 2024-03-01}
  - {partner: P2, label: databases, obtained: 2025-01-01}
  - {partner: P3, label: migration, obtained: 2024-03-01}
  - {partner: P4, label: databases, obtained: 2026-03-01}
calendar: [{year: 2024, days: []}, {year: 2025, days: []}, {year: 2026, days: []}, {year: 2027, days: []}]
invitation_policy:
  {term: P7D, remind_after: P5D, daily_limit: 100, lookback_months: 12, most_partners: 3, link: "https://partners.example/invitations/"}
project_specialist_policy:
  {review_role: vendor-operations, escalation_role: ecosystem-manager, review_term: P5WD, cancel_term: P5WD, decide_by_signal: true}
solution_policy:
  {review_role: certification-reviewer, architect_role: solution-architect, escalation_role: vendor-operations, review_term: P14D, months: 12, window_days: 60,
   reminder_days: [60, 30, 7, 0], materials: [description, deployment], decide_by_signal: true}
lab_policy:
  {review_role: vendor-operations, issue_role: vendor-operations, report_role: vendor-operations, escalation_role: finance-manager, remind_term: P3WD, validity: P12M,
   address: "https://lab.vendor.example", decide_by_signal: true}
tier_upgrade_policy:
  review_role: tier-reviewer
  escalation_role: vendor-operations
  review_term: P10WD
  decide_by_signal: true
  requirements:
    PREFERRED: [{code: path, zh: 角色认证, en: certified path, source: certified-path, target: "1.00"}]
    LEADING:
      - {code: path, zh: 角色认证, en: certified path, source: certified-path, target: "1.00"}
      - {code: plan, zh: 业务计划, en: business plan, source: evidence, target: "1.00"}
    CORE:
      - {code: labels, zh: 能力标签, en: capability labels, source: capability-labels, target: "2.00"}
      - {code: plan, zh: 业务计划, en: business plan, source: evidence, target: "1.00"}
`

func livesFile() string {
	var owned, clerks, persons strings.Builder
	for n, p := range accounts {
		fmt.Fprintf(&owned, "  - {id: %s, name: %[1]s Ltd, kind: solution-provider, verified_name: %[1]s Ltd, entity: cloud, company: C-%d, ecosystem_manager: wang}\n", p, n/2+1)
		if p != "P1001" {
			fmt.Fprintf(&clerks, "  - {id: %s, name: Clerk, partner: %s, email: %[1]s@example.com, roles: [partner-administrator]}\n", clerk(p), p)
		}
	}
	for n := 1; n <= natural; n++ {
		more := "real_name: personal"
		switch naturalID(n) {
		case firm:
			more = "real_name: enterprise"
		case nobody:
			more = "real_name: none"
		case partners:
			more += ", partner: P8"
		}
		fmt.Fprintf(&persons, "  - {id: %s, account_name: name.%[1]s, name: Person %[1]s, mobile: \"139000%05d\", %s}\n", naturalID(n), n, more)
	}
	return fmt.Sprintf(livesRecords, owned.String(), clerks.String(), persons.String())
}

func newLives(t *testing.T) *lives {
	y := &year{house: newHouse(t, cst("2023-12-20 10:00"), ""), begins: cst("2024-01-01 00:00"), counted: map[string]int{}}
	y.load(livesFile())
	l := &lives{
		year: y, invitations: &activities.Invitations{DB: y.db}, members: &activities.Members{DB: y.db}, specialists: &activities.ProjectSpecialists{DB: y.db},
		tiers: &activities.Tiers{DB: y.db}, labs: &activities.LabCredits{DB: y.db},
	}
	y.cases = &activities.Cases{DB: y.db}
	store, err := documents.Open(y.db, "postgres", documents.Keys{}, documents.Rules{Limit: 10 << 20, Types: documents.Known})
	require.NoError(t, err)
	l.joint = &joint{
		studio:   &studio{house: y.house, solutions: &activities.Solutions{DB: y.db}, drafts: &activities.SolutionDrafts{DB: y.db}, cases: y.cases, papers: map[string]string{}},
		acts:     &activities.BaselineSolutions{DB: y.db},
		projects: &activities.BaselineProjects{DB: y.db, Store: store},
	}
	_, err = (&activities.Programme{DB: y.db}).SetPolicy(context.Background(), baseline.Kind, baseline.DefaultPolicy(), "lina", y.now)
	require.NoError(t, err)
	for _, m := range solution.MaterialTypes {
		var id string
		require.NoError(t, y.db.Get(&id, `
			INSERT INTO documents (document_id, media_type, size, stored_in, content, uploaded_by, uploaded_at)
			SELECT encode(sha256(c), 'hex'), 'application/pdf', octet_length(c), 'postgres', c, 'mei', $2 FROM (SELECT convert_to($1, 'UTF8') AS c) x RETURNING document_id`, m, y.now))
		l.joint.papers[m] = id
	}
	l.environment()
	return l
}

// absent is the cases' activities while the worker may be away: the clock's step is then tried in vain, an hour later again.
type absent struct{ *activities.Cases }

func (a *absent) Clock(ctx context.Context, in activities.ClockInput) (activities.Standing, error) {
	if away(in.At) {
		return activities.Standing{}, temporal.NewNonRetryableApplicationError("the worker is away", "away", nil)
	}
	return a.Cases.Clock(ctx, in)
}

func (l *lives) environment() {
	l.env = environment(l.begins)
	l.env.SetDetachedChildWait(false) // solutions live on
	for name, w := range map[string]any{
		MemberInvitationType: MemberInvitation, ProjectSpecialistType: ProjectSpecialist, SolutionType: Solution, BaselineSolutionType: BaselineSolution,
		TierUpgradeType: TierUpgrade, LabCreditType: LabCredit, "Lives": l.goOn,
	} {
		l.env.RegisterWorkflowWithOptions(w, workflow.RegisterOptions{Name: name})
	}
	for _, a := range []any{l.invitations, l.specialists, l.joint.solutions, l.joint.acts, l.tiers, l.labs, &absent{l.cases}} {
		l.env.RegisterActivity(a)
	}
}

// goOn starts what people ask for, until three years are over. A run that continues as new is carried on by the environment, under
// its own ID; most solutions outlive the test.
//
//workflowcheck:ignore
func (l *lives) goOn(ctx workflow.Context) error {
	for asked := workflow.GetSignalChannel(ctx, startSignal); ; {
		var n int
		if asked.Receive(ctx, &n); n < 0 {
			return nil
		}
		c := l.children[n]
		workflow.Go(ctx, func(ctx workflow.Context) {
			ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: c.id, TaskQueue: TaskQueue})
			if err := workflow.ExecuteChildWorkflow(ctx, c.kind, c.in).Get(ctx, nil); err != nil {
				l.wrong("%s: %v", c.id, err)
			}
		})
	}
}

// asks sends a message to a run; a refusal by any other code than these is amiss. False: there is no such run (any more).
func (l *lives) asks(id, update string, arg any, may ...string) bool {
	l.messages++
	name := fmt.Sprintf("%s to %s at %s", update, id, l.stamp())
	answer := func(err error) {
		if err != nil {
			l.refuses(name, update, err, may)
		}
	}
	err := l.env.UpdateWorkflowByID(id, update, fmt.Sprintf("m%d", l.messages), &testsuite.TestUpdateCallback{
		OnAccept: func() {}, OnReject: answer, OnComplete: func(_ any, err error) { answer(err) },
	}, arg)
	var gone *serviceerror.NotFound
	switch {
	case errors.As(err, &gone):
		return false
	case err != nil:
		l.wrong("%s: %v", name, err)
	}
	return true
}

// has is asks for a run that has to be there.
func (l *lives) has(id, update string, arg any, may ...string) {
	if !l.asks(id, update, arg, may...) {
		l.wrong("%s to %s at %s: it does not run", update, id, l.stamp())
	}
}

// refuses judges what somebody was refused.
func (l *lives) refuses(name, what string, err error, may []string) {
	list := activities.RefusalOf(err)
	l.mu.Lock()
	for _, code := range list.Codes() {
		l.counted["refused "+what+" "+code]++
	}
	l.mu.Unlock()
	if len(list) == 0 || slices.ContainsFunc(list.Codes(), func(code string) bool { return !slices.Contains(may, code) }) {
		l.wrong("%s: %v %v", name, err, list)
	}
}

// open is the case that lives under a run's ID; empty: none does.
func (l *lives) open(id string) (number string) {
	for _, n := range selects[string](l.year, `SELECT case_number FROM cases WHERE workflow_id = $1 AND closed_at IS NULL`, id) {
		number = n
	}
	return number
}

// stamp is now, as helpers of tests read it.
func (l *lives) stamp() string { return l.now.In(calendar.Zone).Format("2006-01-02 15:04:05") }

// today names the day in draws and keys.
func (l *lives) today() string { return calendar.DateOf(l.now).String() }

// draw is a number below n that the seed gives for a name.
func draw(n int, format string, args ...any) int {
	h := fnv.New64a()
	fmt.Fprintf(h, seed+"/"+format, args...)
	sum := h.Sum64()
	sum ^= sum >> 33 // FNV's low digits alone are no good draw of similar names
	sum *= 0xff51afd7ed558ccd
	return int((sum >> 33) % uint64(n))
}

// later plans something, unless the worker is away then.
func (l *lives) later(at time.Time, does func()) {
	if !away(at) {
		l.at(at, does)
	}
}
