package workflows

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/activities"
	"countersign/domain/calendar"
	"countersign/domain/incentive"
	"countersign/domain/money"
	"countersign/domain/requisition"
	"countersign/domain/staff"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
)

// year is a programme with twenty partners that lives through 2024 in one test environment: every case is a child of one run,
// so that all of them have one clock, and what people do is decided by what stands in the database that day.
type year struct {
	*house
	env    *testsuite.TestWorkflowEnvironment
	begins time.Time

	calcs    *activities.Calculations
	imports  *activities.Consumption
	recs     *activities.Reconciliations
	reqs     *activities.Requisitions
	staff    *activities.DedicatedStaff
	quarters *activities.PaymentApplications
	cases    *activities.Cases
	owes     *activities.Owed
	bank     *activities.Bank

	mu       sync.Mutex
	fresh    []activities.Presentation // that the day's run wants to be presented
	children []childRun
	agenda   []planned
	messages int
	amiss    []string                // what went otherwise than planned
	counted  map[string]int          // events that no table counts
	expected map[string]money.Amount // incentive of each partner, by the generator's own sum
	months   []string                // verified
}

// childRun is a workflow that the year's run starts.
type childRun struct {
	kind, id string
	in       any
}

const startSignal = "start"

// members is how many partners there are: M01 to M20.
const members = 20

func memberID(n int) string { return fmt.Sprintf("M%02d", n) }

// clerk administers a partner.
func clerk(partner string) string { return "clerk-" + strings.ToLower(partner) }

// methodOf is how a partner is paid.
func methodOf(n int) requisition.Method { return requisition.Methods[n%len(requisition.Methods)] }

// Some partners have the automatic release, two employ dedicated staff, one leaves.
var (
	automatic = []int{4, 5, 6, 7}
	employers = []int{1, 2}
)

const leaver = members

func yearRecords() string {
	var s strings.Builder
	s.WriteString("partners:\n")
	each := func(format string, args func(n int, partner string) []any) {
		for n := 1; n <= members; n++ {
			fmt.Fprintf(&s, format, args(n, memberID(n))...)
		}
	}
	each("  - {id: %[1]s, name: %[1]s Ltd, kind: solution-provider, verified_name: %[1]s Ltd, entity: cloud}\n", func(_ int, p string) []any { return []any{p} })
	s.WriteString("customers:\n")
	each("  - {id: %[1]s-A, partner: %[1]s}\n  - {id: %[1]s-B, partner: %[1]s}\n", func(_ int, p string) []any { return []any{p} })
	s.WriteString("bindings:\n")
	each("  - {customer: %[1]s-A, partner: %[1]s, association: %[2]s, from: 2023-01-01T00:00:00+08:00}\n  - {customer: %[1]s-B, partner: %[1]s, association: %[3]s, from: 2023-01-01T00:00:00+08:00}\n",
		func(n int, p string) []any {
			switch methodOf(n) {
			case requisition.CloudOwed:
				return []any{p, "resale", "resale"}
			case requisition.Voucher:
				return []any{p, "resale", "advisory"}
			case requisition.Bank, requisition.Cloud:
			}
			return []any{p, "advisory", "advisory"}
		})
	s.WriteString(`people:
  - {id: otto, name: Otto, email: otto@vendor.example, roles: [vendor-operations]}
  - {id: olga, name: Olga, email: olga@vendor.example, roles: [vendor-operations]}
`)
	each("  - {id: %[2]s, name: Clerk, partner: %[1]s, email: %[2]s@example.com, roles: [partner-administrator]}\n", func(_ int, p string) []any { return []any{p, clerk(p)} })
	s.WriteString("business:\n")
	each(`  - partner: %[1]s
    real_name: {valid_until: 2030-12-31}
    qualifications: [{from: 2020-01-01}]
    information:
      {company_name: %[1]s Ltd, code_type: USCI, code: 91-%[1]s, registered_address: Road 1, contact: Clerk, taxpayer_type: small-scale, tax_number: 91-%[1]s, bank_account_name: %[1]s Ltd,
       bank_name: ICBC, branch: Shenzhen, account_no: 6222-%[1]s, certified_at: 2023-01-02T10:00:00+08:00}
    entities: [{entity: cloud, effective_from: 2020-01-01}]
    plans: [{plan: solution-provider, from: 2023-01-01T00:00:00+08:00%[2]s}]
`, func(n int, p string) []any {
		until := ""
		if n == leaver {
			until = ", until: 2024-01-20T00:00:00+08:00"
		}
		return []any{p, until}
	})
	s.WriteString(`dedicated_staff_policy:
  {review_role: vendor-operations, escalation_role: finance-manager, review_term: P5WD, confirm_term: P14WD, cloud_months: 6, uses_per_year: 2,
   rates: {pre-sales: "20000.00", expert: "15000.00", capability-centre: "10000.00"}, decide_by_signal: true}
payment_application_policy:
  {review_role: vendor-operations, payment_role: vendor-finance, escalation_role: finance-manager, review_term: P5WD, invoice_term: P30D, payment_term: P30D,
   changes_term: P30D, decide_by_signal: true}
vendor_addresses: [{entity: cloud, name: Cloud Co, mailing_address: "Box 1, Shenzhen", public_mailbox: invoice@vendor.example, contacts: Li Na}]
`)
	return s.String() + payingAccounts
}

// The plans of the year: compute monthly at 10 %, databases quarterly at 4 %.
var yearPlans = []string{
	`{"name": "Cloud", "plan_name": "Cloud", "document": "https://library.example/cloud", "cadence": "monthly", "valid_from": "2024-01-01", "valid_to": "2024-12-31", "published_days": 10, "output_tax_rate": "6",
	  "lines": [{"line": "ecs", "products": ["ECS"], "rate": "10"}]}`,
	`{"name": "Databases", "plan_name": "Databases", "document": "https://library.example/databases", "cadence": "quarterly", "valid_from": "2024-01-01", "valid_to": "2024-12-31", "published_days": 10, "output_tax_rate": "13",
	  "lines": [{"line": "rds", "products": ["RDS"], "rate": "4"}]}`,
}

func newYear(t *testing.T) *year {
	y := &year{house: newHouse(t, cst("2023-12-20 10:00"), ""), begins: cst("2024-01-01 00:00"), counted: map[string]int{}, expected: map[string]money.Amount{}}
	y.load(yearRecords())
	ctx := context.Background()
	for _, text := range yearPlans {
		var p incentive.Policy
		require.NoError(t, json.Unmarshal([]byte(text), &p))
		_, err := (&activities.Programme{DB: y.db}).SetPolicy(ctx, incentive.Kind, p, "otto", y.now)
		require.NoError(t, err)
	}
	y.calcs, y.imports, y.owes, y.bank = &activities.Calculations{DB: y.db}, &activities.Consumption{DB: y.db}, &activities.Owed{DB: y.db}, &activities.Bank{DB: y.db}
	y.reqs, y.staff, y.quarters, y.cases = &activities.Requisitions{DB: y.db}, &activities.DedicatedStaff{DB: y.db}, &activities.PaymentApplications{DB: y.db}, &activities.Cases{DB: y.db}
	y.recs = &activities.Reconciliations{DB: y.db, Run: func(_ context.Context, p activities.Presentation) error {
		y.mu.Lock()
		defer y.mu.Unlock()
		y.fresh = append(y.fresh, p)
		return nil
	}}
	for _, n := range automatic {
		group := requisition.Others
		if methodOf(n) == requisition.CloudOwed {
			group = requisition.NewResale
		}
		_, err := y.reqs.SwitchAutomatic(ctx, activities.SwitchAutomaticInput{Partner: memberID(n), Person: clerk(memberID(n)), Group: group, Method: methodOf(n), At: y.now})
		require.NoError(t, err)
	}
	for _, n := range employers {
		y.employs(memberID(n))
	}
	y.environment()
	t.Cleanup(func() { // a step that went wrong stops the test before anything else is told
		if t.Failed() {
			t.Logf("so far amiss: %q", y.amiss)
		}
	})
	return y
}

// employs qualifies a partner for dedicated staff and binds six specialists, each good for two months of the year.
func (y *year) employs(partner string) {
	y.t.Helper()
	ctx := context.Background()
	_, err := y.staff.Qualify(ctx, activities.QualifyInput{Partner: partner, Person: clerk(partner), At: y.now})
	require.NoError(y.t, err)
	_, err = y.staff.Qualify(ctx, activities.QualifyInput{Partner: partner, Person: "otto", Approve: true, Agreement: "FH-" + partner, SignedOn: day("2023-12-20"), At: y.now})
	require.NoError(y.t, err)
	for i := range 6 {
		require.NoError(y.t, y.staff.RegisterSpecialist(ctx, activities.SpecialistInput{
			ID: specialistOf(partner, 2*i+1), Partner: partner, Name: "Specialist", Role: staff.SolutionArchitect, Certificates: []string{"HCIP"}, CloudSince: day("2022-01-01"), Since: day("2023-12-01"),
			Person: clerk(partner), At: y.now,
		}))
	}
}

// specialistOf is who works in a month of the year.
func specialistOf(partner string, month int) string {
	return fmt.Sprintf("S-%s-%d", partner, (month-1)/2)
}

func (y *year) environment() {
	y.env = environment(y.begins)
	for name, w := range map[string]any{
		ReconciliationType: Reconciliation, RequisitionType: Requisition, WithdrawalType: Withdrawal, DedicatedStaffType: DedicatedStaff, PaymentApplicationType: PaymentApplication,
		CalculationType: Calculation, DailyType: Daily, "Year": y.lives,
	} {
		y.env.RegisterWorkflowWithOptions(w, workflow.RegisterOptions{Name: name})
	}
	for _, a := range []any{y.act, y.recs, y.reqs, y.staff, y.quarters, y.cases, y.calcs, &activities.Bills{DB: y.db}} {
		y.env.RegisterActivity(a)
	}
}

// lives starts what people and the clock ask for, and ends when the last case has.
//
//workflowcheck:ignore
func (y *year) lives(ctx workflow.Context) error {
	running := workflow.NewWaitGroup(ctx)
	for asked := workflow.GetSignalChannel(ctx, startSignal); ; {
		var n int
		if asked.Receive(ctx, &n); n < 0 {
			break
		}
		c := y.children[n]
		running.Add(1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer running.Done()
			ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
				WorkflowID: c.id, TaskQueue: TaskQueue, WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
			})
			if err := workflow.ExecuteChildWorkflow(ctx, c.kind, c.in).Get(ctx, nil); err != nil {
				y.wrong("%s: %v", c.id, err)
			}
			if c.kind == DailyType {
				y.presents()
			}
		})
	}
	running.Wait(ctx)
	return nil
}

// presents starts the reconciliations that the day's run found, in the order of partners.
func (y *year) presents() {
	y.mu.Lock()
	sets := y.fresh
	y.fresh = nil
	y.mu.Unlock()
	slices.SortFunc(sets, func(a, b activities.Presentation) int {
		return strings.Compare(ReconciliationID(a), ReconciliationID(b))
	})
	for _, p := range sets {
		y.starts(ReconciliationType, ReconciliationID(p), ReconciliationInput{Presentation: p})
	}
}

func (y *year) starts(kind, id string, in any) {
	y.children = append(y.children, childRun{kind, id, in})
	y.env.SignalWorkflow(startSignal, len(y.children)-1)
}

// tells sends a message to the run of a case. A refusal is answered to whom asked, if anybody waits for it.
func (y *year) tells(workflowID, update string, arg any, refused ...func(codes []string)) {
	y.messages++
	name := fmt.Sprintf("%s to %s at %s", update, workflowID, y.env.Now().In(calendar.Zone).Format("2006-01-02 15:04"))
	answer := func(err error) {
		list := activities.RefusalOf(err)
		switch {
		case err == nil:
		case len(refused) > 0 && len(list) > 0:
			refused[0](list.Codes())
		default:
			y.wrong("%s: %v %v", name, err, list)
		}
	}
	err := y.env.UpdateWorkflowByID(workflowID, update, fmt.Sprintf("m%d", y.messages), &testsuite.TestUpdateCallback{
		OnAccept: func() {}, OnReject: answer, OnComplete: func(_ any, err error) { answer(err) },
	}, arg)
	if err != nil {
		y.wrong("%s: %v", name, err)
	}
}

func (y *year) wrong(format string, args ...any) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.amiss = append(y.amiss, fmt.Sprintf(format, args...))
}

// at plans something for an instant.
func (y *year) at(when time.Time, does func()) {
	y.agenda = append(y.agenda, planned{when, does})
}

// planned is something to be done at an instant.
type planned struct {
	when time.Time
	does func()
}

// goesOn does what is planned for now, and comes back when the next thing is. The environment takes only so many callbacks at
// once, and a year has more.
func (y *year) goesOn() {
	y.now = y.env.Now()
	for len(y.agenda) > 0 {
		slices.SortStableFunc(y.agenda, func(a, b planned) int { return a.when.Compare(b.when) })
		if next := y.agenda[0].when; next.After(y.now) {
			y.env.RegisterDelayedCallback(y.goesOn, next.Sub(y.now))
			return
		}
		does := y.agenda[0].does
		y.agenda = y.agenda[1:]
		does()
	}
}

// chance is true for one in n of whatever has a name: always for the same ones.
func chance(n uint32, name string) bool {
	h := fnv.New32a()
	h.Write([]byte(name)) //nolint:errcheck // never fails
	return h.Sum32()%n == 0
}

// selects reads rows.
func selects[T any](y *year, query string, args ...any) []T {
	y.t.Helper()
	var out []T
	require.NoError(y.t, y.db.Select(&out, query, args...))
	return out
}
