package activities

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/money"
	"countersign/domain/refusal"
	"countersign/domain/tier"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// Tiers records what becomes of tier upgrades (TIER).
type Tiers struct{ DB *sqlx.DB }

// OpenTierUpgradeInput asks to open an upgrade.
type OpenTierUpgradeInput struct {
	Application tier.Application
	WorkflowID  string
	RunID       string
	At          time.Time
}

// OpenTierUpgrade judges an application by values that are read now, and opens its case: the snapshot kept, the review asked, in one
// step. The same request key answers the first case; a refusal opens nothing.
func (t *Tiers) OpenTierUpgrade(ctx context.Context, in OpenTierUpgradeInput) (Standing, error) {
	a, at := in.Application.Storable(), stored(in.At)
	n := newCase{
		Kind: tier.Kind, Prefix: "T", Partner: a.PartnerID, Submitter: a.Submitter, RequestKey: a.RequestKey, Digest: a.Digest(),
		WorkflowID: in.WorkflowID, RunID: in.RunID, At: at,
	}
	return n.open(ctx, t.DB, func(tx *sqlx.Tx) (string, refusal.List, error) {
		f, err := tierFacts(ctx, tx, a.PartnerID, a.Target, 0, "", at)
		if err != nil {
			return "", nil, err
		}
		if f.Submitter, err = findPerson(ctx, tx, a.Submitter); err != nil {
			return "", nil, err
		}
		snapshot, list := tier.Judge(a, f)
		if len(list) > 0 {
			return "", list, nil
		}
		c, err := n.insert(ctx, tx, moveTo{State: string(tier.UnderReview)}, f.Policy.Version)
		if err != nil {
			return "", nil, err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO tier_upgrades (case_number, partner_id, member_from, from_tier, target) VALUES ($1, $2, $3, $4, $5)`,
			c.Number, a.PartnerID, f.Membership.From, f.Current, a.Target); err != nil {
			return "", nil, fmt.Errorf("keep upgrade: %w", err)
		}
		if err := appendEvent(ctx, tx, event{
			Case: c.Number, Key: "submit", At: at, Actor: a.Submitter, Via: viaRequest, Action: "submit", To: string(tier.UnderReview), Rule: "TIER-02",
			Note: fmt.Sprintf("%s to %s", f.Current, a.Target),
		}); err != nil {
			return "", nil, err
		}
		list, err = askTierReview(ctx, tx, c, f.Policy, a, snapshot, at)
		return c.Number, list, err
	})
}

// ResubmitTierUpgradeInput is an application that was corrected after its rejection.
type ResubmitTierUpgradeInput struct {
	Case        string
	Application tier.Application // its request key is the resubmission's own
	At          time.Time
}

// ResubmitTierUpgrade submits a rejected upgrade again, for the next round of its review: judged like a new one, by values that are
// read anew (TIER-14). The same request key with the same body changes nothing.
func (t *Tiers) ResubmitTierUpgrade(ctx context.Context, in ResubmitTierUpgradeInput) (Standing, error) {
	a, at := in.Application.Storable(), stored(in.At)
	step := resubmitStep(t.DB, in.Case, a.RequestKey, a.Submitter, at)
	return step.do(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) {
		if done, list, err := sentBefore(ctx, tx, c.Number, tier.Review, a.RequestKey, a.Digest()); done || err != nil || len(list) > 0 {
			return list, err
		}
		u, err := readUpgrade(ctx, tx, c.Number)
		if err != nil {
			return nil, err
		}
		f, err := tierFacts(ctx, tx, c.Partner, u.Target, c.PolicyVersion, c.Number, at)
		if err != nil {
			return nil, err
		}
		if f.Submitter, err = findPerson(ctx, tx, a.Submitter); err != nil {
			return nil, err
		}
		var list refusal.List
		if a.PartnerID != c.Partner || a.Target != u.Target || f.Membership != nil && !f.Membership.From.Equal(u.MemberFrom) {
			list = append(list, refusal.New("COM-08", "CBC.0100", "case "+c.Number, "The upgrade is about %s of the membership of partner %s since %s; it is corrected, not changed into another one.",
				u.Target, c.Partner, calendar.DateOf(u.MemberFrom)))
		}
		snapshot, more := tier.Judge(a, f)
		if list = append(list, more...); len(list) > 0 {
			return list, nil
		}
		if _, err := tx.ExecContext(ctx, `UPDATE tier_upgrades SET from_tier = $2 WHERE case_number = $1`, c.Number, f.Current); err != nil {
			return nil, fmt.Errorf("change upgrade: %w", err)
		}
		e := step.event()
		e.Key, e.Rule = "resubmit/"+a.RequestKey, "TIER-02"
		if err := moveCase(ctx, tx, &c, moveTo{State: string(tier.UnderReview)}, e); err != nil {
			return nil, err
		}
		return askTierReview(ctx, tx, c, f.Policy, a, snapshot, at)
	})
}

// WithdrawTierUpgradeInput takes an upgrade back.
type WithdrawTierUpgradeInput struct {
	Case   string
	Key    string
	Person string
	At     time.Time
}

// WithdrawTierUpgrade ends an upgrade that is under review, for who filed it; the tier stays.
func (t *Tiers) WithdrawTierUpgrade(ctx context.Context, in WithdrawTierUpgradeInput) (Standing, error) {
	in.At = stored(in.At)
	step := caseStep{db: t.DB, number: in.Case, key: "withdraw/" + in.Key, actor: in.Person, via: viaRequest, action: "withdraw", at: in.At}
	return step.do(ctx, func(tx *sqlx.Tx, c caseRow) (refusal.List, error) {
		u, err := readUpgrade(ctx, tx, c.Number)
		if err != nil {
			return nil, err
		}
		by, err := findPerson(ctx, tx, in.Person)
		if err != nil {
			return nil, err
		}
		list := tier.JudgeFiler(by, in.Person, c.Number, c.Partner, u.Manager, u.Target)
		if c.State != string(tier.UnderReview) {
			list = append(list, refusal.New("ENG-03", "ENG_STATE", "case "+c.Number, "The upgrade is %s; only one that is under review is withdrawn.", c.State))
		}
		if len(list) > 0 {
			return list, nil
		}
		return nil, withdrawTier(ctx, tx, c, step.event())
	})
}

func withdrawTier(ctx context.Context, tx *sqlx.Tx, c caseRow, e event) error {
	return moveCase(ctx, tx, &c, moveTo{State: string(tier.Withdrawn), Ended: true}, e)
}

// PreviewTier is the upgrade page of a partner as it stands now (TIER-08); nothing is locked or kept.
func (t *Tiers) PreviewTier(ctx context.Context, partner string, at time.Time) (tier.Page, error) {
	var page tier.Page
	err := inTx(ctx, t.DB, func(tx *sqlx.Tx) error {
		f, err := tierFacts(ctx, tx, partner, "", 0, "", stored(at))
		if err == nil && !f.Known {
			err = unknown("partner", partner)
		}
		page = tier.Preview(partner, f)
		return err
	})
	return page, Final(err)
}

// tierPolicy reads one version of the policy for tier upgrades; version 0 is the newest.
func tierPolicy(ctx context.Context, tx sqlx.QueryerContext, version int) (p tier.Policy, err error) {
	p.Version, err = casePolicy(ctx, tx, tier.Kind, version, &p)
	return p, err
}

// tierFacts collects what an upgrade is judged by, the membership locked, so that one upgrade of it is judged at a time (TIER-12).
// The values are those of the target; of all tiers where none is named, for a preview, which locks nothing. Number is the case that
// is submitted again; empty: none.
func tierFacts(ctx context.Context, tx *sqlx.Tx, partner string, target tier.Tier, version int, number string, at time.Time) (tier.Facts, error) {
	f := tier.Facts{At: at, Values: map[tier.Tier]map[string]money.Amount{}}
	var err error
	if f.Policy, err = tierPolicy(ctx, tx, version); err != nil {
		return f, err
	}
	lock := ` FOR NO KEY UPDATE`
	if target == "" {
		lock = ``
	}
	var m tier.Membership
	err = tx.GetContext(ctx, &m, `
		SELECT from_at, until_at FROM plan_identities WHERE partner_id = $1 AND plan = $2 AND from_at = membership_of($1, $3)`+lock, partner, tier.Plan, at)
	if err == nil {
		f.Membership = &m
	} else if !errors.Is(err, sql.ErrNoRows) {
		return f, fmt.Errorf("read membership of %s: %w", partner, err)
	}
	var row struct {
		Manager string `db:"manager"`
		Tier    string `db:"tier"`
		Pending string `db:"pending"`
	}
	err = tx.GetContext(ctx, &row, `
		SELECT coalesce(ecosystem_manager, '') AS manager, coalesce(tier_of($1, $2), '') AS tier,
		       coalesce((SELECT case_number FROM tier_upgrades u WHERE u.partner_id = $1 AND u.member_from = membership_of($1, $2) AND under_review AND case_number <> $3), '') AS pending
		  FROM partners WHERE partner_id = $1`, partner, at, number)
	if errors.Is(err, sql.ErrNoRows) {
		return f, nil
	}
	if err != nil {
		return f, fmt.Errorf("read tier of %s: %w", partner, err)
	}
	f.Known, f.Manager, f.Current, f.Pending = true, row.Manager, tier.Tier(row.Tier), row.Pending
	if f.Accounts, err = companyPaths(ctx, tx, partner, at); err != nil {
		return f, err
	}
	for t, items := range f.Policy.Requirements {
		if target != t && target != "" {
			continue
		}
		f.Values[t] = map[string]money.Amount{}
		for _, i := range items {
			if f.Values[t][i.Code], err = tierValue(ctx, tx, partner, i, f.Accounts, at); err != nil {
				return f, err
			}
		}
	}
	return f, nil
}

// companyPaths reads the accounts of a partner's company with the paths that each is on at an instant (TIER-03).
func companyPaths(ctx context.Context, tx *sqlx.Tx, partner string, at time.Time) ([]tier.Account, error) {
	var rows []struct {
		Partner string `db:"partner_id"`
		Path    string `db:"path"`
		Stage   string `db:"stage"`
	}
	if err := tx.SelectContext(ctx, &rows, `
		SELECT a AS partner_id, coalesce(p.path, '') AS path, coalesce(path_stage(a, p.path, $2), '') AS stage
		  FROM company_accounts($1) a LEFT JOIN (SELECT DISTINCT partner_id, path FROM partner_paths) p ON p.partner_id = a ORDER BY a, p.path`, partner, at); err != nil {
		return nil, fmt.Errorf("read paths of %s: %w", partner, err)
	}
	accounts := []tier.Account{}
	for _, r := range rows {
		if len(accounts) == 0 || accounts[len(accounts)-1].ID != r.Partner {
			accounts = append(accounts, tier.Account{ID: r.Partner, Paths: []tier.Path{}})
		}
		if r.Stage != "" {
			last := &accounts[len(accounts)-1]
			last.Paths = append(last.Paths, tier.Path{Path: r.Path, Stage: r.Stage})
		}
	}
	return accounts, nil
}

// tierValue reads the present value of a requirement, over all accounts of the company; a person is linked to one of them. Evidence
// has no value: it is attached.
func tierValue(ctx context.Context, tx *sqlx.Tx, partner string, i tier.Item, accounts []tier.Account, at time.Time) (money.Amount, error) {
	var value money.Amount
	var query string
	var args []any
	switch i.Source {
	case tier.CertifiedPath:
		return i.PathsOf(accounts), nil
	case tier.Performance: // the complete months before that of the submission
		month := calendar.Date{Year: calendar.DateOf(at).Year, Month: calendar.DateOf(at).Month, Day: 1}
		query, args = `SELECT cash_performance($1, $2, $3)`, []any{partner, month.AddMonths(-i.Months), month}
	case tier.CertifiedStaff:
		query, args = `
			SELECT coalesce(sum(s.staff), 0) FROM company_accounts($1) a, certified_staff(a, $2) s WHERE s.level = ANY ($3)`, []any{partner, at, pq.Array(i.Of)}
	case tier.CapabilityLabels:
		query, args = `
			SELECT count(DISTINCT label) FROM capability_labels
			 WHERE partner_id IN (SELECT company_accounts($1)) AND obtained_on <= $2 AND (valid_until IS NULL OR valid_until >= $2) AND (cardinality($3::text[]) = 0 OR label = ANY ($3))`,
			[]any{partner, calendar.DateOf(at), pq.Array(append([]string{}, i.Of...))}
	case tier.Evidence:
		return money.Zero, nil
	}
	if err := tx.GetContext(ctx, &value, query, args...); err != nil {
		return value, fmt.Errorf("read %s of %s: %w", i.Code, partner, err)
	}
	return value, nil
}

// askTierReview keeps the snapshot of a submission and asks the review. The snapshot comes first: it is what is reviewed.
func askTierReview(ctx context.Context, tx *sqlx.Tx, c caseRow, policy tier.Policy, a tier.Application, snapshot []tier.Value, at time.Time) (refusal.List, error) {
	for n, v := range snapshot {
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO tier_items (case_number, round, n, code, chinese, english, source, target, current, document_id, read_at)
			SELECT $1, 1 + coalesce((SELECT max(round) FROM approvals WHERE case_number = $1 AND matter = $2), 0), $3, $4, $5, $6, $7, $8, $9, nullif($10, ''), $11`,
			c.Number, tier.Review.Name, n+1, v.Code, v.Chinese, v.English, v.Source, v.Target, v.Current, v.Document, at); err != nil {
			return nil, fmt.Errorf("keep requirement %s: %w", v.Code, err)
		}
	}
	application, err := sent(a, a.Digest())
	if err != nil {
		return nil, err
	}
	_, list, err := openRound(ctx, tx, c, matterOpening{
		Matter: tier.Review, Chain: policy.Chain(), OpenedBy: a.Submitter, At: at, From: at, Application: application,
		Facts:    approval.Facts{Values: tier.Values(a.Target)},
		Question: fmt.Sprintf("Does the partner hold the qualifications of the tier %s (%d requirements, all met)?", a.Target.Words(), len(snapshot)),
	})
	return list, err
}

// upgradeRow is what an upgrade has beside its case.
type upgradeRow struct {
	MemberFrom time.Time  `db:"member_from"`
	Until      *time.Time `db:"until_at"` // of the membership
	FromTier   tier.Tier  `db:"from_tier"`
	Target     tier.Tier  `db:"target"`
	Manager    string     `db:"manager"` // the partner's ecosystem manager; empty: none
}

func readUpgrade(ctx context.Context, tx *sqlx.Tx, number string) (upgradeRow, error) {
	var u upgradeRow
	if err := tx.GetContext(ctx, &u, `
		SELECT u.member_from, m.until_at, u.from_tier, u.target, coalesce(p.ecosystem_manager, '') AS manager
		  FROM tier_upgrades u JOIN partners p USING (partner_id) JOIN plan_identities m ON (m.partner_id, m.plan, m.from_at) = (u.partner_id, u.plan, u.member_from)
		 WHERE u.case_number = $1`, number); err != nil {
		return u, fmt.Errorf("read upgrade %s: %w", number, err)
	}
	return u, nil
}
