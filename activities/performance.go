package activities

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"

	"countersign/domain/incentive"
	"countersign/domain/person"
	"countersign/domain/refusal"

	"github.com/jmoiron/sqlx"
)

// incentiveCommand is a command about performance or bills. It opens no case: a refusal of it is a row in refusals.
type incentiveCommand struct {
	Action, Person, Partner, Key string
	At                           time.Time
}

func (c *Calculations) command(ctx context.Context, cmd incentiveCommand, f func(tx *sqlx.Tx, who *person.Person) (refusal.List, error)) error {
	return Final(judged(ctx, c.DB, func(tx *sqlx.Tx) (refusal.List, error) {
		who, err := findPerson(ctx, tx, cmd.Person)
		if err != nil {
			return nil, err
		}
		return f(tx, who)
	}, func(tx *sqlx.Tx, list refusal.List) error {
		_, err := recordRefusal(ctx, tx, refusedRequest{
			Key: fmt.Sprintf("%s/%s/%s/%s/%s/%s", incentive.Kind, cmd.Action, cmd.Partner, cmd.Person, cmd.Key, cmd.At.Format(time.RFC3339Nano)),
			At:  cmd.At, Kind: incentive.Kind, Action: cmd.Action, Person: cmd.Person, Partner: cmd.Partner, RequestKey: cmd.Key,
		}, list)
		return err
	}))
}

// mustOperate is the guard of vendor operations.
func mustOperate(who *person.Person, id string) refusal.List {
	if who != nil && who.OfVendor() && who.Holds(person.VendorOperations) {
		return nil
	}
	return refusal.List{refusal.New("COM-16", "CBC.0151", "person "+id, "Only vendor operations do this: %q is not an active person of the vendor with the role %s.", id, person.VendorOperations)}
}

func capitalised(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// ReviewInput approves the performance of a month.
type ReviewInput struct {
	Period  incentive.Period
	Partner string // empty: all whose sheet waits for it
	Person  string
	At      time.Time
}

// ApprovePerformance makes first drafts final and bills them, each partner in a transaction of its own (PERF-14). A sheet that is final already bills what
// corrections have added since; a repeat does nothing.
func (c *Calculations) ApprovePerformance(ctx context.Context, in ReviewInput) ([]BillReport, error) {
	in.At = stored(in.At)
	partners := []string{in.Partner}
	if in.Partner == "" {
		if err := c.DB.SelectContext(ctx, &partners, `SELECT partner_id FROM performance_sheets WHERE period = $1 ORDER BY partner_id`, in.Period.First); err != nil {
			return nil, fmt.Errorf("list sheets: %w", err)
		}
		if len(partners) == 0 {
			partners = []string{""} // one refusal says that there is none
		}
	}
	reports := []BillReport{}
	for _, partner := range partners {
		report, err := c.approveSheet(ctx, in, partner)
		if err != nil {
			return reports, err
		}
		reports = append(reports, report)
	}
	return reports, nil
}

func (c *Calculations) approveSheet(ctx context.Context, in ReviewInput, partner string) (BillReport, error) {
	report := BillReport{Partner: partner, Bills: []string{}}
	err := c.command(ctx, incentiveCommand{Action: "approve performance", Person: in.Person, Partner: partner, At: in.At}, func(tx *sqlx.Tx, who *person.Person) (refusal.List, error) {
		list := mustOperate(who, in.Person)
		state, err := lockSheet(ctx, tx, partner, in.Period)
		if err != nil {
			return nil, err
		}
		object := fmt.Sprintf("performance sheet %s %s", partner, in.Period)
		switch state {
		case "":
			list = append(list, refusal.New("PERF-14", "ENG_STATE", object, "There is no performance of %s to approve; calculate it first.", in.Period))
		case incentive.Estimated:
			list = append(list, refusal.New("PERF-14", "ENG_STATE", object, "The sheet is an estimate: calculate %s once it is over, then approve the first draft.", in.Period))
		case incentive.FirstDraft, incentive.Final:
		}
		if len(list) > 0 {
			return list, nil
		}
		if state == incentive.FirstDraft {
			if err := makeFinal(ctx, tx, partner, in); err != nil {
				return nil, err
			}
		}
		for _, cadence := range []incentive.Cadence{incentive.Monthly, incentive.Quarterly, incentive.Yearly} {
			period := in.Period.Of(cadence)
			waits, err := unfinished(ctx, tx, partner, period, in.At)
			if err != nil {
				return nil, err
			}
			if waits != "" {
				continue // the period's last review bills it
			}
			ids, err := billPlans(ctx, tx, partner, period, cadence, in.At)
			if err != nil {
				return nil, err
			}
			report.Bills = append(report.Bills, ids...)
		}
		return nil, nil
	})
	return report, err
}

// lockSheet reads where a sheet stands and keeps others off it; "" when there is none.
func lockSheet(ctx context.Context, tx *sqlx.Tx, partner string, p incentive.Period) (state incentive.SheetState, err error) {
	err = tx.GetContext(ctx, &state, `SELECT state FROM performance_sheets WHERE partner_id = $1 AND period = $2 FOR UPDATE`, partner, p.First)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("lock sheet: %w", err)
	}
	return state, nil
}

func makeFinal(ctx context.Context, tx *sqlx.Tx, partner string, in ReviewInput) error {
	if _, err := tx.ExecContext(ctx, `
		UPDATE performance_sheets SET state = $4, reviewed_by = $5, reviewed_at = $6 WHERE partner_id = $1 AND period = $2 AND state = $3`,
		partner, in.Period.First, incentive.FirstDraft, incentive.Final, in.Person, in.At); err != nil {
		return fmt.Errorf("make sheet final: %w", err)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE performance_questions SET closed_at = $3 WHERE partner_id = $1 AND period = $2 AND closed_at IS NULL`,
		partner, in.Period.First, in.At); err != nil {
		return fmt.Errorf("close questions: %w", err)
	}
	return nil
}

// unfinished says why a partner's period cannot be billed yet: it runs, a month of it was not calculated after its end, or a sheet of it is not final (PERF-14).
// Empty: it can.
func unfinished(ctx context.Context, tx *sqlx.Tx, partner string, p incentive.Period, at time.Time) (string, error) {
	if at.Before(p.End()) {
		return fmt.Sprintf("%s is not over.", p), nil
	}
	var missing []string
	if err := tx.SelectContext(ctx, &missing, `
		SELECT to_char(m, 'YYYY-MM') || CASE WHEN s.partner_id IS NULL THEN ' was not calculated after its end.' ELSE ' is not final.' END
		  FROM generate_series($2::date, $3::date - 1, '1 month') m
		  LEFT JOIN performance_sheets s ON s.partner_id = $1 AND s.period = m::date
		 WHERE s.state <> 'final' OR s.partner_id IS NULL AND NOT EXISTS (
			SELECT 1 FROM calculations c WHERE c.period = m::date AND c.finished_at IS NOT NULL AND c.at >= (m + interval '1 month')::timestamp AT TIME ZONE interval '8 hours')
		 ORDER BY m LIMIT 1`, partner, p.First, p.After()); err != nil {
		return "", fmt.Errorf("look at sheets: %w", err)
	}
	if len(missing) == 0 {
		return "", nil
	}
	return missing[0], nil
}

// PerformanceQuestion is what a partner asks about a first draft.
type PerformanceQuestion struct {
	Key      string
	Partner  string
	Period   incentive.Period
	Person   string
	Question string
	At       time.Time
}

// AskAboutPerformance keeps a question about a first draft; the review closes it. The same key again keeps none.
func (c *Calculations) AskAboutPerformance(ctx context.Context, in PerformanceQuestion) error {
	in.At = stored(in.At)
	return c.command(ctx, incentiveCommand{Action: "question performance", Person: in.Person, Partner: in.Partner, Key: in.Key, At: in.At}, func(tx *sqlx.Tx, who *person.Person) (list refusal.List, err error) {
		if who == nil || !who.Active || who.PartnerID != in.Partner {
			list = append(list, refusal.New("COM-16", "CBC.0151", "person "+in.Person, "Only people of partner %s ask about its performance; %q is none.", in.Partner, in.Person))
		}
		if in.Question == "" {
			list = append(list, incentiveRules["perf_14_question"])
		}
		state, err := lockSheet(ctx, tx, in.Partner, in.Period)
		if err != nil {
			return nil, err
		}
		if state != incentive.FirstDraft {
			list = append(list, refusal.New("PERF-14", "ENG_STATE", fmt.Sprintf("performance sheet %s %s", in.Partner, in.Period),
				"Questions are about a first draft: this sheet is %q.", map[bool]string{true: "not there", false: string(state)}[state == ""]))
		}
		if len(list) > 0 {
			return list, nil
		}
		_, err = tx.ExecContext(ctx, `
			INSERT INTO performance_questions (key, partner_id, period, question, asked_by, asked_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (key) DO NOTHING`,
			in.Key, in.Partner, in.Period.First, in.Question, in.Person, in.At)
		return nil, err
	})
}
