// Package life is a programme that has lived for months: what `starter demo life` lays into an empty database, so that who tries
// the console has an inbox, and what the console's tests and pictures look at. Everything in it is made up.
package life

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"countersign/activities"
	"countersign/domain/approval"
	"countersign/domain/calendar"
	"countersign/domain/verification"
	"countersign/domain/withdrawal"
	"countersign/internal/documents"
	"countersign/views"

	"github.com/jmoiron/sqlx"
)

//go:embed programme.yaml
var programme string

// Account is somebody who may sign in to look around.
type Account struct {
	ID    string `json:"id"`
	About string `json:"about"`
}

// Keeper gives the others their accounts. Comes last, so a database that knows the keeper has all of the life.
const Keeper = "tang"

const keeper = `people: [{ id: ` + Keeper + `, name: Tang Yi, email: tang.yi@vendor.example, roles: [account-administrator] }]`

// Accounts are those who have the most to see.
var Accounts = []Account{
	{"lina", "Li Na, vendor finance: reviews and pays, most tasks of all"},
	{"chen", "Chen Jun, finance manager: signs large sums, what is overdue, policies, audit"},
	{"he", "He Qing, vendor operations: staff, specialists, lab credits, policies, calendar, figures"},
	{"han", "Han Lu, certification reviewer: a solution waits"},
	{"mei", "Mei Lin, administrator of partner P1001 Aurora Cloud: money, incentives, invoices, people"},
	{"bao", "Bao Shu, administrator of partner P1002 Bamboo Data: a withdrawal came back"},
}

// World is a programme and what its people did, each thing at its own instant of the past.
type World struct {
	Talk     string // a withdrawal in its second round, with documents and comments
	Returned string // one that waits for its partner's changes

	db    *sqlx.DB
	store *documents.Store
	now   time.Time
	plan  []planned
}

// act is something that somebody does at an instant.
type act func(ctx context.Context, at time.Time) error

type planned struct {
	at  time.Time
	act act
}

// days that the life began before today.
const days = 400

// Lived tells whether a database has this life, all of it. It is refused with ErrOther where there is another programme or a part of it only.
func Lived(ctx context.Context, db *sqlx.DB) (bool, error) {
	var found struct{ Whole, Other bool }
	err := db.GetContext(ctx, &found, `
		SELECT (SELECT count(*) FROM people WHERE person_id IN ($1, $2)) = 2 AS whole, EXISTS (SELECT 1 FROM partners) AS other`, Keeper, Accounts[0].ID)
	if err != nil {
		return false, fmt.Errorf("look for a programme: %w", err)
	}
	if found.Other && !found.Whole {
		return false, ErrOther
	}
	return found.Whole, nil
}

// ErrOther means that a database is not empty.
var ErrOther = errors.New("the database has a programme already, or a part of the demo's that was interrupted; the demo's life begins in an empty one")

// Live lays the life of the months before now into a migrated database that has no partners; told, which may be nil, gets the hours
// that were lived. The cases that it leaves open have no runs.
func Live(ctx context.Context, db *sqlx.DB, store *documents.Store, now time.Time, told views.Progress) (*World, error) {
	w := &World{db: db, store: store, now: now}
	began := w.ago(days, 9)
	if err := w.load(ctx, programme+calendars(now), began); err != nil {
		return nil, err
	}
	w.money()
	w.withdrawals()
	w.incentives()
	w.quarters()
	w.organisation()
	w.partnership()
	for len(w.plan) > 0 { // what was done may lead to more
		next := slices.MinFunc(w.plan, func(a, b planned) int { return a.at.Compare(b.at) })
		i := slices.IndexFunc(w.plan, func(p planned) bool { return p.at.Equal(next.at) })
		w.plan = slices.Delete(w.plan, i, i+1)
		if told != nil {
			told(int64(next.at.Sub(began)/time.Hour), int64(now.Sub(began)/time.Hour))
		}
		if err := w.clock(ctx, next.at); err != nil {
			return nil, err
		}
		if err := next.act(ctx, next.at); err != nil {
			return nil, fmt.Errorf("what happened at %s: %w", next.at.In(calendar.Zone).Format(time.DateTime), err)
		}
	}
	if err := w.clock(ctx, now); err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, `UPDATE outbox SET sent_at = written_at, body = CASE WHEN secret THEN '' ELSE body END WHERE sent_at IS NULL`); err != nil { // long ago: no mail server sends it now
		return nil, fmt.Errorf("deliver messages: %w", err)
	}
	return w, w.load(ctx, keeper, now)
}

// ago is an hour of a day in UTC+8, so many days before today.
func (w *World) ago(days, hour int) time.Time {
	return calendar.DateOf(w.now).AddDays(-days).Start().Add(time.Duration(hour) * time.Hour)
}

// on has something happen; what would be in the future does not.
func (w *World) on(at time.Time, do act) {
	if at.Before(w.now.Add(-time.Minute)) {
		w.plan = append(w.plan, planned{at, do})
	}
}

// clock does what deadlines asked for up to an instant, as the runs of the cases would have.
func (w *World) clock(ctx context.Context, at time.Time) error {
	for {
		var due []struct {
			Case string    `db:"case_number"`
			Kind string    `db:"kind"`
			Wake time.Time `db:"wake"`
		}
		if err := w.db.SelectContext(ctx, &due, dueSQL, at); err != nil {
			return fmt.Errorf("look at the clock: %w", err)
		}
		if len(due) == 0 {
			return nil
		}
		var err error
		in := activities.ClockInput{Case: due[0].Case, At: due[0].Wake}
		if due[0].Kind == withdrawal.Kind {
			_, err = w.acts().EscalateWithdrawal(ctx, in)
		} else {
			_, err = (&activities.Cases{DB: w.db}).Clock(ctx, in)
		}
		if err != nil {
			return fmt.Errorf("the clock of %s at %s: %w", in.Case, in.At, err)
		}
	}
}

const dueSQL = `
	SELECT case_number, kind, wake
	  FROM (SELECT c.case_number, c.kind, least(c.wake_at,
	               min(least(CASE WHEN t.reminded_at IS NULL THEN t.remind_at END, CASE WHEN t.escalated_at IS NULL THEN t.due_at END, t.default_at))) AS wake
	          FROM cases c LEFT JOIN tasks t ON t.case_number = c.case_number AND t.state = 'open'
	         WHERE c.closed_at IS NULL
	         GROUP BY c.case_number) w
	 WHERE wake <= $1
	 ORDER BY wake, case_number
	 LIMIT 1`

// calendars are the years around now that the programme has no holidays of: everything that is due needs its year (ENG-05).
func calendars(now time.Time) string {
	var b strings.Builder
	known := calendar.China().Years()
	for year := calendar.DateOf(now).Year - 2; year <= calendar.DateOf(now).Year+1; year++ {
		if !slices.Contains(known, year) {
			fmt.Fprintf(&b, "  - {year: %d, days: []}\n", year)
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "\ncalendar:\n" + b.String()
}

func (w *World) load(ctx context.Context, text string, at time.Time) error {
	file, err := activities.ParseProgramme([]byte(text))
	if err != nil {
		return err
	}
	_, err = (&activities.Programme{DB: w.db}).Load(ctx, file, "demo", at)
	return err
}

// says has somebody answer a task, if it is asked at all: small sums ask fewer people.
func (w *World) says(at time.Time, number, seat, person string, d approval.Decision) {
	w.on(at, func(ctx context.Context, at time.Time) error {
		d.Task, d.Person = number+"/"+seat, person
		d.Key = d.Task + "/" + string(d.Outcome)
		var asked bool
		if err := w.db.GetContext(ctx, &asked, `SELECT EXISTS (SELECT 1 FROM tasks WHERE task_id = $1)`, d.Task); err != nil || !asked {
			return err
		}
		var err error
		in := activities.DecideInput{Decision: d, At: at}
		if strings.HasPrefix(number, "W") {
			_, err = w.acts().DecideWithdrawal(ctx, in)
		} else {
			_, err = (&activities.Cases{DB: w.db}).Decide(ctx, in)
		}
		if err != nil {
			return fmt.Errorf("%s by %s: %w", d.Task, person, err)
		}
		return nil
	})
}

// Code sends somebody a verification code for a partner's withdrawals, and reads it where the mail would go.
func Code(ctx context.Context, db *sqlx.DB, person, partner string, at time.Time) (string, error) {
	if _, err := (&activities.Codes{DB: db}).SendCode(ctx, activities.SendCodeInput{Person: person, Scene: verification.Withdrawal, Target: partner, At: at}); err != nil {
		return "", err
	}
	messages, err := views.Reader{DB: db}.Outbox(ctx, person, false)
	if err != nil {
		return "", err
	}
	for _, m := range slices.Backward(messages) {
		if found := sixDigits.FindStringSubmatch(m.Body); found != nil {
			return found[1], nil
		}
	}
	return "", fmt.Errorf("%s has no message with a code", person)
}

var sixDigits = regexp.MustCompile(`code ([0-9]{6})\b`)
