package policies_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"countersign/activities"
	"countersign/demo"
	"countersign/domain/approval"
	"countersign/domain/baseline"
	"countersign/domain/bill"
	"countersign/domain/calendar"
	"countersign/domain/incentive"
	"countersign/domain/lab"
	"countersign/domain/member"
	"countersign/domain/money"
	"countersign/domain/quarter"
	"countersign/domain/requisition"
	"countersign/domain/solution"
	"countersign/domain/specialist"
	"countersign/domain/staff"
	"countersign/domain/tier"
	"countersign/domain/withdrawal"
	"countersign/policies"

	"github.com/stretchr/testify/require"
)

// examples has a policy of many kinds, two of them with lists.
func examples(t *testing.T) map[string]policies.Policy {
	t.Helper()
	plan, faults := policies.Read[incentive.Policy](demo.IncentivePolicy)
	require.Empty(t, faults)
	chained, faults := policies.Read[withdrawal.Policy]([]byte(`
payment_role: vendor-finance
escalation_role: finance-manager
review_term: P2WD
arrival_term: P7WD
wallet_term: P1WD
risk_amount: 50000.00
code_term: 5m
code_tries: 5
approval:
  owner: finance-manager
  changes_term: P14D
  steps:
    - name: manager
      who: [{ relation: ecosystem-manager }]
      due: P2WD
    - name: finance
      when: amount >= 5000.00 and route in (BANK_CARD, INCENTIVE)
      who: [{ role: vendor-finance, each: true }]
      mode: votes
      need: 2
      default: { after: P5WD, outcome: reject }
`))
	require.Empty(t, faults)
	plan.Cadence, plan.Lines[0].Rate, plan.Lines[1].Rate = incentive.Yearly, incentive.Percent{}, incentive.Percent{}
	plan.Ladder = &incentive.Ladder{Base: incentive.Performance, Threshold: incentive.GrowthPercent, Steps: []incentive.Step{{}, {}}}
	for i, text := range []string{"10.5", "20"} {
		require.NoError(t, plan.Ladder.Steps[i].From.UnmarshalText([]byte(text)))
		require.NoError(t, plan.Ladder.Steps[i].Rate.UnmarshalText([]byte(text)))
	}
	require.NoError(t, plan.Check())
	request := staff.DefaultPolicy()
	request.Rates = map[staff.Scenario]money.Amount{staff.PreSales: money.Must("5000.00"), staff.Expert: money.Must("6000.50")}
	request.Certificates = []string{"first, with a comma", "second"}
	certified := solution.DefaultPolicy()
	certified.Materials = []string{solution.Presentation, solution.Description}
	credits := lab.DefaultPolicy()
	credits.OtherPaths = []string{"DST", "SI"}
	own := specialist.DefaultPolicy()
	own.Cancellation = approval.Chain{Steps: []approval.Step{{Name: "look", Who: []approval.Candidate{{Person: "F1"}, {Relation: approval.Superior}}, Mode: approval.Any}}, Resume: true}
	joint := baseline.DefaultPolicy()
	limit := money.Must("1000.00")
	joint.Design = approval.Chain{
		Owner: "finance-manager", RepeatSigners: true, Bands: []approval.Band{{Role: "vendor-finance", UpTo: &limit}, {Role: "finance-manager"}},
		Steps: []approval.Step{{Name: "design", Who: []approval.Candidate{{Band: true}}, Due: calendar.MustTerm("90m"), Remind: calendar.MustTerm("1m30s"), Escalate: "finance-manager"}},
	}
	all := map[string]policies.Policy{
		withdrawal.Kind: chained, incentive.Kind: plan, bill.Kind: bill.DefaultPolicy(), requisition.Kind: requisition.DefaultPolicy(), quarter.Kind: quarter.DefaultPolicy(),
		tier.Kind: tier.DefaultPolicy(), baseline.Kind: joint, lab.Kind: credits, member.Kind: member.DefaultPolicy(), staff.Kind: request, solution.Kind: certified, specialist.Kind: own,
	}
	for kind, p := range all {
		require.NoError(t, p.Check(), kind)
	}
	return all
}

// sent is what a browser sends for the fields of a form.
func sent(fields []policies.Field) url.Values {
	form := url.Values{}
	for _, f := range fields {
		switch {
		case len(f.Parts) > 0:
			maps.Copy(form, sent(f.Parts))
		case f.Shape == policies.Term:
			form[f.Path], form[f.Path+".unit"] = []string{f.Entry}, []string{f.Unit}
		case f.Shape == policies.Instant:
			form.Set(f.Path, f.Entry)
		case f.Shape == policies.Flag && f.Value != "true":
		case f.Shape == policies.Condition && !f.Line:
		case f.Shape == policies.Choices && f.Value != "":
			form[f.Path] = strings.Split(f.Value, "\n")
		default:
			form.Set(f.Path, strings.ReplaceAll(f.Value, "\n", "\r\n"))
		}
	}
	return form
}

// enter reads a form.
func enter(t *testing.T, kind string, form url.Values) policies.Entered {
	t.Helper()
	fields, err := policies.Form(kind, form)
	require.NoError(t, err)
	return policies.Enter(kind, fields)
}

func TestGivenAPolicyWhenItsFormIsSentAsItWasShownThenItIsTheSamePolicy(t *testing.T) {
	for kind, p := range examples(t) {
		t.Run(kind, func(t *testing.T) {
			fields, err := policies.Fields(kind, p)
			require.NoError(t, err)
			again := enter(t, kind, sent(fields))
			require.Empty(t, again.Faults)
			before, err := json.Marshal(p)
			require.NoError(t, err)
			after, err := json.Marshal(again.Policy)
			require.NoError(t, err)
			require.JSONEq(t, string(before), string(after))
			changes, err := policies.Changes(kind, p, again.Policy)
			require.NoError(t, err)
			require.Empty(t, changes)
		})
	}
	require.Len(t, examples(t), len(policies.Kinds()))
}

// wrong has what is wrong with each field, by its path.
func wrong(fields []policies.Field) map[string]string {
	all := map[string]string{}
	for _, f := range fields {
		for _, w := range f.Wrong {
			all[f.Path] += w.Fault + "|"
		}
		maps.Copy(all, wrong(f.Parts))
	}
	return all
}

func TestGivenAFormWithFaultsWhenItIsReadThenEachStandsWithItsField(t *testing.T) {
	for name, tc := range map[string]struct {
		kind, path, value, at, fault string
	}{
		"a term that is none":             {"withdrawal", "review_term", "soon", "review_term", `"soon" is not a term`},
		"a term of nothing":               {"withdrawal", "wallet_term", "", "wallet_term", "are terms such as"},
		"an amount below zero":            {"withdrawal", "risk_amount", "-1", "risk_amount", "risk_amount is an amount"},
		"a number in words":               {"withdrawal", "code_tries", "many", "code_tries", `"many" is not a whole number`},
		"a number that is a list":         {"withdrawal", "code_tries", "[1, 2]", "code_tries", "is not a whole number"},
		"a flag of no kind":               {"withdrawal", "decide_by_signal", "&a", "decide_by_signal", "neither true nor false"},
		"one role of three":               {"withdrawal", "payment_role", "", "payment_role", "name a role each"},
		"no owner":                        {"withdrawal", "approval.owner", "", "", ""},
		"a step without a name":           {"withdrawal", "approval.steps.1.name", "", "approval.steps.1.name", "step 2 needs a name"},
		"a step's name in capitals":       {"withdrawal", "approval.steps.1.name", "Finance", "approval.steps.1.name", "step 2 needs a name"},
		"two steps of one name":           {"withdrawal", "approval.steps.1.name", "manager", "approval.steps.1", "is there twice"},
		"a condition on nothing":          {"withdrawal", "approval.steps.1.when", "colour = red", "approval.steps.1.when", "colour"},
		"nobody asked":                    {"withdrawal", "approval.steps.0.who.0.ask", "", "approval.steps.0.who.0", "candidate 1 is one of"},
		"a role and a person":             {"withdrawal", "approval.steps.0.who.0.person", "F1", "approval.steps.0.who.0.person", "candidate 1 is one of"},
		"an unknown relation":             {"withdrawal", "approval.steps.0.who.0.ask", "relation:cousin", "approval.steps.0.who.0", "the relations are"},
		"no band":                         {"withdrawal", "approval.steps.0.who.0.ask", "band", "approval.steps.0.who.0", "there are no bands"},
		"an unknown mode":                 {"withdrawal", "approval.steps.0.mode", "most", "approval.steps.0", "the modes are"},
		"votes without a number":          {"withdrawal", "approval.steps.1.need", "", "approval.steps.1.need", "needs a number of approvals"},
		"a step's term":                   {"withdrawal", "approval.steps.0.due", "soon", "approval.steps.0.due", "is not a term"},
		"escalation without a term":       {"withdrawal", "approval.steps.1.escalate", "finance-manager", "approval.steps.1.due", "escalate goes with due"},
		"a deadline that does not decide": {"withdrawal", "approval.steps.1.default.outcome", "", "approval.steps.1.default.outcome", "approve or reject"},
		"a first step in parallel":        {"withdrawal", "approval.steps.0.parallel", "true", "approval.steps.0.parallel", "first step"},
		"a band without a role":           {"withdrawal", "approval.bands.0.up_to", "5", "approval.bands.0.role", "band 1 names a role"},
		"a limit in words":                {"withdrawal", "approval.bands.0.up_to", "much", "approval.bands.0.up_to", "much"},
		"another chain's step":            {"baseline-solution", "design.steps.0.name", "Design", "design.steps.0.name", "needs a name"},
		"the second chain of two":         {"project-specialist", "cancellation.steps.0.need", "3", "cancellation.steps.0.need", "need goes with mode votes"},
		"a line without a rate's sense":   {"incentive", "lines.1.rate", "101", "lines.1.rate", "0 to 100"},
		"a line without products":         {"incentive", "lines.0.products", "", "lines.0.products", "lists products"},
		"an association of ours":          {"incentive", "lines.0.associations", "ours", "lines.0.associations", "is none of"},
		"a day that is none":              {"incentive", "valid_to", "2024-02-31", "valid_to", "2024-02-31"},
		"a ladder's rung":                 {"incentive", "ladder.steps.0.from", "x", "ladder.steps.0.from", "is not a number"},
		"an instant that is none":         {"requisition", "cut_over", "tomorrow", "cut_over", "is an instant"},
		"a tier without items":            {"tier-upgrade", "requirements.CORE.5.code", "x", "requirements.CORE.5.source", "is no source"},
		"a target in words":               {"tier-upgrade", "requirements.LEADING.1.target", "much", "requirements.LEADING.1.target", "much"},
		"months where they do not belong": {"tier-upgrade", "requirements.LEADING.0.months", "3", "requirements.LEADING.0.months", "months"},
		"a rate below zero":               {"dedicated-staff", "rates.expert", "-1", "rates.expert", "greater than 0"},
		"a reminder after the end":        {"solution", "reminder_days", "9999\n30", "reminder_days", "go down"},
		"an ending without a point":       {"baseline-solution", "forbidden_names", "exe", "forbidden_names", "is no ending"},
		"a column without a name":         {"baseline-solution", "features.columns.0.name", "", "features.columns", "have a name each"},
	} {
		t.Run(name, func(t *testing.T) {
			fields, err := policies.Fields(tc.kind, examples(t)[tc.kind])
			require.NoError(t, err)
			form := sent(fields)
			form[tc.path] = []string{tc.value}
			e := enter(t, tc.kind, form)
			if tc.at == "" {
				require.Empty(t, e.Faults)
				return
			}
			require.Contains(t, wrong(e.Fields)[tc.at], tc.fault, "%v %v", wrong(e.Fields), e.Others)
			if tc.path == "decide_by_signal" {
				return // a box is checked or not
			}
			require.Contains(t, sent(e.Fields)[tc.path], strings.ReplaceAll(tc.value, "\n", "\r\n"), "what was entered is not lost")
		})
	}
}

func TestGivenAFormWhenItHoldsMoreThanValuesThenItSetsNothingElse(t *testing.T) {
	fields, err := policies.Fields("withdrawal", examples(t)["withdrawal"])
	require.NoError(t, err)
	form := sent(fields)
	form.Set("escalation_role", "x\ncode_tries: 9")
	form.Set("approval.steps.0.name", "a\"\n      owner: eve")
	form.Set("approval.steps.7.name", "last")
	form.Set("version", "9")
	form.Set(strings.Repeat("a.", 100), "deep")
	e := enter(t, "withdrawal", form)
	p := e.Policy.(withdrawal.Policy)
	require.Equal(t, "x\ncode_tries: 9", string(p.EscalationRole), "a line is a value and sets nothing else")
	require.Equal(t, 5, p.CodeTries)
	require.Zero(t, p.Version)
	require.Equal(t, "finance-manager", string(p.Approval.Owner))
	require.Equal(t, []string{"a\"\n      owner: eve", "finance", "last"}, []string{p.Approval.Steps[0].Name, p.Approval.Steps[1].Name, p.Approval.Steps[2].Name}, "numbers say an order")
	for i := range 501 {
		form.Set(fmt.Sprintf("approval.steps.%d.name", i), "s")
	}
	_, err = policies.Form("withdrawal", form)
	require.ErrorIs(t, err, policies.ErrTooLong)
}

func TestGivenAListWhenAButtonIsPressedThenItsPartsAreRearrangedAndKeepWhatWasEntered(t *testing.T) {
	fields, err := policies.Fields("withdrawal", examples(t)["withdrawal"])
	require.NoError(t, err)
	form := sent(fields)
	form.Set("approval.steps.0.due", "two days") // is kept, whatever it is
	fields, err = policies.Form("withdrawal", form)
	require.NoError(t, err)
	names := func() (all []string) {
		form := sent(fields)
		for i := 0; form.Has(fmt.Sprintf("approval.steps.%d.name", i)); i++ {
			all = append(all, form.Get(fmt.Sprintf("approval.steps.%d.name", i)))
		}
		return all
	}
	for _, tc := range []struct {
		button string
		names  string
	}{
		{"down approval.steps.0", "finance,manager"},
		{"up approval.steps.1", "manager,finance"},
		{"add approval.steps", "manager,finance,"},
		{"up approval.steps.2", "manager,,finance"},
		{"add approval.steps.1.who", "manager,,finance"},
		{"remove approval.steps.0", ",finance"},
		{"down approval.steps.0", "finance,"},
	} {
		require.True(t, policies.Rearranges(fields, tc.button), tc.button)
		require.Equal(t, tc.names, strings.Join(names(), ","), tc.button)
	}
	after := sent(fields)
	require.Equal(t, "each:vendor-finance", after.Get("approval.steps.0.who.0.ask"))
	require.True(t, after.Has("approval.steps.1.who.0.ask"), "what was added within went along")
	require.False(t, after.Has("approval.steps.0.who.1.ask"))
	for _, button := range []string{
		"up approval.steps.0", "down approval.steps.1", "remove approval.steps.9", "add approval", "add code_tries", "remove approval.owner", "remove code_tries", "add ", "", "check", "burn approval.steps.0",
	} {
		require.False(t, policies.Rearranges(fields, button), button)
	}
	require.Equal(t, "finance,", strings.Join(names(), ","))
}

func TestGivenTwoPoliciesWhenTheyAreComparedThenWhatDiffersIsSaidPartByPart(t *testing.T) {
	said := func(before, after policies.Policy) (all []string) {
		changes, err := policies.Changes(withdrawal.Kind, before, after)
		require.NoError(t, err)
		value := func(f *policies.Field) string {
			switch {
			case f == nil:
				return "-"
			case f.Words != "":
				return f.Words
			case f.Shape == policies.List:
				return f.Parts[0].Asked().As + " " + f.Parts[0].Asked().Name
			case f.Item():
				return f.Title()
			}
			return strings.ReplaceAll(f.Value, "\n", ",")
		}
		for _, c := range changes {
			all = append(all, fmt.Sprintf("%s: %s > %s", c.Where[len(c.Where)-1].Path, value(c.Before), value(c.After)))
			require.NotEmpty(t, c.Where[0].Label)
		}
		return all
	}
	before := examples(t)[withdrawal.Kind].(withdrawal.Policy)
	require.Empty(t, said(before, before))
	after := before
	after.CodeTries, after.ReviewRole, after.DecideBySignal = 3, "vendor-finance", true
	finance := after.Approval.Steps[1]
	finance.When, finance.Due, finance.Who, finance.Default = "amount >= 5_000 and route != ORIGINAL", calendar.MustTerm("P1WD"), []approval.Candidate{{Person: "F1"}}, nil
	after.Approval.Steps = []approval.Step{finance, after.Approval.Steps[0], {Name: "sign", Who: []approval.Candidate{{Role: "r"}}}}
	require.ElementsMatch(t, []string{
		"review_role: - > vendor-finance",
		"code_tries: 5 > 3",
		"decide_by_signal: false > true",
		"approval.steps.0.when: the amount is at least 5000.00 and the route is BANK_CARD or INCENTIVE > the amount is at least 5000.00 and the route is not ORIGINAL",
		"approval.steps.0.who: each vendor-finance > person F1",
		"approval.steps.0.due: - > 1 working day",
		"approval.steps.0.default.after: 5 working days > -",
		"approval.steps.0.default.outcome: reject > -",
		"approval.steps.2: - > sign",
		"approval.steps: manager,finance > finance,manager,sign",
	}, said(before, after))
	require.Contains(t, said(after, before), "approval.steps.2: sign > -")
	written := before
	written.Approval.Steps = slices.Clone(before.Approval.Steps)
	written.Approval.Steps[1].When = "(amount>=5_000) AND route in (BANK_CARD, 'INCENTIVE')"
	require.Empty(t, said(before, written), "the same in other words")
	all, err := policies.Changes(withdrawal.Kind, nil, after)
	require.NoError(t, err)
	require.Greater(t, len(all), 8)
}

func TestGivenAConditionWhenItIsEnteredInRowsThenItSaysWhatTheySay(t *testing.T) {
	const at = "approval.steps.1.when"
	fields, err := policies.Fields("withdrawal", examples(t)["withdrawal"])
	require.NoError(t, err)
	form := sent(fields)
	require.False(t, form.Has(at))
	require.Equal(t, []string{"amount", ">=", "5000.00"}, []string{form.Get(at + ".0.field"), form.Get(at + ".0.is"), form.Get(at + ".0.with")})
	require.Equal(t, []string{"BANK_CARD", "INCENTIVE"}, form[at+".1.with"])

	press := func(button string) {
		t.Helper()
		fields, err := policies.Form("withdrawal", form)
		require.NoError(t, err)
		require.True(t, policies.Rearranges(fields, button), button)
		form = sent(fields)
	}
	when := func() string {
		t.Helper()
		e := enter(t, "withdrawal", form)
		require.Empty(t, e.Faults)
		form = sent(e.Fields)
		return e.Policy.(withdrawal.Policy).Approval.Steps[1].When
	}
	form.Set(at+".add", "on_behalf")
	press("add " + at)
	form.Set(at+".2.joint", "or")
	form.Set(at+".2.is", "!=")
	form.Set(at+".0.with", "6_000")
	require.Equal(t, "amount >= 6_000 and route in (BANK_CARD, INCENTIVE) or not on_behalf", when())
	press("up " + at + ".2")
	require.Equal(t, "amount >= 6_000 or not on_behalf and route in (BANK_CARD, INCENTIVE)", when())
	press("line " + at)
	require.True(t, form.Has(at))
	form.Set(at, "(amount < 5 or on_behalf) and route = ORIGINAL")
	require.Equal(t, "(amount < 5 or on_behalf) and route = ORIGINAL", when(), "what rows cannot say stays a line")
	require.True(t, form.Has(at))
	form.Set(at, "amount < 5 and route = ORIGINAL")
	require.Equal(t, "amount < 5.00 and route = ORIGINAL", when())
	require.False(t, form.Has(at), "what they can comes back as rows")

	for path, fault := range map[string]string{".0.with": `write an amount`, ".1.with": "write a text", ".1.is": "compare it with", ".1.field": `there is no field "x"`} {
		wrongly := maps.Clone(form)
		wrongly[at+path] = []string{map[bool]string{true: "x", false: ""}[path == ".1.field"]}
		e := enter(t, "withdrawal", wrongly)
		row := at + path[:2]
		require.Contains(t, wrong(e.Fields)[row], fault, path)
		require.NotContains(t, wrong(e.Fields)[row], "column", "rows have none")
	}
	form.Set(at+".0.with", "1 or on_behalf")
	require.NotEmpty(t, enter(t, "withdrawal", form).Faults)
	press("remove " + at + ".1")
	press("remove " + at + ".0")
	require.Empty(t, when(), "always")
	fields, err = policies.Form("withdrawal", url.Values{at + ".add": {"colour"}})
	require.NoError(t, err)
	require.False(t, policies.Rearranges(fields, "add "+at))
}

func TestGivenAPolicyWhenItSaysWhomItAsksThenEachMatterHasItsSteps(t *testing.T) {
	asks := map[string]string{}
	for kind, p := range examples(t) {
		rounds, err := policies.Rounds(kind, p)
		require.NoError(t, err)
		for _, r := range rounds {
			var steps []string
			for _, s := range r.Chain.Named("steps").Parts {
				steps = append(steps, s.Title())
			}
			require.NotEmpty(t, steps, kind)
			require.True(t, r.Chain.Named("owner").Set(), kind)
			require.Equal(t, len(steps) == 1 && steps[0] == r.Matter, r.Plain())
			asks[kind+" "+r.Matter] = strings.Join(steps, ",")
		}
	}
	require.Equal(t, "manager,finance", asks["withdrawal review"])
	require.Equal(t, "send", asks["withdrawal send"], "by roles and terms alone")
	require.Equal(t, "certification-review,architecture-review", asks["solution certification"])
	require.Equal(t, "look", asks["project-specialist cancellation"])
	require.Len(t, asks, 26)
}

func TestGivenTheKindsThatCanBeSetWhenTheyAreListedThenEachCanBeRead(t *testing.T) {
	require.ElementsMatch(t, activities.PolicyKinds(), policies.Kinds())
}
