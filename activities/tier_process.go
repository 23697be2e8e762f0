package activities

import (
	"context"
	"fmt"
	"time"

	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/certificate"
	"countersign/domain/money"
	"countersign/domain/person"
	"countersign/domain/refusal"
	"countersign/domain/tier"

	"github.com/jmoiron/sqlx"
)

// tierProcess is what the machinery of cases asks about a tier upgrade.
type tierProcess struct{}

func (tierProcess) matter(name string) approval.Matter { return tier.MatterOf(name) }

func (tierProcess) facts(ctx context.Context, tx *sqlx.Tx, c caseRow) (caseFacts, error) {
	policy, err := tierPolicy(ctx, tx, c.PolicyVersion)
	return caseFacts{Signals: policy.DecideBySignal, OwnSide: func(p person.Person) bool { return tier.MayAct(p, c.Partner) && !p.OfVendor() }}, err
}

// guard: nobody decides what they filed, in whichever round; also not the ecosystem manager who files for Core (PGM-07).
func (tierProcess) guard(ctx context.Context, tx *sqlx.Tx, c caseRow, r *round, _ taskRow, d approval.Decision, m approval.Move) (refusal.List, error) {
	return notOwn(ctx, tx, c, r, d, m)
}

// conclude ends a review: the tier rises at the instant of the approval (TIER-11), or stays as it is (TIER-15).
func (tierProcess) conclude(ctx context.Context, tx *sqlx.Tx, c caseRow, r *round, end conclusion) (refusal.List, error) {
	u, err := readUpgrade(ctx, tx, c.Number)
	if err != nil {
		return nil, err
	}
	e, to := end.e, moveTo{State: string(tier.Approved), Ended: true}
	e.Rule = "TIER-11"
	if end.outcome != approval.Approve {
		e.Rule, to = "TIER-15", moveTo{State: string(tier.Rejected), WakeAt: u.Until}
		to.Ended = u.Until != nil && calendar.Late(e.At, *u.Until)
	} else if list, err := u.mayRise(ctx, tx, c, e.At); err != nil || len(list) > 0 {
		return list, err
	}
	if err := r.close(ctx, tx, end); err != nil {
		return nil, err
	}
	if err := moveCase(ctx, tx, &c, to, e); err != nil {
		return nil, err
	}
	if c.State == string(tier.Approved) {
		if err := u.rise(ctx, tx, c, end.line.Person, e.At); err != nil {
			return nil, err
		}
	}
	return nil, tellTier(ctx, tx, c, u, fmt.Sprintf("%s@%d", c.State, r.number), end.line.Reason, e.At)
}

// mayRise looks again at what may have changed since the submission, the membership locked and read anew: it may have ended or have
// another end, another one may hold by now, or its tier is the target already.
func (u *upgradeRow) mayRise(ctx context.Context, tx *sqlx.Tx, c caseRow, at time.Time) (refusal.List, error) {
	if err := tx.GetContext(ctx, &u.Until, `SELECT until_at FROM plan_identities WHERE (partner_id, plan, from_at) = ($1, $2, $3) FOR NO KEY UPDATE`, c.Partner, tier.Plan, u.MemberFrom); err != nil {
		return nil, fmt.Errorf("lock membership of %s: %w", c.Partner, err)
	}
	var now struct {
		Tier tier.Tier `db:"tier"`
		Same bool      `db:"same"`
	}
	if err := tx.GetContext(ctx, &now, `SELECT coalesce(tier_of($1, $2), '') AS tier, membership_of($1, $2) IS NOT DISTINCT FROM $3 AS same`, c.Partner, at, u.MemberFrom); err != nil {
		return nil, fmt.Errorf("read tier of %s: %w", c.Partner, err)
	}
	var member *tier.Membership
	if now.Same {
		member = &tier.Membership{From: u.MemberFrom, Until: u.Until}
	}
	return tier.JudgeApproval(c.Partner, u.Target, member, now.Tier, at), nil
}

// rise gives the membership its new tier, and the partner the level by which its incentives are looked up, unless that day has one.
// The certificate is issued anew, with the end that it had.
func (u upgradeRow) rise(ctx context.Context, tx *sqlx.Tx, c caseRow, by string, at time.Time) error {
	if _, err := tx.ExecContext(ctx, `UPDATE tier_upgrades SET effective_at = $2 WHERE case_number = $1`, c.Number, at); err != nil {
		return fmt.Errorf("keep approval: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO partner_tiers (partner_id, member_from, from_at, tier, case_number, set_by) VALUES ($1, $2, $3, $4, $5, $6)`,
		c.Partner, u.MemberFrom, at, u.Target, c.Number, by); err != nil {
		return fmt.Errorf("raise tier: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `
		INSERT INTO partner_levels (partner_id, starts, level, set_by, set_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (partner_id, starts) DO NOTHING`,
		c.Partner, calendar.DateOf(at), u.Target.Level(), by, at); err != nil {
		return fmt.Errorf("raise level: %w", err)
	}
	if u.Until == nil { // a membership without end has none that a certificate could state
		return nil
	}
	_, err := issueCertificate(ctx, tx, certificateOf{
		Kind: certificate.Plan, Partner: c.Partner, Subject: tier.Plan, Name: tier.PlanWords, Grade: string(u.Target), Case: c.Number, Cycle: 1, From: at, Until: *u.Until, At: at,
	})
	return err
}

func (tierProcess) overdueRule(context.Context, *sqlx.Tx, caseRow, approval.Matter) (string, error) {
	return "", nil
}

// clock ends a rejected upgrade with its membership; where that was prolonged meanwhile, the upgrade can be submitted for as long.
func (tierProcess) clock(ctx context.Context, tx *sqlx.Tx, c caseRow, e event, now time.Time) (refusal.List, error) {
	u, err := readUpgrade(ctx, tx, c.Number)
	if err != nil {
		return nil, err
	}
	if u.Until == nil || calendar.Open(now, *u.Until) || c.State != string(tier.Rejected) {
		next := u.Until
		if c.State != string(tier.Rejected) {
			next = nil
		}
		return nil, setWake(ctx, tx, c.Number, next)
	}
	e.Key, e.At, e.Action, e.Rule, e.Note = "membership-over", *c.WakeAt, "close", "TIER-02", "the membership has ended; the upgrade stays rejected"
	return nil, moveCase(ctx, tx, &c, moveTo{State: c.State, Ended: true}, e)
}

// stop: nothing is held that would have to be given back. What is under review is withdrawn; what is rejected stays so.
func (tierProcess) stop(ctx context.Context, tx *sqlx.Tx, c caseRow, e event) (refusal.List, error) {
	if c.State == string(tier.UnderReview) {
		return nil, withdrawTier(ctx, tx, c, e)
	}
	return nil, moveCase(ctx, tx, &c, moveTo{State: c.State, Ended: true}, e)
}

func (tierProcess) about(ctx context.Context, tx *sqlx.Tx, number string) (money.Amount, string, error) {
	u, err := readUpgrade(ctx, tx, number)
	return money.Zero, fmt.Sprintf("tier upgrade from %s to %s", u.FromTier, u.Target), err
}

// tellTier tells the partner's people what became of an upgrade, for Core also its ecosystem manager (TIER-06): a message on the
// site and a mail each.
func tellTier(ctx context.Context, tx *sqlx.Tx, c caseRow, u upgradeRow, step, note string, at time.Time) error {
	subject, body := tier.Notice(tier.State(c.State), tier.NoticeData{Case: c.Number, Partner: c.Partner, Target: u.Target, At: at, Until: u.Until, Note: note})
	key := fmt.Sprintf("%s/%s/%s", tier.Kind, c.Number, step)
	if u.Target == tier.Core {
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO outbox (key, person_id, subject, body, written_at, next_at) SELECT $1 || '/' || person_id, person_id, $2, $3, $4, $4 FROM people
			 WHERE person_id = $5 AND active`, key, subject, body, at, u.Manager); err != nil {
			return fmt.Errorf("notify manager: %w", err)
		}
	}
	return notifyPartner(ctx, tx, c, tier.Applicants, subject, body, key, at)
}
