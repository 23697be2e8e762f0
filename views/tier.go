package views

import (
	"context"
	"time"

	"countersign/domain/money"
	"countersign/domain/tier"

	"github.com/lib/pq"
)

// TierUpgrade is one application for a higher tier, as the page of applied plans shows it (TIER-07).
type TierUpgrade struct {
	Case        string         `db:"case_number"  json:"case"`
	Partner     string         `db:"partner_id"   json:"partner"`
	From        tier.Tier      `db:"from_tier"    json:"from"`
	Target      tier.Tier      `db:"target"       json:"target"`
	State       tier.State     `db:"state"        json:"state"`
	Since       time.Time      `db:"since"        json:"since"`                  // in this state
	Node        string         `db:"node"         json:"node,omitempty"`         // the step of the review that is asked now; empty: none
	Who         pq.StringArray `db:"who"          json:"who"`                    // asked by it
	EffectiveAt *time.Time     `db:"effective_at" json:"effective_at,omitempty"` // of the approval (TIER-11)
	Certificate string         `db:"certificate"  json:"certificate,omitempty"`
}

const tierUpgradesSQL = `
	SELECT u.case_number, u.partner_id, u.from_tier, u.target, c.state, u.effective_at,
	       (SELECT max(e.at) FROM events e WHERE e.case_number = u.case_number AND e.from_state <> e.to_state) AS since,
	       coalesce((SELECT string_agg(DISTINCT t.step, ', ') FROM tasks t WHERE t.case_number = u.case_number AND t.state = 'open'), '') AS node,
	       ARRAY(SELECT DISTINCT w FROM tasks t, unnest(t.candidates) w WHERE t.case_number = u.case_number AND t.state = 'open' ORDER BY w) AS who,
	       coalesce((SELECT certificate_no FROM certificates f WHERE f.case_number = u.case_number), '') AS certificate
	  FROM tier_upgrades u JOIN cases c USING (case_number)`

// Tier is the tier of a partner's membership at an instant; empty: it is no member then.
func (r Reader) Tier(ctx context.Context, partner string, at time.Time) (tier.Tier, error) {
	return row[tier.Tier](ctx, r.q(), "partner", partner, `SELECT coalesce(tier_of(partner_id, $2), '') FROM partners WHERE partner_id = $1`, partner, at)
}

// TierUpgrades lists a partner's upgrades, the newest first.
func (r Reader) TierUpgrades(ctx context.Context, partner string) ([]TierUpgrade, error) {
	if err := r.mustExist(ctx, "partner", partner, partnerExistsSQL); err != nil {
		return nil, err
	}
	return rows[TierUpgrade](ctx, r.q(), "upgrades", tierUpgradesSQL+` WHERE u.partner_id = $1 ORDER BY c.opened_at DESC, u.case_number DESC`, partner)
}

// TierUpgradeDetail is one upgrade with what each submission was judged by.
type TierUpgradeDetail struct {
	TierUpgrade
	Rounds []TierRound `json:"rounds"`
}

// TierRound is one submission: the snapshot, and what came of it.
type TierRound struct {
	Round     int         `db:"round"     json:"round"`
	Submitter string      `db:"opened_by" json:"submitter"`
	At        time.Time   `db:"opened_at" json:"at"`
	Outcome   string      `db:"outcome"   json:"outcome,omitempty"` // empty: undecided
	Opinion   string      `db:"opinion"   json:"opinion,omitempty"`
	Items     []TierValue `db:"-"         json:"items"`
}

// TierValue is a requirement with its value as it was read then (TIER-14).
type TierValue struct {
	Round    int          `db:"round"    json:"-"`
	Code     string       `db:"code"     json:"code"`
	Chinese  string       `db:"chinese"  json:"zh"`
	English  string       `db:"english"  json:"en"`
	Source   tier.Source  `db:"source"   json:"source"`
	Target   money.Amount `db:"target"   json:"target"`
	Current  money.Amount `db:"current"  json:"current"`
	Document string       `db:"document" json:"document,omitempty"`
}

// TierUpgradeOf reads one upgrade.
func (r Reader) TierUpgradeOf(ctx context.Context, number string) (TierUpgradeDetail, error) {
	var d TierUpgradeDetail
	var err error
	if d.TierUpgrade, err = row[TierUpgrade](ctx, r.q(), "tier upgrade", number, tierUpgradesSQL+` WHERE u.case_number = $1`, number); err != nil {
		return d, err
	}
	if d.Rounds, err = rows[TierRound](ctx, r.q(), "rounds", `
		SELECT a.round, a.opened_by, a.opened_at, a.outcome,
		       coalesce((SELECT s.reason FROM `+r.remarks()+` s WHERE (s.case_number, s.matter, s.round) = (a.case_number, a.matter, a.round) AND s.reason <> '' ORDER BY s.seq DESC LIMIT 1), '') AS opinion
		  FROM approvals a WHERE a.case_number = $1 AND a.matter = $2 ORDER BY a.round`, number, tier.Review.Name); err != nil {
		return d, err
	}
	items, err := rows[TierValue](ctx, r.q(), "requirements", `
		SELECT round, code, chinese, english, source, target, current, coalesce(document_id, '') AS document FROM tier_items WHERE case_number = $1 ORDER BY round, n`, number)
	for _, i := range items {
		d.Rounds[i.Round-1].Items = append(d.Rounds[i.Round-1].Items, i)
	}
	return d, err
}
