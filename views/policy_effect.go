package views

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/domain/approval"
	"countersign/domain/condition"
	"countersign/domain/money"
	"countersign/domain/requisition"
	"countersign/domain/withdrawal"
)

// PolicyVersion is one version of a kind's policy, without its content.
type PolicyVersion struct {
	Kind    string    `db:"kind"    json:"kind"`
	Version int       `db:"version" json:"version"`
	SetBy   string    `db:"set_by"  json:"set_by"`
	SetAt   time.Time `db:"set_at"  json:"set_at"`
	Plan    string    `db:"plan"    json:"plan,omitempty"` // of incentives
}

// NewestPolicies lists the newest version of each kind, of incentives that of each plan.
func (r Reader) NewestPolicies(ctx context.Context) ([]PolicyVersion, error) {
	return rows[PolicyVersion](ctx, r.DB, "policies", `
		SELECT DISTINCT ON (kind, plan) kind, version, set_by, set_at, coalesce(body ->> 'plan_name', '') AS plan FROM policies ORDER BY kind, plan, version DESC`)
}

// PolicyVersions lists the versions of a kind, the newest first.
func (r Reader) PolicyVersions(ctx context.Context, kind string) ([]PolicyVersion, error) {
	return rows[PolicyVersion](ctx, r.DB, "policies", `
		SELECT kind, version, set_by, set_at, coalesce(body ->> 'plan_name', '') AS plan FROM policies WHERE kind = $1 ORDER BY version DESC`, kind)
}

// PolicyProposal is a new version that somebody proposed.
type PolicyProposal struct {
	ID         int64           `db:"proposal_id" json:"proposal"`
	Kind       string          `db:"kind"        json:"kind"`
	Body       json.RawMessage `db:"body"        json:"policy"`
	Base       int             `db:"base"        json:"base"`
	Note       string          `db:"note"        json:"note"`
	ProposedBy string          `db:"proposed_by" json:"proposed_by"`
	ProposedAt time.Time       `db:"proposed_at" json:"proposed_at"`
	Outcome    string          `db:"outcome"     json:"outcome,omitempty"` // empty: undecided
	DecidedBy  string          `db:"decided_by"  json:"decided_by,omitempty"`
	DecidedAt  *time.Time      `db:"decided_at"  json:"decided_at,omitempty"`
	Reason     string          `db:"reason"      json:"reason,omitempty"`
	Version    int             `db:"version"     json:"version,omitempty"` // that it became
}

const proposalSQL = `
	SELECT proposal_id, kind, body, base, note, proposed_by, proposed_at, coalesce(outcome, '') AS outcome, coalesce(decided_by, '') AS decided_by, decided_at, reason,
	       coalesce(version, 0) AS version
	  FROM policy_proposals`

// PolicyProposals lists proposals, the newest first: of a kind those of any age, at most twenty; of all kinds those that nobody decided.
func (r Reader) PolicyProposals(ctx context.Context, kind string) ([]PolicyProposal, error) {
	return rows[PolicyProposal](ctx, r.DB, "proposals", proposalSQL+` WHERE kind = $1 OR $1 = '' AND outcome IS NULL ORDER BY proposal_id DESC LIMIT 20`, kind)
}

// PolicyProposal reads one.
func (r Reader) PolicyProposal(ctx context.Context, id int64) (PolicyProposal, error) {
	return row[PolicyProposal](ctx, r.DB, "proposal", fmt.Sprint(id), proposalSQL+` WHERE proposal_id = $1`, id)
}

// PolicyEffect is who would be asked about one case that there was, under two policies.
type PolicyEffect struct {
	Case    string       `json:"case"`
	Partner string       `json:"partner"`
	Amount  money.Amount `json:"amount"`
	Before  []string     `json:"before"` // a line a step
	After   []string     `json:"after"`
}

// Differs tells whether the new policy asks others, or gives other terms.
func (e PolicyEffect) Differs() bool { return !slices.Equal(e.Before, e.After) }

// sampleCase is what a chain of either kind is planned by.
type sampleCase struct {
	Case      string            `db:"case_number"`
	Partner   string            `db:"partner_id"`
	Submitter string            `db:"submitter"`
	OnBehalf  bool              `db:"on_behalf"` // one of the vendor's people submitted it
	Kind      string            `db:"partner_kind"`
	Entity    string            `db:"entity"`
	Amount    money.Amount      `db:"amount"`
	Route     withdrawal.Route  `db:"route"` // of a withdrawal, as is the source
	Source    withdrawal.Source `db:"source"`
	Method    string            `db:"method"` // of a requisition, as is the scope
	Scope     string            `db:"scope"`
}

// PolicyEffects plans the review of the newest cases of a kind under two policies of it, as if each were submitted now. Only reviews of
// withdrawals and of requisitions follow a chain by what the case is about; of other policies there is nothing to compare.
func (r Reader) PolicyEffects(ctx context.Context, before, after any, limit int) ([]PolicyEffect, error) {
	samples, lay := samplesSQL[withdrawal.Kind], withdrawalSteps
	switch after.(type) {
	case withdrawal.Policy:
	case requisition.Policy:
		samples, lay = samplesSQL[requisition.Kind], requisitionSteps
	default:
		return nil, nil
	}
	effects := []PolicyEffect{}
	err := r.look(ctx, time.Time{}, func(l look) error {
		cases, err := rows[sampleCase](ctx, l.q, "sample cases", samples, limit)
		if err != nil {
			return err
		}
		for _, c := range cases {
			e := PolicyEffect{Case: c.Case, Partner: c.Partner, Amount: c.Amount}
			if e.Before, err = lay(ctx, l, before, c); err != nil {
				return err
			}
			if e.After, err = lay(ctx, l, after, c); err != nil {
				return err
			}
			effects = append(effects, e)
		}
		return nil
	})
	return effects, err
}

var samplesSQL = map[string]string{
	withdrawal.Kind: `
		SELECT c.case_number, c.partner_id, c.submitter, s.partner_id IS NULL AS on_behalf, p.kind AS partner_kind, p.entity, w.amount, w.route,
		       coalesce((SELECT l.source FROM withdrawal_lines wl JOIN lots l USING (lot_no) WHERE wl.case_number = c.case_number ORDER BY wl.lot_no LIMIT 1), '') AS source
		  FROM withdrawals w JOIN cases c USING (case_number) JOIN partners p ON p.partner_id = c.partner_id JOIN people s ON s.person_id = c.submitter
		 ORDER BY c.case_number DESC LIMIT $1`,
	requisition.Kind: `
		SELECT c.case_number, c.partner_id, c.submitter, false AS on_behalf, p.kind AS partner_kind, r.signing_entity AS entity, r.settlement AS amount, r.method, r.scope
		  FROM requisitions r JOIN cases c USING (case_number) JOIN partners p ON p.partner_id = c.partner_id
		 ORDER BY c.case_number DESC LIMIT $1`,
}

func withdrawalSteps(ctx context.Context, l look, policy any, c sampleCase) ([]string, error) {
	p, ok := policy.(withdrawal.Policy)
	if !ok {
		return nil, nil // there was none before
	}
	if p.ApprovesByRule(c.Route, c.Source, c.Amount) {
		return []string{"nobody reviews it (WDL-17)"}, nil
	}
	return l.steps(ctx, p.Chain(withdrawal.Review.Name), c, withdrawal.Fields, withdrawal.Values(c.Amount, c.Route, c.Kind, c.Entity, c.OnBehalf))
}

func requisitionSteps(ctx context.Context, l look, policy any, c sampleCase) ([]string, error) {
	p, ok := policy.(requisition.Policy)
	if !ok {
		return nil, nil
	}
	values := requisition.Values(c.Amount, requisition.Method(c.Method), requisition.Scope(c.Scope), c.Kind, c.Entity)
	return l.steps(ctx, p.Chain(requisition.RequisitionReview.Name), c, requisition.Fields, values)
}

// steps says a chain as it applies to a case, a line a step.
func (l look) steps(ctx context.Context, chain approval.Chain, c sampleCase, fields []condition.Field, values condition.Values) ([]string, error) {
	f := approval.Facts{Fields: fields, Amount: c.Amount, Values: values}
	if err := l.matterFacts(ctx, chain, c.Partner, c.Submitter, &f); err != nil {
		return nil, err
	}
	plan, err := chain.Plan(f)
	if err != nil {
		return nil, err
	}
	lines := []string{}
	for _, s := range plan.Steps {
		if s.Skipped != "" {
			lines = append(lines, s.Name+": skipped, "+s.Skipped)
			continue
		}
		line := s.Name + ": " + askedWords(s)
		if !s.Due.IsZero() {
			line += ", within " + s.Due.Words()
		}
		if s.Parallel {
			line = strings.Replace(line, ": ", " (at the same time): ", 1)
		}
		lines = append(lines, line)
	}
	return lines, nil
}
