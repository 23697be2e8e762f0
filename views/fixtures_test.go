package views_test

import (
	"context"
	"regexp"
	"testing"
	"time"

	"countersign/activities"
	"countersign/demo"
	"countersign/domain/approval"
	"countersign/domain/verification"
	"countersign/domain/withdrawal"
	"countersign/internal/pgtest"
	"countersign/views"

	"github.com/jmoiron/sqlx"
	"github.com/stretchr/testify/require"
)

// loaded is when the programme was laid in; opened is when the cases began, a day later.
var (
	loaded = time.Date(2026, 11, 2, 1, 0, 0, 0, time.UTC)
	opened = time.Date(2026, 11, 3, 2, 0, 0, 0, time.UTC) // 10:00 in UTC+8
)

// vendor is a house with the demo programme in it.
type vendor struct {
	views.Reader
	*activities.Withdrawals
	t  *testing.T
	db *sqlx.DB
}

func newVendor(t *testing.T) vendor {
	db := pgtest.New(t)
	file, err := activities.ParseProgramme(demo.Programme)
	require.NoError(t, err)
	_, err = (&activities.Programme{DB: db}).Load(t.Context(), file, "test", loaded)
	require.NoError(t, err)
	return vendor{views.Reader{DB: db}, &activities.Withdrawals{DB: db, Channel: activities.ByHand{}}, t, db}
}

var code = regexp.MustCompile(`code ([0-9]{6})`)

// open applies for a withdrawal of P1001.
func (v vendor) open(by string, route withdrawal.Route, amount, key string) string {
	v.t.Helper()
	ctx := context.Background()
	_, err := (&activities.Codes{DB: v.db}).SendCode(ctx, activities.SendCodeInput{Person: by, Scene: verification.Withdrawal, Target: "P1001", At: opened})
	require.NoError(v.t, err)
	messages, err := v.Outbox(ctx, by, false)
	require.NoError(v.t, err)
	var sent string
	for _, m := range messages {
		if found := code.FindStringSubmatch(m.Body); found != nil {
			sent = found[1]
		}
	}
	now, err := v.OpenWithdrawal(ctx, activities.OpenWithdrawalInput{WorkflowID: "withdrawal/P1001/" + key, RunID: "run-" + key, At: opened, Application: withdrawal.Application{
		RequestKey: key, PartnerID: "P1001", Submitter: by, Route: route, Amount: amount, Code: sent,
		Payee: withdrawal.Payee{Holder: "Alpha Cloud Ltd", AccountNo: "6222020200112233", Bank: "ICBC", Branch: "Beijing West"},
	}})
	require.NoError(v.t, err)
	return now.Case
}

func (v vendor) decide(number string, kind approval.Matter, d approval.Decision, at time.Time) {
	v.t.Helper()
	d.Task = approval.TaskID(number, kind.Name, 1)
	if d.Person == "" {
		d.Person = "li"
	}
	if d.Key == "" {
		d.Key = d.Task
	}
	_, err := v.DecideWithdrawal(context.Background(), activities.DecideInput{Decision: d, At: at})
	require.NoError(v.t, err)
}

// lived is a house with cases in every state that holds, gives back or spends money: W000001 paid with a part returned
// late, W000002 returned by the bank, W000003 refused, W000004 under review, W000005 approved.
func lived(t *testing.T) vendor {
	v := newVendor(t)
	paid := v.open("alice", withdrawal.Incentive, "2000.00", "a")
	v.decide(paid, withdrawal.Review, approval.Decision{Outcome: approval.Approve}, opened.Add(time.Minute))
	v.decide(paid, withdrawal.Send, approval.Decision{Outcome: withdrawal.Sent}, opened.Add(2*time.Minute))
	v.decide(paid, withdrawal.Confirm, approval.Decision{Outcome: withdrawal.Arrived, Amount: "2000.00", Reference: "B-1"}, opened.Add(24*time.Hour))
	_, err := v.ReportLateReturn(t.Context(), activities.ReportLateReturnInput{Case: paid, Person: "li", Amount: "500.00", Reference: "R-1", At: opened.Add(25 * time.Hour)})
	require.NoError(t, err)
	v.decide(paid, withdrawal.LateReturn, approval.Decision{Person: "wang", Outcome: withdrawal.Arrived, Amount: "500.00", Reference: "R-1"}, opened.Add(26*time.Hour))

	returned := v.open("alice", withdrawal.Original, "3000.00", "b")
	v.decide(returned, withdrawal.Review, approval.Decision{Outcome: approval.Approve}, opened.Add(time.Minute))
	v.decide(returned, withdrawal.Send, approval.Decision{Outcome: withdrawal.Sent}, opened.Add(2*time.Minute))
	v.decide(returned, withdrawal.Confirm, approval.Decision{Outcome: withdrawal.Bounced, Reason: "account closed"}, opened.Add(3*time.Minute))

	refused := v.open("alice", withdrawal.BankCard, "100.00", "c")
	v.decide(refused, withdrawal.Review, approval.Decision{Outcome: approval.Reject, Reason: "papers are missing"}, opened.Add(time.Minute))

	v.open("wang", withdrawal.BankCard, "1000.00", "d")

	approved := v.open("alice", withdrawal.BankCard, "700.00", "e")
	v.decide(approved, withdrawal.Review, approval.Decision{Outcome: approval.Approve}, opened.Add(time.Minute))
	return v
}
