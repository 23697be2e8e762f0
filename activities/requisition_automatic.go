package activities

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"countersign/domain/calendar"
	"countersign/domain/refusal"
	"countersign/domain/requisition"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
)

// SwitchAutomaticInput turns the automatic release of a row group on, to another method, or off.
type SwitchAutomaticInput struct {
	Partner, Person string
	Group           requisition.Group
	Method          requisition.Method // empty: off
	At              time.Time
}

// AutomaticSwitch is one row group's switch.
type AutomaticSwitch struct {
	Group  requisition.Group  `db:"row_group" json:"group"`
	Method requisition.Method `db:"method"    json:"method"`
	Since  time.Time          `db:"since"     json:"since"`
	SetBy  string             `db:"set_by"    json:"set_by"`
}

// SwitchAutomatic turns the switch and answers those that are on (PAY-23). The same again changes nothing.
func (q *Requisitions) SwitchAutomatic(ctx context.Context, in SwitchAutomaticInput) ([]AutomaticSwitch, error) {
	in.At = stored(in.At)
	err := judged(ctx, q.DB, func(tx *sqlx.Tx) (refusal.List, error) {
		res, err := tx.ExecContext(ctx, `SELECT 1 FROM partners WHERE partner_id = $1 FOR NO KEY UPDATE`, in.Partner)
		if err != nil {
			return nil, fmt.Errorf("lock partner %s: %w", in.Partner, err)
		}
		if err := one(res, unknown("partner", in.Partner)); err != nil {
			return nil, err
		}
		by, err := findPerson(ctx, tx, in.Person)
		if err != nil {
			return nil, err
		}
		if list := requisition.JudgeAutomatic(by, in.Person, in.Partner, in.Group, in.Method); len(list) > 0 {
			return list, nil
		}
		if _, err := tx.ExecContext(ctx, `
			UPDATE automatic_release SET until_at = greatest($4::timestamptz, since), ended_by = $5
			 WHERE partner_id = $1 AND row_group = $2 AND until_at IS NULL AND method <> $3`, in.Partner, in.Group, in.Method, in.At, in.Person); err != nil {
			return nil, fmt.Errorf("switch off: %w", err)
		}
		if in.Method == "" {
			return nil, nil
		}
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO automatic_release (partner_id, row_group, method, since, set_by) SELECT $1, $2, $3, $4, $5
			 WHERE NOT EXISTS (SELECT 1 FROM automatic_release WHERE partner_id = $1 AND row_group = $2 AND until_at IS NULL)`,
			in.Partner, in.Group, in.Method, in.At, in.Person); err != nil {
			return nil, fmt.Errorf("switch on: %w", err)
		}
		return nil, nil
	}, func(tx *sqlx.Tx, list refusal.List) error {
		_, err := recordRefusal(ctx, tx, refusedRequest{
			Key: fmt.Sprintf("automatic/%s/%s/%s/%s", in.Partner, in.Group, in.Person, in.At.Format(time.RFC3339Nano)), At: in.At, Kind: requisition.Kind, Action: "automatic",
			Person: in.Person, Partner: in.Partner,
		}, list)
		return err
	})
	if err != nil {
		return nil, Final(err)
	}
	return q.Automatic(ctx, in.Partner)
}

// Automatic answers a partner's switches that are on.
func (q *Requisitions) Automatic(ctx context.Context, partner string) ([]AutomaticSwitch, error) {
	switches := []AutomaticSwitch{}
	if err := q.DB.SelectContext(ctx, &switches, `
		SELECT row_group, method, since, set_by FROM automatic_release WHERE partner_id = $1 AND until_at IS NULL ORDER BY row_group`, partner); err != nil {
		return nil, Final(fmt.Errorf("read automatic release: %w", err))
	}
	return switches, nil
}

// AutomaticInput is when the automatic release looks.
type AutomaticInput struct{ At time.Time }

// AutomaticRelease looks for every partner whose incentive data is old enough on a day that was not looked at (PAY-19), totals
// what can be requested by row group (PAY-20), and answers the applications that have neither a case nor a refusal yet: the
// caller starts them. A repeat answers those that are still not started.
func (q *Requisitions) AutomaticRelease(ctx context.Context, in AutomaticInput) ([]requisition.Application, error) {
	in.At = stored(in.At)
	applications := []requisition.Application{}
	err := inTx(ctx, q.DB, func(tx *sqlx.Tx) error {
		if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtext('automatic release'))`); err != nil {
			return fmt.Errorf("lock automatic release: %w", err)
		}
		policy, err := requisitionPolicy(ctx, tx, 0, in.At)
		if err != nil {
			return err
		}
		if err := lookAutomatically(ctx, tx, policy, in.At); err != nil {
			return err
		}
		applications, err = notStarted(ctx, tx, in.At)
		return err
	})
	return applications, Final(err)
}

func lookAutomatically(ctx context.Context, tx *sqlx.Tx, policy requisition.Policy, at time.Time) error {
	due, err := dueLooks(ctx, tx, policy, at)
	if err != nil {
		return err
	}
	partners := slices.Sorted(maps.Keys(due))
	var rows []struct {
		Partner string `db:"partner_id"`
		requisition.Bill
	}
	if err := tx.SelectContext(ctx, &rows, `
		SELECT p AS partner_id, b.bill_id, b.association, b.period, b.generated_at, b.amount, b.output_tax_rate, b.payable, b.requestable, b.reason
		  FROM unnest($1::text[]) p, LATERAL bill_requestable(p, $2) b`, pq.Array(partners), at); err != nil {
		return fmt.Errorf("read bills: %w", err)
	}
	bills := map[string][]requisition.Bill{}
	for _, r := range rows {
		bills[r.Partner] = append(bills[r.Partner], r.Bill)
	}
	for _, partner := range partners {
		for _, l := range requisition.LookAt(policy, due[partner].switches, bills[partner]) {
			for i, day := range due[partner].days {
				outcome := l.Outcome
				if i > 0 && outcome == requisition.Requested { // an older day that nobody looked at: the newest one's request has it
					outcome = requisition.Nothing
				}
				if _, err := tx.ExecContext(ctx, `
					INSERT INTO automatic_looks (partner_id, row_group, day, method, total, outcome, looked_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
					partner, l.Group, day, l.Method, l.Total, outcome, at); err != nil {
					return fmt.Errorf("keep look: %w", err)
				}
			}
		}
	}
	return nil
}

// dueLook is a partner's switches, and the days that are to be looked at, the newest first.
type dueLook struct {
	switches map[requisition.Group]requisition.Method
	days     []calendar.Date
}

func dueLooks(ctx context.Context, tx *sqlx.Tx, policy requisition.Policy, at time.Time) (map[string]*dueLook, error) {
	var rows []struct {
		Partner string             `db:"partner_id"`
		Group   requisition.Group  `db:"row_group"`
		Method  requisition.Method `db:"method"`
		Day     calendar.Date      `db:"day"`
	}
	if err := tx.SelectContext(ctx, &rows, dueLooksSQL, policy.AutomaticDays, at); err != nil {
		return nil, fmt.Errorf("look for incentive data that is old enough: %w", err)
	}
	due := map[string]*dueLook{}
	for _, r := range rows {
		if due[r.Partner] == nil {
			due[r.Partner] = &dueLook{switches: map[requisition.Group]requisition.Method{}}
		}
		d := due[r.Partner]
		d.switches[r.Group] = r.Method
		if !slices.Contains(d.days, r.Day) {
			d.days = append(d.days, r.Day)
		}
	}
	return due, nil
}

// dueLooksSQL: the fifth day after data was generated has begun, the switch was on by then, and nobody has looked. A day of more
// than a month ago is over: its data was looked at with later data, or the programme was not there.
const dueLooksSQL = `
	SELECT a.partner_id, a.row_group, a.method, d.day
	  FROM automatic_release a, LATERAL (
		SELECT DISTINCT (b.generated_at AT TIME ZONE interval '8 hours')::date + $1::int AS day FROM bills b
		 WHERE b.partner_id = a.partner_id AND b.state <> 'VOID' AND b.generated_at BETWEEN $2::timestamptz - make_interval(days => $1::int + 32) AND $2) d
	 WHERE a.until_at IS NULL AND d.day <= ($2::timestamptz AT TIME ZONE interval '8 hours')::date AND a.since <= (d.day::timestamp AT TIME ZONE interval '8 hours')
	   AND NOT EXISTS (SELECT 1 FROM automatic_looks l WHERE (l.partner_id, l.row_group, l.day) = (a.partner_id, a.row_group, d.day))
	 ORDER BY d.day DESC, a.partner_id, a.row_group`

// notStarted lists the automatic requests that have neither a case nor a refusal yet.
func notStarted(ctx context.Context, tx *sqlx.Tx, at time.Time) ([]requisition.Application, error) {
	var rows []struct {
		Partner string             `db:"partner_id"`
		Group   requisition.Group  `db:"row_group"`
		Method  requisition.Method `db:"method"`
		Day     calendar.Date      `db:"day"`
	}
	if err := tx.SelectContext(ctx, &rows, `
		SELECT partner_id, row_group, method, day FROM automatic_looks l
		 WHERE outcome = $1 AND looked_at BETWEEN $2::timestamptz - interval '32 days' AND $2
		   AND NOT EXISTS (SELECT 1 FROM cases c WHERE (c.kind, c.partner_id, c.request_key) = ($3, l.partner_id, 'automatic/' || l.row_group || '/' || l.day))
		   AND NOT EXISTS (SELECT 1 FROM refusals r WHERE (r.kind, r.partner_id, r.request_key) = ($3, l.partner_id, 'automatic/' || l.row_group || '/' || l.day))
		 ORDER BY day, partner_id, array_position($4::text[], row_group)`,
		requisition.Requested, at, requisition.Kind, pq.Array(requisition.Groups)); err != nil {
		return nil, fmt.Errorf("look for automatic requests: %w", err)
	}
	applications := make([]requisition.Application, len(rows))
	for i, r := range rows {
		applications[i] = requisition.AutomaticApplication(r.Partner, r.Group, r.Method, r.Day)
	}
	return applications, nil
}
