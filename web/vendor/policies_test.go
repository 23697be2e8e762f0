package vendor_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
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
	"countersign/views"
	"countersign/web/console"
	"countersign/web/page"
	"countersign/web/vendor"

	"github.com/stretchr/testify/require"
)

var (
	control  = regexp.MustCompile(`(?s)<input ([^>]*)>|<select ([^>]*)>(.*?)</select>|<textarea ([^>]*)>(.*?)</textarea>`)
	name     = regexp.MustCompile(`name="([^"]*)"`)
	value    = regexp.MustCompile(`value="([^"]*)"`)
	selected = regexp.MustCompile(`value="([^"]*)" selected`)
)

// formIn is what a browser would send of a policy's form as it is shown.
func formIn(body string) url.Values {
	first := func(r *regexp.Regexp, text string) string {
		if m := r.FindStringSubmatch(text); m != nil {
			return html.UnescapeString(m[1])
		}
		return ""
	}
	form := url.Values{}
	_, body, _ = strings.Cut(body, `class="panel policy"`)
	for _, c := range control.FindAllStringSubmatch(body, -1) {
		switch attributes := c[1] + c[2] + c[4]; {
		case strings.Contains(attributes, `type="checkbox"`) && !strings.Contains(attributes, " checked"):
		case c[2] != "" && first(selected, c[3]) == "": // the first one
			form.Add(first(name, attributes), first(value, c[3]))
		case c[2] != "":
			form.Add(first(name, attributes), first(selected, c[3]))
		case c[4] != "":
			form.Add(first(name, attributes), html.UnescapeString(c[5]))
		default:
			form.Add(first(name, attributes), first(value, attributes))
		}
	}
	return form
}

var blanks = regexp.MustCompile(`\s+`)

// squeezed is a page without the blanks between its tags that nobody sees.
func squeezed(body string) string {
	return strings.ReplaceAll(strings.ReplaceAll(blanks.ReplaceAllString(body, " "), "> <", "><"), " </td>", "</td>")
}

func with(form url.Values, pairs ...string) url.Values {
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

// chained is the form of withdrawals after somebody has made a chain of two steps with its buttons, as without scripts.
func (o *office) chained() url.Values {
	o.t.Helper()
	const path = "/policies/withdrawal/edit"
	form := formIn(o.see("he", path))
	press := func(button string, pairs ...string) {
		o.t.Helper()
		status, body := o.as("he", http.MethodPost, path, with(form, append(pairs, "do", button)...))
		require.Equal(o.t, http.StatusOK, status, button)
		form = formIn(body)
	}
	press("add approval.steps", "code_tries", "3", "approval.owner", "finance-manager")
	press("add approval.steps.0.who")
	press("remove approval.steps.0.who.0", "approval.steps.0.name", "manager", "approval.steps.0.when", "amount >= 1_000", "approval.steps.0.who.1.ask", "role:finance-manager")
	press("add approval.steps", "approval.steps.0.due", "2")
	press("up approval.steps.1", "approval.steps.1.name", "finance", "approval.steps.1.who.0.ask", "role:vendor-finance", "approval.steps.1.due", "2", "approval.steps.1.due.unit", "WD")
	require.Equal(o.t, []string{"finance", "role:vendor-finance", "manager", "role:finance-manager", "3"},
		[]string{form.Get("approval.steps.0.name"), form.Get("approval.steps.0.who.0.ask"), form.Get("approval.steps.1.name"), form.Get("approval.steps.1.who.0.ask"), form.Get("code_tries")})

	const when = "approval.steps.1.when"
	require.Equal(o.t, []string{"amount", ">=", "1000.00"}, []string{form.Get(when + ".0.field"), form.Get(when + ".0.is"), form.Get(when + ".0.with")}, "a line that rows can say comes back as rows")
	press("add "+when, when+".add", "route")
	status, body := o.as("he", http.MethodPost, path, with(form, "do", "check"))
	require.Equal(o.t, http.StatusUnprocessableEntity, status)
	require.Contains(o.t, body, `<div class="wrong" id="w-`+when+`.1"><p>step &#34;manager&#34;: when: &#34;)&#34; cannot stand here: write a text</p>`)
	require.Contains(o.t, body, `<input type="checkbox" name="`+when+`.1.with" value="BANK_CARD"> to a bank account`)
	press("line "+when, when+".1.joint", "or", when+".1.with", "BANK_CARD")
	require.Equal(o.t, "amount >= 1000.00 or route = BANK_CARD", form.Get(when))
	press("check", when, "(on_behalf or amount >= 1_000) and route = BANK_CARD")
	require.Equal(o.t, "(on_behalf or amount >= 1_000) and route = BANK_CARD", form.Get(when), "what rows cannot say stays a line")
	press("check", when, "amount >= 1_000")
	return form
}

func TestAPolicyIsEditedCheckedProposedAndActivatedBySomebodyElse(t *testing.T) {
	o := newOffice(t)
	small, large := o.open("a", "800.00"), o.open("b", "1200.00")
	body := o.see("he", "/policies/withdrawal/edit")
	require.Contains(t, body, `name="code_tries" value="5"`)

	form := formIn(body)
	form.Set("do", "check")
	form.Set("code_tries", "many")
	form.Set("approval.owner", "finance-manager")
	form.Set("approval.steps.0.name", "manager")
	form.Set("approval.steps.0.who.0.ask", "relation:<script>")
	status, body := o.as("he", http.MethodPost, "/policies/withdrawal/edit", form)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, body, `id="w-code_tries"`)
	require.Contains(t, body, `id="w-approval.steps.0.who.0"`)
	require.Contains(t, body, `<a href="#p-approval.steps.0.who.0">`)
	require.Contains(t, body, `value="many"`, "what was entered is not lost")
	require.NotContains(t, body, "<script>")

	form = o.chained()
	form.Set("do", "check")
	status, body = o.as("he", http.MethodPost, "/policies/withdrawal/edit", form)
	require.Equal(t, http.StatusOK, status, body)
	require.Contains(t, body, "In order; not proposed yet")
	require.Contains(t, body, "finance: vendor finance, within 2 working days")
	require.Contains(t, body, "manager: skipped, it is not so that the amount is at least 1000.00")
	for _, number := range []string{small, large} {
		require.Contains(t, body, `href="/cases/`+number+`"`)
	}
	var proposals int
	require.NoError(t, o.db.Get(&proposals, `SELECT count(*) FROM policy_proposals`))
	require.Zero(t, proposals, "looking proposes nothing")
	require.Equal(t, form, with(formIn(body), "do", "check"), "the form says what it said")
	_, chinese, _ := o.in("zh", "he", http.MethodPost, "/policies/withdrawal/edit", form)
	require.Contains(t, chinese, "经理：跳过，不满足：金额不少于 1000.00")
	require.Contains(t, chinese, "财务：财务，限 2 个工作日")

	form.Set("do", "propose")
	status, body = o.as("he", http.MethodPost, "/policies/withdrawal/edit", form)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, body, "Say why the policy changes")
	require.Contains(t, body, `name="code_tries" value="3"`, "what was entered is not lost")
	form.Set("proposal_note", "managers look at <b>large</b> amounts")
	status, _, to := o.in("en", "he", http.MethodPost, "/policies/withdrawal/edit", form)
	require.Equal(t, http.StatusSeeOther, status)
	status, _, again := o.in("en", "he", http.MethodPost, "/policies/withdrawal/edit", form)
	require.Equal(t, []any{http.StatusSeeOther, to}, []any{status, again}, "a form that is sent twice proposes once")

	body = o.see("he", to)
	require.Contains(t, body, "your own proposal")
	require.NotContains(t, body, `value="activated"`)
	status, body = o.as("he", http.MethodPost, to, url.Values{"outcome": {"activated"}})
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, body, "ENG-02")
	require.Contains(t, o.see("zhao", "/policies"), to)
	body = o.see("zhao", to)
	require.Contains(t, body, "managers look at &lt;b&gt;large")
	require.Contains(t, squeezed(body), `<tr><th scope="row">Tries of a verification code</th><td>5</td><td>3</td></tr>`)
	require.Contains(t, squeezed(body), `Approval chain › Steps › Manager</th><td><span class="soft">not set</span></td><td><ol class="chain"><li class="step to-come"><div class="head"><strong>Manager</strong></div>`)
	require.Contains(t, squeezed(body), `<div class="soft">if the amount is at least 1000.00 </div><dl class="facts"><dt>Time to decide</dt><dd>2 working days </dd></dl>`)
	require.NotContains(t, o.see("li", to), `value="activated"`)
	status, _ = o.as("li", http.MethodPost, to, url.Values{"outcome": {"activated"}})
	require.Equal(t, http.StatusNotFound, status)

	status, _, _ = o.in("en", "zhao", http.MethodPost, to, url.Values{"outcome": {"activated"}})
	require.Equal(t, http.StatusSeeOther, status)
	body = o.see("li", "/policies/withdrawal")
	require.Contains(t, body, "Version 2")
	require.Contains(t, squeezed(body), `<strong>Manager</strong></div><div>Finance manager</div><div class="soft">if the amount is at least 1000.00`)
	require.NotContains(t, body, "<pre>")
	p, err := views.Reader{DB: o.db}.Policy(t.Context(), withdrawal.Kind, 0)
	require.NoError(t, err)
	stored, err := policies.Stored(withdrawal.Kind, p.Body)
	require.NoError(t, err)
	now := stored.(withdrawal.Policy)
	require.Equal(t, 3, now.CodeTries)
	require.Equal(t, 0, now.RiskAmount.Cmp(money.Must("50000.00")))
	require.Len(t, now.Approval.Steps, 2)
	require.Contains(t, o.see("zhao", "/audit?kind=policies"), "activated")

	late := with(form, "proposal_key", "late", "code_tries", "4", "proposal_note", "late")
	status, body = o.as("he", http.MethodPost, "/policies/withdrawal/edit", late)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, body, "Version 2 is newer than the one that this form began with")
	require.Contains(t, body, `name="code_tries" value="4"`, "what was entered is not lost")
	status, _, to = o.in("en", "he", http.MethodPost, "/policies/withdrawal/edit", with(formIn(body), "do", "propose"))
	require.Equal(t, http.StatusSeeOther, status, "who was told may propose it")
	require.NotContains(t, o.see("zhao", to), "cannot be activated")
	_, err = (&activities.Programme{DB: o.db}).SetPolicy(t.Context(), withdrawal.Kind, withdrawal.DefaultPolicy(), "zhao", o.at)
	require.NoError(t, err)
	require.Contains(t, o.see("zhao", to), "Version 3 was set after this was proposed")
	status, _ = o.as("zhao", http.MethodGet, "/policies/shoes", nil)
	require.Equal(t, http.StatusNotFound, status)
	for _, version := range []string{"9", "-1", "99999999999"} {
		for _, path := range []string{"", "/edit"} {
			status, _ = o.as("zhao", http.MethodGet, "/policies/withdrawal"+path+"?version="+version, nil)
			require.Equal(t, http.StatusNotFound, status)
		}
	}
	for _, id := range []string{"0", "x", "999"} {
		status, _ = o.as("zhao", http.MethodGet, "/policy-proposals/"+id, nil)
		require.Equal(t, http.StatusNotFound, status)
	}
}

// Each incentive plan has versions of its own, under numbers of the kind.
func TestOfTwoIncentivePlansEachIsEditedFromItsOwnNewestVersion(t *testing.T) {
	o := newOffice(t)
	plan, faults := policies.Read[incentive.Policy](demo.IncentivePolicy)
	require.Empty(t, faults)
	other := plan
	other.PlanName = "other-plan"
	for _, p := range []incentive.Policy{plan, other} {
		_, err := (&activities.Programme{DB: o.db}).SetPolicy(t.Context(), incentive.Kind, p, "he", o.at)
		require.NoError(t, err)
	}
	require.Contains(t, o.see("he", "/policies"), `href="/policies/incentive?version=1"`)
	require.Contains(t, o.see("he", "/policies"), `href="/policies/incentive?version=2"`)
	require.Contains(t, o.see("he", "/policies/incentive?version=1"), `href="/policies/incentive/edit?version=1"`)
	form := with(formIn(o.see("he", "/policies/incentive/edit?version=1")), "name", "Another name", "do", "check")
	require.Equal(t, plan.PlanName, form.Get("plan_name"))
	_, body := o.as("he", http.MethodPost, "/policies/incentive/edit", form)
	require.NotContains(t, body, "other-plan", "it is compared with its own plan")
	status, _, to := o.in("en", "he", http.MethodPost, "/policies/incentive/edit", with(form, "do", "propose", "proposal_note", "a better name"))
	require.Equal(t, http.StatusSeeOther, status)
	require.NotContains(t, o.see("zhao", to), "other-plan")
	status, _, _ = o.in("en", "zhao", http.MethodPost, to, url.Values{"outcome": {"activated"}})
	require.Equal(t, http.StatusSeeOther, status, "the other plan's version overtook nothing")
}

// What a page shows of a policy, sent back untouched, is that policy: no control loses or changes anything, in no kind.
func TestAPolicysPageSendsBackWhatItShows(t *testing.T) {
	o := newOffice(t)
	plan, faults := policies.Read[incentive.Policy](demo.IncentivePolicy)
	require.Empty(t, faults)
	limit := money.Must("1000.00")
	joint := baseline.DefaultPolicy()
	joint.Design = approval.Chain{
		Owner: "nobody-holds-this", RepeatSigners: true, Bands: []approval.Band{{Role: "vendor-finance", UpTo: &limit}, {Role: "finance-manager"}},
		Steps: []approval.Step{{
			Name: "design", Who: []approval.Candidate{{Band: true}, {Role: "nor-this", Each: true}, {Person: "li"}, {Relation: approval.Superior}}, Mode: approval.Votes, Need: 2, When: "lead = partner",
			Due: calendar.MustTerm("90m"), Remind: calendar.MustTerm("1m30s"), Escalate: "finance-manager", Default: &approval.Default{After: calendar.MustTerm("P5WD"), Outcome: approval.Reject},
		}},
	}
	request := staff.DefaultPolicy()
	request.Rates = map[staff.Scenario]money.Amount{staff.Expert: money.Must("6000.50")}
	certified := solution.DefaultPolicy()
	certified.Materials = []string{solution.Presentation, solution.Description}
	for kind, p := range map[string]policies.Policy{
		incentive.Kind: plan, baseline.Kind: joint, staff.Kind: request, solution.Kind: certified, withdrawal.Kind: withdrawal.DefaultPolicy(), bill.Kind: bill.DefaultPolicy(), lab.Kind: lab.DefaultPolicy(),
		requisition.Kind: requisition.DefaultPolicy(), quarter.Kind: quarter.DefaultPolicy(), tier.Kind: tier.DefaultPolicy(), specialist.Kind: specialist.DefaultPolicy(), member.Kind: member.DefaultPolicy(),
	} {
		require.NoError(t, p.Check(), kind)
		_, err := (&activities.Programme{DB: o.db}).SetPolicy(t.Context(), kind, p, "he", o.at)
		require.NoError(t, err, kind)
		body := o.see("li", "/policies/"+kind)
		require.NotContains(t, body, "<pre>", "nothing is YAML")
		fields, err := policies.Form(kind, formIn(o.see("he", "/policies/"+kind+"/edit")))
		require.NoError(t, err, kind)
		again := policies.Enter(kind, fields)
		require.Empty(t, again.Faults, kind)
		before, err := json.Marshal(p)
		require.NoError(t, err)
		after, err := json.Marshal(again.Policy)
		require.NoError(t, err)
		require.JSONEq(t, string(before), string(after), kind)
	}
}

// Every parameter of every policy has a name that people read.
func TestEachParameterOfAPolicyHasAName(t *testing.T) {
	pages, err := page.New(vendor.Book, console.Book)
	require.NoError(t, err)
	text, err := vendor.Book.ReadFile("messages.json")
	require.NoError(t, err)
	var texts map[string]any
	require.NoError(t, json.Unmarshal(text, &texts))
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	var named func(fields []policies.Field)
	named = func(fields []policies.Field) {
		for _, f := range fields {
			if f.Label != "asked" {
				word := pages.Word(req, "policy-field", f.Label)
				require.NotEqual(t, f.Label, word)
				require.NotContains(t, word, "%", "a text is a format")
			}
			if f.Blank != nil {
				require.NotEqual(t, f.Blank.Label, pages.Word(req, "policy-part", f.Blank.Label))
				named(f.Blank.Parts)
			}
			for _, c := range f.Choices {
				if c != strings.ToUpper(c) && f.Shape != policies.Condition { // codes of paths
					require.Contains(t, texts, "policy-choice."+c)
				}
			}
			named(f.Parts)
		}
	}
	for _, kind := range policies.Kinds() {
		for _, f := range policies.Conditions(kind) {
			require.Contains(t, texts, "condition-field."+f.Name)
			for _, v := range f.Values {
				if f.Name != "path" {
					require.Contains(t, texts, "condition-value."+v)
				}
			}
		}
		fields, err := policies.Fields(kind, nil)
		require.NoError(t, err)
		named(fields)
		require.NotEqual(t, kind, pages.Word(req, "kind", kind))
	}
}
