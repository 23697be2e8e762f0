package vendor

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"

	"countersign/activities"
	"countersign/domain/condition"
	"countersign/domain/incentive"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/tier"
	"countersign/policies"
	"countersign/views"
	"countersign/web/page"

	"github.com/google/uuid"
)

// policiesPage lists what there are policies for, and what waits for a second pair of eyes.
type policiesPage struct {
	Newest  []views.PolicyVersion
	Missing []string // kinds without a policy
	Waiting []views.PolicyProposal
	MaySet  bool
}

func (d *Desk) policies(w http.ResponseWriter, req *http.Request, who person.Person) error {
	p := policiesPage{MaySet: setsPolicies(who)}
	var err error
	if p.Newest, err = d.Reader.NewestPolicies(req.Context()); err != nil {
		return err
	}
	if p.Waiting, err = d.Reader.PolicyProposals(req.Context(), ""); err != nil {
		return err
	}
	there := map[string]bool{}
	for _, v := range p.Newest {
		there[v.Kind] = true
	}
	for _, k := range policies.Kinds() {
		if !there[k] {
			p.Missing = append(p.Missing, k)
		}
	}
	d.Pages.Render(w, req, http.StatusOK, "policies", d.Pages.Text(req, "nav.policies"), p)
	return nil
}

// policyPage is one version of a kind's policy.
type policyPage struct {
	Kind      string
	Policy    views.Policy
	Words     inWords
	Fields    []policies.Field
	Versions  []views.PolicyVersion
	Proposals []views.PolicyProposal
	MaySet    bool
}

func (d *Desk) policy(w http.ResponseWriter, req *http.Request, who person.Person) error {
	ctx := req.Context()
	p := policyPage{Kind: req.PathValue("kind"), MaySet: setsPolicies(who)}
	version, _ := strconv.Atoi(req.URL.Query().Get("version")) //nolint:errcheck // 0, the newest, where it is none
	var stored policies.Policy
	var err error
	if p.Policy, stored, err = d.stored(req, p.Kind, version); err != nil {
		return err
	}
	if p.Words, err = wordsOf(p.Kind, stored); err != nil {
		return err
	}
	if p.Fields, err = policies.Fields(p.Kind, stored); err != nil {
		return err
	}
	if p.Versions, err = d.Reader.PolicyVersions(ctx, p.Kind); err != nil {
		return err
	}
	if p.Proposals, err = d.Reader.PolicyProposals(ctx, p.Kind); err != nil {
		return err
	}
	d.Pages.Render(w, req, http.StatusOK, "policy", d.Pages.Word(req, "kind", p.Kind), p)
	return nil
}

// inWords is a policy as people read it: what it says, and whom it asks.
type inWords struct {
	policies.Words
	Rounds []policies.Round
}

func wordsOf(kind string, p policies.Policy) (inWords, error) {
	rounds, err := policies.Rounds(kind, p)
	words := inWords{policies.WordsOf(p), rounds}
	if kind == tier.Kind { // what each tier asks for is a table, with the words of both languages
		words.Rates = nil
	}
	return words, err
}

// stored reads a version of a policy; 0 is the newest.
func (d *Desk) stored(req *http.Request, kind string, version int) (views.Policy, policies.Policy, error) {
	if !policies.Known(kind) || version < 0 || version > math.MaxInt32 {
		return views.Policy{}, nil, page.NotFound
	}
	p, err := d.Reader.Policy(req.Context(), kind, version)
	if err != nil {
		return p, nil, err
	}
	policy, err := policies.Stored(kind, p.Body)
	return p, policy, err
}

// base reads the version that a form begins with; 0 is the newest. Nil: there is none.
func (d *Desk) base(req *http.Request, kind string, version int) (views.Policy, policies.Policy, error) {
	p, policy, err := d.stored(req, kind, version)
	if version == 0 && activities.IsNotFound(err) {
		return views.Policy{Kind: kind}, nil, nil
	}
	return p, policy, err
}

// newest is the version that a policy would follow, of an incentive plan that plan's; 0: there is none.
func (d *Desk) newest(req *http.Request, kind string, policy policies.Policy) (int, error) {
	plan := ""
	if p, ok := policy.(incentive.Policy); ok {
		plan = p.PlanName
	}
	all, err := d.Reader.NewestPolicies(req.Context())
	for _, v := range all {
		if v.Kind == kind && v.Plan == plan {
			return v.Version, err
		}
	}
	return 0, err
}

// policyForm is a policy as one edits it.
type policyForm struct {
	Kind    string
	Base    int // the version that one starts from; 0: none
	Fields  []policies.Field
	Faulty  bool
	Others  []policies.Fault // those about no field
	Checked bool             // it was looked at and is in order
	Words   inWords
	Changes []policies.Change
	Effects []views.PolicyEffect
	Note    string
	Key     string
	Refused refusal.List // why it was not proposed

	Roles      []string             // that one can choose
	People     []views.VendorPerson // the vendor's, who may be asked by name
	Conditions []condition.Field
}

// Units are what terms may count.
func (policyForm) Units() []string { return policies.Units }

// Relations are who may be asked whoever holds which role.
func (policyForm) Relations() []string { return policies.Relations }

// Lines tells whether a condition is entered as a line, in the language of policy files.
func (p policyForm) Lines() bool { return policies.Lined(p.Fields) }

// Faults are all that is wrong, each once, with the path of the field that it stands with.
func (p policyForm) Faults() []fieldFault {
	var all []fieldFault
	for _, f := range p.Others {
		all = append(all, fieldFault{Fault: f.Fault})
	}
	var walk func(fields []policies.Field)
	walk = func(fields []policies.Field) {
		for _, f := range fields {
			for _, w := range f.Wrong {
				if !slices.ContainsFunc(all, func(x fieldFault) bool { return x.Fault == w.Fault }) {
					all = append(all, fieldFault{f.Path, w.Fault})
				}
			}
			walk(f.Parts)
		}
	}
	walk(p.Fields)
	return all
}

type fieldFault struct{ Path, Fault string }

func (d *Desk) editPolicy(w http.ResponseWriter, req *http.Request, _ person.Person) error {
	version, _ := strconv.Atoi(req.URL.Query().Get("version")) //nolint:errcheck // as in policy
	stored, policy, err := d.base(req, req.PathValue("kind"), version)
	if err != nil {
		return err
	}
	p := policyForm{Kind: stored.Kind, Base: stored.Version, Key: uuid.NewString()}
	if p.Fields, err = policies.Fields(p.Kind, policy); err != nil {
		return err
	}
	return d.showForm(w, req, http.StatusOK, p)
}

func (d *Desk) showForm(w http.ResponseWriter, req *http.Request, status int, p policyForm) error {
	var err error
	if p.Roles, err = d.Reader.VendorRoles(req.Context()); err != nil {
		return err
	}
	for _, role := range policies.Roles(p.Fields) { // also those that nobody holds now
		if !slices.Contains(p.Roles, role) {
			p.Roles = append(p.Roles, role)
		}
	}
	if p.People, err = d.Reader.VendorPeople(req.Context()); err != nil {
		return err
	}
	p.Conditions = policies.Conditions(p.Kind)
	d.Pages.Render(w, req, status, "policy-edit", d.Pages.Text(req, "vendor.policy.edit-title", d.Pages.Word(req, "kind", p.Kind)), p)
	return nil
}

// enterPolicy looks at what was entered: what is wrong with it, what it changes, whom it would ask. Then it is proposed, if that was asked for. A button
// that adds, removes or moves a part gives the form back with everything else as it was entered.
func (d *Desk) enterPolicy(w http.ResponseWriter, req *http.Request, who person.Person) error {
	form, err := page.Form(w, req)
	if err != nil {
		return err
	}
	p := policyForm{Kind: req.PathValue("kind"), Note: form.Get("proposal_note"), Key: form.Get("proposal_key")}
	p.Base, _ = strconv.Atoi(form.Get("proposal_base")) //nolint:errcheck // 0 where it is no number: there was none
	_, before, err := d.base(req, p.Kind, p.Base)
	if err != nil {
		return err
	}
	p.Fields, err = policies.Form(p.Kind, form)
	if errors.Is(err, policies.ErrTooLong) {
		return page.Error{Status: http.StatusRequestEntityTooLarge, Key: "error.413"}
	}
	if err != nil {
		return err
	}
	if policies.Rearranges(p.Fields, form.Get("do")) {
		return d.showForm(w, req, http.StatusOK, p)
	}
	entered := policies.Enter(p.Kind, p.Fields)
	p.Fields, p.Others, p.Faulty = entered.Fields, entered.Others, len(entered.Faults) > 0
	if p.Faulty {
		return d.showForm(w, req, http.StatusUnprocessableEntity, p)
	}
	if form.Get("do") == "propose" {
		id, err := d.Programme.ProposePolicy(req.Context(), activities.ProposePolicyInput{
			Kind: p.Kind, Policy: entered.Policy, Base: p.Base, Note: p.Note, Person: who.ID, Key: p.Key, At: now(),
		})
		if p.Refused = activities.RefusalOf(err); p.Refused != nil {
			if p.Base, err = d.newest(req, p.Kind, entered.Policy); err != nil { // who is told of a newer one knows of it
				return err
			}
			return d.showForm(w, req, http.StatusUnprocessableEntity, p)
		}
		if err != nil {
			return err
		}
		page.Flash(w, req, "vendor.policy.proposed")
		http.Redirect(w, req, fmt.Sprintf("/policy-proposals/%d", id), http.StatusSeeOther)
		return nil
	}
	p.Checked = true
	if p.Words, err = wordsOf(p.Kind, entered.Policy); err != nil {
		return err
	}
	if p.Changes, p.Effects, err = d.effect(req, p.Kind, before, entered.Policy); err != nil {
		return err
	}
	return d.showForm(w, req, http.StatusOK, p)
}

// sampled is how many cases show what a policy would do.
const sampled = 12

// effect compares two policies: by their parameters, and by whom each would ask about cases that there were.
func (d *Desk) effect(req *http.Request, kind string, before, after policies.Policy) ([]policies.Change, []views.PolicyEffect, error) {
	changes, err := policies.Changes(kind, before, after)
	if err != nil {
		return nil, nil, err
	}
	effects, err := d.Reader.PolicyEffects(req.Context(), before, after, sampled)
	return changes, effects, err
}

// proposalPage is a proposed policy, beside the version that it would follow.
type proposalPage struct {
	views.PolicyProposal
	Words   inWords
	Changes []policies.Change
	Effects []views.PolicyEffect
	Newer   int  // the version that has overtaken an undecided one; 0: none
	Own     bool // the reader proposed it
	MaySet  bool
}

func (d *Desk) proposal(w http.ResponseWriter, req *http.Request, who person.Person) error {
	id, err := strconv.ParseInt(req.PathValue("proposal"), 10, 64)
	if err != nil {
		return page.NotFound
	}
	p := proposalPage{MaySet: setsPolicies(who)}
	if p.PolicyProposal, err = d.Reader.PolicyProposal(req.Context(), id); err != nil {
		return err
	}
	p.Own = p.ProposedBy == who.ID
	after, err := policies.Stored(p.Kind, p.Body)
	if err != nil {
		return err
	}
	if newest, err := d.newest(req, p.Kind, after); err != nil {
		return err
	} else if p.Outcome == "" && newest > p.Base {
		p.Newer = newest
	}
	var before policies.Policy // that it was proposed on top of
	if p.Base > 0 {
		if _, before, err = d.stored(req, p.Kind, p.Base); err != nil {
			return err
		}
	}
	if p.Words, err = wordsOf(p.Kind, after); err != nil {
		return err
	}
	if p.Changes, p.Effects, err = d.effect(req, p.Kind, before, after); err != nil {
		return err
	}
	d.Pages.Render(w, req, http.StatusOK, "proposal", d.Pages.Text(req, "vendor.proposal.heading", fmt.Sprint(id)), p)
	return nil
}

func (d *Desk) decideProposal(w http.ResponseWriter, req *http.Request, who person.Person) error {
	form, err := page.Form(w, req)
	if err != nil {
		return err
	}
	id, err := strconv.ParseInt(req.PathValue("proposal"), 10, 64)
	if err != nil {
		return page.NotFound
	}
	in := activities.DecideProposalInput{Proposal: id, Outcome: form.Get("outcome"), Person: who.ID, Reason: form.Get("reason"), At: now()}
	if _, err := d.Programme.DecideProposal(req.Context(), in); err != nil {
		return err
	}
	page.Flash(w, req, "vendor.proposal.done."+in.Outcome)
	http.Redirect(w, req, fmt.Sprintf("/policy-proposals/%d", id), http.StatusSeeOther)
	return nil
}
