package views

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/domain"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/ledger"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/verification"
	"countersign/domain/withdrawal"
)

// Preview says what would happen to an application if it were submitted now: refused and why, or who is asked in which
// order, why, and by when. Nothing is kept of it.
type Preview struct {
	Partner       string            `json:"partner"`
	Submitter     string            `json:"submitter"`
	Route         withdrawal.Route  `json:"route"`
	Refused       refusal.List      `json:"refused"`
	Amount        *money.Amount     `json:"amount,omitempty"` // from here on only of what is not refused
	Payee         *withdrawal.Payee `json:"payee,omitempty"`
	PaidFrom      ledger.Account    `json:"paid_from,omitempty"`
	Lines         []withdrawal.Line `json:"lots,omitempty"`
	PolicyVersion int               `json:"policy_version"`
	ByRule        bool              `json:"approved_by_rule"`
	Rule          string            `json:"rule,omitempty"` // under which nobody reviews it
	Steps         []PreviewStep     `json:"steps"`
	Warnings      []string          `json:"warnings"`
}

// PreviewStep is one step as it would be asked.
type PreviewStep struct {
	Matter     string     `json:"matter"`
	Step       string     `json:"step"`
	Line       int        `json:"line,omitempty"`        // of the policy's chain, from 1; 0: it is not in it
	PolicyLine string     `json:"policy_line,omitempty"` // in words
	Why        string     `json:"why,omitempty"`         // the condition that asks for it
	Skipped    string     `json:"skipped,omitempty"`
	Asked      string     `json:"asked,omitempty"`
	Opens      string     `json:"opens,omitempty"` // now, or after which step
	OpensBy    *time.Time `json:"opens_by,omitempty"`
	DueAt      *time.Time `json:"due_at,omitempty"` // at the latest
	Counted    string     `json:"counted,omitempty"`
	Deciders   []Decider  `json:"deciders"` // who could decide now
	Warning    string     `json:"warning,omitempty"`
}

// Preview judges an application as if it were submitted at an instant. The verification code is left out: a preview sends none.
func (r Reader) Preview(ctx context.Context, app withdrawal.Application, at time.Time) (Preview, error) {
	return r.preview(ctx, "", app, at)
}

func (r Reader) preview(ctx context.Context, again string, app withdrawal.Application, at time.Time) (Preview, error) {
	app = app.Storable()
	if app.RequestKey == "" {
		app.RequestKey = "preview"
	}
	p := Preview{Partner: app.PartnerID, Submitter: app.Submitter, Route: app.Route, Refused: refusal.List{}, Steps: []PreviewStep{}, Warnings: []string{}}
	err := r.look(ctx, at, func(l look) error {
		v := previewer{look: l, p: &p, app: app, again: again}
		return v.run(ctx)
	})
	return p, err
}

type previewer struct {
	look
	p        *Preview
	app      withdrawal.Application
	again    string // the returned case whose next round it is; empty: a new application
	facts    withdrawal.Facts
	calendar *calendar.Calendar
}

func (v *previewer) run(ctx context.Context) (err error) {
	if v.facts, err = v.read(ctx); err != nil {
		return err
	}
	v.p.PolicyVersion = v.facts.Policy.Version
	if v.again != "" {
		if v.p.Refused, err = v.giveBack(ctx); err != nil || len(v.p.Refused) > 0 {
			return err
		}
	}
	plan, list := withdrawal.Judge(v.app, v.facts)
	if len(list) > 0 {
		v.p.Refused = list
		return nil
	}
	v.p.Amount, v.p.Payee, v.p.PaidFrom, v.p.Lines = &plan.Amount, &plan.Payee, plan.PaidFrom, plan.Lines
	if v.calendar, err = v.look.calendar(ctx); err != nil {
		return err
	}
	approvedBy := &v.at
	if plan.ApprovedByRule {
		v.p.ByRule, v.p.Rule = true, "WDL-17"
	} else if approvedBy, err = v.review(ctx, plan); err != nil {
		return err
	}
	return v.payment(ctx, approvedBy)
}

// read collects the facts that an application is judged by, as the opening transaction does under its locks.
func (v *previewer) read(ctx context.Context) (withdrawal.Facts, error) {
	f := withdrawal.Facts{At: v.at, Code: verification.Right}
	var err error
	if f.Policy, err = v.policy(ctx, 0); err != nil {
		return f, err
	}
	submitter, err := v.party(ctx, v.app.Submitter)
	switch {
	case err == nil:
		f.Submitter = &submitter.Person
	case !errors.Is(err, domain.ErrNotFound):
		return f, err
	}
	if f.Partner, err = v.partner(ctx, v.app.PartnerID); err != nil || f.Partner == nil {
		return f, err
	}
	if err := v.money(ctx, v.app.PartnerID, &f); err != nil {
		return f, err
	}
	account := v.app.Payee.AccountNo
	if v.app.Route == withdrawal.Original {
		account = withdrawal.OriginalAccount(v.app, f)
	}
	known, err := rows[string](ctx, v.q, "known branch", `
		SELECT w.branch FROM withdrawals w JOIN cases c USING (case_number)
		 WHERE c.partner_id = $1 AND w.account_no = $2 AND w.branch <> '' ORDER BY c.opened_at DESC LIMIT 1`, v.app.PartnerID, account) // WDL-14
	if len(known) > 0 {
		f.Branch = known[0]
	}
	return f, err
}

// partner reads a partner as the rules look at one; nil when there is none.
func (l look) partner(ctx context.Context, id string) (*withdrawal.Partner, error) {
	p, err := row[withdrawal.Partner](ctx, l.q, "partner", id, partnerSQL, id)
	if errors.Is(err, domain.ErrNotFound) {
		return nil, nil
	}
	return &p, err
}

// money reads what a partner has, owes and may take.
func (l look) money(ctx context.Context, partner string, f *withdrawal.Facts) (err error) {
	for _, part := range []struct {
		account ledger.Account
		amount  *money.Amount
	}{{ledger.Cash(partner), &f.Cash}, {ledger.Owed(partner), &f.Owed}, {ledger.Unposted(partner), &f.Unposted}} {
		b, err := row[Balance](ctx, l.q, "account", string(part.account), balanceSQL, part.account)
		if err != nil {
			return err
		}
		*part.amount = b.Balance
	}
	if f.Debts, err = row[money.Amount](ctx, l.q, "debts of", partner, debtsSQL, partner); err != nil {
		return err
	}
	f.Lots, err = rows[withdrawal.Lot](ctx, l.q, "lots", openLotsSQL, partner)
	return err
}

// review lays out the chain and answers when it is approved at the latest; nil: no term says so.
func (v *previewer) review(ctx context.Context, plan withdrawal.Plan) (*time.Time, error) {
	chain := v.facts.Policy.Chain(withdrawal.Review.Name)
	if v.as != "" {
		chain = byRole(chain)
	}
	f := approval.Facts{
		Fields: withdrawal.Fields, Amount: plan.Amount,
		Values: withdrawal.Values(plan.Amount, v.app.Route, v.facts.Partner.Kind, v.facts.Partner.Entity, v.facts.Submitter.OfVendor()),
	}
	if err := v.matterFacts(ctx, chain, v.app.PartnerID, v.app.Submitter, &f); err != nil {
		return nil, err
	}
	if v.again != "" {
		if err := v.former(ctx, plan, &f); err != nil {
			return nil, err
		}
	}
	planned, err := chain.Plan(f)
	if err != nil {
		return nil, err
	}
	words := chain.Words(withdrawal.Fields)
	opens, opensBy, over := "now", &v.at, &v.at // of the present group of parallel steps, and when all of it is decided at the latest
	var group []string
	for i, s := range planned.Steps {
		step := PreviewStep{Matter: withdrawal.Review.Name, Step: s.Name, Why: s.Why, Skipped: s.Skipped, Deciders: []Decider{}}
		if i < len(words) {
			step.Line, step.PolicyLine = i+1, words[i]
		}
		if s.Skipped != "" {
			step.Why = ""
			v.p.Steps = append(v.p.Steps, step)
			continue
		}
		if !s.Parallel && len(group) > 0 {
			opens, opensBy, group = "after "+strings.Join(group, " and "), over, nil
		}
		group = append(group, s.Name)
		step.Opens, step.OpensBy = opens, opensBy
		if err := v.layOut(ctx, &step, s, opensBy, planned.Owner); err != nil {
			return nil, err
		}
		over = later(over, step.DueAt, len(group) == 1)
		v.p.Steps = append(v.p.Steps, step)
	}
	v.enough(planned)
	return over, nil
}

// byRole is a chain for who is not told which people hold a role: where each of them is asked, it names the role.
func byRole(c approval.Chain) approval.Chain {
	c.Steps = slices.Clone(c.Steps)
	for i, s := range c.Steps {
		c.Steps[i].Who = slices.Clone(s.Who)
		for j := range s.Who {
			c.Steps[i].Who[j].Each = false
		}
	}
	return c
}

// later is the later of two instants, where no instant is later than any. The first step of a group begins anew.
func later(a, b *time.Time, anew bool) *time.Time {
	switch {
	case anew || b == nil:
		return b
	case a == nil || a.After(*b):
		return a
	}
	return b
}

// layOut says by when a step is due at the latest, and who could decide it now.
func (v *previewer) layOut(ctx context.Context, step *PreviewStep, s approval.PlannedStep, from *time.Time, owner person.Role) error {
	step.Asked = askedWords(s)
	term := s.Due
	if term.IsZero() && s.Default != nil {
		term = s.Default.After
	}
	turns := 1
	if s.Mode == approval.Sequence {
		turns = len(s.Seats) // each begins when the one before has decided
	}
	var words []string
	for range turns {
		if from == nil || term.IsZero() {
			step.DueAt = nil
			break
		}
		at, counted, err := closing(term, *from, v.calendar)
		if err != nil {
			return err
		}
		step.DueAt, from = at, at
		words = append(words, counted)
	}
	step.Counted = strings.Join(words, "; then ")
	barred := map[string]string{v.app.Submitter: "submits it"}
	seen := map[string]bool{}
	for _, seat := range s.Seats {
		able, _, err := v.deciders(ctx, seat, nil, barred)
		if err != nil {
			return err
		}
		if len(able) == 0 && v.as == "" {
			if err := v.nobody(ctx, step, seat, owner, barred); err != nil {
				return err
			}
		}
		for _, d := range able {
			if !seen[d.Person] {
				seen[d.Person] = true
				step.Deciders = append(step.Deciders, d)
			}
		}
	}
	return nil
}

// nobody warns that a seat would go to the process owner, and whether there is one.
func (v *previewer) nobody(ctx context.Context, step *PreviewStep, seat []approval.Who, owner person.Role, barred map[string]string) error {
	able, _, err := v.deciders(ctx, []approval.Who{approval.RoleWho(owner)}, nil, barred)
	if err != nil {
		return err
	}
	step.Warning = fmt.Sprintf("step %s: nobody of %s could decide now; it goes to the owner, role %s (%s)", step.Step, strings.Join(words(seat), " or "), owner, namesOf(able))
	v.p.Warnings = append(v.p.Warnings, step.Warning)
	return nil
}

// enough warns where the same few people would have to decide several steps: nobody decides twice in a round (ENG-02).
func (v *previewer) enough(planned approval.Plan) {
	if planned.RepeatSigners || v.as != "" {
		return
	}
	taken := map[string]int{} // by whom an approval is given, as an index into slots
	var slots [][]string
	need := 0
	for _, s := range v.p.Steps {
		p := planned.Step(s.Step)
		if s.Skipped != "" || s.Warning != "" {
			continue
		}
		need += p.Need
		for range p.Need {
			var ids []string
			for _, d := range s.Deciders {
				ids = append(ids, d.Person)
			}
			slots = append(slots, ids)
		}
	}
	found := 0
	for i := range slots {
		if assign(slots, i, taken, map[string]bool{}) {
			found++
		}
	}
	if found < need {
		v.p.Warnings = append(v.p.Warnings, fmt.Sprintf("%d approvals are needed, and nobody decides twice in a round (ENG-02): the people who are there now can give %d; the rest goes to the owner, role %s",
			need, found, planned.Owner))
	}
}

// assign finds somebody for a slot, and somebody else for those whom it takes them from.
func assign(slots [][]string, slot int, taken map[string]int, tried map[string]bool) bool {
	for _, id := range slots[slot] {
		if tried[id] {
			continue
		}
		tried[id] = true
		if other, busy := taken[id]; !busy || assign(slots, other, taken, tried) {
			taken[id] = slot
			return true
		}
	}
	return false
}

// payment lays out sending and confirming, whose one term runs from approval.
func (v *previewer) payment(ctx context.Context, approvedBy *time.Time) error {
	for i, m := range []approval.Matter{withdrawal.Send, withdrawal.Confirm} {
		s, err := paymentPlan(v.facts.Policy, m, v.p.ByRule)
		if err != nil {
			return err
		}
		step := PreviewStep{Matter: m.Name, Step: s.Name, Deciders: []Decider{}, Opens: "after approval", OpensBy: approvedBy}
		if v.p.ByRule {
			step.Opens, step.Why = "now", "the rule WDL-17 approves it: wallet money by its original route, below the risk amount"
		}
		if i == 1 {
			step.Opens, step.Why, step.OpensBy = "after send", "", nil
		}
		if err := v.layOut(ctx, &step, s, approvedBy, v.facts.Policy.Chain(m.Name).Owner); err != nil {
			return err
		}
		v.p.Steps = append(v.p.Steps, step)
	}
	return nil
}
