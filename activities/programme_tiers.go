package activities

import (
	"context"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/refusal"
	"countersign/domain/tier"
)

// TierRecord is a tier that a membership has already.
type TierRecord struct {
	Partner string    `yaml:"partner"`
	Tier    tier.Tier `yaml:"tier"`
	From    time.Time `yaml:"from"` // within the membership
}

// LabelRecord is a capability label that an account obtained.
type LabelRecord struct {
	Partner  string        `yaml:"partner"`
	Label    string        `yaml:"label"`
	Obtained calendar.Date `yaml:"obtained"`
	Until    calendar.Date `yaml:"valid_until"` // last day, in full; left out: without end
}

// tiers come after the memberships that have them. A tier is laid in once: what was said of an instant stays.
func (l *loading) tiers(ctx context.Context, f ProgrammeFile) error {
	for _, t := range f.Tiers {
		from := stored(t.From)
		var known tier.Tier
		if err := l.tx.GetContext(ctx, &known, `
			SELECT coalesce((SELECT tier FROM partner_tiers WHERE partner_id = $1 AND member_from = membership_of($1, $2) AND from_at = $2), '')`, t.Partner, from); err != nil {
			return err
		}
		if known == t.Tier {
			continue
		}
		var member *time.Time
		if err := l.tx.GetContext(ctx, &member, `SELECT membership_of($1, $2)`, t.Partner, from); err != nil {
			return err
		}
		switch {
		case member == nil:
			return refusal.List{refusal.New("TIER-02", "TIER_NO_MEMBERSHIP", "partner "+t.Partner, "No membership in the solution provider plan holds at %s; lay it in first.", calendar.DateOf(from))}
		case known != "":
			return refusal.List{refusal.New("PGM-12", "ENG_STATE", "partner "+t.Partner, "The tier at %s is kept as %s and stays; a later one has a later instant.", calendar.DateOf(from), known)}
		}
		if err := l.exec(ctx, "tier of "+t.Partner, `INSERT INTO partner_tiers (partner_id, member_from, from_at, tier, set_by) VALUES ($1, $2, $3, $4, $5)`,
			t.Partner, member, from, t.Tier, l.by); err != nil {
			return err
		}
	}
	for _, b := range f.Labels {
		if err := l.exec(ctx, "label of "+b.Partner, `
			INSERT INTO capability_labels (partner_id, label, obtained_on, valid_until) VALUES ($1, $2, $3, $4)
			ON CONFLICT (partner_id, label, obtained_on) DO UPDATE SET valid_until = excluded.valid_until WHERE capability_labels.valid_until IS DISTINCT FROM excluded.valid_until`,
			b.Partner, b.Label, b.Obtained, b.Until); err != nil {
			return err
		}
	}
	return nil
}
